"""Base64url and JSON that can be read in one way only."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.auth.jose.encoding import DEEPEST, decode, encode, parse_object


@given(st.binary(max_size=100))
def test_base64url_comes_back(data: bytes) -> None:
    """Whatever is written is read."""
    assert data == decode(encode(data).encode())


@given(st.binary(max_size=12) | st.text("ABab01-_=+/ \n", max_size=12).map(str.encode))
def test_whatever_is_read_has_one_spelling(text: bytes) -> None:
    """JWT-08: what is not written that way is refused."""
    try:
        data = decode(text)
    except ValueError:
        return

    assert text == encode(data).encode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"AA==", id="padding"),
        pytest.param(b"AAA=", id="padding-1"),
        pytest.param(b"AB", id="bits-left-over-2"),
        pytest.param(b"AAB", id="bits-left-over-3"),
        pytest.param(b"A", id="one-letter"),
        pytest.param(b"AAAAA", id="five-letters"),
        pytest.param(b"AA+A", id="plus"),
        pytest.param(b"AA/A", id="slash"),
        pytest.param(b"AA AA", id="blank"),
        pytest.param(b"AAAA\n", id="line-break"),
        pytest.param(b" AAAA", id="blank-in-front"),
        pytest.param(b"AA.A", id="dot"),
        pytest.param(b"AA\x00A", id="nul"),
        pytest.param(b"AA\xffA", id="not-ascii"),
        pytest.param(b"====", id="padding-alone"),
    ],
)
def test_base64url_is_strict(text: bytes) -> None:
    """JWT-08: the decoder of the library takes most of these."""
    with pytest.raises(ValueError, match="base64url"):
        decode(text)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        pytest.param(b"{}", {}, id="empty"),
        pytest.param(b' {"a"\r\n:\t1 } ', {"a": 1}, id="white-space"),
        pytest.param(b'{"a":{"b":1},"b":{"a":1}}', {"a": {"b": 1}, "b": {"a": 1}}, id="same-name-elsewhere"),
        pytest.param(b'{"a":"[[[[{{{{"}', {"a": "[[[[{{{{"}, id="brackets-in-a-text"),
        pytest.param('{"a":"é😀"}'.encode(), {"a": "é😀"}, id="utf-8"),
        pytest.param(b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}, id="surrogate-pair"),
        pytest.param(b'{"a":"\\\\ud800"}', {"a": "\\ud800"}, id="escaped-backslash"),
        pytest.param(
            b'{"a":1.5e3,"b":-0.5,"c":true,"d":null}',
            {"a": 1500.0, "b": -0.5, "c": True, "d": None},
            id="kinds",
        ),
        pytest.param(b'{"a":' + b"9" * 64 + b"}", {"a": int("9" * 64)}, id="64-digits"),
        pytest.param(b'{"a":1e-400}', {"a": 0.0}, id="next-to-nothing"),
    ],
)
def test_json_is_read(data: bytes, value: object) -> None:
    """What issuers write."""
    assert value == parse_object(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b'{"a":1,"a":1}', "two members", id="twice"),
        pytest.param(b'{"a":1,"\\u0061":2}', "two members", id="twice-escaped"),
        pytest.param(b'{"b":[{"c":{"a":1,"a":2}}]}', "two members", id="twice-deep-inside"),
        pytest.param(b'{"a":NaN}', "NaN", id="nan"),
        pytest.param(b'{"a":Infinity}', "Infinity", id="infinity"),
        pytest.param(b'{"a":[-Infinity]}', "Infinity", id="minus-infinity"),
        pytest.param(b'{"a":1e400}', "too large", id="1e400"),
        pytest.param(b'{"a":-1e400}', "too large", id="-1e400"),
        pytest.param(b'{"a":' + b"9" * 65 + b"}", "64 characters", id="65-digits"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", "64 characters", id="5000-digits"),
        pytest.param(b'{"a":0.' + b"1" * 63 + b"}", "64 characters", id="65-characters"),
        pytest.param(b'{"a":"\\ud800"}', "surrogate", id="half-a-pair"),
        pytest.param(b'{"\\udfff":1}', "surrogate", id="half-a-pair-as-a-name"),
        pytest.param(b'{"a":["\\ude00\\ud83d"]}', "surrogate", id="pair-turned-round"),
        pytest.param(b'{"a":"\xff"}', "UTF-8", id="not-utf-8"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', "UTF-8", id="surrogate-in-utf-8"),
        pytest.param('{"a":1}'.encode("utf-16"), "UTF-8", id="utf-16"),
        pytest.param('{"a":1}'.encode("utf-16-le"), "not JSON", id="utf-16-without-mark"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', "not JSON", id="byte-order-mark"),
        pytest.param(b'{"a":1}{"a":1}', "not JSON", id="two"),
        pytest.param(b'{"a":1}\x00', "not JSON", id="nul-behind"),
        pytest.param(b"{'a':1}", "not JSON", id="single-quotes"),
        pytest.param(b'{"a":1,}', "not JSON", id="comma"),
        pytest.param(b'{"a":01}', "not JSON", id="leading-zero"),
        pytest.param(b'{"a":+1}', "not JSON", id="plus"),
        pytest.param(b'{"a":1.}', "not JSON", id="dot-without-digits"),
        pytest.param(b'{"a":"\x01"}', "not JSON", id="control-character"),
        pytest.param('{"a":\u0661}'.encode(), "not JSON", id="arabic-digit"),
        pytest.param('{"a":\u00a01}'.encode(), "not JSON", id="no-break-space"),
        pytest.param(b'{/**/"a":1}', "not JSON", id="comment"),
        pytest.param(b"", "not JSON", id="nothing"),
        pytest.param(b'{"a":"', "not JSON", id="no-end"),
        pytest.param(b"[]", "not a JSON object", id="list"),
        pytest.param(b'"{}"', "not a JSON object", id="text"),
        pytest.param(b"null", "not a JSON object", id="null"),
    ],
)
def test_json_is_strict(data: bytes, message: str) -> None:
    """JWT-06, JWT-08: the decoder of the library takes many of these."""
    with pytest.raises(ValueError, match=message):
        parse_object(data)


@pytest.mark.parametrize(
    "bad", [b"}", b',"canary":1}', b":NaN}", b':"\\ud800"}', b":" + b"9" * 99 + b"}", b"\xff"]
)
def test_what_is_refused_is_not_told(bad: bytes) -> None:
    """JWT-16: a message holds nothing of what was read."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_object(b'{"canary"' + bad)

    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


