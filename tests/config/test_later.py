"""What is not available yet."""

from typing import Any

import pytest

from gatekeeper.config import model
from gatekeeper.config.later import LATER_KINDS, is_later, later_in, section
from gatekeeper.config.problems import Path
from gatekeeper.config.wording import keys
from gatekeeper.extend.host import PluginHost


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
        (("chains", "partner", 0), "filters"),
        (("chains", "partner", 0, "transform"), "filters.transform"),
        (("routes", "users", "override", "transform", "request"), "filters.transform.request"),
        (("routes", "users", "override"), "routes.*.override"),
        (("routes", "users", "to", "orders"), "routes.*.to.*"),
        (("defaults", "services"), "defaults.services"),
        (("defaults", "services", "timeouts"), "services.*.timeouts"),
        (("defaults", "services", "balance", "hash"), "services.*.balance.hash"),
        (("services", "users", "health", "http"), "services.*.health.http"),
        (("providers", "portal"), "providers.*"),
        (("admin", "users", "me"), "admin.users.*"),
        (("services",), "services"),
        (("authenticators",), "authenticators"),
        (("routes", "users", "to"), "routes.*.to"),
        (("server", "listen"), "server.listen"),
    ],
)
def test_a_section_is_the_same_whatever_the_names(path: Path, expected: str) -> None:
    """And filters are the same wherever they stand."""
    assert expected == section(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("tenants",), True),
        (("services", "tenants"), False),
        (("server", "reload", "run_tests"), True),
        (("services", "users", "hedge"), True),
        (("services", "hedge"), False),
        (("routes", "users", "to", "rollout"), False),
        (("services", "users", "health"), False),
        (("services", "users", "instances", 0, "dns"), True),
        (("services", "users", "instances", 0, "weight"), False),
        (("providers", "portal", "tenant"), True),
        (("providers", "portal", "may_provide", 1, "consumers"), True),
        (("admin", "users", "me", "tenants"), True),
        (("server", "reload", "run_tests"), True),
        (("defaults", "services", "hedge"), True),
        (("routes", "users", "filters", 0, "budget"), True),
        (("chains", "partner", 0, "budget"), True),
        (("routes", "users", "filters", 0, "transform", "request", "body"), True),
        (("routes", "users", "override", "transform", "request", "body"), True),
        (("defaults", "services", "concurrency", "limit", "auto"), True),
        (("services", "users", "concurrency", "limit"), False),
        (("server", "concurrency", "limit", "auto"), True),
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
        (("server", "timeouts"), model.ServerTimeoutsConfig),
        (("admin",), model.AdminConfig),
        (("admin", "users", "x"), model.AdminUserConfig),
        (("server", "reload"), model.ReloadConfig),
        (("providers", "x"), model.ProviderConfig),
        (("services", "x", "balance"), model.BalanceConfig),
        (("services", "x", "health"), model.HealthConfig),
        (("services", "x", "outliers"), model.OutliersConfig),
        (("services", "x", "retries"), model.RetriesConfig),
        (("services", "x", "pool"), model.PoolConfig),
        (("services", "x"), model.ServiceConfig),
        (("services", "x", "instances"), model.InstanceConfig),
        (("services", "x", "timeouts"), model.TimeoutsConfig),
        (("routes", "x"), model.RouteConfig),
        (("routes", "x", "to", "y"), model.TargetConfig),
        (("defaults",), model.DefaultsConfig),
        (("defaults", "services"), model.ServiceDefaultsConfig),
        (("defaults", "routes"), model.RouteDefaultsConfig),
        (("filters", 0), model.FilterConfig),
    ],
)
def test_no_field_is_both_there_and_yet_to_come(path: Path, cls: Any) -> None:
    """A key leaves the table when its feature comes."""
    assert [key for key in keys(cls) if is_later((*path, key))] == []


def test_no_kind_is_both_there_and_yet_to_come(host: PluginHost) -> None:
    """A kind leaves the table when its plugin comes."""
    assert LATER_KINDS.isdisjoint(host.catalog.filters)
    assert later_in("filter") == LATER_KINDS
    assert later_in("provider").isdisjoint(host.catalog.providers)
    assert "sql" in later_in("provider")


def test_the_keys_of_a_place() -> None:
    """None, where all of its features are there."""
    assert later_in("admin") == {"tls"}
    assert later_in("routes.*.rewrite") == frozenset()
