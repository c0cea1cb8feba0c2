"""`gatekeeper explain`: why a request goes where it goes. It asks the matcher that serves, and connects to nothing.

What is said stands in the order in which it is decided: how the request is understood, which routes it could take, what
the one that takes it does with it, who is asked for what.
"""

import json
import sys
import textwrap
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.cli import configuration, plugins
from gatekeeper.cli.flags import FAILURE, USAGE_ERROR, CommandError, Parser


if TYPE_CHECKING:
    from gatekeeper.config.model import GatewayConfig
    from gatekeeper.extend.host import PluginHost
    from gatekeeper.runtime.explanation import (
        Candidate,
        Explanation,
        FilterStep,
        Result,
        TargetStep,
        When,
    )

SUMMARY: Final = (
    "Say why a request goes where it goes: its candidates, its route, its filters, its service. Nothing is connected to."
    " Exit code 0 if a route takes it, 1 if none does, 2 for errors."
)

WIDTH: Final = 100
LABEL: Final = 12
"""Characters that the names of sections take."""

_GREEN: Final = "\x1b[32m"
_DIM: Final = "\x1b[2m"
_BOLD: Final = "\x1b[1m"
_OFF: Final = "\x1b[0m"

EMPTY: Final = '""'
"""A capture that took nothing."""

