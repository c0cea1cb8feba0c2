"""The built-in health checks, against real servers; CBR and UPS rows are of reliability.md."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import pytest
import trustme

from gatekeeper.config.problems import ConfigError
from gatekeeper.config.structure import structure_options
from gatekeeper.core.instance import Instance
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext, TlsIdentity
from gatekeeper.policy.regex import Regex
from gatekeeper.registry import probes
from gatekeeper.registry.health import Unexpected, Unfit
from gatekeeper.registry.probes import (
    BodyPatternConfig,
    HttpProbe,
    HttpProbeConfig,
    TcpProbe,
    TcpProbeConfig,
)
from gatekeeper.testing import FIN, HANG, RST, Origin, StartOrigin, Surroundings, answer
from gatekeeper.testing.origin import PATIENCE
from gatekeeper.upstream.tls import build_tls


pytestmark = pytest.mark.both_loops


def at(origin: Origin, host: str = "") -> Instance:
    """The origin as an instance."""
    scheme = origin.url.partition("://")[0]
    path = str(origin.path or "")
    return Instance("shop", "one", scheme, host or origin.host, origin.port, path)


def http(tls: TlsIdentity | None = None, **options: Any) -> HttpProbe:
    """A probe with these options."""
    return HttpProbe(HttpProbeConfig(**options), tls)


async def what_is_wrong(probe: HttpProbe | TcpProbe, instance: Instance) -> str:
    """What the check found; empty if all is well."""
    try:
        await asyncio.wait_for(probe(instance), PATIENCE)
    except Unexpected as error:
        return f"unexpected: {error}"
    except Unfit as error:
        return f"unfit: {error}"
    return ""


async def until_ended(origin: Origin, count: int) -> None:
    """Wait until so many connections have come, and all have ended."""
    async with asyncio.timeout(PATIENCE):
        # a connection that is closed at once may be seen after whoever opened it goes on
        for _ in range(200):
            if len(origin.connections) >= count:
                break
            await asyncio.sleep(0.005)
        assert count == len(origin.connections)
        for connection in origin.connections:
            await connection.ended.wait()


# ---- what is asked ------------------------------------------------------------------------------------------------


async def test_a_check_asks_for_a_page(origin: StartOrigin) -> None:
    """With nothing in it that a page could depend on."""
    shop = await origin()

    assert "" == await what_is_wrong(http(), at(shop))

    request = shop.request
    assert ("GET", "/health", b"") == (request.method, request.target, bytes(request.body))
    assert f"127.0.0.1:{shop.port}" == request.get("Host")
    assert "gatekeeper-health" == request.get("User-Agent")
    assert None is request.get("Accept-Encoding")
    assert "close" == request.get("Connection")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"path": "/ready?full=1"}, {"target": "/ready?full=1"}, id="path"),
        pytest.param({"path": "/a%2Fb//c"}, {"target": "/a%2Fb//c"}, id="path-as-it-is-written"),
        pytest.param({"method": "HEAD"}, {"method": "HEAD"}, id="method-head"),
        pytest.param({"method": "POST"}, {"method": "POST"}, id="method-post"),
        pytest.param({"headers": {"X-Token": "t"}}, {"X-Token": "t"}, id="headers"),
        pytest.param({"headers": {"user-agent": "mine"}}, {"User-Agent": "mine"}, id="own-user-agent"),
        pytest.param({"host": "shop.example"}, {"Host": "shop.example"}, id="host"),
    ],
)
async def test_what_is_asked_is_an_option(
    origin: StartOrigin, options: dict[str, Any], expected: dict[str, str]
) -> None:
    """Path, method, fields and host."""
    shop = await origin()
    shop.always(answer(200))

    assert "" == await what_is_wrong(http(**options), at(shop))

    request = shop.request
    seen = {"method": request.method, "target": request.target}
    assert expected == {name: seen.get(name) or request.get(name) for name in expected}


@pytest.mark.parametrize(
    "probe", [http, lambda port: TcpProbe(TcpProbeConfig(port=port))], ids=["http", "tcp"]
)
async def test_another_port_can_be_asked(origin: StartOrigin, probe: Callable[..., Any]) -> None:
    """Where an application speaks of its health beside its traffic."""
    shop, beside = await origin(), await origin()

    assert "" == await what_is_wrong(probe(port=beside.port), at(shop))

    assert ([], 1) == (shop.connections, len(beside.connections))


async def test_the_host_of_another_port_has_it(origin: StartOrigin) -> None:
    """As a client would say it."""
    beside = await origin()

    await http(port=beside.port)(Instance("shop", "one", "http", "127.0.0.1", 1))

    assert f"127.0.0.1:{beside.port}" == beside.request.get("Host")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_an_instance_may_have_a_name(origin: StartOrigin, host: str) -> None:
    """It is looked up."""
    shop = await origin()

    assert "" == await what_is_wrong(http(), at(shop, host))
    assert "" == await what_is_wrong(TcpProbe(TcpProbeConfig()), at(shop, host))


async def test_an_instance_may_have_an_address_of_version_6(origin: StartOrigin) -> None:
    """In brackets, where a port follows."""
    shop = await origin(host="::1")

    assert "" == await what_is_wrong(http(), at(shop))
    assert "" == await what_is_wrong(TcpProbe(TcpProbeConfig()), at(shop))

    assert f"[::1]:{shop.port}" == shop.request.get("Host")


async def test_an_instance_may_be_a_socket_file(origin: StartOrigin, tmp_path: Path) -> None:
    """There is no other port of it."""
    shop = await origin(path=tmp_path / "shop.sock")
    wrong = "unexpected: a socket file has no ports: leave `health.port` out, or set `health: false`"

    assert "" == await what_is_wrong(http(), at(shop))
    assert "" == await what_is_wrong(TcpProbe(TcpProbeConfig()), at(shop))
    assert wrong == await what_is_wrong(http(port=8080), at(shop))
    assert wrong == await what_is_wrong(TcpProbe(TcpProbeConfig(port=8080)), at(shop))

    assert ("localhost", "close") == (shop.request.get("Host"), shop.request.get("Connection"))


async def test_each_check_has_a_connection_of_its_own(origin: StartOrigin) -> None:
    """Nothing of one is there for the next: no connection, no cookie."""
    shop = await origin()
    shop.always(answer(200, {"Set-Cookie": "a=b; Path=/"}))
    probe = http()

    for _ in range(2):
        assert "" == await what_is_wrong(probe, at(shop, "localhost"))

    assert [1, 1] == [len(connection.requests) for connection in shop.connections]
    assert [None, None] == [request.get("Cookie") for request in shop.requests]


async def test_the_environment_has_no_say(
    origin: StartOrigin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """UPS-17: neither a proxy nor a password file."""
    shop, proxy = await origin(), await origin()
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)

    assert "" == await what_is_wrong(http(), at(shop))

    assert ([], None) == (proxy.connections, shop.request.get("Authorization"))


# ---- what is found ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "found"),
    [
        pytest.param(200, {}, "", id="200"),
        pytest.param(
            404, {}, "unexpected: 404 on /health: set `health.path`, or `health: false`", id="CBR-15-404"
        ),
        pytest.param(
            204, {}, "unexpected: 204 on /health: set `health.path`, or `health: false`", id="CBR-15-204"
        ),
        pytest.param(
            500, {}, "unexpected: 500 on /health: set `health.path`, or `health: false`", id="CBR-15-500"
        ),
        pytest.param(
            401,
            {},
            "unexpected: 401 on /health: set `health.headers` or `health.path`, or `health: false`",
            id="CBR-15-401",
        ),
        pytest.param(
            403,
            {},
            "unexpected: 403 on /health: set `health.headers` or `health.path`, or `health: false`",
            id="CBR-15-403",
        ),
        pytest.param(
            201,
            {"Location": "/1"},
            "unexpected: 201 on /health: set `health.path`, or `health: false`",
            id="CBR-15-201",
        ),
        pytest.param(503, {}, "unfit: 503 on /health", id="it-says-itself-that-it-is-unfit"),
        pytest.param(
            304, {}, "unexpected: 304 on /health: set `health.path`, or `health: false`", id="CBR-15-304"
        ),
    ],
)
async def test_one_status_is_expected(
    origin: StartOrigin, status: int, headers: dict[str, str], found: str
) -> None:
    """And what to do about another one is said."""
    shop = await origin()
    shop.always(answer(status, headers))

    assert found == await what_is_wrong(http(), at(shop))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(origin: StartOrigin, status: int) -> None:
    """CBR-15, UPS-15: whoever it leads to is not who was asked."""
    shop, other = await origin(), await origin()
    shop.always(answer(status, {"Location": f"{other.url}/login"}))

    assert (
        f"unexpected: {status} on /health, which leads to {other.url}/login: set `health.path`, or `health: false`"
        == await what_is_wrong(http(), at(shop))
    )

    assert ([], 1) == (other.connections, len(shop.requests))


@pytest.mark.parametrize(
    ("statuses", "status", "found"),
    [
        pytest.param((200, 204), 204, "", id="one-of-several"),
        pytest.param((503,), 503, "", id="503-if-somebody-expects-it"),
        pytest.param((302,), 302, "", id="a-redirect-if-somebody-expects-it"),
        pytest.param(
            (204,), 200, "unexpected: 200 on /health: set `health.path`, or `health: false`", id="only-those"
        ),
    ],
)
async def test_what_is_expected_is_an_option(
    origin: StartOrigin, statuses: tuple[int, ...], status: int, found: str
) -> None:
    """Any status."""
    shop = await origin()
    shop.always(answer(status))

    assert found == await what_is_wrong(http(statuses=statuses), at(shop))


NOT_THE_BODY = "unexpected: 200 on /health, but its body is not the one that `health.body` asks for"


@pytest.mark.parametrize(
    ("body", "sent", "found"),
    [
        pytest.param("ok", b'{"state": "ok"}\n', "", id="a-text-that-is-there"),
        pytest.param("ok", b"on fire", NOT_THE_BODY, id="a-text-that-is-not"),
        pytest.param("läuft", "es läuft".encode(), "", id="text-is-utf-8"),
        pytest.param("ok", b"\xff ok", "", id="what-is-no-utf-8-around-it"),
        pytest.param(
            BodyPatternConfig(regex=Regex.parse(".*ok.*")), b"is\nok\n", "", id="a-pattern-that-fits"
        ),
        pytest.param(BodyPatternConfig(regex=Regex.parse("ok")), b"is ok", NOT_THE_BODY, id="the-whole-body"),
        pytest.param("end", b"x" * (64 * 1024 - 3) + b"end", "", id="the-last-bytes-that-are-read"),
        pytest.param("end", b"x" * (64 * 1024 - 2) + b"end", NOT_THE_BODY, id="what-is-not-read"),
    ],
)
async def test_a_body_can_be_expected(
    origin: StartOrigin, body: str | BodyPatternConfig, sent: bytes, found: str
) -> None:
    """As far as it is read."""
    shop = await origin()
    shop.always(answer(200, body=sent))

    assert found == await what_is_wrong(http(body=body), at(shop))


async def test_a_body_in_pieces_is_one(origin: StartOrigin) -> None:
    """It is read until its end."""
    shop = await origin()
    whole = answer(200, body=[b"not o", b"k"])
    shop.always(whole[:-14], 0.0, whole[-14:])

    assert "" == await what_is_wrong(http(body="ok"), at(shop))


async def test_a_compressed_body_stays_so(origin: StartOrigin) -> None:
    """Nobody asked for one, and 64 KiB of it can be a gigabyte."""
    shop = await origin()
    shop.always(answer(200, {"Content-Encoding": "gzip"}, b"not gzip at all, ok"))

    assert "" == await what_is_wrong(http(body="ok"), at(shop))


async def test_a_body_without_end_is_not_read_to_its_end(origin: StartOrigin) -> None:
    """CBR-15: 64 KiB are enough."""
    shop = await origin()
    chunk = b"%x\r\n%b\r\n" % (4096, b"x" * 4096)

    def more(_: object) -> list[Any]:
        return [chunk, more]

    shop.always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", more)

    assert "" == await what_is_wrong(http(), at(shop))

    await until_ended(shop, 1)


@pytest.mark.parametrize(
    ("script", "found"),
    [
        pytest.param((FIN,), "unfit: the connection was closed without an answer", id="closed"),
        pytest.param((RST,), "unfit: connection reset by peer", id="reset"),
        pytest.param(
            (answer(200, body=b"abc")[:-1], FIN),
            "unfit: its answer broke off: the connection was closed",
            id="closed-in-the-body",
        ),
        pytest.param(
            (answer(404, body=b"abc")[:-1], FIN),
            "unfit: its answer broke off: the connection was closed",
            id="closed-in-the-body-of-a-wrong-answer",
        ),
    ],
)
async def test_a_connection_that_breaks_is_no_answer(
    origin: StartOrigin, script: tuple[Any, ...], found: str
) -> None:
    """And it is not asked again before the next check: there is one request."""
    shop = await origin()
    shop.always(*script)

    assert found == await what_is_wrong(http(), at(shop))

    assert 1 == len(shop.requests)


async def test_an_answer_that_is_no_http_is_none(origin: StartOrigin) -> None:
    """Whatever it is."""
    shop = await origin()
    shop.always(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", FIN)

    assert "unfit: its answer is no HTTP: bad status line" == await what_is_wrong(http(), at(shop))


async def test_a_head_without_end_is_none(origin: StartOrigin) -> None:
    """CBR-15: it is not collected for ever."""
    shop = await origin()

    def more(_: object) -> list[Any]:
        return [b"x" * 4096, more]

    shop.always(b"HTTP/1.1 200 OK\r\nX: ", more)

    assert (await what_is_wrong(http(), at(shop))).startswith("unfit: its answer is no HTTP: ")


@pytest.mark.parametrize("probe", [http(), TcpProbe(TcpProbeConfig())], ids=["http", "tcp"])
async def test_nobody_is_there(origin: StartOrigin, probe: HttpProbe | TcpProbe, tmp_path: Path) -> None:
    """UPS-01: at a port, and at a socket file."""
    shop = await origin()
    instance = at(shop)
    await shop.stop()
    missing = Instance("shop", "one", "unix", "", 0, str(tmp_path / "missing.sock"))

    for nobody, reason in ((instance, "connection refused"), (missing, "no such file or directory")):
        try:
            await probe(nobody)
        except Unfit as error:
            assert reason == str(error)
        except OSError as error:
            assert reason == os.strerror(error.errno or 0).lower()
        else:
            pytest.fail("somebody was there")


async def test_a_tcp_check_says_nothing(origin: StartOrigin) -> None:
    """It connects and closes."""
    shop = await origin()

    assert "" == await what_is_wrong(TcpProbe(TcpProbeConfig()), at(shop))

    await until_ended(shop, 1)
    assert [] == shop.requests


# ---- TLS ----------------------------------------------------------------------------------------------------------


@attrs.frozen
class Authority:
    """An authority, and what a client needs to believe it."""

    ca: trustme.CA
    folder: Path

    def server(self, *names: str, client: bool = False) -> ssl.SSLContext:
        """The context of a server with a certificate for these names."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert(*names).configure_cert(context)
        if client:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def identity(self, **options: Any) -> TlsIdentity:
        """That of a service that believes it."""
        return build_tls(ca=self.folder / "ca.pem", **options)


