"""From a configuration to a snapshot: services with their pools, chains folded once, the routing table."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs

from gatekeeper.config.filters import FORWARD, FilterEntry, changes_of, flatten
from gatekeeper.config.model import (
    AuthenticatorConfig,
    FilterConfig,
    GatewayConfig,
    IdentityConfig,
    RouteConfig,
    ServiceConfig,
    UseConfig,
)
from gatekeeper.config.problems import ConfigError, Problem, problem_at
from gatekeeper.core.chain import (
    AttemptHandler,
    Chain,
    Group,
    Link,
    Predicate,
    compile_attempt_chain,
    compile_chain,
)
from gatekeeper.core.clock import Wheel
from gatekeeper.core.exchange import NO_ROUTE, Route
from gatekeeper.core.text import Text
from gatekeeper.edge.tls import ServerTls
from gatekeeper.extend.authenticate import Authenticator, StoredKeys
from gatekeeper.extend.catalog import Catalog, Kind
from gatekeeper.extend.context import ALL_ROUTES, AUTHENTICATORS, BuildContext, Target
from gatekeeper.extend.running import RunningGateway
from gatekeeper.routing.conditions import HostCondition
from gatekeeper.routing.example import HOST
from gatekeeper.routing.table import Entry, Table
from gatekeeper.runtime.dry_run import DryRun
from gatekeeper.runtime.folding import AttemptFilterLink, ChainGroup, FilterLink
from gatekeeper.runtime.identity import Known, claims_fit, identify_by, open_keys, wrong_with
from gatekeeper.runtime.keep import Keep, Plan
from gatekeeper.runtime.listening import listener_tls
from gatekeeper.runtime.matching import Conditions
from gatekeeper.runtime.places import Placed
from gatekeeper.runtime.rewriting import rewriting
from gatekeeper.runtime.services import Running, ServiceBuilder, retry_policy
from gatekeeper.runtime.snapshot import Snapshot, answer_no_route
from gatekeeper.runtime.targets import Targets, send_to, send_to_captured, send_to_chosen
from gatekeeper.runtime.unmade import Unmade, never, nothing_beyond
from gatekeeper.runtime.upgrades import passed_by, upgrades_of
from gatekeeper.upstream.send import Sender


log = logging.getLogger(__name__)

Changes = Mapping[str, FilterConfig | bool]
"""What a route makes of the filters in its chain, by their names."""


@attrs.frozen
class Prepared:
    """A compiled configuration that is not in force yet: `commit` or `abandon` it, and try it before."""

    config: GatewayConfig
    snapshot: Snapshot
    plan: Plan
    dry_run: DryRun
    tls: Mapping[str, ServerTls]
    """Of the listeners that speak it, by their names."""
    filter: Callable[[FilterConfig, str], Any]
    """Makes one more of its filters, for questions."""

    def commit(self, *, warm: bool) -> None:
        """Bring services and kept things into force; cannot fail. With `warm`, what is new begins with its whole weight."""
        self.snapshot.hold = self.plan.commit()
        for service in self.snapshot.services.values():
            if not service.in_force:
                service.enter(warm=warm)

    def abandon(self) -> None:
        """Close what was opened for it."""
        self.plan.abandon()


@attrs.frozen
class Builder:
    """Builds snapshots for one gateway. Building opens nothing: pools connect when the first request comes."""

    gateway: RunningGateway
    catalog: Catalog
    wheel: Wheel
    keep: Keep
    random: Random = attrs.field(factory=Random)
    open_keys: Callable[[Path], StoredKeys] = open_keys

    def prepare(self, config: GatewayConfig, revision: int) -> Prepared:
        """Compile a configuration that has been checked; may be done in any thread, one at a time.

        Raises:
            ConfigError: what only shows when parts are put together: unusable certificates, options of plugins.

        """
        plan = self.keep.plan()
        try:
            build = _Build(self, config, plan)
            tls = build.tls()
            make = functools.partial(self.filter, **build.surroundings)
            return Prepared(config, build.snapshot(revision), plan, build.dry_run, tls, make)
        except BaseException:
            plan.abandon()
            raise

    def conditions(self, config: GatewayConfig) -> Conditions:
        """What makes the questions of a configuration, as its snapshot asks them."""
        return _Build(self, config, self.keep.plan()).conditions

    def filter(self, item: FilterConfig, owner: str, plan: Plan | None = None, **more: Any) -> Any:
        """Make one filter; `owner` says where it stands, `plan` keeps what outlives it, and `more` is of its context.

        Raises:
            ValueError: its kind does not take these options, or fails.

        """
        kind = self.catalog.filters[item.kind]
        made = self._call(kind, item.options, item.name, owner, plan, **more)
        if not callable(getattr(made, "wrap", None)):
            raise ValueError(f"plugin `{kind.plugin}` made {made!r} for `{item.kind}`, which is no filter")  # noqa: TRY004 - a problem, as below
        return made

    def authenticator(
        self, name: str, config: AuthenticatorConfig, gateway: GatewayConfig, plan: Plan | None = None
    ) -> Authenticator:
        """Make what finds out who asks.

        Raises:
            ValueError: its kind does not take these options, or fails.

        """
        kind = self.catalog.authenticators[config.kind]
        known = Known.by(name, gateway)
        keeper, file = plan or self.keep.plan(), gateway.database.file
        more: dict[str, Any] = {
            "consumers": known.consumers,
            "credentials": known.credentials,
            "stored_keys": lambda: keeper(("database", "keys"), self.open_keys, file),
            "fit": claims_fit,
        }
        if kind.reads_claims:
            more["identify"] = identify_by(name, config.identity or IdentityConfig(), known.credentials)
        made = self._call(kind, config.options, name, AUTHENTICATORS, plan, **more)
        if (wrong := wrong_with(made)) is not None:
            # what it is may show its secrets
            made_what = f"plugin `{kind.plugin}` made a `{type(made).__name__}` for `{config.kind}`"
            raise ValueError(f"{made_what}, {wrong}")
        authenticator: Authenticator = made
        return authenticator

    def predicate(self, name: str, options: Any, plan: Plan | None = None) -> Predicate:
        """Make the question of a plugin's condition.

        Raises:
            ValueError: its kind does not take these options, or fails.

        """
        made: Predicate = self._call(self.catalog.predicates[name], options, name, "conditions", plan)
        return made

    def _call(self, kind: Kind, options: Any, name: str, owner: str, plan: Plan | None, **more: Any) -> Any:
        context = BuildContext(
            gateway=self.gateway,
            wheel=self.wheel,
            name=name,
            owner=owner,
            keeper=plan or self.keep.plan(),
            **more,
        )
        try:
            return kind.build(options, context)
        except ValueError:
            raise
        except Exception as error:
            log.debug("%s could not be made", name, exc_info=True)
            raise ValueError(f"`{kind.kind}` of plugin `{kind.plugin}` failed: {error!r}") from error


class _Build:
    """The building of one snapshot."""

    def __init__(self, builder: Builder, config: GatewayConfig, plan: Plan) -> None:
        self.builder = builder
        self.plan = plan
        self.gateway = builder.gateway
        self.catalog = builder.catalog
        self.wheel = builder.wheel
        self.random = builder.random
        self.clock = builder.gateway.clock.monotonic
        self.config = config
        self.problems: list[Problem] = []
        self.dry_run = DryRun(self.clock, next(iter(config.hosts), HOST), next(iter(config.server.listen)))
        self.conditions = Conditions(config.services, self._ask_plugin, builder.random)
        self.services = ServiceBuilder(
            builder.gateway, builder.catalog, builder.wheel, builder.random, plan, self.problems.append
        )

    def tls(self) -> dict[str, ServerTls]:
        """How listeners speak TLS; what is wrong with that is told with what is wrong with the rest."""
        found = {}
        for name, listener in self.config.server.listen.items():
            match listener_tls(self.plan, name, listener):
                case Problem() as problem:
                    self.problems.append(problem)
                case ServerTls() as tls:
                    found[name] = tls
        return found

    def snapshot(self, revision: int) -> Snapshot:
        config = self.config
        running = {name: self.services.build(name, service) for name, service in config.services.items()}
        chains = {name: self._service_chain(one, config.services[name]) for name, one in running.items()}
        global_links = self._links(config.filters, ALL_ROUTES)
        no_route = Route(NO_ROUTE, compile_chain(global_links, Chain(answer_no_route), self.clock))
        targets: dict[str, Targets] = {}
        entries: list[Entry[Route]] = []
        for name, route_config in config.routes.items():
            owner = f"route {name}"
            changes = changes_of(route_config, flatten(config.filters, config.chains))
            links = [
                *(self._links(config.filters, ALL_ROUTES, changes, owner) if changes else global_links),
                *self._links(route_config.filters, owner, changes),
            ]
            end = self._end(name, route_config, chains, targets)
            route = self._route(name, route_config, links, end, no_route)
            ways = self.conditions.entries(name, route, route_config)
            entries += ways
            self.dry_run.add_route(
                route, links, ways, route_config, functools.partial(rewriting, route_config)
            )
        self.dry_run.add_no_route(no_route, global_links)
        if self.problems:
            raise ConfigError(self.problems)
        hosts = HostCondition(config.hosts) if config.hosts else None
        services = {name: one.service for name, one in running.items()}
        return Snapshot(revision, Table(entries), no_route, services, targets, hosts)

    # ---- services -------------------------------------------------------------------------------------------------

    def _service_chain(self, running: Running, config: ServiceConfig) -> Chain:
        service = running.service
        host = {"client": None, "upstream": b""}.get(config.host_header, config.host_header.encode())
        sender = Sender(running.pools, config.timeouts, self.wheel, self.clock, host)
        owner = f"service {service.name}"
        links, attempt_links = self._split(config.filters, owner)
        self.dry_run.add_service(service.name, links, attempt_links, config.instances[0])
        send: AttemptHandler = compile_attempt_chain(attempt_links, sender, self.clock)
        target = Target(
            service.name,
            service.pick,
            send,
            config.timeouts.total or None,
            observe=service.observe,
            answered=service.answered,
            retries=retry_policy(config),
            budget=running.budget,
        )
        kind = self.catalog.filters[FORWARD]
        context = BuildContext(
            gateway=self.gateway, wheel=self.wheel, name=FORWARD, owner=owner, target=target
        )
        links.append(
            Link(FORWARD, Placed(kind.build(kind.config(), context), running.places, running.pools.values()))
        )
        return compile_chain(links, Chain(nothing_beyond), self.clock)

    def _split(
        self, filters: Sequence[FilterEntry], owner: str
    ) -> tuple[list[Link | Group], list[AttemptFilterLink]]:
        """The filters of a service: what runs once per request, and what runs once per attempt, which is last."""
        links: list[Link | Group] = []
        attempt_links: list[AttemptFilterLink] = []
        for item in filters:
            if isinstance(item, UseConfig) and not item.when:
                inner, inner_attempt = self._split(self.config.chains[item.use], owner)
                links += inner
                attempt_links += inner_attempt
            elif isinstance(item, FilterConfig) and self.catalog.filters[item.kind].scope == "attempt":
                made = self._made(item, owner)
                attempt_links.append(AttemptFilterLink(item.name, made, config=item, owner=owner))
            else:
                links += self._links((item,), owner)
        return links, attempt_links

    # ---- filters --------------------------------------------------------------------------------------------------

    def _links(
        self,
        filters: Sequence[FilterEntry],
        owner: str,
        changes: Changes = {},  # noqa: B006 - never written to
        route: str = "",
    ) -> list[Link | Group]:
        """The links of a list, chains in their places, with what a route changes in them."""
        links: list[Link | Group] = []
        for item in filters:
            when = self.conditions.predicate(item.when)
            if isinstance(item, UseConfig):
                inner = self._links(self.config.chains[item.use], owner, changes, route)
                if when is not None:
                    inner = [ChainGroup(item.use, tuple(inner), when, config=item, owner=owner)]
                links += inner
                continue
            change = changes.get(item.name, item)
            if isinstance(change, FilterConfig):
                # a filter that a route changes is its own, wherever it was written
                whose = owner if change is item or not route else route
                made, skip = self._made(change, whose), change.if_error == "skip"
                links.append(FilterLink(change.name, made, skip, when, config=change, owner=whose))
        return links

    def _made(self, item: FilterConfig, owner: str) -> Any:
        try:
            return self.builder.filter(item, owner, self.plan, **self.surroundings)
        except ValueError as error:
            self.problems.append(problem_at("bad-value", item.place, str(error)))
            return Unmade()

    @functools.cached_property
    def authenticators(self) -> dict[str, Any]:
        """Those who find out who asks; questions about conditions need none."""
        return {name: self._authenticator(name, one) for name, one in self.config.authenticators.items()}

    @property
    def surroundings(self) -> dict[str, Any]:
        """What filters find in their context."""
        ask = self.conditions.any_of
        return {"authenticators": self.authenticators, "predicate": lambda one: ask(one).holds}

    def _authenticator(self, name: str, config: AuthenticatorConfig) -> Any:
        try:
            return self.builder.authenticator(name, config, self.config, self.plan)
        except ValueError as error:
            self.problems.append(problem_at("bad-value", config.place, str(error)))
            return Unmade()

    def _ask_plugin(self, kind: str, options: Any) -> Predicate:
        try:
            return self.builder.predicate(kind, options, self.plan)
        except ValueError as error:
            self.problems.append(Problem("bad-value", "", f"the condition `{kind}`: {error}"))
            return never

    # ---- routes ---------------------------------------------------------------------------------------------------

    def _route(
        self, name: str, config: RouteConfig, links: Sequence[Link | Group], end: Chain, no_route: Route
    ) -> Route:
        chain = compile_chain(links, end, self.clock)
        upgrades = upgrades_of(config)
        if upgrades is not None and (reader := passed_by(links, chain)):
            place = attrs.evolve(config.place, path=("routes", name, "websocket"))
            message = f"{reader} reads bodies, and what a WebSocket sends is none: it would pass unread; drop one of the two"
            self.problems.append(problem_at("conflict", place, message))
        keeps = config.encoded_slashes == "keep"
        max_body = None if config.max_body is False else config.max_body
        make = functools.partial(Route, name, keeps_encoded_slashes=keeps, max_body=max_body)
        preflight = None
        if chain.answers_preflights or no_route.chain.answers_preflights:
            preflight = make(compile_chain(links, Chain(answer_no_route), self.clock))
        return make(chain, upgrades=upgrades, preflight=preflight)

    def _end(
        self, name: str, config: RouteConfig, chains: Mapping[str, Chain], targets: dict[str, Targets]
    ) -> Chain:
        """What the route's filters end in: the chain of the service that the request is sent to."""
        to = config.to
        if to is None:
            return Chain(nothing_beyond)
        if isinstance(to, Text):
            return send_to_captured(to, {one: rewriting(config, chain) for one, chain in chains.items()})
        chosen = {service: rewriting(config, chains[service]) for service in to}
        if len(to) == 1:
            ((service, chain),) = chosen.items()
            return send_to(service, chain)
        weights = {service: target.weight for service, target in to.items()}
        pins = {
            service: pin
            for service, target in to.items()
            if (pin := self.conditions.predicate(target.pin)) is not None
        }
        targets[name] = Targets(weights, pins, config.sticky, self.random)
        return send_to_chosen(targets[name], chosen)
