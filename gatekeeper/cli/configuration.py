"""The flags that say which configuration is meant, for every command that reads one; and how it is refused."""

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.cli.flags import USAGE_ERROR, CommandError, Parser


if TYPE_CHECKING:
    from gatekeeper.config.problems import ConfigError
    from gatekeeper.config.sources import EnvFile
    from gatekeeper.extend.host import PluginHost
    from gatekeeper.runtime.loading import Loaded

NAMES: Final = ("gateway.yaml", "gateway.yml", "gateway.json")
"""What is looked for in the working directory, in this order."""

MISSING: Final = """\
there is no {path}.

To see a gateway at work, with services behind it:

    gatekeeper serve --demo

To put one before a service of yours, begin with a file that explains itself:

    gatekeeper init --upstream http://localhost:3000
"""


def add_flags(parser: Parser) -> None:
    """Declare them."""
    parser.value(
        "-c",
        "--config",
        variable="CONFIG",
        metavar="FILE",
        convert=Path,
        help_="the configuration (./gateway.yaml, else gateway.yml or gateway.json)",
    )
    parser.value(
        "--env",
        variable="ENV",
        metavar="NAME",
        help_="the environment: which of the configuration's `environments` is put over it",
    )
    parser.value(
        "--env-file",
        variable="ENV_FILE",
        metavar="FILE",
        convert=Path,
        help_="more variables for ${NAME} (.env beside the configuration, if it is there)",
    )
    parser.switch("--no-env-file", variable="NO_ENV_FILE", help_="read no such file")


def config_path(options: Namespace) -> Path:
    """The file that is meant, whether it is there or not."""
    if options.config is not None:
        return Path(options.config)
    return next((Path(name) for name in NAMES if Path(name).exists()), Path(NAMES[0]))


def env_file(options: Namespace) -> "EnvFile":
    """The file of variables that is meant, as the loader wants it."""
    if options.no_env_file:
        return False
    return Path(options.env_file) if options.env_file is not None else None


def load(options: Namespace, host: "PluginHost", path: Path | None = None) -> "Loaded":
    """Read the configuration; `path` is another file than the flags name.

    Raises:
        CommandError: it is not there, or something in it is wrong; the message has all of it.

    """
    from gatekeeper.config.problems import ConfigError  # noqa: PLC0415 - not for --help
    from gatekeeper.runtime.loading import load_gateway  # noqa: PLC0415

    path = path or config_path(options)
    if not path.exists():
        raise CommandError(MISSING.format(path=path).rstrip(), USAGE_ERROR)
    try:
        return load_gateway(path, host, environment=options.env, env_file=env_file(options))
    except ConfigError as error:
        raise refused(error, path) from error


def said(options: Namespace, key: str) -> Any:
    """What stands under a key at the top, whatever is wrong with the rest; None where nothing does.

    Raises:
        CommandError: there is no configuration.

    """
    from gatekeeper.config.sources import read_sources  # noqa: PLC0415 - not for --help

    path = config_path(options)
    if not path.exists():
        raise CommandError(MISSING.format(path=path).rstrip(), USAGE_ERROR)
    tree = read_sources(
        path,
        lambda _path, value: value,
        os.environ,
        environment=options.env,
        env_file=env_file(options),
    )
    documents = [tree.data, *(document.data for document in tree.documents)]
    return next((data[key] for data in documents if isinstance(data, dict) and key in data), None)


def refused(error: "ConfigError", path: Path) -> CommandError:
    """The end of a command whose configuration is refused."""
    from gatekeeper.config.problems import render  # noqa: PLC0415 - not for --help

    count = len(error.problems)
    problems = f"{count} problems" if count > 1 else "a problem"
    shown = render(error.problems, error.sources, colour=is_coloured(sys.stderr.isatty()))
    return CommandError(f"{path} has {problems}\n{shown}", USAGE_ERROR)


def is_coloured(terminal: bool) -> bool:
    """Whether to colour what goes there."""
    return terminal and not os.environ.get("NO_COLOR")
