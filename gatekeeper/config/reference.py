"""The reference of gateway.yaml, made of the classes: what a key is, what it takes, its default, its short forms.

A topic is a key (`services.timeouts`), a kind of filter, condition, balancer, health check or provider, or one of `match`,
`values` and `types`. What comes back is a page: a title and tables, as data.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Final, Union, get_args

import attrs

from gatekeeper.config.conditions import (
    Condition,
    ConditionConfig,
    Match,
    Matcher,
    MatcherConfig,
    PathPattern,
)
from gatekeeper.config.filters import FORWARD
from gatekeeper.config.grammar import (
    FILTER,
    SHORT,
    SHORT_CONDITION,
    SHORT_LISTEN,
    SHORT_TARGETS,
    TYPES,
    VALUES,
    all_keys,
    default_words,
    type_words,
)
from gatekeeper.config.hints import hint, meant
from gatekeeper.config.identity import Credentials
from gatekeeper.config.kinds import Kinds, PartKind
from gatekeeper.config.later import LATER_KINDS, is_later, later_in, section
from gatekeeper.config.model import (
    AuthenticatorConfig,
    BalanceConfig,
    FilterConfig,
    GatewayConfig,
    HealthConfig,
    ProviderConfig,
    TargetConfig,
    Targets,
    UseConfig,
)
from gatekeeper.config.page import Page, Table
from gatekeeper.config.parts import SORTS
from gatekeeper.config.problems import Path, quoted
from gatekeeper.config.wording import LISTS, is_parsed, origin, whole


class UnknownTopicError(Exception):
    """There is no such topic; the message says what may be meant."""


# ---- keys -----------------------------------------------------------------------------------------------------------


@attrs.frozen
class _Key:
    kind: Any
    type: str
    default: str
    help: str


def _keys(cls: Any, but: Iterable[str] = ()) -> dict[str, _Key]:
    return {
        key: _Key(field.type, type_words(field.type), default_words(field), field.metadata.get("help", ""))
        for key, field in all_keys(cls).items()
        if key not in but
    }


@attrs.frozen
class _Holder:
    """What has keys: the class, if it is one, its keys, and the path to it."""

    heading: str
    cls: Any
    keys: Mapping[str, _Key]
    path: Path


_PARTS: Final[Mapping[Any, tuple[str, Path]]] = {
    BalanceConfig: ("balancers", ("services", "*", "balance")),
    HealthConfig: ("health checks", ("services", "*", "health")),
    AuthenticatorConfig: ("authenticators", ("authenticators", "*")),
    ProviderConfig: ("providers", ("providers", "*")),
}
"""The parts that stand alone: what the overview calls them, and where they stand."""


Topics = Mapping[str, tuple[str, Callable[[], Page]]]
"""What each is about, and what makes its page."""


class Reference:
    """The reference for the kinds of parts that there are; `more` are topics that others know better."""

    def __init__(self, kinds: Kinds, more: Topics = MappingProxyType({})) -> None:
        self.filters: Final = {kind: found for kind, found in kinds.filters.items() if kind != FORWARD}
        self.forward: Final = _summary(kinds.filters[FORWARD].config) if FORWARD in kinds.filters else ""
        self.predicates: Final = dict(kinds.predicates)
        self.credentials: Final = _credentials(kinds)
        self.parts: Final = {cls: dict(SORTS[cls].kinds(kinds)) for cls in _PARTS}
        self._topics: Final[Topics] = {
            "match": ("conditions: what `match`, `when`, `pin` and `not` may say", self._match),
            "values": ("what texts may insert: `{address}`, `{path.id}`", self._values),
            "types": ("how times, sizes, shares and addresses are written", self._types),
            **more,
        }

    def overview(self) -> Page:
        """What there is to ask for."""
        tables = [
            Table(
                "keys",
                ("key", "meaning"),
                tuple((key, found.help) for key, found in _keys(GatewayConfig).items()),
            ),
            Table("filters", ("kind", "meaning"), self._summaries(self.filters)),
            *(
                Table(heading, ("kind", "meaning"), self._summaries(self.parts[cls]))
                for cls, (heading, _) in _PARTS.items()
            ),
            Table("conditions that plugins add", ("kind", "meaning"), self._summaries(self.predicates)),
            Table(
                "and", ("topic", "meaning"), tuple((name, told) for name, (told, _) in self._topics.items())
            ),
            Table("keys and kinds that are not available yet", ("",), ((", ".join(_later()),),)),
        ]
        text = "Ask for a key with its path (`services.timeouts`, `routes.to`), or for a kind (`transform`)."
        return Page("gateway.yaml", text, tuple(table for table in tables if table.rows))

    def page(self, topic: str) -> Page:
        """What is to be known of a key, a kind, or something else that the overview names.

        Raises:
            UnknownTopicError: there is no such thing.

        """
        if topic in self._topics:
            return self._topics[topic][1]()
        if topic == FORWARD:
            return Page(topic, self.forward)
        first, *rest = re.sub(r"\[[0-9]*\]", "", topic).split(".")
        roots: list[tuple[Any, Path]] = [
            (GatewayConfig, ()),
            (FILTER, ("filters", 0)),
            (Condition, ("match",)),
        ]
        roots += [(cls, path) for cls, (_, path) in _PARTS.items()]
        holding = [(path, list(self._holders(root, path))) for root, path in roots]
        found = [one for one in holding if any(first in holder.keys for holder in one[1])]
        if found:
            page = self._walk(topic, [first, *rest], found[0][1])
            others = tuple((_topic((*path, first)),) for path, _ in found[1:])
            also = [Table("see also", ("",), others)] if others and not rest else []
            return attrs.evolve(page, tables=(*page.tables, *also))
        if is_later((first,)) or first in LATER_KINDS:
            return _not_yet(topic)
        known = [*_keys(GatewayConfig), *self.filters, *self.predicates, *self._topics]
        known += [kind for kinds in self.parts.values() for kind in kinds]
        places = ("", "filter", *(SORTS[cls].place for cls in _PARTS))
        place = next((place for place in places if meant(place, first)), "")
        raise UnknownTopicError(f"no key and no kind `{first}`{hint(place, first, known)}")

    # ---- the way to a key -----------------------------------------------------------------------------------------

    def _holders(self, kind: Any, path: Path) -> Iterable[_Holder]:
        """What has keys in values of a type; names and indices on the way to it need not be said."""
        if kind in (Condition, Match):
            yield _Holder("keys of a condition", ConditionConfig, self._condition_keys(), path)
        elif kind in (Matcher, PathPattern):
            yield _Holder("a matcher has one of", MatcherConfig, _keys(MatcherConfig), path)
        elif kind == Credentials:
            for config, theirs in self.credentials.items():
                yield _Holder(f"a credential of {quoted(theirs)}", config, _keys(config), (*path, "*"))
        elif kind == Targets:
            yield _Holder("keys of each", TargetConfig, _keys(TargetConfig), (*path, "*"))
        elif kind == FILTER:
            yield _Holder("beside the kind", FilterConfig, self._shared_keys(), path)
            yield _Holder("kinds", None, _kind_keys(self.filters), path)
        elif kind in SORTS:
            yield _Holder("beside the kind", kind, _keys(kind), path)
            yield _Holder("kinds", None, _kind_keys(self.parts[kind]), path)
        elif origin(kind) in {Union, UnionType, Annotated}:
            for arm in get_args(kind)[: 1 if origin(kind) is Annotated else None]:
                yield from self._holders(arm, path)
        elif origin(kind) in LISTS:
            yield from self._holders(get_args(kind)[0], (*path, 0))
        elif origin(kind) in {dict, Mapping}:
            yield from self._holders(get_args(kind)[1], (*path, "*"))
        elif (field := whole(origin(kind))) is not None:
            yield from self._holders(field.type, path)
        elif attrs.has(origin(kind)) and not is_parsed(kind):
            each = " of each" if path and path[-1] in ("*", 0) else ""
            yield _Holder(f"keys{each}", kind, _keys(kind), path)

    def _walk(self, topic: str, words: Sequence[str], holders: Sequence[_Holder]) -> Page:
        """Follow the words; names of entries may stand between them, as `NAME`, as `*` or as they are in a file."""
        key: _Key | None = None
        name = ""
        for index, word in enumerate(words):
            if word in {"NAME", "*"}:
                continue
            holder = next((holder for holder in holders if word in holder.keys), None)
            if holder is None:
                if index < len(words) - 1 and any(holder.path[-1:] == ("*",) for holder in holders):
                    continue
                if any(is_later((*holder.path, word)) for holder in holders):
                    return _not_yet(topic)
                known = [known for holder in holders for known in holder.keys]
                place = section(holders[0].path) if holders else "-"
                raise UnknownTopicError(f"no key `{word}` in `{name}`{hint(place, word, known)}")
            key, name = holder.keys[word], f"{name}.{word}" if name else word
            holders = list(self._holders(key.kind, (*holder.path, word)))
        assert key is not None
        return self._key_page(topic, key, holders)

    # ---- pages ----------------------------------------------------------------------------------------------------

    def _key_page(self, topic: str, key: _Key, holders: Sequence[_Holder]) -> Page:
        facts = Table("", ("", " "), (("type", key.type), ("default", key.default)))
        tables = [facts, *(_key_table(holder) for holder in holders)]
        kind = topic.rpartition(".")[2]
        sorts: list[tuple[Mapping[str, Any], dict[str, _Key]]] = [
            (self.filters, _beside()),
            (self.predicates, {}),
            *((kinds, _keys(cls)) for cls, kinds in self.parts.items()),
        ]
        for kinds, beside in sorts:
            found = kinds.get(kind)
            if found is not None and key.kind is found.config:
                tables[0] = Table("", ("", " "), (("used as", _usage(kind, found)),))
                tables += [_key_table(_Holder("beside it", None, beside, ()))] if beside else []
                tables += [
                    _key_table(_Holder("a credential of a consumer", config, _keys(config), ()))
                    for config, theirs in self.credentials.items()
                    if kinds is self.parts[AuthenticatorConfig] and kind in theirs
                ]
        if any(holder.cls is ConditionConfig for holder in holders):
            tables.append(_MATCHERS)
        short: list[tuple[str, str]] = []
        if holders and holders[0].path == ("server", "listen", "*"):
            short += SHORT_LISTEN.items()
        if Targets in (key.kind, *get_args(key.kind)):
            short += SHORT_TARGETS.items()
        for holder in holders:
            short += SHORT_CONDITION.items() if holder.cls is ConditionConfig else ()
            short += SHORT.get(holder.cls, {}).items()
        tables.append(Table("short forms", ("short", "means"), tuple(short)))
        later = sorted({key for holder in holders for key in later_in(section(holder.path))})
        tables.append(Table("not available yet", ("keys",), ((", ".join(later),),) if later else ()))
        text = f"{key.help[:1].upper()}{key.help[1:].rstrip('.')}." if key.help else ""
        return Page(topic, text, tuple(one for one in tables if one.rows))

    def _match(self) -> Page:
        condition = _Holder("keys", ConditionConfig, self._condition_keys(), ())
        short = Table("short forms", ("short", "means"), tuple(SHORT_CONDITION.items()))
        text = (
            "Conditions stand in `match` of a route, in `when`, `pin` and `not`. All keys of a mapping have to hold, of"
            " a list one of its conditions, of several values one."
        )
        return Page("match", text, (_key_table(condition), _MATCHERS, short))

    def _values(self) -> Page:
        text = 'Texts insert them in braces ("user {path.id}"); where only a value can stand they are bare (`by: address`).'
        return Page("values", text, (Table("", ("value", "meaning"), tuple(VALUES.items())),))

    def _types(self) -> Page:
        rows = tuple(
            (name, "  ".join(words.written), "  ".join(words.refused), words.note)
            for name, words in TYPES.items()
        )
        text = (
            "Units stand in the value; a bare number is a count or a weight, never a time, a size or a share."
        )
        return Page("types", text, (Table("", ("type", "written", "refused", "notes"), rows),))

    def _summaries(self, kinds: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        return tuple((kind, _summary(found.config)) for kind, found in kinds.items())

    def _shared_keys(self) -> dict[str, _Key]:
        use = attrs.evolve(_keys(UseConfig)["use"], default="-")
        return {"use": use, **_beside()}

    def _condition_keys(self) -> dict[str, _Key]:
        own = _keys(ConditionConfig, ("predicates",))
        found = {
            key: attrs.evolve(one, type=re.sub("^list of (.*)", r"\1, or list", one.type), default="-")
            for key, one in own.items()
        }
        return found | {kind: _kind_key(one.config) for kind, one in self.predicates.items()}


def _beside() -> dict[str, _Key]:
    """The keys beside a kind of filter."""
    found = _keys(FilterConfig, ("kind", "options"))
    return {**found, "name": attrs.evolve(found["name"], default="the kind")}


def _kind_keys(kinds: Mapping[str, Any]) -> dict[str, _Key]:
    return {kind: _kind_key(found.config) for kind, found in kinds.items()}


def _topic(path: Path) -> str:
    """A path as one asks for it: without names of entries, and as a kind alone where that is one of a list."""
    return ".".join(step for step in path if isinstance(step, str) and step != "*")


def _kind_key(config: Any) -> _Key:
    return _Key(config, type_words(config), "-", _summary(config))


def _credentials(kinds: Kinds) -> dict[type, list[str]]:
    """The classes of credentials, each with the kinds of authenticators that they are for."""
    found: dict[type, list[str]] = {}
    for kind, one in kinds.authenticators.items():
        if one.credential is not None:
            found.setdefault(one.credential, []).append(kind)
    return found


def _usage(kind: str, found: PartKind) -> str:
    # options that are one value have no key for it
    short = found.main is not None and whole(found.config) is None
    return f"`{kind}: {{...}}`" + (f", or `{kind}: x` for `{kind}: {{{found.main}: x}}`" if short else "")


def _summary(cls: Any) -> str:
    return (cls.__doc__ or "").strip().partition("\n")[0]


def _later() -> list[str]:
    return sorted(later_in("") | LATER_KINDS)


def _not_yet(topic: str) -> Page:
    return Page(topic, "Not available yet: its name is decided, and refused until it works.")


def _key_table(holder: _Holder) -> Table:
    rows = tuple((name, key.type, key.default, key.help) for name, key in holder.keys.items())
    if all(default == "-" for _, _, default, _ in rows):
        without = tuple((name, kind, told) for name, kind, _, told in rows)
        return Table(holder.heading, ("key", "type", "meaning"), without)
    return Table(holder.heading, ("key", "type", "default", "meaning"), rows)


_MATCHERS: Final = _key_table(
    _Holder("a matcher is a text, a list (any of them), or one of", MatcherConfig, _keys(MatcherConfig), ())
)
