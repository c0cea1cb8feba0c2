"""Failover: what clients see while instances die, flap, freeze, feel unwell, are drained, weighted, come and go.

    python -m tests.soak.failover
    python -m tests.soak.failover --rounds 1 --sabotage "no retries"     a gateway that must be found out
    python -m tests.soak.failover instance PORT LOG                      one instance; the soak starts them itself

Each instance is a process that writes down a request when its head is there, and again when it is answered: what was on it
when it was killed stands there as begun, and not as ended. The clients are those of `tests.soak.restarts`: they send at a
steady rate, and nothing twice.

What must be zero does not depend on how busy the machine is. Whether an instance was asked that should not have been is
told by cause: by requests that were sent after the answer of the admin side. Times have bars of their own.
"""

import argparse
import asyncio
import hashlib
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final, cast

import attrs
import orjson
import uvloop

from tests.soak import checks
from tests.soak.checks import Check
from tests.soak.process import ROOT, GatewayProcess, quiet_ports
from tests.soak.restarts import KEPT_UP, SHOWN, Asked, Traffic
from tests.soak.wire import BrokenError, Message, piece


RATE: Final = 200
SLOWNESS: Final = 150
"""Milliseconds that an answer takes at most: something is under way on each instance at any moment."""
LEAD: Final = 0.3
"""Seconds of calm before something happens."""
LOOK: Final = 0.05
"""Seconds between two looks at the admin side."""
RECOGNISED: Final = 4.0
"""Seconds until an instance is known to be unfit: two checks, each a tenth late and without an answer, take 3.2."""
BACK: Final = 6.0
"""Seconds until one that is well again is asked: two checks and an ejection take 3.2 at most."""
SOON: Final = 0.5
"""Seconds after an answer of the admin side in which what was sent before it may still begin on an instance: 0.1, and
what a busy machine takes until the instance writes it down."""
STALE: Final = 0.1
"""Seconds after a death in which a POST may meet a connection whose end the gateway has not read."""
PATIENCE: Final = 20.0
"""Seconds after which what does not come never will: an ejection lasts longer each time."""
OUT: Final = ("unhealthy", "ejected")
WEIGHT: Final = 3
EXACT: Final = 0.05
FEW: Final = 0.001
"""Of the POSTs may meet such a connection (UPS-12)."""


# ---- an instance ----------------------------------------------------------------------------------------------------


_FIELD: Final = re.compile(rb"[?&](id|seed|size|ms)=(\d+)")


