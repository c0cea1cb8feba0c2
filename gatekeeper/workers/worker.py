"""A worker: the data plane of a gateway in a process of its own. What it serves by, its supervisor tells it.

It has no signals of its own: a terminal, an init system and a person with `kill` mean the gateway, whose supervisor decides.
Without a supervisor it finishes what was begun, and goes.
"""

import asyncio
import contextlib
import faulthandler
import functools
import gc
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final

import attrs

from gatekeeper.config.problems import ConfigError
from gatekeeper.edge.socketfile import BoundFile, FileSocket
from gatekeeper.extend.host import PluginError, PluginHost
from gatekeeper.observe.log import AccessLog, ApplicationLog, count_dropped, setup_logging
from gatekeeper.runtime import usage
from gatekeeper.runtime.change import Change
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.local import LocalNode
from gatekeeper.runtime.loop import LoopErrors, run, settle_later
from gatekeeper.version import VERSION
from gatekeeper.workers.blob import unpack
from gatekeeper.workers.channel import Channel, Hearing, Message, Refused
from gatekeeper.workers.inside import Heard, WorkerFront


log = logging.getLogger(__name__)

BEAT: Final = 0.5
"""Seconds between two signs of life."""
UNHEARD: Final = 100
"""Messages that wait for a supervisor that does not listen; who was refused is told later then."""


