"""FRM-23 to FRM-29: methods, versions, the shape of the first line, and what is not HTTP at all."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Expectation, Row, Sent, answered, declined, forwarded, hung_up, refused
from tests.wire.rows.parts import BEHIND, HOST, PATH, request


NAMED: Final = b"X-Run: RUN00000"
FORM: Final = b"Content-Type: application/x-www-form-urlencoded"

CONNECTS: Final[Mapping[str, bytes]] = {
    "authority": b"example.test:80",
    "address": b"127.0.0.1:TRAP0",
    "name": b"localhost:TRAP0",
    "address of six": b"[::1]:TRAP0",
    "path": PATH,
    "absolute": b"http://127.0.0.1:TRAP0/RUN00000",
    "no port": b"example.test",
    "star": b"*",
}

ODD_METHODS: Final[Mapping[str, bytes]] = {
    "lower case": b"get",
    "capital": b"Get",
    "mixed": b"gET",
    "lower case post": b"post",
    "lower case head": b"head",
    "lower case connect": b"connect",
    "lower case trace": b"trace",
    "unknown": b"FOO",
    "one letter": b"X",
    "longer than a known one": b"GETS",
    "twice a known one": b"GETGET",
    "shorter than a known one": b"GE",
    "with a dash": b"X-GET",
    "with an underscore": b"MY_GET",
    "with a dot": b"GET.",
    "with an asterisk": b"GET*",
    "digits": b"123",
    "every byte of a token": b"!#$%&'*+-.^_`|~",
    "of another protocol": b"PRI*",
    "SSTP": b"SSTP_DUPLEX_POST",
    "DEBUG": b"DEBUG",
    "TRACK": b"TRACK",
    "64 letters": b"A" * 64,
}

NO_METHODS: Final[Mapping[str, bytes]] = {
    "blank inside": b"G ET",
    "nul inside": b"GE\x00T",
    "nul behind": b"GET\x00",
    "quoted": b'"GET"',
    "angles": b"<GET>",
    "comma": b"GET,POST",
    "colon": b"GET:",
    "slash": b"GET/",
    "at": b"@GET",
    "latin-1": b"G\xc9T",
    "fullwidth": "\uff27\uff25\uff34".encode(),
    "cyrillic": "G\u0415T".encode(),
    "backspace": b"POST\x08\x08\x08\x08GET",
    "delete": b"GET\x7f",
    "parenthesis": b"GET()",
    "brackets": b"[GET]",
    "backslash": b"GET\\",
    "equals": b"GET=",
    "a thousand tabs": b"\t" * 1000 + b"GET",
}

KNOWN: Final = (
    b"QUERY",
    b"PROPFIND",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"REPORT",
    b"SEARCH",
    b"PURGE",
    b"LINK",
    b"M-SEARCH",
)

VERSIONS: Final[Mapping[str, tuple[bytes, tuple[int, ...]]]] = {
    "0.9": (b"HTTP/0.9", (400, 505)),
    "0.0": (b"HTTP/0.0", (400, 505)),
    "1.2": (b"HTTP/1.2", (400, 505)),
    "1.9": (b"HTTP/1.9", (400, 505)),
    "2.0": (b"HTTP/2.0", (505,)),
    "2": (b"HTTP/2", (400, 505)),
    "3.0": (b"HTTP/3.0", (400, 505)),
    "9.9": (b"HTTP/9.9", (400, 505)),
    "01.1": (b"HTTP/01.1", (400, 505)),
    "1.01": (b"HTTP/1.01", (400, 505)),
    "1.10": (b"HTTP/1.10", (400, 505)),
    "11.1": (b"HTTP/11.1", (400, 505)),
    "no minor": (b"HTTP/1.", (400, 505)),
    "no dot": (b"HTTP/1", (400, 505)),
    "comma": (b"HTTP/1,1", (400, 505)),
    "minus": (b"HTTP/-1.1", (400, 505)),
    "plus": (b"HTTP/+1.1", (400, 505)),
    "arabic digit": ("HTTP/1.\u0661".encode(), (400, 505)),
    "lower case": (b"http/1.1", (400, 505)),
    "capital": (b"Http/1.1", (400, 505)),
    "blank inside": (b"HTTP/ 1.1", (400, 505)),
    "blank before the slash": (b"HTTP /1.1", (400, 505)),
    "https": (b"HTTPS/1.1", (400, 505)),
    "icy": (b"ICY/1.1", (400, 505)),
    "rtsp": (b"RTSP/1.0", (400, 505)),
    "no slash": (b"HTTP1.1", (400, 505)),
    "letter behind": (b"HTTP/1.1x", (400, 505)),
    "word behind": (b"HTTP/1.1 x", (400, 505)),
    "blank behind": (b"HTTP/1.1 ", (400, 505)),
    "tab behind": (b"HTTP/1.1\t", (400, 505)),
    "nul behind": (b"HTTP/1.1\x00", (400, 505)),
    "digit behind": (b"HTTP/1.11", (400, 505)),
    "dot behind": (b"HTTP/1.1.", (400, 505)),
    "hexadecimal": (b"HTTP/0x1.1", (400, 505)),
    "nothing but the name": (b"HTTP/", (400, 505)),
    "another word": (b"FOO", (400, 505)),
    "20 digits": (b"HTTP/" + b"1" * 20 + b".1", (400, 505)),
}

FIRST_LINES: Final[Mapping[str, bytes]] = {
    "two blanks before the target": b"GET  /RUN00000 HTTP/1.1",
    "two blanks before the version": b"GET /RUN00000  HTTP/1.1",
    "tab before the target": b"GET\t/RUN00000 HTTP/1.1",
    "tab before the version": b"GET /RUN00000\tHTTP/1.1",
    "blank and tab before the version": b"GET /RUN00000 \tHTTP/1.1",
    "vertical tab before the target": b"GET\x0b/RUN00000 HTTP/1.1",
    "form feed before the version": b"GET /RUN00000\x0cHTTP/1.1",
    "no-break space": b"GET\xa0/RUN00000\xa0HTTP/1.1",
    "blank in the target": b"GET /RUN00000 /b HTTP/1.1",
    "blank first": b" GET /RUN00000 HTTP/1.1",
    "tab first": b"\tGET /RUN00000 HTTP/1.1",
    "no version": b"GET /RUN00000",
    "no version but a blank": b"GET /RUN00000 ",
    "no target": b"GET HTTP/1.1",
    "no target but two blanks": b"GET  HTTP/1.1",
    "nothing but a method": b"GET",
    "nothing but a target": b"/RUN00000",
    "no method": b" /RUN00000 HTTP/1.1",
    "target and version": b"/RUN00000 HTTP/1.1",
    "nothing but a version": b"HTTP/1.1",
    "an answer": b"HTTP/1.1 200 OK",
    "the wrong order": b"HTTP/1.1 GET /RUN00000",
    "two in one line": b"GET /RUN00000 HTTP/1.1 GET /RUN00000 HTTP/1.1",
    "quotes": b'GET "/RUN00000" HTTP/1.1',
    "no blanks": b"GET/RUN00000HTTP/1.1",
    "nul in the target": b"GET /RUN00000\x00 HTTP/1.1",
    "escape in the target": b"GET /RUN00000\x1b[31m HTTP/1.1",
    "delete in the target": b"GET /RUN00000\x7f HTTP/1.1",
    "latin-1 in the target": b"GET /RUN00000\xe9 HTTP/1.1",
    "utf-8 in the target": "GET /RUN00000\u00e9 HTTP/1.1".encode(),
}

STRANGERS: Final[Mapping[str, bytes]] = {
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"),
    "http/2 settings only": bytes.fromhex("000012040000000000000300000064000400a00000000200000000"),
    "tls hello": bytes.fromhex("16030100c8010000c403035b9b") + bytes(180),
    "tls alert": bytes.fromhex("15030300020228"),
    "ssl 2 hello": bytes.fromhex("802e0100020015000000100100800200800300800400800500800600400700c0"),
    "ssh": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "smtp": b"EHLO example.test\r\nMAIL FROM:<a@example.test>\r\n",
    "ftp": b"USER anonymous\r\nPASS x\r\n",
    "pop": b"CAPA\r\n",
    "imap": b"a1 LOGIN x y\r\n",
    "irc": b"NICK wire\r\nUSER wire 0 * :wire\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "redis inline": b"PING\r\n",
    "memcached": b"stats\r\n",
    "socks 5": b"\x05\x01\x00",
    "socks 4": b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
    "rdp": bytes.fromhex("0300001300e00000000000010008000300000000"),
    "smb": bytes.fromhex("000000850aff534d4272000000001853c8"),
    "postgres": bytes.fromhex("0000000804d2162f"),
    "mysql": b"J\x00\x00\x00\x0a5.7.0\x00",
    "dns": bytes.fromhex("001c4a4a0100000100000000000003777777036e657400000100 01".replace(" ", "")),
    "telnet": b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18",
    "noughts": bytes(100),
    "ones": b"\xff" * 100,
    "utf-16": "\ufeffGET /RUN00000 HTTP/1.1\r\nHost: example.test\r\n\r\n".encode("utf-16-le"),
    "byte order mark": b"\xef\xbb\xbfGET /RUN00000 HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "gzip": bytes.fromhex("1f8b0800000000000003cb48cdc9c9070086a6103605000000"),
    "json": b'{"method": "GET", "path": "/RUN00000"}\r\n',
    "xml": b"<?xml version='1.0'?><a/>\r\n\r\n",
    "answer": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "rtsp": b"OPTIONS rtsp://example.test/ RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "sip": b"INVITE sip:a@example.test SIP/2.0\r\n\r\n",
    "text": b"hello\r\n",
    "shell": b"; cat /etc/passwd\r\n",
    "websocket frame": bytes.fromhex("818537fa213d7f9f4d5158"),
    "proxy v1": b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nGET /RUN00000 HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "proxy v2": bytes.fromhex("0d0a0d0a000d0a515549540a2111000c0a0000010a00000200010002"),
}


def rows() -> Iterator[Row]:
    """FRM-23 to FRM-29."""
    yield from _connect()
    yield from _stars()
    yield from _methods()
    yield from _versions()
    for name, data in STRANGERS.items():
        expect = (refused(400, 405, 408, 501, 505, within=1.0), hung_up(within=1.0))
        yield Row(f"FRM-29 {name}", data, expect)


def _connect() -> Iterator[Row]:
    for name, target in CONNECTS.items():
        expect = (
            refused(400, 405, 501) if name in {"path", "absolute", "no port", "star"} else refused(405, 501)
        )
        yield Row(f"FRM-23 {name}", request(NAMED, method=b"CONNECT", target=target) + BEHIND, expect)
    send = (
        request(NAMED, b"Content-Length: 5", method=b"CONNECT", target=b"example.test:80", body=b"hello")
        + BEHIND
    )
    yield Row("FRM-23 with a body", send, refused(400, 405, 501))
    old = request(NAMED, method=b"CONNECT", target=b"example.test:80", version=b"HTTP/1.0", host=None)
    yield Row("FRM-23 in 1.0", old + BEHIND, refused(405, 501))
    hello = request(NAMED, method=b"CONNECT", target=b"example.test:443") + STRANGERS["tls hello"]
    yield Row("FRM-23 and a hello", hello, refused(405, 501))


def _stars() -> Iterator[Row]:
    own = Expectation(answers=(answered(200, 204, present=(b"allow",)),), closes=False)
    yield Row("FRM-24 options", request(NAMED, method=b"OPTIONS", target=b"*"), own)
    yield Row(
        "FRM-24 options and a request",
        request(NAMED, method=b"OPTIONS", target=b"*") + BEHIND,
        Expectation(
            answers=(answered(200, 204, present=(b"allow",)), answered(200)), requests=(Sent(),), closes=False
        ),
    )
    send = request(NAMED, b"Content-Length: 5", method=b"OPTIONS", target=b"*", body=b"hello")
    yield Row("FRM-24 options with a body", send, declined(200, 204, 400, 413))
    for method in (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH"):
        send = request(NAMED, method=method, target=b"*")
        to_head = (0,) if method == b"HEAD" else ()
        yield Row(f"FRM-24 {method.decode()}", send, declined(400), to_head=to_head)
    for name, target in {
        "two stars": b"**",
        "query": b"*?RUN00000",
        "path": b"*/RUN00000",
        "encoded": b"%2a",
    }.items():
        yield Row(f"FRM-24 options {name}", request(NAMED, method=b"OPTIONS", target=target), declined(400))
    secret = b"Cookie: session=RUN00000"
    for name, fields in {
        "plain": (secret,),
        "max-forwards 0": (secret, b"Max-Forwards: 0"),
        "max-forwards 5": (secret, b"Max-Forwards: 5"),
        "authorization": (b"Authorization: Bearer RUN00000",),
    }.items():
        yield Row(f"FRM-25 {name}", request(*fields, method=b"TRACE"), declined(405))
    send = request(secret, b"Content-Length: 5", method=b"TRACE", body=b"hello")
    yield Row("FRM-25 with a body", send, declined(400, 405))
    yield Row(
        "FRM-25 absolute",
        request(secret, method=b"TRACE", target=b"http://second.test/RUN00000"),
        declined(405),
    )


def _methods() -> Iterator[Row]:
    for name, method in ODD_METHODS.items():
        # what is a word in capitals is a method that is not known; of anything else one may doubt that it is one
        expect = (
            declined(501)
            if method.isalpha() and method.isupper() and len(method) < 32
            else declined(400, 501)
        )
        # RFC 9110 section 9.1 lets a proxy pass on what it does not know
        yield Row(f"FRM-26 {name}", request(method=method), expect, choice=True)
        send = request(b"Content-Length: 5", method=method, body=b"hello") + BEHIND
        both = attrs.evolve(
            expect, answers=(*expect.answers, answered(200)), requests=(Sent(),), closes=False
        )
        yield Row(f"FRM-26 {name} with a body", send, (expect, both), choice=True)
    for name, method in NO_METHODS.items():
        yield Row(f"FRM-26 {name}", request(method=method) + BEHIND, refused(400, 501))
    for size in (1024, 8192, 100_000):
        send = request(method=b"A" * size) + BEHIND
        yield Row(f"FRM-26 {size} letters", send, refused(400, 414, 431, 501))
    yield Row(
        "FRM-26 8192 letters and no end",
        b"A" * 8192,
        (refused(400, 408, 414, 431, 501), hung_up()),
        patience=15.0,
    )
    for method in KNOWN:
        either = (declined(501), declined(405), forwarded(Sent(method=method)))
        yield Row(f"FRM-26 {method.decode()}", request(method=method), either)
    tricks = {
        "x-http-method-override": b"X-HTTP-Method-Override: DELETE",
        "x-http-method": b"X-HTTP-Method: DELETE",
        "x-method-override": b"X-Method-Override: DELETE",
        "x-original-method": b"X-Original-Method: DELETE",
    }
    for name, field in tricks.items():
        expect = forwarded(Sent(method=b"POST", absent=(name.encode(),)))
        yield Row(f"FRM-27 {name}", request(field, method=b"POST"), expect, choice=True)
        yield Row(
            f"FRM-27 {name} get",
            request(field),
            forwarded(Sent(method=b"GET", absent=(name.encode(),))),
            choice=True,
        )
    target = PATH + b"?_method=DELETE"
    yield Row(
        "FRM-27 in the query",
        request(target=target, method=b"POST"),
        forwarded(Sent(method=b"POST", target=target)),
    )
    body = b"_method=DELETE"
    send = request(FORM, b"Content-Length: %d" % len(body), method=b"POST", body=body)
    yield Row("FRM-27 in a form", send, forwarded(Sent(method=b"POST", body=body)))


def _versions() -> Iterator[Row]:
    for name, (version, statuses) in VERSIONS.items():
        expect = refused(*statuses, version=b"HTTP/1.1")
        # of a higher minor version RFC 9110 section 2.5 lets a recipient read what it knows
        choice = name in {"1.2", "1.9"}
        yield Row(f"FRM-28 {name}", request(version=version) + BEHIND, expect, choice=choice)
        if name in {"0.9", "1.2", "2.0", "3.0", "9.9"}:
            send = request(b"Content-Length: 5", version=version, method=b"POST", body=b"hello") + BEHIND
            yield Row(f"FRM-28 {name} with a body", send, expect, choice=choice)
            send = request(b"Connection: keep-alive", version=version) + BEHIND
            yield Row(f"FRM-28 {name} keep-alive", send, expect, choice=choice)
    for name, line in FIRST_LINES.items():
        send = b"\r\n".join([line, HOST, NAMED, b"", b""]) + BEHIND
        # RFC 9112 section 3 lets a recipient take any white space for one blank
        choice = "blank" in name or "tab" in name or "feed" in name
        yield Row(f"FRM-28 line {name}", send, refused(400, 501, 505), choice=choice)
    old = forwarded(Sent(method=b"GET", target=PATH), closes=True)
    yield Row("FRM-28 sound 1.0", request(version=b"HTTP/1.0"), old)
    kept = forwarded(Sent(method=b"GET", target=PATH))
    yield Row(
        "FRM-28 sound 1.0 keep-alive", request(b"Connection: keep-alive", version=b"HTTP/1.0"), (kept, old)
    )
    post = request(b"Content-Length: 5", version=b"HTTP/1.0", method=b"POST", body=b"hello")
    yield Row(
        "FRM-28 sound 1.0 with a body", post, forwarded(Sent(body=b"hello", framing="length"), closes=True)
    )
    yield Row("FRM-28 sound close", request(b"Connection: close") + BEHIND, forwarded(Sent(), closes=True))
