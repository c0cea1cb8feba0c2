"""The syntax of the regular expressions that are taken.

It is Python's, without what no automaton can do (back-references, look-around) and without what one reader understands
differently from another (`[[:alpha:]]`, `a{`, a flag in the middle).
"""

import re
from typing import Final

from gatekeeper.policy.pattern import (
    ANY,
    LATIN1,
    Chars,
    Choice,
    Group,
    Node,
    RegexError,
    Repeat,
    Sequence,
    UnsafeRegexError,
    can_be_empty,
    code_of,
    size,
    ungrouped,
)


COUNT: Final = 1000
"""How often a count may repeat, how long a source may be, and how many characters a tree may stand for."""
_DEPTH: Final = 20

_UPPER: Final = sum(1 << code for code in range(ord("A"), ord("Z") + 1))
_CASE: Final = ord("a") - ord("A")


def parse(source: str) -> tuple[Node, tuple[str, ...]]:
    """Read a regular expression; returns its tree and the names of its groups, in order.

    Raises:
        RegexError: it is none, or one that is not taken.
        UnsafeRegexError: that is because no bound of its time can be proven.

    """
    if not source:
        raise RegexError("an empty pattern matches only the empty text; write `.*` for any text")
    if len(source) > COUNT:
        raise RegexError(f"a pattern has at most {COUNT} characters; this one has {len(source)}")
    if "\n" in source:
        raise RegexError("a pattern has no line breaks; write it on one line")
    parser = _Parser(source)
    tree = parser.whole()
    if size(tree) > COUNT:
        raise RegexError(
            f"the pattern stands for {size(tree)} characters when its counts are written out, and may for {COUNT}; "
            "write `*` or `+` instead of the counts"
        )
    return tree, tuple(parser.names)


def _class(escape: str) -> int:
    is_in = re.compile(escape, re.ASCII).match
    return sum(1 << code for code in range(LATIN1) if is_in(chr(code)))


_CLASSES: Final = {name: _class(f"\\{name}") for name in "dws"}
_CLASSES.update({name.upper(): ANY ^ mask for name, mask in _CLASSES.items()})
_CONTROLS: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}

_COUNTED: Final = re.compile(r"(?:[*+?]|\{([0-9]*)(?:(,)([0-9]*))?\})([?+]?)")
_SIGNS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}")
_NAME: Final = re.compile(r"\(\?P<([A-Za-z_][A-Za-z0-9_]*)>")

_LOOK: Final = "looks around; match the text itself, or write a condition more"
_REFER: Final = (
    "refers back to a group, which no bound of the time can be proven for; write what it shall match"
)
_UNSAFE: Final = {
    "(?=": _LOOK,
    "(?!": _LOOK,
    "(?<=": _LOOK,
    "(?<!": _LOOK,
    "(?P=": _REFER,
    "(?(": _REFER,
}
_NOT_TAKEN: Final = {
    "(?>": "is an atomic group; write `(?:`, what is taken needs none",
    "(?#": "is a comment; write it behind a `#` of the file",
    "(?<": "is a name in another notation; write `(?P<name>`",
    "(?i)": "stands only at the very start; write `(?i:...)`",
}


