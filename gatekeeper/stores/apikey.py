"""What an API key looks like: `gk_`, 43 random characters, and a checksum of six.

The form is that of GitHub's tokens (https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/):
a prefix that nobody else has, letters and digits only, so that a double click takes all of it, and the CRC-32 of what comes
before in base62 at the end. Whoever looks for leaked secrets knows a key from other words, without asking anybody.

A key is random, with 256 bits, so one round of SHA-256 is enough to store it: there is nothing to guess.
"""

import hashlib
import re
import secrets
import string
import zlib
from typing import Final


PREFIX: Final = "gk_"
RANDOM: Final = 43
"""Characters: 62 ** 43 is a little more than 2 ** 256."""
CHECKSUM: Final = 6
"""Characters: 62 ** 6 is more than 2 ** 32."""
HINT: Final = 4
"""Characters of a key that may be shown: they are of the checksum, and tell at most 23 of 256 bits."""

_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KEY: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM + CHECKSUM}}}")


def make_key() -> str:
    """Make a new key, by the randomness of the operating system."""
    body = PREFIX + _base62(secrets.randbelow(62**RANDOM), RANDOM)
    return body + _checksum(body)


def is_key(text: str) -> bool:
    """Whether a text is a key of ours, by its form and its checksum; nothing is said of whether it is valid."""
    return _KEY.fullmatch(text) is not None and text[-CHECKSUM:] == _checksum(text[:-CHECKSUM])


def digest_of(key: str | bytes) -> bytes:
    """What is stored of a key, and looked up: its SHA-256, 32 bytes.

    It is that of the bytes that were sent, whatever they are, where those that are no UTF-8 are surrogates in a text.
    """
    return hashlib.sha256(key if isinstance(key, bytes) else key.encode("utf-8", "surrogateescape")).digest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECKSUM)


def _base62(number: int, width: int) -> str:
    found = ""
    while number:
        number, rest = divmod(number, 62)
        found = _DIGITS[rest] + found
    return found.rjust(width, _DIGITS[0])