class Origin(asyncio.Protocol):
    """One connection of an instance. `unwell` is shared: while it is set, `/health` answers 503."""

    def __init__(self, log: int, unwell: asyncio.Event) -> None:
        self.transport: asyncio.Transport
        self._log = log
        self._unwell = unwell
        self._next()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember it."""
        self.transport = cast("asyncio.Transport", transport)

    def _next(self) -> None:
        self._digest = hashlib.sha256()
        self._message = Message(self._digest.update)
        self._fields: dict[bytes, int] = {}

    def data_received(self, data: bytes) -> None:
        """Read on, and answer what is complete."""
        while data:
            data = self._message.feed(data)
            if self._message.begun and not self._fields:
                self._fields = {name: int(value) for name, value in _FIELD.findall(self._message.line)}
                self._note(b"begun")
            if self._message.complete:
                delay = self._fields.get(b"ms", 0) / 1000
                asyncio.get_running_loop().call_later(delay, self._answer)

    def _note(self, what: bytes) -> None:
        if b"id" in self._fields:
            os.write(self._log, b"%b %d %.6f\n" % (what, self._fields[b"id"], monotonic()))

    def _answer(self) -> None:
        fields, status, body = self._fields, b"200 OK", b"ok"
        if self._message.line.startswith(b"POST"):
            body = b"%d %b" % (self._message.size, self._digest.hexdigest().encode())
        elif b"id" in fields:
            body = piece(fields[b"seed"], 0, fields[b"size"])
        elif self._unwell.is_set():
            status = b"503 Service Unavailable"
        if self.transport.is_closing():
            return
        self._note(b"ended")
        self.transport.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
        self._next()


async def serve(port: int, path: Path) -> None:
    """Be an instance, as soon as a line comes on stdin: what a start takes is over by then. SIGUSR1 makes it unwell."""
    loop, unwell = asyncio.get_running_loop(), asyncio.Event()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    loop.add_signal_handler(signal.SIGUSR1, unwell.set)
    loop.add_signal_handler(signal.SIGUSR2, unwell.clear)
    if not await asyncio.to_thread(sys.stdin.readline):
        return
    server = await loop.create_server(lambda: Origin(log, unwell), "127.0.0.1", port, backlog=1024)
    print("listening", flush=True)
    await server.serve_forever()


@attrs.frozen
class Begun:
    """A request as an instance has seen it; times are those of `time.monotonic`."""

    id: int
    instance: str
    at: float
    ended: float | None = None


class Instance:
    """An instance as seen from outside, whichever process it is now."""

    def __init__(self, name: str, port: int, folder: Path) -> None:
        self.name: Final = name
        self.port: Final = port
        self._log: Final = folder / f"{name}.log"
        self._log.touch()
        self._process: subprocess.Popen[str] | None = None
        self._spare: subprocess.Popen[str] | None = self._spawn()

    def _spawn(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.soak.failover", "instance", str(self.port), str(self._log)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    async def start(self) -> None:
        """Let it listen."""
        process, self._spare = self._spare, None
        self._process = process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        await asyncio.to_thread(process.stdout.readline)

    def kill(self) -> float:
        """End it as `kill -9` does; when that was."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()
        died = monotonic()
        self._spare = self._spawn()
        return died

    def send(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def close(self) -> None:
        """End everything."""
        for process in (self._process, self._spare):
            if process is not None:
                process.kill()
                process.communicate()

    def read(self) -> list[Begun]:
        """All that it has written down."""
        found: dict[int, list[Begun]] = {}
        for line in self._log.read_bytes().splitlines():
            what, number, at = line.split()
            seen = found.setdefault(int(number), [])
            if what == b"begun":
                seen.append(Begun(int(number), self.name, float(at)))
            else:
                seen[-1] = attrs.evolve(seen[-1], ended=float(at))
        return [one for seen in found.values() for one in seen]


# ---- what is done ---------------------------------------------------------------------------------------------------


@attrs.frozen
class Sabotage:
    """What spoils a gateway: text of its file that is replaced, and a plugin."""

    replaced: tuple[str, str] = ("", "")
    plugin: str = ""


HEALTH: Final = """\
    health: {http: /health, every: 1s, timeout: 500ms, healthy_after: 2, unhealthy_after: 2}
    outliers: {eject_for: 1s}
"""
SABOTAGES: Final[Mapping[str, Sabotage]] = {
    "no retries": Sabotage(("    retries: {}", "    retries: false")),
    "retries POST": Sabotage(
        plugin="""
from gatekeeper.policy import retry

retry.IDEMPOTENT = retry.IDEMPOTENT | {"POST"}
"""
    ),
    "no health": Sabotage((HEALTH, "    health: false\n    outliers: false\n")),
    "never well again": Sabotage(
        plugin="""
from gatekeeper.policy.health import Health

note = Health.note
Health.note = lambda self, *outcome: note(self, *outcome) if self.fit else self
"""
    ),
    "deaf": Sabotage(
        plugin="""
from gatekeeper.registry.services import Service

Service.override = lambda self, instance, **changes: self.member(instance)
"""
    ),
    "forgets to take out": Sabotage(
        plugin="""
from gatekeeper.runtime.local import LocalNode


async def remove_instance(self, service, instance):
    pass


LocalNode.remove_instance = remove_instance
"""
    ),
    "counts wrong": Sabotage(
        plugin="""
from gatekeeper.core.exchange import Attempt

complete = Attempt.complete


def lose(self, error=None):
    if error is not None and not self._ended:
        self.instance.in_flight += 1
    complete(self, error)


Attempt.complete = lose
"""
    ),
}

TEXT: Final = """\
version: 1
server: {{listen: "127.0.0.1:{port}"}}
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


@attrs.frozen
class Options:
    """How much is done. Times are in seconds."""

    rounds: int = 3
    rate: int = RATE
    seed: int = 0
    kills: int = 5
    away: float = 2.5
    """How long one that was killed stays away."""
    frozen: float = 8.0
    flaps: int = 6
    watched: float = 2.0
    """How long an instance is looked at that is to get nothing."""
    weighed: float = 8.0
    """How long it is counted who gets what."""
    sabotage: str = ""


SHORT: Final = Options(rounds=1, kills=1, away=2.0, frozen=4.5, flaps=2, watched=0.7, weighed=2.0)
"""Half a minute."""


@attrs.define
class Stage:
    """One of the things that happen, to one instance; times are those of `time.monotonic`."""

    name: str
    instance: str
    begun: float
    happened: float = 0.0
    """When it was killed or stopped, or when the admin side had answered."""
    unfit: float = 0.0
    """When the admin side was seen to know of it."""
    over: float = 0.0
    """When its cause was over."""
    fit: float = 0.0
    """When the admin side was seen to know that."""
    ended: float = 0.0


@attrs.define
class Story:
    """All that was seen."""

    options: Options
    asked: Sequence[Asked] = ()
    begun: Sequence[Begun] = ()
    stages: list[Stage] = attrs.field(factory=list)
    deaths: list[tuple[str, float]] = attrs.field(factory=list)
    blamed: Mapping[int, str] = attrs.field(factory=dict)
    """The last instance of each request that failed, as the access log has it."""
    sent: int = 0
    due: int = 0
    idle_ends: int = 0
    last: Mapping[str, Any] = attrs.field(factory=dict)
    """The service, as the admin side shows it at the end."""
    complaints: Sequence[str] = ()
    code: int | None = None
    broken: str = ""
    """What kept it from its end."""


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
            await self._call("DELETE", "/instances/d", None)
            stage.happened = stage.unfit = monotonic()
            await asyncio.sleep(self._options.watched)
            stage.over = monotonic()

    def _die(self, name: str) -> float:
        died = self._instances[name].kill()
        self.story.deaths.append((name, died))
        return died

    # ---- the admin side ---------------------------------------------------------------------------------------------

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> None:
        await asyncio.to_thread(self._call_now, method, f"/gateway/services/app{path}", body)

    def _call_now(self, method: str, path: str, body: Mapping[str, Any] | None) -> None:
        # not `wire.fetch`, which knows no answer without a body
        connection = http.client.HTTPConnection("127.0.0.1", self._gateway.admin, timeout=PATIENCE)
        try:
            data = orjson.dumps(body) if body is not None else None
            connection.request(method, path, data, {"Content-Type": "application/json"} if data else {})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status not in {200, 201, 204}:
            raise BrokenError(f"{method} {path}: {response.status} {answer[:200]!r}")

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


async def run(options: Options) -> Story:
    """Do all of it; what was seen."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-failover-")))
        front, admin, *ports = quiet_ports(6)
        instances = [Instance(name, port, folder) for name, port in zip("abcd", ports, strict=True)]
        for one in instances:
            stack.callback(one.close)
        lines = [f"      - {{id: {one.name}, url: 'http://127.0.0.1:{one.port}'}}" for one in instances[:3]]
        text = TEXT.format(port=front, admin=admin, instances="\n".join(lines), health=HEALTH)
        plugins = []
        if options.sabotage:
            sabotage = SABOTAGES[options.sabotage]
            assert sabotage.replaced[0] in text
            text = text.replace(*sabotage.replaced)
            plugins.append(folder / "sabotage.py")
            plugins[0].write_text(sabotage.plugin)
        (folder / "gateway.yaml").write_text(text)
        gateway = GatewayProcess(folder, admin, plugins)
        stack.callback(gateway.kill)
        traffic = Traffic(front, options.rate, Random(options.seed), ("GET", "POST"), SLOWNESS)
        failover = Failover(options, gateway, instances, traffic)
        await failover.run()
        return failover.story