class Worker:
    """One worker, from its first message to its end; made where a loop runs."""

    def __init__(self, sock: socket.socket) -> None:
        self._over: Final = asyncio.Event()
        self._heard: Final = Heard()
        self._gateway: Gateway | None = None
        self._front: WorkerFront | None = None
        self._change: Change | None = None
        self._logs: ApplicationLog | None = None
        self._access: AccessLog | None = None
        self._going = False
        asked = {
            "begin": self._begin,
            "prepare": self._prepare,
            "commit": self._commit,
            "abandon": self._abandon,
            "adopt": self._adopt,
            "metrics": self._metrics,
            "services": self._services,
            "system": self._system,
            "drain": self._drain,
        }
        told: dict[str, Hearing] = {
            "health": self._heard.note,
            "override": self._heard.override,
            "ready": self._heard.set_ready,
            "followed": self._followed,
        }
        self._channel: Final = Channel(sock, asked=asked, told=told, on_end=self._ended)

    @property
    def _serving(self) -> Gateway:
        if self._gateway is None:
            raise Refused({"error": "it has not begun"})
        return self._gateway

    def _followed(self, _: object) -> None:
        if self._front is not None:
            self._front.followed()

    async def main(self) -> int:
        """Serve until the supervisor has gone; the exit code."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(LoopErrors())
        beats = asyncio.create_task(self._beat())
        try:
            await self._over.wait()
        finally:
            beats.cancel()
            if self._access is not None:
                self._access.close()
            if self._logs is not None:
                self._logs.close()
        return 0

    async def _beat(self) -> None:
        while True:
            self._channel.tell("beat")
            await asyncio.sleep(BEAT)

    def _ended(self) -> None:
        if self._gateway is None or self._going:
            self._over.set()
            return
        log.error("the supervisor has gone; finishing what was begun")
        self._going = True
        task = asyncio.ensure_future(self._gateway.stop(linger=False))
        task.add_done_callback(lambda _: self._over.set())

    # ---- the beginning --------------------------------------------------------------------------------------------

    async def _begin(self, message: Message) -> Any:
        data = message.data
        if data["version"] != VERSION:
            why = f"gatekeeper {VERSION} is installed, and {data['version']} is running: restart all of it"
            raise Refused({"error": why})
        self._logs = setup_logging(data["log_level"], data["log_format"])
        access = self._access = AccessLog(asyncio.get_running_loop().call_later, data["log_format"])
        try:
            files = [Path(file) for file in data["plugins"]]
            host = await asyncio.to_thread(PluginHost, files, data["blocked"])
            config = await asyncio.to_thread(unpack, message.blob)
            front = functools.partial(
                WorkerFront,
                heard=self._heard,
                given=_given(message),
                write_access=access.write,
            )
            gateway = Gateway(config, host, front=front, role="worker")
            count_dropped(gateway.metrics, "access_log", access)
            count_dropped(gateway.metrics, "log", self._logs)
            gateway.audit.tell_by(self._refused)
            await gateway.start(data["revision"])
        except ConfigError as error:
            raise _refusal(error) from error
        except (PluginError, OSError) as error:
            raise Refused({"error": str(error)}) from error
        self._gateway = gateway
        assert isinstance(gateway.front, WorkerFront)
        self._front = gateway.front
        settle_later()
        return {"listeners": gateway.listeners}

    # ---- changes --------------------------------------------------------------------------------------------------

    async def _prepare(self, message: Message) -> None:
        data, gateway, front = message.data, self._serving, self._front
        assert front is not None
        # of a change that was given up before anybody decided on it
        await self._abandon(message)
        front.give(_given(message))
        try:
            config = await asyncio.to_thread(unpack, message.blob)
            self._change = await gateway.reloader.prepare(config, data["revision"])
        except ConfigError as error:
            raise _refusal(error) from error
        finally:
            front.give({})

    async def _commit(self, _: Message) -> None:
        change, self._change = self._change, None
        assert change is not None
        await self._serving.reloader.commit(change)

    async def _abandon(self, _: Message) -> None:
        change, self._change = self._change, None
        if change is not None:
            change.abandon()

    async def _adopt(self, message: Message) -> None:
        for connection in message.sockets:
            connection.setblocking(False)
        assert self._front is not None
        self._front.edge.adopt(message.data["listener"], message.sockets)

    # ---- what it tells --------------------------------------------------------------------------------------------

    def _refused(self, data: Any) -> bool:
        """Tell who was refused, if the supervisor listens."""
        if self._channel.waiting > UNHEARD:
            return False
        self._channel.tell("refused", data)
        return True

    async def _metrics(self, _: Message) -> Any:
        return await asyncio.to_thread(self._serving.metrics.snapshot)

    async def _services(self, _: Message) -> Any:
        return await LocalNode(self._serving).services()

    async def _system(self, _: Message) -> Any:
        return await asyncio.to_thread(usage.of_process)

    async def _drain(self, message: Message) -> Any:
        data, gateway = message.data, self._serving
        assert self._front is not None
        self._going = True
        self._front.hand_over = data["hand_over"]
        lost = await gateway.stop(data["grace"], linger=data["linger"])
        return {"lost": lost, "metrics": gateway.metrics.snapshot()}


def _given(message: Message) -> dict[str, socket.socket]:
    """The sockets that came along, by the names of listeners; a file belongs to the supervisor, and is removed for all."""
    given = dict(zip(message.data["listeners"], message.sockets, strict=True))
    for name, (path, device, inode) in message.data["files"].items():
        given[name] = FileSocket.adopt(given[name], BoundFile(path, device, inode, ours=False))
    for sock in given.values():
        # they do not block, but Python does not know it
        sock.setblocking(False)
    return given


def _refusal(error: ConfigError) -> Refused:
    return Refused({"problems": [attrs.asdict(problem) for problem in error.problems]})


def main() -> int:
    """Be the worker of the supervisor at the other end of a socket; its descriptor, and that of a file for stacks, are given."""
    channel, stacks = map(int, sys.argv[1:3])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.closing(os.fdopen(stacks, "w")) as file:
        faulthandler.register(signal.SIGUSR1, file=file, all_threads=True)
        # what is imported and built now lives as long as the process: the collector would look through it in vain
        gc.disable()
        return run(_main(socket.socket(fileno=channel)))


async def _main(sock: socket.socket) -> int:
    return await Worker(sock).main()
