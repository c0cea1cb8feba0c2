"""One filter, built as the gateway builds it, with the test in the place of what comes next."""

import asyncio
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import orjson

from gatekeeper.config.matching import ConditionReader
from gatekeeper.config.parts import one_or_list
from gatekeeper.config.problems import ConfigError, Problem, show_path
from gatekeeper.config.wording import whole
from gatekeeper.core.body import Body
from gatekeeper.core.chain import Predicate
from gatekeeper.core.errors import GatewayError
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Headers, Response
from gatekeeper.extend.authenticate import Authenticator
from gatekeeper.extend.catalog import FilterKind
from gatekeeper.extend.context import BuildContext, Target
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.template import PathTemplate
from gatekeeper.runtime.matching import Conditions
from gatekeeper.testing.exchange import Chunks, Fields, as_fields, make_exchange
from gatekeeper.testing.surroundings import Surroundings


PATIENCE: Final = 5.0
"""Seconds of real time after which a test that waits is stuck."""

NO_AUTHENTICATORS: Final[Mapping[str, Authenticator]] = {}


class Played:
    """One call of `next`, which the test answers."""

    def __init__(self, subject: Exchange | Attempt) -> None:
        self._subject = subject
        self._answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    @property
    def exchange(self) -> Exchange:
        """What `next` was called with, or belongs to."""
        return self._subject if isinstance(self._subject, Exchange) else self._subject.exchange

    @property
    def attempt(self) -> Attempt:
        """What `next` was called with, where the filter is an attempt filter."""
        assert isinstance(self._subject, Attempt), "this is no attempt filter"
        return self._subject

    @property
    def answered(self) -> bool:
        """Whether there is nothing to answer any more."""
        return self._answer.done()

    @property
    def cancelled(self) -> bool:
        """Whether the filter gave up waiting."""
        return self._answer.cancelled()

    def respond(
        self, status: int = 200, headers: Fields = (), body: bytes | str = b"", *, json: Any = None
    ) -> None:
        """Answer with a complete body."""
        fields = as_fields(headers)
        if json is not None:
            body = orjson.dumps(json)
            fields.append((b"content-type", b"application/json"))
        data = body.encode() if isinstance(body, str) else body
        self._answer.set_result(Response(status, Headers(fields), Body(data)))

    def stream(
        self,
        *chunks: bytes | GatewayError,
        status: int = 200,
        headers: Fields = (),
        length: int | None = None,
    ) -> Chunks:
        """Answer with a streamed body; an error among the chunks breaks it off. Returns the source."""
        source = Chunks(*chunks)
        self._answer.set_result(Response(status, Headers(as_fields(headers)), Body.stream(source, length)))
        return source

    def fail(self, error: GatewayError) -> None:
        """Fail: an attempt filter sees the exception, any other the answer that the gateway makes of it."""
        if isinstance(self._subject, Attempt):
            self._answer.set_exception(error)
        else:
            self._answer.set_result(self._subject.reject(error))

    def __repr__(self) -> str:
        return f"<Played {self._subject!r}>"


