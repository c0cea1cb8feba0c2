"""Paths that no template says: what they take, capture, and how they rank and compare."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy.regex import Regex
from gatekeeper.routing.matcher import Present
from gatekeeper.routing.pathmatch import PathMatcher, Segments, as_matcher
from gatekeeper.routing.template import PathTemplate
from tests.routing.brute import Asked, path_fits, path_rank, shape
from tests.routing.building import SERVICES, path
from tests.routing.drawn import PATHS, requests


@pytest.mark.parametrize(
    ("written", "text", "fitting"),
    [
        pytest.param({"exact": "/api"}, "/api", ["/api"], id="exact"),
        pytest.param(
            {"prefix": "/api"}, "/api/**", ["/api", "/api/", "/api/x.js"], id="PTH-13-prefix-by-segments"
        ),
        pytest.param(
            {"prefix": "/api/"}, "/api/**", ["/api", "/api/", "/api/x.js"], id="prefix-with-a-slash"
        ),
        pytest.param({"suffix": ".js"}, "ends with .js", ["/api/x.js", "/x.js"], id="suffix"),
        pytest.param({"contains": "x."}, "contains x.", ["/api/x.js", "/x.js", "/apix.js/"], id="contains"),
        pytest.param(
            {"regex": "/api"},
            "matches /api",
            ["/api"],
            id="PTH-13-regex-takes-the-whole",
        ),
        pytest.param({"not": "/api/**"}, "not /api/**", ["/", "/x.js", "/apix.js/"], id="not"),
        pytest.param(
            {"not": ["/", {"suffix": ".js"}, {"exact": "/api"}]},
            "not one of /, /api or ends with .js",
            ["/api/", "/apix.js/"],
            id="none-of",
        ),
    ],
)
def test_a_matcher_takes_paths(written: Any, text: str, fitting: list[str]) -> None:
    """Of the decision form."""
    made = path(written)

    assert fitting == [
        one for one in ["/", "/api", "/api/", "/api/x.js", "/x.js", "/apix.js/"] if made.fits(one) is not None
    ]
    assert text == str(made)


def test_any_of_several_paths() -> None:
    """It captures nothing, and counts as the least of them."""
    made = PathMatcher.any_of([path("/a/{x}"), path("/bb"), path({"regex": "/c/[a-z]+"})])

    assert [{}, {}, {}, None] == [made.fits(one) for one in ("/a/1", "/bb", "/c/c", "/d")]
    assert made.rank == (0, 2, 0)
    assert made.captures == {}


@pytest.mark.parametrize(
    ("written", "literal"),
    [
        (["/abc", "/b"], 2),
        (["/abc", "/abcd/{x}"], 4),
        ([{"suffix": ".json"}, {"contains": "ab"}], 2),
        ([{"regex": "/[0-9]+/x"}, {"suffix": ".json"}], 3),
        (["/abc", {"not": "/b"}], 0),
    ],
)
def test_several_paths_have_the_literal_text_of_the_least(written: Any, literal: int) -> None:
    """Whichever of them that is."""
    assert (0, literal, 0) == PathMatcher.any_of(map(path, written)).rank


def test_exact_and_prefix_are_templates() -> None:
    """So that they are found and ranked like these."""
    assert isinstance(PathMatcher.of("exact", "/a"), PathTemplate)
    assert isinstance(PathMatcher.of("prefix", "/a"), PathTemplate)


def test_texts_are_brought_into_the_form_that_is_compared() -> None:
    """A person writes what stands in the browser."""
    assert PathMatcher.of("suffix", ".é").fits("/x.%C3%A9") == {}
    assert PathMatcher.of("contains", "a b").fits("/xa%20bx") == {}


def test_there_are_five_forms() -> None:
    """Another one is a mistake of the caller's."""
    with pytest.raises(AssertionError, match="a path has no `glob` of '/x'"):
        PathMatcher.of("glob", "/x")


