"""`jwt`: tokens that an issuer has signed (RFC 7519), checked by keys of its own (`auth.jose`).

A token that was verified is remembered by its SHA-256 until it expires, or other keys are in force. Of tokens that were
refused only those of other issuers are remembered, and apart: another authenticator may know them, and who invents tokens
pushes no good one out.

Measured: a token of 766 bytes in one of eleven fields that is remembered costs 4.3 µs a request, with the filter `auth` and
two fields to tell of it; 2 of them are to find it in the request. One that is not costs 63 with RS256, and others what their
signature costs (`auth.jose.keys`).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import attrs

from gatekeeper.auth.issuer_keys import LARGEST, IssuerKeys
from gatekeeper.auth.memory import Memory
from gatekeeper.auth.reading import PlaceConfig
from gatekeeper.core.errors import IdentityUnknown, Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.core.message import Field
from gatekeeper.extend.authenticate import OfAnother
from gatekeeper.extend.calls import CallFailed, check_endpoint, is_endpoint
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.extend.vocabulary import Duration, File, Matcher, Refusal, help_line, is_positive


if TYPE_CHECKING:
    from gatekeeper.auth.jose.claims import TokenPolicy
    from gatekeeper.auth.jose.errors import TokenError
    from gatekeeper.auth.jose.keys import Key, KeySet

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
        if not isinstance(self.audience, str) and len(self.audience) > 1 and "any" in self.audience:
            raise Refusal("`any` takes the tokens of all audiences; leave it out, or the others", "conflict")
        if self.jwks is None and not self.keys:
            _check_discovery(self.issuer)


def _check_discovery(issuer: str) -> None:
    """OpenID Connect Discovery 1.0 section 3: an issuer is an address without query and fragment."""
    try:
        check_endpoint(issuer, "an issuer has none")
    except ValueError as error:
        message = f"`issuer` cannot be asked for its keys: {error}; or write `jwks` or `keys`"
        raise Refusal(message, "needs") from None
    if "?" in issuer:
        raise Refusal(
            "`issuer` cannot be asked for its keys: it has a query; write `jwks` or `keys`", "needs"
        )


@attrs.frozen
class _Verified:
    """A token that is good until `expires`, as long as these keys are in force."""

    consumer: Consumer
    keys: "KeySet"
    expires: float
    size: int


@attrs.frozen
class _Foreign:
    """A token of another issuer."""

    headers: Sequence[Field]
    log: str
    size: int = 0

    @property
    def refusal(self) -> OfAnother:
        """Made anew each time: an exception that is raised again and again holds all that it has passed."""
        return OfAnother(log=self.log, headers=self.headers)


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
        self._leeway: Final = policy.leeway
        self._own = keys
        self._issuer: IssuerKeys | None = None
        if keys is None:
            self._issuer = context.keep(
                "keys",
                lambda one: IssuerKeys(name, one[0], one[1], one[2], gateway),
                (config.issuer, config.jwks or "", config.keep_keys),
            )
        self.challenge = f'Bearer realm="{context.name}"'
        self._verified: Final = Memory[_Verified]()
        self._foreign: Final = Memory[_Foreign]()

    async def authenticate(self, exchange: Exchange, /) -> Consumer | None:
        """Return whose token it is; None where there is none.

        Raises:
            Unauthenticated: it is not good.
            OfAnother: it is that of another issuer.
            IdentityUnknown: the keys of the issuer cannot be had.

        """
        text = self._place.find(exchange)
        if text is None:
            return None
        digest = hashlib.sha256(text.encode("latin-1")).digest()
        known = self._verified.get(digest)
        # the very question that `check_claims` asks, so that what is remembered expires at the same moment
        if known is not None and self._wall() - self._leeway < known.expires:
            keys = self._own if self._issuer is None else self._issuer.young() or await self._keys()
            if known.keys is keys:
                return known.consumer
        foreign = self._foreign.get(digest)
        if foreign is not None:
            raise foreign.refusal
        return await self._verify(text, digest)

    async def _keys(self) -> "KeySet":
        if self._issuer is None:
            assert self._own is not None
            return self._own
        try:
            return await self._issuer.get()
        except CallFailed as failure:
            raise _unknown(failure) from None

    async def _newer(self, than: "KeySet") -> "KeySet":
        if self._issuer is None:
            return than
        try:
            return await self._issuer.newer(than)
        except CallFailed as failure:
            raise _unknown(failure) from None

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
                newer = await self._newer(keys) if error.newer_keys else keys
                if newer is keys:
                    raise
                keys = newer
                verify(token, keys, policy.algorithms)
            # it may have expired while the issuer was asked
            check_claims(token, policy, self._wall())
        except TokenError as error:
            self._verified.drop(digest)
            if error.reason is not Reason.WRONG_ISSUER:
                raise self._refused(error) from None
            foreign = _Foreign(self._refused(error).headers, str(error))
            self._foreign.put(digest, foreign)
            raise foreign.refusal from None
        try:
            consumer = self._identify(token.claims)
        except Unauthenticated as error:
            raise self._refused(TokenError(Reason.BAD_CLAIM), error.log) from None
        self._verified.put(digest, _Verified(consumer, keys, token.claims["exp"], len(text)))
        return consumer

    def _refused(self, error: "TokenError", log: str = "") -> Unauthenticated:
        """RFC 6750 section 3: why, in words that are the same for all tokens of this reason."""
        challenge = f'{self.challenge}, error="{error.error}", error_description="{error.description}"'
        return Unauthenticated(log=log or str(error), headers=[(b"WWW-Authenticate", challenge.encode())])

    def conceal(self, exchange: Exchange, /) -> None:
        """Take a token out of the address, where others would see it; in a header field it is passed on."""
        if self._is_hidden:
            self._place.remove(exchange)


def _unknown(failure: CallFailed) -> IdentityUnknown:
    return IdentityUnknown(log=f"the keys of the issuer: {failure}")


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
    own = KeySet(_own_keys(config.keys, policy, parse_key)) if config.keys else None
    return Jwt(config, context, policy, own)


def _own_keys(
    contents: Sequence[str | KeyFileConfig], policy: "TokenPolicy", parse: "Callable[[str], KeySet]"
) -> "list[Key]":
    found: list[Key] = []
    for number, one in enumerate(contents, 1):
        try:
            keys = parse(_content(one))
        except (ValueError, OSError) as error:
            why = f"its file cannot be read: {error.strerror}" if isinstance(error, OSError) else error
            raise ValueError(f"`keys`, number {number}: {why}") from None
        if not keys.algorithms & policy.algorithms:
            named = ", ".join(sorted(policy.algorithms))
            raise ValueError(f"`keys`, number {number}: it is for none of the `algorithms` ({named})")
        found += keys.keys
    return found


def _content(key: str | KeyFileConfig) -> str:
    if isinstance(key, str):
        return key
    # what is no UTF-8 is refused where keys are read
    with open(key.file, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - a path of the configuration
        return file.read(LARGEST + 1)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.authenticator("jwt", JwtConfig, build, reads_claims=True)
