"""The image, built once."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.image import Image


@pytest.fixture(scope="session")
def shared_folder() -> Iterator[Path]:
    """A folder that everybody may read: those of pytest are its user's alone."""
    folder = Path(tempfile.mkdtemp(prefix="gatekeeper-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def image(shared_folder: Path) -> Image:
    """What the Dockerfile builds."""
    return Image(shared_folder)
