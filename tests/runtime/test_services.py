"""From what a configuration says of a service to the service as it runs."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from gatekeeper import hookimpl
from gatekeeper.config.problems import Problem
from gatekeeper.core.instance import Instance
from gatekeeper.policy.outliers import OutlierSettings
from gatekeeper.policy.retry import RetryPolicy
from gatekeeper.registry.services import Balancing, Service
from gatekeeper.runtime.keep import Keep
from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.runtime.services import Running, ServiceBuilder, retry_policy
from gatekeeper.testing import Surroundings, make_host


@attrs.frozen
class MoodyConfig:
    """A balancer and a probe of a plugin."""

    mood: str = "good"


class Moody:
    """Does nothing."""

    def __init__(self, config: MoodyConfig, context: Any) -> None:
        if config.mood == "refuses":
            raise ValueError("the mood is wrong")
        if config.mood == "fails":
            raise RuntimeError("no")
        self.config, self.context = config, context

    def update(self, choices: Any) -> None: ...

    def pick(self, exchange: Any, tried: Any) -> Instance | None: ...

    async def __call__(self, instance: Instance) -> None: ...


class Plugin:
    @hookimpl
    def gatekeeper_register(self, catalog: Any) -> None:
        catalog.balancer("moody", MoodyConfig, Moody, main="mood")
        catalog.probe("moody", MoodyConfig, Moody, main="mood")


class World:
    """Configurations one after the other."""

    def __init__(self) -> None:
        self.host = make_host([Plugin()])
        self.surroundings = Surroundings()
        self.keep = Keep(self.surroundings.spawn)
        self.problems: list[Problem] = []

    def build(self, more: str = "", instances: str = "http://127.0.0.1:1, http://127.0.0.1:2") -> Running:
        """Build the service of this text, and bring it into force."""
        text = f"version: 1\nservices: {{users: {{instances: [{instances}], {more}}}}}\n"
        config = load_gateway_text(text, self.host).config
        plan = self.keep.plan()
        builder = ServiceBuilder(
            self.surroundings,
            self.host.catalog,
            self.surroundings.fake_clock.wheel,
            Random(1),
            plan,
            self.problems.append,
        )
        running = builder.build("users", config.services["users"])
        if not self.problems:
            plan.commit()
            if not running.service.in_force:
                running.service.enter(warm=True)
        return running


@pytest.fixture
def world() -> World:
    return World()


def members(service: Service) -> list[tuple[str, int, str, int]]:
    return [(one.instance.id, one.weight, one.zone, one.priority) for one in service.members]


def test_a_service_has_what_its_configuration_says(world: World) -> None:
    """Instances, balancing, checks, outliers, pools."""
    running = world.build(
        "balance: {moody: fine, slow_start: 5s, panic_below: 20%, prefer_zone: b},"
        "health: {moody: well, every: 7s, timeout: 2s, healthy_after: 4, unhealthy_after: 5},"
        "outliers: {consecutive_failures: 9, failures: [reset, 5xx], eject_for: 7s},"
        "pool: {max_connections: 3, idle: 9s, max_requests: 11}",
        "{url: 'http://a:80', weight: 2, zone: a}, {url: 'unix:///run/b.sock', id: b, zone: b, priority: 1}",
    )
    service = running.service

    assert [("http://a", 2, "a", 0), ("b", 1, "b", 1)] == members(service)
    assert Balancing("moody", 5.0, 0.2, "b") == service.balancing
    assert isinstance(service.balancer, Moody)
    assert "fine" == service.balancer.config.mood
    assert ("balance", "service users") == (service.balancer.context.name, service.balancer.context.owner)
    check = service.check
    assert check is not None
    assert (7.0, 2.0, 4, 5, "moody") == (
        check.every,
        check.timeout,
        check.healthy_after,
        check.unhealthy_after,
        check.kind,
    )
    assert isinstance(check.probe, Moody)
    assert ("well", "health") == (check.probe.config.mood, check.probe.context.name)
    settings = service.members[0].outlier.settings
    assert (9, 7.0) == (settings.consecutive_failures, settings.eject_for)
    assert {"reset", 500, 599} <= settings.failures
    pool = running.pools["b"]
    assert (3, 9.0, 11, "unix:///run/b.sock") == (
        pool.max_connections,
        pool.idle_timeout,
        pool.max_requests,
        pool.name,
    )


def test_what_is_not_said_has_the_defaults_of_the_grammar(world: World) -> None:
    """Checks every half minute, ejection after five failures."""
    service = world.build("health: true").service

    assert Balancing() == service.balancing
    assert service.check is not None
    assert (30.0, 5.0, 2, 3, "http") == (
        service.check.every,
        service.check.timeout,
        service.check.healthy_after,
        service.check.unhealthy_after,
        service.check.kind,
    )
    assert OutlierSettings() == service.members[0].outlier.settings


def test_what_is_off_is_off(world: World) -> None:
    """Neither asked nor ejected."""
    service = world.build("health: false, outliers: false").service

    assert None is service.check
    assert None is service.members[0].outlier.settings.consecutive_failures


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", RetryPolicy()),
        ("retries: false", RetryPolicy(count=0)),
        ("retries: 0", RetryPolicy(count=0)),
        ("retries: 3", RetryPolicy(count=3)),
        (
            (
                "retries: {count: 2, if: [timeout, 503], backoff: {base: 1s, max: 3s}, replay_body: 1KiB, "
                "honour_retry_after: false, idempotency_key: Idempotency-Key}"
            ),
            RetryPolicy(
                count=2,
                failures=frozenset({"timeout", 503}),
                base=1.0,
                longest=3.0,
                replay_body=1024,
                honour_retry_after=False,
                idempotency_key=b"idempotency-key",
            ),
        ),
    ],
)
def test_what_is_tried_again(world: World, written: str, expected: RetryPolicy) -> None:
    """As the service says."""
    text = f"version: 1\nservices: {{users: {{instances: ['http://a'], {written}}}}}\n"
    config = load_gateway_text(text, world.host).config

    assert expected == retry_policy(config.services["users"])


def test_what_stays_the_same_is_kept(world: World) -> None:
    """A part of it for each thing that changes."""
    first = world.build("health: false")

    same = world.build("health: false")
    assert (first.service, first.pools, first.budget) == (same.service, same.pools, same.budget)

    weights = world.build("health: false", "http://127.0.0.1:1, {url: 'http://127.0.0.1:2', weight: 3}")
    assert first.service is not weights.service
    assert first.service.members == weights.service.members
    assert first.pools == weights.pools
    assert first.budget is weights.budget

    moved = world.build(
        "health: false", "http://127.0.0.1:1, {url: 'http://127.0.0.1:3', id: 'http://127.0.0.1:2'}"
    )
    assert first.service.members[0] is moved.service.members[0]
    assert first.service.members[1] is not moved.service.members[1]
    assert first.pools["http://127.0.0.1:2"] is not moved.pools["http://127.0.0.1:2"]

    pooled = world.build("health: false, pool: {idle: 1s}")
    assert all(first.pools[name] is not pooled.pools[name] for name in first.pools)
    assert first.service.members[0] is pooled.service.members[0]

    poorer = world.build("health: false, retries: {budget: {share: 1%}}")
    assert first.budget is not poorer.budget


def test_the_places_of_a_service_are_kept(world: World) -> None:
    """Whoever is inside stays counted, and other figures hold as soon as they are in force."""
    first = world.build("health: false").places
    first.try_enter()
    again = world.build("health: false, concurrency: {limit: 3, queue: 2, wait: 5s}").places
    fewer = world.build("health: false, concurrency: 1").places

    assert first is again is fewer
    assert (1, 0, 0.0, 1) == (fewer.limit, fewer.queue, fewer.wait, fewer.in_flight)
    assert "service `users`" == fewer.name


def test_a_service_bears_a_thousand_requests_where_nothing_is_said(world: World) -> None:
    """A hundred more may wait a second."""
    places = world.build().places

    assert (1000, 100, 1.0) == (places.limit, places.queue, places.wait)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("balance: {moody: refuses}", "services.users.balance: `moody`: the mood is wrong"),
        (
            "health: {moody: fails}",
            "services.users.health: `moody`: plugin `{name}` failed: RuntimeError('no')",
        ),
    ],
)
def test_a_part_that_cannot_be_made_is_a_problem(world: World, written: str, message: str) -> None:
    """With its place."""
    world.build(written)

    (problem,) = world.problems
    name = world.host.catalog.probes["moody"].plugin
    assert message.format(name=name) == f"{problem.path}: {problem.message}"


def test_files_that_cannot_be_used_are_a_problem(world: World, tmp_path: Path) -> None:
    """What is in them cannot be used, or they have gone since they were looked for."""
    ca = tmp_path / "ca.pem"
    ca.write_text("nonsense")

    world.build(f"health: false, tls: {{ca: {ca}}}", "https://a")

    (problem,) = world.problems
    assert "services.users.tls" == problem.path
    assert problem.message.startswith("the files of `tls` cannot be used: ")


def test_a_certificate_under_an_old_name_is_another_one(world: World, tmp_path: Path) -> None:
    """Connections that trust the old one are not used any more."""
    from trustme import CA

    ca = tmp_path / "ca.pem"
    CA().cert_pem.write_to_path(ca)
    written = f"health: false, tls: {{ca: {ca}}}"
    first = world.build(written, "https://a")
    same = world.build(written, "https://a")
    CA().cert_pem.write_to_path(ca)
    other = world.build(written, "https://a")

    assert [] == world.problems
    assert (first.service, first.pools) == (same.service, same.pools)
    assert first.service is not other.service
    assert first.pools["https://a"] is not other.pools["https://a"]
    assert first.service.members == other.service.members


async def test_making_one_is_for_a_thread(world: World) -> None:
    """It may be done in any."""
    running = await asyncio.to_thread(world.build, "health: false")

    assert 2 == len(running.service.members)
