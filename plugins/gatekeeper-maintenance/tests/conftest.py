"""The filter, installed or not; the fixtures of the test kit come by `-p gatekeeper.testing` (see setup.cfg)."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import gatekeeper_maintenance
import pytest


if TYPE_CHECKING:
    from gatekeeper.testing import Call


@pytest.fixture
def extra_plugins() -> tuple[Any, ...]:
    """What the kit has to be handed: nothing if the plugin is installed, else the module."""
    installed = "maintenance" in entry_points(group="gatekeeper").names
    return () if installed else (gatekeeper_maintenance,)


@pytest.fixture
def maintenance(run_filter: Callable[..., Any], extra_plugins: tuple[Any, ...]) -> "Callable[..., Call]":
    """The filter at work: `maintenance(options, exchange)`."""
    return partial(run_filter, "maintenance", plugins=extra_plugins)
