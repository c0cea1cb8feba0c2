"""`options`: whom it answers for, with what."""

import pytest

from gatekeeper.core.exchange import ALLOW
from gatekeeper.testing import RunFilter, StartGateway, StartOrigin, make_exchange


async def test_other_methods_go_on(run_filter: RunFilter) -> None:
    """It only knows OPTIONS."""
    call = run_filter("options", exchange=make_exchange("GET"))
    (await call.upstream()).respond(200)

    assert 200 == (await call.response()).status


async def test_in_a_route_it_answers(run_filter: RunFilter) -> None:
    """With the methods that routes accept, and the one that is answered here."""
    exchange = make_exchange("OPTIONS")
    exchange[ALLOW] = ("GET", "HEAD", "PUT")

    response = await run_filter("options", exchange=exchange).response()

    assert (204, "GET, HEAD, OPTIONS, PUT") == (response.status, response.headers.text(b"allow"))


async def test_where_no_method_is_known_it_goes_on(run_filter: RunFilter) -> None:
    """A path that no route names is not there."""
    call = run_filter("options", exchange=make_exchange("OPTIONS"))
    (await call.upstream()).respond(404)

    assert 404 == (await call.response()).status


CONFIG = """
version: 1
services: {{app: {origin}}}
{extra}
routes:
  read: {{match: {{path: /users/**, method: GET}}, to: app}}
  write: {{match: {{path: /users/**, method: [PUT, DELETE]}}, to: app}}
  own: {{match: {{path: /own, method: [GET, OPTIONS]}}, to: app}}
  any: {{match: /any, to: app}}
"""


@pytest.mark.parametrize(
    ("extra", "target", "status", "allow"),
    [
        pytest.param("", "/users/7", 405, "DELETE, GET, HEAD, PUT", id="nobody asked"),
        pytest.param("filters: [options]", "/users/7", 204, "DELETE, GET, HEAD, OPTIONS, PUT", id="asked"),
        pytest.param("filters: [options]", "/own", 200, "", id="a route takes it"),
        pytest.param("filters: [options]", "/any", 200, "", id="a route takes everything"),
        pytest.param("filters: [options]", "/nowhere", 404, "", id="nothing there"),
    ],
)
async def test_it_is_answered_only_where_asked(
    gateway: StartGateway, origin: StartOrigin, extra: str, target: str, status: int, allow: str
) -> None:
    """Through a whole gateway."""
    server = await origin()
    live = await gateway(CONFIG.format(origin=server.url, extra=extra))

    answer = await live.request("OPTIONS", target)

    assert (status, allow) == (answer.status, answer.get("allow") or "")
