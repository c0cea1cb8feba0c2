"""The files of a configuration → one tree: the root file, `.env`, what it includes, and the files of an environment.

What is provided from elsewhere joins it last.

Every file is read before anything is judged, so that a syntax error in one does not hide what is wrong in the others.
"""

import glob
import re
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Final, Literal

import attrs

from gatekeeper.config.document import (
    BROKEN,
    MAX_SIZE,
    TOO_LARGE,
    Document,
    Interpolated,
    read_document,
    shown,
)
from gatekeeper.config.dotenv import read_dotenv
from gatekeeper.config.interpolate import NO_SECRETS, SecretResolver, interpolate
from gatekeeper.config.merge import SECTIONS, Expand, Merger, Value, fault_at, join, no_mapping
from gatekeeper.config.problems import Fault, Path, did_you_mean, quoted
from gatekeeper.config.provided import Provided, add_provided
from gatekeeper.config.structure import Reader
from gatekeeper.config.tree import Tree
from gatekeeper.config.units import Name


EnvFile = FilePath | Literal[False] | None
"""A file of variables; None is the `.env` beside the root file, if there is one, False is none."""

_BYTE_ORDERS: Final = (b"\xff\xfe", b"\xfe\xff")
_PATTERN: Final = re.compile(r"[*?\[]")
_ROOT_ONLY: Final = ("version", "include", "environments")


def read_sources(
    path: FilePath,
    expand: Expand,
    environ: Mapping[str, str],
    *,
    environment: str | None = None,
    env_file: EnvFile = None,
    provided: Sequence[Provided] = (),
    secrets: Mapping[str, SecretResolver] = NO_SECRETS,
) -> Tree:
    """Read a configuration from its root file; everything that is wrong is in the faults of the tree.

    Without a choice where there are environments nothing comes of it. `expand` knows the short forms, and variables of
    `environ` win over those of the file. `secrets` are what brings values that are kept elsewhere, by scheme.
    """
    tree = Tree(files=[path])
    text = _text(path, str(path), may_wait=True)
    if isinstance(text, Fault):
        tree.faults.append(text)
        tree.incomplete = True
        return tree
    where = str(path), path.parent
    return _read_from(tree, text, expand, environ, *where, environment, env_file, provided, secrets)


def sources_of_text(
    text: str,
    expand: Expand,
    environ: Mapping[str, str],
    *,
    name: str,
    base: FilePath,
    environment: str | None = None,
    env_file: EnvFile = False,
    provided: Sequence[Provided] = (),
    secrets: Mapping[str, SecretResolver] = NO_SECRETS,
) -> Tree:
    """Read a configuration whose root file has this text; `name` is what messages call it, `base` where its files are."""
    return _read_from(Tree(), text, expand, environ, name, base, environment, env_file, provided, secrets)


def _read_from(
    tree: Tree,
    text: str,
    expand: Expand,
    environ: Mapping[str, str],
    name: str,
    base: FilePath,
    environment: str | None,
    env_file: EnvFile,
    provided: Sequence[Provided],
    secrets: Mapping[str, SecretResolver],
) -> Tree:
    variables, quiet = _variables(tree, name, base, environ, env_file)
    files = _Files(tree, name, base, variables, quiet, expand, secrets)
    files.read(text)
    files.choose(environment or None)
    add_provided(tree, provided, base)
    return tree


def _variables(
    tree: Tree, root: str, base: FilePath, environ: Mapping[str, str], env_file: EnvFile
) -> tuple[Mapping[str, str], bool]:
    """All variables, and whether some could not be read."""
    if env_file is False:
        return environ, False
    path, name = env_file, str(env_file)
    if path is None:
        path, name = base / ".env", str(FilePath(root).parent / ".env")
    tree.files.append(path)
    if env_file is None and not path.is_file():
        return environ, False
    text = _text(path, name)
    if isinstance(text, Fault):
        tree.faults.append(text)
        return environ, True
    found, faults = read_dotenv(text, name)
    tree.faults += faults
    return {**found, **environ}, bool(faults)


