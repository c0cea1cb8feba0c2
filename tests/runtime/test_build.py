"""From a configuration to a snapshot."""

import asyncio
from typing import Any

import attrs
import pytest

from gatekeeper import hookimpl
from gatekeeper.config.problems import ConfigError
from gatekeeper.core.chain import AttemptHandler, Handler, Predicate
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.message import Response
from gatekeeper.core.tunnel import Upgrades
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.build import Builder
from gatekeeper.runtime.keep import Keep
from gatekeeper.runtime.snapshot import Snapshot
from gatekeeper.testing import StartGateway, StartOrigin, Surroundings, load_config, make_exchange, make_host


@attrs.frozen
class NoteOptions:
    """Note who was here."""

    word: str = "x"
    buffer: int = 0


class Note:
    """A filter that adds its word to a field of the request, and says what it was built with."""

    def __init__(self, options: NoteOptions, context: BuildContext) -> None:
        if options.word == "bad":
            raise ValueError("this word is bad")
        self.options = options
        self.context = context
        self.request_buffer = self.response_buffer = options.buffer

    def wrap(self, following: Handler, /) -> Handler:
        async def note(exchange: Exchange) -> Response:
            exchange.request.headers.add(b"x-note", f"{self.context.owner}: {self.options.word}".encode())
            return await following(exchange)

        return note


class NoteAttempt:
    """The same for attempts; it ends them, too."""

    def __init__(self, options: NoteOptions, context: BuildContext) -> None:
        self.word = options.word

    def wrap(self, following: AttemptHandler, /) -> AttemptHandler:
        async def note(attempt: Attempt) -> Response:
            attempt.edit().headers.add(b"x-note", self.word.encode())
            response = Response(200)
            response.headers.fields = attempt.request.headers.fields
            return response

        return note


