"""UPS-22: fields behind the last chunk. Where clients take them they pass, but never into a head."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Expectation, Row, Sent, answered, reply
from tests.wire.rows.parts import CHUNKED, PATH, request
from tests.wire.rows.upstream.answers import HOLD, LATER, OF_ITS_OWN, answer, cut, in_chunks, told


TAKES: Final = (b"Connection: TE", b"TE: trailers")

PASSED_TRAILERS: Final[Mapping[str, bytes]] = {
    "plain": b"X-Sum: 1",
    "digest": b"Content-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
    "server-timing": b"Server-Timing: db;dur=53",
    "grpc-status": b"Grpc-Status: 0",
    "etag": b'ETag: "x"',
    "latin-1": b"X-Sum: caf\xe9",
    "empty": b"X-Sum:",
    "tab inside": b"X-Sum: a\tb",
}

DROPPED_TRAILERS: Final[Mapping[str, bytes]] = {
    "content-length": b"Content-Length: 5",
    "transfer-encoding": b"Transfer-Encoding: chunked",
    "content-type": b"Content-Type: text/html",
    "content-encoding": b"Content-Encoding: gzip",
    "content-range": b"Content-Range: bytes 0-1/2",
    "set-cookie": b"Set-Cookie: a=1",
    "www-authenticate": b"WWW-Authenticate: Basic",
    "proxy-authenticate": b"Proxy-Authenticate: Basic",
    "location": b"Location: http://evil.test/",
    "cache-control": b"Cache-Control: public",
    "expires": b"Expires: 0",
    "vary": b"Vary: *",
    "connection": b"Connection: close",
    "connection that names": b"Connection: X-Origin",
    "keep-alive": b"Keep-Alive: timeout=5",
    "upgrade": b"Upgrade: h2c",
    "trailer": b"Trailer: X-Sum",
    "te": b"TE: trailers",
    "host": b"Host: evil.test",
    "authorization": b"Authorization: Basic YTpi",
    "cookie": b"Cookie: a=1",
    "x-request-id": b"X-Request-Id: forged",
    "access-control": b"Access-Control-Allow-Origin: *",
    "strict-transport-security": b"Strict-Transport-Security: max-age=0",
    "retry-after": b"Retry-After: 1",
}

FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
"""A trailer of these names may be refused with all that came before it."""


def rows() -> Iterator[Row]:
    """UPS-22, as far as trailers go."""
    for name, line in {**PASSED_TRAILERS, **DROPPED_TRAILERS}.items():
        for taker, fields in {"": (), ", taken": TAKES}.items():
            for place, later in {"": False, ", later": True}.items():
                yield _row(f"UPS-22 trailer {name}{taker}{place}", line, fields, later=later)
    yield from _announced()
    yield from _to_whom()


def _body(*lines: bytes) -> bytes:
    return b"5\r\nhello\r\n0\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def _row(name: str, line: bytes, fields: tuple[bytes, ...], *, later: bool) -> Row:
    """The first answer is whole, and neither its head nor the next answer's has the field."""
    field = line.partition(b":")[0].lower()
    absent = () if field in {b"transfer-encoding", b"x-request-id"} else (field,)
    head, body = answer(CHUNKED), _body(line)
    steps = (head, LATER, body[:-2], LATER, body[-2:]) if later else (head + body,)
    framing = {b"transfer-encoding": b"chunked"}
    first = answered(200, body=b"hello", fields=framing, absent=(b"content-length", *absent))
    last = answered(200, body=b"next", absent=absent if field != b"content-length" else ())
    whole = Expectation(answers=(first, last), requests=(Sent(), Sent()), closes=False)
    refused = Expectation(answers=(OF_ITS_OWN, last), requests=(Sent(), Sent()), closes=False)
    return Row(
        name,
        request(*fields) + request(target=PATH + b"/next"),
        (whole, refused, *cut(), *cut(sent=Sent(cut=True))) if field in FRAMING else whole,
        replies=(reply(*steps), reply(told(b"next"))),
    )


