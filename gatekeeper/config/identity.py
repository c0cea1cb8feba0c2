"""Who asks: authenticators, consumers with their credentials, plans (gateway-yaml.md section (b) 9)."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import attrs

from gatekeeper.config.conditions import HIDDEN, IDENTITY_KEYS, ConditionConfig, Matcher
from gatekeeper.config.fields import InfoConfig, help_line
from gatekeeper.config.problems import Place, Refusal
from gatekeeper.config.units import Name
from gatekeeper.core.text import Text


AUTH: Final = "auth"
"""The kind of filter that finds out who asks."""
AUTHORIZE: Final = "authorize"
"""The kind of filter that lets pass who may."""
MTLS: Final = "mtls"
"""The kind of authenticator that needs listeners which ask for certificates."""


def _of_claims(_instance: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    for text in value if isinstance(value, tuple) else (value,):
        other = next((name for name in text.names if not name.startswith("claim.")), None)
        if other is not None:
            raise Refusal(
                f"`{{{other}}}`: `{attribute.name}` is made of what a token says, as in `{{claim.sub}}`",
                "bad-placeholder",
            )


def _several(value: Text | tuple[Text, ...]) -> tuple[Text, ...]:
    return (value,) if isinstance(value, Text) else value


@attrs.frozen(kw_only=True)
class IdentityConfig:
    """What a token says of whoever shows it."""

    subject: Text = attrs.field(
        default=Text("{claim.sub}"),
        validator=_of_claims,
        metadata=help_line("the name, behind that of the authenticator and a `:`"),
    )
    roles: Text | tuple[Text, ...] = attrs.field(
        default=(),
        converter=_several,
        validator=_of_claims,
        metadata=help_line("its roles; of a claim that is a list, all of it"),
    )
    scopes: Text | tuple[Text, ...] = attrs.field(
        default=(Text("{claim.scope}"),),
        converter=_several,
        validator=_of_claims,
        metadata=help_line("its scopes; a text is divided at blanks (RFC 8693 section 4.2)"),
    )
    plan: Text = attrs.field(
        default=Text(""), validator=_of_claims, metadata=help_line("the name of its plan")
    )


def _are_some(_instance: object, _attribute: object, claims: Mapping[str, Matcher]) -> None:
    if not claims:
        raise Refusal("`claims` is empty, and every token would fit; name at least one")


@attrs.frozen(kw_only=True)
class ClaimsConfig:
    """How a consumer is known by the claims of a token."""

    claims: Mapping[str, Matcher] = attrs.field(
        validator=_are_some, metadata=help_line("by name, dots lead into objects; every one must fit")
    )

    @property
    def key(self) -> frozenset[tuple[str, Matcher]]:
        """By which it is found that two consumers are known by the same."""
        return frozenset(self.claims.items())


@attrs.frozen(kw_only=True)
class AuthenticatorConfig:
    """What finds out who asks; `options` is an object of the class that its kind declares."""

    kind: str = attrs.field(metadata=HIDDEN)
    options: Any = attrs.field(default=None, metadata=HIDDEN)
    identity: IdentityConfig | None = attrs.field(
        default=None,
        metadata=help_line("who somebody is by the claims of a token; for kinds that read tokens"),
    )
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


Credentials = Annotated[Mapping[Name, tuple[Any, ...]], "credentials"]
"""By the names of authenticators; the classes are those that their kinds declare."""


@attrs.frozen(kw_only=True)
class PlanConfig(InfoConfig):
    """What consumers have agreed to."""


@attrs.frozen(kw_only=True)
class ConsumerConfig(InfoConfig):
    """Somebody who may be known when asking."""

    plan: Name | None = attrs.field(default=None, metadata=help_line("what it has agreed to"))
    roles: tuple[str, ...] = attrs.field(default=(), metadata=help_line("what `authorize` may ask for"))
    scopes: tuple[str, ...] = attrs.field(
        default=(), metadata=help_line("the same, where a credential has none of its own")
    )
    credentials: Credentials = attrs.field(
        factory=dict, metadata=help_line("by authenticator, what it proves itself with: one or a list")
    )
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


@attrs.frozen(kw_only=True)
class ConsumerDefaultsConfig:
    """What consumers have that do not say otherwise."""

    plan: Name | None = attrs.field(default=None, metadata=help_line("what they have agreed to"))
    roles: tuple[str, ...] = attrs.field(default=(), metadata=help_line("what `authorize` may ask for"))


def wants_somebody(condition: ConditionConfig) -> bool:
    """Whether a condition holds for nobody who is not proven."""
    return any(getattr(condition, key) for key in IDENTITY_KEYS)
