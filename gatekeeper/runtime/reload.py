"""A new configuration for a gateway that serves: prepare, commit, retire.

Prepare reads and compiles in a thread, and opens what is new; it may fail, and then all of it is closed again, and the
last good configuration goes on. Commit swaps it in, and cannot fail. What the one before held is closed when its last
request has ended (`runtime.snapshot`).
"""

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from gatekeeper.config.model import GatewayConfig, InstanceConfig
from gatekeeper.config.problems import ConfigError, Problem, problem_at
from gatekeeper.config.provided import FILE, Provided
from gatekeeper.config.redact import redact, references
from gatekeeper.core.clock import Clock
from gatekeeper.edge.server import bind
from gatekeeper.extend.events import ConfigApplied, ConfigRefused
from gatekeeper.observe.metrics import Metrics
from gatekeeper.runtime.additions import Additions
from gatekeeper.runtime.build import Builder, Prepared
from gatekeeper.runtime.change import Change, Changing, Check, ConfigState, Outcome
from gatekeeper.runtime.loading import Loaded, in_background
from gatekeeper.runtime.source import Source


log = logging.getLogger(__name__)


class Reloader:
    """Changes the configuration of a gateway, one change after the other."""

    def __init__(
        self, gateway: Changing, builder: Builder, source: Source | None, clock: Clock, metrics: Metrics
    ) -> None:
        self.state = ConfigState()
        self.loaded: Loaded | None = None
        """What was read for the configuration in force."""
        self.closed = False
        self._gateway: Final = gateway
        self._builder: Final = builder
        self._source: Final = source
        self._clock: Final = clock
        self._lock = asyncio.Lock()
        self._read: Mapping[str, str] = {}
        self._text: str | None = None
        """What is in force instead of the file."""
        self._acted_on: object = None
        """What the files said when they were last read, whoever had asked for it, and whatever became of it."""
        self._additions: Final = Additions()
        self._on_files: Callable[[Loaded | ConfigError], object] = lambda _: None
        self._results = metrics.counter(
            "gatekeeper_config_reloads_total", "Tries to change the configuration.", ("result",)
        )
        metrics.gauge_function(
            "gatekeeper_config_revision",
            "How many configurations have been in force.",
            lambda: self.state.revision,
        )
        metrics.gauge_function(
            "gatekeeper_config_loaded_timestamp_seconds",
            "When the configuration came into force, in seconds since the epoch.",
            lambda: self.state.loaded_at,
        )
        metrics.gauge_function(
            "gatekeeper_config_last_reload_successful",
            "1, or 0 where the last configuration was refused.",
            lambda: not self.state.error,
        )

    def on_files(self, tell: Callable[[Loaded | ConfigError], object]) -> None:
        """Say after each look at the files what they were."""
        self._on_files = tell

    async def prepare_first(self, config: GatewayConfig, loaded: Loaded | None = None) -> Change:
        """Prepare what a gateway starts with; `loaded` is what came of reading it, if it was read.

        Raises:
            ConfigError: it cannot be put together.
            OSError: an address cannot be listened on.

        """
        prepared = await in_background(lambda: self._builder.prepare(config, 1))
        sockets: dict[str, socket.socket] = {}
        loaded = loaded or Loaded(config, (), {}, (), (), ())
        self._read = loaded.sources
        self._acted_on = _content(loaded)
        change = Change(loaded, prepared, sockets)
        try:
            for name, listener in config.server.listen.items():
                sockets[name] = bind(listener.address.host, listener.address.port)
        except OSError:
            change.abandon()
            raise
        return change

    async def reload(
        self, why: str, *, dry_run: bool = False, always: bool = True, first: Check | None = None
    ) -> Outcome:
        """Read the file again, and serve by it if it is sound; with `dry_run`, only see whether it is.

        Without `always` nothing happens where it says what is in force already, or what it said when it was last read:
        whoever asked for that has got its answer.
        """
        source = self._source
        if source is None:
            return self._refused("this gateway was not started from a file")
        return await self._change(
            why,
            lambda: source.load(self._additions.sources),
            dry_run=dry_run,
            watch=True,
            always=always,
            first=first,
        )

    async def _renew(self, why: str) -> Outcome:
        """Put what is in force together again, the text or the file, after something else has changed."""
        source, text = self._source, self._text
        if source is None:
            return self._refused("this gateway was not started from a file")
        if text is None:
            return await self.reload(why)
        return await self._change(why, lambda: source.load_text(text, self._additions.sources), text=text)

    async def apply(
        self, text: str, why: str, *, dry_run: bool = False, first: Check | None = None
    ) -> Outcome:
        """Serve by a text instead of the file, until that changes; with `dry_run`, only see whether it could be.

        `first` is that of `reload`.

        It may take from outside what the file takes (`${...}`), and nothing else: who may change the configuration may
        not read every variable of this process by that.
        """
        source = self._source
        if source is None:
            return self._refused("this gateway was not started from a file")
        for reference in sorted(references([text]) - references(self._read.values())):
            return self._refused(f"`{reference}` is not in the configuration in force; write the value")
        return await self._change(
            why,
            lambda: source.load_text(text, self._additions.sources),
            dry_run=dry_run,
            text=text,
            first=first,
        )

    async def provide(self, provided: Provided | None, name: str, why: str) -> Outcome:
        """Serve by what a provider says now, None for nothing any more; where that is unsound, by what it said before."""
        before = self._additions.provided(name)
        self._additions.provide(name, provided)
        outcome = await self._renew(why)
        if not outcome.applied:
            self._additions.provide(name, before)
        return outcome

    def provided(self, name: str) -> Provided | None:
        """What a provider says, as far as it is in force."""
        return self._additions.provided(name)

    def origin(self, section: str, name: str) -> str:
        """Who has an entry that is in force: `file`, or a provider; empty where there is none."""
        entries = getattr(self._gateway.config, section)
        if name not in entries:
            return ""
        return self.loaded.origins.get((section, name), FILE) if self.loaded is not None else FILE

    def redacted(self, shown: Any) -> Any:
        """The long form of the configuration in force without what `${...}` put into it."""
        return redact(shown, self.loaded.outside) if self.loaded is not None else shown

    # ---- instances that were added --------------------------------------------------------------------------------

    def added(self, service: str) -> Mapping[str, InstanceConfig]:
        """The instances that were added to a service, by id."""
        return self._additions.instances(service)

    async def add_instance(self, service: str, body: Any) -> Outcome:
        """Add an instance to a service, as if it stood in its configuration; for as long as both exist."""
        source = self._source
        if source is None:
            return self._refused("this gateway was not started from a file")
        for reference in sorted(references([json.dumps(body)])):
            return self._refused(f"`{reference}` is not replaced in what is registered; write the value")
        try:
            config = await asyncio.to_thread(source.read_instance, service, body)
        except ConfigError as error:
            return Outcome(False, self.state.revision, tuple(error.problems), error.sources)
        return await self._with_added(service, {**self.added(service), config.id: config})

    async def remove_instance(self, service: str, instance: str) -> Outcome:
        """Take away an instance that was added."""
        others = {name: config for name, config in self.added(service).items() if name != instance}
        return await self._with_added(service, others)

    async def _with_added(self, service: str, instances: Mapping[str, InstanceConfig]) -> Outcome:
        before = self.added(service)
        self._additions.join(service, instances)
        outcome = await self._renew("admin")
        if not outcome.applied:
            self._additions.join(service, before)
        return outcome

    async def _change(
        self,
        why: str,
        load: Callable[[], Loaded],
        *,
        dry_run: bool = False,
        watch: bool = False,
        always: bool = True,
        text: str | None = None,
        first: Check | None = None,
    ) -> Outcome:
        async with self._lock:
            if first is not None:
                await first()
            if self.closed:
                return self._refused("the gateway is going away", quiet=True)
            revision = self.state.revision + 1

            def work() -> tuple[Loaded, Prepared | None]:
                loaded = load()
                loaded = attrs.evolve(loaded, config=self._additions.put_into(loaded.config))
                in_force = loaded.config == self._gateway.config
                if not always and (in_force or _content(loaded) == self._acted_on):
                    return loaded, None
                try:
                    return loaded, self._builder.prepare(loaded.config, revision)
                except ConfigError as error:
                    raise _read_from(loaded, error.problems) from error

            try:
                loaded, prepared = await in_background(work)
                sockets = self._bind(loaded, prepared) if prepared is not None else {}
            except ConfigError as error:
                known = watch and self._note_files(error, dry_run=dry_run)
                if known and not always:
                    return Outcome(False, self.state.revision, tuple(error.problems), error.sources)
                return self._unsound(error, why, dry_run=dry_run)
            known = watch and self._note_files(loaded, dry_run=dry_run)
            if prepared is None:
                return self._unchanged(loaded, known=known)
            change = Change(loaded, prepared, sockets)
            if watch:
                self._read = loaded.sources
            if dry_run or self.closed:
                change.abandon()
                return Outcome(False, self.state.revision, loaded.warnings, loaded.sources)
            self._say_what_waits(loaded.config)
            await self.commit(change)
            self._text = text
            log.info("configuration in force", extra={"revision": revision, "why": why})
            return Outcome(True, revision, loaded.warnings, loaded.sources)

    def _note_files(self, read: Loaded | ConfigError, *, dry_run: bool) -> bool:
        """Note what was in the files; whether that was acted upon before."""
        self._on_files(read)
        before, content = self._acted_on, _content(read)
        if not dry_run:
            self._acted_on = content
        return content == before

    def _bind(self, loaded: Loaded, prepared: Prepared) -> dict[str, socket.socket]:
        """Open the listeners that are new."""
        before = self._gateway.config.server.listen
        sockets: dict[str, socket.socket] = {}
        for name, listener in loaded.config.server.listen.items():
            if before.get(name) == listener:
                continue
            host, port = listener.address.host, listener.address.port
            known = self._gateway.listening(listener.address)
            try:
                # under another name, or with other settings: nobody who is in line is lost
                sockets[name] = known.dup() if known is not None else bind(host, port)
            except OSError as error:
                Change(loaded, prepared, sockets).abandon()
                why = f"cannot listen on {listener.address}: {(error.strerror or str(error)).lower()}"
                place = listener.place
                if not place.path:
                    place = attrs.evolve(place, path=("server", "listen", name))
                raise _read_from(loaded, [problem_at("bad-value", place, why)]) from error
        return sockets

    async def commit(self, change: Change) -> None:
        """Bring a change into force."""
        await self._gateway.commit(change)
        self.loaded = change.loaded
        self.state = ConfigState(change.prepared.snapshot.revision, self._clock.wall())
        self._results.child("applied").value += 1
        self._gateway.emit(ConfigApplied(self.state.revision))

    def _unchanged(self, loaded: Loaded, *, known: bool) -> Outcome:
        if self.state.error and not known:
            log.info("the configuration is again what is in force", extra={"revision": self.state.revision})
            self.state = ConfigState(self.state.revision, self.state.loaded_at)
        return Outcome(True, self.state.revision, loaded.warnings, loaded.sources)

    def _say_what_waits(self, config: GatewayConfig) -> None:
        """Some settings take a restart."""
        if config.admin != self._gateway.config.admin:
            log.warning("`admin` has changed: that takes a restart; the rest is in force")

    def _unsound(self, error: ConfigError, why: str, *, dry_run: bool) -> Outcome:
        if not dry_run:
            errors = [problem for problem in error.problems if problem.severity == "error"]
            first = str(errors[0])
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            self.state = attrs.evolve(
                self.state, error=first + more, error_at=self._clock.wall(), problems=tuple(error.problems)
            )
            self._results.child("refused").value += 1
            for problem in errors:
                log.error(
                    "configuration refused: %s", problem, extra={"revision": self.state.revision, "why": why}
                )
            self._gateway.emit(ConfigRefused(first + more))
        return Outcome(False, self.state.revision, tuple(error.problems), error.sources)

    def _refused(self, message: str, *, quiet: bool = False) -> Outcome:
        if not quiet:
            log.warning("configuration refused: %s", message)
        return Outcome(False, self.state.revision, (Problem("bad-value", "", message),))


def _content(read: Loaded | ConfigError) -> object:
    """What tells whether the files say something else than before."""
    return read.sources, read.outside if isinstance(read, Loaded) else read.problems


def _read_from(loaded: Loaded, problems: Iterable[Problem]) -> ConfigError:
    """What is wrong with a configuration that was read: a change of its files may be the cure."""
    return ConfigError(problems, loaded.sources, loaded.files, loaded.folders)
