"""From a configuration to a snapshot: services with their pools, chains folded once, the routing table."""

import ssl
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from gatekeeper.config.model import FilterConfig, GatewayConfig, RewriteConfig, RouteConfig, ServiceConfig
from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.core.chain import (
    AttemptHandler,
    AttemptLink,
    Chain,
    Handler,
    Link,
    compile_attempt_chain,
    compile_chain,
)
from gatekeeper.core.clock import Wheel
from gatekeeper.core.errors import GatewayError
from gatekeeper.core.exchange import NO_ROUTE, Exchange, Route
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext, Target
from gatekeeper.extend.running import RunningGateway
from gatekeeper.registry.services import Service
from gatekeeper.routing.rewrite import Rewrite
from gatekeeper.routing.table import Entry, Table
from gatekeeper.routing.template import PathTemplate
from gatekeeper.runtime.snapshot import Snapshot, answer_no_route
from gatekeeper.upstream.pool import Pool
from gatekeeper.upstream.send import Sender
from gatekeeper.upstream.tls import build_tls


FORWARD: Final = "forward"


@attrs.frozen
class Builder:
    """Builds snapshots for one gateway. Building opens nothing: pools connect when the first request comes."""

    gateway: RunningGateway
    catalog: Catalog
    wheel: Wheel

    def build(self, config: GatewayConfig, revision: int) -> Snapshot:
        """Compile a configuration that has been checked.

        Raises:
            ConfigError: what only shows when parts are put together: ambiguous routes, unusable certificates.

        """
        problems: list[Problem] = []
        services: dict[str, Service] = {}
        pools: dict[str, dict[str, Pool]] = {}
        chains: dict[str, Chain] = {}
        for name, service_config in config.services.items():
            service = services[name] = _service(name, service_config)
            try:
                pools[name] = self._pools(service, service_config)
            except (OSError, ssl.SSLError) as error:
                problems.append(Problem("bad-value", f"services.{name}.tls", str(error)))
                continue
            chains[name] = self._service_chain(service, service_config, pools[name])
        if problems:
            raise ConfigError(problems)
        global_links = self._links(config.filters, "all routes")
        entries: list[Entry[Route]] = []
        for name, route_config in config.routes.items():
            links = [*global_links, *self._links(route_config.filters, f"route {name}")]
            route = Route(
                name, compile_chain(links, _end(route_config, chains), self.gateway.clock.monotonic)
            )
            entries += _entries(route, route_config, services)
        table = Table(entries)
        problems += [
            Problem(
                "ambiguous",
                f"routes.{first.name}",
                f"`{first.template}` and `{second.template}` of route `{second.name}` match the same requests with "
                f"equal rank; change one of the two",
            )
            for first, second in table.conflicts()
        ]
        if problems:
            raise ConfigError(problems)
        no_route_end = Chain(answer_no_route)
        no_route = Route(NO_ROUTE, compile_chain(global_links, no_route_end, self.gateway.clock.monotonic))
        return Snapshot(revision, table, no_route, services, pools)

    def _pools(self, service: Service, config: ServiceConfig) -> dict[str, Pool]:
        tls = None
        if any(instance.scheme == "https" for instance in service.instances):
            settings = config.tls
            tls = build_tls(
                ca=_path(settings.ca),
                certificate=_path(settings.certificate),
                key=_path(settings.key),
                server_name=settings.server_name or "",
                verify=settings.verify,
            )
        return {
            instance.id: Pool(instance, self.wheel, tls if instance.scheme == "https" else None)
            for instance in service.instances
        }

    def _service_chain(self, service: Service, config: ServiceConfig, pools: Mapping[str, Pool]) -> Chain:
        clock = self.gateway.clock.monotonic
        timeouts = config.timeouts
        sender = Sender(pools, timeouts, self.wheel, clock)
        owner = f"service {service.name}"
        exchange_filters = [item for item in config.filters if self._scope(item) == "exchange"]
        attempt_links = [
            AttemptLink(item.name, self._make(item, owner))
            for item in config.filters
            if self._scope(item) == "attempt"
        ]
        send: AttemptHandler = compile_attempt_chain(attempt_links, sender, clock)
        target = Target(service.name, service.pick, send, timeouts.total or None)
        links = self._links(exchange_filters, owner)
        kind = self.catalog.filters[FORWARD]
        context = BuildContext(
            gateway=self.gateway, wheel=self.wheel, name=FORWARD, owner=owner, target=target
        )
        links.append(Link(FORWARD, kind.build(kind.config(), context)))
        return compile_chain(links, Chain(_nothing_beyond), clock)

    def _scope(self, item: FilterConfig) -> str:
        return self.catalog.filters[item.kind].scope

    def _links(self, filters: Sequence[FilterConfig], owner: str) -> list[Link]:
        return [Link(item.name, self._make(item, owner), item.if_error == "skip") for item in filters]

    def _make(self, item: FilterConfig, owner: str) -> Any:
        context = BuildContext(gateway=self.gateway, wheel=self.wheel, name=item.name, owner=owner)
        try:
            return self.catalog.filters[item.kind].build(item.options, context)
        except ValueError as error:
            raise ConfigError([Problem("bad-value", f"{owner}: {item.name}", str(error))]) from error


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


def _entries(route: Route, config: RouteConfig, services: Mapping[str, Service]) -> list[Entry[Route]]:
    return [
        Entry(
            route,
            route.name,
            PathTemplate.parse(match.path, services),
            frozenset(match.method) if match.method else None,
        )
        for match in config.match
    ]


def _end(config: RouteConfig, chains: Mapping[str, Chain]) -> Chain:
    """What the route's filters end in: the chain of the service that the request is sent to."""
    if config.to is None:
        return Chain(_nothing_beyond)
    service = config.to.constant
    if service is not None:
        handler = _rewriting(config.rewrite, chains[service].handler)

        async def to_service(exchange: Exchange) -> Response:
            exchange.service = service
            return await handler(exchange)

        return attrs.evolve(chains[service], handler=to_service)
    choose = config.to.render
    handlers = {name: _rewriting(config.rewrite, chain.handler) for name, chain in chains.items()}

    async def to_chosen_service(exchange: Exchange) -> Response:
        # a capture that only takes names of services
        exchange.service = choose(exchange)
        return await handlers[exchange.service](exchange)

    request_buffer = max((chain.request_buffer for chain in chains.values()), default=0)
    response_buffer = max((chain.response_buffer for chain in chains.values()), default=0)
    return Chain(to_chosen_service, (), request_buffer, response_buffer)


def _rewriting(config: RewriteConfig | None, handler: Handler) -> Handler:
    if config is None:
        return handler
    rewrite = Rewrite(
        path=config.path, strip=config.strip or "", prefix=config.prefix or "", method=config.method
    )

    async def rewriting(exchange: Exchange) -> Response:
        try:
            rewrite.apply(exchange)
        except GatewayError as error:
            # the filters before it see an answer, as always, and none of them stopped the request
            exchange.stopped_by = "rewrite"
            return exchange.reject(error)
        return await handler(exchange)

    return rewriting


def _nothing_beyond(exchange: Exchange) -> Awaitable[Response]:
    raise AssertionError(f"{exchange!r} went past the end of its chain")
