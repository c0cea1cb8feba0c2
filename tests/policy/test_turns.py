"""Whose turn it is."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.instance import Instance
from gatekeeper.policy.balance import Choice
from gatekeeper.policy.turns import LONGEST_ROUND, REACH, REMEMBERED, Rounds, Turns, carry_over
from tests.policy.choices import make_choices, make_instance, names


SMALL = st.lists(st.integers(1, 9), min_size=1, max_size=6)
FLOATS = st.lists(st.floats(0.001, 1000), min_size=1, max_size=6)


def take(rounds: Rounds, count: int) -> list[Instance]:
    """The next turns, as a balancer takes them."""
    taken = []
    for _ in range(count):
        if not rounds.ahead:
            rounds.look_ahead()
        taken.append(rounds.ahead.pop())
    return taken


def make_rounds(choices: Sequence[Choice]) -> Rounds:
    rounds = Rounds()
    rounds.update(choices)
    return rounds


def smooth(weights: Sequence[int], count: int) -> list[int]:
    """Nginx's algorithm as its commit message tells it; the indexes in the order they are next."""
    current = [0] * len(weights)
    found = []
    for _ in range(count):
        current = [now + weight for now, weight in zip(current, weights, strict=True)]
        found.append(current.index(max(current)))
        current[found[-1]] -= sum(weights)
    return found


class Carpool:
    """Who was there at each turn, who had it, and what each one should have had."""

    def __init__(self) -> None:
        self.due: dict[Instance, float] = defaultdict(float)
        self.had = Counter[Instance]()

    def note(self, there: Sequence[Choice], taken: Instance) -> None:
        whole = sum(weight for _, weight in there)
        for instance, weight in there:
            self.due[instance] += weight / whole
        self.had[taken] += 1

    @property
    def worst(self) -> float:
        """How many turns somebody has too many or too few, at most."""
        return max(abs(self.due[instance] - self.had[instance]) for instance in self.due)


# ---- among all --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "turns"),
    [
        pytest.param((1,), "aaaa", id="one"),
        pytest.param((1, 1, 1), "abcabc", id="equal"),
        pytest.param((7, 7), "abab", id="equal above 1"),
        pytest.param((5, 1, 1), "aabacaa" * 3, id="nginx"),
        pytest.param((500, 100, 100), "aabacaa" * 3, id="with a common divisor"),
        pytest.param((2, 1), "abaaba", id="two to one"),
        pytest.param((0.5, 0.25, 0.25), "abcaabca", id="less than 1"),
    ],
)
def test_turns_are_smooth(weights: Sequence[float], turns: str) -> None:
    """Nobody comes more often in a row than need be."""
    assert turns == names(take(make_rounds(make_choices(*weights)), len(turns)))


@given(SMALL, st.integers(0, 200))
def test_turns_are_those_of_nginx(weights: list[int], count: int) -> None:
    """One by one, for as long as one likes."""
    choices = make_choices(*weights)

    taken = take(make_rounds(choices), count)

    assert [choices[index].instance for index in smooth(weights, count)] == taken


@given(SMALL, st.integers(0, 60))
def test_each_round_has_each_one_as_often_as_its_weight(weights: list[int], start: int) -> None:
    """Wherever one begins to count."""
    choices = make_choices(*weights)
    taken = take(make_rounds(choices), start + sum(weights))[start:]

    assert dict(choices) == Counter(taken)


@given(SMALL)
def test_the_same_round_comes_again_and_again(weights: list[int]) -> None:
    """Nobody comes twice as near to itself at the end of a round as elsewhere."""
    rounds = make_rounds(make_choices(*weights))
    length = sum(weights)

    assert take(rounds, length) * 5 == take(rounds, length * 5)


@pytest.mark.parametrize(
    ("weights", "kept"),
    [
        pytest.param((5, 1, 1), True, id="short"),
        pytest.param((1,) * 26, True, id="many"),
        pytest.param((LONGEST_ROUND - 1, 1), True, id="the longest"),
        pytest.param((300_000, 700_000), True, id="with a common divisor"),
        pytest.param((LONGEST_ROUND, 1), False, id="too long"),
        pytest.param((0.5, 1), False, id="odd weights"),
    ],
)
def test_a_round_is_worked_out_once(weights: Sequence[float], *, kept: bool) -> None:
    """And once more where somebody was owed something when it began; what is remembered has an end."""
    choices = make_choices(*weights)
    rounds = make_rounds(choices)
    take(rounds, 1)
    rounds.update(choices[:1])
    take(rounds, 1)
    rounds.update(choices)

    take(rounds, 3 * LONGEST_ROUND + 1)

    assert kept is rounds._kept
    assert len(rounds._round) <= LONGEST_ROUND


