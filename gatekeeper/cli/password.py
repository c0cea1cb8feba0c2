"""`gatekeeper password`: the hash of a password, for the credentials of `basic`."""

import getpass
import secrets
import sys
from argparse import Namespace
from typing import Final

from gatekeeper.cli.flags import USAGE_ERROR, CommandError, Parser


SUMMARY: Final = (
    "Print the hash of a password, for `password_hash` of a consumer in gateway.yaml; quote it there. The password is asked"
    " for, twice and without showing it; where there is no terminal, it is the one line of the standard input."
)


def add_arguments(parser: Parser) -> None:
    """Declare no flags: a password in the arguments would be seen by everybody on the machine."""


def run(options: Namespace) -> int:  # noqa: ARG001
    """Read the password and print its hash; the exit code."""
    from gatekeeper.auth.passwords import SALT, PasswordHash, has_control, prepared  # noqa: PLC0415 - not for --help

    password = _typed() if sys.stdin is not None and sys.stdin.isatty() else _line()
    if not password:
        raise CommandError("the password is empty", USAGE_ERROR)
    if has_control(password):
        raise CommandError(
            "the password has control characters, which cannot be sent (RFC 7617)", USAGE_ERROR
        )
    print(PasswordHash.of(prepared(password).encode(), secrets.token_bytes(SALT)))
    return 0


def _typed() -> str:
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("Again: ")
    except EOFError:
        raise CommandError("there was no password", USAGE_ERROR) from None
    if password != again:
        raise CommandError("the two are not the same; nothing is printed", USAGE_ERROR)
    return password


def _line() -> str:
    data = sys.stdin.buffer.read() if sys.stdin is not None else b""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise CommandError("the password is not UTF-8", USAGE_ERROR) from None
    line, _, rest = text.partition("\n")
    if rest:
        raise CommandError("the standard input has more than one line; write the password alone", USAGE_ERROR)
    return line.removesuffix("\r")