_MARKS: Final = {"matched": "yes", "failed": "no", "no candidate": "no", "not reached": "-"}
_STATES: Final = {
    "runs": ("runs", ""),
    "answers": ("answers", _GREEN),
    "by chance": ("maybe", ""),
    "passed over": ("skipped", _DIM),
    "dropped": ("dropped", _DIM),
    "idle": ("idle", _DIM),
    "not reached": ("-", _DIM),
}
_AT_WORK: Final = {"runs", "answers", "by chance"}


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.usage = "%(prog)s [METHOD] URL [FLAG ...]"
    parser.intermixed = True
    parser.add_argument(
        "request",
        nargs="+",
        metavar="[METHOD] URL",
        help="a method in upper case, GET if none is named; a path like /users/7?x=1, of localhost, or a whole URL",
    )
    parser.add_argument(
        "-H",
        "--header",
        dest="headers",
        metavar="'NAME: VALUE'",
        action="append",
        default=[],
        type=_header,
        help="a header field of the request; may be repeated",
    )
    parser.add_argument(
        "--from", dest="address", metavar="ADDRESS", default="127.0.0.1", help="who connects (127.0.0.1)"
    )
    parser.add_argument("--listener", metavar="NAME", help="where the request comes in (the first listener)")
    parser.add_argument("--route", metavar="NAME", help="say of this route why it does or does not take it")
    parser.add_argument("--all", action="store_true", help="list routes of other hosts and paths, too")
    parser.add_argument(
        "--verbose", action="store_true", help="show options of filters that are defaults, too"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    configuration.add_flags(parser)
    plugins.add_flags(parser)


def run(options: Namespace) -> int:
    """Explain, and print it; the exit code."""
    host = plugins.load(options)
    config = configuration.load(options, host).config
    _check_name("listener", options.listener, config.server.listen)
    _check_name("route", options.route, config.routes)
    found = _explain(options, config, host)
    if options.json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        colour = configuration.is_coloured(sys.stdout.isatty())
        print(render(found, verbose=options.verbose, colour=colour))
    return 0 if found.result.route or found.result.answered_by == "server.health_path" else FAILURE


def _explain(options: Namespace, config: "GatewayConfig", host: "PluginHost") -> "Explanation":
    import asyncio  # noqa: PLC0415 - not for --help

    from gatekeeper.config.problems import ConfigError  # noqa: PLC0415
    from gatekeeper.runtime.explain import open_explainer  # noqa: PLC0415

    *method, url = options.request
    if len(method) > 1:
        raise CommandError(
            f"one request at a time: a method and a URL, not {len(method) + 1} words", USAGE_ERROR
        )

    async def explain() -> "Explanation":
        async with open_explainer(config, host) as explainer:
            return explainer.explain(
                (method or ["GET"])[0],
                url,
                options.headers,
                address=options.address,
                listener=options.listener or "",
                route=options.route or "",
                all_routes=options.all,
            )

    try:
        return asyncio.run(explain())
    except ConfigError as error:
        raise configuration.refused(error, configuration.config_path(options)) from error
    except ValueError as error:
        raise CommandError(str(error), USAGE_ERROR) from error


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise ArgumentTypeError(f"{text!r} is no header field; write 'Name: value'")
    return name, value.strip()


def _check_name(what: str, name: str | None, known: Iterable[str]) -> None:
    from gatekeeper.config.problems import did_you_mean, quoted  # noqa: PLC0415 - not for --help

    if name is not None and name not in known:
        raise CommandError(
            f"no {what} `{name}`{did_you_mean(name, known) or f'; there are {quoted(known)}'}", USAGE_ERROR
        )


# ---- for people -----------------------------------------------------------------------------------------------------


def render(found: "Explanation", *, verbose: bool = False, colour: bool = False) -> str:
    """The explanation for a terminal."""
    page = _Page(colour=colour)
    _request(page, found)
    shown = (*found.candidates, *found.others)
    for candidate in shown:
        page.section("candidates")
        _candidate(page, candidate, max(len(one.route) for one in shown))
    if found.elsewhere and not found.others:
        page.section("candidates")
        other = "other " if found.candidates else ""
        routes = f"1 {other}route has" if found.elsewhere == 1 else f"{found.elsewhere} {other}routes have"
        page.line(f"{routes} another host or path; --all lists them", _DIM)
    _result(page, found)
    page.section("filters")
    _filters(page, found.filters, verbose=verbose)
    for target in found.targets:
        _target(page, target, verbose=verbose)
    if found.targets:
        page.section("order")
        page.wrapped(" > ".join(found.order), _DIM)
    return page.text


class _Page:
    """Lines below labels that stand left of them."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._lines: list[str] = []
        self._label = ""
        self._last = ""

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def section(self, label: str) -> None:
        """Begin a section with the next line, unless this is it."""
        if label != self._last:
            self._label = self._last = label

    def line(self, text: str, style: str = "") -> None:
        """Add a line; control characters of the request are shown as `?`."""
        text = "".join(char if char.isprintable() else "?" for char in text.rstrip())
        label = f"{self._label:{LABEL}}"
        if self._label and self._lines:
            self._lines.append("")
        self._label = ""
        if self._colour:
            label = f"{_BOLD}{label}{_OFF}" if label.strip() else label
            text = f"{style}{text}{_OFF}" if style else text
        self._lines.append(f"{label}{text}".rstrip())

    def wrapped(self, text: str, style: str = "") -> None:
        """Add as many lines as it takes."""
        for part in textwrap.wrap(text, WIDTH - LABEL, break_long_words=False, break_on_hyphens=False):
            self.line(part, style)

    def placed(self, text: str, place: str, style: str = "", *, indent: int = 0) -> None:
        """Add a line that ends in a place, and as many more, indented, as it takes."""
        room = WIDTH - LABEL - len(place) - 2
        first, *more = textwrap.wrap(
            text, room, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
        )
        self.line(f"{first:{room}}  {place}", style)
        for part in more:
            self.line(part, style)


def _request(page: _Page, found: "Explanation") -> None:
    request = found.request
    if request is None:
        return
    page.section("request")
    page.line(f"{request.method} {request.path}" + (f"?{request.query}" if request.query else ""))
    # no listener speaks TLS
    scheme = "https as a trusted proxy says" if request.scheme == "https" else request.scheme
    page.line(
        f"host {request.host or 'none'}, {scheme}, from {request.client}, on listener {request.listener}"
    )
    target = request.sent if request.sent.startswith("/") else ""
    if target and target != request.path + (f"?{request.query}" if request.query else ""):
        page.line(f"sent as {target}")


def _candidate(page: _Page, one: "Candidate", width: int) -> None:
    style = _GREEN if one.verdict == "matched" else _DIM
    rule = ", ".join([one.rule, *one.conditions])
    priority = f", priority {one.priority}" if one.priority else ""
    before = f"{_MARKS[one.verdict]:5}{one.route:{width}}  "
    page.placed(f"{before}{rule}{priority}", one.place, style, indent=len(before))
    if one.failed is not None:
        page.line(f"{'':{len(before)}}fails at {one.failed.condition} (is: {one.failed.found})", style)


def _result(page: _Page, found: "Explanation") -> None:
    result = found.result
    if result.route:
        page.section("route")
        page.placed(result.route, result.place, _GREEN)
        for name, value in result.captures.items():
            page.line(f"{{path.{name}}} = {value or EMPTY}")
        page.wrapped(_taken(result), _DIM)
        if result.answered_by:
            status = f" with {result.status}" if result.status else ""
            page.line(f"answered by {result.answered_by}{status}")
    else:
        page.section("answer")
        if result.answered_by:
            page.line(f"{result.status or ''} by {result.answered_by}".lstrip())
        if result.code:
            page.line(f"{result.status} {result.code}: {result.detail}")
        if result.allow:
            page.line(f"Allow: {', '.join(result.allow)}")
        if result.hosts and found.request is not None:
            from gatekeeper.config.problems import quoted  # noqa: PLC0415 - not for --help

            host = found.request.host
            page.line(f"host {host} is not in `hosts`" if host else "the request names no host")
            page.wrapped(f"the gateway answers for {quoted(result.hosts)}")
    if found.nearest:
        page.line("nearest to it:")
    for one in found.nearest:
        _candidate(page, one, max(len(near.route) for near in found.nearest))


def _taken(result: "Result") -> str:
    """What a route takes besides plain requests: bodies, and connections that switch."""
    from gatekeeper.config.units import show_duration, show_size  # noqa: PLC0415 - not for --help

    limit = "of any size" if result.max_body is None else f"up to {show_size(result.max_body)}"
    words = [f"takes bodies {limit}"]
    if result.upgrades is not None:
        switch = result.upgrades
        words.append(f"switches to {' or '.join(switch.protocols)}")
        words += [f"for pages of {' and '.join(switch.origins)}"] if switch.origins else []
        words += [f"up to {show_duration(switch.lifetime)}"] if switch.lifetime is not None else []
    return ", ".join(words)


def _filters(page: _Page, filters: "tuple[FilterStep, ...]", *, verbose: bool) -> None:
    names = max((len(one.name) for one in filters), default=0)
    kinds = max((len(one.kind) for one in filters), default=0)
    for one in filters:
        state, style = _STATES[one.state]
        page.placed(f"{state:8}{one.name:{names}}  {one.kind:{kinds}}  {_source(one)}", one.place, style)
        for note in _notes(one):
            page.line(f"{'':8}{note}", style)
        options = _merged(one.options, one.defaults) if verbose else one.options
        if options and (verbose or one.state in _AT_WORK):
            from gatekeeper.config.show import dump  # noqa: PLC0415 - not for --help

            for line in dump(options).splitlines():
                page.line(f"{'':8}{line}", style)


def _source(one: "FilterStep") -> str:
    return f"{one.source}, per attempt" if one.scope == "attempt" else one.source


def _notes(one: "FilterStep") -> Iterable[str]:
    if one.used:
        yield f"used at {', '.join(one.used)}"
    if one.override:
        yield f"{'dropped' if one.state == 'dropped' else 'changed'} by override, {one.override}"
    for when in one.when:
        whose = "" if when.of == one.name else f" of {when.of}"
        yield f"when{whose}: {when.text}{_outcome(when)}"
    if one.if_error != "fail":
        yield f"if_error: {one.if_error}"


def _outcome(when: "When") -> str:
    if when.failed is None:
        if when.chance < 1:
            chance = f"{_percent(when.chance)} of requests"
            return "" if when.text == chance else f", which holds for {chance}"
        return ", which holds"
    part = "" if when.failed.condition == when.text else f"; {when.failed.condition}"
    return f"{part} (is: {when.failed.found})"


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**one}
    for key, value in other.items():
        merged[key] = _merged(one[key], value) if key in one else value
    return merged


def _target(page: _Page, one: "TargetStep", *, verbose: bool) -> None:
    page.section(f"target {one.service}")
    page.section("target")
    why = f", {one.why}" if one.why else ""
    page.placed(f"{one.service}  {_percent(one.share)}{why}", one.place)
    if one.detail:
        page.line(f"the rewrite is refused: {one.detail}")
    else:
        page.line(f"asked for {one.method} {one.target}")
    _filters(page, one.filters, verbose=verbose)
    if one.detail:
        return
    width = max((len(instance.id) for instance in one.instances), default=0)
    for instance in one.instances:
        url = "" if instance.id == instance.url else f"  {instance.url}"
        page.line(f"{_percent(instance.share):>6}  {instance.id:{width}}{url}")
    for what, settings in (("concurrency", one.concurrency), ("timeouts", one.timeouts)):
        page.wrapped(
            f"{what} {', '.join(f'{name} {_shown(value)}' for name, value in settings.items())}", _DIM
        )


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"


def _shown(value: Any) -> str:
    return "none" if value is False else str(value)
