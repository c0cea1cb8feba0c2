"""What single values cannot show: references between the parts of a configuration, and rules about several of them."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from gatekeeper.config.convert import FORWARD, ParseTemplate, Template
from gatekeeper.config.document import Document
from gatekeeper.config.model import (
    FilterConfig,
    GatewayConfig,
    InstanceConfig,
    KindConfig,
    RewriteConfig,
    RouteConfig,
    ServiceConfig,
    TlsServiceConfig,
)
from gatekeeper.config.problems import Fault, Path, nearest, quoted
from gatekeeper.config.units import Listen
from gatekeeper.config.wording import keys
from gatekeeper.core.text import Text


def check(
    config: GatewayConfig,
    kinds: Mapping[str, KindConfig],
    document: Document,
    template: ParseTemplate | None = None,
    known: Sequence[Fault] = (),
) -> list[Fault]:
    """Return what is wrong between the parts.

    `known` are the faults that were found before; what follows from them is not reported again. Without `template`
    placeholders are not compared with the captures of paths. Ambiguous routes are found when the table is built.
    """
    checker = _Checker(config, kinds, document, template, known)
    checker.process()
    checker.global_filters()
    for name, service in config.services.items():
        checker.service(name, service)
    for name, route in config.routes.items():
        checker.route(name, route)
    return checker.faults


@attrs.define
class _Checker:
    config: GatewayConfig
    kinds: Mapping[str, KindConfig]
    document: Document
    parse: ParseTemplate | None
    known: Sequence[Fault]
    faults: list[Fault] = attrs.field(factory=list, init=False)

    def refuse(self, fault_id: str, path: Path, message: str, *, at_key: bool = False) -> None:
        """Note a fault, unless something on its path, or below, has been refused already."""
        if self.is_sound(path):
            self.faults.append(Fault(fault_id, path, message, at_key))

    def is_sound(self, path: Path) -> bool:
        """Whether nothing on the path, or below, has been refused."""
        return not any(fault.path and _is_along(fault.path, path) for fault in self.known)

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
            if tls != TlsServiceConfig() and all(
                instance.url.scheme != "https" for instance in service.instances
            ):
                message = "`tls` has no effect: none of the `instances` is https"
                self.refuse("conflict", (*path, "tls"), message, at_key=True)
        if (tls.certificate is None) != (tls.key is None):
            given, missing = ("key", "certificate") if tls.certificate is None else ("certificate", "key")
            self.refuse("needs", (*path, "tls"), f"`{given}` needs `{missing}`", at_key=True)
        self.unique_names(self.config.filters, service.filters, f"service `{name}`")
        per_attempt = ""
        for item in service.filters:
            kind = self.kinds[item.kind]
            if kind.terminal:
                message = f"`{item.kind}` answers itself; put it into the `filters` of a route"
                self.refuse("wrong-scope", item.place.path, message)
            elif kind.scope == "attempt":
                per_attempt = item.kind
            elif per_attempt:
                message = f"`{item.kind}` runs once per request; put it above `{per_attempt}`, which runs once per attempt"
                self.refuse("wrong-scope", item.place.path, message)

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

    def global_filters(self) -> None:
        self.unique_names((), self.config.filters, "the global filters")
        self.not_per_attempt(self.config.filters)
        for item in self.config.filters:
            if self.kinds[item.kind].terminal:
                message = f"`{item.kind}` answers itself: no route would ever run; put it into one"
                self.refuse("never-runs", item.place.path, message)
            for steps, text in _texts(item.options):
                for name in _captures(text):
                    message = f"`{{path.{name}}}`: global filters run for every route, and not all of them capture it"
                    self.refuse("bad-placeholder", (*item.place.path, item.kind, *steps), message)

    def not_per_attempt(self, filters: Iterable[FilterConfig]) -> None:
        for item in filters:
            if self.kinds[item.kind].scope == "attempt":
                message = f"`{item.kind}` runs once per attempt; put it last in the `filters` of a service"
                self.refuse("wrong-scope", item.place.path, message)

    def unique_names(self, outer: Sequence[FilterConfig], inner: Sequence[FilterConfig], where: str) -> None:
        """Refuse filters of the inner list whose name is taken before them."""
        taken = {item.name: item for item in outer}
        for item in inner:
            if item.name == FORWARD:
                message = f"`{FORWARD}` is what ends every chain; choose another name"
                self.refuse("name-taken", item.place.path, message)
            elif item.name in taken:
                self.refuse("name-taken", item.place.path, _taken(taken[item.name], item, where))
            taken.setdefault(item.name, item)

    # ---- routes ---------------------------------------------------------------------------------------------------

    def route(self, name: str, route: RouteConfig) -> None:
        path: Path = ("routes", name)
        templates = self.templates(route)
        self.unique_names(self.config.filters, route.filters, f"route `{name}`")
        self.not_per_attempt(route.filters)
        ends = next((item for item in route.filters if self.kinds[item.kind].terminal), None)
        if ends is not None:
            for item in route.filters[route.filters.index(ends) + 1 :]:
                message = f"`{item.kind}` never runs: `{ends.kind}` before it answers itself"
                self.refuse("never-runs", item.place.path, message)
            for key in ("to", "rewrite"):
                if getattr(route, key) is not None:
                    message = f"`{key}` has no effect: `{ends.kind}` answers itself"
                    self.refuse("conflict", (*path, key), message, at_key=True)
        elif route.to is None:
            terminal = [kind for kind, config in self.kinds.items() if config.terminal and kind != FORWARD]
            known = f" ({quoted(terminal)})" if terminal else ""
            message = f"a route needs `to`, the name of a service, or a filter that answers itself{known}"
            self.refuse("needs", path, message, at_key=True)
        else:
            for service in self.target(path, route.to, templates):
                self.service_filters(name, route, service, templates)
        if route.rewrite is not None:
            self.rewrite((*path, "rewrite"), route, route.rewrite, templates)
        for item in route.filters:
            for steps, text in _texts(item.options):
                self.captured((*item.place.path, item.kind, *steps), text, templates)

    def templates(self, route: RouteConfig) -> dict[str, Template]:
        """The path templates of the alternatives; those that are none have been refused."""
        templates = {}
        for condition in route.match:
            if self.parse is not None:
                try:
                    templates[condition.path] = self.parse(condition.path)
                except ValueError:
                    continue
        return templates

    def target(self, path: Path, to: Text, templates: Mapping[str, Template]) -> list[str]:
        """Check where a route goes, and return the services that it may go to."""
        path = (*path, "to")
        if to.constant is not None:
            self.service_exists(path, to.constant)
            return [to.constant]
        name = to.names[0].removeprefix("path.")
        if to.source != f"{{path.{name}}}":
            message = "`to` is the name of a service, or one capture as in `{path.service}`"
            self.refuse("bad-placeholder", path, message)
            return []
        self.captured(path, to, templates)
        services: list[str] = []
        for template in templates.values():
            kind = template.captures.get(name, "service")
            if isinstance(kind, frozenset):
                services += sorted(kind)
            elif kind == "service":
                services += self.config.services
            else:
                hint = f"write `{{{name}:service}}` or a choice as in `{{{name}:a|b}}` in `match`"
                self.refuse(
                    "bad-placeholder", path, f"`{{path.{name}}}` takes what is no service, too; {hint}"
                )
        for service in dict.fromkeys(services):
            self.service_exists(path, service, f", which `{{path.{name}}}` can be")
        return list(dict.fromkeys(services))

    def service_exists(self, path: Path, name: str, why: str = "") -> None:
        # those that are written wrongly exist too
        names = {*self.config.services, *self.document.names(("services",))}
        if name in names:
            return
        near = nearest(name, names)
        line = self.document.line(("services", near)) if near else 0
        there = f" (line {line})" if line else ""
        hint = (
            f"; did you mean `{near}`{there}?"
            if near
            else f"; there are {quoted(sorted(names))}"
            if names
            else ""
        )
        self.refuse("unknown-name", path, f"no service `{name}`{why}{hint}")

    def service_filters(
        self, name: str, route: RouteConfig, service: str, templates: Mapping[str, Template]
    ) -> None:
        """Check the filters of a service in the chain of a route: their names, and the captures they use."""
        config = self.config.services.get(service)
        own = {item.name: item for item in route.filters}
        for item in config.filters if config is not None else ():
            if item.name in own:
                message = _taken(own[item.name], item, f"route `{name}`")
                self.refuse("name-taken", own[item.name].place.path, message)
            for steps, text in _texts(item.options):
                path = (*item.place.path, item.kind, *steps)
                self.captured(path, text, templates, f"route `{name}` sends here, and ")

    def rewrite(
        self, path: Path, route: RouteConfig, rewrite: RewriteConfig, templates: Mapping[str, Template]
    ) -> None:
        if rewrite.path is not None:
            self.captured((*path, "path"), rewrite.path, templates)
            for key in ("strip", "prefix"):
                if getattr(rewrite, key) is not None:
                    self.refuse(
                        "conflict", (*path, key), f"`path` and `{key}` exclude each other", at_key=True
                    )
        if rewrite.strip is not None:
            for condition in route.match:
                if condition.path != rewrite.strip and not condition.path.startswith(rewrite.strip + "/"):
                    message = f"`{rewrite.strip}` is no literal start of the path `{condition.path}`"
                    self.refuse("bad-value", (*path, "strip"), message)

    def captured(self, path: Path, text: Text, templates: Mapping[str, Template], why: str = "") -> None:
        """Check that all templates capture what a text inserts from the path."""
        for name in _captures(text):
            for source, template in templates.items():
                if name not in template.captures:
                    captured = ", ".join(f"`{{{capture}}}`" for capture in template.captures)
                    has = f"has {captured}" if captured else "captures nothing"
                    self.refuse("bad-placeholder", path, f"`{{path.{name}}}`: {why}the path `{source}` {has}")


def _is_along(one: Path, other: Path) -> bool:
    """Whether one of the paths is a part of the other."""
    return all(first == second for first, second in zip(one, other, strict=False))


def _is_loopback(listen: Listen) -> bool:
    try:
        return ipaddress.ip_address(listen.host).is_loopback
    except ValueError:
        return listen.host == "localhost"


def _taken(first: FilterConfig, second: FilterConfig, where: str) -> str:
    lines = f" (lines {first.place.line} and {second.place.line})" if first.place.line else ""
    return f"two filters named `{first.name}` in {where}{lines}; give one a `name`"


def _captures(text: Text) -> list[str]:
    return [name.removeprefix("path.") for name in text.names if name.startswith("path.")]


def _texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, Text]]:
    """All texts in the options of a filter, with the way to them."""
    if isinstance(value, Text):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
    elif attrs.has(type(value)):
        for key, field in keys(type(value)).items():
            yield from _texts(getattr(value, field.name), (*path, key))
