"""Which clients hold connections to an instance that others wait for.

A download that its client does not read, and an upload of which hardly anything comes, keep a connection of the pool as
long as the timeouts allow: a minute, or for ever. While there are enough connections that is nobody's concern. Where there
are none left, whoever has held one for longest without need gives it up. So a few hundred clients who do not read keep
nobody from the service, and `max_connections` need not be larger than what the instance can take. And as soon as half
of the connections are busy, an upload gets one only when a good part of it is here, or all.
"""

from typing import TYPE_CHECKING, Final

from gatekeeper.core.errors import ClientGone, RequestTimeout


if TYPE_CHECKING:
    from gatekeeper.upstream.answer import Answer

RATE: Final = 1000
"""Bytes a second of an upload, since it has its connection, that are no mere holding."""


def seconds_held(answer: "Answer", now: float) -> float:
    """How long a connection has waited for nobody but the client; `now` is the time of the wheel."""
    if answer.paused:
        return now - answer.touched
    connection = answer.connection
    if not answer.uploading or connection is None or connection.writing_paused:
        return 0.0
    seconds = now - answer.begun
    came = answer.attempt.exchange.bytes_in - answer.gathered
    return seconds if came < RATE * seconds else 0.0


def give_up(answer: "Answer") -> None:
    """End it, for the client to see; the instance is not blamed."""
    if answer.paused:
        if (hang_up := answer.attempt.exchange.hang_up) is not None:
            hang_up()
        answer.fail(ClientGone(log="did not read, while others waited for its connection"))
    else:
        answer.fail(RequestTimeout(log="hardly sent anything, while others waited for its connection"))
