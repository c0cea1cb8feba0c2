"""Random patterns, texts made to hurt them, and a matcher that goes back as `re` does and counts its steps."""

import importlib
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs
from hypothesis import strategies as st


LETTERS = "abA"


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    counts = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}", "{2,}", "{,3}?"])
    atoms = st.one_of(
        st.sampled_from(["a", "b", "A", ".", "[ab]", "[^a]", r"\w", r"\W", r"\x61", "(?i:a)", "(?i:[^b])"]),
        st.builds("(?:{})".format, inner),
        st.builds("({})".format, inner),
    )
    items = st.one_of(atoms, st.builds("{}{}".format, atoms, counts))
    return st.one_of(
        st.builds("".join, st.lists(items, min_size=1, max_size=4)),
        st.builds("|".join, st.lists(inner, min_size=2, max_size=3)),
    )


SOURCES = st.recursive(st.sampled_from(["a", "b", ".*", "[ab]*", "ab", "a*"]), _grown, max_leaves=8)
"""Regular expressions, many of which are not linear."""

WORDS = st.text(LETTERS, max_size=4)
TEXTS = st.one_of(
    st.text(LETTERS + "-", max_size=12),
    st.builds(
        lambda before, again, times, after: before + again * times + after,
        WORDS,
        WORDS,
        st.integers(0, 40),
        WORDS,
    ),
)
"""Short texts, and long ones in which a word is pumped."""


def short_texts(letters: str, longest: int) -> Iterator[str]:
    """All texts up to a length, the shortest first."""
    for length in range(longest + 1):
        yield from map("".join, itertools.product(letters, repeat=length))


@attrs.frozen
class Tried:
    """What came of a match: whether, and how many characters were tried at the place of the text where it was most."""

    matched: bool
    most: int


def tried(expression: str, text: str) -> Tried:
    """Match as `re` does, without what makes it faster: no look at the next character, no set of dead ends."""
    parser: Any = importlib.import_module("re._parser")
    program: list[Any] = []
    _compile(list(parser.parse(expression)), program)
    steps: Counter[int] = Counter()
    ways = [(0, 0)]
    while ways:
        at, place = ways.pop()
        if at == len(program):
            steps[place] += 1
            if place == len(text):
                return Tried(matched=True, most=max(steps.values()))
        elif isinstance(program[at], tuple):
            ways += [(to, place) for to in reversed(program[at])]
        else:
            steps[place] += 1
            if place < len(text) and program[at](text[place]):
                ways.append((at + 1, place + 1))
    return Tried(matched=False, most=max(steps.values()))


def _compile(items: list[Any], program: list[Any]) -> None:
    """Write a program: what takes a character, or a tuple of the places to go on at, the best one first."""
    for op, argument in items:
        match str(op):
            case "SUBPATTERN":
                _compile(list(argument[3]), program)
            case "BRANCH":
                fork = len(program)
                program.append(())
                ends = []
                for branch in argument[1]:
                    program[fork] += (len(program),)
                    _compile(list(branch), program)
                    ends.append(len(program))
                    program.append(())
                for end in ends:
                    program[end] = (len(program),)
            case "MAX_REPEAT" | "MIN_REPEAT":
                _repeat(argument, program, lazy=str(op) == "MIN_REPEAT")
            case _:
                program.append(_takes(str(op), argument))


def _repeat(argument: Any, program: list[Any], *, lazy: bool) -> None:
    least, most, body = argument
    for _ in range(least):
        _compile(list(body), program)
    endless = str(most) == "MAXREPEAT"
    forks = []
    for _ in range(1 if endless else most - least):
        forks.append(len(program))
        program.append(())
        _compile(list(body), program)
    if endless:
        program.append((forks[0],))
    for fork in forks:
        program[fork] = (len(program), fork + 1) if lazy else (fork + 1, len(program))


def _takes(op: str, argument: Any) -> Any:
    match op:
        case "ANY":
            return lambda _: True
        case "LITERAL":
            return lambda char: ord(char) == argument
        case "NOT_LITERAL":
            return lambda char: ord(char) != argument
        case "RANGE":
            return lambda char: argument[0] <= ord(char) <= argument[1]
        case "IN":
            negated = str(argument[0][0]) == "NEGATE"
            members = [_takes(str(inner), value) for inner, value in argument[negated:]]
            return lambda char: negated != any(member(char) for member in members)
    raise AssertionError(op)
