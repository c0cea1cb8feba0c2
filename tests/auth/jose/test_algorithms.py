"""What can be signed with, and what each needs."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gatekeeper.auth.jose.algorithms import ALGORITHMS, CURVES, SYMMETRIC, algorithms_for


def test_these_and_no_others() -> None:
    """JWT-01: `none` is not among them, in no spelling."""
    expected = {
        *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA", "Ed25519", "Ed448"),
    }

    assert expected == set(ALGORITHMS)
    assert {"HS256", "HS384", "HS512"} == SYMMETRIC


@pytest.mark.parametrize(
    ("name", "curve"), [("P-256", ec.SECP256R1()), ("P-384", ec.SECP384R1()), ("P-521", ec.SECP521R1())]
)
def test_curves_are_those_of_the_library(name: str, curve: ec.EllipticCurve) -> None:
    """The numbers are copied by hand."""
    size = (curve.key_size + 7) // 8

    assert (curve.group_order, size, 2 * size) == (
        CURVES[name].order,
        CURVES[name].size,
        CURVES[name].signature,
    )


@pytest.mark.parametrize(
    ("kty", "curve", "size", "names"),
    [
        pytest.param("RSA", "", 0, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, id="rsa"),
        pytest.param("EC", "P-256", 0, {"ES256"}, id="P-256"),
        pytest.param("EC", "P-384", 0, {"ES384"}, id="P-384"),
        pytest.param("EC", "P-521", 0, {"ES512"}, id="P-521"),
        pytest.param("EC", "secp256k1", 0, set(), id="secp256k1"),
        pytest.param("OKP", "Ed25519", 0, {"EdDSA", "Ed25519"}, id="Ed25519"),
        pytest.param("OKP", "Ed448", 0, {"EdDSA", "Ed448"}, id="Ed448"),
        pytest.param("OKP", "X25519", 0, set(), id="X25519"),
        pytest.param("oct", "", 31, set(), id="31-bytes"),
        pytest.param("oct", "", 32, {"HS256"}, id="32-bytes"),
        pytest.param("oct", "", 47, {"HS256"}, id="47-bytes"),
        pytest.param("oct", "", 48, {"HS256", "HS384"}, id="48-bytes"),
        pytest.param("oct", "", 63, {"HS256", "HS384"}, id="63-bytes"),
        pytest.param("oct", "", 64, {"HS256", "HS384", "HS512"}, id="64-bytes"),
    ],
)
def test_a_key_serves_what_its_type_curve_and_size_allow(
    kty: str, curve: str, size: int, names: set[str]
) -> None:
    """JWT-02, RFC 7518 sections 3.2 and 3.4: a secret has at least the size of the hash."""
    assert names == algorithms_for(kty, curve=curve, size=size)
