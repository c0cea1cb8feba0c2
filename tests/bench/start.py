"""From spawn to the first 200, beside the time that importing aiohttp's server takes the same interpreter."""

import statistics
import subprocess
import sys
import time
from typing import Any

from tests.bench import peers, process
from tests.bench.suite import Bench, note


IMPORT = [sys.executable, "-c", "import aiohttp.web"]


def import_time() -> float:
    """Return the seconds that an interpreter needs to import aiohttp.web and end."""
    with process.on_core(process.PROXY_CORE):
        begun = time.perf_counter()
        subprocess.run(IMPORT, check=True, cwd=process.ROOT)
        return time.perf_counter() - begun


def run(bench: Bench) -> dict[str, Any]:
    """Measure the import and the proxies in turn; the first turn warms the disk's cache and does not count."""
    seconds: dict[str, list[float]] = {"import": []}
    with peers.origin() as origin:
        for number in range(bench.options.starts + 1):
            took = {"import": import_time()}
            for name in bench.names():
                peer = bench.start(name, "start", origin.port)
                if peer is not None:
                    took[name] = peer.first_answer
                    peer.stop()
            if number:
                for name, value in took.items():
                    seconds.setdefault(name, []).append(value)
    for name, values in seconds.items():
        note(
            f"start {name:10} {statistics.median(values) * 1e3:7.0f} ms" if values else f"start {name}: none"
        )
    return {"seconds": seconds}
