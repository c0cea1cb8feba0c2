"""The soak of failover: instances die, flap, freeze, feel unwell, are drained, weighted, come and go, all under load."""

import asyncio
import re
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final

import orjson

from tests.soak.checks import Check
from tests.soak.failover.instance import Instance
from tests.soak.failover.report import BACK, describe, judge
from tests.soak.failover.sabotage import SABOTAGES
from tests.soak.failover.story import HEALTH, SLOWNESS, WEIGHT, Options, Stage, Story
from tests.soak.process import GatewayProcess, quiet_ports
from tests.soak.sabotage import NONE
from tests.soak.traffic import Traffic
from tests.soak.wire import BrokenError


LEAD: Final = 0.3
"""Seconds of calm before something happens."""
LOOK: Final = 0.05
"""Seconds between two looks at the admin side."""
PATIENCE: Final = 20.0
"""Seconds after which what does not come never will: an ejection lasts longer each time."""
OUT: Final = ("unhealthy", "ejected")

TEXT: Final = """\
version: 1
server: {{listen: "127.0.0.1:{port}", limits: {{connections_per_address: false}}}}
admin: {{listen: "127.0.0.1:{admin}"}}
services:
  app:
    instances:
{instances}
{health}    timeouts: {{read: 2s}}
    retries: {{}}
routes:
  all: {{match: /**, to: app}}
"""


