"""Rules by host and path: what is found for a path, and what is not even looked at."""

from typing import Any

import pytest

from gatekeeper.routing.index import PIECE, HostIndex, PathIndex, beginning
from gatekeeper.routing.pathmatch import PathMatcher
from gatekeeper.routing.template import PathTemplate
from tests.routing.building import path


def index(*written: Any) -> PathIndex[str]:
    """An index whose rules are named after their paths."""
    made: PathIndex[str] = PathIndex()
    for one in written:
        made.add(path(one), one if isinstance(one, str) else next(iter(one.values())))
    return made


@pytest.mark.parametrize(
    ("asked", "found", "others"),
    [
        pytest.param(
            "/a/b",
            [("/a/b", ()), ("/a/{x}", ("b",)), ("/a/**", ()), ("/{x}/{y}", ("a", "b"))],
            [],
            id="templates",
        ),
        pytest.param("/a", [("/a/**", ())], [], id="prefix-itself"),
        pytest.param("/b/b", [("/{x}/{y}", ("b", "b"))], ["/b/[0-9]+"], id="below-a-literal-segment"),
        pytest.param("/b", [], ["/b/[0-9]+"], id="no-further-than-that"),
        pytest.param("/e/f/1", [], ["/e/f/[0-9]+"], id="below-two-literal-segments"),
        pytest.param("/e/g/1", [], [], id="below-the-first-of-them-only"),
        pytest.param("/c-1", [], ["/c-[0-9]+"], id="beginning-of-a-segment"),
        pytest.param("/c", [], [], id="shorter-than-the-beginning"),
        pytest.param("/d", [], [], id="nothing"),
    ],
)
def test_what_is_found_for_a_path(asked: str, found: list[Any], others: list[str]) -> None:
    """Templates with what their captures took; other paths only where they could fit."""
    made = index(
        "/a/b",
        "/a/{x}",
        "/a/**",
        "/{x}/{y}",
        {"regex": "/b/[0-9]+"},
        {"regex": "/c-[0-9]+"},
        {"regex": "/e/f/[0-9]+"},
    )

    templates, rest = made.find(asked, asked.split("/"))

    assert sorted(found) == sorted(templates)
    assert others == rest


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("/a/b", "/a/b"),
        ("/a/{x}", "/a/b"),
        ("/a/**", "/a/b"),
        ({"regex": "/a/[a-z]+"}, "/a/b"),
        ({"regex": "/a/b[a-z]*"}, "/a/b"),
        ({"suffix": "b"}, "/a/b"),
    ],
)
def test_all_rules_of_a_path_are_found(written: Any, asked: str) -> None:
    """They may differ in what else they ask."""
    made: PathIndex[str] = PathIndex()
    for rule in ("one", "two", "three"):
        made.add(path(written), rule)

    templates, rest = made.find(asked, asked.split("/"))

    assert ["one", "two", "three"] == [*(rule for rule, _ in templates), *rest]
    if isinstance(written, str):
        assert ["one", "two", "three"] == list(made.overlapping(PathTemplate.parse(written)))


@pytest.mark.parametrize("written", ["/a{}", "/a{}/{{x}}", "/{{x:a{}|b}}"])
def test_an_index_is_taken_apart_in_small_steps(written: str) -> None:
    """Also that of a host; afterwards nothing is found."""
    made: HostIndex[int] = HostIndex()
    for host in ("*", "a.example", "*.example"):
        for number in range(2 * PIECE + 1):
            made.add(host, path(written.format(number)), number)
    indexes = made.of("a.example")

    steps = sum(1 for _ in made.take_apart())

    assert 3 == len(indexes)
    assert steps >= 3 * 3
    for one in indexes:
        assert not one.exact
        assert not one.root.literals
        assert not one.root.captures
    assert indexes[:1] == made.of("a.example")


def test_a_path_without_a_beginning_is_tried_always() -> None:
    """There is no other way to know."""
    made = index({"suffix": ".js"}, {"regex": "/a/[0-9]+"})

    assert made.find("/b", ["", "b"]) == ([], [".js"])