@attrs.define
class _Files:
    """Reads the files that belong together."""

    tree: Tree
    name: str
    base: FilePath
    variables: Mapping[str, str]
    quiet: bool
    expand: Expand
    secrets: Mapping[str, SecretResolver]
    overlays: dict[str, list[tuple[str, Path]]] = attrs.field(factory=dict, init=False)
    seen: dict[FilePath, str] = attrs.field(factory=dict, init=False)

    def read(self, text: str) -> None:
        """Read the root file, and those that it includes."""
        document = self.add(read_document(text, self.name, self.base))
        self.tree.data, self.tree.spot = document.data, document.spot
        if not isinstance(document.data, dict) or document.spot is None:
            return
        self.seen[_real(self.base / FilePath(self.name).name)] = ""
        self.find_overlays(document.data)
        files = [(document.data, document.spot), *self.included(document.data)]
        if len(files) > 1:
            (self.tree.data, self.tree.spot), faults = join(files)
            self.tree.faults += faults

    def choose(self, environment: str | None) -> None:
        """Put the files of the environment over the others."""
        if not isinstance(self.tree.data, dict) or self.tree.spot is None:
            return
        names = self.tree.environments
        fault = None
        if "environments" not in self.tree.data:
            if environment is None:
                return
            message = f"no environment `{environment}`: {FilePath(self.name).name} has no `environments`"
            fault = Fault("unknown-name", (), message)
        elif environment is None and names:
            message = f"choose an environment with --env or GATEKEEPER_ENV; there are {quoted(sorted(names))}"
            fault = Fault("needs", ("environments",), message, at_key=True)
        elif environment is not None and names and environment not in names:
            hint = did_you_mean(environment, names) or f"; there are {quoted(sorted(names))}"
            message = f"no environment `{environment}`{hint}"
            fault = Fault("unknown-name", ("environments",), message, at_key=True)
        if fault is not None or environment not in self.overlays:
            # what an overlay would have made of the rest is not known
            self.tree.faults += [fault] if fault is not None else []
            self.tree.data = BROKEN
            return
        upper = [
            self.take(text, path, "a file of an environment") for text, path in self.overlays[environment]
        ]
        for value in upper:
            if value is not None:
                self.put(value)

    def put(self, upper: Value) -> None:
        """Put one file over what there is."""
        assert self.tree.spot is not None
        merger = Merger(self.expand, incomplete=self.tree.incomplete)
        self.tree.data, self.tree.spot = merger.merge((self.tree.data, self.tree.spot), upper)
        self.tree.faults += merger.faults

    def add(self, document: Document) -> Document:
        """Note a file with what is wrong in it."""
        tree = self.tree
        tree.files += interpolate(document, self.variables, quiet=self.quiet, secrets=self.secrets)
        tree.documents.append(document)
        tree.faults += document.faults
        tree.warnings += document.warnings
        data = document.data
        tree.incomplete |= data is BROKEN or (
            isinstance(data, dict) and any(data.get(section) is BROKEN for section in SECTIONS)
        )
        return document

    def fault(self, fault_id: str, message: str, path: Path) -> None:
        """Note why a file is not read."""
        self.tree.faults.append(Fault(fault_id, path, message))
        self.tree.incomplete = True

    # ---- what the root file names ---------------------------------------------------------------------------------

    def checked(self, value: Any, kind: Any, key: str) -> bool:
        """Whether a value of the root file is what it is to be."""
        reader = Reader(self.base)
        reader.read(value, kind, key)
        self.tree.faults += reader.faults
        return not reader.faults and value is not BROKEN

    def find_overlays(self, data: Mapping[str, Any]) -> None:
        """Note which files the environments have."""
        value = data.get("environments", {})
        if not self.checked(value, dict[Name, str | list[str]], "environments"):
            return
        if value == {} and "environments" in data:
            self.tree.faults.append(
                Fault("bad-value", ("environments",), "`environments` is empty; leave it out")
            )
        for name, files in value.items():
            path: Path = ("environments", name)
            self.overlays[name] = (
                [(file, (*path, index)) for index, file in enumerate(files)]
                if isinstance(files, list)
                else [(files, path)]
            )
        self.tree.environments += value

    def included(self, data: Mapping[str, Any]) -> list[Value]:
        """Read the files that patterns lead to."""
        patterns = data.get("include", [])
        if not self.checked(patterns, list[str], "include"):
            self.tree.incomplete = True
            return []
        own = {_real(self.base / file): name for name, files in self.overlays.items() for file, _ in files}
        found = []
        for index, pattern in enumerate(patterns):
            path: Path = ("include", index)
            for file in self.matching(pattern, path):
                environment = own.get(_real(self.base / file))
                if environment is not None:
                    message = f"`{shown(file)}` belongs to the environment `{environment}`; leave it out here"
                    self.fault("bad-value", message, path)
                elif (value := self.take(file, path, "an included file")) is not None:
                    found.append(value)
        return found

    def matching(self, pattern: str, path: Path) -> list[str]:
        """The files of a pattern, sorted; a path without wildcards is itself."""
        if not _PATTERN.search(pattern) or "\0" in pattern:
            return [pattern]
        plain = FilePath(_PATTERN.split(pattern, maxsplit=1)[0] + "x").parent
        found = sorted(
            file
            for file in glob.glob(pattern, root_dir=self.base, recursive=True)  # noqa: PTH207 - not hidden files
            if (self.base / file).is_file()
        )
        # also those in which nothing fits yet
        above, slash, _ = pattern.rpartition("/")
        inside = glob.glob(above + slash, root_dir=self.base, recursive=True) if above else []  # noqa: PTH207
        self.tree.folders += sorted({self.base / plain, *(self.base / folder for folder in inside)})
        if not found:
            message = f"`{shown(pattern)}` matches no file{_looked('in', self.base, plain, pattern)}"
            self.tree.warnings.append(Fault("not-found", path, message, severity="warning"))
        return found

    def take(self, file: str, path: Path, what: str) -> Value | None:
        """Read a file that the root file names; None, and a fault, where nothing comes of it."""
        place = self.base / file
        real = _real(place)
        if real in self.seen:
            first = self.seen[real]
            how = f"is read already, as `{first}`" if first else "is this file itself"
            self.fault("bad-value", f"`{shown(file)}` {how}", path)
            return None
        self.seen[real] = shown(file)
        self.tree.files.append(place)
        name = str(FilePath(self.name).parent / file)
        text = _text(place, name)
        if isinstance(text, Fault):
            if text.id != "yaml":
                reason = text.message.removeprefix(f"`{name}`")
                message = f"`{shown(file)}`{reason}{_looked('for', self.base, FilePath(file), file)}"
                text = Fault(text.id, path, message)
            self.tree.faults.append(text)
            self.tree.incomplete = True
            return None
        document = self.add(
            read_document(text, name, place.parent, "write `{}` if nothing is to stand in it")
        )
        if isinstance(document.data, dict) and document.spot is not None:
            return self.allowed(document, what)
        if document.data is not BROKEN and document.spot is not None:
            self.tree.faults.append(no_mapping((document.data, document.spot), ()))
            self.tree.incomplete = True
        return None

    def allowed(self, document: Document, what: str) -> Value:
        """The keys of a file that is not the root, without those that only the root has, and notes."""
        assert document.spot is not None
        found = {}
        for key, value in document.data.items():
            if key in _ROOT_ONLY:
                message = f"`{key}` does not belong in {what}; write it in {FilePath(self.name).name}"
                fault = fault_at("not-here", (key,), message, document.spot.children[key], at_key=True)
                self.tree.faults.append(fault)
            elif not key.startswith("x-"):
                found[key] = value
        children = {key: document.spot.children[key] for key in found}
        return found, document.spot.holding(children)


