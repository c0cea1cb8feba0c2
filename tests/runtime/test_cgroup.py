"""What control groups say of memory, as files have it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.runtime.cgroup import MemoryLimit, find


MEBIBYTE = 1 << 20


def second(folder: Path, limit: str, used: int, inactive: int = 0) -> None:
    """A group of version 2."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used * MEBIBYTE}\n")
    (folder / "memory.stat").write_text(
        f"anon 1\ninactive_file {inactive // 2 * MEBIBYTE}\nactive_file {inactive // 2 * MEBIBYTE}\n"
    )


def first(folder: Path, limit: int, used: int, inactive: int = 0) -> None:
    """A group of version 1."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (folder / "memory.usage_in_bytes").write_text(f"{used * MEBIBYTE}\n")
    (folder / "memory.stat").write_text(
        f"inactive_file 1\ntotal_inactive_file {inactive * MEBIBYTE}\ntotal_active_file 0\n"
    )


class Finding:
    """Finds limits, and closes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: list[MemoryLimit] = []

    def __call__(self, own: str) -> list[MemoryLimit]:
        (self.folder / "own").write_text(own)
        self.found = find(self.folder, self.folder / "own")
        return self.found


@pytest.fixture
def finding(tmp_path: Path) -> Iterator[Finding]:
    """Where groups are, and those of this process."""
    finding = Finding(tmp_path)
    yield finding
    for limit in finding.found:
        limit.close()


def test_the_limit_of_our_group_holds(finding: Finding) -> None:
    """Without what the kernel can take back."""
    second(finding.folder / "system.slice/gatekeeper.service", str(100 * MEBIBYTE), 80, 30)

    [limit] = finding("0::/system.slice/gatekeeper.service\n")

    assert (100 * MEBIBYTE, 0.5) == (limit.allowed, limit.share)


def test_the_limits_above_hold_as_well(finding: Finding) -> None:
    """From ours up to the root, but for those without one."""
    second(finding.folder / "pod/container", "max", 10)
    second(finding.folder / "pod", str(50 * MEBIBYTE), 45)
    second(finding.folder, str(1000 * MEBIBYTE), 100)

    limits = finding("0::/pod/container\n")

    assert [(50 * MEBIBYTE, 0.9), (1000 * MEBIBYTE, 0.1)] == [(one.allowed, one.share) for one in limits]


def test_a_container_sees_itself_as_the_root(finding: Finding) -> None:
    """Its path is that of the machine, which it cannot see."""
    first(finding.folder / "memory", 64 * MEBIBYTE, 32, 16)

    [limit] = finding("4:memory:/docker/0123\n0::/\n")

    assert (64 * MEBIBYTE, 0.25) == (limit.allowed, limit.share)


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "1:cpu:/\n", "0::/\n", "4:memory:/x\n"],
    ids=["nothing", "nonsense", "cpu", "v2", "v1"],
)
def test_there_may_be_no_limit(finding: Finding, text: str) -> None:
    """Of groups, of memory, or at all."""
    first(finding.folder / "memory", 9223372036854771712, 10)
    second(finding.folder, "max", 10)

    assert [] == finding(text)


def test_there_may_be_no_groups(tmp_path: Path) -> None:
    """Elsewhere than on Linux."""
    assert [] == find(tmp_path, tmp_path / "nowhere")


def test_figures_are_those_of_now(finding: Finding) -> None:
    """Also the limit, which an operator may change; what could be taken back is asked for now and then."""
    folder = finding.folder / "a"
    second(folder, str(100 * MEBIBYTE), 50)
    [limit] = finding("0::/a\n")
    (folder / "memory.current").write_text(f"{80 * MEBIBYTE}\n")
    (folder / "memory.stat").write_text(f"inactive_file {40 * MEBIBYTE}\n")
    later = limit.share
    limit.refresh()
    refreshed = limit.share
    (folder / "memory.max").write_text(f"{50 * MEBIBYTE}\n")
    less = limit.share
    (folder / "memory.max").write_text("max\n")

    assert (0.8, 0.4, 0.8, 0.0) == (later, refreshed, less, limit.share)


def test_this_process_can_be_asked() -> None:
    """Whatever groups it is in."""
    limits = find()
    shares = [limit.share for limit in limits]
    for limit in limits:
        limit.close()

    assert all(0.0 <= share <= 1.5 for share in shares)
