"""Bytes of clients that hypothesis makes up: the instance gets what every parser understands, or nothing."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz import found, requests, seeds
from tests.fuzz.strategies import of_clients


@settings(max_examples=250, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(of_clients())
def test_what_goes_out_is_one_and_the_same_message_or_nothing(case: requests.Case) -> None:
    """For six parsers and the RFC, however the bytes are divided."""
    assert () == asyncio.run(requests.judge(case)).finds


@pytest.mark.parametrize("case", found.REQUESTS.values(), ids=found.REQUESTS)
async def test_what_was_found_once(case: requests.Case) -> None:
    """Each find stays here under its name."""
    assert () == (await requests.judge(case)).finds


@pytest.mark.parametrize("raw", seeds.LEGAL_REQUESTS)
async def test_a_message_that_nothing_is_wrong_with_is_answered(raw: bytes) -> None:
    """A gateway that refuses everything would never be found out."""
    outcome = await requests.judge(requests.Case(raw))

    assert () == outcome.finds
    assert outcome.kind.startswith("answered")
