"""A key does what it is for, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.auth.jose.algorithms import ALGORITHMS, CURVES
from gatekeeper.auth.jose.content import parse_key, parse_signing_key
from gatekeeper.auth.jose.encoding import decode
from gatekeeper.auth.jose.errors import KeysError
from gatekeeper.auth.jose.jwk import parse_jwk
from gatekeeper.auth.jose.keys import MOST_TRIED, Key, KeySet
from tests.auth.jose import vectors
from tests.auth.jose.made import KINDS, SECRET, key, native, public_jwk, public_pem


DATA = b"what is signed"


def only(keys: KeySet) -> Key:
    (key,) = keys.keys
    return key


@pytest.mark.parametrize(
    ("algorithm", "jwk", "token"),
    [
        pytest.param("HS256", vectors.A1_KEY, vectors.A1, id="RFC-7515-A.1"),
        pytest.param("RS256", vectors.A2_KEY, vectors.A2, id="RFC-7515-A.2"),
        pytest.param("ES256", vectors.A3_KEY, vectors.A3, id="RFC-7515-A.3"),
        pytest.param("ES512", vectors.A4_KEY, vectors.A4, id="RFC-7515-A.4"),
        pytest.param("RS256", vectors.COOKBOOK_RSA, vectors.RFC7520_4_1, id="RFC-7520-4.1"),
        pytest.param("PS384", vectors.COOKBOOK_RSA, vectors.RFC7520_4_2, id="RFC-7520-4.2"),
        pytest.param("ES512", vectors.COOKBOOK_EC, vectors.RFC7520_4_3, id="RFC-7520-4.3"),
        pytest.param("HS256", vectors.COOKBOOK_OCT, vectors.RFC7520_4_4, id="RFC-7520-4.4"),
        pytest.param("EdDSA", vectors.OKP_KEY, vectors.RFC8037_A4, id="RFC-8037-A.5"),
        pytest.param("Ed25519", vectors.OKP_KEY, vectors.RFC8037_A4, id="RFC-9864-same-signature"),
    ],
)
def test_what_others_have_signed_is_true(algorithm: str, jwk: dict[str, Any], token: str) -> None:
    """And nothing beside it."""
    signed, _, last = token.rpartition(".")
    signature = decode(last.encode())
    checks = parse_jwk(jwk)

    assert checks.verifies(algorithm, signed.encode(), signature)
    assert not checks.verifies(algorithm, signed.encode() + b"A", signature)
    assert not checks.verifies(algorithm, signed.encode(), signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not any(
        checks.verifies(other, signed.encode(), signature)
        for other in ALGORITHMS
        if other not in {algorithm, *({"EdDSA", "Ed25519"} if jwk["kty"] == "OKP" else ())}
    )


@pytest.mark.parametrize(
    ("algorithm", "jwk", "token"),
    [
        pytest.param("HS256", vectors.COOKBOOK_OCT, vectors.RFC7520_4_4, id="RFC-7520-4.4"),
        pytest.param(
            "RS256",
            {**vectors.COOKBOOK_RSA, "d": vectors.COOKBOOK_RSA_D},
            vectors.RFC7520_4_1,
            id="RFC-7520-4.1",
        ),
        pytest.param("EdDSA", {**vectors.OKP_KEY, "d": vectors.OKP_D}, vectors.RFC8037_A4, id="RFC-8037-A.4"),
    ],
)
def test_what_others_have_signed_is_signed_again(algorithm: str, jwk: dict[str, Any], token: str) -> None:
    """Where a signature has no randomness in it."""
    signed, _, signature = token.rpartition(".")

    assert decode(signature.encode()) == parse_jwk(jwk, signs=True).sign(algorithm, signed.encode())


@pytest.mark.parametrize(("algorithm", "kind"), KINDS.items())
def test_what_is_signed_is_true(algorithm: str, kind: str) -> None:
    """For the key that signs, for its public half, and for no other data, algorithm or size."""
    signs = key(kind)
    checks = only(parse_key(SECRET if kind == "secret" else public_pem(kind)))
    signature = signs.sign(algorithm, DATA)
    same = {"EdDSA", "Ed25519", "Ed448"} & signs.algorithms

    assert signs.verifies(algorithm, DATA, signature)
    assert checks.verifies(algorithm, DATA, signature)
    assert not checks.verifies(algorithm, DATA + b".", signature)
    for other in ALGORITHMS.keys() - {algorithm} - same:
        assert not checks.verifies(other, DATA, signature)
    for wrong in (
        b"",
        signature[:-1],
        signature[1:],
        signature + b"\0",
        b"\0" + signature,
        bytes(len(signature)),
    ):
        assert not checks.verifies(algorithm, DATA, wrong)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512"])
def test_numbers_of_an_ecdsa_signature_are_within_bounds(algorithm: str) -> None:
    """JWT-10: zero, the order and beyond are refused on either side (CVE-2022-21449), and so is DER."""
    checks = key(KINDS[algorithm])
    curve = CURVES[checks.curve]
    good = checks.sign(algorithm, DATA)
    r, s = good[: curve.size], good[curve.size :]

    def number(value: int) -> bytes:
        return value.to_bytes(curve.size)

    for wrong in (0, curve.order, curve.order + 1, 2 ** (8 * curve.size) - 1):
        assert not checks.verifies(algorithm, DATA, number(wrong) + s)
        assert not checks.verifies(algorithm, DATA, r + number(wrong))
        assert not checks.verifies(algorithm, DATA, number(wrong) * 2)
    for value in (int.from_bytes(r) + curve.order, int.from_bytes(s) + curve.order):
        if value < 2 ** (8 * curve.size):
            assert not checks.verifies(algorithm, DATA, number(value) + s)
            assert not checks.verifies(algorithm, DATA, r + number(value))
    assert not checks.verifies(algorithm, DATA, s + r)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512"])
def test_an_ecdsa_signature_has_a_twin(algorithm: str) -> None:
    """JWT-10: (r, n - s) is true as well, and signers make either, so refusing one would refuse half of all tokens.

    Whoever holds a token can make its twin, which says the same: a token is known by its claims, not by its bytes.
    """
    checks = key(KINDS[algorithm])
    curve = CURVES[checks.curve]
    good = checks.sign(algorithm, DATA)
    twin = (curve.order - int.from_bytes(good[curve.size :])).to_bytes(curve.size)

    assert checks.verifies(algorithm, DATA, good[: curve.size] + twin)


def test_bounds_hold_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """JWT-10: whoever computes the signature, what is out of bounds does not get there."""
    from joserfc.jws import JWSRegistry

    class Gullible:
        def verify(self, *_: object) -> bool:
            return True

    for algorithm in KINDS:
        monkeypatch.setitem(JWSRegistry.algorithms, algorithm, Gullible())
    ed25519 = CURVES["Ed25519"].order

    for algorithm, kind in KINDS.items():
        size = len(native(kind).sign(DATA)) if kind.startswith("Ed") else 0
        checks = key(kind)
        wanted = size or checks._length or ALGORITHMS[algorithm].digest
        assert checks.verifies(algorithm, DATA, b"\1" * (wanted - 1) + b"\0")
        assert not checks.verifies(algorithm, DATA, b"\1" * (wanted - 1))
        assert not checks.verifies(algorithm, DATA, b"\1" * (wanted + 1))
    for algorithm in ("ES256", "ES384", "ES512"):
        curve = CURVES[key(KINDS[algorithm]).curve]
        one, order = (1).to_bytes(curve.size), curve.order.to_bytes(curve.size)
        last = (curve.order - 1).to_bytes(curve.size)
        assert key(KINDS[algorithm]).verifies(algorithm, DATA, one + last)
        assert key(KINDS[algorithm]).verifies(algorithm, DATA, last + one)
        for wrong in (bytes(curve.size), order):
            assert not key(KINDS[algorithm]).verifies(algorithm, DATA, one + wrong)
            assert not key(KINDS[algorithm]).verifies(algorithm, DATA, wrong + one)
    assert key("Ed25519").verifies("EdDSA", DATA, bytes(32) + (ed25519 - 1).to_bytes(32, "little"))
    assert not key("Ed25519").verifies("EdDSA", DATA, bytes(32) + ed25519.to_bytes(32, "little"))


def test_an_ed25519_signature_cannot_be_bent() -> None:
    """JWT-10, RFC 8032 section 5.1.7: S + L would be a second signature of the same data."""
    good = key("Ed25519").sign("EdDSA", DATA)
    bent = int.from_bytes(good[32:], "little") + CURVES["Ed25519"].order

    assert not key("Ed25519").verifies("EdDSA", DATA, good[:32] + bent.to_bytes(32, "little"))


def test_an_rsa_signature_cannot_be_bent() -> None:
    """JWT-10, RFC 8017 section 5.2.2: s + n would be a second signature of the same data."""
    checks = key("rsa")
    modulus = native("rsa").public_key().public_numbers().n
    data, bent = DATA, 2**2048
    while bent >= 2**2048:
        data += b"."
        bent = int.from_bytes(checks.sign("RS256", data)) + modulus

    assert not checks.verifies("RS256", data, bent.to_bytes(256))


@given(st.sampled_from(sorted(KINDS)), st.binary(max_size=300))
def test_no_signature_that_somebody_makes_up_is_true(algorithm: str, signature: bytes) -> None:
    """And none ends in anything but a no."""
    assert not key(KINDS[algorithm]).verifies(algorithm, DATA, signature)


def test_a_key_that_checks_does_not_sign() -> None:
    """Nor does one sign with an algorithm that is not its own."""
    with pytest.raises(KeysError, match="does not sign"):
        only(parse_key(public_pem("rsa"))).sign("RS256", DATA)
    with pytest.raises(KeysError, match="does not sign with `ES256`"):
        key("rsa").sign("ES256", DATA)
    with pytest.raises(KeysError, match="does not sign with `none`"):
        key("rsa").sign("none", DATA)
    with pytest.raises(KeysError, match="does not sign"):
        only(parse_key(SECRET)).sign("HS256", DATA)


def test_nothing_of_a_key_is_shown() -> None:
    """Neither the secret nor its thumbprint, from which it could be guessed."""
    secret = only(parse_key(SECRET))
    shown = f"{secret!r} {KeySet([secret])!r} {parse_signing_key(SECRET)!r}"

    assert not secret.public
    assert secret.thumbprint not in shown
    assert SECRET[:8] not in shown


# ---- sets ---------------------------------------------------------------------------------------------------------


def rsa_keys(*kids: str | None) -> list[Key]:
    """Different keys of one type."""
    return [
        parse_jwk(public_jwk(f"rsa{2048 + 8 * number}", **({} if kid is None else {"kid": kid})))
        for number, kid in enumerate(kids)
    ]


def test_a_kid_finds_the_keys_that_have_it() -> None:
    """JWT-03: it is compared, and nothing else is done with it."""
    a, b, c = rsa_keys("a", "b", "a")
    keys = KeySet([a, b, c])

    assert (a, c) == keys.find("a", "RS256")
    assert (b,) == keys.find("b", "RS256")
    assert () == keys.find("A", "RS256")
    assert () == keys.find("../../dev/null", "RS256")
    assert () == keys.find("", "RS256")
    assert (True, False, False) == (keys.has("a"), keys.has("c"), keys.has(None))


def test_without_a_kid_all_keys_that_fit_are_tried() -> None:
    """Those of other types are not."""
    a, b = rsa_keys("a", None)
    other = parse_jwk(public_jwk("P-256", kid="a"))
    keys = KeySet([a, other, b])

    assert (a, b) == keys.find(None, "RS256")
    assert (other,) == keys.find(None, "ES256")
    assert (other,) == keys.find("a", "ES256")
    assert () == keys.find(None, "HS256")
    assert {"ES256", "RS256"} < keys.algorithms


def test_a_key_without_a_kid_serves_all_that_are_unknown() -> None:
    """A key in PEM has none, and tokens do."""
    named, nameless = rsa_keys("a", None)
    keys = KeySet([named, nameless])

    assert (nameless,) == keys.find("b", "RS256")
    assert (named,) == keys.find("a", "RS256")


def test_one_token_is_tried_with_few_keys() -> None:
    """However many there are."""
    keys = rsa_keys(*["a"] * 6)

    assert tuple(keys[:MOST_TRIED]) == KeySet(keys).find("a", "PS256")
    assert MOST_TRIED == len(KeySet(keys).find(None, "PS256"))


def test_a_key_that_is_there_twice_is_one() -> None:
    """It would be tried twice."""
    (a,) = rsa_keys("a")
    again = parse_jwk({**public_jwk("rsa2048"), "kid": "a"})

    assert 1 == len(KeySet([a, again]))
    assert 2 == len(KeySet([a, parse_jwk({**public_jwk("rsa2048"), "kid": "b"})]))
