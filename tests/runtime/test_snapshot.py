"""What is in force at one moment, and when it may be closed."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatekeeper.core.chain import Chain
from gatekeeper.core.errors import BadTarget, GatewayError, MethodNotAllowed, Misdirected, RouteNotFound
from gatekeeper.core.exchange import ALLOW, Route
from gatekeeper.routing.conditions import HostCondition
from gatekeeper.routing.table import Entry, Table
from gatekeeper.routing.template import PathTemplate
from gatekeeper.runtime.snapshot import PREFLIGHT, Snapshot, answer_no_route
from gatekeeper.testing import make_exchange


@pytest.fixture
def table() -> Table[Route]:
    """Two routes."""
    users, orders = Route("users", Chain(answer_no_route)), Route("orders", Chain(answer_no_route))
    return Table(
        [
            Entry(users, "users", PathTemplate.parse("/users/{id}"), methods=frozenset({"GET", "PUT"})),
            Entry(orders, "orders", PathTemplate.parse("/orders/**")),
            Entry(users, "users", PathTemplate.parse("/orders/open"), methods=frozenset({"PUT"})),
        ]
    )


@pytest.fixture
def snapshot(table: Table[Route]) -> Snapshot:
    """In force."""
    return Snapshot(1, table, Route("-", Chain(answer_no_route)), {})


def test_a_match_is_noted_on_the_exchange(snapshot: Snapshot) -> None:
    """With what the path captured."""
    exchange = make_exchange("HEAD", "/users/7")

    route = snapshot.match(exchange)

    assert ("users", {"id": "7"}) == (route.name, exchange.captures)
    assert route is exchange.route


async def test_no_route_answers_404() -> None:
    """And is not taken for a filter that stopped the request."""
    exchange = make_exchange()

    response = await answer_no_route(exchange)

    assert isinstance(response.error, RouteNotFound)
    assert {"no route": 0.0} == exchange.spent


@pytest.mark.parametrize(
    ("method", "path", "host", "error", "allow"),
    [
        pytest.param("POST", "/users/7", "a.example", MethodNotAllowed, "GET, HEAD, PUT", id="405"),
        pytest.param("GET", "/nowhere", "a.example", RouteNotFound, "", id="404"),
        pytest.param("GET", "/nowhere", "b.example", Misdirected, "", id="421"),
        pytest.param("GET", "/orders/1", "b.example", Misdirected, "", id="421-for-a-path-of-ours"),
        pytest.param("GET", "/orders/1", "", Misdirected, "", id="421-without-a-host"),
        pytest.param("GET", "/users/a%2Fb", "a.example", BadTarget, "", id="PTH-03-slash"),
        pytest.param("GET", "/users/a%5Cb", "a.example", BadTarget, "", id="PTH-03-backslash"),
        pytest.param("GET", "/no%2Fwhere", "a.example", BadTarget, "", id="PTH-03-no-route"),
        pytest.param("POST", "/users/a%2Fb", "a.example", BadTarget, "", id="PTH-03-before-405"),
        pytest.param("GET", "/users/a%2Fb", "b.example", Misdirected, "", id="421-before-PTH-03"),
        pytest.param("POST", "/users/7", "b.example", Misdirected, "", id="421-before-405"),
    ],
)
async def test_a_request_without_a_route_hears_why(
    table: Table[Route], method: str, path: str, host: str, error: type[GatewayError], allow: str
) -> None:
    """RFC 9110 sections 15.5.5, 15.5.6 and 15.5.20; what is ambiguous is refused before it is not found."""
    no_route = Route("-", Chain(answer_no_route))
    snapshot = Snapshot(1, table, no_route, {}, hosts=HostCondition(("a.example",)))
    exchange = make_exchange(method, path, host=host)

    assert no_route is snapshot.match(exchange)
    response = await no_route.chain.handler(exchange)

    assert no_route is exchange.route
    assert error is type(response.error)
    assert allow == response.headers.text(b"allow")
    assert {} == exchange.captures


def test_a_route_may_keep_encoded_slashes() -> None:
    """They are a part of the segment then, and never separate two."""
    kept = Route("files", Chain(answer_no_route), keeps_encoded_slashes=True)
    snapshot = Snapshot(1, Table([Entry(kept, "files", PathTemplate.parse("/files/{name}"))]), kept, {})
    exchange = make_exchange("GET", "/files/a%2Fb")

    assert kept is snapshot.match(exchange)
    assert {"name": "a%2Fb"} == exchange.captures


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("OPTIONS", "/users/7", ("GET", "HEAD", "PUT")),
        ("POST", "/users/7", ("GET", "HEAD", "PUT")),
        ("GET", "/users/7", ()),
        ("OPTIONS", "/nowhere", ()),
        ("OPTIONS", "/orders/1", ()),
        ("OPTIONS", "/orders/open", ("PUT",)),
        ("GET", "/orders/open", ()),
        ("HEAD", "/users/7", ()),
    ],
)
def test_the_methods_of_a_path_are_known_where_they_are_needed(
    snapshot: Snapshot, method: str, path: str, allow: tuple[str, ...]
) -> None:
    """For OPTIONS, and where the method is wrong; nobody else pays for it."""
    exchange = make_exchange(method, path)

    snapshot.match(exchange)

    assert allow == exchange.get(ALLOW, ())


def routed(name: str, *methods: str, answers: bool = True, takes_preflights: bool = True) -> Entry[Route]:
    """A route with a filter that answers preflights, or without."""
    own = Route(name, Chain(answer_no_route))
    chain = Chain(answer_no_route, answers_preflights=answers)
    route = Route(name, chain, preflight=own if takes_preflights else None)
    return Entry(route, name, PathTemplate.parse("/x"), methods=frozenset(methods) or None)


@pytest.mark.parametrize(
    ("entries", "asked", "expected"),
    [
        pytest.param([routed("a", "GET"), routed("b", "PUT")], "GET", "a preflight", id="of-a-method"),
        pytest.param([routed("a", "GET"), routed("b", "PUT")], "HEAD", "a preflight", id="head-is-get"),
        pytest.param([routed("a", "GET"), routed("b", "PUT")], "POST", "- 405", id="of-nobody"),
        pytest.param(
            [routed("a", "GET"), routed("b")], "GET", "a preflight", id="before-the-one-for-options"
        ),
        pytest.param([routed("a", "GET"), routed("b")], "PUT", "b", id="the-one-for-options-itself"),
        pytest.param(
            [routed("a", "GET", answers=False, takes_preflights=False)], "GET", "- 405", id="answers-none"
        ),
        pytest.param(
            [
                routed("a", "GET", answers=False, takes_preflights=False),
                routed("b", answers=False, takes_preflights=False),
            ],
            "GET",
            "b",
            id="the-service-answers",
        ),
        pytest.param(
            [routed("a", "GET", answers=False, takes_preflights=False), routed("b")],
            "GET",
            "- 405 told",
            id="nobody-answers-for-another",
        ),
        pytest.param(
            [routed("a", "GET", answers=False), routed("b")], "GET", "a preflight", id="a-filter-was-dropped"
        ),
        pytest.param([routed("a", "OPTIONS", "PUT"), routed("b")], "OPTIONS", "a", id="of-options"),
    ],
)
async def test_a_preflight_goes_by_what_it_asks_for(
    entries: list[Entry[Route]], asked: str, expected: str
) -> None:
    """The route of the request that may follow, and there it never gets to a service."""
    no_route = Route("-", Chain(answer_no_route))
    snapshot = Snapshot(1, Table(entries), no_route, {})
    fields = {"origin": "https://a.example", "access-control-request-method": asked}
    exchange = make_exchange("OPTIONS", "/x", fields)

    route = snapshot.match(exchange)
    response = await route.chain.handler(exchange)

    by_preflight = any(route is entry.target.preflight for entry in entries)
    told = b"answers none" in (response.body.data or b"")
    found = route.name + " preflight" * by_preflight
    assert expected == (found if route is not no_route else f"- {response.status}" + " told" * told)
    assert ("OPTIONS", route) == (exchange.request.method, exchange.route)
    assert asked * by_preflight == (exchange.get(PREFLIGHT, "") if route is not no_route else "")
    assert not by_preflight or response.status == 405


@given(st.integers(0, 20))
@example(0)
@example(2)
def test_the_last_lease_closes_what_was_retired(leases: int) -> None:
    """Once; with none it is closed at once."""
    snapshot = Snapshot(1, Table([]), Route("-", Chain(answer_no_route)), {})
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
