"""The regular expressions that are taken, as a tree.

The tree is written out again with `expression`, and that is what `re` compiles: what is proven about the tree is so
proven about what runs, even if a reader of the source would have understood it differently.

A character is a bit of a mask. There are 257: those of latin-1, in which header fields are decoded and of which a path
has the ASCII ones, and one that stands for all the others. No pattern can name one of these, so it takes all or none.
"""

import re
from typing import Final

import attrs


class RegexError(ValueError):
    """It is no regular expression, or one that is not taken; the message says what to write."""

    id: str = "bad-value"


class UnsafeRegexError(RegexError):
    """It may need more time than its text is long."""

    id = "unsafe-regex"


LATIN1: Final = 256
"""How many characters a pattern can name."""
ANY: Final = (1 << LATIN1 + 1) - 1
"""All characters."""


@attrs.frozen
class Chars:
    """One character of a set, which has one that can be named at least."""

    text: str
    mask: int


@attrs.frozen
class Sequence:
    """One after the other; none is the empty text."""

    text: str
    items: "tuple[Node, ...]"


@attrs.frozen
class Choice:
    """One of them."""

    text: str
    items: "tuple[Node, ...]"


@attrs.frozen
class Repeat:
    """From `least` to `most` times, None for without end."""

    text: str
    body: "Node"
    least: int
    most: int | None
    lazy: bool = False


@attrs.frozen
class Group:
    """In parentheses; a group without a name captures nothing."""

    text: str
    body: "Node"
    name: str = ""


Node = Chars | Sequence | Choice | Repeat | Group


def ungrouped(node: Node) -> Node:
    """What stands in the parentheses, if it stands in some."""
    while isinstance(node, Group):
        node = node.body
    return node


def can_be_empty(node: Node) -> bool:
    """Whether it matches the empty text."""
    match node:
        case Chars():
            return False
        case Sequence():
            return all(map(can_be_empty, node.items))
        case Choice():
            return any(map(can_be_empty, node.items))
        case Repeat():
            return node.least == 0 or can_be_empty(node.body)
        case Group():
            return can_be_empty(node.body)


def is_endless(node: Node) -> bool:
    """Whether there is no longest match."""
    match node:
        case Chars():
            return False
        case Sequence() | Choice():
            return any(map(is_endless, node.items))
        case Repeat():
            return node.most is None or is_endless(node.body)
        case Group():
            return is_endless(node.body)


def literals(node: Node) -> int:
    """The number of literal characters that every match contains, at least."""
    match node:
        case Chars():
            return int(node.mask.bit_count() == 1)
        case Sequence():
            return sum(map(literals, node.items))
        case Choice():
            return min(map(literals, node.items))
        case Repeat():
            return node.least * literals(node.body)
        case Group():
            return literals(node.body)


def size(node: Node) -> int:
    """The number of characters that it stands for when its counts are written out."""
    match node:
        case Chars():
            return 1
        case Sequence() | Choice():
            return sum(map(size, node.items))
        case Repeat():
            return (max(node.least, 1) if node.most is None else node.most) * size(node.body)
        case Group():
            return size(node.body)


def expression(node: Node) -> str:
    """Write it for `re`, to be compiled with DOTALL."""
    match node:
        case Chars():
            return _set(node.mask)
        case Sequence():
            return "".join(map(expression, node.items))
        case Choice():
            return "|".join(map(expression, node.items))
        case Repeat():
            most = "" if node.most is None else node.most
            return f"{expression(node.body)}{{{node.least},{most}}}{'?' if node.lazy else ''}"
        case Group():
            return f"({f'?P<{node.name}>' if node.name else '?:'}{expression(node.body)})"


def _set(mask: int) -> str:
    if mask == ANY:
        return "."
    if mask.bit_count() == 1:
        return re.escape(chr(mask.bit_length() - 1))
    sign, named = ("^", ANY ^ mask) if mask >> LATIN1 else ("", mask)
    codes = "".join(rf"\x{code:02x}" for code in range(LATIN1) if named >> code & 1)
    return f"[{sign}{codes}]"


def literal(text: str) -> Sequence:
    """The tree of a text that stands for itself.

    Raises:
        RegexError: a character is beyond latin-1.

    """
    return Sequence(text, tuple(Chars(char, 1 << code_of(char)) for char in text))


def code_of(char: str) -> int:
    """Return the code of a character.

    Raises:
        RegexError: it is beyond latin-1.

    """
    if ord(char) >= LATIN1:
        escaped = "".join(f"%{byte:02X}" for byte in char.encode(errors="replace"))
        raise RegexError(
            f"`{char}` never occurs; a path has it as `{escaped}`, and header fields are latin-1"
        )
    return ord(char)
