"""A configuration → the one long form, as plain data and as YAML; what is read from it is an equal configuration.

Every default is written out. What has no notation (a value that is None, a condition that asks nothing) is left out. Types
lead, as in reading: the same float is `5s` here and `20%` there. Values of fields with `secret` in their metadata are
hidden here, for all who show a configuration; what `${...}` put into other fields is shown.
"""

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args

import attrs
import yaml

from gatekeeper.config.conditions import Condition, ConditionConfig, Match, Matcher, MatcherConfig
from gatekeeper.config.fields import HIDDEN_SECRET
from gatekeeper.config.filters import flatten
from gatekeeper.config.model import FilterConfig, GatewayConfig, ServiceConfig, UseConfig
from gatekeeper.config.parts import SORTS
from gatekeeper.config.units import UNITS, digits
from gatekeeper.config.wording import LISTS, is_parsed, keys, origin, whole, written
from gatekeeper.core.text import Text


WIDTH: Final = 110
LINE: Final = 70
"""Characters of a mapping that is written in one line, without its punctuation."""


def show(config: GatewayConfig) -> dict[str, Any]:
    """The long form of a whole configuration."""
    shown = _object(config)
    for name, route in config.routes.items():
        base = {item.name: item for item in flatten((*config.filters, *route.filters), config.chains)}
        shown["routes"][name]["override"] = {
            changed: item and _override(item, base.get(changed)) for changed, item in route.override.items()
        }
    return shown


def show_filter(config: FilterConfig | UseConfig) -> dict[str, Any]:
    """The long form of one entry of a list of filters."""
    if isinstance(config, UseConfig):
        return _object(config)
    return _show_part(config)


def _show_part(config: Any) -> dict[str, Any]:
    """A kind with its options, and the keys that all kinds share beside it."""
    options = {} if config.options is None else show_options(config.options)
    return {config.kind: options, **_object(config, but=("kind", "options"))}


def show_options(options: Any) -> Any:
    """The long form of the options of a kind."""
    field = whole(type(options))
    return _object(options) if field is None else show_value(getattr(options, field.name), field.type)


