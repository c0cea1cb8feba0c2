"""The long soak: a steady load over workers, while the file changes, instances die and crowds come, and what it leaves behind."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final

from tests.soak.checks import Check
from tests.soak.endurance.curve import svg
from tests.soak.endurance.load import Load
from tests.soak.endurance.report import describe, judge
from tests.soak.endurance.sabotage import SABOTAGES
from tests.soak.endurance.story import Options, Point, Story
from tests.soak.process import PAGE, GatewayProcess, quiet_ports, spawn, stop
from tests.soak.sabotage import NONE
from tests.soak.wire import BrokenError, Client


TEXT: Final = """\
version: 1
server:
  listen: "127.0.0.1:{port}"
  workers: 2
  drain: 5s
  limits: {{connections_per_address: false}}
  reload: {{watch: false}}
admin: {{listen: "127.0.0.1:{admin}"}}
services:
  app:
    instances:
      - {{url: "http://127.0.0.1:{origins[0]}", id: one}}
      - {{url: "http://127.0.0.1:{origins[1]}", id: two}}
    health: {{http: /health, every: 1s, timeout: 1s, healthy_after: 1}}
routes:
  all: {{match: /**, to: app, filters: [transform: {{response: {{headers: {{set: {{x-edit: "{edit}"}}}}}}}}]}}
"""
CROWD: Final = 150
EXCUSED: Final = 2.0
"""Seconds after an instance was killed in which a POST may have been there."""
SAMPLE: Final = 1.0
WARM_UP: Final = 300
"""Requests, in a second."""
REST: Final = 3.0
"""Seconds after the load in which connections end that nobody needs."""
LOOKS: Final = 9
BETWEEN: Final = 0.23
"""Seconds between looks; no part of those between probes."""
MEANT: Final = ("gatekeeper.registry.health", "gatekeeper.registry.services", "gatekeeper.runtime.reload")
"""Who complains of what this soak does."""


class _Soak:
    """One gateway, its instances, and what happens to them."""

    def __init__(self, gateway: GatewayProcess, text: Mapping[str, Any], load: Load, story: Story) -> None:
        self.gateway = gateway
        self.load = load
        self.story = story
        self.origins: dict[int, Any] = {}
        self.text = text
        self._edits = itertools.count(1)

    def start_instance(self, port: int) -> None:
        """Start one, on a port that stays its own."""
        process = self.origins[port] = spawn("tests.soak.origin", str(port))
        assert process.stdout is not None
        process.stdout.readline()

    def stop_instances(self) -> None:
        """End all."""
        for process in self.origins.values():
            stop(process)

    # ---- what happens ---------------------------------------------------------------------------------------------

    async def reload(self) -> bool:
        """Change the file."""
        text = TEXT.format(**self.text, edit=next(self._edits))
        await asyncio.to_thread(self.gateway.path.write_text, text)
        status, _ = await self.gateway.change("POST", "/gateway/reload")
        return status == 200

    async def refused_reload(self) -> bool:
        """Break the file."""
        await asyncio.to_thread(self.gateway.path.write_text, "version: 1\nroutes: {all: {to: nobody}}\n")
        status, _ = await self.gateway.change("POST", "/gateway/reload")
        return status == 422

    async def instance_killed(self) -> bool:
        """Kill an instance, and start it again."""
        port = self.text["origins"][next(self._edits) % 2]
        self.load.excuse_until = monotonic() + EXCUSED
        await asyncio.to_thread(stop, self.origins[port])
        await asyncio.sleep(0.5)
        await asyncio.to_thread(self.start_instance, port)
        return True

    async def idle_crowd(self) -> bool:
        """Many who connect, some of whom begin a request, and who leave."""
        crowd = [await Client.open(self.text["port"]) for _ in range(CROWD)]
        for client in crowd[::3]:
            client.transport.write(b"GET / HTTP/1.1\r\nHost: soak")
        await asyncio.sleep(1.0)
        for client in crowd:
            client.transport.abort()
        return True

    async def check(self) -> bool:
        """Ask for the health of all instances."""
        status, _ = await self.gateway.change("POST", "/gateway/services/app/health-check")
        return status == 200

    async def override(self) -> bool:
        """Drain an instance, and take that back."""
        path = "/gateway/services/app/instances/one"
        first, _ = await self.gateway.change("PATCH", path, b'{"drain": true}')
        await asyncio.sleep(0.5)
        second, _ = await self.gateway.change("PATCH", path, b'{"drain": false}')
        return first == second == 200

    async def happen(self) -> None:
        """One thing after the other, for ever."""
        things: list[Callable[[], Awaitable[bool]]] = [
            *(self.reload, self.instance_killed, self.refused_reload),
            *(self.idle_crowd, self.check, self.override),
        ]
        for thing in itertools.cycle(things):
            await asyncio.sleep(self.story.options.every)
            name = thing.__name__.replace("_", " ")
            self.story.refused += not await thing()
            self.story.happened[name] += 1

    # ---- what is seen ---------------------------------------------------------------------------------------------

    async def processes(self) -> dict[str, int]:
        """The supervisor and its workers: name → number."""
        workers = (await self.gateway.get("/"))["workers"]
        own = {"supervisor": self.gateway.process.pid}
        return own | {f"worker {one['worker']}": one["pid"] for one in workers if one["state"] == "serving"}

    async def watch(self, begun: float) -> None:
        """Look at memory, second by second."""
        while True:
            found = await self.processes()
            self.story.points.append(
                Point(
                    monotonic() - begun,
                    self.load.counts.answered,
                    {name: _resident(pid) for name, pid in found.items()},
                    sum(_descriptors(pid) for pid in found.values()),
                )
            )
            await asyncio.sleep(SAMPLE)

    async def taken(self) -> dict[str, int]:
        """What all processes have open, but for connections that are kept for later, and their tasks.

        Of several looks the least: what a look itself has asked for may still be closing, or a probe be under way, and
        what is kept for good is in all of them.
        """
        looks = []
        for _ in range(LOOKS):
            metrics = await self.gateway.get("/api/v1/metrics/json")
            tasks, kept = (
                int(metrics[name]["samples"][0]["value"])
                for name in ("gatekeeper_tasks", "gatekeeper_upstream_connections")
            )
            found = await self.processes()
            looks.append({"descriptors": sum(map(_descriptors, found.values())) - kept, "tasks": tasks})
            await asyncio.sleep(BETWEEN)
        return {name: min(look[name] for look in looks) for name in looks[0]}

    async def counted(self) -> int:
        """Requests answered, as the gateway counts them."""
        found: int = (await self.gateway.get("/api/v1/metrics/requests"))["total"]
        return found


async def run(options: Options) -> tuple[list[Check], str]:
    """Do all of it; the checks, and the story."""
    story = Story(options)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-endurance-")))
        port, admin, *origins = quiet_ports(4)
        text: Mapping[str, Any] = {"port": port, "admin": admin, "origins": origins}
        (folder / "gateway.yaml").write_text(TEXT.format(**text, edit=0))
        plugins = SABOTAGES.get(options.sabotage, NONE).write(folder)
        load = Load(port, options.rate, Random(options.seed))
        gateway = GatewayProcess(folder, admin, plugins)
        stack.callback(gateway.kill)
        soak = _Soak(gateway, text, load, story)
        stack.callback(soak.stop_instances)
        for one in origins:
            soak.start_instance(one)
        await gateway.started()
        try:
            await _do(soak, options)
        except (BrokenError, TimeoutError) as error:
            story.broken = repr(error)
        counts = load.counts
        story.answered, story.failed, story.excused = counts.answered, counts.failed, counts.excused
        story.sent, story.due = load.sent, load.due
        story.code = await gateway.end()
        story.complaints = [
            str(line)
            for line in gateway.log.read()
            if line["level"] in {"error", "critical", "warning"} and line.get("logger") not in MEANT
        ]
    if options.svg:
        title = f"gatekeeper, {options.seconds / 60:g} min, {story.answered:,} requests over two workers"
        await asyncio.to_thread(Path(options.svg).write_text, svg(story.points, title))
    return judge(story), describe(story)


async def _do(soak: _Soak, options: Options) -> None:
    story, load = soak.story, soak.load
    # what is made once is there before it is looked at
    await Load(soak.text["port"], WARM_UP, Random(0)).run_for(1.0)
    await asyncio.sleep(REST)
    counted, story.before = await soak.counted(), await soak.taken()
    tasks = [asyncio.create_task(work) for work in (soak.watch(monotonic()), soak.happen())]
    loading = asyncio.create_task(load.run())
    try:
        await asyncio.wait(tasks, timeout=options.seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
    load.stop()
    await loading
    for failure in found:
        if isinstance(failure, Exception):
            raise failure
    await asyncio.sleep(REST)
    story.counted, story.after = await soak.counted() - counted, await soak.taken()
    await _renew(soak, options)


async def _renew(soak: _Soak, options: Options) -> None:
    """Renew the workers under load, when what they have left behind is known."""
    load = Load(soak.text["port"], options.rate, Random(options.seed + 1))
    loading = asyncio.create_task(load.run())
    await asyncio.sleep(1.0)
    status, _ = await soak.gateway.change("POST", "/gateway/restart")
    await asyncio.sleep(1.0)
    load.stop()
    await loading
    soak.story.renewed = status == 200 and not load.counts.failed


def _resident(pid: int) -> int:
    try:
        return int((Path("/proc") / str(pid) / "statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


def _descriptors(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names are enough
    except OSError:
        return 0