class Failover:
    """One run."""

    def __init__(
        self, options: Options, gateway: GatewayProcess, instances: Sequence[Instance], traffic: Traffic
    ) -> None:
        self.story = Story(options)
        self._options = options
        self._gateway = gateway
        self._instances = {one.name: one for one in instances}
        self._traffic = traffic

    async def run(self) -> None:
        """Everything in turn, under load."""
        story = self.story
        await asyncio.gather(*(one.start() for one in self._instances.values()))
        await self._gateway.started()
        await self._until("abc", "fit")
        loading = asyncio.create_task(self._traffic.run())
        try:
            for _ in range(self._options.rounds):
                for _ in range(self._options.kills):
                    await self._kill()
                await self._freeze()
                await self._flap()
                await self._be_unwell()
                await self._patch("drain", "b", {"drain": True}, {"drain": False})
                await self._patch("disable", "c", {"disable": True}, {"disable": False})
                await self._weigh()
                await self._come_and_go()
        except (BrokenError, TimeoutError) as error:
            story.broken = repr(error)
        finally:
            self._traffic.stop()
            await asyncio.wait([loading])
        loading.result()
        try:
            await self._until("abc", "fit", patience=BACK)
            story.last = await self._gateway.get("/gateway/services/app")
        except BrokenError as error:
            story.broken = repr(error)
        story.code = await self._gateway.end()
        self._read()

    def _read(self) -> None:
        story, traffic = self.story, self._traffic
        story.asked, story.sent, story.due = traffic.asked, traffic.sent, traffic.due
        story.idle_ends = len(traffic.idle_ends)
        story.begun = [begun for one in self._instances.values() for begun in one.read()]
        story.complaints = [
            str(one) for one in self._gateway.log.read() if one["level"] in {"error", "critical"}
        ]
        blamed = {}
        for line in self._gateway.path.with_name("log").read_bytes().splitlines():
            if b'"gatekeeper.access"' in line and b'"error"' in line:
                found = orjson.loads(line)
                number = re.search(r"\bid=(\d+)", found.get("query", ""))
                if number is not None:
                    blamed[int(number[1])] = found.get("instance", "")
        story.blamed = blamed

    # ---- what happens -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _stage(self, name: str, instance: str) -> AsyncIterator[Stage]:
        stage = Stage(name, instance, monotonic())
        self.story.stages.append(stage)
        await asyncio.sleep(LEAD)
        try:
            yield stage
            # by what was sent, too: this process may be late itself
            enough = self._traffic.sent + LEAD * self._options.rate
            await asyncio.sleep(LEAD)
            while self._traffic.sent < enough:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(LOOK)
        finally:
            stage.ended = monotonic()

    async def _kill(self) -> None:
        async with self._stage("kill", "a") as stage:
            stage.happened = self._die("a")
            stage.unfit = await self._until("a", *OUT)
            await asyncio.sleep(stage.happened + self._options.away - monotonic())
            await self._instances["a"].start()
            stage.over = monotonic()
            stage.fit = await self._until("a", "fit")

    async def _freeze(self) -> None:
        instance = self._instances["b"]
        async with self._stage("freeze", "b") as stage:
            stage.happened = monotonic()
            instance.send(signal.SIGSTOP)
            try:
                stage.unfit = await self._until("b", "unhealthy")
                await asyncio.sleep(stage.happened + self._options.frozen - monotonic())
            finally:
                stage.over = monotonic()
                instance.send(signal.SIGCONT)
            stage.fit = await self._until("b", "fit")

    async def _flap(self) -> None:
        async with self._stage("flap", "c") as stage:
            for _ in range(self._options.flaps):
                died = self._die("c")
                stage.happened = stage.happened or died
                await asyncio.sleep(1.0)
                await self._instances["c"].start()
                stage.over = monotonic()
                await asyncio.sleep(1.0)
            stage.fit = await self._until("c", "fit")

    async def _be_unwell(self) -> None:
        instance = self._instances["a"]
        async with self._stage("unwell", "a") as stage:
            stage.happened = monotonic()
            instance.send(signal.SIGUSR1)
            stage.unfit = await self._until("a", "unhealthy")
            await asyncio.sleep(self._options.watched)
            stage.over = monotonic()
            instance.send(signal.SIGUSR2)
            stage.fit = await self._until("a", "fit")

    async def _patch(
        self, name: str, instance: str, change: Mapping[str, Any], back: Mapping[str, Any]
    ) -> None:
        async with self._stage(name, instance) as stage:
            await self._call("PATCH", f"/instances/{instance}", change)
            stage.happened = stage.unfit = monotonic()
            await asyncio.sleep(self._options.watched)
            stage.over = monotonic()
            await self._call("PATCH", f"/instances/{instance}", back)
            stage.fit = monotonic()

    async def _weigh(self) -> None:
        """Count who gets what, once more if a check was late meanwhile: then the others rightly get more."""
        for _ in range(3):
            async with self._stage("weight", "a") as stage:
                await self._call("PATCH", "/instances/a", {"weight": WEIGHT})
                stage.happened = monotonic()
                while monotonic() < stage.happened + self._options.weighed:
                    if {*(await self._look()).values()} != {"fit"}:
                        break
                    await asyncio.sleep(LOOK)
                stage.over = monotonic()
                await self._call("PATCH", "/instances/a", {"weight": 1})
            if stage.over >= stage.happened + self._options.weighed:
                stage.fit = stage.over
                return
            await self._until("abc", "fit")

    async def _come_and_go(self) -> None:
        async with self._stage("add", "d") as stage:
            body = {"id": "d", "url": f"http://127.0.0.1:{self._instances['d'].port}"}
            await self._call("POST", "/instances", body)
            stage.fit = monotonic()
            await asyncio.sleep(self._options.watched)
        async with self._stage("remove", "d") as stage:
            await self._call("DELETE", "/instances/d")
            stage.happened = stage.unfit = monotonic()
            await asyncio.sleep(self._options.watched)
            stage.over = monotonic()

    def _die(self, name: str) -> float:
        died = self._instances[name].kill()
        self.story.deaths.append((name, died))
        return died

    # ---- the admin side ---------------------------------------------------------------------------------------------

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        data = orjson.dumps(body) if body is not None else b""
        status, answer = await self._gateway.change(method, f"/gateway/services/app{path}", data)
        if status not in {200, 201, 204}:
            raise BrokenError(f"{method} {path}: {status} {answer}")

    async def _look(self) -> dict[str, str]:
        service = await self._gateway.get("/gateway/services/app")
        return {one["id"]: one["state"] for one in service["instances"]}

    async def _until(self, names: str, *states: str, patience: float = PATIENCE) -> float:
        """Wait until the admin side shows each of these in one of the states; when that was, 0 if it never does."""
        deadline = monotonic() + patience
        while monotonic() < deadline:
            found = await self._look()
            if all(found[name] in states for name in names):
                return monotonic()
            await asyncio.sleep(LOOK)
        return 0.0


async def run(options: Options) -> tuple[list[Check], str]:
    """Do all of it; the checks, and the story of it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-failover-")))
        front, admin, *ports = quiet_ports(6)
        instances = [Instance(name, port, folder) for name, port in zip("abcd", ports, strict=True)]
        for one in instances:
            stack.callback(one.close)
        lines = [f"      - {{id: {one.name}, url: 'http://127.0.0.1:{one.port}'}}" for one in instances[:3]]
        text = TEXT.format(port=front, admin=admin, instances="\n".join(lines), health=HEALTH)
        sabotage = SABOTAGES.get(options.sabotage, NONE)
        (folder / "gateway.yaml").write_text(sabotage.spoil(text))
        gateway = GatewayProcess(folder, admin, sabotage.write(folder))
        stack.callback(gateway.kill)
        traffic = Traffic(front, options.rate, Random(options.seed), ("GET", "POST"), SLOWNESS)
        failover = Failover(options, gateway, instances, traffic)
        await failover.run()
        return judge(failover.story), describe(failover.story)
