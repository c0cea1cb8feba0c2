"""The filter, alone: the test plays what comes next. Run it with `pytest`."""

from collections.abc import Callable
from pathlib import Path

from gatekeeper.testing import Call, make_exchange


PLUGIN = Path(__file__).with_name("require.py")


async def test_without_the_field_it_refuses(run_filter: Callable[..., Call]) -> None:
    """The client hears what to send."""
    call = run_filter("require", "x-team", plugins=[PLUGIN])

    assert (await call.response()).status == 400


async def test_with_the_field_it_goes_on(run_filter: Callable[..., Call]) -> None:
    """The answer is that of the service."""
    call = run_filter("require", "x-team", make_exchange(headers={"X-Team": "blue"}), plugins=[PLUGIN])
    (await call.upstream()).respond(200)

    assert (await call.response()).status == 200
