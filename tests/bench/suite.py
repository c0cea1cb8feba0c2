"""What all suites share: the options, the proxies that run, what was missing, what did not count."""

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import peers, process


HELPER_LIMIT = 300


def note(text: str) -> None:
    """Say on stderr what goes on."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Options:
    """How much is measured."""

    rounds: int = 6
    seconds: float = 2.5
    mebibytes: int = 1024
    idle: int = 2000
    starts: int = 10
    repeats: int = 20
    calls: int = 5000
    routes: int = 10000
    loads: int = 5


@dataclass
class Bench:
    """One run of the benchmark."""

    options: Options
    folder: Path
    executables: dict[str, str]
    missing: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    invalid: list[str] = field(default_factory=list)

    def names(self, *wanted: str) -> list[str]:
        """Return the proxies that can be measured, all or those wanted."""
        return [
            name for name in self.executables if name not in self.failed and (not wanted or name in wanted)
        ]

    def start(self, name: str, label: str, origin_port: int) -> peers.Peer | None:
        """Start one proxy and wait until it answers; if it does not, remember why."""
        peer = peers.Peer(name, self.executables[name], self.folder / f"{label}-{name}", origin_port)
        try:
            peer.wait_first_answer()
        except peers.StartError as error:
            peer.stop()
            self.failed[name] = str(error)
            note(f"skipped: {error}")
            return None
        return peer

    @contextlib.contextmanager
    def running(self, label: str, origin: peers.Origin, names: list[str]) -> Iterator[list[peers.Peer]]:
        """Run these proxies side by side (those that are not measured are idle)."""
        with contextlib.ExitStack() as stack:
            started = []
            for name in names:
                if peer := self.start(name, label, origin.port):
                    stack.callback(peer.stop)
                    started.append(peer)
            yield started

    def refuse(self, what: str) -> None:
        """Mark a measurement as one that does not count."""
        self.invalid.append(what)
        note(f"invalid: {what}")


def play(module: str, *arguments: object) -> Any:
    """Run a helper process to its end; return the JSON it printed."""
    started = process.helper(module, [str(argument) for argument in arguments], sys.executable)
    try:
        said, _ = started.communicate(timeout=HELPER_LIMIT)
    finally:
        process.stop(started)
    return json.loads(said)