class Notes:
    """The plugin with both."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.filter("note", NoteOptions, Note, main="word")
        catalog.attempt_filter("note_attempt", NoteOptions, NoteAttempt, main="word")


def builder(surroundings: Surroundings, host: PluginHost) -> Builder:
    return Builder(surroundings, host.catalog, surroundings.fake_clock.wheel, Keep(surroundings.spawn))


async def build(text: str) -> Snapshot:
    """Build a configuration as a gateway would."""
    host = await asyncio.to_thread(make_host, [Notes()])
    config = await load_config("version: 1\n" + text, host)
    surroundings = Surroundings()
    prepared = await asyncio.to_thread(builder(surroundings, host).prepare, config, 7)
    prepared.commit(warm=True)
    return prepared.snapshot


def exchange_for(snapshot: Snapshot, method: str, path: str) -> Exchange:
    exchange = make_exchange(method, path)
    snapshot.match(exchange)
    return exchange


async def answer(snapshot: Snapshot, path: str, method: str = "GET") -> tuple[Exchange, Response]:
    exchange = exchange_for(snapshot, method, path)
    assert exchange.route is not None
    return exchange, await exchange.route.chain.handler(exchange)


SERVICE = """
services:
  users:
    instances: [http://127.0.0.1:9001, http://127.0.0.1:9002]
    timeouts: {total: 9s}
    filters: [{note: in service, name: s}, {note_attempt: in attempt}]
"""


async def test_filters_run_global_then_route_then_service_then_attempt() -> None:
    """And know where they stand."""
    snapshot = await build(
        "filters: [{note: first, name: g}]\n"
        + SERVICE
        + "routes: {all: {match: /**, to: users, filters: [{note: second, name: r}]}}\n"
    )

    exchange, response = await answer(snapshot, "/x")

    assert [b"all routes: first", b"route all: second", b"service users: in service", b"in attempt"] == (
        response.headers.get_all(b"x-note")
    )
    assert exchange.route is not None
    assert ("g", "r", "s", "forward") == exchange.route.chain.names
    assert ["g", "r", "s", "forward"] == list(exchange.spent)
    assert ("users", 1009.0) == (exchange.service, exchange.deadline)
    assert {"note_attempt"} == set(exchange.attempts[0].spent or ())


async def test_a_snapshot_has_what_it_was_built_of() -> None:
    """Services with a pool for each instance, and its revision."""
    snapshot = await build(SERVICE + "routes: {all: {match: /**, to: users}}\n")

    assert 7 == snapshot.revision
    assert ["users"] == list(snapshot.services)
    assert snapshot.hold is not None
    pools = {kept.key: kept.thing.open_count for kept in snapshot.hold.things if kept.key[0] == "pool"}
    ids = ["http://127.0.0.1:9001", "http://127.0.0.1:9002"]
    assert {("pool", "users", one): 0 for one in ids} == pools
    assert ids == [member.instance.id for member in snapshot.services["users"].members]


async def test_a_chain_knows_the_largest_buffer() -> None:
    """Of the route's filters and the service's."""
    snapshot = await build(
        SERVICE.replace("note: in service", "note: {buffer: 5}")
        + "routes: {all: {match: /**, to: users, filters: [{note: {buffer: 3}, name: r}]}}\n"
    )

    route = exchange_for(snapshot, "GET", "/").route
    assert route is not None
    assert (5, 5) == (route.chain.request_buffer, route.chain.response_buffer)


async def test_a_route_says_what_it_takes() -> None:
    """How large a body, and what its connections may switch to."""
    snapshot = await build(
        SERVICE
        + "routes: {a: {match: /a, to: users}, b: {match: /b, to: users, max_body: false, websocket: true},"
        " c: {match: /c, to: users, max_body: 0B, websocket: {lifetime: 1h}}}\n"
    )

    routes = [exchange_for(snapshot, "GET", path).route for path in ("/a", "/b", "/c")]

    assert [(16 << 20, None), (None, Upgrades()), (0, Upgrades(lifetime=3600.0))] == [
        (route.max_body, route.upgrades) for route in routes if route is not None
    ]


async def test_what_no_route_takes_still_passes_the_global_filters() -> None:
    """The access log does not say that one of them stopped it."""
    snapshot = await build(
        "filters: [{note: first, name: g}]\n" + SERVICE + "routes: {a: {match: /a, to: users}}\n"
    )

    exchange, response = await answer(snapshot, "/b")

    assert 404 == response.status
    assert [b"all routes: first"] == exchange.request.headers.get_all(b"x-note")
    assert ["g", "no route"] == list(exchange.spent)
    assert "" == exchange.stopped_by


async def test_a_route_may_end_in_a_filter() -> None:
    """Which is what stopped the request."""
    snapshot = await build("routes: {a: {match: /a, filters: [static: {status: 418}]}}\n")

    exchange, response = await answer(snapshot, "/a")

    assert (418, "static", "") == (response.status, exchange.stopped_by, exchange.service)


@pytest.mark.parametrize(
    ("rewrite", "target", "method"),
    [
        ("{strip: /api}", b"/users/7?q=1", "GET"),
        ("{prefix: /v2}", b"/v2/api/users/7?q=1", "GET"),
        ("'/fixed/{path.rest}'", b"/fixed/users/7?q=1", "GET"),
        ("{method: POST}", b"/api/users/7?q=1", "POST"),
    ],
)
async def test_a_rewrite_is_what_the_service_is_asked(rewrite: str, target: bytes, method: str) -> None:
    """The query stays."""
    snapshot = await build(SERVICE + f"routes: {{all: {{match: /api/**, to: users, rewrite: {rewrite}}}}}\n")

    exchange, _ = await answer(snapshot, "/api/users/7?q=1")
    asked = exchange.attempts[0].request

    assert (target, method) == (asked.target, asked.method)
    # what the answer looks like, and the log, go by what the client asked
    assert "GET" == exchange.request.method


@pytest.mark.parametrize(("path", "to"), [("/**", "users"), ("/{s:service}/**", "'{path.s}'")])
async def test_a_rewrite_that_gives_no_path_is_a_400(path: str, to: str) -> None:
    """With or without filters before it, and none of them is blamed."""
    snapshot = await build(
        SERVICE
        + f"routes: {{all: {{match: '{path}', to: {to}, rewrite: '/{{query.x}}', filters: [note: a]}}}}\n"
    )

    exchange, response = await answer(snapshot, "/users/7?x=%2e%2e%00")

    assert response.error is not None
    assert (400, "bad-target") == (response.status, response.error.code)
    assert "rewrite" == exchange.stopped_by
    assert [] == exchange.attempts


async def test_a_capture_may_choose_the_service() -> None:
    """Only names of services match."""
    snapshot = await build(
        SERVICE
        + "  orders: http://127.0.0.1:9003\n"
        + "routes: {all: {match: '/{s:service}/**', to: '{path.s}', rewrite: {prefix: /x}}}\n"
    )

    exchange, response = await answer(snapshot, "/users/7")
    other, _ = await answer(snapshot, "/nobody/7")

    assert (200, "users", b"/x/users/7") == (response.status, exchange.service, exchange.request.target)
    assert snapshot.no_route is other.route


async def test_of_the_services_that_a_capture_may_choose_the_largest_buffer_counts() -> None:
    """It is not known before which one it will be."""
    snapshot = await build(
        SERVICE.replace("note: in service", "note: {buffer: 5}")
        + "  orders: http://127.0.0.1:9003\n"
        + "routes: {all: {match: '/{s:service}/**', to: '{path.s}'}}\n"
    )

    route = exchange_for(snapshot, "GET", "/orders/1").route
    assert route is not None
    assert 5 == route.chain.request_buffer


# ---- what cannot be put together ------------------------------------------------------------------------------------


async def problems(text: str) -> list[Any]:
    with pytest.raises(ConfigError) as caught:
        await build(text)
    return list(caught.value.problems)


async def test_routes_that_match_the_same_are_refused() -> None:
    """There is no order among them."""
    (problem,) = await problems(
        SERVICE + "routes: {one: {match: '/{a}', to: users}, two: {match: '/{b}', to: users}}\n"
    )

    assert ("ambiguous", "routes.two.match") == (problem.id, problem.path)
    assert (
        "`/{b}` and `/{a}` of route `one` (line 8) match the same requests with equal rank" in problem.message
    )


async def test_what_a_filter_refuses_when_it_is_built_is_a_problem() -> None:
    """With where it stands."""
    (problem,) = await problems(SERVICE + "routes: {one: {match: /a, to: users, filters: [note: bad]}}\n")

    assert ("bad-value", "this word is bad") == (problem.id, problem.message)
    assert ("routes.one.filters[0]", 8) == (problem.path, problem.line)


@pytest.mark.parametrize(
    ("text", "reader"),
    [
        (
            SERVICE
            + "routes: {a: {match: /a, to: users, websocket: true, filters: [{note: {buffer: 3}}]}}\n",
            "`note`",
        ),
        (
            SERVICE.replace("note: in service", "note: {buffer: 5}")
            + "routes: {a: {match: /a, to: users, websocket: true}}\n",
            "a filter of the service",
        ),
    ],
    ids=["of the route", "of the service"],
)
async def test_a_filter_that_reads_bodies_is_not_passed_by(text: str, reader: str) -> None:
    """A tunnel has none that it could read."""
    (problem,) = await problems(text)

    assert ("conflict", "routes.a.websocket") == (problem.id, problem.path)
    assert problem.message.startswith(f"{reader} reads bodies")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: None, "plugin `none` made None for `broken`, which is no filter"),
        (lambda: 1 // 0, "`broken` of plugin `none` failed: ZeroDivisionError("),
    ],
)
async def test_a_plugin_that_makes_no_filter_is_a_problem(made: Any, message: str) -> None:
    """It is named, and nothing is begun."""

    class Broken:
        @hookimpl
        def gatekeeper_register(self, catalog: Catalog) -> None:
            catalog.plugin = "none"
            catalog.filter("broken", NoteOptions, lambda config, context: made())

    host = await asyncio.to_thread(make_host, [Broken()])
    config = await load_config(
        "version: 1\n" + TWO + "routes: {a: {match: /, to: users, filters: [broken]}}", host
    )
    surroundings = Surroundings()

    with pytest.raises(ConfigError) as caught:
        builder(surroundings, host).prepare(config, 1)

    (problem,) = caught.value.problems
    assert problem.message.startswith(message)
    assert "routes.a.filters[0]" == problem.path


async def test_certificates_that_cannot_be_used_are_a_problem(tmp_path: Any) -> None:
    """Of the service; all of them are reported."""
    bad = tmp_path / "bad.pem"
    bad.write_text("this is no certificate")

    found = await problems(
        f"services:\n"
        f"  a: {{instances: ['https://127.0.0.1:9001'], tls: {{ca: {bad}}}}}\n"
        f"  b: {{instances: ['https://127.0.0.1:9001'], tls: {{ca: {bad}}}}}\n"
        "routes: {all: {match: /**, to: a}}\n"
    )

    assert ["services.a.tls", "services.b.tls"] == [problem.path for problem in found]


# ---- chains, conditions, changes --------------------------------------------------------------------------------------


CHAINS = """
filters: [{note: everywhere, name: g}]
chains:
  outer:
    - {note: outer, name: o}
    - {use: inner, when: {header: {x-inner: "yes"}}}
  inner: [{note: inner, name: i}, {note: by path, name: p, when: /a/**}]
"""


@pytest.mark.parametrize(
    ("override", "path", "headers", "notes"),
    [
        pytest.param("", "/a", {}, ["everywhere", "outer"], id="passed over"),
        pytest.param(
            "", "/a/1", {"x-inner": "yes"}, ["everywhere", "outer", "inner", "by path"], id="a whole chain"
        ),
        pytest.param("", "/b", {"x-inner": "yes"}, ["everywhere", "outer", "inner"], id="but one of it"),
        pytest.param(
            "override: {g: false, i: other}", "/b", {"x-inner": "yes"}, ["outer", "other"], id="changed"
        ),
        pytest.param("override: {o: {buffer: 3}}", "/b", {}, ["everywhere", "outer"], id="merged"),
    ],
)
async def test_chains_stand_in_their_place(
    override: str, path: str, headers: dict[str, str], notes: list[str]
) -> None:
    """With conditions, and with what a route changes in them; others keep theirs."""
    snapshot = await build(
        CHAINS + SERVICE + "routes:\n"
        f"  all: {{match: /**, to: users, filters: [use: outer], {override}}}\n"
        "  own: {match: /own, to: users, filters: [use: outer]}\n"
    )

    async def noted(path: str) -> list[str]:
        exchange = make_exchange("GET", path, headers)
        response = await snapshot.match(exchange).chain.handler(exchange)
        return [
            note.decode().rpartition(": ")[2]
            for note in response.headers.get_all(b"x-note")
            if b": " in note and b"service users" not in note
        ]

    assert notes == await noted(path)
    assert ["everywhere", "outer"] == (await noted("/own"))[:2]


async def test_an_override_keeps_the_other_options() -> None:
    """A mapping merges."""
    snapshot = await build(
        CHAINS + SERVICE + "routes:\n"
        "  all: {match: /**, to: users, filters: [use: outer], override: {o: {buffer: 3}}}\n"
        "  own: {match: /own, to: users, filters: [use: outer]}\n"
    )

    changed, own = (exchange_for(snapshot, "GET", path).route for path in ("/x", "/own"))

    assert changed is not None
    assert own is not None
    assert (3, 0) == (changed.chain.request_buffer, own.chain.request_buffer)


TWO = """
services: {users: http://127.0.0.1:9001, canary: http://127.0.0.1:9002}
"""


async def test_targets_are_chosen_after_the_filters_of_the_route() -> None:
    """By pins and weights; the snapshot can tell the odds."""
    snapshot = await build(
        TWO
        + "routes: {all: {match: /**, to: {users: 1, canary: {weight: 0, pin: {header: {x-beta: '1'}}}}}}\n"
    )

    services = []
    for headers in ({}, {"x-beta": "1"}):
        exchange = make_exchange("GET", "/x", headers)
        await snapshot.match(exchange).chain.handler(exchange)
        services.append(exchange.service)

    assert ["users", "canary"] == services
    assert ["users", "canary"] == [odds.service for odds in snapshot.targets["all"].odds(make_exchange())]


async def test_a_captured_service_is_asked() -> None:
    """For what is left of the path."""
    snapshot = await build(
        TWO + "routes: {all: {match: '/{s:service}/**', to: '{path.s}', rewrite: '/{path.rest}'}}\n"
    )

    exchange, _ = await answer(snapshot, "/canary/v1/x")

    assert ("canary", b"/v1/x") == (exchange.service, exchange.request.target)
    assert "-" == getattr(exchange_for(snapshot, "GET", "/other/x").route, "name", "")


# ---- predicates of plugins ------------------------------------------------------------------------------------------


class Asking:
    """A plugin that asks for a word in a header field, and does not like every word."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        def build_word(config: NoteOptions, context: BuildContext) -> Predicate:
            if config.word == "bad":
                raise ValueError("this word is bad")
            if config.word == "crash":
                raise LookupError("no words")
            assert context.gateway is not None

            def ask(exchange: Exchange) -> bool:
                # not of a request that nobody has sent: that would refuse the configuration
                if config.word == "fail" and b"x-word" in exchange.request.headers:
                    raise LookupError("no word")
                return exchange.request.headers.text(b"x-word") == config.word

            return ask

        catalog.predicate("word", NoteOptions, build_word, main="word")


async def test_a_plugin_may_bring_conditions(gateway: StartGateway) -> None:
    """For routes and for filters; one that fails passes nobody, and takes nothing else along."""
    live = await gateway(
        """
        version: 1
        routes:
          word: {match: {path: /a, word: blue}, filters: [static: {status: 201}]}
          other: {match: /a, filters: [static: {status: 202}]}
          failing: {match: {path: /fail, word: fail}, filters: [static: {status: 203}]}
          when: {match: /when, filters: [{redirect: /x, when: {word: red}}, static: {status: 204}]}
        """,
        [Asking()],
    )

    async def status(path: str, word: str) -> int:
        return (await live.get(path, {"x-word": word})).status

    assert [201, 202] == [await status("/a", "blue"), await status("/a", "green")]
    assert [308, 204] == [await status("/when", "red"), await status("/when", "blue")]
    assert 500 == await status("/fail", "x")
    assert 202 == await status("/a", "x")
    assert 0 == live.metric("gatekeeper_requests_in_flight")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("bad", "the condition `word`: this word is bad"),
        ("crash", "the condition `word`: `word` of plugin .* failed: LookupError"),
    ],
)
async def test_what_a_condition_refuses_when_it_is_built_is_a_problem(word: str, message: str) -> None:
    """With what it says, or what it raised."""
    host = await asyncio.to_thread(make_host, [Asking()])
    config = await load_config(
        f"version: 1\n{TWO}routes: {{a: {{match: {{word: {word}}}, to: {{users: 1, canary: 1}}}}}}", host
    )
    surroundings = Surroundings()

    with pytest.raises(ConfigError, match=message):
        builder(surroundings, host).prepare(config, 1)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("", "shop.example"), ("client", "shop.example"), ("upstream", ""), ("inner.example", "inner.example")],
)
async def test_a_service_is_asked_for_a_host(
    gateway: StartGateway, origin: StartOrigin, written: str, expected: str
) -> None:
    """For what the client asked, for its own address, or for a name; the client's is told beside it."""
    users = await origin()
    more = f", host_header: {written}" if written else ""
    gw = await gateway(
        f"version: 1\nservices: {{users: {{instances: ['{users.url}']{more}}}}}\n"
        "routes: {all: {match: /**, to: users}}\n"
    )

    assert 200 == (await gw.get("/", headers=[("Host", "shop.example")])).status

    (asked,) = users.requests
    assert (expected or users.url.removeprefix("http://")) == asked.get("host")
    assert "shop.example" == asked.get("x-forwarded-host")


@pytest.mark.parametrize(
    ("more", "expected"),
    [("encoded_slashes: keep, ", (200, "/new/a%2Fb")), ("", (400, None))],
)
async def test_a_rewritten_path_keeps_what_its_route_keeps(
    gateway: StartGateway, origin: StartOrigin, more: str, expected: tuple[int, str | None]
) -> None:
    """An encoded slash is a part of its segment after the rewrite, too."""
    users = await origin()
    gw = await gateway(
        f"version: 1\nservices: {{users: {users.url}}}\n"
        f"routes: {{all: {{match: /old/**, to: users, {more}rewrite: {{strip: /old, prefix: /new}}}}}}\n"
    )

    answered = await gw.get("/old/a%2Fb")

    asked = users.requests[0].target if users.requests else None
    assert expected == (answered.status, asked)


# ---- who asks -------------------------------------------------------------------------------------------------------


class Door:
    """An authenticator that counts how often one is made, and keeps something."""

    challenge = ""

    def __init__(self, options: NoteOptions, context: BuildContext) -> None:
        if options.word == "bad":
            raise ValueError("this word is bad")
        MADE.append(context)
        self.kept = context.keep("thing", lambda _: object(), options)

    async def authenticate(self, exchange: Exchange, /) -> None:
        return None

    def conceal(self, exchange: Exchange, /) -> None:
        pass


class Doors:
    """The plugin with it."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.authenticator("door", NoteOptions, Door, main="word")


MADE: list[BuildContext] = []
WITH_DOORS = """
version: 1
authenticators: {front: door, back: {door: b}}
routes:
  one: {match: /one, filters: [{auth: [front, back]}, {static: {body: {text: a}}}]}
  two: {match: /two, filters: [{auth: front}, {static: {body: {text: a}}}]}
"""


async def test_an_authenticator_is_made_once(gateway: StartGateway) -> None:
    """However many filters ask it; in the place and under the name of its own, so that what it keeps is found again."""
    MADE.clear()
    live = await gateway(WITH_DOORS, [Doors()])

    assert [("front", "authenticators"), ("back", "authenticators")] == [
        (one.name, one.owner) for one in MADE
    ]
    snapshot = live.gateway.snapshot
    assert snapshot is not None
    assert (await live.apply(WITH_DOORS.replace("text: a", "text: b"))).applied
    assert 4 == len(MADE)


async def test_what_an_authenticator_keeps_outlives_the_configuration(gateway: StartGateway) -> None:
    """Where its options stay as they are."""
    MADE.clear()
    live = await gateway(WITH_DOORS, [Doors()])
    await live.apply(WITH_DOORS.replace("door: b", "door: c"))

    kept = [one.keep("thing", lambda _: None, NoteOptions()) for one in (MADE[0], MADE[2])]
    assert kept[0] is kept[1]
    assert None is not kept[0]


async def test_questions_about_conditions_make_no_authenticators() -> None:
    """They would open what nobody closes."""
    MADE.clear()
    host = await asyncio.to_thread(make_host, [Doors()])
    config = await load_config(WITH_DOORS, host)

    await asyncio.to_thread(builder(Surroundings(), host).conditions, config)

    assert [] == MADE


async def test_an_authenticator_that_cannot_be_made_is_a_problem(gateway: StartGateway) -> None:
    """With its place."""
    with pytest.raises(ConfigError, match=r"authenticators\.back: this word is bad"):
        await gateway(WITH_DOORS.replace("door: b", "door: bad"), [Doors()])
