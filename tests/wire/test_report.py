"""What is told of outcomes."""

from tests.wire.engine import Outcome
from tests.wire.report import markdown, terminal
from tests.wire.row import Row, declined


ONE = Row("FRM-01 a", b"x", declined(400))
OTHER = Row("LIM-01 b", b"x", declined(400), choice=True)
COLUMNS = {
    "gatekeeper": [Outcome(ONE, ()), Outcome(OTHER, (), left=("a mess",))],
    "nginx": [Outcome(OTHER, ("200 | x, not 400",))],
}


def test_failures_are_told_with_what_was_observed() -> None:
    """Then the counts, by family."""
    expected = """\
gatekeeper: LIM-01 b
    a mess
nginx: LIM-01 b
    200 | x, not 400
gatekeeper: 1 of 2 rows pass (1 of those that fail are a matter of choice); FRM 1 of 1, LIM 0 of 1
nginx: 0 of 1 rows pass (1 of those that fail are a matter of choice); LIM 0 of 1"""

    assert expected == terminal(COLUMNS)


def test_a_table_has_a_column_for_each_target() -> None:
    """And a dash where a target does not have the row."""
    lines = markdown([ONE, OTHER], COLUMNS).splitlines()

    assert "| row | gatekeeper | nginx |" in lines
    assert "| FRM-01 a | pass | - |" in lines
    assert "| LIM-01 b (choice) | **fail**: a mess | **fail**: 200 / x, not 400 |" in lines