# ---- what came of it ------------------------------------------------------------------------------------------------


def classify(story: Story) -> dict[int, str]:
    """Why each request that failed did, as far as that is an excuse.

    `timed out`: sent to an instance that was frozen. Of POSTs only: `died with it`, begun and not ended on the instance
    that died meanwhile; `unread`, under way when that one died, before it read anything; `stale`, sent within `STALE`.
    Anything else is `lost`.
    """
    begun: dict[int, list[Begun]] = {}
    for one in story.begun:
        begun.setdefault(one.id, []).append(one)
    found = {}
    for asked in story.asked:
        if asked.why:
            found[asked.id] = _excuse(story, asked, begun.get(asked.id, []))
    return found


def _excuse(story: Story, asked: Asked, begun: Sequence[Begun]) -> str:
    last = story.blamed.get(asked.id)
    for stage in story.stages:
        if stage.name != "freeze" or stage.instance != last:
            continue
        if asked.status == 504 and stage.happened - SLOWNESS / 1000 <= asked.sent <= stage.over:
            return "timed out"
    if not asked.is_post:
        return "lost"
    for name, died in story.deaths:
        met = asked.sent <= died <= asked.ended
        if (
            met
            and [one.instance for one in begun] == [name]
            and begun[0].ended is None
            and begun[0].at <= died
        ):
            return "died with it"
        if met and not begun and last == name:
            return "unread"
        if died < asked.sent <= died + STALE and not begun and last == name:
            return "stale"
    return "lost"


def _begun_by(story: Story, instance: str, since: float, until: float) -> int:
    """How many of the requests that were sent in this time an instance has begun."""
    sent = {asked.id for asked in story.asked if since < asked.sent < until}
    return sum(one.instance == instance and one.id in sent for one in story.begun)


