"""Lookup: what matches, in which rank, and what cannot be decided."""

import gc
import itertools
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.exchange import NO_CAPTURES
from gatekeeper.routing import table as module
from gatekeeper.routing.conditions import MethodCondition
from gatekeeper.routing.entry import Entry
from gatekeeper.routing.index import PIECE
from gatekeeper.routing.table import Match, NotAllowed, Table
from gatekeeper.routing.template import PathTemplate
from gatekeeper.testing.exchange import make_exchange
from tests.routing.brute import Asked, Route, decide
from tests.routing.building import SERVICES, entries, exchange, table
from tests.routing.drawn import scenes


def of(*matches: Any) -> Table[str]:
    """A table of routes that are named after what they match."""
    return table(Route(match if isinstance(match, str) else str(match), match) for match in matches)


def named(**matches: Any) -> Table[str]:
    return table(Route(name, match) for name, match in matches.items())


def target(found: Table[str], *asked: Any, **more: Any) -> str | None:
    """The route that answers, None where none does."""
    match = found.lookup(exchange(Asked(*asked, **more)))
    return match.target if isinstance(match, Match) else None


@pytest.mark.parametrize(
    ("path", "expected", "captures"),
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
def test_the_most_specific_entry_answers(path: str, expected: str, captures: dict[str, str]) -> None:
    """A prefix matches by segments, itself included."""
    found = of(
        "/**",
        "/",
        "/users",
        "/users/{id:int}",
        "/users/me",
        "/users/{id}/items/{item}",
        "/api/**",
        "/v/{version:v1|v2}/**",
    )

    assert Match(expected, captures) == found.lookup(make_exchange("GET", path))


# each row of the reference, and what is like it: path as sent, route that answers
SPELLINGS = [
    pytest.param("//admin/x", "admin", id="PTH-05-leading"),
    pytest.param("/public//../admin/x", "public", id="PTH-05-dots-are-resolved-before-slashes-are-merged"),
    pytest.param("///", "rest", id="PTH-05-root"),
    pytest.param("/admin//", "admin", id="PTH-05-at-the-end"),
    pytest.param("/admin;x=1", "rest", id="PTH-06-parameters-are-part-of-the-segment"),
    pytest.param("/admin/;x=1", "admin", id="PTH-06-below"),
    pytest.param("/admin/x;y/..", "admin", id="PTH-06-parameters-of-a-segment-that-goes"),
    pytest.param("/ADMIN/x", "rest", id="PTH-07-case"),
    pytest.param("/Admin", "rest", id="PTH-07-case-of-one-letter"),
    pytest.param("/%41dmin", "rest", id="PTH-07-case-escaped"),
    pytest.param("/admin", "admin", id="PTH-08-itself"),
    pytest.param("/admin/", "admin", id="PTH-08-slash"),
    pytest.param("/admin/.", "admin", id="PTH-08-dot-segment"),
    pytest.param("/admin/./", "admin", id="PTH-08-dot-segment-and-slash"),
    pytest.param("/admin.", "rest", id="PTH-08-dot-is-another-name"),
    pytest.param("/admin..", "rest", id="PTH-08-dots-are-another-name"),
    pytest.param("/admin%20", "rest", id="PTH-08-blank-is-another-name"),
    pytest.param("/%61dmin", "admin", id="PTH-12-first-letter"),
    pytest.param("/%61%64%6D%69%6e/x", "admin", id="PTH-12-all-letters"),
    pytest.param("/%2561dmin", "rest", id="PTH-12-decoded-once"),
    pytest.param("/adminx", "rest", id="PTH-13-prefix-by-segments"),
    pytest.param("/admin%2e", "rest", id="PTH-13-escaped-dot"),
    pytest.param("/x/admin", "rest", id="PTH-13-not-in-the-middle"),
]


@pytest.mark.parametrize(("path", "expected"), SPELLINGS)
@pytest.mark.parametrize(
    "admin",
    [
        pytest.param("/admin/**", id="template"),
        pytest.param({"path": {"prefix": "/admin"}}, id="prefix"),
        pytest.param({"path": {"regex": "/admin(/.*)?"}}, id="regex"),
    ],
)
@pytest.mark.parametrize("host", ["*", "a.example", "*.example"])
def test_a_spelling_of_a_path_does_not_change_the_route(
    admin: Any, host: str, path: str, expected: str
) -> None:
    """Each way to write a route, on each kind of host, takes the same paths; nothing slips to the one for the rest."""
    match = {"path": admin, "host": host} if isinstance(admin, str) else {**admin, "host": host}
    found = named(admin=match, public={"path": {"exact": "/public/admin/x"}}, rest={"path": {"regex": ".*"}})

    assert expected == target(found, "GET", path)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("api.example.com", "exact", id="PTH-16-exact"),
        pytest.param("www.example.com", "wildcard", id="PTH-16-one-label"),
        pytest.param("a.b.example.com", "any", id="PTH-16-two-labels"),
        pytest.param("example.com", "any", id="PTH-16-no-label"),
        pytest.param("xn--bcher-kva.example.com", "wildcard", id="PTH-16-punycode-is-a-label-like-any"),
        pytest.param("api.example.com.evil", "any", id="PTH-16-as-a-beginning"),
        pytest.param("evil-example.com", "any", id="PTH-16-as-an-end"),
        pytest.param("", "any", id="PTH-16-none"),
    ],
)
def test_the_most_specific_host_answers(host: str, expected: str) -> None:
    """The host ranks before the path; whatever the request says, it is one virtual host."""
    found = named(
        any="/a",
        wildcard={"host": "*.example.com", "path": "/**"},
        exact={"host": "api.example.com", "path": "/**"},
    )

    assert expected == target(found, "GET", "/a", host=host)


