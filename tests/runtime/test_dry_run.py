"""CFG-13: a configuration whose filters fail at once is refused before it comes into force."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from gatekeeper import DRY_RUN, Rejection, hookimpl
from gatekeeper.config.problems import ConfigError
from gatekeeper.core.body import Body
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.message import Headers, Response
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.events import ConfigRefused
from gatekeeper.runtime import dry_run
from gatekeeper.testing import LiveGateway, StartGateway, StartOrigin, open_gateway


@attrs.frozen
class OddConfig:
    """Do something odd; what else is said only tells one from another."""

    do: str = ""
    note: str = ""


class Broken:
    """The source of a body that cannot be read."""

    async def read(self) -> bytes:
        raise ZeroDivisionError("no bytes")

    def abort(self) -> None:
        pass


class Odd:
    """A plugin whose filters do what they are told, and remember what they saw."""

    def __init__(self) -> None:
        self.seen: list[Exchange] = []
        self.ended: list[int] = []
        self.events: list[Any] = []
        self.broken = False
        self.opened = False
        self.waiting, self.go_on = asyncio.Event(), asyncio.Event()

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.filter("odd", OddConfig, self._filter, main="do")
        catalog.filter("odd_end", OddConfig, self._filter, main="do", terminal=True)
        catalog.attempt_filter("odd_try", OddConfig, self._filter, main="do")
        catalog.predicate(
            "odd_when", OddConfig, lambda config, _: lambda exchange: self._ask(config, exchange), main="do"
        )

    @hookimpl
    def gatekeeper_event(self, event: Any) -> None:
        self.events.append(event)

    @hookimpl
    @asynccontextmanager
    async def gatekeeper_lifespan(self, gateway: Any) -> AsyncIterator[None]:
        self.opened = True
        yield

    def _ask(self, config: OddConfig, exchange: Exchange) -> bool:
        if config.do == "raise" or (config.do == "break" and self.broken):
            raise LookupError("no word")
        return config.do == "yes"

    def _filter(self, config: OddConfig, context: BuildContext) -> Any:
        plugin = self
        if config.do == "off":
            return type("Off", (), {"wrap": lambda self, following: following})()
        table = context.keep("table", lambda _: Table(config), config) if config.do == "keep" else None

        class Filter:
            def wrap(self, following: Callable[[Any], Awaitable[Response]]) -> Any:
                async def odd(subject: Exchange | Attempt) -> Any:
                    exchange = subject.exchange if isinstance(subject, Attempt) else subject
                    plugin.seen.append(exchange)
                    exchange.on_complete(lambda _: plugin.ended.append(exchange.status))
                    if table is not None:
                        assert table.config == config
                    return await plugin._do(config.do, following, subject)

                return odd

        return Filter()

    async def _do(self, do: str, following: Any, subject: Any) -> Any:
        match do:
            case "raise":
                raise ValueError("not\n like this")
            case "break" if self.broken:
                raise ConnectionError
            case "exit":
                raise SystemExit
            case "none":
                return None
            case "twice":
                await following(subject)
                return await following(subject)
            case "late":
                await following(subject)
                raise ValueError("too late")
            case "reject":
                raise Rejection("no")
            case "answer":
                return Response(401)
            case "opened":
                assert self.opened
            case "wait":
                self.waiting.set()
                await self.go_on.wait()
            case "stubborn":
                while not self.go_on.is_set():
                    try:
                        await self.go_on.wait()
                    except asyncio.CancelledError:
                        continue
            case "body":
                return Response(200, Headers(), Body.stream(Broken(), None))
            case "note":
                subject.request.headers.add(b"x-note", b"x")
        return await following(subject)


class Table:
    """Something that is kept, and takes another configuration."""

    def __init__(self, config: OddConfig) -> None:
        self.config = config

    def reconfigure(self, config: OddConfig) -> None:
        self.config = config


TEXT = """\
version: 1
services:
  users: {{instances: [http://127.0.0.1:1], health: false, filters: [{service}]}}
filters: [{all}]
chains: {{some: [{chain}]}}
routes:
  one: {{match: {match}, to: users, filters: [{route}]}}
"""


def text(**parts: str) -> str:
    empty = {"service": "", "all": "", "chain": "odd: 'off'", "match": "/one", "route": ""}
    return TEXT.format(**{**empty, **parts})


async def refused(config: str, plugin: Odd | None = None) -> list[str]:
    """What is wrong with it when a gateway starts."""
    with pytest.raises(ConfigError) as caught:
        async with open_gateway(config, [plugin or Odd()]):
            pass
    return [str(problem).removeprefix("gateway.yaml:") for problem in caught.value.problems]


def paths(exchanges: list[Exchange]) -> list[str]:
    return [exchange.request.path for exchange in exchanges]


# ---- what is refused ------------------------------------------------------------------------------------------------

RAISES = "fails on its first request: ValueError: not like this [fails]"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(
            {"route": "odd: raise"}, f"7:43: routes.one.filters[0]: `odd` {RAISES}", id="CFG-13-route"
        ),
        pytest.param({"all": "odd: raise"}, f"4:11: filters[0]: `odd` {RAISES}", id="CFG-13-all-routes"),
        pytest.param(
            {"service": "odd: raise"}, f"3:69: services.users.filters[0]: `odd` {RAISES}", id="CFG-13-service"
        ),
        pytest.param(
            {"service": "odd_try: raise"},
            f"3:69: services.users.filters[0]: `odd_try` {RAISES}",
            id="CFG-13-attempt",
        ),
        pytest.param(
            {"chain": "{odd: raise, name: x}", "route": "use: some"},
            f"5:17: chains.some[0]: `x` {RAISES}",
            id="CFG-13-chain",
        ),
        pytest.param(
            {"chain": "odd: raise", "service": "{use: some, when: {method: GET}}"},
            f"5:17: chains.some[0]: `odd` {RAISES}",
            id="CFG-13-chain-with-a-condition",
        ),
        pytest.param(
            {"route": "odd: exit"},
            "7:43: routes.one.filters[0]: `odd` fails on its first request: SystemExit [fails]",
            id="CFG-13-what-would-end-the-process",
        ),
        pytest.param(
            {"route": "odd: none"},
            "7:43: routes.one.filters[0]: `odd` answers its first request with None, which is no Response [fails]",
            id="CFG-13-no-response",
        ),
        pytest.param(
            {"route": "odd: twice"},
            "7:43: routes.one.filters[0]: `odd` fails on its first request: NextCalledTwiceError: filter 'odd' called next"
            " a second time [fails]",
            id="CFG-13-next-twice",
        ),
        pytest.param(
            {"service": "odd_try: twice"},
            "3:69: services.users.filters[0]: `odd_try` fails on its first request: NextCalledTwiceError: attempt filter"
            " 'odd_try' called next a second time [fails]",
            id="CFG-13-attempt-twice",
        ),
        pytest.param(
            {"route": "{odd: late, if_error: skip}"},
            "7:43: routes.one.filters[0]: `odd` fails on its first request: ValueError: too late [fails]",
            id="CFG-13-too-late-to-be-passed-over",
        ),
        pytest.param(
            {"route": "{odd: '', when: {odd_when: raise}}"},
            "7:43: routes.one.filters[0]: the condition of `odd` fails on its first request: LookupError: no word [fails]",
            id="CFG-13-condition-of-a-filter",
        ),
        pytest.param(
            {"chain": "odd: ''", "route": "{use: some, when: {odd_when: raise}}"},
            "7:43: routes.one.filters[0]: the condition of `some` fails on its first request: LookupError: no word"
            " [fails]",
            id="CFG-13-condition-of-a-chain",
        ),
        pytest.param(
            {"match": "{path: /one, not: {odd_when: raise}}"},
            "7:16: routes.one.match: the condition `not` fails on its first request: LookupError: no word [fails]",
            id="CFG-13-condition-of-a-route",
        ),
        pytest.param(
            {"match": "{path: /one, not: [{odd_when: raise}, {scheme: https}]}"},
            "7:16: routes.one.match: the condition `not` fails on its first request: LookupError: no word [fails]",
            id="CFG-13-one-of-several-conditions-of-a-route",
        ),
        pytest.param(
            {"route": "odd: body"},
            "7:8: routes.one: the body of its first answer fails: ZeroDivisionError: no bytes [fails]",
            id="CFG-13-body",
        ),
    ],
)
async def test_what_fails_at_once_is_refused(parts: dict[str, str], expected: str) -> None:
    """With the place in the file, in the words of the exception."""
    assert [expected] == await refused(text(**parts))


async def test_all_that_fails_is_said() -> None:
    """Each once, however many requests meet it."""
    config = text(all="{odd: late, name: a}", route="odd: late", service="{odd: raise, name: c}")
    other = "  two: {match: /two, to: users, filters: [odd: {do: raise, note: x}]}\n"

    found = await refused(config + other)

    assert ["3:69", "4:11", "7:43", "8:43"] == [problem.partition(": ")[0] for problem in found]


async def test_a_terminal_filter_answers() -> None:
    """There is nothing after it that it could go on to."""
    config = "version: 1\nroutes: {one: {match: /one, filters: [odd_end: '']}}\n"

    (problem,) = await refused(config)

    assert "`odd_end` fails on its first request: AssertionError" in problem
    assert "went past the end of its chain" in problem


async def test_what_came_from_outside_is_not_shown(gateway: StartGateway) -> None:
    """An exception may tell it."""

    class Telling(Odd):
        async def _do(self, do: str, following: Any, subject: Any) -> Any:
            raise ValueError(f"bad key {do}")

    with pytest.raises(ConfigError) as caught:
        await gateway(text(route="odd: '${KEY}'"), [Telling()], environ={"KEY": "canary-secret"})

    assert "canary-secret" not in str(caught.value)
    assert "ValueError: bad key" in str(caught.value)


async def test_at_a_reload_what_is_in_force_goes_on(
    gateway: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """CFG-13: no request fails, one event and one line say why, and a sound edit is the cure."""
    plugin = Odd()
    gw = await gateway(text(route="odd: answer"), [plugin])
    with caplog.at_level(logging.INFO):
        outcome = await gw.apply(text(route="odd: raise"))

    state = gw.gateway.reloader.state
    expected = f"gateway.yaml:7:43: routes.one.filters[0]: `odd` {RAISES}"
    assert (False, [expected]) == (outcome.applied, [str(problem) for problem in outcome.errors])
    assert (1, expected) == (state.revision, state.error)
    assert [expected] == [event.error for event in plugin.events if isinstance(event, ConfigRefused)]
    assert [f"configuration refused: {expected}"] == caplog.messages
    assert 401 == (await gw.get("/one")).status
    again = await gw.gateway.reloader.apply(text(route="odd: raise"), "a test", dry_run=True)
    assert outcome.errors == again.errors
    assert (await gw.apply(text(route="odd: reject"))).applied
    assert (400, "") == ((await gw.get("/one")).status, gw.gateway.reloader.state.error)


# ---- what is not ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"route": "odd: answer"}, id="answers"),
        pytest.param({"route": "odd: reject"}, id="rejects"),
        pytest.param({"route": "odd: 'off'"}, id="off"),
        pytest.param({"service": "odd_try: reject"}, id="attempt-that-fails"),
        pytest.param({"service": "odd_try: 'off'"}, id="attempt-off"),
        pytest.param({"service": "odd_try: answer"}, id="attempt-that-answers"),
        pytest.param({"route": "{odd: raise, if_error: skip}"}, id="passed-over"),
        pytest.param({"route": "{odd: raise, when: {odd_when: 'no'}}"}, id="condition-that-does-not-hold"),
        pytest.param({"route": "odd: opened"}, id="lifespan"),
        pytest.param({"all": "{odd: answer, name: a}", "route": "odd: raise"}, id="behind-one-that-answers"),
        pytest.param({"match": "{path: /one, odd_when: 'no'}", "route": "odd: raise"}, id="no-request-known"),
        pytest.param({"match": "{path: {not: {regex: /.*}}}", "route": "odd: raise"}, id="no-path-known"),
        pytest.param({"match": "{path: {regex: '/[^ -~]'}}", "route": "odd: raise"}, id="no-clean-path"),
        pytest.param({"match": "{path: {regex: '/a//b'}}", "route": "odd: raise"}, id="no-canonical-path"),
        pytest.param(
            {"match": "{path: {regex: '/a/.'}, header: {x: {regex: '[^ -~]'}}}", "route": "odd: raise"},
            id="no-field",
        ),
    ],
)
async def test_what_may_be_meant_is_served(gateway: StartGateway, parts: dict[str, str]) -> None:
    """Answers that the client does not like are answers; and what cannot be known is not held against anybody."""
    gw = await gateway(text(**parts), [Odd()])

    assert 1 == gw.gateway.reloader.state.revision


async def test_what_fails_already_keeps_nothing_from_changing(gateway: StartGateway) -> None:
    """Another system may be down: that is no reason to refuse what has nothing to do with it. Its own changes are."""
    plugin = Odd()
    config = text(
        all="{odd: break, name: a}",
        match="{path: /one, odd_when: 'yes'}",
        route="{use: some, when: {odd_when: break}}",
        service="odd_try: break",
    )
    gw = await gateway(config, [plugin])
    plugin.broken = True
    more = "  two: {match: /two, to: users, filters: [odd: answer]}\n"

    assert (await gw.apply(config + more)).applied
    changed = await gw.apply(
        config.replace("odd: break, name: a", "odd: {do: break, note: x}, name: a") + more
    )

    assert ["gateway.yaml:4:11"] == [problem.place for problem in changed.errors]
    assert "`a` fails on its first request: ConnectionError" in changed.errors[0].message


async def test_nothing_is_tried_twice(gateway: StartGateway) -> None:
    """Only what is new, and routes that are alike only once."""
    plugin = Odd()
    config = text(all="odd: note", chain="{odd: '', name: x}")
    gw = await gateway(config, [plugin])
    assert ["/one", "/"] == paths(plugin.seen)
    plugin.seen.clear()

    for more in ("x-note: y\n", "  two: {match: /two, to: users}\n", "  two: {match: /three, to: users}\n"):
        assert (await gw.apply(config + more)).applied
    assert [] == plugin.seen

    used = "".join(
        f"  r{number}: {{match: /r{number}, to: users, filters: [use: some]}}\n" for number in range(5)
    )
    await gw.apply(config + used)
    assert ["/r0", "/r0"] == paths(plugin.seen)


async def test_every_service_with_filters_is_tried(gateway: StartGateway) -> None:
    """Of a route with several, and of one whose path names it."""
    plugin = Odd()
    services = "".join(
        f"  {name}: {{instances: [http://127.0.0.1:1], health: false, filters: [{filters}]}}\n"
        for name, filters in (("a", "odd: ''"), ("b", "odd: ''"), ("c", ""), ("d", ""))
    )
    await gateway(
        f"version: 1\nservices:\n{services}routes:\n  some: {{match: /some, to: {{a: 1, b: 0, c: 1}}}}\n",
        [plugin],
    )
    assert [("/some", "a"), ("/some", "b")] == [(one.request.path, one.service) for one in plugin.seen]

    plugin.seen.clear()
    await gateway(
        f"version: 1\nservices:\n{services}"
        "routes: {any: {match: '/{s:service}/**', to: '{path.s}', rewrite: '/x/{path.rest}'}}\n",
        [plugin],
    )
    assert [("a", b"/x/"), ("b", b"/x/")] == [(one.service, one.request.target) for one in plugin.seen]


# ---- the request ----------------------------------------------------------------------------------------------------


async def test_nothing_of_it_leaves_the_gateway(gateway: StartGateway, origin: StartOrigin) -> None:
    """No service is asked, nothing is counted or logged; what waits for the end of an exchange hears of it."""
    users, plugin = await origin(), Odd()
    gw = await gateway(text(route="odd: ''").replace("http://127.0.0.1:1", users.url), [plugin])

    (exchange,) = plugin.seen
    assert ([], [], [200]) == (users.requests, gw.records, plugin.ended)
    assert 0 == gw.metric("gatekeeper_requests_total")
    assert 0 == gw.metric("gatekeeper_upstream_attempts_total")
    (member,) = gw.gateway.services["users"].members
    assert (0, 0.0) == (member.instance.in_flight, member.instance.latency)
    assert exchange[DRY_RUN]
    assert exchange.fork("other").get(DRY_RUN, False)

    await gw.get("/one")
    assert not plugin.seen[1].get(DRY_RUN, False)


async def test_the_request_is_one_that_the_route_takes(gateway: StartGateway) -> None:
    """Read as a client's is, with what the route captures."""
    plugin = Odd()
    match = "[{path: /a, header: {x: {not: ['1', x, '', {present: false}]}}}, "
    match += "{path: '/b/{id:int}/{name}', host: '*.shop.example', method: PUT, header: {x-team: blue}, query: {q: z}}]"
    await gateway(text(match=match, route="odd: ''"), [plugin])

    (exchange,) = plugin.seen
    request = exchange.request
    assert ("PUT", "/b/1/1", b"/b/1/1?q=z", "x.shop.example") == (
        request.method,
        request.path,
        request.target,
        request.host,
    )
    assert ({"id": "1", "name": "1"}, "one", "users") == (
        exchange.captures,
        exchange.route.name if exchange.route is not None else "",
        exchange.service,
    )
    assert b"blue" == request.headers.get(b"x-team")
    assert {b"traceparent", b"x-request-id"} <= {name.lower() for name, _ in request.headers}
    assert {"odd", "forward"} == exchange.spent.keys()
    assert b"" == await request.body.read(0)


async def test_requests_ask_for_a_host_that_is_answered(gateway: StartGateway) -> None:
    """And come in at a listener that there is."""
    plugin = Odd()
    await gateway(
        "hosts: ['*.a.example']\nserver: {listen: {inside: 8081}}\n" + text(route="odd: ''"), [plugin]
    )

    assert ("x.a.example", "inside") == (plugin.seen[0].request.host, plugin.seen[0].request.listener)


async def test_what_no_route_takes_is_tried_too(gateway: StartGateway) -> None:
    """The global filters meet it without a route."""
    plugin = Odd()
    await gateway("version: 1\nfilters: [odd: '']\n", [plugin])

    (exchange,) = plugin.seen
    assert (404, "-") == (plugin.ended[0], exchange.route.name if exchange.route is not None else "")


async def test_what_is_yet_to_be_reconfigured_is_not_tried(gateway: StartGateway) -> None:
    """It would meet what belongs to the configuration in force."""
    plugin = Odd()
    config = text(all="{odd: keep, name: a}", route="odd: ''")
    gw = await gateway(config, [plugin])
    plugin.seen.clear()

    assert (await gw.apply(config.replace("odd: keep", "odd: {do: keep, note: x}"))).applied
    assert [] == plugin.seen
    assert 200 < (await gw.get("/one")).status


# ---- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("do", ["wait", "stubborn"])
async def test_what_waits_is_left(
    gateway: StartGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, do: str
) -> None:
    """It has not failed; that it was not tried to the end is said."""
    monkeypatch.setattr(dry_run, "SECONDS", 0.02)
    monkeypatch.setattr(dry_run, "PATIENCE", 0.01)
    plugin = Odd()

    gw = await gateway(text(route=f"odd: {do}"), [plugin])

    (record,) = [one for one in caplog.records if "not all chains were tried" in one.message]
    assert (["one"], 0) == (record.__dict__["routes"], record.__dict__["left"])
    assert 1 == gw.gateway.reloader.state.revision
    plugin.go_on.set()


async def test_only_some_wait_at_a_time(
    gateway: StartGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """So that a system that is asked in each of many chains is not flooded."""
    monkeypatch.setattr(dry_run, "SECONDS", 0.02)
    monkeypatch.setattr(dry_run, "AT_ONCE", 2)
    plugin = Odd()
    routes = "".join(
        f"  r{number}: {{match: /r{number}, to: users, filters: [odd: {{do: wait, note: n{number}}}]}}\n"
        for number in range(5)
    )

    await gateway(text() + routes, [plugin])

    assert ["/r0", "/r1"] == paths(plugin.seen)
    (record,) = [one for one in caplog.records if "not all chains were tried" in one.message]
    assert (["r0", "r1"], 3) == (record.__dict__["routes"], record.__dict__["left"])


async def test_who_gives_up_leaves_nothing_running(gateway: StartGateway) -> None:
    """What was opened for the configuration is closed, and the requests end."""
    plugin = Odd()
    gw = await gateway(text(), [plugin])
    waiting = asyncio.create_task(gw.apply(text(route="odd: wait")))
    await plugin.waiting.wait()

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)

    assert [0] == plugin.ended
    assert 1 == gw.gateway.reloader.state.revision


async def test_many_chains_are_tried_a_few_at_a_time(gateway: StartGateway) -> None:
    """CFG-11: turns of the loop come between them."""
    plugin, turns = Odd(), 0
    gw = await gateway(text(), [plugin])
    routes = "".join(
        f"  r{number}: {{match: /r{number}, to: users, filters: [odd: {{do: answer, note: n{number}}}]}}\n"
        for number in range(200)
    )

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            # only those that come while chains are tried
            turns += bool(plugin.seen)

    turning = asyncio.create_task(turn())
    outcome = await gw.apply(text() + routes)
    turning.cancel()

    assert outcome.applied
    assert 200 == len(plugin.seen)
    assert turns >= 200 / dry_run.AT_ONCE


async def test_requests_are_served_meanwhile(gateway: StartGateway) -> None:
    """By the configuration that is in force."""
    plugin = Odd()
    gw: LiveGateway = await gateway(text(route="odd: answer"), [plugin])
    plugin.seen.clear()
    reload = asyncio.create_task(gw.apply(text(route="odd: wait")))
    await plugin.waiting.wait()

    assert 401 == (await gw.get("/one")).status
    plugin.go_on.set()

    assert (await reload).applied
