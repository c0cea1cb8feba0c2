"""What is not available yet."""

from typing import Any

import attrs
import pytest

from gatekeeper.config import model
from gatekeeper.config.later import LATER_KINDS, is_later, section
from gatekeeper.config.problems import Path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), ""),
        (("server", "listen", "main"), "server.listen.*"),
        (("services", "users", "instances", 0), "services.*.instances"),
        (("routes", "users", "match", 1), "routes.*.match"),
        (("routes", "filters"), "routes.*"),
        (("routes", "filters", "filters", 0), "filters"),
        (("filters", 0, "transform", "request"), "filters.transform.request"),
        (("services", "users", "filters", 2, "transform"), "filters.transform"),
    ],
)
def test_a_section_is_the_same_whatever_the_names(path: Path, expected: str) -> None:
    """And filters are the same wherever they stand."""
    assert expected == section(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("include",), True),
        (("services", "include"), False),
        (("server", "workers"), True),
        (("services", "users", "health"), True),
        (("services", "users", "instances", 0, "weight"), True),
        (("routes", "users", "match", "header"), True),
        (("routes", "users", "filters", 0, "when"), True),
        (("routes", "users", "filters", 0, "transform", "request", "body"), True),
        (("services", "users", "timeouts"), False),
    ],
)
def test_keys_of_the_grammar_that_have_no_feature_yet(path: Path, expected: bool) -> None:
    """They are refused as such."""
    assert expected is is_later(path)


@pytest.mark.parametrize(
    ("path", "cls"),
    [
        ((), model.GatewayConfig),
        (("server",), model.ServerConfig),
        (("server", "listen", "x"), model.ListenerConfig),
        (("admin",), model.AdminConfig),
        (("services", "x"), model.ServiceConfig),
        (("services", "x", "instances"), model.InstanceConfig),
        (("services", "x", "timeouts"), model.TimeoutsConfig),
        (("routes", "x"), model.RouteConfig),
        (("routes", "x", "match"), model.MatchConfig),
        (("filters", 0), model.FilterConfig),
    ],
)
def test_no_field_is_both_there_and_yet_to_come(path: Path, cls: Any) -> None:
    """A key leaves the table when its feature comes."""
    assert [field.name for field in attrs.fields(cls) if is_later((*path, field.name))] == []


def test_use_is_a_kind_to_come() -> None:
    """It stands where a kind stands."""
    assert "use" in LATER_KINDS
