"""Hashes of passwords, as texts."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.auth.passwords import PATTERN, NoHashError, PasswordHash, has_control, prepared


SALT = b"0123456789abcdef"
CHEAP = (14, 8, 1)

# the third test vector of RFC 7914 section 12, with its digest of 64 bytes
VECTOR = base64.b64encode(
    bytes.fromhex(
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
    )
).decode().rstrip("=")  # fmt: skip
RFC_7914 = f"$scrypt$ln=14,r=8,p=1${base64.b64encode(b'SodiumChloride').decode().rstrip('=')}${VECTOR}"


def test_the_vector_of_the_standard() -> None:
    """RFC 7914 section 12: this password, and no other."""
    found = PasswordHash.parse(RFC_7914)

    assert found.fits(b"pleaseletmein")
    assert not found.fits(b"pleaseletmeix")
    assert not found.fits(b"")


def test_what_is_made_is_read() -> None:
    """The text is all of it."""
    made = PasswordHash.of("Pässwörd".encode(), SALT)

    assert str(made).startswith("$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$")
    assert made == PasswordHash.parse(str(made))
    assert PasswordHash.parse(str(made)).fits("Pässwörd".encode())


@given(st.binary(min_size=16, max_size=64), st.binary(min_size=9, max_size=64))
def test_each_one_is_read_as_it_was_written(digest: bytes, salt: bytes) -> None:
    """Whatever its bytes are."""
    made = PasswordHash.holding(digest, salt, CHEAP)

    assert made == PasswordHash.parse(str(made))


def test_nothing_of_it_is_shown() -> None:
    """A hash is what guessing begins with."""
    shown = repr(PasswordHash.parse(RFC_7914))

    assert VECTOR[:6] not in shown
    assert "digest" not in shown


TAIL = "$MDEyMzQ1Njc4OWFiY2RlZg$" + base64.b64encode(bytes(32)).decode().rstrip("=")


@pytest.mark.parametrize(
    "cost",
    [
        pytest.param("ln=15,r=8,p=1", id="ours"),
        pytest.param("ln=17,r=8,p=1", id="128 MiB"),
        pytest.param("ln=14,r=8,p=1", id="the-least"),
        pytest.param("ln=13,r=8,p=10", id="little-memory-many-times"),
        pytest.param("ln=16,r=8,p=4", id="the-most"),
    ],
)
def test_what_may_be_asked_of_the_machine(cost: str) -> None:
    """Between too weak and too expensive."""
    assert f"$scrypt${cost}{TAIL}" == str(PasswordHash.parse(f"$scrypt${cost}{TAIL}"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(f"$scrypt$ln=13,r=8,p=1{TAIL}", "guessed too fast", id="weak"),
        pytest.param(f"$scrypt$ln=12,r=8,p=16{TAIL}", "guessed too fast", id="little-memory"),
        pytest.param(f"$scrypt$ln=14,r=1,p=16{TAIL}", "guessed too fast", id="little-memory-by-r"),
        pytest.param(f"$scrypt$ln=18,r=8,p=1{TAIL}", "would take 256 MiB of memory", id="memory"),
        pytest.param(f"$scrypt$ln=17,r=8,p=3{TAIL}", "would go 3 times through 128 MiB", id="time"),
        pytest.param(f"$scrypt$ln=99,r=8,p=1{TAIL}", "out of bounds", id="absurd"),
        pytest.param(f"$scrypt$ln=15,r=0,p=1{TAIL}", "out of bounds", id="nothing"),
        pytest.param(f"$scrypt$ln=15,r=99,p=1{TAIL}", "out of bounds", id="absurd-r"),
        pytest.param(f"$scrypt$ln=15,r=8,p=99{TAIL}", "out of bounds", id="absurd-p"),
        pytest.param("$scrypt$ln=15", "quote it", id="cut-at-a-comma"),
        pytest.param("$scrypt$ln=15,r=8,p=1$salt$hash", "it is not `$scrypt$ln=", id="short"),
        pytest.param("$2b$12$abcdefghijklmnopqrstuv", "by bcrypt", id="bcrypt"),
        pytest.param("$apr1$abc$def", "by the MD5 of Apache", id="apache"),
        pytest.param("$argon2id$v=19$m=65536,t=3,p=4$abc$def", "by Argon2", id="argon2"),
        pytest.param("{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "by SHA-1", id="sha"),
        pytest.param("correct horse", "no hash of a password", id="a-password"),
        pytest.param(f"$scrypt$ln=15,r=8,p=1{TAIL}\n", "it is not", id="a-line-end"),
        pytest.param(f"$scrypt$ln=15,r=8,p=1${'A' * 13}${'A' * 43}", "not base64", id="odd-base64"),
    ],
)
def test_what_is_refused_is_not_shown(text: str, said: str) -> None:
    """It may be the password itself; the message says what to do."""
    with pytest.raises(NoHashError) as refused:
        PasswordHash.parse(text)

    message = str(refused.value)
    assert said in message
    assert "gatekeeper password" in message or "quote it" in message
    assert not any(part in message for part in text.split("$") if len(part) > 20)
    assert "correct horse" not in message


def test_the_pattern_takes_what_is_made() -> None:
    """Editors check with it."""
    import re

    assert re.fullmatch(PATTERN, str(PasswordHash.holding(bytes(32), SALT)))
    assert re.fullmatch(PATTERN, RFC_7914)


def test_texts_are_compared_in_one_form() -> None:
    """RFC 7617 section 2.1: however the letters were typed."""
    assert "é" == prepared("e\u0301")
    assert "plain" == prepared("plain")


@pytest.mark.parametrize(
    ("text", "expected"), [("a b~é", False), ("a\0", True), ("\x7f", True), ("\x85", True), ("\t", True)]
)
def test_controls_are_found(text: str, expected: bool) -> None:
    """RFC 7617 section 2: they cannot be sent."""
    assert expected == has_control(text)
