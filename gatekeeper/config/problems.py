"""What is wrong with a configuration, where, and how to say it."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Final, Literal

import attrs


Path = tuple[str | int, ...]
"""The way to a value: names of keys, and indices of lists."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_{}-][A-Za-z0-9_/{}-]*")


def show_path(path: Path) -> str:
    """The path as a person writes it: `routes.users.filters[0].transform`; keys with other characters are quoted."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        else:
            name = step if _PLAIN_KEY.fullmatch(step) else f'"{step}"'
            shown += f".{name}" if shown else name
    return shown


Severity = Literal["error", "warning"]
"""An error refuses a configuration; a warning is something that is nearly always a mistake."""


@attrs.frozen
class Problem:
    """One thing that is wrong: a stable id, the path in the file, what to do; lines and columns count from 1.

    Without `file` or `line` it is not known where it stands.
    """

    id: str
    path: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    severity: Severity = "error"

    @property
    def place(self) -> str:
        """`file:line:column`, as far as known."""
        position = [str(number) for number in (self.line, self.column) if number]
        return ":".join([self.file, *position]) if self.file else ""

    def __str__(self) -> str:
        warning = "warning" if self.severity == "warning" else ""
        parts = [part for part in (self.place, warning, self.path, self.message) if part]
        return f"{': '.join(parts)} [{self.id}]"


class ConfigError(Exception):
    """A configuration that is refused, with all that is wrong with it.

    `sources` has the text of each file; `files` were read or looked for, and `folders` are those in which patterns look
    for files: a change there may be the cure.
    """

    def __init__(
        self,
        problems: Iterable[Problem],
        sources: Mapping[str, str] | None = None,
        files: Iterable[FilePath] = (),
        folders: Iterable[FilePath] = (),
    ) -> None:
        self.problems: Final = tuple(
            sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column))
        )
        self.sources: Final = dict(sources or {})
        self.files: Final = tuple(files)
        self.folders: Final = tuple(folders)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@attrs.frozen
class Fault:
    """A problem before its place is looked up; `at_key` puts it at the key instead of the value.

    With `line` or `file` it is known already.
    """

    id: str
    path: Path
    message: str
    at_key: bool = False
    line: int = 0
    column: int = 0
    file: str = ""
    severity: Severity = "error"


@attrs.frozen
class Place:
    """Where something stands in a configuration, for messages; lines and columns count from 1, 0 is unknown."""

    path: Path = ()
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


def problem_at(problem_id: str, place: Place, message: str) -> Problem:
    """A problem whose place is known."""
    return Problem(problem_id, show_path(place.path), message, place.file, place.line, place.column)


class Refusal(ValueError):
    """A value that its type does not take. The message says what to write; `id` is that of the problem."""

    def __init__(self, message: str, problem_id: str = "bad-value") -> None:
        super().__init__(message)
        self.id: Final = problem_id


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message, `; did you mean ...?`, or nothing where no known word is near."""
    found = nearest(word, known)
    return f"; did you mean `{found}`?" if found else ""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return found[0] if found else None


def quoted(words: Iterable[str]) -> str:
    """The words as a message lists them."""
    return ", ".join(f"`{word}`" for word in words)


WIDEST: Final = 200
"""Characters of a line that are shown."""

_BOLD: Final = "\x1b[1m"
_RED: Final = "\x1b[31m"
_DIM: Final = "\x1b[2m"
_OFF: Final = "\x1b[0m"


def render(problems: Iterable[Problem], sources: Mapping[str, str], *, colour: bool) -> str:
    """The problems for a terminal, each with the line of the file and a caret under the place.

    Control characters of the file are shown as `?`: an excerpt must not steer the terminal.
    """
    blocks = []
    texts = {name: source.splitlines() for name, source in sources.items()}
    for problem in problems:
        text, rest = str(problem), ""
        if colour and problem.place:
            text = f"{_BOLD}{problem.place}{_OFF}{text.removeprefix(problem.place)}"
        lines = texts.get(problem.file, [])
        if 0 < problem.line <= len(lines):
            line = "".join(
                char if char.isprintable() else "?" for char in lines[problem.line - 1].expandtabs(1)
            )
            line, column = _window(line, problem.column)
            gutter = f"{problem.line:5} | "
            blank = " " * (len(gutter) - 2) + "| "
            caret = " " * (column - 1) + "^"
            if colour:
                gutter, blank = f"{_DIM}{gutter}{_OFF}", f"{_DIM}{blank}{_OFF}"
                caret = f"{_RED}{caret}{_OFF}"
            rest = f"\n{gutter}{line}\n{blank}{caret}"
        blocks.append(text + rest)
    return "\n".join(blocks)


def _window(line: str, column: int) -> tuple[str, int]:
    """A long line cut to what stands round a column, and the column in that."""
    if len(line) <= WIDEST:
        return line, column
    begin = max(0, min(column - 1 - WIDEST // 2, len(line) - WIDEST))
    end = begin + WIDEST
    cut = ("..." if begin else "") + line[begin:end] + ("..." if end < len(line) else "")
    return cut, column - begin + (3 if begin else 0)
