"""`gatekeeper COMMAND ...`: finds the command, imports it, runs it.

A command is a module with `SUMMARY`, `add_arguments(parser)` and `run(options)`, which returns the exit code. Plugins add
commands by entry points of the group `gatekeeper.commands` that name such a module. They are listed by name only and
imported on use: help and version stay under a tenth of a second, whatever is installed.

Exit codes: 0 ok, 1 runtime failure, 2 usage or configuration error, 130 and 143 when a second signal ended it at once.
"""

import importlib
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, cast

from gatekeeper.cli.flags import USAGE_ERROR, CommandError, Parser
from gatekeeper.version import VERSION


if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "gatekeeper.commands"

BUILT_IN: Final[Mapping[str, tuple[str, str]]] = {
    "serve": ("gatekeeper.cli.serve", "run the gateway"),
    "init": ("gatekeeper.cli.init", "write a first gateway.yaml"),
    "check": ("gatekeeper.cli.check", "find what is wrong in a configuration"),
    "doctor": ("gatekeeper.cli.doctor", "find what is unsafe or unfit here"),
    "explain": ("gatekeeper.cli.explain", "say why a request goes where it goes"),
    "routes": ("gatekeeper.cli.routes", "list the routes in matching order"),
    "services": (
        "gatekeeper.cli.services",
        "list the instances of a running gateway, or change what they get",
    ),
    "keys": ("gatekeeper.cli.keys", "make, list, rotate and revoke API keys"),
    "reload": ("gatekeeper.cli.reload", "have a running gateway read its configuration again"),
    "restart": ("gatekeeper.cli.restart", "renew the workers of a running gateway, one by one"),
    "drain": ("gatekeeper.cli.drain", "have a running gateway finish and end"),
    "audit": ("gatekeeper.cli.audit", "check that an audit file is as it was written"),
    "doc": ("gatekeeper.cli.doc", "explain a key, a filter, a type"),
    "password": ("gatekeeper.cli.password", "print the hash of a password"),
    "schema": ("gatekeeper.cli.schema", "print the JSON Schema of gateway.yaml, for editors"),
    "plugin": ("gatekeeper.cli.plugin", "list what is installed"),
}
"""Name → module, and its line in the help, so that the help imports none of them."""


class Command(Protocol):
    """A module that is a command."""

    SUMMARY: str

    def add_arguments(self, parser: Parser) -> None:
        """Declare flags."""
        ...

    def run(self, options: Namespace) -> int:
        """Do it; the exit code."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    try:
        if name in {"-h", "--help", "help"}:
            print(_help(), flush=True)
            return 0
        if name in {"-V", "--version", "version"}:
            print(f"gatekeeper {VERSION}", flush=True)
            return 0
        command = _find(name)
        if command is None:
            print(_unknown(name), file=sys.stderr)
            return USAGE_ERROR
        parser = Parser(f"gatekeeper {name}", command.SUMMARY)
        command.add_arguments(parser)
        code = command.run(parser.parse(rest))
        # here and not at exit, where nobody could say anything about a reader that went away
        if sys.stdout is not None:
            sys.stdout.flush()
        return code  # noqa: TRY300
    except CommandError as error:
        print(f"gatekeeper: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read our output has seen enough; what is left must go somewhere at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _find(name: str) -> Command | None:
    if name in BUILT_IN:
        return cast("Command", importlib.import_module(BUILT_IN[name][0]))
    for found, entry_point, origin in _installed():
        if found == name:
            try:
                return cast("Command", entry_point.load())
            except Exception as error:
                raise CommandError(
                    f"command {name!r} of {origin} cannot be imported: {error!r}", USAGE_ERROR
                ) from error
    return None


def _installed() -> list[tuple[str, "EntryPoint", str]]:
    """Name, entry point and distribution of the commands that plugins bring."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - 10 ms that built-in commands need not pay

    return [
        (found.name, found, found.dist.name if found.dist is not None else found.value)
        for found in sorted(entry_points(group=GROUP), key=lambda found: found.name)
        if found.name not in BUILT_IN
    ]


def _help() -> str:
    rows = [(name, summary) for name, (_, summary) in BUILT_IN.items()]
    rows += [(name, f"from {origin}") for name, _, origin in _installed()]
    width = max(len(name) for name, _ in rows)
    commands = "\n".join(f"  {name:{width}}  {summary}" for name, summary in rows)
    return f"""\
usage: gatekeeper COMMAND [FLAG ...]
       gatekeeper --version | --help

An API gateway: clients on one side, services on the other, a chain of filters between.

commands:
{commands}

`gatekeeper COMMAND --help` shows the flags of a command; each has an environment variable too.
New here? `gatekeeper serve --demo` runs a gateway with services behind it, and says what to try."""


def _unknown(name: str) -> str:
    if not name:
        return _help()
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistyped command needs it

    near = get_close_matches(name, [*BUILT_IN, *(found for found, _, _ in _installed())], n=1)
    hint = f"Did you mean `gatekeeper {near[0]}`?" if near else "`gatekeeper --help` lists the commands."
    return f"gatekeeper: no command {name!r}. {hint}"
