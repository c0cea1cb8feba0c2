"""Conditions of one thing: what they read from a request, and how they compare."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, Request
from gatekeeper.core.text import cookie_value, query_value
from gatekeeper.routing.conditions import (
    Condition,
    CookieCondition,
    Custom,
    HeaderCondition,
    Negation,
    QueryCondition,
    Share,
)
from gatekeeper.routing.matcher import Exact, Present
from gatekeeper.testing.exchange import make_exchange
from tests.routing.building import condition


THERE = Present(yes=True)


@pytest.mark.parametrize(
    ("written", "text", "asked", "expected", "found"),
    [
        pytest.param(
            {"header": {"X-Team": "blue"}},
            "header x-team: blue",
            {"headers": {"x-TEAM": "blue"}},
            True,
            "blue",
            id="header",
        ),
        pytest.param(
            {"header": {"x-team": "blue"}}, "header x-team: blue", {}, False, "nothing", id="no-header"
        ),
        pytest.param(
            {"header": {"x-team": "blue"}},
            "header x-team: blue",
            {"headers": [("x-team", "blue"), ("x-other", "1"), ("X-Team", "red")]},
            False,
            "blue, red",
            id="PTH-18-twice",
        ),
        pytest.param(
            {"header": {"x-team": {"present": True}}},
            "header x-team: is there",
            {"headers": {"x-team": ""}},
            True,
            '""',
            id="empty-header",
        ),
        pytest.param(
            {"header": {"x-a": {"not": "1"}}},
            "header x-a: not 1",
            {},
            True,
            "nothing",
            id="not-holds-of-what-is-missing",
        ),
        pytest.param(
            {"header": {"x-team": "blue"}},
            "header x-team: blue",
            {"headers": {"x-tean": "blue", "x-teams": "blue"}},
            False,
            "nothing",
            id="other-headers",
        ),
        pytest.param(
            {"query": {"a b": "c d"}},
            "query a b: c d",
            {"path": "/?a%20b=c+d&a+b=1"},
            True,
            "c d",
            id="query-escaped",
        ),
        pytest.param(
            {"query": {"a": "1=2"}}, "query a: 1=2", {"path": "/?a=1=2"}, True, "1=2", id="query-sign"
        ),
        pytest.param(
            {"query": {"a b": "c d"}}, "query a b: c d", {"path": "/?x&a+b=c%20d"}, True, "c d", id="query"
        ),
        pytest.param(
            {"query": {"a": "1"}}, "query a: 1", {"path": "/?a=2&a=1"}, False, "2", id="query-twice"
        ),
        pytest.param(
            {"query": {"a": {"present": True}}},
            "query a: is there",
            {"path": "/?a"},
            True,
            '""',
            id="query-alone",
        ),
        pytest.param(
            {"query": {"a": "1"}}, "query a: 1", {"path": "/?b=1"}, False, "nothing", id="other-query"
        ),
        pytest.param({"query": {"a": "1"}}, "query a: 1", {}, False, "nothing", id="no-query"),
        pytest.param(
            {"query": {"a": "1"}}, "query a: 1", {"path": "/?A=1"}, False, "nothing", id="query-case"
        ),
        pytest.param(
            {"cookie": {"c": "1"}},
            "cookie c: 1",
            {"headers": {"cookie": 'b=2; c="1"; c=2'}},
            True,
            "1",
            id="PTH-18-cookie-twice",
        ),
        pytest.param(
            {"cookie": {"c": "1"}},
            "cookie c: 1",
            {"headers": {"cookie": "b=2"}},
            False,
            "nothing",
            id="other-cookie",
        ),
        pytest.param({"cookie": {"c": "1"}}, "cookie c: 1", {}, False, "nothing", id="no-cookie"),
        pytest.param(
            {"cookie": {"c": "1=2"}},
            "cookie c: 1=2",
            {"headers": {"cookie": "c; cc=3;  c = 1=2 ; d"}},
            True,
            "1=2",
            id="cookie-with-blanks-and-a-sign",
        ),
        pytest.param(
            {"cookie": {"c": {"present": True}}},
            "cookie c: is there",
            {"headers": {"cookie": "c="}},
            True,
            '""',
            id="empty-cookie",
        ),
        pytest.param(
            {"address": ["10.0.0.0/8", "fd00::/8"]},
            "address in 10.0.0.0/8, fd00::/8",
            {"client": "fd00::1"},
            True,
            "fd00::1",
            id="address",
        ),
        pytest.param(
            {"address": "10.0.0.0/8"},
            "address in 10.0.0.0/8",
            {"client": "::ffff:10.1.1.1"},
            True,
            "::ffff:10.1.1.1",
            id="mapped",
        ),
        pytest.param(
            {"address": ["192.168.0.0/16", "10.0.0.0/8", "11.0.0.0/8"]},
            "address in 192.168.0.0/16, 10.0.0.0/8, 11.0.0.0/8",
            {"client": "11.255.255.255"},
            True,
            "11.255.255.255",
            id="last-address-of-the-last-network",
        ),
        pytest.param(
            {"address": ["10.0.0.0/8", "12.0.0.0/31"]},
            "address in 10.0.0.0/8, 12.0.0.0/31",
            {"client": "12.0.0.2"},
            False,
            "12.0.0.2",
            id="first-address-beyond",
        ),
        pytest.param(
            {"address": "::/0"},
            "address in ::/0",
            {"client": "10.0.0.1"},
            False,
            "10.0.0.1",
            id="other-version",
        ),
        pytest.param(
            {"address": ["0.0.0.0/0", "::/0"]},
            "address in 0.0.0.0/0, ::/0",
            {"client": "unknown"},
            False,
            "unknown",
            id="no-address-at-all",
        ),
        pytest.param(
            {"address": "fe80::/10"},
            "address in fe80::/10",
            {"client": "fe80::1%eth0"},
            True,
            "fe80::1%eth0",
            id="zone",
        ),
        pytest.param(
            {"address": "0.0.0.0/0"},
            "address in 0.0.0.0/0",
            {"client": "fd00::1"},
            False,
            "fd00::1",
            id="version",
        ),
        pytest.param(
            {"address": "10.0.0.0/8"},
            "address in 10.0.0.0/8",
            {"client": ""},
            False,
            "nothing",
            id="no-address",
        ),
        pytest.param({"scheme": "https"}, "scheme https", {}, False, "http", id="scheme"),
        pytest.param({"listener": ["a", "main"]}, "listener a or main", {}, True, "main", id="listener"),
        pytest.param(
            {"method": ["PUT", "GET"]},
            "method GET or PUT",
            {"method": "HEAD"},
            True,
            "HEAD",
            id="get-includes-head",
        ),
        pytest.param({"method": "HEAD"}, "method HEAD", {}, False, "GET", id="head-includes-nothing"),
        pytest.param(
            {"host": ["a.example", "*.b.example"]},
            "host a.example or *.b.example",
            {"host": "x.b.example"},
            True,
            "x.b.example",
            id="host",
        ),
        pytest.param({"host": "a.example"}, "host a.example", {"host": ""}, False, "nothing", id="no-host"),
        pytest.param(
            {"path": ["/a/{x:int}", {"suffix": ".js"}]},
            "path /a/{x:int} or ends with .js",
            {"path": "/a/b"},
            False,
            "/a/b",
            id="path",
        ),
        pytest.param({"path": ["/a", "/b"]}, "path /a or /b", {"path": "/b"}, True, "/b", id="literal-paths"),
    ],
)
def test_a_condition_reads_one_thing(
    written: Any, text: str, asked: Mapping[str, Any], expected: bool, found: str
) -> None:
    """And says what it asks for, and what is there."""
    made = condition(written)
    exchange = make_exchange(**asked)

    assert expected is made.holds(exchange)
    assert text == made.text
    assert found == made.found(exchange)
    assert made.weight == 1
    assert list(written) == [made.key]


SCRAPS = st.lists(
    st.sampled_from(["a", "b", "=", "&", "+", "%61", "%", "%3D", "1", ";", " ", '"']), max_size=8
).map("".join)


@given(SCRAPS, st.sampled_from(["a", "aa", "a+b", "a b", "a%61", "="]))
def test_a_query_is_read_as_placeholders_read_it(query: str, name: str) -> None:
    """A route and a limit `by: query.a` see one value; what is missing there is empty."""
    request = Request("GET", "/", b"/", query, "", b"", Headers())

    value = QueryCondition(name, THERE).value(Exchange("test", request, 0.0))

    assert query_value(query, name) == (value or "")


@given(SCRAPS, st.sampled_from(["a", "b", "1"]))
def test_a_cookie_is_read_as_placeholders_read_it(cookie: str, name: str) -> None:
    """One without `=` is none."""
    request = Request("GET", "/", b"/", "", "", b"", Headers([(b"Cookie", cookie.encode())]))

    value = CookieCondition(name, THERE).value(Exchange("test", request, 0.0))

    assert value is None or value == cookie_value(cookie, name)


def test_bytes_beyond_ascii_are_latin_1() -> None:
    """As everywhere in header fields; none is lost."""
    request = Request("GET", "/", b"/", "", "", b"", Headers([(b"x-a", b"\xe9"), (b"x-a", b"1")]))

    assert HeaderCondition(b"x-a", THERE).value(Exchange("test", request, 0.0)) == "\xe9, 1"


def test_a_share_is_drawn_anew() -> None:
    """Of what is random nothing is known, not even of itself."""
    made = Share(0.205, Random(1))
    drawn = sum(made.holds(make_exchange()) for _ in range(10_000))

    assert 1900 < drawn < 2200
    assert made.text == "20.5% of requests"
    assert made.found(make_exchange()) == "not drawn"
    assert not made.covers(made)
    assert not made.excludes(Negation(made))
    assert not Negation(made).excludes(made)


class Least(Random):
    """Draws 0 each time."""

    def random(self) -> float:
        return 0.0


def test_none_and_all_are_shares_too() -> None:
    """Without an exception."""
    assert not Share(0.0, Least()).holds(make_exchange())
    assert Share(0.001, Least()).holds(make_exchange())
    assert all(Share(1.0, Random(1)).holds(make_exchange()) for _ in range(100))
    assert "0% of requests" == Share(0.0, Random(1)).text


def test_a_predicate_of_a_plugin_is_known_by_what_it_says() -> None:
    """Two of equal kind and options are one; nothing else is known of them."""
    made = Custom("country", "DE", lambda exchange: exchange.request.client == "10.0.0.1")
    again, other = Custom("country", "DE", lambda _: False), Custom("country", "FR", lambda _: True)

    assert made.holds(make_exchange(client="10.0.0.1"))
    assert not made.holds(make_exchange())
    assert made.found(make_exchange()) == "something else"
    assert (made.key, made.text, made.weight) == ("country", "DE", 1)
    assert made.covers(again)
    assert made.excludes(Negation(again))
    assert not made.covers(other)
    assert not made.excludes(other)
    assert not made.covers(Custom("city", "DE", lambda _: True))
    assert not made.covers(condition({"scheme": "http"}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"header": {"a": "1"}}, {"header": {"A": "2"}}),
        ({"header": {"a": {"suffix": "1"}}}, {"header": {"a": {"suffix": "2"}}}),
        ({"query": {"a": {"present": False}}}, {"query": {"a": {"prefix": "1"}}}),
        ({"address": ["10.0.0.0/8", "fd00::/8"]}, {"address": "192.168.0.0/16"}),
        ({"address": "0.0.0.0/0"}, {"address": "::/0"}),
        ({"scheme": "http"}, {"scheme": "https"}),
        ({"method": ["GET", "POST"]}, {"method": "PUT"}),
        ({"host": ["a.example", "*.b.example"]}, {"host": ["*.c.example", "b.example"]}),
        ({"path": "/a/**"}, {"path": ["/b/{x}", "/ab"]}),
        ({"path": "/a"}, {"path": {"suffix": "b"}}),
    ],
)
def test_conditions_of_one_thing_exclude_each_other(one: Any, other: Any) -> None:
    """Both know it; of different things nothing is claimed."""
    assert condition(one).excludes(condition(other))
    assert condition(other).excludes(condition(one))
    assert not condition(one).excludes(condition({"listener": "main"}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"header": {"a": ["1", "2"]}}, {"header": {"a": ["2", "3"]}}),
        ({"header": {"a": "1"}}, {"header": {"b": "2"}}),
        ({"header": {"a": "1"}}, {"query": {"a": "2"}}),
        ({"address": ["10.0.0.0/8", "fd00::/8"]}, {"address": ["192.168.0.0/16", "10.1.0.0/16"]}),
        ({"scheme": ["http", "https"]}, {"scheme": "https"}),
        ({"scheme": "http"}, {"listener": "https"}),
        ({"method": ["GET", "POST"]}, {"method": ["PUT", "HEAD"]}),
        ({"host": ["a.example", "*.b.example"]}, {"host": ["c.example", "x.b.example"]}),
        ({"path": ["/a/**", "/c"]}, {"path": ["/b/{x}", "/a"]}),
    ],
)
def test_conditions_that_share_a_request_do_not_exclude_each_other(one: Any, other: Any) -> None:
    """One alternative is enough."""
    assert not condition(one).excludes(condition(other))
    assert not condition(other).excludes(condition(one))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({"header": {"a": "1"}}, {"header": {"a": ["1", "2"]}}),
        ({"header": {"a": {"present": True}}}, {"header": {"b": "1"}}),
        ({"header": {"a": {"present": True}}}, {"query": {"a": "1"}}),
        ({"scheme": ["http", "https"]}, {"listener": "http"}),
        ({"method": "HEAD"}, {"method": "GET"}),
        ({"method": ["GET", "PUT"]}, {"method": ["GET", "POST"]}),
        ({"host": ["a.example", "*.b.example"]}, {"host": ["a.example", "c.example"]}),
        ({"host": "a.example"}, {"host": "*"}),
        ({"path": ["/a", "/b"]}, {"path": ["/a", "/c"]}),
        ({"address": "10.0.0.0/8"}, {"address": "fd00::/8"}),
    ],
)
def test_a_condition_does_not_cover_what_goes_beyond_it(wide: Any, narrow: Any) -> None:
    """Some request fulfils the other only."""
    assert not condition(wide).covers(condition(narrow))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({"header": {"a": {"prefix": "1"}}}, {"header": {"a": ["1", "12"]}}),
        ({"query": {"a": {"present": True}}}, {"query": {"a": "1"}}),
        ({"cookie": {"a": {"not": "2"}}}, {"cookie": {"a": "1"}}),
        ({"address": "10.0.0.0/8"}, {"address": ["10.1.0.0/16", "10.2.2.2/32"]}),
        ({"address": ["10.0.0.0/8", "192.168.0.0/16"]}, {"address": "192.168.0.0/16"}),
        ({"method": "GET"}, {"method": "HEAD"}),
        ({"listener": ["a", "b"]}, {"listener": "a"}),
        ({"host": ["*.example"]}, {"host": ["a.example", "b.example"]}),
        ({"path": "/**"}, {"path": [{"regex": "/.*"}, {"not": "/a"}, "/b"]}),
        ({"path": "/{x}/**"}, {"path": ["/a/{y}", "/a"]}),
    ],
)
def test_a_condition_of_one_thing_covers_another(wide: Any, narrow: Any) -> None:
    """Of the same thing only, and not the other way round."""
    assert condition(wide).covers(condition(narrow))
    assert not condition(narrow).covers(condition(wide))
    assert not condition(wide).covers(condition({"scheme": "http"}))


def test_networks_cover_others_only_if_they_cover_all_of_them() -> None:
    """One that lies within is not enough."""
    assert not condition({"address": "10.0.0.0/8"}).covers(
        condition({"address": ["10.1.0.0/16", "192.168.0.0/16"]})
    )
    assert not condition({"address": "10.1.0.0/16"}).covers(condition({"address": "10.0.0.0/8"}))


def test_names_of_different_things_are_different() -> None:
    """A header field and a query parameter of one name have nothing to do with each other."""
    made: list[Condition] = [condition({key: {"a": "1"}}) for key in ("header", "query", "cookie")]
    others = [condition({key: {"a": "2"}}) for key in ("header", "query", "cookie")]

    excluded = [[one.excludes(other) for other in others] for one in made]

    assert excluded == [[True, False, False], [False, True, False], [False, False, True]]


def test_a_cookie_may_stand_in_a_second_line() -> None:
    """It goes to the service as well."""
    exchange = make_exchange(headers=[("Cookie", "a=1"), ("cookie", "b=2; a=3")])

    assert CookieCondition("b", Exact(frozenset({"2"}))).holds(exchange)
    assert "1" == CookieCondition("a", Exact(frozenset({"2"}))).found(exchange)
