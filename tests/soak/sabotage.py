"""A gateway that must be found out: what spoils it, and which checks have to fail then."""

from pathlib import Path
from typing import Final

import attrs


@attrs.frozen
class Sabotage:
    """Text of the file of a gateway that is replaced, and a plugin."""

    fails: tuple[str, ...]
    """The checks that have to fail."""
    plugin: str = ""
    replaced: tuple[str, str] = ("", "")

    def spoil(self, text: str) -> str:
        """The text of the file."""
        before, after = self.replaced
        assert before in text
        return text.replace(before, after) if before else text

    def write(self, folder: Path) -> list[Path]:
        """The plugins, which are in this folder then."""
        if not self.plugin:
            return []
        path = folder / "sabotage.py"
        path.write_text(self.plugin)
        return [path]


NONE: Final = Sabotage(())
"""A gateway as it is."""
