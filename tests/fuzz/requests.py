"""The bytes of a client, judged: what the instance has got is what every parser understands, or it has got nothing.

The oracle, in its order:

1. the client's answers are strict HTTP/1.1, one for each request that was read, in their order
2. the instance's bytes are strict HTTP/1.1, read alike by all referees, and are the requests that the front understood
3. of the client's own bytes no referee understands another number of messages, or another body, than the front
4. what was refused or not whole never reaches the instance as a whole request
5. the next client, and the next request, get their own answers, and nothing is left behind
6. all of this is the same however the bytes were divided
"""

import enum
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import attrs

from gatekeeper.core.tunnel import Upgrades
from gatekeeper.edge.settings import EdgeSettings
from tests.fuzz import smuggling
from tests.fuzz.judging import Outcome, alike, divisions, failures, wrong_with_rest
from tests.fuzz.memory import CLIENT, Arriving, Memory, Taken, settle
from tests.wire.messages import Field, Message, Reader, WrongError
from tests.wire.parsers import disagreements


class Behaviour(enum.Enum):
    """How the instance answers."""

    LENGTH = "with a length"
    CHUNKED = "in chunks"
    CLOSE = "to the end of the connection"
    EARLY = "before it has read the body"
    EARLY_CLOSE = "before it has read the body, and hangs up"


Client = Literal["stranger", "proxy", "underscores"]
"""Nobody that is known, a proxy that is trusted, or one whose fields may have `_` in their names."""


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
    holds: bool = False
    """The gateway takes all of a body before it sends it on."""
    client: Client = "stranger"


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
_SETTINGS: Final[Mapping[Client, EdgeSettings]] = {
    "stranger": EdgeSettings(),
    "proxy": EdgeSettings(networks=(ipaddress.ip_network(f"{CLIENT}/32"),)),
    "underscores": EdgeSettings(underscore_headers="keep"),
}
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
        *(
            b"x-request-id",
            b"content-length",
            b"transfer-encoding",
            b"expect",
            b"connection",
            b"te",
            b"upgrade",
        ),
        *(b"tracestate", b"max-forwards", b"forwarded"),
    }
)
"""What the gateway writes by itself."""
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


def _origin(case: Case) -> Memory:
    behaviour = case.behaviour

    def speak(arriving: Arriving, head: Message) -> None:
        arriving.say(answer(behaviour, head))
        if behaviour in {Behaviour.CLOSE, Behaviour.EARLY_CLOSE}:
            arriving.hang_up()

    early = behaviour in {Behaviour.EARLY, Behaviour.EARLY_CLOSE}
    return Memory(
        on_head=speak if early else None,
        on_request=None if early else speak,
        upgrades=_UPGRADES if case.upgrades else None,
        # places are counted, so that each has its own
        settings=attrs.evolve(_SETTINGS[case.client], concurrency=EdgeSettings().concurrency),
        holds=case.holds,
    )


async def run(case: Case, pieces: Sequence[bytes]) -> Seen:
    """Send the pieces; if all of them have been answered, one more request; and go."""
    memory = _origin(case)
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
    reader = Reader(
        answers=True,
        to_head=[n for n, one in enumerate(front.handled) if one.exchange.request.method == "HEAD"],
    )
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
        expected = verdict(whole)
        if what := await _canary(whole.memory):
            finds.append(what)
        if not finds:
            for name, pieces in divisions(raw, case.cuts):
                other = await run(case, pieces)
                found = verdict(other)
                if found != expected and not (_may_differ(case, whole) or _may_differ(case, other)):
                    finds.append(f"{name} it is {_difference(expected, found)}")
                elif what := _left(other):
                    finds.append(f"{name} {what}")
    return Outcome(kind, (*finds, *failed))


# ---- the verdict, which no division may change --------------------------------------------------------------------------

Verdict = tuple[str, tuple[object, ...], tuple[object, ...]]


def verdict(seen: Seen) -> Verdict:
    """How it has ended, the answers, and the requests that the instance has got."""
    answers = tuple(
        (one.status, one.framing, one.complete, b"close" in one.tokens(b"connection"))
        for one in seen.answers
        if one.status >= 200
    )
    requests = tuple((one.line, _steady(one.fields), one.body, one.framing) for one in seen.memory.requests)
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
            finds += smuggling.misread(taken, seen.raw[start : taken.end])
            start = taken.end
    if seen.state == "part":
        finds += smuggling.seen_whole(seen.raw[start:])
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
    missing = len(handled) - len(finals)
    # only the last may have none, and only where the client has gone before it was whole
    if missing > 1 or (missing and seen.ended in {"fin", "half"}):
        finds.append(f"{len(finals)} answers to {len(handled)} requests")
    for number, (one, final) in enumerate(zip(handled, finals, strict=False)):
        request = one.exchange.request
        told = bool(final.all(b"x-origin"))
        if final.status == 500:
            finds.append(f"answer {number + 1} is 500")
        if len(final.all(b"x-request-id")) != 1 or final.all(b"x-request-id")[0].decode() != one.exchange.id:
            finds.append(f"answer {number + 1} is not that of its request")
        if one.error is not None:
            if (
                told
                or final.status < 400
                or b"close" not in final.tokens(b"connection")
                or number != len(finals) - 1
            ):
                finds.append(f"a refusal that is none: {final.raw[:300]!r}")
        elif (
            told and final.complete and request.method != "HEAD" and final.body != b"origin " + request.target
        ):
            finds.append(f"answer {number + 1} is that of another request: {final.body!r}")
        elif one.taken is not None and one.taken.forwarded and one.taken.end is not None and not told:
            finds.append(f"answer {number + 1} should come from the instance: {final.raw[:300]!r}")
    return finds


def _requests(case: Case, seen: Seen) -> list[str]:
    """What the instance has got, and what it should have got."""
    memory = seen.memory
    finds = [
        f"the instance got what is not HTTP: {one.wrong} {one.rest[:500]!r}"
        for one in memory.arriving
        if one.wrong
    ]
    wanted = [one for one in memory.front.taken if one.forwarded and one.end is not None]
    if len(wanted) != len(memory.requests):
        if not (
            case.behaviour in {Behaviour.EARLY, Behaviour.EARLY_CLOSE} and len(memory.requests) < len(wanted)
        ):
            finds.append(
                f"the instance got {len(memory.requests)} requests, and {len(wanted)} were understood"
            )
        return finds
    for taken, message in zip(wanted, memory.requests, strict=True):
        finds += _unlike(taken, message)
        finds += [
            f"the referees disagree about {message.raw[:1000]!r}: {what}" for what in disagreements(message)
        ]
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
    for part, (ours, theirs) in pairs.items():
        if ours != theirs:
            finds.append(f"another {part}: {theirs!r}, not {ours!r}")
    came = [alike(field) for field in taken.fields]
    nominated = smuggling.options(came)
    for field, value in message.fields:
        name = field.lower()
        if name in _HOP:
            finds.append(f"{name.decode()} got through")
        elif name in nominated - _OURS:
            finds.append(f"{name.decode()} was nominated and got through")
        elif name not in _OURS and (name, value) not in came:
            finds.append(f"a field that nobody sent: {name!r}: {value!r}")
    return finds


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
