"""A terminal that a page is typed into: one shell for all of its blocks, on free ports of this machine."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.cli.running import ENVIRONMENT, PATIENCE
from tests.docs.readme import ROOT, Block, expectation, transcript
from tests.examples.deploying import SCRIPTS


GATEKEEPER: Final = '#!/bin/sh\nexec "{python}" -m gatekeeper "$@"\n'
ASKS: Final = re.compile(r"(?:curl|status|grep -o) ")
"""Commands that change nothing, and are given again until the answer is the one that is awaited."""

_KEY_ID: Final = re.compile(r"k_[0-9a-f]{12}")


class Terminal:
    """A shell in a folder; variables, functions and jobs are those of the block before."""

    def __init__(self, folder: Path, ports: Mapping[int, int]) -> None:
        """Open it; `ports` are those that the page names, and those that are used instead."""
        self.folder: Final = folder
        self._ports: Final = ports
        self._ids: Final[dict[str, str]] = {}
        self._said: Final = folder / "said.txt"
        own = folder / "bin"
        own.mkdir()
        self.program("gatekeeper", GATEKEEPER.format(python=sys.executable))
        path = f"{own}:{SCRIPTS}:{ENVIRONMENT['PATH']}"
        self._shell: Final = subprocess.Popen(
            ["sh"],
            cwd=folder,
            env={**ENVIRONMENT, "PATH": path, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def program(self, name: str, text: str) -> None:
        """Put a program on the path."""
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def play(self, block: Block) -> None:
        """Type a block in, and see that it says what the page has."""
        steps = transcript(block.text) if block.language == "console" else [(block.text, "")]
        for command, expected in steps:
            deadline = time.monotonic() + PATIENCE
            while not self._fits(expected, said := self._run(command)):
                again = ASKS.match(command) is not None and time.monotonic() < deadline
                assert again, f"line {block.line}: {command}\n{said}"

    def _fits(self, expected: str, said: str) -> bool:
        """Whether it was said so; an id of a key that the page has not had before is whatever it is here."""
        new = list(dict.fromkeys(name for name in _KEY_ID.findall(expected) if name not in self._ids))
        pattern = expectation(expected)
        for name in new:
            pattern = pattern.replace(name, f"(?P<{name}>{_KEY_ID.pattern})", 1)
            pattern = re.sub(rf"(?<!\?P<){name}(?!>)", f"(?P={name})", pattern)
        found = re.fullmatch(pattern, said)
        if found is not None:
            self._ids.update(found.groupdict())
        return found is not None

    def _run(self, command: str) -> str:
        """Type a command in; what it says, in the words of the page."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        for name, here in (*self._ports.items(), *self._ids.items()):
            command = re.sub(rf"\b{name}\b", str(here), command)
        self._shell.stdin.write(f"{{ {command.rstrip()}\n}} > {self._said} 2>&1 < /dev/null\necho\n")
        self._shell.stdin.flush()
        assert self._shell.stdout.readline(), f"the shell has ended at {command}"
        said = self._said.read_text().replace("\r", "").rstrip()
        for name, here in (*self._ports.items(), *self._ids.items()):
            said = re.sub(rf"\b{here}\b", str(name), said)
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the shell, and whatever it has started."""
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.communicate()
