"""A whole gateway from the text of a configuration."""

import attrs
import pytest

from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError
from gatekeeper.testing import StartGateway, StartOrigin, WireError, answer, open_gateway


STATIC = "version: 1\nroutes: {all: {match: /**, filters: [static: {body: {text: hi}}]}}\n"


def forwarding(url: str) -> str:
    return f"version: 1\nservices: {{users: {url}}}\nroutes: {{all: {{match: /**, to: users}}}}\n"


@pytest.mark.both_loops
async def test_a_request_goes_through(gateway: StartGateway, origin: StartOrigin) -> None:
    """To the origin and back; the access record follows."""
    users = await origin()
    users.play(answer(201, body=b"hi"))
    gw = await gateway(forwarding(users.url))

    found = await gw.request("POST", "/x?y=1", body=b"data")

    assert (201, b"hi") == (found.status, found.body)
    assert ("POST", "/x?y=1", b"data") == (
        users.request.method,
        users.request.target,
        bytes(users.request.body),
    )
    assert (201, "users") == ((await gw.record())["status"], gw.records[0]["service"])
    assert 1.0 == gw.metric("gatekeeper_requests_total", route="all")
    assert 0.0 == gw.metric("gatekeeper_requests_total", route="none")
    assert 0.0 == gw.metric("nothing_of_this_name")


async def test_listeners_are_moved_to_free_ports(gateway: StartGateway) -> None:
    """All of them, so that any configuration runs anywhere."""
    text = STATIC + "server: {listen: {main: 80, other: '0.0.0.0:443'}}\n"
    first, second = await gateway(text), await gateway(text)

    addresses = [address for gw in (first, second) for address in gw.addresses.values()]
    assert 4 == len(set(addresses))
    assert {"127.0.0.1"} == {address.rpartition(":")[0] for address in addresses}
    connection = await first.connect(listener="other")
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"hi" == (await connection.answer()).body


async def test_raw_bytes_are_sent_and_read(gateway: StartGateway) -> None:
    """Until the gateway closes the connection; if it does not, that is an error."""
    gw = await gateway(STATIC)

    seen = await gw.raw(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    assert seen.startswith(b"HTTP/1.1 200 OK\r\n")
    assert seen.endswith(b"\r\n\r\nhi")
    with pytest.raises(WireError, match="still open"):
        await gw.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", within=0.1)


async def test_clients_have_connections_of_their_own(gateway: StartGateway) -> None:
    """And keep them."""
    gw = await gateway(STATIC)
    client = gw.new_client()
    for _ in range(2):
        await client.get()
        await gw.get()

    assert (1, 1) == (client.opened, gw.client.opened)
    assert 4 == len([await gw.record(number) for number in range(1, 5)])


async def test_a_record_that_does_not_come_is_a_failure(gateway: StartGateway) -> None:
    """With how many have."""
    gw = await gateway(STATIC)

    with pytest.raises(AssertionError, match="there are 0 access records, not 1"):
        await gw.record(within=0.05)


async def test_the_configuration_may_be_changed_before_the_start(gateway: StartGateway) -> None:
    """Where the text cannot say it."""

    def change(config: GatewayConfig) -> GatewayConfig:
        return attrs.evolve(config, server=attrs.evolve(config.server, health_path="/up"))

    gw = await gateway(STATIC, change=change)

    assert b"ok\n" == (await gw.get("/up")).body


async def test_variables_come_from_the_test(gateway: StartGateway) -> None:
    """Not from whoever runs it."""
    gw = await gateway(STATIC.replace("hi", "'${WORD}'"), environ={"WORD": "hello"})

    assert b"hello" == (await gw.get()).body


async def test_a_configuration_that_is_refused_raises() -> None:
    """With all that is wrong."""
    with pytest.raises(ConfigError, match="version 7"):
        async with open_gateway("version: 7\n"):
            pass
