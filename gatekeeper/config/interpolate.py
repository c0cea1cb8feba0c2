"""`${NAME}`, `${NAME:-default}`, `${file:path}` and `${SCHEME:name}` of plugins in the values of a document.

What is put in is never parsed again, and never shown: it may be a secret, so messages show the reference.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from gatekeeper.config.document import BROKEN, Document, Interpolated, Spot, Variable
from gatekeeper.config.problems import Fault, Path, Refusal, did_you_mean, quoted


log = logging.getLogger(__name__)

SecretResolver = Callable[[str], str]
"""Brings the value that a reference names: what stands behind its scheme. It raises LookupError where there is none, and
whatever it raises refuses the configuration; the message of a LookupError is shown, and must hold no secret."""
NO_SECRETS: Final[Mapping[str, SecretResolver]] = {}

MAX_FILE: Final = 64 * 1024
"""Bytes of a file that is put in."""

_SCHEMES: Final = ("file", "env")
_REFERENCE: Final = re.compile(
    r"\$\$\{"
    r"|\$\{(?:(?:env:)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?"
    r"|file:(?P<file>[^}]+)|(?P<other>[^}]*))\}"
    r"|\$\{(?P<open>.*)",
    re.DOTALL,
)


def interpolate(
    document: Document,
    environ: Mapping[str, str],
    *,
    quiet: bool = False,
    secrets: Mapping[str, SecretResolver] = NO_SECRETS,
) -> list[FilePath]:
    """Replace the references in all values; what cannot be is noted in the document, and its value is BROKEN.

    `quiet` says nothing of variables that are not set, where it is known that some could not be read. Returns the files
    that were read or looked for.
    """
    if "${" not in document.text or document.spot is None:
        return []
    interpolation = _Interpolation(document, environ, quiet, secrets)
    document.data = interpolation.value(document.data, (), document.spot)
    return list(interpolation.files)


class _UnsetError(Exception):
    """A variable is not set, and that is said elsewhere."""


class _Interpolation:
    def __init__(
        self,
        document: Document,
        environ: Mapping[str, str],
        quiet: bool,
        secrets: Mapping[str, SecretResolver],
    ) -> None:
        self.document = document
        self.environ = environ
        self.quiet = quiet
        self.secrets = secrets
        self.brought: dict[str, str] = {}
        self.files: dict[FilePath, str | Refusal] = {}

    def value(self, value: Any, path: Path, spot: Spot) -> Any:
        if isinstance(value, dict):
            children = spot.children
            return {key: self.value(item, (*path, key), children[key]) for key, item in value.items()}
        if isinstance(value, list):
            children = spot.children
            return [self.value(item, (*path, index), children[index]) for index, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        try:
            whole = _REFERENCE.fullmatch(value)
            if whole and (whole["name"] or whole["file"] or self.scheme(whole["other"]) in self.secrets):
                return Variable(self.replaced(whole), value)
            text = _REFERENCE.sub(self.replaced, value)
            only_literal = all(found[0] == "$${" for found in _REFERENCE.finditer(value))
            return text if only_literal else Interpolated(text, value)
        except Refusal as refusal:
            fault = Fault(
                refusal.id,
                path,
                str(refusal),
                line=spot.line + 1,
                column=spot.column + 1,
                file=self.document.file,
            )
            self.document.faults.append(fault)
            return BROKEN
        except _UnsetError:
            return BROKEN

    def replaced(self, found: re.Match[str]) -> str:
        """What stands for a reference.

        Raises:
            Refusal: nothing does.

        """
        if found[0] == "$${":
            return "${"
        if found["file"] is not None:
            content = self.content(found[0], self.document.folder.absolute() / found["file"])
            self.document.outside[content] = found[0]
            return content
        name = found["name"]
        if name is None:
            scheme = self.scheme(found["other"])
            if scheme in self.secrets:
                return self.secret(found[0], scheme, found["other"].removeprefix(f"{scheme}:"))
            if scheme:
                if scheme in _SCHEMES:
                    raise Refusal(f"`{found[0]}` names nothing; write it behind the `:`")
                known = (
                    did_you_mean(scheme, self.secrets) or f"; there are {quoted([*_SCHEMES, *self.secrets])}"
                )
                raise Refusal(f"`${{{scheme}:...}}`: nothing brings such secrets{known}", "unknown-kind")
            raise Refusal(f"`{found[0]}` is no reference: write `${{NAME}}`, or `$${{` for a literal `${{`")
        value = self.environ.get(name) or found["default"]
        if value is None:
            if self.quiet:
                raise _UnsetError
            state = "is empty" if name in self.environ else "is not set"
            near = _near(name, self.environ) if name not in self.environ else None
            hint = f"did you mean `${{{near}}}`?" if near else f"set it, or write `${{{name}:-default}}`"
            raise Refusal(f"`${{{name}}}` {state}; {hint}", "unresolved")
        if value != found["default"]:
            self.document.outside[value] = found[0]
        return value

    @staticmethod
    def scheme(text: str | None) -> str:
        """What a reference says before its first `:`; empty where that is no word."""
        found = re.match(r"([a-z][a-z0-9_]*):", text or "")
        return found[1] if found else ""

    def secret(self, reference: str, scheme: str, name: str) -> str:
        """What a plugin brings, the same for each reference to it."""
        if not name:
            raise Refusal(f"`{reference}` names nothing; write it behind the `:`")
        if reference not in self.brought:
            try:
                value = self.secrets[scheme](name)
            except LookupError as error:
                raise Refusal(
                    f"`{reference}`: {error.args[0] if error.args else 'there is none'}", "unresolved"
                ) from None
            except Exception as error:  # whatever a plugin raises may hold what it has read
                log.debug("%s could not be brought", reference, exc_info=True)
                raise Refusal(
                    f"`{reference}` could not be brought: {type(error).__name__}", "unresolved"
                ) from None
            if not (type(value) is str and value):
                raise Refusal(f"`{reference}` has brought no text", "unresolved")
            self.brought[reference] = value
        value = self.brought[reference]
        self.document.outside[value] = reference
        return value

    def content(self, reference: str, file: FilePath) -> str:
        """The content of a file, the same for each reference to it."""
        if file not in self.files:
            try:
                self.files[file] = _read(file)
            except OSError as error:
                self.files[file] = Refusal(f"cannot be read: {error.strerror}")
            except Refusal as refusal:
                self.files[file] = refusal
        content = self.files[file]
        if isinstance(content, Refusal):
            raise Refusal(f"`{reference}`: {file} {content}", "unresolved")
        return content


def _read(path: FilePath) -> str:
    """The text of a file, without the line end behind it.

    Raises:
        Refusal: it is no text, or none that can be meant.

    """
    if not path.exists():
        raise Refusal("does not exist")
    if not path.is_file():
        # a pipe would wait for a writer
        raise Refusal("is no file")
    with path.open("rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise Refusal(f"is larger than {MAX_FILE >> 10} KiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal("is no UTF-8") from None
    text = re.sub(r"\r?\n\Z", "", text)
    if not text:
        raise Refusal("is empty")
    return text


def _near(name: str, known: Iterable[str]) -> str | None:
    """The name that differs by one character, by two swapped ones, or by case.

    Names of variables have much in common: `DB_HOST` is near to `DB_PORT` for those who count what is equal.
    """
    if len(name) < 4:
        return None
    return next((other for other in sorted(known) if _is_slip(name.upper(), other.upper())), None)


def _is_slip(one: str, other: str) -> bool:
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])
