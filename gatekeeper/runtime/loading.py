"""A file → a configuration that can be served: read, checked in itself, its routes compared, plugins asked.

While a gateway serves, this runs in a thread (`in_background`). Two things would make requests wait for it all the same:
a collection of the many objects that it makes, and the interpreter's habit of giving a busy thread 5 ms at a time, which
whoever serves would pay for again and again. Both are changed for as long as it takes.
"""

import asyncio
import functools
import gc
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import attrs

from gatekeeper.config.load import Draft, read, read_text
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.config.provided import Provided
from gatekeeper.config.sources import EnvFile
from gatekeeper.core.clock import SystemClock
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.template import PathTemplate
from gatekeeper.runtime.matching import check_routes


T = TypeVar("T")

log = logging.getLogger(__name__)

MANY: Final = 20_000
"""New objects that a collection may look through while requests wait: it takes about a millisecond for each 1,000."""
TURN: Final = 0.0005
"""Seconds that a thread which loads keeps the interpreter to itself while others want it."""


@attrs.frozen
class Loaded:
    """A configuration without errors, and what else came of reading it.

    `sources` has the text of each file by the name that problems call it; `files` and `folders` are what to look at for
    changes, and `environments` the names one can choose from. `origins` tells for each service and route, by section and
    name, who has said it: `file`, `admin`, or the name of a provider. `outside` has what `${...}` put in, with the
    reference, and `read_at` is when reading began, in seconds since the epoch.
    """

    config: GatewayConfig
    warnings: tuple[Problem, ...]
    sources: Mapping[str, str]
    files: tuple[Path, ...]
    folders: tuple[Path, ...]
    environments: tuple[str, ...]
    origins: Mapping[tuple[str, str], str] = attrs.field(factory=dict)
    outside: Mapping[str, str] = attrs.field(factory=dict)
    read_at: float = 0.0


def load_gateway(
    path: Path,
    host: PluginHost,
    *,
    environment: str | None = None,
    env_file: EnvFile = None,
    environ: Mapping[str, str] | None = None,
    provided: Sequence[Provided] = (),
) -> Loaded:
    """Read a configuration from a file.

    `environment` is one of those that the file names, `env_file` the file with more variables: by default `.env` beside
    the configuration if it is there, False for none. What is `provided` joins it.

    Raises:
        ConfigError: something in it is wrong, with all that is, and the files and folders to look at for a change.

    """
    read_at = SystemClock.wall()
    parse = functools.cache(PathTemplate.parse)
    draft = read(
        path,
        host.catalog,
        template=parse,
        environment=environment,
        env_file=env_file,
        environ=environ,
        provided=provided,
    )
    return _finish(draft, host, parse, read_at)


def load_gateway_text(
    text: str,
    host: PluginHost,
    name: str = "gateway.yaml",
    *,
    base: Path | None = None,
    environment: str | None = None,
    env_file: EnvFile = False,
    environ: Mapping[str, str] | None = None,
    provided: Sequence[Provided] = (),
) -> Loaded:
    """Read a configuration from YAML or JSON; `name` is what messages call it, `base` where its files are.

    Raises:
        ConfigError: something in it is wrong, with all that is.

    """
    read_at = SystemClock.wall()
    parse = functools.cache(PathTemplate.parse)
    draft = read_text(
        text,
        host.catalog,
        name,
        template=parse,
        base=base,
        environment=environment,
        env_file=env_file,
        environ=environ,
        provided=provided,
    )
    return _finish(draft, host, parse, read_at)


def _finish(draft: Draft, host: PluginHost, parse: Callable[[str], PathTemplate], read_at: float) -> Loaded:
    problems = list(draft.problems)
    config = draft.config
    if config is not None:
        problems += check_routes(config, broken_routes(draft), parse)
    errors = [problem for problem in problems if problem.severity == "error"]
    if config is not None and not errors:
        problems += _asked(host, config)
        errors = [problem for problem in problems if problem.severity == "error"]
    if errors or config is None:
        raise ConfigError(problems, draft.sources, draft.files, draft.folders)
    return Loaded(
        config,
        tuple(problems),
        draft.sources,
        draft.files,
        draft.folders,
        draft.environments,
        draft.origins,
        draft.outside,
        read_at,
    )


def _asked(host: PluginHost, config: GatewayConfig) -> list[Problem]:
    """What plugins say against a configuration; one that cannot say it has not found it good."""
    problems: list[Problem] = []
    for plugin in host.plugins:
        try:
            for found in host.call(plugin.name, "gatekeeper_validate", config=config):
                for problem in found:
                    if not isinstance(problem, Problem):
                        raise TypeError(f"{problem!r} is no Problem")
                    problems.append(problem)
        except Exception as error:
            log.debug("plugin %s failed to check the configuration", plugin.name, exc_info=True)
            message = f"plugin `{plugin.name}` failed to check the configuration: {error!r}"
            problems.append(Problem("fails", "", message))
    return problems


def broken_routes(draft: Draft) -> set[str]:
    """The routes of a draft that have errors of their own, and cannot be compared with others."""
    names = draft.config.routes if draft.config is not None else ()
    return {name for name in names for problem in draft.errors if _concerns(problem, name)}


def _concerns(problem: Problem, route: str) -> bool:
    return problem.path == f"routes.{route}" or problem.path.startswith(
        (f"routes.{route}.", f"routes.{route}[")
    )


@contextmanager
def quietly() -> Iterator[None]:
    """Do heavy work beside a running loop: without collections, and in short turns."""
    collecting, turn = gc.isenabled(), sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(turn)
        if gc.get_count()[0] > MANY:
            # the next collection of what is young would look through all of it
            gc.freeze()
        if collecting:
            gc.enable()


async def in_background(work: Callable[[], T]) -> T:
    """Run heavy work in a thread, so that the loop goes on; returns what it returns, raises what it raises."""

    def run() -> T:
        with quietly():
            return work()

    return await asyncio.to_thread(run)
