"""Conditions and matchers: what they read, as objects. What they refuse is in the corpus, file by file."""

from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.config.conditions import Condition, ConditionConfig, Match, MatcherConfig
from gatekeeper.config.document import BROKEN, read_document
from gatekeeper.config.later import is_later
from gatekeeper.config.matching import ConditionReader
from gatekeeper.policy.regex import Regex
from gatekeeper.routing.template import PathTemplate
from tests.config.plugin import KINDS, Country, CountryOptions


GET = ConditionConfig(method=("GET",))


def exact(text: str) -> MatcherConfig:
    return MatcherConfig(exact=text)


def read(text: str, kind: Any = Match) -> tuple[Any, list[str]]:
    """What a condition is read as, and what is wrong with it."""
    document = read_document(text, "f")
    reader = ConditionReader(Path(), {}, is_later, KINDS.predicates, PathTemplate.parse)
    found = reader.read(document.data, kind, "match")
    assert reader.path == []
    return found, [fault.message for fault in [*document.faults, *reader.faults]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("/x/**", {"path": ("/x/**",)}, id="a-path-alone"),
        pytest.param("{path: [/x, '/y/{id}']}", {"path": ("/x", "/y/{id}")}, id="paths"),
        pytest.param("{host: '*.example.com'}", {"host": ("*.example.com",)}, id="host"),
        pytest.param("{host: [a.example, '*']}", {"host": ("a.example", "*")}, id="hosts"),
        pytest.param("{method: [GET, PUT]}", {"method": ("GET", "PUT")}, id="methods"),
        pytest.param("{scheme: https}", {"scheme": ("https",)}, id="scheme"),
        pytest.param("{listener: [main, other]}", {"listener": ("main", "other")}, id="listeners"),
        pytest.param(
            "{address: [10.0.0.0/8, '::1']}",
            {"address": (ip_network("10.0.0.0/8"), ip_network("::1/128"))},
            id="addresses",
        ),
        pytest.param("{header: {X-A: b}}", {"header": {"x-a": (exact("b"),)}}, id="header"),
        pytest.param("{query: {A: [b, c]}}", {"query": {"A": (exact("b"), exact("c"))}}, id="query"),
        pytest.param(
            "{cookie: {a: {present: false}}}", {"cookie": {"a": (MatcherConfig(present=False),)}}, id="cookie"
        ),
        pytest.param("{not: {method: GET}}", {"not_": (GET,)}, id="not"),
        pytest.param(
            "{not: [{method: GET}, /x]}", {"not_": (GET, ConditionConfig(path=("/x",)))}, id="not-any"
        ),
        pytest.param(
            "{country: [DE, 'NO']}",
            {"predicates": {"country": CountryOptions(codes=(Country("DE"), Country("NO")))}},
            id="of-a-plugin",
        ),
        pytest.param(
            "{country: {codes: [DE]}}",
            {"predicates": {"country": CountryOptions(codes=(Country("DE"),))}},
            id="of-a-plugin-in-the-long-form",
        ),
    ],
)
def test_a_condition_is_read(text: str, expected: Mapping[str, Any]) -> None:
    """All keys, single values and lists."""
    assert ((ConditionConfig(**expected),), []) == read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b", exact("b")),
        ("{exact: ''}", exact("")),
        ("{prefix: b}", MatcherConfig(prefix="b")),
        ("{suffix: b}", MatcherConfig(suffix="b")),
        ("{contains: b}", MatcherConfig(contains="b")),
        ("{regex: 'b+'}", MatcherConfig(regex=Regex.parse("b+"))),
        ("{present: true}", MatcherConfig(present=True)),
        ("{not: b}", MatcherConfig(not_=(exact("b"),))),
        (
            "{not: [b, {not: {prefix: c}}]}",
            MatcherConfig(not_=(exact("b"), MatcherConfig(not_=(MatcherConfig(prefix="c"),)))),
        ),
    ],
)
def test_a_matcher_is_read(text: str, expected: MatcherConfig) -> None:
    """Each of its forms, alone and in a list."""
    one, faults = read(f"{{header: {{a: {text}}}}}")
    several, more = read(f"{{header: {{a: [x, {text}]}}}}")

    assert [*faults, *more] == []
    assert (expected,) == one[0].header["a"]
    assert (exact("x"), expected) == several[0].header["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/users/{id}", "/users/{id}"),
        ("{exact: '/a:b'}", MatcherConfig(exact="/a:b")),
        ("{exact: /:id}", MatcherConfig(exact="/:id")),
        ("{prefix: /a}", MatcherConfig(prefix="/a")),
        ("{suffix: .png}", MatcherConfig(suffix=".png")),
        ("{contains: '..'}", MatcherConfig(contains="..")),
        ("{regex: '/a+'}", MatcherConfig(regex=Regex.parse("/a+"))),
        ("{not: /x}", MatcherConfig(not_=("/x",))),
        ("{not: ['/x/{id}', {suffix: .png}]}", MatcherConfig(not_=("/x/{id}", MatcherConfig(suffix=".png")))),
    ],
)
def test_a_path_is_read(text: str, expected: object) -> None:
    """A template or a matcher; in a matcher, a path alone is a template too."""
    quoted = f"'{text}'" if text.startswith("/") else text
    found, faults = read(f"{{path: {quoted}}}")

    assert faults == []
    assert (expected,) == found[0].path


