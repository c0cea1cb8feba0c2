"""Which keys of a set can be used, and why the others cannot."""

import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519

from gatekeeper.auth.jose.encoding import decode, encode
from gatekeeper.auth.jose.errors import KeysError
from gatekeeper.auth.jose.jwk import LARGEST, MOST, parse_jwk, parse_keys, public_jwks
from tests.auth.jose import vectors
from tests.auth.jose.made import KINDS, SECRET, jwks, key, native, private_pem, public_jwk


RSA = public_jwk("rsa")
EC = public_jwk("P-256")
OKP = public_jwk("Ed25519")
OCT = {"kty": "oct", "k": encode(SECRET.encode())}


def uint(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8))


def modulus(bits: int, last: int = 1) -> str:
    return uint(2 ** (bits - 1) + last)


def without(jwk: dict[str, Any], name: str) -> dict[str, Any]:
    return {member: value for member, value in jwk.items() if member != name}


@pytest.mark.parametrize("kind", sorted(set(KINDS.values()) - {"secret"}))
def test_a_published_key_checks_what_the_private_one_signs(kind: str) -> None:
    """There and back again."""
    signs = key(kind)
    algorithm = min(signs.algorithms)
    published = json.dumps(public_jwks([signs])).encode()
    (checks,) = parse_keys(published).keys

    assert (signs.kid, signs.kty, signs.curve, signs.algorithms) == (
        checks.kid,
        checks.kty,
        checks.curve,
        checks.algorithms,
    )
    assert checks.verifies(algorithm, b"data", signs.sign(algorithm, b"data"))
    assert b'"d"' not in published
    assert not checks.signs


def test_a_published_key_says_what_it_is_for() -> None:
    """Its algorithm too, where there is only one."""
    rsa, ec = public_jwks([key("rsa"), key("P-256")])["keys"]

    assert {**key("rsa").public, "use": "sig", "kid": "k1"} == rsa
    assert {**key("P-256").public, "use": "sig", "kid": "k1", "alg": "ES256"} == ec


def test_a_secret_is_not_published() -> None:
    """It would be one no longer."""
    with pytest.raises(KeysError, match="no public half"):
        public_jwks([key("rsa"), key("secret")])


@pytest.mark.parametrize(
    ("jwk", "thumbprint"),
    [
        pytest.param(vectors.RFC7638_KEY, vectors.RFC7638_THUMBPRINT, id="RFC-7638-3.1"),
        pytest.param(vectors.OKP_KEY, vectors.OKP_THUMBPRINT, id="RFC-8037-A.3"),
    ],
)
def test_a_thumbprint_is_what_others_compute(jwk: dict[str, Any], thumbprint: str) -> None:
    """Whatever else a key says of itself."""
    assert thumbprint == parse_jwk(jwk).thumbprint


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        pytest.param({**RSA, "alg": "PS512"}, {"PS512"}, id="rsa"),
        pytest.param({**OKP, "alg": "EdDSA"}, {"EdDSA"}, id="eddsa"),
        pytest.param({**OKP, "alg": "Ed25519"}, {"Ed25519"}, id="ed25519"),
        pytest.param({**EC, "use": "sig", "key_ops": ["verify"]}, {"ES256"}, id="use"),
        pytest.param({**EC, "key_ops": ["sign", "verify"]}, {"ES256"}, id="key-ops"),
        pytest.param(
            {**EC, "x5c": ["nonsense"], "x5u": "http://evil", "more": {}}, {"ES256"}, id="what-is-ignored"
        ),
        pytest.param({**EC, "kid": ""}, {"ES256"}, id="empty-kid"),
        pytest.param({**RSA, "n": modulus(8192), "alg": "RS256"}, {"RS256"}, id="8192-bits"),
    ],
)
def test_a_key_is_bound_to_what_it_says(jwk: dict[str, Any], algorithms: set[str]) -> None:
    """JWT-02: to its own `alg` first of all."""
    assert algorithms == parse_jwk(jwk).algorithms


