"""Which instance is next."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from random import Random as Dice

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatekeeper.core.instance import Instance
from gatekeeper.policy.balance import (
    BETTER,
    FORGET,
    Balancer,
    Choice,
    Latency,
    LeastConnections,
    PowerOfTwo,
    Random,
    RoundRobin,
    Urn,
)
from tests.policy.choices import EXCHANGE, Loaded, make_choices, make_instance, names, pick


BY_TURN: Mapping[str, Callable[[], Balancer]] = {
    "round_robin": RoundRobin,
    "least_connections": LeastConnections,
}
BY_CHANCE: Mapping[str, Callable[[], Balancer]] = {
    "random": lambda: Random(Dice(1)),
    "power_of_two": lambda: PowerOfTwo(Dice(2)),
    "latency": lambda: Latency(Dice(3)),
}
ALL = {**BY_TURN, **BY_CHANCE}

WEIGHTS = st.lists(st.sampled_from([1, 1, 2, 3, 10, 0.5, 1000]), min_size=1, max_size=6)


def make(kind: str, choices: Sequence[Choice]) -> Balancer:
    balancer = ALL[kind]()
    balancer.update(choices)
    return balancer


def shares(balancer: Balancer, count: int) -> dict[str, float]:
    """The part of the picks that each instance gets, while each of them ends at once."""
    counted = Counter(pick(balancer).id for _ in range(count))
    return {name: found / count for name, found in counted.items()}


# ---- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALL)
def test_without_choices_there_is_nobody(kind: str) -> None:
    """Before the first are known, and after the last has gone."""
    balancer = ALL[kind]()
    assert None is balancer.pick(EXCHANGE, ())

    choices = make_choices(1, 2)
    balancer.update(choices)
    pick(balancer)
    balancer.update([])

    assert None is balancer.pick(EXCHANGE, ())
    assert None is balancer.pick(EXCHANGE, [choices[0].instance])


@pytest.mark.parametrize("kind", ALL)
@given(
    weights=WEIGHTS, requests=st.lists(st.lists(st.integers(0, 5), max_size=7), max_size=20), data=st.data()
)
def test_what_was_tried_is_passed_over_while_there_is_anything_else(
    kind: str, weights: list[float], requests: list[list[int]], data: st.DataObject
) -> None:
    """And picked again rather than nothing."""
    choices = make_choices(*weights)
    instances = [instance for instance, _ in choices]
    balancer = make(kind, choices)

    for indexes in requests:
        tried = [instances[index % len(instances)] for index in indexes]
        instances[indexes[0] % len(instances) if indexes else 0].in_flight = data.draw(st.integers(0, 3))
        picked = pick(balancer, tried)
        assert picked in instances
        assert picked not in tried or set(instances) == set(tried)


@pytest.mark.parametrize("kind", ALL)
def test_who_has_gone_is_not_picked_any_more(kind: str) -> None:
    """Not even from what was worked out before."""
    choices = make_choices(1, 1, 1)
    balancer = make(kind, choices)
    pick(balancer)

    balancer.update(choices[1:])

    assert {"b", "c"} == {pick(balancer).id for _ in range(50)}


@pytest.mark.parametrize("kind", ALL)
def test_who_takes_the_place_of_another_is_picked_instead(kind: str) -> None:
    """There are as many as before."""
    first, second, third = make_choices(1, 1, 1)
    balancer = make(kind, [first, second])
    pick(balancer)

    balancer.update([first, third])

    assert {"a", "c"} == {pick(balancer).id for _ in range(50)}


@pytest.mark.parametrize("kind", ALL)
def test_new_weights_hold_from_the_next_pick_on(kind: str) -> None:
    """For the same instances."""
    choices = make_choices(1, 1)
    balancer = make(kind, choices)
    for _ in range(3):
        pick(balancer)

    balancer.update([Choice(choices[0].instance, 9), choices[1]])

    # six standard deviations of what chance does
    assert 900 == pytest.approx(Counter(pick(balancer).id for _ in range(1000))["a"], abs=57)


@pytest.mark.parametrize(
    "weights",
    [
        pytest.param((1,), id="CBR-13 one"),
        pytest.param((1, 1, 1), id="CBR-13 equal"),
        pytest.param((1, 1000), id="CBR-13 1 and 1000"),
        pytest.param((5, 3, 2), id="CBR-13 whole"),
        pytest.param((0.1, 1, 1, 0.35), id="CBR-13 slow start"),
        pytest.param((2, 1) * 10, id="CBR-13 many"),
    ],
)
class TestWeights:
    """Without load, each instance gets its part."""

    @pytest.mark.parametrize("kind", BY_TURN)
    def test_turns_keep_to_them_exactly(self, kind: str, weights: Sequence[float]) -> None:
        """Within 1 % over 10,000 is the promise; it is one turn."""
        choices = make_choices(*weights)
        found = shares(make(kind, choices), 10_000)

        for instance, weight in choices:
            assert pytest.approx(weight / sum(weights), abs=1.0001e-4) == found[instance.id]

    @pytest.mark.parametrize("kind", BY_CHANCE)
    def test_chance_keeps_to_them_in_the_long_run(self, kind: str, weights: Sequence[float]) -> None:
        """Within 1 % over 100,000: Hoeffding lets one of 2e8 seeds fail for an instance, 2 exp(-2 n 0.01²)."""
        choices = make_choices(*weights)
        found = shares(make(kind, choices), 100_000)

        for instance, weight in choices:
            assert pytest.approx(weight / sum(weights), abs=0.01) == found.get(instance.id, 0.0)


@pytest.mark.parametrize("kind", ["least_connections", "power_of_two", "latency"])
@pytest.mark.parametrize("weights", [(1, 1, 1), (5, 3, 2), (10, 1), (0.5, 1.5)])
def test_under_load_each_one_has_its_part_in_flight(kind: str, weights: Sequence[float]) -> None:
    """CBR-13, of 10,000 that do not end; those that look at load even out what chance does."""
    choices = make_choices(*weights)
    balancer = make(kind, choices)

    for _ in range(10_000):
        pick(balancer).in_flight += 1

    for instance, weight in choices:
        assert pytest.approx(10_000 * weight / sum(weights), abs=100) == instance.in_flight


@pytest.mark.parametrize("kind", ALL)
def test_those_that_come_and_go_get_their_part_of_what_they_are_there_for(kind: str) -> None:
    """One of three is there for two requests, and away for one: in step with the turns."""
    choices = make_choices(1, 1, 1)
    balancer = ALL[kind]()
    counted = Counter[str]()

    for request in range(30_000):
        balancer.update(choices if request % 3 else choices[:2])
        counted[pick(balancer).id] += 1

    # two thirds of the time it gets a third
    part = 30_000 * 2 / 3 / 3
    assert pytest.approx(part, abs=2 if kind in BY_TURN else 600) == counted["c"]
    assert pytest.approx(counted["a"], abs=4 if kind in BY_TURN else 900) == counted["b"]


@pytest.mark.parametrize("kind", BY_TURN)
@given(weights=WEIGHTS, retries=st.lists(st.integers(0, 3), max_size=40))
def test_a_retry_takes_nobodys_turn(kind: str, weights: list[float], retries: list[int]) -> None:
    """Else, of two instances of which one is dead, every request would meet the dead one first."""
    choices = make_choices(*weights)
    calm, retrying = make(kind, choices), make(kind, choices)
    choices[-1].instance.in_flight = 3  # so that some are tied, and not all

    for count in retries:
        picked = pick(retrying)
        assert pick(calm) is picked
        for _ in range(count):
            pick(retrying, [picked])


@pytest.mark.parametrize("kind", ALL)
def test_the_requests_of_a_dead_instance_are_spread_over_all_others(kind: str) -> None:
    """By weight; they do not all fall on the one that comes after it."""
    choices = make_choices(1, 1, 2, 3)
    dead = choices[0].instance
    balancer = make(kind, choices)

    counted = Counter(pick(balancer, [dead]).id for _ in range(6000))

    for instance, weight in choices[1:]:
        assert pytest.approx(weight * 1000, abs=1 if kind in BY_TURN else 250) == counted[instance.id]


@pytest.mark.parametrize("kind", BY_TURN)
def test_the_requests_of_a_dead_instance_are_spread_while_others_come_and_go(kind: str) -> None:
    """Nobody is first after each change."""
    choices = make_choices(1, 1, 1, 1)
    dead = choices[0].instance
    balancer = ALL[kind]()
    counted = Counter[str]()

    for request in range(3000):
        balancer.update(choices[: 3 + request % 2])
        counted[pick(balancer, [dead]).id] += 1

    assert {"b": 1250, "c": 1250, "d": 500} == pytest.approx(counted, abs=2)


# ---- by turn ----------------------------------------------------------------------------------------------------------


def test_of_two_of_which_one_is_dead_only_every_other_request_meets_the_dead_one() -> None:
    """A retry does not use up a turn."""
    (dead, alive) = (instance for instance, _ in make_choices(1, 1))
    balancer = make("round_robin", [Choice(dead, 1), Choice(alive, 1)])
    met = []
    for _ in range(10):
        met.append(pick(balancer))
        if met[-1] is dead:
            assert alive is pick(balancer, [dead])

    assert [dead, alive] * 5 == met


@pytest.mark.parametrize("kind", BY_TURN)
def test_an_update_without_a_change_is_none(kind: str) -> None:
    """A health check that finds what it found before starts nothing anew."""
    choices = make_choices(2, 1)
    balancer = make(kind, choices)
    turns = []

    for _ in range(6):
        balancer.update(list(choices))
        turns.append(pick(balancer))

    assert "abaaba" == names(turns)


def test_what_was_worked_out_is_not_thrown_away_for_nothing() -> None:
    """An update without a change costs nothing."""
    choices = make_choices(2, 1)
    balancer = RoundRobin()
    balancer.update(choices)
    pick(balancer)
    before = balancer._ahead.copy()

    balancer.update(list(choices))

    assert before
    assert before == balancer._ahead


# ---- by load ----------------------------------------------------------------------------------------------------------

PICKS = st.lists(st.one_of(st.none(), st.integers(0, 1000)), max_size=120)
"""Picks, and releases of one of those that are in flight."""


@pytest.mark.parametrize("kind", ALL)
@settings(deadline=None)
@given(weights=WEIGHTS, steps=PICKS)
def test_picks_and_releases_in_any_order(kind: str, weights: list[float], steps: list[int | None]) -> None:
    """What is in flight is what was picked and not released; who looks at load takes the least of what it looks at."""
    choices = make_choices(*weights)
    weight_of = {instance: Fraction(weight) for instance, weight in choices}
    balancer = make(kind, choices)
    flying: list[Instance] = []

    for step in steps:
        if step is not None:
            if flying:
                flying.pop(step % len(flying)).in_flight -= 1
            continue
        picked = pick(balancer)
        loads = {instance: instance.in_flight / weight for instance, weight in weight_of.items()}
        if kind == "least_connections" or (kind == "power_of_two" and len(loads) == 2):
            assert min(loads.values()) == loads[picked]
        elif kind == "power_of_two" and len(loads) > 1:
            assert sorted(loads.values())[-2] >= loads[picked]
        picked.in_flight += 1
        flying.append(picked)

    assert Counter(flying) == {instance: instance.in_flight for instance, _ in choices if instance.in_flight}


@pytest.mark.parametrize(
    ("weights", "in_flight", "turns"),
    [
        pytest.param((1, 1, 1), (0, 0, 0), "abcabc", id="all are tied"),
        pytest.param((1, 1, 1), (2, 2, 2), "abcabc", id="all are as busy"),
        pytest.param((5, 1, 1), (0, 0, 0), "aabacaa", id="tied and weighted"),
        pytest.param((1, 1, 1), (1, 0, 0), "bcbc", id="two are tied"),
        pytest.param((1, 2, 1), (1, 0, 0), "bcbbcb", id="two are tied and weighted"),
        pytest.param((1, 1, 1), (1, 0, 2), "bbb", id="one has least"),
        pytest.param((1, 3, 1), (1, 2, 1), "bbb", id="least for its weight"),
        pytest.param((49, 1), (49, 1), "a" * 25 + "b" + "a" * 24, id="equal fractions are equal"),
        pytest.param((1, 1, 1, 1), (1, 0, 1, 0), "bdbd", id="the ties are not neighbours"),
        pytest.param((1, 1, 1), (0, 1, 1), "aaa", id="the first has least"),
    ],
)
def test_the_least_connections_for_the_weight(
    weights: Sequence[float], in_flight: Sequence[int], turns: str
) -> None:
    """Those that are tied take turns."""
    choices = make_choices(*weights)
    for choice, count in zip(choices, in_flight, strict=True):
        choice.instance.in_flight = count
    balancer = make("least_connections", choices)

    assert turns == names([pick(balancer) for _ in turns])


def test_a_retry_goes_to_the_least_of_those_that_are_left() -> None:
    """And those that are tied take turns there, too."""
    choices = make_choices(1, 1, 1, 1)
    dead = choices[0].instance
    choices[2].instance.in_flight = 1
    balancer = make("least_connections", choices)

    assert "bdbd" == names([pick(balancer, [dead]) for _ in range(4)])
    assert "c" == names([pick(balancer, [choice.instance for choice in choices if choice is not choices[2]])])


@settings(deadline=None)
@given(st.lists(st.sets(st.integers(0, 3), min_size=1, max_size=3), min_size=1, max_size=60))
def test_ties_among_some_are_fair(tied: list[set[int]]) -> None:
    """Whoever is tied with whom, and whoever goes and comes: to each its part."""
    choices = make_choices(1, 1, 1, 1)
    balancer = make("least_connections", choices)
    due, had = Counter[Instance](), Counter[Instance]()

    for indexes in tied:
        for index, (instance, _) in enumerate(choices):
            instance.in_flight = 0 if index in indexes else 1
            due[instance] += Fraction(index in indexes, len(indexes))  # type: ignore[assignment]
        balancer.update(choices[1:])
        balancer.update(choices)
        had[pick(balancer)] += 1

    assert all(abs(due[instance] - had[instance]) <= 2 for instance, _ in choices)


def test_of_two_choices_none_gets_far_ahead() -> None:
    """The most of one is near the mean (Mitzenmacher: log log n above it), which by chance alone it is not."""
    most = {}
    for kind in ("random", "power_of_two"):
        choices = make_choices(*[1] * 26)
        balancer = make(kind, choices)
        for _ in range(26 * 100):
            pick(balancer).in_flight += 1
        most[kind] = max(instance.in_flight for instance, _ in choices)

    assert most["power_of_two"] <= 103
    assert most["random"] > 110


# ---- by chance --------------------------------------------------------------------------------------------------------

HALVES = [(number + 0.5) / 60 for number in range(60)]
"""Numbers that are spread evenly."""


def test_draws_are_divided_like_the_weights() -> None:
    """Numbers that are spread evenly meet each one by its weight."""
    choices = make_choices(1, 2, 3)
    urn = Urn(choices, Loaded(*HALVES))

    assert {"a": 10, "b": 20, "c": 30} == Counter(urn.one().id for _ in HALVES)


def test_two_draws_are_one_after_the_other_without_putting_back() -> None:
    """The first by its part of all, the second by its part of the others."""
    choices = make_choices(1, 2, 3)
    urn = Urn(
        choices, Loaded(*[number for first in HALVES for second in HALVES for number in (first, second)])
    )

    counted = Counter(one.id + other.id for (one, _), (other, _) in [urn.two() for _ in range(3600)])

    # 1/6 · 2/5, 1/6 · 3/5, 2/6 · 1/4, ...
    assert {"ab": 240, "ac": 360, "ba": 300, "bc": 900, "ca": 600, "cb": 1200} == counted


@given(
    st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=8),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
)
@example([0.01, 1 / 3], 0.3, 0.9999999999999991)
def test_two_that_are_drawn_are_two(weights: list[float], first: float, second: float) -> None:
    """Whatever the numbers and however sums are rounded."""
    urn = Urn(make_choices(*weights), Loaded(first, second))

    (one, _), (other, _) = urn.two()

    assert one is not other


def test_of_one_both_draws_are_that_one() -> None:
    """There is no other."""
    urn = Urn(make_choices(3), Loaded(0.9))

    assert ["a", "a"] == [instance.id for instance, _ in urn.two()]


@pytest.mark.parametrize("kind", [Random, PowerOfTwo, Latency])
def test_chance_comes_from_the_dice_alone(kind: type[Random | PowerOfTwo | Latency]) -> None:
    """Equal seeds, equal picks."""
    choices = make_choices(1, 2, 3)
    first, second = kind(Dice(7)), kind(Dice(7))
    first.update(choices)
    second.update(choices)

    assert names([pick(first) for _ in range(50)]) == names([pick(second) for _ in range(50)])


@pytest.mark.parametrize(
    ("loads", "picked"),
    [
        pytest.param((0, 0), "a", id="tied: the first one"),
        pytest.param((1, 0), "b", id="less"),
        pytest.param((0, 1), "a", id="more"),
        pytest.param((2, 5), "a", id="less for its weight"),
        pytest.param((2, 4), "a", id="as much for its weight"),
        pytest.param((2, 3), "b", id="more for its weight"),
    ],
)
def test_of_the_two_the_one_with_less_for_its_weight_is_picked(loads: tuple[int, int], picked: str) -> None:
    """The first of a draw of weights 1 and 2."""
    choices = make_choices(1, 2)
    for choice, load in zip(choices, loads, strict=True):
        choice.instance.in_flight = load
    balancer = PowerOfTwo(Loaded(0.0, 0.5))
    balancer.update(choices)

    assert picked == pick(balancer).id


# ---- by latency -------------------------------------------------------------------------------------------------------


def make_two(
    latencies: tuple[float, float],
    in_flight: tuple[int, int] = (0, 0),
    measured: tuple[float, float] = (100.0, 100.0),
    weights: tuple[float, float] = (1, 1),
) -> list[Choice]:
    choices = make_choices(*weights)
    for choice, latency, flying, when in zip(choices, latencies, in_flight, measured, strict=True):
        instance = choice.instance
        instance.latency, instance.in_flight, instance.measured = latency, flying, when
    return choices


OLD = FORGET * math.log(10)
"""Seconds after which a latency counts a tenth."""


@pytest.mark.parametrize("first", ["a", "b"])
@pytest.mark.parametrize(
    ("choices", "picked"),
    [
        pytest.param(make_two((0.1, 0.2)), "a", id="faster"),
        pytest.param(make_two((0.2, 0.1)), "b", id="slower"),
        pytest.param(make_two((0.1, 0.2), (2, 0)), "b", id="fast, but busy"),
        pytest.param(make_two((0.1, 0.9), (2, 0)), "a", id="fast, and not so busy"),
        pytest.param(make_two((0.1, 0.1), (3, 5), weights=(1, 3)), "b", id="less for its weight"),
        pytest.param(make_two((0.1, 0.1), (1, 5), weights=(1, 3)), "a", id="more for its weight"),
        pytest.param(make_two((0.1, 0.1), (0, 1), weights=(20, 20)), "a", id="equal weights say nothing"),
        pytest.param(make_two((0.1, 0.5), measured=(100 + OLD, 100)), "b", id="forgotten"),
        pytest.param(make_two((0.5, 0.1), measured=(100, 100 + OLD)), "a", id="forgotten, the other way"),
        pytest.param(make_two((0.1, 0.5), measured=(100, 100 + OLD)), "a", id="what is fast counts at once"),
        pytest.param(make_two((0.1, 3.0), measured=(100 + OLD, 100)), "a", id="not yet forgotten"),
        pytest.param(make_two((0.1, 9.0), measured=(9999, 100)), "b", id="long forgotten"),
        pytest.param(make_two((0.1, 9.0), (0, 2), measured=(9999, 100)), "a", id="never less than half"),
        pytest.param(make_two((0.1, 0.02), (0, 2), measured=(9999, 100)), "b", id="unless it was less"),
        pytest.param(make_two((0.0, 0.1), (1, 0)), "b", id="unknown and busy"),
        pytest.param(make_two((0.0, 0.1), (1, 3)), "a", id="unknown, and the other is busy"),
        pytest.param(make_two((0.1, 0.0), (3, 1), measured=(9999, 0)), "b", id="unknown is not forgotten"),
        pytest.param(make_two((0.0, 0.0), (1, 0)), "b", id="both unknown"),
        pytest.param(make_two((0.0, 0.0), (0, 1)), "a", id="both unknown, the other way"),
    ],
)
def test_whoever_will_probably_answer_first_is_picked(choices: list[Choice], picked: str, first: str) -> None:
    """Whichever was drawn first."""
    balancer = Latency(Loaded(0.0 if first == "a" else 0.999, 0.5))
    balancer.update(choices)

    assert picked == pick(balancer).id


@pytest.mark.parametrize(
    "choices",
    [
        pytest.param(make_two((0.1, 0.1)), id="equal"),
        pytest.param(make_two((0.1, 0.11)), id="noise"),
        pytest.param(make_two((0.1, 0.0)), id="unknown"),
        pytest.param(make_two((0.1, 0.1), measured=(100, 100.5)), id="a little older"),
        pytest.param(make_two((0.1, 0.1), (50, 53)), id="about as busy"),
    ],
)
def test_of_two_that_are_about_as_fast_the_first_one_drawn_is_picked(choices: list[Choice]) -> None:
    """So that weights decide, and not the noise."""
    for number, first in ((0.0, "a"), (0.999, "b")):
        balancer = Latency(Loaded(number, 0.5))
        balancer.update(choices)
        assert first == pick(balancer).id


def test_about_as_fast_has_a_measure() -> None:
    """A fifth."""
    choices = make_two((1.0, BETTER - 0.01))
    balancer = Latency(Loaded(0.0, 0.5))
    balancer.update(choices)
    assert "b" == pick(balancer).id

    choices[1].instance.latency = BETTER + 0.01

    assert "a" == pick(balancer).id


@pytest.mark.parametrize(
    ("rival", "others", "picked"),
    [
        pytest.param(0.1, (), "b", id="of one it is that one"),
        pytest.param(0.2, (0.1, 5.0), "b", id="of three it is the middle one"),
        pytest.param(5.0, (0.1, 0.2), "a", id="which is not the rival"),
        pytest.param(0.2, (0.01, 0.2), "b", id="it is not the mean"),
        pytest.param(5.0, (0.1, 0.3, 9.0), "a", id="of four it is the lower of the two in the middle"),
        pytest.param(0.2, (0.1,), "a", id="of two it is the lower one: who is unknown is tried soon"),
        pytest.param(0.2, (0.1, 0.0, 0.0, 0.0), "a", id="others that are unknown do not count"),
    ],
)
def test_who_never_answered_counts_as_the_median(
    rival: float, others: tuple[float, ...], picked: str
) -> None:
    """Of those that did; `a` never answered, and `b` was drawn first."""
    choices = make_choices(*[1] * (2 + len(others)))
    for choice, latency in zip(choices[1:], (rival, *others), strict=True):
        choice.instance.latency = latency
    balancer = Latency(Loaded(1.5 / len(choices), 0.0))
    balancer.update(choices)

    assert picked == pick(balancer).id


class World:
    """Instances that take their time, and a gateway that measures them as the service does."""

    def __init__(self, balancer: Balancer, seconds: dict[Instance, float]) -> None:
        self.balancer = balancer
        self.seconds = seconds
        self.now = 1000.0
        self.flying: list[tuple[float, Instance, float]] = []
        self.asked = Counter[Instance]()

    def run(self, seconds: float, every: float) -> Counter[Instance]:
        """Send a request now and then; the number that each instance got."""
        self.asked.clear()
        end = self.now + seconds
        while self.now < end:
            self.now += every
            self._land()
            instance = pick(self.balancer)
            self.asked[instance] += 1
            instance.in_flight += 1
            self.flying.append((self.now + self.seconds[instance], instance, self.seconds[instance]))
        return self.asked

    def _land(self) -> None:
        for due, instance, took in sorted(self.flying, key=lambda flight: flight[0]):
            if due > self.now:
                continue
            self.flying.remove((due, instance, took))
            instance.in_flight -= 1
            if took >= instance.latency:
                instance.latency = took
            else:
                old = math.exp((instance.measured - due) / 10)
                instance.latency = instance.latency * old + took * (1 - old)
            instance.measured = due


def make_world(*seconds: float) -> tuple[World, list[Instance]]:
    choices = make_choices(*[1] * len(seconds))
    balancer = make("latency", choices)
    instances = [instance for instance, _ in choices]
    return World(balancer, dict(zip(instances, seconds, strict=True))), instances


def test_the_fast_ones_get_the_requests_and_the_slow_one_is_asked_now_and_then() -> None:
    """A hundred times as slow: once in about FORGET times ln 100, which is 46 s."""
    world, (fast, also, slow) = make_world(0.01, 0.01, 1.0)
    world.run(10, every=0.02)

    asked = world.run(460, every=0.02)

    assert 5 <= asked[slow] <= 40
    assert pytest.approx(asked[fast], rel=0.15) == asked[also]


def test_who_was_slow_gets_its_part_again_when_it_is_fast() -> None:
    """A minute later, by itself."""
    world, (first, second) = make_world(0.01, 1.0)
    world.run(60, every=0.02)
    world.seconds[second] = 0.01
    world.run(120, every=0.02)

    asked = world.run(60, every=0.02)

    assert pytest.approx(asked[first], rel=0.2) == asked[second]


def test_who_becomes_slow_is_left_alone_at_once() -> None:
    """After the first answers that took long: a peak counts."""
    world, (first, second) = make_world(0.01, 0.01)
    world.run(60, every=0.02)
    world.seconds[second] = 1.0
    world.run(2, every=0.02)

    asked = world.run(20, every=0.02)

    assert asked[second] <= 0.02 * asked[first]


def test_who_was_slow_long_ago_is_not_overrun() -> None:
    """It is asked by a few until it has answered, and not by all that come meanwhile."""
    world, (_, slow) = make_world(0.01, 5.0)
    world.run(20, every=0.02)
    slow.measured -= 100_000

    asked = world.run(4, every=0.02)

    assert 1 <= asked[slow] <= 3


def test_who_is_new_is_asked_as_often_as_the_others() -> None:
    """Before anything is known of it."""
    world, (first, second, _) = make_world(0.01, 0.01, 0.01)
    world.balancer.update([Choice(first, 1), Choice(second, 1)])
    world.run(10, every=0.02)
    new = make_instance("new")
    world.seconds[new] = 0.01
    world.balancer.update([Choice(first, 1), Choice(second, 1), Choice(new, 1)])

    asked = world.run(30, every=0.02)

    assert pytest.approx(500, abs=100) == asked[new]