def test_a_share_is_for_what_runs() -> None:
    """In `when`, and negated there; a route is not found by chance."""
    condition = ConditionConfig(share=0.05)

    assert ((condition,), []) == read("{share: 5%}", Condition)
    assert ((ConditionConfig(not_=(condition,)),), []) == read("{not: {share: 5%}}", Condition)
    refused = ["`share` is no part of `match`; give the targets under `to` weights"]
    assert (BROKEN, refused) == read("{share: 5%}")
    assert (BROKEN, refused) == read("{not: {share: 5%}}")


@pytest.mark.parametrize(
    ("text", "kept", "faults"),
    [
        pytest.param("{path: /x, methd: GET}", {"path": ("/x",)}, 1, id="a-key"),
        pytest.param("{path: [/x, y], method: GET}", {"path": ("/x",), "method": ("GET",)}, 1, id="a-value"),
        pytest.param(
            "{path: /x, header: {a: 5, b: c}}", {"path": ("/x",), "header": {"b": (exact("c"),)}}, 1, id="h"
        ),
        pytest.param(
            "{path: /x, header: {a: [5, c]}}", {"path": ("/x",), "header": {"a": (exact("c"),)}}, 1, id="m"
        ),
    ],
)
def test_what_is_sound_is_kept(text: str, kept: Mapping[str, Any], faults: int) -> None:
    """So that what is wrong elsewhere is found at once."""
    found, messages = read(text)

    assert (ConditionConfig(**kept),) == found
    assert faults == len(messages)


@pytest.mark.parametrize(
    "text",
    ["{path: }", "[{path: }]", "{header: {a: }}", "{header: {a: [~]}}", "{not: }", "{path: {not: [~]}}"],
)
def test_what_is_broken_already_is_passed_over(text: str) -> None:
    """One mistake is one problem."""
    found, messages = read(text)

    assert found is BROKEN
    assert len(messages) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "`match` is empty; `/**` matches every path"),
        ("{not: []}", "the condition is empty; leave it out where everything fits"),
        ("DELETE", "`DELETE` is no condition; write `{method: DELETE}`"),
        ("users", "`users` is no condition; write a path like `/users`, or a mapping like `{method: GET}`"),
        ("/users/:id", "`:id` is text here; a capture is written `{id}`"),
        ("'/users/:'", "`:` is text here; a capture is written `{name}`"),
        (
            "/a|b",
            "`a|b` is text here, which no path holds; write a capture like `{id}` or `{id:int}`, or `path: {regex: ...}`",
        ),
        ("{query: a=b}", 'expected a mapping of names, like `{a: "b"}`, not the text `a=b`'),
        ("{header: [a, b]}", "expected a mapping of names, like `{a: {present: true}}`, not a list"),
        ("{header: 5}", "expected a mapping of names, like `{name: {present: true}}`, not the number 5"),
        ("{header: {a: [[b]]}}", "expected text, or a matcher like `{prefix: x}`, not a list"),
    ],
)
def test_what_is_nearly_right_is_told(text: str, expected: str) -> None:
    """With what was probably meant."""
    assert (BROKEN, [expected]) == read(text)


@pytest.mark.parametrize("make", [lambda text: text, lambda text: f"[/y, {text}]"])
def test_a_place_is_that_of_the_alternative(make: Callable[[str], str]) -> None:
    """Without files, it is the path alone."""
    found, _ = read(make("{path: /x}"))

    expected = ("match",) if len(found) == 1 else ("match", 1)
    assert expected == found[-1].place.path
