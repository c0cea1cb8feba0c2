"""Single values: texts, numbers, booleans, files; and how whatever reads them says what is wrong, and where."""

from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, Final

from gatekeeper.config.document import BROKEN, Broken, meaning
from gatekeeper.config.problems import Fault, Path
from gatekeeper.config.wording import describe, number_hint, written


YAML11_BOOLEANS: Final = {"yes", "no", "on", "off", "y", "n", "true", "false"}


class ScalarReader:
    """Reads single values, and collects what is wrong with them."""

    def __init__(self, base: FilePath, later: Callable[[Path], bool]) -> None:
        self._base: Final = base
        self.later: Final = later
        self.faults: list[Fault] = []
        self.files: Final[list[FilePath]] = []
        self.path: list[str | int] = []

    def refuse(
        self, message: str, fault_id: str = "bad-value", *steps: str | int, at_key: bool = False
    ) -> Broken:
        """Note what is wrong here, or where the steps lead."""
        self.faults.append(Fault(fault_id, (*self.path, *steps), message, at_key))
        return BROKEN

    def mistyped(self, expected: str, value: Any, hint: str = "") -> Broken:
        """Note that the value is of another type; without a word where something in it is broken."""
        if isinstance(value, dict) and BROKEN in value.values():
            return BROKEN
        if isinstance(value, str) and self.later((*self.path, str(value))):
            return self.refuse(f"`{value}` is not available yet", "not-available")
        return self.refuse(f"expected {expected}, not {describe(value)}{hint}", "wrong-type")

    def folder(self) -> FilePath:
        """The folder that the path of a file is relative to, here."""
        return self._base

    def text(self, value: Any, _: Any) -> Any:
        """A text; nothing else is turned into one."""
        if isinstance(value, str):
            return str(value)
        hint = f'; write "{written(value)}"' if isinstance(value, int | float) else ""
        if isinstance(value, dict):
            hint = "; quote a value that begins with `{`"
        return self.mistyped("text", value, hint)

    def int(self, value: Any, _: Any) -> Any:
        """A whole number."""
        value = meaning(value)
        return value if type(value) is int else self.mistyped("a whole number", value, number_hint(value))

    def float(self, value: Any, _: Any) -> Any:
        """A number."""
        value = meaning(value)
        is_number = type(value) in {int, float}
        return float(value) if is_number else self.mistyped("a number", value, number_hint(value))

    def bool(self, value: Any, _: Any) -> Any:
        """True or false."""
        value = meaning(value)
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in YAML11_BOOLEANS:
            return self.refuse(f"`{value}` is text here; write true or false", "yaml11-word")
        return self.mistyped("true or false", value)

    def file(self, value: Any, _: Any) -> Any:
        """The whole path of a file that is there."""
        if not isinstance(value, str):
            return self.mistyped("the path of a file, like `tls/ca.pem`", value)
        text = str(value)
        path = self.folder().absolute() / text
        self.files.append(path)
        if not path.is_file():
            return self.refuse(f"`{text}` does not exist (looked for {path})", "not-found")
        return str(path)

    def anything(self, value: Any, _: Any) -> Any:
        """Whatever it is, without what a document notes beside values."""
        if isinstance(value, dict):
            found = {key: self.anything(item, _) for key, item in value.items()}
            return BROKEN if BROKEN in found.values() else found
        if isinstance(value, list):
            items = [self.anything(item, _) for item in value]
            return BROKEN if BROKEN in items else items
        return str(value) if isinstance(value, str) else value
