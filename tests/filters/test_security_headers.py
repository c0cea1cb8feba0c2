"""`security_headers`: which fields there are, and what becomes of those of the service."""

from typing import Any

import pytest

from gatekeeper.core.errors import ConnectFailed, Rejection
from gatekeeper.core.message import Headers
from gatekeeper.testing import (
    RunFilter,
    StartGateway,
    StartOrigin,
    answer,
    config_problems,
    make_exchange,
)


NAMES = {
    b"content-security-policy": "csp",
    b"permissions-policy": "permissions",
    b"referrer-policy": "referrer",
    b"strict-transport-security": "hsts",
    b"x-content-type-options": "nosniff",
    b"x-frame-options": "frame",
}
DEFAULTS = {"frame": ["DENY"], "nosniff": ["nosniff"], "referrer": ["no-referrer"]}
YEAR = "max-age=31536000"
OFF = {"hsts": False, "frame": False, "nosniff": False, "referrer": False}


def found(headers: Headers) -> dict[str, list[str]]:
    """The fields that it is about, by the options that say them."""
    all_of_them = {option: headers.get_all(name) for name, option in NAMES.items()}
    return {option: [value.decode() for value in values] for option, values in all_of_them.items() if values}


@pytest.mark.parametrize(
    ("options", "scheme", "expected"),
    [
        pytest.param({}, "https", {**DEFAULTS, "hsts": [YEAR]}, id="defaults"),
        pytest.param({}, "http", DEFAULTS, id="RFC-6797-7.2-not-over-http"),
        pytest.param({"hsts_subdomains": True}, "https", {**DEFAULTS, "hsts": [f"{YEAR}; includeSubDomains"]}, id="subdomains"),
        pytest.param({"hsts": "0s"}, "https", {**DEFAULTS, "hsts": ["max-age=0"]}, id="forget"),
        pytest.param({"hsts": False}, "https", DEFAULTS, id="no-hsts"),
        pytest.param({"frame": "sameorigin"}, "http", {**DEFAULTS, "frame": ["SAMEORIGIN"]}, id="frame"),
        pytest.param({"referrer": "same-origin"}, "http", {**DEFAULTS, "referrer": ["same-origin"]}, id="referrer"),
        pytest.param({"csp": "default-src 'self'"}, "http", {**DEFAULTS, "csp": ["default-src 'self'"]}, id="csp"),
        pytest.param({"permissions": "camera=()"}, "http", {**DEFAULTS, "permissions": ["camera=()"]}, id="permissions"),
        pytest.param(
            {"csp": "report-uri /csp/{request.id}", "permissions": 'camera=(self "https://{request.host}")'},
            "http",
            {**DEFAULTS, "csp": ["report-uri /csp/test"], "permissions": ['camera=(self "https://example.com")']},
            id="texts",
        ),
        pytest.param({**OFF, "nosniff": True}, "https", {"nosniff": ["nosniff"]}, id="one"),
        pytest.param({**OFF, "hsts": "1d"}, "https", {"hsts": ["max-age=86400"]}, id="hsts-alone"),
        pytest.param({**OFF, "hsts": "1d"}, "http", {}, id="hsts-alone-over-http"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fails", [False, True], ids=["answered", "failed"])
async def test_what_is_sent(
    run_filter: RunFilter, fails: bool, options: Any, scheme: str, expected: dict[str, list[str]]
) -> None:
    """Beside what else there is, on answers of services and of the gateway."""
    call = run_filter("security_headers", options, make_exchange(scheme=scheme))
    played = await call.upstream()
    if fails:
        played.fail(ConnectFailed())
    else:
        played.respond(502, {"content-type": "application/problem+json"})
    response = await call.response()

    assert (502, expected) == (response.status, found(response.headers))
    assert "application/problem+json" == response.headers.text(b"content-type")


SERVICE = [
    ("Content-Security-Policy", "frame-ancestors *"),
    ("content-security-policy", "img-src *"),
    ("Permissions-Policy", "camera=*"),
    ("Referrer-Policy", "unsafe-url"),
    ("Strict-Transport-Security", "max-age=1"),
    ("STRICT-TRANSPORT-SECURITY", "max-age=0"),
    ("X-Content-Type-Options", "none"),
    ("X-Frame-Options", "ALLOWALL"),
    ("x-frame-options", "ALLOWALL"),
    ("x-other", "1"),
]
THEIRS = {option: [value for name, value in SERVICE if NAMES.get(name.lower().encode()) == option] for option in NAMES.values()}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "scheme", "expected"),
    [
        pytest.param(
            {}, "https", {**DEFAULTS, "hsts": [YEAR], "csp": [*THEIRS["csp"], "frame-ancestors 'none'"], "permissions": ["camera=*"]},
            id="defaults",
        ),
        pytest.param(
            {"frame": "sameorigin", "permissions": "camera=()"}, "http",
            {**DEFAULTS, "frame": ["SAMEORIGIN"], "csp": [*THEIRS["csp"], "frame-ancestors 'self'"], "permissions": ["camera=()"]},
            id="RFC-6797-7.2-none-over-http",
        ),
        pytest.param(
            {"csp": "frame-ancestors 'self'", "hsts": False}, "http",
            {**DEFAULTS, "hsts": THEIRS["hsts"], "csp": [*THEIRS["csp"], "frame-ancestors 'self'"], "permissions": ["camera=*"]},
            id="csp-says-who-frames",
        ),
        pytest.param(
            {"csp": "img-src {request.host}"}, "http",
            {**DEFAULTS, "csp": [*THEIRS["csp"], "frame-ancestors 'none'", "img-src example.com"], "permissions": ["camera=*"]},
            id="csp-does-not",
        ),
        pytest.param(
            {**OFF, "permissions": "camera=({request.host})"}, "http",
            {**THEIRS, "permissions": ["camera=(example.com)"]},
            id="a-text-replaces-too",
        ),
        pytest.param(
            {"frame": False, "nosniff": False, "referrer": False}, "https",
            {**THEIRS, "hsts": [YEAR]},
            id="what-is-off-is-left-to-the-service",
        ),
    ],
)  # fmt: skip
async def test_what_stands_in_the_configuration_counts(
    run_filter: RunFilter, options: Any, scheme: str, expected: dict[str, list[str]]
) -> None:
    """Fields of the service are replaced, but for policies that browsers add up."""
    call = run_filter("security_headers", options, make_exchange(scheme=scheme))
    (await call.upstream()).respond(200, SERVICE)
    response = await call.response()

    assert expected == found(response.headers)
    assert b"1" == response.headers.get(b"x-other")


async def test_with_nothing_to_send_it_is_not_there(run_filter: RunFilter) -> None:
    """It costs nothing then."""
    call = run_filter("security_headers", OFF)

    assert call.passed_over
    (await call.upstream()).respond(200)


async def test_a_text_cannot_break_the_answer(run_filter: RunFilter) -> None:
    """What the client sent is no field then, and the request is refused."""
    exchange = make_exchange("GET", "/?x=a%0D%0Aset-cookie:y")
    call = run_filter("security_headers", {"csp": "img-src {query.x}"}, exchange)
    (await call.upstream()).respond(200)
    response = await call.response()

    assert isinstance(response.error, Rejection)
    assert b"set-cookie" not in response.headers


async def test_it_covers_all_that_the_gateway_answers(gateway: StartGateway, origin: StartOrigin) -> None:
    """Over real sockets: what a service says, and what nobody has a route for."""
    server = (await origin()).always(answer(200, {"x-frame-options": "ALLOWALL"}))
    live = await gateway(
        f"version: 1\nserver: {{trusted_proxies: [127.0.0.1]}}\nservices: {{app: {server.url}}}\n"
        "filters: [security_headers]\nroutes: {app: {match: {path: /app, method: GET}, to: app}}\n"
    )
    secure = {"X-Forwarded-Proto": "https"}
    answers = [
        await live.get("/app", secure),
        await live.get("/nowhere", secure),
        await live.request("PUT", "/app", secure),
        await live.get("/app"),
    ]

    assert [200, 404, 405, 200] == [one.status for one in answers]
    assert [{**DEFAULTS, "hsts": [YEAR]}] * 3 + [DEFAULTS] == [found(Headers(one.headers)) for one in answers]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"hsts": 365}, "365 has no unit"),
        ({"hsts": "1500ms"}, "whole seconds"),
        ({"hsts": True}, "expected a time like `5s` or `false`"),
        ({"hsts": False, "hsts_subdomains": True}, "a part of `hsts`"),
        ({"frame": "DENY"}, "did you mean `deny`?"),
        ({"frame": "allow-from https://a.example"}, "is none of `deny`, `sameorigin`"),
        ({"referrer": "origin-when-crossorigin"}, "did you mean `origin-when-cross-origin`?"),
        ({"nosniff": "on"}, "write true or false"),
        ({"csp": ""}, "it is empty"),
        ({"csp": "default-src 'self'\n"}, "it is one line"),
        ({"csp": "default-src self"}, "write `'self'`, with quotes"),
        ({"csp": "img-src 'self'; script-src nonce-abc;"}, "write `'nonce-abc'`, with quotes"),
        ({"csp": "script-src 'self' unsafe-inline"}, "write `'unsafe-inline'`, with quotes"),
        ({"csp": "object-src none;"}, "write `'none'`, with quotes"),
        ({"csp": "default-src {nothing}"}, "`{nothing}` is no value"),
        ({"csp": "default-src 'self' \u0007"}, "is not a header field value"),
        ({"permissions": " "}, "it is empty"),
        ({"permissions": "geolocation 'none'; camera *"}, "write one like `geolocation=()`"),
        ({"permissions": "camera *"}, "write one like `camera=()`"),
    ],
)
def test_what_it_refuses(options: Any, problem: str) -> None:
    """When the file is read."""
    (one,) = config_problems("security_headers", options)

    assert problem in one.message


@pytest.mark.parametrize(
    "options",
    [
        {"csp": "default-src 'self'; script-src 'nonce-abc' 'strict-dynamic'; img-src self.example https:"},
        {"csp": "upgrade-insecure-requests; sandbox; frame-ancestors 'none'"},
        {"csp": False, "permissions": False},
        {"permissions": 'camera=(), geolocation=(self "https://a.example"), usb=*'},
    ],
)
def test_what_it_takes(options: Any) -> None:
    """Policies as they are written."""
    assert [] == config_problems("security_headers", options)