def _real(path: FilePath) -> FilePath:
    """The file behind links, to tell whether two are one; links in a circle are told by whoever opens them."""
    try:
        return path.resolve()
    except (RuntimeError, ValueError):
        return path.absolute()


def _looked(how: str, base: FilePath, path: FilePath, written: str) -> str:
    """Where a file was expected, for messages; that of a reference is not shown."""
    return "" if isinstance(written, Interpolated) else f" (looked {how} {(base / path).absolute()})"


def _text(path: FilePath, name: str, *, may_wait: bool = False) -> str | Fault:
    """The text of a file, or why there is none; with `may_wait` of a pipe, too, which may have no writer."""
    try:
        if not may_wait and path.exists() and not path.is_file() and not path.is_dir():
            return Fault("bad-value", (), f"`{name}` cannot be read: it is no file", file=name)
        with path.open("rb") as file:
            data = file.read(4 * MAX_SIZE + 1)
    except FileNotFoundError:
        return Fault("not-found", (), f"`{name}` does not exist", file=name)
    except OSError as error:
        return Fault("bad-value", (), f"`{name}` cannot be read: {error.strerror}", file=name)
    except ValueError:
        return Fault("bad-value", (), f"`{name}` cannot be read: a path holds no NUL", file=name)
    if len(data) > 4 * MAX_SIZE:
        return Fault("yaml", (), TOO_LARGE, file=name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        hint = "this looks like UTF-16" if data.startswith(_BYTE_ORDERS) else "this is no UTF-8"
        return Fault("yaml", (), f"{hint}; save the file as UTF-8", line=line, column=column, file=name)
