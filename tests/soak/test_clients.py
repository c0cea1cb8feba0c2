"""What clients send, and that they keep their connections."""

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from tests.soak.clients import Clients, get, post, received
from tests.soak.origin import Instance, Origin
from tests.soak.wire import Client, Message


LINE = b"/at-once?seed=1&size=5 HTTP/1.1\r\nHost: a\r\n"


class Recorder(Client):
    """One that sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[bytes] = []

    async def ask(
        self, request: bytes, take: Callable[[bytes], object], patience: float | None = None
    ) -> Message:
        self.requests.append(request)
        return Message(take)


@pytest.mark.parametrize("size", [0, 1, 5, 1001])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_sent_whole(size: int, chunked: bool) -> None:
    """Framed as it was asked for; one without bytes has a length in any case."""
    client, found, content = Recorder(), bytearray(), bytes(size)
    await post(client, LINE, content, lambda _: None, chunked=chunked)
    message = Message(found.extend)

    assert b"" == message.feed(client.requests[0])
    assert (True, content) == (message.complete, bytes(found))
    assert (chunked and size > 0) == (b"transfer-encoding" in message.fields)


class Some(Clients):
    """Who ask for something small."""

    def __init__(self, port: int) -> None:
        super().__init__(port, 200, Random(0))
        self.answers: list[bytes] = []

    async def _send(self, due: float) -> None:
        client = self._free() or await self._open(self._port)
        if self._random.random() < 0.5:
            await get(client, LINE, self.answers.append)
        else:
            await post(client, LINE, b"abc", self.answers.append, chunked=True)
        self._idle.append(client)

    def _hung_up(self, idle: float) -> None:
        raise AssertionError(f"after {idle:g} s")


async def test_they_send_what_is_due_on_connections_that_they_keep() -> None:
    """Until they are stopped; then each has its answer."""
    instance = Instance()
    server = await asyncio.get_running_loop().create_server(lambda: Origin(instance), "127.0.0.1", 0)
    some = Some(server.sockets[0].getsockname()[1])
    running = asyncio.create_task(some.run())
    async with asyncio.timeout(20):
        while some.sent <= some.connections + 5:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    some.stop()
    await running

    assert some.sent == len(some.answers)
    assert some.connections == instance.connections
    assert received(b"abc") in some.answers
    server.close()
    await server.wait_closed()
