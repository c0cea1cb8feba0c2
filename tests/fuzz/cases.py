"""Cases out of choices: a message from the seeds or from the grammar, mutated, and the circumstances it comes in."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from tests.fuzz import answers, grammar, requests, seeds
from tests.fuzz.answers import Asked
from tests.fuzz.choice import Choice, Dice, one_in, pick
from tests.fuzz.mutations import mutated
from tests.fuzz.requests import Behaviour


Case = requests.Case | answers.Case

_BEHAVIOURS: Final = (*[Behaviour.LENGTH] * 4, *Behaviour)
_ASKED: Final = (*[Asked.GET] * 2, *Asked)
_CLIENTS: Final[Sequence[requests.Client]] = ("stranger", "stranger", "proxy", "underscores")
_ENDINGS: Final[Sequence[Literal["fin", "rst"]]] = ("fin", "fin", "rst")
_POSITIONS: Final = 1 << 20
_LARGE: Final = 200
"""Of so many messages one is large."""


def _cuts(choice: Choice) -> tuple[int, ...]:
    return tuple(choice.below(_POSITIONS) for _ in range(1 + choice.below(4)))


def request_bytes(choice: Choice) -> bytes:
    """What a client sends."""
    source = choice.below(5)
    if one_in(choice, _LARGE):
        data = pick(choice, (*seeds.large_requests(), grammar.large_request(choice)))
    elif source == 0:
        data = pick(choice, seeds.LEGAL_REQUESTS)
    elif source < 3:
        data = pick(choice, seeds.requests())
    else:
        data = grammar.requests(choice)
    return mutated(choice, data, seeds.requests())


def answer_bytes(choice: Choice) -> bytes:
    """What an instance says."""
    source = choice.below(5)
    if one_in(choice, _LARGE):
        data = pick(choice, (*seeds.large_answers(), grammar.large_answer(choice)))
    elif source == 0:
        data = pick(choice, seeds.LEGAL_ANSWERS)
    elif source < 3:
        data = pick(choice, seeds.answers())
    else:
        data = grammar.answer(choice)
    return mutated(choice, data, seeds.answers())


def request_case(choice: Choice) -> requests.Case:
    """Bytes of a client."""
    return requests.Case(
        request_bytes(choice),
        pick(choice, _BEHAVIOURS),
        _cuts(choice),
        lost=one_in(choice, 4),
        upgrades=one_in(choice, 4),
        holds=one_in(choice, 4),
        client=pick(choice, _CLIENTS),
    )


def answer_case(choice: Choice) -> answers.Case:
    """Bytes of an instance."""
    asked = pick(choice, _ASKED)
    ending = pick(choice, _ENDINGS)
    return answers.Case(answer_bytes(choice), asked, _cuts(choice), ending)


DIRECTIONS: Final[Sequence[str]] = ("requests", "answers")


def made(seed: int, number: int) -> Case:
    """One case of a run: its number says in which direction, and with the seed all the rest."""
    dice = Dice(f"{seed}/{number}")
    return request_case(dice) if DIRECTIONS[number % 2] == "requests" else answer_case(dice)


def numbers(only: str | None = None) -> Iterator[int]:
    """The numbers of a run, of one direction or of both."""
    return itertools.count() if only is None else itertools.count(DIRECTIONS.index(only), 2)
