"""Edits of the file of a gateway that serves, sound and broken in turn, and what each of them must lead to.

A sound one is in force when an answer has its revision; then the admin side must show what it says, and nothing else. Of a
broken one the admin side must tell the mistake with its place, while the last good revision goes on; nothing is edited
before that. Each edit is told in the log once, whoever asked for it.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from random import Random
from typing import Any, Final

import attrs

from tests.soak.process import GatewayProcess
from tests.soak.reload import writing
from tests.soak.reload.ledger import Ledger
from tests.soak.reload.load import Load
from tests.soak.reload.shape import CHANGES, SPOILS, Shape, Spoiled, changed
from tests.soak.reload.slow import Slow
from tests.soak.wire import BrokenError


PATIENCE: Final = 15.0
"""Seconds after which an edit that is not in force, or refused, never will be; a late one has a bar of its own."""
AFTERWARDS: Final = 5.0
"""Seconds after which what comes with that never will."""
LOOK: Final = 0.05
"""Seconds between two looks."""
NEVER: Final = 500_000
"""Revisions from this one on are in broken texts only."""
VISITS: Final = 8

ASKED: Final = {"SIGHUP": 3, "POST /gateway/reload": 3, "POST /gateway/config": 4}
"""The ways in which somebody asks for a reload, and how often, for once of each other way.

