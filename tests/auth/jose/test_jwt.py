"""Tokens: what is read, what is true, and that everything else is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.auth.jose.content import parse_key
from gatekeeper.auth.jose.encoding import encode
from gatekeeper.auth.jose.errors import KeysError, Reason, TokenError
from gatekeeper.auth.jose.jwk import parse_jwk, parse_keys
from gatekeeper.auth.jose.jwt import LONGEST, Token, media_type, read, sign, verify
from gatekeeper.auth.jose.keys import KeySet
from tests.auth.jose import vectors
from tests.auth.jose.made import CLAIMS, KINDS, SECRET, compact, jwks, key, public_jwk, public_pem, refused


HEADER = {"alg": "RS256", "kid": "k1"}
KEYS = KeySet([key(kind) for kind in sorted(set(KINDS.values()))])
ASYMMETRIC = [name for name in KINDS if not name.startswith("HS")]


def verdict(token: str | bytes, keys: KeySet = KEYS, algorithms: Any = tuple(KINDS)) -> str:
    """What becomes of a token."""
    try:
        return str(verify(read(token), keys, algorithms).kid)
    except TokenError as error:
        return str(error.reason)


# ---- reading ------------------------------------------------------------------------------------------------------


def test_a_token_says_what_it_says() -> None:
    """As text and as bytes."""
    token = compact({**HEADER, "typ": "JWT"}, CLAIMS)
    found = read(token)

    assert ("RS256", "k1", "jwt", CLAIMS, b"some", CLAIMS["iss"]) == (
        found.algorithm,
        found.kid,
        found.type,
        found.claims,
        found.signature,
        found.issuer,
    )
    assert found.signed == token.rpartition(b".")[0]
    assert found.signed == read(token.decode()).signed
    assert "u-17" not in repr(found)


@pytest.mark.parametrize("issuer", [None, 7, ["https://login.example.com/"]])
def test_an_issuer_is_a_text(issuer: object) -> None:
    """Or there is none."""
    assert read(compact(HEADER, {"iss": issuer})).issuer is None
    assert read(compact(HEADER, {})).issuer is None


@pytest.mark.parametrize(
    ("token", "keys"),
    [
        pytest.param(vectors.A1, vectors.A1_KEY, id="A.1"),
        pytest.param(vectors.A2, vectors.A2_KEY, id="A.2"),
        pytest.param(vectors.A3, vectors.A3_KEY, id="A.3"),
    ],
)
def test_published_tokens_are_true(token: str, keys: dict[str, Any]) -> None:
    """RFC 7515 appendix A."""
    found = read(token)

    assert vectors.CLAIMS == found.claims
    assert "bad-signature" == verdict(token)
    assert "None" == verdict(token, KeySet([parse_jwk(keys)]))


@pytest.mark.parametrize("token", [vectors.A4, vectors.RFC7520_4_1, vectors.RFC8037_A4])
def test_what_is_signed_and_no_object_is_no_token(token: str) -> None:
    """RFC 7519 section 7.2: the payload is a JSON object."""
    with refused(Reason.MALFORMED):
        read(token)


GOOD = compact(HEADER, CLAIMS).decode()
FIRST, SECOND, THIRD = GOOD.split(".")


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        pytest.param("", "malformed", id="empty"),
        pytest.param("..", "malformed", id="dots"),
        pytest.param(f"{FIRST}.{SECOND}", "malformed", id="two-segments"),
        pytest.param(f"{FIRST}.{SECOND}.{THIRD}.", "malformed", id="four-segments"),
        pytest.param(f"{GOOD}.AA.AA", "encrypted", id="five-segments"),
        pytest.param(f"{GOOD}.AA.AA.AA", "malformed", id="six-segments"),
        pytest.param(f"{FIRST}.{SECOND}.", "malformed", id="no-signature"),
        pytest.param(vectors.A5, "malformed", id="RFC-7515-A.5"),
        pytest.param(f".{SECOND}.{THIRD}", "malformed", id="no-header"),
        pytest.param(f"{FIRST}..{THIRD}", "malformed", id="no-payload"),
        pytest.param(f" {GOOD}", "malformed", id="blank-in-front"),
        pytest.param(f"{GOOD} ", "malformed", id="blank-behind"),
        pytest.param(f"{GOOD}\n", "malformed", id="line-break"),
        pytest.param(f"{GOOD}=", "malformed", id="padding"),
        pytest.param(f"{FIRST} .{SECOND}.{THIRD}", "malformed", id="blank-within"),
        pytest.param(f"{GOOD[:-1]}f", "malformed", id="bits-left-over"),
        pytest.param(f"Bearer {GOOD}", "malformed", id="scheme"),
        pytest.param(f"{GOOD[:-1]}é", "malformed", id="not-ascii"),
        pytest.param(f"{GOOD[:-1]}\udc80", "malformed", id="surrogate"),
        pytest.param(f"{GOOD},{GOOD}", "encrypted", id="two-tokens"),
        pytest.param(f"{GOOD}\0", "malformed", id="nul"),
        pytest.param(b"\xff" + GOOD.encode(), "malformed", id="bytes"),
        pytest.param("a" * (LONGEST + 1), "too-long", id="8193"),
        pytest.param("." * 1_000_000, "too-long", id="megabyte"),
        pytest.param("." * LONGEST, "malformed", id="8192-dots"),
        pytest.param(compact(HEADER, []), "malformed", id="payload-a-list"),
        pytest.param(compact([], CLAIMS), "malformed", id="header-a-list"),
        pytest.param(compact(HEADER, b'{"iss":"a","iss":"b"}'), "malformed", id="claim-twice"),
        pytest.param(compact(HEADER, b'{"iss":"a","\\u0069ss":"b"}'), "malformed", id="claim-twice-escaped"),
        pytest.param(compact(b'{"alg":"none","alg":"RS256"}', CLAIMS), "malformed", id="alg-twice"),
        pytest.param(compact(HEADER, b'{"exp":1e400}'), "malformed", id="1e400"),
        pytest.param(compact(HEADER, b'{"exp":NaN}'), "malformed", id="nan"),
        pytest.param(compact(HEADER, b'{"sub":"\\ud800"}'), "malformed", id="FWD-08-half-a-pair"),
        pytest.param(compact(HEADER, b'{"sub":"\xff"}'), "malformed", id="not-utf-8"),
        pytest.param(compact(HEADER, b'{"a":' + b"[" * 5000), "malformed", id="deep-payload"),
        pytest.param(compact(b'{"alg":' * 800, CLAIMS), "malformed", id="deep-header"),
        pytest.param(compact({"kid": "k1"}, CLAIMS), "malformed", id="JWT-01-no-alg"),
        pytest.param(compact({"alg": None}, CLAIMS), "malformed", id="JWT-01-alg-null"),
        pytest.param(compact({"alg": ["RS256"]}, CLAIMS), "malformed", id="alg-a-list"),
        pytest.param(compact({"alg": 256}, CLAIMS), "malformed", id="alg-a-number"),
        pytest.param(compact({**HEADER, "kid": 7}, CLAIMS), "malformed", id="JWT-03-kid-a-number"),
        pytest.param(compact({**HEADER, "kid": ["k1"]}, CLAIMS), "malformed", id="JWT-03-kid-a-list"),
        pytest.param(compact({**HEADER, "kid": None}, CLAIMS), "malformed", id="kid-null"),
        pytest.param(compact({**HEADER, "kid": "k" * 257}, CLAIMS), "malformed", id="JWT-03-kid-long"),
        pytest.param(compact({**HEADER, "typ": 7}, CLAIMS), "malformed", id="typ-a-number"),
        pytest.param(compact({**HEADER, "typ": "JWŤ"}, CLAIMS), "malformed", id="typ-not-ascii"),
        pytest.param(compact({**HEADER, "crit": ["exp"]}, CLAIMS), "unsupported-header", id="JWT-05-crit"),
        pytest.param(compact({**HEADER, "crit": []}, CLAIMS), "unsupported-header", id="crit-empty"),
        pytest.param(compact({**HEADER, "crit": None}, CLAIMS), "unsupported-header", id="crit-null"),
        pytest.param(
            compact({**HEADER, "crit": ["b64"], "b64": False}, CLAIMS),
            "unsupported-header",
            id="JWT-05-crit-b64",
        ),
        pytest.param(compact({**HEADER, "b64": False}, CLAIMS), "unsupported-header", id="JWT-05-b64"),
        pytest.param(compact({**HEADER, "b64": True}, CLAIMS), "unsupported-header", id="b64-true"),
        pytest.param(compact({**HEADER, "zip": "DEF"}, CLAIMS), "unsupported-header", id="JWT-05-zip"),
        pytest.param(compact({**HEADER, "enc": "A128GCM"}, CLAIMS), "unsupported-header", id="enc"),
    ],
)
def test_what_is_no_token_is_refused(token: str | bytes, reason: str) -> None:
    """JWT-01, JWT-03, JWT-05, JWT-08, JWT-09: always in the same way, and nothing of it is told."""
    said = set()
    for _ in range(2):
        with pytest.raises(TokenError) as caught:
            read(token)
        said.add((str(caught.value), caught.value.description))
        assert reason == caught.value.reason
        assert caught.value.__context__ is None or caught.value.__suppress_context__

    assert 1 == len(said)
    assert "login.example.com" not in str(said)


def test_a_token_is_as_long_as_may_be() -> None:
    """And not one byte longer; the limit can be another."""
    longest = FIRST + "." + SECOND + "." + "A" * (LONGEST - len(FIRST) - len(SECOND) - 2)

    assert LONGEST == len(longest)
    assert CLAIMS == read(longest).claims
    with refused(Reason.TOO_LONG):
        read(longest, longest=LONGEST - 1)
    with refused(Reason.TOO_LONG):
        read(longest + "A")
    assert CLAIMS == read(longest + "AAAA", longest=LONGEST + 4).claims


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("JWT", "jwt"),
        ("at+JWT", "at+jwt"),
        ("application/at+jwt", "at+jwt"),
        ("APPLICATION/JWT", "jwt"),
        ("text/jwt", "text/jwt"),
        ("application/a/b", "application/a/b"),
        ("", ""),
    ],
)
def test_a_media_type_has_one_spelling(name: str, short: str) -> None:
    """RFC 7515 section 4.1.9."""
    assert short == media_type(name)


# ---- signatures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("algorithm", "kind"), KINDS.items())
def test_a_token_that_was_made_is_true(algorithm: str, kind: str) -> None:
    """With each algorithm; and not if that one is not asked for."""
    token = sign(CLAIMS, key(kind), algorithm)

    assert key(kind) is verify(read(token), KEYS, [algorithm])
    assert CLAIMS == read(token).claims
    with refused(Reason.WRONG_ALGORITHM):
        verify(read(token), KEYS, [name for name in KINDS if name != algorithm])


@pytest.mark.parametrize(
    "name", ["none", "None", "nOnE", "NONE", "", "RS256 ", "rs256", "ES256K", "RSA1_5", "HS1", "dir"]
)
def test_an_algorithm_is_one_of_the_list(name: str) -> None:
    """JWT-01, JWT-02: in its exact spelling, and none other is computed even if somebody allows it."""
    token = compact({**HEADER, "alg": name}, CLAIMS)

    assert "wrong-algorithm" == verdict(token)
    assert "wrong-key" == verdict(token, algorithms=[name])


@pytest.mark.parametrize(
    ("header", "by", "reason"),
    [
        pytest.param({"alg": "RS256", "kid": "k2"}, "rsa", Reason.UNKNOWN_KEY, id="kid-unknown"),
        pytest.param({"alg": "RS256", "kid": "../../dev/null"}, "rsa", Reason.UNKNOWN_KEY, id="kid-a-path"),
        pytest.param({"alg": "RS256", "kid": "' OR 1=1 --"}, "rsa", Reason.UNKNOWN_KEY, id="kid-sql"),
        pytest.param({"alg": "RS256", "kid": "http://evil/"}, "rsa", Reason.UNKNOWN_KEY, id="kid-a-url"),
        pytest.param({"alg": "RS256", "kid": ""}, "rsa", Reason.UNKNOWN_KEY, id="kid-empty"),
        pytest.param({"alg": "RS256", "kid": "k1"}, "rsa2056", Reason.BAD_SIGNATURE, id="other-key"),
        pytest.param({"alg": "RS256"}, "rsa2056", Reason.BAD_SIGNATURE, id="other-key-without-kid"),
    ],
)
def test_a_key_that_is_not_there_is_told_from_a_signature_that_is_wrong(
    header: dict[str, str], by: str, reason: Reason
) -> None:
    """JWT-03, JWT-12: for the first, fetching keys may help; without a kid nobody knows which it is."""
    with pytest.raises(TokenError) as caught:
        verify(read(compact(header, CLAIMS, key(by))), KeySet([key("rsa")]), ["RS256"])

    assert (reason, "kid" not in header or reason is Reason.UNKNOWN_KEY) == (
        caught.value.reason,
        caught.value.newer_keys,
    )


def test_a_key_is_used_for_its_own_algorithms() -> None:
    """JWT-02: a header cannot turn a key into one of another kind, and fetching keys does not help."""
    for kind, algorithm in (("P-256", "RS256"), ("rsa", "ES256"), ("P-384", "ES256"), ("Ed448", "Ed25519")):
        with pytest.raises(TokenError) as caught:
            verify(read(compact({"alg": algorithm, "kid": "k1"}, CLAIMS)), KeySet([key(kind)]), [algorithm])
        assert (Reason.WRONG_KEY, False) == (caught.value.reason, caught.value.newer_keys)


@pytest.mark.parametrize("kind", ["rsa", "P-256", "Ed25519"])
def test_a_public_key_is_not_a_secret(kind: str) -> None:
    """JWT-02: a token signed with the text of a public key, in whatever form, even where HS256 is accepted."""
    public = public_pem(kind)
    for text in (public, public.strip(), json.dumps(public_jwk(kind))):
        secret = parse_jwk(
            {"kty": "oct", "k": encode(text.replace("-----BEGIN", "-----begin").encode())}, signs=True
        )
        token = sign(CLAIMS, secret, "HS256", kid="k1")

        assert "wrong-algorithm" == verdict(token, KeySet([key(kind)]), ASYMMETRIC)
        assert "wrong-key" == verdict(token, KeySet([key(kind)]), ["HS256"])
        assert "unknown-key" == verdict(sign(CLAIMS, secret, "HS256"), parse_key(public), ["HS256"])


@pytest.mark.parametrize("kid", ["k1", "evil", None])
def test_what_a_header_offers_as_a_key_has_no_effect(kid: str | None) -> None:
    """JWT-04: neither makes it a bad token good, nor a good token bad."""
    offered = {
        "jwk": public_jwk("rsa2056", kid="evil"),
        "jku": "http://127.0.0.1:9/jwks",
        "x5u": "http://127.0.0.1:9/x5u",
        "x5c": [public_pem("rsa2056")],
        "x5t": "AA",
        "x5t#S256": ["not even a text"],
    }
    named = {} if kid is None else {"kid": kid}
    keys = KeySet([key("rsa")])

    expected = "unknown-key" if kid == "evil" else "bad-signature"
    assert expected == verdict(compact({"alg": "RS256", **named, **offered}, CLAIMS, key("rsa2056")), keys)
    assert "k1" == verdict(compact({**HEADER, **offered}, CLAIMS, key("rsa")), keys)


def test_keys_of_one_kid_are_all_tried() -> None:
    """What an issuer has named twice is ambiguous, and not wrong."""
    a, b = public_jwk("rsa", kid="same"), public_jwk("rsa2056", kid="same")
    keys = parse_keys(jwks(a, b))

    for kind in ("rsa", "rsa2056"):
        token = sign(CLAIMS, key(kind), "PS256", kid="same")
        assert key(kind).thumbprint == verify(read(token), keys, ["PS256"]).thumbprint
    assert "bad-signature" == verdict(sign(CLAIMS, key("rsa2064"), "PS256", kid="same"), keys)


def test_a_key_without_a_name_serves() -> None:
    """PEM knows none, and issuers write one into each token."""
    keys = parse_key(public_pem("rsa"))

    assert "None" == verdict(sign(CLAIMS, key("rsa"), "RS256", kid="whatever"), keys)
    assert "bad-signature" == verdict(sign(CLAIMS, key("rsa2056"), "RS256", kid="whatever"), keys)


def test_secrets_are_not_published() -> None:
    """JWT-02: `kty: oct` in a key set that was fetched."""
    keys = parse_keys(jwks(public_jwk("rsa"), {"kty": "oct", "kid": "k1", "k": encode(SECRET.encode())}))

    assert "unknown-key" == verdict(sign(CLAIMS, key("secret"), "HS256"), keys)


# ---- no token but this one ----------------------------------------------------------------------------------------

TOKENS = {algorithm: sign(CLAIMS, key(kind), algorithm).encode() for algorithm, kind in KINDS.items()}


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_token_with_another_byte_is_refused(algorithm: str, data: st.DataObject) -> None:
    """Wherever it stands, whatever it is (JWT-08, JWT-10); and each time with the same verdict."""
    token = TOKENS[algorithm]
    place = data.draw(st.integers(0, len(token) - 1))
    byte = data.draw(st.integers(0, 255) | st.sampled_from(list(b"ABab01-_=. \n")))
    changed = token[:place] + bytes([byte]) + token[place + 1 :]

    assert (changed == token) == (verdict(changed) == "k1")
    assert verdict(changed) == verdict(changed)
    assert verdict(changed.decode("latin-1")) == verdict(changed)


@pytest.mark.parametrize("algorithm", sorted(KINDS))
def test_a_token_with_another_last_letter_is_refused(algorithm: str) -> None:
    """There are bits in it that mean nothing."""
    token = TOKENS[algorithm]

    for end in (0, token.index(b"."), token.rindex(b".")):
        for byte in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.":
            changed = token[: end - 1] + bytes([byte]) + (token[end:] if end else b"")
            assert (changed == token) == (verdict(changed) == "k1")


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_token_with_a_piece_more_or_less_is_refused(algorithm: str, data: st.DataObject) -> None:
    """Truncated, doubled or filled up (JWT-10)."""
    token = TOKENS[algorithm]
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    changed = token[:start] + data.draw(st.binary(max_size=5)) + token[end:]

    assert (changed == token) == (verdict(changed) == "k1")


@given(st.binary(max_size=60) | st.text("eyJhbGciOiJ.=_-", max_size=60).map(str.encode))
def test_whatever_comes_is_refused(token: bytes) -> None:
    """Nothing but a TokenError leaves."""
    with pytest.raises(TokenError):
        read(token)


HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "cty", "crit", "jwk", "x5c"]),
    st.none()
    | st.integers()
    | st.text(max_size=4)
    | st.sampled_from([*KINDS, "none", "k1", "JWT"])
    | st.lists(st.text()),
)


@given(HEADERS, st.sampled_from(["rsa", "P-256", "Ed25519", "secret"]), st.booleans())
def test_whatever_a_header_says_only_a_true_signature_counts(header: Any, kind: str, mine: bool) -> None:
    """Signed by a key of ours or not at all."""
    by = key(kind)
    algorithm = header.get("alg") if header.get("alg") in list(by.algorithms) else min(by.algorithms)
    token = compact(header, CLAIMS, by if mine else None, algorithm)

    if verdict(token) == "k1":
        assert mine
        assert header["alg"] == algorithm
        assert "crit" not in header


# ---- making -------------------------------------------------------------------------------------------------------


def test_a_token_is_made_for_others() -> None:
    """Its header says what they need."""
    token = sign({"sub": "é"}, key("P-256", "own"), "ES256")
    other = sign({}, key("P-256", "own"), "ES256", kid="more", typ="at+jwt")
    nameless = sign({}, key("secret", None), "HS512")

    assert ("ES256", "own", "jwt", {"sub": "é"}) == seen(read(token))
    assert ("ES256", "more", "at+jwt", {}) == seen(read(other))
    assert ("HS512", None, "jwt", {}) == seen(read(nameless))


def seen(token: Token) -> tuple[str, str | None, str | None, Any]:
    return token.algorithm, token.kid, token.type, token.claims


def test_a_token_that_nobody_could_read_is_not_made() -> None:
    """Nor one with an algorithm that is not for its key."""
    with pytest.raises(ValueError, match=r"[Oo]ut of range float"):
        sign({"exp": float("nan")}, key("P-256"), "ES256")
    for algorithm in ("none", "RS256", "ES384"):
        with pytest.raises(KeysError, match="does not sign"):
            sign({}, key("P-256"), algorithm)
