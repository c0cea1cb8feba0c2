"""A service as it runs: who of its instances may be asked, who is next, and what is seen of them.

Rare things (a check, an ejection, a weight that an operator sets) end in `refresh`, which tells the balancer who may be
picked; the way of a request meets the balancer alone.
"""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Final, Literal

import attrs

from gatekeeper.core.clock import Clock, Timer, Wheel
from gatekeeper.core.exchange import Attempt
from gatekeeper.core.instance import Instance
from gatekeeper.policy.balance import Balancer, Choice
from gatekeeper.policy.fitness import Candidate, eligible
from gatekeeper.policy.health import Health
from gatekeeper.policy.outliers import Outlier, OutlierSettings, is_failure, may_eject
from gatekeeper.registry.health import Probe


log = logging.getLogger(__name__)

LATENCY_DECAY: Final = 10.0
"""Seconds after which an answer counts about a third (1/e) in the latency of its instance."""
WARM_STEPS: Final = 20
"""In how many steps a slow start goes up."""
COLD: Final = 0.1
"""What part of its weight an instance has when its slow start begins."""

NO_OUTLIERS: Final = OutlierSettings(consecutive_failures=None, failure_rate=None)
"""Nobody is ejected."""

State = Literal["fit", "unhealthy", "ejected", "draining", "disabled"]


@attrs.frozen
class Check:
    """How the instances of a service are asked whether they are well. Times are in seconds."""

    probe: Probe
    every: float = 30.0
    timeout: float = 5.0
    healthy_after: int = 2
    unhealthy_after: int = 3
    kind: str = "http"


@attrs.frozen
class Balancing:
    """Who of several may be picked: see `gatekeeper.policy.fitness`. `slow_start` is in seconds."""

    kind: str = "round_robin"
    slow_start: float = 0.0
    panic_below: float = 0.0
    prefer_zone: str = ""


class Member:
    """An instance in its service. It lives on through reloads as long as its id and its address stay."""

    __slots__ = (
        "disabled",
        "draining",
        "fit_since",
        "health",
        "instance",
        "outlier",
        "priority",
        "service",
        "was_fit",
        "weight",
        "zone",
    )

    def __init__(self, instance: Instance, outlier: Outlier) -> None:
        self.instance: Final = instance
        self.weight = 1
        self.zone = ""
        self.priority = 0
        self.health = Health()
        self.outlier = outlier
        self.disabled = False
        self.draining = False
        self.was_fit = False
        self.service: Service | None = None
        """Where it is a member now: an attempt may end under another configuration than it began."""
        self.fit_since = -math.inf
        """When it last became fit (`Clock.monotonic`); for ever, if it was from the start."""

    def state(self, now: float) -> State:
        """Whether it may be asked, and if not, why."""
        if self.disabled:
            return "disabled"
        if self.draining:
            return "draining"
        if not self.health.fit:
            return "unhealthy"
        return "ejected" if now < self.outlier.ejected_until else "fit"

    def __repr__(self) -> str:
        return f"<Member {self.instance.id} weight {self.weight} {self.health.status.value}>"


@attrs.frozen
class Seat:
    """What a configuration says of a member; it holds from the moment when that comes into force."""

    member: Member
    weight: int = 1
    zone: str = ""
    priority: int = 0


