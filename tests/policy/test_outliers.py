"""Which instances are left out because their answers fail; CBR rows are of reliability.md."""

from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import (
    AnswerTruncated,
    BadAnswer,
    ClientGone,
    ConnectFailed,
    ConnectTimeout,
    ContentTooLarge,
    DeadlineExceeded,
    FilterFailed,
    FirstByteTimeout,
    GatewayError,
    PoolExhausted,
    Reset,
    TlsFailed,
)
from gatekeeper.policy.outliers import LONGEST, SLOTS, Outlier, OutlierSettings, is_failure, may_eject


NOW = 1000.0
DEFAULT = OutlierSettings()
RATE = OutlierSettings(consecutive_failures=None, failure_rate=0.5, min_requests=10, window=30.0)


def noted(outlier: Outlier, ends: str, now: float = NOW) -> list[bool]:
    """What is said of each end of an attempt: `x` failed, `.` did not."""
    return [outlier.note(end == "x", now) for end in ends]


def first_ejection(outlier: Outlier, ends: str, now: float = NOW) -> int:
    """How many ends it took; 0 if all of them were not enough."""
    said = noted(outlier, ends, now)
    return said.index(True) + 1 if True in said else 0


# ---- failures in a row --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "at"),
    [
        pytest.param("xxxxx", 5, id="CBR-01-five-in-a-row"),
        pytest.param("xxxx", 0, id="CBR-01-four-are-too-few"),
        pytest.param("xxxx.xxxx", 0, id="a-success-begins-anew"),
        pytest.param("x.xxxx.xxxxx", 12, id="in-a-row-counts"),
        pytest.param(".........", 0, id="successes"),
    ],
)
def test_failures_in_a_row_eject(ends: str, at: int) -> None:
    """Five of them, by default."""
    assert at == first_ejection(Outlier(DEFAULT), ends)


def test_as_long_as_it_is_not_ejected_it_is_to_be() -> None:
    """Too many others may be ejected at the moment."""
    assert [False] * 4 + [True] * 3 == noted(Outlier(DEFAULT), "xxxxxxx")


def test_time_does_not_make_failures_in_a_row_undone() -> None:
    """A service that is asked once a minute can fail, too."""
    outlier = Outlier(DEFAULT)

    said = [outlier.note(True, NOW + 60 * minute) for minute in range(5)]

    assert [False] * 4 + [True] == said


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_number_is_an_option(limit: int) -> None:
    """Down to one."""
    assert limit == first_ejection(Outlier(OutlierSettings(consecutive_failures=limit)), "x" * limit)


def test_neither_is_never() -> None:
    """Both can be off."""
    assert 0 == first_ejection(Outlier(OutlierSettings(consecutive_failures=None)), "x" * 1000)


# ---- the failure rate ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "at"),
    [
        pytest.param("xxxxxxxxx", 0, id="CBR-01-below-the-minimum-volume"),
        pytest.param("xxxxxxxxxx", 10, id="CBR-01-at-the-minimum-volume"),
        pytest.param(".....xxxxx", 10, id="exactly-half"),
        pytest.param("......xxxxx", 0, id="less-than-half"),
        pytest.param("......xxxxxx", 12, id="half-after-all"),
        pytest.param("xxxxxxxxx.", 0, id="a-success-ejects-nobody"),
        pytest.param("xxxxxxxxx.x", 11, id="but-the-next-failure-does"),
    ],
)
def test_a_failure_rate_ejects(ends: str, at: int) -> None:
    """Half of at least ten."""
    assert at == first_ejection(Outlier(RATE), ends)


def test_both_can_be_on() -> None:
    """Whichever comes first."""
    both = attrs.evolve(RATE, consecutive_failures=5)

    assert 5 == first_ejection(Outlier(both), "xxxxx")
    assert 10 == first_ejection(Outlier(both), "x.x.x.x.xx")


