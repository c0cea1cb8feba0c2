"""Regular expressions that people write into gateway.yaml and clients choose the text for.

Python's `re` goes back when a way through the pattern fails, and some patterns have a number of ways that is quadratic
or exponential in the length of the text: `(a+)+` needs a minute for 30 characters. So a pattern is taken only if its
time is proven to be linear (`policy.automaton`), and refused with what to write instead.

What differs from `re`: a pattern matches the whole text, so `^` and `$` around it say nothing; `.` takes any
character, line breaks too, which occur in no path and no header field; letters, digits and blanks are those of ASCII,
also for `(?i)`. What is linear is found exactly, up to limits, which is why `.*bot.*` is taken and `.*x.*y` is not.

Measured: 0.2 to 3 ms to read what people write, 0.5 s for the worst of 12,000 random patterns; 0.3 to 0.5 µs to match
a path of 30 characters; 17 ms for the worst of 6,400 random patterns that were taken and a text of 8,000.
"""

import re
from collections.abc import Callable
from typing import Final

import attrs

from gatekeeper.policy.automaton import STEPS, Automaton, Risk
from gatekeeper.policy.pattern import (
    ANY,
    Chars,
    Choice,
    Node,
    RegexError,
    Repeat,
    Sequence,
    UnsafeRegexError,
    can_be_empty,
    expression,
    is_endless,
    literal,
    literals,
    ungrouped,
)
from gatekeeper.policy.syntax import parse


__all__ = ["Regex", "RegexError", "UnsafeRegexError"]

_ANYTHING: Final = Repeat(".*", Chars(".", ANY), 0, None)


@attrs.frozen(repr=False)
class Regex:
    """A regular expression whose time is linear. Make one with `Regex.parse`."""

    source: str
    groups: tuple[str, ...] = attrs.field(eq=False)
    """The names of its groups, in order."""
    prefix: str = attrs.field(eq=False)
    """The longest text that every match begins with."""
    literal: int = attrs.field(eq=False)
    """The number of literal characters that every match contains, at least."""
    _fullmatch: Callable[[str], re.Match[str] | None] = attrs.field(eq=False)
    _automaton: Automaton = attrs.field(eq=False)

    @classmethod
    def parse(cls, source: str) -> "Regex":
        """Read a regular expression and prove that it is linear.

        Raises:
            RegexError: it is none, or one that is not taken; the message says what to write.
            UnsafeRegexError: it can take more time than its text is long, or may for all that can be proven.

        """
        tree, groups = parse(source)
        regex = cls._of(source, tree, groups)
        risk = regex._automaton.risk()
        if risk is Risk.UNKNOWN:
            raise UnsafeRegexError(
                f"`{source}` is too large to prove that its time is linear; write smaller counts, or several patterns"
            )
        if risk is Risk.GROWS:
            raise UnsafeRegexError(_why(tree))
        return regex

    @classmethod
    def of_literal(cls, text: str) -> "Regex":
        """The expression of one text.

        Raises:
            RegexError: a character is beyond latin-1.

        """
        return cls._of(re.escape(text), literal(text))

    @classmethod
    def of_prefix(cls, text: str) -> "Regex":
        """The expression of all texts that begin so.

        Raises:
            RegexError: a character is beyond latin-1.

        """
        source = re.escape(text) + ".*"
        return cls._of(source, Sequence(source, (*literal(text).items, _ANYTHING)))

    @classmethod
    def _of(cls, source: str, tree: Node, groups: tuple[str, ...] = ()) -> "Regex":
        automaton = Automaton.of(tree)
        fullmatch = re.compile(expression(tree), re.DOTALL).fullmatch
        return cls(source, groups, automaton.prefix(), literals(tree), fullmatch, automaton)

    def match(self, text: str) -> dict[str, str] | None:
        """The named groups of a text that matches as a whole, empty where one took no part; None if it does not."""
        found = self._fullmatch(text)
        return None if found is None else found.groupdict("")

    def accepts(self, text: str) -> bool:
        """Whether the text matches as a whole."""
        return self._fullmatch(text) is not None

    def overlaps(self, other: "Regex") -> bool:
        """Whether some text is matched by both; exact."""
        return self._automaton.overlaps(other._automaton)

    def is_within(self, other: "Regex") -> bool:
        """Whether every text that it matches is matched by the other too; False where that takes too long to say."""
        return self._automaton.is_within(other._automaton)

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return f"Regex({self.source!r})"


