"""The flags that say which plugins are loaded, for every command that loads them."""

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.cli.flags import USAGE_ERROR, CommandError, Parser


if TYPE_CHECKING:
    from gatekeeper.extend.host import PluginHost


def add_flags(parser: Parser) -> None:
    """Declare them."""
    parser.values(
        "--plugin",
        variable="PLUGIN",
        separator=os.pathsep,
        metavar="FILE.py",
        convert=Path,
        help_=f"load a plugin from a file; may be repeated (the variable: separated by `{os.pathsep}`)",
    )
    parser.values(
        "--block-plugin",
        variable="BLOCK_PLUGINS",
        separator=",",
        metavar="NAME",
        help_="do not load this plugin; may be repeated (the variable: separated by commas)",
    )


def load(options: Namespace) -> "PluginHost":
    """Load all plugins.

    Raises:
        CommandError: one of them cannot be used; the message names it.

    """
    from gatekeeper.extend.host import PluginError, PluginHost  # noqa: PLC0415 - not for --help

    try:
        return PluginHost(options.plugin, options.block_plugin)
    except PluginError as error:
        raise CommandError(str(error), USAGE_ERROR) from error
