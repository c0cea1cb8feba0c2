"""Connections that come through proxies who say first who the client is; ids name the row of reliability.md."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
import trustme

from gatekeeper.config.model import ServerLimitsConfig, ServerTimeoutsConfig
from gatekeeper.edge import reception
from gatekeeper.edge.listener import bind
from gatekeeper.edge.tls import ServerTls, build_server_tls
from tests.edge.headers import LOCAL, PROXY, TCP4, UNSPECIFIED, addresses, binary, block, text
from tests.edge.wire import HOST, SOON, Client, Message, Origin, Wire, on_both_loops, running, until


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
CLIENT = "198.51.100.7"

# what HAProxy 2.6 has sent for `send-proxy`, `send-proxy-v2`, the same with options, and for a client without address
RECORDED = {
    "text": b"PROXY TCP4 127.0.0.1 127.0.0.1 35092 7201\r\n",
    "binary": b'\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\xd1j\x1c"',
    "options": b"\r\n\r\n\x00\r\nQUIT\n!!\x00Z" + bytes(15) + b"\x01" + bytes(15) + b"\x01\xe3\x84\x1c#"
    b"\x03\x00\x04\xba\xcd\xa0Q\x05\x00$da34e3e0-1bbc-4d0c-9697-f7ed916e7d3f \x00\x05\x00\x00\x00\x00\x00",
}


@attrs.frozen
class Proxied:
    """A gateway that listens for proxies beside its listener `main`."""

    wire: Wire
    address: tuple[str, int]
    tls: ssl.SSLContext | None = None

    @property
    def origin(self) -> Origin:
        """Who answers."""
        return self.wire.origin

    async def connect(self, *pieces: bytes) -> Client:
        """Send a header, or something else, without TLS; each piece by itself."""
        client = Client(*await asyncio.open_connection(*self.address))
        client.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wire._clients.append(client)
        for piece in pieces:
            client.writer.write(piece)
            await client.writer.drain()
            await asyncio.sleep(0)
        return client

    async def serve(self, header: bytes, data: bytes = GET) -> Message:
        """Send a header and a request in one segment, or before a handshake, and read the answer."""
        if self.tls is None:
            client = await self.connect(header + data)
        else:
            client = await self.connect(header)
            await client.writer.start_tls(self.tls, server_hostname="a.test")
            client.writer.write(data)
        return await client.answer()

    def refused(self, reason: str) -> float:
        """Connections that were closed for this reason."""
        found = self.wire.gateway.metrics.snapshot()["gatekeeper_proxy_protocol_refused_total"]["samples"]
        return float(sum(one["value"] for one in found if one["labels"] == {"reason": reason}))

    def client_of(self, number: int = -1) -> tuple[str, list[bytes]]:
        """Whom a request came from, as the log and the service know it."""
        return self.wire.records[number]["client"], self.origin.requests[number].all(b"X-Forwarded-For")


@asynccontextmanager
async def proxied(
    trusted: Sequence[str] = ("127.0.0.1",), tls: ServerTls | None = None, **options: Any
) -> AsyncIterator[Proxied]:
    """Run it; its clients speak TLS where it does."""
    async with running(trusted=trusted, **options) as wire:
        sock = bind("127.0.0.1", 0)
        await wire.edge.open("proxied", sock, tls, proxied=True)
        yield Proxied(wire, sock.getsockname())


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ServerTls, ssl.SSLContext]:
    """What a listener speaks, and a client that believes it."""
    authority = trustme.CA()
    issued = authority.issue_cert("a.test")
    certificate, key = tmp_path / "a.crt", tmp_path / "a.key"
    certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return build_server_tls([(certificate, key)]), client


HEADERS = [
    pytest.param(text(CLIENT), CLIENT, id="text"),
    pytest.param(binary(CLIENT), CLIENT, id="binary"),
    pytest.param(text("2001:db8::7"), "2001:db8::7", id="text-6"),
    pytest.param(binary("2001:db8::7", bytes(2000)), "2001:db8::7", id="binary-6"),
    pytest.param(RECORDED["text"], "127.0.0.1", id="recorded-text"),
    pytest.param(RECORDED["binary"], "127.0.0.1", id="recorded-binary"),
    pytest.param(RECORDED["options"], "::1", id="recorded-options"),
]


@on_both_loops
@pytest.mark.parametrize(("header", "client"), HEADERS)
async def test_the_client_is_who_the_proxy_says(header: bytes, client: str) -> None:
    """As if it had connected itself: in the log, and for the service; the request comes in the same segment."""
    async with proxied() as gateway:
        answer = await gateway.serve(header)

        assert (200, b"ok") == (answer.status, answer.body)
        assert (client, [client.encode()]) == gateway.client_of()


@on_both_loops
@pytest.mark.parametrize("header", [text(CLIENT), binary(CLIENT)], ids=["text", "binary"])
async def test_a_header_in_pieces(header: bytes) -> None:
    """Byte after byte, with the request cut by the last one, too."""
    async with proxied() as gateway:
        whole = header + GET
        ends = [*range(len(header) + 3), len(whole)]
        client = await gateway.connect(*(whole[start:end] for start, end in pairwise(ends)))

        assert 200 == (await client.answer()).status
        assert CLIENT == gateway.client_of()[0]


@on_both_loops
async def test_the_header_is_said_once() -> None:
    """The connection is kept, and its next requests are those of the same client."""
    async with proxied() as gateway:
        client = await gateway.connect(text(CLIENT) + GET + GET)
        statuses = [
            (await client.answer()).status,
            (await client.answer()).status,
            (await client.ask(GET)).status,
        ]

        assert [200] * 3 == statuses
        assert [CLIENT] * 3 == [record["client"] for record in gateway.wire.records]


@on_both_loops
async def test_a_body_behind_it_is_whole() -> None:
    """A large one, of which the first bytes come with the header."""
    async with proxied() as gateway:
        body = bytes(range(256)) * 4096
        head = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body)
        answer = await gateway.serve(binary(CLIENT), head + body)

        assert 200 == answer.status
        assert body == gateway.origin.requests[0].body


@on_both_loops
@pytest.mark.parametrize(("header", "client"), HEADERS[:2])
async def test_before_tls(header: bytes, client: str, tls: tuple[ServerTls, ssl.SSLContext]) -> None:
    """The header is plain, the handshake comes behind it, and the scheme is that of the client."""
    async with proxied(tls=tls[0]) as gateway:
        answer = await attrs.evolve(gateway, tls=tls[1]).serve(header)

        assert 200 == answer.status
        assert (client, [client.encode()]) == gateway.client_of()
        assert [b"https"] == gateway.origin.requests[0].all(b"X-Forwarded-Proto")


@on_both_loops
async def test_a_handshake_in_the_same_segment(tls: tuple[ServerTls, ssl.SSLContext]) -> None:
    """Its first bytes are not lost."""
    async with proxied(tls=tls[0]) as gateway:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        ours = tls[1].wrap_bio(incoming, outgoing, server_hostname="a.test")
        with pytest.raises(ssl.SSLWantReadError):
            ours.do_handshake()
        client = await gateway.connect(binary(CLIENT) + outgoing.read())
        done = False
        while not done:
            incoming.write(await asyncio.wait_for(client.reader.read(65536), SOON))
            try:
                ours.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
        ours.write(GET)
        client.writer.write(outgoing.read())
        await until(lambda: gateway.wire.records)

        assert CLIENT == gateway.client_of()[0]


@on_both_loops
async def test_no_handshake_behind_the_header(tls: tuple[ServerTls, ssl.SSLContext]) -> None:
    """It ends there."""
    async with proxied(tls=tls[0]) as gateway:
        client = await gateway.connect(text(CLIENT) + GET)
        await client.ended()

        assert [] == gateway.wire.records
        await until(lambda: not gateway.wire.edge._arrivals)


# ---- who is believed ------------------------------------------------------------------------------------------------


@on_both_loops
async def test_somebody_else_is_never_believed(caplog: pytest.LogCaptureFixture) -> None:
    """FWD-06: the connection is closed at once, counted, and told once in a while."""
    async with proxied(trusted=["10.0.0.0/8"]) as gateway:
        with caplog.at_level(logging.WARNING, reception.__name__):
            for _ in range(2):
                client = await gateway.connect()
                client.send(text(CLIENT) + GET)
                assert b"" == await client.ended()

        assert (2, []) == (gateway.refused("untrusted"), gateway.wire.records)
        (line,) = [record.getMessage() for record in caplog.records]
        assert "listener proxied" in line
        assert "from 127.0.0.1: it is not in `server.trusted_proxies`" in line


@on_both_loops
async def test_who_is_trusted_is_what_holds_now() -> None:
    """Not what held when the listener opened."""
    async with proxied() as gateway:
        edge = gateway.wire.edge
        assert 200 == (await gateway.serve(text(CLIENT))).status
        edge.reconfigure(attrs.evolve(edge.settings, networks=()))
        client = await gateway.connect()
        assert b"" == await client.ended()

        assert 1 == gateway.refused("untrusted")


@on_both_loops
@pytest.mark.parametrize(
    ("trusted", "client"), [(["127.0.0.1"], CLIENT), (["127.0.0.1", "198.51.100.0/24"], "203.0.113.9")]
)
async def test_what_the_client_says_of_others(trusted: list[str], client: str) -> None:
    """It is trusted by its own address, and not by that of the proxy."""
    async with proxied(trusted=trusted) as gateway:
        request = b"GET / HTTP/1.1\r\n" + HOST + b"X-Forwarded-For: 203.0.113.9\r\n\r\n"
        await gateway.serve(binary(CLIENT), request)

        assert client == gateway.client_of()[0]


@on_both_loops
@pytest.mark.parametrize(
    ("header", "client"),
    [
        pytest.param(block(LOCAL, UNSPECIFIED, b""), "203.0.113.9", id="the-proxy-itself"),
        pytest.param(
            block(LOCAL, TCP4, addresses(CLIENT)), "203.0.113.9", id="the-proxy-itself-with-addresses"
        ),
        pytest.param(block(PROXY, UNSPECIFIED, b""), "127.0.0.1", id="somebody"),
        pytest.param(b"PROXY UNKNOWN\r\n", "127.0.0.1", id="somebody-text"),
    ],
)
async def test_where_no_address_is_told_it_is_that_of_the_proxy(header: bytes, client: str) -> None:
    """Who is believed as such only where it speaks for itself, and not where it lets somebody speak."""
    async with proxied() as gateway:
        request = b"GET / HTTP/1.1\r\n" + HOST + b"X-Forwarded-For: 203.0.113.9\r\n\r\n"
        assert 200 == (await gateway.serve(header, request)).status

        assert client == gateway.client_of()[0]


@on_both_loops
async def test_connections_count_for_the_client() -> None:
    """And not for the proxy, through which all come."""
    limits = ServerLimitsConfig(connections_per_address=1)
    async with proxied(settings={"limits": limits}) as gateway:
        kept = await gateway.connect(text(CLIENT) + GET)
        statuses = [
            (await kept.answer()).status,
            (await gateway.serve(text(CLIENT))).status,
            (await gateway.serve(text("198.51.100.8"))).status,
        ]

        assert [200, 503, 200] == statuses


# ---- what is no header ----------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GET, id="a-request"),
        pytest.param(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n" + GET, id="text"),
        pytest.param(block(0x11, TCP4, addresses(CLIENT)) + GET, id="binary"),
    ],
)
async def test_a_header_is_required(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Who sends none, or another, is hung up on, and the service hears nothing of it."""
    async with proxied() as gateway:
        client = await gateway.connect(data)
        assert b"" == await client.ended()

        assert (1, []) == (gateway.refused("malformed"), gateway.origin.requests)
        assert "its header cannot be read" in caplog.text


