"""Bytes of instances that hypothesis makes up: the client gets the answer that every parser reads, or sees that it is none."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz import answers, found, seeds
from tests.fuzz.answers import Asked
from tests.fuzz.strategies import of_instances


@settings(max_examples=250, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(of_instances())
def test_what_looks_whole_is_whole(case: answers.Case) -> None:
    """For five parsers and the RFC, however the bytes are divided and however the instance goes."""
    assert () == asyncio.run(answers.judge(case)).finds


@pytest.mark.parametrize("case", found.ANSWERS.values(), ids=found.ANSWERS)
async def test_what_was_found_once(case: answers.Case) -> None:
    """Each find stays here under its name."""
    assert () == (await answers.judge(case)).finds


@pytest.mark.parametrize("raw", seeds.LEGAL_ANSWERS)
async def test_an_answer_that_nothing_is_wrong_with_is_relayed(raw: bytes) -> None:
    """A gateway that refuses everything would never be found out."""
    asked = Asked.SWITCH if b" 101 " in raw[:16] else Asked.GET
    outcome = await answers.judge(answers.Case(raw, asked))

    assert () == outcome.finds
    assert outcome.kind.startswith(("relayed", "switched"))
