"""All rows against the gateway, on uvloop and on asyncio's loop; and the harness against what must not pass."""

import re
from collections.abc import Sequence

import pytest
import uvloop

from tests.wire import session
from tests.wire.engine import Outcome
from tests.wire.report import terminal
from tests.wire.row import Row
from tests.wire.rows import rows


LIMIT = 300
"""Seconds for one group of rows on a busy machine."""

ALL = rows()


def _group(row: Row) -> str:
    """`FRM-0` for FRM-00 to FRM-09."""
    return row.id[:5]


def judge(name: str, chosen: Sequence[Row], beside: int = session.BESIDE) -> list[Outcome]:
    """What comes of rows."""
    return uvloop.run(session.judge(name, chosen, beside=beside))


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("group", dict.fromkeys(map(_group, ALL)))
@pytest.mark.parametrize("target", ["gatekeeper", "asyncio"])
def test_the_gateway(target: str, group: str) -> None:
    """Every row passes."""
    outcomes = judge(target, [row for row in ALL if _group(row) == group])

    assert all(outcome.passed for outcome in outcomes), terminal({target: outcomes})


@pytest.mark.timeout(LIMIT)
def test_no_row_passes_against_a_listener_that_does_nothing() -> None:
    """Silence is never a pass."""
    assert [] == [one.row.id for one in judge("silent", ALL, beside=256) if one.passed]


@pytest.mark.timeout(LIMIT)
def test_no_refusal_passes_against_a_listener_that_always_says_200() -> None:
    """An answer is not enough."""
    refusals = [
        row for row in ALL if all(200 not in one.statuses for way in row.expect for one in way.answers)
    ]

    assert [] == [one.row.id for one in judge("always-200", refusals, beside=256) if one.passed]


@pytest.mark.timeout(LIMIT)
def test_a_naive_proxy_fails_many_rows() -> None:
    """For more than naming its version, which it does in each answer."""
    polite = re.compile(r"an answer tells a version")
    outcomes = judge("naive", ALL[::40], beside=64)
    failed = [one for one in outcomes if any(not polite.match(what) for what in one.complaints)]

    assert 40 <= len(failed)
    assert len(failed) < len(outcomes)
