"""The ways in which the file is changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.soak.reload.writing import WAYS


def _nothing(path: Path) -> None:
    pass


def _file(path: Path) -> None:
    path.write_text("old")


def _swapped(path: Path) -> None:
    WAYS["kubernetes"](path, "old")


@pytest.mark.parametrize("before", [_nothing, _file, _swapped])
@pytest.mark.parametrize("name", WAYS)
def test_a_way_leaves_the_whole_text(name: str, before: Callable[[Path], None], tmp_path: Path) -> None:
    """Whatever stood there, and again over itself."""
    path = tmp_path / "gateway.yaml"
    before(path)

    for text in ("new", "a longer one\n" * 1000, ""):
        WAYS[name](path, text)
        assert text == path.read_text()


def test_same_time_is_the_same_time(tmp_path: Path) -> None:
    """To the nanosecond."""
    path = tmp_path / "gateway.yaml"
    path.write_text("old")
    before = path.stat().st_mtime_ns

    WAYS["same time"](path, "new")

    assert (before, "new") == (path.stat().st_mtime_ns, path.read_text())


def test_kubernetes_swaps_folders(tmp_path: Path) -> None:
    """The file stays a link, and old folders go."""
    path = tmp_path / "gateway.yaml"
    for text in ("one", "two", "three"):
        WAYS["kubernetes"](path, text)

    assert (path.is_symlink(), (tmp_path / "..data").is_symlink()) == (True, True)
    assert 1 == sum(one.is_dir() and not one.is_symlink() for one in tmp_path.iterdir())
