"""What is in flight is counted exactly, whatever becomes of requests: every balancer goes by it, and so does a drain."""

import asyncio
import contextlib
from random import Random

import pytest

from gatekeeper.testing import HANG, RST, StartGateway, StartOrigin, answer


BALANCERS = (
    "round_robin",
    "least_connections",
    "random",
    "power_of_two",
    "latency",
    "{hash: address}",
    "cookie",
)
REQUESTS = 120


@pytest.mark.parametrize("balance", BALANCERS)
async def test_nothing_stays_in_flight(gateway: StartGateway, origin: StartOrigin, balance: str) -> None:
    """Clients hang up at any moment, instances answer, stall, break off, refuse."""
    random = Random(balance)
    origins = [await origin() for _ in range(3)]
    whole = answer(200, body=b"x" * 1000)
    for one in origins:
        for _ in range(REQUESTS):
            kind = random.randrange(6)
            pieces = {
                0: (HANG,),
                1: (RST,),
                2: (whole[:100], RST),
                3: (0.002, whole),
                4: (whole[:500], 0.002, whole[500:]),
            }
            one.play(*pieces.get(kind, (whole,)))
        one.always(whole)
    urls = ", ".join(one.url for one in origins)
    gw = await gateway(
        f"version: 1\nservices: {{a: {{instances: [{urls}, 'http://127.0.0.1:1'], balance: {balance},"
        " outliers: false, timeouts: {read: 200ms, connect: 1s}}}\n"
        "routes: {all: {match: /**, to: a}}\n"
    )
    service = gw.gateway.services["a"]

    async def ask(number: int) -> None:
        connection = await gw.connect()
        method = random.choice(["GET", "POST", "PUT"])
        body = b"y" * random.choice([0, 10, 100_000])
        head = f"{method} /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(random.choice([0.0, 0.001, 0.005, 0.02, 0.5])):
                await connection.send(head + body)
                await connection.answer(method)
        if random.random() < 0.5:
            connection.reset()
        else:
            await connection.close()

    for first in range(0, REQUESTS, 20):
        await asyncio.gather(*(ask(number) for number in range(first, first + 20)))
    async with asyncio.timeout(20):
        while service.in_flight or gw.metric("gatekeeper_requests_in_flight"):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)

    assert [0, 0, 0, 0] == [member.instance.in_flight for member in service.members]
    pools = gw.gateway.keep.things("pool")
    assert all(pool.open_count == pool.idle_count for pool in pools)
