"""JSON Web Keys: which of them can check a signature, and why the others cannot.

Everything about a key is checked here, before joserfc makes an object of it: that library takes a weak key with a
warning, and neither it nor OpenSSL minds a public key of small order, whose signatures anybody can make.

Measured: 4 ms (Ed25519) to 16 ms (RSA of 4,096 bits) for a set of 100 keys, 80 ms for the worst 256 KiB; so what comes from
a network is read in a thread.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gatekeeper.auth.jose.algorithms import CURVES, algorithms_for
from gatekeeper.auth.jose.encoding import decode, encode, parse_object
from gatekeeper.auth.jose.errors import KeysError
from gatekeeper.auth.jose.jwt import LONGEST_KID
from gatekeeper.auth.jose.keys import Key, KeySet, LeftOut, Native


LARGEST: Final = 256 * 1024
"""Bytes of a key set."""
MOST: Final = 100
"""Keys of a set."""

SMALLEST_MODULUS: Final = 2048
"""Bits of an RSA key (RFC 7518 section 3.3)."""
LARGEST_MODULUS: Final = 8192
"""Bits of an RSA key; the time that a signature takes grows with their square."""
_EXPONENTS: Final = range(2**16 + 1, 2**64)  # the lower end is that of FIPS 186-5
_SMALLEST_SECRET: Final = 32

_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
_REQUIRED: Final = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "oct": ("k", "kty"),
}
_IMPORT: Final[dict[str, Callable[[dict[str, Any]], Native]]] = {
    "RSA": RSAKey.import_key,
    "EC": ECKey.import_key,
    "OKP": OKPKey.import_key,
    "oct": OctKey.import_key,
}

# p and all y of points of small order (RFC 8032 sections 5.1 and 5.2; the cofactors are 8 and 4)
_ED25519: Final = 2**255 - 19
_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_ED448: Final = 2**448 - 2**224 - 1
_SMALL_ORDER: Final = {
    "Ed25519": (_ED25519, frozenset({0, 1, _ED25519 - 1, _ORDER_8, _ED25519 - _ORDER_8})),
    "Ed448": (_ED448, frozenset({0, 1, _ED448 - 1})),
}


def parse_keys(data: bytes, *, secrets: bool = False) -> KeySet:
    """Read a JWK Set (RFC 7517 section 5), as it came from a network.

    Keys that cannot check a signature are left out. So are shared secrets, unless `secrets`: who publishes one lets
    everybody sign.

    Raises:
        KeysError: it is none or too large, or no key of it is left; the message holds nothing of it.

    """
    if len(data) > LARGEST:
        raise KeysError(f"the key set is larger than {LARGEST // 1024} KiB")
    try:
        entries = parse_object(data).get("keys")
    except ValueError as error:
        raise KeysError(f"the key set cannot be read: {error}") from None
    if not isinstance(entries, list):
        raise KeysError("the key set has no list `keys`")
    if len(entries) > MOST:
        raise KeysError(f"the key set has more than {MOST} keys")
    keys: list[Key] = []
    left_out: list[LeftOut] = []
    for position, entry in enumerate(entries):
        try:
            key = parse_jwk(entry)
            if key.kty == "oct" and not secrets:
                raise KeysError("it is a shared secret, which must not be published")
            keys.append(key)
        except KeysError as error:
            left_out.append(LeftOut(position, str(error)))
    if not keys:
        why = "; ".join(f"{left.position}: {left.why}" for left in left_out[:3]) or "it is empty"
        raise KeysError(f"the key set has no key that can check a signature ({why})")
    return KeySet(keys, left_out)


def parse_jwk(jwk: object, *, signs: bool = False) -> Key:
    """Make a key of a JWK. If `signs` it must be private or a shared secret, otherwise it must not be private.

    Raises:
        KeysError: it cannot be used; the message holds nothing of it.

    """
    if not isinstance(jwk, dict):
        raise KeysError("it is not a JSON object")
    kty = jwk.get("kty")
    if not isinstance(kty, str) or kty not in _REQUIRED:
        raise KeysError("its `kty` is none of RSA, EC, OKP and oct")
    kid = jwk.get("kid")
    if "kid" in jwk and not (isinstance(kid, str) and len(kid) <= LONGEST_KID):
        raise KeysError(f"its `kid` is not a text of at most {LONGEST_KID} characters")
    _check_use(jwk, "sign" if signs else "verify")
    if kty != "oct":
        private = not _PRIVATE.isdisjoint(jwk)
        if private and not signs:
            raise KeysError("it is a private key; only its public half belongs here")
        if signs and not private:
            raise KeysError("it is a public key, which cannot sign")
    return _make(jwk, kty, kid=kid, signs=signs)


def public_jwks(keys: Iterable[Key]) -> dict[str, list[dict[str, str]]]:
    """The JWK Set that tells everybody how to check what these keys sign.

    Raises:
        KeysError: one of them is a shared secret.

    """
    return {"keys": [_public_jwk(key) for key in keys]}


def _public_jwk(key: Key) -> dict[str, str]:
    if not key.public:
        raise KeysError("a shared secret has no public half")
    jwk = {**key.public, "use": "sig"}
    if key.kid is not None:
        jwk["kid"] = key.kid
    if len(key.algorithms) == 1:
        jwk["alg"] = min(key.algorithms)
    return jwk


def _check_use(jwk: Mapping[str, object], operation: str) -> None:
    """RFC 7517 sections 4.2 and 4.3."""
    if jwk.get("use", "sig") != "sig":
        raise KeysError("its `use` is not `sig`")
    if "key_ops" not in jwk:
        return
    operations = jwk["key_ops"]
    if not isinstance(operations, list) or not all(isinstance(name, str) for name in operations):
        raise KeysError("its `key_ops` is not a list of texts")
    if len(set(operations)) != len(operations):
        raise KeysError("its `key_ops` names an operation twice")
    if operation not in operations:
        raise KeysError(f"its `key_ops` does not name `{operation}`")
    if "use" in jwk and not {"sign", "verify"}.issuperset(operations):
        raise KeysError("its `use` and its `key_ops` contradict each other")


def _make(jwk: Mapping[str, Any], kty: str, *, kid: str | None, signs: bool) -> Key:
    members = [*_REQUIRED[kty], *(sorted(_PRIVATE & jwk.keys()) if kty != "oct" and signs else ())]
    octets = {name: _octets(jwk, name) for name in members if name not in {"kty", "crv"}}
    curve = ""
    if kty == "RSA":
        length = _check_rsa(octets["n"], octets["e"])
    elif kty == "oct":
        length = _check_secret(octets["k"])
    else:
        curve = _check_curve(jwk, kty, octets)
        length = CURVES[curve].signature
    algorithms = algorithms_for(kty, curve=curve, size=length)
    if "alg" in jwk:
        algorithms = frozenset(name for name in algorithms if name == jwk["alg"])
        if not algorithms:
            raise KeysError("its `alg` does not sign, is not supported, or is not one for such a key")
    required = {name: jwk[name] for name in _REQUIRED[kty]}
    try:
        native = _IMPORT[kty]({name: jwk[name] for name in members})
    except (ValueError, JoseError):
        raise KeysError("its members make no key; a point is not on its curve, or two do not fit") from None
    if isinstance(native, OKPKey) and OKPKey.binding.export_public_key(native.public_key)["x"] != jwk["x"]:
        raise KeysError("its private and its public members do not belong together")
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode()
    return Key(
        kid=kid,
        kty=kty,
        curve=curve,
        algorithms=algorithms,
        signs=signs,
        thumbprint=encode(hashlib.sha256(canonical).digest()),
        public=required if kty != "oct" else {},
        length=length if kty != "oct" else 0,
        native=native,
    )


def _octets(jwk: Mapping[str, object], name: str) -> bytes:
    value = jwk.get(name)
    if name == "oth":
        raise KeysError("it has more than two primes, which is not supported")
    if not isinstance(value, str) or not value:
        raise KeysError(f"its `{name}` is missing, empty or not a text")
    try:
        return decode(value.encode("ascii"))
    except ValueError:
        raise KeysError(f"its `{name}` is not base64url without padding") from None


def _check_rsa(modulus: bytes, exponent: bytes) -> int:
    """Return the length of its signatures."""
    if modulus[0] == 0 or exponent[0] == 0:
        raise KeysError("its `n` or `e` begins with a zero that is not part of the number")
    n, e = int.from_bytes(modulus), int.from_bytes(exponent)
    if not SMALLEST_MODULUS <= n.bit_length() <= LARGEST_MODULUS:
        raise KeysError(f"it does not have {SMALLEST_MODULUS} to {LARGEST_MODULUS} bits")
    if n % 2 == 0:
        raise KeysError("its modulus is even")
    if e not in _EXPONENTS or e % 2 == 0:
        raise KeysError("its exponent is even, or not between 65537 and 2^64")
    return len(modulus)


def _check_secret(secret: bytes) -> int:
    """Return its length."""
    if len(secret) < _SMALLEST_SECRET:
        raise KeysError(f"it is shorter than {_SMALLEST_SECRET} bytes")
    if b"-----BEGIN" in secret:
        raise KeysError("it is a key or a certificate in PEM, which is no secret")
    return len(secret)


def _check_curve(jwk: Mapping[str, object], kty: str, octets: Mapping[str, bytes]) -> str:
    """Return the name of its curve. RFC 7518 section 6.2.1, RFC 8037 section 2."""
    name = jwk.get("crv")
    if not isinstance(name, str) or name not in CURVES or CURVES[name].kty != kty:
        raise KeysError("its `crv` is missing, does not sign, or is not supported")
    if any(len(value) != CURVES[name].size for member, value in octets.items() if member in {"x", "y", "d"}):
        raise KeysError(f"its coordinates are not {CURVES[name].size} bytes, which is the size of `{name}`")
    if kty == "OKP":
        prime, small = _SMALL_ORDER[name]
        y = int.from_bytes(octets["x"], "little") & ~(1 << (8 * CURVES[name].size - 1))
        if y % prime in small:
            raise KeysError("its point is of small order: anybody could sign for it")
    return name
