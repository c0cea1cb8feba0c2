"""The provider `http` against real servers: what it asks, what it says, and what it makes of failures."""

import asyncio
import gzip
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import aiohttp
import pytest
import trustme

from gatekeeper.config.problems import ConfigError
from gatekeeper.config.structure import structure_options
from gatekeeper.core.clock import Wheel
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.registry.providers import ProviderStatus, http
from gatekeeper.registry.providers.http import LONGEST, READ_AT_MOST, HttpProvider, HttpProviderConfig
from gatekeeper.testing import FIN, HANG, RST, FakeClock, Origin, StartOrigin, Surroundings, answer
from gatekeeper.testing.origin import Received


pytestmark = pytest.mark.both_loops

ONE = b"services: {one: http://localhost:1}\n"
TWO = b"services: {two: http://localhost:2}\n"


class Fixed(Random):
    """A share of what chance may choose from."""

    share = 0.5

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self.share


class Asking:
    """A provider at work, whose naps a test ends. `texts` is what it has said, `naps` how long it waits each time."""

    def __init__(self) -> None:
        self.clock = FakeClock(wall=1000.0)
        self.random = Fixed()
        self.texts: list[str] = []
        self.naps: list[float] = []
        self.provider: HttpProvider
        self._asleep = asyncio.Event()
        self._wake = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.clock.advance(seconds)
        self._wake.clear()
        self._asleep.set()
        await self._wake.wait()

    async def again(self, times: int = 1) -> None:
        """Let it ask so many times more."""
        for _ in range(times):
            self._asleep.clear()
            self._wake.set()
            await self._asleep.wait()

    async def listen(self) -> None:
        async for text in self.provider.watch():
            self.texts.append(text)

    @property
    def status(self) -> ProviderStatus:
        return self.provider.status


@asynccontextmanager
async def asking(
    origin: Origin | str,
    path: str = "/gateway.yaml",
    *,
    resolver: aiohttp.abc.AbstractResolver | None = None,
    **options: Any,
) -> AsyncIterator[Asking]:
    """A provider that has asked once."""
    play = Asking()
    url = f"{origin if isinstance(origin, str) else origin.url}{path}"
    connector = aiohttp.TCPConnector(resolver=resolver)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        config = HttpProviderConfig(url=url, **options)
        play.provider = HttpProvider("portal", config, lambda: session, play.clock, play.random, play.sleep)
        task = asyncio.get_running_loop().create_task(play.listen())
        try:
            await play._asleep.wait()
            yield play
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()


def document(body: bytes = ONE, *headers: tuple[str, str]) -> bytes:
    return answer(200, headers, body)


# ---- what it says ---------------------------------------------------------------------------------------------------


async def test_it_says_a_document_and_then_only_another_one(origin: StartOrigin) -> None:
    """Whatever the server answers in between."""
    server = await origin()
    server.play(document()).play(document()).play(document(TWO)).play(document(TWO)).play(document(ONE))

    async with asking(server) as play:
        assert [ONE.decode()] == play.texts
        await play.again(4)

    assert [ONE.decode(), TWO.decode(), ONE.decode()] == play.texts
    assert 5 == len(server.requests)


async def test_it_asks_for_nothing_but_the_document(origin: StartOrigin) -> None:
    """With its query, and the header fields of the configuration, which win over its own."""
    server = (await origin()).always(document())

    async with asking(
        server, "/config?env=prod", headers={"authorization": "Bearer x", "ACCEPT": "text/yaml"}
    ):
        request = server.request

    assert ("GET", "/config?env=prod", b"") == (request.method, request.target, bytes(request.body))
    assert ["Bearer x"] == request.get_all("Authorization")
    assert ["text/yaml"] == request.get_all("Accept")
    assert ["gatekeeper-provider"] == request.get_all("User-Agent")
    assert None is request.get("If-None-Match") is request.get("If-Modified-Since")


async def test_what_it_takes_says_so(origin: StartOrigin) -> None:
    """JSON first: it is read faster, and never cut unnoticed."""
    server = (await origin()).always(document())

    async with asking(server):
        assert "application/json, application/yaml;q=0.9, */*;q=0.1" == server.request.get("Accept")


