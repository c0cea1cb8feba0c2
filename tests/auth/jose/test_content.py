"""Keys as operators write them, and what must never be taken for a secret."""

import datetime as dt
import json
from base64 import b64encode
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gatekeeper.auth.jose.content import parse_key, parse_signing_key
from gatekeeper.auth.jose.errors import KeysError
from gatekeeper.auth.jose.jwk import LARGEST
from tests.auth.jose.made import KINDS, SECRET, jwks, key, native, private_pem, public_jwk, public_pem


def certificate(kind: str) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "login.example.com")])
    day = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)  # it has expired: only its key counts
    built = (
        x509.CertificateBuilder(name, name, native(kind).public_key(), 1, day, day + dt.timedelta(days=1))
        .sign(native(kind), None if kind.startswith("Ed") else SHA256())
        .public_bytes(Encoding.PEM)
    )
    return built.decode()


def public(native_key: Any, encoding: Encoding, form: PublicFormat) -> str:
    return str(native_key.public_bytes(encoding, form), "ascii")


def bare(pem: str) -> str:
    """Without its first and its last line."""
    return "\n".join(pem.strip().splitlines()[1:-1])


RSA = native("rsa")
PUBLIC = RSA.public_key()


@pytest.mark.parametrize("kind", sorted(set(KINDS.values()) - {"secret"}))
def test_all_ways_to_write_a_public_key_are_one(kind: str) -> None:
    """PEM, certificate, JWK and JWK Set."""
    expected = key(kind).thumbprint
    texts = [
        public_pem(kind),
        f"\n {public_pem(kind)} \r\n".replace("\n", "\r\n"),
        certificate(kind),
        json.dumps(public_jwk(kind, kid="a")),
        jwks(public_jwk(kind), {"kty": "new"}).decode(),
    ]

    assert [[expected]] * 5 == [[key.thumbprint for key in parse_key(text).keys] for text in texts]


def test_what_is_left_out_of_a_set_is_told() -> None:
    """Also where an operator has written it."""
    assert [1] == [left.position for left in parse_key(jwks(public_jwk("rsa"), {}).decode()).left_out]


def test_a_set_that_an_operator_has_written_may_hold_secrets() -> None:
    """It is not published."""
    (found,) = parse_key(jwks({"kty": "oct", "k": "c2VjcmV0" * 8}).decode()).keys

    assert ("oct", {"HS256", "HS384"}) == (found.kty, set(found.algorithms))


def test_pkcs1_is_read() -> None:
    """RSA keys are written in it as well."""
    (found,) = parse_key(public(PUBLIC, Encoding.PEM, PublicFormat.PKCS1)).keys

    assert key("rsa").thumbprint == found.thumbprint


@pytest.mark.parametrize("kind", sorted(KINDS.values()))
def test_all_ways_to_write_a_private_key_are_one(kind: str) -> None:
    """PKCS#8, the older forms, and a JWK."""
    if kind == "secret":
        texts = [SECRET, json.dumps({"kty": "oct", "k": "c2VjcmV0" * 8})]
    else:
        forms = [PrivateFormat.PKCS8, *([] if kind.startswith("Ed") else [PrivateFormat.TraditionalOpenSSL])]
        texts = [native(kind).private_bytes(Encoding.PEM, form, NoEncryption()).decode() for form in forms]

    for text in texts:
        found = parse_signing_key(text)
        for algorithm in found.algorithms:
            assert found.verifies(algorithm, b"data", found.sign(algorithm, b"data"))


