"""`redirect`: each option, each refusal, and what it answers."""

from typing import Any

import pytest

from gatekeeper.testing import RunFilter, config_problems, make_exchange


@pytest.mark.parametrize(
    ("options", "location"),
    [
        ("/login", "/login"),
        ({"to": "https://elsewhere.example/x"}, "https://elsewhere.example/x"),
        ({"to": "/u/{path.id}?from={request.path}"}, "/u/7?from=/a/7"),
        ({"scheme": "https"}, "https://example.com/a/7?b=%20c"),
        ({"host": "www.example.org"}, "http://www.example.org/a/7?b=%20c"),
        ({"scheme": "https", "host": "www.{request.host}"}, "https://www.example.com/a/7?b=%20c"),
        ({"to": "/x", "scheme": "https"}, "https://example.com/x"),
        ({"to": "/x", "host": "example.org:8443"}, "http://example.org:8443/x"),
    ],
)
async def test_it_says_where_to(run_filter: RunFilter, options: Any, location: str) -> None:
    """What is not said stays: path and query, byte by byte."""
    exchange = make_exchange("GET", "/a/7?b=%20c", captures={"id": "7"})

    response = await run_filter("redirect", options, exchange).response()

    assert (308, location) == (response.status, response.headers.text(b"location"))
    assert b"" == response.body.data


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_its_status_is_a_redirect(run_filter: RunFilter, status: int) -> None:
    """Any of the five."""
    response = await run_filter("redirect", {"to": "/", "status": status}).response()

    assert status == response.status


async def test_an_address_of_version_6_stands_in_brackets(run_filter: RunFilter) -> None:
    """RFC 3986 section 3.2.2."""
    exchange = make_exchange(host="[2001:db8::1]:8080")

    response = await run_filter("redirect", {"scheme": "https"}, exchange).response()

    assert "https://[2001:db8::1]/" == response.headers.text(b"location")


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ("%C3%A4", b"/%C3%A4"),
        ("%0D%0Aset-cookie:x", b"/%0D%0Aset-cookie:x"),
        ("a+b", b"/a%20b"),
        ("%2e%2e/", b"/../"),
    ],
)
async def test_what_a_client_sends_cannot_break_the_answer(
    run_filter: RunFilter, query: str, location: bytes
) -> None:
    """What no URI holds is escaped: a line break would begin another field."""
    exchange = make_exchange("GET", f"/?next={query}")

    response = await run_filter("redirect", "/{query.next}", exchange).response()

    assert location == response.headers.get(b"location")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "say where to"),
        ({"status": 301}, "say where to"),
        ({"to": "/", "status": 200}, "200 is no redirect; use 301"),
        ({"to": "/", "status": 304}, "304 is no redirect"),
        ({"scheme": "ftp"}, "`scheme` is http or https"),
        ({"to": "{nothing}"}, "`{nothing}` is no value"),
        ({"to": 5}, "not the number 5"),
        ({"to": "/", "code": 301}, "unknown key `code`"),
    ],
)
def test_what_it_refuses(options: Any, problem: str) -> None:
    """When the file is read."""
    found = config_problems("redirect", options)

    assert 1 == len(found)
    assert problem in found[0].message
