"""What the checks of an instance say; CBR-15 is a row of reliability.md."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy.health import Health, Outcome, Status


OK, WRONG, FAILED = Outcome.OK, Outcome.WRONG, Outcome.FAILED
HEALTHY_AFTER, UNHEALTHY_AFTER = 2, 3

LETTERS = {"o": OK, "w": WRONG, "f": FAILED}
STATUSES = {
    "?": Status.UNKNOWN,
    "H": Status.HEALTHY,
    "U": Status.UNHEALTHY,
    "E": Status.UNEXPECTED,
}

outcomes = st.lists(st.sampled_from([OK, WRONG, FAILED]), max_size=30)


def note(health: Health, outcome: Outcome, now: float = 0.0, reason: str = "") -> Health:
    return health.note(outcome, reason, now, 0.01, HEALTHY_AFTER, UNHEALTHY_AFTER)


def after(*found: Outcome) -> Health:
    """What is known after these checks, one a second, each with its number as the reason."""
    health = Health()
    for number, outcome in enumerate(found, start=1):
        health = note(health, outcome, number, "" if outcome is OK else str(number))
    return health


@pytest.mark.parametrize(
    ("checks", "statuses"),
    [
        pytest.param("o", "H", id="the-first-that-is-ok-is-enough"),
        pytest.param("ofoffoff", "HHHHHHHH", id="CBR-15-flapping-below-the-threshold"),
        pytest.param("offf", "HHHU", id="three-in-a-row-that-failed"),
        pytest.param("owww", "HHHU", id="three-in-a-row-that-were-wrong"),
        pytest.param("owfw", "HHHU", id="three-in-a-row-of-both-kinds"),
        pytest.param("offfoo", "HHHUUH", id="CBR-15-two-in-a-row-bring-it-back"),
        pytest.param("offfofoo", "HHHUUUUH", id="CBR-15-two-that-are-not-in-a-row-do-not"),
        pytest.param("offfwww", "HHHUUUU", id="who-was-healthy-does-not-come-back-with-wrong-answers"),
        pytest.param("offfoofff", "HHHUUHHHU", id="it-falls-again-after-three"),
        pytest.param("ff", "??", id="too-few-failures-say-nothing"),
        pytest.param("fff", "??U", id="who-never-answers-is-unhealthy"),
        pytest.param("wwwww", "EEEEE", id="who-never-answered-as-expected-is-reported-not-removed"),
        pytest.param("wffwff", "EEEEEE", id="an-answer-in-between-is-one"),
        pytest.param("wwfff", "EEEEU", id="who-stops-to-answer-is-unhealthy"),
        pytest.param("wo", "EH", id="what-was-expected-at-last"),
        pytest.param("wowww", "EHHHU", id="and-then-no-more"),
        pytest.param("fffo", "??UU", id="one-is-not-enough-for-who-was-down-from-the-start"),
        pytest.param("fffoo", "??UUH", id="two-are"),
        pytest.param("fffww", "??UUE", id="wrong-answers-of-who-was-down-from-the-start"),
        pytest.param("fffwfw", "??UUUU", id="only-in-a-row"),
        pytest.param("fffow", "??UUE", id="an-answer-of-either-kind-is-one"),
        pytest.param("fffwwfff", "??UUEEEU", id="and-down-again"),
        pytest.param("fofff", "?HHHU", id="what-was-before-the-first-success-is-forgotten"),
    ],
)
def test_a_status_follows_from_the_checks(checks: str, statuses: str) -> None:
    """Two that are OK bring an instance back, three that are not take it out."""
    health = Health()
    found = []
    for letter in checks:
        health = note(health, LETTERS[letter])
        found.append(health.status)

    assert [STATUSES[letter] for letter in statuses] == found


@pytest.mark.parametrize(
    ("status", "fit"),
    [
        (Status.UNKNOWN, True),
        (Status.HEALTHY, True),
        (Status.UNEXPECTED, True),
        (Status.UNHEALTHY, False),
    ],
)
def test_only_who_is_unhealthy_is_left_out(status: Status, fit: bool) -> None:
    """Who is unknown or unexpected may be well."""
    assert fit is Health(status=status).fit


def test_nothing_is_known_at_first() -> None:
    """And nothing has been asked."""
    assert Health(Status.UNKNOWN, "", 0, 0, 0.0, 0.0, 0.0) == Health()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param((OK, OK), (2, 0), id="successes"),
        pytest.param((OK, WRONG, FAILED), (0, 2), id="failures-of-both-kinds"),
        pytest.param((WRONG, OK), (1, 0), id="a-success-ends-failures"),
        pytest.param((OK, OK, WRONG), (0, 1), id="a-failure-ends-successes"),
    ],
)
def test_it_counts_what_came_in_a_row(found: tuple[Outcome, ...], expected: tuple[int, int]) -> None:
    """For whoever looks."""
    health = after(*found)

    assert expected == (health.successes, health.failures)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        pytest.param((FAILED,), "1", id="why-it-failed"),
        pytest.param((OK, WRONG), "2", id="why-a-healthy-one-was-wrong"),
        pytest.param((OK, WRONG, OK), "", id="nothing-once-it-is-well"),
        pytest.param((OK, FAILED, FAILED, FAILED, OK), "4", id="why-it-is-still-unhealthy"),
        pytest.param((OK, FAILED, FAILED, FAILED, OK, OK), "", id="nothing-once-it-is-back"),
    ],
)
def test_a_reason_stands_as_long_as_something_is_wrong(found: tuple[Outcome, ...], reason: str) -> None:
    """The last one."""
    assert reason == after(*found).reason


def test_when_it_was_checked_and_when_that_changed_something() -> None:
    """Both by the clock on the wall."""
    health = Health()
    seen = []
    for now, outcome in enumerate([OK, OK, FAILED, FAILED, FAILED, FAILED, OK, OK], start=1):
        health = health.note(outcome, "", now, now / 10, HEALTHY_AFTER, UNHEALTHY_AFTER)
        seen.append((health.last_check, health.changed_at, health.response_time))

    assert [(now, changed, now / 10) for now, changed in enumerate([1, 1, 1, 1, 5, 5, 5, 8], start=1)] == seen


@given(outcomes)
def test_nobody_is_taken_out_who_answers(found: list[Outcome]) -> None:
    """As long as it was never healthy: the check may be the mistake."""
    health = Health()
    for outcome in found:
        health = note(health, WRONG if outcome is OK else outcome)
        if outcome is not FAILED and health.answers >= HEALTHY_AFTER:
            assert health.fit


@given(outcomes)
def test_so_many_of_a_kind_always_decide(found: list[Outcome]) -> None:
    """Whatever came before."""
    assert Status.HEALTHY is after(*found, *[OK] * HEALTHY_AFTER).status
    assert Status.UNHEALTHY is after(*found, *[FAILED] * UNHEALTHY_AFTER).status


@given(outcomes)
def test_the_last_one_never_turns_fitness_over_alone(found: list[Outcome]) -> None:
    """With thresholds above one, it takes two checks in a row to go out and to come back."""
    fits = [True]
    health = Health()
    for outcome in found:
        health = note(health, outcome)
        fits.append(health.fit)

    runs = "".join("+" if fit else "-" for fit in fits)
    assert "+-+" not in runs.strip("+")
    assert "-+-" not in runs


@given(outcomes)
def test_thresholds_of_one_follow_every_check(found: list[Outcome]) -> None:
    """For those who want it so."""
    health, proven = Health(), False
    for outcome in found:
        health = health.note(outcome, "", 0, 0, 1, 1)
        proven = proven or outcome is OK
        assert health.fit is (outcome is OK or (outcome is WRONG and not proven))


# ---- another check ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "status"),
    [
        pytest.param((), Status.UNKNOWN, id="unknown"),
        pytest.param((OK,), Status.UNKNOWN, id="healthy"),
        pytest.param((WRONG,), Status.UNKNOWN, id="unexpected"),
        pytest.param((FAILED,) * 3, Status.UNHEALTHY, id="unhealthy"),
    ],
)
def test_another_check_finds_who_is_fit_unknown(found: tuple[Outcome, ...], status: Status) -> None:
    """And leaves out who is not, until it has been answered."""
    health = after(*found)

    anew = health.asked_anew(100.0)

    assert (status, health.fit) == (anew.status, anew.fit)
    assert (0, 0, 0, False) == (anew.successes, anew.failures, anew.answers, anew.proven)
    assert health.last_check == anew.last_check
    assert (health.changed_at if status is health.status else 100.0) == anew.changed_at


def test_another_check_with_a_mistake_in_it_takes_nobody_away() -> None:
    """Its wrong answers are the first that this check gets."""
    health = after(OK, OK).asked_anew(3.0)

    for _ in range(10):
        health = note(health, WRONG)

    assert Status.UNEXPECTED is health.status


def test_who_is_unhealthy_comes_back_with_wrong_answers_to_another_check() -> None:
    """It has never answered this one as expected, but it answers."""
    health = after(OK, FAILED, FAILED, FAILED).asked_anew(5.0)
    assert "4" == health.reason

    statuses = [(health := note(health, WRONG)).status for _ in range(2)]

    assert [Status.UNHEALTHY, Status.UNEXPECTED] == statuses


def test_what_the_old_check_found_does_not_help_to_come_back() -> None:
    """Both of two have to be answers to the new one."""
    health = after(OK, FAILED, FAILED, FAILED, OK).asked_anew(6.0)

    statuses = [(health := note(health, OK)).status for _ in range(2)]

    assert [Status.UNHEALTHY, Status.HEALTHY] == statuses


def test_it_is_a_value() -> None:
    """Whoever has looked at it goes on seeing what was."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Health().reason = "other"  # type: ignore[misc]