def test_who_owes_turns_delays_the_round_that_is_kept() -> None:
    """What was owed before must not come again with each round."""
    first, second = make_choices(1, 1)
    rounds = make_rounds([first, second])
    rounds.update([first])
    rounds._owed[second.instance] = -1.6

    rounds.update([first, second])

    assert "aababa" == names(take(rounds, 6))
    assert Counter({"a": 100, "b": 100}) == Counter(names(take(rounds, 200)))
    assert rounds._kept


def test_there_may_be_very_many() -> None:
    """More than are looked at at once."""
    choices = [Choice(make_instance(str(number)), 1) for number in range(1100)]

    assert [instance for instance, _ in choices] == take(make_rounds(choices), 1100)


@settings(deadline=None)
@given(FLOATS, st.integers(0, 300))
def test_any_weights_are_kept_to_at_any_time(weights: list[float], count: int) -> None:
    """As those of a slow start, that make no round."""
    carpool, choices = Carpool(), make_choices(*weights)
    rounds = make_rounds(choices)

    for taken in take(rounds, count):
        carpool.note(choices, taken)
        assert carpool.worst < 2


@pytest.mark.parametrize(
    "weights",
    [
        pytest.param((1, 1000), id="CBR-13"),
        pytest.param((1, 999_999), id="almost none"),
        pytest.param((3001, 4999), id="no round"),
        pytest.param((LONGEST_ROUND - 1, 1), id="the longest round"),
        pytest.param((0.1, 1, 1), id="slow start"),
        pytest.param(tuple(range(1, 26)), id="many"),
    ],
)
def test_weights_are_kept_to_exactly(weights: Sequence[float]) -> None:
    """Within one turn, over ten thousand."""
    choices = make_choices(*weights)
    counted = Counter(take(make_rounds(choices), 10_000))

    for instance, weight in choices:
        assert abs(counted[instance] - 10_000 * weight / sum(weights)) <= 1


def test_nobody_to_take_turns_is_no_error() -> None:
    """A service may lose all its instances, and get them back."""
    choices = make_choices(1, 1)
    rounds = make_rounds(choices)
    first = take(rounds, 1)
    rounds.update([])
    assert [] == rounds.ahead

    rounds.update(choices)

    assert "a" == names(first)
    assert "baba" == names(take(rounds, 4))


# ---- who comes and goes -----------------------------------------------------------------------------------------------


def test_who_is_there_at_every_other_turn_only_has_its_part_of_these() -> None:
    """Turns in a ring would never reach it: those before it take the ones where it is there."""
    choices = make_choices(1, 1, 1)
    rounds, carpool = Rounds(), Carpool()

    for turn in range(3000):
        there = choices if turn % 2 else choices[:2]
        rounds.update(there)
        carpool.note(there, take(rounds, 1)[0])

    assert carpool.worst <= 1
    assert 500 == pytest.approx(carpool.had[choices[2].instance], abs=1)


FLAPS = st.lists(st.tuples(st.sets(st.integers(0, 3), min_size=1), st.integers(1, 4)), max_size=80)


@settings(deadline=None)
@given(st.lists(st.sampled_from([1, 1, 2, 5, 0.7]), min_size=4, max_size=4), FLAPS)
def test_turns_are_fair_whoever_comes_and_goes(
    weights: list[float], flaps: list[tuple[set[int], int]]
) -> None:
    """To each its part of the turns that it could have had, whatever its health does."""
    choices = make_choices(*weights)
    rounds, carpool = Rounds(), Carpool()

    for there, count in flaps:
        now = [choices[index] for index in sorted(there)]
        rounds.update(now)
        for taken in take(rounds, count):
            carpool.note(now, taken)

    assert not flaps or carpool.worst <= 2


@settings(deadline=None)
@given(FLAPS)
def test_turns_among_some_are_fair(flaps: list[tuple[set[int], int]]) -> None:
    """To each its part of those that it could have had."""
    choices = make_choices(1, 1, 2, 5)
    turns, carpool = Turns(), Carpool()
    turns.update(choices)

    for among, count in flaps:
        some = [choices[index] for index in sorted(among)]
        for _ in range(count):
            carpool.note(some, turns.next(some))

    assert not flaps or carpool.worst <= 2


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=20))
def test_a_change_of_weights_takes_no_turn_from_anybody(changes: list[tuple[int, int]]) -> None:
    """As each step of a slow start is one."""
    weights = [1, 1, 1, 1]
    instances = [instance for instance, _ in make_choices(*weights)]
    rounds, carpool = Rounds(), Carpool()

    for index, weight in changes:
        weights[index] = weight
        choices = [Choice(*pair) for pair in zip(instances, weights, strict=True)]
        rounds.update(choices)
        for taken in take(rounds, 3):
            carpool.note(choices, taken)

    assert carpool.worst <= 2