def test_a_host_without_the_path_leaves_it_to_others() -> None:
    """A host is a condition like others, not a table of its own."""
    found = named(a={"host": "a.example", "path": "/a"}, w={"host": "*.example", "path": "/w"}, any="/b")

    assert ["a", "w", "any"] == [target(found, "GET", path, host="a.example") for path in ("/a", "/w", "/b")]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([("x-team", "blue")], "blue", id="PTH-18-plain"),
        pytest.param([("X-Team", "blue")], "blue", id="PTH-18-case-of-the-name"),
        pytest.param([("x-team", "Blue")], "rest", id="PTH-18-case-of-the-value"),
        pytest.param([("x-team", "blue"), ("x-team", "red")], "rest", id="PTH-18-twice"),
        pytest.param([("x-team", "red"), ("X-TEAM", "blue")], "rest", id="PTH-18-twice-the-other-way"),
        pytest.param([("x-team", "blue"), ("x-team", "blue")], "rest", id="PTH-18-twice-the-same"),
        pytest.param([("x-team", "b" * 8192)], "rest", id="PTH-18-long"),
        pytest.param([("x-team", "")], "rest", id="PTH-18-empty"),
        pytest.param([], "rest", id="PTH-18-missing"),
    ],
)
def test_a_header_decides_in_one_way(headers: list[tuple[str, str]], expected: str) -> None:
    """Also where another reader would take the first, or the last."""
    found = named(blue={"path": "/**", "header": {"x-team": "blue"}}, rest="/**")

    assert expected == target(found, "GET", "/", headers=tuple(headers))


def test_the_address_of_a_client_is_what_trusted_proxies_say() -> None:
    """PTH-18: a forged field changes nothing; the edge settles the address."""
    found = named(office={"path": "/**", "address": "10.0.0.0/8"}, rest="/**")
    forged = (("x-forwarded-for", "10.0.0.1"), ("forwarded", "for=10.0.0.1"))

    assert target(found, "GET", "/", client="10.0.0.1") == "office"
    assert target(found, "GET", "/", client="192.0.2.1", headers=forged) == "rest"


def test_nothing_matches_where_no_entry_has_the_path() -> None:
    """None is a 404."""
    found = of("/users", "/api/**")

    assert None is found.lookup(make_exchange("GET", "/orders"))
    assert () == found.allow(make_exchange("GET", "/orders"))
    assert [] == found.trace(make_exchange("GET", "/orders"))


