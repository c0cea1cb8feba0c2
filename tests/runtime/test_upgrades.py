"""What `websocket` of a route means."""

from typing import Any

import attrs
import pytest

from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.config.model import RouteConfig, WebsocketConfig
from gatekeeper.config.upgrades import Origin, Protocol
from gatekeeper.core.chain import Chain, Group, Link
from gatekeeper.core.tunnel import Upgrades
from gatekeeper.runtime.upgrades import passed_by, upgrades_of


def route(websocket: Any) -> RouteConfig:
    return RouteConfig(match=(ConditionConfig(path=("/chat",)),), websocket=websocket)


def test_no_connection_switches_where_nothing_is_said() -> None:
    """It has to be asked for."""
    assert None is upgrades_of(route(False))


def test_websockets_of_all_pages_for_ever() -> None:
    """`websocket: true`."""
    assert Upgrades() == upgrades_of(route(WebsocketConfig()))


def test_whose_to_what_for_how_long() -> None:
    """In plain words, with which the edge compares what it reads."""
    config = WebsocketConfig(
        origins=(Origin("https://a.example"), Origin("https://b.example")),
        lifetime=60.0,
        protocols=(Protocol("websocket"), Protocol("mqtt/5")),
    )

    found = upgrades_of(route(config))

    assert found == Upgrades(
        protocols=frozenset({"websocket", "mqtt/5"}),
        origins=frozenset({"https://a.example", "https://b.example"}),
        lifetime=60.0,
    )
    assert found is not None
    assert {str} == {type(word) for word in (*found.protocols, *(found.origins or ()))}


@attrs.frozen
class Reads:
    """A filter that holds bodies, or does not."""

    request_buffer: int = 0
    response_buffer: int = 0

    def wrap(self, next: Any, /) -> Any:  # noqa: A002
        return next


def _handler(_: Any) -> Any: ...


PLAIN = Link("plain", Reads())
WHOLE = Chain(_handler, response_buffer=5)


@pytest.mark.parametrize(
    ("links", "chain", "expected"),
    [
        pytest.param([PLAIN], Chain(_handler), "", id="none"),
        pytest.param([PLAIN, Link("sum", Reads(request_buffer=5))], WHOLE, "`sum`", id="of requests"),
        pytest.param([Link("sum", Reads(response_buffer=5))], WHOLE, "`sum`", id="of answers"),
        pytest.param(
            [Group("c", (PLAIN, Link("sum", Reads(1))), lambda _: True)], WHOLE, "`sum`", id="in a chain"
        ),
        pytest.param([PLAIN], WHOLE, "a filter of the service", id="of the service"),
    ],
)
def test_who_would_be_passed_by(links: Any, chain: Chain, expected: str) -> None:
    """Filters that read bodies would see nothing of what a tunnel carries."""
    assert expected == passed_by(links, chain)
