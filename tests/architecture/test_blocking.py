"""The guard that keeps the loop free while tests run, itself tested."""

import asyncio

import attrs
import pytest
from blockbuster import BlockingError

from gatekeeper.config.structure import structure_options


@attrs.frozen
class Options:
    """None."""


@pytest.mark.both_loops
async def test_what_blocks_the_loop_is_found() -> None:
    """This asks the operating system for the current folder."""
    with pytest.raises(BlockingError, match="getcwd"):
        structure_options(Options, {})


async def test_what_blocks_a_thread_is_fine() -> None:
    """That is what threads are for."""
    assert Options() == await asyncio.to_thread(structure_options, Options, {})


def test_what_blocks_without_a_loop_is_fine() -> None:
    """Nobody waits."""
    assert Options() == structure_options(Options, {})
