"""HOP-09 and HOP-12: requests that go round in circles, and those that may go no further."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Expectation, Row, Sent, answered, declined, forwarded
from tests.wire.rows.parts import BEHIND, PATH, request


SELF: Final = b"1.1 gatekeeper"

LOOPS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "five fields": (b"Via: " + SELF,) * 5,
    "one field": (b"Via: " + b", ".join([SELF] * 5),),
    "one field without blanks": (b"Via: " + b",".join([SELF] * 5),),
    "two fields": (b"Via: " + b", ".join([SELF] * 3), b"Via: " + b", ".join([SELF] * 2)),
    "others between": (b"Via: " + b", 1.1 other, ".join([SELF] * 5),),
    "in 1.0": (b"Via: " + b", ".join([b"1.0 gatekeeper"] * 5),),
    "the protocol told": (b"Via: " + b", ".join([b"HTTP/1.1 gatekeeper"] * 5),),
    "with comments": (b"Via: " + b", ".join([b"1.1 gatekeeper (a)"] * 5),),
    "many more": (b"Via: " + b", ".join([SELF] * 100),),
    "nominated": (b"Via: " + b", ".join([SELF] * 5), b"Connection: via"),
    "name in lower case": (b"via: " + b", ".join([SELF] * 5),),
}

NO_LOOPS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "one": (SELF,),
    "four": (SELF,) * 4,
    "four in one field": (b", ".join([SELF] * 4),),
    "fifty of others": (b", ".join([b"1.1 other"] * 50),),
    "names that begin so": (b", ".join([b"1.1 gatekeeper-of-somebody"] * 5),),
    "names that end so": (b", ".join([b"1.1 the-gatekeeper"] * 5),),
    "one that is empty": (b"",),
    "what is none": (b"\xff\x80 , ;;",),
    "a comment": (b"1.1 a (gatekeeper gatekeeper gatekeeper gatekeeper gatekeeper gatekeeper)",),
}

FORWARDS: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "one": (b"1", b"0"),
    "two": (b"2", b"1"),
    "ten": (b"10", b"9"),
    "a hundred": (b"100", b"99"),
    "noughts before it": (b"007", b"6"),
}

NO_FORWARDS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "minus": (b"-1",),
    "plus": (b"+1",),
    "word": (b"many",),
    "empty": (b"",),
    "list": (b"1, 2",),
    "twice": (b"1", b"0"),
    "the same twice": (b"1", b"1"),
    "fraction": (b"1.5",),
    "hexadecimal": (b"0x1",),
    "underscore": (b"1_0",),
    "fullwidth": ("\uff11".encode(),),
    "thirty digits": (b"1" * 30,),
}


def rows() -> Iterator[Row]:
    """HOP-09 and HOP-12."""
    for name, lines in LOOPS.items():
        yield Row(f"HOP-09 {name}", request(*lines), declined(508, 502), choice=True)
    send = request(*LOOPS["one field"], b"Content-Length: 5", method=b"POST", body=b"hello")
    yield Row("HOP-09 with a body", send, declined(508, 502), choice=True)
    for name, values in NO_LOOPS.items():
        lines = tuple(b"Via: " + value for value in values)
        expect = forwarded(Sent(fields={b"via": (*values, SELF)}))
        yield Row(f"HOP-09 no loop, {name}", request(*lines), expect, choice=True)
    expect = forwarded(Sent(fields={b"via": (b"1.1 other", b"1.0 gatekeeper")}), closes=True)
    old = request(b"Via: 1.1 other", version=b"HTTP/1.0")
    yield Row("HOP-09 no loop, in 1.0", old, expect, choice=True)
    yield from _max_forwards()


def _max_forwards() -> Iterator[Row]:
    own = Expectation(answers=(answered(200, 204, present=(b"allow",)),), closes=False)
    zero = b"Max-Forwards: 0"
    body = (zero, b"Content-Length: 5")
    for name, send in {
        "nought": request(zero, method=b"OPTIONS"),
        "nought in lower case": request(b"max-forwards: 0", method=b"OPTIONS"),
        "noughts": request(b"Max-Forwards: 000", method=b"OPTIONS"),
        "nought with blanks": request(b"Max-Forwards:\t0 ", method=b"OPTIONS"),
        "nought and an absolute target": request(
            zero, method=b"OPTIONS", target=b"http://second.test/RUN00000"
        ),
        "nought, nominated": request(zero, b"Connection: max-forwards", method=b"OPTIONS"),
        "nought and a body": request(*body, method=b"OPTIONS", body=b"hello"),
        "nought for a whole server": request(zero, b"X-Run: RUN00000", method=b"OPTIONS", target=b"*"),
    }.items():
        yield Row(f"HOP-12 {name}", send, own, choice="absolute" not in name)
    both = Expectation(
        answers=(answered(200, 204, present=(b"allow",)), answered(200)), requests=(Sent(),), closes=False
    )
    yield Row("HOP-12 nought and another behind", request(zero, method=b"OPTIONS") + BEHIND, both)
    for name, (value, less) in FORWARDS.items():
        expect = forwarded(Sent(method=b"OPTIONS", fields={b"max-forwards": less}))
        yield Row(f"HOP-12 {name}", request(b"Max-Forwards: " + value, method=b"OPTIONS"), expect)
    for method in (b"GET", b"POST", b"PUT", b"DELETE"):
        expect = forwarded(Sent(method=method, target=PATH, fields={b"max-forwards": b"0"}))
        gone = forwarded(Sent(method=method, target=PATH, absent=(b"max-forwards",)))
        yield Row(f"HOP-12 nought and {method.decode()}", request(zero, method=method), (expect, gone))
    for name, values in NO_FORWARDS.items():
        lines = tuple(b"Max-Forwards: " + value for value in values)
        yield Row(f"HOP-12 {name}", request(*lines, method=b"OPTIONS"), declined(400), choice=True)
        gone = forwarded(Sent(absent=(b"max-forwards",)))
        expect = forwarded(Sent(fields={b"max-forwards": values}))
        yield Row(f"HOP-12 {name} and GET", request(*lines), (declined(400), gone, expect))