def dump(data: Any) -> str:
    """Plain data as YAML that means the same by the rules of YAML 1.1 and 1.2."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return text


# ---- values ---------------------------------------------------------------------------------------------------------


def show_value(value: Any, kind: Any = Any) -> Any:
    """A value of a type as a file has it, in the long form."""
    if isinstance(value, bool):
        return value
    if kind in (Condition, Match):
        return _one_or_list(value, show_value)
    if kind == Matcher:
        return _one_or_list(value, show_value)
    if kind in UNITS:
        return _plain(UNITS[kind].show(value))
    if origin(kind) in {Union, UnionType, Annotated}:
        return show_value(value, _arm(value, kind))
    return _by_value(value, kind)


def _by_value(value: Any, kind: Any) -> Any:
    """What the value itself tells how to show."""
    if isinstance(value, enum.Enum):
        return _plain(value.value)
    if isinstance(value, Text):
        return _plain(value.source)
    if isinstance(value, FilterConfig) or type(value) in SORTS:
        return _show_part(value)
    if attrs.has(type(value)) and not is_parsed(type(value)):
        return _object(value)
    if isinstance(value, Mapping):
        key_type, item_type = get_args(kind) or (Any, Any)
        return {_key(key, key_type): show_value(item, item_type) for key, item in value.items()}
    if isinstance(value, list | tuple | AbstractSet):
        types = [item for item in get_args(kind) if item is not Ellipsis] or [Any]
        types = types if len(types) == len(value) else types[:1] * len(value)
        shown = [show_value(item, item_type) for item, item_type in zip(value, types, strict=True)]
        return sorted(shown, key=str) if isinstance(value, AbstractSet) else shown
    return _plain(value)


def _plain(value: Any) -> Any:
    """A value without parts; a text means itself, whatever it holds."""
    return value if isinstance(value, int | float) else str(value).replace("${", "$${")


def _key(key: Any, kind: Any) -> str:
    """A key as a file has it, where nothing is put into it."""
    if isinstance(key, enum.Enum):
        return written(key.value)
    return written(UNITS[kind].show(key) if kind in UNITS else key)


def _one_or_list(values: Iterable[Any], show_one: Callable[[Any], Any]) -> Any:
    """Alternatives; a single one stands alone."""
    shown = [show_one(value) for value in values]
    return shown[0] if len(shown) == 1 else shown


def _arm(value: Any, kind: Any) -> Any:
    """The member of a union that the value is of: the first that fits exactly, or at all."""
    arms = [arm for arm in get_args(kind) if arm is not NoneType]
    if origin(kind) is Annotated:
        return arms[0]
    exact = [arm for arm in arms if type(value) in _types(arm)]
    fitting = exact or [
        arm for arm in arms if isinstance(value, (*_types(arm), *_INSTEAD.get(_types(arm), ())))
    ]
    return fitting[0] if fitting else Any


_INSTEAD: Final[Mapping[Any, tuple[type, ...]]] = {(float,): (int,)}
"""What a default may be that a program wrote: 5 where 5.0 is read."""


def _types(kind: Any) -> tuple[Any, ...]:
    """The classes of the values of a type."""
    if origin(kind) is Annotated:
        return _types(get_args(kind)[0])
    if origin(kind) in {Union, UnionType}:
        return tuple(found for arm in get_args(kind) for found in _types(arm))
    if origin(kind) is Literal:
        return tuple({type(choice) for choice in get_args(kind)})
    if origin(kind) in LISTS:
        return (list, tuple, set, frozenset)
    if origin(kind) in {dict, Mapping}:
        return (dict,)
    return (kind,) if isinstance(kind, type) else (object,)


# ---- classes --------------------------------------------------------------------------------------------------------


def _object(value: Any, but: Iterable[str] = ()) -> dict[str, Any]:
    """The keys of a class, with those of its kinds."""
    if isinstance(value, MatcherConfig):
        form, item = value.form
        field = attrs.fields_dict(attrs.resolve_types(MatcherConfig))[form]
        return {form.rstrip("_"): show_value(item, field.type)}
    found = {}
    for key, field in keys(attrs.resolve_types(type(value))).items():
        item = getattr(value, field.name)
        if item is None or key in but or _is_empty(value, item, field.type):
            continue
        if field.metadata.get("secret") and item:
            found[key] = _hidden(item)
        elif isinstance(value, ConditionConfig):
            found |= _part(key, item, field.type)
        else:
            found[key] = show_value(item, field.type)
    return found


def _hidden(item: Any) -> Any:
    """What stands for a secret, or for each of several; what only says where one is, is shown."""
    if isinstance(item, tuple):
        return [_hidden(one) for one in item]
    return show_value(item, type(item)) if attrs.has(type(item)) else HIDDEN_SECRET


def _is_empty(value: Any, item: Any, kind: Any) -> bool:
    """Whether a file cannot say it: what is left out of conditions, and `tls` for nothing that speaks it."""
    if isinstance(value, ServiceConfig) and item is value.tls:
        return all(instance.url.scheme != "https" for instance in value.instances)
    return kind in (Condition, Match) and not item


def _part(key: str, item: Any, kind: Any) -> dict[str, Any]:
    """A key of a condition, or the keys that plugins bring."""
    if not item and item != 0:
        return {}
    if key == "predicates":
        return {name: show_options(options) for name, options in item.items()}
    if origin(kind) is tuple:
        item_type = get_args(kind)[0]
        return {key: _one_or_list(item, lambda one: show_value(one, item_type))}
    return {key: show_value(item, kind)}


def _override(item: FilterConfig, base: FilterConfig | None) -> Any:
    """The options that a route has instead; a short form replaces all of them, so what it left out must stay out."""
    shown = show_options(item.options)
    if base is not None and base.written is not None and item.written is not None:
        lost = base.written.keys() - item.written.keys()
        if lost and len(item.written) == 1:
            return shown[next(iter(item.written))]
    return shown


# ---- YAML -----------------------------------------------------------------------------------------------------------

_Base: Final[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_LOOKS_LIKE_MORE: Final = re.compile(
    r"[-+]?\.?[0-9][0-9a-fA-FxXoO_.,:eE+-]*|[-+]?\.(?:inf|nan)|y|n|yes|no|on|off|true|false|null|~|=|<<",
    re.IGNORECASE,
)
"""What some reader takes for a number, a boolean, a time or a merge."""


class _Dumper(_Base):  # type: ignore[misc]  # the one of libyaml where it exists
    """Quotes whatever could be read in two ways, repeats no value by an alias, and writes what is small in one line."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """All values are written out."""
        return True


def _is_small(value: Any, depth: int) -> bool:
    """Whether a mapping or a list is one line; a list of those is a line each."""
    parts = list(value.values()) if isinstance(value, dict) else value
    if not parts:
        return True
    if (
        depth == 0
        or len(parts) > LINE
        or sum(map(len, map(str, value))) + sum(map(len, map(str, parts))) > LINE
    ):
        return False
    inner = [part for part in parts if isinstance(part, dict | list)]
    return not (inner and isinstance(value, list)) and all(_is_small(part, depth - 1) for part in inner)


def _represent_mapping(dumper: Any, value: Mapping[str, Any]) -> Any:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=_is_small(value, 2))


def _represent_list(dumper: Any, value: list[Any]) -> Any:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=_is_small(value, 1))


def _represent_text(dumper: Any, text: str) -> Any:
    style = None
    if not text.isprintable():
        style = '"'
    elif _LOOKS_LIKE_MORE.fullmatch(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_float(dumper: Any, number: float) -> Any:
    # without exponent, which makes a text of it here
    text = digits(number)
    return dumper.represent_scalar("tag:yaml.org,2002:float", text if "." in text else f"{text}.0")


_Dumper.add_representer(dict, _represent_mapping)
_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(float, _represent_float)
