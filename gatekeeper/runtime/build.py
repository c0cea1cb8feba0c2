"""From a configuration to a snapshot: services with their pools, chains folded once, the routing table."""

import logging
import ssl
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs

from gatekeeper.config.filters import FORWARD, FilterEntry
from gatekeeper.config.model import (
    FilterConfig,
    GatewayConfig,
    RewriteConfig,
    RouteConfig,
    ServiceConfig,
    UseConfig,
)
from gatekeeper.config.problems import ConfigError, Problem, problem_at
from gatekeeper.core.chain import (
    AttemptHandler,
    AttemptLink,
    Chain,
    Group,
    Handler,
    Link,
    Predicate,
    compile_attempt_chain,
    compile_chain,
)
from gatekeeper.core.clock import Wheel
from gatekeeper.core.errors import GatewayError
from gatekeeper.core.exchange import NO_ROUTE, Exchange, Route
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.core.text import Text
from gatekeeper.extend.catalog import Catalog, FilterKind, PredicateKind
from gatekeeper.extend.context import ALL_ROUTES, BuildContext, Target
from gatekeeper.extend.running import RunningGateway
from gatekeeper.registry.services import Service
from gatekeeper.routing.conditions import HostCondition
from gatekeeper.routing.rewrite import Rewrite
from gatekeeper.routing.table import Entry, Table
from gatekeeper.runtime.matching import Conditions
from gatekeeper.runtime.snapshot import Snapshot, answer_no_route
from gatekeeper.runtime.targets import Targets, send_to, send_to_captured, send_to_chosen
from gatekeeper.upstream.pool import Pool
from gatekeeper.upstream.send import Sender
from gatekeeper.upstream.tls import build_tls


log = logging.getLogger(__name__)

Changes = Mapping[str, FilterConfig | bool]
"""What a route makes of the filters in its chain, by their names."""


@attrs.frozen
class Builder:
    """Builds snapshots for one gateway. Building opens nothing: pools connect when the first request comes."""

    gateway: RunningGateway
    catalog: Catalog
    wheel: Wheel
    random: Random = attrs.field(factory=Random)

    def build(self, config: GatewayConfig, revision: int) -> Snapshot:
        """Compile a configuration that has been checked.

        Raises:
            ConfigError: what only shows when parts are put together: unusable certificates, options of plugins.

        """
        return _Build(self, config).snapshot(revision)

    def conditions(self, config: GatewayConfig) -> Conditions:
        """What makes the questions of a configuration, as its snapshot asks them."""
        return _Build(self, config).conditions

    def filter(self, item: FilterConfig, owner: str) -> Any:
        """Make one filter; `owner` says where it stands.

        Raises:
            ValueError: its kind does not take these options, or fails.

        """
        kind = self.catalog.filters[item.kind]
        made = self._call(kind, item.options, item.name, owner)
        if not callable(getattr(made, "wrap", None)):
            raise ValueError(f"plugin `{kind.plugin}` made {made!r} for `{item.kind}`, which is no filter")  # noqa: TRY004 - a problem, as below
        return made

    def predicate(self, name: str, options: Any) -> Predicate:
        """Make the question of a plugin's condition.

        Raises:
            ValueError: its kind does not take these options, or fails.

        """
        made: Predicate = self._call(self.catalog.predicates[name], options, name, "conditions")
        return made

    def _call(self, kind: FilterKind | PredicateKind, options: Any, name: str, owner: str) -> Any:
        context = BuildContext(gateway=self.gateway, wheel=self.wheel, name=name, owner=owner)
        try:
            return kind.build(options, context)
        except ValueError:
            raise
        except Exception as error:
            log.debug("%s could not be made", name, exc_info=True)
            raise ValueError(f"`{kind.kind}` of plugin `{kind.plugin}` failed: {error!r}") from error


