"""From what a configuration says of a service to the service as it runs, with a pool for each of its instances.

All of it is kept through reloads as long as what it was made of stays the same: a service with its turn, an instance with
its counts and its health, a pool with its connections.
"""

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import attrs

from gatekeeper.config.failures import each
from gatekeeper.config.model import ConcurrencyConfig, InstanceConfig, ServiceConfig
from gatekeeper.config.policies import BudgetConfig, HealthConfig, OutliersConfig
from gatekeeper.config.problems import Problem, problem_at
from gatekeeper.core.clock import Wheel
from gatekeeper.core.concurrency import Concurrency
from gatekeeper.core.instance import Instance
from gatekeeper.extend.catalog import Catalog, Kind
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.running import RunningGateway
from gatekeeper.policy.balance import RoundRobin
from gatekeeper.policy.outliers import Outlier, OutlierSettings
from gatekeeper.policy.retry import Budget, RetryPolicy
from gatekeeper.registry.services import NO_OUTLIERS, Balancing, Check, Member, Seat, Service
from gatekeeper.runtime.keep import Plan
from gatekeeper.runtime.listening import digest, why
from gatekeeper.upstream.pool import Pool, TlsIdentity
from gatekeeper.upstream.tls import build_tls


@attrs.frozen
class Running:
    """A service with its pools, by instance id, its places, and what it may spend on retries."""

    service: Service
    pools: Mapping[str, Pool]
    budget: Budget
    places: Concurrency


@attrs.frozen
class ServiceBuilder:
    """Makes the services of one configuration, or finds them among what is kept.

    `report` takes what is wrong.
    """

    gateway: RunningGateway
    catalog: Catalog
    wheel: Wheel
    random: Random
    plan: Plan
    report: Callable[[Problem], None]

    def build(self, name: str, config: ServiceConfig) -> Running:
        """Make a service, or find it."""
        owner = f"service {name}"
        tls = self._tls(name, config)
        key = tls.key if tls is not None else ()
        pools, seats = {}, []
        for one in config.instances:
            member = self._member(name, one)
            seats.append(Seat(member, one.weight, one.zone or "", one.priority))
            pools[one.id] = self._pool(member.instance, one, config, tls)

        def open_service(_: object) -> Service:
            balance = config.balance
            context = BuildContext(
                gateway=self.gateway,
                wheel=self.wheel,
                name="balance",
                owner=owner,
                tls=tls,
                random=self.random,
            )
            balancer = self._part(self.catalog.balancers[balance.kind], balance.options, context, config)
            return Service(
                name,
                seats,
                balancer or RoundRobin(),  # what has problems never comes into force
                self.gateway.clock,
                self.wheel,
                balancing=Balancing(
                    balance.kind, balance.slow_start, balance.panic_below, balance.prefer_zone
                ),
                check=self._check(config.health, context, config) if config.health else None,
                outliers=_outliers(config.outliers) if config.outliers else None,
                settings=config,
            )

        service = self.plan(("service", name), open_service, (config, key))
        budget = config.retries.budget if config.retries else BudgetConfig()
        return Running(
            service,
            pools,
            self.plan(("budget", name), lambda _: Budget(budget.share, budget.floor), budget),
            self._places(name, config.concurrency),
        )

    def _places(self, name: str, config: ConcurrencyConfig) -> Concurrency:
        """The places of a service; with other figures they are the same, so that whoever is inside stays counted."""

        def open_places(figures: ConcurrencyConfig) -> Concurrency:
            return Concurrency(
                limit=figures.limit, queue=figures.queue, wait=figures.wait, name=f"service `{name}`"
            )

        return self.plan(("places", name), open_places, config)

    def _member(self, service: str, config: InstanceConfig) -> Member:
        url = config.url

        def open_member(_: object) -> Member:
            instance = Instance(service, config.id, url.scheme, url.host, url.port, url.path)
            return Member(instance, Outlier(NO_OUTLIERS))

        return self.plan(("member", service, config.id), open_member, url)

    def _pool(
        self, instance: Instance, one: InstanceConfig, config: ServiceConfig, tls: TlsIdentity | None
    ) -> Pool:
        settings, tls = config.pool, tls if instance.scheme == "https" else None

        def open_pool(_: object) -> Pool:
            return Pool(
                instance,
                self.wheel,
                tls,
                max_connections=settings.max_connections,
                idle_timeout=settings.idle,
                max_requests=settings.max_requests or None,
            )

        made_of = (one.url, tls.key if tls is not None else (), settings)
        return self.plan(("pool", instance.service, instance.id), open_pool, made_of)

    def _check(self, health: HealthConfig, context: BuildContext, config: ServiceConfig) -> Check:
        probe = self._part(
            self.catalog.probes[health.kind], health.options, attrs.evolve(context, name="health"), config
        )
        return Check(
            probe,
            every=health.every,
            timeout=health.timeout,
            healthy_after=health.healthy_after,
            unhealthy_after=health.unhealthy_after,
            kind=health.kind,
        )

    def _part(self, kind: Kind, options: Any, context: BuildContext, config: ServiceConfig) -> Any:
        """Make a part of a kind, with its own defaults where nothing is said; None where it cannot be made."""
        try:
            return kind.build(kind.config() if options is None else options, context)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is a problem of the configuration
            place = attrs.evolve(
                config.place, path=("services", context.owner.removeprefix("service "), context.name)
            )
            why = str(error) if isinstance(error, ValueError) else f"plugin `{kind.plugin}` failed: {error!r}"
            self.report(problem_at("bad-value", place, f"`{kind.kind}`: {why}"))
            return None

    def _tls(self, name: str, config: ServiceConfig) -> TlsIdentity | None:
        """How the instances that speak TLS are spoken to; None where none does, or where it cannot be made."""
        if not any(instance.url.scheme == "https" for instance in config.instances):
            return None
        settings = config.tls
        try:
            content = tuple(digest(file) for file in (settings.ca, settings.certificate, settings.key))
            return self.plan(
                ("tls", name),
                lambda _: build_tls(
                    ca=_path(settings.ca),
                    certificate=_path(settings.certificate),
                    key=_path(settings.key),
                    server_name=settings.server_name or "",
                    verify=settings.verify,
                    content=content,
                ),
                (settings, content),
            )
        except (OSError, ssl.SSLError) as error:
            place = attrs.evolve(config.place, path=("services", name, "tls"))
            self.report(problem_at("bad-value", place, why(error)))
            return None


def retry_policy(config: ServiceConfig) -> RetryPolicy:
    """What of a service's requests is tried again."""
    retries = config.retries
    if not retries:
        return RetryPolicy(count=0)
    return RetryPolicy(
        count=retries.count,
        failures=each(retries.if_),
        base=retries.backoff.base,
        longest=retries.backoff.max,
        replay_body=retries.replay_body,
        honour_retry_after=retries.honour_retry_after,
        idempotency_key=(retries.idempotency_key or "").lower().encode(),
    )


def _outliers(config: OutliersConfig) -> OutlierSettings:
    return OutlierSettings(
        consecutive_failures=config.consecutive_failures or None,
        failure_rate=config.failure_rate or None,
        min_requests=config.min_requests,
        window=config.window,
        failures=each(config.failures),
        eject_for=config.eject_for,
        eject_at_most=config.eject_at_most,
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None
