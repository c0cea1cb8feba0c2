"""Filters in the order they run, and whether they do."""

import asyncio
from ipaddress import ip_network
from random import Random

import attrs
import pytest

from gatekeeper import hookimpl
from gatekeeper.config.model import FilterConfig
from gatekeeper.extend.catalog import Catalog
from gatekeeper.routing.conditions import (
    AddressCondition,
    AllOf,
    AnyOf,
    Condition,
    HeaderCondition,
    MethodCondition,
    Negation,
    Share,
)
from gatekeeper.routing.matcher import Exact
from gatekeeper.runtime.explain import open_explainer
from gatekeeper.runtime.explanation import Explanation, Failure, FilterStep
from gatekeeper.runtime.steps import chance, failure, split_options
from gatekeeper.testing import load_config, make_exchange, make_host


BLUE = HeaderCondition(b"x-team", Exact(frozenset({"blue"})))
POST = MethodCondition(frozenset({"POST"}))
INSIDE = AddressCondition((ip_network("10.0.0.0/8"),))
FIFTH = Share(0.2, Random(0))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param(BLUE, 1.0, id="holds"),
        pytest.param(POST, 0.0, id="does-not"),
        pytest.param(FIFTH, 0.2, id="share"),
        pytest.param(AllOf((BLUE, FIFTH)), 0.2, id="all"),
        pytest.param(AllOf((POST, FIFTH)), 0.0, id="all-but-one"),
        pytest.param(AnyOf((POST, FIFTH)), 0.2, id="any"),
        pytest.param(AnyOf((BLUE, FIFTH)), 1.0, id="any-that-holds"),
        pytest.param(AnyOf((FIFTH, FIFTH)), 0.36, id="one-of-two-by-chance"),
        pytest.param(Negation(FIFTH), 0.8, id="not-by-chance"),
        pytest.param(Negation(BLUE), 0.0, id="not"),
    ],
)
def test_how_likely_a_condition_is(condition: Condition, expected: float) -> None:
    """Nothing is drawn for it."""
    assert expected == pytest.approx(chance(condition, make_exchange(headers={"x-team": "blue"})))


@pytest.mark.parametrize(
    ("condition", "text", "found"),
    [
        pytest.param(POST, "method POST", "GET", id="alone"),
        pytest.param(AllOf((BLUE, POST, INSIDE)), "method POST", "GET", id="the-first-that-fails"),
        pytest.param(AllOf((FIFTH, AllOf((BLUE, INSIDE)))), INSIDE.text, "203.0.113.7", id="nested"),
        pytest.param(
            AnyOf((POST, INSIDE)), f"method POST or {INSIDE.text}", "GET, 203.0.113.7", id="all-alternatives"
        ),
    ],
)
def test_which_part_fails(condition: Condition, text: str, found: str) -> None:
    """And what the request has instead."""
    assert Failure(condition=text, found=found) == failure(
        condition, make_exchange(headers={"x-team": "blue"})
    )


# ---- options --------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Inner:
    """Options in options."""

    a: int = 1
    b: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Options:
    """Options of all sorts."""

    needed: str
    number: int = 5
    same: int = attrs.field(default=attrs.Factory(lambda self: self.number, takes_self=True))
    inner: Inner = attrs.field(factory=Inner)
    secret: str = attrs.field(default="", metadata={"secret": True})


@attrs.frozen(kw_only=True)
class Whole:
    """Options that are one value, which is written without a key."""

    words: tuple[str, ...] = attrs.field(metadata={"whole": True})


