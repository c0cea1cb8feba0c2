"""The kinds of balancers, as a service names them."""

import math
from random import Random as Dice
from typing import Any

import pytest

from gatekeeper.config.problems import ConfigError
from gatekeeper.config.structure import structure_options
from gatekeeper.config.units import Duration as DurationOfFiles
from gatekeeper.core.message import Response
from gatekeeper.core.text import Value
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.policy.affinity import Cookie, Hash
from gatekeeper.policy.balance import Balancer, Latency, LeastConnections, PowerOfTwo, Random, RoundRobin
from gatekeeper.registry import balancers
from gatekeeper.registry.balancers import CookieConfig, Duration, Excess, HashConfig
from gatekeeper.testing import FakeClock, Surroundings, make_exchange
from tests.policy.choices import make_choices, names, pick


def make_context(seed: int = 1) -> BuildContext:
    return BuildContext(
        gateway=Surroundings(),
        wheel=FakeClock().wheel,
        name="balance",
        owner="service users",
        random=Dice(seed),
    )


@pytest.fixture
def catalog() -> Catalog:
    made = Catalog()
    balancers.gatekeeper_register(made)
    return made


def build(catalog: Catalog, kind: str, options: Any = None, context: BuildContext | None = None) -> Any:
    """The balancer of these options, as the gateway makes it."""
    found = catalog.balancers[kind]
    config: Any = structure_options(found.config, {} if options is None else options)
    return found.build(config, context or make_context())


def refusals(catalog: Catalog, kind: str, options: Any) -> list[str]:
    """What is wrong with the options."""
    with pytest.raises(ConfigError) as caught:
        structure_options(catalog.balancers[kind].config, options)
    return [f"{problem.path} {problem.message}" for problem in caught.value.problems]


KINDS: dict[str, tuple[type[Balancer], dict[str, Any]]] = {
    "round_robin": (RoundRobin, {}),
    "least_connections": (LeastConnections, {}),
    "random": (Random, {}),
    "power_of_two": (PowerOfTwo, {}),
    "latency": (Latency, {}),
    "hash": (Hash, {"by": "header.x-user"}),
    "cookie": (Cookie, {}),
}


def test_these_kinds_there_are(catalog: Catalog) -> None:
    """Each with the option that a short form sets, and a line that says what it does."""
    assert list(KINDS) == list(catalog.balancers)
    assert {"hash": "by", "cookie": "name"} == {
        kind: found.main for kind, found in catalog.balancers.items() if found.main is not None
    }
    assert all(found.summary.endswith(".") for found in catalog.balancers.values())


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_makes_its_balancer(catalog: Catalog, kind: str) -> None:
    """Which picks among the choices it gets."""
    made, options = KINDS[kind]
    balancer = build(catalog, kind, options)

    balancer.update(make_choices(1, 1))

    assert made is type(balancer)
    assert pick(balancer).id in {"a", "b"}


@pytest.mark.parametrize("kind", ["round_robin", "least_connections", "random", "power_of_two", "latency"])
def test_most_have_no_options(catalog: Catalog, kind: str) -> None:
    """Nor take any."""
    (message,) = refusals(catalog, kind, {"weight": 1})

    assert "unknown key `weight`" in message


@pytest.mark.parametrize("kind", ["random", "power_of_two", "latency"])
def test_chance_comes_from_the_context(catalog: Catalog, kind: str) -> None:
    """So that a test can repeat it; balancers of one gateway do not throw alike."""
    choices = make_choices(1, 1)

    def picks(balancer: Balancer) -> str:
        balancer.update(choices)
        return names([pick(balancer) for _ in range(40)])

    context = make_context(1)
    first, second = build(catalog, kind, context=context), build(catalog, kind, context=context)
    again = build(catalog, kind, context=make_context(1))

    assert (found := picks(first)) == picks(again)
    assert found != picks(second)


def test_durations_are_those_of_files() -> None:
    """Equal annotations are one type to whoever reads options."""
    assert DurationOfFiles == Duration


@pytest.mark.parametrize("kind", ["random", "power_of_two", "latency"])
def test_the_dice_are_not_those_of_the_system(catalog: Catalog, kind: str) -> None:
    """Which cost ten times as much, on the way of every request."""
    context = BuildContext(
        gateway=Surroundings(), wheel=FakeClock().wheel, name="balance", owner="service users"
    )

    assert Dice is type(build(catalog, kind, context=context)._random)


# ---- hash -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "share"),
    [
        ({"by": "header.x-user"}, 1.25),
        ({"by": "path.room", "bounded": "100%"}, 1.0),
        ({"by": "address", "bounded": "137.5%"}, 1.375),
        ({"by": "address", "bounded": "110%"}, 1.1),
        ({"by": "address", "bounded": "100.7%"}, 1.007),
        ({"by": "cookie.session", "bounded": False}, math.inf),
    ],
)
def test_a_hash_is_bounded_by_what_is_written(
    catalog: Catalog, options: dict[str, Any], share: float
) -> None:
    """By `125%` where nothing is."""
    balancer = build(catalog, "hash", options)

    assert share == balancer._bounded


