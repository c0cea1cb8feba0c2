"""Entries: their ranks and what must hold for them."""

from typing import Any

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
