"""What the verdict complains about, and what it does not."""

import attrs
import pytest

from tests.wire.messages import Message, Reader
from tests.wire.row import (
    Answered,
    Expectation,
    Row,
    Sent,
    answered,
    broken,
    declined,
    forwarded,
    hung_up,
    refused,
    reply,
)
from tests.wire.verdict import Arrival, Observation, complaints, house


ID = b"x-request-id: abc\r\n"


def answer(status: int, *fields: bytes, body: bytes = b"", complete: bool = True) -> Message:
    """An answer with a length."""
    lines = b"".join(field + b"\r\n" for field in fields)
    raw = b"HTTP/1.1 %d X\r\n%bContent-Length: %d\r\n\r\n%b" % (status, lines, len(body), body)
    if status < 200:
        raw = b"HTTP/1.1 %d X\r\n%b\r\n" % (status, lines)
    (found,) = Reader(answers=True).feed(raw)
    return attrs.evolve(found, complete=complete)


def arrival(
    raw: bytes = b"GET /RUN00000 HTTP/1.1\r\nHost: a\r\n\r\n", *, cut: bool = False, service: str = "origin"
) -> Arrival:
    """A request at the upstream."""
    (found,) = Reader(answers=False).feed(raw)
    return Arrival(service, found, complete=not cut, cut=cut)


CLOSE = b"Connection: close"
ORIGIN = b"X-Origin: origin"
OK = answer(200, ORIGIN, body=b"origin /RUN00000")
TAIL = answer(200, ORIGIN, body=b"origin /RUN00000/tail")
REFUSAL = Observation((answer(400, CLOSE),), None, "fin")
PASSED = Observation((OK,), TAIL, "fin", arrivals=(arrival(),))
CUT = attrs.evolve(OK, complete=False)


@pytest.mark.parametrize(
    ("expect", "seen"),
    [
        pytest.param(refused(400), REFUSAL, id="refused"),
        pytest.param(
            refused(400, 501, behind=1),
            Observation((OK, answer(501, CLOSE)), None, "fin", arrivals=(arrival(),)),
            id="behind a good one",
        ),
        pytest.param(declined(404), Observation((answer(404),), TAIL, "fin"), id="declined, goes on"),
        pytest.param(declined(404), Observation((answer(404, CLOSE),), None, "fin"), id="declined, ends"),
        pytest.param(
            forwarded(Sent(method=b"GET", fields={b"host": b"a"}, absent=(b"x",), body=b"")),
            PASSED,
            id="forwarded",
        ),
        pytest.param(hung_up(within=1), Observation((), None, "reset"), id="hung up"),
        pytest.param(broken(400), attrs.evolve(REFUSAL, arrivals=(arrival(cut=True),)), id="broken later"),
        pytest.param(broken(400), REFUSAL, id="broken at once"),
        pytest.param(forwarded(Sent(cut=None)), PASSED, id="perhaps let go: not"),
        pytest.param(
            forwarded(Sent(cut=None)),
            attrs.evolve(PASSED, arrivals=(attrs.evolve(arrival(cut=True), complete=True),)),
            id="perhaps let go",
        ),
        pytest.param(
            Expectation(answers=(answered(200, cut=True),), requests=None, ends=True),
            Observation((CUT,), None, "reset"),
            id="cut",
        ),
        pytest.param(
            Expectation(answers=(answered(200, interim=(100,)),), requests=None, closes=False),
            Observation((answer(100), OK), TAIL, "fin"),
            id="interim",
        ),
    ],
)
def test_what_is_as_it_should_be_passes(
    expect: Expectation | tuple[Expectation, ...], seen: Observation
) -> None:
    """One of the alternatives is enough."""
    assert [] == complaints(Row("X", b"x", expect), seen)


