"""`cors`: who may ask, what for, and what answers say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import ConnectFailed
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, Response
from gatekeeper.filters.cors import Cors, CorsConfig, Origin
from gatekeeper.testing import (
    LiveGateway,
    RunFilter,
    StartGateway,
    StartOrigin,
    answer,
    config_problems,
    make_exchange,
)


APP = "https://app.example.com"
WILD = "https://*.example.org"
VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def preflight(
    origin: str = APP, method: str = "GET", *headers: str, path: str = "/", **more: Any
) -> Exchange:
    """A preflight as browsers send it."""
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    fields += [("Access-Control-Request-Headers", line) for line in headers]
    return make_exchange("OPTIONS", path, fields, **more)


def allowing(response: Response) -> dict[str, str]:
    """The fields of CORS that an answer has; each of them once."""
    found = [
        (name.decode().lower().removeprefix("access-control-"), value.decode())
        for name, value in response.headers
        if name.lower().startswith(b"access-control-")
    ]
    assert len(found) == len(dict(found)), found
    return dict(found)


# ---- preflights -----------------------------------------------------------------------------------------------------


DEFAULTS = {"allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE", "max-age": "600"}


@pytest.mark.parametrize(
    ("options", "exchange", "expected"),
    [
        pytest.param([APP], preflight(), {"allow-origin": APP, **DEFAULTS}, id="defaults"),
        pytest.param("*", preflight(), {"allow-origin": "*", **DEFAULTS}, id="anybody"),
        pytest.param("*", preflight("null"), {"allow-origin": "*", **DEFAULTS}, id="anybody-even-null"),
        pytest.param([APP, "null"], preflight("null"), {"allow-origin": "null", **DEFAULTS}, id="null-listed"),
        pytest.param(
            {"origins": [APP, WILD], "methods": ["PUT"], "credentials": True, "max_age": "0s", "expose": ["x-a"]},
            preflight("https://a.example.org", "PUT"),
            {
                "allow-origin": "https://a.example.org",
                "allow-credentials": "true",
                "expose-headers": "x-a",
                "allow-methods": "PUT",
                "max-age": "0",
            },
            id="all-options",
        ),
        pytest.param(
            {"origins": APP, "headers": ["X-Team", "authorization"], "max_age": "1d"},
            preflight(APP, "GET", "authorization,x-team"),
            {"allow-origin": APP, **DEFAULTS, "allow-headers": "x-team, authorization", "max-age": "86400"},
            id="headers",
        ),
        pytest.param(
            {"origins": APP, "headers": ["X-Team", "x-b"]},
            preflight(APP, "GET", "X-TEAM ,\tx-b", "x-b"),
            {"allow-origin": APP, **DEFAULTS, "allow-headers": "x-team, x-b"},
            id="headers-without-case-with-blanks-in-lines",
        ),
        pytest.param(
            {"origins": APP, "headers": ["*"]},
            preflight(APP, "GET", "x-anything,x-else"),
            {"allow-origin": APP, **DEFAULTS, "allow-headers": "*"},
            id="any-header",
        ),
        pytest.param(
            {"origins": "*", "headers": ["*", "authorization"]},
            preflight(APP, "GET", "authorization,x-else"),
            {"allow-origin": "*", **DEFAULTS, "allow-headers": "*, authorization"},
            id="any-header-and-authorization",
        ),
    ],
)  # fmt: skip
async def test_a_preflight_that_is_allowed(
    run_filter: RunFilter, options: Any, exchange: Exchange, expected: dict[str, str]
) -> None:
    """It is answered without a body, and nobody else is asked; RBC-03."""
    response = await run_filter("cors", options, exchange).response()

    assert (204, expected) == (response.status, allowing(response))
    assert (b"", [VARY.encode()]) == (response.body.data, response.headers.get_all(b"vary"))


@pytest.mark.parametrize(
    ("options", "exchange"),
    [
        pytest.param([APP], preflight("https://evil.example"), id="foreign"),
        pytest.param([APP], preflight("null"), id="null"),
        pytest.param(["null"], preflight(), id="null-is-no-wildcard"),
        pytest.param([APP], preflight(""), id="empty"),
        pytest.param([APP], preflight("http://app.example.com"), id="scheme"),
        pytest.param([APP], preflight(f"{APP}:8443"), id="port"),
        pytest.param([APP], preflight(f"{APP}.evil.example"), id="suffix"),
        pytest.param([APP], preflight("https://evilapp.example.com"), id="prefix"),
        pytest.param([APP], preflight(APP.upper()), id="case"),
        pytest.param([APP], preflight(f"{APP}, {APP}"), id="list"),
        pytest.param([APP], preflight(f"{APP}/"), id="slash"),
        pytest.param([APP], preflight(method="OPTIONS"), id="method"),
        pytest.param([APP], preflight(method="get"), id="method-case"),
        pytest.param([APP], preflight(method="patch"), id="method-that-browsers-leave-in-lower-case"),
        pytest.param([APP], preflight(method=""), id="method-empty"),
        pytest.param([APP], preflight(method="GET, PUT"), id="methods"),
        pytest.param({"origins": APP, "methods": ["PUT"]}, preflight(method="GET"), id="method-not-listed"),
        pytest.param([APP], preflight(APP, "GET", "x-team"), id="header"),
        pytest.param("*", preflight(APP, "GET", "x-team"), id="header-for-anybody"),
        pytest.param({"origins": APP, "headers": ["x-a"]}, preflight(APP, "GET", "x-a,x-b"), id="one-of-two"),
        pytest.param({"origins": APP, "headers": ["x-a"]}, preflight(APP, "GET", "x-a", "x-b"), id="second-line"),
        pytest.param({"origins": APP, "headers": ["x-a"]}, preflight(APP, "GET", "x-a,,"), id="empty-name"),
        pytest.param({"origins": APP, "headers": ["*"]}, preflight(APP, "GET", "authorization"), id="any-but-authorization"),
        pytest.param({"origins": APP, "headers": ["*"]}, preflight(APP, "GET", "x-a,Authorization"), id="any-but-Authorization"),
    ],
)  # fmt: skip
async def test_a_preflight_that_is_refused(run_filter: RunFilter, options: Any, exchange: Exchange) -> None:
    """It gets 403, says that it depends on who asks, allows nothing, and goes nowhere; ADM-06."""
    response = await run_filter("cors", options, exchange).response()

    assert (403, {}) == (response.status, allowing(response))
    assert [VARY.encode()] == response.headers.get_all(b"vary")
    assert response.error is not None
    assert "preflight-refused" == response.error.code


async def test_two_origins_are_none(run_filter: RunFilter) -> None:
    """No browser sends them."""
    exchange = preflight()
    exchange.request.headers.add(b"Origin", APP.encode())

    assert 403 == (await run_filter("cors", [APP], exchange).response()).status


async def test_private_networks_stay_closed(run_filter: RunFilter) -> None:
    """Whatever is asked for."""
    exchange = preflight()
    exchange.request.headers.add(b"access-control-request-private-network", b"true")

    response = await run_filter("cors", [APP], exchange).response()

    assert {"allow-origin": APP, **DEFAULTS} == allowing(response)


# ---- origins --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "origin", "expected"),
    [
        (WILD, "https://a.example.org", True),
        (WILD, "https://a-b_1.example.org", True),
        (WILD, "https://example.org", False),
        (WILD, "https://a.b.example.org", False),
        (WILD, "https://.example.org", False),
        (WILD, "https://*.example.org", False),
        (WILD, "https://evilexample.org", False),
        (WILD, "https://a.example.org.evil.example", False),
        (WILD, "https://a.example.org:8443", False),
        (WILD, "http://a.example.org", False),
        (WILD, "https://evil.example#.example.org", False),
        (WILD, "https://evil@a.example.org", False),
        (WILD, "https://evil/.example.org", False),
        (WILD, "https://evil:1.example.org", False),
        (WILD, "https://a\u00e9.example.org", False),
        (WILD, "https://A.example.org", False),
        (WILD, "xhttps://a.example.org", False),
        (WILD, "a.example.org", False),
        (WILD, "null", False),
        ("https://*.example.org:8443", "https://a.example.org:8443", True),
        ("https://*.example.org:8443", "https://a.example.org", False),
        ("http://*.localhost:3000", "http://shop.localhost:3000", True),
        ("http://[2001:DB8:0::1]:3000", "http://[2001:db8::1]:3000", True),
        ("capacitor://localhost", "capacitor://localhost", True),
        ("HTTPS://App.Example.COM:443", APP, True),
        ("http://app.example.com:80", "http://app.example.com", True),
        ("http://app.example.com:443", "http://app.example.com:443", True),
    ],
)
def test_an_origin_is_the_one_that_was_meant(pattern: str, origin: str, expected: bool) -> None:
    """A pattern takes one label more, of the same scheme and port, and no trick."""
    grant = Cors(CorsConfig(origins=(Origin.parse(APP + ".test"), Origin.parse(pattern))))._grant()
    granted = grant(origin.encode())

    assert ([(b"access-control-allow-origin", origin.encode())] if expected else None) == granted


@given(st.text("a.-*:/@#\\?%\u0430example.org", max_size=40), st.sampled_from(["https://", "http://", ""]))
def test_a_pattern_takes_one_label_and_nothing_else(text: str, scheme: str) -> None:
    """Whatever stands before and behind."""
    origin = f"{scheme}{text}"
    grant = Cors(CorsConfig(origins=Origin.parse(WILD)))._grant()
    label = origin.removeprefix("https://").removesuffix(".example.org")
    fits = origin == f"https://{label}.example.org" and label.replace("-", "").isascii()
    fits = (
        fits and label.replace("-", "a").isalnum() and not label.startswith("-") and not label.endswith("-")
    )

    assert fits is (grant(origin.encode()) is not None)


# ---- requests -------------------------------------------------------------------------------------------------------


SERVICE = [
    ("Access-Control-Allow-Origin", "https://evil.example"),
    ("access-control-allow-origin", "*"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Allow-Private-Network", "true"),
    ("ACCESS-CONTROL-MAX-AGE", "1"),
    ("content-type", "text/plain"),
]
"""What a service says that has its own idea of CORS."""


@pytest.mark.parametrize(
    ("options", "origin", "expected", "vary"),
    [
        pytest.param([APP], APP, {"allow-origin": APP}, "Origin", id="listed"),
        pytest.param([APP], "https://evil.example", {}, "Origin", id="foreign"),
        pytest.param([APP], "null", {}, "Origin", id="null"),
        pytest.param([APP], None, {}, "Origin", id="no-origin"),
        pytest.param([WILD], "https://a.example.org", {"allow-origin": "https://a.example.org"}, "Origin", id="pattern"),
        pytest.param(["null"], "null", {"allow-origin": "null"}, "Origin", id="null-listed"),
        pytest.param("*", APP, {"allow-origin": "*"}, "", id="anybody"),
        pytest.param("*", None, {"allow-origin": "*"}, "", id="anybody-without-origin"),
        pytest.param(
            {"origins": [APP, WILD], "expose": ["X-A", "x-b"], "credentials": True},
            "https://a.example.org",
            {"allow-origin": "https://a.example.org", "allow-credentials": "true", "expose-headers": "x-a, x-b"},
            "Origin",
            id="all-options",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "DELETE"])
async def test_an_answer_says_who_may_read_it(
    run_filter: RunFilter, method: str, options: Any, origin: str | None, expected: dict[str, str], vary: str
) -> None:
    """What the service says is replaced, a request of a stranger goes on, and so does OPTIONS that is no preflight."""
    exchange = make_exchange(method, headers=[("Origin", origin)] if origin is not None else [])
    call = run_filter("cors", options, exchange)
    (await call.upstream()).respond(200, SERVICE)
    response = await call.response()

    assert (200, expected) == (response.status, allowing(response))
    assert ("text/plain", vary) == (
        response.headers.text(b"content-type"),
        response.headers.text(b"vary"),
    )


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([], ["Origin"]),
        (["accept-encoding"], ["accept-encoding", "Origin"]),
        (["accept, ORIGIN"], ["accept, ORIGIN"]),
        (["accept", "origin"], ["accept", "origin"]),
        (["*"], ["*"]),
        (["x-origin, original"], ["x-origin, original", "Origin"]),
    ],
)
async def test_what_an_answer_depends_on_is_said_once(
    run_filter: RunFilter, sent: list[str], expected: list[str]
) -> None:
    """RFC 9110 section 12.5.5; what the service says of it stays."""
    call = run_filter("cors", [APP], make_exchange())
    (await call.upstream()).respond(200, [("Vary", line) for line in sent])
    response = await call.response()

    assert expected == [line.decode() for line in response.headers.get_all(b"vary")]


async def test_a_page_can_read_errors_of_the_gateway(run_filter: RunFilter) -> None:
    """Otherwise it would see nothing but a failure."""
    call = run_filter("cors", [APP], make_exchange(headers={"origin": APP}))
    (await call.upstream()).fail(ConnectFailed())
    response = await call.response()

    assert (502, {"allow-origin": APP}) == (response.status, allowing(response))


# ---- through a whole gateway ----------------------------------------------------------------------------------------


CONFIG = """
version: 1
services: {{app: {origin}, speaking: {{like: app, instances: [{origin}], filters: [cors: "*"]}}}}
routes:
  read:
    match: {{path: "/users/{{id}}", method: GET}}
    to: app
    filters: [cors: {{origins: [https://read.example], methods: [GET]}}]
  write: {{match: {{path: "/users/{{id}}", method: PUT}}, to: app}}
  most: {{match: {{path: "/rest/{{id}}", not: {{method: DELETE}}}}, priority: 1, to: app, filters: [cors: "*"]}}
  rest: {{match: {{path: "/rest/{{id}}", method: [DELETE, PUT]}}, to: app}}
  hidden: {{match: {{path: /all/hidden, method: DELETE}}, to: app}}
  every: {{match: /all/**, to: app, filters: [cors: "*"]}}
  open: {{match: /open, to: app}}
  speaking: {{match: /speaking/**, to: speaking}}
  silent: {{match: {{path: /speaking/silent, method: DELETE}}, to: app}}
  kept: {{match: {{path: "/kept/{{id}}", method: PUT}}, encoded_slashes: keep, to: app, filters: [cors: "*"]}}
  late:
    match: {{path: /late, method: PUT}}
    to: app
    filters:
      - static: {{status: 401}}
        when: {{header: {{authorization: {{present: false}}}}}}
      - cors: "*"
  rarely:
    match: {{path: /rarely, method: PUT}}
    to: app
    filters:
      - cors: "*"
        when: {{header: {{x-rarely: "1"}}}}
"""


async def asked(live: LiveGateway, origin: str, method: str, target: str) -> tuple[int, str]:
    """What a preflight gets."""
    fields = {"Origin": f"https://{origin}.example", "Access-Control-Request-Method": method}
    found = await live.request("OPTIONS", target, fields)
    return found.status, found.get("access-control-allow-origin") or ""


@pytest.mark.parametrize(
    ("who", "method", "target", "expected"),
    [
        pytest.param("read", "GET", "/users/7", (204, "https://read.example"), id="of-a-route-that-takes-get"),
        pytest.param("other", "GET", "/users/7", (403, ""), id="the-route-says-who"),
        pytest.param("read", "PUT", "/users/7", (405, ""), id="another-route-says-nothing"),
        pytest.param("read", "POST", "/users/7", (405, ""), id="nobody-takes-it"),
        pytest.param("read", "GET", "/nowhere", (404, ""), id="not-found"),
        pytest.param("any", "PUT", "/rest/7", (204, "*"), id="by-a-condition"),
        pytest.param("any", "DELETE", "/rest/7", (405, ""), id="conditions-see-the-method-that-is-asked-for"),
        pytest.param("any", "GET", "/all/x", (204, "*"), id="of-a-route-that-takes-all"),
        pytest.param("any", "GET", "/all/hidden", (204, "*"), id="of-a-route-that-takes-the-rest"),
        pytest.param("any", "DELETE", "/all/hidden", (405, ""), id="no-route-speaks-for-another"),
        pytest.param("any", "DELETE", "/speaking/silent", (405, ""), id="no-service-speaks-for-another"),
        pytest.param("any", "DELETE", "/speaking/x", (204, "*"), id="in-the-filters-of-a-service"),
        pytest.param("any", "PUT", "/kept/a%2Fb", (204, "*"), id="encoded-slashes"),
        pytest.param("any", "PUT", "/late", (401, ""), id="what-stands-before-comes-first"),
        pytest.param("any", "PUT", "/rarely", (405, ""), id="passed-over-it-does-not-reach-the-service"),
    ],
)  # fmt: skip
async def test_a_preflight_finds_the_route_of_the_request(
    gateway: StartGateway, origin: StartOrigin, who: str, method: str, target: str, expected: tuple[int, str]
) -> None:
    """Whatever methods that takes, the one that is asked for counts; no service hears of it."""
    server = await origin()
    live = await gateway(CONFIG.format(origin=server.url))

    assert expected == await asked(live, who, method, target)
    assert [] == server.requests


async def test_what_has_no_cors_is_the_business_of_the_service(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """As long as its route takes OPTIONS."""
    server = (await origin()).always(answer(204, {"Access-Control-Allow-Origin": "https://its.example"}))
    live = await gateway(CONFIG.format(origin=server.url))

    assert (204, "https://its.example") == await asked(live, "its", "PUT", "/open")
    assert "OPTIONS" == server.request.method


GLOBAL = """
version: 1
services: {{app: {origin}, down: "http://127.0.0.1:1"}}
filters:
  - cors: {{origins: [https://app.example], credentials: true}}
  - static: {{status: 401}}
    when: {{not: {{header: {{authorization: {{present: true}}}}}}}}
  - static: {{status: 403}}
    name: forbidden
    when: {{path: /forbidden}}
routes:
  read: {{match: {{path: /users/**, method: GET}}, to: app}}
  write: {{match: {{path: /users/**, method: PUT}}, to: app}}
  own:
    match: {{path: /own, method: PUT}}
    to: app
    override: {{cors: {{origins: [https://own.example]}}}}
  hooks: {{match: {{path: /hooks, method: POST}}, to: app, override: {{cors: false}}}}
  free: {{match: /free, to: app, override: {{cors: false}}}}
  forbidden: {{match: /forbidden, to: app}}
  down: {{match: /down, to: down}}
"""


@pytest.mark.parametrize(
    ("who", "method", "target", "expected"),
    [
        pytest.param("app", "GET", "/users/7", (204, "https://app.example"), id="before-auth"),
        pytest.param("app", "PUT", "/users/7", (204, "https://app.example"), id="of-the-other-route"),
        pytest.param("evil", "PUT", "/users/7", (403, ""), id="foreign"),
        pytest.param("app", "DELETE", "/users/7", (204, "https://app.example"), id="its-405-can-be-read"),
        pytest.param("app", "GET", "/nowhere", (204, "https://app.example"), id="its-404-can-be-read"),
        pytest.param("own", "PUT", "/own", (204, "https://own.example"), id="a-route-changes-it"),
        pytest.param("app", "PUT", "/own", (403, ""), id="and-it-is-changed"),
        pytest.param("app", "POST", "/hooks", (401, ""), id="a-route-drops-it"),
        pytest.param("app", "POST", "/free", (401, ""), id="a-route-that-takes-options-drops-it"),
    ],
)
async def test_a_global_filter_answers_for_all_routes(
    gateway: StartGateway, origin: StartOrigin, who: str, method: str, target: str, expected: tuple[int, str]
) -> None:
    """But not for those that do without; nothing is forwarded, and no credentials are needed."""
    server = await origin()
    live = await gateway(GLOBAL.format(origin=server.url))

    assert expected == await asked(live, who, method, target)
    assert [] == server.requests


@pytest.mark.parametrize(
    ("method", "target", "login", "status"),
    [
        ("GET", "/users/7", True, 200),
        ("GET", "/users/7", False, 401),
        ("GET", "/forbidden", True, 403),
        ("GET", "/nowhere", True, 404),
        ("DELETE", "/users/7", True, 405),
        ("GET", "/down", True, 502),
        ("OPTIONS", "/forbidden", True, 403),
    ],
)
@pytest.mark.parametrize(
    ("who", "expected"), [("app", {"allow-origin": "https://app.example", "allow-credentials": "true"}), ("evil", {})]
)  # fmt: skip
async def test_pages_read_what_they_may_and_nothing_else(
    gateway: StartGateway, origin: StartOrigin, method: str, target: str, login: bool, status: int, who: str, expected: dict[str, str]
) -> None:  # fmt: skip
    """Whoever answers: the service, a filter, or the gateway itself."""
    server = (await origin()).always(answer(200, SERVICE[:-1], b"hello"))
    live = await gateway(GLOBAL.format(origin=server.url))
    fields = {"Origin": f"https://{who}.example", **({"Authorization": "Bearer x"} if login else {})}

    found = await live.request(method, target, fields)

    assert (status, "Origin") == (found.status, found.get("vary"))
    assert expected == allowing(Response(found.status, Headers(found.headers)))


# ---- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem_id", "problem"),
    [
        ({}, "missing-key", "`origins` is missing"),
        ([], "bad-value", "`origins` is empty"),
        (["https://a.example/x"], "bad-value", "an origin has no path: write `https://a.example`"),
        (["https://*.com"], "bad-value", "would take sites of others"),
        (["https://*.10.0.0.1"], "bad-value", "would take sites of others"),
        (["https://*.*.example.com"], "bad-value", "a `*` stands for one label"),
        (["*", APP], "bad-value", "`*` is every origin"),
        (["http://a.example:65536"], "bad-value", "no port `65536`"),
        ({"origins": "*", "credentials": True}, "insecure", "any site could act"),
        ({"origins": ["null"], "credentials": True}, "insecure", "any site can make pages of origin `null`"),
        ({"origins": APP, "credentials": True, "headers": ["*"]}, "bad-value", "take `*` for a name"),
        ({"origins": APP, "credentials": True, "expose": ["*"]}, "bad-value", "take `*` for a name"),
        ({"origins": APP, "methods": []}, "bad-value", "`methods` is empty"),
        ({"origins": APP, "methods": ["CONNECT"]}, "bad-value", "no browser sends `CONNECT`"),
        ({"origins": APP, "max_age": "25h"}, "bad-value", "longer than a day"),
        ({"origins": APP, "max_age": "1500ms"}, "bad-value", "whole seconds"),
    ],
)
def test_what_it_refuses(options: Any, problem_id: str, problem: str) -> None:
    """When the file is read; ADM-06."""
    (found,) = config_problems("cors", options)

    assert problem_id == found.id
    assert problem in found.message


def test_credentials_without_a_wildcard_are_fine() -> None:
    """And so is a wildcard without credentials."""
    assert [] == config_problems("cors", {"origins": [APP, WILD], "credentials": True, "max_age": "1d"})
    assert [] == config_problems("cors", {"origins": "*", "headers": ["*"], "expose": ["*"]})
