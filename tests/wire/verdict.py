"""What is wrong with what was observed. Pure: a row and an observation in, sentences out; none means that the row passes."""

import re
from collections.abc import Sequence
from typing import Final, Literal

import attrs

from tests.wire.messages import Message
from tests.wire.row import RUN, Answered, Expectation, Fields, Row, Sent


Ending = Literal["fin", "reset", "open", "client"]

_TELLS: Final = re.compile(rb"(?i)\b(?:python|aiohttp|uvloop|httptools|gatekeeper|nginx|haproxy)[/ ][0-9]")
_TRACE: Final = re.compile(rb"Traceback|File \"|\.py\"?, line")


@attrs.frozen
class Arrival:
    """A request that the upstream has got; the bytes of `message` are as they came, with the run's name put back."""

    service: str
    message: Message | None
    complete: bool
    cut: bool
    wrong: str = ""
    disagreements: tuple[str, ...] = ()
    tunnel: bytes = b""


@attrs.frozen
class Observation:
    """What came of one run of a row."""

    answers: tuple[Message, ...]
    """All to the row's own requests, interim ones included; the last may be incomplete."""
    tail: Message | None
    """The answer to the request that tries whether the connection goes on."""
    end: Ending
    """How the connection ended; `open` where the client has given up waiting, `client` where the row ended it."""
    wrong: str = ""
    """What is not HTTP in what the client got."""
    rest: bytes = b""
    """Bytes that are no answer."""
    tunnel: bytes = b""
    arrivals: tuple[Arrival, ...] = ()
    seconds: float = 0.0
    """From the first byte sent to the last one that came, or to the end of the connection."""
    canary: str = ""
    """What is wrong with requests on other connections, meanwhile and afterwards."""
    grown: int = 0
    """Bytes by which the target has grown meanwhile."""


def complaints(row: Row, seen: Observation) -> list[str]:
    """What is wrong; of several alternatives, what is wrong with the nearest one."""
    always = _always(row, seen)
    chosen = min((_against(one, seen) for one in row.expect), key=len)
    return always + chosen


def _always(row: Row, seen: Observation) -> list[str]:
    found = []
    if seen.canary:
        found.append(f"on another connection: {seen.canary}")
    if row.grows is not None and seen.grown > row.grows:
        found.append(f"the target has grown by {seen.grown >> 10} KiB, not at most {row.grows >> 10}")
    if seen.wrong:
        found.append(f"the client got what is not HTTP: {seen.wrong}")
    for answer in seen.answers:
        if _TELLS.search(answer.raw):
            found.append(f"an answer tells a version: {answer.raw[:300]!r}")
        if _TRACE.search(answer.raw):
            found.append(f"an answer shows a traceback: {answer.raw[:300]!r}")
        if (
            not row.echo
            and not answer.all(b"x-origin")
            and RUN.lower() in answer.raw.lower()
            and not row.replies
        ):
            found.append(f"an answer shows what was sent: {answer.raw[:300]!r}")
    for arrival in seen.arrivals:
        if arrival.wrong:
            found.append(f"the upstream got what is not HTTP: {arrival.wrong}")
        found += [f"the referees disagree: {what}" for what in arrival.disagreements]
    return found


def house(row: Row, seen: Observation) -> list[str]:
    """What is wrong by the rules of this gateway alone: an id in each answer, and one form of all that it refuses."""
    found = []
    for answer in (*seen.answers, *(() if seen.tail is None else (seen.tail,))):
        if answer.status < 200:
            continue
        if len(answer.all(b"x-request-id")) != 1:
            found.append(f"an answer without exactly one x-request-id: {answer.raw[:300]!r}")
        is_own = not answer.all(b"x-origin") and not row.replies
        if is_own and answer.body and answer.all(b"content-type") != (b"application/problem+json",):
            found.append(f"a refusal that is no problem+json: {answer.raw[:300]!r}")
    return found


def _against(expected: Expectation, seen: Observation) -> list[str]:
    found = _answers(expected, seen)
    if expected.requests is not None:
        found += _requests(expected.requests, seen.arrivals)
    if expected.tunnel is not None and seen.tunnel != expected.tunnel:
        found.append(f"through the tunnel came {seen.tunnel!r}, not {expected.tunnel!r}")
    if expected.within is not None and seen.seconds > expected.within:
        found.append(f"it was over after {seen.seconds:.2f} s, not within {expected.within:g}")
    return found + _ending(expected, seen)


def _answers(expected: Expectation, seen: Observation) -> list[str]:
    found: list[str] = []
    interim: list[int] = []
    final: list[tuple[Message, tuple[int, ...]]] = []
    for answer in seen.answers:
        if answer.status < 200 and answer.status != 101:
            interim.append(answer.status)
        else:
            final.append((answer, tuple(interim)))
            interim.clear()
    if interim:
        found.append(f"interim answers without a final one: {interim}")
    if len(final) != len(expected.answers):
        statuses = [answer.status for answer, _ in final]
        found.append(
            f"{len(final)} answers {statuses}, not {len(expected.answers)} {_wanted(expected.answers)}"
        )
        return found
    for number, (wanted, (answer, before)) in enumerate(zip(expected.answers, final, strict=True)):
        place = f"answer {number + 1}: " if len(final) > 1 else ""
        found += [place + what for what in _answer(wanted, answer, before)]
    return found


