"""What a row is: bytes to send, answers of the upstream, and what must be observed for it to pass.

In all bytes of a row `RUN00000` stands for the name of a run. The engine puts another one of the same length there each
time, which is how the upstream knows whose request it reads; in observations it is `RUN00000` again.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Final

import attrs


RUN: Final = b"RUN00000"
"""Stands for the name of a run; belongs into the target of every request."""
TRAP: Final = b"TRAP0"
"""Stands for a port of this machine to which nobody may connect."""
EXTRA: Final = b"/RUN00000/tail"
"""Target of the request by which the engine tries whether a connection goes on."""


@attrs.frozen
class Pause:
    """Do nothing for some seconds."""

    seconds: float


@attrs.frozen
class Answers:
    """Client: wait until so many answers are there, interim ones included."""

    count: int = 1


@attrs.frozen
class Heads:
    """Client: wait until the upstream has the heads of so many requests of this run."""

    count: int = 1


@attrs.frozen
class Received:
    """Upstream: wait until so many bytes have come through the tunnel; client: so many behind the 101."""

    count: int


class End(enum.Enum):
    """How a side ends a connection."""

    HALF = "half"
    """No more bytes from here, but some may come."""
    FIN = "fin"
    RST = "rst"


Step = bytes | Pause | Answers | Heads | Received | End


class When(enum.Enum):
    """When the upstream begins with its reply."""

    REQUEST = "request"
    """When it has the whole request."""
    HEAD = "head"


@attrs.frozen
class Reply:
    """What the upstream does about a request."""

    steps: tuple[bytes | Pause | Received | End, ...]
    when: When = When.REQUEST


def reply(*steps: bytes | Pause | Received | End, when: When = When.REQUEST) -> Reply:
    """Do this."""
    return Reply(steps, when)


SILENCE: Final = Reply(())
"""Never answer."""

Fields = Mapping[bytes, bytes | Sequence[bytes]]


@attrs.frozen(kw_only=True)
class Answered:
    """One final answer to the client."""

    statuses: frozenset[int]
    fields: Fields = attrs.field(factory=dict)
    """Fields that must be there with exactly these values, in this order."""
    absent: tuple[bytes, ...] = ()
    """Fields that must not be there."""
    body: bytes | None = None
    """None is any."""
    length: int | None = None
    """Of the body, where it is too long to write out."""
    cut: bool = False
    """The client must be able to see that the body is not all there."""
    present: tuple[bytes, ...] = ()
    """Fields that must be there, whatever they say."""
    version: bytes | None = None
    """`HTTP/1.1`; None is any."""
    interim: tuple[int, ...] | None = ()
    """Statuses of the interim answers before it; None is any."""


@attrs.frozen(kw_only=True)
class Sent:
    """One request to the upstream."""

    method: bytes | None = None
    target: bytes | None = None
    fields: Fields = attrs.field(factory=dict)
    """Fields that must be there with exactly these values, in this order."""
    absent: tuple[bytes, ...] = ()
    """Fields that must not be there."""
    only: tuple[bytes, ...] | None = None
    """Fields beside which none may be there; None is any."""
    body: bytes | None = None
    """None is any."""
    length: int | None = None
    """Of the body, where it is too long to write out."""
    framing: str | None = None
    """`none`, `length` or `chunked`."""
    cut: bool | None = False
    """The proxy must have ended the connection before the end of the request, or of the reply; None is either."""
    service: str = ""
    """Which of the services must have got it; any by default."""


@attrs.frozen(kw_only=True)
class Expectation:
    """All that must have been observed."""

    answers: tuple[Answered, ...]
    requests: tuple[Sent, ...] | None = ()
    """In order; None where nothing is known."""
    closes: bool | None = None
    """True: the last answer says `Connection: close` and a FIN follows. False: the connection goes on. None: either."""
    ends: bool = False
    """The connection ends without a last answer that says so, by FIN or by RST."""
    tunnel: bytes | None = None
    """What came behind a 101."""
    within: float | None = None
    """Seconds from the first byte sent to the last one that came, or to the end of the connection."""


@attrs.frozen
class Crowd:
    """Other clients, whose connections are open while the row runs, and must go on working behind it."""

    count: int
    busy: float = 0.0
    """Seconds that the upstream takes to answer them; 0 is idle connections that have had their answer."""


Segments = tuple[int, ...] | None
"""Positions at which the first bytes to send are divided; None is after each byte."""
WHOLE: Final[Segments] = ()


def _steps(given: bytes | Sequence[Step]) -> tuple[Step, ...]:
    return (given,) if isinstance(given, bytes) else tuple(given)


def _alternatives(given: Expectation | Sequence[Expectation]) -> tuple[Expectation, ...]:
    return (given,) if isinstance(given, Expectation) else tuple(given)


def _replies(given: Reply | Sequence[Reply]) -> tuple[Reply, ...]:
    return (given,) if isinstance(given, Reply) else tuple(given)


@attrs.frozen
class Row:
    """One named input and what must come of it."""

    id: str
    """`FRM-01 length-before-chunked`: the row of the reference, and what is special about this one."""
    send: tuple[Step, ...] = attrs.field(converter=_steps)
    expect: tuple[Expectation, ...] = attrs.field(converter=_alternatives)
    """Alternatives; one of them must hold."""
    replies: tuple[Reply, ...] = attrs.field(default=(), converter=_replies, kw_only=True)
    """To the first request, the second, ...; beyond that the upstream tells the target."""
    segments: tuple[Segments, ...] = attrs.field(default=(WHOLE,), kw_only=True)
    """Each is a run of its own, with the same expectation."""
    to_head: tuple[int, ...] = attrs.field(default=(), kw_only=True)
    """Numbers of the answers that are to HEAD requests, beginning with 0."""
    profile: str = attrs.field(default="plain", kw_only=True)
    """Which configuration of the target."""
    alone: bool = attrs.field(default=False, kw_only=True)
    """Nothing else may run beside it; so it is with each of the next three."""
    crowd: Crowd | None = attrs.field(default=None, kw_only=True)
    calm: float | None = attrs.field(default=None, kw_only=True)
    """Seconds that the target may take meanwhile to answer what it answers by itself."""
    grows: int | None = attrs.field(default=None, kw_only=True)
    """Bytes by which the target may grow."""
    patience: float = attrs.field(default=3.0, kw_only=True)
    """Seconds without any progress until the client gives up."""
    choice: bool = attrs.field(default=False, kw_only=True)
    """The RFCs allow another behaviour as well; this one was chosen."""
    house: bool = attrs.field(default=True, kw_only=True)
    """The rules of this gateway for its own answers hold, too; not for those to connections that it does not let in."""
    echo: bool = attrs.field(default=False, kw_only=True)
    """What the target itself answers may contain what was sent."""

    @property
    def family(self) -> str:
        """`FRM`."""
        return self.id[:3]

    @property
    def is_alone(self) -> bool:
        """Nothing else may run beside it."""
        return self.alone or self.crowd is not None or self.grows is not None or self.calm is not None

    @property
    def waits(self) -> bool:
        """It does little but wait."""
        return self.profile == "impatient" or any(isinstance(step, Pause) for step in self.send)

    @property
    def reference(self) -> str:
        """`FRM-01`."""
        return self.id.partition(" ")[0]


# ---- the common expectations --------------------------------------------------------------------------------------


def answered(*statuses: int, **more: object) -> Answered:
    """A final answer with one of these statuses."""
    return Answered(statuses=frozenset(statuses), **more)  # type: ignore[arg-type]


def refused(*statuses: int, behind: int = 0, within: float | None = None, **more: object) -> Expectation:
    """One answer, `Connection: close`, FIN; nothing at the upstream but `behind` good requests before it."""
    good = tuple(answered(200) for _ in range(behind))
    return Expectation(
        answers=(*good, answered(*statuses, **more)),
        requests=tuple(Sent() for _ in range(behind)),
        closes=True,
        within=within,
    )


def broken(*statuses: int, behind: int = 0) -> tuple[Expectation, ...]:
    """As `refused`, for a body that turns out to be wrong: the upstream may have seen it begin, but never end."""
    whole = refused(*statuses, behind=behind)
    begun = attrs.evolve(whole, requests=(*(whole.requests or ()), Sent(cut=True)))
    return whole, begun


def hung_up(*, within: float | None = None) -> Expectation:
    """No answer at all, but the connection ends; nothing at the upstream."""
    return Expectation(answers=(), ends=True, within=within)


def declined(*statuses: int, **more: object) -> Expectation:
    """One answer of the target itself; nothing at the upstream; the connection may go on or not."""
    return Expectation(answers=(answered(*statuses, **more),))


def forwarded(*sent: Sent, closes: bool | None = False) -> Expectation:
    """The upstream has exactly these requests, the client its answers, and the connection goes on."""
    return Expectation(answers=tuple(answered(200) for _ in sent), requests=sent, closes=closes)
