"""What the admin side knows of a gateway."""

import orjson

from gatekeeper.runtime.local import LocalNode
from gatekeeper.runtime.node import Node
from gatekeeper.testing import StartGateway


CONFIG = "version: 1\nroutes: {all: {match: /**, filters: [static: {status: 204}]}}\n"


async def test_a_gateway_in_this_process_is_a_node(gateway: StartGateway) -> None:
    """It answers with plain data, which can go through a pipe."""
    gw = await gateway(CONFIG)
    node: Node = LocalNode(gw.gateway)

    for answer in (
        await node.status(),
        await node.metrics(),
        await node.system(),
        await node.requests(),
        await node.services(),
        await node.rules(),
        await node.config(),
        await node.keys(),
    ):
        assert answer == orjson.loads(orjson.dumps(answer))
