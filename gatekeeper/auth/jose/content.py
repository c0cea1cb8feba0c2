"""Keys as an operator writes them: PEM, a certificate, a JWK, a key set, or a shared secret.

What looks like one of the first four is never taken as the last: a public key that became a shared secret would let
everybody who knows it sign tokens (RFC 8725 section 2.1).
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gatekeeper.auth.jose.encoding import encode, parse_object
from gatekeeper.auth.jose.errors import KeysError
from gatekeeper.auth.jose.jwk import LARGEST, parse_jwk, parse_keys
from gatekeeper.auth.jose.keys import Key, KeySet


_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s[A-Za-z0-9+/=\s]+\s-----END \1-----")
_NO_SECRET: Final = re.compile(r"-{4,5} ?BEGIN |^(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+ ", re.MULTILINE)

_PUBLIC: Final[dict[str, Callable[[bytes], object]]] = {
    "PUBLIC KEY": load_pem_public_key,
    "RSA PUBLIC KEY": load_pem_public_key,
    "CERTIFICATE": lambda pem: load_pem_x509_certificate(pem).public_key(),
}
_PRIVATE: Final = {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"}


def parse_key(content: str) -> KeySet:
    """Read keys to check signatures with.

    It is one PEM block (`PUBLIC KEY`, `RSA PUBLIC KEY`, `CERTIFICATE`), a JWK, a JWK Set, or else a shared secret: its
    text, without blanks and line breaks around it. Of a certificate nothing but its key is used: neither its dates nor
    who signed it. A secret that is no text, or begins with `{`, is written as a JWK (`kty: oct`).

    Raises:
        KeysError: it is none of them, or cannot be used. The message holds nothing of it.

    """
    text = _checked(content)
    if text.startswith("{"):
        document = _parse(text)
        if "keys" in document:
            return parse_keys(text.encode(), secrets=True)
        return KeySet([_of_jwk(document)])
    if "-----BEGIN" not in text:
        return KeySet([_of_jwk(_secret(text))])
    pem = _PEM.fullmatch(text)
    if pem is not None and pem[1].endswith("PRIVATE KEY"):
        raise KeysError("the key is private; write its public half, which is enough to check signatures")
    if pem is None or pem[1] not in _PUBLIC:
        raise KeysError("the key is not one PEM block `PUBLIC KEY` or `CERTIFICATE`, and nothing around it")
    try:
        native = _PUBLIC[pem[1]](text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeysError(f"the PEM block `{pem[1]}` cannot be read") from None
    return KeySet([_of_jwk(_as_jwk(native))])


def parse_signing_key(content: str, *, kid: str | None = None) -> Key:
    """Read a key to sign with.

    It is one PEM block (`PRIVATE KEY`, `RSA PRIVATE KEY`, `EC PRIVATE KEY`, none of them encrypted), a private JWK, or
    else a shared secret. `kid` names it; otherwise a JWK may, and else its thumbprint does (RFC 7638), if it is no
    secret.

    Raises:
        KeysError: it is none of them, or cannot be used. The message holds nothing of it.

    """
    text = _checked(content)
    if text.startswith("{"):
        jwk = _parse(text)
    elif "-----BEGIN" not in text:
        jwk = _secret(text)
    else:
        pem = _PEM.fullmatch(text)
        if pem is None or pem[1] not in _PRIVATE:
            raise KeysError("the key is not one PEM block `PRIVATE KEY`, and nothing around it")
        try:
            native = load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeysError(f"the PEM block `{pem[1]}` cannot be read") from None
        jwk = _as_jwk(native, private=True)
    if kid is not None:
        jwk["kid"] = kid
    key = _of_jwk(jwk, signs=True)
    if key.kid is None and key.public:
        return _of_jwk({**jwk, "kid": key.thumbprint}, signs=True)
    return key


def _checked(content: str) -> str:
    if len(content) > LARGEST:
        raise KeysError(f"the key is larger than {LARGEST // 1024} KiB")
    text = content.strip()
    if not text:
        raise KeysError("the key is empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise KeysError(
            "the key is not UTF-8; write a secret that is no text as a JWK (`kty: oct`)"
        ) from None
    return text


def _parse(text: str) -> dict[str, Any]:
    try:
        return parse_object(text.encode())
    except ValueError as error:
        raise KeysError(f"the key begins like a JWK, but cannot be read: {error}") from None


def _of_jwk(jwk: dict[str, Any], *, signs: bool = False) -> Key:
    try:
        return parse_jwk(jwk, signs=signs)
    except KeysError as error:
        raise KeysError(f"the key cannot be used: {error}") from None


def _secret(text: str) -> dict[str, Any]:
    if _NO_SECRET.search(text) is not None or _is_der(text):
        raise KeysError("the key is public or private, and no shared secret; write it as PEM or as a JWK")
    return {"kty": "oct", "k": encode(text.encode())}


def _is_der(text: str) -> bool:
    """Whether it is a key or a certificate that has lost its `BEGIN` and `END`."""
    try:
        der = b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    for load in (
        load_der_public_key,
        load_der_x509_certificate,
        lambda data: load_der_private_key(data, password=None),
    ):
        try:
            load(der)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        return True
    return False


def _as_jwk(native: object, *, private: bool = False) -> dict[str, Any]:
    key: RSAKey | ECKey | OKPKey
    try:
        if isinstance(native, rsa.RSAPublicKey | rsa.RSAPrivateKey):
            key = RSAKey(native, native)
        elif isinstance(native, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
            key = ECKey(native, native)
        elif isinstance(
            native,
            ed25519.Ed25519PublicKey
            | ed25519.Ed25519PrivateKey
            | ed448.Ed448PublicKey
            | ed448.Ed448PrivateKey,
        ):
            key = OKPKey(native, native)
        else:
            raise KeysError("the key is not one of RSA, of an elliptic curve, of Ed25519 or of Ed448")
        return dict(key.as_dict(private=private))
    except KeyError:
        raise KeysError("the key is on a curve that is not supported") from None