def _announced() -> Iterator[Row]:
    """`Trailer` stands in the head where trailers may follow, and only there."""
    for name, fields, stays in (
        ("taken", TAKES, True),
        ("taken with a weight", (b"Connection: TE", b"TE: trailers;q=0.5"), None),
        ("taken among others", (b"Connection: TE", b"TE: gzip;q=0.5, trailers"), True),
        ("not taken", (), False),
        ("other codings taken", (b"Connection: TE", b"TE: gzip"), False),
        ("nothing taken", (b"Connection: TE", b"TE:"), False),
        ("almost taken", (b"Connection: TE", b"TE: trailer"), False),
    ):
        one = answered(200, body=b"hello", fields={b"trailer": b"X-Sum"})
        none = answered(200, body=b"hello", absent=(b"trailer",))
        ways = tuple(
            Expectation(answers=(wanted,), requests=(Sent(),), closes=False)
            for wanted in ([one, none] if stays is None else [one if stays else none])
        )
        replies = reply(answer(CHUNKED, b"Trailer: X-Sum", body=_body(b"X-Sum: 1")))
        yield Row(f"UPS-22 announced and {name}", request(*fields), ways, replies=replies)
    named = answer(CHUNKED, b"Connection: X-Sum", b"Trailer: X-Sum", body=_body(b"X-Sum: 1"))
    expect = Expectation(answers=(in_chunks(b"hello"),), requests=(Sent(),), closes=False)
    yield Row("UPS-22 trailer that Connection names", request(*TAKES), expect, replies=reply(named))
    hidden = answer(CHUNKED, b"Connection: Trailer", b"Trailer: X-Sum", body=_body(b"X-Sum: 1"))
    gone = answered(200, body=b"hello", absent=(b"trailer",))
    expect = Expectation(answers=(gone,), requests=(Sent(),), closes=False)
    yield Row("UPS-22 announcement that Connection names", request(*TAKES), expect, replies=reply(hidden))
    for count in (64, 65):
        many = answer(CHUNKED, body=_body(*(b"X-%d: 1" % number for number in range(count))))
        whole = Expectation(answers=(in_chunks(b"hello"),), requests=(Sent(),), closes=False)
        alternatives = (whole,) if count == 64 else cut()
        yield Row(f"UPS-22 {count} trailers", request(*TAKES), alternatives, replies=reply(many), choice=True)
    large = answer(CHUNKED, body=_body(b"X-Sum: " + b"1" * 7_000))
    expect = Expectation(answers=(in_chunks(b"hello"),), requests=(Sent(),), closes=False)
    yield Row("UPS-22 trailer of 7000 bytes", request(*TAKES), expect, replies=reply(large), choice=True)


def _to_whom() -> Iterator[Row]:
    """Who cannot be sent trailers gets the body without them."""
    sum_behind = answer(CHUNKED, b"Trailer: X-Sum", body=_body(b"X-Sum: 1"))
    plain = answered(200, body=b"hello", absent=(b"x-sum", b"trailer", b"transfer-encoding"))
    old = Expectation(answers=(plain,), requests=(Sent(),))
    send = request(*TAKES, version=b"HTTP/1.0")
    yield Row("UPS-22 trailer to 1.0", send, old, replies=reply(sum_behind))
    kept_alive = request(*TAKES, b"Connection: keep-alive", version=b"HTTP/1.0")
    yield Row("UPS-22 trailer to 1.0, kept alive", kept_alive, old, replies=reply(sum_behind))
    none = Expectation(
        answers=(answered(200, body=b"", absent=(b"x-sum",)),), requests=(Sent(cut=True),), closes=False
    )
    # an answer to HEAD ends with its head: what follows is nobody's
    yield Row(
        "UPS-22 trailer to HEAD",
        request(*TAKES, method=b"HEAD"),
        none,
        replies=reply(sum_behind, HOLD),
        to_head=(0,),
    )
    asked = Expectation(
        answers=(in_chunks(b"hello"),),
        requests=(Sent(fields={b"te": b"trailers", b"connection": b"TE"}),),
        closes=False,
    )
    yield Row("UPS-22 trailers asked for", request(*TAKES), asked, replies=reply(sum_behind))
    unasked = Expectation(
        answers=(in_chunks(b"hello"),), requests=(Sent(absent=(b"te", b"connection")),), closes=False
    )
    yield Row("UPS-22 trailers not asked for", request(), unasked, replies=reply(sum_behind))
