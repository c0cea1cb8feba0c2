"""UPS-08 and UPS-09: first lines that are none, and bytes that may stand in no head."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Expectation, Row, Sent, answered, reply
from tests.wire.rows.framing.lines import AROUND, BAD_LINES, CONTROLS, SEPARATORS, SOUND_VALUES
from tests.wire.rows.parts import request
from tests.wire.rows.upstream.answers import HOLD, LATER, MARK, OK, answer, bad, closed, kept, passed, told


REST: Final = b"\r\n" + MARK + b"\r\nContent-Length: 2\r\n\r\nok"

BAD_VERSIONS: Final[Mapping[str, bytes]] = {
    "2.0": b"HTTP/2.0 200 OK",
    "2": b"HTTP/2 200 OK",
    "3.0": b"HTTP/3.0 200 OK",
    "0.9": b"HTTP/0.9 200 OK",
    "1.2": b"HTTP/1.2 200 OK",
    "1.9": b"HTTP/1.9 200 OK",
    "1.10": b"HTTP/1.10 200 OK",
    "01.1": b"HTTP/01.1 200 OK",
    "1.01": b"HTTP/1.01 200 OK",
    "11.1": b"HTTP/11.1 200 OK",
    "1": b"HTTP/1 200 OK",
    "1.": b"HTTP/1. 200 OK",
    ".1": b"HTTP/.1 200 OK",
    "1,1": b"HTTP/1,1 200 OK",
    "-1.1": b"HTTP/-1.1 200 OK",
    "1.1.1": b"HTTP/1.1.1 200 OK",
    "1.x": b"HTTP/1.x 200 OK",
    "none": b"HTTP 200 OK",
    "empty": b"HTTP/ 200 OK",
    "lower case": b"http/1.1 200 OK",
    "mixed case": b"Http/1.1 200 OK",
    "https": b"HTTPS/1.1 200 OK",
    "shoutcast": b"ICY 200 OK",
    "rtsp": b"RTSP/1.0 200 OK",
    "rtsp 1.1": b"RTSP/1.1 200 OK",
    "icecast": b"ICE/1.0 200 OK",
    "icecast 1.1": b"ICE/1.1 200 OK",
    "coffee": b"HTCPCP/1.0 200 OK",
    "h missing": b"TTP/1.1 200 OK",
    "h twice": b"HHTTP/1.1 200 OK",
    "blank before the slash": b"HTTP /1.1 200 OK",
    "blank behind the slash": b"HTTP/ 1.1 200 OK",
    "backslash": b"HTTP\\1.1 200 OK",
    "nothing but a status": b"200 OK",
    "fullwidth": "HTTP/\uff11.1 200 OK".encode(),
}

BAD_STATUSES: Final[Mapping[str, bytes]] = {
    "none": b"HTTP/1.1 OK",
    "nothing": b"HTTP/1.1",
    "a blank": b"HTTP/1.1 ",
    "two digits": b"HTTP/1.1 20 OK",
    "one digit": b"HTTP/1.1 2 OK",
    "four digits": b"HTTP/1.1 2000 OK",
    "ten digits": b"HTTP/1.1 4294967496 OK",
    "nought before": b"HTTP/1.1 0200 OK",
    "000": b"HTTP/1.1 000 Nothing",
    "001": b"HTTP/1.1 001 One",
    "099": b"HTTP/1.1 099 Almost",
    "600": b"HTTP/1.1 600 Beyond",
    "700": b"HTTP/1.1 700 Beyond",
    "999": b"HTTP/1.1 999 Request denied",
    "1000": b"HTTP/1.1 1000 Beyond",
    "plus": b"HTTP/1.1 +20 OK",
    "minus": b"HTTP/1.1 -20 OK",
    "letters": b"HTTP/1.1 2OO OK",
    "hexadecimal": b"HTTP/1.1 0xC8 OK",
    "fraction": b"HTTP/1.1 200.1 OK",
    "blank inside": b"HTTP/1.1 2 00 OK",
    "quoted": b'HTTP/1.1 "200" OK',
    "arabic digits": "HTTP/1.1 \u0662\u0660\u0660 OK".encode(),
    "reason without a blank": b"HTTP/1.1 200OK",
    "word": b"HTTP/1.1 two hundred",
    "two blanks before": b"HTTP/1.1  200 OK",
    "tab before": b"HTTP/1.1\t200 OK",
    "tab behind": b"HTTP/1.1 200\tOK",
    "nul before": b"HTTP/1.1 \x00200 OK",
    "nul behind": b"HTTP/1.1 200\x00OK",
    "no blank before": b"HTTP/1.1200 OK",
}

NOT_HTTP: Final[Mapping[str, bytes]] = {
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "smtp": b"220 mail.test ESMTP\r\n",
    "ftp": b"220 ready\r\n",
    "redis": b"-ERR unknown command\r\n",
    "mysql": b"J\x00\x00\x00\n8.0.36\x00",
    "tls alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "tls hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "h2 settings": b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64",
    "h2 goaway": b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
    "markup": b"<html><body>hello</body></html>",
    "json": b'{"status": 200}',
    "text": b"hello\r\n\r\n",
    "noughts": b"\x00" * 64,
    "all bytes": bytes(range(256)),
    "a request": b"GET /RUN00000/hidden HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "what was asked": b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "a websocket frame": b"\x81\x05hello",
    "proxy protocol": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n",
    "a chunk": b"5\r\nhello\r\n0\r\n\r\n",
    "fields without a first line": MARK + b"\r\nContent-Length: 2\r\n\r\nok",
    "byte order mark": b"\xef\xbb\xbf" + OK,
    "utf-16": "HTTP/1.1 200 OK\r\n\r\n".encode("utf-16"),
    "a blank first": b" " + OK,
    "a tab first": b"\t" + OK,
    "a nul first": b"\x00" + OK,
    "a letter first": b"x" + OK,
    "a cr first": b"\r" + OK,
    "the body of the answer before": b"rest" + OK,
    "a lf for each line end": OK.replace(b"\r\n", b"\n"),
    "a cr for each line end": OK.replace(b"\r\n", b"\r"),
    "a lf behind the first line": OK.replace(b"\r\n", b"\n", 1),
    "a cr behind the first line": OK.replace(b"\r\n", b"\r", 1),
    "a cr cr lf behind the first line": OK.replace(b"\r\n", b"\r\r\n", 1),
    "a lf for the blank line": OK.replace(b"\r\n\r\n", b"\r\n\n"),
    "a cr cr lf for the blank line": OK.replace(b"\r\n\r\n", b"\r\n\r\r\n"),
    "a nul for the blank line": OK.replace(b"\r\n\r\n", b"\r\n\x00\r\n"),
    "a blank in the blank line": OK.replace(b"\r\n\r\n", b"\r\n \r\n"),
    "a folded first line": b"HTTP/1.1 200\r\n OK" + REST,
    "a folded line behind the first": b"HTTP/1.1 200 OK\r\n X-Folded: 1" + REST,
}

BLANK_LINES: Final[Mapping[str, bytes]] = {"one": b"\r\n", "two": b"\r\n\r\n", "a bare lf": b"\n"}

SOUND_REASONS: Final[Mapping[str, bytes]] = {
    "another": b"Fine",
    "long": b"x" * 1000,
    "punctuation": b'<b>OK</b>; {it} is "so" \\ %s',
    "latin-1": b"\xc7a va",
    "utf-8": "\u00c7a va \u2603".encode(),
    "tab": b"O\tK",
    "blanks": b"  OK  ",
    "number": b"200",
    "a status line": b"HTTP/1.1 404 Not Found",
    "empty": b"",
}


def rows() -> Iterator[Row]:
    """UPS-08 and UPS-09."""
    yield from _first_lines()
    yield from _reasons()
    yield from _bytes()
    yield from _nothing_of_it()


def _first_lines() -> Iterator[Row]:
    for name, line in BAD_VERSIONS.items():
        yield Row(f"UPS-09 version {name}", request(), bad(), replies=kept(line + REST))
    for name, line in BAD_STATUSES.items():
        yield Row(f"UPS-09 status {name}", request(), bad(), replies=kept(line + REST))
    for name, data in NOT_HTTP.items():
        yield Row(f"UPS-09 {name}", request(), bad(held=False), replies=closed(data))
    for name in (
        "ssh",
        "tls alert",
        "h2 settings",
        "markup",
        "all bytes",
        "a request",
        "a lf for each line end",
    ):
        yield Row(f"UPS-09 {name}, and waits", request(), bad(), replies=kept(NOT_HTTP[name]))
    for name, lead in BLANK_LINES.items():
        # RFC 9112 section 2.2 lets a server pass over them, and says nothing of clients
        expect = (bad(held=False), passed())
        yield Row(f"UPS-09 blank lines first: {name}", request(), expect, replies=reply(lead + OK))
    # RFC 9112 section 4 wants the blank also where no reason follows; many forget it
    short = b"HTTP/1.1 200" + REST
    yield Row(
        "UPS-09 no blank behind the status", request(), (passed(), bad(held=False)), replies=reply(short)
    )
    old = b"HTTP/1.0 200 OK" + REST
    yield Row("UPS-09 sound 1.0", request(), passed(version=b"HTTP/1.1"), replies=reply(old))


def _reasons() -> Iterator[Row]:
    for name, reason in SOUND_REASONS.items():
        yield Row(
            f"UPS-08 sound reason {name}",
            request(),
            passed(),
            replies=reply(told(b"ok", line=b"HTTP/1.1 200 " + reason)),
        )
    for byte in CONTROLS:
        line = b"HTTP/1.1 200 O%cK" % byte
        yield Row(f"UPS-08 0x{byte:02x} in the reason", request(), bad(), replies=kept(line + REST))
    for name, raw in {
        "cr": b"\r",
        "lf": b"\n",
        "lf and a field": b"\nX-Evil: 1",
        "cr and a field": b"\rX-Evil: 1",
    }.items():
        line = b"HTTP/1.1 200 OK" + raw
        yield Row(f"UPS-08 {name} behind the reason", request(), bad(), replies=kept(line + b" K" + REST))


def _bytes() -> Iterator[Row]:
    def refused(name: str, *lines: bytes) -> Iterator[Row]:
        for place, head in {
            "first": (*lines, MARK, b"Content-Length: 2"),
            "last": (MARK, b"Content-Length: 2", *lines),
        }.items():
            data = b"\r\n".join((b"HTTP/1.1 200 OK", *head)) + b"\r\n\r\nok"
            yield Row(f"UPS-08 {name} {place}", request(), bad(), replies=kept(data))

    for name, (line, _) in BAD_LINES.items():
        yield from refused(name, line)
    for byte in CONTROLS:
        raw = bytes((byte,))
        yield from refused(f"0x{byte:02x} in a value", b"X-Two: a" + raw + b"b")
        yield from refused(f"0x{byte:02x} in a name", b"X-T" + raw + b"wo: 2")
    for name, raw in AROUND.items():
        for place, value in {"before": raw + b"a", "behind": b"a" + raw, "alone": raw}.items():
            yield Row(
                f"UPS-08 {name} {place} a value",
                request(),
                bad(),
                replies=kept(told(b"ok", b"X-Two: " + value)),
            )
    for byte in SEPARATORS:
        line = b"X%cTwo: 2" % byte
        yield Row(f"UPS-08 {chr(byte)} in a name", request(), bad(), replies=kept(told(b"ok", line)))
    for name, line in {
        "latin-1": b"X-\xe9: 1",
        "utf-8": "X-\u00e9: 1".encode(),
        "no-break space": b"\xa0X-Two: 2",
    }.items():
        yield Row(f"UPS-08 {name} in a name", request(), bad(), replies=kept(told(b"ok", line)))
    for name, value in SOUND_VALUES.items():
        expect = passed(fields={b"x-two": value})
        yield Row(f"UPS-08 sound {name}", request(), expect, replies=reply(told(b"ok", b"X-Two: " + value)))
    tokens = b"!#$%&'*+-.^_`|~0aZ"
    expect = passed(fields={tokens: b"1"})
    yield Row(
        "UPS-08 sound every byte of a name", request(), expect, replies=reply(told(b"ok", tokens + b": 1"))
    )
    for name, value in {"blanks": b"  a  ", "tabs": b"\ta\t", "both": b" \t a \t ", "nothing": b"a"}.items():
        expect = passed(fields={b"x-two": b"a"})
        yield Row(
            f"UPS-08 sound {name} around a value",
            request(),
            expect,
            replies=reply(told(b"ok", b"X-Two:" + value)),
        )


def _nothing_of_it() -> Iterator[Row]:
    """What the gateway says instead is its own, whatever the instance had said before the fault."""
    told_before = answer(b"Set-Cookie: a=1", b"X-Secret: RUN00000", b"X-Two: \x00", body=b"RUN00000")
    own = answered(
        502,
        fields={b"content-type": b"application/problem+json"},
        absent=(b"set-cookie", b"x-secret", b"x-origin", b"connection"),
    )
    expect = Expectation(answers=(own,), requests=(Sent(cut=True),), closes=False)
    yield Row("UPS-08 nothing of it passes", request(), expect, replies=kept(told_before))
    late = reply(told_before[:60], LATER, told_before[60:], HOLD)
    yield Row("UPS-08 nothing of it passes, however it is cut", request(), expect, replies=late)
    drops = tuple(step for at in range(len(told_before)) for step in (told_before[at : at + 1], LATER))[:240]
    yield Row(
        "UPS-08 nothing of it passes, byte by byte",
        request(),
        expect,
        replies=reply(*drops, HOLD),
        patience=10.0,
    )
    to_head = Expectation(answers=(own,), requests=(Sent(cut=True),), closes=False)
    yield Row(
        "UPS-08 nothing of it passes to HEAD",
        request(method=b"HEAD"),
        to_head,
        replies=kept(told_before),
        to_head=(0,),
    )
    behind = request() + request(target=b"/RUN00000/behind")
    both = Expectation(answers=(own, answered(200)), requests=(Sent(cut=True), Sent()), closes=False)
    yield Row("UPS-08 the next request is answered", behind, both, replies=kept(told_before))