def test_matches_without_captures_share_one_dictionary() -> None:
    """A literal route allocates nothing."""
    match = of("/users").lookup(make_exchange("GET", "/users"))

    assert isinstance(match, Match)
    assert NO_CAPTURES is match.captures
    assert repr(match) == "<Match '/users' {}>"


def test_get_includes_head() -> None:
    """A HEAD is answered by whoever answers the GET; HEAD alone includes nothing."""
    found = named(a={"path": "/a", "method": "GET"}, b={"path": "/b", "method": "HEAD"})

    assert target(found, "HEAD", "/a") == "a"
    assert NotAllowed(("HEAD",)) == found.lookup(make_exchange("GET", "/b"))


def test_a_method_that_no_entry_of_the_path_takes_is_not_allowed() -> None:
    """`allow` unites the methods of all of them."""
    found = named(
        one={"path": "/a/{x}", "method": "GET"},
        two={"path": "/a/b", "method": "PUT"},
        three={"path": "/a/**", "method": ["POST", "DELETE"]},
    )

    assert NotAllowed(("DELETE", "GET", "HEAD", "POST", "PUT")) == found.lookup(
        make_exchange("PATCH", "/a/b")
    )
    assert NotAllowed(("DELETE", "GET", "HEAD", "POST")) == found.lookup(make_exchange("PATCH", "/a/c"))
    assert found.allow(make_exchange("OPTIONS", "/a/b")) == ("DELETE", "GET", "HEAD", "POST", "PUT")


def test_only_entries_that_fit_otherwise_allow_their_methods() -> None:
    """Whose other conditions do not hold is not asked for the method: 404, not 405."""
    found = named(blue={"path": "/a", "method": "GET", "header": {"x-team": "blue"}})

    assert None is found.lookup(make_exchange("PUT", "/a"))
    assert NotAllowed(("GET", "HEAD")) == found.lookup(make_exchange("PUT", "/a", {"x-team": "blue"}))


def test_an_entry_for_any_method_adds_none_to_allow() -> None:
    """It cannot be listed; and where it fits, nothing is refused."""
    found = named(any={"path": "/a", "header": {"x-team": "blue"}}, get={"path": "/a", "method": "GET"})

    assert found.allow(make_exchange("OPTIONS", "/a", {"x-team": "blue"})) == ("GET", "HEAD")
    assert target(found, "OPTIONS", "/a", headers=(("x-team", "blue"),)) == "any"


def test_an_entry_whose_method_does_not_fit_gives_way_to_the_next() -> None:
    """All conditions of an entry hold, or it is no candidate."""
    found = named(get={"path": "/orders", "method": "GET"}, put={"path": "/{x}", "method": "PUT"}, rest="/**")

    assert Match("get", {}) == found.lookup(make_exchange("GET", "/orders"))
    assert Match("put", {"x": "orders"}) == found.lookup(make_exchange("PUT", "/orders"))
    assert Match("rest", {"rest": "orders"}) == found.lookup(make_exchange("POST", "/orders"))


def test_named_groups_of_a_regular_expression_are_captures() -> None:
    """Empty where a group took no part; a path that remains to be tried may still not fit."""
    found = named(users={"path": {"regex": "/users/(?P<id>[0-9]+)(?:/(?P<more>.+))?"}})

    assert Match("users", {"id": "7", "more": ""}) == found.lookup(make_exchange("GET", "/users/7"))
    assert Match("users", {"id": "7", "more": "x/y"}) == found.lookup(make_exchange("GET", "/users/7/x/y"))
    assert None is found.lookup(make_exchange("GET", "/users/x"))


