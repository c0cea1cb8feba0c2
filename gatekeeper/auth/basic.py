"""`basic`: user names and passwords (RFC 7617), of which only the scrypt is known.

A user that is not known takes as long as one that is: its password is checked against a hash that no password has, as
expensive as that of one of the others.
"""

import binascii
import hmac
import secrets
from typing import Final

import attrs

from gatekeeper.auth.checking import Checks
from gatekeeper.auth.passwords import DIGEST, SALT, PasswordHash, has_control, prepared
from gatekeeper.auth.reading import HeaderCredential
from gatekeeper.core.errors import Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.extend.vocabulary import Refusal, help_line


_CREDENTIAL: Final = HeaderCredential(b"authorization", b"basic")


def _is_realm(_instance: object, _attribute: object, realm: str | None) -> None:
    if realm is not None and not (realm.isascii() and realm.isprintable()):
        raise Refusal("`realm` is sent in a header field; write ASCII without line breaks")


def _is_username(_instance: object, _attribute: object, username: str) -> None:
    if not username or ":" in username or has_control(username):
        raise Refusal("a user name has no `:` in it, and no control characters; write one that can be sent")


@attrs.frozen(kw_only=True)
class BasicConfig:
    """User names and passwords; they are not passed on."""

    realm: str | None = attrs.field(
        default=None,
        validator=_is_realm,
        metadata=help_line("what browsers call it where they ask; the name of the authenticator"),
    )


@attrs.frozen(kw_only=True)
class PasswordConfig:
    """A user name of a consumer, and its password."""

    username: str = attrs.field(validator=_is_username, metadata=help_line("the name; upper case counts"))
    password_hash: PasswordHash = attrs.field(
        repr=False,
        metadata={
            **help_line("the scrypt of the password, as `gatekeeper password` prints it; quote it"),
            "secret": True,
        },
    )

    @property
    def key(self) -> str:
        """What one consumer has alone."""
        return prepared(self.username)


class Basic:
    """Checks passwords; the loop never waits for that."""

    def __init__(self, config: BasicConfig, context: BuildContext) -> None:
        realm = config.realm if config.realm is not None else context.name
        quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
        self.challenge = f'Basic realm="{quoted}", charset="UTF-8"'
        self._checks = context.keep("checks", Checks, context.clock.monotonic)
        self._held: dict[str, tuple[Consumer, PasswordHash]] = {}
        for credential in context.credentials:
            password: PasswordConfig = credential.config
            self._held[password.key] = (credential.consumer, password.password_hash)
        self._secret = secrets.token_bytes(32)
        costs = [hashed.cost for _, hashed in self._held.values()]
        made = [
            PasswordHash.holding(secrets.token_bytes(DIGEST), secrets.token_bytes(SALT), cost)
            for cost in costs
        ]
        self._nobody = made or [PasswordHash.holding(secrets.token_bytes(DIGEST), secrets.token_bytes(SALT))]

    async def authenticate(self, exchange: Exchange, /) -> Consumer | None:
        """Return whose user name and password it is; None where there is none.

        Raises:
            Unauthenticated: it is nobody's.
            IdentityUnknown: too many wait to be told whose theirs is.

        """
        found = _CREDENTIAL.find(exchange)
        if found is None:
            return None
        username, password = _read(found)
        consumer, hashed = self._held.get(username) or (None, self._hash_of_nobody(username))
        fits = await self._checks.fits(username, hashed, password)
        if consumer is None:
            raise Unauthenticated(log="the user is not known")
        if not fits:
            raise Unauthenticated(log=f"the password of {consumer.name} is wrong")
        return consumer

    def _hash_of_nobody(self, username: str) -> PasswordHash:
        """Always the same for the same name: two hashes would tell that the name is nobody's."""
        digest = hmac.digest(self._secret, username.encode(), "sha256")
        return self._nobody[int.from_bytes(digest) % len(self._nobody)]

    def conceal(self, exchange: Exchange, /) -> None:
        """Take user name and password out of the request."""
        _CREDENTIAL.remove(exchange)


def _read(credential: str) -> tuple[str, bytes]:
    """The user name and the password.

    Raises:
        Unauthenticated: it is no credential of this scheme.

    """
    try:
        text = binascii.a2b_base64(credential, strict_mode=True).decode()
    except ValueError:
        # what could not be decoded is in the error
        raise Unauthenticated(log="the credential is not UTF-8 in base64") from None
    username, colon, password = text.partition(":")
    if not colon or has_control(text):
        raise Unauthenticated(log="the credential is no user name with a password")
    return prepared(username), prepared(password).encode()


def build(config: BasicConfig, context: BuildContext) -> Basic:
    """Make the authenticator."""
    return Basic(config, context)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.authenticator("basic", BasicConfig, build, main="realm", credential=PasswordConfig)
