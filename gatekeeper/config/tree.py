"""The values of all files of a configuration as one tree, and where in which file each of them stands."""

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

import attrs

from gatekeeper.config.document import BROKEN, Document, Spot
from gatekeeper.config.problems import Fault, Path, Place, Problem, show_path


@attrs.define
class Tree:
    """A configuration that has been read: `data` is BROKEN where nothing came of it, and holds BROKEN for what is wrong.

    `documents` are in the order in which they were read, the root file first. `incomplete` means that names may be
    missing which a file was to define. `environments` are the names one can choose from. `files` were read or looked for,
    whether they are there or not, and `folders` are those in which patterns look for files. `origins` has who said what
    can be provided: the section and the name of an entry, and the name of a provider, or `file`.
    """

    data: Any = BROKEN
    spot: Spot | None = None
    faults: list[Fault] = attrs.field(factory=list)
    warnings: list[Fault] = attrs.field(factory=list)
    documents: list[Document] = attrs.field(factory=list)
    incomplete: bool = False
    environments: list[str] = attrs.field(factory=list)
    files: list[FilePath] = attrs.field(factory=list)
    folders: list[FilePath] = attrs.field(factory=list)
    origins: dict[tuple[str, str], str] = attrs.field(factory=dict)

    @property
    def file(self) -> str:
        """The root file, as messages call it."""
        return self.documents[0].file if self.documents else ""

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
            return Place(path, spot.file, spot.key_line + 1, spot.key_column + 1)
        return Place(path[:count], spot.file, spot.line + 1, spot.column + 1)

    def folder(self, path: Path) -> FilePath:
        """The folder of the file in which a value stands, from which it names other files."""
        spot, _ = self.find(path)
        for document in self.documents:
            if spot is not None and document.file == spot.file:
                return document.folder
        return FilePath()

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
        file, line, column, path = fault.file or self.file, fault.line, fault.column, fault.path
        if not (fault.line or fault.file):
            place = self.place(fault.path, at_key=fault.at_key)
            file, line, column, path = place.file, place.line, place.column, place.path
        return Problem(fault.id, show_path(path), fault.message, file, line, column, fault.severity)


def take_apart(tree: Tree) -> None:
    """Free a tree entry by entry: all at once, 10,000 routes keep the interpreter from others for 50 ms."""
    for data, spot in [(tree.data, tree.spot), *((one.data, one.spot) for one in tree.documents)]:
        for sections in (data, spot.children if spot is not None else {}):
            for section in sections.values() if isinstance(sections, Mapping) else ():
                entries = section.children if isinstance(section, Spot) else section
                while isinstance(entries, dict) and entries:
                    entries.popitem()


def tree_of(document: Document) -> Tree:
    """The tree of one file; it shares the values of the document."""
    return Tree(document.data, document.spot, document.faults, document.warnings, [document])
