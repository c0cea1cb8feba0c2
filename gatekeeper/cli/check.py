"""`gatekeeper check`: what is wrong in a configuration, where, and what to write. It opens no connection.

So it does not try the filters (`runtime.dry_run`): they may need what their plugins open when a gateway starts.

Where there are environments and none is chosen, each is checked, and what its files add, change and take out is told.
"""

import asyncio
import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

from gatekeeper.cli import configuration, plugins
from gatekeeper.cli.flags import USAGE_ERROR, CommandError, Parser


if TYPE_CHECKING:
    from gatekeeper.config.model import GatewayConfig
    from gatekeeper.config.problems import Problem
    from gatekeeper.extend.host import PluginHost
    from gatekeeper.runtime.loading import Loaded

SUMMARY: Final = (
    "Find what is wrong in a configuration, without connecting to anything. Exit code 0, or 2 for errors."
)
STDIN: Final = "-"
STDIN_NAME: Final = "stdin"


class Checked(NamedTuple):
    """What came of one environment; `name` is empty where there are none."""

    name: str
    config: "GatewayConfig | None"
    problems: "tuple[Problem, ...]"
    sources: Mapping[str, str]
    files: tuple[Path, ...]


class Changes(NamedTuple):
    """What the files of an environment do to the others, as paths."""

    adds: list[str]
    changes: list[str]
    removes: list[str]

    def __str__(self) -> str:
        return "; ".join(f"{verb} {', '.join(paths)}" for verb, paths in self._asdict().items() if paths)


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="the configuration, instead of the one that -c names; `-` is stdin",
    )
    configuration.add_flags(parser)
    parser.switch("--strict", variable="STRICT", help_="refuse warnings too")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    parser.add_argument(
        "--effective",
        action="store_true",
        help="print the whole configuration, in its long form, with all defaults",
    )
    plugins.add_flags(parser)


def run(options: Namespace) -> int:
    """Check, and print what was found; the exit code."""
    host = plugins.load(options)
    name, read = _reader(options, host)
    checked = _check_all(options, host, name, read)
    refusing = {"error", "warning"} if options.strict else {"error"}
    ok = not any(problem.severity in refusing for one in checked for problem in one.problems)
    if options.effective and ok:
        _print_effective(options, checked)
        return 0
    if options.json:
        print(json.dumps(_as_data(name, checked, ok=ok), indent=2))
    else:
        # whoever wants the configuration in a file does not want this there
        _print_for_people(
            name, checked, sys.stderr if options.effective else sys.stdout, strict=options.strict
        )
    return 0 if ok else USAGE_ERROR


# ---- checking -------------------------------------------------------------------------------------------------------

_Read = Callable[[str | None], "Loaded"]


def _reader(options: Namespace, host: "PluginHost") -> tuple[str, _Read]:
    """What the configuration is called, and what reads it for an environment."""
    from gatekeeper.runtime.loading import load_gateway, load_gateway_text  # noqa: PLC0415 - not for --help

    variables = configuration.env_file(options)
    if options.file == STDIN:
        # no file, so no `.env` beside it
        given = variables or False
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise CommandError(f"{STDIN_NAME} is no UTF-8", USAGE_ERROR) from error
        return STDIN_NAME, lambda name: load_gateway_text(
            text, host, STDIN_NAME, environment=name, env_file=given
        )
    path = Path(options.file) if options.file is not None else configuration.config_path(options)
    if not path.exists():
        raise CommandError(configuration.MISSING.format(path=path).rstrip(), USAGE_ERROR)
    return str(path), lambda name: load_gateway(path, host, environment=name, env_file=variables)


def _check_all(options: Namespace, host: "PluginHost", name: str, read: _Read) -> list[Checked]:
    first = _check(read, host, options.env)
    if options.env is not None or not any(
        problem.id == "needs" and problem.path == "environments" for problem in first.problems
    ):
        return [first]
    if options.effective:
        raise CommandError(f"{name} has environments; choose one with --env", USAGE_ERROR)
    root = _data(name, first.sources[name])
    return [_check(read, host, environment) for environment in root["environments"]]


def _check(read: _Read, host: "PluginHost", environment: str | None) -> Checked:
    from gatekeeper.config.problems import ConfigError  # noqa: PLC0415 - not for --help

    name = environment or ""
    try:
        found = read(environment)
    except ConfigError as error:
        return Checked(name, None, error.problems, error.sources, ())
    try:
        asyncio.run(_build(found.config, host))
    except ConfigError as error:
        return Checked(name, None, (*error.problems, *found.warnings), found.sources, found.files)
    return Checked(environment or "", found.config, found.warnings, found.sources, found.files)


async def _build(config: "GatewayConfig", host: "PluginHost") -> None:
    """Put everything together, as a gateway does before it listens."""
    from gatekeeper.runtime.gateway import rehearse  # noqa: PLC0415 - not for --help

    async with rehearse(config, host) as builder:
        await asyncio.to_thread(builder.prepare, config, 0)