@pytest.mark.parametrize(
    ("options", "changed", "defaults"),
    [
        pytest.param(
            Options(needed="x"),
            {"needed": "x"},
            {"number": 5, "same": 5, "inner": {"a": 1, "b": []}, "secret": ""},
            id="nothing-but-what-is-needed",
        ),
        pytest.param(
            Options(needed="x", number=6, inner=Inner(b=("y",)), secret="password"),
            {"needed": "x", "number": 6, "inner": {"b": ["y"]}, "secret": "***"},
            {"same": 6, "inner": {"a": 1}},
            id="some-of-each",
        ),
        pytest.param(
            Options(needed="x", same=7, inner=Inner(a=2, b=("y",))),
            {"needed": "x", "same": 7, "inner": {"a": 2, "b": ["y"]}},
            {"number": 5, "secret": ""},
            id="all-of-the-inner",
        ),
        pytest.param(Whole(words=("x", "y")), {"words": ["x", "y"]}, {}, id="one-value"),
    ],
)
def test_options_that_differ_from_the_defaults(
    options: Options | Whole, changed: dict[str, object], defaults: dict[str, object]
) -> None:
    """And the others; secrets are hidden, and that there is none is not."""
    assert (changed, defaults) == split_options(options)


# ---- the order they run in ------------------------------------------------------------------------------------------

CONFIG = """\
version: 1
services:
  a: {instances: ["http://127.0.0.1:9"], filters: [stamp: {}, {transform: {}, name: nothing-behind}, each_time]}
  b: http://127.0.0.1:8
filters:
  - transform: {request: {headers: {set: {x-from: "{address}"}}, query: {remove: [number]}}}
    name: first
  - transform: {}
    name: nothing
  - options
chains:
  outer:
    - use: inner
      when: {header: {x-from: 127.0.0.1}}
    - static: {status: 429}
      name: stop
      when: {query: {number: "1"}}
  inner:
    - stamp: {}
      name: stamp-inner
      when: {share: 20%}
      if_error: skip
    - closing
routes:
  chained: {match: /chained, to: a, filters: [{use: outer, when: {path: /chained}}], override: {closing: false}}
  closed: {match: /closed, filters: [{closing: {}, when: {method: GET}}, {static: {status: 200}, name: never}]}
  fussy: {match: /fussy, to: b, filters: [transform: {request: {headers: {set: {x-said: "{query.said}"}}}}]}
  changed: {match: /changed, to: a, override: {first: {request: {query: {remove: [m]}}}, options: false}}
  several: {match: /several, to: {a: 1, b: 1}}
  plain: {match: /plain, filters: [static: {status: 203}]}
"""


@attrs.frozen
class NoOptions:
    """Nothing to say."""


class Passing:
    """A filter, or one per attempt, that passes on."""

    def wrap(self, following: object) -> object:
        async def passing(subject: object) -> object:
            return await following(subject)  # type: ignore[operator]

        return passing


