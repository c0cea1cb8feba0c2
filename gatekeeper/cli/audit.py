"""`gatekeeper audit verify`: whether the chain of an audit file is whole, and if not, where it breaks.

What is named is read oldest first: `audit.jsonl.2` before `audit.jsonl.1` before `audit.jsonl`, in whatever order a shell lists
them. The exit code is 0 for a chain that is whole, 1 for one that is not.
"""

import argparse
import json
import re
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.cli import configuration, plugins
from gatekeeper.cli.flags import FAILURE, USAGE_ERROR, CommandError, Parser


if TYPE_CHECKING:
    from gatekeeper.policy.ledger_check import Report

SUMMARY: Final = "Check the chain of an audit file: that no record was changed, taken out, put in or moved. Exit code 0, 1 where one was."

_NUMBER: Final = re.compile(r"\.([0-9]{1,6})$")


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.intermixed = True
    parser.add_argument("action", choices=["verify"], help="what to do")
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        type=Path,
        help="the files of one chain; those that the configuration names where there is none",
    )
    parser.add_argument(
        "--expect",
        metavar="HASH",
        type=_hash,
        help="a hash that was noted before, and has to be that of a record in the chain",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    configuration.add_flags(parser)
    plugins.add_flags(parser)


def _hash(text: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError("a hash has 64 hexadecimal digits")
    return text.lower()


def run(options: Namespace) -> int:
    """Read the files and say what is known of them; the exit code."""
    from gatekeeper.observe.audit_tail import lines  # noqa: PLC0415 - not for --help
    from gatekeeper.policy.ledger_check import Line, inspect  # noqa: PLC0415

    files = sorted(options.files, key=_age) if options.files else _configured(options)
    try:
        report = inspect((Line(*line) for line in lines(files)), options.expect or "")
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}", USAGE_ERROR) from error
    sound = report.broken is None and (not options.expect or bool(report.found))
    if options.json:
        print(json.dumps(_data(report, files, options.expect, sound=sound), indent=2))
    else:
        _print(report, files, options.expect, sound=sound)
    return 0 if sound else FAILURE


def _age(file: Path) -> int:
    """What was renamed more often is older."""
    found = _NUMBER.search(file.name)
    return -int(found[1]) if found else 0


def _configured(options: Namespace) -> list[Path]:
    """The file that the configuration names, behind those that it was renamed to.

    Raises:
        CommandError: there is none.

    """
    from gatekeeper.observe.audit_tail import older  # noqa: PLC0415 - not for --help
    from gatekeeper.runtime.auditing import audit_path  # noqa: PLC0415

    path = configuration.config_path(options)
    audit = configuration.load(options, plugins.load(options), path).config.observe.audit
    if audit is False:
        message = f"{path} has no audit file; write `observe: {{audit: true}}` there, or name a file here"
        raise CommandError(message, USAGE_ERROR)
    file = audit_path(audit.file, path.parent)
    try:
        renamed = [one for _, one in reversed(older(file))]
    except OSError as error:
        raise CommandError(f"{file.parent} cannot be read: {error.strerror}", USAGE_ERROR) from error
    return [*renamed, file]


def _data(report: "Report", files: list[Path], expect: str | None, *, sound: bool) -> dict[str, Any]:
    broken = report.broken
    return {
        "sound": sound,
        "files": [str(file) for file in files],
        "records": report.records,
        "first": report.first,
        "last": report.head.seq,
        "since": report.since,
        "until": report.until,
        "hash": report.head.hash,
        "gaps": [{"seq": gap.seq, "lost": gap.lost} for gap in report.gaps],
        "recovered": report.recovered,
        "expected": {"hash": expect, "seq": report.found or None} if expect else None,
        "broken": None
        if broken is None
        else {"file": broken.file, "line": broken.line, "kind": broken.kind, "message": broken.message},
    }


def _print(report: "Report", files: list[Path], expect: str | None, *, sound: bool) -> None:
    from gatekeeper.observe.lines import escape  # noqa: PLC0415 - not for --help

    broken, head = report.broken, report.head
    print(f"{'sound' if sound else 'BROKEN'}: {', '.join(str(file) for file in files)}")
    if broken is not None:
        print(f"  {broken.file}, line {broken.line}: {broken.kind}: {broken.message}")
    if expect and not report.found:
        behind = " before the break" if broken is not None else ""
        print(
            f"  expected: no record{behind} has the hash {expect}; the end was cut off, or all of it written anew"
        )
    elif expect:
        print(f"  expected: the hash is that of record {report.found}")
    if not report.records:
        print("  no records")
        return
    until = " are whole" if broken is not None else ""
    print(f"  records {report.first} to {head.seq}{until}, {escape(report.since)} to {escape(report.until)}")
    if report.first > 1:
        print(f"  the {report.first - 1} before them are not here")
    if report.recovered:
        print(f"  lines that a crash has torn, and that were cut off: {report.recovered}")
    for gap in report.gaps:
        print(f"  record {gap.seq} says that {gap.lost} records were lost before it")
    print(f"  hash of record {head.seq}: {head.hash}")