@on_both_loops
async def test_a_header_that_is_cut_off() -> None:
    """Half of it, and the end."""
    async with proxied() as gateway:
        client = await gateway.connect(text(CLIENT)[:20])
        client.writer.write_eof()
        assert b"" == await client.ended()

        assert 1 == gateway.refused("malformed")


@on_both_loops
async def test_who_only_looks_whether_somebody_listens() -> None:
    """Comes without a byte, and is no news."""
    async with proxied() as gateway:
        client = await gateway.connect()
        client.writer.write_eof()
        assert b"" == await client.ended()

        assert [0, 0] == [gateway.refused(reason) for reason in ("malformed", "timeout")]


@on_both_loops
async def test_a_header_has_the_time_of_a_head(caplog: pytest.LogCaptureFixture) -> None:
    """And no more."""
    async with proxied(server=ServerTimeoutsConfig(head=0.2)) as gateway:
        client = await gateway.connect(text(CLIENT)[:20])
        assert b"" == await client.ended()

        assert 1 == gateway.refused("timeout")
        assert "did not come within 0.2 s" in caplog.text


@on_both_loops
async def test_those_who_say_nothing_are_not_more_than_may_be_open() -> None:
    """Each of them takes a descriptor."""
    async with proxied(settings={"limits": ServerLimitsConfig(connections=2)}) as gateway:
        silent = [await gateway.connect() for _ in range(2)]
        await until(lambda: len(gateway.wire.edge._arrivals) == len(silent))
        third = await gateway.connect()
        assert b"" == await third.ended()

        assert 1 == gateway.refused("crowd")


