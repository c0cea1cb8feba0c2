"""Keys that are generated once, tokens of any kind, and what is said of them."""

import json
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gatekeeper.auth.jose.content import parse_signing_key
from gatekeeper.auth.jose.encoding import encode
from gatekeeper.auth.jose.errors import Reason, TokenError
from gatekeeper.auth.jose.keys import Key


NOW = 1_800_000_000
ISSUER = "https://login.example.com/"
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": "orders-api",
    "sub": "u-17",
    "exp": NOW + 300,
    "nbf": NOW - 5,
    "iat": NOW - 5,
    "scope": "orders:read orders:write",
}
SECRET = "correct horse battery staple, and some more of that kind: 64 bytes"

KINDS = {
    "RS256": "rsa",
    "RS384": "rsa",
    "RS512": "rsa",
    "PS256": "rsa",
    "PS384": "rsa",
    "PS512": "rsa",
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "Ed25519": "Ed25519",
    "Ed448": "Ed448",
    "EdDSA": "Ed25519",
    "HS256": "secret",
    "HS384": "secret",
    "HS512": "secret",
}
"""Each algorithm, and the kind of its key."""
_CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "secp256k1": ec.SECP256K1(),
    "P-224": ec.SECP224R1(),
}


@cache
def native(kind: str) -> Any:
    """A private key of this kind."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:] or 2048))
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    return ec.generate_private_key(_CURVES[kind])


def private_pem(kind: str) -> str:
    return str(native(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "ascii")


def public_pem(kind: str) -> str:
    return str(
        native(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "ascii"
    )


@cache
def key(kind: str, kid: str | None = "k1") -> Key:
    """A key that signs."""
    return parse_signing_key(SECRET if kind == "secret" else private_pem(kind), kid=kid)


def public_jwk(kind: str, **more: Any) -> dict[str, Any]:
    return {**key(kind).public, **more}


def jwks(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def compact(header: object, claims: object, by: Key | None = None, algorithm: str = "RS256") -> bytes:
    """A token of whatever stands here; bytes stand for themselves."""
    signed = ".".join(
        encode(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (header, claims)
    )
    signature = b"some" if by is None else by.sign(algorithm, signed.encode())
    return f"{signed}.{encode(signature)}".encode()


def refused(reason: Reason) -> Any:
    """Expect this refusal."""
    return pytest.raises(TokenError, check=lambda error: error.reason is reason)
