"""The listeners of one process, as a gateway sees them."""

import pytest

from gatekeeper.runtime.front import LocalFront
from gatekeeper.testing import StartGateway


HELLO = "version: 1\nroutes: {all: {match: /**, filters: [static: {body: {text: hello}}]}}\n"


async def test_it_listens_where_the_configuration_says(gateway: StartGateway) -> None:
    """By name, and with a socket that can be shared."""
    gw = await gateway(HELLO)
    front = gw.gateway.front
    assert isinstance(front, LocalFront)
    address = gw.gateway.config.server.listen["main"].address
    sock = front.listening(address)

    assert gw.gateway.listeners == front.listeners
    assert sock is front.edge.listeners["main"]
    assert None is front.listening(type(address)("127.0.0.1", 1))


async def test_one_process_cannot_be_renewed(gateway: StartGateway) -> None:
    """It says with what it could be."""
    gw = await gateway(HELLO)

    with pytest.raises(ValueError, match=r"`server\.workers: 2` or more"):
        await gw.gateway.front.restart()


async def test_there_is_nothing_else_to_kill(gateway: StartGateway) -> None:
    """It goes on."""
    gw = await gateway(HELLO)

    gw.gateway.front.kill()

    assert 200 == (await gw.client.get("/")).status
