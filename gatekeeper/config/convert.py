"""A document → a `GatewayConfig`: the short forms, conditions and filters of the grammar."""

from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, Literal, Protocol

import attrs

from gatekeeper.config.document import BROKEN, Document
from gatekeeper.config.later import LATER_KINDS, is_later
from gatekeeper.config.model import (
    FilterConfig,
    GatewayConfig,
    InstanceConfig,
    KindConfig,
    ListenerConfig,
    MatchConfig,
    RewriteConfig,
    ServerConfig,
    ServiceConfig,
    Target,
)
from gatekeeper.config.problems import Fault, did_you_mean, quoted
from gatekeeper.config.structure import Expand, Reader
from gatekeeper.config.units import VERSION, Method, Name
from gatekeeper.config.wording import keys
from gatekeeper.core.text import Text


FORWARD: Final = "forward"
"""The kind of filter that ends every chain by itself."""


class Template(Protocol):
    """A parsed path template."""

    @property
    def captures(self) -> Mapping[str, frozenset[str] | str]:
        """What it captures: name → choices, or type; `service` is one, empty is any segment."""
        ...


ParseTemplate = Callable[[str], Template]
"""Reads a path template, and raises ValueError where it is none."""


def convert(
    document: Document, kinds: Mapping[str, KindConfig], base: FilePath, template: ParseTemplate | None = None
) -> tuple[GatewayConfig | None, list[Fault]]:
    """Return the configuration, and what is wrong with it.

    Where something is wrong, the configuration is what is left without that, good for further checks only; None where
    nothing is.
    """
    reader = _GatewayReader(document, kinds, base, template)
    if isinstance(document.data, dict) and "version" not in document.data:
        reader.refuse(f"`version` is missing; write `version: {VERSION}`", "missing-key")
    config = reader.read(document.data, GatewayConfig)
    return (None if config is BROKEN else config), reader.faults


# ---- short forms --------------------------------------------------------------------------------------------------


def _expand_gateway(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if not key.startswith("x-")}
    return value


def _expand_server(value: Any) -> Any:
    if isinstance(value, dict) and _is_plain(value.get("listen")):
        return {**value, "listen": {"main": value["listen"]}}
    return value


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _wrap(key: str) -> Expand:
    """Make the expansion of a single value to a mapping with this key."""
    return lambda value: {key: value} if _is_plain(value) else value


_PathText = Annotated[str, "path template"]


@attrs.frozen(kw_only=True)
class _Condition:
    """A condition as written, in which every value may be one of several."""

    path: tuple[_PathText, ...] = ("/**",)
    method: tuple[Method, ...] = ()


def _expand_condition(value: Any) -> Any:
    if isinstance(value, str):
        value = {"path": value}
    if isinstance(value, dict):
        return {
            key: [item] if key in {"path", "method"} and not isinstance(item, list) else item
            for key, item in value.items()
        }
    return value


_SHORT_FORMS: Final[Mapping[type, Expand]] = {
    GatewayConfig: _expand_gateway,
    ServerConfig: _expand_server,
    ListenerConfig: _wrap("address"),
    ServiceConfig: lambda value: {"instances": [value]} if isinstance(value, str) else value,
    InstanceConfig: _wrap("url"),
    RewriteConfig: _wrap("path"),
    _Condition: _expand_condition,
}


# ---- what is no plain class ---------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class _Shared:
    """The keys that stand beside the kind of a filter."""

    name: Name | None = None
    if_error: Literal["fail", "skip"] = "fail"


