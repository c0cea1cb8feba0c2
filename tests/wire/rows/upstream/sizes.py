"""UPS-07: heads of answers that are large, too large, or have no end."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Pause, Row, reply
from tests.wire.rows.parts import request
from tests.wire.rows.upstream.answers import HOLD, MARK, bad, kept, passed, told


def _many(count: int, size: int = 1) -> tuple[bytes, ...]:
    return tuple(b"X-%d: %b" % (number, b"v" * size) for number in range(count))


ENDLESS: Final[Mapping[str, bytes]] = {
    "reason": b"HTTP/1.1 200 " + b"x" * 300_000,
    "status": b"HTTP/1.1 " + b"2" * 300_000,
    "version": b"HTTP/1." + b"1" * 300_000,
    "name": b"HTTP/1.1 200 OK\r\n" + b"X" * 300_000,
    "value": b"HTTP/1.1 200 OK\r\nX-Two: " + b"v" * 300_000,
    "blanks before a value": b"HTTP/1.1 200 OK\r\nX-Two:" + b" " * 300_000,
    "blanks behind a value": b"HTTP/1.1 200 OK\r\nX-Two: v" + b" " * 300_000,
    "small fields": b"HTTP/1.1 200 OK\r\n" + b"X-Two: 2\r\n" * 30_000,
    "empty fields": b"HTTP/1.1 200 OK\r\n" + b"X:\r\n" * 60_000,
    "cookies": b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=1\r\n" * 20_000,
    "dropped fields": b"HTTP/1.1 200 OK\r\n" + b"Keep-Alive: 1\r\n" * 20_000,
    "blank lines first": b"\r\n" * 150_000,
}


def rows() -> Iterator[Row]:
    """UPS-07."""
    for name, fields in {
        "8000 bytes": (b"X-Two: " + b"v" * 8_000,),
        "two of 8000 bytes": (b"X-Two: " + b"v" * 8_000, b"X-Three: " + b"v" * 8_000),
        "a name of 200 bytes": (b"X" * 200 + b": 1",),
        "60 KB in all": _many(30, 2_000),
    }.items():
        value = fields[0].partition(b": ")
        expect = passed(fields={value[0]: value[2]})
        yield Row(f"UPS-07 sound {name}", request(), expect, replies=reply(told(b"ok", *fields)))
    for count in (50, 90, 98):
        yield Row(
            f"UPS-07 sound {count} fields",
            request(),
            passed(present=(b"x-%d" % (count - 1),)),
            replies=reply(told(b"ok", *_many(count))),
        )
    for name, size in {"9 KiB": 9 << 10, "16 KiB": 16 << 10, "60 KB": 60_000}.items():
        # an agent of such a size is wrong, a policy for content may be right: the whole head is bounded in any case
        either = (passed(fields={b"x-two": b"v" * size}), bad(held=False))
        yield Row(
            f"UPS-07 a field of {name}",
            request(),
            either,
            replies=reply(told(b"ok", b"X-Two: " + b"v" * size)),
            choice=True,
        )
    for count in (129, 200, 1_000, 10_000):
        yield Row(f"UPS-07 {count} fields", request(), bad(), replies=kept(told(b"ok", *_many(count))))
        same = (b"Set-Cookie: a=1",) * count
        yield Row(f"UPS-07 {count} cookies", request(), bad(), replies=kept(told(b"ok", *same)))
    for name, fields in {
        "one of 70 KB": (b"X-Two: " + b"v" * 70_000,),
        "one of 1.6 MB": (b"X-Two: " + b"v" * 1_600_000,),
        "100 of 800 bytes": _many(100, 800),
        "120 of 8000 bytes": _many(120, 8_000),
        "10 of 7000 bytes": _many(10, 7_000),
        "a name of 70 KB": (b"X" * 70_000 + b": 1",),
        "fields of the hop": (b"Keep-Alive: " + b"v" * 70_000,),
        "what Connection names": (b"Connection: x-two", b"X-Two: " + b"v" * 70_000),
    }.items():
        yield Row(
            f"UPS-07 {name}",
            request(),
            bad(),
            replies=kept(told(b"ok", *fields)),
            choice="hop" in name or "Connection" in name,
        )
        data = told(b"ok", *fields)
        half = len(data) // 2
        parts = reply(data[:half], Pause(0.05), data[half:], HOLD)
        yield Row(
            f"UPS-07 {name}, in two parts",
            request(),
            bad(),
            replies=parts,
            choice="hop" in name or "Connection" in name,
        )
    for name, data in ENDLESS.items():
        yield Row(f"UPS-07 {name} without an end", request(), bad(), replies=kept(data))
    flood = b"HTTP/1.1 200 OK\r\n" + MARK + b"\r\n" + b"X-Two: " + b"v" * (16 << 20)
    yield Row(
        "UPS-07 16 MiB without an end",
        request(),
        bad(),
        replies=kept(flood),
        alone=True,
        grows=4 << 20,
        calm=0.2,
    )
