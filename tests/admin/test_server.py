"""The admin listener: what it tells, and to whom."""

from typing import Any

import orjson
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gatekeeper.testing import Connection, StartGateway
from gatekeeper.version import VERSION


CONFIG = "version: 1\nroutes: {all: {match: /**, filters: [static: {status: 204}]}}\n"


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/metrics"])
async def test_metrics_count_what_was_answered(gateway: StartGateway, path: str) -> None:
    """In the format that Prometheus asks for."""
    gw = await gateway(CONFIG)
    await gw.get()
    await gw.record()

    plain = await gw.admin.get(path, host="localhost")
    new = await gw.admin.get(
        path, {"Accept": "application/openmetrics-text; version=1.0.0"}, host="localhost"
    )

    assert (plain.get("content-type") or "").startswith("text/plain")
    assert (new.get("content-type") or "").startswith("application/openmetrics-text")
    parsers: list[Any] = [parse_text, parse_openmetrics]
    for families in (parsers[0](plain.text), parsers[1](new.text)):
        samples = {
            sample.name: sample.value
            for family in families
            for sample in family.samples
            if sample.labels.get("route") == "all"
        }
        assert 1.0 == samples["gatekeeper_requests_total"]


async def test_the_index_tells_the_status(gateway: StartGateway) -> None:
    """Version, revision, state, listeners."""
    gw = await gateway(CONFIG)

    status = orjson.loads((await gw.admin.get("/", host="localhost")).body)

    assert (VERSION, 1, "running") == (status["version"], status["revision"], status["state"])
    assert gw.addresses == status["listeners"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST", 200),
        ("localhost.", 403),
        ("localhost:9901", 200),
        ("127.0.0.1", 200),
        ("127.0.0.1:9901", 200),
        ("[::1]", 200),
        ("[::1]:9901", 200),
        ("evil.example", 403),
        ("evil.example:9901", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("[::1].evil.example", 403),
        ("[::1]evil.example:9901", 403),
        ("localhost:9901:evil", 403),
        ("127.0.0.2:9901", 200),
        ("128.0.0.1", 403),
        ("", 403),
    ],
)
async def test_it_answers_as_localhost_only(gateway: StartGateway, host: str, status: int) -> None:
    """A page of another site whose name was made to mean 127.0.0.1 (DNS rebinding) gets nothing."""
    gw = await gateway(CONFIG)

    answer = await gw.admin.get("/metrics", host=host)

    assert status == answer.status
    assert (status == 200) == (b"gatekeeper_" in answer.body)


async def test_no_other_site_may_read_it(gateway: StartGateway) -> None:
    """There is no CORS here."""
    gw = await gateway(CONFIG)

    answer = await gw.admin.get("/metrics", {"Origin": "https://evil.example"}, host="localhost")

    assert [] == [name for name, _ in answer.headers if name.lower().startswith(b"access-control")]


async def test_the_data_listener_does_not_answer_for_it(gateway: StartGateway) -> None:
    """Whatever the path."""
    gw = await gateway(CONFIG)

    assert [204, 204] == [
        (await gw.get(path, host="localhost")).status for path in ("/metrics", "/api/v1/metrics")
    ]


async def test_there_may_be_none(gateway: StartGateway) -> None:
    """`admin.listen: false`."""
    gw = await gateway(CONFIG + "admin: {listen: false}\n")

    assert "" == gw.gateway.admin_address
    assert 204 == (await gw.get()).status


@pytest.mark.parametrize("path", ["/nothing", "/plugins/", "/plugins/nobody/x", "/api/v1/"])
async def test_what_is_not_there_is_not_found(gateway: StartGateway, path: str) -> None:
    """And says nothing about what is."""
    gw = await gateway(CONFIG)

    assert 404 == (await gw.admin.get(path, host="localhost")).status


async def test_a_request_without_a_host_gets_nothing(gateway: StartGateway) -> None:
    """And nobody is asked what this machine is called."""
    gw = await gateway(CONFIG)
    connection = await Connection.open(gw.admin.address)
    await connection.send(b"GET /metrics HTTP/1.0\r\n\r\n")

    seen = await connection.rest()
    await connection.close()

    assert b" 403 " in seen.partition(b"\r\n")[0]
