"""A change of the configuration."""

import socket
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.core.chain import Chain
from gatekeeper.core.exchange import Route
from gatekeeper.routing.table import Table
from gatekeeper.runtime.build import Prepared
from gatekeeper.runtime.change import (
    Change,
    OthersFault,
    Outcome,
    content_of,
    failed,
    load_addition,
    read_from,
)
from gatekeeper.runtime.dry_run import DryRun
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

    prepared = Prepared(config, snapshot, plan, DryRun(lambda: 0.0), {}, lambda *_: None)
    Change(Loaded(config, (), {}, (), (), ()), prepared, {"main": sock}).abandon()

    assert (-1, [1]) == (sock.fileno(), closed)


def loaded() -> Loaded:
    return Loaded(GatewayConfig(), (), {"gateway.yaml": "x"}, (Path("gateway.yaml"),), (Path("more"),), ())


def refusing(*problems: Problem) -> Callable[[], Loaded]:
    def load() -> Loaded:
        raise ConfigError(problems, {"gateway.yaml": "x"}, [Path("gateway.yaml")], [Path("more")])

    return load


THEIRS = Problem("unknown-name", "routes.a.to", "there are `a`", "gateway.yaml", 1, 2)
OURS = Problem("unknown-key", "routes.x.filtres", "no", "admin")
WARNING = Problem("unused", "services.x", "not used", "admin", severity="warning")


def test_an_addition_that_is_sound_is_loaded() -> None:
    """Nobody asks what there would be without it."""
    found = loaded()

    assert found is load_addition(lambda: found, refusing(THEIRS))


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        pytest.param(loaded, [THEIRS, OURS, WARNING], id="all-of-it-comes-of-the-addition"),
        pytest.param(refusing(THEIRS), [OURS, WARNING], id="the-rest-has-mistakes-too"),
        pytest.param(
            refusing(attrs.evolve(THEIRS, message="there are none")), [OURS, WARNING], id="in-other-words"
        ),
    ],
)
def test_of_an_addition_its_own_mistakes_are_told(
    without: Callable[[], Loaded], expected: list[Problem]
) -> None:
    """With all that somebody needs who watches the files."""
    with pytest.raises(ConfigError) as caught:
        load_addition(refusing(THEIRS, OURS, WARNING), without)

    assert sorted(expected, key=str) == sorted(caught.value.problems, key=str)
    assert ({"gateway.yaml": "x"}, (Path("gateway.yaml"),), (Path("more"),)) == (
        caught.value.sources,
        caught.value.files,
        caught.value.folders,
    )


def test_mistakes_of_others_are_not_told_at_length() -> None:
    """Whoever adds something cannot mend them."""
    with pytest.raises(OthersFault, match="the files of the configuration have errors"):
        load_addition(refusing(THEIRS, WARNING), refusing(THEIRS))


def test_what_tells_that_files_have_changed() -> None:
    """Their texts, and what they take from outside; of what cannot be read also why."""
    one, other = loaded(), attrs.evolve(loaded(), outside={"x": "${X}"})
    error = ConfigError([THEIRS], {"gateway.yaml": "x"})

    assert content_of(one) == content_of(loaded())
    assert content_of(one) != content_of(other)
    assert content_of(one) != content_of(error)
    assert content_of(error) == content_of(ConfigError([THEIRS], {"gateway.yaml": "x"}))


def test_what_is_wrong_is_looked_for_in_the_files_that_were_read() -> None:
    """A change there may be the cure."""
    error = read_from(loaded(), [THEIRS])

    assert ((Path("gateway.yaml"),), (Path("more"),), (THEIRS,)) == (
        error.files,
        error.folders,
        error.problems,
    )


def test_what_nobody_expected_is_a_problem(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the rest."""
    problem = failed(ZeroDivisionError("no"))

    assert (
        "the configuration could not be put together: ZeroDivisionError('no'); the log has the details"
        == (problem.message)
    )
    assert ["the configuration could not be put together"] == caplog.messages
    assert caplog.records[0].exc_info is not None


def test_errors_are_told_from_warnings() -> None:
    """Both are problems."""
    error, warning = Problem("x", "a", "b"), Problem("y", "a", "b", severity="warning")

    assert (error,) == Outcome(False, 1, (warning, error)).errors