def test_named_groups_are_captures() -> None:
    """All of them, whatever took part."""
    made = PathMatcher.of("regex", Regex.parse("/(?P<a>[a-z]+)(?:/(?P<b>[0-9]+))?"))

    assert made.captures == {"a": "", "b": ""}
    assert made.fits("/x") == {"a": "x", "b": ""}


@pytest.mark.parametrize(
    ("written", "rank", "beginning"),
    [
        ({"suffix": ".json"}, (0, 5, 0), ""),
        ({"contains": "/x/"}, (0, 3, 0), ""),
        ({"regex": "/users/[0-9]+/x"}, (0, 9, 0), "/users/"),
        ({"regex": ".*"}, (0, 0, 0), ""),
        ({"not": "/users"}, (0, 0, 0), ""),
    ],
)
def test_a_matcher_ranks_after_all_templates(
    written: Any, rank: tuple[int, int, int], beginning: str
) -> None:
    """More literal text first; what all paths begin with is what it is found by."""
    made = path(written)
    assert isinstance(made, PathMatcher)

    assert rank == made.rank
    assert rank < PathTemplate.parse("/**").rank
    assert beginning == made.beginning


@pytest.mark.parametrize(
    ("written", "beginning"),
    [
        (["/api/a", "/api/b"], "/api/"),
        (["/a", "/a"], "/a"),
        (["/ab", "/a"], "/a"),
        (["/a", "/ab/{x}", "/ac"], "/a"),
        (["/a/b/{x}/c", "/a/b/c"], "/a/b/"),
        (["/api/**", {"regex": "/api/v[0-9]"}], "/api"),
        (["/api/{x}", "/api/b"], "/api/"),
        (["/{x}", "/a"], "/"),
        (["/**", "/a"], ""),
        (["/a", {"suffix": "a"}], ""),
    ],
)
def test_several_paths_begin_with_what_they_share(written: Any, beginning: str) -> None:
    """Character by character."""
    assert beginning == PathMatcher.any_of(map(path, written)).beginning


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a/{x}", "/b/{x}"),
        ("/a/{x}", "/a"),
        ("/a/{x:int}", "/a/{x:uuid}"),
        ("/a/**", "/b/**"),
        ("/a/**", "/b"),
        ("/a/{x}/**", "/a"),
        ("/a/**", {"regex": "/b/.*"}),
        ("/{x:int}/**", {"regex": "/b/.*"}),
        ("/a/{x}", {"regex": "/a/b/.*"}),
        ("/a", {"regex": "/b.*"}),
        ("/a/**", {"not": "/a/**"}),
        ({"suffix": "a"}, {"suffix": "b"}),
        ({"regex": "/a+"}, {"regex": "/b+"}),
        ({"not": ["/a", "/b"]}, "/a"),
        ("/a/{x:service}", "/a/b"),
        ("/{x:a|b}/c", "/{x:b|c}/d"),
        ("/a/{x}", "/a/b/{y}/**"),
    ],
)
def test_paths_that_share_none_are_known(one: Any, other: Any) -> None:
    """In both directions."""
    first, second = as_matcher([path(one)]), as_matcher([path(other)])

    assert first.excludes(second)
    assert second.excludes(first)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a/**", "/a/{x}"),
        ("/a/**", "/a"),
        ("/a/**", "/a/b/{x}"),
        ("/a/{x}", {"regex": "/a/.*"}),
        ("/a/**", {"regex": "/a/b/.*"}),
        ("/a/b/**", {"regex": "/a/.*"}),
        ("/{x:a|b}/c", "/{x:b|c}/c"),
        ("/a/{x:service}", "/a/users"),
        ({"not": "/a"}, "/{x}"),
        ({"suffix": "s"}, "/{x}"),
        ("/{x}/**", "/a/{y}/**"),
        ("/{x}/b", "/a/{y}"),
    ],
)
def test_paths_that_share_some_are_not_taken_apart(one: Any, other: Any) -> None:
    """In both directions, whichever of them is the longer one."""
    first, second = as_matcher([path(one)]), as_matcher([path(other)])

    assert not first.excludes(second)
    assert not second.excludes(first)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("/**", {"suffix": "a"}),
        ("/**", {"not": "/a"}),
        ("/**", "/a/**"),
        ("/a/**", "/a"),
        ("/a/**", "/a/{x}"),
        ("/{x}/**", "/a/b/**"),
        ("/{x}/b", "/{x:int}/b"),
        ("/users", "/{x:service}"),
        ("/users/{x}", "/{x:service}/b"),
        ("/a/**", {"regex": "/a/[0-9]+"}),
        ("/{x}/**", {"regex": "/a/[0-9]+"}),
        ({"regex": "/a/.*"}, {"regex": "/a/[0-9]+"}),
        ({"regex": "/.*"}, "/a"),
        ({"suffix": "s"}, {"suffix": "js"}),
        ({"contains": "/a"}, {"regex": "/a/.*"}),
        ({"not": "/a/**"}, {"regex": "/b/.*"}),
        ({"not": "/a/**"}, {"not": "/**"}),
    ],
)
def test_a_path_covers_another(wide: Any, narrow: Any) -> None:
    """Whatever fits the one fits the other."""
    assert as_matcher([path(wide)]).covers(as_matcher([path(narrow)]))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("/a/{x}", "/a/**"),
        ("/a", "/a/**"),
        ("/a/**", "/{x}/**"),
        ("/a/**", "/b/c"),
        ("/a/{x:int}", "/a/{y}"),
        ("/a/{x}", "/a/b/c"),
        ("/a/{x}", "/a"),
        ("/b/**", {"regex": "/a/.*"}),
        ("/a/b/**", {"regex": "/a/.*"}),
        ("/{x:int}/**", {"regex": "/a/.*"}),
        ("/{x}/**", {"suffix": "a"}),
        ({"not": "/a"}, {"not": "/b"}),
        ("/a/{x}", "/a/{y}/**"),
        ("/a/b/**", "/a/**"),
        ("/a", "/{x:a|b}"),
        ("/a/{x}", "/b/{x}"),
        ("/a/{x}", "/{x:service}/b"),
        ("/a/{x}", "/{x}/b"),
        ("/a/**", {"regex": "/a[0-9]*"}),
        ("/a/{x}", {"regex": "/a/[0-9]+"}),
        ("/a/**", {"suffix": "a"}),
        ({"suffix": "a"}, "/{x}"),
    ],
)
def test_a_path_that_covers_another_only_in_part_does_not(wide: Any, narrow: Any) -> None:
    """Or may do so for all that is known."""
    assert not as_matcher([path(wide)]).covers(as_matcher([path(narrow)]))


def test_a_path_is_always_there() -> None:
    """As a value it is compared like others."""
    made = Segments(PathTemplate.parse("/**"))

    assert not made.accepts(None)
    assert not made.excludes(Present(yes=True))
    assert made.excludes(Present(yes=False))


@given(PATHS, PATHS, st.lists(requests(), min_size=3, max_size=6))
def test_what_is_claimed_of_two_paths_is_true(one: Any, other: Any, asked: list[Asked]) -> None:
    """Of any path; and what each takes, captures and how it ranks is what brute force says."""
    made, another = path(one), path(other)
    first, second = as_matcher([made]), as_matcher([another])
    assert path_rank(one) == made.rank
    for request in asked:
        decided = shape(request.path)
        both = first.accepts(decided), second.accepts(decided)

        assert path_fits(one, request.path, SERVICES) == made.fits(decided)
        assert both == (made.fits(decided) is not None, another.fits(decided) is not None)
        assert not (first.excludes(second) and both == (True, True))
        assert not (first.covers(second) and both == (False, True))
        if both[0] and isinstance(made, PathMatcher):
            assert decided.startswith(made.beginning)
