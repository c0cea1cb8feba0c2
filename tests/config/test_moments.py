"""Moments as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.config.moments import parse_time, show_time
from gatekeeper.config.problems import Refusal


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1969-12-31T19:00:00-05:00", 0.0),
        ("2027-01-01T00:00:00Z", 1798761600.0),
        ("2027-01-01T00:00:00.5Z", 1798761600.5),
    ],
)
def test_a_moment_is_seconds(text: str, seconds: float) -> None:
    """Since 1970, wherever it was written."""
    assert seconds == parse_time(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2027-01-01", '`2027-01-01` is a day and no moment; write "2027-01-01T00:00:00Z"'),
        (
            "2027-01-01T00:00:00",
            '`2027-01-01T00:00:00` has no zone; write it like "2027-01-01T00:00:00Z"',
        ),
        ("tomorrow", '`tomorrow` is no time; write it like "2027-01-01T00:00:00Z"'),
        ("2027-13-01T00:00:00Z", '`2027-13-01T00:00:00Z` is no time; write it like "2027-01-01T00:00:00Z"'),
        ("2027-01-01 00:00:00Z", '`2027-01-01 00:00:00Z` is no time; write it like "2027-01-01T00:00:00Z"'),
        ("20270101T000000Z", '`20270101T000000Z` is no time; write it like "2027-01-01T00:00:00Z"'),
    ],
)
def test_what_is_no_moment_is_refused(text: str, message: str) -> None:
    """With what to write."""
    with pytest.raises(Refusal) as caught:
        parse_time(text)

    assert message == str(caught.value)


@given(st.integers(0, 250_000_000_000).map(lambda number: number / 1000))
def test_what_is_shown_is_read_as_the_same(seconds: float) -> None:
    """To the millisecond."""
    assert abs(seconds - parse_time(show_time(seconds))) < 1e-4
