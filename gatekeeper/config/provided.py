"""Services and routes that come from elsewhere than the files: from providers, and from the admin API.

They join those of the files before `defaults` and `like` are applied, so that they take part in both. A name that the
files have stays theirs, and of two providers the one whose name sorts first wins: nothing depends on who came first, and
every gateway that hears the same decides alike. What is left out is told.

What comes from elsewhere is data: `${...}` in it would read the variables and files of this machine, and is refused
(`$${` is a literal `${`, as in files, so that a long form can be given back). Problems have no line, but the name of
whoever said it, and the path.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Final

import attrs

from gatekeeper.config.document import BROKEN, MAX_DEPTH, Document, Spot, read_document
from gatekeeper.config.merge import Value, fault_at, no_mapping
from gatekeeper.config.problems import Path, Refusal, quoted
from gatekeeper.config.tree import Tree
from gatekeeper.config.units import parse_version


ADMIN: Final = "admin"
"""The name of what the admin API provides; no provider is called like this."""
FILE: Final = "file"
"""The origin of what stands in the files of a configuration."""
SECTIONS: Final = ("services", "routes")
"""What can be provided."""

_REFERENCE: Final = re.compile(r"\$?\$\{[^}]*\}?")


@attrs.frozen
class Provided:
    """A whole state of services and routes, as `name` says it: a provider, or `ADMIN`.

    `data` is plain data, a mapping with `services` and `routes`, and is left as it is; with `text` it is what that says,
    in YAML or JSON. Sections that are not in `may_provide` are refused.
    """

    name: str
    data: Mapping[str, Any] = attrs.field(factory=dict)
    may_provide: tuple[str, ...] = SECTIONS
    text: str | None = None

    @property
    def label(self) -> str:
        """What stands in problems instead of a file."""
        return ADMIN if self.name == ADMIN else f"provider {self.name}"

    @property
    def who(self) -> str:
        """What messages call it."""
        return "the admin API" if self.name == ADMIN else f"provider `{self.name}`"


def add_provided(tree: Tree, provided: Sequence[Provided], folder: FilePath) -> None:
    """Add what is provided to the tree of the files, and note in it where each entry comes from.

    Files that provided values name are looked for from `folder`.
    """
    if not isinstance(tree.data, dict) or tree.spot is None:
        return
    joined = {section: _Section(tree, section) for section in SECTIONS}
    for one in sorted(provided, key=lambda one: one.name):
        document = _read(one, folder)
        tree.documents.append(document)
        tree.faults += document.faults
        for section, entries in _entries(tree, one, document).items():
            joined[section].add(one, entries)
    for each in joined.values():
        each.apply()


class _Section:
    """The entries of a section, and whose they are."""

    def __init__(self, tree: Tree, section: str) -> None:
        assert tree.spot is not None
        self.tree: Final = tree
        self.section: Final = section
        data = tree.data.get(section, {})
        self.values: Final[dict[str, Any]] = dict(data) if isinstance(data, dict) else {}
        spot = tree.spot.children.get(section)
        self.is_sound: Final = isinstance(data, dict)
        self.spot = spot
        self.children: Final[dict[str | int, Spot]] = dict(spot.children) if spot is not None else {}
        self.owners: Final = dict.fromkeys(self.values, FILE)
        self.winners: Final[dict[str, str]] = {}

    def add(self, provided: Provided, entries: Value) -> None:
        """Add the entries of one; those whose name is taken are left out."""
        data, spot = entries
        self.spot = self.spot or spot
        for name, value in data.items():
            place = spot.children[name]
            if name not in self.values:
                self.values[name], self.children[name] = value, place
                self.owners[name], self.winners[name] = provided.name, provided.who
                continue
            first = self.children[name]
            where = (
                f"by {self.winners[name]}"
                if name in self.winners
                else f"in {first.file}:{first.key_line + 1}"
            )
            message = f"`{name}` is defined {where}; the entry of {provided.who} is left out"
            fault = fault_at("source-conflict", (self.section, name), message, place)
            self.tree.warnings.append(attrs.evolve(fault, severity="warning"))

    def apply(self) -> None:
        """Put the entries into the tree; where the section of the files is no mapping, that is told elsewhere."""
        tree, spot = self.tree, self.spot
        if not self.is_sound or spot is None:
            return
        tree.origins.update({(self.section, name): owner for name, owner in self.owners.items()})
        if self.winners:
            assert tree.spot is not None
            tree.data = {**tree.data, self.section: self.values}
            children = {**tree.spot.children, self.section: spot.holding(self.children)}
            tree.spot = tree.spot.holding(children)


def _read(provided: Provided, folder: FilePath) -> Document:
    """What is provided, as a document whose values stand nowhere in particular."""
    label = provided.label
    if provided.text is None:
        document = Document(label, "", folder, provided.data)
    else:
        document = read_document(provided.text, label, folder, "write `{}` where there is nothing")
    if document.data is not BROKEN:
        try:
            document.data, document.spot = _Copy(document).value(document.data, ())
        except _TooDeepError:
            document.data = BROKEN
    return document


class _TooDeepError(Exception):
    """Nothing of it is used."""


class _Copy:
    """Copies plain data, and notes in the document what is none."""

    def __init__(self, document: Document) -> None:
        self.document: Final = document

    def value(self, value: Any, path: Path) -> Value:
        spot = Spot(self.document.file, -1, -1)
        if value is BROKEN:
            return BROKEN, spot
        if len(path) > MAX_DEPTH:
            self.refuse("bad-value", path, f"this is nested deeper than {MAX_DEPTH} levels", spot)
            raise _TooDeepError
        if isinstance(value, Mapping):
            return self.mapping(value, path, spot)
        if isinstance(value, list | tuple):
            items = [self.value(item, (*path, index)) for index, item in enumerate(value)]
            spot.children = {index: child for index, (_, child) in enumerate(items)}
            return [item for item, _ in items], spot
        if isinstance(value, str):
            return self.text(str(value), path, spot)
        if isinstance(value, bool | int | float):
            return value, spot
        if value is None:
            return self.refuse(
                "empty-value", path, "`null` is not used here; `false` switches off what can be off", spot
            )
        message = f"expected text, a number, true, false, a list or a mapping, not `{type(value).__name__}`"
        return self.refuse("wrong-type", path, message, spot)

    def mapping(self, value: Mapping[Any, Any], path: Path, spot: Spot) -> Value:
        found: dict[str, Any] = {}
        children: dict[str | int, Spot] = {}
        for key, item in value.items():
            if isinstance(key, str):
                found[str(key)], children[str(key)] = self.value(item, (*path, str(key)))
            else:
                self.refuse("wrong-type", path, f"the key {key!r} is no text", spot)
        spot.children = children
        return found, spot

    def text(self, text: str, path: Path, spot: Spot) -> Value:
        for reference in _REFERENCE.findall(text):
            if not reference.startswith("$$"):
                message = f"`{reference}` is not replaced in what is provided; write the value, or `$${{` for a literal `${{`"
                return self.refuse("bad-value", path, message, spot)
        return text.replace("$${", "${"), spot

    def refuse(self, fault_id: str, path: Path, message: str, spot: Spot) -> Value:
        self.document.faults.append(fault_at(fault_id, path, message, spot))
        return BROKEN, spot


def _entries(tree: Tree, provided: Provided, document: Document) -> dict[str, Value]:
    """The sections that are provided and may be; what else stands there is refused."""
    if document.data is BROKEN or document.spot is None:
        return {}
    if not isinstance(document.data, dict):
        tree.faults.append(no_mapping((document.data, document.spot), ()))
        return {}
    found: dict[str, Value] = {}
    for key, value in document.data.items():
        spot = document.spot.children[key]
        if value is BROKEN:
            continue
        if key == "version":
            try:
                parse_version(value)
            except Refusal as refusal:
                tree.faults.append(fault_at(refusal.id, (key,), str(refusal), spot))
        elif key not in provided.may_provide:
            known = quoted(provided.may_provide)
            message = f"`{key}` does not belong in what {provided.who} says, which may provide {known}"
            tree.faults.append(fault_at("not-here", (key,), message, spot))
        elif isinstance(value, dict):
            found[key] = value, spot
        else:
            tree.faults.append(no_mapping((value, spot), (key,)))
    return found
