"""Keys: each knows what it may be used for, and refuses everything else.

A key is bound to the algorithms of its type, its curve, its size and its own `alg`, and not to what a token asks for.
So a public key is never taken for a shared secret, and a header that names another algorithm finds no key (RFC 8725
sections 3.1 and 3.2).

Signatures are those of joserfc, which needs the extra `jwt`; sizes and bounds are checked in front of it, so that what
is accepted does not depend on the version of OpenSSL. One thing cannot be refused: (r, s) and (r, n - s) are both
signatures of ECDSA, and signers make either. So whoever holds a token can write it in a second way, which says the same;
what has to recognise a token (to revoke it, say) goes by its `jti`.

Measured on one core, in µs a token of 600 to 900 bytes, to find the key and check the signature: 3 HS256, 4 HS512, 22
RS256 and 24 PS256 (2,048 bits; 70 with 4,096), 72 ES256, 110 Ed25519, 210 Ed448, 520 ES384 and ES512. To sign: 11 HS256, 36
ES256, 43 Ed25519, 270 RS256.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

import attrs
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gatekeeper.auth.jose.algorithms import ALGORITHMS, CURVES
from gatekeeper.auth.jose.errors import KeysError


MOST_TRIED: Final = 4
"""Keys that one token is tried with."""

Native = RSAKey | ECKey | OKPKey | OctKey


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Key:
    """A key that checks signatures, and makes them if `signs`."""

    kid: str | None
    kty: str
    curve: str = ""
    """The name of its curve; empty for RSA and shared secrets."""
    algorithms: frozenset[str]
    """What it may be used with."""
    signs: bool = False
    thumbprint: str
    """What tells its material from any other (RFC 7638). That of a shared secret is a secret as well."""
    public: Mapping[str, str]
    """Its public members (RFC 7517 section 4); none for a shared secret."""
    _length: int
    """Of a signature in bytes; 0 where that depends on the algorithm."""
    _native: Native

    def verifies(self, algorithm: str, data: bytes, signature: bytes) -> bool:
        """Whether this is the signature of these data by this key, with an algorithm that is one for it."""
        if algorithm not in self.algorithms or not self._is_sound(algorithm, signature):
            return False
        return JWSRegistry.algorithms[algorithm].verify(data, signature, self._native)

    def sign(self, algorithm: str, data: bytes) -> bytes:
        """The signature of these data.

        Raises:
            KeysError: it is not a key to sign with, or the algorithm is not one for it.

        """
        if not self.signs or algorithm not in self.algorithms:
            raise KeysError(f"the key does not sign with `{algorithm}`")
        return JWSRegistry.algorithms[algorithm].sign(data, self._native)

    def _is_sound(self, algorithm: str, signature: bytes) -> bool:
        """Whether the signature has the right size, and its numbers are within bounds.

        RFC 7518 sections 3.3 and 3.4, RFC 8017 section 8.1.2, RFC 8032 section 5.1.7.
        """
        if len(signature) != (self._length or ALGORITHMS[algorithm].digest):
            return False
        if not self.curve:
            return True
        half, order = len(signature) // 2, CURVES[self.curve].order
        if self.kty == "OKP":
            return int.from_bytes(signature[half:], "little") < order
        r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
        return 0 < r < order and 0 < s < order

    def __repr__(self) -> str:
        return f"<Key {self.kid!r} {self.kty} {self.curve}>"


@attrs.frozen
class LeftOut:
    """A key of a set that is not used: the place in its set, from 0, and why."""

    position: int
    why: str


class KeySet:
    """Keys to check signatures with. What is left out of it is never used."""

    def __init__(self, keys: Iterable[Key], left_out: Sequence[LeftOut] = ()) -> None:
        unique = {(key.kid, key.thumbprint, key.algorithms): key for key in keys}
        self.keys: Final = tuple(unique.values())
        self.left_out: Final = tuple(left_out)
        self._by_kid: dict[str | None, list[Key]] = {}
        for key in self.keys:
            self._by_kid.setdefault(key.kid, []).append(key)

    @property
    def algorithms(self) -> frozenset[str]:
        """Everything that one of its keys may be used with."""
        return frozenset().union(*(key.algorithms for key in self.keys))

    def find(self, kid: str | None, algorithm: str) -> Sequence[Key]:
        """The keys that a token may be signed with, at most `MOST_TRIED`.

        With a kid these are the keys of that kid; where there are none, those without any, as keys have that come as
        PEM. Without a kid these are all that serve the algorithm.
        """
        keys: Iterable[Key] = self.keys
        if kid is not None:
            keys = self._by_kid.get(kid) or self._by_kid.get(None, [])
        return tuple(islice((key for key in keys if algorithm in key.algorithms), MOST_TRIED))

    def has(self, kid: str | None) -> bool:
        """Whether there is a key of this kid, whatever it may be used with."""
        return kid is not None and kid in self._by_kid

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        return f"<KeySet of {len(self)}>"