def test_each_key_makes_an_entry_more_specific() -> None:
    """The number of other keys ranks after the path, and each name is one."""
    found = named(
        none="/a",
        method={"path": "/a", "method": "GET"},
        two={"path": "/a", "header": {"x-a": "1", "x-b": "1"}},
    )
    headers = (("x-a", "1"), ("x-b", "1"))

    assert target(found, "GET", "/a", headers=headers) == "two"
    assert target(found, "GET", "/a") == "method"
    assert target(found, "POST", "/a") == "none"


def test_priority_beats_host_and_path() -> None:
    """Also an exact one."""
    found = table(
        [Route("exact", {"host": "a.example", "path": "/a"}), Route("all", "/**", 1), Route("last", "/a", -1)]
    )

    assert ["all", "exact", "last"] == [entry.name for entry in found.entries]
    assert target(found, "GET", "/a") == "all"


def test_entries_are_kept_in_matching_order() -> None:
    """What is tried first stands first."""
    found = of("/**", "/{x}", {"path": {"regex": "/.*"}}, "/a/**", "/a")

    assert [entry.name for entry in found.entries][:4] == ["/a", "/{x}", "/a/**", "/**"]
    assert repr(found) == "<Table 5 entries>"


def test_a_trace_has_all_candidates_and_why_they_did_not_answer() -> None:
    """The first condition that fails, the method last; what stands behind the match was not reached."""
    found = named(
        blue={"path": "/a", "method": "PUT", "header": {"x-team": "blue"}, "query": {"q": "1"}},
        red={"path": "/a", "method": "PUT", "header": {"x-team": "red"}},
        get={"path": "/{x}", "method": "GET"},
        rest="/**",
        put={"path": {"regex": ".*"}, "method": "PUT"},
        last={"path": {"not": "/b"}},
        elsewhere="/b",
    )

    steps = found.trace(make_exchange("GET", "/a", {"x-team": "red"}))

    failed = [step.failed.text if step.failed is not None else "" for step in steps]
    assert ["blue", "red", "get", "rest", "put", "last"] == [step.entry.name for step in steps]
    assert ["header x-team: blue", "method PUT", "", "", "method PUT", ""] == failed
    assert [{}, {}, {"x": "a"}, {"rest": "a"}, {}, {}] == [step.captures for step in steps]
    assert [True, True, True, False, False, False] == [step.reached for step in steps]
    assert MethodCondition(frozenset({"PUT"})) == steps[1].failed


