"""One gateway as a process: its logs, its signals, what it says on a terminal, and its exit code.

SIGHUP reads the configuration again; one that is wrong changes nothing. The first SIGTERM or SIGINT drains: what was begun
is answered, for at most `server.drain`. Those who follow whether the gateway is ready are told first, and for a moment
connections are still accepted: not at SIGINT, which is Ctrl-C, whose sender waits. The exit code is 0 when nothing was
cut, 1 when something was. A second signal ends it at once, with 130 or 143. A terminal that is closed sends SIGHUP too:
nobody is left who could press Ctrl-C, so that counts as one.
"""

import asyncio
import functools
import logging
import os
import select
import signal
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import attrs

from gatekeeper.cli import configuration, demo, plugins
from gatekeeper.cli.flags import FAILURE, CommandError
from gatekeeper.cli.notify import Notifier
from gatekeeper.config.addresses import Listen
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError, Problem, render
from gatekeeper.observe.log import AccessLog, ApplicationLog, Format, count_dropped, setup_logging
from gatekeeper.observe.output import STDOUT
from gatekeeper.runtime import descriptors, sockets
from gatekeeper.runtime.activation import NOTHING, Handed
from gatekeeper.runtime.front import LocalFront
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.loading import Loaded
from gatekeeper.runtime.loop import LoopErrors, run, settle_later
from gatekeeper.runtime.source import Source
from gatekeeper.version import VERSION
from gatekeeper.workers.fleet import Fleet, Launch, count_of
from gatekeeper.workers.node import FleetNode


log = logging.getLogger(__name__)


def serve(options: Namespace) -> int:
    """Load, listen, and serve until a signal comes; the exit code.

    Raises:
        CommandError: it could not start.

    """
    # before anything is started that must not have them
    handed, manager = Handed.take(os.environ, os.getpid()), Notifier.take(os.environ, os.getpid())
    descriptors.raise_limit()
    host = plugins.load(options)
    demo_only = options.demo and options.config is None
    path = demo.CONFIG if demo_only else configuration.config_path(options)
    loaded = configuration.load(options, host, path)
    on_terminal = sys.stdout.isatty()
    format_: Format = options.log_format or ("text" if on_terminal else "json")
    with ExitStack() as stack:
        if options.demo:
            stack.enter_context(demo.services(loaded.config))
        logs = setup_logging(options.log_level, format_)
        stack.callback(logs.close)
        _warn(loaded.warnings, loaded.sources, format_)
        source = Source(
            host=host,
            path=path,
            environment=options.env,
            env_file=configuration.env_file(options),
            adjust=functools.partial(_adjusted, workers=options.workers),
        )
        loaded = attrs.evolve(loaded, config=source.adjust(loaded.config))
        launch = Launch(
            count=count_of(loaded.config.server.workers),
            plugins=[str(file) for file in options.plugin],
            blocked=list(options.block_plugin),
            log_level=options.log_level,
            log_format=format_,
        )
        stack.callback(handed.close)
        process = _Process(source, loaded, logs, format_, launch, handed, manager)
        process.banner = on_terminal and format_ == "text"
        process.demo = options.demo
        return run(process.main())


def _adjusted(config: GatewayConfig, workers: int | Literal["auto"] | None) -> GatewayConfig:
    """The configuration with what flags say instead of it."""
    if workers is None:
        return config
    return attrs.evolve(config, server=attrs.evolve(config.server, workers=workers))


def _warn(warnings: Sequence[Problem], sources: Mapping[str, str], format_: Format) -> None:
    """Say what is probably a mistake; to a person with the lines in question."""
    if format_ == "json":
        for problem in warnings:
            log.warning(
                problem.message, extra={"problem": problem.id, "place": problem.place, "key": problem.path}
            )
    elif warnings:
        colour = configuration.is_coloured(sys.stderr.isatty())
        print(render(warnings, sources, colour=colour), file=sys.stderr, flush=True)


