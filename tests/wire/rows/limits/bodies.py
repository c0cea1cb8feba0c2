"""LIM-05, LIM-11 to LIM-13: bodies that are too large, and bodies that are nobody's business."""

import gzip
import random
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Answers, Expectation, Pause, Row, Sent, answered, broken, forwarded, refused
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, chunks, length, request


EXPECT: Final = b"Expect: 100-continue"
SMALL: Final = 1024
"""The limit of the profile `small`."""
LIMIT: Final = 16 << 20
"""The limit of the plain profile."""

_TEXT: Final = b"The quick brown fox jumps over the lazy dog. " * 200
_NOISE: Final = random.Random(0).randbytes(20_000)

CODED: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "gzip": (b"gzip", gzip.compress(_TEXT, mtime=0)),
    "x-gzip": (b"x-gzip", gzip.compress(_TEXT, mtime=0)),
    "deflate": (b"deflate", zlib.compress(_TEXT)),
    "raw deflate": (b"deflate", zlib.compress(_TEXT)[2:-4]),
    "br": (b"br", _NOISE[:500]),
    "zstd": (b"zstd", b"\x28\xb5\x2f\xfd" + _NOISE[:500]),
    "identity": (b"identity", _TEXT),
    "unknown": (b"x-unheard-of", _NOISE),
    "two": (b"gzip, br", _NOISE[:500]),
    "gzip that is none": (b"gzip", b"hello"),
    "gzip cut short": (b"gzip", gzip.compress(_TEXT, mtime=0)[:-20]),
    "gzip of many members": (b"gzip", gzip.compress(b"x", mtime=0) * 2000),
    "gzip with more behind": (b"gzip", gzip.compress(_TEXT, mtime=0) + b"GET / HTTP/1.1\r\n\r\n"),
    "bomb": (b"gzip", gzip.compress(bytes(20 << 20), mtime=0)),
    "bomb in a bomb": (b"gzip, gzip", gzip.compress(gzip.compress(bytes(64 << 20), mtime=0), mtime=0)),
    "upper case": (b"GZIP", gzip.compress(_TEXT, mtime=0)),
}


def rows() -> Iterator[Row]:
    """LIM-05, LIM-11 to LIM-13."""
    yield from _small()
    yield from _plain()
    yield from _coded()
    yield from _multipart()


def _post(*fields: bytes, body: bytes = b"", method: bytes = b"POST") -> bytes:
    return request(*fields, method=method, body=body)


def _small() -> Iterator[Row]:
    def row(name: str, *send: object, expect: object, **more: object) -> Row:
        return Row(f"LIM-05 {name}", send, expect, profile="small", **more)  # type: ignore[arg-type]

    fits = b"x" * SMALL
    over = fits + b"y"
    for size in (0, 1, SMALL - 1, SMALL):
        body = b"x" * size
        yield row(f"length {size}", _post(length(body), body=body), expect=forwarded(Sent(body=body)))
        yield row(
            f"chunks {size}",
            _post(CHUNKED, body=chunks(*([body] if body else []))),
            expect=forwarded(Sent(body=body)),
        )
    for size in (SMALL + 1, SMALL * 2, SMALL * 100, 1 << 30, 1 << 62):
        head = _post(b"Content-Length: %d" % size)
        yield row(f"length {size}, nothing sent", head, expect=refused(413, within=1.0))
        yield row(f"length {size}, some sent", head + b"x" * 500, expect=refused(413, within=1.0))
    yield row("length beyond it, all sent", _post(length(over), body=over) + BEHIND, expect=refused(413))
    large = b"x" * (SMALL * 200)
    yield row(
        "length far beyond it, all sent", _post(length(large), body=large) + BEHIND, expect=refused(413)
    )
    for method in (b"PUT", b"PATCH", b"DELETE", b"GET", b"OPTIONS"):
        send = _post(length(over), body=over, method=method) + BEHIND
        yield row(f"length beyond it {method.decode()}", send, expect=refused(413))
    old = request(length(over), method=b"POST", version=b"HTTP/1.0", body=over) + BEHIND
    yield row("length beyond it in 1.0", old, expect=refused(413))
    yield row("expected", _post(EXPECT, length(over)), expect=refused(413))
    yield row("expected, and sent all the same", _post(EXPECT, length(over), body=over), expect=refused(413))
    for name, parts in {
        "one chunk": (over,),
        "two chunks": (fits, b"y"),
        "chunks of one byte": tuple(b"x" for _ in range(SMALL + 1)),
        "a chunk far beyond it": (large,),
    }.items():
        send = _post(CHUNKED, body=chunks(*parts)) + BEHIND
        start = send.index(b"\r\n\r\n") + 4
        cuts = ((), (start,), (start + 300, start + 1000))
        yield row(name, send, expect=broken(413), segments=cuts)
    crossing = (_post(CHUNKED, body=b"400\r\n" + fits + b"\r\n"), Pause(0.1), b"1\r\ny\r\n0\r\n\r\n")
    yield row("chunks that cross it later", *crossing, expect=broken(413))
    fine = (_post(CHUNKED, body=b"400\r\n" + fits + b"\r\n"), Pause(0.1), b"0\r\n\r\n")
    yield row("chunks that end there later", *fine, expect=forwarded(Sent(body=fits)))
    waits = (_post(EXPECT, CHUNKED), Answers(1), chunks(over))
    late = tuple(
        Expectation(answers=(answered(413, interim=None),), requests=requests, closes=True)
        for requests in ((), (Sent(cut=True),))
    )
    yield row("expected in chunks", *waits, expect=late)