def _data(name: str, text: str) -> dict[str, Any]:
    """What stands in a file, without the rest; empty where nothing does."""
    from gatekeeper.config.document import read_document  # noqa: PLC0415 - not for --help

    data = read_document(text, name).data
    return data if isinstance(data, dict) else {}


def _changes(root: str, one: Checked) -> Changes:
    """What the files of an environment do."""
    from gatekeeper.config.merge import SECTIONS  # noqa: PLC0415 - not for --help

    overlays = _data(root, one.sources.get(root, "")).get("environments", {}).get(one.name, ())
    names = [
        str(Path(root).parent / file) for file in ([overlays] if isinstance(overlays, str) else overlays)
    ]
    known = {
        path
        for name, text in one.sources.items()
        if name not in names
        for path, _ in _entries(_data(name, text), SECTIONS)
    }
    found: dict[str, str] = {}
    for name in names:
        for path, value in _entries(_data(name, one.sources.get(name, "")), SECTIONS):
            found[path] = (
                "removes" if value is False and "." in path else "changes" if path in known else "adds"
            )
    return Changes(*([path for path, verb in found.items() if verb == field] for field in Changes._fields))


def _entries(data: Mapping[str, Any], named: Iterable[str]) -> Iterable[tuple[str, Any]]:
    """The paths of what may be added or changed: entries by name, and other keys of the top as a whole."""
    for key, value in data.items():
        if key in named and isinstance(value, dict):
            for name, item in value.items():
                yield f"{key}.{name}", item
        elif not key.startswith("x-"):
            yield key, value


# ---- printing -------------------------------------------------------------------------------------------------------


def _print_effective(options: Namespace, checked: Iterable[Checked]) -> None:
    from gatekeeper.config.problems import render  # noqa: PLC0415 - not for --help
    from gatekeeper.config.show import dump, show  # noqa: PLC0415

    for one in checked:
        if one.problems:
            print(
                render(one.problems, one.sources, colour=configuration.is_coloured(sys.stderr.isatty())),
                file=sys.stderr,
            )
        assert one.config is not None
        shown = show(one.config)
        print(json.dumps(shown, indent=2) + "\n" if options.json else dump(shown), end="")


def _as_data(root: str, checked: "list[Checked]", *, ok: bool) -> dict[str, Any]:
    problems: dict[Problem, list[str]] = {}
    for one in checked:
        for problem in one.problems:
            problems.setdefault(problem, []).append(one.name)
    several = bool(checked[0].name)
    rows = [
        {
            "id": problem.id,
            "severity": problem.severity,
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "path": problem.path,
            "message": problem.message,
            **({"environments": names} if several else {}),
        }
        for problem, names in problems.items()
    ]
    files = dict.fromkeys(file for one in checked for file in (one.sources or [root]))
    found: dict[str, Any] = {"ok": ok, "files": list(files), "problems": rows}
    if several:
        found["environments"] = {one.name: _changes(root, one)._asdict() for one in checked}
    return found


def _print_for_people(root: str, checked: "list[Checked]", stream: TextIO, *, strict: bool) -> None:
    from gatekeeper.config.problems import render  # noqa: PLC0415 - not for --help

    colour = configuration.is_coloured(stream.isatty())
    common = [one for one in checked[0].problems if all(one in other.problems for other in checked)]
    if common:
        print(render(common, checked[0].sources, colour=colour), file=stream)
    for one in checked:
        own = [problem for problem in one.problems if problem not in common]
        if own:
            print(f"in the environment {one.name}:", file=stream)
            print(render(own, one.sources, colour=colour), file=stream)
    for one in checked:
        name = f"{root}, environment {one.name}" if one.name else root
        changes = f"; it {str(_changes(root, one)) or 'changes nothing'}" if len(checked) > 1 else ""
        print(_verdict(name, one, strict=strict) + changes, file=stream)


def _verdict(name: str, one: Checked, *, strict: bool) -> str:
    from gatekeeper.config.model import FilterConfig  # noqa: PLC0415 - not for --help

    errors = sum(problem.severity == "error" for problem in one.problems)
    warnings = len(one.problems) - errors
    counted = [_count(errors, "error")] if errors else []
    counted += [_count(warnings, "warning")] if warnings else []
    if one.config is None or (strict and warnings):
        return f"{name}: {', '.join(counted)}" + ("" if errors else ", which --strict refuses")
    config = one.config
    lists = [config.filters, *config.chains.values()]
    lists += [service.filters for service in config.services.values()]
    lists += [route.filters for route in config.routes.values()]
    filters = sum(isinstance(item, FilterConfig) for items in lists for item in items)
    parts = [
        _count(len(config.services), "service"),
        _count(len(config.routes), "route"),
        _count(filters, "filter"),
    ]
    beside = f" ({counted[0]})" if counted else ""
    return f"{name} is fine{beside}: {', '.join(parts)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
