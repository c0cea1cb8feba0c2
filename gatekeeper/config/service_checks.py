"""Rules about a service: its instances, who of them is asked, how they are asked, and its filters."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from gatekeeper.config.checker import Captures, captures, texts
from gatekeeper.config.exposure import risk
from gatekeeper.config.identity_checks import IdentityChecker
from gatekeeper.config.model import (
    BalanceConfig,
    FilterConfig,
    HealthConfig,
    InstanceConfig,
    OutliersConfig,
    RouteConfig,
    ServiceConfig,
    TlsServiceConfig,
    UseConfig,
)
from gatekeeper.config.problems import Path, did_you_mean, quoted
from gatekeeper.core.text import Text, Value


_DEFAULTS: Final = ("defaults", "services")
_TOO_LATE: Final = "instance"
"""The value that is known when an instance has been chosen, and cannot choose one."""


@attrs.define
class ServiceChecker(IdentityChecker):
    """Checks services, each for itself and in the chains of routes."""

    _theirs: dict[str, "_Theirs"] = attrs.field(factory=dict, init=False)

    def service(self, name: str, service: ServiceConfig) -> None:
        """Check one service."""
        path: Path = ("services", name)
        if self.is_sound((*path, "instances")):
            self.instances((*path, "instances"), service.instances)
            self.balance((*path, "balance"), service.balance, service.instances)
            if service.health:
                self.health((*path, "health"), service.health, service.instances)
        if service.outliers:
            self.outliers((*path, "outliers"), service.outliers)
        self.host_header((*path, "host_header"), service.host_header)
        self.tls((*path, "tls"), service)
        self.filters(name, service)

    def instances(self, path: Path, instances: Sequence[InstanceConfig]) -> None:
        """Check that addresses differ, that somebody is asked, and that clients may come there."""
        if not instances:
            self.refuse("missing-key", path, "`instances` is empty; a service has at least one address")
        elif not any(instance.weight for instance in instances):
            self.refuse("bad-value", path, "all weights are 0; give at least one instance a part")
        urls, ids = set(), set()
        for index, instance in enumerate(instances):
            if instance.url in urls:
                self.refuse("bad-value", (*path, index), f"`{instance.url}` stands twice")
            elif instance.id in ids:
                self.refuse("bad-value", (*path, index), f"two instances have the id `{instance.id}`")
            urls.add(instance.url)
            ids.add(instance.id)
            if found := risk(instance.url, self.config.admin.listen):
                self.warn("insecure", (*path, index), found)

    def balance(self, path: Path, balance: BalanceConfig, instances: Sequence[InstanceConfig]) -> None:
        """Check what a balancer reads, and the zone that it prefers."""
        for steps, text in texts(balance.options):
            names = text.names if isinstance(text, Text) else (text.source,)
            if _TOO_LATE in names:
                message = f"`{_TOO_LATE}` is known when one has been chosen, and cannot choose it"
                self.refuse("bad-placeholder", (*path, balance.kind, *steps), message)
        zones = {instance.zone for instance in instances if instance.zone}
        wanted, place = balance.prefer_zone, (*path, "prefer_zone")
        if wanted and wanted not in zones and not self.is_inherited(place, (*_DEFAULTS, *place[2:])):
            known = f"; there are {quoted(sorted(zones))}" if zones else "; give it one, as in `zone: east`"
            message = f"no instance is in the zone `{wanted}`{did_you_mean(wanted, zones) or known}"
            self.warn("unknown-name", place, message)

    def health(self, path: Path, health: HealthConfig, instances: Sequence[InstanceConfig]) -> None:
        """Check that what is asked has a port where one is named."""
        port = getattr(health.options, "port", None)
        socket = next((instance for instance in instances if instance.url.scheme == "unix"), None)
        if isinstance(port, int) and socket is not None:
            message = f"`{socket.url}` has no ports; leave `port` out, or write `health: false`"
            self.refuse("conflict", (*path, health.kind, "port"), message, at_key=True)

    def outliers(self, path: Path, outliers: OutliersConfig) -> None:
        """Check that it has an effect."""
        if not outliers.eject_at_most:
            message = "nothing is ever ejected with 0%; write `outliers: false`, or a part of the instances"
            self.warn("unused", (*path, "eject_at_most"), message)

    def host_header(self, path: Path, host: str) -> None:
        """A host without a dot may be a word of ours with a slip in it."""
        if host not in {"client", "upstream"} and "." not in host:
            hint = did_you_mean(host, ("client", "upstream"))
            if hint:
                self.warn("bad-value", path, f"`{host}` is sent as it is{hint}")

    def tls(self, path: Path, service: ServiceConfig) -> None:
        """Check what belongs together, and that it has an effect."""
        tls = service.tls
        is_spoken = any(instance.url.scheme == "https" for instance in service.instances)
        if tls != TlsServiceConfig() and not is_spoken and self.is_sound((*path[:2], "instances")):
            message = "`tls` has no effect: none of the `instances` is https"
            if not self.is_inherited(path, (*_DEFAULTS, "tls")):
                self.refuse("conflict", path, message, at_key=True)
        if (tls.certificate is None) != (tls.key is None):
            given, missing = ("key", "certificate") if tls.certificate is None else ("certificate", "key")
            self.refuse("needs", path, f"`{given}` needs `{missing}`", at_key=True)
        if not tls.verify and is_spoken:
            message = "whoever answers is believed: give `ca` and `server_name` instead of `verify: false`"
            self.warn("insecure", (*path, "verify"), message)

    # ---- filters --------------------------------------------------------------------------------------------------

    def filters(self, name: str, service: ServiceConfig) -> None:
        """Check the filters of a service: what runs once per attempt stands last, and nothing ends the chain."""
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
        """Refuse a condition on what runs once per attempt."""
        if conditional:
            message = f"`{kind}` runs once per attempt, and takes no `when`"
            self.refuse("conflict", (*path, "when"), message, at_key=True)

    # ---- in the chain of a route ----------------------------------------------------------------------------------

    def sent_to(self, name: str, route: RouteConfig, service: str, sources: Mapping[str, Captures]) -> None:
        """Check a service that a route sends to: the names of its filters, and the captures that it uses."""
        theirs = self._theirs.get(service)
        if theirs is None:
            theirs = self._theirs[service] = self._of(service)
        if theirs.filters:
            own = self.flat(route.filters)
            for item in own:
                if item.name in theirs.filters:
                    self.unique_names((theirs.filters[item.name],), (item,), f"route `{name}`")
        for path, text in theirs.texts:
            self.captured(path, text, sources, f"route `{name}` sends here, and ")

    def _of(self, service: str) -> "_Theirs":
        """What of a service has to do with the routes that send to it."""
        config = self.config.services.get(service)
        if config is None:
            return _Theirs({}, ())
        flat = self.flat(config.filters)
        path: Path = ("services", service, "balance", config.balance.kind)
        places: list[tuple[Path, Any]] = [(path, config.balance.options)]
        places += [((*item.place.path, item.kind), item.options) for item in flat]
        found = [((*start, *steps), text) for start, options in places for steps, text in texts(options)]
        return _Theirs({item.name: item for item in reversed(flat)}, tuple(found))

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


@attrs.frozen
class _Theirs:
    """The filters of a service by name, and all texts of it with the way to them."""

    filters: Mapping[str, FilterConfig]
    texts: Sequence[tuple[Path, Text | Value]]
