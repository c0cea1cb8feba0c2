"""What is said of a token that is refused."""

import re

import pytest

from gatekeeper.auth.jose.errors import Reason, TokenError


@pytest.mark.parametrize("reason", list(Reason))
def test_every_refusal_has_something_for_the_client(reason: Reason) -> None:
    """RFC 6750 section 3: characters that can stand in a quoted string as they are."""
    error = TokenError(reason, "for the log")

    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", error.description)
    assert "for the log" not in error.description
    assert ("invalid_token", f"{reason}: for the log", False) == (error.error, str(error), error.newer_keys)


def test_what_is_wrong_with_a_signature_is_for_the_operator_alone() -> None:
    """JWT-16: which keys there are is nobody's business."""
    said = {
        TokenError(reason).description
        for reason in (Reason.UNKNOWN_KEY, Reason.WRONG_KEY, Reason.BAD_SIGNATURE)
    }

    assert 1 == len(said)


def test_the_names_stay() -> None:
    """Logs and metrics are searched by them."""
    assert [
        *(
            "malformed",
            "too-long",
            "encrypted",
            "unsupported-header",
            "wrong-type",
            "wrong-algorithm",
            "wrong-key",
        ),
        *("unknown-key", "bad-signature", "wrong-issuer", "wrong-audience", "bad-claim", "expired"),
        *("not-yet-valid", "required-claims"),
    ] == [str(reason) for reason in Reason]
