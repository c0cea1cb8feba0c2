"""Path templates: what they read, refuse, capture and how they rank."""

import re
from collections.abc import Callable

import pytest

from gatekeeper.routing.template import Capture, PathTemplate, Segment


PARSE = PathTemplate.parse


@pytest.mark.parametrize(
    ("text", "segments", "prefix"),
    [
        ("/", ("",), False),
        ("/users", ("users",), False),
        ("/users/", ("users", ""), False),
        ("/**", (), True),
        ("/api/**", ("api",), True),
        ("/users/{id}", ("users", Capture("id")), False),
        ("/users/{id:int}/", ("users", Capture("id", "int"), ""), False),
        ("/{v:v1|v2}/**", (Capture("v", "choice", frozenset({"v1", "v2"})),), True),
        ("/{to:service}", (Capture("to", "service", frozenset()),), False),
        ("/{rest}", (Capture("rest"),), False),
        ("/café du/a%7Eb", ("caf%C3%A9%20du", "a~b"), False),
        ("/~/a.b/...", ("~", "a.b", "..."), False),
        ("/{a:é|b c}", (Capture("a", "choice", frozenset({"%C3%A9", "b%20c"})),), False),
        ("/v1/x:cancel", ("v1", "x:cancel"), False),
    ],
)
def test_a_template_is_read_into_segments(text: str, segments: tuple[Segment, ...], prefix: bool) -> None:
    """Literals are kept in the form that paths are decided in."""
    template = PARSE(text)

    assert segments == template.segments
    assert prefix is template.prefix
    assert text == str(template)


@pytest.mark.parametrize(
    ("template", "same", "text"),
    [
        (PathTemplate.exact("/"), "/", "/"),
        (PathTemplate.exact("/a/b/"), "/a/b/", "/a/b/"),
        (PathTemplate.exact("/%61/café"), "/a/café", "/%61/café"),
        (PathTemplate.below("/"), "/**", "/**"),
        (PathTemplate.below("/a"), "/a/**", "/a/**"),
        (PathTemplate.below("/a/"), "/a/**", "/a/**"),
    ],
)
def test_literal_text_makes_a_template(template: PathTemplate, same: str, text: str) -> None:
    """One path, or all below one; what is below `/a/` is below `/a`."""
    assert (PARSE(same).segments, PARSE(same).prefix) == (template.segments, template.prefix)
    assert PARSE(same).rank == template.rank
    assert text == str(template)


def test_in_literal_text_braces_and_asterisks_mean_nothing() -> None:
    """They are characters of the path."""
    assert PathTemplate.exact("/{id}/**").literal == "/%7Bid%7D/**"
    assert PathTemplate.below("/*").segments == ("*",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "a path begins with `/`: write `/a`"),
        ("", "a path begins with `/`: write `/`"),
        ("/a//b", "`//` never matches: empty segments are merged before routes are compared"),
        ("/a//", "`//` never matches: empty segments are merged before routes are compared"),
        ("/../a", "`..` never matches: dot segments are resolved before routes are compared"),
        ("/a?b", "a path ends before `?` and `#`"),
    ],
)
@pytest.mark.parametrize("make", [PathTemplate.exact, PathTemplate.below])
def test_literal_text_that_no_request_has_is_refused(
    make: Callable[[str], object], text: str, message: str
) -> None:
    """As in templates."""
    with pytest.raises(ValueError, match=re.escape(message)):
        make(text)


