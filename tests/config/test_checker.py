"""What rules about several values are made of. The rules themselves are told in the tests of `config.check`."""

from typing import Any

import attrs
import pytest

from gatekeeper.config.checker import Checker, captures, pattern_captures, show_pattern, texts
from gatekeeper.config.conditions import MatcherConfig
from gatekeeper.config.document import read_document
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import Fault
from gatekeeper.config.tree import Tree, tree_of
from gatekeeper.core.text import Text, Value
from gatekeeper.policy.regex import Regex
from gatekeeper.routing.template import PathTemplate
from tests.config.plugin import KINDS


def checker(tree: Tree, *known: Fault) -> Checker:
    return Checker(GatewayConfig(), KINDS, tree, PathTemplate.parse, known)


SERVICES = tree_of(read_document("services:\n  users: http://a\n  Orders: http://b\n", "f"))


def test_what_follows_from_a_known_fault_is_not_noted() -> None:
    """Above it or below; a fault of the whole file is no reason."""
    known = checker(SERVICES, Fault("x", ("a", "b"), ""), Fault("x", (), ""))

    known.refuse("id", ("a",), "above")
    known.warn("id", ("a", "b", "c"), "below")
    known.warn("id", ("a", "b"), "itself")
    known.refuse("id", ("a", "c"), "beside", at_key=True)
    known.refuse("id", ("a", "bc"), "begins like it")
    known.refuse("id", ("b",), "called like it")
    known.warn("id", ("d",), "elsewhere")

    assert [
        Fault("id", ("a", "c"), "beside", True),
        Fault("id", ("a", "bc"), "begins like it"),
        Fault("id", ("b",), "called like it"),
        Fault("id", ("d",), "elsewhere", severity="warning"),
    ] == known.faults


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        pytest.param("users", (), [], id="there"),
        pytest.param("orders", (), [], id="the-name-that-a-wrong-one-should-be"),
        pytest.param("Orders", (), [], id="a-wrong-one"),
        pytest.param("usres", (), ["no service `usres`, why; did you mean `users` (line 2)?"], id="a-slip"),
        pytest.param(
            "zzz", (), ["no service `zzz`, why; there are `Orders`, `orders`, `users`"], id="nothing-near"
        ),
        pytest.param("zzz", (Fault("x", ("services",), ""),), [], id="the-section-is-broken"),
        pytest.param(
            "zzz",
            (Fault("x", ("services", "users"), ""), Fault("x", ("chains",), "")),
            ["no service `zzz`, why; there are `Orders`, `orders`, `users`"],
            id="something-else-is-broken",
        ),
    ],
)
def test_a_name_has_to_exist(name: str, known: tuple[Fault, ...], expected: list[str]) -> None:
    """Names that are written wrongly exist too: that is said of them, not of those who use them."""
    found = checker(SERVICES, *known)

    found.exists("services", "service", name, ("routes", "a", "to"), ", why")

    assert expected == [fault.message for fault in found.faults]


def test_nothing_is_missing_where_files_are() -> None:
    """A file that could not be read may define it."""
    found = checker(Tree(incomplete=True))

    found.exists("services", "service", "users", ("routes", "a", "to"))

    assert found.faults == []


@attrs.frozen
class Options:
    label: Text
    by: Value
    many: tuple[Text, ...]
    named: dict[str, Text]
    number: int = 5
    if_: Text = Text("{path.z}")  # noqa: RUF009 - it does not change


def test_the_texts_of_options_are_found() -> None:
    """With the way to each, by the keys that a file has."""
    options = Options(
        Text("{path.a}"), Value("path.b"), (Text("x"), Text("{route}")), {"n": Text("{path.c}")}
    )

    found = dict(texts(options))

    assert [("label",), ("by",), ("many", 0), ("many", 1), ("named", "n"), ("if",)] == list(found)
    assert [["a"], ["b"], [], [], ["c"], ["z"]] == [captures(text) for text in found.values()]


@pytest.mark.parametrize(
    ("pattern", "shown", "expected"),
    [
        ("/x", "/x", {}),
        ("/{id:int}/**", "/{id:int}/**", {"id": "int", "rest": ""}),
        ("/{v:a|b}", "/{v:a|b}", {"v": frozenset({"a", "b"})}),
        ("/{", "/{", None),
        (MatcherConfig(prefix="/x"), "prefix: /x", {"rest": ""}),
        (MatcherConfig(suffix=".png"), "suffix: .png", {}),
        (MatcherConfig(regex=Regex.parse("/(?P<id>a)(b)")), "regex: /(?P<id>a)(b)", {"id": ""}),
    ],
)
def test_what_a_pattern_captures(pattern: Any, shown: str, expected: Any) -> None:
    """None, where it is none: that has been said."""
    assert expected == pattern_captures(pattern, PathTemplate.parse)
    assert shown == show_pattern(pattern)