async def test_a_server_that_has_nothing_new_says_so(origin: StartOrigin) -> None:
    """With the conditions of the last document; an answer without any leads to a request without any."""
    old, now = "Mon, 01 Jan 2024 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:01 GMT"
    server = await origin()
    server.play(document(ONE, ("ETag", '"1"'), ("Last-Modified", old), ("Date", now)))
    server.play(answer(304)).play(answer(304, [("ETag", '"ignored"')]))
    server.play(document(TWO, ("ETag", 'W/"2"'))).play(document(TWO)).play(document(TWO))

    async with asking(server) as play:
        await play.again(5)

    assert [ONE.decode(), TWO.decode()] == play.texts
    conditions = [(one.get("If-None-Match"), one.get("If-Modified-Since")) for one in server.requests]
    assert [(None, None), *[('"1"', old)] * 3, ('W/"2"', None), (None, None)] == conditions
    assert ProviderStatus(last_success=play.status.last_success) == play.status


@pytest.mark.parametrize(
    ("modified", "date", "is_sent"),
    [
        pytest.param("Mon, 01 Jan 2024 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:01 GMT", True, id="a second"),
        pytest.param("Mon, 01 Jan 2024 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 GMT", False, id="now"),
        pytest.param("Mon, 01 Jan 2024 00:00:00 GMT", "", False, id="no date"),
        pytest.param("", "Mon, 01 Jan 2024 00:00:00 GMT", False, id="no change"),
        pytest.param("yesterday", "Mon, 01 Jan 2024 00:00:00 GMT", False, id="no time"),
        pytest.param("Mon, 01 Jan 2024 00:00:00", "Mon, 01 Jan 2024 00:00:01 GMT", False, id="no zone"),
    ],
)
async def test_the_time_of_a_change_is_sent_where_it_tells(
    origin: StartOrigin, modified: str, date: str, *, is_sent: bool
) -> None:
    """RFC 9110 section 8.8.2.2: what changed in the second of the answer may change again in it."""
    fields = [(name, value) for name, value in (("Last-Modified", modified), ("Date", date)) if value]
    server = (await origin()).always(document(ONE, *fields))

    async with asking(server) as play:
        await play.again()
        assert ([ONE.decode()], 0) == (play.texts, play.status.failures)

    assert (modified if is_sent else None) == server.requests[1].get("If-Modified-Since")


@pytest.mark.parametrize(
    ("etag", "is_sent"),
    [('"a-b/c!"', True), ('W/"a"', True), ('""', True), ("a", False), ('"a b"', False), ('"\u00e4"', False)],
)
async def test_only_what_is_an_etag_is_sent_back(origin: StartOrigin, etag: str, *, is_sent: bool) -> None:
    """RFC 9110 section 8.8.3, without what is not ASCII."""
    server = (await origin()).always(document(ONE, ("ETag", etag)))

    async with asking(server) as play:
        await play.again()

    assert (etag if is_sent else None) == server.requests[1].get("If-None-Match")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b"\xef\xbb\xbfservices: {}\n", "services: {}\n", id="with a byte order mark"),
        pytest.param("x-städte: [Köln]\n".encode(), "x-städte: [Köln]\n", id="beyond ASCII"),
        pytest.param(b'{"services": {}}', '{"services": {}}', id="JSON"),
        pytest.param(b"<html>Welcome to our Wi-Fi", "<html>Welcome to our Wi-Fi", id="what is none"),
    ],
)
async def test_it_does_not_judge_what_it_says(origin: StartOrigin, body: bytes, text: str) -> None:
    """The configuration does."""
    server = (await origin()).always(document(body))

    async with asking(server) as play:
        assert [text] == play.texts


async def test_a_document_may_come_in_chunks(origin: StartOrigin) -> None:
    """And packed: it is the same one."""
    server = (await origin()).always(answer(200, body=[ONE[:7], ONE[7:]]))

    async with asking(server) as play:
        server.always(document(gzip.compress(ONE), ("Content-Encoding", "gzip")))
        await play.again()
        await play.again()
        server.always(answer(200, body=[ONE]).replace(b": chunked", b": Chunked"))
        await play.again()
        assert [ONE.decode()] == play.texts
        assert 0 == play.status.failures


async def test_whoever_asks_anew_hears_all_of_it(origin: StartOrigin) -> None:
    """Nothing is left of the last time."""
    server = (await origin()).always(document(ONE, ("ETag", '"1"')))

    async with asking(server) as play:
        async for text in play.provider.watch():
            assert ONE.decode() == text
            break

    assert None is server.requests[1].get("If-None-Match")


