"""A change of the configuration."""

import socket

from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import Problem
from gatekeeper.core.chain import Chain
from gatekeeper.core.exchange import Route
from gatekeeper.routing.table import Table
from gatekeeper.runtime.build import Prepared
from gatekeeper.runtime.change import Change, Outcome
from gatekeeper.runtime.keep import Keep
from gatekeeper.runtime.loading import Loaded
from gatekeeper.runtime.snapshot import Snapshot, answer_no_route


def test_what_is_not_taken_is_closed() -> None:
    """Sockets that were bound, and what was opened to be kept."""
    closed: list[int] = []

    class Thing:
        def close(self) -> None:
            closed.append(1)

    plan = Keep(lambda name, work: None).plan()
    plan(("thing",), lambda _: Thing(), None)
    snapshot = Snapshot(1, Table([]), Route("-", Chain(answer_no_route)), {})
    config = GatewayConfig()
    sock = socket.socket()

    Change(Loaded(config, (), {}, (), (), ()), Prepared(config, snapshot, plan), {"main": sock}).abandon()

    assert (-1, [1]) == (sock.fileno(), closed)


def test_errors_are_told_from_warnings() -> None:
    """Both are problems."""
    error, warning = Problem("x", "a", "b"), Problem("y", "a", "b", severity="warning")

    assert (error,) == Outcome(False, 1, (warning, error)).errors
