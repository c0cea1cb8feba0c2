"""Output: whole lines or none, whoever else writes and whatever happens to the descriptor."""

import errno
import fcntl
import os
import pathlib
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from gatekeeper.observe.output import STDOUT, Background, Output


ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe as (reading, writing) descriptors; closed afterwards unless the test did."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError as error:
            assert error.errno == errno.EBADF


def _read_all(fd: int) -> bytes:
    with os.fdopen(fd, "rb", closefd=False) as file:
        return file.read()


def test_lines_are_written_as_they_are(pipe: tuple[int, int]) -> None:
    """To a pipe."""
    reading, writing = pipe

    assert Output(writing).write(b"one\ntwo\n") == 0
    assert os.read(reading, 100) == b"one\ntwo\n"


def test_lines_are_appended_to_a_file(tmp_path: pathlib.Path) -> None:
    """To a file, which needs no lock of ours."""
    path = tmp_path / "access.log"
    with path.open("ab") as file:
        output = Output(file.fileno())
        lost = output.write(b"one\n") + output.write(b"two\n")

    assert lost == 0
    assert path.read_bytes() == b"one\ntwo\n"


class Waiting(Output):
    """An output that tells when it waits for its reader."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self.waits = threading.Event()

    def _wait(self) -> None:
        self.waits.set()
        super()._wait()


def test_a_batch_larger_than_a_non_blocking_pipe_arrives_whole(pipe: tuple[int, int]) -> None:
    """EAGAIN means: wait for the reader."""
    reading, writing = pipe
    os.set_blocking(writing, False)
    output = Waiting(writing)
    lines = b"x" * 99 + b"\n"
    lost: list[int] = []

    def write() -> None:
        lost.append(output.write(lines * 5000))
        os.close(writing)

    thread = threading.Thread(target=write)
    thread.start()
    output.waits.wait()
    read = _read_all(reading)
    thread.join()

    assert lost == [0]
    assert lines * 5000 == read


def test_a_reader_that_went_away_loses_lines_without_an_error(pipe: tuple[int, int]) -> None:
    """LIF-10: EPIPE is counted, not raised."""
    reading, writing = pipe
    os.close(reading)

    assert Output(writing).write(b"one\ntwo\n") == 2


def test_a_full_disk_loses_lines_without_an_error() -> None:
    """LIF-10: ENOSPC is counted, not raised."""
    fd = os.open("/dev/full", os.O_WRONLY)
    try:
        lost = Output(fd).write(b"one\n")
    finally:
        os.close(fd)

    assert lost == 1


def test_a_closed_descriptor_loses_lines_without_an_error(pipe: tuple[int, int]) -> None:
    """EBADF as well."""
    _, writing = pipe
    os.close(writing)

    assert Output(writing).write(b"one\n") == 1


def _scripted_writes(monkeypatch: pytest.MonkeyPatch, script: list[int | OSError]) -> bytearray:
    """Let os.write take as many bytes as the script says, or fail; returns what got out."""
    out = bytearray()
    steps = iter(script)

    def write(_: int, data: memoryview) -> int:
        step = next(steps, len(data))
        if isinstance(step, OSError):
            raise step
        out.extend(data[:step])
        return min(step, len(data))

    monkeypatch.setattr(os, "write", write)
    return out


def test_half_a_line_is_ended_before_the_next_one(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The torn line spoils itself only, and counts as lost."""
    full = OSError(errno.ENOSPC, "full")
    out = _scripted_writes(monkeypatch, [6, full, full])
    output = Output(pipe[1])

    lost = [
        output.write(b"one\ntwo\n"),
        output.write(b"three\n"),
        output.write(b"four\n"),
        output.write(b"five\n"),
    ]

    assert lost == [1, 1, 0, 0]
    assert out == b"one\ntw\nfour\nfive\n"


def test_lines_cut_at_a_line_end_need_no_repair(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was lost began with a new line."""
    out = _scripted_writes(monkeypatch, [4, OSError(errno.EIO, "io")])
    output = Output(pipe[1])

    lost = [output.write(b"one\ntwo\n"), output.write(b"three\n")]

    assert lost == [1, 0]
    assert out == b"one\nthree\n"


def test_where_pipes_cannot_be_locked_lines_are_written_all_the_same(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is a courtesy."""
    reading, writing = pipe

    def lockf(*_: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "lockf", lockf)

    assert Output(writing).write(b"one\n") == 0
    assert os.read(reading, 100) == b"one\n"


WORKER = """
import sys
from gatekeeper.observe.output import Output
output = Output(int(sys.argv[1]))
line = sys.argv[2].encode() * 599 + b"\\n"
sys.exit(sum(output.write(line * 512) for _ in range(8)))
"""


def test_workers_that_share_a_pipe_do_not_tear_each_other_s_lines(pipe: tuple[int, int]) -> None:
    """Batches of 300 KB from three processes, through a pipe of 64."""
    reading, writing = pipe
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(writing), letter], pass_fds=[writing], cwd=ROOT)
        for letter in "abc"
    ]
    os.close(writing)

    lines = _read_all(reading).splitlines()
    codes = [worker.wait() for worker in workers]

    assert codes == [0, 0, 0]
    assert len(lines) == 3 * 8 * 512
    assert {letter * 599 for letter in (b"a", b"b", b"c")} == set(lines)


@pytest.mark.parametrize(
    ("colour", "no_colour"),
    [
        pytest.param(True, None, id="terminal"),
        pytest.param(True, "", id="NO_COLOR-empty"),
        pytest.param(False, "1", id="NO_COLOR"),
    ],
)
def test_a_terminal_has_colour_unless_no_color_is_set(
    colour: bool, no_colour: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://no-color.org: present and not empty."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour is not None:
        monkeypatch.setenv("NO_COLOR", no_colour)
    master, terminal = pty.openpty()
    try:
        assert colour == Output(terminal).colour
    finally:
        os.close(master)
        os.close(terminal)


def test_a_pipe_has_no_colour(pipe: tuple[int, int]) -> None:
    """Programs read there."""
    assert not Output(pipe[1]).colour


def test_standard_output_is_one_object() -> None:
    """Both logs take turns on it."""
    assert repr(STDOUT) == "<Output fd 1>"


def test_a_background_thread_works_in_order_and_finishes_on_close() -> None:
    """What was put before the close is done after it."""
    done: list[int] = []
    background: Background[int] = Background("test", done.append)
    for number in range(100):
        background.queue.put(number)

    background.close(10)

    assert list(range(100)) == done


def test_closing_does_not_wait_for_work_that_hangs() -> None:
    """A reader that stopped must not stop the shutdown."""
    release = threading.Event()
    background: Background[int] = Background("test", lambda _: release.wait())
    background.queue.put(1)

    background.close(0)

    assert background._thread.is_alive()
    release.set()
    background._thread.join()