Who only writes is heard after a second or so: so many are asked for that 1,000 edits fit into ten minutes."""

IN_FORCE: Final = "configuration in force"
REFUSED: Final = "configuration refused: "
HEARD: Final = "a file has changed"
"""Why something is read that nobody has asked to read."""
READ: Final = {"SIGHUP", "POST /gateway/reload"}
"""Ways in which somebody asks for the file."""
WHY: Final = {"SIGHUP": "SIGHUP", "POST /gateway/reload": "admin", "POST /gateway/config": "admin"}


@attrs.frozen
class Done:
    """One edit that led to what it should. `took` is in seconds, from the end of the writing."""

    way: str
    what: str
    sound: bool
    took: float


class Editor:
    """Edits, and looks what becomes of it."""

    def __init__(
        self, gateway: GatewayProcess, ledger: Ledger, load: Load, slow: Slow, shape: Shape, random: Random
    ) -> None:
        self.ledger = ledger
        self.done: list[Done] = []
        self.sound = 0
        self.broken = 0
        self.twice = 0
        """Edits that somebody asked to read when they had just been heard of."""
        self.shape = shape
        self._gateway = gateway
        self._load = load
        self._slow = slow
        self._random = random
        self._told: list[tuple[str, str]] = []
        """The way of each edit, and what the log has to say of it."""

    async def run(self, edits: int, seconds: float) -> None:
        """Edit so often, spread over this time if it goes faster, and make everything as it was at the end."""
        begun = time.monotonic()
        turns = (_shuffled(_ways(), self._random), _shuffled(_ways(), self._random))
        whats = (_shuffled([*CHANGES], self._random), _shuffled([*SPOILS], self._random))
        for number in range(edits):
            await asyncio.sleep(begun + number * seconds / edits - time.monotonic())
            kind = number % 2
            try:
                await (self._edit, self._break)[kind](next(turns[kind]), next(whats[kind]))
            except BrokenError as error:
                self.ledger.fault("admin", error)
        await asyncio.sleep(begun + seconds - time.monotonic())
        await self._put("rename over", "as it was", self.shape.calm())

    # ---- sound ones -------------------------------------------------------------------------------------------------

    async def _edit(self, way: str, what: str) -> None:
        await self._put(way, what, changed(self.shape, what, self._random))

    async def _put(self, way: str, what: str, shape: Shape) -> None:
        self.sound += 1
        if self.shape.visitor and not shape.visitor:
            self._slow.leave()
        before, lines = self.shape, self._gateway.log.count(IN_FORCE)
        self._told.append((way, IN_FORCE))
        seen = self.ledger.expect(shape.revision)
        began, status, answer = await self._write(way, shape.text())
        if status not in {0, 200}:
            self.ledger.fault("edit", f"{way}: {shape.revision} was refused: {answer}")
            return
        self.shape = shape
        at = await _within(PATIENCE, seen)
        if at is None:
            self.ledger.fault("edit", f"{way}, {what}: {shape.revision} was never in force")
            return
        self.done.append(Done(way, what, sound=True, took=at - began))
        await self._check(shape, f"{way}, {what}")
        await self._follow(before, shape)
        if not await _eventually(lambda: self._gateway.log.count(IN_FORCE) > lines):
            self.ledger.fault("log", f"{way}, {what}: {shape.revision} was not told")

    async def _check(self, shape: Shape, why: str) -> None:
        """See whether what is in force is what the text says; the last of it comes a moment after the first answer."""
        expected = {
            "listeners": shape.listeners,
            "services": shape.services,
            "spare": sorted(shape.spare),
            "error": None,
        }
        found, deadline = await self._state(), time.monotonic() + AFTERWARDS
        while found != expected and time.monotonic() < deadline:
            await asyncio.sleep(LOOK)
            found = await self._state()
        if wrong := {name: found[name] for name, value in expected.items() if found[name] != value}:
            self.ledger.fault("state", f"{why}: {wrong} is not as in {expected}")

    async def _state(self) -> dict[str, Any]:
        status = await self._gateway.get("/")
        services = await self._gateway.get("/gateway/services")
        rules = await self._gateway.get("/gateway/routing-rules")
        return {
            "listeners": status["listeners"],
            "services": {
                one["name"]: {instance["id"]: instance["configured_weight"] for instance in one["instances"]}
                for one in services
            },
            "spare": sorted(rule["route"] for rule in rules if rule["route"].startswith("spare")),
            "error": status["config"]["error"],
        }

    async def _follow(self, before: Shape, shape: Shape) -> None:
        """Use what has come, and see that what has gone is gone."""
        if shape.guest and not before.guest:
            self._load.welcome()
        if before.guest and not shape.guest and (left := await self._load.dismissed(AFTERWARDS)):
            self.ledger.fault("guest", f"{left} were not told that their listener has gone")
        if shape.visitor and not before.visitor:
            await self._load.visit("visitor", VISITS)
            self._slow.visit("/visitor/drip", VISITS)
        for name, expected in ((f"spare-{shape.routes - 1}", 200), (f"spare-{shape.routes}", 404)):
            if name != "spare--1" and (found := await self._load.look(name)) != expected:
                self.ledger.fault("state", f"/{name} is answered {found}")

    # ---- broken ones ------------------------------------------------------------------------------------------------

    async def _break(self, way: str, what: str) -> None:
        # a number that is never valid, nor stands in another message
        spoiled = SPOILS[what](attrs.evolve(self.shape, revision=NEVER + self.broken))
        if spoiled.text is None and (way == "POST /gateway/config" or not self._gateway.path.exists()):
            # that there is still no file is no news
            way = "SIGHUP"
        self.broken += 1
        before = await self._gateway.get("/")
        began, status, answer = await self._write(way, spoiled.text)
        if status not in {0, 422}:
            self.ledger.fault("refusal", f"{way}, {what}: {answer}")
        told, took = await self._refusal(before, began)
        if told is None:
            self.ledger.fault("refusal", f"{way}, {what}: not told within {PATIENCE:g} s")
            return
        problems = told["config"]["problems"]
        if wrong := _compare(problems, spoiled):
            self.ledger.fault("refusal", f"{way}, {what}: {wrong}")
        else:
            self.done.append(Done(way, what, sound=False, took=took))
        if told["revision"] != before["revision"]:
            self.ledger.fault("state", f"{way}, {what}: revision {told['revision']} in force")
        message = REFUSED + told["config"]["error"]
        self._told.append((way, message))
        count = sum(message == other for _, other in self._told)
        if not await _eventually(lambda: self._gateway.log.count(message) >= count):
            self.ledger.fault("log", f"{way}, {what}: not told: {message}")

    async def _refusal(self, before: dict[str, Any], began: float) -> tuple[dict[str, Any] | None, float]:
        deadline = began + PATIENCE
        while (now := time.monotonic()) < deadline:
            status = await self._gateway.get("/")
            if (status["config"]["error_at"] or 0) > (before["config"]["error_at"] or 0):
                return status, now - began
            await asyncio.sleep(LOOK)
        return None, 0.0

    # ---- both -------------------------------------------------------------------------------------------------------

    async def _write(self, way: str, text: str | None) -> tuple[float, int, Any]:
        """Bring a text to the gateway; when that was done, and the answer to who asked it to read (0 for nobody)."""
        path = self._gateway.path
        if way == "POST /gateway/config":
            assert text is not None
            began = time.monotonic()
            return began, *await self._gateway.change(
                "POST", "/gateway/config", text.encode(), "application/yaml"
            )
        if text is None:
            writing.delete(path)
        else:
            await asyncio.to_thread(writing.WAYS.get(way, writing.rename_over), path, text)
        began = time.monotonic()
        if way == "SIGHUP":
            self._gateway.hang_up()
        elif way == "POST /gateway/reload":
            return began, *await self._gateway.change("POST", "/gateway/reload")
        return began, 0, None

    def account(self) -> None:
        """See that the log tells each edit once and in its turn, nothing else of the kind, and nothing that went wrong."""
        lines = self._gateway.log.read()
        told = deque(
            (line["message"], line["why"])
            for line in lines
            if line["message"].startswith((IN_FORCE, REFUSED))
        )
        for number, (way, message) in enumerate(self._told):
            if way in READ and told and told[0] == (message, HEARD):
                # an earlier edit was heard of just then: whoever asks gets an answer all the same
                told.popleft()
                self.twice += 1
            expected, found = (message, WHY.get(way, HEARD)), told.popleft() if told else None
            if found != expected:
                # what follows would be compared with its neighbours
                self.ledger.fault("log", f"edit {number} is told as {found}, and not as {expected}")
                told.clear()
                break
        for found in told:
            self.ledger.fault("log", f"told beside all edits: {found}")
        for line in lines:
            if line["level"] in {"warning", "error", "critical"} and not line["message"].startswith(REFUSED):
                self.ledger.fault("complaint", line)


def _compare(problems: list[dict[str, Any]], spoiled: Spoiled) -> str:
    """What is wrong with what is told of a mistake."""
    if len(problems) != 1:
        return f"{len(problems)} problems: {problems}"
    found = problems[0]
    place = f"{found['line']}:{found['column']}" if found["line"] else ""
    for name, value, expected in (
        ("place", f"{found['file']}:{place}", f"gateway.yaml:{spoiled.place}"),
        ("path", found["path"], spoiled.path),
        ("id", found["id"], spoiled.id),
    ):
        if value != expected:
            return f"the {name} is {value}, and not {expected}: {found['message']}"
    return ""


def _ways() -> list[str]:
    return [*writing.WAYS, *(way for way, count in ASKED.items() for _ in range(count))]


def _shuffled(names: list[str], random: Random) -> Iterator[str]:
    """All of them in one order, then in another, and so on."""
    for _ in itertools.count():
        yield from random.sample(names, len(names))


async def _within(seconds: float, seen: Awaitable[float]) -> float | None:
    try:
        async with asyncio.timeout(seconds):
            return await seen
    except TimeoutError:
        return None


async def _eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + AFTERWARDS
    while not (holds := condition()) and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(LOOK)
    return holds
