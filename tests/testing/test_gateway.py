"""A whole gateway from the text of a configuration."""

import pytest

from gatekeeper.testing import StartGateway, StartOrigin


@pytest.mark.both_loops
async def test_a_request_goes_through(gateway: StartGateway, origin: StartOrigin) -> None:
    """To the origin and back; the access record follows."""
    users = await origin()
    users.play(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    gw = await gateway(
        f"version: 1\nservices: {{users: {users.url!r}}}\nroutes: {{all: {{match: /**, to: users}}}}\n"
    )

    answer = await gw.get("/x?y=1")

    assert (200, b"hi") == (answer.status, answer.body)
    assert ("GET", "/x?y=1") == (users.request.method, users.request.target)
    assert 200 == (await gw.record())["status"]
    assert 1.0 == gw.metric("gatekeeper_requests_total", route="all")
    assert 200 == (await gw.admin.get("/metrics", host="localhost")).status
