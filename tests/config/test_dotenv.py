"""`.env`: what a line means, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.config.dotenv import read_dotenv
from gatekeeper.config.tree import Tree


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=value", "value"),
        ("A=", ""),
        ("A=''", ""),
        ("export A=value", "value"),
        ("  A = value  ", "value"),
        ("A=two words", "two words"),
        ("A=value # note", "value"),
        ("A= # note", ""),
        ("A=va#lue", "va#lue"),
        ("A=#lue", "#lue"),
        ("A=a=b==", "a=b=="),
        ("A=$B ${B} $(id) `id` \\n", "$B ${B} $(id) `id` \\n"),
        ("A='$B ${B} \\n # \"x\"' # note", '$B ${B} \\n # "x"'),
        ("A=\"$B ${B} # 'x'\"", "$B ${B} # 'x'"),
        (r'A="a\nb\tc\r\\ \" \$"', 'a\nb\tc\r\\ " $'),
        ('A="a"#note', "a"),
        ("A=it's", "it's"),
        ("A=value\r", "value"),
    ],
)
def test_a_line_sets_a_variable(line: str, value: str) -> None:
    """Nothing is put into it, and no command runs."""
    assert ({"A": value}, []) == read_dotenv(line, ".env")


def test_lines_without_variables_are_left_out() -> None:
    """Empty ones and comments, with any line ends."""
    text = "# note\r\n\r\n   \n  # A=1\nB=2\r\nC=3\n"

    assert read_dotenv(text, ".env") == ({"B": "2", "C": "3"}, [])


LINE = "a line is `NAME=value`, or a comment behind `#` [bad-value]"
CLOSED = "the quote is not closed in this line; write a line break as `\\n`, in double quotes [bad-value]"
BEHIND = 'something stands behind the closing quote; write `\\"` for a quote in double quotes [bad-value]'
ESCAPE = 'a backslash in double quotes stands before n, r, t, \\, " or $; use single quotes for a literal one [bad-value]'


@pytest.mark.parametrize(
    ("text", "problems", "found"),
    [
        ("s3cret", [f".env:1:1: {LINE}"], {}),
        ("1A=s3cret", [f".env:1:1: {LINE}"], {}),
        ("  A-B=s3cret", [f".env:1:3: {LINE}"], {}),
        ("export A s3cret", [f".env:1:1: {LINE}"], {}),
        ("A='s3cret", [f".env:1:1: `A`: {CLOSED}"], {}),
        ('A="s3cret\\"', [f".env:1:1: `A`: {CLOSED}"], {}),
        ('A="s3" cret', [f".env:1:1: `A`: {BEHIND}"], {}),
        (r'A="s3\cret"', [f".env:1:1: `A`: {ESCAPE}"], {}),
        (
            "A=1\nB=s3cret\n\nB=s3cret2\nC",
            [".env:4:1: `B` stands in lines 2 and 4 [duplicate-key]", f".env:5:1: {LINE}"],
            {"A": "1", "B": "s3cret"},
        ),
    ],
)
def test_a_bad_line_is_refused_without_showing_it(
    text: str, problems: list[str], found: dict[str, str]
) -> None:
    """All of them, and the others are read; a value may be a secret."""
    variables, faults = read_dotenv(text, ".env")

    assert problems == [str(Tree().problem(fault)) for fault in faults]
    assert found == variables
    assert "s3" not in "".join(problems)


@given(st.text(st.characters(exclude_characters="'\n\r", exclude_categories=["Cs"])))
def test_single_quotes_take_everything_as_it_stands(value: str) -> None:
    """But line ends, and single quotes."""
    assert read_dotenv(f"A='{value}'", ".env") == ({"A": value}, [])


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Or refused, line by line."""
    found, faults = read_dotenv(text, ".env")

    assert all("\n" not in name for name in found)
    assert all(fault.line for fault in faults)
