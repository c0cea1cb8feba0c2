"""The blocks of README.md, by language."""

import re
from pathlib import Path
from typing import Final

import attrs
import pytest


ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
LANGUAGES: Final = frozenset({"sh", "console", "yaml", "python"})


@attrs.frozen
class Block:
    """A fenced block, and the line it begins in."""

    language: str
    text: str
    line: int


def blocks() -> list[Block]:
    """All of them, in order."""
    text = README.read_text()
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)
        for match in re.finditer(r"^```(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def parameters(language: str, skip: int = 0) -> list[object]:
    """The blocks of one language as parameters of a test; the ids say where they stand."""
    found = [block for block in blocks() if block.language == language][skip:]
    return [pytest.param(block, id=f"README.md:{block.line}") for block in found]
