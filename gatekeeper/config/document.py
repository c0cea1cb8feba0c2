"""YAML or JSON text → plain data, and where each piece of it stands.

libyaml parses, what it finds is put together here, from its events: composing with libyaml as well crashes the process on
deep nesting, and PyYAML's constructor keeps the last of two equal keys and reads scalars by YAML 1.1. Scalars are those
of the YAML 1.2 core schema, without its other spellings (gateway-yaml.md section (b) 1). Measured: 10,000 routes
take a third of the time that `yaml.load` with libyaml takes.
"""

import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

import attrs
import yaml

from gatekeeper.config.problems import Fault, Path, Place, Problem, show_path


MAX_SIZE: Final = 8 * 1024 * 1024
"""Characters of a file."""
MAX_DEPTH: Final = 64
MAX_ALIASED: Final = 1000
"""Nodes that aliases may repeat."""

Scalar = str | int | float | bool | None

_INT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_WORDS: Final[dict[str, Scalar]] = {
    "true": True,
    "false": False,
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
}
_LOADER: Final[Callable[[str], Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Broken:
    """What stands for a value that has been found wrong already: whoever meets it goes on without a word."""

    def __repr__(self) -> str:
        return "BROKEN"


BROKEN: Final = Broken()


class Variable(str):
    """A text that is one whole `${...}`: it takes the type of its key."""

    __slots__ = ()


def resolve(text: str) -> Scalar:
    """What a plain scalar means; `0x1F`, `017`, `1e3`, `yes` and dates are text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


class Spot:
    """Where a value and its key stand, and the same for what is in it; lines and columns count from 0."""

    __slots__ = ("children", "column", "key_column", "key_line", "line")

    def __init__(self, mark: Any) -> None:
        self.line: int = mark.line
        self.column: int = mark.column
        self.key_line = -1
        self.key_column = -1
        self.children: dict[str | int, Spot] = {}


@attrs.define
class Document:
    """A file that has been read: `data` is BROKEN where nothing came of it, and holds BROKEN where a value is wrong."""

    file: str
    text: str
    data: Any = BROKEN
    faults: list[Fault] = attrs.field(factory=list)
    spot: Spot | None = None

    def find(self, path: Path) -> tuple[Spot | None, int]:
        """The innermost spot on the way to a path, and how many steps of the path lead to it."""
        spot = self.spot
        for count, step in enumerate(path):
            child = spot.children.get(step) if spot is not None else None
            if child is None:
                return spot, count
            spot = child
        return spot, len(path)

    def place(self, path: Path, *, at_key: bool = False) -> Place:
        """Where a value, or the key before it, stands. What a short form left unwritten stands where that is."""
        spot, count = self.find(path)
        if spot is None:
            return Place(path, self.file)
        if at_key and spot.key_line >= 0 and count == len(path):
            return Place(path, self.file, spot.key_line + 1, spot.key_column + 1)
        return Place(path[:count], self.file, spot.line + 1, spot.column + 1)

    def line(self, path: Path) -> int:
        """The line of a key, 0 where there is none."""
        place = self.place(path, at_key=True)
        return place.line if place.path == path else 0

    def names(self, path: Path) -> list[str]:
        """The keys of the mapping at a path, as written."""
        spot, count = self.find(path)
        if spot is None or count < len(path):
            return []
        return [step for step in spot.children if isinstance(step, str)]

    def problem(self, fault: Fault) -> Problem:
        """The fault with its place."""
        if fault.line:
            return Problem(
                fault.id, show_path(fault.path), fault.message, self.file, fault.line, fault.column
            )
        place = self.place(fault.path, at_key=fault.at_key)
        return Problem(fault.id, show_path(place.path), fault.message, self.file, place.line, place.column)


def read_document(text: str, file: str) -> Document:
    """Read YAML or JSON; what is wrong is in the `faults` of the document."""
    document = Document(file, text)
    if len(text) > MAX_SIZE:
        document.faults.append(Fault("yaml", (), f"the file is larger than {MAX_SIZE >> 20} MiB"))
        return document
    composer = _Composer(document, _LOADER(text))
    try:
        composer.compose()
    except _StopError:
        document.data = BROKEN
    except yaml.YAMLError as error:
        document.data = BROKEN
        document.faults.append(_syntax_fault(error, text))
    finally:
        composer.events.dispose()
    return document


class _StopError(Exception):
    """Nothing more can be read."""


class _Composer:
    """Puts values together from the events of the parser."""

    def __init__(self, document: Document, events: Any) -> None:
        self.document = document
        self.events = events
        self.path: list[str | int] = []
        self.anchors: dict[str, tuple[Any, Spot, int] | None] = {}
        self.nodes = 0
        self.aliased = 0

    def compose(self) -> None:
        next_event = self.events.get_event
        next_event()
        event = next_event()
        if isinstance(event, yaml.StreamEndEvent):
            self.fault("empty-value", "the file is empty; it begins with `version: 1`", event.start_mark)
            return
        event = next_event()
        data, spot = self.node(event)
        if data is None:
            self.fault("empty-value", "the file is empty; it begins with `version: 1`", event.start_mark)
            data = BROKEN
        self.document.data, self.document.spot = data, spot
        next_event()
        event = next_event()
        if not isinstance(event, yaml.StreamEndEvent):
            self.fault("yaml", "a second document begins here; a configuration is one", event.start_mark)

    def fault(self, fault_id: str, message: str, mark: Any) -> None:
        path = tuple(self.path)
        self.document.faults.append(
            Fault(fault_id, path, message, line=mark.line + 1, column=mark.column + 1),
        )

    def stop(self, message: str, mark: Any) -> NoReturn:
        self.path.clear()
        self.fault("yaml", message, mark)
        raise _StopError

    def node(self, event: Any) -> tuple[Any, Spot]:
        """Make a value of this event and those that belong to it; None is an empty value, which has no meaning."""
        self.nodes += 1
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        before = self.nodes
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if len(self.path) > MAX_DEPTH:
            self.stop(f"this is nested deeper than {MAX_DEPTH} levels", event.start_mark)
        spot = Spot(event.start_mark)
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = resolve(event.value) if event.implicit[0] else event.value
        elif isinstance(event, yaml.MappingStartEvent):
            value = self.mapping(spot, event)
        else:
            value = self.sequence(spot)
        if event.tag is not None:
            self.fault("yaml", "tags are not used here: leave out what begins with `!`", event.start_mark)
            value = BROKEN
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, spot, self.nodes - before + 1)
        return value, spot

    def alias(self, event: Any) -> tuple[Any, Spot]:
        name = event.anchor
        if name not in self.anchors:
            self.fault(
                "yaml",
                f"`*{name}` is a YAML alias, and there is no `&{name}` above it; quote a value that begins with `*`",
                event.start_mark,
            )
            return BROKEN, Spot(event.start_mark)
        known = self.anchors[name]
        if known is None:
            self.stop(f"the alias `*{name}` stands inside of what it repeats", event.start_mark)
        value, spot, nodes = known
        self.nodes += nodes
        self.aliased += nodes
        if self.aliased > MAX_ALIASED:
            self.stop(f"aliases repeat more than {MAX_ALIASED:,} values", event.start_mark)
        copy = Spot(event.start_mark)
        copy.children = spot.children
        return value, copy

    def sequence(self, spot: Spot) -> list[Any]:
        values: list[Any] = []
        path = self.path
        while not isinstance(event := self.events.get_event(), yaml.SequenceEndEvent):
            path.append(len(values))
            value, child = self.node(event)
            if value is None:
                self.fault("empty-value", _nothing(event.value, "an entry of this list"), event.start_mark)
                value = BROKEN
            spot.children[path.pop()] = child
            values.append(value)
        return values

    def mapping(self, spot: Spot, start: Any) -> dict[str, Any]:
        values: dict[str, Any] = {}
        empty: list[tuple[str, Any]] = []
        path = self.path
        while not isinstance(event := self.events.get_event(), yaml.MappingEndEvent):
            key = self.key(event, values, spot)
            path.append(key if key is not None else "")
            following = self.events.get_event()
            value, child = self.node(following)
            path.pop()
            if key is None:
                continue
            if value is None:
                empty.append((key, following))
                value = BROKEN
            child.key_line, child.key_column = event.start_mark.line, event.start_mark.column
            spot.children[key] = child
            values[key] = value
        for key, following in empty:
            what = f"`{key}:`"
            hint = "give it one, or leave the key out"
            if start.flow_style and len(values) == 1:
                what, hint = f"`{key}`", f"if `{{{key}}}` is meant, quote it"
            elif path and isinstance(path[-1], int) and next(iter(values)) == key:
                hint = f"`{key}` alone means no options"
            path.append(key)
            self.fault("empty-value", _nothing(following.value, what, hint), following.start_mark)
            path.pop()
        return values

    def key(self, event: Any, values: dict[str, Any], spot: Spot) -> str | None:
        """The text of a key; None where there can be none, and the value is to be read and forgotten."""
        mark = event.start_mark
        if not isinstance(event, yaml.ScalarEvent):
            if not isinstance(event, yaml.AliasEvent):
                self.node(event)
            self.fault("yaml", "a key is a text, not a list, a mapping or an alias", mark)
            return None
        key: str = event.value
        plain = event.implicit[0]
        if event.tag is not None:
            self.fault("yaml", "tags are not used here: leave out what begins with `!`", mark)
        elif plain and key == "<<":
            self.fault("yaml", "`<<` is not used here; an alias stands for a whole value", mark)
        elif plain and key == "":
            self.fault("yaml", "a key is missing before this colon", mark)
        elif key in values:
            first = spot.children[key].key_line + 1
            self.path.append(key)
            self.fault("duplicate-key", f"`{key}` stands in lines {first} and {mark.line + 1}", mark)
            self.path.pop()
        else:
            return key
        return None


def _nothing(written: str, what: str, hint: str = "write one behind the `-`") -> str:
    if written:
        return f"`{written}` is not used here; `false` switches off what can be off"
    return f"{what} has no value; {hint}"


def _syntax_fault(error: yaml.YAMLError, text: str) -> Fault:
    """What the parser says, and what is usually behind it."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text.encode()[: error.position].decode(errors="replace")
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        return Fault(
            "yaml", (), f"{error.reason}: U+{ord(chr(error.character)):04X}", line=line, column=column
        )
    assert isinstance(error, yaml.MarkedYAMLError)
    mark: Any = error.problem_mark or error.context_mark
    lines = text.splitlines()
    line, column = mark.line, mark.column
    if line >= len(lines):
        # at the end of the file libyaml points behind the last line
        line, column = len(lines) - 1, len(lines[-1])
    message = error.problem or "this is not YAML"
    hint = _hint(message, error.context or "", lines[line][column : column + 1])
    if error.context_mark is not None and error.context_mark.line != line:
        message += f" {error.context} that begins in line {error.context_mark.line + 1}"
    return Fault("yaml", (), message + (f"; {hint}" if hint else ""), line=line + 1, column=column + 1)


def _hint(problem: str, context: str, character: str) -> str:
    if character == "\t":
        return "indent with blanks, not with tabs"
    if "alias" in context:
        return "quote a value that begins with `*`"
    if character == "{" and "expected ','" in problem:
        return "quote values with `{ }` inside of `{ }`"
    if "cannot start" in problem:
        return f"quote a value that begins with `{character}`"
    if "mapping values" in problem:
        return "quote a value that holds `: `, and indent the keys of one mapping alike"
    if "node content" in problem:
        return "quote a value that begins with `[` and is no list"
    if "quoted scalar" in context and "end of stream" in problem:
        return "a quote is not closed"
    if "expected key" in problem:
        return "indent the keys of one mapping alike, and leave nothing behind a quoted value"
    if "escape" in problem:
        return "write the character itself, or use single quotes"
    return ""