@pytest.mark.parametrize(
    ("later", "at"),
    [
        pytest.param(0.0, 2, id="at-once"),
        pytest.param(26.9, 2, id="in-the-window"),
        pytest.param(30.0, 0, id="a-window-later"),
        pytest.param(3000.0, 0, id="much-later"),
    ],
)
def test_what_is_older_than_the_window_does_not_count(later: float, at: int) -> None:
    """It is at most a tenth shorter than it says."""
    outlier = Outlier(RATE)
    noted(outlier, "xxxxx...")

    assert at == first_ejection(outlier, "xx", NOW + later)


def test_successes_leave_the_window_as_failures_do() -> None:
    """The rate is that of what is left."""
    outlier = Outlier(RATE)
    noted(outlier, "." * 100)

    assert 0 == first_ejection(outlier, "x" * 20, NOW + 20)
    assert 1 == first_ejection(outlier, "x", NOW + 31)


def test_failures_leave_the_window_as_requests_do() -> None:
    """What failed long ago does not make up for what is well."""
    outlier = Outlier(RATE)
    noted(outlier, "xxxxx")

    assert 0 == first_ejection(outlier, ".........x", NOW + 31)


class Naive:
    """The same with every end remembered: what a window of exactly nine tenths, and one of all, would say."""

    def __init__(self, settings: OutlierSettings) -> None:
        self.settings = settings
        self.ends: list[tuple[float, bool]] = []

    def note(self, failed: bool, now: float) -> None:
        self.ends.append((now, failed))

    def within(self, now: float, seconds: float) -> tuple[int, int]:
        """Requests and failures of the last seconds."""
        recent = [failed for at, failed in self.ends if at > now - seconds]
        return len(recent), sum(recent)


@given(
    st.lists(
        st.tuples(st.floats(0, 20, allow_nan=False), st.lists(st.booleans(), min_size=1, max_size=8)),
        max_size=40,
    )
)
def test_the_window_slides(bursts: Sequence[tuple[float, list[bool]]]) -> None:
    """What it holds is no less than the last nine tenths, and no more than all of it."""
    never = attrs.evolve(RATE, failure_rate=1.0, min_requests=10**9)
    outlier, naive, now = Outlier(never), Naive(never), NOW
    for pause, ends in bursts:
        now += pause
        for failed in ends:
            outlier.note(failed, now)
            naive.note(failed, now)
        noted_before, failed_before = outlier._marks[0]
        requests, failures = outlier._noted - noted_before, outlier._total_failed - failed_before
        fewest, most = naive.within(now, 27.0 - 1e-6), naive.within(now, 30.0 + 1e-6)
        assert fewest[0] <= requests <= most[0]
        assert fewest[1] <= failures <= most[1]
        assert len(outlier._marks) <= SLOTS
        assert now <= outlier._slot_end, "a slot is begun once, and not by each request"


# ---- the ejection -------------------------------------------------------------------------------------------------


def test_an_ejection_lasts_for_a_while() -> None:
    """Thirty seconds, the first time."""
    outlier = Outlier(DEFAULT)
    assert (0, 0.0) == (outlier.ejections, outlier.ejected_until)

    assert NOW + 30 == outlier.eject(NOW)
    assert (1, NOW + 30) == (outlier.ejections, outlier.ejected_until)


def test_each_one_that_follows_at_once_is_longer() -> None:
    """By as much again, up to ten times."""
    outlier, now, lasted = Outlier(DEFAULT), NOW, []
    for _ in range(12):
        until = outlier.eject(now)
        lasted.append(until - now)
        now = until

    assert [30.0 * min(times, LONGEST) for times in range(1, 13)] == lasted


@pytest.mark.parametrize(
    ("quiet", "times"),
    [
        pytest.param(0, 4, id="at-once"),
        pytest.param(29.9, 4, id="not-quite-one"),
        pytest.param(30, 3, id="one"),
        pytest.param(59.9, 3, id="not-quite-two"),
        pytest.param(60, 2, id="two"),
        pytest.param(90, 1, id="three"),
        pytest.param(120, 1, id="four"),
        pytest.param(100_000, 1, id="as-if-it-had-never-been"),
    ],
)
def test_quiet_is_forgiven(quiet: float, times: int) -> None:
    """Each time that an ejection would have lasted takes one back."""
    outlier, now = Outlier(DEFAULT), NOW
    for _ in range(3):
        now = outlier.eject(now)

    assert times - 1 == outlier.times_ejected(now + quiet)
    assert now + quiet + 30 * times == outlier.eject(now + quiet)
    assert times == outlier.ejections