# ---- when it asks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "seconds"), [(0.0, 27.0), (0.5, 30.0), (1.0, 33.0)])
async def test_it_asks_every_so_often(origin: StartOrigin, share: float, seconds: float) -> None:
    """Not all gateways at once."""
    server = (await origin()).always(document())

    async with asking(server, every=30.0) as play:
        play.random.share = share
        await play.again(2)

    assert [pytest.approx(seconds)] * 2 == play.naps[1:]


@pytest.mark.parametrize(("share", "part"), [(0.0, 0.5), (1.0, 1.0)])
async def test_it_asks_less_and_less_often_while_that_fails(
    origin: StartOrigin, share: float, part: float
) -> None:
    """From a second to a minute, and as before when it works again."""
    server = await origin()
    server.always(answer(503))

    async with asking(server) as play:
        play.random.share = share
        await play.again(20)
        waits = [1, 2, 4, 8, 16, 32, *[LONGEST] * 14]
        assert [seconds * part for seconds in waits[1:]] == play.naps[1:-1]
        assert LONGEST * part == play.naps[-1]

        play.random.share = 0.5
        server.always(document())
        await play.again()
        server.always(answer(503))
        await play.again()

    assert [10.0, 0.75] == [pytest.approx(seconds) for seconds in play.naps[-2:]]


# ---- what fails -----------------------------------------------------------------------------------------------------

WITHOUT_END = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + ONE