def test_json_is_as_deep_as_may_be() -> None:
    """And not one deeper."""
    side_by_side = b'{"a":[' + b"[]," * 100 + b"[]]}"

    in_a_text = b'{"a":"\\"' + b"[{" * 100 + b'"}'

    assert {} != parse_object(nested(DEEPEST))
    assert 201 == len(parse_object(in_a_text)["a"])
    assert 101 == len(parse_object(side_by_side)["a"])
    with pytest.raises(ValueError, match="nested"):
        parse_object(nested(DEEPEST + 1))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"a":' + b"[" * 100_000, id="lists"),
        pytest.param(b'{"a":' * 100_000, id="objects"),
        pytest.param(b'{"\\"":"]]]]\\\\",' + b'"a":[' + b"[{" * 50_000, id="behind-texts"),
        pytest.param(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="well-formed"),
    ],
)
def test_depth_costs_nothing(data: bytes) -> None:
    """JWT-09: it is counted before anything is built."""
    with pytest.raises(ValueError, match="nested"):
        parse_object(data)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_json_comes_back(value: dict[str, Any]) -> None:
    """Both ways in which issuers write texts."""
    assert value == parse_object(json.dumps(value).encode())
    assert value == parse_object(json.dumps(value, ensure_ascii=False).encode())


@given(st.binary(max_size=40) | st.text('{}[]":,\\ud8001eE+-.aNInf \t', max_size=40).map(str.encode))
def test_whatever_comes_is_refused_or_read(data: bytes) -> None:
    """Nothing but a ValueError leaves."""
    try:
        value = parse_object(data)
    except ValueError:
        return

    assert value == json.loads(data)
