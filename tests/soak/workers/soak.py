"""The soak of workers: renewed while the file changes and tunnels are open, then killed, then stopped; always under load."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final, Literal

from gatekeeper.policy.respawn import LONG_ENOUGH
from tests.soak.checks import Check
from tests.soak.process import GatewayProcess, quiet_ports, spawn, start_origin, stop
from tests.soak.sabotage import NONE
from tests.soak.traffic import Asked, Traffic
from tests.soak.wire import BrokenError, Client, Message
from tests.soak.workers import who
from tests.soak.workers.report import describe, judge
from tests.soak.workers.sabotage import SABOTAGES
from tests.soak.workers.story import Blow, Options, Story
from tests.soak.workers.tunnels import Tunnels


TEXT: Final = """\
version: 1
# edit {edit}
server:
  listen: "127.0.0.1:{port}"
  workers: 2
  drain: 900s
  limits: {{connections_per_address: false}}
  reload: {{watch: false}}
admin: {{listen: "127.0.0.1:{admin}"}}
filters: [who]
services:
  app:
    instances: ["http://127.0.0.1:{origins[0]}", "http://127.0.0.1:{origins[1]}"]
    labels: {{edit: "{edit}"}}
  echo: http://127.0.0.1:{echo}
routes:
  echo: {{match: /echo, to: echo, websocket: {{protocols: [echo]}}}}
  all: {{match: /**, to: app}}
"""
KINDS: Final = (*("GET", "POST", "fresh") * 8, "up", "down")
PATIENCE: Final = 30.0
MEANT: Final = frozenset({"gatekeeper.workers.crew"})
"""Who complains of what this soak does."""


class _Traffic(Traffic):
    """Requests that know which worker has their connection; `fresh` ones have a connection of their own."""

    def __init__(self, port: int, rate: int, random: Random) -> None:
        super().__init__(port, rate, random, KINDS)
        self.connects: list[tuple[float, float]] = []
        """When clients began to connect, and how many seconds that took."""
        self._owners: dict[int, str] = {}
        self.whose = lambda port: self._owners.get(port, "")

    async def _open(self, port: int) -> Client:
        began = monotonic()
        client = await super()._open(port)
        self.connects.append((began, monotonic() - began))
        # a port may have been another connection's before
        self._owners.pop(client.transport.get_extra_info("sockname")[1], None)
        return client

    async def _send(self, due: float) -> None:
        kind = self._random.choice(self._kinds)
        client = await self._ask(kind, None if kind == "fresh" else self._free())
        if client is None:
            return
        if kind == "fresh":
            client.close()
        else:
            self._idle.append(client)

    async def _exchange(self, client: Client, asked: Asked) -> Message:
        message = await super()._exchange(client, asked)
        port = client.transport.get_extra_info("sockname")[1]
        self._owners[port] = message.fields.get(b"x-worker", b"").decode()
        return message


class _Soak:
    """One gateway, and what is done to it."""

    def __init__(self, gateway: GatewayProcess, text: Mapping[str, Any], story: Story) -> None:
        self.gateway = gateway
        self.story = story
        self._text = text
        self._edit = 0

    async def workers(self) -> list[dict[str, Any]]:
        """All that live."""
        found: list[dict[str, Any]] = (await self.gateway.get("/"))["workers"]
        return found

    async def serving(self) -> set[str]:
        """The numbers of those that serve."""
        return {str(one["pid"]) for one in await self.workers() if one["state"] == "serving"}

    async def renew(self, times: int) -> None:
        """Renew all workers so often."""
        for _ in range(times):
            status, _ = await self.gateway.change("POST", "/gateway/restart")
            self.story.renewed += status == 200

    async def reload(self, times: int, renewing: "asyncio.Task[None]") -> None:
        """Edit the file so often, while workers are renewed, and a little faster than that takes."""
        for _ in range(times):
            self._edit += 1
            text = TEXT.format(**self._text, edit=self._edit)
            await asyncio.to_thread(self.gateway.path.write_text, text)
            status, found = await self.gateway.change("POST", "/gateway/reload")
            self.story.reloaded += status == 200 and found["applied"]
            if not renewing.done():
                await asyncio.sleep(0.2)

    async def strike(self, kind: Literal["kill", "stop"], times: int) -> None:
        """Kill or stop a worker, one place after the other, each when it has served long enough to have lived."""
        for number in range(times):
            async with asyncio.timeout(PATIENCE):
                victim = await self._grown_up(number % 2 + 1)
            before = await self.serving()
            at = monotonic()
            os.kill(int(victim), signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
            replaced = 0.0
            try:
                async with asyncio.timeout(PATIENCE):
                    while len(now := await self.serving()) < len(before) or victim in now:  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                    replaced = monotonic()
            finally:
                self.story.blows.append(Blow(kind, victim, at, replaced))

    async def _grown_up(self, place: int) -> str:
        while True:
            for one in await self.workers():
                if one["worker"] == place and one["state"] == "serving" and one["uptime"] > LONG_ENOUGH + 2:
                    return str(one["pid"])
            await asyncio.sleep(0.1)

    async def count(self) -> None:
        """Ask for the metrics, second by second."""
        while True:
            self.story.totals.append((await self.gateway.get("/api/v1/metrics/requests"))["total"])
            await asyncio.sleep(1.0)

    async def few(self) -> None:
        """Wait until those that were renewed have gone."""
        async with asyncio.timeout(PATIENCE):
            while len(await self.workers()) > 2:  # noqa: ASYNC110 - the gateway tells nobody
                await asyncio.sleep(0.1)


async def run(options: Options) -> tuple[list[Check], str]:
    """Do all of it; the checks, and the story."""
    story = Story(options)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-workers-")))
        port, admin = quiet_ports(2)
        echo = spawn("tests.soak.workers.echo")
        stack.callback(stop, echo)
        assert echo.stdout is not None
        origins = [start_origin(stack), start_origin(stack)]
        text: Mapping[str, Any] = {
            "port": port,
            "admin": admin,
            "origins": origins,
            "echo": int(echo.stdout.readline()),
        }
        (folder / "gateway.yaml").write_text(TEXT.format(**text, edit=0))
        plugins = [Path(who.__file__), *SABOTAGES.get(options.sabotage, NONE).write(folder)]
        gateway = GatewayProcess(folder, admin, plugins)
        stack.callback(gateway.kill)
        await gateway.started()
        soak = _Soak(gateway, text, story)
        traffic = _Traffic(port, options.rate, Random(options.seed))
        story.asked, story.connects = traffic.asked, traffic.connects
        tunnels = Tunnels(port, Random(options.seed))
        loading, counting = asyncio.create_task(traffic.run()), asyncio.create_task(soak.count())
        try:
            await _do(soak, tunnels, options)
        except (BrokenError, TimeoutError) as error:
            story.broken = repr(error)
        finally:
            traffic.stop()
            counting.cancel()
            await asyncio.wait([loading, counting])
            await tunnels.close()
        loading.result()
        story.sent, story.due, story.connections = traffic.sent, traffic.due, traffic.connections
        story.tunnels_dropped = list(tunnels.dropped.elements())
        story.words = tunnels.words
        story.code = await gateway.end()
        story.complaints = [
            str(line)
            for line in gateway.log.read()
            if line["level"] in {"error", "critical", "warning"} and line.get("logger") not in MEANT
        ]
    return judge(story), describe(story)


async def _do(soak: _Soak, tunnels: Tunnels, options: Options) -> None:
    story, gateway = soak.story, soak.gateway
    await asyncio.sleep(1.0)
    before = gateway.sample(0).descriptors
    await tunnels.open(options.tunnels)
    renewing = asyncio.create_task(soak.renew(options.renewals))
    await soak.reload(options.reloads, renewing)
    await renewing
    # whoever was asked before the last one of them went has its answer
    await asyncio.sleep(1.0)
    story.tunnels_open = tunnels.open_now
    await tunnels.close()
    await soak.few()
    story.workers_left = len(await soak.workers())
    story.quiet_until = monotonic()
    await soak.strike("kill", options.kills)
    await soak.strike("stop", options.stops)
    await asyncio.sleep(1.0)
    story.descriptors = before, gateway.sample(0).descriptors
