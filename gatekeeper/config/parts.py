"""Parts as people write them: a kind with its options, and the keys that all kinds share beside it.

Filters, authenticators, balancers, health checks and providers are read in the same way, built in or not. Where a place has a kind of its
own, that is the one that is meant where none is named: `health: {every: 5s}` asks by `http`, as it would without the key.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from gatekeeper.config.document import BROKEN, meaning
from gatekeeper.config.hints import hint, meant
from gatekeeper.config.kinds import Kinds, PartKind
from gatekeeper.config.later import is_later, later_in, section
from gatekeeper.config.matching import ConditionReader
from gatekeeper.config.model import AuthenticatorConfig, BalanceConfig, HealthConfig, ProviderConfig
from gatekeeper.config.problems import nearest, quoted
from gatekeeper.config.structure import Hook
from gatekeeper.config.wording import LISTS, keys, origin, whole


@attrs.frozen(kw_only=True)
class Sort:
    """A sort of parts. `name` is what messages call one, `example` how one looks, `place` where its hints are.

    `default` is the kind where none is named, empty where one has to be. `aliases` are other names of kinds. `off` tells
    what to write instead of a kind that is `false`, `second` what to do with a second kind, and `also` what may stand
    alone besides kinds.
    """

    name: str
    example: str
    place: str
    kinds: Callable[[Kinds], Mapping[str, PartKind]]
    default: str = ""
    aliases: Mapping[str, str] = attrs.field(factory=dict)
    off: str
    second: str = "keep one of them"
    also: str = ""


FILTER: Final = Sort(
    name="filter",
    example="`- redirect: /login`",
    place="filter",
    kinds=lambda kinds: kinds.filters,
    off="leave the entry out",
    second="begin a new `-` with the second",
)
"""What stands in lists of filters."""

SORTS: Final[Mapping[Any, Sort]] = {
    BalanceConfig: Sort(
        name="balancer",
        example="`least_connections`",
        place="balancer",
        kinds=lambda kinds: kinds.balancers,
        default="round_robin",
        # every balancer honours weights
        aliases={"weighted_round_robin": "round_robin"},
        off="name the balancer that is meant",
    ),
    HealthConfig: Sort(
        name="health check",
        example="`/ready`",
        place="probe",
        kinds=lambda kinds: kinds.probes,
        default="http",
        off="write `health: false`",
        also=", and paths like `/ready`",
    ),
    AuthenticatorConfig: Sort(
        name="kind of authenticator",
        example="`api_key`",
        place="authenticator",
        kinds=lambda kinds: kinds.authenticators,
        off="take the whole entry out",
    ),
    ProviderConfig: Sort(
        name="kind of provider",
        example="`http: {url: ...}`",
        place="provider",
        kinds=lambda kinds: kinds.providers,
        off="take the whole entry out",
    ),
}
"""The parts that stand alone, by the class that holds one; the keys of the class are those that its kinds share."""


@attrs.frozen
class Part:
    """A part that has been read: `options` and `written`, their long form, are None where they are broken."""

    kind: str
    shared: Any
    options: Any
    written: Any


class PartReader(ConditionReader):
    """Reads parts too."""

    def part_hook(
        self, cls: Any, kinds: Mapping[str, PartKind], beside: Callable[[], Mapping[str, Any]] = dict
    ) -> Hook:
        """What reads the parts of a class; `beside` gives fields that are no keys."""
        sort = SORTS[cls]
        shared = self.class_hook(cls, beside)
        expand = self.expansion(cls)

        def hook(value: Any, _: Any) -> Any:
            part = self.read_part(expand(value), sort, kinds, cls, shared)
            return part if part is BROKEN else attrs.evolve(part.shared, kind=part.kind, options=part.options)

        return hook

    def read_part(self, value: Any, sort: Sort, kinds: Mapping[str, PartKind], cls: Any, shared: Hook) -> Any:
        """A `Part`, or BROKEN: a kind alone, or `kind: options` with the keys of the class beside it, which `shared` reads."""
        if sort.default and meaning(value) is True:
            value = {}
        if isinstance(value, str):
            value = {str(value): {}}
        if not isinstance(value, dict):
            return self.mistyped(f"a {sort.name}, like {sort.example}", value)
        named = self._kind(value, sort, kinds, cls)
        if named is None:
            return BROKEN
        kind = sort.aliases.get(named, named)
        options_of = kinds[kind].config if kind in kinds else None
        beside = {key: item for key, item in value.items() if key != named}
        for key in later_in(sort.place) & beside.keys():
            del beside[key]
            self.refuse_kind(key, sort, kinds)
        own = keys(options_of) if options_of is not None and whole(options_of) is None else {}
        misplaced = {key: beside.pop(key) for key in own if key in beside and key not in keys(cls)}
        for key in misplaced:
            cure = "indent it" if named in value else f"write `{named}: {{{key}: ...}}`"
            self.refuse(f"`{key}` belongs under `{named}:`; {cure}", "unknown-key", key, at_key=True)
        found = shared(beside, cls)
        if found is BROKEN or options_of is None:
            return found if found is BROKEN else Part(kind, found, None, None)
        written = self._long_options(named, value.get(named, {}), sort, kinds[kind])
        if misplaced and isinstance(written, dict):
            written = {**misplaced, **written}
        options = BROKEN if written is BROKEN else self.read(written, options_of, named)
        return Part(
            kind, found, None if options is BROKEN else options, None if options is BROKEN else written
        )

    def _kind(
        self, value: Mapping[str, Any], sort: Sort, kinds: Mapping[str, PartKind], cls: Any
    ) -> str | None:
        """The kind that a part names, or its default; None, and a fault, where it names none that there is."""
        found = [key for key in value if key in kinds or key in sort.aliases]
        if len(found) == 1:
            return found[0]
        entry = " in one entry" if sort is FILTER else ""
        if found:
            message = f"two {sort.name}s{entry}, `{found[0]}` and `{found[1]}`; {sort.second}"
            self.refuse(message, "one-kind", found[1], at_key=True)
            return None
        others = [key for key in value if key not in keys(cls) and not is_later((*self.path, key))]
        if sort.default:
            others = [key for key in others if self._is_kind(key, sort, kinds, cls)]
            if not others:
                return sort.default
        if not others:
            known = f"; there are {quoted(kinds)}" if kinds else ""
            message = f"an entry names one {sort.name}, as in {sort.example}{known}"
            self.refuse(message, "one-kind")
            return None
        self.refuse_kind(others[0], sort, kinds)
        return None

    def _is_kind(self, key: str, sort: Sort, kinds: Mapping[str, PartKind], cls: Any) -> bool:
        """Whether a key that is not known is rather a kind than a key of all kinds, or an option of the default."""
        default = keys(kinds[sort.default].config) if sort.default in kinds else {}
        if key in default:
            return False
        if meant(sort.place, key) or nearest(key, kinds):
            return True
        return not (meant(section(tuple(self.path)), key) or nearest(key, [*keys(cls), *default]))

    def refuse_kind(self, kind: str, sort: Sort, kinds: Mapping[str, PartKind]) -> None:
        """Say that there is no such kind, and what is meant."""
        if kind in later_in(sort.place):
            self.refuse(f"`{kind}` is not available yet", "not-available", kind, at_key=True)
        elif "://" in kind:
            message = f"`{kind}` is an address; name the {sort.name}, as in {sort.example}"
            self.refuse(message, "unknown-kind", kind, at_key=True)
        else:
            ending = hint(sort.place, kind, kinds)
            ending += sort.also if ending.startswith("; there are") else ""
            self.refuse(f"no {sort.name} `{kind}`{ending}", "unknown-kind", kind, at_key=True)

    def _long_options(self, named: str, value: Any, sort: Sort, kind: PartKind) -> Any:
        """The options as a mapping; a value that is none sets the main option of the kind."""
        if value is BROKEN or isinstance(value, dict) or whole(kind.config) is not None:
            return value
        if meaning(value) is True:
            return {}
        names = keys(kind.config)
        self.path.append(named)
        if meaning(value) is False:
            where = "in a list of filters" if sort is FILTER else "here"
            self.refuse(f"`false` means nothing {where}; {sort.off}")
        elif kind.main is None:
            self.mistyped(f"a mapping with {quoted(names)}" if names else "no options", value)
        self.path.pop()
        if kind.main is None or meaning(value) is False:
            return BROKEN
        return {kind.main: one_or_list(value, kind)}


def one_or_list(value: Any, kind: PartKind) -> Any:
    """The value of a main option; one of a list may stand alone."""
    assert kind.main is not None
    is_list = origin(keys(attrs.resolve_types(kind.config))[kind.main].type) in LISTS
    return [value] if is_list and not isinstance(value, list) else value