@on_both_loops
async def test_a_header_on_another_listener() -> None:
    """FWD-06: is a bad request."""
    async with proxied() as gateway:
        assert 400 == (await gateway.wire.ask(text(CLIENT) + GET)).status


# ---- listeners come and go ------------------------------------------------------------------------------------------


@on_both_loops
async def test_those_in_line_are_served_when_it_closes() -> None:
    """Also who has only connected."""
    async with proxied() as gateway:
        client = await gateway.connect()
        line = [asyncio.create_task(gateway.serve(text(CLIENT))) for _ in range(20)]
        await asyncio.sleep(0)
        await gateway.wire.edge.close_listener("proxied")

        assert {200} == {(await one).status for one in line}
        assert 200 == (await client.ask(text(CLIENT) + GET)).status


@on_both_loops
async def test_a_drain_waits_for_who_has_not_said_it_yet() -> None:
    """And answers."""
    async with proxied() as gateway:
        client = await gateway.connect(text(CLIENT)[:10])
        await until(lambda: gateway.wire.edge._arrivals)
        draining = asyncio.create_task(gateway.wire.edge.drain(SOON, linger=False))
        await until(lambda: not gateway.wire.edge.listeners)
        answer = await client.ask(text(CLIENT)[10:] + GET)

        assert (200, [b"close"]) == (answer.status, answer.all(b"Connection"))
        assert 0 == await draining


