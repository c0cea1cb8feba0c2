"""Cases, and the runs that are made of them: they can be had again, and are neither all good nor all bad."""

import collections
import itertools
import sys

import pytest

from tests.fuzz import __main__ as program
from tests.fuzz import cases, loop, requests, seeds
from tests.fuzz.choice import Dice
from tests.fuzz.faults import FAULTS
from tests.fuzz.mutations import MUTATIONS, mutated


def test_a_seed_and_a_number_make_the_same_case_again() -> None:
    """Whoever reads of a find can try it."""
    assert [cases.made(7, number) for number in range(20)] == [cases.made(7, number) for number in range(20)]
    assert cases.made(7, 0) != cases.made(8, 0)


def test_both_directions_take_turns() -> None:
    """A run of one of them has every other number."""
    kinds = [isinstance(cases.made(1, number), requests.Case) for number in range(4)]

    assert [True, False, True, False] == kinds
    assert [1, 3, 5] == list(itertools.islice(cases.numbers("answers"), 3))


def test_the_rows_of_the_wire_are_among_the_seeds() -> None:
    """And what nothing is wrong with."""
    assert {*seeds.LEGAL_REQUESTS} < {*seeds.requests()}
    assert {*seeds.LEGAL_ANSWERS} < {*seeds.answers()}
    assert len(seeds.requests()) > 1000
    assert len(seeds.answers()) > 300


@pytest.mark.parametrize("data", [b"\r\n", b"x", seeds.LEGAL_REQUESTS[3], b"\r\r\n\n:"])
def test_every_mutation_takes_any_bytes(data: bytes) -> None:
    """Those of other mutations included."""
    for number in range(50):
        for mutation in MUTATIONS:
            mutation(Dice(number), data, seeds.LEGAL_REQUESTS)
        assert mutated(Dice(number), data, seeds.LEGAL_REQUESTS)


async def test_what_is_tried_is_neither_all_good_nor_all_bad() -> None:
    """Only what is accepted can be misunderstood."""
    tally = await loop.run(3, messages=160)
    kinds = collections.Counter[str]()
    for kind, count in tally.kinds.items():
        kinds[" ".join(kind.split()[:2])] += count

    assert kinds["requests: answered"] > 6
    assert kinds["requests: refused"] > 6
    assert kinds["answers: relayed"] > 6
    assert kinds["answers: refused"] > 6


async def test_the_command_tells_its_seed_and_what_it_has_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It fails where there is a find, and says how to have it again."""
    monkeypatch.setattr(sys, "argv", ["fuzz", "--messages", "10", "--seed", "5", "--only", "requests"])

    assert 0 == await program.main()
    assert "seed 5\n10 messages in " in capsys.readouterr().out

    monkeypatch.setattr(loop, "ATTEMPTS", 20)
    with FAULTS["a length is passed on as it came"].plant():
        monkeypatch.setattr(sys, "argv", ["fuzz", "--messages", "20", "--seed", "1", "--only", "requests"])
        assert 1 == await program.main()
    told = capsys.readouterr().out
    assert "    requests.Case(b'" in told
    assert " FOUND " in told


async def test_one_case_can_be_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its number."""
    monkeypatch.setattr(sys, "argv", ["fuzz", "--seed", "5", "--case", "3"])

    assert 0 == await program.main()
    assert "case 3: nothing: " in capsys.readouterr().out
