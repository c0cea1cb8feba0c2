"""The checks of instances, one after the other; time is moved by hand. CBR and UPS rows are of reliability.md."""

import asyncio
import errno
import logging
import random
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from gatekeeper.core.exchange import Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.policy.balance import Choice
from gatekeeper.policy.health import Health, Outcome, Status
from gatekeeper.policy.outliers import Outlier
from gatekeeper.registry.health import PARALLEL, HealthChecks, Probe, Unexpected, Unfit, reason_of
from gatekeeper.registry.probes import HttpProbe, HttpProbeConfig, TcpProbe, TcpProbeConfig
from gatekeeper.registry.services import Check, Member, Seat, Service
from gatekeeper.testing import FIN, HANG, FakeClock, StartOrigin, Surroundings, answer


OK, WRONG, FAILED = Outcome.OK, Outcome.WRONG, Outcome.FAILED


class Passing:
    """Sleeping that ends when the test says so: `sleep`, and `by` to let time go by."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.asked: list[float] = []
        self._due: list[tuple[float, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._due.append((self.clock.monotonic() + seconds, waiter))
        await waiter

    async def by(self, seconds: float) -> None:
        """Let time go by, with everything that happens in it."""
        end = self.clock.monotonic() + seconds
        await settle()
        while True:
            self._due = [(due, waiter) for due, waiter in self._due if not waiter.done()]
            due, waiter = min(self._due, default=(end + 1, None), key=lambda entry: entry[0])
            if waiter is None or due > end:
                break
            self.clock.advance(max(0.0, due - self.clock.monotonic()))
            waiter.set_result(None)
            await settle()
        self.clock.advance(max(0.0, end - self.clock.monotonic()))


async def settle() -> None:
    """Let everything happen that waits for nothing."""
    for _ in range(20):
        await asyncio.sleep(0)


class Picker:
    """A balancer that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []

    def update(self, choices: Sequence[Choice]) -> None:
        self.told.append([choice.instance.id for choice in choices])

    def pick(self, exchange: Exchange, tried: Sequence[Instance]) -> Instance | None:
        raise NotImplementedError


@attrs.define(eq=False)
class Script:
    """A probe that finds what the test says: by default nothing wrong."""

    clock: FakeClock
    asked: list[tuple[float, str]] = attrs.field(factory=list)
    found: dict[str, BaseException | None] = attrs.field(factory=dict)
    takes: float = 0.0
    gate: asyncio.Event | None = None
    running: int = 0
    most: int = 0

    async def __call__(self, instance: Instance, /) -> None:
        self.asked.append((self.clock.monotonic(), instance.id))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.gate is not None:
                await self.gate.wait()
            self.clock.advance(self.takes)
            error = self.found.get(instance.id)
            if error is not None:
                raise error
        finally:
            self.running -= 1


class Fixed(random.Random):
    """Not random."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def random(self) -> float:
        return self.number


class Bench:
    """Checks with everything round them."""

    def __init__(self, number: float = 0.0) -> None:
        self.surroundings = Surroundings()
        self.clock = self.surroundings.fake_clock
        self.passing = Passing(self.clock)
        self.probe = Script(self.clock)
        self.told: list[tuple[str, str, Status, Status]] = []
        self.checks = HealthChecks(
            self.clock,
            Fixed(number),
            self.surroundings.spawn,
            self.surroundings.metrics,
            self.tell,
            sleep=self.passing.sleep,
        )

    def tell(self, service: Service, member: Member, before: Health) -> None:
        self.told.append((service.name, member.instance.id, before.status, member.health.status))

    def check(self, probe: Probe | None = None, **options: Any) -> Check:
        return Check(probe or self.probe, **{"every": 10.0, **options})

    def member(self, instance_id: str, port: int = 80) -> Member:
        return Member(Instance("shop", instance_id, "http", "192.0.2.1", port), Outlier())

    def service(self, *members: Member | str, check: Check | None = None, name: str = "shop") -> Service:
        """A service of these members, with a check unless there is none to be."""
        seats = [Seat(self.member(member) if isinstance(member, str) else member) for member in members]
        picker = Picker()
        service = Service(name, seats, picker, self.clock, self.clock.wheel, check=check)
        service.enter(warm=True)
        picker.told.clear()
        return service

    def value(self, name: str, *labels: str) -> float | None:
        """What a metric says of these labels."""
        samples = self.surroundings.metrics.snapshot()[name]["samples"]
        values = {tuple(sample["labels"].values()): sample["value"] for sample in samples}
        found: float | None = values.get(labels)
        return found


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged of changes."""
    return [record.getMessage() for record in caplog.records if record.name == "gatekeeper.registry.health"]


