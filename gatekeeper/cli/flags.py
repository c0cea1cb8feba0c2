"""Flags that have an environment variable each: flag > environment > default."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn


FAILURE: Final = 1
USAGE_ERROR: Final = 2
PREFIX: Final = "GATEKEEPER_"

Convert = Callable[[str], Any]


class CommandError(Exception):
    """Ends a command: a message for a person, without traceback, and the exit code."""

    def __init__(self, message: str, code: int = FAILURE) -> None:
        super().__init__(message)
        self.code: Final = code


class _Flag(NamedTuple):
    destination: str
    variable: str
    convert: Convert
    default: Any


class Parser(argparse.ArgumentParser):
    """Parses the arguments of one command; what no flag says is looked for in the environment."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self.intermixed = False
        """Whether flags may stand between words of one argument; subcommands cannot be had with it."""
        self._flags: list[_Flag] = []

    def value(
        self,
        *names: str,
        variable: str,
        help_: str,
        convert: Convert = str,
        metavar: str,
        default: Any = None,
    ) -> None:
        """Add a flag that takes a value; `convert` raises ArgumentTypeError for one that it does not take."""
        action = self.add_argument(*names, type=convert, metavar=metavar, help=_help(help_, variable))
        self._flags.append(_Flag(action.dest, variable, convert, default))

    def values(
        self, *names: str, variable: str, help_: str, separator: str, convert: Convert = str, metavar: str
    ) -> None:
        """Add a flag that may be given several times; its variable holds all values, with a separator between."""
        action = self.add_argument(
            *names, type=convert, metavar=metavar, action="append", help=_help(help_, variable)
        )

        def convert_all(text: str) -> list[Any]:
            return [convert(part) for part in text.split(separator) if part]

        self._flags.append(_Flag(action.dest, variable, convert_all, ()))

    def switch(self, *names: str, variable: str, help_: str) -> None:
        """Add a flag that is on when it is there; its variable is `true` or `false`."""
        action = self.add_argument(*names, action="store_const", const=True, help=_help(help_, variable))
        self._flags.append(_Flag(action.dest, variable, _boolean, default=False))

    def parse(
        self, arguments: Sequence[str], environment: Mapping[str, str] = os.environ
    ) -> argparse.Namespace:
        """Return the values of all flags; leaves the process with 2 when one is wrong."""
        options = self.parse_intermixed_args(arguments) if self.intermixed else self.parse_args(arguments)
        for flag in self._flags:
            if getattr(options, flag.destination) is not None:
                continue
            text = environment.get(PREFIX + flag.variable, "")
            try:
                value = flag.convert(text) if text else flag.default
            except argparse.ArgumentTypeError as error:
                self.error(f"{PREFIX}{flag.variable}: {error}")
            setattr(options, flag.destination, value)
        return options

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is, without the usage of all flags."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message}\nTry `{self.prog} --help`.\n")


def choice(*words: str) -> Convert:
    """Return a conversion that takes these words only."""

    def convert(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(words)}")
        return text

    return convert


def _boolean(text: str) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return words[text.lower()]


def _help(text: str, variable: str) -> str:
    return f"{text} [{PREFIX}{variable}]"