@pytest.fixture(name="ours", scope="module")
def our_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    ca, folder = trustme.CA(), tmp_path_factory.mktemp("tls")
    ca.cert_pem.write_to_path(folder / "ca.pem")
    certificate = ca.issue_cert("gateway.test")
    certificate.cert_chain_pems[0].write_to_path(folder / "client.pem")
    certificate.private_key_pem.write_to_path(folder / "client.key")
    return Authority(ca, folder)


async def test_tls_is_that_of_the_service(origin: StartOrigin, ours: Authority) -> None:
    """UPS-19: whom it believes, the certificate it shows, the name it expects."""
    shown = {"certificate": ours.folder / "client.pem", "key": ours.folder / "client.key"}
    shop = await origin(tls=ours.server("127.0.0.1", client=True))
    other = await origin(tls=ours.server("other.test"))

    assert "" == await what_is_wrong(http(ours.identity(**shown)), at(shop))
    assert "" == await what_is_wrong(http(ours.identity(server_name="other.test")), at(other))
    assert "" == await what_is_wrong(http(build_tls(verify=False)), at(other))


async def test_the_host_that_is_said_is_not_the_name_that_is_expected(
    origin: StartOrigin, ours: Authority
) -> None:
    """UPS-19: one is HTTP, the other is TLS."""
    shop = await origin(tls=ours.server("127.0.0.1"))

    assert "" == await what_is_wrong(http(ours.identity(), host="shop.example"), at(shop))

    assert "shop.example" == shop.request.get("Host")


