"""The tree of a regular expression, and what it is written out as."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy.pattern import (
    ANY,
    Chars,
    Group,
    RegexError,
    Repeat,
    can_be_empty,
    code_of,
    expression,
    is_endless,
    literal,
    literals,
    size,
    ungrouped,
)
from gatekeeper.policy.syntax import parse


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("abc", "abc"),
        (r"a\.b", r"a\.b"),
        ("a+b*?c?", "a{1,}b{0,}?c{0,1}"),
        ("(a)(?:b)(?P<x>c){2}", "(?:a)(?:b)(?P<x>c){2,2}"),
        ("(a|bc)", "(?:a|bc)"),
        ("(?i)a1", r"[\x41\x61]1"),
        ("[a-c]", r"[\x61\x62\x63]"),
        ("[^a]", r"[^\x61]"),
        (r"[\s\S]", "."),
        ("a|b", r"[\x61\x62]"),
    ],
)
def test_it_is_written_out_for_re(source: str, written: str) -> None:
    """In few forms, which are read in one way only."""
    assert written == expression(parse(source)[0])


@pytest.mark.parametrize(
    ("source", "empty", "endless", "literal_chars", "positions"),
    [
        ("abc", False, False, 3, 3),
        ("/.*", False, True, 1, 2),
        ("(abc|de)?x", False, False, 1, 6),
        ("(abc|de)x", False, False, 3, 6),
        ("(ab){2,4}", False, False, 4, 8),
        ("(ab){3,}", False, True, 6, 6),
        ("(a+|b)?", True, True, 0, 2),
        ("(a*)(b?)", True, True, 0, 2),
        ("a{0}", True, False, 0, 0),
        ("(|ab)", True, False, 0, 2),
        ("[ab]c", False, False, 1, 2),
        ("(abc|d)(e|fg)", False, False, 2, 7),
        ("(a{2,3}|b{4})", False, False, 2, 7),
    ],
)
def test_what_a_tree_tells(
    source: str, empty: bool, endless: bool, literal_chars: int, positions: int
) -> None:
    """Without an automaton."""
    tree, _ = parse(source)

    assert empty is can_be_empty(tree)
    assert endless is is_endless(tree)
    assert literal_chars == literals(tree)
    assert positions == size(tree)


def test_groups_are_looked_through() -> None:
    """However many there are."""
    inner = Repeat(".*", Chars(".", ANY), 0, None)

    assert inner == ungrouped(Group("((.*))", Group("(.*)", inner)))


@pytest.mark.parametrize(("char", "code"), [("a", 97), ("\x00", 0), ("\xff", 255)])
def test_a_character_has_a_code(char: str, code: int) -> None:
    """Up to the last one of latin-1."""
    assert code == code_of(char)
    assert (Chars(char, 1 << code), Chars("b", 1 << 98)) == literal(char + "b").items


@pytest.mark.parametrize(
    ("char", "escaped"), [("\u0100", "%C4%80"), ("\u20ac", "%E2%82%AC"), ("\ud800", "%3F")]
)
def test_a_character_beyond_latin_1_is_refused(char: str, escaped: str) -> None:
    """With what a path has instead."""
    with pytest.raises(RegexError, match=f"a path has it as `{escaped}`"):
        literal(f"a{char}")


@given(st.text(st.characters(max_codepoint=255)), st.text(max_size=3))
def test_a_literal_matches_itself_only(text: str, other: str) -> None:
    """Whatever stands in it."""
    is_match = re.compile(expression(literal(text)), re.DOTALL).fullmatch

    assert is_match(text)
    assert (text == other) is bool(is_match(other))
