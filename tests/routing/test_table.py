"""Lookup: what matches, in which rank, and what cannot be decided."""

import itertools
import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.exchange import NO_CAPTURES
from gatekeeper.routing.table import Entry, Match, NotAllowed, Table
from gatekeeper.routing.template import PathTemplate


def entry(text: str, *methods: str, priority: int = 0, name: str = "") -> Entry[str]:
    """An entry whose target and name tell what was written."""
    label = name or " ".join([*methods, text])
    return Entry(label, label, PathTemplate.parse(text, {"users"}), frozenset(methods) or None, priority)


def table(*texts: str) -> Table[str]:
    return Table(entry(text) for text in texts)


@pytest.mark.parametrize(
    ("path", "target", "captures"),
    [
        ("/", "/", {}),
        ("/users", "/users", {}),
        ("/users/", "/**", {"rest": "users/"}),
        ("/users/7", "/users/{id:int}", {"id": "7"}),
        ("/users/me", "/users/me", {}),
        ("/users/x", "/**", {"rest": "users/x"}),
        ("/users/7/items/x", "/users/{id}/items/{item}", {"id": "7", "item": "x"}),
        ("/api", "/api/**", {"rest": ""}),
        ("/api/", "/api/**", {"rest": ""}),
        ("/api/x", "/api/**", {"rest": "x"}),
        ("/api/x/y/", "/api/**", {"rest": "x/y/"}),
        ("/apix", "/**", {"rest": "apix"}),
        ("/v/v2/a/b", "/v/{version:v1|v2}/**", {"version": "v2", "rest": "a/b"}),
        ("/v/v3/a/b", "/**", {"rest": "v/v3/a/b"}),
        ("/v/", "/**", {"rest": "v/"}),
    ],
)
def test_the_most_specific_entry_answers(path: str, target: str, captures: dict[str, str]) -> None:
    """A prefix matches by segments, itself included."""
    routes = table(
        "/**",
        "/",
        "/users",
        "/users/{id:int}",
        "/users/me",
        "/users/{id}/items/{item}",
        "/api/**",
        "/v/{version:v1|v2}/**",
    )

    assert Match(target, captures) == routes.lookup("GET", path)


def test_nothing_matches_where_no_entry_has_the_path() -> None:
    """None is a 404."""
    assert table("/users", "/api/**").lookup("GET", "/orders") is None


def test_matches_without_captures_share_one_dictionary() -> None:
    """A literal route allocates nothing."""
    match = table("/users").lookup("GET", "/users")

    assert isinstance(match, Match)
    assert NO_CAPTURES is match.captures
    assert repr(match) == "<Match '/users' {}>"


def test_get_includes_head() -> None:
    """A HEAD is answered by whoever answers the GET; HEAD alone includes nothing."""
    routes = Table([entry("/a", "GET"), entry("/b", "HEAD")])

    assert Match("GET /a", {}) == routes.lookup("HEAD", "/a")
    assert NotAllowed(("HEAD",)) == routes.lookup("GET", "/b")


def test_a_method_that_no_entry_of_the_path_takes_is_not_allowed() -> None:
    """`allow` unites the methods of all of them."""
    routes = Table([entry("/a/{x}", "GET"), entry("/a/b", "PUT"), entry("/a/**", "POST", "DELETE")])

    assert NotAllowed(("DELETE", "GET", "HEAD", "POST", "PUT")) == routes.lookup("PATCH", "/a/b")
    assert NotAllowed(("DELETE", "GET", "HEAD", "POST")) == routes.lookup("PATCH", "/a/c")


def test_an_entry_whose_method_does_not_fit_gives_way_to_the_next() -> None:
    """All conditions of an entry hold, or it is no candidate."""
    routes = Table([entry("/orders", "GET"), entry("/{x}", "PUT"), entry("/**")])

    assert Match("GET /orders", {}) == routes.lookup("GET", "/orders")
    assert Match("PUT /{x}", {"x": "orders"}) == routes.lookup("PUT", "/orders")
    assert Match("/**", {"rest": "orders"}) == routes.lookup("POST", "/orders")


def test_a_method_makes_an_entry_more_specific() -> None:
    """The number of conditions ranks after the path."""
    routes = Table([entry("/a"), entry("/a", "GET")])

    assert Match("GET /a", {}) == routes.lookup("GET", "/a")
    assert Match("/a", {}) == routes.lookup("POST", "/a")


def test_priority_beats_the_path() -> None:
    """Also against a literal path."""
    routes = Table([entry("/a"), entry("/{x}", priority=1), entry("/**", priority=-1)])

    assert Match("/{x}", {"x": "a"}) == routes.lookup("GET", "/a")


