"""What the edge goes by, where nobody says otherwise."""

from typing import get_args

import attrs
import pytest

from gatekeeper.edge.fields import Underscores
from gatekeeper.edge.settings import EdgeLimits, EdgeSettings, EdgeTimeouts


@pytest.mark.parametrize("cls", [EdgeLimits, EdgeTimeouts, EdgeSettings])
def test_nothing_changes_under_whoever_reads_it(cls: type[attrs.AttrsInstance]) -> None:
    """A reload hands over others."""
    settings = cls()
    for field in attrs.fields(cls):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(settings, field.name, None)


def test_every_limit_is_on_by_default() -> None:
    """LIM-01, LIM-02, LIM-03, LIM-07, LIM-08, LIM-09: nobody has to ask for protection."""
    for limit in (*attrs.astuple(EdgeLimits()), *attrs.astuple(EdgeTimeouts())):
        assert limit > 0


def test_limits_fit_together() -> None:
    """One target and one field fit into a head; who is idle may be so for longer than a head may take."""
    limits, timeouts = EdgeLimits(), EdgeTimeouts()

    assert limits.target + limits.header_line < limits.header_block
    assert timeouts.head < timeouts.idle
    assert limits.connections_per_address is not None
    assert limits.connections_per_address < limits.connections


def test_places_are_not_shared_by_accident() -> None:
    """LIM-16: each gateway has its own."""
    assert EdgeSettings().concurrency is not EdgeSettings().concurrency


def test_nobody_is_trusted_by_default() -> None:
    """FWD-01: and what could be taken for another name is dropped (FRM-36)."""
    settings = EdgeSettings()

    assert () == settings.networks
    assert "drop" == settings.underscore_headers
    assert settings.underscore_headers in get_args(Underscores)
    assert frozenset() == settings.identity_headers
    assert None is settings.health_path
