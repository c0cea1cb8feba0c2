"""Which instance is next for those that belong together."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.exchange import Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Headers, Response
from gatekeeper.policy.affinity import REMEMBERED, REMEMBERED_LENGTH, Cookie, Hash, token
from gatekeeper.policy.balance import Balancer, Choice, RoundRobin
from gatekeeper.testing import make_exchange
from tests.policy.choices import EXCHANGE, make_choices, make_instance, names, pick


WEIGHTS = st.lists(st.sampled_from([1, 1, 2, 5, 0.5]), min_size=1, max_size=6)


class Keyed:
    """A hash that is asked for keys."""

    def __init__(self, choices: Sequence[Choice], bounded: float = math.inf) -> None:
        self.key = ""
        self.balancer = Hash(lambda _: self.key, bounded)
        self.balancer.update(choices)

    def pick(self, key: str, tried: Sequence[Instance] = ()) -> Instance:
        self.key = key
        return pick(self.balancer, tried)

    def ranking(self, key: str) -> list[Instance]:
        """All instances, in the order in which they are asked."""
        found: list[Instance] = []
        while (instance := self.pick(key, found)) not in found:
            found.append(instance)
        return found


def keys(count: int) -> list[str]:
    return [f"user-{number}" for number in range(count)]


# ---- by hash ----------------------------------------------------------------------------------------------------------


def test_a_key_leads_to_the_same_instance_on_all_gateways() -> None:
    """In any process, of any version, on any machine: these are written down."""
    keyed = Keyed(make_choices(1, 1, 1, 1))
    weighted = Keyed(make_choices(1, 2, 3, 4))

    assert "dbcdcbcddacc" == names([keyed.pick(key) for key in keys(12)])
    assert "dbcdcccddccc" == names([weighted.pick(key) for key in keys(12)])
    assert "dcba" == names(keyed.ranking("user-0"))
    assert "addba" == names([keyed.pick(key) for key in ("ä", "\ud800", "\n", " ", "x" * 10_000)])


@given(WEIGHTS, st.text(min_size=1))
def test_the_order_of_the_instances_says_nothing(weights: list[float], key: str) -> None:
    """Nor whether the key was asked for before."""
    choices = make_choices(*weights)
    keyed, turned = Keyed(choices), Keyed(choices[::-1])
    for other in keys(20):
        turned.pick(other)

    assert keyed.ranking(key) == turned.ranking(key) == turned.ranking(key)


@given(WEIGHTS, st.text(min_size=1))
def test_the_first_of_the_ranking_is_the_one_that_is_picked(weights: list[float], key: str) -> None:
    """Each instance stands in it once."""
    choices = make_choices(*weights)
    keyed = Keyed(choices)
    first = keyed.pick(key)

    ranking = keyed.ranking(key)

    assert first is ranking[0]
    assert sorted(instance.id for instance, _ in choices) == sorted(instance.id for instance in ranking)


@given(st.lists(st.sampled_from([1, 2, 0.5]), min_size=2, max_size=6), st.integers(0, 5))
def test_when_an_instance_goes_only_its_keys_move(weights: list[float], index: int) -> None:
    """Each to the next one of its ranking; and back when it comes again."""
    choices = make_choices(*weights)
    gone = choices[index % len(choices)]
    keyed = Keyed(choices)
    before = {key: keyed.ranking(key) for key in keys(30)}

    keyed.balancer.update([choice for choice in choices if choice is not gone])
    after = {key: keyed.ranking(key) for key in before}
    keyed.balancer.update(choices)

    assert {key: [i for i in ranking if i is not gone.instance] for key, ranking in before.items()} == after
    assert before == {key: keyed.ranking(key) for key in before}


@given(WEIGHTS, st.integers(0, 5))
def test_a_greater_weight_only_takes_keys_from_others(weights: list[float], index: int) -> None:
    """As each step of a slow start does."""
    choices = make_choices(*weights)
    index %= len(choices)
    keyed = Keyed(choices)
    before = {key: keyed.pick(key) for key in keys(60)}
    grown = choices[index].instance

    keyed.balancer.update([*choices[:index], Choice(grown, weights[index] * 3), *choices[index + 1 :]])

    assert {True} == {(now := keyed.pick(key)) is was or now is grown for key, was in before.items()}


@pytest.mark.parametrize("weights", [(1, 1, 1), (5, 3, 2), (1, 1000), (0.25, 0.75), tuple([1] * 20)])
@pytest.mark.parametrize("gone", [0, 1])
def test_keys_are_divided_like_the_weights(weights: Sequence[float], gone: int) -> None:
    """CBR-13, within what chance explains (four standard deviations); so are those of one that has gone."""
    choices = make_choices(*weights)
    keyed = Keyed(choices)
    first = {key: keyed.pick(key) for key in keys(10_000)}
    left = choices[gone:]
    keyed.balancer.update(left)
    whole = sum(weight for _, weight in left)

    moved = Counter(keyed.pick(key) for key, was in first.items() if not gone or was is choices[0].instance)

    count = moved.total()
    assert count
    for instance, weight in left:
        part = weight / whole
        assert abs(moved[instance] - count * part) <= 4 * math.sqrt(count * part * (1 - part))


def test_all_orders_are_as_likely() -> None:
    """What was first says nothing about who is next: chi² of 5 degrees of freedom, one of 1e5 is beyond 30.9."""
    keyed = Keyed(make_choices(1, 1, 1))

    counted = Counter(names(keyed.ranking(key)) for key in keys(6000))

    assert 6 == len(counted)
    assert sum((count - 1000) ** 2 / 1000 for count in counted.values()) < 30.9


def test_who_names_nothing_takes_turns() -> None:
    """And is passed on as with round robin."""
    choices = make_choices(2, 1)
    keyed = Keyed(choices)

    assert "abaaba" == names([keyed.pick("") for _ in range(6)])
    assert "b" == keyed.pick("", [choices[0].instance]).id


def test_without_choices_there_is_nobody() -> None:
    """With a key or without."""
    for key in ("", "user-1"):
        keyed = Keyed([])
        keyed.key = key
        assert None is keyed.balancer.pick(EXCHANGE, ())
        keyed.balancer.update(make_choices(1))
        keyed.pick("user-1")
        keyed.balancer.update([])
        assert None is keyed.balancer.pick(EXCHANGE, ())


@given(WEIGHTS, st.lists(st.integers(0, 5), max_size=8))
def test_what_was_tried_is_passed_over_while_there_is_anything_else(
    weights: list[float], indexes: list[int]
) -> None:
    """In the order of the ranking."""
    choices = make_choices(*weights)
    keyed = Keyed(choices, 1.25)
    ranking = keyed.ranking("user-1")
    tried = [choices[index % len(choices)].instance for index in indexes]

    picked = keyed.pick("user-1", tried)

    assert ([instance for instance in ranking if instance not in tried] or ranking)[0] is picked


STEPS = st.lists(st.one_of(st.sampled_from(["a", "b", "c", "hot"]), st.integers(0, 1000)), max_size=100)


@settings(deadline=None)
@given(WEIGHTS, st.sampled_from([1.0, 1.25, 2.0]), STEPS)
def test_the_load_is_bounded(weights: list[float], bounded: float, steps: list[str | int]) -> None:
    """The first of the ranking that stays within its part, rounded up, with the one that is placed."""
    choices = make_choices(*weights)
    keyed, free = Keyed(choices, bounded), Keyed(choices)
    whole = sum(Fraction(weight) for _, weight in choices)
    weight_of = {instance: Fraction(weight) for instance, weight in choices}
    flying: list[Instance] = []

    for step in steps:
        if isinstance(step, int):
            if flying:
                flying.pop(step % len(flying)).in_flight -= 1
            continue
        most = {
            instance: math.ceil(Fraction(bounded) * (len(flying) + 1) * weight / whole)
            for instance, weight in weight_of.items()
        }
        picked = keyed.pick(step)
        assert next(one for one in free.ranking(step) if one.in_flight < most[one]) is picked
        picked.in_flight += 1
        flying.append(picked)
        assert picked.in_flight <= most[picked]


def test_a_retry_goes_to_who_has_room_too() -> None:
    """And to the next one of the ranking, where nobody has that was not tried."""
    choices = make_choices(1, 1, 1, 1)
    keyed = Keyed(choices, 1.25)
    first, second, third, fourth = keyed.ranking("user-1")
    second.in_flight = 4
    assert third is keyed.pick("user-1", [first])

    second.in_flight = third.in_flight = fourth.in_flight = 8

    assert second is keyed.pick("user-1", [first])


def test_who_has_its_part_has_no_room() -> None:
    """5 of 16 is 125 % of a quarter: the sixth would be one too many."""
    keyed = Keyed(make_choices(1, 1, 1, 1), 1.25)
    first, second, third, fourth = keyed.ranking("user-1")
    first.in_flight, second.in_flight, third.in_flight, fourth.in_flight = 5, 4, 3, 3
    assert second is keyed.pick("user-1")

    third.in_flight = 4

    assert first is keyed.pick("user-1")


def test_without_a_bound_all_of_a_key_meet() -> None:
    """However many there are."""
    keyed = Keyed(make_choices(1, 1, 1))

    for _ in range(1000):
        keyed.pick("room-1").in_flight += 1

    assert 1000 == keyed.pick("room-1").in_flight


def test_what_is_remembered_has_an_end() -> None:
    """Clients choose the keys; the oldest is forgotten, and leads to the same one when it comes again."""
    choices = make_choices(*[1] * 26)
    keyed = Keyed(choices)
    kept = REMEMBERED // 26
    before = [keyed.pick(key) for key in keys(kept)]
    assert kept == len(keyed.balancer._rankings)

    for number in range(10):
        keyed.pick(f"other-{number}")
        keyed.ranking(f"other-{number}")

    assert kept == len(keyed.balancer._rankings)
    assert keys(11)[9] not in keyed.balancer._rankings
    assert keys(11)[10] in keyed.balancer._rankings
    assert before == [keyed.pick(key) for key in keys(kept)]


def test_a_key_that_is_known_is_not_ranked_again() -> None:
    """That is most of what a pick costs."""
    keyed = Keyed(make_choices(1, 1, 1))
    _, second, _ = ranking = keyed.ranking("user-1")
    assert {"user-1": tuple(ranking)} == keyed.balancer._rankings

    keyed.balancer._rankings["user-1"] = (second,)

    assert second is keyed.pick("user-1")


def test_long_keys_are_not_remembered() -> None:
    """They would take more memory than they save time."""
    keyed = Keyed(make_choices(1, 1, 1))
    longest = "x" * REMEMBERED_LENGTH

    assert keyed.pick(longest + "x") is keyed.pick(longest + "x")
    keyed.pick(longest)

    assert [longest] == list(keyed.balancer._rankings)


def test_a_hash_without_a_change_forgets_nothing() -> None:
    """A health check that finds what it found before costs nothing."""
    choices = make_choices(1, 1)
    keyed = Keyed(choices)
    keyed.pick("user-1")
    turn = keyed.pick("")

    keyed.balancer.update(list(choices))

    assert ["user-1"] == list(keyed.balancer._rankings)
    assert turn is not keyed.pick("")


# ---- by cookie --------------------------------------------------------------------------------------------------------


def make_cookie(choices: Sequence[Choice], ttl: float | None = 3600.0) -> Cookie:
    balancer = Cookie("gk_instance", ttl, RoundRobin())
    balancer.update(choices)
    return balancer


def client(value: str = "", scheme: str = "http") -> Exchange:
    """A request with this cookie."""
    return make_exchange(headers={"cookie": f"a=b; gk_instance={value}"} if value else {}, scheme=scheme)


def answered(balancer: Cookie, exchange: Exchange, instance: Instance) -> list[str]:
    """The cookies that the answer of the instance sets."""
    response = Response(200, Headers([(b"set-cookie", b"a=b")]))
    balancer.answer(exchange, instance, response)
    first, *added = response.headers.get_all(b"set-cookie")
    assert b"a=b" == first
    return [line.decode() for line in added]


def test_a_client_stays_where_its_cookie_says() -> None:
    """It gets one with the first answer, and no other as long as that one holds."""
    choices = make_choices(1, 1, 1)
    balancer = make_cookie(choices)
    first = balancer.pick(client(), ())
    assert choices[0].instance is first

    (line,) = answered(balancer, client(), first)
    name, _, rest = line.partition("=")
    known = client(rest.partition(";")[0])

    assert "gk_instance" == name
    assert [first] * 5 == [balancer.pick(known, ()) for _ in range(5)]
    assert [] == answered(balancer, known, first)
    assert "b" == names([balancer.pick(client(), ())])


@pytest.mark.parametrize(
    ("ttl", "scheme", "attributes"),
    [
        pytest.param(3600.0, "http", "Max-Age=3600; Path=/; HttpOnly; SameSite=Lax", id="http"),
        pytest.param(3600.0, "https", "Max-Age=3600; Path=/; HttpOnly; SameSite=Lax; Secure", id="https"),
        pytest.param(90.6, "http", "Max-Age=91; Path=/; HttpOnly; SameSite=Lax", id="rounded"),
        pytest.param(None, "http", "Path=/; HttpOnly; SameSite=Lax", id="until the browser is closed"),
    ],
)
def test_what_the_cookie_says(ttl: float | None, scheme: str, attributes: str) -> None:
    """No script reads it, and it does not go over plain HTTP where it came over TLS."""
    choices = make_choices(1, 1)
    instance = choices[1].instance

    lines = answered(make_cookie(choices, ttl), client(scheme=scheme), instance)

    assert [f"gk_instance={token(instance)}; {attributes}"] == lines


def test_the_value_means_the_same_on_all_gateways_and_is_no_address() -> None:
    """It is written down here."""
    assert "2f2e2e72a1f4a04418781647e4338ebc" == token(
        Instance("users", "http://10.0.0.1:80", "http", "10.0.0.1", 80)
    )
    assert "2f2e2e72a1f4a04418781647e4338ebc" == token(
        Instance("orders", "http://10.0.0.1:80", "https", "10.0.0.2", 443)
    )
    assert "2f2e2e72a1f4a04418781647e4338ebc" != token(make_instance("http://10.0.0.2:80"))


@pytest.mark.parametrize("value", ["", "x", "a", "0" * 32, token(make_instance("z"))])
def test_who_names_nobody_goes_where_the_others_go(value: str) -> None:
    """And gets a cookie that holds."""
    choices = make_choices(1, 1)
    balancer = make_cookie(choices)

    assert "abab" == names([balancer.pick(client(value), ()) for _ in range(4)])
    assert 1 == len(answered(balancer, client(value), choices[0].instance))


def test_when_the_instance_has_gone_the_client_goes_elsewhere_and_stays_there() -> None:
    """The next answer sets another cookie; the one that has gone sets none any more."""
    choices = make_choices(1, 1)
    (gone, _), (left, _) = choices
    balancer = make_cookie(choices)
    balancer.update(choices[1:])
    exchange = client(token(gone))

    assert left is balancer.pick(exchange, ())
    assert [f"gk_instance={token(left)}"] == [
        line.partition(";")[0] for line in answered(balancer, exchange, left)
    ]
    assert [] == answered(balancer, client(), gone)


def test_a_retry_goes_elsewhere_and_the_client_with_it() -> None:
    """Where there is anybody else."""
    choices = make_choices(1, 1)
    (dead, _), (other, _) = choices
    balancer = make_cookie(choices)
    exchange = client(token(dead))

    assert other is balancer.pick(exchange, [dead])
    assert 1 == len(answered(balancer, exchange, other))
    assert balancer.pick(exchange, [dead, other]) in {dead, other}


def test_without_choices_a_cookie_leads_nowhere() -> None:
    """Whatever it names."""
    balancer = make_cookie([])

    assert None is balancer.pick(client(), ())
    assert None is balancer.pick(client(token(make_instance("a"))), ())


@pytest.mark.parametrize("make", [lambda: Hash(lambda _: "", 1.25), lambda: make_cookie([])])
def test_they_are_balancers(make: Callable[[], Balancer]) -> None:
    """Turns go on when the choices change."""
    balancer = make()
    choices = make_choices(1, 1, 1)
    balancer.update(choices)
    first = pick(balancer)

    balancer.update(choices[:2])

    assert "a" == first.id
    assert "b" == pick(balancer).id
