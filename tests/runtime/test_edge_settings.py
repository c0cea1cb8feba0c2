"""What the edge goes by, from what a configuration says."""

from typing import Any

import attrs
import pytest

from gatekeeper.config.addresses import parse_network
from gatekeeper.config.model import (
    ConcurrencyConfig,
    GatewayConfig,
    ServerConfig,
    ServerLimitsConfig,
    ServerTimeoutsConfig,
)
from gatekeeper.core.concurrency import Concurrency
from gatekeeper.edge.settings import EdgeLimits, EdgeSettings, EdgeTimeouts
from gatekeeper.runtime.edge_settings import edge_settings
from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.testing import make_host


EMPTY = GatewayConfig()


def settings_of(server: ServerConfig, before: EdgeSettings | None = None, **options: int) -> EdgeSettings:
    return edge_settings(attrs.evolve(EMPTY, server=server), before, **options)


def figures(places: Concurrency) -> tuple[int, int, float]:
    return places.limit, places.queue, places.wait


def test_the_edge_has_the_defaults_of_the_grammar() -> None:
    """Whoever makes one without a configuration gets what a short configuration gives."""
    said, unsaid = settings_of(ServerConfig()), EdgeSettings()

    assert figures(unsaid.concurrency) == figures(said.concurrency)
    assert attrs.evolve(unsaid, concurrency=said.concurrency) == said


def test_everything_that_is_said_arrives() -> None:
    """Each key is a value of its own here, so that none is taken for another."""
    network = parse_network("10.0.0.0/8")
    server = ServerConfig(
        timeouts=ServerTimeoutsConfig(head=1.0, body=2.0, idle=3.0, write=4.0),
        limits=ServerLimitsConfig(
            header_count=1,
            header_line=2,
            header_block=3,
            target=4,
            body_rate=5,
            connections=6,
            connections_per_address=7,
            requests_per_connection=8,
        ),
        concurrency=ConcurrencyConfig(limit=9, queue=10, wait=11.0),
        half_close=12.0,
        underscore_headers="keep",
        trusted_proxies=(network,),
        health_path="/live",
    )

    found = settings_of(server)

    assert (9, 10, 11.0) == figures(found.concurrency)
    assert found == EdgeSettings(
        timeouts=EdgeTimeouts(head=1.0, body=2.0, idle=3.0, write=4.0),
        limits=EdgeLimits(
            header_count=1,
            header_line=2,
            header_block=3,
            target=4,
            body_rate=5,
            connections=6,
            connections_per_address=7,
            requests_per_connection=8,
        ),
        networks=(network,),
        health_path="/live",
        half_close=12.0,
        underscore_headers="keep",
        concurrency=found.concurrency,
    )


def test_the_edge_drops_what_only_the_gateway_says() -> None:
    """FWD-07: by the names of all filters that tell who asks."""
    loaded = load_gateway_text(
        """
        version: 1
        services: {app: http://127.0.0.1:1}
        authenticators: {keys: api_key}
        routes:
          a: {match: /a, to: app, filters: [auth: {any_of: [keys], upstream_headers: {X-Who: "{consumer}"}}]}
          b: {match: /b, to: app, filters: [auth: keys]}
        """,
        make_host(),
    )

    names = edge_settings(loaded.config).identity_headers
    assert {b"x-who", b"x-consumer", b"x-consumer-roles"} == names


def test_the_edge_has_a_field_for_each_key() -> None:
    """What is added to one of the two is missed in the other."""

    def names(cls: Any) -> set[str]:
        return {field.name for field in attrs.fields(cls)}

    assert names(ServerLimitsConfig) == names(EdgeLimits)
    assert names(ServerTimeoutsConfig) == names(EdgeTimeouts)
    assert names(EdgeSettings) - {"networks", "identity_headers"} <= names(ServerConfig)


@pytest.mark.parametrize(
    ("half_close", "expected"),
    [pytest.param("wait", None, id="for ever"), ("abort", 0.0), (0.0, 0.0), (0.5, 0.5)],
)
def test_how_long_a_half_closed_connection_waits(half_close: Any, expected: float | None) -> None:
    """Two words stand for the two ends."""
    assert expected == settings_of(ServerConfig(half_close=half_close)).half_close


@pytest.mark.parametrize("key", ["body_rate", "connections_per_address", "requests_per_connection"])
def test_what_is_off_is_no_limit(key: str) -> None:
    """None to the edge, which could not tell 0 from `false`."""
    found = settings_of(ServerConfig(limits=ServerLimitsConfig(**{key: False})))

    assert None is getattr(found.limits, key)


@pytest.mark.parametrize(
    ("descriptors", "under_way", "expected"),
    [
        pytest.param(1024, 2000, 480, id="each request may need another connection"),
        pytest.param(20_000, 2000, 10_000, id="enough"),
        pytest.param(10_000, 2000, 7936, id="as many as may be under way have another one"),
        pytest.param(64, 2000, 1, id="hardly any"),
        pytest.param(3, 2000, 1, id="none"),
    ],
)
def test_no_more_connections_than_descriptors_allow(descriptors: int, under_way: int, expected: int) -> None:
    """A gateway that gives its last one to a client cannot ask anybody for it."""
    server = ServerConfig(concurrency=ConcurrencyConfig(limit=under_way))

    assert expected == settings_of(server, descriptors=descriptors).limits.connections


def test_places_are_kept_over_reloads() -> None:
    """Whoever is inside stays counted, and the new limit holds at once."""
    before = settings_of(ServerConfig(concurrency=ConcurrencyConfig(limit=2)))
    before.concurrency.try_enter()

    after = settings_of(ServerConfig(concurrency=ConcurrencyConfig(limit=1, queue=5, wait=1.0)), before)

    assert before.concurrency is after.concurrency
    assert (1, 5, 1.0) == figures(after.concurrency)
    assert 1 == after.concurrency.in_flight
    assert not after.concurrency.try_enter()
