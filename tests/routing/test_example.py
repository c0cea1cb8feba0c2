"""A request that an entry takes: one is found for most, and what is found is taken."""

from typing import Any

import pytest
from hypothesis import given

from gatekeeper.routing.combined import Negation
from gatekeeper.routing.entry import Entry
from gatekeeper.routing.example import Example, example, path_of, value_of
from gatekeeper.routing.pathmatch import PathMatcher
from gatekeeper.routing.template import PathTemplate
from tests.routing.brute import Asked, Route
from tests.routing.building import entries, exchange, matcher, path
from tests.routing.drawn import PATHS, matches


ODD = {"not": ["1", "x", "", {"present": False}]}
"""A value of which nothing is known but what it is not."""


def entry(match: Any) -> Entry[str]:
    return entries(Route("r", match, 0))[0]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("/", "/", id="root"),
        pytest.param("/**", "/", id="everything"),
        pytest.param("/a/b/**", "/a/b", id="everything-below"),
        pytest.param("/a/{x}/{y:int}", "/a/1/1", id="captures"),
        pytest.param(
            "/{x:uuid}/{y:slug}/{z:date}",
            "/00000000-0000-0000-0000-000000000000/a/2000-01-01",
            id="captures-of-a-form",
        ),
        pytest.param("/{x:b|a}", "/a", id="choices"),
        pytest.param("/{x:service}/**", "/users", id="services"),
        pytest.param("/café", "/caf%C3%A9", id="in-the-decision-form"),
        pytest.param({"exact": "/a{b}"}, "/a%7Bb%7D", id="exact"),
        pytest.param({"prefix": "/a/"}, "/a", id="prefix"),
        pytest.param({"suffix": ".php"}, "/.php", id="suffix"),
        pytest.param({"contains": "/b/"}, "/b/", id="contains"),
        pytest.param({"regex": "/v[12]/(?P<id>[0-9]{3})(?:/.*)?"}, "/v1/111/1", id="regex"),
        pytest.param({"regex": ".*[.](?:jpg|png)"}, "/1.jpg", id="regex-with-alternatives"),
        pytest.param({"regex": "/a?b{0}[^1x/-]+"}, "/a\x00", id="regex-of-what-is-left"),
        pytest.param({"not": "/a"}, "/1", id="not"),
        pytest.param({"not": ["/1", "/x", {"contains": "x"}]}, "/", id="not-several"),
        pytest.param({"not": {"regex": "/.*"}}, None, id="nothing-fits"),
    ],
)
def test_a_path_is_found(written: Any, expected: str | None) -> None:
    """With something in every capture."""
    assert expected == path_of(path(written))


def test_the_service_that_is_meant_is_in_the_path() -> None:
    """Where it is one of those that the path may name; where there are none, no path is."""
    template = PathTemplate.parse("/{x:service}/{y:int}", ["a", "b"])

    assert ["/b/1", "/a/1"] == [path_of(template, service) for service in ("b", "c")]
    assert None is path_of(PathTemplate.parse("/{x:service}"))


def test_a_choice_of_templates_is_one_of_them() -> None:
    """As under `not: {not: ...}`, where nothing is captured."""
    choice = PathMatcher.any_of([PathTemplate.parse("/{x:service}"), PathTemplate.parse("/a/{y:int}")])

    assert "/a/1" == path_of(choice)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("blue", "blue"),
        (["b", "a"], "b"),
        ({"prefix": "Bearer "}, "Bearer "),
        ({"suffix": "x"}, "x"),
        ({"contains": "beta"}, "beta"),
        ({"regex": "[a-z]+-[0-9]*"}, "x-1"),
        ({"present": True}, "1"),
        ({"present": False}, None),
        ({"not": "1"}, "x"),
    ],
)
def test_a_value_is_found(written: Any, expected: str | None) -> None:
    """The one that is written, or a short one."""
    assert expected == value_of(matcher(written))


def test_a_request_has_what_the_route_asks_for() -> None:
    """In the fields that clients send; values that may be missing are."""
    found = example(
        entry(
            {
                "host": "*.shop.example",
                "path": "/a",
                "method": ["PUT", "POST"],
                "scheme": "https",
                "listener": "inside",
                "address": ["10.0.0.0/8", "192.0.2.0/24"],
                "header": {"X-Team": "blue", "x-none": {"present": False}},
                "query": {"a b": "1&2", "q": {"not": "x"}},
                "cookie": {"c": "d", "e": {"present": True}},
            }
        )
    )

    assert found == Example(
        method="POST",
        target="/a?a%20b=1%262",
        host="x.shop.example",
        headers=(("x-team", "blue"), ("cookie", "c=d; e=1")),
        scheme="https",
        listener="inside",
        address="10.0.0.0",
    )


def test_a_route_that_asks_for_little_gets_little() -> None:
    """A GET, where that is one of the methods; the host is what is asked for where any will do."""
    assert Example(target="/a", host="a.example") == example(entry("/a"), host="a.example")
    assert Example(target="/a") == example(entry({"path": "/a", "method": ["POST", "GET"]}))


@pytest.mark.parametrize(
    "match",
    [
        pytest.param({"path": {"not": {"regex": "/.*"}}}, id="path"),
        pytest.param({"path": "/a", "header": {"x": ODD}}, id="header"),
        pytest.param({"path": "/a", "query": {"x": ODD}}, id="query"),
        pytest.param({"path": "/a", "cookie": {"x": ODD}}, id="cookie"),
    ],
)
def test_no_request_is_made_up(match: Any) -> None:
    """Where none is found there is none."""
    assert None is example(entry(match))


def _asked(found: Example) -> Any:
    target, _, query = found.target.partition("?")
    return exchange(
        Asked(
            found.method,
            target,
            query,
            found.host,
            found.headers,
            found.address,
            found.scheme,
            found.listener or "main",
        )
    )


@given(matches(["/", "/a/{x:int}", "/{s:service}/**", {"regex": "/a.*"}, {"not": "/a"}]))
def test_what_is_found_is_taken(match: Any) -> None:
    """All that is asked for holds, but for negations, which are not looked at."""
    for made in entries(Route("r", match, 0)):
        found = example(made, host="a.example")
        if found is None:
            continue
        subject = _asked(found)
        assert None is not made.path.fits(subject.request.path)
        for fact in made.facts:
            assert fact.holds(subject) or isinstance(fact, Negation), fact.text


@given(PATHS)
def test_a_path_that_is_found_fits(written: Any) -> None:
    """Whatever it was made of."""
    made = path(written)
    found = path_of(made)

    assert isinstance(made, PathMatcher) if found is None else made.fits(found) is not None