@pytest.mark.parametrize(
    ("expect", "seen", "why"),
    [
        pytest.param(refused(400), Observation((), None, "open"), "0 answers", id="silence"),
        pytest.param(refused(400), Observation((), None, "fin"), "0 answers", id="closed without a word"),
        pytest.param(refused(400), attrs.evolve(REFUSAL, end="reset"), "FIN", id="reset"),
        pytest.param(refused(400), attrs.evolve(REFUSAL, end="open"), "FIN", id="stays open"),
        pytest.param(refused(400), attrs.evolve(REFUSAL, tail=TAIL), "goes on", id="goes on"),
        pytest.param(
            refused(400), Observation((answer(400),), None, "fin"), "does not say", id="without close"
        ),
        pytest.param(
            refused(400), Observation((answer(500, CLOSE),), None, "fin"), "500, not 400", id="status"
        ),
        pytest.param(
            refused(400), attrs.evolve(REFUSAL, arrivals=(arrival(),)), "got 1 requests", id="reached"
        ),
        pytest.param(
            refused(400),
            Observation((answer(400), answer(200, CLOSE)), None, "fin"),
            "2 answers",
            id="one more",
        ),
        pytest.param(refused(400), attrs.evolve(REFUSAL, rest=b"x"), "no answer", id="bytes behind"),
        pytest.param(refused(400), attrs.evolve(REFUSAL, wrong="x"), "not HTTP", id="no HTTP"),
        pytest.param(refused(400), attrs.evolve(REFUSAL, canary="x"), "another connection", id="canary"),
        pytest.param(refused(400, within=1), attrs.evolve(REFUSAL, seconds=2), "not within", id="late"),
        pytest.param(
            refused(400),
            Observation((answer(400, CLOSE, body=b"run00000"),), None, "fin"),
            "what was sent",
            id="echo",
        ),
        pytest.param(
            refused(400),
            Observation((answer(400, CLOSE, b"Server: nginx/1.2"),), None, "fin"),
            "version",
            id="version",
        ),
        pytest.param(
            refused(400),
            Observation((answer(400, CLOSE, body=b"Traceback (most"),), None, "fin"),
            "traceback",
            id="traceback",
        ),
        pytest.param(
            refused(400, version=b"HTTP/1.1"),
            Observation((attrs.evolve(REFUSAL.answers[0], line=b"HTTP/1.0 400 X"),), None, "fin"),
            "HTTP/1.0",
            id="version of the answer",
        ),
        pytest.param(forwarded(Sent()), attrs.evolve(PASSED, arrivals=()), "got 0", id="not forwarded"),
        pytest.param(
            forwarded(Sent()), attrs.evolve(PASSED, arrivals=(arrival(), arrival())), "got 2", id="twice"
        ),
        pytest.param(forwarded(Sent()), attrs.evolve(PASSED, tail=None), "does not go on", id="ends"),
        pytest.param(forwarded(Sent(method=b"PUT")), PASSED, "method", id="method"),
        pytest.param(forwarded(Sent(target=b"/")), PASSED, "target", id="target"),
        pytest.param(forwarded(Sent(framing="length")), PASSED, "framing", id="framing"),
        pytest.param(forwarded(Sent(fields={b"host": b"b"})), PASSED, "host is", id="field"),
        pytest.param(forwarded(Sent(fields={b"host": (b"a", b"a")})), PASSED, "host is", id="field twice"),
        pytest.param(forwarded(Sent(absent=(b"host",))), PASSED, "host is there", id="field too many"),
        pytest.param(forwarded(Sent(only=(b"x",))), PASSED, "is new", id="new field"),
        pytest.param(forwarded(Sent(body=b"x")), PASSED, "body", id="body"),
        pytest.param(forwarded(Sent(length=1)), PASSED, "0 bytes", id="length"),
        pytest.param(forwarded(Sent(service="second")), PASSED, "service", id="service"),
        pytest.param(forwarded(Sent(cut=True)), PASSED, "let go", id="not let go"),
        pytest.param(
            forwarded(Sent()), attrs.evolve(PASSED, arrivals=(arrival(cut=True),)), "has cut", id="let go"
        ),
        pytest.param(
            forwarded(Sent()),
            attrs.evolve(PASSED, arrivals=(attrs.evolve(arrival(), disagreements=("h11 x",)),)),
            "h11",
            id="referees",
        ),
        pytest.param(
            forwarded(Sent()),
            attrs.evolve(PASSED, arrivals=(attrs.evolve(arrival(), wrong="x"),)),
            "upstream got what is not HTTP",
            id="no HTTP to the upstream",
        ),
        pytest.param(
            Expectation(answers=(answered(200, cut=True),), requests=None),
            attrs.evolve(PASSED),
            "looks whole",
            id="a cut body that looks whole",
        ),
        pytest.param(
            Expectation(answers=(answered(200),), requests=None, ends=True),
            Observation((CUT,), None, "reset"),
            "is cut",
            id="a body that is cut",
        ),
        pytest.param(
            Expectation(answers=(answered(200),), requests=None, closes=False),
            attrs.evolve(PASSED, answers=(answer(100), OK)),
            "interim",
            id="an interim answer too many",
        ),
        pytest.param(
            Expectation(answers=(), requests=None),
            Observation((answer(100),), None, "fin"),
            "without a final",
            id="an interim answer alone",
        ),
        pytest.param(hung_up(), Observation((), None, "open"), "does not end", id="does not hang up"),
        pytest.param(
            Expectation(answers=(), tunnel=b"x", ends=True),
            Observation((), None, "fin", tunnel=b"y"),
            "tunnel",
            id="tunnel",
        ),
        pytest.param(
            declined(200, body=b"x", length=2, present=(b"allow",)),
            Observation((answer(200, body=b"abc"),), TAIL, "fin"),
            "allow is not there",
            id="a field that must be there",
        ),
    ],
)
def test_what_is_not_as_it_should_be_is_told(expect: Expectation, seen: Observation, why: str) -> None:
    """Silence is never a pass."""
    told = complaints(Row("X", b"x", expect), seen)

    assert any(why in what for what in told), told


def test_the_nearest_alternative_is_told() -> None:
    """The others are of no interest to whoever reads it."""
    row = Row("X", b"x", (forwarded(Sent(), Sent(), Sent()), refused(400)))

    assert ["500, not 400"] == complaints(row, Observation((answer(500, CLOSE),), None, "fin"))


def test_growth_is_told() -> None:
    """Of the process that was looked at."""
    row = Row("X", b"x", refused(400), grows=1024)

    assert ["the target has grown by 2 KiB, not at most 1"] == complaints(
        row, attrs.evolve(REFUSAL, grown=2048)
    )


def test_the_rules_of_the_house() -> None:
    """An id in each answer, and problem+json of our own."""
    row = Row("X", b"x", refused(400))
    sound = answer(400, CLOSE, b"x-request-id: abc", b"Content-Type: application/problem+json", body=b"{}")
    plain = answer(400, CLOSE, b"x-request-id: abc", b"Content-Type: text/plain", body=b"no")

    assert [] == house(row, Observation((sound,), None, "fin"))
    assert 1 == len(house(row, Observation((plain,), None, "fin")))
    assert 1 == len(house(row, REFUSAL))
    assert [] == house(Row("X", b"x", refused(400), replies=reply(b"")), Observation((plain,), None, "fin"))
    assert [] == house(row, Observation((answer(100),), None, "fin"))


def test_an_answer_is_any_of_its_statuses() -> None:
    """And nothing else is said of it."""
    assert Answered(statuses=frozenset({400, 501})) == answered(400, 501)