def _late(story: Story, stage: Stage) -> int:
    """How many requests began on an instance that was taken out, long after that."""
    return sum(
        one.instance == stage.instance and stage.happened + SOON < one.at < stage.over for one in story.begun
    )


def _off(story: Story, stage: Stage) -> float:
    """How far the shares of a weighed service are from what was said, at most."""
    counts = {name: _begun_by(story, name, stage.happened, stage.over) for name in "abc"}
    total = sum(counts.values())
    if not total or not stage.fit:
        return float("inf")
    expected = {"a": WEIGHT / (WEIGHT + 2), "b": 1 / (WEIGHT + 2), "c": 1 / (WEIGHT + 2)}
    return max(abs(counts[name] / total / expected[name] - 1) for name in "abc")


def judge(story: Story) -> list[Check]:
    """All checks."""
    options, rounds = story.options, story.options.rounds
    least = rounds * options.kills
    stages: dict[str, list[Stage]] = {}
    for stage in story.stages:
        stages.setdefault(stage.name, []).append(stage)
    excuses = classify(story)
    posts = {asked.id: asked for asked in story.asked if asked.is_post}
    lost = Counter(posts.get(number) is not None for number, why in excuses.items() if why == "lost")
    whys = Counter(excuses.values())
    times = Counter(one.id for one in story.begun)
    whole = Counter(one.id for one in story.begun if one.ended is not None)
    once = sum(times[one.id] == whole[one.id] == 1 for one in posts.values() if not one.why)
    met = {
        died
        for name, died in story.deaths
        if any(
            one.instance == name and one.ended is None and died - SLOWNESS / 1000 - STALE < one.at <= died
            for one in story.begun
        )
    }
    weighed = [stage for stage in stages.get("weight", []) if stage.fit]
    out = [stage for name in ("unwell", "drain", "disable", "remove") for stage in stages.get(name, [])]
    told = [stage for stage in out if stage.name != "unwell"]
    known = [stage for name in ("kill", "freeze", "unwell") for stage in stages.get(name, [])]
    back = [stage for stage in [*known, *out, *stages.get("flap", [])] if stage.name != "remove"]
    recognised = max(
        (stage.unfit - stage.happened if stage.unfit else float("inf") for stage in known),
        default=float("inf"),
    )
    returned = max(
        (stage.fit - stage.over if stage.fit else float("inf") for stage in known), default=float("inf")
    )
    added = [_begun_by(story, "d", stage.fit, stage.ended) for stage in stages.get("add", [])]
    return [
        checks.same("what kept it from its end", "", story.broken),
        Check(
            "requests sent in time",
            f">= {KEPT_UP:.0%}",
            f"{story.sent} of {story.due}",
            story.sent >= KEPT_UP * story.due > 0,
        ),
        checks.none_of("connections ended without a word", story.idle_ends),
        checks.none_of("GETs failed, but for a frozen instance", lost[False]),
        checks.none_of("POSTs failed, but on one that died or froze", lost[True]),
        checks.at_most(
            "POSTs to connections just dead", 100 * whys["stale"] / max(1, len(posts)), 100 * FEW, "%"
        ),
        checks.none_of("POSTs sent twice", sum(times[number] > 1 for number in posts)),
        checks.none_of("GETs sent more than twice", sum(count > 2 for count in times.values())),
        checks.all_of(
            "POSTs answered were begun and ended once", once, sum(not one.why for one in posts.values()), 100
        ),
        checks.all_of("deaths", len(story.deaths), rounds * (options.kills + options.flaps)),
        Check("deaths that met a request", f">= {least}", str(len(met)), len(met) >= least),
        checks.at_most("until it is known, longest", recognised, RECOGNISED, "s"),
        *(_frozen(story, stage, excuses) for stage in stages.get("freeze", [])),
        checks.at_most("until one that is well again is fit, longest", returned, BACK, "s"),
        checks.all_of(
            "came back and were asked",
            sum(_begun_by(story, one.instance, one.fit, one.ended) > 0 for one in back if one.fit),
            len(back),
            rounds * (options.kills + 5),
        ),
        checks.all_of("stages with one that is out", len(out), 4 * rounds),
        checks.none_of(
            "sent to one that is out",
            sum(_begun_by(story, one.instance, one.unfit or one.happened, one.over) for one in out),
        ),
        checks.none_of(f"begun there {SOON:g} s after the answer", sum(_late(story, one) for one in told)),
        checks.all_of("times weighed", len(weighed), rounds),
        checks.at_most(
            "off its weight, most",
            100 * max((_off(story, one) for one in weighed), default=float("inf")),
            100 * EXACT,
            "%",
        ),
        checks.all_of("added instances that were asked", sum(count > 0 for count in added), rounds),
        checks.same(
            "states at the end",
            "a fit, b fit, c fit",
            ", ".join(f"{one['id']} {one['state']}" for one in story.last.get("instances", [])),
        ),
        checks.same(
            "in flight at the end",
            "0 0 0",
            " ".join(str(one["in_flight"]) for one in story.last.get("instances", [])),
        ),
        checks.none_of("errors in the log", len(story.complaints)),
        checks.same("exit code", 0, story.code),
    ]


