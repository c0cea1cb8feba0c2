"""FRM-01 to FRM-09: `Content-Length` and `Transfer-Encoding`, alone, together and malformed."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Row, Sent, forwarded, refused
from tests.wire.rows.parts import BEHIND, CHUNKED, HOST, PATH, chunks, placed, request


BODY: Final = chunks(b"hello")
WHOLE: Final = b"Content-Length: %d" % len(BODY)

_UNSOUND: Final = ("bad-length", "unknown-coding", "identity", "between-two-lengths")
BOTH: Final[Mapping[str, tuple[bytes, ...]]] = {
    "length-before-chunked": (WHOLE, CHUNKED),
    "chunked-before-length": (CHUNKED, WHOLE),
    "length-too-short": (b"Content-Length: 3", CHUNKED),
    "length-0": (b"Content-Length: 0", CHUNKED),
    "length-0-behind": (CHUNKED, b"Content-Length: 0"),
    "length-past-the-end": (b"Content-Length: 4000", CHUNKED),
    "between-two-lengths": (b"Content-Length: 5", CHUNKED, b"Content-Length: 5"),
    "lower-case": (b"content-length: 5", b"transfer-encoding: chunked"),
    "upper-case": (b"CONTENT-LENGTH: 5", b"TRANSFER-ENCODING: CHUNKED"),
    "bad-length": (b"Content-Length: x", CHUNKED),
    "unknown-coding": (b"Content-Length: 15", b"Transfer-Encoding: xchunked"),
    "identity": (b"Content-Length: 15", b"Transfer-Encoding: identity"),
    "no-blanks": (b"Content-Length:5", b"Transfer-Encoding:chunked"),
}

TWICE: Final[Mapping[str, tuple[tuple[bytes, ...], bool]]] = {
    # the second: whether a recipient may take them for one (RFC 9110 section 8.6)
    "different": ((b"Content-Length: 5", b"Content-Length: 15"), False),
    "larger-first": ((b"Content-Length: 15", b"Content-Length: 5"), False),
    "nought-and-more": ((b"Content-Length: 0", b"Content-Length: 15"), False),
    "more-and-nought": ((b"Content-Length: 15", b"Content-Length: 0"), False),
    "same": ((b"Content-Length: 15", b"Content-Length: 15"), True),
    "same-twice-nought": ((b"Content-Length: 0", b"Content-Length: 0"), True),
    "same-other-case": ((b"Content-Length: 15", b"content-length: 15"), True),
    "same-thrice": ((b"Content-Length: 15",) * 3, True),
    "same-written-otherwise": ((b"Content-Length: 15", b"Content-Length: 015"), False),
    "one-empty": ((b"Content-Length: 15", b"Content-Length:"), False),
    "one-malformed": ((b"Content-Length: 15", b"Content-Length: fifteen"), False),
    "apart": ((b"Content-Length: 15", b"X-Between: 1", b"Content-Length: 5"), False),
    "list-same": ((b"Content-Length: 15, 15",), True),
    "list-same-no-blank": ((b"Content-Length: 15,15",), True),
    "list-different": ((b"Content-Length: 15, 5",), False),
    "list-comma-behind": ((b"Content-Length: 15,",), False),
    "list-comma-before": ((b"Content-Length: ,15",), False),
    "list-of-commas": ((b"Content-Length: ,,",), False),
}

BAD_LENGTHS: Final[Mapping[str, bytes]] = {
    "plus": b"+5",
    "minus": b"-5",
    "plus-nought": b"+0",
    "minus-nought": b"-0",
    "hexadecimal": b"0x5",
    "hexadecimal-digits": b"1F",
    "underscore": b"1_5",
    "empty": b"",
    "tab-only": b"\t",
    "two-numbers": b"5 5",
    "two-numbers-tab": b"5\t5",
    "fraction": b"5.0",
    "exponent": b"5e0",
    "semicolon": b"5;",
    "colon": b"5:5",
    "word": b"five",
    "quoted": b'"5"',
    "fullwidth-digit": "\uff15".encode(),
    "arabic-digit": "\u0665".encode(),
    "superscript-digit": b"\xb2",
    "no-break-space": b"\xa05",
    "vertical-tab-before": b"\x0b5",
    "form-feed-behind": b"5\x0c",
    "file-separator-behind": b"5\x1c",
    "nul-behind": b"5\x00",
    "boolean": b"true",
    "coding": b"chunked",
    "digits-then-letter": b"5a",
    "octal": b"0o5",
    "infinity": b"inf",
    "question": b"?",
    "percent": b"%35",
}

HUGE_LENGTHS: Final[Mapping[str, bytes]] = {
    "2-to-63-less-1": b"9223372036854775807",
    "2-to-63": b"9223372036854775808",
    "2-to-64-less-1": b"18446744073709551615",
    "2-to-64": b"18446744073709551616",
    "2-to-64-and-5": b"18446744073709551621",
    "20-nines": b"99999999999999999999",
    "100-digits": b"1" * 100,
    "4000-digits": b"1" * 4000,
}

BAD_CODINGS: Final[Mapping[str, bytes]] = {
    "x-before": b"xchunked",
    "letter-behind": b"chunkedx",
    "letter-missing": b"chunke",
    "identity": b"identity",
    "chunked-then-identity": b"chunked, identity",
    "identity-then-chunked": b"identity, chunked",
    "chunked-twice": b"chunked, chunked",
    "chunked-then-gzip": b"chunked, gzip",
    "vertical-tab-before": b"\x0bchunked",
    "form-feed-before": b"\x0cchunked",
    "vertical-tab-behind": b"chunked\x0b",
    "unit-separator-behind": b"chunked\x1f",
    "nul-behind": b"chunked\x00",
    "nul-before": b"\x00chunked",
    "no-break-space-behind": b"chunked\xa0",
    "next-line-before": b"\x85chunked",
    "quality": b"chunked;q=1",
    "parameter": b"chunked; foo=bar",
    "semicolon": b"chunked;",
    "quoted": b'"chunked"',
    "single-quoted": b"'chunked'",
    "blank-inside": b"chun ked",
    "tab-inside": b"chunked\tchunked",
    "blank-between": b"chunked chunked",
    "cyrillic": "\u0441hunked".encode(),
    "kelvin-sign": "chun\u212aed".encode(),
    "brackets": b"[chunked]",
    "equals": b"=chunked",
    "colon": b": chunked",
    "backslash": b"chunked\\",
    "nonsense": b"cow",
    "trailers": b"trailers",
    "number": b"1",
}

UNKNOWN_CODINGS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "gzip-chunked": (b"Transfer-Encoding: gzip, chunked",),
    "gzip-chunked-no-blank": (b"Transfer-Encoding: gzip,chunked",),
    "gzip-chunked-two-fields": (b"Transfer-Encoding: gzip", CHUNKED),
    "gzip-chunked-upper-case": (b"Transfer-Encoding: GZIP, CHUNKED",),
    "x-gzip-chunked": (b"Transfer-Encoding: x-gzip, chunked",),
    "deflate-chunked": (b"Transfer-Encoding: deflate, chunked",),
    "compress-chunked": (b"Transfer-Encoding: compress, chunked",),
    "br-chunked": (b"Transfer-Encoding: br, chunked",),
    "parameter-chunked": (b"Transfer-Encoding: gzip;q=1, chunked",),
    "three": (b"Transfer-Encoding: gzip, deflate, chunked",),
}

NOT_LAST: Final[Mapping[str, tuple[bytes, ...]]] = {
    "gzip": (b"Transfer-Encoding: gzip",),
    "deflate": (b"Transfer-Encoding: deflate",),
    "chunked-gzip-two-fields": (CHUNKED, b"Transfer-Encoding: gzip"),
    "chunked-twice-two-fields": (CHUNKED, CHUNKED),
    "chunked-identity-two-fields": (CHUNKED, b"Transfer-Encoding: identity"),
    "identity-chunked-two-fields": (b"Transfer-Encoding: identity", CHUNKED),
    "chunked-nonsense-two-fields": (CHUNKED, b"Transfer-Encoding: x"),
    "chunked-empty-two-fields": (CHUNKED, b"Transfer-Encoding:"),
    "empty-chunked-two-fields": (b"Transfer-Encoding:", CHUNKED),
}

SOUND_CODINGS: Final[Mapping[str, bytes]] = {
    "upper-case": b"Transfer-Encoding: CHUNKED",
    "mixed-case": b"Transfer-Encoding: Chunked",
    "name-in-lower-case": b"transfer-encoding: chunked",
    "name-in-upper-case": b"TRANSFER-ENCODING: chunked",
    "no-blank": b"Transfer-Encoding:chunked",
    "two-blanks": b"Transfer-Encoding:  chunked",
    "tab-before": b"Transfer-Encoding:\tchunked",
    "blank-behind": b"Transfer-Encoding: chunked ",
    "tab-behind": b"Transfer-Encoding: chunked\t",
}

SOUND_LENGTHS: Final[Mapping[str, bytes]] = {
    "plain": b"Content-Length: 5",
    "lower-case": b"content-length: 5",
    "upper-case": b"CONTENT-LENGTH: 5",
    "no-blank": b"Content-Length:5",
    "blanks": b"Content-Length:   5   ",
    "tabs": b"Content-Length:\t5\t",
}


def rows() -> Iterator[Row]:
    """FRM-01 to FRM-09, and what is sound."""
    yield from _both()
    yield from _lengths()
    yield from _codings()


def _post(*fields: bytes, body: bytes = BODY, version: bytes = b"HTTP/1.1") -> bytes:
    return request(*fields, method=b"POST", body=body, version=version) + BEHIND


def _both() -> Iterator[Row]:
    for name, fields in BOTH.items():
        for place, head in placed(*fields):
            send = request(*head, method=b"POST", host=None, body=BODY) + BEHIND
            # RFC 9112 section 6.1 lets a server go by the coding alone, if it closes the connection behind it
            yield Row(f"FRM-01 {name} {place}", send, refused(400), choice=name not in _UNSOUND)
    for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"PUT"):
        send = request(b"Content-Length: 15", CHUNKED, method=method, body=BODY) + BEHIND
        yield Row(f"FRM-01 {method.decode()}", send, refused(400), to_head=(0,) if method == b"HEAD" else ())
    smuggled = b"0\r\n\r\n" + request(target=PATH + b"/hidden")
    send = _post(b"Content-Length: %d" % len(smuggled), CHUNKED, body=smuggled)
    yield Row("FRM-01 a request inside the length", send, refused(400))
    inside = chunks(request(target=PATH + b"/hidden"))
    send = _post(b"Content-Length: 4", CHUNKED, body=inside)
    yield Row("FRM-01 a request inside the chunk", send, refused(400))


def _lengths() -> Iterator[Row]:
    for name, (fields, choice) in TWICE.items():
        for place, head in placed(*fields):
            send = request(*head, method=b"POST", host=None, body=BODY) + BEHIND
            yield Row(f"FRM-02 {name} {place}", send, refused(400), choice=choice)
    for method in (b"GET", b"DELETE"):
        send = request(b"Content-Length: 5", b"Content-Length: 0", method=method, body=b"hello") + BEHIND
        yield Row(f"FRM-02 {method.decode()}", send, refused(400))
    for name, value in BAD_LENGTHS.items():
        yield Row(f"FRM-03 {name}", _post(b"Content-Length: " + value, body=b"hello"), refused(400))
        get = request(b"Content-Length: " + value) + BEHIND
        yield Row(f"FRM-03 {name} get", get, refused(400))
    for name, value in HUGE_LENGTHS.items():
        send = _post(b"Content-Length: " + value, body=b"hello")
        yield Row(f"FRM-03 huge {name}", send, refused(400, 413))
    for name, value in {"three": b"0005", "one": b"05", "many": b"0" * 40 + b"5"}.items():
        send = _post(b"Content-Length: " + value, body=b"hello")
        clean = forwarded(Sent(body=b"hello", framing="length"), Sent())
        yield Row(f"FRM-04 {name} noughts", send, (refused(400), clean))
    for name, value in {"two": b"00", "nine": b"0" * 9}.items():
        send = request(b"Content-Length: " + value, method=b"POST") + BEHIND
        yield Row(
            f"FRM-04 nothing but {name} noughts", send, (refused(400), forwarded(Sent(body=b""), Sent()))
        )
    for name, field in SOUND_LENGTHS.items():
        expect = forwarded(Sent(body=b"hello", framing="length"), Sent())
        yield Row(f"FRM-03 sound {name}", _post(field, body=b"hello"), expect)


def _codings() -> Iterator[Row]:
    for name, value in BAD_CODINGS.items():
        yield Row(f"FRM-05 {name}", _post(b"Transfer-Encoding: " + value), refused(400, 501))
        send = _post(b"Content-Length: 15", b"Transfer-Encoding: " + value)
        yield Row(f"FRM-05 {name} and a length", send, refused(400, 501))
    for name, fields in NOT_LAST.items():
        yield Row(f"FRM-05 {name}", _post(*fields), refused(400, 501))
    for name, value in {
        "space before the colon": b"Transfer-Encoding : chunked",
        "tab": b"Transfer-Encoding\t: chunked",
    }.items():
        yield Row(f"FRM-05 {name}", _post(value), refused(400))
    for name, fields in UNKNOWN_CODINGS.items():
        for place, head in placed(*fields):
            send = request(*head, method=b"POST", host=None, body=BODY) + BEHIND
            statuses = (400, 501) if name.startswith("parameter") else (501,)
            yield Row(f"FRM-06 {name} {place}", send, refused(*statuses))
    clean = forwarded(Sent(body=b"hello"), Sent())
    commas = {"before": b",chunked", "behind": b"chunked,", "both": b", chunked ,", "many": b",,, chunked"}
    for name, value in commas.items():
        yield Row(f"FRM-07 comma {name}", _post(b"Transfer-Encoding: " + value), (refused(400), clean))
    for name, fields in {
        "close": (CHUNKED,),
        "keep-alive": (CHUNKED, b"Connection: keep-alive"),
        "with a length": (CHUNKED, WHOLE),
        "no chunks": (b"Transfer-Encoding: identity",),
    }.items():
        for method in (b"POST", b"GET"):
            send = request(*fields, method=method, version=b"HTTP/1.0", body=BODY) + BEHIND
            yield Row(f"FRM-08 {name} {method.decode()}", send, refused(400), choice=name == "close")
    empty = {
        "empty": b"Transfer-Encoding:",
        "blank": b"Transfer-Encoding: ",
        "comma": b"Transfer-Encoding: ,",
    }
    for name, field in empty.items():
        yield Row(f"FRM-09 {name}", _post(field), refused(400))
        yield Row(f"FRM-09 {name} and a length", _post(field, WHOLE), refused(400))
        yield Row(f"FRM-09 {name} behind a length", _post(WHOLE, field), refused(400))
        yield Row(f"FRM-09 {name} get", request(field) + BEHIND, refused(400))
    for name, field in SOUND_CODINGS.items():
        # to refuse a tab there is more strict than RFC 9110 section 5.5 asks for, and harms nobody
        expect = (clean, refused(400)) if name.startswith("tab") else clean
        yield Row(f"FRM-05 sound {name}", _post(field), expect)
    for method in (b"PUT", b"PATCH", b"DELETE", b"OPTIONS"):
        send = request(CHUNKED, method=method, body=BODY) + BEHIND
        yield Row(
            f"FRM-05 sound {method.decode()}", send, forwarded(Sent(method=method, body=b"hello"), Sent())
        )
    for name, body in {"one chunk": BODY, "two chunks": chunks(b"hel", b"lo"), "no chunk": chunks()}.items():
        send = request(CHUNKED, method=b"POST", body=body)
        yield Row(f"FRM-00 chunks stay chunks, {name}", send, forwarded(Sent(framing="chunked")), choice=True)
    send = request(b"Content-Length: 5", method=b"POST", body=b"hello")
    yield Row("FRM-00 a length stays a length", send, forwarded(Sent(framing="length")), choice=True)
    yield Row("FRM-00 get", request(), forwarded(Sent(method=b"GET", target=PATH, framing="none")))
    yield Row("FRM-00 head", request(method=b"HEAD"), forwarded(Sent(method=b"HEAD")), to_head=(0,))
    for method in (b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"):
        expect = forwarded(Sent(method=method, body=b""))
        yield Row(f"FRM-00 {method.decode()} without a body", request(method=method), expect)
        expect = forwarded(Sent(method=method, body=b"hello", fields={b"host": HOST[6:]}))
        yield Row(
            f"FRM-00 {method.decode()}", request(b"Content-Length: 5", method=method, body=b"hello"), expect
        )
