"""The reader that forgives nothing, against what the RFC says."""

import pytest

from tests.fuzz import rfc, seeds
from tests.wire.parsers import Parsed


HEAD = b"POST /a HTTP/1.1\r\nHost: a.test\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

WRONG = {
    "no end": HEAD,
    "bare line feed": b"GET /a HTTP/1.1\nHost: a.test\r\n\r\n",
    "folded": HEAD + b" X: 1\r\n\r\n",
    "blank before the colon": HEAD + b"X : 1\r\n\r\n",
    "control character": HEAD + b"X: \x01\r\n\r\n",
    "version": b"GET /a HTTP/1.2\r\nHost: a.test\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "both framings": HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another coding": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "signed length": HEAD + b"Content-Length: +1\r\n\r\nx",
    "half a body": HEAD + b"Content-Length: 2\r\n\r\nx",
    "more than a body": HEAD + b"Content-Length: 1\r\n\r\nxx",
    "prefixed size": CHUNKED + b"0x1\r\nx\r\n0\r\n\r\n",
    "blank behind a size": CHUNKED + b"1 \r\nx\r\n0\r\n\r\n",
    "line feed behind a size": CHUNKED + b"1\nx\r\n0\r\n\r\n",
    "more than a chunk": CHUNKED + b"1\r\nxx\r\n0\r\n\r\n",
    "no last chunk": CHUNKED + b"1\r\nx\r\n",
    "no end of the trailers": CHUNKED + b"0\r\nX: 1\r\n",
    "a trailer that is none": CHUNKED + b"0\r\nX\r\n\r\n",
}


@pytest.mark.parametrize("raw", WRONG.values(), ids=WRONG)
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    """It forgives nothing."""
    with pytest.raises(rfc.AgainstTheRfcError):
        rfc.request(raw)


def test_a_request_is_read() -> None:
    """Empty lines in front, extensions and trailers are what the RFC lets a sender write."""
    raw = b"\r\n" + CHUNKED + b'2;a;b="c;\\""\r\nhe\r\n003\r\nllo\r\n0;d=e\r\nX-Sum: 1\r\n\r\n'
    fields = ((b"host", b"a.test"), (b"transfer-encoding", b"chunked"))

    assert Parsed(b"POST", b"/a", fields, b"hello") == rfc.request(raw)


@pytest.mark.parametrize(
    ("raw", "method", "ended", "expected"),
    [
        pytest.param(seeds.LEGAL_ANSWERS[0], "GET", False, (200, b"hello", True), id="length"),
        pytest.param(seeds.LEGAL_ANSWERS[0][:-1], "GET", True, (200, b"hell", False), id="half"),
        pytest.param(seeds.LEGAL_ANSWERS[2], "GET", False, (200, b"hello", True), id="chunks"),
        pytest.param(
            seeds.LEGAL_ANSWERS[2][:-1], "GET", True, (200, b"hello", False), id="chunks that break off"
        ),
        pytest.param(seeds.LEGAL_ANSWERS[3], "GET", True, (200, b"hello", True), id="to the end"),
        pytest.param(seeds.LEGAL_ANSWERS[3], "GET", False, (200, b"hello", False), id="not to the end"),
        pytest.param(seeds.LEGAL_ANSWERS[0], "HEAD", False, (200, b"", True), id="to HEAD"),
        pytest.param(seeds.LEGAL_ANSWERS[8], "GET", False, (200, b"hello", True), id="behind an interim one"),
    ],
)
def test_an_answer_is_read(
    raw: bytes, method: str, expected: tuple[int, bytes, bool], *, ended: bool
) -> None:
    """Its status and its body, and whether it is all there."""
    found = rfc.answer(raw, method, ended=ended)

    assert found is not None
    assert expected == (found[0].status, found[0].body, found[0].whole)


def test_what_is_behind_an_answer_is_told() -> None:
    """It belongs to nobody."""
    for raw in seeds.LEGAL_ANSWERS[:3]:
        found = rfc.answer(raw + b"x", "GET", ended=False)
        assert found is not None
        assert b"x" == found[1]
