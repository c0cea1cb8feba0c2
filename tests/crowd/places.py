"""More requests than may be under way (LIM-16), at the gateway and at one service.

At once: twice as many as there is room for, each of which takes longer than anybody waits. As many as there are places are
answered, as many as the line has room for are told 503 after `wait`, and all others at once.

Then as a stream: twice as many as can be answered. Whoever is let in is answered, and never are more under way than may be.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Final

import attrs

from tests.crowd.process import Gateway, file_text, start_origin
from tests.soak import checks
from tests.soak.checks import Check
from tests.soak.process import quiet_ports
from tests.soak.wire import BrokenError, Client, fetch


WHERE: Final = ("server", "service")
TAKES: Final = 0.2
"""Seconds for a request of the stream."""
AT_ONCE: Final = 0.05
"""Seconds until the answer to who finds no room."""
SLACK: Final = 0.5
"""Seconds."""


@attrs.frozen
class Options:
    """How much room there is; times are in seconds."""

    limit: int = 50
    queue: int = 25
    wait: float = 1.0
    seconds: float = 10.0
    """That the stream goes on."""

    @property
    def burst(self) -> int:
        """Who come at once."""
        return 2 * (self.limit + self.queue)

    @property
    def rate(self) -> int:
        """Who come in a second of the stream: twice as many as can be answered."""
        return round(2 * self.limit / TAKES)

    def text(self) -> str:
        """As the file has it."""
        return f"concurrency: {{limit: {self.limit}, queue: {self.queue}, wait: {round(1000 * self.wait)}ms}}"


SMALL: Final = Options(limit=10, queue=5, wait=0.5, seconds=1.5)


@attrs.frozen
class Answer:
    """What somebody was told, and after how many seconds; the status is 0 where there was no answer."""

    status: int
    retry_after: bool
    took: float


@attrs.define
class Story:
    """What was seen at one place."""

    where: str
    options: Options
    burst: Sequence[Answer] = ()
    stream: Sequence[Answer] = ()
    due: int = 0
    """Of the stream."""
    most: int = 0
    """Requests that were under way at the instance at the same time."""
    code: int | None = None
    broken: str = ""


async def run(options: Options) -> tuple[list[Check], str]:
    """Want too much; the checks, and the story of it."""
    stories = [await _run(options, where) for where in WHERE]
    return [check for story in stories for check in judge(story)], "\n".join(map(describe, stories))


async def _run(options: Options, where: str) -> Story:
    story = Story(where, options)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-crowd-")))
        origin = start_origin(stack)
        port, admin = quiet_ports(2)
        said = {where: options.text()}
        gateway = Gateway(folder, file_text(port, admin, origin, **said), admin)
        stack.callback(gateway.kill)
        try:
            await gateway.started()
            # connected first: who comes late finds places that are free again
            clients = [await Client.open(port) for _ in range(options.burst)]
            takes = 3 * options.wait
            story.burst = await asyncio.gather(*(_ask(client, takes) for client in clients))
            story.stream = await _stream(port, options)
            story.due = round(options.rate * options.seconds)
            story.most = int((await fetch(origin, "GET", "/most"))[1])
            story.code = await gateway.end()
        except (BrokenError, TimeoutError, OSError) as error:
            story.broken = repr(error)
    return story


async def _ask(client: Client, takes: float) -> Answer:
    begun = monotonic()
    request = f"GET /?size=10&ms={round(1000 * takes)} HTTP/1.1\r\nHost: crowd.example\r\n\r\n".encode()
    try:
        message = await client.ask(request, len)
    except BrokenError:
        return Answer(0, retry_after=False, took=monotonic() - begun)
    finally:
        client.close()
    return Answer(message.status, b"retry-after" in message.fields, monotonic() - begun)


async def _stream(port: int, options: Options) -> list[Answer]:
    async def come() -> Answer:
        return await _ask(await Client.open(port), TAKES)

    begun, tasks = monotonic(), []
    for number in range(round(options.rate * options.seconds)):
        await asyncio.sleep(max(0.0, begun + number / options.rate - monotonic()))
        tasks.append(asyncio.create_task(come()))
    return await asyncio.gather(*tasks)


def judge(story: Story) -> list[Check]:
    """All checks."""
    options = story.options
    burst, stream = Counter(one.status for one in story.burst), Counter(one.status for one in story.stream)
    refused = [one for one in (*story.burst, *story.stream) if one.status == 503]
    patient = [one.took for one in story.burst if one.status == 503 and one.took >= options.wait]
    at_once = [one.took for one in story.burst if one.status == 503 and one.took < options.wait]
    let_in = [one.took for one in story.stream if one.status == 200]
    found = [
        checks.same("at once: answered", options.limit, burst[200]),
        checks.same("at once: 503", options.burst - options.limit, burst[503]),
        checks.same("at once: 503 after the wait", options.queue, len(patient)),
        checks.within("at once: the wait, longest", max(patient, default=float("inf")), options.wait + SLACK),
        checks.within("at once: who finds no room, typically", checks.median(at_once), AT_ONCE),
        checks.all_of("stream: 200 or 503", stream[200] + stream[503], len(story.stream), max(1, story.due)),
        Check("stream: 503", "some", str(stream[503]), stream[503] > 0),
        Check("stream: answered", f">= {options.limit}", str(stream[200]), stream[200] >= options.limit),
        checks.within(
            "stream: who is let in, longest", max(let_in, default=float("inf")), options.wait + TAKES + SLACK
        ),
        checks.all_of("503 with Retry-After", sum(one.retry_after for one in refused), len(refused)),
        checks.same("under way at the same time, most", options.limit, story.most),
        checks.same("exit code", 0, story.code),
        checks.same("what kept it from its end", "", story.broken),
    ]
    return [attrs.evolve(one, name=f"{story.where}, {one.name}") for one in found]


def describe(story: Story) -> str:
    """Figures that are no checks."""
    options = story.options
    rows = [
        ("AT ONCE" if number == 0 else "STREAM", answers)
        for number, answers in enumerate((story.burst, story.stream))
    ]
    lines = [f"{story.where}: {options.limit} places, {options.queue} may wait for {options.wait:g} s"]
    for name, answers in rows:
        for status, count in sorted(Counter(one.status for one in answers).items()):
            took = [one.took for one in answers if one.status == status]
            lines.append(
                f"  {name.lower()}: {count} of {len(answers)} were answered {status}, after"
                f" {checks.median(took):.3f} s typically and {max(took):.3f} s at most"
            )
    return "\n".join(lines)