class Service:
    """A named group of equal instances. `settings` is what it was made of: equal settings, and it lives on."""

    __slots__ = (
        "_answer",
        "_clock",
        "_members",
        "_outliers",
        "_seats",
        "_timer",
        "_wheel",
        "balancer",
        "balancing",
        "check",
        "in_force",
        "name",
        "pick",
        "settings",
    )

    def __init__(
        self,
        name: str,
        seats: Sequence[Seat],
        balancer: Balancer,
        clock: Clock,
        wheel: Wheel,
        *,
        balancing: Balancing = Balancing(),
        check: Check | None = None,
        outliers: OutlierSettings | None = None,
        settings: object = None,
    ) -> None:
        self.name: Final = name
        self.balancer: Final = balancer
        self.balancing: Final = balancing
        self.check: Final = check
        self.settings: Final = settings
        self.in_force = False
        self.pick: Final = balancer.pick
        self._seats = tuple(seats)
        self._members = {seat.member.instance.id: seat.member for seat in seats}
        self._outliers = outliers
        self._clock = clock.monotonic
        self._wheel = wheel
        self._timer: Timer | None = None
        self._answer: Callable[..., object] | None = getattr(balancer, "answer", None)

    @property
    def members(self) -> tuple[Member, ...]:
        """Its instances, in the order they were written."""
        return tuple(self._members.values())

    @property
    def seats(self) -> tuple[Seat, ...]:
        """Its instances with what the configuration says of them."""
        return self._seats

    @property
    def in_flight(self) -> int:
        """Attempts under way at all instances."""
        return sum(member.instance.in_flight for member in self._members.values())

    @property
    def answered(self) -> Callable[..., object] | None:
        """What the balancer does with answers, if anything."""
        return self._answer

    def member(self, instance_id: str) -> Member:
        """The member of this id.

        Raises:
            LookupError: there is none.

        """
        try:
            return self._members[instance_id]
        except KeyError:
            known = ", ".join(self._members) or "none"
            raise LookupError(f"service {self.name} has no instance {instance_id}; it has {known}") from None

    def enter(self, *, warm: bool) -> None:
        """Come into force: what the configuration says holds, and what an operator said does no more.

        With `warm`, members that are new begin with their whole weight.
        """
        self.in_force = True
        now = self._clock()
        for seat in self._seats:
            member = seat.member
            member.service = self
            member.weight, member.zone, member.priority = seat.weight, seat.zone, seat.priority
            member.disabled = member.draining = False
            member.outlier.settings = self._outliers or NO_OUTLIERS
            if self._outliers is None:
                member.outlier.release(now)
            if warm:
                member.was_fit = True
        self.refresh(now)

    def override(
        self,
        instance_id: str,
        *,
        weight: int | None = None,
        draining: bool | None = None,
        disabled: bool | None = None,
    ) -> Member:
        """Change what is said of an instance, until the next configuration that changes this service.

        Raises:
            LookupError: there is no such instance.

        """
        member = self.member(instance_id)
        member.weight = member.weight if weight is None else weight
        member.draining = member.draining if draining is None else draining
        member.disabled = member.disabled if disabled is None else disabled
        self.refresh(self._clock())
        return member

    def refresh(self, now: float) -> None:
        """Tell the balancer who may be picked, after something has changed."""
        members = self.members
        slow_start = self.balancing.slow_start
        candidates = []
        waits = []
        for member in members:
            ejected_for = member.outlier.ejected_until - now
            if ejected_for > 0:
                waits.append(ejected_for)
            fit = member.health.fit and ejected_for <= 0
            if fit and not member.was_fit:
                member.fit_since = now
            member.was_fit = fit
            warmth = 1.0
            if slow_start and fit and now - member.fit_since < slow_start:
                warmth = max(COLD, (now - member.fit_since) / slow_start)
                waits.append(slow_start / WARM_STEPS)
            enabled = not (member.disabled or member.draining)
            candidates.append(Candidate(member.weight, member.priority, member.zone, enabled, fit, warmth))
        chosen = eligible(
            candidates, panic_below=self.balancing.panic_below, prefer_zone=self.balancing.prefer_zone
        )
        self.balancer.update([Choice(members[index].instance, weight) for index, weight in chosen])
        if self._timer is not None:
            self._timer.cancel()
        # set anew each time: an ejection may have begun under another configuration, and a wheel that stood still while
        # the loop was held is early
        self._timer = self._wheel.add(min(waits), self._refresh_now) if waits else None

    def _refresh_now(self) -> None:
        self.refresh(self._clock())

    def observe(self, attempt: Attempt) -> None:
        """Take note of an attempt that has ended."""
        instance = attempt.instance
        now = self._clock()
        # who fails fast must not look like who is fast
        if attempt.first_byte and attempt.status < 500:
            _note_latency(instance, attempt.first_byte - attempt.started, now)
        settings = self._outliers
        if settings is None:
            return
        failed = is_failure(attempt.error, attempt.status, settings.failures)
        member = self._members.get(instance.id)
        if failed is not None and member is not None and member.outlier.note(failed, now):
            self._eject(member, settings, now)

    def _eject(self, member: Member, settings: OutlierSettings, now: float) -> None:
        members = self._members.values()
        ejected = sum(now < other.outlier.ejected_until for other in members)
        if not may_eject(ejected, len(members), settings.eject_at_most):
            return
        until = member.outlier.eject(now)
        log.warning(
            "%s: %s is ejected for %g s: its answers fail",
            self.name,
            member.instance.id,
            until - now,
            extra={"service": self.name, "instance": member.instance.id, "seconds": round(until - now, 3)},
        )
        (member.service or self).refresh(now)

    def __repr__(self) -> str:
        return f"<Service {self.name} {len(self._members)} instances {self.in_flight} in flight>"


def _note_latency(instance: Instance, seconds: float, now: float) -> None:
    """Take an answer into the latency: a slower one at once, faster ones little by little ("peak EWMA")."""
    if seconds >= instance.latency:
        instance.latency = seconds
    else:
        old = math.exp((instance.measured - now) / LATENCY_DECAY)
        instance.latency = instance.latency * old + seconds * (1 - old)
    instance.measured = now
