"""`gatekeeper keys`: API keys, in the database that a configuration names, whether a gateway runs or not.

Gateways hear of it by themselves. Only `create` reads the whole configuration, which says whom a key may be for: keys are
listed and revoked also where something in it is wrong.
"""

import argparse
import json
import re
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from gatekeeper.cli import configuration, plugins
from gatekeeper.cli.flags import USAGE_ERROR, CommandError, Parser


if TYPE_CHECKING:
    from gatekeeper.stores.keys import KeyBook, KeyRecord

SUMMARY: Final = "Make, list, rotate and revoke API keys, in the database that the configuration names."

_ACTIONS: Final = ("create", "list", "rotate", "revoke")
_COLUMNS: Final = ("ID", "CONSUMER", "KEY", "SCOPES", "CREATED", "EXPIRES", "STATE")
_NONE: Final = "-"
_OF: Final = {
    "authenticator": "create",
    "scopes": "create",
    "expires": "create",
    "note": "create",
    "grace": "rotate",
}
"""Flag → the action that it is for."""
_DURATION: Final = re.compile(r"(?:[0-9.]+(?:d|h|m|s|ms))+")


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument("action", choices=_ACTIONS, help="what to do")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="create: the consumer; list: only those of a consumer; rotate and revoke: the id of the key",
    )
    made = parser.add_argument_group("of a key that is made")
    made.add_argument(
        "--authenticator", metavar="NAME", help="the one that takes the key, where there are several"
    )
    made.add_argument("--scopes", metavar="A,B", type=_scopes, help="what it is good for")
    made.add_argument(
        "--expires",
        metavar="TIME",
        type=_expires,
        help="after a time like 90d, or at one like 2030-12-31 or 2030-12-31T12:00Z; never, if not given",
    )
    made.add_argument("--note", metavar="TEXT", help="a line for people")
    made.add_argument(
        "--grace", metavar="TIME", type=_grace, help="how long a rotated key is good for after that (24h)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    configuration.add_flags(parser)
    plugins.add_flags(parser)


def run(options: Namespace) -> int:
    """Do it; the exit code."""
    from gatekeeper.stores.database import StoreError  # noqa: PLC0415 - not for --help
    from gatekeeper.stores.keys import UnknownKeyError  # noqa: PLC0415

    for flag, action in _OF.items():
        if getattr(options, flag) is not None and options.action != action:
            raise CommandError(f"`--{flag}` is for `gatekeeper keys {action}`", USAGE_ERROR)
    if options.name is None and options.action != "list":
        what = "consumer" if options.action == "create" else "key"
        raise CommandError(
            f"which {what}? write `gatekeeper keys {options.action} {'CONSUMER' if what == 'consumer' else 'ID'}`",
            USAGE_ERROR,
        )
    try:
        {"create": _create, "list": _list, "rotate": _rotate, "revoke": _revoke}[options.action](options)
    except StoreError as error:
        raise CommandError(str(error)) from error
    except (UnknownKeyError, ValueError) as error:
        raise CommandError(str(error), USAGE_ERROR) from error
    return 0


# ---- what can be done -----------------------------------------------------------------------------------------------


def _create(options: Namespace) -> None:
    from gatekeeper.core.clock import SystemClock  # noqa: PLC0415 - not for --help
    from gatekeeper.runtime.keys import check_names, names_in  # noqa: PLC0415
    from gatekeeper.stores.keys import KeyBook  # noqa: PLC0415

    config = configuration.load(options, plugins.load(options)).config
    authenticator = check_names(options.name, options.authenticator, *names_in(config))
    record, plain = KeyBook(config.database.file, SystemClock()).create(
        options.name,
        authenticator,
        scopes=options.scopes or (),
        expires=options.expires,
        note=options.note or "",
    )
    _show_once(options, record, plain, f"it is `{record.id}`, for `{record.consumer}`")


def _rotate(options: Namespace) -> None:
    from gatekeeper.runtime.keys import GRACE  # noqa: PLC0415 - not for --help

    book = _book(options)
    record, plain = book.rotate(options.name, GRACE if options.grace is None else options.grace)
    ends = next(one.expires for one in book.list(record.consumer) if one.successor == record.id)
    words = f"it is `{record.id}`, for `{record.consumer}`; `{options.name}` is good until {_time(ends)}"
    _show_once(options, record, plain, words)


def _revoke(options: Namespace) -> None:
    record = _book(options).revoke(options.name)
    if options.json:
        print(json.dumps(record.shown(time.time()), indent=2))
    else:
        print(f"`{record.id}`, a key of `{record.consumer}`, is revoked since {_time(record.revoked)}")


def _list(options: Namespace) -> None:
    book, now = _book(options), time.time()
    found = book.list(options.name)
    if options.json:
        print(json.dumps([one.shown(now) for one in found], indent=2))
    elif found:
        _print([_COLUMNS, *(_cells(one, now) for one in found)])
    elif options.name is None:
        print("there are no keys")
    else:
        from gatekeeper.config.problems import did_you_mean  # noqa: PLC0415 - not for --help

        others = {one.consumer for one in book.list()}
        print(f"there are no keys of `{options.name}`{did_you_mean(options.name, others)}")


def _book(options: Namespace) -> "KeyBook":
    """The key book of the configuration.

    Raises:
        CommandError: there is no configuration, or it names no database that can be used.

    """
    from gatekeeper.config.database import Database  # noqa: PLC0415 - not for --help
    from gatekeeper.config.model import GatewayConfig  # noqa: PLC0415
    from gatekeeper.core.clock import SystemClock  # noqa: PLC0415
    from gatekeeper.stores.keys import KeyBook  # noqa: PLC0415

    path, said = configuration.config_path(options), configuration.said(options, "database")
    if configuration.said(options, "version") is None:
        # what it says of databases cannot be read either
        configuration.load(options, plugins.load(options))
    if options.env is None and configuration.said(options, "environments"):
        raise CommandError(f"{path} has environments; choose one with --env", USAGE_ERROR)
    try:
        database = GatewayConfig().database if said is None else Database.parse(str(said))
    except ValueError as error:
        raise CommandError(f"`database` in {path}: {error}", USAGE_ERROR) from error
    return KeyBook(database.within(path.parent).file, SystemClock())


# ---- for people -----------------------------------------------------------------------------------------------------


def _show_once(options: Namespace, record: "KeyRecord", plain: str, words: str) -> None:
    """The key alone on stdout, for a variable or a file; the rest for whoever looks at the terminal."""
    if options.json:
        print(json.dumps({**record.shown(time.time()), "key": plain}, indent=2))
        return
    print(plain, flush=True)
    print(f"The key is shown only now, and stored as a hash: {words}.", file=sys.stderr)


def _cells(record: "KeyRecord", now: float) -> tuple[str, ...]:
    return (
        record.id,
        record.consumer,
        f"...{record.hint}",
        ",".join(record.scopes) or _NONE,
        _time(record.created),
        _time(record.expires),
        record.state(now),
    )


def _print(lines: Iterable[Sequence[str]]) -> None:
    lines = list(lines)
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    for line in lines:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _time(seconds: float | None) -> str:
    """A time in UTC, as `--expires` takes it."""
    return _NONE if seconds is None else time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(seconds))


# ---- flags ----------------------------------------------------------------------------------------------------------


def _scopes(text: str) -> list[str]:
    return [scope.strip() for scope in text.split(",")] if text.strip() else []


def _grace(text: str) -> float:
    from gatekeeper.config.units import parse_duration  # noqa: PLC0415 - not for --help

    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _expires(text: str) -> float:
    from datetime import UTC, datetime  # noqa: PLC0415 - not for --help

    if _DURATION.fullmatch(text):
        return time.time() + _grace(text)
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"`{text}` is no time; write one like 90d, 2030-12-31 or 2030-12-31T12:00Z"
        ) from None