@pytest.mark.parametrize("host", ["*", "a.example"])
def test_candidates_of_paths_asked_for_lately_are_remembered(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as there is room for, none that are long, and none of paths that nothing has."""
    monkeypatch.setattr(module, "REMEMBERED", 2)
    found = named(exact={"path": "/a", "host": host}, below={"path": "/b/**", "host": host})
    names = ["/a", "/b/1", "/b/1", "/b/2", "/b/3", "/b/1", "/c", "/b/" + "x" * 200, "/a", "/b/4"]
    sizes = []
    for path in names:
        target(found, "GET", path)
        sizes.append(len(found._known) - 1)

    assert sizes == [0, 1, 1, 2, 1, 2, 2, 2, 2, 1]


@pytest.mark.parametrize(("length", "expected"), [(128, 1), (129, 0)])
def test_a_path_is_remembered_up_to_a_length(length: int, expected: int) -> None:
    """Clients choose how long they are."""
    found = named(below="/b/**")

    target(found, "GET", "/b/".ljust(length, "x"))

    assert expected == len(found._known)


def test_what_is_remembered_is_asked_anew() -> None:
    """A second request of a path may have another method, another header, another host."""
    found = named(
        blue={"path": "/b/**", "header": {"x-team": "blue"}},
        get={"path": "/b/**", "method": "GET"},
        here={"path": "/b/**", "method": "PUT", "host": "b.example"},
    )
    blue = (("x-team", "blue"),)

    asked: list[tuple[str, Any]] = [("GET", ()), ("PUT", ()), ("PUT", blue), ("GET", blue)]
    assert ["get", None, "blue", "blue"] == [
        target(found, method, "/b/1", headers=more) for method, more in asked
    ]
    assert target(found, "PUT", "/b/1", host="b.example") == "here"


def test_an_equal_match_is_equal() -> None:
    """Anything else is not."""
    assert Match("a", {"x": "1"}) == Match("a", {"x": "1"})
    assert Match("a", {}) != Match("b", {})
    assert Match("a", {}) != Match("a", {"x": "1"})
    assert Match("a", {}) != "a"


# ---- against a matcher that shares no code with the table -----------------------------------------------------------


@settings(max_examples=200)
@given(scenes(), st.randoms(use_true_random=False))
def test_the_table_agrees_with_brute_force(scene: tuple[list[Route], list[Asked]], random: Random) -> None:
    """PTH-19: in whatever order the entries stand, whatever was asked before; and what cannot be decided is reported."""
    written, asked = scene
    found = table(written)
    shuffled = [entry for route in written for entry in entries(route)]
    random.shuffle(shuffled)
    other = Table(shuffled)
    conflicts = {frozenset((one.name, another.name)) for one, another in found.conflicts()}
    hidden = {id(entry) for entry, _ in found.shadowed()}
    assert conflicts == {frozenset((one.name, another.name)) for one, another in other.conflicts()}

    for request in asked:
        decision = decide(written, request, SERVICES)
        subject = exchange(request)
        match = found.lookup(subject)
        steps = found.trace(subject)

        # lookup and allow
        assert tuple(decision.allow) == found.allow(subject)
        if decision.best:
            assert isinstance(match, Match)
            captures = tuple(sorted(match.captures.items()))
            assert (match.target, captures) in {(fit.name, fit.captures) for fit in decision.best}
        else:
            assert (NotAllowed(tuple(decision.allow)) if decision.allow else None) == match
        assert match == found.lookup(subject)
        assert match == other.lookup(subject)

        # trace: the same candidates, the same match
        taken = [step for step in steps if step.failed is None]
        assert taken[:1] == [step for step in taken if step.reached]
        assert [match] == [Match(step.entry.target, step.captures) for step in taken[:1]] or not taken
        for fits, names in (
            ([fit for fit in decision.fits if fit.allowed], taken),
            (
                [fit for fit in decision.fits if not fit.allowed],
                [step for step in steps if isinstance(step.failed, MethodCondition)],
            ),
        ):
            expected = sorted((fit.name, fit.captures) for fit in fits)
            assert expected == sorted(
                (step.entry.name, tuple(sorted(step.captures.items()))) for step in names
            )

        # what is hidden answers nothing, and equals that share a request are a conflict
        assert not [step for step in taken[:1] if id(step.entry) in hidden]
        for one, another in itertools.combinations([fit for fit in decision.fits if fit.allowed], 2):
            if one.rank == another.rank and one.name != another.name:
                assert frozenset((one.name, another.name)) in conflicts


class Freed:
    """A target that tells when it has gone."""

    count = 0

    def __del__(self) -> None:
        Freed.count += 1


def test_a_table_is_taken_apart_in_small_steps() -> None:
    """Nothing is freed at once that took long to build: 10,000 entries would hold the loop for 30 to 50 ms."""
    gc.collect()
    Freed.count = 0
    whole = 1_000
    paths = itertools.cycle(["/a{}", "/b{}/{{id}}", "/c{}/**", "/d{}/{{x:int}}/e"])
    hosts = itertools.cycle(["*", "x.example", "*.y.example"])
    taken = Table(
        Entry(Freed(), f"route{number}", PathTemplate.parse(path.format(number)), host)
        for number, path, host in zip(range(whole), paths, hosts, strict=False)
    )
    found = taken.lookup(exchange(Asked("GET", "/a0", host="x.example")))
    assert isinstance(found, Match)
    del found

    most, before = 0, 0
    for _ in taken.take_apart():
        most, before = max(most, Freed.count - before), Freed.count

    assert whole == Freed.count
    assert max(most, whole - before) <= PIECE
    assert () == taken.entries
    assert None is taken.lookup(exchange(Asked("GET", "/a0", host="x.example")))
    assert None is taken.lookup(exchange(Asked("GET", "/d3/7/e")))
