"""What is wrong between entries: equals that share a request, and what is never reached."""

from typing import Any

import pytest

from gatekeeper.routing.overlap import ENOUGH
from gatekeeper.routing.table import Entry, Table
from gatekeeper.routing.template import PathTemplate
from tests.routing.brute import Route
from tests.routing.building import table


def pairs(
    *matches: Any, priorities: tuple[int, ...] = ()
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The conflicts, and what is hidden by what; routes are called a, b, c."""
    routes = [
        Route("abcd"[index], match, priorities[index] if priorities else 0)
        for index, match in enumerate(matches)
    ]
    found, reverse = table(routes), table(reversed(routes))
    conflicts = [(one.name, other.name) for one, other in found.conflicts()]
    hidden = [(entry.name, by.name) for entry, by in found.shadowed()]
    assert conflicts == [(one.name, other.name) for one, other in reverse.conflicts()]
    assert hidden == [(entry.name, by.name) for entry, by in reverse.shadowed()]
    return conflicts, hidden


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("/a", "/a", id="PTH-19-same-literal"),
        pytest.param("/a", {"path": {"exact": "/%61"}}, id="PTH-19-same-literal-spelled-otherwise"),
        pytest.param("/{a}", "/{b:int}", id="PTH-19-captures-that-share-segments"),
        pytest.param("/a/{x}", "/{x}/b", id="PTH-19-crossed"),
        pytest.param("/a/{x}/**", "/{x}/b/**", id="PTH-19-crossed-prefixes"),
        pytest.param("/a/**", {"path": {"prefix": "/a/"}}, id="PTH-19-same-prefix"),
        pytest.param(
            {"path": {"regex": "/a[0-9]+"}}, {"path": {"regex": "/[a-f]1"}}, id="PTH-19-expressions"
        ),
        pytest.param(
            {"path": {"regex": "/ab[0-9]*"}}, {"path": {"regex": "/a[b-z]7.*"}}, id="PTH-19-one-begins-deeper"
        ),
        pytest.param({"path": {"suffix": "ab"}}, {"path": {"contains": "/a"}}, id="PTH-19-end-and-part"),
        pytest.param(
            {"path": {"suffix": "/a1"}}, {"path": {"regex": "/a1[a-z/]*"}}, id="PTH-19-end-and-expression"
        ),
        pytest.param(
            {"path": "/a", "method": "GET"},
            {"path": "/a", "method": ["HEAD", "PUT"]},
            id="PTH-19-get-includes-head",
        ),
        pytest.param(
            {"path": "/a", "header": {"x-a": "1"}},
            {"path": "/a", "header": {"x-b": "1"}},
            id="PTH-19-two-headers",
        ),
        pytest.param(
            {"path": "/a", "header": {"x-a": "1"}},
            {"path": "/a", "header": {"x-a": {"prefix": "1"}}},
            id="PTH-19-values",
        ),
        pytest.param(
            {"path": "/a", "method": "GET"}, {"path": "/a", "scheme": "http"}, id="PTH-19-different-keys"
        ),
        pytest.param(
            {"path": "/a", "host": "*.example"}, {"path": "/a", "host": "*.example"}, id="PTH-19-same-host"
        ),
        pytest.param(
            {"path": "/a", "address": "10.0.0.0/8"},
            {"path": "/a", "address": "10.1.0.0/16"},
            id="PTH-19-networks",
        ),
    ],
)
def test_equals_that_share_a_request_are_a_conflict(one: Any, other: Any) -> None:
    """Whatever the order in which they stand; a priority decides."""
    assert pairs(one, other)[0] == [("a", "b")]
    assert pairs(one, other, priorities=(0, 1))[0] == []
    assert pairs([one, other])[0] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("/{a:uuid}", "/{b:int}", id="captures-that-share-none"),
        pytest.param("/a/{x}", "/{x:b|c}/b", id="crossed-but-apart"),
        pytest.param("/a/{x}", "/{x}/bb", id="longer-literal"),
        pytest.param("/a/**", "/**", id="nested-prefixes"),
        pytest.param("/{x}/**", "/**", id="deeper-prefix"),
        pytest.param("/a", {"path": "/a", "method": "GET"}, id="more-keys"),
        pytest.param({"path": "/a", "method": "GET"}, {"path": "/a", "method": "PUT"}, id="other-methods"),
        pytest.param(
            {"path": "/a", "host": "a.example"}, {"path": "/a", "host": "b.example"}, id="other-hosts"
        ),
        pytest.param({"path": "/a", "host": "a.example"}, {"path": "/a", "host": "*.example"}, id="wildcard"),
        pytest.param(
            {"path": "/a", "host": "*.example"}, {"path": "/a", "host": "*.a.example"}, id="other-wildcards"
        ),
        pytest.param(
            {"path": "/a", "header": {"x": "1"}}, {"path": "/a", "header": {"x": "2"}}, id="other-values"
        ),
        pytest.param(
            {"path": "/a", "header": {"x": {"present": True}}},
            {"path": "/a", "header": {"x": {"present": False}}},
            id="there-and-not-there",
        ),
        pytest.param(
            {"path": "/a", "address": "10.0.0.0/8"},
            {"path": "/a", "not": {"address": "10.0.0.0/7"}},
            id="negation",
        ),
        pytest.param(
            {"path": "/a/{x}", "scheme": "http"},
            {"path": "/{y}/b", "not": {"path": "/a/**"}},
            id="negated-path",
        ),
        pytest.param(
            {"path": {"regex": "/a[0-9]+"}}, {"path": {"regex": "/a[b-f]+"}}, id="expressions-apart"
        ),
        pytest.param(
            {"path": {"regex": "/a/.*"}}, {"path": {"regex": "/b/.*"}}, id="expressions-that-begin-otherwise"
        ),
        pytest.param({"path": {"suffix": "a"}}, {"path": {"suffix": "b"}}, id="ends-apart"),
    ],
)
def test_what_ranks_or_asks_otherwise_is_no_conflict(one: Any, other: Any) -> None:
    """One is tried first, or no request fits both."""
    assert pairs(one, other)[0] == []


@pytest.mark.parametrize(
    ("matches", "expected"),
    [
        pytest.param(["/{x}", "/{y}", "/{z}"], ["ab", "ac", "bc"], id="three-of-one-path"),
        pytest.param(["/b/{x}", "/b/{y}", "/a", "/a"], ["cd", "ab"], id="two-paths-the-exact-one-first"),
        pytest.param(
            [
                {"path": "/a", "header": {"x": "1"}},
                {"path": "/a", "header": {"x": "2"}},
                {"path": "/a", "query": {"y": "1"}},
            ],
            ["ac", "bc"],
            id="not-the-next-but-the-one-behind-it",
        ),
        pytest.param(
            [
                {"path": "/a", "header": {"x": "1"}, "query": {"y": "1"}},
                {"path": "/a", "header": {"x": "1"}, "query": {"y": "2"}},
                {"path": "/a", "header": {"x": "1"}, "query": {"z": "1"}},
            ],
            ["ac", "bc"],
            id="apart-in-the-second-of-two-fields",
        ),
        pytest.param(
            [{"path": {"regex": "/a.*"}}, {"path": {"regex": "/b.*"}}, {"path": {"suffix": "xx"}}],
            ["ac", "bc"],
            id="an-end-and-what-begins-otherwise",
        ),
        pytest.param(
            [{"path": {"suffix": "xx"}}, {"path": {"regex": "/[a-b].*x"}}, {"path": {"regex": "/c.*"}}],
            ["ab", "ac"],
            id="what-begins-with-nothing-literal",
        ),
        pytest.param(
            [
                {"path": {"regex": "/ab[0-9]"}},
                {"path": {"regex": "/ab[a-f]"}},
                {"path": {"regex": "/ab[0-f]"}},
            ],
            ["ac", "bc"],
            id="expressions-that-begin-alike",
        ),
        pytest.param(
            [
                {"path": "/a", "host": "a.example"},
                {"path": "/a", "host": "b.example"},
                {"path": "/a", "host": "b.example"},
            ],
            ["bc"],
            id="of-one-host",
        ),
    ],
)
def test_all_conflicts_are_found(matches: list[Any], expected: list[str]) -> None:
    """In matching order."""
    assert [tuple(names) for names in expected] == pairs(*matches)[0]


def test_what_is_in_conflict_with_very_many_is_paired_with_some() -> None:
    """Nobody reads half a million pairs."""
    found = table(Route(f"r{number:02}", "/{x}") for number in range(ENOUGH + 3)).conflicts()

    assert sum(range(ENOUGH)) + 3 * ENOUGH == len(found)


@pytest.mark.parametrize(
    ("match", "by", "priorities"),
    [
        pytest.param("/a", "/**", (0, 1), id="all-of-it"),
        pytest.param("/a/{x}", "/{y}/**", (0, 1), id="below"),
        pytest.param(
            {"path": "/a", "host": "a.example"}, {"path": "/a", "host": "*.example"}, (0, 1), id="host"
        ),
        pytest.param({"path": "/a", "host": "*.example"}, "/a", (0, 1), id="wildcard"),
        pytest.param({"path": "/a", "method": "HEAD"}, {"path": "/a", "method": "GET"}, (0, 1), id="method"),
        pytest.param({"path": "/a", "scheme": "http"}, "/a", (0, 1), id="more-keys"),
        pytest.param(
            {"path": "/a", "header": {"x": "1"}},
            {"path": "/a", "header": {"x": {"present": True}}},
            (0, 1),
            id="weaker",
        ),
        pytest.param({"path": {"regex": "/a/[0-9]+"}}, {"path": {"regex": "/a/.*"}}, (0, 1), id="expression"),
        pytest.param(
            {"path": {"regex": "/a/[0-9]+"}}, "/a/**", (0, 0), id="a-prefix-ranks-before-expressions"
        ),
        pytest.param({"path": {"regex": "/ab[0-9]+"}}, "/**", (0, 0), id="the-root-takes-all-expressions"),
        pytest.param("/{x:service}", "/users", (0, 0), id="the-only-service"),
        pytest.param(
            {"path": "/a", "header": {"x": "1"}},
            {"path": "/a", "header": {"x": {"present": True}}, "not": {"header": {"x": "2"}}},
            (0, 0),
            id="two-weak-before-a-strong-one",
        ),
    ],
)
def test_what_another_route_takes_before_is_hidden(match: Any, by: Any, priorities: tuple[int, int]) -> None:
    """A priority is the usual reason, but not the only one."""
    assert pairs(match, by, priorities=priorities)[1] == [("a", "b")]


@pytest.mark.parametrize(
    ("match", "by"),
    [
        pytest.param("/**", "/a", id="only-a-part"),
        pytest.param("/a/**", "/a/{x}", id="not-what-is-deeper"),
        pytest.param("/a", {"path": "/**", "method": "GET"}, id="only-a-method"),
        pytest.param("/a", {"path": "/a", "host": "a.example"}, id="only-a-host"),
        pytest.param(
            {"path": "/a", "header": {"x": {"present": True}}},
            {"path": "/a", "header": {"x": "1"}},
            id="stronger",
        ),
        pytest.param({"path": {"not": "/a"}}, {"path": {"not": ["/a", "/b"]}}, id="only-a-part-of-the-rest"),
        pytest.param("/{x:service}/a", {"path": "/**", "address": "0.0.0.0/0"}, id="not-known"),
    ],
)
def test_what_is_taken_in_part_is_reached(match: Any, by: Any) -> None:
    """By the other part."""
    assert pairs(match, by, priorities=(0, 1))[1] == []


def test_the_first_that_hides_is_named() -> None:
    """In matching order; the alternatives of a route hide nothing of it."""
    assert pairs("/a", "/**", "/{x}", priorities=(0, 1, 2))[1] == [("a", "c")]
    assert pairs("/a", "/**", {"path": "/a", "method": "GET"}, priorities=(0, 1, 2))[1] == [("a", "b")]
    assert pairs(["/a", {"path": "/a", "method": "GET"}])[1] == []
    assert pairs(["/{x:service}", "/users"])[1] == []


def test_equals_hide_nothing() -> None:
    """They are a conflict."""
    assert pairs("/a", "/a") == ([("a", "b")], [])


def test_what_takes_nothing_is_not_hidden() -> None:
    """A capture of services that there are none of is another mistake."""
    made = Table(
        [
            Entry("a", "a", PathTemplate.parse("/{x:service}")),
            Entry("b", "b", PathTemplate.parse("/**"), priority=1),
        ]
    )

    assert [] == made.shadowed()