def test_captures_that_take_the_same_share_a_node() -> None:
    """Whatever they are called."""
    made = index("/{x:int}/a", "/{y:int}/b", "/{z}/a", "/{x:1|2}/a", "/{y:2|1}/b")

    assert len(made.root.captures) == 3


def test_captures_of_other_choices_have_nodes_of_their_own() -> None:
    """What the first one takes says nothing of the others."""
    made = index("/{x:a|b}/e", "/{y:c|d}/e", "/{z:b|c}/e")

    found = {first: sorted(made.find(f"/{first}/e", ["", first, "e"])[0]) for first in "abcd"}

    assert {
        "a": [("/{x:a|b}/e", ("a",))],
        "b": [("/{x:a|b}/e", ("b",)), ("/{z:b|c}/e", ("b",))],
        "c": [("/{y:c|d}/e", ("c",)), ("/{z:b|c}/e", ("c",))],
        "d": [("/{y:c|d}/e", ("d",))],
    } == found


def test_all_captures_that_take_a_segment_are_followed() -> None:
    """Each of them, and the literal beside them."""
    made = index("/7/a", "/7/a/x", "/{x:int}/a", "/{y:slug}/a", "/{z}/a", "/{d:date}/a", "/{z}/b")

    found, _ = made.find("/7/a", ["", "7", "a"])

    assert sorted(rule for rule, _ in found) == ["/7/a", "/{x:int}/a", "/{y:slug}/a", "/{z}/a"]


def test_beginnings_of_any_length_are_tried() -> None:
    """A segment may begin with several of them."""
    made = index(
        {"regex": "/a[0-9]*"}, {"regex": "/ab[0-9]*"}, {"regex": "/abc[0-9]*"}, {"regex": "/abd[0-9]*"}
    )

    assert made.find("/abc1", ["", "abc1"])[1] == ["/a[0-9]*", "/ab[0-9]*", "/abc[0-9]*"]
    assert made.find("/a", ["", "a"])[1] == ["/a[0-9]*"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"regex": "/a/b/[0-9]+"}, (["a", "b"], "")),
        ({"regex": "/a/b[0-9]+"}, (["a"], "b")),
        ({"regex": "/[0-9]+"}, ([], "")),
        ({"regex": ".*"}, ([], "")),
        ({"regex": "no-path"}, ([], "")),
        ({"suffix": "/a/"}, ([], "")),
    ],
)
def test_where_a_path_begins(written: Any, expected: tuple[list[str], str]) -> None:
    """Whole segments, and the beginning of one."""
    made = path(written)
    assert isinstance(made, PathMatcher)

    assert expected == beginning(made)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("/a", ["/a"]),
        ("/b", []),
        ("/a/{z}", ["/a/{x}", "/{y}/b", "/{y:int|a}/c"]),
        ("/{z}/b", ["/a/{x}", "/{y}/b"]),
        ("/{z:int}/b", ["/{y}/b"]),
        ("/{z:a|b}/{w}", ["/a/{x}", "/{y}/b", "/{y:int|a}/c"]),
        ("/{z:a|b|c|d}/{w:b|x}", ["/a/{x}", "/{y}/b"]),
        ("/{z}/**", ["/p/**"]),
        ("/a/b/{z}", []),
    ],
)
def test_templates_that_may_overlap_are_found_together(asked: str, found: list[str]) -> None:
    """Of the same form and length."""
    made = index("/a", "/a/{x}", "/{y}/b", "/{y:int|a}/c", "/d/e", "/e/{x:int}/f", "/p/**")

    assert sorted(found) == sorted(made.overlapping(PathTemplate.parse(asked)))


def test_a_host_has_the_rules_of_its_patterns() -> None:
    """Its own, those of the wildcard one label above, and those of any."""
    made: HostIndex[str] = HostIndex()
    for host in ("*", "a.example", "a.example", "*.example", "*.a.example"):
        made.add(host, path("/**"), host)

    def found(host: str) -> list[list[str]]:
        return [list(one.root.tails) for one in made.of(host)]

    assert found("a.example") == [["*"], ["a.example", "a.example"], ["*.example"]]
    assert found("b.example") == [["*"], ["*.example"]]
    assert found("x.a.example") == [["*"], ["*.a.example"]]
    assert found("") == [["*"]]
    assert made.named
    assert not HostIndex[str]().named