UNUSABLE = [
    pytest.param([], "not a JSON object", id="list"),
    pytest.param("canary", "not a JSON object", id="text"),
    pytest.param({}, "`kty`", id="empty"),
    pytest.param({**RSA, "kty": "AKP"}, "`kty`", id="unknown-kty"),
    pytest.param({**RSA, "kty": "rsa"}, "`kty`", id="kty-in-lower-case"),
    pytest.param({**RSA, "kty": ["RSA"]}, "`kty`", id="kty-a-list"),
    pytest.param({**RSA, "kid": 7}, "`kid`", id="kid-a-number"),
    pytest.param({**RSA, "kid": None}, "`kid`", id="kid-null"),
    pytest.param({**RSA, "kid": "k" * 257}, "`kid`", id="kid-long"),
    pytest.param({**RSA, "use": "enc"}, "`use`", id="use-enc"),
    pytest.param({**RSA, "use": None}, "`use`", id="use-null"),
    pytest.param({**RSA, "use": ["sig"]}, "`use`", id="use-a-list"),
    pytest.param({**RSA, "key_ops": ["encrypt"]}, "name `verify`", id="ops-encrypt"),
    pytest.param({**RSA, "key_ops": ["sign"]}, "name `verify`", id="ops-sign"),
    pytest.param({**RSA, "key_ops": []}, "name `verify`", id="ops-empty"),
    pytest.param({**RSA, "key_ops": "verify"}, "`key_ops`", id="ops-a-text"),
    pytest.param({**RSA, "key_ops": [["verify"]]}, "`key_ops`", id="ops-a-list-of-lists"),
    pytest.param({**RSA, "key_ops": ["verify", "verify"]}, "twice", id="ops-twice"),
    pytest.param({**RSA, "use": "sig", "key_ops": ["verify", "encrypt"]}, "contradict", id="ops-and-use"),
    pytest.param({**RSA, "alg": "RSA-OAEP"}, "`alg`", id="alg-encrypts"),
    pytest.param({**RSA, "alg": "ES256"}, "`alg`", id="rsa-for-es256"),
    pytest.param({**RSA, "alg": "HS256"}, "`alg`", id="rsa-for-hs256"),
    pytest.param({**RSA, "alg": "none"}, "`alg`", id="none"),
    pytest.param({**RSA, "alg": None}, "`alg`", id="alg-null"),
    pytest.param({**RSA, "alg": ["RS256"]}, "`alg`", id="alg-a-list"),
    pytest.param({**EC, "alg": "ES384"}, "`alg`", id="alg-of-another-curve"),
    pytest.param({**OKP, "alg": "Ed448"}, "`alg`", id="alg-of-another-okp-curve"),
    pytest.param({**OCT, "k": encode(b"k" * 32), "alg": "HS512"}, "`alg`", id="secret-too-short-for-alg"),
    pytest.param({**RSA, "d": "AQAB"}, "private", id="private"),
    pytest.param({**EC, "d": EC["x"]}, "private", id="private-ec"),
    pytest.param({**OKP, "d": OKP["x"]}, "private", id="private-okp"),
    pytest.param({**RSA, "oth": []}, "private", id="private-primes"),
    pytest.param(without(RSA, "n"), "`n`", id="no-n"),
    pytest.param({**RSA, "n": 65537}, "`n`", id="n-a-number"),
    pytest.param({**RSA, "n": ""}, "`n`", id="n-empty"),
    pytest.param({**RSA, "n": RSA["n"] + "="}, "`n`", id="n-padded"),
    pytest.param({**RSA, "n": RSA["n"][:-4] + "AA+A"}, "`n`", id="n-base64"),
    pytest.param({**RSA, "n": "é"}, "`n`", id="n-not-ascii"),
    pytest.param({**RSA, "n": encode(b"\0" + decode(RSA["n"].encode()))}, "zero", id="n-zero-in-front"),
    pytest.param({**RSA, "n": modulus(2047)}, "bits", id="2047-bits"),
    pytest.param({**RSA, "n": modulus(1024)}, "bits", id="1024-bits"),
    pytest.param({**RSA, "n": modulus(8193)}, "bits", id="8193-bits"),
    pytest.param({**RSA, "n": modulus(2048, last=2)}, "even", id="n-even"),
    pytest.param({**RSA, "e": uint(1)}, "exponent", id="e-1"),
    pytest.param({**RSA, "e": uint(3)}, "exponent", id="e-3"),
    pytest.param({**RSA, "e": uint(65536)}, "exponent", id="e-even"),
    pytest.param({**RSA, "e": uint(65538)}, "exponent", id="e-even-above"),
    pytest.param({**RSA, "e": uint(2**64 + 1)}, "exponent", id="e-long"),
    pytest.param({**RSA, "e": "AA"}, "zero", id="e-0"),
    pytest.param(without(EC, "y"), "`y`", id="no-y"),
    pytest.param(without(EC, "crv"), "`crv`", id="no-crv"),
    pytest.param({**EC, "crv": "secp256k1"}, "`crv`", id="secp256k1"),
    pytest.param({**EC, "crv": "P-224"}, "`crv`", id="P-224"),
    pytest.param({**EC, "crv": "Ed25519"}, "`crv`", id="ec-on-okp-curve"),
    pytest.param({**EC, "crv": ["P-256"]}, "`crv`", id="crv-a-list"),
    pytest.param({**EC, "crv": "P-384"}, "48 bytes", id="wrong-curve"),
    pytest.param({**EC, "x": encode(b"\0" + decode(EC["x"].encode()))}, "32 bytes", id="x-long"),
    pytest.param({**EC, "y": encode(decode(EC["y"].encode())[1:])}, "32 bytes", id="y-short"),
    pytest.param({**EC, "y": EC["x"]}, "not on its curve", id="off-curve"),
    pytest.param({**EC, "x": encode(bytes(32)), "y": encode(bytes(32))}, "not on its curve", id="zeros"),
    pytest.param({**OKP, "crv": "X25519"}, "`crv`", id="X25519"),
    pytest.param({**OKP, "crv": "P-256"}, "`crv`", id="okp-on-ec-curve"),
    pytest.param({**OKP, "crv": "Ed448"}, "57 bytes", id="okp-of-another-size"),
    pytest.param({**OKP, "x": encode(bytes(32))}, "small order", id="okp-zeros"),
    pytest.param({**OCT, "k": encode(b"k" * 31)}, "shorter", id="short-secret"),
    pytest.param({**OCT, "k": ""}, "`k`", id="empty-secret"),
    pytest.param({**OCT, "k": encode(private_pem("P-256").encode())}, "PEM", id="pem-as-secret"),
    pytest.param({**OCT, "key_ops": ["sign"]}, "name `verify`", id="secret-that-signs-only"),
]


