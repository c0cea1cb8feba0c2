"""Heads of requests: which are refused, and as what the others are understood; ids name the row of reliability.md."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import attrs
import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import (
    BadRequest,
    GatewayError,
    HeadersTooLarge,
    NotSupported,
    UriTooLong,
    VersionNotSupported,
)
from gatekeeper.core.message import Field
from gatekeeper.edge.head import BLANK_LIMIT, HeadReader
from gatekeeper.edge.settings import EdgeLimits
from tests.edge.cuts import POSITIONS, at, case, damaged, every, every_way, one_by_one, pieces


BEHIND = b"GET /behind HTTP/1.1\r\nHost: behind\r\n\r\n"
H = (b"Host", b"a")
TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@attrs.frozen
class Head:
    """What was understood, and how many bytes it took."""

    method: bytes
    target: bytes
    version: str
    fields: tuple[Field, ...]
    size: int


def read_on(reader: HeadReader, data: Iterable[bytes]) -> Head | type[GatewayError] | None:
    """What a reader makes of its next head; None where that goes on."""
    taken = 0
    for piece in data:
        try:
            end = reader.feed(piece)
        except GatewayError as error:
            return type(error)
        if end >= 0:
            return Head(reader.method, reader.target, reader.version, tuple(reader.fields), taken + end)
        taken += len(piece)
    return None


def read(*data: bytes, limits: EdgeLimits | None = None) -> Head | type[GatewayError] | None:
    """What a fresh reader makes of a head."""
    return read_on(HeadReader(limits or EdgeLimits()), data)


def head(*fields: bytes, line: bytes = b"GET / HTTP/1.1") -> bytes:
    return b"\r\n".join([line, *fields, b"", b""])


UNDERSTOOD = [
    # bytes; method, target, version and fields of them
    case(head(b"Host: a"), b"GET", b"/", "1.1", [H], id="plain"),
    case(head(), b"GET", b"/", "1.1", [], id="no-fields"),
    case(head(b"Host: a", line=b"GET / HTTP/1.0"), b"GET", b"/", "1.0", [H], id="1.0"),
    case(b"\r\n" + head(b"Host: a"), b"GET", b"/", "1.1", [H], id="FRM-18-an-empty-line-before"),
    case(b"\r\n\r\n\r\n" + head(b"Host: a"), b"GET", b"/", "1.1", [H], id="FRM-18-empty-lines-before"),
    case(b"\r\n" * 128 + head(), b"GET", b"/", "1.1", [], id="FRM-18-as-many-as-there-may-be"),
    case(head(b"Host: a", line=b"M-SEARCH /x HTTP/1.1"), b"M-SEARCH", b"/x", "1.1", [H], id="a-method"),
    case(head(b"Host: a", line=b"QUERY /x HTTP/1.1"), b"QUERY", b"/x", "1.1", [H], id="a-new-method"),
    case(head(line=b"CONNECT a:80 HTTP/1.1"), b"CONNECT", b"a:80", "1.1", [], id="FRM-23-connect"),
    case(head(line=b"OPTIONS * HTTP/1.1"), b"OPTIONS", b"*", "1.1", [], id="FRM-24-an-asterisk"),
    case(head(line=b"GET http://a:80/b?c HTTP/1.1"), b"GET", b"http://a:80/b?c", "1.1", [], id="FRM-21-absolute"),
    case(head(line=b"GET ftp://a/ HTTP/1.1"), b"GET", b"ftp://a/", "1.1", [], id="FRM-22-another-scheme"),
    case(head(line=b"GET /a#b HTTP/1.1"), b"GET", b"/a#b", "1.1", [], id="PTH-09-a-fragment"),
    case(head(line=b"GET ///..;x/%2f HTTP/1.1"), b"GET", b"///..;x/%2f", "1.1", [], id="PTH-05-a-strange-path"),
    case(head(line=b"GET /? HTTP/1.1"), b"GET", b"/?", "1.1", [], id="PTH-14-an-empty-query"),
    case(head(line=b"GET /?a=%2f&b=??&c HTTP/1.1"), b"GET", b"/?a=%2f&b=??&c", "1.1", [], id="PTH-14-a-query"),
    case(head(b"A: b", b"a: c", b"A: b"), b"GET", b"/", "1.1", [(b"A", b"b"), (b"a", b"c"), (b"A", b"b")], id="HOP-08-fields-in-order"),
    case(head(b"A:", b"B:  "), b"GET", b"/", "1.1", [(b"A", b""), (b"B", b"")], id="empty-values"),
    case(head(b"A:\t b\tc  d \t"), b"GET", b"/", "1.1", [(b"A", b"b\tc  d")], id="blanks-around-a-value"),
    case(head(b"A: b", b"B: c\t"), b"GET", b"/", "1.1", [(b"A", b"b"), (b"B", b"c")], id="a-tab-behind-a-value"),
    case(head(b"A:b:c"), b"GET", b"/", "1.1", [(b"A", b"b:c")], id="no-blank-before-a-value"),
    case(head(b"A: \xe4\xff\x80"), b"GET", b"/", "1.1", [(b"A", b"\xe4\xff\x80")], id="bytes-beyond-ascii"),
    case(head(b"!#$%&'*+-.^_`|~: a"), b"GET", b"/", "1.1", [(b"!#$%&'*+-.^_`|~", b"a")], id="all-of-a-token"),
    case(head(b"X_A: b"), b"GET", b"/", "1.1", [(b"X_A", b"b")], id="FRM-36-an-underscore"),
    case(head(b"Host: a", b"Host: a"), b"GET", b"/", "1.1", [H, H], id="FRM-19-hosts-are-judged-later"),
    case(head(b"Content-Length: 5"), b"GET", b"/", "1.1", [(b"Content-Length", b"5")], id="a-length"),
    case(head(b"Content-Length: 0"), b"GET", b"/", "1.1", [(b"Content-Length", b"0")], id="no-length"),
    case(head(b"Content-Length: 2 "), b"GET", b"/", "1.1", [(b"Content-Length", b"2")], id="a-blank-behind-a-length"),
    case(head(b"Content-Length: 0002"), b"GET", b"/", "1.1", [(b"Content-Length", b"0002")], id="FRM-04-zeros-are-judged-later"),
    case(head(b"Transfer-Encoding: Chunked"), b"GET", b"/", "1.1", [(b"Transfer-Encoding", b"Chunked")], id="chunks"),
    case(head(b"Transfer-Encoding: gzip, chunked"), b"GET", b"/", "1.1", [(b"Transfer-Encoding", b"gzip, chunked")], id="FRM-06-codings-are-judged-later"),
    case(head(b"Connection: close"), b"GET", b"/", "1.1", [(b"Connection", b"close")], id="the-last-one"),
    case(head(b"proxy-connection: close"), b"GET", b"/", "1.1", [(b"proxy-connection", b"close")], id="HOP-01-not-the-last-one"),
    case(head(b"Upgrade: x", b"Connection: upgrade"), b"GET", b"/", "1.1", [(b"Upgrade", b"x"), (b"Connection", b"upgrade")], id="an-upgrade"),
    case(head(b"Upgrade: x", b"Connection: upgrade", b"Content-Length: 5"), b"GET", b"/", "1.1", [(b"Upgrade", b"x"), (b"Connection", b"upgrade"), (b"Content-Length", b"5")], id="an-upgrade-with-a-body"),
    case(head(b"Upgrade: x"), b"GET", b"/", "1.1", [(b"Upgrade", b"x")], id="an-upgrade-that-is-none"),
]  # fmt: skip

REFUSED = [
    # bytes; what they are refused with
    case(head(b"Content-Length: 5", b"Transfer-Encoding: chunked"), BadRequest, id="FRM-01-length-and-chunks"),
    case(head(b"Transfer-Encoding: chunked", b"Content-Length: 5"), BadRequest, id="FRM-01-chunks-and-length"),
    case(head(b"Content-Length: 5", b"Content-Length: 6"), BadRequest, id="FRM-02-two-lengths"),
    case(head(b"Content-Length: 5", b"content-length: 5"), BadRequest, id="FRM-02-the-same-twice"),
    case(head(b"Content-Length: 2, 2"), BadRequest, id="FRM-02-a-list"),
    *(
        case(head(b"Content-Length: " + value), BadRequest, id=f"FRM-03-{value!r}")
        for value in (b"+2", b"-2", b"0x2", b"1_0", b"", b"18446744073709551616", b"2 3", b"2;", "２".encode())  # noqa: RUF001
    ),
    *(
        case(head(b"Transfer-Encoding: " + value), BadRequest, id=f"FRM-05-{value!r}")
        for value in (b"xchunked", b"identity", b"chunked, identity", b"chunked, chunked", b"\x0bchunked", b"chunked;q=1", b"chunked,")
    ),
    case(head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), BadRequest, id="FRM-05-twice"),
    case(head(b"Transfer-Encoding:", b"Content-Length: 3"), BadRequest, id="FRM-09-an-empty-coding"),
    case(head(b"Host: a").replace(b"\r\n", b"\n"), BadRequest, id="FRM-16-line-feeds"),
    case(head(b"Host: a").replace(b"\r\n", b"\r"), BadRequest, id="FRM-16-carriage-returns"),
    case(b"GET / HTTP/1.1\nHost: a\r\n\r\n", BadRequest, id="FRM-16-a-line-feed-behind-the-line"),
    case(b"GET / HTTP/1.1\r\nHost: a\n\r\n", BadRequest, id="FRM-16-a-line-feed-behind-a-field"),
    case(b"GET / HTTP/1.1\r\nHost: a\r\n\n", BadRequest, id="FRM-16-a-line-feed-at-the-end"),
    case(b"GET / HTTP/1.1\r\nHost: a\n\n", BadRequest, id="FRM-16-two-line-feeds-at-the-end"),
    case(b"GET / HTTP/1.1\rHost: a\r\n\r\n", BadRequest, id="FRM-16-a-carriage-return-behind-the-line"),
    case(head(b"A: b\rc"), BadRequest, id="FRM-16-a-carriage-return-in-a-value"),
    case(head(b"A: b\r"), BadRequest, id="FRM-16-a-carriage-return-behind-a-value"),
    case(head(b"A\r: b"), BadRequest, id="FRM-16-a-carriage-return-in-a-name"),
    case(b"GET / HTTP/1.1\r\nA: b\r\n\r\r\n\r\n", BadRequest, id="FRM-16-a-carriage-return-at-the-end"),
    case(b"GET / HTTP/1.1\r\r\nA: b\r\n\r\n", BadRequest, id="FRM-16-two-behind-the-line"),
    case(head(b"A: b", b" c"), BadRequest, id="FRM-16-a-folded-value"),
    case(head(b"A:", b"\tc"), BadRequest, id="FRM-16-a-folded-empty-value"),
    case(head(b" A: b"), BadRequest, id="FRM-16-a-blank-before-the-first-name"),
    case(head(b"A : b"), BadRequest, id="FRM-16-a-blank-before-the-colon"),
    case(head(b"A\t: b"), BadRequest, id="FRM-16-a-tab-before-the-colon"),
    case(head(b"A"), BadRequest, id="FRM-16-no-colon"),
    case(head(b"A: b", b"C", b"D: e"), BadRequest, id="FRM-16-no-colon-in-the-middle"),
    case(head(b": a"), BadRequest, id="FRM-16-no-name"),
    case(head(b"\xe9: a"), BadRequest, id="FRM-17-a-name-beyond-ascii"),
    case(head(b"A: \0"), BadRequest, id="FRM-17-zero"),
    case(b"\r" + head(), BadRequest, id="FRM-18-half-an-empty-line"),
    case(b"\r\n\r" + head(), BadRequest, id="FRM-18-one-and-a-half"),
    case(b"\n" + head(), BadRequest, id="FRM-18-a-line-feed-before"),
    case(b"\n\r\n\r\n", BadRequest, id="FRM-18-nothing-else"),
    case(b"\r\n\n" + head(), BadRequest, id="FRM-18-an-empty-line-and-a-line-feed"),
    case(b"\r\n" * 129 + head(), BadRequest, id="FRM-18-too-many"),
    case(b" " + head(), BadRequest, id="FRM-18-a-blank-before"),
    case(head(line=b"get / HTTP/1.1"), BadRequest, id="FRM-26-lower-case"),
    case(head(line=b"Get / HTTP/1.1"), NotSupported, id="FRM-26-half-lower-case"),
    case(head(line=b"FETCH / HTTP/1.1"), NotSupported, id="FRM-26-unknown"),
    case(head(line=b"GETX / HTTP/1.1"), NotSupported, id="FRM-26-longer"),
    case(head(line=b"GE / HTTP/1.1"), NotSupported, id="FRM-26-shorter"),
    case(head(line=b"X" * 64 + b" / HTTP/1.1"), NotSupported, id="FRM-26-as-long-as-there-may-be"),
    case(head(line=b"X" * 65 + b" / HTTP/1.1"), BadRequest, id="FRM-26-too-long"),
    case(head(line=b"X" * 9000 + b" / HTTP/1.1"), BadRequest, id="FRM-26-long"),
    case(head(b"A : b", line=b"FETCH /a?b HTTP/1.0"), NotSupported, id="FRM-26-unknown-before-anything-else"),
    case(head(line=b"FETCH / HTTP/2.0"), BadRequest, id="FRM-26-unknown-in-another-version"),
    case(head(line=b"FETCH  / HTTP/1.1"), BadRequest, id="FRM-26-unknown-and-two-blanks"),
    case(head(line=b"FETCH /\xe4 HTTP/1.1"), BadRequest, id="FRM-26-unknown-and-a-bad-target"),
    case(b"FETCH / HTTP/1.1\n\r\n\r\n", BadRequest, id="FRM-26-unknown-and-a-line-feed"),
    case(head(line=b"FET\0CH / HTTP/1.1"), BadRequest, id="FRM-26-no-token"),
    case(head(line=b"1GET / HTTP/1.1"), BadRequest, id="FRM-26-a-digit"),
    case(head(line=b"x" * 9000 + b" / HTTP/1.1"), BadRequest, id="FRM-26-long-and-lower-case"),
    case(head(line=b"GET /"), BadRequest, id="FRM-28-no-version"),
    case(b"GET /\n\r\nHost: a\r\n\r\n", BadRequest, id="FRM-28-no-version-and-a-line-feed"),
    case(head(line=b"GET / HTTP/0.9"), VersionNotSupported, id="FRM-28-0.9"),
    case(head(line=b"GET / HTTP/2.0"), VersionNotSupported, id="FRM-28-2.0"),
    case(head(line=b"GET / HTTP/1.2"), VersionNotSupported, id="FRM-28-1.2"),
    case(head(line=b"GET / HTTP/3.0"), VersionNotSupported, id="FRM-28-3.0"),
    case(head(line=b"GET / HTTP/01.1"), BadRequest, id="FRM-28-01.1"),
    case(head(line=b"GET / HTTP/1.10"), BadRequest, id="FRM-28-1.10"),
    case(head(line=b"GET / HTTP/1"), BadRequest, id="FRM-28-1"),
    case(head(line=b"GET / HTTP/1.x"), BadRequest, id="FRM-28-1.x"),
    case(head(line=b"GET / http/1.1"), BadRequest, id="FRM-28-lower-case"),
    case(head(line=b"GET / HTTP/1.1 "), BadRequest, id="FRM-28-a-blank-behind"),
    case(head(line=b"GET / ICE/1.0"), BadRequest, id="another-protocol"),
    case(head(line=b"GET / RTSP/1.0"), BadRequest, id="a-sibling-of-http"),
    case(head(line=b"SOURCE / ICE/1.0"), BadRequest, id="a-method-of-another-protocol"),
    case(head(line=b"DESCRIBE / HTTP/1.1"), BadRequest, id="a-foreign-method"),
    case(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VersionNotSupported, id="FRM-29-http-2"),
    case(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", BadRequest, id="FRM-29-tls"),
    case(b"\x00\xff\x80", BadRequest, id="FRM-29-binary"),
    case(b"SSH-2.0-OpenSSH_9.2\r\n", BadRequest, id="FRM-29-ssh"),
    case(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", BadRequest, id="FWD-06-proxy-1"),
    case(b"\r\n\r\n\x00\r\nQUIT\n!\x11", BadRequest, id="FWD-06-proxy-2"),
    case(head(line=b"GET  / HTTP/1.1"), BadRequest, id="two-blanks-before-the-target"),
    case(head(line=b"GET /  HTTP/1.1"), BadRequest, id="two-blanks-behind-the-target"),
    case(head(line=b"GET\t/ HTTP/1.1"), BadRequest, id="a-tab-before-the-target"),
    case(head(line=b"GET /\tHTTP/1.1"), BadRequest, id="a-tab-behind-the-target"),
    case(head(line=b"GET HTTP/1.1"), BadRequest, id="no-target"),
    case(head(line=b"GET  HTTP/1.1"), BadRequest, id="an-empty-target"),
    case(head(line=b"GET x HTTP/1.1"), BadRequest, id="a-target-without-slash"),
    case(head(line=b"GET ?a HTTP/1.1"), BadRequest, id="only-a-query"),
    case(head(line=b"GET //a /b HTTP/1.1"), BadRequest, id="a-blank-in-the-target"),
    case(head(line=b"GET http://a@@b/ HTTP/1.1"), BadRequest, id="FRM-20-two-users"),
    case(head(line="GET /é HTTP/1.1".encode()), BadRequest, id="PTH-10-bytes-beyond-ascii"),
]  # fmt: skip

LEGAL = [one.raw for one in UNDERSTOOD]
ILLEGAL = [one.raw for one in REFUSED]


@every("raw method target version fields", UNDERSTOOD)
def test_what_is_understood(
    raw: bytes, method: bytes, target: bytes, version: str, fields: list[Field]
) -> None:
    """FRM-38: the same, wherever it is cut, and whatever comes behind it."""
    expected = Head(method, target, version, tuple(fields), len(raw))

    for cut in every_way(raw, BEHIND):
        assert expected == read(*cut), cut


@every("raw error", REFUSED)
def test_what_is_refused(raw: bytes, error: type[GatewayError]) -> None:
    """FRM-38: with the same error, wherever it is cut."""
    for cut in every_way(raw, BEHIND) if len(raw) < 1000 else ([raw], pieces(raw, 7), one_by_one(raw)):
        assert error is read(*cut), cut


@pytest.mark.parametrize("raw", LEGAL)
def test_what_has_not_come_whole_goes_on(raw: bytes) -> None:
    """Also where it begins with empty lines, of which one alone is no beginning yet."""
    for position in range(1, len(raw)):
        reader = HeadReader(EdgeLimits())

        assert -1 == reader.feed(raw[:position])
        assert (raw[:position] not in {b"\r", b"\r\n"}) == reader.begun


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\x16\x03\x01", id="FRM-29-tls"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r", id="FRM-29-ssh"),
        pytest.param(b"X" * 65, id="FRM-26-too-long"),
        pytest.param(b"GET\t", id="FRM-26-a-tab"),
        pytest.param(b"get ", id="FRM-26-lower-case"),
        pytest.param(b"GET / HTTP/1.2", id="FRM-28-version"),
        pytest.param(b"GET / HTTP/1.1\n", id="FRM-16-a-line-feed"),
        pytest.param(b"GET / HTTP/1.1\r\nA :", id="FRM-16-a-blank-before-the-colon"),
        pytest.param(b"GET / HTTP/1.1\r\nA: \0", id="FRM-17-zero"),
        pytest.param(b"\r\rGET", id="FRM-18-half-an-empty-line"),
    ],
)
def test_what_cannot_become_a_head_is_refused_at_once(raw: bytes) -> None:
    """Nobody waits for the rest of it."""
    assert isinstance(read(raw), type)


def accepted(template: bytes) -> bytes:
    """Which bytes may stand at the place of the mark without being read as anything else than themselves."""
    found = []
    for number in range(256):
        byte = bytes([number])
        verdict = read(template.replace(b"@", byte))
        if isinstance(verdict, Head) and (
            b"X" + byte + b"Y" in {verdict.target.removeprefix(b"/"), *sum(verdict.fields, ())}
        ):
            found.append(number)
    return bytes(found)


def test_which_bytes_a_name_has() -> None:
    """FRM-17: those of a token (RFC 9110 section 5.6.2)."""
    assert bytes(sorted(TOKEN)) == accepted(head(b"X@Y: a"))


def test_which_bytes_a_value_has() -> None:
    """FRM-17: no control character but the tab (RFC 9110 section 5.5)."""
    assert bytes([9, *range(32, 127), *range(128, 256)]) == accepted(head(b"A: X@Y"))


def test_which_bytes_a_target_has() -> None:
    """PTH-04: all that can be seen; what it means is judged later."""
    assert bytes(range(33, 127)) == accepted(head(line=b"GET /X@Y HTTP/1.1"))


# ---- limits -------------------------------------------------------------------------------------------------------


def sized(size: int) -> bytes:
    """A head of so many bytes."""
    lines = [b"A: " + b"b" * 1000] * 64
    rest = size - len(head(*lines, b"C: "))
    return head(*lines, b"C: " + b"d" * rest)


@pytest.mark.parametrize(
    "drip",
    [pytest.param(0, id="in-one-piece"), pytest.param(1, id="by-the-byte"), pytest.param(61, id="in-pieces")],
)
@pytest.mark.parametrize(
    ("fits", "exceeds", "error"),
    [
        pytest.param(
            head(line=b"GET /" + b"a" * 8191 + b" HTTP/1.1"),
            head(line=b"GET /" + b"a" * 8192 + b" HTTP/1.1"),
            UriTooLong,
            id="LIM-03-target",
        ),
        pytest.param(
            head(line=b"PROPPATCH /" + b"a" * 8191 + b" HTTP/1.1"),
            head(line=b"PROPPATCH /" + b"a" * 8192 + b" HTTP/1.1"),
            UriTooLong,
            id="LIM-03-target-of-a-long-method",
        ),
        pytest.param(
            head(b"ABC: " + b"d" * 8189, b"E: f"),
            head(b"ABC: " + b"d" * 8190, b"E: f"),
            HeadersTooLarge,
            id="LIM-01-header-line",
        ),
        pytest.param(
            head(b"A: b", b"C" * 8192 + b":", b"D: e"),
            head(b"A: b", b"C" * 8193 + b":", b"D: e"),
            HeadersTooLarge,
            id="LIM-01-header-line-of-a-name",
        ),
        pytest.param(head(*[b"A: b"] * 100), head(*[b"A: b"] * 101), HeadersTooLarge, id="LIM-01-header-count"),
        pytest.param(sized(65536), sized(65537), HeadersTooLarge, id="LIM-02-header-block"),
    ],
)  # fmt: skip
def test_a_limit_is_exact(fits: bytes, exceeds: bytes, error: type[GatewayError], drip: int) -> None:
    """And the same in any pieces."""
    assert isinstance(read(*pieces(fits, drip or len(fits))), Head)
    assert error is read(*pieces(exceeds, drip or len(exceeds)))


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(b"GET /" + b"a" * 8220, UriTooLong, id="LIM-03-a-target-without-end"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"a" * 65518, HeadersTooLarge, id="LIM-02-a-field-without-end"),
        pytest.param((b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 10921)[:65537], HeadersTooLarge, id="LIM-02-fields-without-end"),
    ],
)  # fmt: skip
def test_what_never_ends_is_refused_when_it_is_too_much(raw: bytes, error: type[GatewayError]) -> None:
    """It is not held until it ends."""
    assert error is read(raw)
    assert error is read(*pieces(raw, 100))
    assert None is read(raw[:-1])


SMALL = EdgeLimits(target=20, header_line=30, header_count=3, header_block=100)
LONG_LINE = b"GET /" + b"a" * 60


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(head(line=b"get /" + b"a" * 60), BadRequest, id="a-method-before-a-long-target"),
        pytest.param(head(line=b"FETCH /" + b"a" * 60 + b" HTTP/1.1"), UriTooLong, id="an-unknown-method-before-a-long-target"),
        pytest.param(head(b"C: " + b"d" * 100, line=b"FETCH / HTTP/1.1"), NotSupported, id="an-unknown-method-before-a-long-block"),
        pytest.param(head(line=b"GET /" + b"a" * 30 + b"\0" + b"a" * 30), BadRequest, id="a-byte-inside-the-target"),
        pytest.param(head(line=LONG_LINE + b"\0"), UriTooLong, id="a-byte-behind-a-long-target"),
        pytest.param(head(b"A : b", b"C: " + b"d" * 100), BadRequest, id="a-field-before-a-long-block"),
        pytest.param(head(b"C: " + b"d" * 100, b"A : b"), HeadersTooLarge, id="a-field-behind-a-long-block"),
        pytest.param(head(b"A: b", line=LONG_LINE + b" HTTP/1.2"), UriTooLong, id="a-version-behind-a-long-target"),
        pytest.param(head(*[b"A: b"] * 4, b"C: " + b"d" * 30, b"A : b"), BadRequest, id="fields-are-counted-at-the-end"),
        pytest.param(head(*[b"A: b"] * 4, line=b"GET /" + b"a" * 20 + b" HTTP/1.1"), UriTooLong, id="the-target-before-its-fields"),
    ],
)  # fmt: skip
def test_of_what_is_wrong_the_first_counts(raw: bytes, error: type[GatewayError]) -> None:
    """FRM-38: however it was cut."""
    for cut in every_way(raw, BEHIND):
        assert error is read(*cut, limits=SMALL), cut


def test_a_target_can_have_a_higher_limit_than_the_block() -> None:
    """What is met first decides."""
    limits = EdgeLimits(target=200, header_block=100)
    for cut in every_way(head(line=b"GET /" + b"a" * 300 + b" HTTP/1.1")):
        assert HeadersTooLarge is read(*cut, limits=limits)


def test_limits_can_change_inside_a_head() -> None:
    """A reload makes them smaller than what has come: the next byte meets them."""
    reader = HeadReader(EdgeLimits())
    reader.feed(b"GET / HTTP/1.1\r\nA: " + b"b" * 150)
    reader.limits = SMALL

    with pytest.raises(HeadersTooLarge):
        reader.feed(b"b")


# ---- one head after the other -------------------------------------------------------------------------------------


def has_body(raw: bytes) -> bool:
    return b"Content-Length" in raw or b"Transfer-Encoding" in raw


@pytest.mark.parametrize("first", LEGAL)
def test_a_head_is_read_as_if_it_were_the_first(first: bytes) -> None:
    """HOP-01: whatever came before it; where that had a body, the reader was renewed."""
    for second in (*LEGAL, *ILLEGAL):
        for cut in ([second + BEHIND], one_by_one(second)):
            reader = HeadReader(EdgeLimits())
            read_on(reader, [first])
            if has_body(first):
                reader.renew()
            assert read(*cut) == read_on(reader, cut)


def test_heads_can_stand_in_one_segment() -> None:
    """Each says where it ends, also with empty lines between them."""
    data = b"\r\n".join(LEGAL[:2] * 200)
    reader = HeadReader(EdgeLimits())
    count = 0
    while data:
        data = data[reader.feed(data) :]
        count += 1

    assert 400 == count


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_empty_lines_are_forgotten_with_their_head(cut: int) -> None:
    """FRM-18: neither is there a head that has begun, nor do they add up."""
    reader = HeadReader(EdgeLimits())
    data = b"\r\n\r\n" + head()
    for _ in range(BLANK_LIMIT):
        assert -1 == reader.feed(data[:cut])
        assert (cut > 2) == reader.begun
        assert len(data) - cut == reader.feed(data[cut:])
        assert not reader.begun


@pytest.mark.parametrize(
    ("raw", "method", "version", "target"),
    [
        pytest.param(b"get /", b"", "", b"", id="at-once"),
        pytest.param(b"\r\n\rG", b"", "", b"", id="before-it-began"),
        pytest.param(head(line=b"FETCH / HTTP/1.1"), b"", "", b"", id="an-unknown-method"),
        pytest.param(head(line=b"HEAD /\0 HTTP/1.1"), b"HEAD", "", None, id="inside-its-target"),
        pytest.param(head(line=b"HEAD /" + b"a" * 9000 + b" HTTP/1.1"), b"HEAD", "", None, id="too-long-to-be-read"),
        pytest.param(head(b"A :b", line=b"HEAD /x HTTP/1.1"), b"HEAD", "", None, id="in-the-middle"),
        pytest.param(head(line=b"HEAD /x HTTP/2.0"), b"HEAD", "", None, id="another-version"),
        pytest.param(head(*[b"A: b"] * 101, line=b"HEAD /x HTTP/1.1"), b"HEAD", "1.1", b"/x", id="when-all-was-there"),
    ],
)  # fmt: skip
def test_what_is_refused_has_nothing_of_what_came_before(
    raw: bytes, method: bytes, version: str, target: bytes | None
) -> None:
    """The log must not show the request before it; and a refused HEAD is known as one, however it was cut."""
    for cut in ([raw], one_by_one(raw)):
        reader = HeadReader(EdgeLimits())
        reader.feed(head(b"Host: a", line=b"DELETE /before HTTP/1.0"))

        assert isinstance(read_on(reader, cut), type)
        assert (method, version) == (reader.method, reader.version)
        assert target is None or target == reader.target
        assert b"before" not in reader.target
        assert H not in reader.fields


def test_an_empty_read_changes_nothing() -> None:
    """It is no head, and none has begun."""
    reader = HeadReader(EdgeLimits())

    assert -1 == reader.feed(b"")
    assert not reader.begun
    assert -1 == reader.feed(b"GET")
    assert -1 == reader.feed(b"")
    assert reader.begun


# ---- at random ----------------------------------------------------------------------------------------------------

SPECIAL = {b"content-length", b"transfer-encoding", b"connection", b"proxy-connection", b"upgrade"}
NAMES = (
    st.lists(st.sampled_from(TOKEN), min_size=1, max_size=12)
    .map(bytes)
    .filter(lambda name: name.lower() not in SPECIAL)
)
VALUES = st.lists(st.sampled_from([9, *range(32, 127), *range(128, 256)]), max_size=12).map(bytes)  # fmt: skip
TARGETS = st.lists(st.integers(33, 126), max_size=20).map(lambda text: b"/" + bytes(text))
METHODS = st.sampled_from(
    [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"PROPFIND", b"M-SEARCH"]
)


@given(
    method=METHODS,
    target=TARGETS,
    version=st.sampled_from(["1.0", "1.1"]),
    fields=st.lists(st.tuples(NAMES, VALUES), max_size=6),
    blank=st.integers(0, 3),
    positions=POSITIONS,
)
def test_whatever_is_legal_is_understood(
    method: bytes,
    target: bytes,
    version: str,
    fields: list[Field],
    blank: int,
    positions: Sequence[int],
) -> None:
    """Byte for byte, without the blanks around values."""
    line = b"%b %b HTTP/%b" % (method, target, version.encode())
    raw = b"\r\n" * blank + head(*(name + b":" + value for name, value in fields), line=line)
    expected = tuple((name, value.strip(b" \t")) for name, value in fields)

    assert Head(method, target, version, expected, len(raw)) == read(*at(raw + BEHIND, positions))


FRAGMENTS = [
    b"\r\n", b"\r", b"\n", b"\r\n\r\n", b" ", b"\t", b":", b",", b"\0", b"\x7f", b"\x0b", b"\xa0", b"/", b"?", b"#", b"%",
    b"GET", b"POST", b"HTTP/1.1", b"1.0", b"A: b\r\n", b"X" * 15, b"0", b"5", b"Content-Length: 5\r\n", b"close",
    b"Transfer-Encoding: chunked\r\n", b"chunked", b"Connection: ", b"Upgrade: x\r\n", b"Host: a\r\n", b"Host", b"http://",
]  # fmt: skip
HEADS = [raw for raw in (*LEGAL, *ILLEGAL) if len(raw) < 1000]
ANY = st.one_of(damaged(HEADS, FRAGMENTS), st.lists(st.sampled_from(FRAGMENTS), max_size=12).map(b"".join))


@given(raw=ANY, positions=POSITIONS, limits=st.sampled_from([EdgeLimits(), SMALL]))
def test_where_it_is_cut_never_matters(raw: bytes, positions: Sequence[int], limits: EdgeLimits) -> None:
    """FRM-38: for what is not legal, either; and of what is refused the method is known or not."""
    seen = set()
    for cut in ([raw], at(raw, positions), one_by_one(raw)):
        reader = HeadReader(limits)
        seen.add((read_on(reader, cut), reader.method))

    assert 1 == len(seen)


@given(first=st.sampled_from(LEGAL), raw=ANY, positions=POSITIONS)
def test_what_came_before_never_matters(first: bytes, raw: bytes, positions: Sequence[int]) -> None:
    """Where it had a body, the reader was renewed."""
    reader = HeadReader(EdgeLimits())
    reader.feed(first)
    if has_body(first):
        reader.renew()

    assert read(raw) == read_on(reader, at(raw, positions))


STRICT = re.compile(
    rb"(?:\r\n)*(?P<method>[!#$%&'*+\-.^_`|~0-9A-Za-z]+) (?P<target>[!-~]+) HTTP/(?P<version>1\.[01])\r\n"
    rb"(?P<fields>(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n)*)\r\n"
).match
"""A head by the letter of RFC 9112 sections 2 to 5."""


def strictly(raw: bytes) -> Head | None:
    """The same by the grammar."""
    found = STRICT(raw)
    if found is None:
        return None
    lines = (line.partition(b":") for line in found["fields"].split(b"\r\n")[:-1])
    fields = tuple((name, value.strip(b" \t")) for name, _, value in lines)
    return Head(found["method"], found["target"], found["version"].decode(), fields, found.end())


def by_h11(raw: bytes) -> h11.Request | None:
    """The same by another parser; None where it refuses it, or waits for more."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(raw)
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError:
        return None
    return event if isinstance(event, h11.Request) else None


@given(raw=ANY)
def test_whatever_passes_means_the_same_to_others(raw: bytes) -> None:
    """To the grammar, and to h11 where that accepts it, too."""
    verdict = read(raw)
    if not isinstance(verdict, Head):
        return
    assert strictly(raw) == verdict
    other = by_h11(raw)
    if other is not None:
        lower = [(name.lower(), value) for name, value in verdict.fields]
        assert (verdict.method, verdict.target, verdict.version.encode(), lower) == (
            other.method,
            other.target,
            other.http_version,
            list(other.headers),
        )


@pytest.mark.parametrize("raw", [raw for raw in LEGAL if 1 == raw.count(b"Host: a")])
def test_h11_has_its_say(raw: bytes) -> None:
    """The comparison above compares something: of the heads of the table it refuses only what it does not know."""
    assert (by_h11(raw) is None) == raw.startswith(b"\r\n")


def test_every_head_of_the_table_is_another_one() -> None:
    """None stands there twice."""
    table = sorted([*LEGAL, *ILLEGAL])
    assert [] == [one for one, next_one in pairwise(table) if one == next_one]
