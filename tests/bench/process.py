"""Processes from outside: cores, trees, CPU time by the scheduler's nanosecond counter, resident memory."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self


ROOT = Path(__file__).resolve().parents[2]
PAGE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")
# a process that ends while it is looked at is no problem
GONE = (FileNotFoundError, ProcessLookupError, NotADirectoryError)


def cores() -> tuple[int, int]:
    """Return the core of the proxy and the core of everything else (equal if there is but one)."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[min(1, len(allowed) - 1)]


PROXY_CORE, OTHER_CORE = cores()


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """Pin this thread for a while; what it starts meanwhile inherits that."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def helper(module: str, arguments: Sequence[str], python: str) -> subprocess.Popen[str]:
    """Start a module of the benchmark as a process on the core the proxy does not have."""
    with on_core(OTHER_CORE):
        return subprocess.Popen(
            [python, "-m", f"tests.bench.{module}", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(*GONE):
            for task in (PROC / str(parent) / "task").iterdir():
                with contextlib.suppress(*GONE):
                    found.extend(int(child) for child in (task / "children").read_text().split())
    return found


def cpu_of_tasks(pid: int) -> dict[tuple[int, int], int]:
    """Return the run time in nanoseconds of every thread in the tree."""
    times: dict[tuple[int, int], int] = {}
    for process in tree(pid):
        with contextlib.suppress(*GONE):
            for task in (PROC / str(process) / "task").iterdir():
                with contextlib.suppress(*GONE):
                    times[process, int(task.name)] = int((task / "schedstat").read_text().split()[0])
    return times


def resident(pid: int) -> int:
    """Return the exact resident bytes of the tree."""
    total = 0
    for process in tree(pid):
        with contextlib.suppress(*GONE):
            for line in (PROC / str(process) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Rss:"):
                    total += int(line.split()[1]) * 1024
    return total


def resident_quick(pid: int) -> int:
    """Return the resident bytes of the tree as cheaply as the kernel tells."""
    total = 0
    for process in tree(pid):
        with contextlib.suppress(*GONE):
            total += int((PROC / str(process) / "statm").read_text().split()[1]) * PAGE
    return total


class Watch:
    """CPU time that a tree uses while the watch is open, and the most memory it held.

    It samples, so that threads and children that end meanwhile are counted up to their last sample.
    """

    def __init__(self, pid: int, every: float = 0.1) -> None:
        self._pid = pid
        self._every = every
        self._first: dict[tuple[int, int], int] = {}
        self._last: dict[tuple[int, int], int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak = 0
        self.seconds = 0.0

    def _sample(self) -> None:
        self._last.update(cpu_of_tasks(self._pid))
        self.peak = max(self.peak, resident_quick(self._pid))

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._sample()

    @property
    def cpu_ns(self) -> int:
        """Nanoseconds on a core; a thread that was born meanwhile began at nought."""
        return sum(last - self._first.get(task, 0) for task, last in self._last.items())

    def __enter__(self) -> Self:
        self._first = cpu_of_tasks(self._pid)
        self._begun = time.perf_counter()
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._sample()
        self.seconds = time.perf_counter() - self._begun


def stop(process: subprocess.Popen[bytes] | subprocess.Popen[str], patience: float = 5.0) -> None:
    """End a process that we started: ask first."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