def test_a_hash_goes_by_its_value(catalog: Catalog) -> None:
    """Requests without it take turns."""
    balancer = build(catalog, "hash", {"by": "header.x-user", "bounded": False})
    balancer.update(make_choices(1, 1, 1))

    def picks(value: str) -> str:
        exchange = make_exchange(headers={"x-user": value} if value else {})
        return names([balancer.pick(exchange, ()) for _ in range(3)])

    assert "abc" == picks("")
    assert {"aaa", "bbb", "ccc"} == {picks(f"user-{number}") for number in range(20)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({}, " `by` is missing", id="no value"),
        pytest.param({"by": "user"}, "by `{user}` is no value; there are", id="no such value"),
        pytest.param(
            {"by": "{address}"}, "by a value stands without braces here: write `address`", id="braces"
        ),
        pytest.param(
            {"by": "address", "bounded": "80%"},
            "bounded 80% is too little for all requests to be placed; write 100% or more",
            id="less than all",
        ),
        pytest.param(
            {"by": "address", "bounded": "1.25"},
            "bounded `1.25` is no share; write one like 125%",
            id="no unit",
        ),
        pytest.param(
            {"by": "address", "bounded": "125%\n"},
            "bounded `125%\n` is no share; write one like 125%",
            id="more",
        ),
        pytest.param(
            {"by": "address", "bounded": True}, "bounded expected text or `false`, not `true`", id="true"
        ),
    ],
)
def test_what_a_hash_refuses(catalog: Catalog, options: dict[str, Any], message: str) -> None:
    """With what to write."""
    (found,) = refusals(catalog, "hash", options)

    assert found.startswith(message)


@pytest.mark.parametrize("text", ["125%", "100%", "110%", "137.5%", "1000%"])
def test_an_excess_is_written_as_it_was_read(text: str) -> None:
    """And equal shares are equal, however they are written."""
    assert text == str(Excess.parse(text))
    assert Excess.parse(text) == Excess.parse("0" + text)
    assert Excess.parse("125%") != Excess.parse("125.1%")


def test_equal_options_are_equal() -> None:
    """So that a reload without a change keeps the balancer."""
    assert HashConfig(by=Value("address")) == HashConfig(by=Value("address"), bounded=Excess("125.0%"))
    assert HashConfig(by=Value("address")) != HashConfig(by=Value("address"), bounded=False)


# ---- cookie -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "start", "end"),
    [
        ({}, "gk_instance=", "; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax"),
        ({"name": "side"}, "side=", "; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax"),
        ({"ttl": "1s"}, "gk_instance=", "; Max-Age=1; Path=/; HttpOnly; SameSite=Lax"),
        ({"ttl": False}, "gk_instance=", "; Path=/; HttpOnly; SameSite=Lax"),
    ],
)
def test_the_cookie_is_as_written(catalog: Catalog, options: dict[str, Any], start: str, end: str) -> None:
    """For an hour where nothing is."""
    balancer = build(catalog, "cookie", options)
    choices = make_choices(1, 1)
    balancer.update(choices)
    response = Response(200)

    balancer.answer(make_exchange(), choices[0].instance, response)

    line = response.headers.text(b"set-cookie")
    assert line.startswith(start)
    assert line.partition(";")[1] + line.partition(";")[2] == end


@pytest.mark.parametrize(
    "kind", [kind for kind, (_, options) in KINDS.items() if kind not in {"hash", "cookie"}]
)
def test_any_balancer_without_options_is_for_those_without_a_cookie(catalog: Catalog, kind: str) -> None:
    """Round robin where none is named."""
    assert KINDS[kind][0] is type(build(catalog, "cookie", {"otherwise": kind})._otherwise)
    assert RoundRobin is type(build(catalog, "cookie")._otherwise)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(
            {"name": "a b"}, "name `a b` is no name for a cookie; use letters, digits, - and _", id="blank"
        ),
        pytest.param({"name": ""}, "name `` is no name for a cookie", id="empty"),
        pytest.param({"name": "a=b"}, "name `a=b` is no name for a cookie", id="equals"),
        pytest.param({"name": "a\r\nb"}, "name `a\r\nb` is no name for a cookie", id="two lines"),
        pytest.param({"ttl": "500ms"}, "ttl write 1s or more, or `false`", id="too short"),
        pytest.param({"ttl": 5}, "ttl 5 has no unit: write 5s or 5ms", id="no unit"),
        pytest.param({"otherwise": "hash"}, "otherwise `hash` is none of", id="another one that sticks"),
        pytest.param({"otherwise": "randon"}, "otherwise `randon` is none of", id="misspelt"),
    ],
)
def test_what_a_cookie_refuses(catalog: Catalog, options: dict[str, Any], message: str) -> None:
    """With what to write."""
    (found,) = refusals(catalog, "cookie", options)

    assert found.startswith(message)


def test_a_cookie_without_options_has_defaults() -> None:
    """An hour, by turn."""
    assert CookieConfig(name="gk_instance", ttl=3600.0, otherwise="round_robin") == CookieConfig()
