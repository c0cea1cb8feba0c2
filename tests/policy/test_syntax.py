"""What is read as a regular expression, and that `re` reads the same."""

import re
import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatekeeper.policy.pattern import RegexError, UnsafeRegexError, expression
from gatekeeper.policy.syntax import parse
from tests.policy.patterns import SOURCES, TEXTS


BAD, UNSAFE = RegexError, UnsafeRegexError

ESCAPES = r"is not taken; of the escapes of letters and digits there are \d \w \s \t \xhh"
LOOK = "looks around; match the text itself, or write a condition more"
REFER = "refers back to a group, which no bound of the time can be proven for; write what it shall match"


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("", BAD, "an empty pattern matches only the empty text; write `.*` for any text"),
        ("a\n", BAD, "a pattern has no line breaks; write it on one line"),
        ("a" * 1001, BAD, "a pattern has at most 1000 characters; this one has 1001"),
        (
            "([a-z]{1,100}){1,100}",
            BAD,
            (
                "the pattern stands for 10000 characters when its counts are written out, and may for 1000; "
                "write `*` or `+` instead of the counts"
            ),
        ),
        ("(" * 21 + ")" * 21, BAD, "groups stand in groups more than 20 deep"),
        # characters
        ("/日", BAD, "`日` never occurs; a path has it as `%E6%97%A5`, and header fields are latin-1"),
        ("\\", BAD, r"`\` stands at the end; write `\\` for the character"),
        (r"\pL", BAD, rf"`\p` {ESCAPES}"),
        (r"a\Z", BAD, rf"`\Z` {ESCAPES}"),
        (r"[\b]", BAD, rf"`\b` {ESCAPES}"),
        (r"\0", BAD, rf"`\0` {ESCAPES}"),
        (r"\x4", BAD, r"`\x` is followed by two hexadecimal digits"),
        # sets
        ("[ab", BAD, r"`[ab` is not closed; write `\[` for the character"),
        ("a[", BAD, r"`[` is not closed; write `\[` for the character"),
        ("[a-", BAD, r"`[a-` is not closed; write `\[` for the character"),
        ("[]a]", BAD, r"`[]` is empty; write `\]` for the character"),
        ("[^]a]", BAD, r"`[^]` is empty; write `\]` for the character"),
        (r"[^\d\D]", BAD, r"`[^\d\D]` takes no character"),
        (r"[^\x00-\xff]", BAD, r"`[^\x00-\xff]` takes no character"),
        (
            "[[:alpha:]]",
            BAD,
            r"`[` stands in a set; write `\[` for the character, or `a-zA-Z` for a named class",
        ),
        ("[z-a]", BAD, r"`z-a` is no range; write `\-` for the character"),
        (r"[a-\d]", BAD, r"`a-\d` is no range; write `\-` for the character"),
        (r"[\w-.]", BAD, r"`\w-.` is no range; write `\-` for the character"),
        # counts
        ("*.php", BAD, r"`*` repeats nothing; write `\*` for the character"),
        ("a|+", BAD, r"`+` repeats nothing; write `\+` for the character"),
        ("^*", BAD, r"`*` repeats nothing; write `\*` for the character"),
        ("a**", BAD, "`a**` has two counts; write one"),
        ("a{2}{3}", BAD, "`a{2}{` has two counts; write one"),
        ("/{id}", BAD, r"`{` begins a count such as `{2,3}`; write `\{` for the character"),
        ("a{2", BAD, r"`{` begins a count such as `{2,3}`; write `\{` for the character"),
        ("a{,}", BAD, "`a{,}` has no count; write `a*`"),
        ("a{3,2}", BAD, "`a{3,2}` has the greater count first; write `{2,3}`"),
        ("a{1001}", BAD, "`a{1001}` counts further than 1000; write `a+`"),
        ("a{2000,}", BAD, "`a{2000,}` counts further than 1000; write `a+`"),
        ("a++", BAD, "`a++` is possessive; write `a+`, what is taken needs none"),
        ("(a*)*", UNSAFE, "`(a*)*` can take exponential time: it repeats what can be empty; write `a*`"),
        ("(a?)+", UNSAFE, "`(a?)+` can take exponential time: it repeats what can be empty; write `a*`"),
        (
            "(?:a?){30}",
            UNSAFE,
            "`(?:a?){30}` can take exponential time: it repeats what can be empty; write `a{0,30}`",
        ),
        (
            "(a|b?)+",
            UNSAFE,
            "`(a|b?)+` can take exponential time: it repeats what can be empty; let it take one character at least",
        ),
        # groups
        ("(a", BAD, r"`(a` is not closed; write `\(` for the character"),
        ("a)", BAD, r"`)` closes nothing; write `\)` for the character"),
        ("(?P<1>a)", BAD, "`(?P<` is followed by a name (a-z, A-Z, 0-9 and _, no digit first) and `>`"),
        ("(?P<a>a)(?P<a>b)", BAD, "`a` is the name of two groups"),
        ("(?<a>a)", BAD, "`(?<` is a name in another notation; write `(?P<name>`"),
        ("(?>a)", BAD, "`(?>` is an atomic group; write `(?:`, what is taken needs none"),
        ("(?#a)", BAD, "`(?#` is a comment; write it behind a `#` of the file"),
        ("a(?i)", BAD, "`(?i)` stands only at the very start; write `(?i:...)`"),
        ("(?s)a", BAD, "`(?s)` is not taken; of the flags there is `(?i)`"),
        ("(?-i:a)", BAD, "`(?-i` is not taken; of the flags there is `(?i)`"),
        (r"(a)\1", UNSAFE, rf"`\1` {REFER}"),
        ("(?P<a>x)(?P=a)", UNSAFE, f"`(?P=` {REFER}"),
        ("(a)?(?(1)b|c)", UNSAFE, f"`(?(` {REFER}"),
        ("(?=a)", UNSAFE, f"`(?=` {LOOK}"),
        ("(?!a)", UNSAFE, f"`(?!` {LOOK}"),
        ("(?<=a)", UNSAFE, f"`(?<=` {LOOK}"),
        ("(?<!a)", UNSAFE, f"`(?<!` {LOOK}"),
        (r"\badmin\b", UNSAFE, rf"`\b` {LOOK}"),
        # anchors
        ("(^a)", BAD, r"`^` stands only at the very start; write `\^` for the character"),
        ("a^", BAD, r"`^` stands only at the very start; write `\^` for the character"),
        ("a$b", BAD, r"`$` stands only at the very end; write `\$` for the character"),
        ("(a$)", BAD, r"`$` stands only at the very end; write `\$` for the character"),
        ("a$$", BAD, r"`$` stands only at the very end; write `\$` for the character"),
    ],
)
def test_what_is_refused_says_what_to_write(source: str, error: type[RegexError], message: str) -> None:
    """With the piece that is meant."""
    with pytest.raises(RegexError) as caught:
        parse(source)

    assert message == str(caught.value)
    assert error is type(caught.value)


