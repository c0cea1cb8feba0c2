"""`.env`: variables for `${NAME}`, as lines `NAME=value`.

Nothing is put into values, and no command runs. No message shows a value: it may be a secret.
"""

import re
from typing import Final

from gatekeeper.config.problems import Fault


_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$"}
_LINE: Final = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=(?P<value>.*)")
_QUOTED: Final = re.compile(r"""(?:'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*(?P<rest>.*)""")
_COMMENT: Final = re.compile(r"\s#.*")


def read_dotenv(text: str, file: str) -> tuple[dict[str, str], list[Fault]]:
    """Return the variables of a text, and what is wrong with its lines.

    A value is what stands behind `=`, without blanks at its ends and up to ` #`; in single quotes it is taken as it
    stands, in double quotes a backslash begins one of the escapes of line breaks, tabs, quotes, backslashes and `$`.
    """
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    faults: list[Fault] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            message = "a line is `NAME=value`, or a comment behind `#`"
            faults.append(_fault("bad-value", message, file, number, line))
            continue
        name = match["name"]
        if name in lines:
            message = f"`{name}` stands in lines {lines[name]} and {number}"
            faults.append(_fault("duplicate-key", message, file, number, line))
            continue
        lines[name] = number
        try:
            found[name] = _value(match["value"])
        except ValueError as error:
            faults.append(_fault("bad-value", f"`{name}`: {error}", file, number, line))
    return found, faults


def _fault(fault_id: str, message: str, file: str, number: int, line: str) -> Fault:
    return Fault(fault_id, (), message, line=number, column=len(line) - len(line.lstrip()) + 1, file=file)


def _value(written: str) -> str:
    """What a value means.

    Raises:
        ValueError: nothing.

    """
    if written.lstrip()[:1] not in {"'", '"'}:
        return _COMMENT.sub("", written, count=1).strip()
    quoted = _QUOTED.fullmatch(written.strip())
    if quoted is None:
        raise ValueError(
            "the quote is not closed in this line; write a line break as `\\n`, in double quotes"
        )
    if quoted["rest"] and not quoted["rest"].startswith("#"):
        raise ValueError(
            'something stands behind the closing quote; write `\\"` for a quote in double quotes'
        )
    if quoted["single"] is not None:
        return quoted["single"]
    return re.sub(r"\\(.)", _unescaped, quoted["double"])


def _unescaped(found: re.Match[str]) -> str:
    if found[1] not in _ESCAPES:
        raise ValueError(
            'a backslash in double quotes stands before n, r, t, \\, " or $; use single quotes for a literal one'
        )
    return _ESCAPES[found[1]]
