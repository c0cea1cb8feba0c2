"""Where a credential stands in a request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.auth.reading import PlaceConfig
from gatekeeper.core.errors import Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, InvalidField
from gatekeeper.extend.vocabulary import Refusal
from gatekeeper.testing import make_exchange


def asked(query: str = "", fields: list[tuple[bytes, bytes]] | None = None) -> Exchange:
    """A request with these fields, as they came."""
    exchange = make_exchange("GET", f"/a?{query}" if query else "/a")
    exchange.request.headers = Headers(fields or [])
    return exchange


HEADER = PlaceConfig().credential(header="x-api-key")
BEARER = PlaceConfig().credential(header="authorization", scheme="Bearer")
COOKIE = PlaceConfig(cookie="key").credential(header="x-api-key")
QUERY = PlaceConfig(query="key").credential(header="x-api-key")


# ---- in a header field ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "found", "left"),
    [
        ([], None, []),
        ([(b"X-Api-Key", b"k")], "k", []),
        ([(b"a", b"1"), (b"x-api-key", b"k"), (b"B", b"2")], "k", [(b"a", b"1"), (b"B", b"2")]),
        ([(b"X-API-KEYS", b"k")], None, [(b"X-API-KEYS", b"k")]),
        pytest.param([(b"X-Api-Key", b"")], "", [], id="KEY-03-empty-is-wrong-and-not-missing"),
        pytest.param([(b"X-Api-Key", b"a b")], "a b", [], id="KEY-03-blanks"),
        pytest.param([(b"X-Api-Key", b"\xc3\xa9")], "\xc3\xa9", [], id="KEY-03-bytes"),
        pytest.param([(b"X-Api-Key", b"k" * 10_000)], "k" * 10_000, [], id="KEY-03-long"),
        pytest.param([(b"X-Api-Key", b"Bearer k")], "Bearer k", [], id="a scheme is a part of it"),
    ],
)
def test_a_header_field_holds_it(
    fields: list[tuple[bytes, bytes]], found: str | None, left: list[tuple[bytes, bytes]]
) -> None:
    """The whole value; it is taken out, and what stands round it stays as it came."""
    exchange = asked(fields=fields)

    assert found == HEADER.find(exchange)
    HEADER.remove(exchange)
    assert left == exchange.request.headers.fields


@pytest.mark.parametrize(
    ("value", "found", "stays"),
    [
        (b"Bearer t", "t", False),
        (b"bEARER t", "t", False),
        (b"Bearer   t", "t", False),
        (b"Bearer a b", "a b", False),
        pytest.param(b"Basic t", None, True, id="another scheme"),
        pytest.param(b"BearerX t", None, True, id="another scheme that begins alike"),
        pytest.param(b"Bearer-X t", None, True, id="another scheme with a sign"),
        pytest.param(b"Bear t", None, True, id="the beginning of it"),
        pytest.param(b"", None, True, id="nothing"),
    ],
)
def test_a_scheme_stands_before_it(value: bytes, found: str | None, stays: bool) -> None:
    """RFC 9110 section 11.4: what is of another scheme is somebody else's, and stays."""
    exchange = asked(fields=[(b"Authorization", value)])

    assert found == BEARER.find(exchange)
    BEARER.remove(exchange)
    assert stays is (b"authorization" in exchange.request.headers)


@pytest.mark.parametrize(
    "value", [b"Bearer", b"Bearer\tt", b"Bearer,t", b"Bearer:t", b"Bearer=t", b"bearer/"]
)
def test_what_another_reader_could_take_for_one_is_wrong(value: bytes) -> None:
    """RBC-04: and not missing, which would pass where it is optional; nobody behind sees it."""
    exchange = asked(fields=[(b"Authorization", value)])

    with pytest.raises(Unauthenticated, match="the credential is missing behind its scheme"):
        BEARER.find(exchange)
    BEARER.remove(exchange)
    assert [] == exchange.request.headers.fields


# ---- in a cookie ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "found", "left"),
    [
        ([], None, []),
        ([b"key=k"], "k", []),
        ([b"a=1; key=k; b=2"], "k", [b"a=1; b=2"]),
        ([b'key="k"'], "k", []),
        ([b" key = k ;a=1"], "k", [b"a=1"]),
        ([b"key"], "", []),
        ([b"key=a=b"], "a=b", []),
        ([b"a=key; Key=1; keys=2"], None, [b"a=key; Key=1; keys=2"]),
        ([b"a=1", b"key=k"], "k", [b"a=1"]),
        ([b"a=1; ;", b"b=2;key=k;"], "k", [b"a=1; ;", b"b=2;"]),
        pytest.param([b"\xa0key=k"], None, [b"\xa0key=k"], id="KEY-03-another-blank-is-no-blank"),
        pytest.param([b"key=\xc3\xa9"], "\xc3\xa9", [], id="KEY-03-bytes"),
    ],
)
def test_a_cookie_holds_it(lines: list[bytes], found: str | None, left: list[bytes]) -> None:
    """RFC 6265 section 4.2; other cookies stay as they came."""
    exchange = asked(fields=[(b"Cookie", line) for line in lines] + [(b"X", b"key=1")])

    assert found == COOKIE.find(exchange)
    COOKIE.remove(exchange)
    assert [*((b"Cookie", line) for line in left), (b"X", b"key=1")] == exchange.request.headers.fields


