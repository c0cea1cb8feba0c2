"""Pieces of rows about paths."""

from typing import Final

from tests.wire.row import Expectation, Row, Sent, declined, forwarded
from tests.wire.rows.parts import request


NAMED: Final = b"X-Run: RUN00000"
"""For paths that cannot have the name of the run."""


def leads(service: str, target: bytes) -> Expectation:
    """The service has got it, and this is what it was asked for."""
    return forwarded(Sent(method=b"GET", target=target, service=service))


def asked(name: str, target: bytes, *expect: Expectation, choice: bool = False) -> Row:
    """A row about the target of a GET."""
    return Row(name, request(NAMED, target=target), expect, choice=choice)


def verbatim(name: str, target: bytes, service: str = "origin", *, choice: bool = False) -> Row:
    """It goes on as it came."""
    return asked(name, target, leads(service, target), choice=choice)


def refused_target(name: str, target: bytes, *, choice: bool = False) -> Row:
    """Nobody gets it."""
    return asked(name, target, declined(400), choice=choice)