class _Build:
    """The building of one snapshot."""

    def __init__(self, builder: Builder, config: GatewayConfig) -> None:
        self.builder = builder
        self.gateway = builder.gateway
        self.catalog = builder.catalog
        self.wheel = builder.wheel
        self.random = builder.random
        self.clock = builder.gateway.clock.monotonic
        self.config = config
        self.problems: list[Problem] = []
        self.conditions = Conditions(config.services, self._ask_plugin, builder.random)

    def snapshot(self, revision: int) -> Snapshot:
        config = self.config
        services = {name: _service(name, service) for name, service in config.services.items()}
        pools = {name: self._pools(service, config.services[name]) for name, service in services.items()}
        chains = {
            name: self._service_chain(service, config.services[name], pools[name])
            for name, service in services.items()
        }
        global_links = self._links(config.filters, ALL_ROUTES)
        targets: dict[str, Targets] = {}
        entries: list[Entry[Route]] = []
        for name, route_config in config.routes.items():
            owner = f"route {name}"
            changes = route_config.override
            links = [
                *(self._links(config.filters, ALL_ROUTES, changes) if changes else global_links),
                *self._links(route_config.filters, owner, changes),
            ]
            end = self._end(name, route_config, chains, targets)
            keeps = route_config.encoded_slashes == "keep"
            route = Route(name, compile_chain(links, end, self.clock), keeps_encoded_slashes=keeps)
            entries += self.conditions.entries(name, route, route_config)
        no_route = Route(NO_ROUTE, compile_chain(global_links, Chain(answer_no_route), self.clock))
        if self.problems:
            raise ConfigError(self.problems)
        hosts = HostCondition(config.hosts) if config.hosts else None
        return Snapshot(revision, Table(entries), no_route, services, pools, targets, hosts)

    # ---- services -------------------------------------------------------------------------------------------------

    def _pools(self, service: Service, config: ServiceConfig) -> dict[str, Pool]:
        tls = None
        if any(instance.scheme == "https" for instance in service.instances):
            settings = config.tls
            try:
                tls = build_tls(
                    ca=_path(settings.ca),
                    certificate=_path(settings.certificate),
                    key=_path(settings.key),
                    server_name=settings.server_name or "",
                    verify=settings.verify,
                )
            except (OSError, ssl.SSLError) as error:
                place = attrs.evolve(config.place, path=("services", service.name, "tls"))
                self.problems.append(problem_at("bad-value", place, _why(error)))
        return {
            instance.id: Pool(instance, self.wheel, tls if instance.scheme == "https" else None)
            for instance in service.instances
        }

    def _service_chain(self, service: Service, config: ServiceConfig, pools: Mapping[str, Pool]) -> Chain:
        sender = Sender(pools, config.timeouts, self.wheel, self.clock)
        owner = f"service {service.name}"
        links, attempt_links = self._split(config.filters, owner)
        send: AttemptHandler = compile_attempt_chain(attempt_links, sender, self.clock)
        target = Target(service.name, service.pick, send, config.timeouts.total or None)
        kind = self.catalog.filters[FORWARD]
        context = BuildContext(
            gateway=self.gateway, wheel=self.wheel, name=FORWARD, owner=owner, target=target
        )
        links.append(Link(FORWARD, kind.build(kind.config(), context)))
        return compile_chain(links, Chain(_nothing_beyond), self.clock)

    def _split(
        self, filters: Sequence[FilterEntry], owner: str
    ) -> tuple[list[Link | Group], list[AttemptLink]]:
        """The filters of a service: what runs once per request, and what runs once per attempt, which is last."""
        links: list[Link | Group] = []
        attempt_links: list[AttemptLink] = []
        for item in filters:
            if isinstance(item, UseConfig) and not item.when:
                inner, inner_attempt = self._split(self.config.chains[item.use], owner)
                links += inner
                attempt_links += inner_attempt
            elif isinstance(item, FilterConfig) and self.catalog.filters[item.kind].scope == "attempt":
                attempt_links.append(AttemptLink(item.name, self._made(item, owner)))
            else:
                links += self._links((item,), owner)
        return links, attempt_links

    # ---- filters --------------------------------------------------------------------------------------------------

    def _links(self, filters: Sequence[FilterEntry], owner: str, changes: Changes = {}) -> list[Link | Group]:  # noqa: B006
        """The links of a list, chains in their places, with what a route changes in them."""
        links: list[Link | Group] = []
        for item in filters:
            when = self.conditions.predicate(item.when)
            if isinstance(item, UseConfig):
                inner = self._links(self.config.chains[item.use], owner, changes)
                links += inner if when is None else [Group(item.use, tuple(inner), when)]
                continue
            change = changes.get(item.name, item)
            if isinstance(change, FilterConfig):
                made = self._made(change, owner)
                links.append(Link(change.name, made, change.if_error == "skip", when))
        return links

    def _made(self, item: FilterConfig, owner: str) -> Any:
        try:
            return self.builder.filter(item, owner)
        except ValueError as error:
            self.problems.append(problem_at("bad-value", item.place, str(error)))
            return _Unmade()

    def _ask_plugin(self, kind: str, options: Any) -> Predicate:
        try:
            return self.builder.predicate(kind, options)
        except ValueError as error:
            self.problems.append(Problem("bad-value", "", f"the condition `{kind}`: {error}"))
            return _never

    # ---- routes ---------------------------------------------------------------------------------------------------

    def _end(
        self, name: str, config: RouteConfig, chains: Mapping[str, Chain], targets: dict[str, Targets]
    ) -> Chain:
        """What the route's filters end in: the chain of the service that the request is sent to."""
        to = config.to
        if to is None:
            return Chain(_nothing_beyond)
        if isinstance(to, Text):
            return send_to_captured(to, {one: _rewriting(config, chain) for one, chain in chains.items()})
        chosen = {service: _rewriting(config, chains[service]) for service in to}
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


