"""The bytes of an instance, judged: the client gets the answer that every parser reads in them, or sees that it is none.

The oracle, in its order:

1. what the client gets is strict HTTP/1.1, and read alike by all referees
2. what looks whole to the client is whole: no referee reads another answer, or less than a whole one, in what the instance sent
3. what is not whole is cut, or is an error of the gateway's own
4. the next request gets its own answer, whatever came behind this one, and nothing is left behind
5. all of this is the same however the bytes were divided
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import attrs

from gatekeeper.core.tunnel import Upgrades
from tests.fuzz import rfc
from tests.fuzz.judging import Outcome, divisions, failures, wrong_with_rest
from tests.fuzz.memory import Arriving, Memory, settle
from tests.fuzz.referees import Read, names, readings
from tests.wire.messages import Message


class Asked(enum.Enum):
    """What the client has asked, as it stands on the wire."""

    GET = b"GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n"
    HEAD = b"HEAD /a HTTP/1.1\r\nHost: a.test\r\n\r\n"
    OLD = b"GET /a HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n"
    TRAILERS = b"GET /a HTTP/1.1\r\nHost: a.test\r\nConnection: TE\r\nTE: trailers\r\n\r\n"
    POST = b"POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello"
    SWITCH = (
        b"GET /a HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )

    @property
    def method(self) -> str:
        """Of the request."""
        return self.value.split(b" ")[0].decode()


@attrs.frozen
class Case:
    """What is tried."""

    raw: bytes
    asked: Asked = Asked.GET
    cuts: tuple[int, ...] = ()
    """Positions at which the bytes are divided, beside in one piece and byte by byte."""
    ending: Literal["fin", "rst"] = "fin"
    """How the instance goes, some time later."""


@attrs.define
class Seen:
    """What has come of it, divided in one way."""

    memory: Memory
    before: bytes
    """What the client had when nothing more came from the instance."""
    after: bytes
    """What it had when the instance had gone."""
    ended_before: str
    ended_after: str
    relayed: bool
    """Whether the gateway had nothing against it."""
    reused: int
    """Connections to the instance that the gateway keeps for others."""
    next: bytes
    """What the client got for one more request on its connection, if that was open."""


CANARY: Final = b"GET /canary HTTP/1.1\r\nHost: canary.test\r\n\r\n"
_CANARY_ANSWER: Final = b"HTTP/1.1 200 OK\r\nX-Canary: yes\r\nContent-Length: 6\r\n\r\ncanary"
_UPGRADES: Final = Upgrades(frozenset({"websocket"}))
_OURS: Final = frozenset(
    {b"x-request-id", b"date", b"content-length", b"transfer-encoding", b"connection", b"upgrade"}
)
"""What the gateway writes by itself."""
_HOP: Final = frozenset({b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"te", b"http2-settings"})
"""What a client never gets from an instance."""
_VARYING: Final = frozenset({b"x-request-id", b"date"})
_FRAMING: Final = frozenset({b"content-length", b"connection"})


async def run(case: Case, pieces: Sequence[bytes]) -> Seen:
    """Ask, and let the instance say the pieces and go; then ask once more."""
    memory = Memory(upgrades=_UPGRADES if case.asked is Asked.SWITCH else None)
    client, protocol = memory.front.connect()
    await client.feed([case.asked.value])
    (arriving,) = memory.arriving
    for piece in pieces:
        arriving.say(piece)
        await settle()
    before, ended_before = bytes(client.written), client.ended
    reused = memory.pool.idle_count
    if case.ending == "rst":
        await arriving.lose()
    else:
        arriving.hang_up()
        await settle()
    after, ended_after = bytes(client.written), client.ended
    relayed = memory.front.handled[0].exchange.error is None
    following = b""
    memory.on_request = _canary
    if protocol.is_idle:
        await client.feed([CANARY])
        following = bytes(client.written[len(after) :])
    await client.lose()
    return Seen(memory, before, after, ended_before, ended_after, relayed, reused, following)


def _canary(arriving: Arriving, _: Message) -> None:
    arriving.say(_CANARY_ANSWER)


async def judge(case: Case) -> Outcome:
    """Try it in one piece, divided, and byte by byte."""
    raw = case.raw
    with failures() as failed:
        whole = await run(case, [raw])
        shown = _shown(case, whole)
        finds, kind = _against(case, whole, shown), _kind(whole, shown)
        expected = verdict(case, whole, shown)
        if what := await _next_client(whole.memory):
            finds.append(what)
        if not finds:
            for name, pieces in divisions(raw, case.cuts):
                other = await run(case, pieces)
                found = verdict(case, other, _shown(case, other))
                if found != expected:
                    finds.append(f"{name} it is {found}, not {expected}")
                elif what := _left(case, other, forgiven=b"\r\n"):
                    finds.append(f"{name} {what}")
    return Outcome(kind, (*finds, *failed))


@attrs.frozen
class _Shown:
    """What the client sees: before the instance has gone, and after."""

    before: Mapping[str, Read | Exception | None]
    after: Mapping[str, Read | Exception | None]

    @property
    def now(self) -> Read | None:
        """As our own strict reader sees it in the end; None where it is no HTTP."""
        read = self.after["ours"]
        return read if isinstance(read, Read) else None

    @property
    def at_once(self) -> bool:
        """Whether it was whole before the instance had gone."""
        read = self.before["ours"]
        return isinstance(read, Read) and read.whole


def _shown(case: Case, seen: Seen) -> _Shown:
    method = case.asked.method
    after = readings(seen.after, method, ended=seen.ended_after in {"fin", "half"})
    if seen.before == seen.after and seen.ended_before == seen.ended_after:
        return _Shown(after, after)
    return _Shown(readings(seen.before, method, ended=seen.ended_before in {"fin", "half"}), after)


def verdict(case: Case, seen: Seen, shown: _Shown) -> tuple[object, ...]:
    """What the client sees, which no division may change."""
    read = shown.now
    if read is None or not read.whole or not seen.relayed:
        return ("broken",)
    # a client of HTTP/1.0 is told the length of what came in chunks only if all of it is there already
    steady = _VARYING | (_FRAMING if case.asked is Asked.OLD else frozenset())
    fields = tuple(field for field in read.fields if field[0] not in steady)
    goes_on = case.asked is Asked.OLD or bool(seen.next)
    return read.status, fields, read.body, read.interim, shown.at_once, goes_on


def _kind(seen: Seen, shown: _Shown) -> str:
    read = shown.now
    if read is None:
        return "no answer"
    if not seen.relayed:
        return f"refused {read.status}" if read.whole else "cut"
    if read.status == 101:
        return "switched"
    return "relayed" if shown.at_once else "relayed at the end"


# ---- the judgement ------------------------------------------------------------------------------------------------------


def _against(case: Case, seen: Seen, shown: _Shown) -> list[str]:
    finds = _agree(case, seen, shown)
    read = shown.now
    if read is None:
        return [*finds, f"the client got {seen.after[:500]!r} and {seen.ended_after or 'waits'}"]
    if not read.whole:
        if seen.ended_after != "rst":
            finds.append(
                f"half an answer, and the connection is {seen.ended_after or 'open'}: {seen.after[:500]!r}"
            )
        if seen.relayed:
            finds.append("nobody has noticed that the answer is not whole")
    elif seen.relayed:
        finds += _unlike(case, read, at_once=shown.at_once)
    elif not (500 <= read.status <= 504) or read.status == 500:
        finds.append(f"an error of the gateway's own is {read.status}")
    if seen.next and not (
        seen.next.startswith(b"HTTP/1.1 200 OK\r\nX-Canary: yes\r\n") and seen.next.endswith(b"canary")
    ):
        finds.append(f"the next request got {seen.next[:500]!r}")
    if what := _left(case, seen):
        finds.append(what)
    return finds


def _agree(case: Case, seen: Seen, shown: _Shown) -> list[str]:
    """Whether all referees read what the client got alike."""
    finds = []
    for moment, readers in (("before", shown.before), ("after", shown.after)):
        ours = readers["ours"]
        if isinstance(ours, Exception):
            finds.append(f"the client got what is not HTTP: {ours} {seen.after[:1000]!r}")
            continue
        for name, read in readers.items():
            if isinstance(read, Exception):
                if not (name == "httptools" and case.asked is Asked.HEAD) and ours is not None:
                    finds.append(f"{moment}, {name} refuses {seen.after[:1000]!r}: {read!r}")
            elif what := _other(read, ours):
                finds.append(f"{moment}, {name} reads {what} in {seen.after[:1000]!r}")
        if shown.before is shown.after:
            break
    return finds


def _other(read: Read | None, ours: Read | None) -> str:
    if read is None or ours is None:
        return "" if read is ours else f"{read!r}, not {ours!r}"
    for name in ("status", "body", "whole", "interim"):
        if getattr(read, name) != getattr(ours, name) and not (name == "body" and not ours.whole):
            return f"{name} {getattr(read, name)!r}, not {getattr(ours, name)!r}"
    # trailers may stand behind them
    return (
        ""
        if read.fields[: len(ours.fields)] == ours.fields
        else f"fields {read.fields!r}, not {ours.fields!r}"
    )


def _unlike(case: Case, shown: Read, *, at_once: bool) -> list[str]:
    """Who reads something else in the bytes of the instance than what the client was shown as whole."""
    finds = []
    if not at_once and case.ending == "rst":
        finds.append("a reset was taken for the end of the answer")
    raw = case.raw
    found = dict(readings(raw, case.asked.method, ended=not at_once))
    try:
        by_rfc = rfc.answer(raw, case.asked.method, ended=not at_once)
        found["the RFC"] = None if by_rfc is None else by_rfc[0]
    except rfc.AgainstTheRfcError as error:
        finds.append(f"it was relayed against the RFC: {error} in {raw[:1000]!r}")
    for name, read in found.items():
        if isinstance(read, Exception):
            continue  # whoever refuses it does no harm
        if read is None:
            finds.append(f"{name} waits for an answer in {raw[:1000]!r}")
            continue
        finds += [
            f"{name} reads {part} {getattr(read, part)!r}, not {getattr(shown, part)!r}, in {raw[:1000]!r}"
            for part in ("status", "body", "whole")
            if getattr(read, part) != getattr(shown, part)
        ]
        finds += [
            f"a field that {name} does not read: {field!r} in {raw[:1000]!r}"
            for field in shown.fields
            if field[0] not in _OURS and field not in read.fields
        ]
    finds += [f"{name.decode()} got through" for name in names(shown.fields) & _HOP]
    return finds


def _left(case: Case, seen: Seen, forgiven: bytes = b"") -> str:
    """What is wrong behind it all.

    Where the end of a head comes in two pieces, line ends behind it are taken for it: they are swallowed, and harm nobody.
    """
    memory = seen.memory
    if seen.reused and (behind := _behind(case).strip(forgiven)):
        return f"the connection is kept, though behind the answer there is {behind[:300]!r}"
    if memory.left:
        return f"there is left: {memory.left}"
    for arriving in memory.arriving:
        if what := wrong_with_rest(arriving):
            return what
        if arriving.wrong:
            return f"the instance got what is not HTTP: {arriving.wrong}"
    return ""


def _behind(case: Case) -> bytes:
    """What an instance has said beyond its answer; all of it, where that is none."""
    try:
        found = rfc.answer(case.raw, case.asked.method, ended=False)
    except rfc.AgainstTheRfcError:
        return case.raw
    return case.raw if found is None or not found[0].whole else found[1]


async def _next_client(memory: Memory) -> str:
    """Another client through the same gateway."""
    client, _ = memory.front.connect()
    await client.feed([CANARY])
    written = bytes(client.written)
    await client.lose()
    if not written.startswith(b"HTTP/1.1 200 OK\r\nX-Canary: yes\r\n") or not written.endswith(b"canary"):
        return f"the next client got {written[:300]!r}"
    return ""