@pytest.mark.parametrize(
    ("text", "path", "captures"),
    [
        ("/", "/", {}),
        ("/a", "/a", {}),
        ("/a", "/a/", None),
        ("/a", "/a/b", None),
        ("/a", "/b", None),
        ("/a/{x}/c", "/a/b", None),
        ("/a/{x}/c", "/a/b/d", None),
        ("/{x}/{y}", "/a/b", {"x": "a", "y": "b"}),
        ("/{x}/{y:int}", "/a/b", None),
        ("/a/", "/a", None),
        ("/a/{x}", "/a/b", {"x": "b"}),
        ("/a/{x}", "/a/", None),
        ("/a/{x:int}", "/a/b", None),
        ("/a/**", "/a", {"rest": ""}),
        ("/a/**", "/a/b/c/", {"rest": "b/c/"}),
        ("/a/**", "/ab", None),
        ("/{x}/b/**", "/a/b/c", {"x": "a", "rest": "c"}),
        ("/{x}/b/**", "/a", None),
        ("/**", "/", {"rest": ""}),
    ],
)
def test_a_template_fits_a_path(text: str, path: str, captures: dict[str, str] | None) -> None:
    """By itself, where no table looks it up."""
    assert captures == PARSE(text).fits(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("users", "a path begins with `/`: write `/users`"),
        ("", "a path begins with `/`: write `/`"),
        ("/a//b", "`//` never matches: empty segments are merged before routes are compared"),
        ("/a//**", "`//` never matches: empty segments are merged before routes are compared"),
        ("/a/../b", "`..` never matches: dot segments are resolved before routes are compared"),
        ("/%2e/b", "`%2e` never matches: dot segments are resolved before routes are compared"),
        ("/a%2fb", "`a%2fb` never matches: the path holds an encoded slash or backslash, which is refused"),
        ("/a\\b", "`a\\b` never matches: the path holds a byte that has to be escaped, which is refused"),
        ("/a?b=1", "a path ends before `?` and `#`"),
        ("/**/x", "`**` stands only at the end"),
        ("/*/x", "`*`: write `{name}` for one segment, or `/**` at the end for everything below"),
        ("/api*", "`api*`: write `{name}` for one segment, or `/**` at the end for everything below"),
        ("/{id}/{id}", "`id` is captured twice"),
        ("/{id}/{x}/{id}", "`id` is captured twice"),
        ("/a/**/", "`**` stands only at the end"),
        ("//", "`//` never matches: empty segments are merged before routes are compared"),
        ("/a#b", "a path ends before `?` and `#`"),
        ("/x{id}", "`x{id}`: a capture takes a whole segment"),
        ("/id}", "`id}` is no capture: write `{name}` or `{name:type}`"),
        ("/a\x7f", "`a\x7f` never matches: the path holds a control character, which is refused"),
        ("/{rest}/**", "`rest` is captured twice"),
        ("/{id}.json", "`{id}.json`: a capture takes a whole segment"),
        ("/{}", "`{}` is no capture: write `{name}` or `{name:type}`"),
        ("/{1d}", "`{1d}` is no capture: write `{name}` or `{name:type}`"),
        ("/{id", "`{id` is no capture: write `{name}` or `{name:type}`"),
        (
            "/{id:integer}",
            "`{id:integer}`: no type `integer`; there are int, uuid, slug, date, service, and choices as in `{id:a|b}`",
        ),
        ("/{v:v1|}", "`{v:v1|}`: one of the choices is empty"),
        ("/{v:v1|v1}", "`{v:v1|v1}`: a choice stands twice"),
        ("/{v:a|..}", "`..` never matches: dot segments are resolved before routes are compared"),
    ],
)
def test_what_is_no_template_is_refused_with_what_to_write(text: str, message: str) -> None:
    """A template that could never match is a mistake, not a route."""
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        PARSE(text)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("kind", "accepted", "refused"),
    [
        ("", ["x", "7", "a.b", "%C3%A9"], [""]),
        (":int", ["0", "7", "007"], ["", "-7", "7a", "٣", "7\n"]),
        (
            ":uuid",
            ["6f9619ff-8b86-d011-b42d-00c04fc964ff", "6F9619FF-8B86-D011-B42D-00C04FC964FF"],
            ["6f9619ff8b86", "6f9619ff-8b86-d011-b42d-00c04fc964fg", "6f9619ff-8b86-d011-b42d-00c04fc964ff0"],
        ),
        (":slug", ["a", "blue-shoes-7"], ["", "-a", "a-", "a--b", "Blue", "a_b"]),
        (
            ":date",
            ["2026-02-28", "2026-01-01", "2026-09-30", "2026-10-09", "2026-12-31"],
            ["2026-13-01", "2026-00-10", "2026-01-32", "2026-01-00", "26-01-01", "2026-1-1"],
        ),
        (":v1|v2", ["v1", "v2"], ["v3", "", "v1|v2"]),
        (":service", ["users"], ["orders", ""]),
    ],
)
def test_a_capture_takes_one_segment_of_its_type(kind: str, accepted: list[str], refused: list[str]) -> None:
    """An empty segment is never captured."""
    (capture,) = PARSE(f"/{{x{kind}}}", services={"users"}).segments

    assert isinstance(capture, Capture)
    assert accepted == [segment for segment in accepted + refused if capture.accepts(segment)]


