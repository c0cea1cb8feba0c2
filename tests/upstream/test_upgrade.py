"""Whether a 101 is the answer to what was asked, and what becomes of a connection that has switched."""

import asyncio

import pytest

from gatekeeper.core.body import Body
from gatekeeper.core.errors import BadAnswer
from gatekeeper.core.message import Field, Headers, Request
from gatekeeper.upstream.head import FIELD_LIMIT
from gatekeeper.upstream.upgrade import accept_of, check_switch
from tests.edge.wire import OK, Origin, on_both_loops, read_head, until
from tests.upstream.sending import Client, Endless, ok, sending


# RFC 6455 section 1.3
KEY, ACCEPT = b"dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
SWITCHED = [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"), (b"Sec-WebSocket-Accept", ACCEPT)]


def asking(upgrade: str = "websocket", key: bytes = KEY) -> Request:
    fields = Headers([(b"Sec-WebSocket-Key", key)] if key else [])
    return Request("GET", "/", b"/", "", "h", b"h", fields, upgrade=upgrade)


def test_the_accept_of_a_key() -> None:
    """The example of RFC 6455."""
    assert ACCEPT == accept_of(KEY)


@pytest.mark.parametrize(
    ("raw", "request_", "passed"),
    [
        pytest.param(
            [*SWITCHED, (b"Sec-WebSocket-Protocol", b"chat "), (b"Server", b"x")],
            asking(),
            [
                (b"Sec-WebSocket-Accept", ACCEPT),
                (b"Sec-WebSocket-Protocol", b"chat"),
                (b"Server", b"x"),
                (b"Upgrade", b"websocket"),
            ],
            id="websocket",
        ),
        pytest.param(
            [(b"connection", b"keep-alive, UPGRADE, x-hop"), (b"X-Hop", b"1"), (b"upgrade", b"WebSocket"), SWITCHED[2]],
            asking(),
            [(b"Sec-WebSocket-Accept", ACCEPT), (b"upgrade", b"WebSocket")],
            id="any-case-and-fields-of-the-hop",
        ),
        pytest.param(
            [(b"Connection", b"close"), (b"Connection", b"upgrade"), (b"Upgrade", b"opc"), (b"Keep-Alive", b"5")],
            asking("opc", b""),
            [(b"Upgrade", b"opc")],
            id="another-protocol",
        ),
    ],
)  # fmt: skip
def test_a_switch_that_was_asked_for_is_passed_on(
    raw: list[Field], request_: Request, passed: list[Field]
) -> None:
    """With the fields of the new protocol; `Connection` is written by whoever passes it on."""
    assert passed == check_switch(raw, "1.1", request_)


@pytest.mark.parametrize(
    ("raw", "version", "request_", "log"),
    [
        pytest.param(SWITCHED, "1.1", asking(""), "without being asked to", id="UPS-10-unsolicited"),
        pytest.param(SWITCHED, "1.0", asking(), "in HTTP/1.0", id="HTTP/1.0"),
        pytest.param(SWITCHED[1:], "1.1", asking(), "without `Connection: upgrade`", id="no-connection"),
        pytest.param([SWITCHED[0], SWITCHED[2]], "1.1", asking(), "switched to []", id="no-upgrade"),
        pytest.param(
            [SWITCHED[0], (b"Upgrade", b"h2c"), SWITCHED[2]],
            "1.1",
            asking(),
            "switched to [b'h2c'], not to websocket",
            id="UPS-10-another-protocol",
        ),
        pytest.param([*SWITCHED, SWITCHED[1]], "1.1", asking(), "switched to [b'websocket', b'we", id="twice"),
        pytest.param(
            [*SWITCHED[:2], (b"Sec-WebSocket-Accept", b"AAAA")],
            "1.1",
            asking(),
            "Sec-WebSocket-Accept",
            id="UPS-10-wrong-accept",
        ),
        pytest.param(SWITCHED[:2], "1.1", asking(), "Sec-WebSocket-Accept", id="UPS-10-no-accept"),
        pytest.param([*SWITCHED, SWITCHED[2]], "1.1", asking(), "Sec-WebSocket-Accept", id="accepted-twice"),
        pytest.param(SWITCHED, "1.1", asking(key=b""), "Sec-WebSocket-Accept", id="no-key"),
        pytest.param([*SWITCHED, (b"Content-Length", b"0")], "1.1", asking(), "with a body", id="length"),
        pytest.param(
            [*SWITCHED, (b"Transfer-Encoding", b"chunked")], "1.1", asking(), "with a body", id="chunked"
        ),
        pytest.param(
            [*SWITCHED, *[(b"X", b"y")] * FIELD_LIMIT], "1.1", asking(), "more than 128", id="UPS-07-many-fields"
        ),
    ],
)  # fmt: skip
def test_any_other_switch_is_refused(raw: list[Field], version: str, request_: Request, log: str) -> None:
    """With what is wrong, for the operator."""
    with pytest.raises(BadAnswer) as caught:
        check_switch(raw, version, request_)

    assert log in caught.value.log


# ---- over the wire ------------------------------------------------------------------------------------------------


ANSWER = ok(*(b": ".join(field) for field in SWITCHED), status=b"101 Switching Protocols")


@on_both_loops
@pytest.mark.parametrize("cut", [0, 10, len(ANSWER) - 1, len(ANSWER), len(ANSWER) + 3])
async def test_an_instance_that_switches_is_one_end_of_a_tunnel(cut: int) -> None:
    """What it sends behind the 101 is not lost; the connection belongs to no pool any more, and the attempt goes on."""
    heard = b""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        head = await read_head(reader)
        assert head is not None
        origin.requests.append(head)
        data = ANSWER + b"early"
        for piece in (data[:cut], data[cut:]):
            writer.write(piece)
            await asyncio.sleep(0.01)
        heard = await reader.readexactly(5)
        writer.write(b"late")
        await reader.read()

    async with sending(script) as play:
        response = await play.ask(upgrade="websocket", headers={"Sec-WebSocket-Key": KEY.decode()})

        assert (101, b"", True) == (response.status, response.body.data, response.tunnel is not None)
        assert b"websocket" == response.headers.get(b"upgrade")
        assert (None, ACCEPT) == (
            response.headers.get(b"connection"),
            response.headers.get(b"sec-websocket-accept"),
        )
        (request,) = play.origin.requests
        assert (b"upgrade", b"websocket") == (*request.all(b"connection"), *request.all(b"upgrade"))
        assert (0, 1, 101) == (
            play.pool.open_count,
            play.instance.in_flight,
            play.exchanges[0].attempts[0].status,
        )

        tunnel = response.tunnel
        assert tunnel is not None
        client = await Client.join(tunnel, b"hello")
        assert b"earlylate" == await client.reader.readexactly(9)
        assert tunnel.client is not None
        assert (b"hello", 9, 5) == (heard, tunnel.instance.bytes_in, tunnel.client.bytes_in)
        client.writer.close()
        await tunnel.closed
        assert 0 == play.instance.in_flight


@on_both_loops
async def test_a_tunnel_of_an_exchange_that_ends_is_cut() -> None:
    """The client went away before it was joined, say."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(ANSWER)
        await reader.read()

    async with sending(script) as play:
        await play.ask(upgrade="websocket", headers={"Sec-WebSocket-Key": KEY.decode()})
        play.exchanges[0].complete()
        await until(lambda: play.origin.open == 0)
        assert 0 == play.instance.in_flight


@on_both_loops
async def test_a_request_that_is_cancelled_in_the_moment_of_the_switch_leaves_nothing() -> None:
    """The 101 is there, and nobody waits for it any more."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        origin.requests.clear()
        writer.write(ANSWER)
        task.cancel()
        await reader.read()

    async with sending(script) as play:
        task = asyncio.create_task(play.ask(upgrade="websocket", headers={"Sec-WebSocket-Key": KEY.decode()}))
        await asyncio.wait([task])
        await until(lambda: play.origin.open == 0)


@on_both_loops
@pytest.mark.parametrize(
    ("reply", "status"),
    [
        pytest.param(OK, 200, id="ignored"),
        pytest.param(ok(b"Content-Length: 2", body=b"no", status=b"403 Forbidden"), 403, id="CLI-10-refused"),
        pytest.param(
            ok(b"Upgrade: foo", b"Connection: upgrade", b"Content-Length: 0", status=b"426 Upgrade Required"),
            426,
            id="another-one-is-required",
        ),
    ],
)
async def test_an_instance_that_does_not_switch_has_given_an_answer(reply: bytes, status: int) -> None:
    """It is passed on as any other; the connection is not used again."""
    async with sending(reply) as play:
        response = await play.ask(upgrade="websocket", headers={"Sec-WebSocket-Key": KEY.decode()})

        assert (status, None) == (response.status, response.tunnel)
        await until(lambda: play.origin.open == 0)
        assert 0 == play.pool.open_count


@on_both_loops
async def test_who_asks_to_switch_has_a_connection_of_its_own() -> None:
    """An idle one might be about to be closed, and the request may not be repeated."""
    async with sending() as play:
        await play.ask()
        await play.ask(upgrade="websocket", headers={"Sec-WebSocket-Key": KEY.decode()})

        assert (2, 1) == (play.origin.connections, play.pool.idle_count)


@on_both_loops
@pytest.mark.parametrize(
    "reply",
    [
        ANSWER.replace(b"s3pP", b"AAAA"),
        ANSWER.replace(b"Upgrade: websocket\r\n", b""),
        ANSWER.replace(b"Connection: Upgrade\r\n", b""),
        ANSWER.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\nabc"),
        ANSWER.replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=["accept", "upgrade", "connection", "body", "version"],
)
async def test_a_switch_that_is_none_ends_the_connection(reply: bytes) -> None:
    """UPS-10: an error, and nothing of what came is anybody's."""
    async with sending(reply + b"more") as play:
        with pytest.raises(BadAnswer):
            await play.ask(upgrade="websocket", headers={"Sec-WebSocket-Key": KEY.decode()})

        await until(lambda: play.origin.open == 0)
        assert (0, 0) == (play.pool.open_count, play.instance.in_flight)


@on_both_loops
async def test_a_switch_inside_the_request_is_refused() -> None:
    """The rest of the request's body would be part of the other protocol."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(ANSWER)
        await reader.read()

    async with sending(script) as play:
        with pytest.raises(BadAnswer):
            await play.ask(
                upgrade="websocket",
                headers={"Sec-WebSocket-Key": KEY.decode()},
                body=Body.stream(Endless(), None),
            )
