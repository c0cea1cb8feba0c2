"""The corpus: configurations that are broken, or good, as files, and what the gateway says of each."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.loading import Loaded, load_gateway


HERE: Final = Path(__file__).parent
BROKEN: Final = HERE / "broken"
GOOD: Final = HERE / "good"

ENVIRON: Final[Mapping[str, str]] = {
    "SERVICE": "users",
    "PORT": "8081",
    "OFF": "false",
    "EMPTY": "",
    "WAIT": "5",
    "DB_PASSWORD": "correct horse",
    "ADDRESS": "http://me:correct-horse@users",
}
"""All variables that are set for these files."""

SECRET: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
"""What all values of these files are that the long form hides."""

_ENVIRONMENT: Final = re.compile(r"# gatekeeper check --env (\S+)")


@attrs.frozen
class Case:
    """One configuration: a file, or a folder with a `gateway.yaml` and what belongs to it."""

    name: str
    file: Path

    @property
    def expected(self) -> Path:
        """Where it stands what is said of it; for a folder, beside the folder."""
        return self.beside(".txt")

    @property
    def effective(self) -> Path:
        """Where its long form stands."""
        return self.beside(".effective.yaml")

    def beside(self, ending: str) -> Path:
        """A file beside the case, by the name of the case."""
        place = self.file if self.name == self.file.stem else self.file.parent
        return place.with_name(self.name + ending)

    @property
    def environment(self) -> str | None:
        """The environment that its first line chooses."""
        first = self.file.read_text(errors="replace").partition("\n")[0]
        found = _ENVIRONMENT.search(first)
        return found[1] if found else None

    def load(self, host: PluginHost) -> Loaded:
        """Read it as the gateway does, from its own folder; that must be the current one.

        Raises:
            ConfigError: something in it is wrong.

        """
        return load_gateway(Path(self.file.name), host, environment=self.environment, environ=ENVIRON)

    def problems(self, host: PluginHost) -> tuple[Problem, ...]:
        """What is wrong with it, and what is probably wrong."""
        try:
            return self.load(host).warnings
        except ConfigError as error:
            return error.problems

    def said(self, host: PluginHost) -> str:
        """The same, a line for each; whole paths begin at `/here`, so that it is the same everywhere."""
        return "".join(f"{problem}\n" for problem in self.problems(host)).replace(
            str(self.file.parent), "/here"
        )


def cases(folder: Path) -> Iterator[Case]:
    """All cases of a folder, by name."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield Case(path.name, path / "gateway.yaml")
        elif path.suffix in {".yaml", ".json"} and not path.name.endswith(".effective.yaml"):
            yield Case(path.stem, path)
