"""The bytes of a client, judged: what the instance has got is what every parser understands, or it has got nothing.

The oracle, in its order:

1. the client's answers are strict HTTP/1.1, one for each request that was read, in their order
2. the instance's bytes are strict HTTP/1.1, read alike by all referees, and are the requests that the front understood
3. of the client's own bytes no referee understands another number of messages, or another body, than the front
4. what was refused or not whole never reaches the instance as a whole request
5. the next client, and the next request, get their own answers, and nothing is left behind
6. all of this is the same however the bytes were divided
"""

import contextlib
import enum
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from gatekeeper.core.tunnel import Upgrades
from tests.fuzz import rfc
from tests.fuzz.judging import Outcome, alike, divisions, failures, wrong_with_rest
from tests.fuzz.memory import Arriving, Memory, Taken, settle
from tests.wire.messages import Field, Message, Reader, WrongError
from tests.wire.parsers import BEHIND, REFEREES, Parsed, disagreements


class Behaviour(enum.Enum):
    """How the instance answers."""

    LENGTH = "with a length"
    CHUNKED = "in chunks"
    CLOSE = "to the end of the connection"
    EARLY = "before it has read the body"
    EARLY_CLOSE = "before it has read the body, and hangs up"


@attrs.frozen
class Case:
    """What is tried."""

    raw: bytes
    behaviour: Behaviour = Behaviour.LENGTH
    cuts: tuple[int, ...] = ()
    """Positions at which the bytes are divided, beside in one piece and byte by byte."""
    lost: bool = False
    """The client goes without a word in the end, and does not hang up first."""
    upgrades: bool = False
    """The route lets connections switch protocols; the instance does not."""


@attrs.define
class Seen:
    """What has come of it, divided in one way."""

    memory: Memory
    raw: bytes
    """What the client sent; a request behind it, where it had been answered so far."""
    answers: list[Message]
    """Interim ones included."""
    wrong: str
    """Why what the client got is not HTTP."""
    ended: str
    """How the gateway has ended the connection by itself."""
    state: str


CANARY: Final = b"GET /canary HTTP/1.1\r\nHost: canary.test\r\n\r\n"
_UPGRADES: Final = Upgrades(frozenset({"websocket", "chat"}))
_HOP: Final = frozenset(
    {
        *(b"keep-alive", b"proxy-connection", b"proxy-authorization", b"trailer", b"http2-settings"),
        *(b"x-real-ip", b"x-user-id", b"remote-user", b"x-original-url", b"x-http-method-override"),
    }
)
"""What the instance never gets from a client that is not trusted."""
_OURS: Final = frozenset(
    {
        *(b"host", b"via", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"traceparent"),
        *(b"x-request-id", b"content-length", b"transfer-encoding", b"expect", b"connection", b"te", b"upgrade"),
        *(b"tracestate", b"max-forwards"),
    }
)
"""What the gateway writes by itself."""
_ENDS_EARLY: Final = frozenset({"the standard library"})
"""For whom the end of what has come is the end of a head, and of a body."""
_SWITCHES: Final = frozenset({"httptools"})
"""For whom what stands behind a head that asks to switch protocols is no body, but that protocol."""
_VARYING: Final = frozenset({b"x-request-id", b"date", b"expect"})
"""What differs from run to run, or depends on what has come so far."""


def answer(behaviour: Behaviour, head: Message) -> bytes:
    """What the instance says."""
    body = b"origin " + head.target
    line = b"HTTP/1.1 200 OK\r\nX-Origin: yes\r\n"
    if behaviour is Behaviour.CHUNKED:
        line += b"Transfer-Encoding: chunked\r\n"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    elif behaviour in {Behaviour.CLOSE, Behaviour.EARLY_CLOSE}:
        line += b"Connection: close\r\n"
    else:
        line += b"Content-Length: %d\r\n" % len(body)
    return line + b"\r\n" + (b"" if head.method == b"HEAD" else body)