@pytest.mark.parametrize(("jwk", "message"), UNUSABLE)
@pytest.mark.filterwarnings("error")
def test_a_key_that_cannot_be_used_is_left_out(jwk: object, message: str) -> None:
    """JWT-02: the others of its set serve, and the reason can be logged."""
    with pytest.raises(KeysError, match=message):
        parse_jwk(jwk)

    keys = parse_keys(
        json.dumps({"keys": [jwk, public_jwk("P-384", kid="good"), jwk]}).encode(), secrets=True
    )

    assert ["good"] == [key.kid for key in keys.keys]
    assert [0, 2] == [left.position for left in keys.left_out]


def test_a_reason_holds_nothing_of_a_key() -> None:
    """Nor does it carry what does."""
    for case in UNUSABLE:
        jwk = case.values[0]
        with pytest.raises(KeysError) as caught:
            parse_jwk(jwk)
        texts = [value for value in jwk.values() if isinstance(value, str)] if isinstance(jwk, dict) else []
        assert not [text for text in texts if len(text) > 9 and text in str(caught.value)]
        assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize("bits", [2048, 8192])
def test_sizes_at_the_edge(bits: int) -> None:
    """They are taken."""
    assert f"{bits // 8}" == f"{parse_jwk({**RSA, 'n': modulus(bits)})._length}"


ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
P25519 = 2**255 - 19


def small(value: int, sign: int = 0) -> bytes:
    return (value | sign << 255).to_bytes(32, "little")


SMALL = [
    small(0), small(0, 1), small(1), small(1, 1), small(P25519 - 1), small(P25519 - 1, 1), small(P25519),
    small(P25519, 1), small(P25519 + 1), small(P25519 + 1, 1), ORDER_8,
    small(int.from_bytes(ORDER_8, "little"), 1),
    small(P25519 - int.from_bytes(ORDER_8, "little")),
    small(P25519 - int.from_bytes(ORDER_8, "little"), 1),
]  # fmt: skip


@pytest.mark.parametrize("point", SMALL, ids=lambda point: point.hex()[:4] + point.hex()[-4:])
def test_a_point_for_which_anybody_signs_is_no_key(point: bytes) -> None:
    """The library takes it: one signature, made without any key, fits one of eight messages or all."""
    forged = small(1) + bytes(32)
    library = ed25519.Ed25519PublicKey.from_public_bytes(point)

    def fits(message: bytes) -> bool:
        try:
            library.verify(forged, message)
        except InvalidSignature:
            return False
        return True

    canonical = int.from_bytes(point, "little") & (2**255 - 1) < P25519
    assert (
        not canonical
        or point in {small(1, 1), small(P25519 - 1, 1)}
        or any(fits(bytes([n])) for n in range(256))
    )
    with pytest.raises(KeysError, match="small order"):
        parse_jwk({"kty": "OKP", "crv": "Ed25519", "x": encode(point)})


