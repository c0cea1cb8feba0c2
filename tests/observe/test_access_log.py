"""The access log: batched, never waiting, and every line accounted for."""

import asyncio
import json
import os
import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from gatekeeper.observe import log
from gatekeeper.observe.log import AccessLog
from gatekeeper.observe.output import Output


class Timer:
    """A loop's `call_later` that fires when the test says so."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, function: Callable[[], None]) -> None:
        self.calls.append((seconds, function))

    def fire(self) -> None:
        calls, self.calls = self.calls, []
        for _, function in calls:
            function()


class Memory(Output):
    """An output that keeps its batches, loses some lines if told so, and can be stuck."""

    def __init__(self, lost: int = 0) -> None:
        super().__init__(-1)
        self.batches: list[bytes] = []
        self.lost = lost
        self.open = threading.Event()
        self.open.set()

    def write(self, lines: bytes) -> int:
        self.open.wait()
        self.batches.append(lines)
        return self.lost


def test_records_are_written_as_one_batch_when_the_time_is_up() -> None:
    """One timer for all of them."""
    timer, memory = Timer(), Memory()
    access_log = AccessLog(timer, output=memory)

    access_log.write({"status": 200})
    access_log.write({"status": 404})
    assert [seconds for seconds, _ in timer.calls] == [0.1]
    timer.fire()
    access_log.close()

    assert memory.batches == [b'{"status":200}\n{"status":404}\n']


def test_every_batch_has_a_timer_of_its_own() -> None:
    """After one fired, the next record starts another."""
    timer, memory = Timer(), Memory()
    access_log = AccessLog(timer, output=memory)

    for status in (200, 404):
        access_log.write({"status": status})
        timer.fire()
    access_log.close()

    assert memory.batches == [b'{"status":200}\n', b'{"status":404}\n']


def test_a_full_batch_does_not_wait_for_the_timer() -> None:
    """512 records are handed over at once; the timer takes the rest."""
    timer, memory = Timer(), Memory()
    access_log = AccessLog(timer, output=memory)

    for number in range(513):
        access_log.write({"n": number})
    assert len(timer.calls) == 1
    timer.fire()
    access_log.close()

    assert [batch.count(b"\n") for batch in memory.batches] == [512, 1]


def test_closing_writes_what_waits() -> None:
    """Nothing is lost at the end of a process."""
    timer, memory = Timer(), Memory()
    access_log = AccessLog(timer, output=memory)
    access_log.write({"status": 200})

    access_log.close()

    assert memory.batches == [b'{"status":200}\n']
    assert access_log.dropped == 0
    assert repr(access_log) == "<AccessLog 1 lines, 0 dropped>"


def test_a_record_after_the_close_is_counted_as_dropped() -> None:
    """The thread is gone."""
    timer, memory = Timer(), Memory()
    access_log = AccessLog(timer, output=memory)
    access_log.close()

    access_log.write({"status": 200})
    timer.fire()

    assert (memory.batches, access_log.dropped) == ([], 1)


def test_a_record_that_cannot_be_serialised_does_not_lose_the_others() -> None:
    """OBS-01: it is repaired, and stays one line."""
    timer, memory = Timer(), Memory()
    access_log = AccessLog(timer, output=memory)

    access_log.write({"path": "/a"})
    access_log.write({"path": "/\udcff\r\n", "client": object, "bytes_in": 1 << 80})
    access_log.write({"path": "/c"})
    access_log.close()

    paths = [json.loads(line)["path"] for line in memory.batches[0].splitlines()]
    assert paths == ["/a", "/\ufffd\r\n", "/c"]


def test_text_is_one_line_per_record_for_a_person() -> None:
    """As `render_text` makes it."""
    memory = Memory()
    access_log = AccessLog(Timer(), "text", memory)

    access_log.write({"method": "GET", "path": "/\udcff\n", "status": 200})
    access_log.write({"method": "GET", "path": "/b", "status": 404})
    access_log.close()

    assert memory.batches == [b"GET /\\udcff\\n 200\nGET /b 404\n"]


def test_when_nobody_reads_whole_batches_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIF-10: bounded by bytes; the loop goes on."""
    monkeypatch.setattr(log, "WAITING_BYTES", 40)
    memory = Memory()
    memory.open.clear()
    access_log = AccessLog(Timer(), output=memory)

    for status in (200, 301, 404):
        access_log.write({"status": status})  # 15 bytes a line
        access_log.flush()
    assert access_log.dropped == 1
    memory.open.set()
    access_log.close()

    assert memory.batches == [b'{"status":200}\n', b'{"status":301}\n']
    assert access_log.dropped == 1


def _at_once(_: str, work: Callable[[object], object]) -> object:
    """Stand in for the background thread: works while the caller waits."""
    return SimpleNamespace(queue=SimpleNamespace(put=work), close=lambda _: None)


def test_the_bound_is_on_what_waits_not_on_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Written bytes make room."""
    monkeypatch.setattr(log, "WAITING_BYTES", 40)
    monkeypatch.setattr(log, "Background", _at_once)
    memory = Memory()
    access_log = AccessLog(Timer(), output=memory)

    for _ in range(5):
        access_log.write({"status": 200})
        access_log.flush()

    assert memory.batches == [b'{"status":200}\n'] * 5
    assert access_log.dropped == 0


def test_closing_does_not_wait_for_a_reader_that_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it did not read counts as dropped."""
    monkeypatch.setattr(log, "CLOSE_SECONDS", 0)
    memory = Memory()
    memory.open.clear()
    access_log = AccessLog(Timer(), output=memory)
    access_log.write({"status": 200})
    access_log.write({"status": 200})

    access_log.close()

    assert access_log.dropped == 2
    memory.open.set()
    access_log._background._thread.join()
    assert access_log.dropped == 0


def test_lines_that_the_output_refuses_are_counted() -> None:
    """A closed pipe, a full disk."""
    access_log = AccessLog(Timer(), output=Memory(lost=2))
    access_log.write({"status": 200})
    access_log.write({"status": 200})

    access_log.close()

    assert access_log.dropped == 2


@pytest.mark.parametrize("count", [pytest.param(1, id="one"), pytest.param(700, id="more-than-a-batch")])
def test_a_real_loop_and_a_real_pipe_give_all_lines_in_order(count: int) -> None:
    """The whole way, from `call_later` to the reader."""
    reading, writing = os.pipe()

    async def run() -> list[int]:
        loop = asyncio.get_running_loop()
        access_log = AccessLog(loop.call_later, output=Output(writing))
        for number in range(count):
            access_log.write({"n": number})
        reader = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb")
        )
        numbers = [json.loads(await reader.readline())["n"] for _ in range(count)]
        access_log.close()
        transport.close()
        return numbers

    numbers = asyncio.run(run())
    os.close(writing)

    assert list(range(count)) == numbers
