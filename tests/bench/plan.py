"""How a proxy is started: what every configuration gets to know, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Site:
    """Where a proxy runs."""

    executable: str
    folder: Path
    port: int
    admin_port: int
    origin_port: int

    def write(self, name: str, text: str) -> Path:
        """Write a file into the folder of this proxy."""
        path = self.folder / name
        path.write_text(text)
        return path


@dataclass(frozen=True, slots=True)
class Plan:
    """How a proxy is started, and where its access log is found."""

    command: list[str]
    log: Path
    log_mark: bytes = b"\n"  # what each line of the access log has once, and other lines have not
    env: Mapping[str, str] = field(default_factory=dict)