class Kinds:
    """A plugin with a filter that passes on, one that ends the chain, and one per attempt; none may run here."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.filter("stamp", NoOptions, lambda config, context: Passing())  # type: ignore[arg-type,return-value]
        catalog.filter(
            "closing",
            NoOptions,
            lambda config, context: Passing(),  # type: ignore[arg-type,return-value]
            terminal=True,
        )
        catalog.attempt_filter("each_time", NoOptions, lambda config, context: Passing())  # type: ignore[arg-type,return-value]


async def explain(url: str, method: str = "GET") -> Explanation:
    """The explanation of a request."""
    host = await asyncio.to_thread(make_host, [Kinds()])
    async with open_explainer(await load_config(CONFIG, host), host) as explainer:
        return explainer.explain(method, url)


def states(steps: tuple[FilterStep, ...]) -> list[str]:
    """Names and states."""
    return [f"{one.name} {one.state}" for one in steps]


async def test_chains_stand_in_their_places() -> None:
    """With the places that put them there, and the conditions that they stand under."""
    found = await explain("/chained?number=1")
    inner = next(one for one in found.filters if one.name == "stamp-inner")

    assert [
        "first runs",
        "nothing idle",
        "options runs",
        "stamp-inner by chance",
        "closing dropped",
        "stop passed over",
    ] == states(found.filters)
    assert ("chain inner", ("gateway.yaml:25", "gateway.yaml:13"), "skip") == (
        inner.source,
        inner.used,
        inner.if_error,
    )
    # the first filter has set the field that the chain asks for, and taken the parameter that `stop` asks for
    around = [("chain outer", 1.0), ("chain inner", 1.0)]
    assert [*around, ("stamp-inner", 0.2)] == [(one.of, one.chance) for one in inner.when]
    assert around == [(one.of, one.chance) for one in found.filters[4].when]
    assert [None, Failure(condition="query number: 1", found="nothing")] == [
        one.failed for one in found.filters[-1].when
    ]
    assert ["", "", "", "", "gateway.yaml:25", ""] == [one.override for one in found.filters]
    assert ["filters"] * 3 + ["chain inner"] * 2 + ["chain outer"] == [one.source for one in found.filters]


async def test_nothing_is_reached_behind_what_answers() -> None:
    """A terminal kind of a plugin answers; what, only it knows."""
    found = await explain("/closed")

    assert ["first runs", "nothing idle", "options runs", "closing answers", "never not reached"] == states(
        found.filters
    )
    assert ("closing", 0) == (found.result.answered_by, found.result.status)
    assert ["filters"] * 3 + ["route closed"] * 2 == [one.source for one in found.filters]


async def test_what_a_filter_answers_is_known() -> None:
    """If nothing but the request decides about it."""
    found = await explain("/plain")

    assert "static answers" == states(found.filters)[-1]
    assert ("static", 203, ()) == (found.result.answered_by, found.result.status, found.targets)


async def test_what_a_filter_refuses_ends_there() -> None:
    """A value of the request that cannot stand in a field, say."""
    found = await explain("/fussy?said=a%0Ab")

    assert "transform answers" == states(found.filters)[-1]
    assert ("transform", 400, ()) == (found.result.answered_by, found.result.status, found.targets)


async def test_filters_of_a_service() -> None:
    """Each once, those per attempt among them; what does nothing is known where there is one service."""
    (target,) = (await explain("/changed")).targets
    several = await explain("/several")

    assert ["stamp runs", "nothing-behind idle", "each_time runs"] == states(target.filters)
    assert ["exchange", "exchange", "attempt"] == [one.scope for one in target.filters]
    assert ["stamp runs", "nothing-behind idle", "each_time runs"] == states(several.targets[0].filters)


async def test_what_a_route_changes() -> None:
    """Its options, and where it says so."""
    found = await explain("/changed")

    assert ["first runs", "nothing idle", "options dropped"] == states(found.filters)
    assert "gateway.yaml:28" == found.filters[0].override
    assert {"remove": ["m"]} == found.filters[0].options["request"]["query"]
    assert {"request", "response"} == set(found.filters[0].defaults)


OWNED = """\
version: 1
services: {a: {instances: ["http://127.0.0.1:9"], filters: [{options: {}, name: fourth}]}}
filters: [{options: {}, name: first}]
chains: {inner: [{options: {}, name: second}]}
routes:
  plain: {match: /plain, to: a, filters: [use: inner, {options: {}, name: third}]}
  changed: {match: /changed, to: a, filters: [use: inner, {options: {}, name: third}], override: {first: {}}}
"""


@pytest.mark.parametrize("name", ["plain", "changed"])
async def test_filters_are_made_for_those_who_own_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the gateway: a chain is whoever's who uses it, and a filter that a route changes stays everybody's."""
    made: list[tuple[str, str]] = []
    host = await asyncio.to_thread(make_host)
    async with open_explainer(await load_config(OWNED, host), host) as explainer:
        make = explainer.parts.make

        def noted(item: FilterConfig, owner: str) -> object:
            made.append((item.name, owner))
            return make(item, owner)

        monkeypatch.setattr(explainer, "parts", attrs.evolve(explainer.parts, make=noted))
        explainer.explain("GET", f"/{name}")

    route = f"route {name}"
    assert [("first", "all routes"), ("second", route), ("third", route), ("fourth", "service a")] == made


@pytest.mark.parametrize(
    ("url", "state", "status"),
    [
        pytest.param("/several", "options runs", 0, id="a-route-takes-it"),
        pytest.param("/elsewhere", "options runs", 404, id="no-route-and-no-methods"),
    ],
)
async def test_options_are_answered_where_they_are(url: str, state: str, status: int) -> None:
    """By the filter itself, which is asked."""
    found = await explain(url, "OPTIONS")

    assert state in states(found.filters)
    assert status == found.result.status
