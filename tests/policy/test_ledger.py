"""A record and its line: what is sealed is read again, and nothing else is."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy.ledger import FIRST, LONGEST, BrokenRecord, Head, head_of, seal, unseal


TIME = "2026-11-22T22:17:00.123Z"
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def line_of(fields: dict[str, Any] | None = None) -> bytes:
    """The first line of a chain."""
    return seal(Head(), TIME, "refused", {"status": 403} if fields is None else fields)[0]


def test_a_record_is_what_its_docstring_says() -> None:
    """So that anybody can check it with other means."""
    line, head = seal(Head(), TIME, "refused", {"status": 403, "client": "é\x1b"})
    content = f'{{"client":"\\u00e9\\u001b","event":"refused","prev":"{FIRST}","seq":1,"status":403,"time":"{TIME}"}}'
    digest = hashlib.sha256((FIRST + content).encode()).hexdigest()

    assert line == content.replace('"prev"', f'"hash":"{digest}","prev"').encode() + b"\n"
    assert head == Head(1, digest)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_what_is_sealed_is_read_again(fields: dict[str, Any]) -> None:
    """Whatever texts hold; the names of the chain are its own."""
    line, head = seal(Head(7, "a" * 64), TIME, "admin", fields)
    record = unseal(line)

    assert line.isascii()
    assert line.count(b"\n") == 1
    assert head == head_of(record) == Head(8, record["hash"])
    own = {"seq": 8, "time": TIME, "event": "admin", "prev": "a" * 64, "hash": head.hash}
    assert record == {**fields, **own}


@given(st.data())
def test_no_byte_of_a_line_can_be_changed(data: st.DataObject) -> None:
    """Nor taken out, nor put in."""
    line = line_of()
    place = data.draw(st.integers(0, len(line) - 1))
    piece = data.draw(st.binary(max_size=2).filter(lambda piece: piece != line[place : place + 1]))

    with pytest.raises(BrokenRecord):
        unseal(line[:place] + piece + line[place + 1 :])


def resealed(**changes: Any) -> bytes:
    """A line whose hash was computed anew by somebody who does not stick to the form."""
    record = {**json.loads(line_of()), **changes}
    del record["hash"]
    content = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    record["hash"] = hashlib.sha256(str(record["prev"]).encode() + content).hexdigest()
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(b"", "its end is missing", id="nothing"),
        pytest.param(b"\n", "it is no JSON", id="an empty line"),
        pytest.param(line_of()[:-1], "its end is missing", id="torn"),
        pytest.param(b"\0" * 9 + b"\n", "it is no JSON", id="zeros of a crash"),
        pytest.param(b"[" * 60_000 + b"\n", "it is no JSON", id="deep"),
        pytest.param(b"[]\n", "it is no record", id="a list"),
        pytest.param(b"{}\n", "it is no record", id="an empty record"),
        pytest.param(b"x" * LONGEST + b"\n", f"it is longer than {LONGEST} bytes", id="long"),
        pytest.param(line_of().replace(b"403", b"200"), "its hash is another one", id="changed"),
        pytest.param(
            line_of().replace(b"{", b'{"status":200,', 1), "it is written in another form", id="twice"
        ),
        pytest.param(line_of().replace(b",", b", ", 1), "it is written in another form", id="a blank"),
        pytest.param(resealed(seq=0), "it is no record", id="number 0"),
        pytest.param(resealed(seq=True), "it is no record", id="no number"),
        pytest.param(resealed(prev=None), "it is no record", id="no prev"),
    ],
)
def test_what_is_no_record_is_told(line: bytes, why: str) -> None:
    """Each in its words."""
    with pytest.raises(BrokenRecord) as caught:
        unseal(line)
    assert why == str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), object(), b"x"])
def test_what_has_no_form_is_refused(value: object) -> None:
    """Before anything of the chain has moved."""
    with pytest.raises((TypeError, ValueError)):
        seal(Head(), TIME, "refused", {"x": value})