class _Unmade:
    """Stands for a filter that could not be made, until that is reported."""

    def wrap(self, following: Handler, /) -> Handler:
        return following


def _why(error: OSError) -> str:
    """What is wrong with the files of a service, in words."""
    reason = getattr(error, "reason", None) or error.strerror or str(error)
    return f"the files of `tls` cannot be used: {reason.lower().replace('_', ' ')}"


def _never(exchange: Exchange) -> bool:  # noqa: ARG001
    return False


def _service(name: str, config: ServiceConfig) -> Service:
    instances = [
        Instance(
            name, instance.id, instance.url.scheme, instance.url.host, instance.url.port, instance.url.path
        )
        for instance in config.instances
    ]
    return Service(name, instances)


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None


def rewrite_of(config: RouteConfig) -> Rewrite | None:
    """What a route does to a request before the service is asked; None for nothing."""
    settings: RewriteConfig | None = config.rewrite
    if settings is None:
        return None
    return Rewrite(
        path=settings.path,
        strip=settings.strip or "",
        prefix=settings.prefix or "",
        method=settings.method,
        keep_encoded_slashes=config.encoded_slashes == "keep",
    )


def _rewriting(config: RouteConfig, chain: Chain) -> Chain:
    """The chain of a service, asked for what the route rewrites the request to."""
    rewrite = rewrite_of(config)
    if rewrite is None:
        return chain
    handler = chain.handler

    async def rewriting(exchange: Exchange) -> Response:
        method = exchange.request.method
        try:
            rewrite.apply(exchange)
        except GatewayError as error:
            # the filters before it see an answer, as always, and none of them stopped the request
            exchange.stopped_by = "rewrite"
            return exchange.reject(error)
        if rewrite.method is None:
            return await handler(exchange)
        try:
            return await handler(exchange)
        finally:
            # how an answer is framed depends on what the client asked: one to HEAD has no body
            exchange.request.method = method

    return attrs.evolve(chain, handler=rewriting)


def _nothing_beyond(exchange: Exchange) -> Awaitable[Response]:
    raise AssertionError(f"{exchange!r} went past the end of its chain")