# ---- what is wrong, and what to write instead ---------------------------------------------------------------------


def _is_safe(node: Node, *, last: bool) -> bool:
    return Automaton.of(node).risk(last=last) is Risk.NONE


def _why(tree: Node, *, last: bool = True) -> str:
    """Name the smallest part that is not linear; `last` says that nothing follows it that may fail."""
    node = ungrouped(tree)
    match node:
        case Choice():
            for item in node.items:
                if not _is_safe(item, last=last):
                    return _why(item, last=last)
            return (
                f"`{node.text}` has too many alternatives: it needs more than {STEPS} steps for a character; "
                "write several patterns"
            )
        case Repeat():
            inner_last = last and node.most == 1
            if not _is_safe(node.body, last=inner_last):
                return _why(node.body, last=inner_last)
            return _why_repeat(node)
        case Sequence():
            end = len(node.items) - 1
            for index, item in enumerate(node.items):
                if not _is_safe(item, last=last and index == end):
                    return _why(item, last=last and index == end)
            return _why_sequence(node.items, last=last)
    raise AssertionError(f"one character is linear: {node.text}")


def _why_repeat(node: Repeat) -> str:
    inner = ungrouped(node.body)
    alternatives = inner.items if isinstance(inner, Choice) else ()
    endless = next(
        (item for item in map(ungrouped, alternatives) if isinstance(item, Repeat) and item.most is None),
        None,
    )
    if endless:
        what, hint = (
            "a repetition inside of a repetition",
            f"write `{endless.body.text}` for `{endless.text}`",
        )
    elif alternatives:
        what = "its alternatives can begin with the same text"
        hint = "let each begin with a character that the others do not begin with"
    elif isinstance(inner, Repeat):
        count = "*" if can_be_empty(node) else "+"
        if node.most and inner.most:
            count = f"{{{node.least * inner.least},{node.most * inner.most}}}"
        what, hint = "a repetition inside of a repetition", f"write `{inner.body.text}{count}`"
    else:
        what = "it repeats what can itself take the text of several repetitions"
        hint = "let each end with a character that stands nowhere else in it, as in `([a-z]+,)*`"
    time = "exponential" if node.most is None else "quadratic" if is_endless(inner) else ""
    return f"`{node.text}` {_time(time)}: {what}; {hint}"


def _why_sequence(items: tuple[Node, ...], *, last: bool) -> str:
    """Each item is linear, together they are not: find the first and the last one that it takes."""
    end = next(
        end
        for end in range(2, len(items) + 1)
        if not _is_safe(Sequence("", items[:end]), last=last and end == len(items))
    )
    start = next(
        start
        for start in reversed(range(end - 1))
        if not _is_safe(Sequence("", items[start:end]), last=last and end == len(items))
    )
    first, final = items[start], items[end - 1]
    text = "".join(item.text for item in items[start:])
    hint = "put between them what neither takes, or write one of them"
    repeated, beside = ungrouped(first), ungrouped(items[start + 1])
    if isinstance(repeated, Repeat) and repeated.body.text == "." and _is_literal(beside):
        write = f"[^{beside.text}]{repeated.text[1:]}"
        hint = f"write `{write}` for the first if it need not take `{beside.text}`"
    time = "quadratic" if is_endless(first) and is_endless(final) else ""
    what = f"`{first.text}` and the later `{final.text}` can take the same text"
    return f"`{text}` {_time(time)}: {what}; {hint}"


def _is_literal(node: Node) -> bool:
    return isinstance(node, Chars) and literals(node) == 1


def _time(time: str) -> str:
    return f"can take {time} time" if time else f"can take more than {STEPS} steps for a character"
