"""Conditions on requests: keys of a mapping are AND, items of a list are OR, `not` negates (gateway-yaml.md section (b) 4).

The same classes serve `match`, `when`, `pin` and `not`; what differs is which keys may stand where.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import attrs

from gatekeeper.config.addresses import Network
from gatekeeper.config.problems import Place
from gatekeeper.config.units import HostPattern, Method, Name, Share
from gatekeeper.policy.regex import Regex


HIDDEN: Final[Mapping[str, Any]] = {"hidden": True}
"""Metadata of a field that is no key."""


IDENTITY_KEYS: Final = ("consumer", "role", "scope", "plan", "authenticator", "claim")
"""Keys of conditions that ask who was proven; nobody is, when routes are matched."""


@attrs.frozen(kw_only=True)
class MatcherConfig:
    """What one value must be; exactly one of these is set."""

    exact: str | None = attrs.field(default=None, metadata={"help": "the whole value"})
    prefix: str | None = attrs.field(
        default=None, metadata={"help": "how it begins; of a path, by whole segments"}
    )
    suffix: str | None = attrs.field(default=None, metadata={"help": "how it ends"})
    contains: str | None = attrs.field(default=None, metadata={"help": "what it holds somewhere"})
    regex: Regex | None = attrs.field(
        default=None,
        metadata={"help": "a regular expression for the whole value; named groups of a path are captures"},
    )
    present: bool | None = attrs.field(default=None, metadata={"help": "whether it is there at all"})
    not_: "Matcher | None" = attrs.field(
        default=None, metadata={"help": "what it must not be; a value that is missing is not"}
    )

    @property
    def form(self) -> tuple[str, Any]:
        """The key that is set, and its value."""
        return next((form, value) for form in FORMS if (value := getattr(self, form)) is not None)


FORMS: Final = tuple(field.name for field in attrs.fields(MatcherConfig))

Matcher = Annotated[tuple[str | MatcherConfig, ...], "matcher"]
"""What a value must be: one of these. A text is a path template, which stands in conditions of paths only."""
PathPattern = Annotated[str | MatcherConfig, "path pattern"]
"""A path template, or what the whole path must be."""


@attrs.frozen(kw_only=True)
class ConditionConfig:
    """What must hold of a request: all of its keys, of each one of the values. Plugins add keys."""

    host: tuple[HostPattern, ...] = attrs.field(
        default=(), metadata={"help": "exact, `*.` for one label more, or `*`"}
    )
    path: tuple[PathPattern, ...] = attrs.field(default=(), metadata={"help": "path template, or a matcher"})
    method: tuple[Method, ...] = attrs.field(default=(), metadata={"help": "GET includes HEAD"})
    scheme: tuple[Literal["http", "https"], ...] = attrs.field(
        default=(), metadata={"help": "how the client asked, as far as trusted proxies tell"}
    )
    listener: tuple[Name, ...] = attrs.field(
        default=(), metadata={"help": "where it came in; a name under `server.listen`"}
    )
    header: Mapping[str, Matcher] = attrs.field(
        factory=dict, metadata={"help": "header fields by name; every name must fit"}
    )
    query: Mapping[str, Matcher] = attrs.field(
        factory=dict, metadata={"help": "query parameters by name; every name must fit"}
    )
    cookie: Mapping[str, Matcher] = attrs.field(
        factory=dict, metadata={"help": "cookies by name; every name must fit"}
    )
    address: tuple[Network, ...] = attrs.field(
        default=(), metadata={"help": "the client's address, after `server.trusted_proxies`"}
    )
    consumer: tuple[str, ...] = attrs.field(
        default=(), metadata={"help": "who was proven to ask, as in `acme` or `staff:u-17`"}
    )
    role: tuple[str, ...] = attrs.field(default=(), metadata={"help": "a role of theirs"})
    scope: tuple[str, ...] = attrs.field(default=(), metadata={"help": "a scope of theirs"})
    plan: tuple[Name, ...] = attrs.field(default=(), metadata={"help": "their plan"})
    authenticator: tuple[Name, ...] = attrs.field(default=(), metadata={"help": "what has proven it"})
    claim: Mapping[str, Matcher] = attrs.field(
        factory=dict,
        metadata={"help": "claims of their token by name, dots lead into objects; of a list, one"},
    )
    share: Share | None = attrs.field(
        default=None, metadata={"help": "a random part of requests; not in `match`"}
    )
    not_: "Condition" = attrs.field(default=(), metadata={"help": "a condition that must not hold"})
    predicates: Mapping[str, Any] = attrs.field(
        factory=dict, metadata={"help": "conditions of plugins: kind and options", "kinds": "predicates"}
    )
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)

    def inner(self) -> "Iterator[ConditionConfig]":
        """This condition, and all that are negated in it."""
        yield self
        for condition in self.not_:
            yield from condition.inner()


Condition = Annotated[tuple[ConditionConfig, ...], "condition"]
"""What must hold of an exchange: one of these; empty is no condition."""
Match = Annotated[tuple[ConditionConfig, ...], "match"]
"""A condition that routes are found by: nothing is known yet but the request."""
