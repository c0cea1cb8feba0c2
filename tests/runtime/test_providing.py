"""What providers say, brought into force."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from gatekeeper import hookimpl
from gatekeeper.registry.providers import ProviderStatus
from gatekeeper.runtime.local import LocalNode
from gatekeeper.testing import LiveGateway, StartGateway, StartOrigin, answer


@attrs.frozen
class ToldConfig:
    """A provider that says what a test tells it."""

    word: str = ""


class Told:
    """A provider that says what a test tells it."""

    def __init__(self, config: ToldConfig, context: Any) -> None:
        if config.word == "broken":
            raise RuntimeError("no")
        self.name = context.name
        self.owner = context.owner
        self.says: asyncio.Queue[str] = asyncio.Queue()
        self.status = ProviderStatus(1.0, "once", 2.0, 0)
        self.ended = False

    async def watch(self) -> AsyncIterator[str]:
        try:
            while True:
                yield await self.says.get()
        finally:
            self.ended = True


class Plugin:
    """Knows all providers that were made, the last one of a name."""

    def __init__(self) -> None:
        self.made: list[Told] = []

    @hookimpl
    def gatekeeper_register(self, catalog: Any) -> None:
        def build(config: ToldConfig, context: Any) -> Told:
            told = Told(config, context)
            self.made.append(told)
            return told

        catalog.provider("told", ToldConfig, build, main="word")


def config(providers: str) -> str:
    fallback = "routes: {all: {match: /**, filters: [static: {body: {text: file}}]}}\n"
    return f"version: 1\n{providers}{fallback}"


def says(word: str) -> str:
    return f"routes: {{{word}: {{match: /{word}, filters: [static: {{body: {{text: {word}}}}}]}}}}\n"


async def until_revision(gw: LiveGateway, revision: int) -> None:
    async with asyncio.timeout(10):
        while gw.gateway.reloader.state.revision < revision:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def body(gw: LiveGateway, path: str) -> str:
    return (await gw.get(path)).body.decode()


async def test_what_a_provider_says_is_in_force(gateway: StartGateway) -> None:
    """Whole states: what it says no more has gone. When it goes itself, so does the rest."""
    plugin = Plugin()
    gw = await gateway(config("providers: {portal: told}\n"), [plugin])
    (told,) = plugin.made
    assert ("portal", "provider portal") == (told.name, told.owner)

    await told.says.put(says("a"))
    await until_revision(gw, 2)
    assert ["a", "file"] == [await body(gw, "/a"), await body(gw, "/b")]
    await told.says.put(says("b"))
    await until_revision(gw, 3)
    assert ["file", "b"] == [await body(gw, "/a"), await body(gw, "/b")]

    await gw.apply(config(""))
    await until_revision(gw, 5)
    assert "file" == await body(gw, "/b")
    assert told.ended


async def test_a_provider_that_is_configured_as_before_goes_on(gateway: StartGateway) -> None:
    """Another configuration of it is another provider; what the one before said holds until the new one speaks."""
    plugin = Plugin()
    gw = await gateway(config("providers: {portal: told}\n"), [plugin])
    await plugin.made[0].says.put(says("a"))
    await until_revision(gw, 2)

    await gw.apply(config("providers: {portal: told}\n") + "x-note: changed\n")
    assert 1 == len(plugin.made)
    await gw.apply(config("providers: {portal: {told: other}}\n"))
    assert 2 == len(plugin.made)
    assert "a" == await body(gw, "/a")
    await plugin.made[1].says.put(says("b"))
    await until_revision(gw, 5)
    assert ["file", "b"] == [await body(gw, "/a"), await body(gw, "/b")]


@pytest.mark.parametrize(
    "unsound",
    ["routes: {x: {match: /x, to: nobody}}\n", "nonsense: [", "services: {x: http://127.0.0.1:1}\n"],
)
async def test_what_is_unsound_is_refused_whole(
    gateway: StartGateway, caplog: pytest.LogCaptureFixture, unsound: str
) -> None:
    """What it said before stays in force, and it goes on being heard."""
    plugin = Plugin()
    gw = await gateway(config("providers: {portal: {told: x, may_provide: [routes]}}\n"), [plugin])
    (told,) = plugin.made
    await told.says.put(says("a"))
    await until_revision(gw, 2)

    with caplog.at_level(logging.ERROR):
        await told.says.put(unsound)
        await told.says.put(says("b"))
        await until_revision(gw, 3)

    assert 1 == caplog.messages.count("what provider portal says is refused; what it said before holds")
    assert "b" == await body(gw, "/b")


async def test_what_was_refused_is_tried_beside_another_file(gateway: StartGateway) -> None:
    """A service that it sends to may come later."""
    plugin = Plugin()
    gw = await gateway(config("providers: {portal: told}\n"), [plugin])
    await plugin.made[0].says.put("routes: {x: {match: /x, to: late}}\n")
    await until_refused(gw)

    await gw.apply(config("providers: {portal: told}\n") + "x-note: still not\n")
    await until_refused(gw, 2)
    await gw.apply(config("providers: {portal: told}\nservices: {late: http://127.0.0.1:1}\n"))
    await until_revision(gw, 4)

    assert 502 == (await gw.get("/x")).status


async def until_refused(gw: LiveGateway, times: int = 1) -> None:
    async with asyncio.timeout(10):
        while gw.metric("gatekeeper_config_reloads_total", result="refused") < times:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_a_gateway_is_ready_when_those_that_are_required_have_spoken(gateway: StartGateway) -> None:
    """Soundly or not: what they say is judged on its own."""
    plugin = Plugin()
    gw = await gateway(
        config("providers: {one: {told: x, required: true}, two: {told: y}}\nserver: {health_path: /up}\n"),
        [plugin],
    )
    node = LocalNode(gw.gateway)
    assert ["one"] == gw.gateway.providers.awaited
    assert ("starting", False) == ((await node.status())["state"], (await node.status())["ready"])
    assert 503 == (await gw.get("/up")).status

    await next(told for told in plugin.made if told.name == "one").says.put(says("a"))
    await until_revision(gw, 2)
    await asyncio.sleep(0)

    assert ("running", True) == ((await node.status())["state"], (await node.status())["ready"])
    assert 200 == (await gw.get("/up")).status


async def test_the_state_of_providers_is_told(gateway: StartGateway) -> None:
    """As plain data."""
    gw = await gateway(config("providers: {portal: told}\n"), [Plugin()])

    expected = {
        "last_success": 1.0,
        "last_error": "once",
        "last_error_at": 2.0,
        "failures": 0,
        "kind": "told",
    }
    assert {"portal": expected} == gw.gateway.providers.status()
    assert {"portal": expected} == (await LocalNode(gw.gateway).status())["providers"]


async def test_a_provider_that_cannot_be_made_is_logged(
    gateway: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """The gateway serves what it has."""
    with caplog.at_level(logging.ERROR):
        gw = await gateway(config("providers: {portal: {told: broken}}\n"), [Plugin()])

    assert ["provider portal could not be made"] == caplog.messages
    assert "file" == await body(gw, "/")


async def test_a_web_server_may_be_the_provider(gateway: StartGateway, origin: StartOrigin) -> None:
    """It is asked again and again, only for what is new; when it is away, what it said last holds."""
    portal = await origin()
    first = answer(200, [("ETag", '"1"')], says("a").encode())
    portal.play(first)
    portal.play(answer(304))
    portal.play(answer(503))
    portal.always(answer(200, [("ETag", '"2"')], says("b").encode()))
    gw = await gateway(config(f"providers: {{portal: {{http: {{url: '{portal.url}/state', every: 1s}}}}}}\n"))

    await until_revision(gw, 2)
    assert ["a", "file"] == [await body(gw, "/a"), await body(gw, "/b")]
    await until_revision(gw, 3)

    assert ["file", "b"] == [await body(gw, "/a"), await body(gw, "/b")]
    assert [None, '"1"', '"1"', '"1"'] == [request.get("if-none-match") for request in portal.requests[:4]]
    assert {"/state"} == {request.target for request in portal.requests}
