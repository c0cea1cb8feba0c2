"""The blocks of README.md, by language, and of pages like it; what a transcript expects."""

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


def blocks(page: Path = README) -> list[Block]:
    """All of them, in order."""
    text = page.read_text()
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)
        for match in re.finditer(r"^```(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def parameters(language: str, skip: int = 0) -> list[object]:
    """The blocks of one language as parameters of a test; the ids say where they stand."""
    found = [block for block in blocks() if block.language == language][skip:]
    return [pytest.param(block, id=f"README.md:{block.line}") for block in found]


def transcript(text: str) -> list[tuple[str, str]]:
    """The commands of a block, each with what stands below it."""
    parts = [part.partition("\n") for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
    return [(command, expected.rstrip()) for command, _, expected in parts]


def expectation(expected: str) -> str:
    """A regular expression for what stands below a command; `...` is anything."""
    return re.escape(expected).replace(re.escape("..."), r"[\s\S]*?")