def _origin(behaviour: Behaviour, *, upgrades: bool) -> Memory:
    def speak(arriving: Arriving, head: Message) -> None:
        arriving.say(answer(behaviour, head))
        if behaviour in {Behaviour.CLOSE, Behaviour.EARLY_CLOSE}:
            arriving.hang_up()

    allowed = _UPGRADES if upgrades else None
    if behaviour in {Behaviour.EARLY, Behaviour.EARLY_CLOSE}:
        return Memory(on_head=speak, upgrades=allowed)
    return Memory(on_request=speak, upgrades=allowed)


async def run(case: Case, pieces: Sequence[bytes]) -> Seen:
    """Send the pieces; if all of them have been answered, one more request; and go."""
    memory = _origin(case.behaviour, upgrades=case.upgrades)
    front = memory.front
    transport, protocol = front.connect()
    await transport.feed(pieces)
    raw = case.raw
    state = "part"
    if transport.ended:
        state = "closed"
    elif protocol.is_idle:
        state = "idle"
        raw += CANARY
        await transport.feed([CANARY])
    ended = transport.ended
    if case.lost:
        await transport.lose()
    else:
        await transport.finish()
        if not transport.ended:
            await transport.lose()  # it is waiting for an answer that does not come
    reader = Reader(answers=True, to_head=[n for n, one in enumerate(front.handled) if one.exchange.request.method == "HEAD"])
    wrong = ""
    answers: list[Message] = []
    try:
        answers = reader.feed(bytes(transport.written))
        if (last := reader.end()) is not None:
            answers.append(last)
        if reader.rest:
            wrong = f"bytes that are no answer: {reader.rest[:200]!r}"
    except WrongError as error:
        wrong = f"{error} in {bytes(transport.written)[:2000]!r}"
    return Seen(memory, raw, answers, wrong, ended, state)


async def judge(case: Case) -> Outcome:
    """Try it in one piece, divided, and byte by byte."""
    raw = case.raw
    with failures() as failed:
        whole = await run(case, [raw])
        finds, kind = _against(case, whole), _kind(whole)
        expected, may_differ = verdict(whole), _may_differ(case, whole)
        if what := await _canary(whole.memory):
            finds.append(what)
        if not finds:
            for name, pieces in divisions(raw, case.cuts):
                other = await run(case, pieces)
                found = verdict(other)
                if found != expected and not may_differ:
                    finds.append(f"{name} it is {_difference(expected, found)}")
                elif what := _left(other):
                    finds.append(f"{name} {what}")
    return Outcome(kind, tuple([*finds, *failed]))


# ---- the verdict, which no division may change --------------------------------------------------------------------------

Verdict = tuple[str, tuple[object, ...], tuple[object, ...]]


def verdict(seen: Seen) -> Verdict:
    """How it has ended, the answers, and the requests that the instance has got."""
    answers = tuple(
        (one.status, one.framing, one.complete, b"close" in one.tokens(b"connection"))
        for one in seen.answers
        if one.status >= 200
    )
    requests = tuple(
        (one.line, _steady(one.fields), one.body, one.framing) for one in seen.memory.requests
    )
    return f"{seen.state} {seen.wrong}", answers, requests


def _steady(fields: Sequence[Field]) -> tuple[Field, ...]:
    return tuple((name, value) for name, value in fields if name.lower() not in _VARYING)


def _may_differ(case: Case, seen: Seen) -> bool:
    """An answer before the body makes it a question of time what else is seen of it, and whether the connection goes on."""
    early = case.behaviour in {Behaviour.EARLY, Behaviour.EARLY_CLOSE}
    by_itself = any(one.taken is not None and not one.taken.forwarded for one in seen.memory.front.handled)
    return early or by_itself


def _difference(expected: Verdict, found: Verdict) -> str:
    return next(
        f"{name} {second!r}, not {first!r}"
        for name, first, second in zip(("state", "answers", "requests"), expected, found, strict=True)
        if first != second
    )