class _Parser:
    __slots__ = ("_at", "_depth", "_fold", "_source", "names")

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._depth = 0
        self._fold = False
        self.names: list[str] = []

    def whole(self) -> Node:
        self._fold = self._took("(?i)")
        self._took("^")
        tree = self._choice()
        if self._rest(1) == ")":
            raise RegexError(r"`)` closes nothing; write `\)` for the character")
        return tree

    def _rest(self, length: int) -> str:
        return self._source[self._at : self._at + length]

    def _took(self, text: str) -> bool:
        if not self._source.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _choice(self) -> Node:
        start = self._at
        items = [self._sequence()]
        while self._took("|"):
            items.append(self._sequence())
        if len(items) == 1:
            return items[0]
        text = self._source[start : self._at]
        mask = 0
        for item in items:
            if not isinstance(item, Chars):
                return Choice(text, tuple(items))
            mask |= item.mask
        return Chars(text, mask)

    def _sequence(self) -> Node:
        start = self._at
        items: list[Node] = []
        while self._rest(1) not in {"", "|", ")"}:
            if self._rest(2) == "$" and not self._depth:  # two are asked for, so it is the last one
                self._at += 1
                return self._joined(self._source[start:-1], items)
            items.append(self._item())
        return self._joined(self._source[start : self._at], items)

    def _joined(self, text: str, items: list[Node]) -> Node:
        return items[0] if len(items) == 1 else Sequence(text, tuple(items))

    def _item(self) -> Node:
        start = self._at
        body = self._atom()
        counted = _COUNTED.match(self._source, self._at)
        if counted is None:
            return body
        self._at = counted.end()
        text = self._source[start : self._at]
        least, comma, most, mode = counted.groups()
        if mode == "+":
            raise RegexError(f"`{text}` is possessive; write `{text[:-1]}`, what is taken needs none")
        if _COUNTED.match(self._source, self._at):
            raise RegexError(f"`{text}{self._rest(1)}` has two counts; write one")
        if least is None:
            low, high = _SIGNS[counted[0][0]]
        elif not least and not most:
            raise RegexError(f"`{text}` has no count; write `{body.text}*`")
        else:
            low = int(least or 0)
            high = low if not comma else int(most) if most else None
        if high is not None and high < low:
            raise RegexError(f"`{text}` has the greater count first; write `{{{high},{low}}}`")
        if max(low, high or 0) > COUNT:
            raise RegexError(f"`{text}` counts further than {COUNT}; write `{body.text}+`")
        if high != 1 and can_be_empty(body):
            inner = ungrouped(body)
            hint = "let it take one character at least"
            if isinstance(inner, Repeat) and inner.most in {None, 1} and not can_be_empty(inner.body):
                count = "*" if high is None or inner.most is None else f"{{0,{high}}}"
                hint = f"write `{inner.body.text}{count}`"
            raise UnsafeRegexError(
                f"`{text}` can take exponential time: it repeats what can be empty; {hint}"
            )
        return Repeat(text, body, low, high, mode == "?")

    def _atom(self) -> Node:
        start = self._at
        char = self._rest(1)
        if char == "(":
            return self._group()
        if char in "*+?":
            raise RegexError(rf"`{char}` repeats nothing; write `\{char}` for the character")
        if char == "{":
            raise RegexError(r"`{` begins a count such as `{2,3}`; write `\{` for the character")
        if char in "^$":
            end = "start" if char == "^" else "end"
            raise RegexError(rf"`{char}` stands only at the very {end}; write `\{char}` for the character")
        if char == "[":
            mask = self._members()
        elif char == ".":
            self._at += 1
            mask = ANY
        else:
            mask = self._folded(self._single(in_set=False))
        return Chars(self._source[start : self._at], mask)

    def _folded(self, mask: int) -> int:
        if not self._fold:
            return mask
        return mask | (mask & _UPPER) << _CASE | (mask & _UPPER << _CASE) >> _CASE

    def _group(self) -> Node:
        start, fold, name = self._at, self._fold, ""
        for table, error in ((_UNSAFE, UnsafeRegexError), (_NOT_TAKEN, RegexError)):
            for begin, hint in table.items():
                if self._source.startswith(begin, start):
                    raise error(f"`{begin}` {hint}")
        if self._rest(4) == "(?P<":
            named = _NAME.match(self._source, start)
            if named is None:
                raise RegexError("`(?P<` is followed by a name (a-z, A-Z, 0-9 and _, no digit first) and `>`")
            name = named[1]
            if name in self.names:
                raise RegexError(f"`{name}` is the name of two groups")
            self.names.append(name)
            self._at = named.end()
        elif self._took("(?i:"):
            self._fold = True
        elif not self._took("(?:"):
            self._at += 1
            if self._rest(1) == "?":
                raise RegexError(
                    f"`{self._source[start : start + 4]}` is not taken; of the flags there is `(?i)`"
                )
        self._depth += 1
        if self._depth > _DEPTH:
            raise RegexError(f"groups stand in groups more than {_DEPTH} deep")
        body = self._choice()
        if not self._took(")"):
            raise RegexError(rf"`{self._source[start:]}` is not closed; write `\(` for the character")
        self._depth -= 1
        self._fold = fold
        return Group(self._source[start : self._at], body, name)

    def _single(self, *, in_set: bool) -> int:
        """The mask of a character or an escape."""
        char = self._rest(1)
        self._at += 1
        if char != "\\":
            return 1 << code_of(char)
        char = self._rest(1)
        self._at += 1
        if not char:
            raise RegexError(r"`\` stands at the end; write `\\` for the character")
        if char in _CLASSES:
            return _CLASSES[char]
        if char == "x":
            found = _HEX.match(self._source, self._at)
            if found is None:
                raise RegexError(r"`\x` is followed by two hexadecimal digits")
            self._at += 2
            return 1 << int(found[0], 16)
        if char in "123456789" and not in_set:
            raise UnsafeRegexError(rf"`\{char}` {_REFER}")
        if char in "bB" and not in_set:
            raise UnsafeRegexError(rf"`\{char}` {_LOOK}")
        if char.isascii() and char.isalnum() and char not in _CONTROLS:
            raise RegexError(
                rf"`\{char}` is not taken; of the escapes of letters and digits there are \d \w \s \t \xhh"
            )
        return 1 << code_of(_CONTROLS.get(char, char))

    def _members(self) -> int:
        start = self._at
        self._at += 1
        negated = self._took("^")
        mask = 0
        if self._rest(1) == "]":
            raise RegexError(
                rf"`{self._source[start : self._at + 1]}` is empty; write `\]` for the character"
            )
        while not self._took("]"):
            if not self._rest(1):
                raise RegexError(rf"`{self._source[start:]}` is not closed; write `\[` for the character")
            mask |= self._member()
        mask = self._folded(mask)
        if negated:
            mask ^= ANY
        if not mask & (1 << LATIN1) - 1:
            raise RegexError(f"`{self._source[start : self._at]}` takes no character")
        return mask

    def _member(self) -> int:
        start = self._at
        if self._rest(1) == "[":
            raise RegexError(
                r"`[` stands in a set; write `\[` for the character, or `a-zA-Z` for a named class"
            )
        low = self._single(in_set=True)
        if self._rest(1) != "-" or self._rest(2) in {"-", "-]"}:
            return low
        self._at += 1
        high = self._single(in_set=True)
        if low.bit_count() > 1 or high.bit_count() > 1 or high < low:
            raise RegexError(rf"`{self._source[start : self._at]}` is no range; write `\-` for the character")
        return (high << 1) - low
