"""What can happen to a gateway."""

import inspect

import attrs
import pytest

from gatekeeper.extend import events
from gatekeeper.extend.events import ConfigApplied, ConfigRefused, DrainBegun, Event, HealthChanged, Listening


def test_every_event_is_a_frozen_value_that_explains_itself() -> None:
    """So that several plugins may hold the same one."""
    found = [
        kind for _, kind in inspect.getmembers(events, inspect.isclass) if kind.__module__ == events.__name__
    ]

    assert {Event, ConfigApplied, ConfigRefused, HealthChanged, Listening, DrainBegun} == set(found)
    for kind in found:
        assert issubclass(kind, Event)
        assert attrs.has(kind)
        assert kind.__doc__


def test_events_compare_by_value_and_do_not_change() -> None:
    """What was told stays told."""
    event = ConfigApplied(1)

    assert ConfigApplied(1) == event
    assert ConfigApplied(2) != event
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.revision = 2  # type: ignore[misc]