def told(service: Service) -> list[list[str]]:
    """What the balancer of a service was told."""
    assert isinstance(service.balancer, Picker)
    return service.balancer.told


def only(service: Service) -> Member:
    (member,) = service.members
    return member


@asynccontextmanager
async def bench(number: float = 0.0) -> AsyncIterator[Bench]:
    """One that is closed."""
    made = Bench(number)
    try:
        yield made
    finally:
        await made.checks.close()


def times(probe: Script, instance_id: str = "a") -> list[float]:
    """When it was asked, after the start of the clock."""
    return [round(at - 1000.0, 6) for at, asked in probe.asked if asked == instance_id]


# ---- when ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "every", "expected"),
    [
        pytest.param(0.0, 10.0, [0.0, 9.0, 18.0], id="the-earliest"),
        pytest.param(0.5, 10.0, [0.5, 10.5, 20.5], id="in-the-middle"),
        pytest.param(1.0, 10.0, [1.0, 12.0, 23.0], id="the-latest"),
        pytest.param(0.5, 0.2, [0.1, 0.3, 0.5], id="the-first-within-the-interval"),
    ],
)
async def test_checks_are_spread(number: float, every: float, expected: list[float]) -> None:
    """CBR-15: the first within a second, further ones a tenth early or late."""
    async with bench(number) as made:
        made.checks.apply([made.service("a", check=made.check(every=every))])
        await made.passing.by(expected[-1] + 0.01)

        assert expected == times(made.probe)


async def test_all_members_of_all_services_are_checked() -> None:
    """Each by its own service's check."""
    async with bench() as made:
        other = Script(made.clock)
        first = made.service("a", "b", check=made.check())
        second = made.service("a", check=made.check(other, every=5.0), name="users")
        made.checks.apply([first, second])
        await made.passing.by(9)

        assert [(1000.0, "a"), (1000.0, "b"), (1009.0, "a"), (1009.0, "b")] == made.probe.asked
        assert [0.0, 4.5, 9.0] == times(other)


async def test_the_next_check_waits_for_the_one_before() -> None:
    """CBR-15: a slow one is not overtaken; its time counts from its end."""
    async with bench() as made:
        made.probe.gate = asyncio.Event()
        made.checks.apply([made.service("a", check=made.check(every=1.0, timeout=3600.0))])
        await made.passing.by(60)
        assert [0.0] == times(made.probe)

        made.probe.gate.set()
        await made.passing.by(0.9)

        assert [0.0, 60.9] == times(made.probe)


# ---- what is found ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        pytest.param(None, OK, "", id="nothing"),
        pytest.param(Unexpected("404 on /health"), WRONG, "404 on /health", id="unexpected"),
        pytest.param(Unfit("503 on /health"), FAILED, "503 on /health", id="unfit"),
        pytest.param(
            ConnectionRefusedError(errno.ECONNREFUSED, "x"), FAILED, "connection refused", id="refused"
        ),
        pytest.param(TimeoutError("own"), FAILED, "TimeoutError: own", id="a-time-that-is-not-ours"),
        pytest.param(KeyError("x"), FAILED, "KeyError: 'x'", id="a-mistake-in-a-probe"),
        pytest.param(Unexpected(), WRONG, "not as expected", id="unexpected-without-words"),
        pytest.param(Unfit(), FAILED, "unfit", id="unfit-without-words"),
        pytest.param(
            asyncio.CancelledError(), FAILED, "the probe was cancelled", id="what-the-probe-waited-for"
        ),
        pytest.param(Unexpected("x" * 300), WRONG, "x" * 197 + "...", id="a-long-story"),
        pytest.param(Unfit("x" * 200), FAILED, "x" * 200, id="one-that-is-not-too-long"),
        pytest.param(ValueError("x" * 300), FAILED, "ValueError: " + "x" * 185 + "...", id="a-long-mistake"),
    ],
)
async def test_what_a_probe_raises_is_what_is_found(
    error: BaseException | None, outcome: Outcome, reason: str
) -> None:
    """Whatever it is."""
    async with bench() as made:
        service = made.service("a", check=made.check())
        made.checks.apply([service])
        made.probe.found["a"] = error

        assert [(only(service), outcome, reason)] == await made.checks.check_now(service)


