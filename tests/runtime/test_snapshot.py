"""What is in force at one moment, and when it may be closed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.chain import Chain
from gatekeeper.core.errors import MethodNotAllowed, RouteNotFound
from gatekeeper.core.exchange import Route
from gatekeeper.routing.table import Entry, Table
from gatekeeper.routing.template import PathTemplate
from gatekeeper.runtime.snapshot import ALLOW, Snapshot, answer_no_route
from gatekeeper.testing import make_exchange


@pytest.fixture
def snapshot() -> Snapshot:
    """Two routes."""
    users, orders = Route("users", Chain(answer_no_route)), Route("orders", Chain(answer_no_route))
    table = Table(
        [
            Entry(users, "users", PathTemplate.parse("/users/{id}"), frozenset({"GET", "PUT"})),
            Entry(orders, "orders", PathTemplate.parse("/orders/**")),
        ]
    )
    return Snapshot(1, table, Route("-", Chain(answer_no_route)), {}, {})


def test_a_match_is_noted_on_the_exchange(snapshot: Snapshot) -> None:
    """With what the path captured."""
    exchange = make_exchange("HEAD", "/users/7")

    route = snapshot.match(exchange)

    assert ("users", {"id": "7"}) == (route.name, exchange.captures)
    assert route is exchange.route


@pytest.mark.parametrize(
    ("method", "path", "allow"), [("GET", "/nowhere", None), ("POST", "/users/7", ("GET", "HEAD", "PUT"))]
)
def test_what_no_route_takes_is_matched_to_no_route(
    snapshot: Snapshot, method: str, path: str, allow: tuple[str, ...] | None
) -> None:
    """Where only the method is wrong, those that are right are left for the answer."""
    exchange = make_exchange(method, path)

    assert snapshot.no_route is snapshot.match(exchange)
    assert snapshot.no_route is exchange.route
    assert allow == exchange.get(ALLOW, ()) or allow is None


async def test_no_route_answers_404() -> None:
    """And is not taken for a filter that stopped the request."""
    exchange = make_exchange()

    response = await answer_no_route(exchange)

    assert isinstance(response.error, RouteNotFound)
    assert {"no route": 0.0} == exchange.spent


async def test_a_wrong_method_is_405_with_those_that_are_right() -> None:
    """RFC 9110 section 15.5.6."""
    exchange = make_exchange()
    exchange[ALLOW] = ("GET", "HEAD")

    response = await answer_no_route(exchange)

    assert isinstance(response.error, MethodNotAllowed)
    assert "GET, HEAD" == response.headers.text(b"allow")


@given(st.integers(0, 20))
def test_the_last_lease_closes_what_was_retired(leases: int) -> None:
    """Once; with none it is closed at once."""
    snapshot = Snapshot(1, Table([]), Route("-", Chain(answer_no_route)), {}, {})
    closed: list[Snapshot] = []
    snapshot.leases = leases

    snapshot.retire(closed.append)
    for left in range(leases, 0, -1):
        assert [] == closed
        assert left == snapshot.leases
        snapshot.release()

    assert [snapshot] == closed


def test_what_is_in_force_is_not_closed_between_two_requests(snapshot: Snapshot) -> None:
    """Only what was retired."""
    closed: list[Snapshot] = []
    snapshot.leases += 1
    snapshot.release()

    assert 0 == snapshot.leases
    assert "<Snapshot 1 0 leases>" == repr(snapshot)
    snapshot.retire(closed.append)
    assert [snapshot] == closed
