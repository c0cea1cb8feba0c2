"""Builds and runs what a Dockerfile says, step by step and without containers: in a folder that stands for the file system.

The commands of the file run as they are, but for their paths and for the network: what pip would fetch is copied from
where these tests run, and only what the wheel says that it needs.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import attrs
from packaging.requirements import Requirement

from tests.cli.running import Gatekeeper
from tests.docs.readme import ROOT
from tests.examples.deploying import DEPLOY


DOCKERFILE: Final = DEPLOY / "Dockerfile"
MOVED: Final = re.compile(r"(?<![\w.}])/(?=opt/|src|wheels|usr/local/lib/python|etc/gatekeeper)")
"""The root of absolute paths that are the image's."""
OFFLINE: Final = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_DEPS": "1"}


@attrs.frozen
class Instruction:
    """A line of a Dockerfile, with those that continue it."""

    keyword: str
    value: str

    @property
    def words(self) -> list[str]:
        """In exec form, which is JSON."""
        found: list[str] = json.loads(self.value[self.value.index("[") :])
        return found


def instructions() -> list[Instruction]:
    """All of them, in order."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    split = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [Instruction(keyword, value) for keyword, value in split]


def last(keyword: str) -> Instruction:
    """The one that holds: of its kind, the last."""
    return [one for one in instructions() if one.keyword == keyword][-1]


def is_visible(path: Path) -> bool:
    """Whether a file of the checkout is part of the context of the build."""
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    wanted = [line.removeprefix("!") for line in lines if line.startswith("!")]
    parts = path.relative_to(ROOT).parts
    return parts[0] in wanted and "__pycache__" not in parts and path.suffix != ".pyc"


def needed(distribution: metadata.Distribution, seen: set[str]) -> Iterator[metadata.Distribution]:
    """What a distribution requires here, and what that requires."""
    for line in distribution.requires or []:
        requirement = Requirement(line)
        is_wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if is_wanted and requirement.name not in seen:
            seen.add(requirement.name)
            found = metadata.distribution(requirement.name)
            yield found
            yield from needed(found, seen)


class Image:
    """What was built: a folder, and what the file says of how to run it."""

    def __init__(self, folder: Path) -> None:
        self.root: Final = folder / "root"
        self._folder: Final = folder
        self._environment: dict[str, str] = {}
        self.workdir = self.root
        self._build()
        site = next((self.root / "opt" / "gatekeeper" / "lib").glob("python*")) / "site-packages"
        self.packages: Final = sorted(path.name for path in site.iterdir() if path.suffix == ".dist-info")
        _copy_needed(site)
        # as `docker run --read-only` has it, also for those who are not root's
        for path in self.root.rglob("*"):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o555)

    # ---- building -------------------------------------------------------------------------------------------------

    def moved(self, text: str) -> str:
        """A text with the paths of the image where they are here."""
        return MOVED.sub(f"{self.root}/", text)

    def _build(self) -> None:
        own = self._folder / "bin"
        own.mkdir()
        (own / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (own / "python").chmod(0o755)
        begun: list[str] = []
        for one in instructions():
            match one.keyword:
                case "FROM":
                    if begun:
                        self.root.rename(self._folder / begun[-1])
                    begun.append(one.value.partition(" AS ")[2])
                    self._begin(own)
                case "ENV":
                    for pair in shlex.split(one.value):
                        name, _, value = pair.partition("=")
                        value = self.moved(value).replace("$PATH", self._environment["PATH"])
                        self._environment[name] = value
                case "WORKDIR":
                    self.workdir = Path(self.moved(one.value))
                    self.workdir.mkdir(parents=True)
                case "COPY":
                    self._copy(one.value.split())
                case "RUN":
                    subprocess.run(
                        ["sh", "-c", self.moved(one.value)],
                        cwd=self.workdir,
                        env={**self._environment, **OFFLINE},
                        check=True,
                        capture_output=True,
                    )

    def _begin(self, own: Path) -> None:
        """The base image: Python, with a standard library that has no bytecode."""
        self._environment = {"PATH": f"{own}:{os.defpath}"}
        self.workdir = self.root
        library = self.root / "usr" / "local" / "lib" / "python3.12"
        library.mkdir(parents=True)
        shutil.copy(json.__file__, library / "json.py")
        (self.root / "opt").mkdir()

    def _copy(self, words: Sequence[str]) -> None:
        *sources, target = words
        if sources[0].startswith("--from="):
            stage = self._folder / sources[0].removeprefix("--from=")
            shutil.copytree(stage / sources[1].strip("/"), self.moved(target), symlinks=True)
            return
        for source in sources:
            for path in [ROOT / source, *(ROOT / source).rglob("*")]:
                if path.is_file() and is_visible(path):
                    inside = self.workdir / target / path.relative_to((ROOT / source).parent)
                    if source.endswith("/"):
                        inside = self.workdir / target / path.relative_to(ROOT / source)
                    inside.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, inside)

    @property
    def user(self) -> int:
        """Who runs it: the one that the file names, where these tests may become another and that one reaches Python."""
        folders = Path(sys.executable).resolve().parents
        may_change = os.geteuid() == 0 and all(folder.stat().st_mode & 0o001 for folder in folders)
        return int(last("USER").value.partition(":")[0]) if may_change else os.geteuid()

    # ---- running --------------------------------------------------------------------------------------------------

    def files(self) -> list[str]:
        """All files, to see whether there are more after a while."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))

    def _prefix(self, variables: dict[str, str]) -> list[str]:
        """What makes a command run as in a container: as nobody's user, with the variables of the image alone."""
        pairs = [f"{name}={value}" for name, value in {**self._environment, **variables}.items()]
        who = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "--no-new-privs"]
        return [*(who if self.user != os.geteuid() else []), "env", "-i", *pairs]

    def start(self, config: str, **variables: str) -> Gatekeeper:
        """Run it with a configuration in its place, as an orchestrator does."""
        self.workdir.chmod(0o755)
        path = self.workdir / "gateway.yaml"
        path.write_text(config)
        path.chmod(0o444)
        self.workdir.chmod(0o555)
        words = last("ENTRYPOINT").words + last("CMD").words
        return Gatekeeper(
            command=[*self._prefix(variables), *map(self.moved, words)],
            cwd=self.workdir,
        )

    def run(self, words: Sequence[str], **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in it that ends by itself."""
        options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 20}
        return subprocess.run(
            [*self._prefix(variables), *map(self.moved, words)], cwd=self.workdir, check=False, **options
        )


def _copy_needed(site: Path) -> None:
    """Put what pip would have fetched beside the wheel."""
    (wheel,) = metadata.distributions(name="gatekeeper-gateway", path=[str(site)])
    for distribution in needed(wheel, set()):
        for file in distribution.files or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), target)