def test_a_key_that_signs_has_a_name() -> None:
    """RFC 7638; a secret gets none, because its name is published."""
    jwk = json.dumps({"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "own"})

    assert key("rsa").thumbprint == parse_signing_key(private_pem("rsa")).kid
    assert "mine" == parse_signing_key(private_pem("rsa"), kid="mine").kid
    assert "own" == parse_signing_key(jwk).kid
    assert "mine" == parse_signing_key(jwk, kid="mine").kid
    assert parse_signing_key(SECRET).kid is None


def test_a_secret_is_its_text() -> None:
    """Without what an editor leaves at its end."""
    signature = key("secret").sign("HS256", b"data")

    for text in (SECRET, f"{SECRET}\n", f"  {SECRET}\r\n"):
        (found,) = parse_key(text).keys
        assert found.verifies("HS256", b"data", signature)
        assert not found.verifies("RS256", b"data", signature)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(public_pem("rsa"), id="public"),
        pytest.param(certificate("rsa"), id="certificate"),
        pytest.param(f"# our key\n{public_pem('rsa')}", id="comment"),
        pytest.param(bare(public_pem("rsa")), id="no-frame"),
        pytest.param("".join(bare(public_pem("rsa")).split()), id="no-frame-one-line"),
        pytest.param(bare(public_pem("P-256")), id="no-frame-ec"),
        pytest.param(bare(public_pem("Ed25519")), id="no-frame-okp"),
        pytest.param(bare(certificate("rsa")), id="no-frame-certificate"),
        pytest.param(bare(private_pem("P-256")), id="no-frame-private"),
        pytest.param(public(PUBLIC, Encoding.OpenSSH, PublicFormat.OpenSSH), id="ssh"),
        pytest.param(
            public(native("P-256").public_key(), Encoding.OpenSSH, PublicFormat.OpenSSH), id="ssh-ec"
        ),
        pytest.param("sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAI", id="ssh-sk"),
        pytest.param("---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQABAAABAQ", id="ssh2"),
        pytest.param(json.dumps(public_jwk("rsa")), id="jwk"),
        pytest.param(jwks(public_jwk("rsa")).decode(), id="jwks"),
        pytest.param("{" + SECRET, id="begins-like-a-jwk"),
    ],
)
def test_a_public_key_is_never_a_secret(text: str) -> None:
    """JWT-02, RFC 8725 section 2.1: everybody who knows it could sign."""
    try:
        found = parse_key(text).keys
    except KeysError as error:
        assert text[-30:] not in str(error)
    else:
        assert not [key for key in found if key.kty == "oct"]
    try:
        signs = parse_signing_key(text)
    except KeysError:
        return
    assert signs.kty != "oct"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param(" \n", "empty", id="blank"),
        pytest.param("x" * (LARGEST + 1), "larger", id="large"),
        pytest.param("s" * 31, "shorter than 32", id="short-secret"),
        pytest.param("s" * 40 + "\udcff" + "s" * 40, "not UTF-8", id="bytes-as-secret"),
        pytest.param('{"kid":"\udcff"}', "not UTF-8", id="bytes-in-a-jwk"),
        pytest.param("{}", "`kty`", id="empty-jwk"),
        pytest.param('{"kty":"oct","kty":"oct"}', "two members", id="jwk-twice"),
        pytest.param('{"keys":[]}', "empty", id="empty-set"),
        pytest.param(json.dumps({**public_jwk("rsa"), "use": "enc"}), "`use`", id="encrypts"),
        pytest.param(private_pem("rsa"), "public half", id="private"),
        pytest.param(
            native("rsa")
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
            .decode(),
            "public half",
            id="private-encrypted",
        ),
        pytest.param(
            native("Ed25519").private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode(),
            "public half",
            id="private-ssh",
        ),
        pytest.param(public_pem("rsa") + public_pem("P-256"), "not one PEM block", id="two-blocks"),
        pytest.param(certificate("rsa") + certificate("P-256"), "not one PEM block", id="chain"),
        pytest.param(f"{public_pem('rsa')}\nmore", "not one PEM block", id="more-behind"),
        pytest.param(
            public_pem("rsa").replace("PUBLIC KEY", "X509 CRL"), "not one PEM block", id="other-block"
        ),
        pytest.param(
            public_pem("rsa").replace("END PUBLIC KEY", "END CERTIFICATE"),
            "not one PEM block",
            id="other-end",
        ),
        pytest.param(public_pem("rsa").replace("M", "!", 1), "not one PEM block", id="not-base64"),
        pytest.param(public_pem("rsa").replace("MIIB", "MIIC"), "cannot be read", id="not-der"),
        pytest.param(
            certificate("rsa").replace("CERTIFICATE", "PUBLIC KEY"), "cannot be read", id="wrong-name"
        ),
        pytest.param(public_pem("rsa1024"), "2048 to 8192 bits", id="weak"),
        pytest.param(certificate("rsa1024"), "2048 to 8192 bits", id="weak-certificate"),
        pytest.param(public_pem("P-224"), "not supported", id="P-224"),
        pytest.param(public_pem("secp256k1"), "not supported", id="secp256k1"),
        pytest.param(
            public(
                x25519.X25519PrivateKey.generate().public_key(),
                Encoding.PEM,
                PublicFormat.SubjectPublicKeyInfo,
            ),
            "not one of RSA",
            id="X25519",
        ),
        pytest.param(
            public(
                dsa.generate_private_key(2048).public_key(), Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
            ),
            "not one of RSA",
            id="dsa",
        ),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_key_is_an_error(text: str, message: str) -> None:
    """It says what is wrong, and holds nothing of it."""
    with pytest.raises(KeysError, match=message) as caught:
        parse_key(text)

    assert len(text) < 40 or text[-40:-5] not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(public_pem("rsa"), "not one PEM block", id="public"),
        pytest.param(certificate("rsa"), "not one PEM block", id="certificate"),
        pytest.param(json.dumps(public_jwk("rsa")), "public key", id="public-jwk"),
        pytest.param(jwks(public_jwk("rsa")).decode(), "`kty`", id="set"),
        pytest.param(private_pem("rsa1024"), "2048 to 8192 bits", id="weak"),
        pytest.param(private_pem("secp256k1"), "not supported", id="secp256k1"),
        pytest.param(private_pem("P-256") + private_pem("P-256"), "not one PEM block", id="two"),
        pytest.param(private_pem("P-256").replace("MI", "MJ", 1), "cannot be read", id="not-der"),
        pytest.param(
            b64encode(b"\0" * 40)
            .decode()
            .join(["-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----"]),
            "cannot be read",
            id="zeros",
        ),
        pytest.param(bare(private_pem("P-256")), "no shared secret", id="no-frame"),
        pytest.param("s" * 31, "shorter than 32", id="short-secret"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_cannot_sign_is_an_error(text: str, message: str) -> None:
    """It says what is wrong, and holds nothing of it."""
    with pytest.raises(KeysError, match=message) as caught:
        parse_signing_key(text)

    assert len(text) < 40 or text[-40:-5] not in str(caught.value)
