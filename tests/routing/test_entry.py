"""Entries: their ranks and what must hold for them."""

from typing import Any

import attrs
import pytest

from gatekeeper.routing.entry import Entry
from tests.routing.brute import Route
from tests.routing.building import entries


def entry(match: Any, priority: int = 0) -> Entry[str]:
    (made,) = entries(Route("r", match, priority))
    return made


RANKED = [
    entry("/**", 2),
    entry({"host": "*.example", "path": "/**"}, 1),
    entry({"host": "a.example", "path": {"suffix": "x"}}),
    entry({"host": "*.example", "path": "/a"}),
    entry({"host": "*.example", "path": "/**"}),
    entry(
        {
            "path": "/a",
            "method": "GET",
            "header": {"x-a": "1", "x-b": "1"},
            "not": {"scheme": "http", "method": "PUT"},
        }
    ),
    entry({"path": "/a", "header": {"x-a": "1", "x-b": "1"}}),
    entry({"path": "/a", "method": ["GET", "PUT"]}),
    entry("/a"),
    entry({"path": "/{x}", "method": "GET"}),
    entry("/{x}"),
    entry("/aa/**"),
    entry({"path": {"prefix": "/a"}, "method": "GET"}),
    entry("/a/**"),
    entry("/{x}/**"),
    entry("/**"),
    entry({"path": {"regex": "/aa.*"}}),
    entry({"path": {"suffix": "aa"}, "method": "GET"}),
    entry({"path": {"contains": "aa"}}),
    entry({"path": {"not": "/a"}}),
    entry("/a", -1),
]


def test_entries_rank_by_priority_host_path_and_number_of_other_keys() -> None:
    """In this order; a negation is one key, each name is one."""
    ranks = [one.rank for one in RANKED]
    reverse = RANKED[::-1]

    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == len(ranks)
    assert sorted(reverse, key=lambda one: one.order) == RANKED


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"host": "*.a.example"}, {"host": "*.b.example"}, id="host"),
        pytest.param("/a/{x}", "/b/{x}", id="path"),
        pytest.param(
            {"path": "/b", "host": "a.example"}, {"path": "/a", "host": "b.example"}, id="host-before-path"
        ),
        pytest.param({"method": "GET"}, {"method": "PUT"}, id="method"),
        pytest.param({"method": ["PUT", "GET"]}, {"method": ["PUT", "HEAD"]}, id="first-of-two-methods"),
        pytest.param({"method": ["PUT", "GET"]}, {"method": ["TRACE", "GET"]}, id="second-of-two-methods"),
        pytest.param({"header": {"a": "1"}}, {"header": {"b": "1"}}, id="condition"),
        pytest.param(
            {"header": {"a": "1", "b": "1"}}, {"header": {"a": "1", "b": "2"}}, id="second-condition"
        ),
    ],
)
def test_equals_have_an_order_of_their_own(first: Any, second: Any) -> None:
    """Wherever they stand: the name of the route, then what they say."""
    one, other = entry(first), entry(second)
    later = attrs.evolve(one, name="s")

    assert one.rank == other.rank
    assert one.order < other.order < later.order


@pytest.mark.parametrize(
    ("match", "accepted"),
    [("/a", None), ({"method": "GET"}, {"GET", "HEAD"}), ({"method": ["PUT", "HEAD"]}, {"PUT", "HEAD"})],
)
def test_get_includes_head(match: Any, accepted: set[str] | None) -> None:
    """HEAD alone includes nothing."""
    assert accepted == entry(match).accepted


def test_the_facts_are_all_that_must_hold() -> None:
    """Of a request that it answers."""
    made = entry({"host": "a.example", "path": "/a", "method": "GET", "scheme": "https"})

    assert [fact.text for fact in made.facts] == ["path /a", "host a.example", "method GET", "scheme https"]
    assert [fact.text for fact in entry("/a").facts] == ["path /a"]


def test_where_it_was_written_makes_no_difference() -> None:
    """The place is for messages."""
    assert Entry("t", "n", entry("/a").path, place="here") == Entry("t", "n", entry("/a").path, place="there")
