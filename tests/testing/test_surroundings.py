"""What stands round a filter that is tested alone."""

import asyncio

import aiohttp
import pytest

from gatekeeper import ConfigApplied
from gatekeeper.testing import Surroundings


async def test_it_remembers() -> None:
    """Events and tasks; what still runs is cancelled."""
    surroundings = Surroundings()
    surroundings.emit(ConfigApplied(1))
    task = surroundings.spawn("work", asyncio.sleep(60))

    await surroundings.close()

    assert [ConfigApplied(1)] == surroundings.events
    assert task.cancelled()
    assert ["work"] == list(surroundings.tasks)


async def test_other_systems_are_called_through_what_the_test_sets() -> None:
    """By default nothing is called."""
    surroundings = Surroundings()
    with pytest.raises(LookupError, match="set `session`"):
        _ = surroundings.http

    async with aiohttp.ClientSession() as session:
        surroundings.session = session
        assert session is surroundings.http
