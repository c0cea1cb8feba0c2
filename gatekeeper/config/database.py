"""Where what outlives the process is kept: `database` of a configuration (gateway-yaml.md section (b) 7)."""

import re
from pathlib import Path
from typing import ClassVar, Final, Self

import attrs

from gatekeeper.config.problems import Refusal


_SQLITE: Final = "sqlite:///"
_SCHEME: Final = re.compile(r"([a-z][a-z0-9]*)(?:\+[a-z0-9]+)?://.*", re.DOTALL)
_LATER: Final = frozenset({"postgresql", "postgres", "mysql", "mariadb"})
_PLAIN: Final = re.compile(r"(?:sqlite:)?/{0,2}((?:[A-Za-z0-9_.-]+/)*[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)")


@attrs.frozen
class Database:
    """A file of SQLite; `path` is written from `folder`, that of the configuration, which is no part of what it says."""

    PATTERN: ClassVar[str] = rf"{_SQLITE}(?!:memory:$)[^?#]*[^?#/]"

    path: str
    folder: Path = attrs.field(factory=Path, eq=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sqlite:///gatekeeper.db`, or with the whole path `sqlite:////var/lib/gatekeeper/gatekeeper.db`.

        Raises:
            Refusal: it is no such address. It may hold a password, so that what is refused is not shown.

        """
        if not text.startswith(_SQLITE):
            raise _other(text)
        path = text.removeprefix(_SQLITE)
        if path in {"", ":memory:"}:
            raise Refusal("a database in memory would end with the process; write `sqlite:///gatekeeper.db`")
        if re.search("[?#]", path) or path.endswith("/") or not path.isprintable():
            raise Refusal(
                "a database is a file, without `?` and `#`; write one like `sqlite:///gatekeeper.db`"
            )
        return cls(path)

    @property
    def file(self) -> Path:
        """The file that is meant."""
        return self.folder / self.path

    def within(self, folder: Path) -> Self:
        """The same as the configuration of a folder has it."""
        return attrs.evolve(self, folder=folder)

    def __str__(self) -> str:
        return _SQLITE + self.path


def _other(text: str) -> Refusal:
    found = _SCHEME.fullmatch(text)
    if found and found[1] in _LATER:
        return Refusal(f"`{found[1]}` is not available yet; write `sqlite:///gatekeeper.db`", "not-available")
    plain = _PLAIN.fullmatch(text)
    example = _SQLITE + (plain[1] if plain else "gatekeeper.db")
    if found and found[1] != "sqlite":
        return Refusal(f"`{found[1]}` is no database that is known here; write `{example}`")
    return Refusal(f"a database is written `{example}`")
