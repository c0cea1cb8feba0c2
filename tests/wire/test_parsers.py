"""The referees agree on what is sound, and at least one of them minds what is not."""

import attrs
import pytest

from tests.wire.messages import Message, Reader
from tests.wire.parsers import BEHIND, REFEREES, compared, disagreements


SOUND = {
    "get": b"GET /a?b=%2f HTTP/1.1\r\nHost: a\r\nX-One: \xe9\r\nX-One: 2\r\n\r\n",
    "length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok",
    "chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
    "close": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "upgrade": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
}


def message(raw: bytes) -> Message:
    """What our own reader makes of a request."""
    (found,) = Reader(answers=False).feed(raw)
    return found


@pytest.mark.parametrize("raw", SOUND.values(), ids=SOUND)
async def test_all_agree_on_what_is_sound(raw: bytes) -> None:
    """About boundaries, too."""
    assert () == disagreements(message(raw))


@pytest.mark.parametrize("name", REFEREES)
async def test_each_referee_sees_where_a_message_ends(name: str) -> None:
    """A request that goes on in the bytes behind it, or ends before them, is another one."""
    sound = message(SOUND["length"])
    referee = {name: REFEREES[name]}

    assert () == compared(sound, referee)
    longer = sound.raw.replace(b"Content-Length: 2", b"Content-Length: %d" % (2 + len(BEHIND)))
    shorter = sound.raw.replace(b"Content-Length: 2", b"Content-Length: 0")
    for raw in (longer, shorter):
        assert () != compared(attrs.evolve(sound, raw=raw), referee)


@pytest.mark.parametrize("name", REFEREES)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"method": b"PUT"}, id="method"),
        pytest.param({"target": b"/b"}, id="target"),
        pytest.param({"field": b"X-Two"}, id="field"),
    ],
)
async def test_each_referee_sees_another_message(name: str, change: dict[str, bytes]) -> None:
    """What they read is compared with what we read."""
    sound = message(SOUND["get"])
    raw = sound.raw
    for what, value in change.items():
        old = {"method": b"GET", "target": b"/a", "field": b"X-One"}[what]
        raw = raw.replace(old, value, 1)

    assert () != compared(attrs.evolve(sound, raw=raw), {name: REFEREES[name]})


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
            id="two lengths",
        ),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\nok", id="nul"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nX : b\r\nContent-Length: 2\r\n\r\nok", id="blank"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\nok",
            id="coding",
        ),
    ],
)
async def test_somebody_minds_what_is_not_sound(raw: bytes) -> None:
    """Even if our own reader did not."""
    others = {name: referee for name, referee in REFEREES.items() if name != "ours"}

    assert () != compared(attrs.evolve(message(SOUND["length"]), raw=raw), others)


async def test_ids_that_differ_do_not_make_another_message() -> None:
    """What was read once is remembered."""
    raw = b"GET / HTTP/1.1\r\nHost: a\r\nx-request-id: %b\r\n\r\n"

    assert () == disagreements(message(raw % (b"a" * 24)))
    assert () == disagreements(message(raw % (b"b" * 24)))
