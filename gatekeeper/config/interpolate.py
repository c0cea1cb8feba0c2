"""`${NAME}` and `${NAME:-default}` in the values of a document; what is put in is never parsed again."""

import re
from collections.abc import Mapping
from typing import Any, Final

from gatekeeper.config.document import BROKEN, Document, Variable
from gatekeeper.config.problems import Fault, Path, Refusal


_REFERENCE: Final = re.compile(
    r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?|(?P<other>[^}]*))\}|\$\{(?P<open>.*)",
    re.DOTALL,
)


def interpolate(document: Document, environ: Mapping[str, str]) -> None:
    """Replace the references in all values; what cannot be is noted in the document, and its value is BROKEN."""
    if "${" in document.text:
        document.data = _Interpolation(document, environ).value(document.data, ())


class _Interpolation:
    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self.faults = document.faults
        self.environ = environ

    def value(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: self.value(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        try:
            whole = _REFERENCE.fullmatch(value)
            if whole and whole["name"]:
                return Variable(self.replaced(whole))
            return _REFERENCE.sub(self.replaced, value)
        except Refusal as refusal:
            self.faults.append(Fault(refusal.id, path, str(refusal)))
            return BROKEN

    def replaced(self, found: re.Match[str]) -> str:
        """What stands for a reference.

        Raises:
            Refusal: nothing does.

        """
        name, other = found["name"], found["other"]
        if found[0] == "$${":
            return "${"
        if name is None:
            scheme = re.match(r"[a-z][a-z0-9_]*:", other or "")
            if scheme:
                raise Refusal(f"`${{{scheme[0]}...}}` is not available yet", "not-available")
            raise Refusal(f"`{found[0]}` is no reference: write `${{NAME}}`, or `$${{` for a literal `${{`")
        value = self.environ.get(name) or found["default"]
        if value is None:
            state = "is empty" if name in self.environ else "is not set"
            raise Refusal(f"`${{{name}}}` {state}; set it, or write `${{{name}:-default}}`", "unresolved")
        return value
