"""What the checks of an instance say about its health.

A check has one of three outcomes. An instance that answers as expected is healthy, one that does not answer is not.
What lies between is a wrong answer: from an instance that was healthy before, it is a failure; from one that never was,
it says more about the check than about the instance. An application without a page for health checks must not go dark
because somebody wrote its address down, so such an instance is reported and goes on being asked (`UNEXPECTED`).
"""

import enum

import attrs


class Outcome(enum.StrEnum):
    """What one check has found."""

    OK = "ok"
    WRONG = "wrong"
    """It answered, but not as expected."""
    FAILED = "failed"
    """It did not answer, or said of itself that it is unfit."""


class Status(enum.StrEnum):
    """What is known of an instance."""

    UNKNOWN = "unknown"
    """Not checked yet, or not often enough."""
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNEXPECTED = "unexpected"
    """It answers, but has never answered as expected."""


@attrs.frozen
class Health:
    """What the checks so far say. It is a value: `note` returns the next one.

    `reason` is why the last check that was not OK was not; it is empty for an instance that is well. `last_check` and
    `changed_at` are seconds since the epoch, 0 where there was none; `response_time` is that of the last check, in
    seconds.
    """

    status: Status = Status.UNKNOWN
    reason: str = ""
    successes: int = 0
    """Checks in a row that were OK."""
    failures: int = 0
    """Checks in a row that were not."""
    last_check: float = 0.0
    response_time: float = 0.0
    changed_at: float = 0.0
    """When the status became what it is."""
    proven: bool = False
    """Whether it has ever been healthy, as far as this check can tell."""
    answers: int = 0
    """Checks in a row that were answered, rightly or wrongly; below zero, that were not."""

    @property
    def fit(self) -> bool:
        """Whether requests may be sent to it: nobody is left out on a guess."""
        return self.status is not Status.UNHEALTHY

    def note(
        self,
        outcome: Outcome,
        reason: str,
        now_wall: float,
        response_time: float,
        healthy_after: int,
        unhealthy_after: int,
    ) -> "Health":
        """Take one more check into account.

        It is healthy with the first check that is OK; once it was unhealthy, with `healthy_after` in a row. It is
        unhealthy after `unhealthy_after` in a row that were not OK, or, while it never was healthy, that were not
        answered. If it comes back from there with wrong answers only, `healthy_after` of them make it unexpected.
        """
        ok = outcome is Outcome.OK
        successes = self.successes + 1 if ok else 0
        failures = 0 if ok else self.failures + 1
        answers = min(self.answers, 0) - 1 if outcome is Outcome.FAILED else max(self.answers, 0) + 1
        status = self.status
        if ok:
            if status is not Status.UNHEALTHY or successes >= healthy_after:
                status = Status.HEALTHY
        elif (failures if self.proven else -answers) >= unhealthy_after:
            status = Status.UNHEALTHY
        elif (
            outcome is Outcome.WRONG
            and not self.proven
            and (status is not Status.UNHEALTHY or answers >= healthy_after)
        ):
            status = Status.UNEXPECTED
        well = status is Status.HEALTHY
        return Health(
            status=status,
            reason=reason if not ok else "" if well else self.reason,
            successes=successes,
            failures=failures,
            last_check=now_wall,
            response_time=response_time,
            changed_at=self.changed_at if status is self.status else now_wall,
            proven=self.proven or well,
            answers=answers,
        )

    def asked_anew(self, now_wall: float) -> "Health":
        """Forget what only the old check could tell, because from now on another one is made.

        Whoever is unfit stays so until the new check has been answered; whoever is fit has nothing to prove, so that a
        new check with a mistake in it takes no instance away.
        """
        if self.status is Status.UNHEALTHY:
            return attrs.evolve(self, successes=0, failures=0, proven=False, answers=0)
        changed_at = self.changed_at if self.status is Status.UNKNOWN else now_wall
        return Health(last_check=self.last_check, changed_at=changed_at)
