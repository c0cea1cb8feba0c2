"""The routes as a list says them."""

import asyncio

from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.runtime.matching import table_of
from gatekeeper.runtime.rules import describe
from gatekeeper.testing import default_host


CONFIG = """\
version: 1
filters: [{options: {}, name: pre}]
chains: {extra: [{options: {}, name: more}]}
services: {users: http://127.0.0.1:1, v2: http://127.0.0.1:2}
routes:
  all: {match: "/{service:service}/**", to: "{path.service}"}
  split:
    match: {host: a.example, path: /split, method: [POST, GET], header: {x-a: b}}
    priority: 5
    to: {users: 95, v2: 5}
    filters: [use: extra]
    override: {pre: false}
  fixed: {match: /fixed, filters: [static: {}]}
"""


async def test_a_route_is_described() -> None:
    """What it asks for, where it leads, and what runs on the way."""
    host = await asyncio.to_thread(default_host)
    config = (await asyncio.to_thread(load_gateway_text, CONFIG, host)).config
    table = table_of(config, set())

    found = [describe(rank, entry, config) for rank, entry in enumerate(table.entries, 1)]

    assert {
        "rank": 1,
        "route": "split",
        "priority": 5,
        "methods": ["GET", "POST"],
        "host": "a.example",
        "path": "/split",
        "conditions": ["header x-a: b"],
        "to": {"users": 95, "v2": 5},
        "filters": ["more"],
        "place": "gateway.yaml:8",
    } == found[0]
    assert [("fixed", "", ["pre", "static"]), ("all", "{path.service}", ["pre"])] == [
        (row["route"], row["to"], row["filters"]) for row in found[1:]
    ]
