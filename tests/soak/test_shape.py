"""What the edited file says: sound where it is to be, and with one mistake at one place where it is not."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import attrs
import pytest

from gatekeeper.config.problems import ConfigError
from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.testing import default_host
from tests.soak.reload.shape import CHANGES, SPOILS, Ports, Shape, changed


SHAPE = Shape(Ports(21001, 21002, 21003, (21004, 21005)))
HOST = default_host()


def shapes() -> Iterator[Shape]:
    """Many changes, one on top of the other."""
    random, shape = Random(0), SHAPE
    for name in 5 * [*CHANGES]:
        shape = changed(shape, name, random)
        yield shape


def test_every_shape_is_sound() -> None:
    """Without a warning."""
    for shape in shapes():
        assert () == load_gateway_text(shape.text(), HOST).warnings


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_changes_something(name: str) -> None:
    """The revision, and what it is named for."""
    shape = changed(SHAPE, name, Random(0))

    assert (2, name == "nothing else") == (shape.revision, attrs.evolve(shape, revision=1) == SHAPE)


def test_calm_is_as_it_was() -> None:
    """But for the revision."""
    last = [*shapes()][-1]

    assert attrs.evolve(SHAPE, revision=last.revision + 1) == last.calm()


@pytest.mark.parametrize("name", [name for name in SPOILS if name not in {"gone", "taken"}])
def test_a_mistake_is_told_where_it_is(name: str) -> None:
    """As the soak expects it from a gateway, whatever stands round it."""
    for shape in shapes():
        spoiled = SPOILS[name](shape)
        assert spoiled.text is not None
        with pytest.raises(ConfigError) as caught:
            load_gateway_text(spoiled.text, HOST)

        (problem,) = caught.value.problems
        place = f"{problem.line}:{problem.column}"
        assert (spoiled.place, spoiled.path, spoiled.id) == (place, problem.path, problem.id)


def test_an_address_that_is_taken_is_no_mistake_by_itself(tmp_path: Path) -> None:
    """Only who listens finds out; the line is that of the listener."""
    spoiled = SPOILS["taken"](SHAPE)
    assert spoiled.text is not None
    line, column = map(int, spoiled.place.split(":"))

    assert () == load_gateway_text(spoiled.text, HOST).warnings
    assert spoiled.text.splitlines()[line - 1][column - 1 :].startswith("127.0.0.1:21004")
