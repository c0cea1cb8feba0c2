"""What an API key looks like."""

import hashlib
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.stores.apikey import HINT, PREFIX, digest_of, is_key, make_key


GOOD = "gk_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg2XJLd2"


def test_the_form() -> None:
    """A prefix, and letters and digits: a double click takes all of it."""
    assert re.fullmatch(r"gk_[0-9A-Za-z]{49}", make_key())


def test_all_of_it_is_random() -> None:
    """At each of 43 places stands whatever may stand there; the least that 256 bits need."""
    keys = [make_key() for _ in range(2000)]

    assert 2000 == len(set(keys))
    assert 62**43 >= 2**256
    for place in range(len(PREFIX), len(PREFIX) + 43):
        assert 62 == len({key[place] for key in keys})


def test_a_key_is_known_by_its_checksum() -> None:
    """Without asking anybody; it is the CRC-32 of what stands before."""
    value = 0
    for char in GOOD[-6:]:
        value = value * 62 + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".index(char)

    assert zlib.crc32(GOOD[:-6].encode()) == value
    assert is_key(GOOD)
    assert is_key(make_key())


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("0Zaz_-é\0 "))
def test_a_key_with_a_slip_is_none(place: int, char: str) -> None:
    """Whichever character it is."""
    wrong = GOOD[:place] + char + GOOD[place + 1 :]

    assert (wrong == GOOD) is is_key(wrong)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("gk_", id="prefix-only"),
        pytest.param(GOOD[:-1], id="short"),
        pytest.param(GOOD + "0", id="long"),
        pytest.param(GOOD + "\n", id="KEY-03-line-end"),
        pytest.param(" " + GOOD, id="KEY-03-space"),
        pytest.param("gk_" + "0" * 10_000, id="KEY-03-10-kB"),
        pytest.param(GOOD.upper(), id="upper-case"),
        pytest.param("gk_" + "٣" * 49, id="KEY-03-digits-of-another-script"),
    ],
)
def test_what_is_no_key(text: str) -> None:
    """By its form alone."""
    assert not is_key(text)


@given(st.binary())
def test_what_is_stored(sent: bytes) -> None:
    """KEY-03: the SHA-256 of the bytes that were sent, whatever they are; as bytes and as text."""
    expected = hashlib.sha256(sent).digest()

    assert expected == digest_of(sent) == digest_of(sent.decode("utf-8", "surrogateescape"))


def test_the_hint_is_of_the_checksum() -> None:
    """So that nothing of the random part is shown."""
    assert HINT <= 6
