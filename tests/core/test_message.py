"""Header fields, requests and responses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.body import Body
from gatekeeper.core.errors import RouteNotFound
from gatekeeper.core.message import REASONS, Headers, InvalidField, Response, check_field
from gatekeeper.testing import make_exchange


TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
names = st.lists(st.sampled_from(TOKEN), min_size=1, max_size=12).map(bytes)
few_names = st.sampled_from([b"a", b"A", b"x-long", b"X-Long", b"X-LONG", b"cookie"])
values = st.lists(st.sampled_from(bytes(range(0x21, 0x7F)) + bytes(range(0x80, 0x100))), max_size=8).map(
    bytes
)
field_lists = st.lists(st.tuples(few_names, values), max_size=10)


@given(names, values)
def test_what_the_grammar_allows_is_taken_as_it_is(name: bytes, value: bytes) -> None:
    """RFC 9110 sections 5.5 and 5.6.2: tokens, and bytes beyond ASCII in values."""
    assert (name, value) == check_field(name, value)


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b"a\n", b"\xe4", b"a\x00", b"(a)", b'"a"', b"a\r\nb"])
def test_a_name_that_is_no_token_is_refused(name: bytes) -> None:
    """It would begin another field, or another message."""
    with pytest.raises(InvalidField, match="is not a header field name"):
        check_field(name, b"x")


@pytest.mark.parametrize(
    "value", [b"a\r\nb: c", b"a\nb", b"a\x00b", b" a", b"a ", b"\ta", b"a\t", b"\x7f", b"a\x1fb", b"a\r"]
)
def test_a_value_with_a_control_character_or_blanks_outside_is_refused(value: bytes) -> None:
    """It would begin another field, or be read differently by the next reader."""
    with pytest.raises(InvalidField, match="the value of x is not a header field value"):
        check_field(b"x", value)


def test_blanks_inside_of_a_value_are_fine() -> None:
    """Spaces and tabs."""
    assert (b"x", b"a \t b") == check_field(b"x", b"a \t b")


@given(field_lists)
def test_names_compare_without_case_and_order_is_kept(fields: list[tuple[bytes, bytes]]) -> None:
    """`get` is the first, `get_all` all of them in order."""
    headers = Headers(fields)

    for name in (b"a", b"x-long", b"cookie", b"other"):
        expected = [value for field, value in fields if field.lower() == name]
        assert expected == headers.get_all(name)
        assert (expected[0] if expected else None) == headers.get(name)
        assert bool(expected) == (name in headers)
    assert fields == list(headers)
    assert len(fields) == len(headers)


@given(field_lists, few_names, values)
def test_set_leaves_one_field_of_the_name(
    fields: list[tuple[bytes, bytes]], name: bytes, value: bytes
) -> None:
    """Whatever the case was, and all others where they were."""
    headers = Headers(fields)

    headers.set(name, value)

    assert [value] == headers.get_all(name.lower())
    assert [field for field in fields if field[0].lower() != name.lower()] == headers.fields[:-1]


@given(field_lists, few_names)
def test_remove_takes_all_of_a_name_and_no_other(fields: list[tuple[bytes, bytes]], name: bytes) -> None:
    """And tells whether there was one."""
    headers = Headers(fields)

    removed = headers.remove(name.lower())

    assert removed == any(field.lower() == name.lower() for field, _ in fields)
    assert [field for field in fields if field[0].lower() != name.lower()] == headers.fields


def test_rename_keeps_places_and_values() -> None:
    """All fields of the name, none else."""
    headers = Headers([(b"A", b"1"), (b"b", b"2"), (b"a", b"3")])

    headers.rename(b"a", b"X-New")

    assert [(b"X-New", b"1"), (b"b", b"2"), (b"X-New", b"3")] == headers.fields


@pytest.mark.parametrize("change", ["add", "set"])
def test_what_is_written_is_checked(change: str) -> None:
    """And a refusal changes nothing."""
    headers = Headers([(b"a", b"1")])

    with pytest.raises(InvalidField):
        getattr(headers, change)(b"a", b"x\r\nb: c")
    with pytest.raises(InvalidField):
        headers.rename(b"a", b"no name")

    assert [(b"a", b"1")] == headers.fields


def test_text_reads_any_byte() -> None:
    """Latin-1 loses none of them."""
    headers = Headers([(b"a", b"caf\xc3\xa9\xff")])

    assert "cafÃ©ÿ" == headers.text(b"a")
    assert "none" == headers.text(b"b", "none")
    assert not headers.text(b"b")


def test_a_copy_is_independent() -> None:
    """Of its original, and equal at first."""
    headers = Headers([(b"a", b"1")])
    copy = headers.copy()
    assert headers == copy

    copy.add(b"b", b"2")

    assert [(b"a", b"1")] == headers.fields
    assert headers != copy
    assert headers != [(b"a", b"1")]


def test_headers_cannot_be_hashed() -> None:
    """They change."""
    with pytest.raises(TypeError):
        hash(Headers())


def test_a_repr_shows_no_values() -> None:
    """They hold credentials."""
    assert "<Headers authorization, a>" == repr(Headers([(b"authorization", b"Bearer x"), (b"a", b"b")]))


def test_a_copied_request_has_headers_of_its_own_and_the_same_body() -> None:
    """So that an attempt may change what only it sends."""
    request = make_exchange("POST", "/a?b=c", {"x": "1"}, b"data").request

    copy = request.copy()
    copy.headers.set(b"x", b"2")

    assert "1" == request.headers.text(b"x")
    assert request.body is copy.body
    for name in type(request).__slots__:
        if name != "headers":
            assert getattr(request, name) == getattr(copy, name)


def test_reprs_say_what_a_debugger_needs() -> None:
    """Request and response, and whose answer it is."""
    exchange = make_exchange("GET", "/a")

    assert "<Request GET example.com/a>" == repr(exchange.request)
    assert "<Response 200 <Body 2 bytes>>" == repr(Response(200, body=Body(b"ok")))
    assert repr(exchange.reject(RouteNotFound())).startswith("<Response 404 route-not-found <Body ")


def test_reasons_are_those_of_the_registry() -> None:
    """For statuses that have one."""
    assert (b"OK", b"Not Found") == (REASONS[200], REASONS[404])
