"""How much memory this process may have where a container, a unit or an operator has said so, and how much it has.

Linux control groups, of both versions (https://docs.kernel.org/admin-guide/cgroup-v2.html,
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html). The limit of each group above ours holds as well; whoever exceeds
one is killed. What the kernel keeps of files, and can take back, does not count.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import attrs


MOUNT: Final = Path("/sys/fs/cgroup")
OWN: Final = Path("/proc/self/cgroup")
NO_LIMIT: Final = 1 << 60
"""What a group without a limit says in version 1 is about eight times as much."""
_LONGEST: Final = 8192
_RECLAIMABLE: Final = ("active_file", "inactive_file")
"""Of files: what is written and read. Files in memory (tmpfs) are not among them."""


@attrs.define
class MemoryLimit:
    """One group that has a limit, with its files open: to read them takes microseconds, and never waits."""

    limit: int
    usage: int
    stat: int
    reclaimable: tuple[bytes, ...]
    """What the lines of `stat` begin with that say what can be taken back."""
    _spare: int = 0

    @classmethod
    def open(cls, limit: Path, usage: Path, stat: Path, prefix: str = "") -> Self | None:
        """Open its files; None where there is no such group, as far as this process can see, or it has no limit."""
        opened: list[int] = []
        try:
            opened.extend(os.open(file, os.O_RDONLY) for file in (limit, usage, stat))
            found = cls(
                opened[0], opened[1], opened[2], tuple(f"{prefix}{name} ".encode() for name in _RECLAIMABLE)
            )
            if found.allowed is not None:
                found.refresh()
                return found
        except (OSError, ValueError):
            pass
        for descriptor in opened:
            os.close(descriptor)
        return None

    @property
    def allowed(self) -> int | None:
        """The limit in bytes, if there is one."""
        text = os.pread(self.limit, 64, 0).strip()
        return int(text) if text.isdigit() and int(text) < NO_LIMIT else None

    def refresh(self) -> None:
        """See what could be taken back; that changes slowly, and takes ten times as long as the rest."""
        lines = os.pread(self.stat, _LONGEST, 0).splitlines()
        self._spare = sum(int(line.split()[1]) for line in lines if line.startswith(self.reclaimable))

    @property
    def share(self) -> float:
        """How much of the limit is in use, 0 to 1; 0 where there is none any more."""
        limit = self.allowed
        used = int(os.pread(self.usage, 64, 0)) - self._spare
        return max(used / limit, 0.0) if limit else 0.0

    def close(self) -> None:
        """Close its files."""
        for descriptor in (self.limit, self.usage, self.stat):
            os.close(descriptor)


def find(mount: Path = MOUNT, own: Path = OWN) -> list[MemoryLimit]:
    """The groups above this process that have a limit of memory; none where there are no groups."""
    try:
        groups = list(_groups(mount, own.read_text()))
    except (OSError, ValueError):
        return []
    return [found for group in groups if (found := MemoryLimit.open(*group)) is not None]


def _groups(mount: Path, own: str) -> Iterator[tuple[Path, Path, Path, str]]:
    """From ours up to the root; a container may see itself as the root, whatever its path says."""
    for line in own.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            top, limit, usage, prefix = mount, "memory.max", "memory.current", ""
        elif "memory" in controllers.split(","):
            top, limit, usage = mount / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            prefix = "total_"
        else:
            continue
        folder = top / path.strip("/")
        for group in (folder, *folder.parents):
            if group.is_relative_to(top):
                yield group / limit, group / usage, group / "memory.stat", prefix
