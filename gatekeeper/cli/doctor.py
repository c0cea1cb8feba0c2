"""`gatekeeper doctor`: what is unsafe or unfit here, in the configuration and on this machine, and what to do about it."""

import json
import os
import re
import ssl
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from gatekeeper.cli import configuration, plugins
from gatekeeper.cli.flags import FAILURE, Parser


if TYPE_CHECKING:
    from gatekeeper.cli.findings import FileFacts, Finding, Machine
    from gatekeeper.runtime.loading import Loaded

SUMMARY: Final = (
    "Find what is unsafe or unfit, in a configuration and on this machine, each with its cure. Exit code 0, or 1 for"
    " dangers."
)
SOMAXCONN: Final = Path("/proc/sys/net/core/somaxconn")
"""How many connections the kernel lets wait for one listener; Linux has it."""

_RED, _YELLOW, _OFF = "\033[31m", "\033[33m", "\033[0m"
_NUMBERS: Final = re.compile(r"[0-9]+")


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    configuration.add_flags(parser)
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    plugins.add_flags(parser)


def run(options: Namespace) -> int:
    """Examine, and print what was found; the exit code."""
    from gatekeeper.cli.findings import examine  # noqa: PLC0415 - not for --help

    loaded = configuration.load(options, plugins.load(options))
    found = examine(loaded.config, look(loaded))
    if options.json:
        print(json.dumps([attrs.asdict(one) for one in found], indent=2))
    else:
        _print(found, colour=configuration.is_coloured(sys.stdout.isatty()))
    return FAILURE if any(one.severity == "danger" for one in found) else 0


def look(loaded: "Loaded") -> "Machine":
    """Find out what there is to be known of this machine, and of the files of a configuration."""
    import datetime as dt  # noqa: PLC0415 - not for --help
    import importlib.util  # noqa: PLC0415

    import yaml  # noqa: PLC0415

    from gatekeeper.cli.findings import HOLES, Machine  # noqa: PLC0415
    from gatekeeper.runtime import descriptors  # noqa: PLC0415

    descriptors.raise_limit()  # as `serve` does
    return Machine(
        python=sys.version_info[:2],
        today=dt.datetime.now(dt.UTC),
        is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
        descriptors=descriptors.limit(),
        backlog=int(SOMAXCONN.read_text()) if SOMAXCONN.exists() else None,
        has_uvloop=importlib.util.find_spec("uvloop") is not None,
        has_libyaml=hasattr(yaml, "CSafeLoader"),
        versions={name: version for name in HOLES if (version := _version(name))},
        openssl=(ssl.OPENSSL_VERSION_INFO[0], ssl.OPENSSL_VERSION_INFO[1]),
        files=_files(loaded),
    )


def _version(library: str) -> tuple[int, ...]:
    from importlib import metadata  # noqa: PLC0415 - not for --help

    try:
        text = metadata.version(library)
    except metadata.PackageNotFoundError:
        return ()
    return tuple(int(number) for number in _NUMBERS.findall(text)[:3])


def _files(loaded: "Loaded") -> "dict[str, FileFacts]":
    from gatekeeper.cli.findings import FileFacts  # noqa: PLC0415 - not for --help
    from gatekeeper.edge.tls import read_certificate  # noqa: PLC0415

    config = loaded.config
    pairs = [pair for one in config.server.listen.values() if one.tls for pair in one.tls.certificates]
    services = [service.tls for service in config.services.values()]
    keys = {pair.key for pair in pairs} | {tls.key for tls in services if tls.key}
    certificates = {pair.certificate for pair in pairs} | {
        tls.certificate for tls in services if tls.certificate
    }
    found = {}
    for path in dict.fromkeys(map(str, (*loaded.files, config.database.file))):
        if not Path(path).is_file():
            continue  # it was looked for only, or nothing is kept yet
        expires = read_certificate(Path(path).read_bytes())[1] if path in certificates else None
        found[path] = FileFacts(mode=Path(path).stat().st_mode, is_key=path in keys, expires=expires)
    return found


def _print(found: "Iterable[Finding]", *, colour: bool) -> None:
    rows = list(found)
    for one in rows:
        word: Any = one.severity
        if colour:
            word = f"{_RED if one.severity == 'danger' else _YELLOW}{word}{_OFF}"
        print(f"{word}: {one.what}\n    {one.cure}")
    dangers = sum(one.severity == "danger" for one in rows)
    if rows:
        print(f"\n{_count(dangers, 'danger')}, {len(rows) - dangers} more to know")
    else:
        print("nothing to complain of")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
