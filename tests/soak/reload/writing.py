"""The ways in which files are changed: by programs, by editors, by tools that swap links.

Each leaves the whole text behind, whatever stood there before: a file, a link, or nothing. Some take a while.
"""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final


PAUSE: Final = 0.12
EMPTY: Final = 0.5
PIECES: Final = 6

Way = Callable[[Path, str], None]


def truncate(path: Path, text: str) -> None:
    """As a shell does by `> file`."""
    _write(path, text)


def empty_for_a_moment(path: Path, text: str) -> None:
    """As a program that opens, closes, thinks, and opens again."""
    _write(path, "")
    time.sleep(EMPTY)
    _write(path, text)


def piece_by_piece(path: Path, text: str) -> None:
    """As a copy over a slow line."""
    data = text.encode()
    size = len(data) // PIECES + 1
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        for begin in range(0, len(data), size):
            os.write(descriptor, data[begin : begin + size])
            time.sleep(PAUSE)
    finally:
        os.close(descriptor)


def rename_over(path: Path, text: str) -> None:
    """As careful programs do."""
    _replace(path, text)


def vim(path: Path, text: str) -> None:
    """What was there becomes a backup, the new file is written, the backup goes."""
    backup = path.with_name(f"{path.name}~")
    if path.exists():
        path.rename(backup)
    _write(path, text)
    backup.unlink(missing_ok=True)


def hard_link(path: Path, text: str) -> None:
    """Another name of a file that stands elsewhere, put over it."""
    stock = path.parent / "stock"
    stock.mkdir(exist_ok=True)
    for old in stock.iterdir():
        old.unlink()
    new = stock / "new.yaml"
    _write(new, text)
    other = path.with_name(f".{path.name}.link")
    os.link(new, other)
    other.replace(path)


def kubernetes(path: Path, text: str) -> None:
    """The file is a link into `..data`, which is a link to a folder, and that is swapped for another one."""
    data = path.parent / "..data"
    before = data.resolve() if data.is_symlink() else None
    folder = path.parent / f"..{os.urandom(6).hex()}"
    folder.mkdir()
    _write(folder / path.name, text)
    _link(data, folder.name)
    if not path.is_symlink():
        _link(path, f"..data/{path.name}")
    if before is not None:
        shutil.rmtree(before)


def delete_and_create(path: Path, text: str) -> None:
    """As a tool that cleans up first."""
    path.unlink(missing_ok=True)
    time.sleep(PAUSE)
    _write(path, text)


def same_time(path: Path, text: str) -> None:
    """Written where it stands, and given the time that it had."""
    found = path.stat() if path.exists() else None
    _write(path, text)
    if found is not None:
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


WAYS: Final[Mapping[str, Way]] = {
    "truncate": truncate,
    "empty for a moment": empty_for_a_moment,
    "piece by piece": piece_by_piece,
    "rename over": rename_over,
    "vim": vim,
    "hard link": hard_link,
    "kubernetes": kubernetes,
    "delete and create": delete_and_create,
    "same time": same_time,
}


def delete(path: Path) -> None:
    """Take the file away."""
    path.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _replace(path: Path, text: str) -> None:
    other = path.with_name(f".{path.name}.new")
    _write(other, text)
    other.replace(path)


def _link(path: Path, target: str) -> None:
    other = path.with_name(f".{path.name}.link")
    other.symlink_to(target)
    other.replace(path)
