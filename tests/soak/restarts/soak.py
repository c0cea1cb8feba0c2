"""The soak of restarts: two gateways behind a TCP balancer, one of which is always ending or starting."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

import attrs

from tests.soak.checks import Check
from tests.soak.process import START, GatewayProcess, quiet_ports, start_origin
from tests.soak.restarts.balancer import Backend, Balancer
from tests.soak.restarts.report import describe, judge
from tests.soak.restarts.sabotage import SABOTAGES
from tests.soak.restarts.story import Life, Options, Story
from tests.soak.sabotage import NONE
from tests.soak.traffic import Traffic
from tests.soak.wire import BrokenError


TEXT: Final = """\
version: 1
server: {{listen: "127.0.0.1:{port}", drain: {grace:g}s, limits: {{connections_per_address: false}}}}
admin: {{listen: "127.0.0.1:{admin}"}}
services:
  app:
    instances: ["http://127.0.0.1:{origins[0]}", "http://127.0.0.1:{origins[1]}"]
    health: {{http: /health, every: 2s}}
routes:
  all: {{match: /**, to: app}}
"""
KINDS: Final = (*("GET", "POST") * 12, "up", "down")


class _Gateways:
    """The two, whichever processes they are now."""

    def __init__(
        self, folder: Path, backends: Sequence[Backend], origins: Sequence[int], options: Options
    ) -> None:
        self.processes: dict[str, GatewayProcess] = {}
        self._folder = folder
        self._backends = {one.name: one for one in backends}
        self._plugins = SABOTAGES.get(options.sabotage, NONE).write(folder)
        for one in backends:
            (folder / one.name).mkdir()
            text = TEXT.format(port=one.port, admin=one.admin, origins=origins, grace=options.grace)
            (folder / one.name / "gateway.yaml").write_text(text)

    async def start(self, name: str) -> None:
        """Start one, and wait until it listens."""
        backend = self._backends[name]
        gateway = self.processes[name] = GatewayProcess(self._folder / name, backend.admin, self._plugins)
        await gateway.started()

    async def end(self, name: str) -> Life:
        """Send SIGTERM to one, and wait for its end."""
        gateway, backend = self.processes[name], self._backends[name]
        asked = monotonic()
        code = await gateway.end()
        ended = monotonic()
        told = backend.told if backend.told > asked else 0.0
        gateway.kill()
        complaints = [
            str(line) for line in gateway.log.read() if line["level"] in {"error", "critical", "warning"}
        ]
        return Life(name, asked, told, ended, code, 0.0, complaints)

    def kill(self) -> None:
        """End both at once."""
        for gateway in self.processes.values():
            gateway.kill()


async def run(options: Options) -> tuple[list[Check], str]:
    """Restart them in turn; the checks, and the story of it."""
    story = Story(options)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-restarts-")))
        origins = [start_origin(stack), start_origin(stack)]
        front, *ports = quiet_ports(5)
        backends = [Backend("A", ports[0], ports[1]), Backend("B", ports[2], ports[3])]
        gateways = _Gateways(folder, backends, origins, options)
        stack.callback(gateways.kill)
        balancer = Balancer(front, backends)
        traffic = Traffic(front, options.rate, Random(options.seed), KINDS)
        traffic.whose = balancer.whose
        story.asked, story.idle_ends = traffic.asked, traffic.idle_ends
        await asyncio.gather(*(gateways.start(one.name) for one in backends))
        async with balancer.opened():
            await _until_in(*backends)
            loading = asyncio.create_task(traffic.run())
            for pause in options.pauses:
                traffic.begin(traffic.visit(pause))
            await asyncio.sleep(1.0)
            try:
                for number in range(options.times):
                    backend = backends[number % 2]
                    life = await gateways.end(backend.name)
                    await gateways.start(backend.name)
                    await _until_in(backend)
                    story.lives.append(attrs.evolve(life, ready=monotonic()))
            except (BrokenError, TimeoutError) as error:
                story.broken = repr(error)
            finally:
                traffic.stop()
                await asyncio.wait([loading])
            loading.result()
        story.sent, story.due, story.connections = traffic.sent, traffic.due, traffic.connections
        story.refused, story.lonely = sum(one.refused for one in backends), balancer.lonely
    return judge(story), describe(story)


async def _until_in(*backends: Backend) -> None:
    async with asyncio.timeout(START):
        while not all(one.is_in for one in backends):  # noqa: ASYNC110 - the balancer knows nothing of who waits
            await asyncio.sleep(0.02)
