"""What `explain` says of a request is what becomes of it.

Random requests are explained, sent through a socket, and decided once more by the slow matcher that shares no code with
the package.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from gatekeeper.runtime.explain import open_explainer
from gatekeeper.runtime.explanation import Explanation
from gatekeeper.testing import LiveGateway, StartGateway, StartOrigin, answer
from gatekeeper.testing.client import Connection
from gatekeeper.testing.origin import Received
from tests.routing.brute import Asked, Route, decide, host_fits


COUNT = 10_000
CONNECTIONS = 8
PIPELINED = 16
"""Requests that are sent on one connection before their answers are read."""

HOSTS = ["a.example", "*.b.example"]
SERVICES = ("one", "two", "three")

ROUTES: dict[str, dict[str, Any]] = {
    "status": {"match": {"path": "/status", "method": "GET"}, "to": "one"},
    "users": {"match": {"path": "/users/{id:int}", "method": ["GET", "PUT"]}, "to": {"one": 3, "two": 1}},
    "people": {"match": "/users/{name}", "to": "two", "filters": [{"use": "partner"}]},
    "users-tree": {"match": "/users/**", "to": "one", "override": {"mark": False}},
    "users-b": {"match": {"host": "x.b.example", "path": "/users/{id:int}"}, "to": "three"},
    "posts-x": {"match": {"host": "x.b.example", "path": "/**", "method": "POST"}, "to": "one"},
    "orders": {
        "match": {"path": "/orders/**", "method": ["GET", "POST"]},
        "to": {
            "one": {"weight": 5, "pin": {"cookie": {"side": "one"}}},
            "two": {"weight": 1, "pin": [{"header": {"x-beta": "1"}}, {"query": {"beta": {"present": True}}}]},
            "three": {"weight": 0, "pin": {"address": "2001:db8::/32"}},
        },
        "sticky": "header.x-user",
        "rewrite": {"strip": "/orders", "prefix": "/v2"},
        "filters": [{"use": "partner", "when": {"not": {"header": {"x-team": "red"}}}}],
        "override": {"mark": {"request": {"headers": {"set": {"x-mark": "{path.rest}"}}}}},
    },
    "orders-blue": {
        "match": {"path": "/orders/**", "method": ["GET", "POST"], "header": {"x-team": ["blue", {"prefix": "green"}]}},
        "to": "two",
        "rewrite": "/{header.x-path}",
    },
    "orders-one": {
        "match": {"path": "/orders/{id:int}", "query": {"beta": "1"}, "cookie": {"side": {"not": "two"}}},
        "to": {"two": 1, "three": 1},
        "sticky": {"cookie": {}},
    },
    "shop": {"match": "/shop/{kind:a|b}/**", "to": "three", "encoded_slashes": "keep", "rewrite": {"method": "POST"}},
    "shop-open": {
        "match": {"path": "/shop/{kind:a|b}/**", "cookie": {"session": {"prefix": "s-"}}},
        "to": "three",
        "filters": [{"static": {"status": 202}, "when": {"query": {"n": {"regex": "[0-9]+"}}}}],
    },
    "inside": {"match": {"path": "/internal/**", "address": ["10.0.0.0/8", "192.0.2.0/24"]}, "to": "one"},
    "outside": {
        "match": {"path": "/internal/**", "not": {"address": ["10.0.0.0/8", "192.0.2.0/24"]}},
        "filters": [{"static": {"status": 404}}],
    },
    "files": {"match": {"path": {"regex": r"/files/(?P<name>[a-z]+)\.(?P<ext>txt|md)"}}, "to": "one"},
    "json": {"match": {"path": {"suffix": ".json"}, "method": "GET"}, "to": "two"},
    "raw": {"match": "/raw/**", "to": "one", "encoded_slashes": "keep", "rewrite": {"strip": "/raw"}},
    "by-name": {"match": "/{service:service}/**", "to": "{path.service}", "rewrite": "/{path.rest}"},
    "alternatives": {
        "match": [
            {"path": "/alt/one"},
            {"path": ["/alt/two", "/alt/{id:date}"], "method": ["POST", "DELETE"]},
            {"host": "a.example", "path": "/alt/**", "header": {"x-team": {"suffix": "ue"}}},
        ],
        "to": "one",
    },
    "secure": {"match": {"path": "/secure/**", "scheme": "https"}, "to": "two"},
    "other": {"match": {"path": "/secure/**", "listener": "other", "header": {"x-user": {"contains": "7"}}}, "to": "one"},
    "old": {"match": "/old/{id:slug}", "filters": ["options", {"redirect": "/users/{path.id}"}]},
    "special": {
        "match": {"path": "/**", "header": {"x-special": {"present": True}}, "not": {"path": "/status"}},
        "priority": 10,
        "filters": [{"static": {"status": 418}}],
    },
    "café": {"match": "/café/{rest_of}", "to": "one"},
}  # fmt: skip
ROUTES["cafe"] = ROUTES.pop("café")

CONFIG = {
    "version": 1,
    "hosts": HOSTS,
    "server": {
        "listen": {"main": "127.0.0.1:0", "other": "127.0.0.1:0"},
        "trusted_proxies": ["127.0.0.0/8", "10.9.0.0/16"],
        "health_path": "/healthz",
    },
    "filters": [
        {"transform": {"request": {"headers": {"set": {"x-mark": "{address}"}}}}, "name": "mark"},
        {"static": {"status": 403}, "name": "blocked", "when": {"header": {"x-block": "1"}}},
        {"transform": {}, "name": "nothing"},
        {
            "transform": {"request": {"query": {"remove": ["n"]}}},
            "name": "tidy",
            "when": {"method": ["GET", "DELETE"]},
        },
        {"options": {}, "name": "global-options", "when": {"not": {"header": {"x-team": "red"}}}},
    ],
    "chains": {
        "partner": [
            {"transform": {"request": {"headers": {"set": {"x-seen": "{header.x-mark}"}}}}, "name": "see"},
            {"use": "late", "when": [{"header": {"x-seen": {"contains": "7"}}}, {"share": "30%"}]},
        ],
        "late": [
            {"static": {"status": 429}, "name": "stop", "when": {"cookie": {"side": "two"}}},
            {"transform": {"response": {"headers": {"set": {"x-late": "1"}}}}, "name": "late"},
        ],
    },
    "routes": ROUTES,
}

METHODS = ["GET"] * 5 + ["POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"]
WORDS = [
    "users",
    "orders",
    "shop",
    "internal",
    "files",
    "raw",
    "alt",
    "secure",
    "old",
    "one",
    "two",
    "status",
    "healthz",
]
SEGMENTS = [
    *("7", "42", "x", "a", "b", "one", "two", "2026-01-31", "abc-def", "report.txt", "notes.md", "data.json", "..", "."),
    *("", "%41b", "a%2Fb", "a%2fb", "%7e7", "caf%C3%A9", "x;y=1", "%zz", "a%5Cb", "7%20", "data.json"),
]  # fmt: skip
PATHS = [
    *("/status", "/users/7", "/users/jo", "/users/7/posts", "/orders", "/orders/12", "/orders/12/lines", "/shop/a/x"),
    *("/internal/x", "/files/report.txt", "/x/data.json", "/raw/a%2Fb/%2E/c", "/two/x/y", "/alt/one", "/alt/two"),
    *("/alt/2026-01-31", "/alt/q", "/secure/x", "/old/abc-def", "/caf%C3%A9/x", "/healthz", "/", "/shop/b/a%2fb"),
]  # fmt: skip
CLIENTS = [
    ("", "127.0.0.1"),
    ("", "127.0.0.1"),
    ("198.51.100.7", "198.51.100.7"),
    ("1.2.3.4, 192.0.2.9", "192.0.2.9"),
    ("10.1.2.3, 10.9.0.1", "10.1.2.3"),
    ("2001:db8::7", "2001:db8::7"),
    ("junk, 10.9.0.1", "10.9.0.1"),
]
"""What proxies say, and who the client is by that."""
FIELDS = {
    "x-team": ["blue", "red", "greenish", "true-blue"],
    "x-beta": ["1", "0"],
    "x-user": ["u7", "u8", "u9"],
    "x-path": ["p", "deep/er", "%zz", "a b", "..", "é"],
    "x-block": ["1"],
    "x-special": [""],
    "cookie": ["side=one", "side=two; session=s-1", "session=s-7", "session=t; side=one"],
}
RARE = {"x-block", "x-special"}


@attrs.frozen
class Sample:
    """A request, and what else is known about it: which listener, and who it comes from."""

    number: int
    asked: Asked
    target: str
    fields: tuple[tuple[str, str], ...]

    @property
    def raw(self) -> bytes:
        """The bytes of it."""
        lines = [
            f"{self.asked.method} {self.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in self.fields),
        ]
        return "\r\n".join([*lines, "", ""]).encode()


def sample(number: int, chance: random.Random) -> Sample:
    """A random request; most of them fit something."""
    if chance.random() < 0.6:
        path = chance.choice(PATHS)
    else:
        path = "/" + "/".join([chance.choice(WORDS), *chance.choices(SEGMENTS, k=chance.randrange(4))])
    query = chance.choice(["", "", "", "beta=1", "beta", "n=5", "n=5&beta=1&x=%20", "be%74a=1", "n=x&n=5"])
    host = chance.choice(
        ["a.example", "a.example", "a.example:8080", "A.Example.", "x.b.example", "y.b.example"]
    )
    if chance.random() < 0.04:
        host = chance.choice(["c.example", "b.example", "x.y.b.example"])
    xff, client = chance.choice(CLIENTS)
    fields = [("Host", host), ("User-Agent", str(number))]
    fields += [
        (name.title() if chance.random() < 0.5 else name, chance.choice(values))
        for name, values in FIELDS.items()
        if chance.random() < (0.02 if name in RARE else 0.25)
    ]
    if xff:
        fields.append(("X-Forwarded-For", xff))
    scheme = "http"
    if chance.random() < 0.3:
        scheme = "https"
        fields.append(("X-Forwarded-Proto", scheme))
    asked = Asked(
        chance.choice(METHODS),
        path,
        query,
        host.partition(":")[0].lower().removesuffix("."),
        tuple(fields),
        client,
        scheme,
        "other" if number % CONNECTIONS == 0 else "main",
    )
    return Sample(number, asked, path + (f"?{query}" if query else ""), tuple(fields))


# ---- the slow matcher -----------------------------------------------------------------------------------------------


SLOW = [Route(name, route["match"], route.get("priority", 0)) for name, route in ROUTES.items()]


def agrees(one: Sample, said: Explanation) -> None:
    """The slow matcher finds the same route, with the same captures, or the same methods."""
    if said.request is None or said.request.path == "/healthz":
        return
    assert (one.asked.host, one.asked.client) == (said.request.host, said.request.client)
    if not any(host_fits(pattern, one.asked.host) for pattern in HOSTS):
        assert ("", (), 0) == (said.result.route, said.candidates, said.elsewhere)
        assert said.result.answered_by or (421, tuple(HOSTS)) == (said.result.status, said.result.hosts)
        return
    assert 421 != said.result.status
    decision = decide(SLOW, one.asked, SERVICES)
    matched = [candidate.route for candidate in said.candidates if candidate.verdict == "matched"]
    assert sorted(decision.names) == matched
    if said.result.route:
        assert [said.result.route] == matched
        assert dict(decision.best[0].captures) == dict(said.result.captures)
    if said.result.status == 405:
        assert tuple(decision.allow) == said.result.allow


# ---- the gateway ----------------------------------------------------------------------------------------------------


async def send(gateway: LiveGateway, number: int, samples: list[tuple[Sample, Explanation]]) -> None:
    """Send samples on one connection, and those that end theirs on connections of their own."""
    listener = "other" if number == 0 else "main"
    connection = await gateway.connect(listener=listener)
    kept = [one for one, said in samples if said.request is not None]
    for one in [one for one, said in samples if said.request is None]:
        single = await Connection.open(gateway.addresses[listener])
        await single.send(one.raw)
        await single.answer(one.asked.method)
        await single.close()
    for start in range(0, len(kept), PIPELINED):
        batch = kept[start : start + PIPELINED]
        await connection.send(b"".join(one.raw for one in batch))
        for one in batch:
            await connection.answer(one.asked.method)


def happened(one: Sample, said: Explanation, record: Mapping[str, Any], received: Received | None) -> None:
    """The record of the access log, and what the origin was asked, are what was explained."""
    result = said.result
    if result.answered_by == "server.health_path":
        assert (200, "-") == (record["status"], record["route"])
        return
    assert (result.route or "-") == record["route"]
    if said.request is not None:
        assert (said.request.path, said.request.client) == (record["path"], record["client"])
    ran = [name for name in record.get("filters", {}) if name not in {"forward", "no route"}]
    expected = {"": result.status or 200}
    steps = list(said.filters)
    stopped = record.get("stopped_by", "")
    if "service" in record:
        target = next(one for one in said.targets if one.service == record["service"])
        assert target.share > 0
        steps += target.filters
        expected["rewrite"] = 400
        assert bool(target.detail) is (stopped == "rewrite")
        if not stopped:
            assert received is not None
            assert (target.method, target.target) == (received.method, received.target)
    elif not [step for step in steps if step.state == "by chance"]:
        assert result.answered_by == stopped
        assert not said.targets
    if stopped not in {"", "rewrite"}:
        expected = {stopped: next(result.status or 429 for step in steps if step.name == stopped)}
    assert expected[stopped] == record["status"]
    certain = [step.name for step in steps if step.state in {"runs", "answers"}]
    maybe = {step.name for step in steps if step.state == "by chance"}
    assert [name for name in ran if name not in maybe] == (
        certain if stopped not in maybe else certain[: len(ran) - 1]
    )


# 12 s where nothing else runs
@pytest.mark.timeout(240)
async def test_what_is_explained_is_what_happens(gateway: StartGateway, origin: StartOrigin) -> None:
    """Route, captures, service, filters, answer, what the origin is asked: for each of many random requests."""
    seed = random.SystemRandom().getrandbits(32)
    print(f"the seed is {seed}")
    chance = random.Random(seed)
    behind = await origin()
    behind.always(lambda request: answer(200, body=b"" if request.method == "HEAD" else b"ok"))
    told = {"transform": {"request": {"headers": {"set": {"x-told": "{service}"}}}}, "name": "tell"}
    services = {
        "one": behind.url,
        "two": {"instances": [behind.url], "filters": [{**told, "when": {"method": "POST"}}]},
        "three": {
            "instances": [behind.url],
            "filters": [{**told, "when": {"header": {"x-mark": {"suffix": "7"}}}}],
        },
    }
    live = await gateway(json.dumps({**CONFIG, "services": services}))
    samples = [sample(number, chance) for number in range(COUNT)]
    async with open_explainer(live.gateway.config, live.gateway.host) as explainer:
        said = [
            explainer.explain(one.asked.method, one.target, one.fields, listener=one.asked.listener)
            for one in samples
        ]
    pairs = list(zip(samples, said, strict=True))

    await asyncio.gather(
        *(
            send(live, number, [pair for pair in pairs if pair[0].number % CONNECTIONS == number])
            for number in range(CONNECTIONS)
        )
    )
    await live.record(COUNT)

    received = {request.get("user-agent"): request for request in behind.requests}
    readable = {record["user_agent"]: record for record in live.records if record["user_agent"]}
    for one, explained in pairs:
        context = f"seed {seed}: {one.raw!r}"
        try:
            agrees(one, explained)
            if explained.request is not None:
                happened(one, explained, readable[str(one.number)], received.get(str(one.number)))
        except (AssertionError, KeyError, StopIteration) as error:
            raise AssertionError(f"{context}\n{explained}\n{readable.get(str(one.number))}") from error
    refused = [explained.result.status for explained in said if explained.request is None]
    assert Counter(refused) == Counter(
        record["status"] for record in live.records if not record["user_agent"]
    )
