"""`upstream_auth`: prove to a service that it is the gateway who asks."""

import base64
import re
from typing import Final

import attrs

from gatekeeper.core.chain import AttemptHandler
from gatekeeper.core.errors import CredentialUnavailable
from gatekeeper.core.exchange import Attempt
from gatekeeper.core.message import Response
from gatekeeper.extend.calls import CallFailed
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import DRY_RUN, BuildContext
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.extend.vocabulary import Refusal, help_line
from gatekeeper.filters.access_token import AccessToken, ClientCredentialsConfig
from gatekeeper.filters.identity_token import IdentityToken, IdentityTokenConfig


AUTHORIZATION: Final = b"authorization"


def _is_token(_instance: object, _attribute: object, token: str) -> None:
    if not re.fullmatch(r"[!-~]+", token):
        # what it is stays unsaid
        raise Refusal("a token has visible characters of ASCII and no blanks; write it without `Bearer`")


def _is_pair(_instance: object, attribute: "attrs.Attribute[str]", text: str) -> None:
    # RFC 7617 section 2
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise Refusal(f"`{attribute.name}` holds no control characters")
    if attribute.name == "username" and ":" in text:
        raise Refusal("`username` holds no `:`, behind which the password begins")


@attrs.frozen(kw_only=True)
class BasicConfig:
    """A name and a password (RFC 7617)."""

    username: str = attrs.field(validator=_is_pair, metadata=help_line("how the service knows the gateway"))
    password: str = attrs.field(
        repr=False,
        validator=_is_pair,
        metadata={**help_line("how the gateway proves that it is it"), "secret": True},
    )


@attrs.frozen(kw_only=True)
class BearerConfig:
    """A token that does not change (RFC 6750)."""

    token: str = attrs.field(
        repr=False, validator=_is_token, metadata={**help_line("the token, without `Bearer`"), "secret": True}
    )


@attrs.frozen(kw_only=True)
class UpstreamAuthConfig:
    """Prove to the service who asks, or that it is the gateway; one of these ways."""

    basic: BasicConfig | None = attrs.field(default=None, metadata=help_line("by a name and a password"))
    bearer: BearerConfig | None = attrs.field(default=None, metadata=help_line("by a token of this file"))
    client_credentials: ClientCredentialsConfig | None = attrs.field(
        default=None, metadata=help_line("by a token that is got from a server of OAuth 2.0, and renewed")
    )

    identity_jwt: IdentityTokenConfig | None = attrs.field(
        default=None,
        metadata=help_line("who asks, by a token that the gateway signs, in a field of its own"),
    )

    @property
    def identity_headers(self) -> frozenset[str]:
        """The field that only the gateway may send, in lower case."""
        return frozenset() if self.identity_jwt is None else frozenset({self.identity_jwt.header.lower()})

    def __attrs_post_init__(self) -> None:
        given = [field.name for field in attrs.fields(type(self)) if getattr(self, field.name) is not None]
        if not given:
            raise Refusal("name a way, as in `bearer: {token: ...}`", "one-kind")
        if len(given) > 1:
            raise Refusal(f"two ways, `{given[0]}` and `{given[1]}`; keep one of them", "one-kind")


@attrs.frozen
class UpstreamAuth:
    """Writes what proves it into each attempt's own copy of the request: another service never sees it."""

    constant: bytes = attrs.field(default=b"", repr=False)
    token: AccessToken | None = None
    identity: IdentityToken | None = None

    def wrap(self, next: AttemptHandler, /) -> AttemptHandler:  # noqa: A002
        """Return the handler."""
        if self.identity is not None:
            return _with_identity(self.identity, next)
        return _with_constant(self.constant, next) if self.token is None else _with_token(self.token, next)


def _with_constant(value: bytes, following: AttemptHandler) -> AttemptHandler:
    async def upstream_auth(attempt: Attempt) -> Response:
        attempt.edit().headers.set(AUTHORIZATION, value)
        return await following(attempt)

    return upstream_auth


def _with_token(token: AccessToken, following: AttemptHandler) -> AttemptHandler:
    async def upstream_auth(attempt: Attempt) -> Response:
        if attempt.exchange.get(DRY_RUN, False):
            return await following(attempt)
        try:
            shown = await token.get()
        except CallFailed as failure:
            raise CredentialUnavailable(log=f"there is no token: {failure}") from None
        attempt.edit().headers.set(AUTHORIZATION, b"Bearer " + shown.encode())
        response = await following(attempt)
        if response.status == 401:
            token.refuse(shown)
        return response

    return upstream_auth


def _with_identity(identity: IdentityToken, following: AttemptHandler) -> AttemptHandler:
    async def upstream_auth(attempt: Attempt) -> Response:
        token = identity.make(attempt.exchange)
        if token is not None:
            attempt.edit().headers.set(identity.field, token)
        return await following(attempt)

    return upstream_auth


def build(config: UpstreamAuthConfig, context: BuildContext) -> UpstreamAuth:
    """Make the filter."""
    if config.basic is not None:
        pair = f"{config.basic.username}:{config.basic.password}".encode()
        return UpstreamAuth(b"Basic " + base64.b64encode(pair))
    if config.bearer is not None:
        return UpstreamAuth(b"Bearer " + config.bearer.token.encode())
    if config.identity_jwt is not None:
        return UpstreamAuth(identity=IdentityToken(config.identity_jwt, context.clock))
    own = config.client_credentials
    assert own is not None
    name, gateway, wheel, random = (
        f"{context.owner} {context.name}",
        context.gateway,
        context.wheel,
        context.random,
    )
    token = context.keep("token", lambda one: AccessToken(name, one, gateway, wheel, random), own)
    return UpstreamAuth(token=token)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.attempt_filter("upstream_auth", UpstreamAuthConfig, build)
