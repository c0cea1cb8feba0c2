"""What is told of the grammar beside the classes is true: each example is read, and each mistake refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from gatekeeper.config.convert import expand_at
from gatekeeper.config.document import read_document
from gatekeeper.config.failures import Failures
from gatekeeper.config.grammar import (
    PATH_TEMPLATE,
    SHORT,
    SHORT_LISTEN,
    SHORT_TARGETS,
    TYPES,
    VALUES,
    all_keys,
    default_words,
    type_words,
)
from gatekeeper.config.model import (
    AuditFileConfig,
    BackoffConfig,
    BalanceConfig,
    BudgetConfig,
    ConcurrencyConfig,
    GatewayConfig,
    HealthConfig,
    InstanceConfig,
    ListenerConfig,
    RetriesConfig,
    RewriteConfig,
    RouteConfig,
    ServiceConfig,
    SinkConfig,
    StickyConfig,
    TargetConfig,
)
from gatekeeper.config.structure import Reader
from gatekeeper.config.units import UNITS, Duration, Name, Version
from gatekeeper.core import text as values
from gatekeeper.core.text import Text, Value
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.template import PathTemplate
from tests.config import plugin
from tests.config.loading import load_text


def parsed(text: str) -> Any:
    """A value as a file has it."""
    return read_document(f"a: {text}\n", "x").data["a"]


CATALOG = PluginHost().catalog
PLACES = {
    ListenerConfig: ("server", "listen", "a"),
    RewriteConfig: ("routes", "a", "rewrite"),
    TargetConfig: ("routes", "a", "to", "b"),
    StickyConfig: ("routes", "a", "sticky"),
    ConcurrencyConfig: ("server", "concurrency"),
}


SERVICE = "version: 1\nservices: {{{{a: {{{{instances: [http://a], {}: {{}}}}}}}}}}"
AUDIT = "version: 1\nservices: {{{{a: http://a}}}}\nobserve: {{{{audit: {{{{to: [{}]}}}}}}}}"
WHOLE = {
    SinkConfig: AUDIT.format("{}"),
    AuditFileConfig: AUDIT.format("{{file: {}}}"),
    ServiceConfig: "version: 1\nservices: {{a: {}}}",
    InstanceConfig: "version: 1\nservices: {{a: {{instances: [{}]}}}}",
    BalanceConfig: SERVICE.format("balance"),
    HealthConfig: SERVICE.format("health"),
    RetriesConfig: SERVICE.format("retries"),
    BackoffConfig: "version: 1\nservices: {{a: {{instances: [http://a], retries: {{backoff: {}}}}}}}",
    BudgetConfig: "version: 1\nservices: {{a: {{instances: [http://a], retries: {{budget: {}}}}}}}",
}
"""What means more than the expansion tells: what nobody says, parts, and what is off."""


@pytest.mark.parametrize(
    ("cls", "short", "long"),
    [(cls, short, long) for cls, forms in SHORT.items() for short, long in forms.items()],
)
def test_short_forms_mean_what_is_said(cls: Any, short: str, long: str) -> None:
    """To whoever expands them."""
    if cls in WHOLE:
        assert read(WHOLE[cls].format(short)) == read(WHOLE[cls].format(long))
    else:
        assert parsed(long) == expand_at(CATALOG, PLACES[cls], parsed(short))


def read(text: str) -> GatewayConfig:
    return load_text(text, CATALOG, template=PathTemplate.parse, environ={})


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("version: 1\nserver: {{listen: {}}}", SHORT_LISTEN),
        (
            "version: 1\nservices: {{users: http://a, v2: http://b}}\nroutes: {{a: {{match: /, to: {}}}}}",
            SHORT_TARGETS,
        ),
    ],
)
def test_short_forms_of_mappings_mean_what_is_said(text: str, forms: Mapping[str, str]) -> None:
    """To the loader."""
    for short, long in forms.items():
        assert read(text.format(short)) == read(text.format(long))


@pytest.mark.parametrize(
    ("name", "text", "is_taken"),
    [(name, text, True) for name, words in TYPES.items() for text in words.written]
    + [(name, text, False) for name, words in TYPES.items() for text in words.refused],
)
def test_values_are_written_as_is_said(name: str, text: str, is_taken: bool, tmp_path: Path) -> None:
    """And what is said to be refused is."""
    kind = TYPES[name].kind
    if kind == PATH_TEMPLATE:
        try:
            PathTemplate.parse(parsed(text))
        except ValueError:
            assert not is_taken
        else:
            assert is_taken
        return
    reader = Reader(tmp_path)
    reader.read(parsed(text), kind)

    assert is_taken == (not reader.faults)


def test_no_unit_is_forgotten() -> None:
    """Each has a name in the reference."""
    kinds = [words.kind for words in TYPES.values()]

    assert [] == [unit for unit in UNITS if unit not in kinds and type_words(unit) not in {"1", *TYPES}]


def test_no_value_is_forgotten() -> None:
    """All that a text may insert."""
    assert set(VALUES) == {*values._PLAIN, *(f"{space}.NAME" for space in values._NAMED)}
    for name in VALUES:
        assert str(Value(name)) == name
        assert Text(f"{{{name}}}").names == (name,)


@pytest.mark.parametrize("cls", [GatewayConfig, ServiceConfig])
def test_keys_that_no_class_has_are_told(cls: Any) -> None:
    """They have a line of help too."""
    found = all_keys(cls)

    assert {"include", "environments", "defaults"} <= set(found) or "like" in found
    assert [] == [key for key, field in found.items() if not field.metadata.get("help")]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Duration, "Duration"),
        (Version, "1"),
        (dict[Name, int], "name -> whole number"),
        (tuple[str, ...], "list of text"),
        (tuple[int, str], "list: whole number, text"),
        (list, "list of anything"),
        (plugin.NoOptions, "no options"),
        (plugin.LimitOptions, "{most, mode, windows, off}"),
        (RouteConfig, "Route"),
        (plugin.Country, "Country"),
        (Duration | None, "Duration"),
        (HealthConfig | Literal[False], "health check or false"),
        (Failures, "list of Failure"),
    ],
)
def test_types_in_words(kind: Any, words: str) -> None:
    """As the grammar calls them."""
    assert words == type_words(kind)


@pytest.mark.parametrize(
    ("cls", "key", "words"),
    [
        (RouteConfig, "match", "required"),
        (RouteConfig, "to", "-"),
        (RouteConfig, "priority", "0"),
        (RouteConfig, "filters", "[]"),
        (RouteConfig, "description", '""'),
        (ServiceConfig, "timeouts", "on"),
        (ServiceConfig, "concurrency", "{limit: 1000, queue: 100, wait: 1s}"),
        (ServiceConfig, "balance", "round_robin"),
        (ServiceConfig, "health", "http"),
        (ServiceConfig, "host_header", "client"),
        (HealthConfig, "timeout", "5s"),
        (RetriesConfig, "if", '["connect", "reset"]'),
        (InstanceConfig, "id", "see there"),
        (TargetConfig, "pin", "-"),
        (plugin.LimitOptions, "most", "1KiB"),
        (plugin.LimitOptions, "off", "false"),
    ],
)
def test_defaults_in_words(cls: Any, key: str, words: str) -> None:
    """As a file has them."""
    assert words == default_words(all_keys(cls)[key])
