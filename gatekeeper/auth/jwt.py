"""`jwt`: tokens that an issuer has signed (RFC 7519), checked by keys of its own (`auth.jose`).

A token that was verified is remembered by its SHA-256 until it expires, or other keys are in force: that costs 2 µs, where a
signature costs up to 500. Of tokens that were refused only those of other issuers are remembered, and apart: another
authenticator may know them, and who invents tokens pushes no good one out.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import attrs

from gatekeeper.auth.issuer_keys import IssuerKeys
from gatekeeper.auth.reading import PlaceConfig
from gatekeeper.core.errors import IdentityUnknown, Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.extend.calls import CallFailed, is_endpoint
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.extend.vocabulary import Duration, File, Matcher, Refusal, help_line, is_positive


if TYPE_CHECKING:
    from gatekeeper.auth.jose.claims import TokenPolicy
    from gatekeeper.auth.jose.errors import TokenError
    from gatekeeper.auth.jose.keys import KeySet

V = TypeVar("V")

KEPT: Final = 10_000
"""Tokens that are remembered, and as many of other issuers; the oldest is forgotten first."""

AlgorithmName = Literal[
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "HS256",
    "HS384",
    "HS512",
]


@attrs.frozen(kw_only=True)
class KeyFileConfig:
    """A key in a file."""

    file: File = attrs.field(metadata=help_line("a public key or certificate in PEM, a JWK or a JWK Set"))


@attrs.frozen(kw_only=True)
class JwtConfig(PlaceConfig):
    """Tokens that an issuer has signed, in `Authorization: Bearer` where no other place is said."""

    issuer: str = attrs.field(metadata=help_line("the `iss` that a token must have, to the letter"))
    audience: str | tuple[str, ...] = attrs.field(
        metadata=help_line(
            "of which a token must name one in `aud`; `any` takes what is meant for others, too"
        )
    )
    algorithms: tuple[AlgorithmName, ...] = attrs.field(
        default=("RS256", "PS256", "ES256", "EdDSA"), metadata=help_line("how a token may be signed")
    )
    jwks: str | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(is_endpoint("keys are public")),
        metadata=help_line("where the keys are; else the issuer is asked (OpenID Connect Discovery)"),
    )
    keys: tuple[str | KeyFileConfig, ...] = attrs.field(
        default=(),
        repr=False,
        metadata={
            **help_line("the keys themselves, instead: PEM, JWK, or a secret for HS256"),
            "secret": True,
        },
    )
    leeway: Duration = attrs.field(default=30.0, metadata=help_line("by how much clocks may differ"))
    token_type: str | None = attrs.field(
        default=None, metadata=help_line("the only `typ` that is taken; all that access tokens have")
    )
    required_claims: Mapping[str, Matcher] = attrs.field(
        factory=dict, metadata=help_line("claims by name that a token must have besides")
    )
    keep_keys: Duration = attrs.field(
        default=86400.0,
        validator=is_positive,
        metadata=help_line("how long the last keys are believed where the issuer cannot be asked"),
    )

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.jwks is not None and self.keys:
            raise Refusal("`jwks` and `keys` exclude each other", "conflict")
        shared = [name for name in self.algorithms if name.startswith("HS")]
        if shared and len(shared) < len(self.algorithms):
            message = (
                f"`{shared[0]}` beside public keys lets whoever knows those sign; name one sort of algorithms"
            )
            raise Refusal(message, "insecure")
        if shared and not self.keys:
            raise Refusal(f"`{shared[0]}` needs `keys`: a secret is not published", "needs")
        if not self.algorithms:
            raise Refusal("`algorithms` is empty, and no token would pass")


@attrs.frozen
class _Verified:
    """A token that is good until `expires`, as long as these keys are in force."""

    consumer: Consumer
    keys: "KeySet"
    expires: float


class Jwt:
    """Knows tokens by the signature of their issuer."""

    def __init__(
        self, config: JwtConfig, context: BuildContext, policy: "TokenPolicy", keys: "KeySet | None"
    ) -> None:
        name, gateway = f"authenticator {context.name}", context.gateway
        self._place = config.credential(header="authorization", scheme="Bearer")
        self._is_hidden: Final = config.query is not None
        self._identify = context.identify
        self._wall = context.clock.wall
        self._policy = policy
        self._own = keys
        self._issuer: IssuerKeys | None = None
        if keys is None:
            self._issuer = context.keep(
                "keys",
                lambda one: IssuerKeys(name, one[0], one[1], one[2], gateway),
                (config.issuer, config.jwks or "", config.keep_keys),
            )
        self.challenge = f'Bearer realm="{context.name}"'
        self._verified: Final[dict[bytes, _Verified]] = {}
        self._foreign: Final[dict[bytes, Unauthenticated]] = {}

    async def authenticate(self, exchange: Exchange, /) -> Consumer | None:
        """Return whose token it is; None where there is none, or that of another issuer."""
        text = self._place.find(exchange)
        if text is None:
            return None
        digest = hashlib.sha256(text.encode("latin-1", "replace")).digest()
        known = self._verified.get(digest)
        if known is not None and self._wall() < known.expires and known.keys is await self._keys():
            return known.consumer
        if digest in self._foreign:
            raise self._foreign[digest]
        return await self._verify(text, digest)

    async def _keys(self) -> "KeySet":
        if self._issuer is None:
            assert self._own is not None
            return self._own
        try:
            return await self._issuer.get()
        except CallFailed as failure:
            raise IdentityUnknown(log=f"the keys of the issuer: {failure}") from None

    async def _verify(self, text: str, digest: bytes) -> Consumer:
        from gatekeeper.auth.jose.claims import check_claims  # noqa: PLC0415 - needs an extra
        from gatekeeper.auth.jose.errors import Reason, TokenError  # noqa: PLC0415
        from gatekeeper.auth.jose.jwt import read, verify  # noqa: PLC0415

        policy = self._policy
        try:
            token = read(text)
            check_claims(token, policy, self._wall())
            keys = await self._keys()
            try:
                verify(token, keys, policy.algorithms)
            except TokenError as error:
                newer = await self._newer() if error.newer_keys else None
                if newer is None or newer is keys:
                    raise
                keys = newer
                verify(token, keys, policy.algorithms)
        except TokenError as error:
            refusal = self._refused(error)
            if error.reason is Reason.WRONG_ISSUER:
                _remember(self._foreign, digest, refusal)
            raise refusal from None
        consumer = self._identify(token.claims)
        _remember(
            self._verified, digest, _Verified(consumer, keys, float(token.claims["exp"]) + policy.leeway)
        )
        return consumer

    async def _newer(self) -> "KeySet | None":
        if self._issuer is None:
            return None
        try:
            return await self._issuer.newer()
        except CallFailed as failure:
            raise IdentityUnknown(log=f"the keys of the issuer: {failure}") from None

    def _refused(self, error: "TokenError") -> Unauthenticated:
        challenge = f'{self.challenge}, error="{error.error}", error_description="{error.description}"'
        return Unauthenticated(log=str(error), headers=[(b"WWW-Authenticate", challenge.encode())])

    def conceal(self, exchange: Exchange, /) -> None:
        """Take a token out of the address, where others would see it; in a header field it is passed on."""
        if self._is_hidden:
            self._place.remove(exchange)


def _remember(among: dict[bytes, V], digest: bytes, what: V) -> None:
    """Put it last, and forget the oldest where there are too many."""
    among.pop(digest, None)
    among[digest] = what
    if len(among) > KEPT:
        del among[next(iter(among))]


def build(config: JwtConfig, context: BuildContext) -> Jwt:
    """Make the authenticator.

    Raises:
        ValueError: its keys cannot be used, or what they need is not installed.

    """
    try:
        from gatekeeper.auth.jose.claims import TokenPolicy  # noqa: PLC0415
        from gatekeeper.auth.jose.content import parse_key  # noqa: PLC0415
        from gatekeeper.auth.jose.keys import KeySet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ValueError("`jwt` needs more: `pip install 'gatekeeper-gateway[jwt]'`") from error
    audiences = (config.audience,) if isinstance(config.audience, str) else config.audience
    policy = TokenPolicy(
        issuer=config.issuer,
        audiences=None if audiences == ("any",) else audiences,
        algorithms=config.algorithms,
        leeway=config.leeway,
        token_type=config.token_type,
        required=context.fit(config.required_claims),
    )
    found = [key for one in config.keys for key in parse_key(_content(one)).keys]
    keys = KeySet(found) if found else None
    if keys is not None and not keys.algorithms & policy.algorithms:
        raise ValueError("none of the `keys` is one for these `algorithms`")
    return Jwt(config, context, policy, keys)


def _content(key: str | KeyFileConfig) -> str:
    if isinstance(key, str):
        return key
    with open(key.file, encoding="utf-8") as file:  # noqa: PTH123 - a path of the configuration
        return file.read()


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.authenticator("jwt", JwtConfig, build, reads_claims=True)
