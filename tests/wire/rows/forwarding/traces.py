"""FWD-09 and FWD-10: ids that a client brings along, for its request and for its trace."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Expectation, Row, Sent, answered, declined, forwarded
from tests.wire.rows.parts import BEHIND, request


SOUND_IDS: Final[Mapping[str, bytes]] = {
    # each in one row only: two answers with one id would have two lines in the log
    "one byte": b"7",
    "128 bytes": b"wire-" + b"a" * 123,
    "uuid": b"0af76519-16cd-43dd-8448-eb211c80319c",
    "every byte that may be": b"AZaz09._~:/+=@-",
    "base64": b"d2lyZQ+/==",
}

IDS: Final[Mapping[str, tuple[bytes, ...]]] = {
    # RUN00000 makes each its own
    "sound": (b"RUN00000-a",),
    "empty": (b"",),
    "quote": (b'RUN00000"',),
    "json": (b'RUN00000","level":"error","x":"',),
    "blanks": (b"RUN00000 a b",),
    "tab": (b"RUN00000\ta",),
    "129 bytes": (b"RUN00000" + b"a" * 121,),
    "8000 bytes": (b"RUN00000" + b"a" * 7992,),
    "list": (b"RUN00000-a, RUN00000-b",),
    "two fields": (b"RUN00000-a", b"RUN00000-b"),
    "two fields, the same": (b"RUN00000-a", b"RUN00000-a"),
    "two fields, one empty": (b"", b"RUN00000-a"),
    "encoded line end": (b"RUN00000%0d%0aX-Injected:%201",),
    "markup": (b"<script>RUN00000</script>",),
    "shell": (b"$(RUN00000)",),
    "backquotes": (b"`RUN00000`",),
    "semicolon": (b"RUN00000;a",),
    "backslash": (b"RUN00000\\n",),
    "utf-8": ("RUN00000\u2603".encode(),),
    "latin-1": (b"RUN00000\xe9",),
    "line separator": ("RUN00000\u2028a".encode(),),
    "template": (b"{{RUN00000}}",),
    "format": (b"%sRUN00000%n",),
}

BROKEN_IDS: Final[Mapping[str, bytes]] = {
    "escape": b"RUN00000\x1b[31m",
    "nul": b"RUN00000\x00",
    "carriage return": b"RUN00000\rX-Injected: 1",
    "line feed": b"RUN00000\nX-Injected: 1",
    "bell": b"RUN00000\x07",
    "delete": b"RUN00000\x7f",
}

TRACE: Final = b"0af7651916cd43dd8448eb211c80319c"
SPAN: Final = b"b7ad6b7169203331"
SOUND: Final = b"00-%b-%b-01" % (TRACE, SPAN)

PARENTS: Final[Mapping[str, bytes]] = {
    "sampled": SOUND,
    "not sampled": b"00-%b-%b-00" % (TRACE, SPAN),
    "unknown flags": b"00-%b-%b-ff" % (TRACE, SPAN),
    "later version": b"01-%b-%b-01" % (TRACE, SPAN),
    "later version with more": b"cc-%b-%b-01-what-will-come" % (TRACE, SPAN),
}

NO_PARENTS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "empty": (b"",),
    "word": (b"none",),
    "noughts for a trace": (b"00-%b-%b-01" % (b"0" * 32, SPAN),),
    "noughts for a span": (b"00-%b-%b-01" % (TRACE, b"0" * 16),),
    "version ff": (b"ff-%b-%b-01" % (TRACE, SPAN),),
    "upper case": (SOUND.upper(),),
    "one upper-case letter": (SOUND.replace(b"f", b"F", 1),),
    "no hexadecimal": (SOUND.replace(b"f", b"g", 1),),
    "trace too short": (b"00-%b-%b-01" % (TRACE[1:], SPAN),),
    "trace too long": (b"00-%b0-%b-01" % (TRACE, SPAN),),
    "span too short": (b"00-%b-%b-01" % (TRACE, SPAN[1:]),),
    "flags too long": (SOUND + b"1",),
    "flags too short": (SOUND[:-1],),
    "no flags": (SOUND[:-3],),
    "more than version 0 has": (SOUND + b"-more",),
    "dash behind": (SOUND + b"-",),
    "later version, no dash": (b"cc" + SOUND[2:] + b"x",),
    "one digit of a version": (SOUND[1:],),
    "underscores": (SOUND.replace(b"-", b"_"),),
    "no dashes": (SOUND.replace(b"-", b""),),
    "blank inside": (SOUND.replace(b"-", b" -", 1),),
    "blanks": (SOUND.replace(b"-", b" "),),
    "quoted": (b'"' + SOUND + b'"',),
    "comma behind": (SOUND + b",",),
    "list": (SOUND + b", " + SOUND,),
    "two fields": (SOUND, b"00-%b-%b-01" % (TRACE[::-1], SPAN)),
    "two fields, the same": (SOUND, SOUND),
    "fullwidth digit": (SOUND.replace(b"0", "\uff10".encode(), 1),),
    "latin-1": (SOUND + b"\xa0",),
    "8000 bytes": (b"a" * 8000,),
    "8000 bytes of a later version": (b"cc" + SOUND[2:] + b"-" + b"x" * 7900,),
    "markup": (b"00-<script>-%b-01" % SPAN,),
    "line end in words": (SOUND + b"%0d%0a",),
}

STATES: Final[Mapping[str, tuple[tuple[bytes, ...], bytes | None]]] = {
    # None: too much of it, and gone
    "several": ((b"a=1,b=2, c@d=3",), b"a=1,b=2, c@d=3"),
    "odd bytes of a value": ((b"a=!#$%&'()*+-./:;<>?@[]^_`{|}~",), b"a=!#$%&'()*+-./:;<>?@[]^_`{|}~"),
    "512 bytes": ((b"a=" + b"1" * 510,), b"a=" + b"1" * 510),
    "513 bytes": ((b"a=" + b"1" * 511,), None),
    "32 members": (
        (b",".join(b"k%d=1" % at for at in range(32)),),
        b",".join(b"k%d=1" % at for at in range(32)),
    ),
    "33 members": ((b",".join(b"k%d=1" % at for at in range(33)),), None),
    "7000 bytes": ((b"a=" + b"1" * 7000,), None),
    "33 members in 33 fields": (tuple(b"k%d=1" % at for at in range(33)), None),
}


def rows() -> Iterator[Row]:
    """FWD-09 and FWD-10."""
    yield from _ids()
    yield from _parents()
    yield from _baggage()


def _ids() -> Iterator[Row]:
    for name, values in IDS.items():
        lines = tuple(b"X-Request-Id: " + value for value in values)
        twice = forwarded(Sent(), Sent())
        yield Row(f"FWD-09 {name}", request(*lines) + request(*lines), twice, choice=True)
        if name != "sound":
            send = request(*lines) + request(*lines)
            yield Row(f"FWD-09 {name} of a trusted peer", send, twice, profile="trusting")
    for name, value in SOUND_IDS.items():
        one = Expectation(
            answers=(answered(200, fields={b"x-request-id": value}),),
            requests=(Sent(fields={b"x-request-id": value}),),
            closes=False,
        )
        send = request(b"X-Request-ID: " + value)
        yield Row(f"FWD-09 {name}, taken over from a trusted peer", send, one, profile="trusting")
    for name, value in BROKEN_IDS.items():
        for profile in ("plain", "trusting"):
            ending = " of a trusted peer" if profile == "trusting" else ""
            send = request(b"X-Request-Id: " + value) + BEHIND
            yield Row(f"FWD-09 {name}{ending}", send, declined(400), profile=profile)
    own = declined(404, 405, 400)
    send = request(b"X-Request-Id: RUN00000-forged", method=b"TRACE")
    yield Row("FWD-09 in an answer of the gateway", send, own)
    for name, field in {"underscores": b"X_Request_Id", "upper case": b"X-REQUEST-ID"}.items():
        hidden = forwarded(Sent(absent=(field,) if b"_" in field else ()), Sent())
        lines = (field + b": RUN00000-forged",)
        yield Row(f"FWD-09 {name}", request(*lines) + request(*lines), hidden, choice=True)


def _parents() -> Iterator[Row]:
    for name, value in PARENTS.items():
        fields = {b"traceparent": value, b"tracestate": b"a=1"}
        lines = (b"traceparent: " + value, b"tracestate: a=1")
        yield Row(f"FWD-10 {name}", request(*lines), forwarded(Sent(fields=fields)))
        yield Row(
            f"FWD-10 {name} of a trusted peer",
            request(*lines),
            forwarded(Sent(fields=fields)),
            profile="trusting",
        )
    lines = (b"TRACEPARENT: " + SOUND, b"TraceState: a=1")
    expect = forwarded(Sent(fields={b"traceparent": SOUND, b"tracestate": b"a=1"}))
    yield Row("FWD-10 in another case", request(*lines), expect)
    send = request(b"tracestate: a=1", b"tracestate: b=2", b"traceparent: " + SOUND)
    one = forwarded(Sent(fields={b"traceparent": SOUND, b"tracestate": b"a=1,b=2"}))
    two = forwarded(Sent(fields={b"traceparent": SOUND, b"tracestate": (b"a=1", b"b=2")}))
    yield Row("FWD-10 state in two fields, before its parent", send, (one, two))
    for name, values in NO_PARENTS.items():
        # the state belongs to the trace that is lost: who drops it has begun a new one
        send = request(*(b"traceparent: " + value for value in values), b"tracestate: a=1")
        fresh = forwarded(Sent(absent=(b"tracestate",)))
        yield Row(f"FWD-10 no parent, {name}", send, fresh, choice=True)
    yield Row(
        "FWD-10 state alone",
        request(b"tracestate: a=1"),
        forwarded(Sent(absent=(b"tracestate",))),
        choice=True,
    )
    for name, (values, state) in STATES.items():
        send = request(b"traceparent: " + SOUND, *(b"tracestate: " + value for value in values))
        fields = {b"traceparent": SOUND, **({} if state is None else {b"tracestate": state})}
        absent = (b"tracestate",) if state is None else ()
        expect = forwarded(Sent(fields=fields, absent=absent))
        yield Row(f"FWD-10 state of {name}", send, expect, choice=state is None)
    send = request(b"trace_parent: " + SOUND, b"TRACE_STATE: a=1")
    gone = forwarded(Sent(absent=(b"trace_parent", b"trace_state")))
    yield Row("FWD-10 with underscores", send, gone, choice=True)


def _baggage() -> Iterator[Row]:
    sound = b"user=alice,tier=gold;ttl=1, x=%20%2C"
    expect = forwarded(Sent(fields={b"baggage": sound}))
    yield Row("FWD-10 baggage", request(b"baggage: " + sound), expect)
    two = forwarded(Sent(fields={b"baggage": (b"a=1", b"b=2")}))
    yield Row("FWD-10 baggage in two fields", request(b"baggage: a=1", b"baggage: b=2"), two)
    large = b"baggage: a=" + b"1" * 7900
    # W3C Baggage: 64 members and 8192 bytes are what everybody has to carry
    dropped = (forwarded(Sent(absent=(b"baggage",))), declined(400, 431))
    for count in (2, 7):
        send = request(*(large,) * count)
        yield Row(f"FWD-10 baggage of {count * 8} KB in {count} fields", send, dropped, choice=True)
    send = request(*(large,) * 9)
    yield Row("FWD-10 baggage of 72 KB", send, dropped)
    members = b"baggage: " + b",".join(b"k%d=1" % at for at in range(500))
    yield Row("FWD-10 baggage of 500 members", request(members), dropped, choice=True)
    whole = request(b"baggage: a=" + b"1" * 8192)
    yield Row("FWD-10 baggage of more than a field", whole, dropped, choice=True)
    other = request(
        b"b3: 1", b"X-B3-TraceId: " + TRACE, b"uber-trace-id: a:b:0:1", b"traceparent: x", b"tracestate: a=1"
    )
    yield Row(
        "FWD-10 other traces beside one that is none",
        other,
        forwarded(Sent(absent=(b"tracestate",))),
        choice=True,
    )