@pytest.mark.parametrize(
    ("script", "error"),
    [
        pytest.param([answer(503)], "it answered 503", id="status"),
        pytest.param([answer(204)], "it answered 204", id="nothing"),
        pytest.param([answer(206, body=ONE)], "it answered 206", id="a part"),
        pytest.param([answer(404)], "it answered 404; is `url` right?", id="not there"),
        pytest.param(
            [answer(401)], "it answered 401; it may want to know who asks: set `headers`", id="who asks"
        ),
        pytest.param(
            [answer(403)], "it answered 403; it may want to know who asks: set `headers`", id="forbidden"
        ),
        pytest.param(
            [answer(302, [("Location", "https://sso.example/login?secret=1")])],
            "it answered 302, which leads to 'https://sso.example/login'; write as `url` where the document is",
            id="elsewhere",
        ),
        pytest.param([answer(302)], "it answered 302", id="elsewhere, but not where"),
        pytest.param(
            [answer(302, [("Location", "/" + "a" * 500)])],
            f"it answered 302, which leads to '/{'a' * 199}'; write as `url` where the document is",
            id="far away",
        ),
        pytest.param([answer(304)], "it answered 304", id="unasked"),
        pytest.param([answer(200, body=b"\xff\xfea\0")], "its answer is no UTF-8", id="UTF-16"),
        pytest.param([document()[:-3], FIN], "its answer broke off", id="half of it"),
        pytest.param(
            [answer(200, body=[ONE, TWO])[:-9], FIN], "its answer broke off", id="half of its chunks"
        ),
        pytest.param([document()[:-3], RST], "its answer broke off", id="reset within"),
        pytest.param([FIN], "its answer broke off", id="closed"),
        pytest.param([RST], "connection reset by peer", id="reset"),
        pytest.param(
            [WITHOUT_END, FIN],
            "its answer does not say where it ends; the server has to send `Content-Length`, or chunks",
            id="without end",
        ),
        pytest.param(
            [b"SSH-2.0-OpenSSH_9.2\r\n", FIN], "its answer is no HTTP: bad status line", id="no HTTP"
        ),
        pytest.param(
            [document(b"x" * (READ_AT_MOST + 1))], "its answer is larger than 8 MiB", id="too large"
        ),
        pytest.param(
            [document(gzip.compress(b"x" * (READ_AT_MOST + 1)), ("Content-Encoding", "gzip"))],
            "its answer is larger than 8 MiB",
            id="too large when unpacked",
        ),
    ],
)
async def test_what_fails_is_told_and_tried_again(
    origin: StartOrigin, script: list[Any], error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """UPS: what it said last holds, and what comes next counts."""
    server = (await origin()).always(*script)

    async with asking(server) as play:
        assert [] == play.texts
        status = play.status
        assert (error, error, 1, 0.0) == (
            status.error,
            status.last_error,
            status.failures,
            status.last_success,
        )
        (record,) = [record for record in caplog.records if record.name == http.__name__]
        assert f"provider portal: {error}; it has not said anything yet" == record.message
        assert not record.exc_info

        server.always(document())
        await play.again()
        assert [ONE.decode()] == play.texts

        server.always(*script)
        await play.again()
        assert [ONE.decode()] == play.texts
        assert error == play.status.error


async def test_a_document_of_eight_megabytes_is_not_too_large(origin: StartOrigin) -> None:
    """One byte more is."""
    server = (await origin()).always(document(b" " * READ_AT_MOST))

    async with asking(server) as play:
        assert [READ_AT_MOST] == [len(text) for text in play.texts]


async def test_a_server_that_never_ends_is_given_up(
    origin: StartOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ten seconds, before or in its answer."""
    monkeypatch.setattr(http, "TOTAL", 0.05)
    server = await origin()
    server.play(HANG).play(document()[:-3], HANG).play(document())

    async with asking(server) as play:
        assert "no whole answer within 0.05 s" == play.status.error
        await play.again()
        assert 2 == play.status.failures
        monkeypatch.undo()
        await play.again()

    assert [ONE.decode()] == play.texts


async def test_a_server_that_is_not_there(origin: StartOrigin) -> None:
    """It may come."""
    server = await origin()
    server.stop_listening()

    async with asking(server) as play:
        assert "connection refused" == play.status.error


class Nobody(aiohttp.abc.AbstractResolver):
    """Knows no names."""

    async def resolve(self, *_: Any, **__: Any) -> list[aiohttp.abc.ResolveResult]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def close(self) -> None:
        pass


async def test_a_name_that_is_none() -> None:
    """It may be one tomorrow."""
    async with asking("http://portal.example", resolver=Nobody()) as play:
        assert "the host cannot be resolved: name or service not known" == play.status.error


async def test_a_server_that_nobody_knows(origin: StartOrigin) -> None:
    """Its certificate is of an authority that is not trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = await origin(tls=context)

    async with asking(server) as play:
        assert play.status.error.startswith("certificate verify failed: ")


async def test_an_error_that_nobody_expects_is_told_with_its_trace(
    origin: StartOrigin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not end the provider."""
    server = (await origin()).always(document())

    async def fail(_: object) -> bytes:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(http, "_read", fail)
    async with asking(server) as play:
        assert "ZeroDivisionError: oh" == play.status.error
        monkeypatch.undo()
        await play.again()

    assert [ONE.decode()] == play.texts
    first = caplog.records[0]
    assert first.exc_info is not None
    assert isinstance(first.exc_info[1], ZeroDivisionError)


async def test_an_answer_that_failed_is_asked_for_again_as_a_whole(origin: StartOrigin) -> None:
    """Its ETag is not remembered: the document has not been read."""
    server = await origin()
    server.play(document(ONE, ("ETag", '"1"'))).play(document(b"\xff", ("ETag", '"2"')))
    server.play(document(TWO, ("ETag", '"2"')))

    async with asking(server) as play:
        await play.again(2)

    assert ['"1"', '"1"'] == [request.get("If-None-Match") for request in server.requests[1:]]
    assert [ONE.decode(), TWO.decode()] == play.texts


async def test_a_kind_of_failure_is_told_once_until_it_heals(
    origin: StartOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    """The status has the last one; what else goes on is in nobody's log."""
    caplog.set_level(logging.INFO)
    counter = iter(range(100))

    def login(_: Received) -> bytes:
        return answer(302, [("Location", f"/login/{next(counter)}")])

    server = (await origin()).always(document())
    async with asking(server) as play:
        for scripted in (login, answer(503), login, answer(503), answer(502)):
            server.always(scripted)
            await play.again(2)
        assert (10, "it answered 502") == (play.status.failures, play.status.error)
        server.always(document(TWO))
        await play.again(2)
        assert (0, "", "it answered 502") == (play.status.failures, play.status.error, play.status.last_error)
        server.always(answer(503))
        await play.again(2)

    assert [
        "it answered 302, which leads to '/login/0'; write as `url` where the document is; what it said last holds",
        "it answered 503; what it said last holds",
        "it answered 502; what it said last holds",
        "answers again",
        "it answered 503; what it said last holds",
    ] == [record.message.removeprefix("provider portal").lstrip(": ") for record in caplog.records]
    assert {"portal"} == {vars(record)["provider"] for record in caplog.records}


async def test_its_status_has_times(origin: StartOrigin) -> None:
    """Of the last success and of the last failure, in seconds since the epoch."""
    server = (await origin()).always(document())

    async with asking(server, every=16.0) as play:
        assert ProviderStatus(last_success=1000.0) == play.status
        await play.again()
        assert ProviderStatus(last_success=1016.0) == play.status
        server.always(answer(503))
        await play.again(2)
        assert ProviderStatus(1016.0, "it answered 503", 1032.75, 2) == play.status
        server.always(document())
        await play.again()

    assert ProviderStatus(1034.25, "it answered 503", 1032.75, 0) == play.status


async def test_it_shows_how_it_is_doing(origin: StartOrigin) -> None:
    """But never what it asks with."""
    server = (await origin()).always(document())

    async with asking(server, headers={"authorization": "Bearer x"}) as play:
        assert "<HttpProvider portal fine>" == repr(play.provider)
        server.always(answer(503))
        await play.again()
        assert "<HttpProvider portal it answered 503>" == repr(play.provider)
        assert "Bearer" not in repr(play.provider.config)


async def test_a_session_that_is_closed_ends_nothing(origin: StartOrigin) -> None:
    """The gateway is going away, or a test forgot something."""
    server = (await origin()).always(document())

    async with asking(server) as play:
        await play.provider._session().close()
        await play.again()
        assert "RuntimeError: Session is closed" == play.status.error


# ---- how it is configured -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "`url` is missing"),
        ({"url": "portal/config"}, "an address begins with `http://` or `https://`"),
        ({"url": "unix:///run/x"}, "an address begins with `http://` or `https://`"),
        ({"url": "http:///config"}, "and a host stands behind it"),
        ({"url": "http://a b/"}, "an address holds no spaces"),
        ({"url": "http://ä/"}, "an address holds no spaces"),
        ({"url": "http://a:99999/"}, "this is no address: "),
        ({"url": "http://a:b/"}, "this is no address: "),
        ({"url": "http://[::1/"}, "this is no address: "),
        ({"url": "http://me:secret@a/"}, "an address holds no user and no password"),
        ({"url": "http://a/#x"}, "what stands behind `#` is not sent"),
        ({"url": "http://a/", "every": 10}, "10 has no unit"),
        ({"url": "http://a/", "every": "999ms"}, "once a second at most"),
        ({"url": "http://a/", "headers": {"host": "b"}}, "`host` is written by the gateway itself"),
        ({"url": "http://a/", "headers": {"x y": "b"}}, "x y"),
        (
            {"url": "http://a/", "headers": {"If-None-Match": "*"}},
            "`If-None-Match` is written by the provider",
        ),
        ({"url": "http://a/", "headers": {"if-modified-since": "x"}}, "`if-modified-since` is written by"),
        ({"url": "http://a/", "interval": "1s"}, "unknown key `interval`"),
    ],
)
def test_what_it_refuses(options: Any, problem: str) -> None:
    """When the file is read; a secret is not repeated."""
    with pytest.raises(ConfigError) as caught:
        structure_options(HttpProviderConfig, options)

    (found,) = caught.value.problems
    assert problem in found.message
    assert "secret" not in found.message


@pytest.mark.parametrize(
    "url", ["http://a", "https://a.example:8443/x/y?z=1", "http://[::1]:80/", "http://10.0.0.1/config"]
)
def test_what_it_takes(url: str) -> None:
    """And the defaults."""
    config = structure_options(HttpProviderConfig, {"url": url, "every": "1s"})

    assert HttpProviderConfig(url=url, every=1.0, headers={}) == config
    assert 10.0 == HttpProviderConfig(url=url).every


async def test_it_is_registered_and_built(origin: StartOrigin) -> None:
    """In whatever thread: the client is asked for when there is a loop."""
    catalog = Catalog()
    http.gatekeeper_register(catalog)
    kind = catalog.providers["http"]
    server = (await origin()).always(document())
    surroundings = Surroundings()
    context = BuildContext(
        gateway=surroundings, wheel=Wheel(0.0), name="portal", owner="provider portal", random=Fixed()
    )

    assert (HttpProviderConfig, "url") == (kind.config, kind.main)
    assert "Ask a web server for a document with services and routes." == kind.summary
    config = kind.config(url=server.url)
    provider = await asyncio.to_thread(kind.build, config, context)
    async with aiohttp.ClientSession() as session:
        surroundings.session = session
        said = provider.watch()
        assert ONE.decode() == await anext(said)
        await said.aclose()

    assert ("portal", config) == (provider.name, provider.config)
    assert surroundings.clock.wall() == provider.status.last_success
    assert context.random is provider._random