async def test_no_answer_in_time_is_a_failure() -> None:
    """UPS-02: and the check is over."""
    async with bench() as made:
        made.probe.gate = asyncio.Event()
        service = made.service("a", check=made.check(timeout=0.01))
        made.checks.apply([service])

        assert [(only(service), FAILED, "no answer within 0.01s")] == await made.checks.check_now(service)
        assert 0 == made.probe.running


async def test_what_goes_wrong_when_the_time_is_over_is_not_the_reason() -> None:
    """That it is over is."""

    async def clumsy(_: Instance, /) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("cleaning up")

    async with bench() as made:
        service = made.service("a", check=made.check(clumsy, timeout=0.01))
        made.checks.apply([service])

        assert [(only(service), FAILED, "no answer within 0.01s")] == await made.checks.check_now(service)


async def test_a_probe_that_was_cancelled_is_asked_again() -> None:
    """Or nobody would notice that the checks have ended."""
    async with bench() as made:
        made.probe.found["a"] = asyncio.CancelledError()
        made.checks.apply([made.service("a", check=made.check())])
        await made.passing.by(18)

        assert [0.0, 9.0, 18.0] == times(made.probe)


async def test_what_is_found_is_noted() -> None:
    """When it was, and how long it took."""
    async with bench() as made:
        made.probe.takes = 0.25
        service = made.service("a", check=made.check())
        made.checks.apply([service])
        await made.passing.by(0)

        health = only(service).health
        assert (Status.HEALTHY, 1_700_000_000.25) == (health.status, health.last_check)
        assert health.response_time == pytest.approx(0.25)


async def test_thresholds_are_those_of_the_check() -> None:
    """CBR-15: both of them."""
    async with bench() as made:
        service = made.service("a", check=made.check(healthy_after=3, unhealthy_after=2))
        made.checks.apply([service])
        statuses = []
        for error in (None, Unfit("x"), Unfit("x"), None, None, None):
            made.probe.found["a"] = error
            await made.checks.check_now(service)
            statuses.append(only(service).health.status)

        healthy, unhealthy = Status.HEALTHY, Status.UNHEALTHY
        assert [healthy, healthy, unhealthy, unhealthy, unhealthy, healthy] == statuses


# ---- who hears of it ----------------------------------------------------------------------------------------------


async def test_the_balancer_hears_of_who_is_unfit_and_fit_again() -> None:
    """And of nothing else."""
    async with bench() as made:
        service = made.service("a", "b", check=made.check(unhealthy_after=2))
        made.checks.apply([service])
        await made.passing.by(20)
        assert [] == told(service)

        made.probe.found["a"] = Unfit("x")
        await made.passing.by(30)
        assert [["b"]] == told(service)

        del made.probe.found["a"]
        await made.passing.by(30)
        assert [["b"], ["a", "b"]] == told(service)


async def test_the_balancer_hears_what_is_true_now() -> None:
    """Who was ejected a while ago is not any more."""
    async with bench() as made:
        service = made.service("a", check=made.check(unhealthy_after=1))
        only(service).outlier.eject(made.clock.monotonic() - 50)
        made.checks.apply([service])
        for error in (Unfit("x"), None):
            made.probe.found["a"] = error
            await made.passing.by(30)

        assert [[], ["a"]] == told(service)


async def test_a_change_is_told_once() -> None:
    """With what was before."""
    async with bench() as made:
        service = made.service("a", check=made.check(unhealthy_after=2))
        made.checks.apply([service])
        for error in (Unexpected("x"), None, Unfit("x")):
            made.probe.found["a"] = error
            await made.passing.by(40)

        assert [
            ("shop", "a", Status.UNKNOWN, Status.UNEXPECTED),
            ("shop", "a", Status.UNEXPECTED, Status.HEALTHY),
            ("shop", "a", Status.HEALTHY, Status.UNHEALTHY),
        ] == made.told