@on_both_loops
async def test_a_drain_does_not_wait_for_ever() -> None:
    """Who says nothing is cut off, and was no request."""
    async with proxied() as gateway:
        client = await gateway.connect()
        await until(lambda: gateway.wire.edge._arrivals)

        assert 0 == await gateway.wire.edge.drain(0.3, linger=False)
        assert b"" == await client.ended()


@on_both_loops
async def test_where_no_descriptor_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop says so, and who waits is accepted a moment later."""
    monkeypatch.setattr(reception, "EXHAUSTED", 0.05)
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))
    async with proxied() as gateway:
        (door,) = [one for name, one in gateway.wire.edge._doors.open.items() if name == "proxied"]
        receiving = door._reception
        assert receiving is not None
        real = receiving._sock
        receiving._sock = Exhausted(real, 1)  # type: ignore[assignment]

        assert 200 == (await gateway.serve(text(CLIENT))).status
        assert ["Too many open files"] == [context["exception"].strerror for context in seen]


class Exhausted:
    """A socket that cannot accept for so many times."""

    def __init__(self, sock: socket.socket, times: int) -> None:
        self.sock = sock
        self.times = times

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept, or fail."""
        if self.times:
            self.times -= 1
            raise OSError(24, "Too many open files")
        return self.sock.accept()

    def fileno(self) -> int:
        """What the loop looks at."""
        return self.sock.fileno()

    def close(self) -> None:
        """Close it."""
        self.sock.close()