def test_service_captures_can_be_bound_later() -> None:
    """The names of services are known when a snapshot is built; until then such a capture takes nothing."""
    template = PARSE("/a/{to:service}/{x}/{v:b|c}")

    bound = template.bind(["users"])

    choice = Capture("v", "choice", frozenset({"b", "c"}))
    assert ("a", Capture("to", "service", frozenset()), Capture("x"), choice) == template.segments
    assert ("a", Capture("to", "service", frozenset({"users"})), Capture("x"), choice) == bound.segments


def test_captures_tell_the_types() -> None:
    """A checker of placeholders needs the names, and what a capture may be."""
    template = PARSE("/v1/{a}/{b:int}/{c:x|y}/{d:service}/**", services={"users"})

    expected = {"a": "", "b": "int", "c": frozenset({"x", "y"}), "d": "service", "rest": ""}

    assert expected == template.captures
    assert tuple(expected)[:-1] == template.names
    assert PARSE("/a").captures == {}


@pytest.mark.parametrize(
    ("text", "literal"), [("/", "/"), ("/a/b/", "/a/b/"), ("/a/**", None), ("/{x}", None)]
)
def test_literal_is_the_only_path_that_matches(text: str, literal: str | None) -> None:
    """Such a template needs no tree."""
    assert literal == PARSE(text).literal


def test_templates_rank_by_form_then_by_literal_text_then_by_depth() -> None:
    """Exact before template before prefix; longer literal first."""
    ranked = [
        "/users/admin",
        "/users",
        "/users/{id}/items",
        "/users/{id}",
        "/{x}/b",
        "/{x}",
        "/users/admin/**",
        "/users/**",
        "/{service}/{version}/**",
        "/{service}/**",
        "/**",
    ]

    reversed_ = ranked[::-1]

    assert ranked == sorted(reversed_, key=lambda text: PARSE(text).rank, reverse=True)
    assert [(3, 8, 3), (2, 6, 2), (1, 3, 1), (1, 0, 0)] == [
        PARSE(text).rank for text in ("/ab/c/de", "/users/{id}", "/ab/**", "/**")
    ]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("x", "x:int", True),
        ("x:int", "x:int", True),
        ("x:int", "x:slug", True),
        ("x:int", "x:uuid", False),
        ("x:int", "x:date", False),
        ("x:uuid", "x:date", False),
        ("x:slug", "x:uuid", True),
        ("x:slug", "x:date", True),
        ("x:a|b", "x", True),
        ("x:a|b", "x:b|c", True),
        ("x:a|b", "x:c|d", False),
        ("x:a|7", "x:int", True),
        ("x:a|b", "x:int", False),
        ("x:service", "x:users|y", True),
    ],
)
def test_captures_overlap_where_a_segment_fits_both(one: str, other: str, expected: bool) -> None:
    """In both directions."""
    (first,) = PARSE(f"/{{{one}}}", services={"users"}).segments
    (second,) = PARSE(f"/{{{other}}}").segments
    assert isinstance(first, Capture)
    assert isinstance(second, Capture)

    assert expected is first.overlaps(second)
    assert expected is second.overlaps(first)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("x", "x:int"),
        ("x", "x:a|b"),
        ("x:int", "y:int"),
        ("x:int", "x:1|2"),
        ("x:slug", "x:int"),
        ("x:slug", "x:date"),
        ("x:a|b|c", "x:a|b"),
        ("x:users|y", "x:service"),
    ],
)
def test_a_capture_covers_another(wide: str, narrow: str) -> None:
    """Every segment of the one is one of the other's, and not the other way round unless they are the same."""
    (first,) = PARSE(f"/{{{wide}}}", services={"users"}).segments
    (second,) = PARSE(f"/{{{narrow}}}", services={"users"}).segments
    assert isinstance(first, Capture)
    assert isinstance(second, Capture)

    assert first.covers(second)
    assert (first.key == second.key) is second.covers(first)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        pytest.param("x:slug", "x:uuid", id="a-uuid-may-be-in-upper-case"),
        pytest.param("x:int", "x:date", id="apart"),
        pytest.param("x:int", "x:slug", id="broader"),
        pytest.param("x:a|b", "x:b|c", id="one-choice-in-common"),
    ],
)
def test_a_capture_does_not_cover_what_it_takes_in_part(wide: str, narrow: str) -> None:
    """One segment that it does not take is enough."""
    (first,) = PARSE(f"/{{{wide}}}").segments
    (second,) = PARSE(f"/{{{narrow}}}").segments
    assert isinstance(first, Capture)
    assert isinstance(second, Capture)

    assert not first.covers(second)
