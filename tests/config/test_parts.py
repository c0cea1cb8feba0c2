"""Parts: a kind with its options, and what all kinds share. What they refuse is in the corpus, file by file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from gatekeeper.config.convert import convert
from gatekeeper.config.document import read_document
from gatekeeper.config.model import (
    BalanceConfig,
    FilterConfig,
    GatewayConfig,
    HealthConfig,
    ProviderConfig,
    ServiceConfig,
)
from gatekeeper.config.parts import FILTER, SORTS, Part, PartReader
from gatekeeper.config.tree import tree_of
from gatekeeper.config.wording import keys
from gatekeeper.core.text import Value
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.template import PathTemplate
from tests.config.plugin import KINDS, AskOptions, FeedOptions, KnockOptions, NoOptions, ShardedOptions


def read(text: str) -> tuple[GatewayConfig, list[str]]:
    tree = tree_of(read_document("version: 1\n" + text, "f"))
    config, faults = convert(tree, KINDS, PathTemplate.parse)
    assert config is not None
    return config, [fault.message for fault in tree.faults + faults]


def service(text: str) -> tuple[ServiceConfig, list[str]]:
    config, messages = read(f"services: {{a: {{instances: [http://a], {text}}}}}")
    return config.services["a"], messages


SHARDED = ShardedOptions(by=Value("address"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("", BalanceConfig(options=NoOptions()), id="nothing-is-said"),
        pytest.param("balance: round_robin", BalanceConfig(options=NoOptions()), id="a-kind-alone"),
        pytest.param("balance: true", BalanceConfig(options=NoOptions()), id="true"),
        pytest.param("balance: {}", BalanceConfig(options=NoOptions()), id="no-kind"),
        pytest.param("balance: {round_robin: true}", BalanceConfig(options=NoOptions()), id="a-kind-true"),
        pytest.param(
            "balance: {slow_start: 5s}",
            BalanceConfig(options=NoOptions(), slow_start=5.0),
            id="shared-keys-alone",
        ),
        pytest.param(
            "balance: weighted_round_robin", BalanceConfig(options=NoOptions()), id="another-name-of-a-kind"
        ),
        pytest.param(
            "balance: {weighted_round_robin: {}, panic_below: 20%}",
            BalanceConfig(options=NoOptions(), panic_below=0.2),
            id="another-name-with-shared-keys",
        ),
        pytest.param(
            "balance: {sharded: address}", BalanceConfig(kind="sharded", options=SHARDED), id="main-option"
        ),
        pytest.param(
            "balance: {sharded: {by: address, shards: 8}, prefer_zone: east}",
            BalanceConfig(
                kind="sharded", options=ShardedOptions(by=Value("address"), shards=8), prefer_zone="east"
            ),
            id="options-and-shared-keys",
        ),
    ],
)
def test_a_balancer_is_read(written: str, expected: BalanceConfig) -> None:
    """A kind, with its options and those of all; where none is named, the one that is meant."""
    found, messages = service(written)

    assert [] == messages
    assert expected == found.balance


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("", HealthConfig(options=AskOptions()), id="nothing-is-said"),
        pytest.param("health: true", HealthConfig(options=AskOptions()), id="true"),
        pytest.param("health: {every: 9s}", HealthConfig(options=AskOptions(), every=9.0), id="shared-keys"),
        pytest.param("health: /up", HealthConfig(options=AskOptions(path="/up")), id="a-path"),
        pytest.param("health: {http: /up}", HealthConfig(options=AskOptions(path="/up")), id="main-option"),
        pytest.param("health: knock", HealthConfig(kind="knock", options=KnockOptions()), id="a-kind-alone"),
        pytest.param(
            "health: {knock: hello, timeout: 1s, healthy_after: 1, unhealthy_after: 9}",
            HealthConfig(
                kind="knock",
                options=KnockOptions(word="hello"),
                timeout=1.0,
                healthy_after=1,
                unhealthy_after=9,
            ),
            id="all",
        ),
        pytest.param("health: false", False, id="off"),
    ],
)
def test_a_health_check_is_read(written: str, expected: object) -> None:
    """In the same way; it may be off."""
    found, messages = service(written)

    assert [] == messages
    assert expected == found.health


def test_a_provider_is_read() -> None:
    """In the same way; there is none that is meant where none is named."""
    config, messages = read(
        "providers: {one: {feed: https://x}, two: {feed: {url: y, every: 1m}, may_provide: [routes], required: true}}"
    )

    assert [] == messages
    assert {
        "one": ProviderConfig(kind="feed", options=FeedOptions(url="https://x")),
        "two": ProviderConfig(
            kind="feed", options=FeedOptions(url="y", every=60.0), may_provide=("routes",), required=True
        ),
    } == config.providers
    assert ("providers", "two") == config.providers["two"].place.path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "providers: {a: {required: true}}",
            "an entry names one kind of provider, as in `http: {url: ...}`; there are `feed`",
            id="no-kind",
        ),
        pytest.param("providers: {a: true}", "expected a provider, not `true`", id="true"),
        pytest.param(
            "providers: {a: {acme: {}}}", "no kind of provider `acme`; there are `feed`", id="unknown"
        ),
        pytest.param(
            "providers: {a: {feed: false}}",
            "`false` means nothing here; take the whole entry out",
            id="false",
        ),
        pytest.param(
            "services: {a: {instances: [http://a], health: {word: hello}}}",
            "no health check `word`; there are `knock`, `http`, and paths like `/ready`",
            id="an-option-of-another-kind",
        ),
        pytest.param(
            "services: {a: {instances: [http://a], health: {http: {}, word: hello}}}",
            "unknown key `word`; there are `every`, `timeout`, `healthy_after`, `unhealthy_after`",
            id="an-option-of-another-kind-beside",
        ),
        pytest.param(
            "services: {a: {instances: [http://a], health: {evry: 5s}}}",
            "unknown key `evry`; did you mean `every`?",
            id="a-slip-in-a-shared-key",
        ),
        pytest.param(
            "services: {a: {instances: [http://a], balance: {shraded: address}}}",
            "no balancer `shraded`; did you mean `sharded`?",
            id="a-slip-in-a-kind",
        ),
        pytest.param(
            "services: {a: {instances: [http://a], balance: http://b}}",
            "`http://b` is an address; name the balancer, as in `least_connections`",
            id="an-address",
        ),
        pytest.param(
            "filters: [{limit: 5B, name: x, ratelimit: {}}]",
            "`ratelimit` is not available yet",
            id="a-kind-that-is-to-come-beside",
        ),
    ],
)
def test_what_no_part_is(text: str, expected: str) -> None:
    """Each says what to write."""
    message = expected.replace(
        "expected a provider,", "expected a kind of provider, like `http: {url: ...}`,"
    )

    assert [message] == read(text)[1]


def test_what_is_broken_in_a_part_is_said_once() -> None:
    """The rest of it is there, for what else has to be checked."""
    found, messages = service("balance: {sharded: {by: address, shards: 0}, slow_start: 5}")

    assert 2 == len(messages)
    assert BalanceConfig(kind="sharded") == found.balance
    assert [] == service("balance: {sharded: }")[1][1:]


def test_kinds_that_are_not_there_have_no_options() -> None:
    """A plugin may be blocked; whoever needs it says so."""
    tree = tree_of(
        read_document("version: 1\nservices: {a: {instances: [http://a], health: {every: 5s}}}", "f")
    )
    config, faults = convert(tree, Bare(), PathTemplate.parse)

    assert [] == faults
    assert config is not None
    assert HealthConfig(every=5.0) == config.services["a"].health
    assert BalanceConfig() == config.services["a"].balance


@attrs.frozen
class Bare:
    """No kinds at all."""

    authenticators: Mapping[str, Any] = attrs.field(factory=dict)
    secrets: Mapping[str, Any] = attrs.field(factory=dict)
    filters: Mapping[str, Any] = attrs.field(factory=dict)
    predicates: Mapping[str, Any] = attrs.field(factory=dict)
    balancers: Mapping[str, Any] = attrs.field(factory=dict)
    probes: Mapping[str, Any] = attrs.field(factory=dict)
    providers: Mapping[str, Any] = attrs.field(factory=dict)


def test_sorts_know_their_kinds() -> None:
    """The default is one, and so are those that others stand for."""
    catalog = PluginHost().catalog
    for sort in (FILTER, *SORTS.values()):
        kinds = sort.kinds(catalog)
        assert not sort.default or sort.default in kinds
        assert set(sort.aliases.values()) <= set(kinds)


@pytest.mark.parametrize("cls", SORTS)
def test_no_key_of_all_kinds_is_an_option_of_one(cls: Any) -> None:
    """It would stand for two things at once."""
    for kind, found in SORTS[cls].kinds(PluginHost().catalog).items():
        assert (kind, set()) == (kind, set(keys(cls)) & set(keys(found.config)))
        assert kind not in keys(cls)


def test_a_reader_reads_parts_of_plain_data() -> None:
    """What it returns says what it was made of."""
    reader = PartReader(Path(), {}, lambda _: False, {}, PathTemplate.parse)
    shared = reader.class_hook(HealthConfig)

    found = reader.read_part(
        {"knock": "hi", "every": "9s"}, SORTS[HealthConfig], KINDS.probes, HealthConfig, shared
    )

    assert Part("knock", HealthConfig(every=9.0), KnockOptions(word="hi"), {"word": "hi"}) == found
    assert [] == reader.path


def test_filters_are_parts() -> None:
    """They are read by the same rules."""
    config, messages = read("filters: [{limit: 5KiB, name: small}]")

    (entry,) = config.filters
    assert [] == messages
    assert isinstance(entry, FilterConfig)
    assert [entry.kind, entry.name, entry.written] == ["limit", "small", {"most": "5KiB"}]
