"""The algorithms that a token may be signed with, and what each needs of a key.

From RFC 7518 section 3, RFC 8037 section 3.1 and RFC 9864 section 2. `none` is not among them, nor ES256K, which is for
block chains. Which library computes them is for `keys` alone to know: a policy can be checked without it.
"""

from collections.abc import Mapping
from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class Algorithm:
    """One way to sign. `digest` is the size of its hash in bytes; for HMAC a key is at least as long."""

    name: str
    kty: str
    """The type of its keys (RFC 7518 section 6.1)."""
    curves: frozenset[str] = frozenset()
    """The curves that a key may lie on; none for keys that lie on none."""
    digest: int = 0


@attrs.frozen(kw_only=True)
class Curve:
    """A curve: `size` is that of a coordinate in bytes, `signature` that of a signature."""

    kty: str
    size: int
    signature: int
    order: int
    """How many points its generator makes."""


ALGORITHMS: Final[Mapping[str, Algorithm]] = {
    algorithm.name: algorithm
    for algorithm in (
        *(
            Algorithm(name=f"{name}{bits}", kty=kty, digest=bits // 8)
            for name, kty in (("HS", "oct"), ("RS", "RSA"), ("PS", "RSA"))
            for bits in (256, 384, 512)
        ),
        Algorithm(name="ES256", kty="EC", curves=frozenset({"P-256"}), digest=32),
        Algorithm(name="ES384", kty="EC", curves=frozenset({"P-384"}), digest=48),
        Algorithm(name="ES512", kty="EC", curves=frozenset({"P-521"}), digest=64),
        Algorithm(name="EdDSA", kty="OKP", curves=frozenset({"Ed25519", "Ed448"})),
        Algorithm(name="Ed25519", kty="OKP", curves=frozenset({"Ed25519"})),
        Algorithm(name="Ed448", kty="OKP", curves=frozenset({"Ed448"})),
    )
}
"""All of them by name."""

SYMMETRIC: Final = frozenset(name for name, algorithm in ALGORITHMS.items() if algorithm.kty == "oct")
"""Whoever can check a signature of these can make one."""

CURVES: Final[Mapping[str, Curve]] = {
    "P-256": Curve(
        kty="EC",
        size=32,
        signature=64,
        order=0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551,
    ),
    "P-384": Curve(
        kty="EC",
        size=48,
        signature=96,
        order=2**384 - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D,
    ),
    "P-521": Curve(
        kty="EC",
        size=66,
        signature=132,
        order=2**521 - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
    ),
    "Ed25519": Curve(kty="OKP", size=32, signature=64, order=2**252 + 27742317777372353535851937790883648493),
    "Ed448": Curve(
        kty="OKP",
        size=57,
        signature=114,
        order=2**446 - 0x8335DC163BB124B65129C96FDE933D8D723A70AADC873D6D54A7BB0D,
    ),
}
"""The curves that sign, by their names in a JWK (RFC 7518 section 6.2.1.1, RFC 8037 section 2)."""


def algorithms_for(kty: str, *, curve: str = "", size: int = 0) -> frozenset[str]:
    """The names of all algorithms that a key serves; `size` is that of a shared secret in bytes."""
    return frozenset(
        name
        for name, algorithm in ALGORITHMS.items()
        if algorithm.kty == kty
        and (not algorithm.curves or curve in algorithm.curves)
        and (kty != "oct" or size >= algorithm.digest)
    )
