"""A service as it runs: who may be picked, and what is seen of its instances."""

import logging
from collections import Counter
from typing import Any

import pytest

from gatekeeper.core.clock import Wheel
from gatekeeper.core.errors import ClientGone, ConnectFailed, GatewayError, Reset
from gatekeeper.core.exchange import Attempt
from gatekeeper.core.instance import Instance
from gatekeeper.policy.balance import RoundRobin
from gatekeeper.policy.health import Health, Status
from gatekeeper.policy.outliers import Outlier, OutlierSettings
from gatekeeper.registry.services import COLD, LATENCY_DECAY, NO_OUTLIERS, Balancing, Member, Seat, Service
from gatekeeper.testing.clock import FakeClock
from gatekeeper.testing.exchange import make_exchange


SICK = Health(status=Status.UNHEALTHY)


class World:
    """A clock and a wheel that move together, and services in it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.wheel = Wheel(self.clock.monotonic())

    def service(
        self, *weights: int, warm: bool = True, seats: list[Seat] | None = None, **settings: Any
    ) -> Service:
        """A service in force with instances called a, b, c."""
        if seats is None:
            seats = [Seat(member(chr(ord("a") + index)), weight) for index, weight in enumerate(weights)]
        service = Service("users", seats, RoundRobin(), self.clock, self.wheel, **settings)
        service.enter(warm=warm)
        return service

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        self.clock.advance(seconds)
        self.wheel.advance(self.clock.monotonic())


def member(name: str) -> Member:
    return Member(Instance("users", name, "http", "192.0.2.1", 80), Outlier(NO_OUTLIERS))


@pytest.fixture
def world() -> World:
    return World()


def picked(service: Service, count: int = 12) -> dict[str, int]:
    """How often each instance is picked."""
    exchange = make_exchange()
    found = [service.pick(exchange, ()) for _ in range(count)]
    return dict(Counter(instance.id for instance in found if instance is not None))


def attempt(service: Service, name: str, error: GatewayError | None = None, **facts: Any) -> Attempt:
    """An attempt at an instance that has ended."""
    made = Attempt(make_exchange(), service.member(name).instance, 1, facts.pop("started", 0.0))
    made.status = 0 if error is not None else 200
    for fact, value in facts.items():
        setattr(made, fact, value)
    made.complete(error)
    service.observe(made)
    return made


def test_weights_count(world: World) -> None:
    """As the configuration says."""
    assert {"a": 9, "b": 3} == picked(world.service(3, 1))


def test_without_instances_nobody_is_picked(world: World) -> None:
    """And nothing is in flight."""
    service = world.service()

    assert {} == picked(service)
    assert 0 == service.in_flight


def test_a_service_that_is_not_in_force_has_changed_nothing() -> None:
    """Its members may be those of another one that is."""
    world = World()
    before = world.service(1, 1)

    Service("users", [Seat(before.member("a"), 7, "z", 3)], RoundRobin(), world.clock, world.wheel)

    assert (1, "", 0) == (before.member("a").weight, before.member("a").zone, before.member("a").priority)


def test_in_flight_is_that_of_all_instances(world: World) -> None:
    """From the beginning of an attempt to its end."""
    service = world.service(1, 1)
    attempts = [Attempt(make_exchange(), service.member(name).instance, 1, 0.0) for name in "aab"]

    assert 3 == service.in_flight
    for made in attempts:
        made.complete()
        made.complete()
    assert 0 == service.in_flight


@pytest.mark.parametrize(
    ("change", "state"),
    [({"disabled": True}, "disabled"), ({"draining": True}, "draining"), ({"weight": 0}, "fit")],
)
def test_an_operator_takes_an_instance_out(world: World, change: dict[str, Any], state: str) -> None:
    """Until the service is configured anew."""
    service = world.service(1, 1)

    changed = service.override("a", **change)

    assert {"b": 12} == picked(service)
    assert state == changed.state(world.clock.monotonic())
    later = world.service(seats=list(service.seats))
    assert {"a": 6, "b": 6} == picked(later)
    assert "fit" == changed.state(world.clock.monotonic())


def test_what_an_operator_does_not_mention_stays(world: World) -> None:
    """One thing after the other."""
    service = world.service(1, 1)
    service.override("a", weight=3)
    service.override("b", disabled=True)
    service.override("b", disabled=False, draining=True)
    service.override("b", draining=False)

    assert {"a": 9, "b": 3} == picked(service)


def test_an_instance_that_does_not_exist(world: World) -> None:
    """The message says which there are."""
    with pytest.raises(LookupError, match="service users has no instance c; it has a, b"):
        world.service(1, 1).override("c", weight=1)


def test_who_is_sick_is_left_out_until_it_is_well(world: World) -> None:
    """A refresh tells the balancer."""
    service = world.service(1, 1)
    service.member("a").health = SICK

    service.refresh(world.clock.monotonic())

    assert {"b": 12} == picked(service)
    assert "unhealthy" == service.member("a").state(world.clock.monotonic())
    service.member("a").health = Health()
    service.refresh(world.clock.monotonic())
    assert {"a": 6, "b": 6} == picked(service)


def test_zones_priorities_and_panic(world: World) -> None:
    """All three come from what the service says of its balancing."""
    seats = [Seat(member("a"), 1, "x"), Seat(member("b"), 1, "y"), Seat(member("c"), 1, "x", 1)]

    near = world.service(seats=seats, balancing=Balancing(prefer_zone="y"))
    assert {"b": 12} == picked(near)
    for name in "ab":
        near.member(name).health = SICK
    near.refresh(0.0)
    assert {"c": 12} == picked(near)
    brave = world.service(seats=seats, balancing=Balancing(panic_below=0.5))
    brave.member("c").health = SICK
    brave.refresh(0.0)
    assert {"a": 6, "b": 6} == picked(brave)


# ---- slow start -----------------------------------------------------------------------------------------------------


def share(service: Service, name: str) -> float:
    return picked(service, 1100).get(name, 0) / 1100


def test_who_becomes_fit_starts_slowly(world: World) -> None:
    """From a tenth of its weight to all of it, in twenty steps."""
    service = world.service(1, 1, balancing=Balancing(slow_start=20.0))
    assert {"a": 6, "b": 6} == picked(service)
    service.member("a").health = SICK
    service.refresh(world.clock.monotonic())
    service.member("a").health = Health()

    for _ in range(5):
        service.refresh(world.clock.monotonic())

    assert 1 == len(world.wheel)
    assert share(service, "a") == pytest.approx(COLD / (1 + COLD), abs=0.01)
    for _ in range(110):
        world.pass_by(0.1)
    assert share(service, "a") == pytest.approx(0.5 / 1.5, abs=0.03)
    for _ in range(110):
        world.pass_by(0.1)
    assert {"a": 6, "b": 6} == picked(service)
    assert 0 == len(world.wheel)


def test_who_joins_starts_slowly_and_who_was_there_does_not(world: World) -> None:
    """A reload is no reason for those that stay to begin anew."""
    balancing = Balancing(slow_start=10.0)
    before = world.service(1, balancing=balancing)

    seats = [*before.seats, Seat(member("b"))]
    after = world.service(seats=seats, warm=False, balancing=balancing)

    assert share(after, "b") == pytest.approx(COLD / (1 + COLD), abs=0.01)


# ---- what is seen ---------------------------------------------------------------------------------------------------


def test_latency_rises_at_once_and_falls_slowly(world: World) -> None:
    """Peak EWMA: after ten seconds of fast answers about two thirds of the way down."""
    service = world.service(1)
    instance = service.member("a").instance
    attempt(service, "a", started=1.0, first_byte=1.2)
    assert pytest.approx(0.2) == instance.latency
    attempt(service, "a", started=1.0, first_byte=2.0)
    assert pytest.approx(1.0) == instance.latency

    world.pass_by(LATENCY_DECAY)
    attempt(service, "a", started=1.0, first_byte=1.1)

    assert pytest.approx(0.1 + 0.9 * 0.3679, abs=1e-3) == instance.latency
    assert world.clock.monotonic() == instance.measured


def test_a_failure_says_nothing_of_latency(world: World) -> None:
    """There was no answer, or one that may have been quick because it is none."""
    service = world.service(1)

    attempt(service, "a", ConnectFailed())
    attempt(service, "a", started=1.0, first_byte=1.2, status=500)

    assert 0.0 == service.member("a").instance.latency


SETTINGS = OutlierSettings(consecutive_failures=3, eject_for=30.0)


def test_who_fails_is_ejected_for_a_while(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """And comes back by itself."""
    service = world.service(1, 1, outliers=SETTINGS)
    attempt(service, "a", Reset())
    attempt(service, "a", status=503)
    assert {"a": 6, "b": 6} == picked(service)

    with caplog.at_level(logging.WARNING):
        attempt(service, "a", ConnectFailed())

    assert {"b": 12} == picked(service)
    assert "ejected" == service.member("a").state(world.clock.monotonic())
    assert ["users: a is ejected for 30 s: its answers fail"] == caplog.messages
    for _ in range(302):
        world.pass_by(0.1)
    assert {"a": 6, "b": 6} == picked(service)


def test_only_half_of_the_instances_are_ejected(world: World) -> None:
    """Where everybody fails it is not the fault of one."""
    service = world.service(1, 1, outliers=SETTINGS)
    for name in "ab" * 5:
        attempt(service, name, Reset())

    assert {"b": 12} == picked(service)


@pytest.mark.parametrize("settings", [None, OutlierSettings(consecutive_failures=None)])
def test_nobody_is_ejected_where_that_is_off(world: World, settings: OutlierSettings | None) -> None:
    """Switched off as a whole, or the counting of it."""
    service = world.service(1, 1, outliers=settings)
    for _ in range(9):
        attempt(service, "a", Reset())

    assert {"a": 6, "b": 6} == picked(service)


def test_an_ejection_outlives_a_reload_but_not_its_end(world: World) -> None:
    """Other settings hold from the reload on; where ejection is switched off, nobody stays out."""
    before = world.service(1, 1, outliers=SETTINGS)
    for _ in range(3):
        attempt(before, "a", Reset())

    after = world.service(seats=list(before.seats), outliers=OutlierSettings(consecutive_failures=1))
    assert {"b": 12} == picked(after)
    assert 1 == after.member("a").outlier.settings.consecutive_failures
    off = world.service(seats=list(before.seats))
    assert {"a": 6, "b": 6} == picked(off)


def test_who_was_ejected_comes_back_in_spite_of_a_reload(world: World) -> None:
    """The configuration that was in force then hears of its end no more."""
    before = world.service(1, 1, outliers=SETTINGS)
    for _ in range(3):
        attempt(before, "a", Reset())

    after = world.service(seats=list(before.seats), outliers=SETTINGS)
    for _ in range(302):
        world.pass_by(0.1)

    assert {"a": 6, "b": 6} == picked(after)


def test_who_was_ejected_comes_back_after_the_loop_was_held(world: World) -> None:
    """A failure is noted before the wheel moves on: its timers are early then."""
    service = world.service(1, 1, outliers=SETTINGS)
    world.clock.advance(5)
    for _ in range(3):
        attempt(service, "a", Reset())
    for _ in range(299):
        world.pass_by(0.1)
    assert {"b": 12} == picked(service)

    for _ in range(3):
        world.pass_by(0.1)

    assert {"a": 6, "b": 6} == picked(service)


def test_two_that_are_ejected_come_back_one_after_the_other(world: World) -> None:
    """Each when its time is over."""
    service = world.service(1, 1, 1, 1, outliers=SETTINGS)
    for name in "ab":
        for _ in range(3):
            attempt(service, name, Reset())
        for _ in range(100):
            world.pass_by(0.1)
    assert {"c": 6, "d": 6} == picked(service)

    for _ in range(102):
        world.pass_by(0.1)
    assert {"a": 4, "c": 4, "d": 4} == picked(service)
    for _ in range(100):
        world.pass_by(0.1)
    assert {"a": 3, "b": 3, "c": 3, "d": 3} == picked(service)


@pytest.mark.parametrize(
    ("error", "facts"), [(ClientGone(), {}), (None, {"status": 404}), (None, {"status": 500})]
)
def test_what_is_not_the_fault_of_an_instance_ejects_nobody(
    world: World, error: GatewayError | None, facts: dict[str, Any]
) -> None:
    """A client that left, an answer that is one."""
    service = world.service(1, 1, outliers=OutlierSettings(consecutive_failures=1))

    attempt(service, "a", error, **facts)

    assert {"a": 6, "b": 6} == picked(service)


def test_an_attempt_may_end_under_another_configuration(world: World) -> None:
    """Its failures count where its instance is a member now."""
    before = world.service(1, 1, outliers=SETTINGS)
    after = world.service(seats=list(before.seats), outliers=SETTINGS)

    for _ in range(3):
        attempt(before, "a", Reset())

    assert {"b": 12} == picked(after)


def test_an_attempt_at_an_instance_that_has_gone_is_nobodys(world: World) -> None:
    """It was begun under a configuration that had it."""
    service = world.service(1, outliers=SETTINGS)
    made = Attempt(make_exchange(), member("z").instance, 1, 0.0)
    made.complete(Reset())

    service.observe(made)

    assert {"a": 12} == picked(service)


def test_what_is_shown_in_logs(world: World) -> None:
    """Names and numbers."""
    service = world.service(2)

    assert "<Service users 1 instances 0 in flight>" == repr(service)
    assert "<Member a weight 2 unknown>" == repr(service.member("a"))
    assert None is service.answered
