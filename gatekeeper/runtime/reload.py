"""A new configuration for a gateway that serves: prepare, commit, retire.

Prepare reads and compiles in a thread, tries chains that are new (`runtime.dry_run`), and opens what is new; it may fail, and
then all of it is closed again, and the last good configuration goes on. Commit swaps it in, and cannot fail. What the one
before held is closed when its last request has ended (`runtime.snapshot`).
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from gatekeeper.config.exposure import risk
from gatekeeper.config.model import GatewayConfig, InstanceConfig
from gatekeeper.config.problems import ConfigError, Problem, problem_at
from gatekeeper.config.provided import ADMIN, FILE, Provided
from gatekeeper.config.redact import redact, references
from gatekeeper.core.clock import Clock
from gatekeeper.extend.events import ConfigApplied, ConfigRefused
from gatekeeper.observe.metrics import Metrics
from gatekeeper.runtime.additions import Additions
from gatekeeper.runtime.build import Builder, Prepared
from gatekeeper.runtime.change import (
    Bound,
    Change,
    Changing,
    Check,
    ConfigState,
    OthersFault,
    Outcome,
    content_of,
    failed,
    load_addition,
    read_from,
    say_what_waits,
    without_what_waits,
)
from gatekeeper.runtime.dry_run import Parts
from gatekeeper.runtime.loading import Loaded, in_background
from gatekeeper.runtime.reload_metrics import count_reloads
from gatekeeper.runtime.sockets import why_not
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
        self.changing: Final = asyncio.Lock()
        self._read: Mapping[str, str] = {}
        self._text: str | None = None  # what is in force instead of the file
        self._acted_on: object = None
        """What the files said when they were last read, whoever had asked for it, and whatever became of it."""
        self._served: Parts = {}  # what the chains in force are made of
        self._additions: Final = Additions()
        self._on_files: Callable[[Loaded | ConfigError], object] = lambda _: None
        self._results = count_reloads(metrics, lambda: self.state)

    def on_files(self, tell: Callable[[Loaded | ConfigError], object]) -> None:
        """Say after each look at the files what they were."""
        self._on_files = tell

    async def prepare_first(
        self, config: GatewayConfig, loaded: Loaded | None = None, revision: int = 1
    ) -> Change:
        """Prepare what a gateway starts with; `loaded` is what came of reading it, if it was read.

        Raises:
            ConfigError: it cannot be put together.
            OSError: an address cannot be listened on.

        """
        prepared = await in_background(lambda: self._prepare(config, revision))
        sockets: dict[str, Bound] = {}
        loaded = loaded or Loaded(config, (), {}, (), (), ())
        self._read = loaded.sources
        self._acted_on = content_of(loaded)
        change = Change(loaded, prepared, sockets)
        try:
            for name, listener in config.server.listen.items():
                sockets[name] = await asyncio.to_thread(self._gateway.front.bind, name, listener.address)
        except BaseException:
            change.abandon()
            raise
        return change

    async def prepare(self, config: GatewayConfig, revision: int) -> Change:
        """Prepare what was read elsewhere, where it is decided, too, whether it is committed or abandoned.

        Raises:
            ConfigError: it cannot be put together, or a filter fails at once.

        """
        prepared = await in_background(lambda: self._prepare(config, revision))
        return await self._get_ready(Loaded(config, (), {}, (), (), ()), prepared)

    def _prepare(self, config: GatewayConfig, revision: int) -> Prepared:
        prepared = self._builder.prepare(config, revision)
        try:
            prepared.dry_run.fold(self._served, prepared.plan.changing)
        except BaseException:
            prepared.abandon()
            raise
        return prepared

    async def try_out(self, loaded: Loaded, prepared: Prepared) -> None:
        """Send one request through each chain that is new, in the loop that serves.

        Raises:
            ConfigError: a filter failed; all that did are named.

        """
        problems = await prepared.dry_run.run()
        if problems:
            # what came from outside may be a secret, and an exception may tell it
            raise read_from(
                loaded, (attrs.evolve(one, message=redact(one.message, loaded.outside)) for one in problems)
            )

    async def reload(
        self,
        why: str,
        *,
        dry_run: bool = False,
        always: bool = True,
        first: Check | None = None,
        before: Sequence[Provided] | None = None,
    ) -> Outcome:
        """Read the file again, and serve by it if it is sound; with `dry_run`, only see whether it is.

        Without `always` nothing happens where it says what is in force already, or what it said when it was last read:
        whoever asked for that has got its answer. After an addition, `before` which this was provided, its own mistakes
        are told and no others.
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
            load_without=None if before is None else lambda: source.load(before),
        )

    async def _renew(self, why: str, before: Sequence[Provided]) -> Outcome:
        """Put what is in force together again, the text or the file, after something was added to what is provided."""
        source, text = self._source, self._text
        if source is None:
            return self._refused("this gateway was not started from a file")
        if text is None:
            return await self.reload(why, before=before)
        return await self._change(
            why,
            lambda: source.load_text(text, self._additions.sources),
            text=text,
            load_without=lambda: source.load_text(text, before),
        )

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
        before, sources = self._additions.provided(name), self._additions.sources
        self._additions.provide(name, provided)
        outcome = await self._renew(why, sources)
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
        outcome = await self._with_added(service, {**self.added(service), config.id: config})
        if found := risk(config.url, self._gateway.config.admin.listen):
            warning = Problem("insecure", f"services.{service}.instances", found, ADMIN, severity="warning")
            outcome = attrs.evolve(outcome, problems=(*outcome.problems, warning))
        return outcome

    async def remove_instance(self, service: str, instance: str) -> Outcome:
        """Take away an instance that was added."""
        others = {name: config for name, config in self.added(service).items() if name != instance}
        return await self._with_added(service, others)

    async def _with_added(self, service: str, instances: Mapping[str, InstanceConfig]) -> Outcome:
        before = self.added(service)
        self._additions.join(service, instances)
        outcome = await self._renew("admin", self._additions.sources)
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
        load_without: Callable[[], Loaded] | None = None,
    ) -> Outcome:
        async with self.changing:
            if first is not None:
                await first()
            if self.closed:
                return self._refused("the gateway is going away", quiet=True)
            revision = self.state.revision + 1

            def work() -> tuple[Loaded, Prepared | None, GatewayConfig]:
                loaded = load() if load_without is None else load_addition(load, load_without)
                wanted = self._additions.put_into(loaded.config)
                loaded = attrs.evolve(loaded, config=without_what_waits(self._gateway.config, wanted))
                if not always and (wanted == self._gateway.config or content_of(loaded) == self._acted_on):
                    return loaded, None, wanted
                try:
                    return loaded, self._prepare(loaded.config, revision), wanted
                except ConfigError as error:
                    raise read_from(loaded, error.problems) from error
                except Exception as error:
                    raise read_from(loaded, [failed(error)]) from error

            try:
                loaded, prepared, wanted = await in_background(work)
                change = await self._get_ready(loaded, prepared, why) if prepared is not None else None
            except ConfigError as error:
                known = watch and self._note_files(error, dry_run=dry_run)
                if known and not always:
                    return Outcome(False, self.state.revision, tuple(error.problems), error.sources)
                return self._unsound(error, why, dry_run=dry_run)
            except OthersFault as fault:
                return self._refused(str(fault))
            except Exception as error:  # noqa: BLE001 - nobody may take silence for success
                return self._unsound(ConfigError([failed(error)]), why, dry_run=dry_run)
            known = watch and self._note_files(loaded, dry_run=dry_run)
            if change is None:
                return self._unchanged(loaded, known=known)
            if watch:
                self._read = loaded.sources
            if dry_run or self.closed:
                await self._gateway.front.abandon(change)
                change.abandon()
                return Outcome(False, self.state.revision, loaded.warnings, loaded.sources)
            say_what_waits(self._gateway.config, wanted)
            await self.commit(change)
            self._text = text
            log.info("configuration in force", extra={"revision": revision, "why": why})
            return Outcome(True, revision, loaded.warnings, loaded.sources)

    def _note_files(self, read: Loaded | ConfigError, *, dry_run: bool) -> bool:
        """Note what was in the files; whether that was acted upon before."""
        self._on_files(read)
        before, content = self._acted_on, content_of(read)
        if not dry_run:
            self._acted_on = content
        return content == before

    async def _get_ready(self, loaded: Loaded, prepared: Prepared, why: str = "") -> Change:
        """Try what is prepared, open the listeners that are new, and get the front ready."""
        try:
            await self.try_out(loaded, prepared)
        except BaseException:
            prepared.abandon()
            raise
        change = Change(loaded, prepared, await self._bind(loaded, prepared), why)
        try:
            await self._gateway.front.prepare(change)
        except BaseException:
            change.abandon()
            raise
        return change

    async def _bind(self, loaded: Loaded, prepared: Prepared) -> dict[str, Bound]:
        """Open the listeners that are new."""
        before = self._gateway.config.server.listen
        sockets: dict[str, Bound] = {}
        for name, listener in loaded.config.server.listen.items():
            if (before.get(name), self._gateway.tls.get(name)) == (listener, prepared.tls.get(name)):
                continue
            front, address = self._gateway.front, listener.address
            known = front.listening(address)
            try:
                # under another name, or with other settings: nobody who is in line is lost
                sockets[name] = (
                    known.dup() if known is not None else await asyncio.to_thread(front.bind, name, address)
                )
            except OSError as error:
                Change(loaded, prepared, sockets).abandon()
                why = f"cannot listen on {address}: {why_not(error)}"
                place = listener.place
                if not place.path:
                    place = attrs.evolve(place, path=("server", "listen", name))
                raise read_from(loaded, [problem_at("bad-value", place, why)]) from error
        return sockets

    async def commit(self, change: Change) -> None:
        """Bring a change into force."""
        await self._gateway.commit(change)
        self.loaded = change.loaded
        self._served = change.prepared.dry_run.parts
        self.state = ConfigState(change.prepared.snapshot.revision, self._clock.wall())
        self._results.child("applied").value += 1
        self._gateway.emit(ConfigApplied(self.state.revision))

    def _unchanged(self, loaded: Loaded, *, known: bool) -> Outcome:
        if self.state.error and not known:
            log.info("the configuration is again what is in force", extra={"revision": self.state.revision})
            self.state = ConfigState(self.state.revision, self.state.loaded_at)
        return Outcome(True, self.state.revision, loaded.warnings, loaded.sources)

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
