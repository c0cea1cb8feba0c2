"""Who asks: users with tokens, of which only the SHA-256 is known, and what their roles may do.

Tokens are long and random, so one round of SHA-256 is enough: there is nothing to guess. All users are compared, in
constant time each, and a wrong token takes as long as a right one.
"""

import enum
import hashlib
import hmac
import math
from collections.abc import Iterable
from typing import Final

import attrs

from gatekeeper.admin.backoff import Backoff
from gatekeeper.admin.errors import AdminError


CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="gatekeeper admin"'}


class Role(enum.IntEnum):
    """What somebody may do; each may do what those before it may."""

    VIEWER = 1
    """Reads."""
    OPERATOR = 2
    """Checks instances, takes them in and out, reloads, drains."""
    ADMIN = 3
    """Changes the configuration, makes and revokes API keys."""

    def __str__(self) -> str:
        return self.name.lower()


def _role(name: str) -> Role:
    return Role[name.upper()]


def _lower(text: str) -> str:
    return text.lower()


@attrs.frozen
class User:
    """Somebody with a token; `role` is written as in a configuration, `token_sha256` in hexadecimal."""

    name: str
    role: Role = attrs.field(converter=_role)
    token_sha256: str = attrs.field(converter=_lower, repr=False)


LOCAL: Final = User("local", "admin", "")
"""Whoever asks from this machine where there are no users."""


class Users:
    """All users; without any, everybody who gets here is `LOCAL`."""

    def __init__(self, users: Iterable[User]) -> None:
        self._users = tuple(users)
        self._backoff = Backoff()

    def __len__(self) -> int:
        return len(self._users)

    def find(self, fields: list[str], address: str, now: float) -> User | None:
        """The user whose token the `Authorization` fields hold, None where there are none.

        Raises:
            AdminError: they are no token, or a wrong one, or too many wrong ones came from this address.

        """
        if not self._users:
            return LOCAL
        if not fields:
            return None
        scheme, _, token = fields[0].partition(" ")
        if len(fields) > 1 or scheme.lower() != "bearer" or not token.strip():
            raise AdminError(401, "send `Authorization: Bearer TOKEN`, once", headers=CHALLENGE)
        wait = self._backoff.wait(address, now)
        if wait:
            seconds = math.ceil(wait)
            raise AdminError(
                429,
                f"too many wrong tokens came from this address; try again in {seconds} s",
                headers={"Retry-After": str(seconds)},
            )
        digest = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for user in self._users:
            if hmac.compare_digest(digest, user.token_sha256):
                found = user
        if found is None:
            self._backoff.failed(address, digest, now)
            raise AdminError(401, "the token is no user's", headers=CHALLENGE)
        self._backoff.succeeded(address)
        return found
