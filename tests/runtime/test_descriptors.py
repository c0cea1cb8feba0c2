"""How many descriptors a process has; in a process of its own each time, as it cannot get back what it gives up."""

import subprocess
import sys

import pytest


def outcome(soft: int, hard: int) -> list[int]:
    """What is allowed before and after."""
    code = f"""
import resource
from gatekeeper.runtime import descriptors

resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(descriptors.limit())
descriptors.raise_limit()
print(descriptors.limit())
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=30)
    return [int(line) for line in done.stdout.split()]


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [
        pytest.param(256, 512, [256, 512], id="more are to be had"),
        pytest.param(512, 512, [512, 512], id="no more are to be had"),
    ],
)
def test_a_process_takes_what_it_may_have(soft: int, hard: int, expected: list[int]) -> None:
    """Most systems give few to who does not ask."""
    assert expected == outcome(soft, hard)
