"""What the admin side knows of a gateway."""

import orjson

from gatekeeper.runtime.node import Node
from gatekeeper.testing import StartGateway


CONFIG = "version: 1\nroutes: {all: {match: /**, filters: [static: {status: 204}]}}\n"


async def test_a_gateway_is_a_node(gateway: StartGateway) -> None:
    """It answers with plain data, which can go through a pipe."""
    gw = await gateway(CONFIG)
    node: Node = gw.gateway

    status = await node.status()
    body, content_type = await node.exposition("")

    assert ("running", 1, gw.addresses) == (status["state"], status["revision"], status["listeners"])
    assert status["uptime"] >= 0
    assert status == orjson.loads(orjson.dumps(status))
    assert b"gatekeeper_requests_in_flight 0" in body
    assert content_type.startswith("text/plain")
