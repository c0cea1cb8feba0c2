"""`gatekeeper init`: a first gateway.yaml that explains itself. It never overwrites anything."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Final

from gatekeeper.cli.configuration import NAMES
from gatekeeper.cli.flags import USAGE_ERROR, CommandError, Parser


SUMMARY: Final = "Write a first gateway.yaml, with comments. What is there is never overwritten."

STARTER: Final = Path(__file__).with_name("starter.yaml")
UPSTREAM: Final = "http://localhost:3000"
"""The service that the starter names."""

NEXT: Final = """\
{path} is written. Next:

    gatekeeper check{flag}      is it right?
    gatekeeper serve{flag}      run it
"""


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "path",
        nargs="?",
        default=NAMES[0],
        metavar="PATH",
        help="the file, or a folder for gateway.yaml; `-` prints it (./gateway.yaml)",
    )
    parser.add_argument("--upstream", default=UPSTREAM, metavar="URL", help=f"your service ({UPSTREAM})")


def run(options: Namespace) -> int:
    """Write or print it; the exit code."""
    from gatekeeper.config.addresses import Url  # noqa: PLC0415 - not for --help

    try:
        upstream = Url.parse(options.upstream)
    except ValueError as error:
        raise CommandError(f"--upstream: {error}", USAGE_ERROR) from error
    text = STARTER.read_text(encoding="utf-8").replace(f'"{UPSTREAM}"', json.dumps(str(upstream)))
    if options.path == "-":
        sys.stdout.write(text)
        return 0
    path = Path(options.path)
    path = path / NAMES[0] if path.is_dir() else path
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(
            f"{path} is there already; name another file, or `-` to print it", USAGE_ERROR
        ) from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    print(NEXT.format(path=path, flag="" if path == Path(NAMES[0]) else f" -c {path}"), end="")
    return 0