def test_nothing_is_forgiven_while_it_is_ejected() -> None:
    """That is no quiet time."""
    outlier = Outlier(DEFAULT)
    outlier.eject(outlier.eject(NOW))

    assert [2, 2] == [outlier.times_ejected(NOW + later) for later in (30, 89.9)]


def test_what_ends_while_it_is_ejected_does_not_count() -> None:
    """It was begun before, or nobody else was there; afterwards it begins with a clean sheet."""
    outlier = Outlier(DEFAULT)
    noted(outlier, "xxxxx")
    until = outlier.eject(NOW)

    assert [False] * 20 == noted(outlier, "x" * 20, NOW + 1)
    assert [False] * 4 + [True] == noted(outlier, "xxxxx", until)


def test_the_window_begins_anew_after_an_ejection() -> None:
    """Or the first failure afterwards would meet all those of before."""
    outlier = Outlier(attrs.evolve(RATE, eject_for=1.0))
    assert 10 == first_ejection(outlier, "x" * 10)
    until = outlier.eject(NOW)

    assert 10 == first_ejection(outlier, "x" * 10, until)


def test_an_ejection_can_end_before_its_time() -> None:
    """It counts all the same, and what follows is quiet."""
    outlier = Outlier(DEFAULT)
    outlier.eject(NOW)

    outlier.release(NOW + 10)

    assert NOW + 10 == outlier.ejected_until
    assert [1, 1, 0] == [outlier.times_ejected(NOW + later) for later in (10, 39, 40)]
    assert 5 == first_ejection(outlier, "xxxxx", NOW + 10)


def test_one_that_is_over_does_not_end_later() -> None:
    """There is nothing to end."""
    outlier = Outlier(DEFAULT)
    until = outlier.eject(NOW)

    outlier.release(until + 100)

    assert until == outlier.ejected_until


# ---- other settings -----------------------------------------------------------------------------------------------


def test_equal_settings_leave_the_count_alone() -> None:
    """As a reload brings them."""
    outlier = Outlier(DEFAULT)
    noted(outlier, "xxxx")

    outlier.settings = OutlierSettings()

    assert [True] == noted(outlier, "x")


def test_other_settings_begin_to_count_anew() -> None:
    """And hold from then on."""
    outlier = Outlier(DEFAULT)
    noted(outlier, "xxxx")
    other = OutlierSettings(consecutive_failures=2, eject_for=7.0)

    outlier.settings = other

    assert other == outlier.settings
    assert 2 == first_ejection(outlier, "xx")
    assert NOW + 7 == outlier.eject(NOW)


def test_an_ejection_outlives_other_settings() -> None:
    """What was bad a moment ago is not good because of an edit."""
    outlier = Outlier(DEFAULT)
    outlier.eject(NOW)

    outlier.settings = RATE

    assert (1, NOW + 30) == (outlier.ejections, outlier.ejected_until)
    assert 10 == first_ejection(outlier, "x" * 10, NOW + 30)


# ---- how many -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "at_most", "most"),
    [
        pytest.param(0, 0.5, 0, id="none"),
        pytest.param(1, 0.5, 0, id="CBR-12-never-the-only-one"),
        pytest.param(1, 1.0, 0, id="CBR-12-not-even-with-100-percent"),
        pytest.param(2, 0.5, 1, id="one-of-two"),
        pytest.param(2, 0.01, 1, id="one-of-two-or-more"),
        pytest.param(3, 0.5, 1, id="rounded-down"),
        pytest.param(10, 0.5, 5, id="half"),
        pytest.param(10, 0.19, 1, id="a-fifth-it-is-not"),
        pytest.param(10, 0.2, 2, id="a-fifth"),
        pytest.param(100, 0.29, 29, id="what-binary-numbers-make-of-29-percent"),
        pytest.param(10, 1.0, 10, id="all-who-says-so"),
        pytest.param(10, 0.0, 0, id="nobody-who-says-so"),
    ],
)
def test_so_many_may_be_ejected_at_once(total: int, at_most: float, most: int) -> None:
    """And one more may not."""
    assert [True] * most + [False] * 3 == [may_eject(ejected, total, at_most) for ejected in range(most + 3)]


