"""What single values cannot show: references between the parts of a configuration, and rules about several of them."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gatekeeper.config.addresses import Listen
from gatekeeper.config.checker import (
    ANY_PATH,
    Captures,
    captures,
    pattern_captures,
    show_pattern,
    texts,
)
from gatekeeper.config.conditions import ConditionConfig, MatcherConfig
from gatekeeper.config.filters import FORWARD, chains_of, changes_of
from gatekeeper.config.kinds import Kinds
from gatekeeper.config.matching import ParseTemplate
from gatekeeper.config.model import (
    GatewayConfig,
    RewriteConfig,
    RouteConfig,
    TargetConfig,
    UseConfig,
)
from gatekeeper.config.problems import Fault, Path, quoted
from gatekeeper.config.provided import ADMIN, FILE
from gatekeeper.config.service_checks import ServiceChecker
from gatekeeper.config.tree import Tree
from gatekeeper.config.upgrades import WEBSOCKET
from gatekeeper.core.text import Text


_OVERRIDE: Final = ", or `override` it in the route"
_DEFAULT_WEBSOCKET: Final = ("defaults", "routes", "websocket")


def check(
    config: GatewayConfig, kinds: Kinds, tree: Tree, parse: ParseTemplate, known: Sequence[Fault] = ()
) -> list[Fault]:
    """Return what is wrong between the parts.

    `known` are the faults that were found before; what follows from them is not reported again. Which routes are
    ambiguous is found where their table is built.
    """
    checker = _Checker(config, kinds, tree, parse, known)
    checker.global_flat = checker.flat(config.filters)
    checker.process()
    checker.identities()
    checker.chains()
    checker.global_filters()
    for name, service in config.services.items():
        checker.service(name, service)
    for name, route in config.routes.items():
        checker.route(name, route)
    checker.unused()
    return checker.faults


class _Checker(ServiceChecker):
    # ---- the process ----------------------------------------------------------------------------------------------

    def process(self) -> None:
        if not self.config.server.listen:
            self.refuse(
                "bad-value", ("server", "listen"), "`listen` is empty; leave it out to listen on 8080"
            )
        self.proxied()
        self.once()
        listen = self.config.admin.listen
        anybody = not self.config.admin.users and self.is_sound(("admin", "users"))
        if listen and not listen.has_host:
            message = f'`{listen}`: operators come by an address, as in `listen: "127.0.0.1:9901"`'
            self.refuse("bad-value", ("admin", "listen"), message)
        elif listen and anybody and not _is_loopback(listen):
            message = (
                f"`{listen}` is open to others, and there are no `admin.users`; write some, as in "
                f'`users: {{me: {{role: admin, token_sha256: ...}}}}`, or `listen: "127.0.0.1:{listen.port}"`'
            )
            self.refuse("insecure", ("admin", "listen"), message)
        self.tokens()
        self.providers()

    def proxied(self) -> None:
        """Check that somebody can be believed, where it is said first who the client is."""
        server = self.config.server
        for name, listener in server.listen.items():
            path = ("server", "listen", name, "proxy_protocol")
            if not listener.proxy_protocol:
                continue
            if listener.address.path:
                message = (
                    "who connects to a socket file has no address, and so is none of `trusted_proxies`; listen on an "
                    'address, like "127.0.0.1:8080"'
                )
                self.refuse("conflict", path, message, at_key=True)
            elif not server.trusted_proxies and self.is_sound(("server", "trusted_proxies")):
                message = (
                    "whoever connects could say that it is somebody else; name the proxies that are believed, as in "
                    "`server: {trusted_proxies: [10.0.0.0/8]}`"
                )
                self.refuse("insecure", path, message, at_key=True)

    def once(self) -> None:
        """Check that no two listeners have one address."""
        owners: dict[Listen, str] = {}
        for name, listener in self.config.server.listen.items():
            first = owners.setdefault(listener.address, name)
            if first != name and (listener.address.port or not listener.address.has_host):
                message = f"`{first}` listens on {listener.address} already; leave one of them out"
                self.refuse("conflict", ("server", "listen", name), message, at_key=True)

    def tokens(self) -> None:
        """Check that a token tells who it is that asks."""
        owners: dict[str, str] = {}
        for name, user in self.config.admin.users.items():
            first = owners.setdefault(user.token_sha256, name)
            if first != name:
                message = f"`{first}` and `{name}` have the same token; give each one of their own"
                self.refuse("bad-value", ("admin", "users", name, "token_sha256"), message)

    def providers(self) -> None:
        """Check that what providers say is not taken for what is said otherwise."""
        for name in self.config.providers:
            if name in {ADMIN, FILE}:
                what = "the admin API provides" if name == ADMIN else "stands in files"
                message = f"`{name}` is the origin of what {what}; choose another name"
                self.refuse("name-taken", ("providers", name), message, at_key=True)

    # ---- filters --------------------------------------------------------------------------------------------------

    def chains(self) -> None:
        chains = self.config.chains
        told: set[str] = set()
        for name, items in chains.items():
            self.uses(items)
            if not items and self.is_sound(("chains", name)):
                self.refuse("bad-value", ("chains", name), "the chain is empty")
            reached = {inner for item in items for inner in chains_of(item, chains)}
            if name in reached and not reached & told:
                told.add(name)
                through = quoted(sorted(other for other in reached if other != name and other in chains))
                way = f" by way of {through}" if through else ""
                self.refuse(
                    "bad-value", ("chains", name), f"the chain `{name}` uses itself{way}", at_key=True
                )

    def global_filters(self) -> None:
        self.uses(self.config.filters)
        flat = self.global_flat
        self.asked(flat)
        self.unique_names((), flat, "the global filters")
        self.not_per_attempt(flat)
        conditional = self.conditional(self.config.filters)
        for item in flat:
            if self.kinds.filters[item.kind].terminal and item.name not in conditional:
                message = f"`{item.kind}` answers itself: no route would ever run; put it into one, or give it a `when`"
                self.refuse("never-runs", item.place.path, message)
            for steps, text in texts(item.options):
                for name in captures(text):
                    message = f"`{{path.{name}}}`: global filters run for every route, and not all of them capture it"
                    self.refuse("bad-placeholder", (*item.place.path, item.kind, *steps), message)

    # ---- routes ---------------------------------------------------------------------------------------------------

    def route(self, name: str, route: RouteConfig) -> None:
        path: Path = ("routes", name)
        sources = self.sources(route.match)
        self.condition(route.match)
        self.hosts(route)
        self.uses(route.filters, self.config.filters)
        flat = self.flat(route.filters)
        self.asked((*flat, *(change for change in route.override.values() if change is not False)))
        self.unique_names(self.global_flat, flat, f"route `{name}`", _OVERRIDE)
        self.not_per_attempt(flat)
        changes = changes_of(route, self.global_flat)
        dropped = {key for key, change in changes.items() if change is False}
        conditional = self.conditional(route.filters)
        ends = None
        targets: list[str] = []
        for item in flat:
            if item.name in dropped:
                continue
            if ends is not None:
                message = f"`{item.kind}` never runs: `{ends}` before it answers itself"
                self.refuse("never-runs", item.place.path, message)
            elif self.kinds.filters[item.kind].terminal and item.name not in conditional:
                ends = item.kind
        if ends is not None:
            for key in ("to", "rewrite", "sticky"):
                if getattr(route, key) is not None:
                    message = f"`{key}` has no effect: `{ends}` answers itself"
                    self.refuse("conflict", (*path, key), message, at_key=True)
        elif route.to is None:
            terminal = [kind for kind, one in self.kinds.filters.items() if one.terminal and kind != FORWARD]
            known = f" ({quoted(terminal)})" if terminal else ""
            message = f"a route needs `to`, the name of a service, or a filter that answers itself{known}"
            self.refuse("needs", path, message, at_key=True)
        else:
            targets = self.target(path, route.to, sources)
            for service in targets:
                self.sent_to(name, route, service, sources)
            self.sticky(path, route, sources)
        behind = [self.config.services[one].filters for one in targets if one in self.config.services]
        self.guarded(name, route, flat, map(self.flat, behind))
        if route.rewrite is not None:
            self.rewrite((*path, "rewrite"), route, route.rewrite, sources)
        self.websocket((*path, "websocket"), route, ends)
        for item in flat:
            for steps, text in texts(item.options):
                self.captured((*item.place.path, item.kind, *steps), text, sources)
        for change in route.override.values():
            if change is not False:
                for steps, text in texts(change.options):
                    self.captured((*change.place.path, *steps), text, sources)

    def sources(self, match: Iterable[ConditionConfig]) -> dict[str, Captures]:
        """The path patterns of the alternatives, with what they capture."""
        found = {}
        for condition in match:
            for pattern in condition.path or (ANY_PATH,):
                captured = pattern_captures(pattern, self.parse)
                if captured is not None:
                    found[show_pattern(pattern)] = captured
        return found

    def hosts(self, route: RouteConfig) -> None:
        """Check that the hosts of a route are among those of the gateway."""
        allowed = self.config.hosts
        for condition in route.match:
            for index, host in enumerate(condition.host):
                if allowed and not any(_is_within(host, pattern) for pattern in allowed):
                    message = f"`{host}` is not in `hosts`, which are {quoted(allowed)}; add it there"
                    place = (*condition.place.path, "host")
                    _, count = self.tree.find((*place, index))
                    self.refuse("outside-hosts", (*place, index)[:count], message)

    def target(
        self, path: Path, to: Mapping[str, TargetConfig] | Text, sources: Mapping[str, Captures]
    ) -> list[str]:
        """Check where a route goes, and return the services that it may go to."""
        path = (*path, "to")
        if isinstance(to, Text):
            return self.captured_target(path, to, sources)
        for name, target in to.items():
            self.exists("services", "service", name, (*path, name), at_key=True)
            self.condition(target.pin)
        if not any(target.weight for target in to.values()):
            self.refuse("bad-value", path, "all weights are 0; give at least one service a part")
        return list(to)

    def captured_target(self, path: Path, to: Text, sources: Mapping[str, Captures]) -> list[str]:
        name = to.names[0].removeprefix("path.")
        if to.source != f"{{path.{name}}}":
            message = "`to` is the name of a service, or one capture as in `{path.service}`"
            self.refuse("bad-placeholder", path, message)
            return []
        self.captured(path, to, sources)
        services: list[str] = []
        for captured in sources.values():
            kind = captured.get(name, "service")
            if isinstance(kind, frozenset):
                services += sorted(kind)
            elif kind == "service":
                services += self.config.services
            else:
                hint = f"write `{{{name}:service}}` or a choice as in `{{{name}:a|b}}` in `match`"
                self.refuse(
                    "bad-placeholder", path, f"`{{path.{name}}}` takes what is no service, too; {hint}"
                )
        found = list(dict.fromkeys(services))
        for service in found:
            why = f", which `{{path.{name}}}` can be"
            self.exists("services", "service", service, path, why)
        return found

    def sticky(self, path: Path, route: RouteConfig, sources: Mapping[str, Captures]) -> None:
        if route.sticky is None:
            return
        if isinstance(route.to, Text) or (route.to is not None and len(route.to) == 1):
            message = "`sticky` chooses between services, and there is one; for instances there is `balance`"
            self.refuse("conflict", (*path, "sticky"), message, at_key=True)
        for value in route.sticky.by:
            self.captured((*path, "sticky"), value, sources)

    def websocket(self, path: Path, route: RouteConfig, ends: str | None) -> None:
        """Check that a connection can switch, where the route itself says that it may."""
        if not route.websocket or self.is_inherited(path, _DEFAULT_WEBSOCKET):
            return
        if ends is not None:
            message = f"`websocket` has no effect: `{ends}` answers itself"
            self.refuse("conflict", path, message, at_key=True)
        if WEBSOCKET not in route.websocket.protocols:
            return
        if all(condition.method and "GET" not in condition.method for condition in route.match):
            message = "a WebSocket begins with GET, which this route does not take"
            self.refuse("conflict", path, message, at_key=True)
        if route.rewrite is not None and route.rewrite.method not in {None, "GET"}:
            message = f"a WebSocket begins with GET, and `rewrite.method` makes {route.rewrite.method} of it"
            self.refuse("conflict", path, message, at_key=True)

    def rewrite(
        self, path: Path, route: RouteConfig, rewrite: RewriteConfig, sources: Mapping[str, Captures]
    ) -> None:
        if rewrite.path is not None:
            if by_number := re.search(r"[$\\][0-9]", rewrite.path.source):
                hint = "name the group, as in `(?P<id>[0-9]+)`, and write `{path.id}`"
                self.refuse("bad-placeholder", (*path, "path"), f"`{by_number[0]}` is text here; {hint}")
            self.captured((*path, "path"), rewrite.path, sources)
            for key in ("strip", "prefix"):
                if getattr(rewrite, key) is not None:
                    self.refuse(
                        "conflict", (*path, key), f"`path` and `{key}` exclude each other", at_key=True
                    )
        if rewrite.strip is not None:
            for condition in route.match:
                for pattern in condition.path or (ANY_PATH,):
                    start = _literal_start(pattern)
                    if start != rewrite.strip and not start.startswith(rewrite.strip + "/"):
                        message = (
                            f"`{rewrite.strip}` is no literal start of the path `{show_pattern(pattern)}`"
                        )
                        self.refuse("bad-value", (*path, "strip"), message)

    # ---- what nobody needs ----------------------------------------------------------------------------------------

    def unused(self) -> None:
        """Warn of services and chains that nothing names."""
        broken = self.known or any(fault.severity == "error" for fault in self.faults)
        if broken or self.tree.incomplete or not self.config.routes:
            return
        targets = [route.to for route in self.config.routes.values()]
        if not any(isinstance(to, Text) for to in targets):
            named = {name for to in targets if isinstance(to, Mapping) for name in to}
            for name in self.config.services:
                if name not in named:
                    self.warn("unused", ("services", name), f"no route sends to `{name}`", at_key=True)
        lists = [
            self.config.filters,
            *self.config.chains.values(),
            *(service.filters for service in self.config.services.values()),
            *(route.filters for route in self.config.routes.values()),
        ]
        used = {item.use for items in lists for item in items if isinstance(item, UseConfig)}
        for name in self.config.chains:
            if name not in used:
                self.warn("unused", ("chains", name), f"nothing says `use: {name}`", at_key=True)


def _is_loopback(listen: Listen) -> bool:
    try:
        return ipaddress.ip_address(listen.host).is_loopback
    except ValueError:
        return listen.host == "localhost"


def _is_within(host: str, pattern: str) -> bool:
    """Whether all hosts of one pattern are hosts of the other."""
    if pattern in {"*", host}:
        return True
    return pattern.startswith("*.") and "*" not in host and host.partition(".")[2] == pattern[2:]


def _literal_start(pattern: str | MatcherConfig) -> str:
    """The text that every path of a pattern begins with."""
    if isinstance(pattern, str):
        return pattern
    form, value = pattern.form
    if form == "regex":
        return str(value.prefix)
    return str(value) if form in {"exact", "prefix"} else ""