def _wanted(answers: Sequence[Answered]) -> list[str]:
    return ["/".join(map(str, sorted(one.statuses))) for one in answers]


def _answer(wanted: Answered, answer: Message, before: tuple[int, ...]) -> list[str]:
    found = []
    if answer.status not in wanted.statuses:
        found.append(f"{answer.status}, not {'/'.join(map(str, sorted(wanted.statuses)))}")
    if wanted.interim is not None and wanted.interim != before:
        found.append(f"interim answers {list(before)}, not {list(wanted.interim)}")
    found += [f"{name.decode()} is not there" for name in wanted.present if not answer.all(name)]
    if wanted.version is not None and wanted.version != answer.version:
        found.append(f"the answer is {answer.version.decode()}, not {wanted.version.decode()}")
    found += _fields(wanted.fields, wanted.absent, answer)
    if wanted.body is not None and wanted.body != answer.body:
        found.append(f"the body is {answer.body[:200]!r}, not {wanted.body[:200]!r}")
    if wanted.length is not None and wanted.length != len(answer.body):
        found.append(f"the body has {len(answer.body)} bytes, not {wanted.length}")
    if wanted.cut and answer.complete:
        found.append("a body that is cut looks whole")
    if not wanted.cut and not answer.complete:
        found.append(f"the body is cut after {len(answer.body)} bytes")
    return found


def _fields(wanted: Fields, absent: Sequence[bytes], message: Message) -> list[str]:
    found = []
    for name, value in wanted.items():
        values = (value,) if isinstance(value, bytes) else tuple(value)
        if message.all(name) != values:
            found.append(f"{name.decode()} is {list(message.all(name))}, not {list(values)}")
    found += [f"{name.decode()} is there: {list(message.all(name))}" for name in absent if message.all(name)]
    return found


def _requests(wanted: Sequence[Sent], arrivals: Sequence[Arrival]) -> list[str]:
    found: list[str] = []
    if len(wanted) != len(arrivals):
        lines = [one.message.line if one.message is not None else b"?" for one in arrivals]
        return [f"the upstream has got {len(arrivals)} requests {lines}, not {len(wanted)}"]
    for number, (one, arrival) in enumerate(zip(wanted, arrivals, strict=True)):
        place = f"request {number + 1}: " if len(wanted) > 1 else ""
        found += [place + what for what in _request(one, arrival)]
    return found


def _request(wanted: Sent, arrival: Arrival) -> list[str]:
    found = []
    if wanted.cut and not arrival.cut:
        found.append("the proxy has not let go of the upstream")
    if wanted.cut is False and arrival.cut:
        found.append("the proxy has cut the connection to the upstream")
    message = arrival.message
    if message is None:
        return [*found, "the upstream has got no whole head"]
    if not wanted.cut and not arrival.complete:
        found.append("the upstream has not got all of it")
    for name in ("method", "target", "framing"):
        value = getattr(wanted, name)
        if value is not None and value != getattr(message, name):
            found.append(f"the upstream got {name} {getattr(message, name)!r}, not {value!r}")
    found += [f"to the upstream: {what}" for what in _fields(wanted.fields, wanted.absent, message)]
    if wanted.only is not None:
        names = {name.lower() for name in wanted.only}
        found += [
            f"to the upstream: {name.decode()} is new: {value!r}"
            for name, value in message.fields
            if name.lower() not in names
        ]
    if wanted.body is not None and message.body != wanted.body:
        found.append(f"the upstream got the body {message.body[:200]!r}, not {wanted.body[:200]!r}")
    if wanted.length is not None and len(message.body) != wanted.length:
        found.append(f"the upstream got a body of {len(message.body)} bytes, not {wanted.length}")
    if wanted.service and arrival.service != wanted.service:
        found.append(f"service {arrival.service} got it, not {wanted.service}")
    return found


def _ending(expected: Expectation, seen: Observation) -> list[str]:
    found = []
    if seen.rest and not seen.wrong:
        found.append(f"bytes that are no answer: {seen.rest[:200]!r}")
    says_close = bool(seen.answers) and (
        b"close" in seen.answers[-1].tokens(b"connection") or seen.answers[-1].version == b"HTTP/1.0"
    )
    if expected.closes is True:
        if not says_close:
            found.append("the last answer does not say `Connection: close`")
        if seen.tail is not None:
            found.append("the connection goes on")
        elif seen.end != "fin":
            found.append(f"the connection does not end with a FIN: {seen.end}")
    elif expected.closes is False:
        if seen.tail is None:
            found.append(f"the connection does not go on: {seen.end}")
        elif says_close:
            found.append("the connection goes on behind a `Connection: close`")
    elif expected.ends:
        if seen.tail is not None or seen.end == "open":
            found.append(f"the connection does not end: {seen.end}")
    elif seen.end == "open" and seen.tail is None:
        found.append("nothing came any more, and the connection did not end")
    return found
