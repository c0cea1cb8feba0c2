"""What single values cannot show: references between the parts of a configuration, and rules about several of them."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gatekeeper.config.addresses import Listen
from gatekeeper.config.checker import (
    ANY_PATH,
    Captures,
    Checker,
    captures,
    pattern_captures,
    show_pattern,
    texts,
)
from gatekeeper.config.conditions import ConditionConfig, MatcherConfig
from gatekeeper.config.filters import FORWARD, chains_of
from gatekeeper.config.kinds import Kinds
from gatekeeper.config.matching import ParseTemplate
from gatekeeper.config.model import (
    FilterConfig,
    GatewayConfig,
    InstanceConfig,
    RewriteConfig,
    RouteConfig,
    ServiceConfig,
    TargetConfig,
    TlsServiceConfig,
    UseConfig,
)
from gatekeeper.config.problems import Fault, Path, quoted
from gatekeeper.config.tree import Tree
from gatekeeper.core.text import Text, Value


_OVERRIDE: Final = ", or `override` it in the route"


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
    checker.chains()
    checker.global_filters()
    for name, service in config.services.items():
        checker.service(name, service)
    for name, route in config.routes.items():
        checker.route(name, route)
    checker.unused()
    return checker.faults


class _Checker(Checker):
    global_flat: Sequence[FilterConfig] = ()

    # ---- the process ----------------------------------------------------------------------------------------------

    def process(self) -> None:
        if not self.config.server.listen:
            self.refuse(
                "bad-value", ("server", "listen"), "`listen` is empty; leave it out to listen on 8080"
            )
        listen = self.config.admin.listen
        if listen and not _is_loopback(listen):
            message = (
                f"`{listen}` is open to others, and `admin.users` and `admin.tls` are not available yet; "
                f"write 127.0.0.1:{listen.port}"
            )
            self.refuse("insecure", ("admin", "listen"), message)

    # ---- services -------------------------------------------------------------------------------------------------

    def service(self, name: str, service: ServiceConfig) -> None:
        path: Path = ("services", name)
        tls = service.tls
        if self.is_sound((*path, "instances")):
            self.instances((*path, "instances"), service.instances)
            if tls != TlsServiceConfig() and not _speaks_tls(service):
                message = "`tls` has no effect: none of the `instances` is https"
                if not self.is_inherited((*path, "tls"), ("defaults", "services", "tls")):
                    self.refuse("conflict", (*path, "tls"), message, at_key=True)
        if (tls.certificate is None) != (tls.key is None):
            given, missing = ("key", "certificate") if tls.certificate is None else ("certificate", "key")
            self.refuse("needs", (*path, "tls"), f"`{given}` needs `{missing}`", at_key=True)
        if not tls.verify and _speaks_tls(service):
            message = "whoever answers is believed: give `ca` and `server_name` instead of `verify: false`"
            self.warn("insecure", (*path, "tls", "verify"), message)
        self.uses(service.filters, self.config.filters)
        flat = self.flat(service.filters)
        self.unique_names(self.global_flat, flat, f"service `{name}`")
        per_attempt = ""
        for item in flat:
            kind = self.kinds.filters[item.kind]
            if kind.terminal:
                message = f"`{item.kind}` answers itself; put it into the `filters` of a route"
                self.refuse("wrong-scope", item.place.path, message)
            elif kind.scope == "attempt":
                per_attempt = item.kind
                self.unconditional(item.place.path, bool(item.when), item.kind)
            elif per_attempt:
                message = f"`{item.kind}` runs once per request; put it above `{per_attempt}`, which runs once per attempt"
                self.refuse("wrong-scope", item.place.path, message)
        for use in service.filters:
            if isinstance(use, UseConfig) and use.when:
                for item in self.flat((use,)):
                    if self.kinds.filters[item.kind].scope == "attempt":
                        self.unconditional(use.place.path, True, item.kind)

    def unconditional(self, path: Path, conditional: bool, kind: str) -> None:
        if conditional:
            message = f"`{kind}` runs once per attempt, and takes no `when`"
            self.refuse("conflict", (*path, "when"), message, at_key=True)

    def instances(self, path: Path, instances: Sequence[InstanceConfig]) -> None:
        if not instances:
            self.refuse("missing-key", path, "`instances` is empty; a service has at least one address")
        urls, ids = set(), set()
        for index, instance in enumerate(instances):
            if instance.url in urls:
                self.refuse("bad-value", (*path, index), f"`{instance.url}` stands twice")
            elif instance.id in ids:
                self.refuse("bad-value", (*path, index), f"two instances have the id `{instance.id}`")
            urls.add(instance.url)
            ids.add(instance.id)

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
        self.unique_names((), flat, "the global filters")
        self.not_per_attempt(flat)
        for item in flat:
            if self.kinds.filters[item.kind].terminal and not item.when:
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
        self.unique_names(self.global_flat, flat, f"route `{name}`", _OVERRIDE)
        self.not_per_attempt(flat)
        dropped = {key for key, change in route.override.items() if change is False}
        ends = None
        for item in flat:
            if item.name in dropped:
                continue
            if ends is not None:
                message = f"`{item.kind}` never runs: `{ends}` before it answers itself"
                self.refuse("never-runs", item.place.path, message)
            elif self.kinds.filters[item.kind].terminal and not self.is_conditional(route, item.name):
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
            for service in self.target(path, route.to, sources):
                self.service_filters(name, route, service, sources)
            self.sticky(path, route, sources)
        if route.rewrite is not None:
            self.rewrite((*path, "rewrite"), route, route.rewrite, sources)
        for item in flat:
            for steps, text in texts(item.options):
                self.captured((*item.place.path, item.kind, *steps), text, sources)
        for change in route.override.values():
            if change is not False:
                for steps, text in texts(change.options):
                    self.captured((*change.place.path, *steps), text, sources)

    def is_conditional(self, route: RouteConfig, name: str) -> bool:
        """Whether a filter of a route may be passed over, by a condition of its own or of the chain it stands in."""
        return any(
            bool(entry.when) or any(item.when for item in self.flat((entry,)) if item.name == name)
            for entry in route.filters
            if any(item.name == name for item in self.flat((entry,)))
        )

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

    def service_filters(
        self, name: str, route: RouteConfig, service: str, sources: Mapping[str, Captures]
    ) -> None:
        """Check the filters of a service in the chain of a route: their names, and the captures they use."""
        config = self.config.services.get(service)
        theirs = self.flat(config.filters) if config is not None else []
        if not theirs:
            return
        own = self.flat(route.filters)
        names = {item.name for item in theirs}
        for item in own:
            if item.name in names:
                first = next(other for other in theirs if other.name == item.name)
                self.unique_names((first,), (item,), f"route `{name}`")
        for item in theirs:
            for steps, text in texts(item.options):
                path = (*item.place.path, item.kind, *steps)
                self.captured(path, text, sources, f"route `{name}` sends here, and ")

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

    def captured(
        self, path: Path, text: Text | Value, sources: Mapping[str, Captures], why: str = ""
    ) -> None:
        """Check that all path patterns capture what a text inserts from the path."""
        for name in captures(text):
            for source, captured in sources.items():
                if name not in captured:
                    names = ", ".join(f"`{{{capture}}}`" for capture in captured)
                    has = f"has {names}" if names else "captures nothing"
                    self.refuse("bad-placeholder", path, f"`{{path.{name}}}`: {why}the path `{source}` {has}")

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


def _speaks_tls(service: ServiceConfig) -> bool:
    return any(instance.url.scheme == "https" for instance in service.instances)


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