def _kind(seen: Seen) -> str:
    finals = [one.status for one in seen.answers if one.status >= 200]
    if seen.state == "idle":
        finals.pop()  # of the request behind it
    refusals = [status for status in finals if status != 200]
    if refusals:
        return f"refused {refusals[0]}" + (" behind good ones" if len(finals) > 1 else "")
    if seen.state == "part":
        return "never whole" + (" behind good ones" if finals else "")
    return f"answered {min(len(finals), 3)}{'+' if len(finals) > 3 else ''}"


# ---- the judgement ------------------------------------------------------------------------------------------------------


def _against(case: Case, seen: Seen) -> list[str]:
    finds = []
    if seen.wrong:
        finds.append(f"the client got what is not HTTP: {seen.wrong}")
    finds += _answers(case, seen)
    finds += _requests(case, seen)
    start = 0
    for taken in seen.memory.front.taken:
        if taken.end is not None:
            finds += _misread(taken, seen.raw[start : taken.end])
            start = taken.end
    if seen.state == "part":
        finds += _seen_whole(seen.raw[start:])
    if what := _left(seen):
        finds.append(what)
    return finds


def _left(seen: Seen) -> str:
    """What is wrong behind it all."""
    memory = seen.memory
    if memory.left:
        return f"there is left: {memory.left}"
    for arriving in memory.arriving:
        if what := wrong_with_rest(arriving):
            return what
    return ""


def _answers(case: Case, seen: Seen) -> list[str]:
    handled = seen.memory.front.handled
    finals = [one for one in seen.answers if one.status >= 200]
    if len(finals) > len(handled):
        return [f"{len(finals)} answers to {len(handled)} requests"]
    finds = []
    if len(finals) < len(handled):
        # only the last may have none, and only where the client has gone before it was whole
        if len(finals) < len(handled) - 1 or seen.ended in {"fin", "half"}:
            finds.append(f"{len(finals)} answers to {len(handled)} requests")
    for number, (one, final) in enumerate(zip(handled, finals, strict=False)):
        request = one.exchange.request
        told = bool(final.all(b"x-origin"))
        if final.status == 500:
            finds.append(f"answer {number + 1} is 500")
        if len(final.all(b"x-request-id")) != 1 or final.all(b"x-request-id")[0].decode() != one.exchange.id:
            finds.append(f"answer {number + 1} is not that of its request")
        if one.error is not None:
            if told or final.status < 400 or b"close" not in final.tokens(b"connection") or number != len(finals) - 1:
                finds.append(f"a refusal that is none: {final.raw[:300]!r}")
        elif told and final.complete and request.method != "HEAD" and final.body != b"origin " + request.target:
            finds.append(f"answer {number + 1} is that of another request: {final.body!r}")
        elif one.taken is not None and one.taken.forwarded and one.taken.end is not None and not told:
            finds.append(f"answer {number + 1} should come from the instance: {final.raw[:300]!r}")
    return finds


def _requests(case: Case, seen: Seen) -> list[str]:
    """What the instance has got, and what it should have got."""
    memory = seen.memory
    finds = [f"the instance got what is not HTTP: {one.wrong} {one.rest[:500]!r}" for one in memory.arriving if one.wrong]
    wanted = [one for one in memory.front.taken if one.forwarded and one.end is not None]
    if len(wanted) != len(memory.requests):
        if not (case.behaviour in {Behaviour.EARLY, Behaviour.EARLY_CLOSE} and len(memory.requests) < len(wanted)):
            finds.append(f"the instance got {len(memory.requests)} requests, and {len(wanted)} were understood")
        return finds
    for taken, message in zip(wanted, memory.requests, strict=True):
        finds += _unlike(taken, message)
        finds += [f"the referees disagree about {message.raw[:1000]!r}: {what}" for what in disagreements(message)]
    return finds


