"""How many requests may be under way."""

import pytest

from gatekeeper.config.concurrency import ConcurrencyConfig
from gatekeeper.config.problems import Refusal


@pytest.mark.parametrize(
    ("limit", "queue", "wait", "message"),
    [
        pytest.param(0, 0, 0.0, "`limit` must be 1 or more", id="nobody"),
        pytest.param(1, -1, 1.0, "`queue` must be 0 or more", id="less than none"),
        pytest.param(
            1,
            5,
            0.0,
            "`queue` needs `wait`: how long a request waits for a place, as in `wait: 1s`",
            id="no end",
        ),
        pytest.param(
            1, 0, 1.0, "`wait` needs `queue`: how many requests may wait, as in `queue: 100`", id="no line"
        ),
    ],
)
def test_figures_that_make_no_sense_are_refused(limit: int, queue: int, wait: float, message: str) -> None:
    """Whoever builds the object."""
    with pytest.raises(Refusal) as caught:
        ConcurrencyConfig(limit=limit, queue=queue, wait=wait)

    assert message == str(caught.value)


def test_nobody_waits_where_nothing_is_said() -> None:
    """A number alone is the limit."""
    assert ConcurrencyConfig(limit=500, queue=0, wait=0.0) == ConcurrencyConfig(limit=500)