async def test_a_change_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """A check is none."""
    caplog.set_level(logging.DEBUG, "gatekeeper")
    async with bench() as made:
        service = made.service("a", check=made.check(unhealthy_after=2))
        made.checks.apply([service])
        for error in (Unexpected("404 on /health"), None, Unfit("503 on /health"), None):
            made.probe.found["a"] = error
            await made.passing.by(40)

    assert [
        ("WARNING", "shop: a is unexpected: 404 on /health", "404 on /health"),
        ("INFO", "shop: a is healthy", None),
        ("WARNING", "shop: a is unhealthy: 503 on /health", "503 on /health"),
        ("INFO", "shop: a is healthy", None),
    ] == [
        (record.levelname, record.getMessage(), getattr(record, "reason", None))
        for record in caplog.records
        if record.name == "gatekeeper.registry.health"
    ]
    assert {("shop", "a")} == {
        (getattr(record, "service", None), getattr(record, "instance", None))
        for record in caplog.records
        if record.name == "gatekeeper.registry.health"
    }


async def test_metrics_count_checks_and_say_who_is_fit() -> None:
    """By service and instance."""
    async with bench() as made:
        service = made.service("a", check=made.check(unhealthy_after=2))
        made.checks.apply([service])
        assert 1 == made.value("gatekeeper_instance_fit", "shop", "a")

        for error in (None, Unexpected("x"), Unfit("x"), Unfit("x")):
            made.probe.found["a"] = error
            await made.checks.check_now(service)

        assert 0 == made.value("gatekeeper_instance_fit", "shop", "a")
        assert [1, 1, 2] == [
            made.value("gatekeeper_health_checks_total", "shop", "a", outcome) for outcome in Outcome
        ]

        made.probe.found.clear()
        for _ in range(2):
            await made.checks.check_now(service)
        assert 1 == made.value("gatekeeper_instance_fit", "shop", "a")


