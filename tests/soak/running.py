"""A soak as the tests run it: the command, in a process of its own."""

import signal
import subprocess
import sys

from tests.cli.running import ENVIRONMENT
from tests.soak.process import ROOT


GOODBYE = 30.0
"""Seconds for the end of one that is given up, and of all that it has started."""


def run_soak(
    *arguments: str, patience: float, module: str = "tests.soak"
) -> subprocess.CompletedProcess[str]:
    """Run `python -m tests.soak ...` for `patience` seconds at most; what it said, and its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        output, errors = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        # it ends its gateways then, which it could not if it were killed
        process.send_signal(signal.SIGINT)
        try:
            output, errors = process.communicate(timeout=GOODBYE)
        finally:
            process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
