"""YAML or JSON text → plain data, and where each piece of it stands.

libyaml parses, what it finds is put together here, from its events: composing with libyaml as well crashes the process on
deep nesting, and PyYAML's constructor keeps the last of two equal keys and reads scalars by YAML 1.1. Scalars are those
of the YAML 1.2 core schema, without its other spellings (gateway-yaml.md section (b) 1). Measured: 10,000 routes
take a quarter of the time that `yaml.load` with libyaml takes.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Any, Final, NoReturn, Self

import attrs
import yaml

from gatekeeper.config.problems import Fault


MAX_SIZE: Final = 8 * 1024 * 1024
"""Characters of a file."""
TOO_LARGE: Final = f"the file is larger than {MAX_SIZE >> 20} MiB"
MAX_DEPTH: Final = 64
MAX_ALIASED: Final = 1000
"""Nodes that aliases may repeat."""

Scalar = str | int | float | bool | None

_is_line_break: Final = re.compile("[\x85\u2028\u2029]")
"""Line breaks of YAML 1.1 that are none in YAML 1.2, and in no editor: lines would be counted in two ways."""
_INT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_WORDS: Final[dict[str, Scalar]] = {
    "true": True,
    "false": False,
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
}
_YAML11: Final = {
    spelling: meaning
    for words, meaning in (("y yes on true", "true"), ("n no off false", "false"))
    for word in words.split()
    for spelling in (word, word.capitalize(), word.upper())
    if spelling not in _WORDS
}
"""What YAML 1.1 reads as a boolean."""
_LOADER: Final[Callable[[str], Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Broken:
    """What stands for a value that has been found wrong already: whoever meets it goes on without a word."""

    def __repr__(self) -> str:
        return "BROKEN"


BROKEN: Final = Broken()


class Interpolated(str):
    """A text into which `${...}` put something; messages show its `reference`, which is no secret, instead."""

    __slots__ = ("reference",)

    reference: str
    """The text as it is written in the file; empty where that is the text itself."""

    def __new__(cls, text: str, reference: str = "") -> Self:
        """Keep the reference beside the text."""
        made = super().__new__(cls, text)
        made.reference = reference
        return made


class Variable(Interpolated):
    """A text that is one whole `${...}`: it takes the type of its key."""

    __slots__ = ()


def meaning(value: Any) -> Any:
    """What a whole `${...}` is where its key takes any type; any other value is itself."""
    return resolve(value) if isinstance(value, Variable) else value


def shown(text: str) -> str:
    """The text as a message may show it."""
    return text.reference or str(text) if isinstance(text, Interpolated) else text


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

    __slots__ = ("children", "column", "file", "key_column", "key_line", "line")

    def __init__(self, file: str, line: int, column: int) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.key_line = -1
        self.key_column = -1
        self.children: Mapping[str | int, Spot] = _NO_CHILDREN

    def holding(self, children: "Mapping[str | int, Spot]") -> "Spot":
        """The same place with other values in it."""
        spot = Spot(self.file, self.line, self.column)
        spot.key_line, spot.key_column = self.key_line, self.key_column
        spot.children = children
        return spot


_NO_CHILDREN: Final[Mapping[str | int, Spot]] = MappingProxyType({})


@attrs.define
class Document:
    """A file that has been read: `data` is BROKEN where nothing came of it, and holds BROKEN where a value is wrong.

    `file` is what messages call it, `folder` where the files are that it names. Its faults have their places.
    `outside` has what `${...}` put in, with the reference.
    """

    file: str
    text: str
    folder: FilePath = FilePath()
    data: Any = BROKEN
    spot: Spot | None = None
    faults: list[Fault] = attrs.field(factory=list)
    warnings: list[Fault] = attrs.field(factory=list)
    outside: dict[str, str] = attrs.field(factory=dict)


def read_document(
    text: str, file: str, folder: FilePath = FilePath(), begin: str = "it begins with `version: 1`"
) -> Document:
    """Read YAML or JSON; what is wrong is in the `faults` of the document. `begin` tells what an empty file lacks."""
    document = Document(file, text, folder)
    if len(text) > MAX_SIZE:
        document.faults.append(Fault("yaml", (), TOO_LARGE, file=file))
        return document
    if found := _is_line_break.search(text):
        before = text[: found.start()]
        place = before.count("\n") + 1, found.start() - before.rfind("\n")
        message = (
            f"U+{ord(found[0]):04X} is the end of a line for some and not for others; write it in double quotes as "
            f"`\\u{ord(found[0]):04x}`"
        )
        document.faults.append(Fault("yaml", (), message, line=place[0], column=place[1], file=file))
        return document
    composer = _Composer(document, _LOADER(text), f"the file is empty; {begin}")
    try:
        composer.compose()
    except _StopError:
        document.data = BROKEN
    except yaml.YAMLError as error:
        document.data = BROKEN
        document.faults.append(attrs.evolve(_syntax_fault(error, text), file=file))
    finally:
        composer.events.dispose()
    return document


class _StopError(Exception):
    """Nothing more can be read."""


class _Composer:
    """Puts values together from the events of the parser."""

    def __init__(self, document: Document, events: Any, nothing: str) -> None:
        self.document = document
        self.file = document.file
        self.events = events
        self.nothing = nothing
        self.path: list[str | int] = []
        self.anchors: dict[str, tuple[Any, Spot, int] | None] = {}
        self.nodes = 0
        self.aliased = 0

    def compose(self) -> None:
        next_event = self.events.get_event
        next_event()
        event = next_event()
        if isinstance(event, yaml.StreamEndEvent):
            self.fault("empty-value", self.nothing, event.start_mark)
            return
        event = next_event()
        data, spot = self.node(event)
        if data is None:
            self.fault("empty-value", self.nothing, event.start_mark)
            data = BROKEN
        self.document.data, self.document.spot = data, spot
        next_event()
        event = next_event()
        if not isinstance(event, yaml.StreamEndEvent):
            self.fault("yaml", "a second document begins here; a configuration is one", event.start_mark)

    def fault(self, fault_id: str, message: str, mark: Any) -> None:
        fault = Fault(
            fault_id, tuple(self.path), message, line=mark.line + 1, column=mark.column + 1, file=self.file
        )
        self.document.faults.append(fault)

    def warning(self, word: str, mark: Any) -> None:
        message = f"`{word}` is text here, and {_YAML11[word]} for YAML 1.1 tools; quote it"
        self.fault("yaml11-word", message, mark)
        self.document.warnings.append(attrs.evolve(self.document.faults.pop(), severity="warning"))

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
        mark = event.start_mark
        spot = Spot(self.file, mark.line, mark.column)
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = event.value
            if event.implicit[0]:
                if value in _YAML11:
                    self.warning(value, mark)
                value = resolve(value)
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
        name, mark = event.anchor, event.start_mark
        if name not in self.anchors:
            self.fault(
                "yaml",
                f"`*{name}` is a YAML alias, and there is no `&{name}` above it; quote a value that begins with `*`",
                mark,
            )
            return BROKEN, Spot(self.file, mark.line, mark.column)
        known = self.anchors[name]
        if known is None:
            self.stop(f"the alias `*{name}` stands inside of what it repeats", mark)
        value, spot, nodes = known
        self.nodes += nodes
        self.aliased += nodes
        if self.aliased > MAX_ALIASED:
            self.stop(f"aliases repeat more than {MAX_ALIASED:,} values", mark)
        copy = Spot(self.file, mark.line, mark.column)
        copy.children = spot.children
        return value, copy

    def sequence(self, spot: Spot) -> list[Any]:
        values: list[Any] = []
        children: dict[str | int, Spot] = {}
        spot.children = children
        path = self.path
        while not isinstance(event := self.events.get_event(), yaml.SequenceEndEvent):
            path.append(len(values))
            value, child = self.node(event)
            if value is None:
                self.fault("empty-value", _nothing(event.value, "an entry of this list"), event.start_mark)
                value = BROKEN
            children[path.pop()] = child
            values.append(value)
        return values

    def mapping(self, spot: Spot, start: Any) -> dict[str, Any]:
        values: dict[str, Any] = {}
        children: dict[str | int, Spot] = {}
        spot.children = children
        empty: list[tuple[str, Any, Any]] = []
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
                empty.append((key, event.end_mark, following))
                value = BROKEN
            mark = event.start_mark
            child.key_line, child.key_column = mark.line, mark.column
            children[key] = child
            values[key] = value
        for key, end, following in empty:
            what = f"`{key}:`"
            hint = "give it one, or leave the key out"
            if start.flow_style and len(values) == 1:
                what, hint = f"`{key}`", f"if `{{{key}}}` is meant, quote it"
            elif start.flow_style and following.start_mark.index == end.index and next(iter(values)) != key:
                what, hint = f"`{key}`", "if the `,` before it belongs to a text, quote that text"
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