async def test_who_fails_to_hear_does_not_end_the_checks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and they go on."""

    def fail(*_: object) -> None:
        raise RuntimeError("told too much")

    made = Bench()
    monkeypatch.setattr(made, "tell", fail)
    made.checks = HealthChecks(
        made.clock,
        Fixed(0.0),
        made.surroundings.spawn,
        made.surroundings.metrics,
        fail,
        sleep=made.passing.sleep,
    )
    service = made.service("a", check=made.check(unhealthy_after=2))
    made.checks.apply([service])
    await made.passing.by(9)
    made.probe.found["a"] = Unfit("x")
    await made.passing.by(18)
    await made.checks.close()

    assert [0.0, 9.0, 18.0, 27.0] == times(made.probe)
    assert Status.UNHEALTHY is only(service).health.status
    assert [[]] == told(service)
    failures = [record for record in caplog.records if record.exc_info]
    assert ["shop: the change of a to healthy failed", "shop: the change of a to unhealthy failed"] == [
        record.getMessage() for record in failures
    ]


# ---- a reload -----------------------------------------------------------------------------------------------------


async def test_an_equal_check_goes_on_undisturbed() -> None:
    """No burst of checks at a reload: CBR-05."""
    async with bench() as made:
        old = made.service("a", check=made.check())
        made.checks.apply([old])
        await made.passing.by(5)

        new = old
        for _ in range(5):
            new = made.service(*old.members, check=made.check())
            made.checks.apply([new])
            await made.passing.by(0.5)
        assert [0.0] == times(made.probe)
        await made.passing.by(1.5)
        assert [0.0, 9.0] == times(made.probe)

        made.probe.found["a"] = Unfit("x")
        await made.passing.by(30)
        assert [[]] == told(new), "the service of now"
        assert [] == told(old), "not that of before"


@attrs.frozen
class Versioned:
    """Probes that are equal, though they are not the same."""

    version: int = attrs.field(eq=False)
    asked: list[int] = attrs.field(factory=list, eq=False)

    async def __call__(self, instance: Instance, /) -> None:
        self.asked.append(self.version)


async def test_of_equal_probes_the_newer_one_asks() -> None:
    """It may hold a certificate that was read anew."""
    async with bench() as made:
        old = Versioned(1)
        service = made.service("a", check=made.check(old))
        made.checks.apply([service])
        await made.passing.by(5)
        made.checks.apply([made.service(*service.members, check=made.check(Versioned(2, old.asked)))])
        await made.passing.by(5)

        assert [1, 2] == old.asked


async def test_who_is_new_is_checked_soon() -> None:
    """The others wait for their turn."""
    async with bench() as made:
        old = made.service("a", check=made.check())
        made.checks.apply([old])
        await made.passing.by(5)

        made.checks.apply([made.service(*old.members, "b", check=made.check())])
        await made.passing.by(1)

        assert ([0.0], [5.0]) == (times(made.probe), times(made.probe, "b"))


async def test_who_has_gone_is_not_checked_any_more() -> None:
    """Nor counted; a check that is under way is given up."""
    async with bench() as made:
        made.probe.gate = asyncio.Event()
        old = made.service("a", "b", check=made.check())
        made.checks.apply([old])
        await made.passing.by(5)
        assert 2 == made.probe.running

        made.checks.apply([made.service(old.members[0], check=made.check())])
        await settle()
        assert 1 == made.probe.running
        made.probe.gate.set()
        await made.passing.by(10)

        assert ([0.0, 14.0], [0.0]) == (times(made.probe), times(made.probe, "b"))
        assert [1, None] == [made.value("gatekeeper_instance_fit", "shop", name) for name in "ab"]
        assert [2, None] == [
            made.value("gatekeeper_health_checks_total", "shop", name, "ok") for name in "ab"
        ]


async def test_another_instance_under_the_same_name_is_another_one() -> None:
    """With an address of its own it has a health of its own."""
    async with bench() as made:
        made.probe.found["a"] = Unfit("x")
        old = made.service("a", check=made.check(unhealthy_after=1))
        made.checks.apply([old])
        await made.passing.by(5)
        assert 0 == made.value("gatekeeper_instance_fit", "shop", "a")

        new = made.service(made.member("a", port=81), check=old.check)
        made.checks.apply([new])
        assert 1 == made.value("gatekeeper_instance_fit", "shop", "a")
        await made.passing.by(0)

        assert [0.0, 5.0] == times(made.probe)
        assert (1, 1) == (only(old).health.failures, only(new).health.failures)


@pytest.mark.parametrize("name", ["every", "timeout", "healthy_after", "unhealthy_after"])
async def test_another_interval_keeps_what_is_known(name: str) -> None:
    """It begins soon."""
    async with bench() as made:
        old = made.service("a", check=made.check())
        made.checks.apply([old])
        await made.passing.by(5)
        health = only(old).health

        options: dict[str, Any] = {name: 4}
        made.checks.apply([made.service(*old.members, check=made.check(**options))])
        assert health == only(old).health
        await made.passing.by(0)

        assert [0.0, 5.0] == times(made.probe)


async def test_another_probe_has_everything_to_prove() -> None:
    """CBR-12: a mistake in it takes nobody away, and nobody who is unfit comes back by it alone."""
    async with bench() as made:
        made.probe.found["b"] = Unfit("x")
        old = made.service("a", "b", check=made.check(unhealthy_after=1))
        made.checks.apply([old])
        await made.passing.by(5)
        first, second = old.members
        assert [Status.HEALTHY, Status.UNHEALTHY] == [first.health.status, second.health.status]

        mistaken = Script(made.clock, found={"a": Unexpected("404"), "b": Unfit("x")})
        made.checks.apply([made.service(first, second, check=made.check(mistaken, unhealthy_after=1))])
        assert [Status.UNKNOWN, Status.UNHEALTHY] == [first.health.status, second.health.status]
        assert made.clock.wall() == first.health.changed_at
        assert [1, 0] == [made.value("gatekeeper_instance_fit", "shop", name) for name in "ab"]
        await made.passing.by(50)

        assert [Status.UNEXPECTED, Status.UNHEALTHY] == [first.health.status, second.health.status]


async def test_without_checks_nobody_is_unhealthy(caplog: pytest.LogCaptureFixture) -> None:
    """Who is asked no more cannot come back; nobody is surprised."""
    async with bench() as made:
        made.probe.found["a"] = Unfit("x")
        old = made.service("a", check=made.check(unhealthy_after=1))
        made.checks.apply([old])
        await made.passing.by(5)
        assert [[]] == told(old)

        new = made.service(*old.members)
        made.checks.apply([new])
        await made.passing.by(50)

        assert [0.0] == times(made.probe)
        assert Health() == only(new).health
        assert [["a"]] == told(new)
        assert None is made.value("gatekeeper_instance_fit", "shop", "a")
        assert None is made.value("gatekeeper_health_checks_total", "shop", "a", "failed")
        assert ("shop", "a", Status.UNHEALTHY, Status.UNKNOWN) == made.told[-1]
        assert ["shop: a is unhealthy: x"] == lines(caplog)


async def test_a_service_that_was_never_checked_has_nothing_to_do_with_it() -> None:
    """It is not even told."""
    async with bench() as made:
        service = made.service("a")
        made.checks.apply([service])
        await made.passing.by(50)

        assert ([], [], []) == (made.probe.asked, told(service), made.told)
        assert [] == await made.checks.check_now(service)


# ---- at once ------------------------------------------------------------------------------------------------------


async def test_all_members_can_be_checked_at_once() -> None:
    """In their order, some at a time."""
    async with bench(1.0) as made:
        names = [f"i{number}" for number in range(3 * PARALLEL)]
        service = made.service(*names, check=made.check())
        made.checks.apply([service])
        made.probe.gate = asyncio.Event()
        made.probe.found["i1"] = Unfit("x")

        asking = asyncio.create_task(made.checks.check_now(service))
        await settle()
        assert PARALLEL == made.probe.running
        made.probe.gate.set()
        found = await asking

        assert names == [member.instance.id for member, _, _ in found]
        assert [OK, FAILED, *[OK] * (len(names) - 2)] == [outcome for _, outcome, _ in found]
        assert PARALLEL == made.probe.most


async def test_a_check_at_once_does_not_overlap_the_one_that_runs() -> None:
    """It comes after it, and counts as well."""
    async with bench() as made:
        made.probe.gate = asyncio.Event()
        service = made.service("a", check=made.check(unhealthy_after=2))
        made.checks.apply([service])
        await made.passing.by(0)

        made.probe.found["a"] = Unfit("x")
        asking = asyncio.create_task(made.checks.check_now(service))
        await settle()
        assert 1 == made.probe.running
        made.probe.gate.set()
        await asking

        assert (1, [0.0, 0.0]) == (made.probe.most, times(made.probe))
        assert Status.UNHEALTHY is only(service).health.status


async def test_what_is_found_of_who_has_gone_changes_nothing() -> None:
    """Whoever asked hears of it all the same."""
    async with bench(1.0) as made:
        made.probe.gate = asyncio.Event()
        service = made.service("a", check=made.check(unhealthy_after=1))
        made.checks.apply([service])
        made.probe.found["a"] = Unfit("x")
        asking = asyncio.create_task(made.checks.check_now(service))
        await settle()

        made.checks.apply([])
        made.probe.gate.set()

        assert [(only(service), FAILED, "x")] == await asking
        assert Health() == only(service).health
        assert None is made.value("gatekeeper_health_checks_total", "shop", "a", "failed")
        assert [] == made.told


async def test_what_the_old_check_finds_is_not_noted_as_the_new_ones() -> None:
    """The instance is the same, the question is another one."""
    async with bench(1.0) as made:
        made.probe.gate = asyncio.Event()
        old = made.service("a", check=made.check(unhealthy_after=1))
        made.checks.apply([old])
        made.probe.found["a"] = Unfit("x")
        asking = asyncio.create_task(made.checks.check_now(old))
        await settle()

        made.checks.apply([made.service(*old.members, check=made.check(Script(made.clock)))])
        made.probe.gate.set()
        await asking

        assert (Status.UNKNOWN, "") == (only(old).health.status, only(old).health.reason)


async def test_who_stops_waiting_stops_the_checks() -> None:
    """An operator who hangs up, say."""
    async with bench(1.0) as made:
        made.probe.gate = asyncio.Event()
        service = made.service("a", "b", check=made.check())
        made.checks.apply([service])
        asking = asyncio.create_task(made.checks.check_now(service))
        await settle()
        assert 2 == made.probe.running

        asking.cancel()
        await asyncio.wait([asking])

        assert 0 == made.probe.running


# ---- the end ------------------------------------------------------------------------------------------------------


async def test_closing_ends_everything() -> None:
    """What sleeps, what runs, and what was to end anyway."""
    made = Bench()
    made.probe.gate = asyncio.Event()
    service = made.service("a", "b", check=made.check())
    made.checks.apply([service])
    await made.passing.by(0)
    made.checks.apply([made.service(service.members[0], check=made.check())])

    await made.checks.close()

    assert 0 == made.probe.running
    assert all(task.done() for task in made.surroundings.tasks.values())
    assert ["health of shop a", "health of shop b"] == sorted(made.surroundings.tasks)
    await made.checks.close()


async def test_without_a_stand_in_sleeping_is_that_of_the_loop() -> None:
    """As the gateway has it."""
    made = Bench()
    checks = HealthChecks(
        made.clock, Fixed(0.0), made.surroundings.spawn, made.surroundings.metrics, made.tell
    )
    third = asyncio.Event()

    async def probe(_: Instance, /) -> None:
        made.probe.asked.append((0.0, "a"))
        if len(made.probe.asked) == 3:
            third.set()

    checks.apply([made.service("a", check=made.check(probe, every=0.001))])
    await asyncio.wait_for(third.wait(), 5)
    await checks.close()


# ---- reasons ------------------------------------------------------------------------------------------------------


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] and much more (_ssl.c:992)")
    error.verify_message = "certificate has expired"
    return error


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] and more (_ssl.c:1006)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(Unfit("what it says"), "what it says", id="its-own-words"),
        pytest.param(
            ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"),
            "connection refused",
            id="refused",
        ),
        pytest.param(OSError(errno.EHOSTUNREACH, "x"), "no route to host", id="unreachable"),
        pytest.param(FileNotFoundError(errno.ENOENT, "x"), "no such file or directory", id="no-socket-file"),
        pytest.param(
            OSError(
                "Multiple exceptions: [Errno 111] Connect call failed ('::1', 80, 0, 0), [Errno 111] Connect"
            ),
            "connection refused",
            id="refused-at-several-addresses",
        ),
        pytest.param(
            OSError("Multiple exceptions: [Errno 111] a, [Errno 113] b"),
            "OSError: Multiple exceptions: [Errno 111] a, [Errno 113] b",
            id="different-errors-at-several-addresses",
        ),
        pytest.param(ConnectionResetError(), "connection reset by peer", id="reset-without-a-number"),
        pytest.param(ConnectionResetError(errno.ECONNRESET, "x"), "connection reset by peer", id="reset"),
        pytest.param(
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "the host cannot be resolved: name or service not known",
            id="UPS-18-no-such-name",
        ),
        pytest.param(socket.gaierror("odd"), "the host cannot be resolved: odd", id="UPS-18-no-more-said"),
        pytest.param(
            certificate_error(), "certificate verify failed: certificate has expired", id="UPS-19-expired"
        ),
        pytest.param(
            tls_error("WRONG_VERSION_NUMBER"), "TLS failed: wrong version number", id="UPS-19-no-tls"
        ),
        pytest.param(ssl.SSLError("odd"), "TLS failed: ('odd',)", id="UPS-19-no-more-said"),
        pytest.param(
            ssl.CertificateError("odd"), "certificate verify failed: ('odd',)", id="UPS-19-no-more-said-of-it"
        ),
        pytest.param(OSError("odd"), "OSError: odd", id="an-error-without-a-number"),
        pytest.param(ValueError("odd"), "ValueError: odd", id="any-other"),
        pytest.param(ValueError(), "ValueError", id="any-other-without-words"),
    ],
)
def test_a_reason_is_a_few_words(error: BaseException, reason: str) -> None:
    """What people look for."""
    assert reason == reason_of(error)


# ---- real servers -------------------------------------------------------------------------------------------------


async def asked(made: Bench, service: Service, count: int = 1) -> list[tuple[str, str]]:
    """What so many checks find, and what is known after each."""
    found = []
    for _ in range(count):
        ((member, _, reason),) = await made.checks.check_now(service)
        found.append((member.health.status.value, reason))
    return found


HTTP = HttpProbe(HttpProbeConfig())
TCP = TcpProbe(TcpProbeConfig())


@pytest.mark.both_loops
async def test_a_real_server_comes_and_goes(origin: StartOrigin, tmp_path: Path) -> None:
    """CBR-15: well, restarted, unfit, well."""
    shop = await origin(path=tmp_path / "shop.sock")
    async with bench(1.0) as made:
        member = Member(Instance("shop", "a", "unix", "", 0, str(shop.path)), Outlier())
        service = made.service(member, check=made.check(HTTP))
        made.checks.apply([service])
        gone = "no such file or directory"

        assert [("healthy", "")] == await asked(made, service)
        await shop.stop()
        (tmp_path / "shop.sock").unlink(missing_ok=True)
        assert [("healthy", gone), ("healthy", gone), ("unhealthy", gone)] == await asked(made, service, 3)
        shop = await origin(path=tmp_path / "shop.sock")
        shop.play(answer(503))
        shop.play(answer(200))
        shop.play(answer(404))
        wrong = "404 on /health: set `health.path`, or `health: false`"
        assert [
            ("unhealthy", "503 on /health"),
            ("unhealthy", ""),
            ("unhealthy", wrong),
            ("unhealthy", ""),
            ("healthy", ""),
        ] == await asked(made, service, 5)
        assert [[], ["a"]] == told(service)


@pytest.mark.both_loops
async def test_a_real_server_without_a_page_for_it_is_reported(origin: StartOrigin) -> None:
    """404 from the first check on: it stays, and somebody is told what to do."""
    shop = await origin()
    shop.always(answer(404))
    async with bench(1.0) as made:
        member = Member(Instance("shop", "a", "http", shop.host, shop.port), Outlier())
        service = made.service(member, check=made.check(HTTP))
        made.checks.apply([service])

        found = await asked(made, service, 5)

        assert [("unexpected", "404 on /health: set `health.path`, or `health: false`")] * 5 == found
        assert [] == told(service)


@pytest.mark.both_loops
@pytest.mark.parametrize("probe", [HTTP, TCP], ids=["http", "tcp"])
async def test_a_real_server_that_refuses_is_unhealthy(origin: StartOrigin, probe: Probe) -> None:
    """UPS-01: also one that was never there."""
    shop = await origin()
    member = Member(Instance("shop", "a", "http", shop.host, shop.port), Outlier())
    await shop.stop()
    async with bench(1.0) as made:
        service = made.service(member, check=made.check(probe))
        made.checks.apply([service])
        refused = "connection refused"

        assert [("unknown", refused), ("unknown", refused), ("unhealthy", refused)] == await asked(
            made, service, 3
        )


@pytest.mark.both_loops
@pytest.mark.parametrize(
    "script",
    [
        pytest.param((HANG,), id="UPS-02-silent"),
        pytest.param((answer(200, body=b"abc")[:-1], HANG), id="UPS-04-half-a-body"),
    ],
)
async def test_a_real_server_that_hangs_is_unhealthy(origin: StartOrigin, script: tuple[Any, ...]) -> None:
    """CBR-15: and is hung up on."""
    shop = await origin()
    shop.always(*script)
    async with bench(1.0) as made:
        member = Member(Instance("shop", "a", "http", shop.host, shop.port), Outlier())
        service = made.service(member, check=made.check(HTTP, timeout=0.05, unhealthy_after=1))
        made.checks.apply([service])

        assert [("unhealthy", "no answer within 0.05s")] == await asked(made, service)

        await shop.received()
        await asyncio.wait_for(shop.connections[0].ended.wait(), 5)


@pytest.mark.both_loops
async def test_a_real_server_that_is_restarted_between_two_checks_is_well(origin: StartOrigin) -> None:
    """No connection is kept that could break."""
    shop = await origin()
    shop.play(answer(200), FIN)
    async with bench(1.0) as made:
        member = Member(Instance("shop", "a", "http", shop.host, shop.port), Outlier())
        service = made.service(member, check=made.check(HTTP))
        made.checks.apply([service])

        assert [("healthy", "")] * 3 == await asked(made, service, 3)