def _unlike(taken: Taken, message: Message) -> list[str]:
    """In what the instance has got another request than the front has read."""
    request = taken.exchange.request
    finds = []
    pairs: Mapping[str, tuple[object, object]] = {
        "method": (taken.method, message.method),
        "target": (request.target, message.target),
        "body": (taken.body, message.body),
        "Host": ((request.authority,), message.all(b"host")),
    }
    for name, (ours, theirs) in pairs.items():
        if ours != theirs:
            finds.append(f"another {name}: {theirs!r}, not {ours!r}")
    came = [alike(field) for field in taken.fields]
    nominated = _options(came)
    for name, value in ((name.lower(), value) for name, value in message.fields):
        if name in _HOP:
            finds.append(f"{name.decode()} got through")
        elif name in nominated - _OURS:
            finds.append(f"{name.decode()} was nominated and got through")
        elif name not in _OURS and (name, value) not in came:
            finds.append(f"a field that nobody sent: {name!r}: {value!r}")
    return finds


# ---- the client's own bytes ---------------------------------------------------------------------------------------------


def _misread(taken: Taken, piece: bytes) -> list[str]:
    """Who reads something else than the front in a piece of the client's bytes; whoever refuses it does no harm."""
    finds = []
    fields = tuple(map(alike, taken.fields))
    options = _options(fields)
    # with these the connection ends, or changes, behind it
    alone = bool(options & {b"close", b"upgrade"}) or taken.exchange.request.version != "1.1"
    ours = Parsed(taken.method, taken.target, fields, taken.body or b"")
    try:
        read = [rfc.request(piece)]
    except rfc.AgainstTheRfcError as error:
        finds.append(f"it was taken against the RFC: {error} in {piece[:1000]!r}")
    else:
        if what := _other(read, ours, alone=True, checks_body=taken.forwarded):
            finds.append(f"by the RFC it is {what} in {piece[:1000]!r}")
    for name, referee in REFEREES.items():
        if b"upgrade" in options and name in _SWITCHES:
            continue
        with contextlib.suppress(Exception):  # whatever a parser raises is a refusal
            read = referee(piece if alone else piece + BEHIND)
            if what := _other(read, ours, alone=alone, checks_body=taken.forwarded):
                finds.append(f"{name} reads {what} in {piece[:1000]!r}")
    return finds


def _seen_whole(rest: bytes) -> list[str]:
    """Who reads a whole request in what the front waits for the rest of."""
    finds = []
    for name, referee in REFEREES.items():
        if name in _ENDS_EARLY or name in _SWITCHES:
            continue
        with contextlib.suppress(Exception):
            if read := referee(rest):
                finds.append(f"{name} sees a whole request where the front waits: {read[0]!r}")
    return finds


def _options(fields: Sequence[Field]) -> frozenset[bytes]:
    """What `Connection` says, in lower case."""
    values = b",".join(value for name, value in fields if name == b"connection")
    return frozenset(option.strip(b" \t") for option in values.lower().split(b","))


def _other(read: Sequence[Parsed], ours: Parsed, *, alone: bool, checks_body: bool) -> str:
    count = 1 if alone else 2
    if len(read) != count:
        return f"{len(read)} messages, not {count}"
    first = read[0]
    if first.method != ours.method:
        return f"method {first.method!r}, not {ours.method!r}"
    if first.target != ours.target:
        return f"target {first.target!r}, not {ours.target!r}"
    if checks_body and first.body != ours.body:
        return f"body {first.body!r}, not {ours.body!r}"
    # trailers may stand behind them
    if first.fields[: len(ours.fields)] != ours.fields:
        return f"fields {first.fields!r}, not {ours.fields!r}"
    if not alone and (read[1].method, read[1].target, read[1].body) != (b"GET", b"/behind", b""):
        return f"{read[1]!r} behind it"
    return ""


async def _canary(memory: Memory) -> str:
    """Another client through the same gateway."""
    memory.on_head = None
    memory.on_request = lambda arriving, head: arriving.say(answer(Behaviour.LENGTH, head))
    transport, _ = memory.front.connect()
    await transport.feed([CANARY])
    written = bytes(transport.written)
    await transport.lose()
    await settle()
    if not written.startswith(b"HTTP/1.1 200 OK\r\n") or not written.endswith(b"\r\n\r\norigin /canary"):
        return f"the next client got {written[:300]!r}"
    return ""
