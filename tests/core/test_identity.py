"""Who asks, and what is told of it."""

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.identity import Consumer, claim, claim_texts, field_text, is_sendable
from gatekeeper.core.message import check_field


ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("admin", "admin"),
        ("staff:u-17", "staff:u-17"),
        ("a/b;c=d|e@f?g#h", "a/b;c=d|e@f?g#h"),
        ("", ""),
        pytest.param("a,b", "a%2Cb", id="FWD-08-two-words"),
        pytest.param("50%", "50%25", id="FWD-08-an-escape"),
        pytest.param("a\r\nX-Admin: 1", "a%0D%0AX-Admin:%201", id="FWD-08-lines"),
        pytest.param("a\0b", "a%00b", id="FWD-08-nul"),
        pytest.param("é", "%C3%A9", id="FWD-08-latin"),
        pytest.param("😀", "%F0%9F%98%80", id="FWD-08-emoji"),
        pytest.param("\ud800", "%ED%A0%80", id="FWD-08-half-a-character"),
        pytest.param(" admin ", "%20admin%20", id="FWD-08-blanks-that-get-lost"),
        pytest.param("\tadmin", "%09admin", id="FWD-08-a-tab"),
        pytest.param("\u0661", "%D9%A1", id="FWD-08-a-digit-elsewhere"),
        pytest.param("\x7f", "%7F", id="FWD-08-delete"),
    ],
)
def test_a_word_is_one_word(text: str, written: str) -> None:
    """FWD-08: whatever is in it."""
    assert written == field_text(text)


@given(ANY_TEXT)
def test_a_word_can_stand_in_a_field_and_be_read_back(text: str) -> None:
    """FWD-08: so two words are never the same field, and nothing of them is lost on the way."""
    written = field_text(text)

    assert written.isascii()
    assert not set(written) & set(", \t\r\n")
    check_field(b"x-consumer", written.encode())
    assert text == unquote(written, errors="surrogatepass")


@pytest.mark.parametrize(
    ("text", "expected"), [("", True), ("a", True), ("é😀", True), ("\ud800", False), ("a\udfffb", False)]
)
def test_half_a_character_cannot_be_sent(text: str, expected: bool) -> None:
    """RFC 8259 section 8.2."""
    assert expected is is_sendable(text)


# ---- consumers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [{"name": ""}, {"authenticators": ()}])
def test_a_consumer_was_proven_by_somebody(parts: dict[str, Any]) -> None:
    """Logs and limits know it by its name and by who has proven it."""
    with pytest.raises(ValueError, match="a consumer has a name, and somebody who has proven it"):
        Consumer(**{"name": "acme", "authenticators": ("keys",), **parts})


def test_a_consumer_has_nothing_that_it_was_not_given() -> None:
    """RBC-01: no role, no scope, no plan."""
    somebody = Consumer(name="acme", authenticators=("keys",))

    assert (frozenset(), frozenset(), "", {}, {}) == (
        somebody.roles,
        somebody.scopes,
        somebody.plan,
        somebody.labels,
        somebody.claims,
    )


def test_claims_and_notes_are_not_shown() -> None:
    """Whatever is logged."""
    somebody = Consumer(name="acme", authenticators=("keys",), claims={"secret": "hush"})
    somebody.notes["x"] = "hush"

    assert "hush" not in repr(somebody)


def test_what_filters_noted_does_not_make_another_of_it() -> None:
    """And each has notes of its own."""
    one, other = (Consumer(name="acme", authenticators=("keys",)) for _ in range(2))
    one.notes["x"] = 1

    assert one == other
    assert {} == other.notes


def test_proofs_add_up() -> None:
    """The first one names it, and has the last word; what was noted of it before is not true any more."""
    first = Consumer(
        name="acme",
        authenticators=("keys",),
        roles=frozenset({"a"}),
        scopes=frozenset({"s"}),
        labels={"l": "1"},
        claims={"c": 1},
    )
    second = Consumer(
        name="staff:u",
        authenticators=("staff",),
        roles=frozenset({"b"}),
        scopes=frozenset({"t"}),
        plan="gold",
        labels={"l": "2", "m": "2"},
        claims={"c": 2, "d": 2},
    )
    first.notes["x"] = "old"

    both = first.with_proof(second)

    assert {} == both.notes
    assert both == Consumer(
        name="acme",
        authenticators=("keys", "staff"),
        roles=frozenset({"a", "b"}),
        scopes=frozenset({"s", "t"}),
        plan="gold",
        labels={"l": "1", "m": "2"},
        claims={"c": 1, "d": 2},
    )
    assert "gold" == second.with_proof(first).plan
    assert ("keys",) == first.authenticators


# ---- claims ---------------------------------------------------------------------------------------------------------

CLAIMS = {
    "sub": "u-17",
    "realm": {"roles": ["a"], "deep": {"x": 1}},
    "https://shop.example/role": "clerk",
    "realm.other": "by its own name",
    "list": [{"x": 1}],
    "empty": "",
    "no": None,
    "realm.deep.x": 2,
}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sub", "u-17"),
        ("realm.roles", ["a"]),
        ("realm.deep", {"x": 1}),
        pytest.param("realm.deep.x", 2, id="a whole name first"),
        ("https://shop.example/role", "clerk"),
        ("realm.other", "by its own name"),
        ("empty", ""),
        ("no", None),
        ("none", None),
        ("sub.x", None),
        ("realm.none", None),
        ("realm.", None),
        (".realm", None),
        ("", None),
        ("list.0", None),
        ("list.x", None),
        ("sub.__class__", None),
    ],
)
def test_a_claim_is_found_by_its_name(name: str, found: Any) -> None:
    """Dots lead into objects, and nowhere else."""
    assert found == claim(CLAIMS, name)


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a", ["a"]),
        ("", [""]),
        ("a b", ["a b"]),
        (7, ["7"]),
        (1.5, ["1.5"]),
        (True, ["true"]),
        (False, ["false"]),
        (None, []),
        ({"a": 1}, []),
        ([], []),
        (["a", 7, True, None, {"b": 1}, ["c"], ("d",)], ["a", "7", "true"]),
        (("a", "b"), ["a", "b"]),
        (b"bytes", []),
        pytest.param("a\ud800b", ["a\ufffdb"], id="FWD-08-half a character"),
        pytest.param("\ud83d\ude00", ["😀"], id="FWD-08-two halves"),
        pytest.param("\ufeffa", ["\ufeffa"], id="a mark of order"),
    ],
)
def test_claims_as_texts(value: Any, texts: list[str]) -> None:
    """As JSON has them; objects are no text."""
    assert texts == claim_texts(value)


@given(ANY_TEXT)
def test_every_text_of_a_claim_can_be_sent(text: str) -> None:
    """FWD-08: and is the same where it could be before."""
    (found,) = claim_texts(text)

    assert is_sendable(found)
    assert not is_sendable(text) or text == found