class _GatewayReader(Reader):
    """Reads the parts of the grammar that classes alone do not describe."""

    def __init__(
        self,
        document: Document,
        kinds: Mapping[str, KindConfig],
        base: FilePath,
        template: ParseTemplate | None,
    ) -> None:
        super().__init__(base, _SHORT_FORMS, is_later)
        self.document = document
        self.kinds = {kind: config for kind, config in kinds.items() if kind != FORWARD}
        self.template = template
        factory = self.converter.register_structure_hook_factory
        factory(lambda kind: kind == tuple[MatchConfig, ...], lambda _: self._match)
        factory(lambda kind: kind == _PathText, lambda _: self._path_text)
        factory(lambda kind: kind == Target, lambda _: self._target)
        factory(lambda kind: kind is FilterConfig, lambda _: self._filter)

    def _match(self, value: Any, _: Any) -> Any:
        """One condition or a list of alternatives; a list of paths gives alternatives too."""
        if value == []:
            return self.refuse("`match` is empty; `/**` matches every path")
        if isinstance(value, list):
            conditions = [self._condition(item, index) for index, item in enumerate(value)]
        else:
            conditions = [self._condition(value)]
        return tuple(
            MatchConfig(path=path, method=condition.method)
            for condition in conditions
            if condition is not BROKEN
            for path in condition.path
        )

    def _condition(self, value: Any, *steps: int) -> Any:
        if value == {}:
            return self.refuse("`match` is empty; `/**` matches every path", "bad-value", *steps)
        if isinstance(value, dict):
            empty = [key for key in ("path", "method") if value.get(key) == []]
            for key in empty:
                self.refuse(f"`{key}` is an empty list, which no request fits", "bad-value", *steps, key)
            if empty:
                return BROKEN
        return self.read(value, _Condition, *steps)

    def _path_text(self, value: Any, _: Any) -> Any:
        if isinstance(value, dict):
            return self.refuse(
                "matchers of `path` are not available yet; write a path template", "not-available"
            )
        text = self.read(value, str)
        if isinstance(text, str) and self.template is not None:
            try:
                self.template(text)
            except ValueError as error:
                return self.refuse(str(error))
        return text

    def _target(self, value: Any, _: Any) -> Any:
        if isinstance(value, dict) and BROKEN not in value.values():
            message = "several targets with weights are not available yet; write the name of one service"
            return self.refuse(message, "not-available")
        return self.read(value, Text)

    # ---- filters --------------------------------------------------------------------------------------------------

    def _filter(self, value: Any, _: Any) -> Any:
        """A kind alone, or `kind: options` with the shared keys beside it."""
        if isinstance(value, str):
            value = {str(value): {}}
        if not isinstance(value, dict):
            return self.mistyped("a filter, like `- redirect: /login`", value)
        kind = self._kind(value)
        if kind is None:
            return BROKEN
        config = self.kinds[kind].config
        beside = {key: item for key, item in value.items() if key != kind}
        misplaced = {
            key: beside.pop(key) for key in keys(config) if key in beside and key not in keys(_Shared)
        }
        for key in misplaced:
            self.refuse(f"`{key}` belongs under `{kind}:`; indent it", "unknown-key", key, at_key=True)
        shared: _Shared = self.read(beside, _Shared)
        options = self._long_options(kind, value[kind])
        if options is not BROKEN:
            options = self.read({**misplaced, **options}, config, kind)
        return FilterConfig(
            kind=kind,
            name=shared.name or kind,
            if_error=shared.if_error,
            options=None if options is BROKEN else options,
            place=self.document.place(tuple(self.path)),
        )

    def _kind(self, value: Mapping[str, Any]) -> str | None:
        """The kind that an entry names; None, and a fault, where it does not name one."""
        found = [key for key in value if key in self.kinds]
        if len(found) == 1:
            return found[0]
        if found:
            message = (
                f"two filters in one entry, `{found[0]}` and `{found[1]}`; begin a new `-` with the second"
            )
            self.refuse(message, "one-kind", found[1], at_key=True)
            return None
        shared = keys(_Shared)
        others = [key for key in value if key not in shared and not is_later((*self.path, key))]
        if not others:
            self.refuse(f"an entry names one filter; there are {quoted(self.kinds)}", "one-kind")
            return None
        kind = others[0]
        if kind == FORWARD:
            self.refuse("`forward` ends every chain by itself; leave it out", "bad-value", kind, at_key=True)
        elif kind in LATER_KINDS:
            self.refuse(f"`{kind}` is not available yet", "not-available", kind, at_key=True)
        else:
            hint = did_you_mean(kind, self.kinds) or f"; there are {quoted(self.kinds)}"
            self.refuse(f"no filter `{kind}`{hint}", "unknown-kind", kind, at_key=True)
        return None

    def _long_options(self, kind: str, value: Any) -> Any:
        """The options as a mapping; a value that is none sets the main option of the kind."""
        main = self.kinds[kind].main
        if value is BROKEN or isinstance(value, dict):
            return value
        if value is True:
            return {}
        if value is False:
            self.path.append(kind)
            self.refuse("`false` means nothing in a list of filters; leave the entry out")
            self.path.pop()
            return BROKEN
        if main is not None:
            return {main: value}
        names = keys(self.kinds[kind].config)
        self.path.append(kind)
        self.mistyped(f"a mapping with {quoted(names)}" if names else "no options", value)
        self.path.pop()
        return BROKEN
