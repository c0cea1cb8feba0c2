"""How gateways are spoiled, and that each is found out by name."""

from collections import Counter
from pathlib import Path

import pytest

from tests.soak.__main__ import SABOTAGES, SOAKS
from tests.soak.sabotage import NONE, Sabotage


def test_a_name_stands_for_one_sabotage() -> None:
    """Of all soaks together."""
    names = Counter(name for soak in SOAKS.values() for name in soak.sabotages)

    assert {1} == {*names.values()}
    assert {*names} == {*SABOTAGES}


def test_a_gateway_that_is_not_spoiled_is_as_it_was(tmp_path: Path) -> None:
    """Neither its file nor a plugin."""
    assert ("routes: {}", []) == (NONE.spoil("routes: {}"), NONE.write(tmp_path))


def test_text_is_replaced_and_a_plugin_written(tmp_path: Path) -> None:
    """Each where it is given."""
    sabotage = Sabotage((), plugin="import this", replaced=("{}", "null"))

    assert "routes: null" == sabotage.spoil("routes: {}")
    (path,) = sabotage.write(tmp_path)
    assert "import this" == path.read_text()


def test_text_that_is_not_there_is_not_replaced_in_silence() -> None:
    """The gateway would be a sound one."""
    with pytest.raises(AssertionError):
        Sabotage((), replaced=("retries", "")).spoil("routes: {}")
