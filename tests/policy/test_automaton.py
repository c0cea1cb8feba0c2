"""The proof of linear time, held against a matcher that counts; and what two automata share."""

from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy import automaton
from gatekeeper.policy.automaton import STEPS, Automaton, Risk
from gatekeeper.policy.pattern import RegexError, expression, literal
from gatekeeper.policy.syntax import parse
from tests.policy.patterns import SOURCES, TEXTS, Tried, short_texts, tried


def automaton_of(source: str) -> Automaton:
    return Automaton.of(parse(source)[0])


@pytest.mark.parametrize(
    ("source", "risk"),
    [
        pytest.param("[a-z0-9-]{1,63}", Risk.NONE, id="a count is written out"),
        pytest.param("(a|ab)(c|bcd)", Risk.NONE, id="two ways are not many"),
        pytest.param("a{1,30}a{1,30}", Risk.NONE, id="thirty neither"),
        pytest.param("a{1,90}a{1,90}", Risk.GROWS, id="ninety are too many"),
        pytest.param(".*bot.*", Risk.NONE, id="nobody goes back from the last loop"),
        pytest.param(".*bot.*?", Risk.NONE, id="lazy or not"),
        pytest.param("(.*)(.*)", Risk.NONE, id="several last loops"),
        pytest.param("." + ".*" * 300, Risk.GROWS, id="too many last loops"),
        pytest.param(".*bot[^/]*", Risk.GROWS, id="a last loop that can fail"),
        pytest.param(".*bot.{0,9}", Risk.NONE, id="few ways to end"),
        pytest.param(".*b.{0,99}", Risk.GROWS, id="a last loop that ends"),
        pytest.param(".*bot(..)*", Risk.GROWS, id="a last loop that may not end anywhere"),
        pytest.param(".*bot.*;", Risk.GROWS, id="a loop that is not the last"),
        pytest.param("(a+)+", Risk.GROWS, id="nested"),
        pytest.param("(?:x(?:a?)?)*", Risk.GROWS, id="two ways to be empty"),
        pytest.param(".*a.{9}", Risk.NONE, id="many cases"),
        pytest.param(".*a.{12}", Risk.UNKNOWN, id="too many cases"),
        pytest.param(
            "|".join(f"ab{number}" for number in range(150)), Risk.GROWS, id="too many alternatives"
        ),
    ],
)
def test_the_risk_of_a_pattern(source: str, risk: Risk) -> None:
    """Linear is what has few runs at each character of each text."""
    assert risk is automaton_of(source).risk()


def test_what_follows_may_fail() -> None:
    """So a last loop is not the last one for the part that it stands in."""
    part = automaton_of(".*bot.*")

    assert Risk.NONE is part.risk(last=True)
    assert Risk.GROWS is part.risk(last=False)


@pytest.mark.parametrize("limit", [8, STEPS])
@given(st.data())
def test_what_is_proven_holds(limit: int, data: st.DataObject) -> None:
    """No character of no text is tried more often than was promised, and once more by the last run.

    This counts, and has no clock; the small limit is what tells quadratic from linear in a short text.
    """
    try:
        tree, _ = parse(data.draw(SOURCES))
    except RegexError:
        return
    with mock.patch.object(automaton, "STEPS", limit):
        risk = Automaton.of(tree).risk()
    if risk is Risk.NONE:
        assert 2 * limit >= tried(expression(tree), data.draw(TEXTS)).most


@pytest.mark.parametrize(
    ("source", "text"),
    [
        pytest.param("(?:a{1,}){1,}", "a" * 12 + "b", id="exponential"),
        pytest.param(".{0,}a.{0,}b", "a" * 600, id="quadratic"),
    ],
)
def test_the_matcher_that_counts_does_go_back(source: str, text: str) -> None:
    """Else the test above would hold for anything."""
    result = tried(source, text)

    assert not result.matched
    assert 2 * STEPS < result.most


def test_the_matcher_that_counts_stops_at_the_first_match() -> None:
    """As `re` does."""
    assert Tried(matched=True, most=4) == tried(".{0,}a.{0,}", "a" * 600)


@pytest.mark.parametrize(
    ("source", "prefix"),
    [
        ("/api/v[12]/.*", "/api/v"),
        ("/(foo|foobar)/x", "/foo"),
        ("(abc|abd){2}", "ab"),
        ("a+b", "a"),
        ("a{3,5}", "aaa"),
        ("a*", ""),
        ("abc", "abc"),
        ("(?i)abc", ""),
        ("(?i)/1/a", "/1/"),
        (".*", ""),
        ("a{0}", ""),
    ],
)
def test_the_prefix_is_the_longest_one(source: str, prefix: str) -> None:
    """However it is written."""
    assert prefix == automaton_of(source).prefix()


def witness(mine: Automaton, theirs: Automaton) -> str | None:
    """The shortest text that both accept, found with its characters; None if there is none."""
    seen = {(0, 0)}
    waiting = [(0, 0, "")]
    for state, beside, text in waiting:
        if state in mine.final and beside in theirs.final:
            return text
        for after in mine.follow[state]:
            for other in theirs.follow[beside]:
                both = mine.masks[after] & theirs.masks[other]
                if both and (after, other) not in seen:
                    seen.add((after, other))
                    waiting.append((after, other, text + chr(both.bit_length() - 1)))
    return None


def accepts(mine: Automaton, text: str) -> bool:
    """Whether the automaton accepts a text of characters that can be named."""
    return mine.overlaps(Automaton.of(literal(text)))


@given(SOURCES, SOURCES)
def test_overlaps_and_within_agree_with_all_short_texts(first: str, second: str) -> None:
    """And where there is an overlap, there is a text to show for it."""
    try:
        mine, theirs = automaton_of(first), automaton_of(second)
    except RegexError:
        return
    shared = witness(mine, theirs)
    texts = [text for text in short_texts("abA-", 3) if accepts(mine, text)]

    assert (shared is not None) is mine.overlaps(theirs) is theirs.overlaps(mine)
    if not mine.overlaps(theirs):
        assert not any(accepts(theirs, text) for text in texts)
    if mine.is_within(theirs):
        assert all(accepts(theirs, text) for text in texts)


@pytest.mark.parametrize(
    ("inner", "outer", "within"),
    [
        ("/api/[0-9]+", "/api/.*", True),
        ("/api/.*", "/api/[0-9]+", False),
        ("(ab)*", "(a|b)*", True),
        ("a{2,5}", "a+", True),
        ("a+", "a{1,500}", False),
        ("(?i)get", "[A-Za-z]{3}", True),
        (".", "[^x]|x", True),
        ("a|b", "a", False),
        (r".*a.{9}", r".*a.{9}", True),
        (r".*a.{20}", r".*a.{20}", False),  # too large to say
    ],
)
def test_within(inner: str, outer: str, within: bool) -> None:
    """Every text of the one is a text of the other; in doubt it is not."""
    assert within is automaton_of(inner).is_within(automaton_of(outer))