@pytest.mark.parametrize(
    ("source", "same"),
    [
        ("^/a.*$", "/a.*"),
        ("(?i)^abc$", "(?i)abc"),
        ("^a|bc$", "a|bc"),
        ("(a|b|[cd])+", "([a-d])+"),
        (r"(?:.|\n)*", "(?:.)*"),
        (r"[\d]", "[0-9]"),
        (r"\w", "[A-Za-z0-9_]"),
        (r"\x41\t\-\é", "A[\t]-é"),
        ("(?i:a)a", "(?:[aA])a"),
        ("(?i)[^a]", "[^aA]"),
        ("[-a-]", "[a-]"),
        ("[+--]", "[+,-]"),
        ("a{,3}", "a{0,3}"),
        ("]}", r"\]\}"),
    ],
)
def test_one_expression_in_two_notations(source: str, same: str) -> None:
    """They are written out alike."""
    assert expression(parse(same)[0]) == expression(parse(source)[0])


def test_groups_have_names_in_order() -> None:
    """Those without a name are not counted."""
    assert ("lang", "page") == parse("/(?P<lang>[a-z]{2})/(x|y)/(?P<page>.*)")[1]


@given(SOURCES, TEXTS.filter(lambda text: len(text) <= 12))
def test_re_reads_the_same(source: str, text: str) -> None:
    """What is refused aside."""
    try:
        tree, _ = parse(source)
    except RegexError:
        return

    expected = re.fullmatch(source, text, re.ASCII | re.DOTALL)

    assert bool(expected) is bool(re.fullmatch(expression(tree), text, re.DOTALL))


@given(
    st.text(r"ab-^$.|?*+(){}[]\dwWx0123,:iP<>", max_size=12),
    st.text("abAB-^.|(){}[]\\dwx0123,:iP", max_size=4),
)
@example("[a--]", "-")
@example("[^a-b-]", "-")
@example("a{,2}?b", "aab")
@example("[]", "")
def test_whatever_is_read_is_read_so_by_re(source: str, text: str) -> None:
    """Anything else is refused, and nothing ends in another error."""
    try:
        tree, _ = parse(source)
    except RegexError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sets that may be read otherwise one day
        expected = re.fullmatch(source, text, re.ASCII | re.DOTALL)

    assert bool(expected) is bool(re.fullmatch(expression(tree), text, re.DOTALL))