def _frozen(story: Story, stage: Stage, excuses: Mapping[int, str]) -> Check:
    """Requests that met a frozen instance are a third of those that were sent until that was known, and none later."""
    until = stage.unfit or stage.happened
    late = [
        asked
        for asked in story.asked
        if excuses.get(asked.id) == "timed out" and stage.begun < asked.sent < stage.ended
    ]
    sent = sum(stage.happened - SLOWNESS / 1000 < asked.sent < until for asked in story.asked)
    after = sum(asked.sent > until for asked in late)
    most = sent / 3 * 1.1 + 5
    return Check(
        "timed out on a frozen one",
        f"<= {most:.0f}, none once known",
        f"{len(late)}, {after} once known",
        len(late) <= most and not after,
    )


def describe(story: Story) -> str:
    """Figures that are no checks."""
    excuses = classify(story)
    head = "STAGE|of|s|GET|failed|POST|failed|timed out|begun by a/b/c/d|known|back"
    rows = [tuple(head.split("|"))]
    for stage in story.stages:
        asked = [one for one in story.asked if stage.begun <= one.sent < stage.ended]
        late = [one for one in asked if excuses.get(one.id) == "timed out"]
        counts = []
        for is_post in (False, True):
            some = [one for one in asked if one.is_post == is_post]
            counts += [str(len(some)), str(sum(bool(one.why) and one not in late for one in some))]
        begun = "/".join(str(_begun_by(story, name, stage.begun, stage.ended)) for name in "abcd")
        known = f"{stage.unfit - stage.happened:.2f}" if stage.unfit else ""
        back = f"{stage.fit - stage.over:.2f}" if stage.fit and stage.over else ""
        lasted = f"{stage.ended - stage.begun:.1f}"
        rows.append((stage.name, stage.instance, lasted, *counts, str(len(late)), begun, known, back))
    whys = ", ".join(f"{count} {why}" for why, count in sorted(Counter(excuses.values()).items())) or "none"
    waited = [asked.ended - asked.sent for asked in story.asked if not asked.why]
    twice = sum(count > 1 for count in Counter(one.id for one in story.begun).values())
    head = (
        f"{len(story.asked)} requests, of which failed: {whys}; begun twice: {twice};"
        f" p50 {checks.median(waited) * 1e3:.0f} ms, max {checks.share(waited, 1.0) * 1e3:.0f} ms;"
        f" seed {story.options.seed}"
    )
    lines = [head, "", checks.table(rows), *story.complaints[:SHOWN]]
    lost = [one for one in story.asked if excuses.get(one.id) in {"lost", "stale"}]
    for failed in lost[:SHOWN]:
        seen = [one for one in story.begun if one.id == failed.id]
        since = [f"{failed.sent - died:+.4f} s since the death of {name}" for name, died in story.deaths]
        near = [
            one for one, (_, died) in zip(since, story.deaths, strict=True) if abs(failed.sent - died) < 1
        ]
        lines.append(
            f"{excuses[failed.id]}: {failed}, at {story.blamed.get(failed.id)}; begun: {seen}; {near}"
        )
    return "\n".join(lines)


def main() -> int:
    """Do all of it, print what came of it; return 0, or 1 if a check does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak.failover", description="Let instances fail in many ways."
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often all of it (3)")
    parser.add_argument("--rate", type=int, default=RATE, help=f"requests a second ({RATE})")
    parser.add_argument("--seed", type=int, default=0, help="another one asks in another order (0)")
    parser.add_argument("--short", action="store_true", help="once, as the tests do")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), default="", help="spoil the gateway")
    given = parser.parse_args()
    options = SHORT if given.short else Options(rounds=given.rounds)
    options = attrs.evolve(options, rate=given.rate, seed=given.seed, sabotage=given.sabotage)
    story = uvloop.run(run(options))
    found = judge(story)
    print(describe(story), checks.report(found), sep="\n\n")
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["instance"]:
        uvloop.run(serve(int(sys.argv[2]), Path(sys.argv[3])))
    else:
        sys.exit(main())