# ---- in the query ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found", "left"),
    [
        ("", None, b"/a"),
        ("key=k", "k", b"/a"),
        ("a=%2f&key=k&b", "k", b"/a?a=%2f&b"),
        ("k%65y=a+b", "a b", b"/a"),
        ("Key=k", None, b"/a?Key=k"),
        ("key", "", b"/a"),
        pytest.param("key=%C3%A9", "\xc3\xa9", b"/a", id="KEY-03-bytes"),
        pytest.param("key=%E2%82%AC", "\xe2\x82\xac", b"/a", id="KEY-03-bytes-beyond-latin"),
    ],
)
def test_a_parameter_holds_it(query: str, found: str | None, left: bytes) -> None:
    """As forms write it; the same bytes are the same credential, wherever it stands."""
    exchange = asked(query)

    assert found == QUERY.find(exchange)
    QUERY.remove(exchange)
    assert left == exchange.request.target


# ---- two of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "exchange"),
    [
        pytest.param(HEADER, asked(fields=[(b"x-api-key", b"a"), (b"X-Api-Key", b"a")]), id="KEY-03-header"),
        pytest.param(
            BEARER, asked(fields=[(b"authorization", b"Bearer a"), (b"Authorization", b"Basic b")]), id="scheme"
        ),
        pytest.param(COOKIE, asked(fields=[(b"cookie", b"key=a; key=a")]), id="KEY-03-cookie"),
        pytest.param(COOKIE, asked(fields=[(b"cookie", b"key=a"), (b"Cookie", b"key=b")]), id="KEY-03-cookies"),
        pytest.param(QUERY, asked("key=a&k%65y=b"), id="KEY-03-query"),
    ],
)  # fmt: skip
def test_two_are_none(place: Any, exchange: Exchange) -> None:
    """KEY-03: who reads the first and who reads the last must see the same; none is passed on."""
    with pytest.raises(Unauthenticated, match="there are two credentials in one request"):
        place.find(exchange)

    place.remove(exchange)

    assert None is place.find(exchange)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"Cookie", b"x-api-key", b"X-API-KEY", b"Authorization", b"x"]),
            st.text('key=;," \tBbearer\xa0k', max_size=16).map(lambda text: text.encode("latin-1")),
        ),
        max_size=5,
    ),
    st.text("key=&%65+;", max_size=20),
    st.sampled_from([HEADER, BEARER, COOKIE, QUERY]),
)
def test_what_was_taken_out_is_not_found_again(
    fields: list[tuple[bytes, bytes]], query: str, place: Any
) -> None:
    """KEY-03: nobody behind reads it, and taking it out never fails."""
    exchange = asked(query, fields)

    place.remove(exchange)

    try:
        assert None is place.find(exchange)
    except Unauthenticated:
        # two of other schemes
        assert place is BEARER
        assert not any(value.lower() == b"bearer" for _, value in exchange.request.headers)


# ---- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"header": "a", "cookie": "b"}, "`header` and `cookie` exclude each other: it stands in one place"),
        ({"cookie": "a", "query": "b"}, "`cookie` and `query` exclude each other"),
        ({"cookie": "a", "scheme": "Bearer"}, "`scheme` is of header fields, and it stands in the `cookie`"),
        ({"query": "a", "scheme": ""}, "`scheme` is of header fields, and it stands in the `query`"),
        ({"scheme": "Bearer "}, "`Bearer ` is no `scheme`: it is one word of letters, digits and `-`"),
        ({"cookie": "a b"}, "`a b` is no `cookie`"),
        ({"cookie": "ä"}, "`ä` is no `cookie`"),
        ({"cookie": ""}, "`cookie` names nothing"),
        ({"query": ""}, "`query` names nothing"),
    ],
)
def test_a_place_is_one_place(options: dict[str, str], message: str) -> None:
    """Whatever else is said is a mistake that would let nobody in."""
    with pytest.raises(Refusal, match=message):
        PlaceConfig(**options)


@pytest.mark.parametrize("name", ["", "a b", "host", "Connection", "ä", "a:"])
def test_a_header_field_is_one_that_clients_send(name: str) -> None:
    """Fields of framing are the gateway's."""
    with pytest.raises(InvalidField):
        PlaceConfig(header=name)


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({}, b"Bearer t"),
        ({"header": "Authorization"}, b"Bearer t"),
        ({"header": "authorization", "scheme": "Token"}, b"Token t"),
        ({"scheme": "Token"}, b"token t"),
        ({"scheme": ""}, b"t"),
    ],
)
def test_a_kind_has_a_place_of_its_own(options: dict[str, str], value: bytes) -> None:
    """With the word that stands before it there, unless another is said."""
    place = PlaceConfig(**options).credential(header="authorization", scheme="Bearer")

    assert "t" == place.find(asked(fields=[(b"Authorization", value)]))


def test_in_another_field_it_stands_alone() -> None:
    """The word belongs to the field."""
    place = PlaceConfig(header="X-Token").credential(header="authorization", scheme="Bearer")

    assert "t" == place.find(asked(fields=[(b"x-token", b"t")]))
    assert None is place.find(asked(fields=[(b"authorization", b"Bearer t")]))