@pytest.mark.parametrize(
    ("owed", "before", "now", "carried"),
    [
        pytest.param("a+0.5 b-0.5", "ab", "ab", "a+0.5 b-0.5", id="nobody comes or goes"),
        pytest.param("a+0.5 b+0.25", "ab", "ab", "a+0.125 b-0.125", id="the middle is 0"),
        pytest.param("a+0.5 b+0.25", "ab", "abc", "a+0.125 b-0.125 c+0", id="who is new stands in it"),
        pytest.param("a+0.5 b-0.5", "ab", "a", "b-0.5 a+0.5", id="who has gone is remembered"),
        pytest.param("b-0.5 a+1.5", "a", "ab", "a+0 b-2", id="who comes back stands where it stood"),
        pytest.param("b-5 a+0", "a", "a", "b-5 a+0", id="who is not there may stand anywhere"),
        pytest.param("b-5 a+0", "a", "ab", f"a+0 b-{REACH}", id="who comes back owes little"),
        pytest.param("b+5 a+0", "a", "ab", f"a+0 b+{REACH}", id="who comes back is owed little"),
        pytest.param("a+0.5", "", "a", "a+0.5", id="nobody was there"),
        pytest.param("a+0.5 b-0.5", "ab", "", "a+0.5 b-0.5", id="nobody is there"),
    ],
)
def test_what_is_owed_is_carried_over(owed: str, before: str, now: str, carried: str) -> None:
    """From one set of choices to the next; who is there now comes last."""
    instances = {name: make_instance(name) for name in "abc"}

    found = carry_over(
        {instances[item[0]]: float(item[1:]) for item in owed.split()},
        [(instances[name], 1) for name in before],
        [(instances[name], 1) for name in now],
    )

    assert [(item[0], float(item[1:])) for item in carried.split()] == [
        (instance.id, turns) for instance, turns in found.items()
    ]


def test_who_is_new_stands_in_the_middle() -> None:
    """However many have come and gone before: it has its part from the first round on, and no more."""
    old = make_choices(1, 1)
    rounds = Rounds()
    for number in range(300):
        rounds.update([*old, Choice(make_instance(f"-{number}"), 1)])
        take(rounds, 1)
    new = Choice(make_instance("new"), 1)

    rounds.update([*old, new])

    assert 3 <= Counter(take(rounds, 12))[new.instance] <= 5


def test_who_comes_back_takes_a_few_turns_more_at_most() -> None:
    """Whatever it was owed when it went."""
    (early, late, other) = choices = make_choices(1, 1, 1)
    rounds = Rounds()
    rounds.update(choices)
    take(rounds, 1)
    # these two go and come in turns, and each time when one of them would be next
    for _ in range(100):
        rounds.update([early, other])
        take(rounds, 1)
        rounds.update([late, other])
        take(rounds, 1)

    rounds.update(choices)

    counted = Counter(take(rounds, 12))
    assert all(2 <= counted[instance] <= 6 for instance, _ in choices)


def test_who_has_gone_is_not_remembered_for_ever() -> None:
    """The memory of gone instances has an end."""
    turns, rounds = Turns(), Rounds()

    for number in range(10 * REMEMBERED):
        choices = [Choice(make_instance(f"{number}-{index}"), 1) for index in range(3)]
        turns.update(choices)
        rounds.update(choices)

    assert REMEMBERED + 3 == len(turns._owed) == len(rounds._owed)


def test_the_last_to_go_is_remembered_longest() -> None:
    """It is the likeliest to come back."""
    first, second = make_choices(1, 1)
    rounds = Rounds()
    rounds.update([first, second])
    rounds.update([second])
    for number in range(REMEMBERED):
        rounds.update([Choice(make_instance(str(number)), 1)])

    assert first.instance not in rounds._owed
    assert second.instance in rounds._owed


# ---- among some -------------------------------------------------------------------------------------------------------


def test_turns_among_the_same_are_smooth() -> None:
    """As among all."""
    choices = make_choices(5, 1, 1)
    turns = Turns()
    turns.update(choices)

    assert "aabacaa" == names([turns.next(choices) for _ in range(7)])


def test_turns_among_some_are_charged_to_them_alone() -> None:
    """Who was not there is owed nothing for it."""
    choices = make_choices(1, 1, 1)
    turns = Turns()
    turns.update(choices)

    pairs = [turns.next(choices[:2]) for _ in range(10)]
    counted = Counter([turns.next(choices) for _ in range(6)])

    assert "ababababab" == names(pairs)
    assert {2} == set(counted.values())