class Call:
    """A filter at work on one exchange."""

    def __init__(self, kind: FilterKind, part: Any, exchange: Exchange, surroundings: Surroundings) -> None:
        self.exchange: Final = exchange
        self.filter: Final = part
        self.surroundings: Final = surroundings
        self._played: list[Played] = []
        self._waiting: asyncio.Queue[Played] = asyncio.Queue()
        subject: Exchange | Attempt = exchange
        if kind.scope == "attempt":
            instance = Instance("service", "instance", "http", "192.0.2.1", 80)
            subject = Attempt(exchange, instance, 1, exchange.started)
            exchange.attempts.append(subject)
        following = self._next
        handler = part.wrap(following)
        self.passed_over: Final[bool] = handler is following
        """Whether the filter is off: it returned `next` itself."""
        self._task = asyncio.get_running_loop().create_task(self._run(handler, subject, kind.scope))

    async def _next(self, subject: Any) -> Response:
        played = Played(subject)
        self._played.append(played)
        self._waiting.put_nowait(played)
        return await played._answer

    async def _run(self, handler: Any, subject: Exchange | Attempt, scope: str) -> Response:
        try:
            response = await handler(subject)
        except GatewayError as error:
            if scope == "attempt":
                raise
            return self.exchange.reject(error)
        if not isinstance(response, Response):
            raise AssertionError(f"the filter answered with {response!r}, which is no Response")  # noqa: TRY004
        return response

    async def upstream(self, within: float = PATIENCE) -> Played:
        """Wait until the filter calls `next`, and return that call, to be answered.

        Raises:
            AssertionError: the filter has answered without it, or does nothing at all.
            Exception: whatever the filter raised.

        """
        waiting = asyncio.ensure_future(self._waiting.get())
        try:
            await asyncio.wait([waiting, self._task], timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            if self._task.done():
                response = self._task.result()
                raise AssertionError(f"the filter answered without calling next: {response!r}")
            raise AssertionError(f"the filter did not call next within {within:g} s")
        finally:
            waiting.cancel()

    async def response(self, within: float = PATIENCE) -> Response:
        """Wait for what the filter answers.

        Raises:
            AssertionError: it waits for a call of `next` that the test has not answered.
            Exception: whatever the filter raised.

        """
        waiting = asyncio.ensure_future(self._waiting.get())
        try:
            await asyncio.wait([waiting, self._task], timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if self._task.done():
                return self._task.result()
            if waiting.done():
                raise AssertionError("the filter called next: answer it with `await call.upstream()`")
            if any(not played.answered for played in self._played):
                raise AssertionError("the filter waits for next: answer what `call.upstream()` returned")
            raise AssertionError(f"the filter did not answer within {within:g} s")
        finally:
            waiting.cancel()

    def cancel(self) -> None:
        """Cancel the filter, as the edge does when the client hangs up."""
        self._task.cancel()

    async def close(self) -> None:
        """End everything that is left: the filter's work, its tasks, the exchange."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.surroundings.close()
        self.exchange.request.body.abort()
        self.exchange.complete()


@functools.cache
def default_host() -> PluginHost:
    """The plugins that are installed; loaded once, since loading reads files."""
    return PluginHost()


def make_host(plugins: Iterable[Any] = ()) -> PluginHost:
    """The plugins that are installed, and these: files, or modules and objects with hooks."""
    plugins = list(plugins)
    host = PluginHost([plugin for plugin in plugins if isinstance(plugin, Path)])
    for plugin in plugins:
        if not isinstance(plugin, Path):
            name = getattr(plugin, "__name__", type(plugin).__name__).rpartition(".")[2]
            host.add(name, "test", plugin)
    return host


def build_filter(host: PluginHost, kind: FilterKind, options: Any, context: BuildContext) -> Any:
    """Build a filter from its options as they stand in a file.

    Raises:
        ConfigError: the options are refused.

    """
    if kind.main is not None and not isinstance(options, dict) and whole(kind.config) is None:
        options = {kind.main: one_or_list(options, kind)}
    reader = ConditionReader(Path.cwd(), {}, lambda _: False, host.catalog.predicates, PathTemplate.parse)
    found = reader.read(options, kind.config, kind.kind)
    if reader.faults:
        raise ConfigError(Problem(fault.id, show_path(fault.path), fault.message) for fault in reader.faults)
    return kind.build(found, context)


def filter_context(host: PluginHost, surroundings: Surroundings, name: str, **more: Any) -> BuildContext:
    """What a filter is handed; conditions among its options can be asked."""
    base = BuildContext(gateway=surroundings, wheel=surroundings.fake_clock.wheel, name=name, owner="test")

    def ask_plugin(kind: str, options: Any) -> Predicate:
        found: Predicate = host.catalog.predicates[kind].build(options, attrs.evolve(base, name=kind))
        return found

    conditions = Conditions((), ask_plugin, base.random)
    return attrs.evolve(base, predicate=lambda condition: conditions.any_of(condition).holds, **more)


def run_filter(
    kind: str,
    options: Any = None,
    exchange: Exchange | None = None,
    *,
    plugins: Sequence[Any] = (),
    surroundings: Surroundings | None = None,
    target: Target | None = None,
    authenticators: Mapping[str, Authenticator] = NO_AUTHENTICATORS,
    name: str = "",
) -> Call:
    """Build a filter through the catalog and the configuration's own conversion, and start it on an exchange.

    `options` are what stands behind `kind:` in a file. `plugins` are more plugins than the installed ones: files, or
    objects with hooks. `target` is the service behind the chain, and `authenticators` are those that `auth` knows by name.

    Raises:
        ConfigError: the options are refused.
        KeyError: there is no such kind.

    """
    host = make_host(plugins) if plugins else default_host()
    surroundings = surroundings or Surroundings()
    found = host.catalog.filters[kind]
    context = filter_context(host, surroundings, name or kind, target=target, authenticators=authenticators)
    part = build_filter(host, found, {} if options is None else options, context)
    return Call(found, part, exchange or make_exchange(), surroundings)


RunFilter = Callable[..., Call]
"""What the fixture `run_filter` is."""


def config_problems(kind: str, options: Any, *, plugins: Sequence[Any] = ()) -> list[Problem]:
    """What the configuration says against these options of a kind; empty if they are fine.

    Raises:
        KeyError: there is no such kind.

    """
    host = make_host(plugins) if plugins else default_host()
    try:
        build_filter(host, host.catalog.filters[kind], options, filter_context(host, Surroundings(), kind))
    except ConfigError as error:
        return list(error.problems)
    except ValueError as error:
        return [Problem("bad-value", kind, str(error))]
    return []
