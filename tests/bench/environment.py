"""What the figures were made on: interpreter and its build, loop, libraries, headers, machine, versions."""

import importlib.metadata
import os
import platform
import sysconfig
import time
from pathlib import Path
from typing import Any

from tests.bench import payload, peers, process


LIBRARIES = ("aiohttp", "httptools", "uvloop", "orjson")
FLAG_VARIABLES = (
    "CONFIG_ARGS",
    "PY_CFLAGS",
    "PY_CFLAGS_NODIST",
    "PY_CORE_CFLAGS",
    "PY_LDFLAGS",
    "PY_LDFLAGS_NODIST",
    "OPT",
)
PGO_FLAGS = ("--enable-optimizations", "-fprofile-use", "-fprofile-instr-use")
LTO_FLAGS = ("--with-lto", "-flto")


def build() -> str:
    """Return whether the interpreter was built with PGO and LTO, as far as it tells.

    Debian installs the flags of its shared library, while the program is linked statically and built with others; then
    only the loop's speed beside it says something.
    """
    flags = " ".join(str(sysconfig.get_config_var(name) or "") for name in FLAG_VARIABLES)
    pgo = any(flag in flags for flag in PGO_FLAGS)
    lto = any(flag in flags for flag in LTO_FLAGS)
    if pgo or lto:
        return " and ".join(name for name, there in (("PGO", pgo), ("LTO", lto)) if there)
    shared = "--enable-shared" in flags
    if shared and "libpython" not in Path("/proc/self/maps").read_text():
        return "unknown: the recorded flags are the shared library's, the program is static (as Debian's, PGO and LTO)"
    return "plain: neither PGO nor LTO among the recorded flags (1.2 to 1.5 times dearer per request)"


def loop_speed() -> float:
    """Return the nanoseconds of one turn of a plain loop, best of ten: tells builds and machines apart."""
    best = 0.0
    for _ in range(10):
        begun = time.thread_time_ns()
        total = 0
        for number in range(200_000):
            total += number & 7
        took = (time.thread_time_ns() - begun) / 200_000
        best = min(best, took) if best else took
    return best


def processor() -> str:
    """Return the model of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def describe(executables: dict[str, str]) -> dict[str, Any]:
    """Return all of it."""
    shared = (
        " (shared with load and origin: figures do not compare)"
        if process.PROXY_CORE == process.OTHER_CORE
        else ""
    )
    return {
        "interpreter": f"{platform.python_implementation()} {platform.python_version()}, {platform.python_compiler()}",
        "build": build(),
        "plain loop": f"{loop_speed():.1f} ns a turn",
        "loop": f"uvloop {importlib.metadata.version('uvloop')}",
        "libraries": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES),
        "headers": f"{len(payload.GET_HEADERS)} of a request, {len(payload.ANSWER_HEADERS)} of the origin's answer",
        "machine": f"{processor()}, {os.cpu_count()} cores, Linux {platform.release()}",
        "proxy": f"alone on one core{shared}",
        "versions": ", ".join(f"{name} {peers.version(name, path)}" for name, path in executables.items()),
    }