def _plain() -> Iterator[Row]:
    whole = b"x" * LIMIT
    big = _post(length(whole), body=whole)
    yield Row("LIM-05 16 MiB", big, forwarded(Sent(length=LIMIT)), patience=20.0, alone=True, grows=16 << 20)
    parts = b"".join(b"10000\r\n%b\r\n" % whole[:65536] for _ in range(LIMIT >> 16))
    send = _post(CHUNKED, body=parts + b"0\r\n\r\n")
    yield Row(
        "LIM-05 16 MiB in chunks",
        send,
        forwarded(Sent(length=LIMIT)),
        patience=20.0,
        alone=True,
        grows=16 << 20,
    )
    send = _post(CHUNKED, body=parts + b"1\r\nx\r\n0\r\n\r\n")
    yield Row("LIM-05 16 MiB and a byte in chunks", send, broken(413), patience=20.0, alone=True)
    yield Row("LIM-05 length of 16 MiB and a byte", _post(b"Content-Length: %d" % (LIMIT + 1)), refused(413))
    yield Row(
        "LIM-05 length of 16 MiB, not sent",
        (_post(b"Content-Length: %d" % LIMIT), Pause(0.2), whole),
        forwarded(Sent(length=LIMIT)),
        patience=20.0,
        alone=True,
    )


def _coded() -> Iterator[Row]:
    for name, (coding, body) in CODED.items():
        reference = "LIM-12" if "bomb" in name or "members" in name else "LIM-11"
        fields = (b"Content-Encoding: " + coding, b"Content-Type: text/plain")
        same = {b"content-encoding": coding, b"content-type": b"text/plain"}
        grows = 8 << 20 if reference == "LIM-12" else None
        send = _post(*fields, length(body), body=body)
        expect = forwarded(Sent(body=body, fields={**same, b"content-length": b"%d" % len(body)}))
        yield Row(f"{reference} {name}", send, expect, grows=grows)
        send = _post(*fields, CHUNKED, body=chunks(body))
        expect = forwarded(Sent(body=body, fields=same, framing="chunked"))
        yield Row(f"{reference} {name} in chunks", send, expect, grows=grows)
    send = request(b"Content-Encoding: gzip")
    yield Row(
        "LIM-11 gzip without a body", send, forwarded(Sent(fields={b"content-encoding": b"gzip"}, body=b""))
    )


def _multipart() -> Iterator[Row]:
    kind = b"Content-Type: multipart/form-data; boundary=b"
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
    bodies = {
        "20000 parts": part * 20_000 + b"--b--\r\n",
        "no end": part * 10,
        "nested": b"".join(
            b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(1000)
        ),
        "no parts": b"--b--\r\n",
        "2000 files": b"".join(
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="%d"\r\n\r\n\r\n' % n
            for n in range(2000)
        )
        + b"--b--\r\n",
        "one header of 64 KiB": b"--b\r\nX: " + b"x" * 65536 + b"\r\n\r\n--b--\r\n",
        "other boundary": b"--c\r\n\r\nx\r\n--c--\r\n",
    }
    for name, body in bodies.items():
        send = _post(kind, length(body), body=body)
        yield Row(f"LIM-13 {name}", send, forwarded(Sent(body=body)), patience=10.0)
        send = _post(kind, CHUNKED, body=chunks(body))
        yield Row(f"LIM-13 {name} in chunks", send, forwarded(Sent(body=body)), patience=10.0)
    send = _post(b"Content-Type: multipart/form-data", length(part), body=part)
    yield Row("LIM-13 no boundary", send, forwarded(Sent(body=part, target=PATH)))