# ---- what is a failure --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        pytest.param(None, 200, False, id="an-answer"),
        pytest.param(None, 404, False, id="CBR-04-the-clients-own-mistake"),
        pytest.param(None, 101, False, id="CBR-04-a-tunnel"),
        pytest.param(None, 500, False, id="an-error-that-is-not-listed"),
        pytest.param(None, 501, False, id="not-implemented"),
        pytest.param(None, 502, True, id="bad-gateway"),
        pytest.param(None, 503, True, id="unavailable"),
        pytest.param(None, 504, True, id="gateway-timeout"),
        pytest.param(None, 0, None, id="no-answer-and-no-error"),
        pytest.param(ConnectFailed(), 0, True, id="refused"),
        pytest.param(ConnectTimeout(), 0, True, id="not-connected-in-time"),
        pytest.param(TlsFailed(), 0, True, id="a-certificate-that-is-none"),
        pytest.param(Reset(), 0, True, id="reset"),
        pytest.param(FirstByteTimeout(), 0, True, id="silent"),
        pytest.param(DeadlineExceeded(), 200, True, id="not-done-in-time"),
        pytest.param(AnswerTruncated(), 200, True, id="a-good-answer-that-broke-off"),
        pytest.param(BadAnswer(), 0, None, id="a-failure-that-is-not-listed"),
        pytest.param(BadAnswer(), 503, None, id="its-status-does-not-count-then"),
        pytest.param(PoolExhausted(), 0, None, id="our-own-limit"),
        pytest.param(ClientGone(), 0, None, id="CBR-04-the-client-is-gone"),
        pytest.param(ClientGone(), 503, None, id="CBR-04-the-client-is-gone-inside-a-bad-answer"),
        pytest.param(ContentTooLarge(), 0, None, id="CBR-04-the-clients-upload"),
        pytest.param(FilterFailed(), 0, None, id="a-filter-of-ours"),
    ],
)
def test_what_counts_by_default(error: GatewayError | None, status: int, expected: bool | None) -> None:
    """No connection, no answer, no whole answer, and the answers of gateways that have none."""
    assert expected is is_failure(error, status, DEFAULT.failures)


@pytest.mark.parametrize(
    ("failures", "error", "status", "expected"),
    [
        pytest.param({500}, None, 500, True, id="a-status"),
        pytest.param({500}, None, 503, False, id="another-status"),
        pytest.param({"protocol"}, BadAnswer(), 0, True, id="no-http"),
        pytest.param({"unavailable"}, PoolExhausted(), 0, True, id="no-connection-left"),
        pytest.param({"timeout"}, ConnectTimeout(), 0, None, id="a-connection-is-another-matter"),
        pytest.param({504}, FirstByteTimeout(), 0, None, id="a-status-is-one-of-its-answers"),
        pytest.param({499}, ClientGone(), 0, None, id="CBR-04-never-the-client"),
        pytest.param(set(), Reset(), 0, None, id="nothing"),
    ],
)
def test_what_counts_is_an_option(
    failures: set[str | int], error: GatewayError | None, status: int, expected: bool | None
) -> None:
    """By the names of errors, and by statuses."""
    assert expected is is_failure(error, status, failures)


def test_the_defaults_are_those_of_the_grammar() -> None:
    """gateway-yaml.md, section 8, row `outliers`."""
    assert (
        OutlierSettings(
            consecutive_failures=5,
            failure_rate=None,
            min_requests=50,
            window=30.0,
            failures=frozenset({"connect", "reset", "timeout", 502, 503, 504}),
            eject_for=30.0,
            eject_at_most=0.5,
        )
        == DEFAULT
    )
