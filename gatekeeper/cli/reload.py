"""`gatekeeper reload`: have a running gateway read its files again, and say what is wrong with them."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

from gatekeeper.cli import configuration, remote
from gatekeeper.cli.flags import USAGE_ERROR, Parser


SUMMARY: Final = (
    "Have a running gateway read its configuration again. Exit code 0, or 2 where that has errors: then it goes on as "
    "before."
)


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    remote.add_flags(parser)


def run(options: Namespace) -> int:
    """Reload, and print what came of it; the exit code."""
    gateway = remote.Remote(options)
    try:
        found = gateway.ask("POST", "/gateway/reload")
    except remote.Refused as refused:
        found = refused.problem
        if "problems" not in found:
            raise
    refusing = sum(problem["severity"] == "error" for problem in found["problems"])
    code = USAGE_ERROR if refusing else 0
    if options.json:
        outcome = {key: found[key] for key in ("applied", "revision", "problems")}
        print(json.dumps(outcome, indent=2))
        return code
    if found["problems"]:
        _print_problems(found["problems"], here=gateway.is_here)
    if refusing:
        counted = f"{refusing} errors" if refusing > 1 else "1 error"
        print(f"{counted}; revision {found['revision']} stays in force")
    else:
        print(f"revision {found['revision']} is in force")
    return code


def _print_problems(problems: list[dict[str, Any]], *, here: bool) -> None:
    """As `check` prints them; with the lines in question where the files are `here`."""
    from gatekeeper.config.problems import Problem, render  # noqa: PLC0415 - only for what is wrong

    names = ("id", "path", "message", "file", "line", "column", "severity")
    found = [Problem(**{name: problem[name] for name in names}) for problem in problems]
    sources = {file: _text(file) for file in {problem.file for problem in found} if here and file}
    print(render(found, sources, colour=configuration.is_coloured(sys.stdout.isatty())))


def _text(file: str) -> str:
    """The text of a file, empty where it is not to be had."""
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return ""