def test_entries_are_kept_in_matching_order() -> None:
    """What is tried first stands first."""
    routes = table("/**", "/{x}", "/a/**", "/a")

    assert [found.name for found in routes.entries] == ["/a", "/{x}", "/a/**", "/**"]
    assert repr(routes) == "<Table 4 entries, 1 literal>"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([entry("/a", name="x"), entry("/a", name="y")], [("x", "y")], id="same-literal"),
        pytest.param(
            [entry("/{a}"), entry("/{b:int}")], [("/{a}", "/{b:int}")], id="captures-that-share-segments"
        ),
        pytest.param([entry("/{a:uuid}"), entry("/{b:int}")], [], id="captures-that-share-none"),
        pytest.param([entry("/a/{x}"), entry("/{x}/b")], [("/a/{x}", "/{x}/b")], id="crossed"),
        pytest.param([entry("/a/{x}"), entry("/{x:b|c}/b")], [], id="crossed-but-apart"),
        pytest.param([entry("/a/{x}"), entry("/{x}/bb")], [], id="longer-literal"),
        pytest.param([entry("/a/{x}/**"), entry("/{x}/b/**")], [("/a/{x}/**", "/{x}/b/**")], id="prefixes"),
        pytest.param([entry("/a/**"), entry("/**")], [], id="nested-prefixes"),
        pytest.param([entry("/{x}/**"), entry("/**")], [], id="deeper-prefix"),
        pytest.param([entry("/a", "GET"), entry("/a")], [], id="more-conditions"),
        pytest.param([entry("/a", "GET"), entry("/a", "PUT")], [], id="other-methods"),
        pytest.param(
            [entry("/a", "GET"), entry("/a", "HEAD")], [("GET /a", "HEAD /a")], id="get-includes-head"
        ),
        pytest.param([entry("/a", name="x"), entry("/a", name="y", priority=1)], [], id="priority"),
        pytest.param(
            [entry("/a/{x}", name="x"), entry("/{x}/b", name="x")], [], id="alternatives-of-one-route"
        ),
    ],
)
def test_entries_of_equal_rank_that_overlap_are_reported(
    entries: list[Entry[str]], expected: list[tuple[str, str]]
) -> None:
    """Whatever the order in which they stand."""
    pairs = [(one.name, other.name) for one, other in Table(entries).conflicts()]
    reverse = [(one.name, other.name) for one, other in Table(reversed(entries)).conflicts()]

    assert expected == pairs
    assert expected == reverse


# ---- against a matcher that shares no code with the table -----------------------------------------------------------

SEGMENTS = ["a", "b", "7", "42", "users", "2026-01-31"]
TEMPLATE_SEGMENTS = ["a", "b", "7", "{x}", "{x:int}", "{x:a|b}", "{x:date}", "{x:service}", "{x:slug}"]
PATTERNS = {
    "{x}": "[^/]+",
    "{x:int}": "[0-9]+",
    "{x:a|b}": "(?:a|b)",
    "{x:date}": "[0-9-]{10}",
    "{x:service}": "users",
    "{x:slug}": "[a-z0-9]+(?:-[a-z0-9]+)*",
}
METHODS = ["GET", "HEAD", "POST", "PUT"]


@st.composite
def entries_of_many_kinds(draw: st.DrawFn) -> Entry[str]:
    parts = draw(st.lists(st.sampled_from(TEMPLATE_SEGMENTS), max_size=3))
    names = itertools.count()
    parts = [part.replace("{x", f"{{x{next(names)}") if part.startswith("{") else part for part in parts]
    text = "/" + "/".join(parts)
    if draw(st.booleans()):
        text = text.rstrip("/") + "/**"
    methods = draw(st.lists(st.sampled_from(METHODS), max_size=2, unique=True))
    return entry(text, *methods, priority=draw(st.sampled_from([0, 0, 0, 1])))


def brute_force(entries: list[Entry[str]], method: str, path: str) -> tuple[set[str], set[str]]:
    """The targets that may answer (several where equal ranks overlap), and the methods of all that have the path."""
    best: tuple[int, ...] | None = None
    winners: set[str] = set()
    methods: set[str] = set()
    for candidate in entries:
        text = candidate.template.text
        prefix = text.endswith("/**")
        parts = [re.sub(r"x\d", "x", part) for part in text.removesuffix("/**").split("/")[1:]]
        pattern = "".join("/" + PATTERNS.get(part, part) for part in parts)
        if not re.fullmatch(pattern + ("(?:/.*)?" if prefix else ""), path):
            continue
        accepted = {*(candidate.methods or METHODS)}
        accepted |= {"HEAD"} if "GET" in accepted else set()
        methods |= accepted
        if method not in accepted:
            continue
        literals = [part for part in parts if part not in PATTERNS]
        captures = len(parts) - len(literals)
        rank = (
            candidate.priority,
            not prefix and captures == 0,
            not prefix,
            sum(map(len, literals)) + len(literals),
            len(parts),
            candidate.methods is not None,
        )
        if best is None or rank > best:
            best, winners = rank, {candidate.target}
        elif rank == best:
            winners.add(candidate.target)
    return winners, methods


@given(
    st.lists(entries_of_many_kinds(), max_size=12),
    st.sampled_from(METHODS),
    st.lists(st.sampled_from(SEGMENTS), max_size=4),
    st.sampled_from(["", "", "/"]),
    st.randoms(),
)
def test_lookup_agrees_with_brute_force(
    entries: list[Entry[str]], method: str, segments: list[str], end: str, random: Random
) -> None:
    """In whatever order the entries stand; where several may answer, their conflict is reported."""
    path = "/" + "/".join(segments) + (end if segments else "")
    winners, methods = brute_force(entries, method, path)
    routes = Table(entries)
    shuffled = list(entries)
    random.shuffle(shuffled)

    found = routes.lookup(method, path)

    assert found == Table(shuffled).lookup(method, path)
    if winners:
        assert isinstance(found, Match)
        assert found.target in winners
    elif methods:
        assert NotAllowed(tuple(sorted(methods))) == found
    else:
        assert found is None
    conflicts = {frozenset((one.target, other.target)) for one, other in routes.conflicts()}
    assert all(frozenset(pair) in conflicts for pair in itertools.combinations(winners, 2))


def test_an_equal_match_is_equal() -> None:
    """Anything else is not."""
    assert Match("a", {}) != Match("a", {"x": "1"})
    assert Match("a", {}) != "a"