class _Process:
    """A gateway between its start and its end."""

    def __init__(
        self,
        source: Source,
        loaded: Loaded,
        logs: ApplicationLog,
        format_: Format,
        launch: Launch,
        handed: Handed,
        manager: Notifier,
    ) -> None:
        self.banner = False
        self.demo = False
        self._source = source
        self._loaded = loaded
        self._logs = logs
        self._format: Format = format_
        self._launch = launch
        self._handed = handed
        self._manager = manager
        self._access: AccessLog | None = None
        self._gateway: Gateway | None = None
        self._terminals = [descriptor for descriptor in range(3) if os.isatty(descriptor)]
        self._asked_to_end = asyncio.Event()
        self._asked_to_reload = asyncio.Event()
        self._asked_to_renew = asyncio.Event()
        self._lingers = True

    async def main(self) -> int:
        loop = asyncio.get_running_loop()
        access = self._access = AccessLog(loop.call_later, self._format)
        loop.set_exception_handler(LoopErrors())
        living = loop.create_task(self._manager.watch(), name="signs of life")
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._on_signal, number)
            loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
            loop.add_signal_handler(signal.SIGUSR2, self._asked_to_renew.set)
            gateway = self._gateway = self._make(access)
            count_dropped(gateway.metrics, "access_log", access)
            count_dropped(gateway.metrics, "log", self._logs)
            await self._start(gateway)
            settle_later()
            self._announce(gateway)
            self._manager.ready(_state(gateway))
            for name in self._handed.unused:
                address = Listen("", 0, handed=name)
                log.warning('systemd has opened a socket that no listener takes; write "%s" for it', address)
            gateway.spawn("reload at SIGHUP", self._reload(gateway))
            gateway.spawn("renew workers at SIGUSR2", self._renew(gateway))
            await self._asked_to_end.wait()
            lost = await self._drain(gateway)
            # so that what is said last comes last
            access.close()
            return self._say_goodbye(lost)
        finally:
            living.cancel()
            access.close()

    def _make(self, access: AccessLog) -> Gateway:
        """The gateway: all of it here, or in workers of which this is the supervisor."""
        config, host = self._loaded.config, self._source.host
        parts: dict[str, Any] = {
            "source": self._source,
            "read": self._loaded,
            "on_drain": self._asked_to_end.set,
        }
        if self._launch.count == 1:
            local = functools.partial(LocalFront, write_access=access.write, handed=self._handed)
            return Gateway(config, host, front=local, **parts)
        front = functools.partial(Fleet, launch=self._launch, handed=self._handed)
        return Gateway(config, host, front=front, node=FleetNode, role="supervisor", **parts)

    async def _renew(self, gateway: Gateway) -> None:
        while True:
            await self._asked_to_renew.wait()
            self._asked_to_renew.clear()
            try:
                await gateway.front.restart()
            except ValueError as error:
                log.error("%s", error)  # noqa: TRY400 - the message says it

    async def _reload(self, gateway: Gateway) -> None:
        while True:
            await self._asked_to_reload.wait()
            self._asked_to_reload.clear()
            self._manager.reloading()
            try:
                await gateway.reload("SIGHUP")
            except Exception:
                log.exception("the configuration could not be read again")
            if not gateway.draining:
                self._manager.ready(_state(gateway))

    async def _start(self, gateway: Gateway) -> None:
        try:
            await gateway.start()
        except ConfigError as error:
            raise configuration.refused(error, self._source.path) from error
        except OSError as error:
            told = _explain(error, self._loaded.config, self._source.path, self._handed)
            raise CommandError(told) from error
        except Exception as error:
            log.exception("the gateway could not start")
            raise CommandError(f"the gateway could not start: {error!r}; its log has the details") from error

    async def _drain(self, gateway: Gateway) -> int:
        """Finish what was begun; how many requests were cut."""
        grace = gateway.config.server.drain
        self._manager.stopping(f"finishing what was begun, for {grace:g} s at most")
        if self.banner:
            _say(f"\nFinishing what was begun, for {grace:g} s at most; a second Ctrl-C ends it at once.")
        else:
            log.info("draining", extra={"grace": grace})
        return await gateway.stop(linger=self._lingers)

    def _say_goodbye(self, lost: int) -> int:
        if lost:
            log.warning("stopped, requests were cut off", extra={"cut": lost})
            return FAILURE
        if not self.banner:
            log.info("stopped")
        return 0

    def _on_signal(self, number: int) -> None:
        if not self._asked_to_end.is_set():
            self._lingers = number != signal.SIGINT
            self._asked_to_end.set()
            return
        if self._gateway is not None:
            self._gateway.kill()
        if self._access is not None:
            self._access.close()
        self._logs.close()
        # not by the signal itself: the first process of a container does not die of one
        os._exit(128 + number)

    def _on_hangup(self) -> None:
        if not _has_gone(self._terminals):
            self._asked_to_reload.set()
        elif not self._asked_to_end.is_set():
            self._on_signal(signal.SIGINT)

    def _announce(self, gateway: Gateway) -> None:
        if not self.banner:
            log.info(
                "listening",
                extra={
                    "listeners": gateway.listeners,
                    "admin": gateway.admin_address,
                    "config": str(self._source.path),
                    "version": VERSION,
                },
            )
            return
        lines = [f"gatekeeper {VERSION}, {'the demo' if self.demo else self._source.path}", ""]
        for name, address in gateway.listeners.items():
            scheme = "https" if name in gateway.tls else "http"
            which = f"  ({name})" if name != "main" else ""
            where = address if address.startswith("unix:") else f"{scheme}://{_reachable(address)}"
            lines.append(f"  listening  {where}{which}")
        if gateway.admin_address:
            lines.append(f"  metrics    http://{gateway.admin_address}/metrics")
        if self.demo:
            lines += demo.story(self._loaded.config, next(iter(gateway.listeners.values())))
        lines += ["", "Ctrl-C ends it. One line for each request:", ""]
        _say("\n".join(lines))


def _state(gateway: Gateway) -> str:
    """What a gateway is doing, in a line."""
    state = gateway.reloader.state
    where = ", ".join(gateway.listeners.values())
    refused = f"; the last change was refused: {state.error}" if state.error else ""
    return f"revision {state.revision}, listening on {where}{refused}"


def _say(text: str) -> None:
    """Show it to a person, who may have gone: requests must not suffer from that."""
    STDOUT.write(f"{text}\n".encode("utf-8", "replace"))


def _has_gone(terminals: Iterable[int]) -> bool:
    """Whether one of these descriptors leads to a terminal that was closed."""
    poll = select.poll()
    for descriptor in terminals:
        poll.register(descriptor, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))


def _reachable(address: str) -> str:
    """An address that a person can paste: nobody can connect to "everywhere"."""
    return address.replace("0.0.0.0:", "localhost:", 1).replace("[::]:", "localhost:", 1)


def _explain(error: OSError, config: GatewayConfig, path: Path, handed: Handed = NOTHING) -> str:
    """Say which address cannot be listened on: the error does not know."""
    addresses = {f"server.listen.{name}": one.address for name, one in config.server.listen.items()}
    if config.admin.listen:
        addresses["admin.listen"] = config.admin.listen
    for key, address in addresses.items():
        try:
            sockets.open_socket(address, handed).close()
        except OSError as found:
            reason, cure = sockets.why_not(found), sockets.cure(found, address)
            return f"cannot listen on {address}: {reason}; {cure}change `{key}` in {path}"
    return f"cannot start: {error.strerror or error}"
