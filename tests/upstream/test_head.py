"""What the head of an answer means, as a table."""

import pytest

from gatekeeper.core.errors import BadAnswer
from gatekeeper.core.message import Field
from gatekeeper.upstream.head import FIELD_LIMIT, Head, connection_options, size_of


def test_fields_keep_their_order_case_and_repetition() -> None:
    """What is not about framing or the hop is passed on as it came."""
    raw = [(b"Set-Cookie", b"a=1"), (b"X-One", b"1"), (b"set-cookie", b"b=2")]

    head = Head(raw, 200, "1.1", b"OK")

    assert raw == head.fields


def test_blanks_behind_a_value_are_cut_off() -> None:
    """The parser leaves them."""
    assert [(b"X-One", b"1 2")] == Head([(b"X-One", b"1 2 \t ")], 200, "1.1", b"OK").fields


def test_fields_of_the_hop_and_of_framing_are_gone() -> None:
    """They are facts of the head, or nobody's business behind the gateway."""
    raw = [
        (b"Content-Length", b"0005 "),
        (b"Keep-Alive", b"timeout=5"),
        (b"Upgrade", b"h2c"),
        (b"TE", b"trailers"),
    ]

    head = Head(raw, 200, "1.1", b"OK")

    assert [] == head.fields
    assert 5 == head.length


@pytest.mark.parametrize(
    ("connection", "version", "kept"),
    [
        pytest.param(None, "1.1", True, id="1.1-says-nothing"),
        pytest.param(b"close", "1.1", False, id="1.1-closes"),
        pytest.param(b"Keep-Alive, Close", "1.1", False, id="1.1-says-both"),
        pytest.param(None, "1.0", False, id="1.0-says-nothing"),
        pytest.param(b"keep-alive", "1.0", True, id="1.0-keeps"),
    ],
)
def test_whether_the_connection_is_kept(connection: bytes | None, version: str, kept: bool) -> None:
    """RFC 9112 section 9.3."""
    raw = [] if connection is None else [(b"Connection", connection)]

    assert kept == Head(raw, 200, version, b"OK").keep_alive


def test_nominated_fields_are_removed_but_for_those_that_protect_users() -> None:
    """A `Connection: Set-Cookie` takes no cookie away (RFC 9110 section 7.6.1 means fields of the hop)."""
    raw = [
        (b"X-Hop", b"1"),
        (b"Connection", b"x-hop"),
        (b"Set-Cookie", b"a=1"),
        (b"connection", b"set-cookie"),
    ]

    head = Head(raw, 200, "1.1", b"OK")

    assert ([(b"Set-Cookie", b"a=1")], frozenset({b"x-hop"})) == (head.fields, head.nominated)


@pytest.mark.parametrize(
    ("connection", "announced"),
    [
        pytest.param(None, (b"Trailer", b"X"), id="announced"),
        pytest.param(b"Trailer", None, id="for-the-hop-only"),
    ],
)
def test_trailers_that_are_announced_are_known(connection: bytes | None, announced: Field | None) -> None:
    """Whether that is passed on is for whoever knows the client."""
    raw = [(b"Trailer", b"X ")]
    if connection is not None:
        raw.append((b"Connection", connection))

    head = Head(raw, 200, "1.1", b"OK")

    assert ([], announced) == (head.fields, head.announced)


def test_options_of_a_connection_are_told_apart() -> None:
    """In lower case, without blanks; empty ones are of no matter."""
    assert {b"close", b"x-hop", b""} == connection_options(b"Close,, \tX-Hop ")


def test_a_field_is_as_large_as_its_line() -> None:
    """With colon, blank and the end of the line."""
    assert len(b"X-One: 1\r\nY: \r\n") == size_of([(b"X-One", b"1"), (b"Y", b"")])


@pytest.mark.parametrize(
    ("raw", "status", "version", "reason", "log"),
    [
        pytest.param([], 600, "1.1", b"OK", "status 600", id="status-beyond-599"),
        pytest.param([], 99, "1.1", b"OK", "status 99", id="status-below-200"),
        pytest.param([], 200, "2.0", b"OK", "version HTTP/2.0", id="version"),
        pytest.param([], 200, "1.1", b"O\x01K", "control characters in the reason phrase", id="reason"),
        pytest.param(
            [(b"Content-Length", b"+5")], 200, "1.1", b"OK", "Content-Length b'+5'", id="length-with-a-sign"
        ),
        pytest.param(
            [(b"Transfer-Encoding", b"gzip, chunked")],
            200,
            "1.1",
            b"OK",
            "Transfer-Encoding b'gzip, chunked'",
            id="another-coding",
        ),
        pytest.param(
            [(b"Content-Length", b"9223372036854775808")],
            200,
            "1.1",
            b"OK",
            "Content-Length b'9223372036854775808'",
            id="length-beyond-63-bits",
        ),
        pytest.param(
            [(b"Transfer-Encoding", b"chunked\t")],
            200,
            "1.1",
            b"OK",
            "Transfer-Encoding b'chunked\\t'",
            id="coding-with-a-tab",
        ),
        pytest.param(
            [(b"Transfer-Encoding", b"chunked"), (b"transfer-encoding", b"chunked")],
            200,
            "1.1",
            b"OK",
            "Transfer-Encoding b'chunked'",
            id="chunked-twice",
        ),
        pytest.param(
            [(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"5")],
            200,
            "1.1",
            b"OK",
            "Transfer-Encoding beside Content-Length or in HTTP/1.0",
            id="both-framings",
        ),
        pytest.param(
            [(b"Transfer-Encoding", b"chunked")],
            200,
            "1.0",
            b"OK",
            "Transfer-Encoding beside Content-Length or in HTTP/1.0",
            id="chunks-in-1.0",
        ),
        pytest.param(
            [(b"X-One", b"1")] * (FIELD_LIMIT + 1),
            200,
            "1.1",
            b"OK",
            f"more than {FIELD_LIMIT} header fields",
            id="too-many-fields",
        ),
    ],
)
def test_what_can_be_understood_in_two_ways_is_refused(
    raw: list[Field], status: int, version: str, reason: bytes, log: str
) -> None:
    """Each with what is wrong, for the operator."""
    with pytest.raises(BadAnswer) as caught:
        Head(raw, status, version, reason)

    assert log == caught.value.log
