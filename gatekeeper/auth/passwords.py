"""What is known of a password: its scrypt (RFC 7914), as a text in the format of PHC strings.

A check of what `gatekeeper password` makes takes about 60 ms and 32 MiB. Others are taken between a bound below which
guessing is cheap and one above which a few checks at a time could eat the memory: scrypt takes `128 * 2^ln * r` bytes, and
`p` times as long as once through them.
"""

import base64
import hashlib
import hmac
import re
import unicodedata
from typing import Final

import attrs


MiB: Final = 1 << 20

LN: Final = 15
"""Of what is made here, the logarithm of the cost; with the next two, 32 MiB once."""
R: Final = 8
P: Final = 1
SALT: Final = 16
"""Bytes of salt of what is made here."""
DIGEST: Final = 32
"""Bytes of what is made here."""

LEAST_MEMORY: Final = 8 * MiB
MOST_MEMORY: Final = 128 * MiB
LEAST_WORK: Final = 16 * MiB
"""Bytes that a check goes through."""
MOST_WORK: Final = 256 * MiB

_BASE64: Final = "[A-Za-z0-9+/]"
PATTERN: Final = (
    rf"\$scrypt\$ln=[0-9]{{1,2}},r=[0-9]{{1,2}},p=[0-9]{{1,2}}\${_BASE64}{{11,86}}\${_BASE64}{{22,86}}"
)
_PHC: Final = re.compile(
    rf"\$scrypt\$ln=([0-9]{{1,2}}),r=([0-9]{{1,2}}),p=([0-9]{{1,2}})\$({_BASE64}{{11,86}})\$({_BASE64}{{22,86}})"
)
_MAKE: Final = "make one with `gatekeeper password`"
_OTHERS: Final = {
    "$2": "bcrypt",
    "$apr1$": "the MD5 of Apache",
    "$1$": "MD5",
    "$5$": "SHA-256 crypt",
    "$6$": "SHA-512 crypt",
    "$argon2": "Argon2",
    "$pbkdf2": "PBKDF2",
    "{SHA}": "SHA-1",
}


class NoHashError(ValueError):
    """A text that is no hash of a password, or one that should not be used; it is never shown."""


@attrs.frozen
class PasswordHash:
    """The scrypt of a password."""

    text: str = attrs.field(repr=False)
    cost: tuple[int, int, int]
    """`ln`, `r` and `p`."""
    salt: bytes = attrs.field(repr=False)
    digest: bytes = attrs.field(repr=False)

    PATTERN = PATTERN

    @classmethod
    def parse(cls, text: str) -> "PasswordHash":
        """Read `$scrypt$ln=15,r=8,p=1$salt$hash`.

        Raises:
            NoHashError: it is none, or too weak, or too expensive.

        """
        found = _PHC.fullmatch(text)
        if found is None:
            raise NoHashError(_what_else(text))
        cost = (int(found[1]), int(found[2]), int(found[3]))
        _check(*cost)
        try:
            return cls(text, cost, _decode(found[4]), _decode(found[5]))
        except ValueError:
            raise NoHashError(f"its salt or its hash is not base64; {_MAKE}") from None

    @classmethod
    def of(cls, password: bytes, salt: bytes, cost: tuple[int, int, int] = (LN, R, P)) -> "PasswordHash":
        """Make it, which takes its time."""
        return cls.holding(_scrypt(password, salt, cost, DIGEST), salt, cost)

    @classmethod
    def holding(cls, digest: bytes, salt: bytes, cost: tuple[int, int, int] = (LN, R, P)) -> "PasswordHash":
        """One whose scrypt is this, whatever the password may be."""
        ln, r, p = cost
        text = f"$scrypt$ln={ln},r={r},p={p}${_encode(salt)}${_encode(digest)}"
        return cls(text, cost, salt, digest)

    def fits(self, password: bytes) -> bool:
        """Whether it is that of the password; takes its time, and lets other threads run."""
        made = _scrypt(password, self.salt, self.cost, len(self.digest))
        return hmac.compare_digest(made, self.digest)

    def __str__(self) -> str:
        return self.text


def prepared(text: str) -> str:
    """A user name or a password as it is compared, however it was typed (RFC 7617 section 2.1: in NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def has_control(text: str) -> bool:
    """Whether it has characters that cannot be sent (RFC 7617 section 2); scrypt would overlook a NUL at the end."""
    return any(unicodedata.category(character) == "Cc" for character in text)


def _scrypt(password: bytes, salt: bytes, cost: tuple[int, int, int], length: int) -> bytes:
    ln, r, p = cost
    return hashlib.scrypt(password, salt=salt, n=1 << ln, r=r, p=p, maxmem=2 * MOST_MEMORY, dklen=length)


def _check(ln: int, r: int, p: int) -> None:
    if not (1 <= ln <= 24 and 1 <= r <= 32 and 1 <= p <= 16):
        raise NoHashError(f"scrypt with ln={ln}, r={r} and p={p} is out of bounds; {_MAKE}")
    memory = 128 * r << ln
    if memory < LEAST_MEMORY or memory * p < LEAST_WORK:
        raise NoHashError(f"scrypt with ln={ln}, r={r} and p={p} is guessed too fast; {_MAKE}")
    if memory > MOST_MEMORY:
        raise NoHashError(f"each check of it would take {memory // MiB} MiB of memory; {_MAKE}")
    if memory * p > MOST_WORK:
        raise NoHashError(f"each check of it would go {p} times through {memory // MiB} MiB; {_MAKE}")


def _what_else(text: str) -> str:
    if text.startswith("$scrypt$ln=") and "," not in text:
        return "it ends at its first comma: quote it, as within `{ }` a comma ends a value"
    other = next((name for start, name in _OTHERS.items() if text.startswith(start)), "")
    if other:
        return f"hashes by {other} cannot be checked here; {_MAKE}"
    if text.startswith(("$scrypt$", "$7$")):
        return f"it is not `$scrypt$ln=...,r=...,p=...$salt$hash`; {_MAKE}"
    return f"this is no hash of a password; {_MAKE}"


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
