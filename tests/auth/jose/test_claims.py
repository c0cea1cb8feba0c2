"""What a token must claim: whose it is, for whom, of what kind, from when and until when."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.auth.jose.claims import TokenPolicy, check_claims, claim_text, scopes
from gatekeeper.auth.jose.errors import Reason, TokenError
from gatekeeper.auth.jose.jwt import Token, read
from gatekeeper.core.message import check_field
from tests.auth.jose.made import CLAIMS, ISSUER, NOW, compact, refused


LEEWAY = 30


def policy(**changes: Any) -> TokenPolicy:
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "audiences": ("orders-api",),
        "algorithms": ["RS256"],
        **changes,
    }
    return TokenPolicy(**values)


def token(claims: object = CLAIMS, **header: Any) -> Token:
    return read(compact({"alg": "RS256", **header}, claims))


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIMS.items() if name not in names}


def verdict(claims: object, now: float = NOW, wanted: TokenPolicy | None = None) -> str:
    """What becomes of a token that claims this."""
    try:
        check_claims(token(claims), wanted or policy(), now)
    except TokenError as error:
        return str(error.reason)
    return "fine"


# ---- whose, and for whom ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({**CLAIMS}, "fine", id="exact"),
        pytest.param(without("iss"), "wrong-issuer", id="missing"),
        pytest.param({**CLAIMS, "iss": ISSUER[:-1]}, "wrong-issuer", id="no-slash"),
        pytest.param({**CLAIMS, "iss": f"{ISSUER}/"}, "wrong-issuer", id="two-slashes"),
        pytest.param({**CLAIMS, "iss": f"{ISSUER}evil"}, "wrong-issuer", id="longer"),
        pytest.param({**CLAIMS, "iss": ISSUER[:10]}, "wrong-issuer", id="prefix"),
        pytest.param({**CLAIMS, "iss": ISSUER.upper()}, "wrong-issuer", id="case"),
        pytest.param({**CLAIMS, "iss": f" {ISSUER}"}, "wrong-issuer", id="blank"),
        pytest.param({**CLAIMS, "iss": ""}, "wrong-issuer", id="empty"),
        pytest.param({**CLAIMS, "iss": [ISSUER]}, "wrong-issuer", id="list"),
        pytest.param({**CLAIMS, "iss": None}, "wrong-issuer", id="null"),
        pytest.param(
            {**CLAIMS, "iss": "x", "aud": 1, "exp": "x", "sub": []}, "wrong-issuer", id="comes-first"
        ),
    ],
)
def test_an_issuer_is_exactly_the_one(claims: object, reason: str) -> None:
    """JWT-07; and where it is another, nothing else counts: somebody else may know the token."""
    assert reason == verdict(claims)


@pytest.mark.parametrize(
    ("audience", "reason"),
    [
        pytest.param("orders-api", "fine", id="text"),
        pytest.param(["orders-api"], "fine", id="list"),
        pytest.param(["account", "orders-api"], "fine", id="second-of-a-list"),
        pytest.param("orders", "wrong-audience", id="prefix"),
        pytest.param("orders-api-2", "wrong-audience", id="longer"),
        pytest.param("Orders-API", "wrong-audience", id="case"),
        pytest.param("account orders-api", "wrong-audience", id="blank-between"),
        pytest.param("", "wrong-audience", id="empty"),
        pytest.param([], "wrong-audience", id="empty-list"),
        pytest.param(["account"], "wrong-audience", id="others"),
        pytest.param(None, "bad-claim", id="null"),
        pytest.param({"orders-api": 1}, "bad-claim", id="object"),
        pytest.param(7, "bad-claim", id="number"),
        pytest.param(["orders-api", 7], "bad-claim", id="list-with-a-number"),
        pytest.param([["orders-api"]], "bad-claim", id="list-of-lists"),
    ],
)
def test_an_audience_is_exactly_one_of_the_list(audience: object, reason: str) -> None:
    """JWT-07."""
    assert reason == verdict({**CLAIMS, "aud": audience})


def test_an_audience_is_required_unless_anybody_is() -> None:
    """JWT-07: a token for nobody is not for us; with `any`, it has to be well-formed at least."""
    anybody = policy(audiences=None)

    assert "wrong-audience" == verdict(without("aud"))
    assert "fine" == verdict({**CLAIMS, "aud": "b"}, wanted=policy(audiences=("a", "b")))
    assert "fine" == verdict(without("aud"), wanted=anybody)
    assert "fine" == verdict({**CLAIMS, "aud": "whoever"}, wanted=anybody)
    assert "bad-claim" == verdict({**CLAIMS, "aud": 7}, wanted=anybody)
    assert "wrong-issuer" == verdict(without("aud", "iss"), wanted=anybody)


# ---- from when, until when ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "now", "reason"),
    [
        pytest.param("exp", NOW + LEEWAY - 1, "fine", id="exp-1s"),
        pytest.param("exp", NOW + LEEWAY - 0.001, "fine", id="exp-1ms"),
        pytest.param("exp", NOW + LEEWAY, "expired", id="exp-edge"),
        pytest.param("exp", NOW + LEEWAY + 1, "expired", id="exp+1s"),
        pytest.param("nbf", NOW - LEEWAY - 1, "not-yet-valid", id="nbf-1s"),
        pytest.param("nbf", NOW - LEEWAY - 0.001, "not-yet-valid", id="nbf-1ms"),
        pytest.param("nbf", NOW - LEEWAY, "fine", id="nbf-edge"),
        pytest.param("nbf", NOW - LEEWAY + 1, "fine", id="nbf+1s"),
        pytest.param("iat", NOW - LEEWAY - 1, "not-yet-valid", id="iat-1s"),
        pytest.param("iat", NOW - LEEWAY, "fine", id="iat-edge"),
        pytest.param("iat", NOW - LEEWAY + 1, "fine", id="iat+1s"),
    ],
)
@pytest.mark.parametrize("kind", [int, float])
def test_edges_are_exact(name: str, now: float, reason: str, kind: type) -> None:
    """JWT-06: whether the claim is written with a point or without."""
    claims = {**without("exp", "nbf", "iat"), "exp": NOW + 10_000, name: kind(NOW)}

    assert reason == verdict(claims, now)


@pytest.mark.parametrize(("now", "reason"), [(NOW - 1, "fine"), (NOW, "expired"), (NOW + 1, "expired")])
def test_without_leeway_an_edge_is_the_time_itself(now: int, reason: str) -> None:
    """RFC 7519 section 4.1.4: "on or after which the JWT MUST NOT be accepted"."""
    assert reason == verdict({**without("nbf", "iat"), "exp": NOW}, now, policy(leeway=0))


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["1800000300", "", None, True, False, [], [NOW], {}, "NaN"], ids=repr)
def test_a_time_is_a_number(name: str, value: object) -> None:
    """JWT-06: and a truth value is none."""
    assert "bad-claim" == verdict({**CLAIMS, name: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_time_is_finite(value: float) -> None:
    """JWT-06: also where it did not come as JSON."""
    made = Token(
        algorithm="RS256", kid=None, type=None, claims={**CLAIMS, "exp": value}, signed=b"", signature=b""
    )

    with refused(Reason.BAD_CLAIM):
        check_claims(made, policy(), NOW)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"exp": -1}, "expired", id="exp-before-the-epoch"),
        pytest.param({"exp": 0}, "expired", id="exp-0"),
        pytest.param({"exp": 10**63}, "fine", id="exp-huge"),
        pytest.param({"exp": 1e300}, "fine", id="exp-1e300"),
        pytest.param({"exp": -(10**62)}, "expired", id="exp-huge-and-negative"),
        pytest.param({"nbf": 10**63}, "not-yet-valid", id="nbf-huge"),
        pytest.param({"nbf": -1}, "fine", id="nbf-before-the-epoch"),
        pytest.param({"iat": 10**63}, "not-yet-valid", id="iat-huge"),
    ],
)
def test_times_may_be_of_any_size(claims: dict[str, object], reason: str) -> None:
    """JWT-06: none of them is an error of ours."""
    assert reason == verdict({**CLAIMS, **claims})


def test_only_the_end_is_required() -> None:
    """RFC 9068 section 2.2: an access token has one."""
    assert "bad-claim" == verdict(without("exp"))
    assert "fine" == verdict(without("nbf", "iat"))


# ---- of what kind -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "header", "accepted"),
    [
        pytest.param(None, {}, True, id="none"),
        pytest.param(None, {"typ": "JWT"}, True, id="jwt"),
        pytest.param(None, {"typ": "jwt"}, True, id="jwt-in-lower-case"),
        pytest.param(None, {"typ": "application/jwt"}, True, id="application-jwt"),
        pytest.param(None, {"typ": "at+jwt"}, True, id="at+jwt"),
        pytest.param(None, {"typ": "application/at+JWT"}, True, id="application-at+jwt"),
        pytest.param(None, {"typ": "logout+jwt"}, False, id="logout+jwt"),
        pytest.param(None, {"typ": "secevent+jwt"}, False, id="secevent+jwt"),
        pytest.param(None, {"typ": "dpop+jwt"}, False, id="dpop+jwt"),
        pytest.param(None, {"typ": "token-introspection+jwt"}, False, id="introspection"),
        pytest.param(None, {"typ": "JOSE"}, False, id="jose"),
        pytest.param(None, {"typ": ""}, False, id="empty"),
        pytest.param(None, {"typ": "text/jwt"}, False, id="text-jwt"),
        pytest.param("at+jwt", {"typ": "at+jwt"}, True, id="asked-for"),
        pytest.param("at+jwt", {"typ": "application/AT+JWT"}, True, id="asked-for-and-long"),
        pytest.param("application/at+jwt", {"typ": "at+jwt"}, True, id="long-and-asked-for"),
        pytest.param("at+jwt", {"typ": "JWT"}, False, id="another"),
        pytest.param("at+jwt", {}, False, id="asked-for-and-none"),
        pytest.param("JWT", {"typ": "JWT"}, True, id="jwt-asked-for"),
        pytest.param("JWT", {"typ": "at+jwt"}, False, id="jwt-asked-for-and-another"),
        pytest.param("JWT", {}, False, id="jwt-asked-for-and-none"),
        pytest.param("logout+jwt", {"typ": "logout+jwt"}, True, id="logout-asked-for"),
    ],
)
def test_a_token_is_of_the_kind_that_is_asked_for(
    wanted: str | None, header: dict[str, str], accepted: bool
) -> None:
    """JWT-05, RFC 8725 section 3.11, RFC 9068 section 4."""
    if accepted:
        check_claims(token(**header), policy(token_type=wanted), NOW)
    else:
        with refused(Reason.WRONG_TYPE):
            check_claims(token(**header), policy(token_type=wanted), NOW)


def test_a_logout_token_without_a_type_is_no_access_token() -> None:
    """RFC 8725 section 3.12: its rules and ours exclude each other."""
    logout = {**CLAIMS, "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}

    assert "wrong-type" == verdict(logout)
    check_claims(token(logout, typ="JWT"), policy(token_type="JWT"), NOW)


@pytest.mark.parametrize("name", ["sub", "jti"])
@pytest.mark.parametrize("value", [7, None, [], {}, True])
def test_names_are_texts(name: str, value: object) -> None:
    """RFC 7519 sections 4.1.2 and 4.1.7."""
    assert "bad-claim" == verdict({**CLAIMS, name: value})


def test_what_else_is_required_is_asked_last() -> None:
    """Of a token that is sound in all other ways."""
    asked: list[Any] = []

    def is_ours(claims: Any) -> bool:
        asked.append(claims)
        return bool(claims.get("tenant") == "red")

    wanted = policy(required=is_ours)

    assert "expired" == verdict({**CLAIMS, "tenant": "red", "exp": 1}, wanted=wanted)
    assert [] == asked
    assert "fine" == verdict({**CLAIMS, "tenant": "red"}, wanted=wanted)
    assert "required-claims" == verdict(CLAIMS, wanted=wanted)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([ISSUER, "orders-api", NOW]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.dictionaries(st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub", "jti", "events"]), ANYTHING)
)
def test_whatever_is_claimed_is_judged(claims: Any) -> None:
    """Nothing but a TokenError leaves, and what is accepted says all that it must."""
    try:
        check_claims(token({**CLAIMS, **claims}), policy(), NOW)
    except TokenError:
        return

    whole = {**CLAIMS, **claims}
    assert ISSUER == whole["iss"]
    assert whole["aud"] == "orders-api" or "orders-api" in whole["aud"]
    assert whole["exp"] > NOW - LEEWAY


# ---- what may be asked for ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"issuer": ""}, "`issuer`", id="no-issuer"),
        pytest.param({"audiences": ()}, "`audiences`", id="no-audience"),
        pytest.param({"audiences": ("a", "")}, "`audiences`", id="empty-audience"),
        pytest.param({"audiences": "orders-api"}, "`audiences`", id="audience-a-text"),
        pytest.param({"algorithms": []}, "no algorithm", id="no-algorithm"),
        pytest.param({"algorithms": ["none"]}, "`none` is not", id="none"),
        pytest.param({"algorithms": ["RS256", "None"]}, "`None` is not", id="None"),
        pytest.param({"algorithms": ["ES256K"]}, "`ES256K` is not", id="ES256K"),
        pytest.param({"algorithms": ["rs256"]}, "`rs256` is not", id="lower-case"),
        pytest.param({"algorithms": ["HS256", "RS256"]}, "shared secret", id="HS256-and-RS256"),
        pytest.param({"algorithms": ["EdDSA", "HS512"]}, "shared secret", id="HS512-and-EdDSA"),
        pytest.param({"leeway": -1}, "`leeway`", id="leeway-negative"),
        pytest.param({"leeway": float("nan")}, "`leeway`", id="leeway-nan"),
        pytest.param({"leeway": float("inf")}, "`leeway`", id="leeway-infinite"),
        pytest.param({"token_type": ""}, "`token_type`", id="empty-type"),
    ],
)
def test_a_policy_that_nobody_should_have_is_refused(changes: dict[str, Any], message: str) -> None:
    """JWT-01, JWT-02: when it is made."""
    with pytest.raises(ValueError, match=message):
        policy(**changes)


def test_secrets_alone_are_fine() -> None:
    """They are for those who sign and check in one place."""
    assert frozenset({"HS256", "HS512"}) == policy(algorithms=("HS256", "HS512")).algorithms


# ---- what claims say ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "names"),
    [
        pytest.param("read", {"read"}, id="one"),
        pytest.param("read write", {"read", "write"}, id="two"),
        pytest.param(" read  write ", {"read", "write"}, id="more-blanks"),
        pytest.param("readonly", {"readonly"}, id="longer"),
        pytest.param("Read", {"Read"}, id="case"),
        pytest.param("read,write", {"read,write"}, id="comma"),
        pytest.param("read\twrite", {"read\twrite"}, id="tab"),
        pytest.param("read\u00a0write", {"read\u00a0write"}, id="no-break-space"),
        pytest.param("", set(), id="empty"),
        pytest.param(None, set(), id="null"),
        pytest.param([], set(), id="empty-list"),
        pytest.param(["read", "write"], {"read", "write"}, id="list"),
        pytest.param(["read write"], {"read write"}, id="blank-in-a-list"),
        pytest.param(["", "read"], {"read"}, id="empty-in-a-list"),
    ],
)
def test_scopes_are_whole(value: object, names: set[str]) -> None:
    """OAU-06: neither a part of one nor two in one grant anything."""
    assert names == scopes(value)


@pytest.mark.parametrize("value", [7, True, {"read": True}, ["read", 7], [["read"]], [None]])
def test_scopes_are_texts(value: object) -> None:
    """OAU-06: whatever else is refused, and grants nothing."""
    with refused(Reason.BAD_CLAIM):
        scopes(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("u-17", "u-17", id="text"),
        pytest.param("", "", id="empty"),
        pytest.param(None, "", id="null"),
        pytest.param("Zoë 😀 x", "Zoë 😀 x", id="unicode"),
        pytest.param('a,b;c="d"', 'a,b;c="d"', id="punctuation"),
        pytest.param(7, "7", id="number"),
        pytest.param(1.5, "1.5", id="float"),
        pytest.param(True, "true", id="truth"),
        pytest.param(["a", "b\r\n"], '["a","b\\r\\n"]', id="list"),
        pytest.param({"é": {"b": None}}, '{"\\u00e9":{"b":null}}', id="object"),
    ],
)
def test_a_claim_is_one_line(value: object, text: str) -> None:
    """FWD-08: a list or an object as JSON, escaped."""
    assert text == claim_text(value)


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nx-admin: 1",
        "a\nb",
        "a\rb",
        "a\0b",
        "a\tb",
        "a\x1bb",
        "a\x7fb",
        "a\x85b",
        " a",
        "a ",
        "a\u00a0",
        "\u3000a",
    ],
)
def test_a_claim_that_would_not_arrive_is_refused(value: str) -> None:
    """FWD-08: what breaks a line, or loses its ends and becomes somebody else."""
    with refused(Reason.BAD_CLAIM):
        claim_text(value)


@given(ANYTHING)
def test_what_a_claim_says_can_stand_in_a_field(value: Any) -> None:
    """FWD-08: whatever it is, it is refused or arrives."""
    try:
        text = claim_text(value)
    except TokenError:
        return

    assert (b"x-user", text.encode()) == check_field(b"x-user", text.encode())