@pytest.mark.parametrize("y", [0, 1, 2**448 - 2**224 - 2, 2**448 - 2**224 - 1])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_point_for_which_anybody_signs_is_no_key_of_the_larger_curve(y: int, sign: int) -> None:
    """There it is one of four messages or all."""
    point = y.to_bytes(56, "little") + bytes([sign << 7])
    ed448.Ed448PublicKey.from_public_bytes(point)

    with pytest.raises(KeysError, match="small order"):
        parse_jwk({"kty": "OKP", "crv": "Ed448", "x": encode(point)})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "cannot be read", id="empty"),
        pytest.param(b"<html>", "cannot be read", id="html"),
        pytest.param(b"[]", "cannot be read", id="list"),
        pytest.param(b"{}", "no list", id="no-keys"),
        pytest.param(b'{"keys":{}}', "no list", id="keys-an-object"),
        pytest.param(b'{"keys":[]}', "empty", id="no-key"),
        pytest.param(b'{"keys":[],"keys":[]}', "two members", id="keys-twice"),
        pytest.param(
            jwks(RSA).replace(b'"kty"', b'"kid": "a", "kid": "b", "kty"'), "two members", id="kid-twice"
        ),
        pytest.param(b'{"keys":' + b"[" * 100_000, "nested", id="deep"),
        pytest.param(b'{"keys":[NaN]}', "NaN", id="nan"),
        pytest.param(jwks(*[RSA] * (MOST + 1)), "more than 100", id="101-keys"),
        pytest.param(jwks(RSA) + b" " * LARGEST, "larger", id="large"),
        pytest.param(jwks({**RSA, "use": "enc"}, {}), r"0: its `use`.*; 1: its `kty`", id="none-left"),
        pytest.param(jwks(OCT), "must not be published", id="secret"),
    ],
)
def test_a_set_that_cannot_be_used_is_an_error(data: bytes, message: str) -> None:
    """Whoever has fetched it keeps what he had."""
    with pytest.raises(KeysError, match=message):
        parse_keys(data)


def test_a_set_is_as_large_as_may_be() -> None:
    """And not one key or byte larger."""
    data = jwks(*[{**RSA, "kid": f"{number}"} for number in range(MOST)])

    assert MOST == len(parse_keys(data))
    assert 1 == len(parse_keys(jwks(RSA).ljust(LARGEST)))


def test_a_published_secret_is_left_out() -> None:
    """JWT-02: `kty: oct` in a key set that was fetched; where an operator has written it, it serves."""
    data = jwks({**OCT, "kid": "a"}, {**RSA, "kid": "b"})

    assert ["b"] == [key.kid for key in parse_keys(data).keys]
    assert ["a", "b"] == [key.kid for key in parse_keys(data, secrets=True).keys]


@pytest.mark.parametrize(
    ("jwk", "message"),
    [
        pytest.param(RSA, "public key", id="public"),
        pytest.param({**RSA, "d": "AQAB"}, "make no key", id="no-d-of-it"),
        pytest.param({**RSA, "d": "AQAB", "oth": []}, "two primes", id="many-primes"),
        pytest.param({**RSA, "d": "AQAB", "p": "AQAB"}, "make no key", id="half-of-the-primes"),
        pytest.param({**EC, "d": EC["x"]}, "make no key", id="ec-of-another"),
        pytest.param({**EC, "d": encode(bytes(32))}, "make no key", id="ec-zero"),
        pytest.param({**EC, "d": "AQAB"}, "32 bytes", id="ec-short"),
        pytest.param({**vectors.OKP_KEY, "d": vectors.OKP_KEY["x"]}, "belong together", id="okp-of-another"),
        pytest.param({**EC, "d": EC["x"], "key_ops": ["verify"]}, "name `sign`", id="checks-only"),
    ],
)
def test_a_key_that_cannot_sign_is_an_error(jwk: dict[str, Any], message: str) -> None:
    """It is found when it is read, and not with the first token."""
    with pytest.raises(KeysError, match=message):
        parse_jwk(jwk, signs=True)


def test_a_private_key_of_numbers_signs() -> None:
    """With all its members, and with the one that makes the others."""
    numbers = native("rsa").private_numbers()
    jwk = {**RSA, "d": uint(numbers.d)}
    whole = {
        **jwk,
        "p": uint(numbers.p),
        "q": uint(numbers.q),
        "dp": uint(numbers.dmp1),
        "dq": uint(numbers.dmq1),
        "qi": uint(numbers.iqmp),
    }

    for private in (jwk, whole):
        assert key("rsa").verifies("RS256", b"data", parse_jwk(private, signs=True).sign("RS256", b"data"))