@pytest.mark.parametrize("trusting", [True, False], ids=["ours", "the-systems"])
async def test_who_proves_nothing_is_unfit(origin: StartOrigin, ours: Authority, trusting: bool) -> None:
    """UPS-19: neither another name, nor an authority that nobody knows."""
    shop = await origin(tls=ours.server("other.test"))

    found = await what_is_wrong(http(ours.identity() if trusting else None), at(shop))

    assert found.startswith("unfit: certificate verify failed: ")
    assert ("other.test" if not trusting else "127.0.0.1") in found or "issuer" in found
    assert [] == shop.requests


async def test_tls_to_who_speaks_none(origin: StartOrigin, ours: Authority) -> None:
    """UPS-19: the handshake fails."""

    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with serving(garbage) as port:
        found = await what_is_wrong(
            http(ours.identity()), Instance("shop", "one", "https", "127.0.0.1", port)
        )

    assert found.startswith("unfit: TLS failed: ")


# ---- time ---------------------------------------------------------------------------------------------------------


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """A server at the port that this yields."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def descriptors() -> int:
    """How many are open."""
    return len(list(Path("/dev/fd").iterdir()))


async def until_closed(expected: int) -> int:
    """The number of open descriptors, as soon as it is what is expected; else after a while."""
    for _ in range(200):
        if descriptors() <= expected:
            break
        await asyncio.sleep(0.005)
    return descriptors()


SILENT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((HANG,), id="UPS-02-no-answer"),
        pytest.param((SILENT[:20], HANG), id="UPS-03-half-a-head"),
        pytest.param((SILENT, HANG), id="UPS-04-half-a-body"),
    ],
)
async def test_who_is_given_up_is_hung_up_on(origin: StartOrigin, script: tuple[Any, ...]) -> None:
    """CBR-15: a check that is cancelled, as it is when its time is over, leaves no connection behind."""
    shop = await origin()
    shop.always(*script)
    before = descriptors()
    tasks = [asyncio.create_task(http()(at(shop))) for _ in range(10)]
    await shop.received(10)

    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

    assert all(task.cancelled() for task in tasks)
    await until_ended(shop, 10)
    assert before == await until_closed(before)


async def test_a_handshake_that_is_given_up_is_hung_up_on(ours: Authority) -> None:
    """UPS-19: no answer to the first message."""
    ended = asyncio.Queue[bytes]()
    begun = asyncio.Semaphore(0)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read(65536)
        begun.release()
        with suppress(OSError):
            while more := await reader.read(65536):
                data += more
        ended.put_nowait(data)
        writer.close()

    async with serving(silent) as port:
        before = descriptors()
        instance = Instance("shop", "one", "https", "127.0.0.1", port)
        tasks = [asyncio.create_task(http(ours.identity())(instance)) for _ in range(5)]
        for _ in tasks:
            await asyncio.wait_for(begun.acquire(), PATIENCE)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

        for _ in tasks:
            await asyncio.wait_for(ended.get(), PATIENCE)
        assert before == await until_closed(before)


@pytest.mark.parametrize("probe", [http(), TcpProbe(TcpProbeConfig())], ids=["http", "tcp"])
async def test_checks_leave_nothing_behind(
    origin: StartOrigin, probe: HttpProbe | TcpProbe, tmp_path: Path
) -> None:
    """Good ones, wrong ones, refused ones, at ports and at socket files."""
    shop, wrong, file = await origin(), await origin(), await origin(path=tmp_path / "shop.sock")
    wrong.always(answer(404, body=b"x" * 200_000))
    refused = await origin()
    nobody = at(refused)
    await refused.stop()
    before = descriptors()

    for _ in range(5):
        for instance in (at(shop), at(wrong), at(file), nobody):
            with suppress(Unexpected, Unfit, OSError):
                await probe(instance)
    for origins in (shop, wrong, file):
        await until_ended(origins, 5)

    assert before == await until_closed(before)


async def test_a_name_that_is_never_found_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """UPS-18: whoever cancels need not wait for the name."""
    loop = asyncio.get_running_loop()
    if type(loop).__module__.startswith("uvloop"):
        return  # its names are looked up in C
    asked = asyncio.Event()

    async def never(*_: Any, **__: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(loop, "getaddrinfo", never)
    instance = Instance("shop", "one", "http", "shop.example", 80)
    for probe in (http(), TcpProbe(TcpProbeConfig())):
        asked.clear()
        task = asyncio.create_task(probe(instance))
        await asked.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_a_name_that_is_not_found_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """UPS-18: in the words of whoever looked it up."""
    loop = asyncio.get_running_loop()
    if type(loop).__module__.startswith("uvloop"):
        return  # its names are looked up in C

    async def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(loop, "getaddrinfo", unknown)

    assert "unfit: the host cannot be resolved: name or service not known" == await what_is_wrong(
        http(), Instance("shop", "one", "http", "shop.example", 80)
    )


# ---- options ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param({"path": "health"}, "path: a path begins with `/`: write `/health`", id="path"),
        pytest.param(
            {"path": "/a b"}, "path: `/a b` holds what has to be escaped in a path", id="path-with-a-blank"
        ),
        pytest.param(
            {"path": "/a#b"}, "path: `/a#b` holds what has to be escaped in a path", id="path-with-a-fragment"
        ),
        pytest.param(
            {"path": "/a%zz"},
            "path: `/a%zz` holds what has to be escaped in a path",
            id="path-with-half-an-escape",
        ),
        pytest.param(
            {"path": "/a/../b"},
            "path: `/a/../b` is not in canonical form: leave out `.` and `..`",
            id="path-with-dots",
        ),
        pytest.param(
            {"method": "PUT"}, "method: `PUT` is none of `GET`, `HEAD`, `OPTIONS`, `POST`", id="method"
        ),
        pytest.param(
            {"statuses": [20]}, "statuses: 20 is no status of an answer; use 200 to 599", id="status"
        ),
        pytest.param(
            {"statuses": [101]},
            "statuses: 101 is no status of an answer; use 200 to 599",
            id="status-of-none",
        ),
        pytest.param(
            {"statuses": []}, "statuses: write at least one status; no answer would be right", id="no-status"
        ),
        pytest.param(
            {"host": "http://shop.example"},
            "host: `http://shop.example` is no host; write one like `shop.example.com`",
            id="host",
        ),
        pytest.param({"port": 0}, "port: 0 is no port; use 1 to 65535", id="port-0"),
        pytest.param({"port": 65536}, "port: 65536 is no port; use 1 to 65535", id="port-65536"),
        pytest.param(
            {"headers": {"Host": "x"}},
            "`Host` is written by the gateway itself and cannot be changed here",
            id="host-among-headers",
        ),
        pytest.param(
            {"method": "HEAD", "body": "ok"},
            "an answer to HEAD has no body; leave `method` or `body` out",
            id="body-of-head",
        ),
        pytest.param(
            {"body": {"regex": "(a+)+"}},
            "body.regex: `(a+)+` can take exponential time: a repetition inside of a repetition; write `a+`",
            id="a-pattern-that-takes-too-long",
        ),
        pytest.param({"status": 200}, "unknown key `status`; did you mean `statuses`?", id="key"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict[str, Any], problem: str) -> None:
    """When the configuration is read."""
    with pytest.raises(ConfigError) as caught:
        structure_options(HttpProbeConfig, options)

    assert [problem] == [
        f"{found.path}: {found.message}" if found.path and "key `" not in found.message else found.message
        for found in caught.value.problems
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, HttpProbeConfig(), id="defaults"),
        pytest.param({"body": "ok"}, HttpProbeConfig(body="ok"), id="body-as-text"),
        pytest.param(
            {"body": {"regex": "o+k"}},
            HttpProbeConfig(body=BodyPatternConfig(regex=Regex.parse("o+k"))),
            id="body-as-a-pattern",
        ),
        pytest.param(
            {"statuses": [200, 204], "headers": {"X": "y"}, "host": "a.example:81", "port": 65535},
            HttpProbeConfig(statuses=(200, 204), headers={"X": "y"}, host="a.example:81", port=65535),
            id="the-others",
        ),
        pytest.param({"path": "/a?b=/../c"}, HttpProbeConfig(path="/a?b=/../c"), id="dots-in-a-query"),
        pytest.param({"host": "[::1]:80"}, HttpProbeConfig(host="[::1]:80"), id="host-of-version-6"),
    ],
)
def test_options_are_read(options: dict[str, Any], expected: HttpProbeConfig) -> None:
    """As a file has them."""
    assert expected == structure_options(HttpProbeConfig, options)


def test_the_port_of_a_tcp_check_is_checked() -> None:
    """As that of the other one."""
    with pytest.raises(ValueError, match="70000 is no port; use 1 to 65535"):
        TcpProbeConfig(port=70000)


def test_the_defaults_are_those_of_the_grammar() -> None:
    """gateway-yaml.md, section 8, row `health`."""
    config = HttpProbeConfig()

    assert ("/health", "GET", (200,), {}, None, None, None) == attrs.astuple(config)


def test_both_are_kinds() -> None:
    """With the option that a plain value sets."""
    catalog = Catalog()

    probes.gatekeeper_register(catalog)

    assert {"http": (HttpProbeConfig, "path"), "tcp": (TcpProbeConfig, "port")} == {
        name: (kind.config, kind.main) for name, kind in catalog.probes.items()
    }


def test_probes_that_ask_the_same_are_equal() -> None:
    """So that a reload leaves their checks alone."""
    catalog = Catalog()
    probes.gatekeeper_register(catalog)
    surroundings = Surroundings()

    def built(kind: str, tls: TlsIdentity | None = None, **options: Any) -> Any:
        found = catalog.probes[kind]
        context = BuildContext(
            gateway=surroundings,
            wheel=surroundings.fake_clock.wheel,
            name="health",
            owner="service shop",
            tls=tls,
        )
        return found.build(found.config(**options), context)

    assert HttpProbe(HttpProbeConfig(path="/a")) == built("http", path="/a")
    assert TcpProbe(TcpProbeConfig(port=1)) == built("tcp", port=1)
    assert built("http", build_tls()) == built("http", build_tls())
    assert built("http", build_tls()) != built("http", build_tls(verify=False))
    assert built("http") != built("http", path="/a")
    assert built("http") != built("tcp")
