"""The fixtures; everything is closed after the test that asked for it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from gatekeeper import testing


if TYPE_CHECKING:
    from gatekeeper.testing import Call, FakeClock, LiveGateway, Origin, RunFilter, StartGateway, StartOrigin


@pytest.fixture
def clock() -> "FakeClock":
    """A clock that the test moves."""
    return testing.FakeClock()


@pytest.fixture(scope="session")
def installed_plugins() -> Any:
    """The plugins that are installed, loaded before any loop runs."""
    return testing.default_host()


@pytest_asyncio.fixture
async def run_filter(installed_plugins: Any) -> "AsyncIterator[RunFilter]":  # noqa: ARG001
    """One filter at work: `run_filter(kind, options, exchange)`."""
    calls: list[Call] = []

    def run(*arguments: Any, **options: Any) -> "Call":
        call = testing.run_filter(*arguments, **options)
        calls.append(call)
        return call

    yield run
    for call in calls:
        await call.close()


@pytest_asyncio.fixture
async def origin() -> "AsyncIterator[StartOrigin]":
    """Start scripted servers, with the arguments of `Origin.start`; a test fails where one got what is no HTTP."""
    origins: list[Origin] = []

    async def start(**options: Any) -> "Origin":
        started = await testing.Origin().start(**options)
        origins.append(started)
        return started

    yield start
    faults = []
    for started in origins:
        await started.stop()
        faults += started.faults
    assert not faults, f"an origin was sent what is no HTTP: {faults}"


@pytest_asyncio.fixture
async def gateway() -> "AsyncIterator[StartGateway]":
    """Start gateways, with the arguments of `open_gateway`."""
    async with AsyncExitStack() as stack:

        async def start(*arguments: Any, **options: Any) -> "LiveGateway":
            return await stack.enter_async_context(testing.open_gateway(*arguments, **options))

        yield start
