"""Conditions as configured → entries of the table and questions about exchanges, and what is wrong between routes."""

from collections.abc import Callable
from random import Random
from textwrap import dedent
from typing import Any

import attrs
import pytest

from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.config.load import read_text
from gatekeeper.config.model import GatewayConfig
from gatekeeper.core.chain import Predicate
from gatekeeper.core.exchange import Exchange
from gatekeeper.extend.context import BuildContext
from gatekeeper.routing.template import PathTemplate
from gatekeeper.runtime.matching import Conditions, check_routes, never_asked, shown
from gatekeeper.testing import make_exchange, make_host


@attrs.frozen
class CountryConfig:
    """Where the client is."""

    codes: tuple[str, ...] = ("DE",)


def build_country(config: CountryConfig, context: BuildContext) -> Predicate:
    return ask("country", config)


def ask(kind: str, options: Any) -> Predicate:
    assert "country" == kind
    return lambda exchange: exchange.request.headers.text(b"x-country") in options.codes


def read(text: str) -> GatewayConfig:
    """Read routes, without comparing them."""
    catalog = make_host().catalog
    catalog.predicate("country", CountryConfig, build_country, main="codes")
    text = "version: 1\nservices: {app: http://localhost:1, other: http://localhost:2}\n" + dedent(text)
    draft = read_text(text, catalog, template=PathTemplate.parse)
    assert draft.config is not None, draft.problems
    assert () == draft.errors
    return draft.config


@pytest.fixture
def conditions() -> Conditions:
    """With a plugin that knows countries, and chance that is known."""
    return Conditions(["app", "other"], ask, Random(7))


# ---- questions ------------------------------------------------------------------------------------------------------


def when(text: str) -> tuple[ConditionConfig, ...]:
    text = f"""
        routes:
          one:
            match: /**
            to: app
            filters:
              - redirect: /x
                when: {text}
        """
    config = read(text)
    (item,) = config.routes["one"].filters
    return item.when


REQUEST = {"X-Team": "blue", "Cookie": "beta=1", "X-Country": "NO"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("/users/{id}", True),
        ("/users", False),
        ("[/users, /users/**]", True),
        ("{path: [/users, /users/7]}", True),
        ("{path: {regex: '/users/[0-9]+'}}", True),
        ("{path: {exact: /users/7}}", True),
        ("{path: {prefix: /user}}", False),
        ("{path: {suffix: '7'}}", True),
        ("{path: {not: [/users/**, /x]}}", False),
        ("{path: {not: [/x, /users/**]}}", False),
        ("{path: {not: /x}}", True),
        ("{path: '/{name:service}/7'}", False),
        ("{host: '*.example.com'}", True),
        ("{host: example.com}", False),
        ("{method: [POST, GET]}", True),
        ("{method: POST}", False),
        ("{scheme: https}", False),
        ("{scheme: [http, https]}", True),
        ("{listener: main}", True),
        ("{address: 203.0.113.0/24}", True),
        ("{address: [10.0.0.0/8, '2001:db8::/32']}", False),
        ("{header: {x-team: blue}}", True),
        ("{header: {X-TEAM: [red, {prefix: bl}]}}", True),
        ("{header: {x-team: red}}", False),
        ("{header: {x-team: blue, x-country: DE}}", False),
        ("{header: {x-team: [red, blue]}}", True),
        ("{header: {x-team: [red, green]}}", False),
        ("{header: {x-team: [{prefix: re}, {suffix: ue}]}}", True),
        ("{header: {x-team: {not: [red, blue]}}}", False),
        ("{header: {x-team: {not: [red, {prefix: bl}]}}}", False),
        ("{header: {x-team: [{not: {contains: b}}, {prefix: r}]}}", False),
        ("{header: {x-team: {regex: bl}}}", False),
        ("{path: /users/7, host: example.com}", False),
        ("{path: /users, host: api.example.com}", False),
        ("{host: [example.com, api.example.com]}", True),
        ("{scheme: http, method: PUT}", False),
        ("{listener: main, address: 10.0.0.0/8}", False),
        ("{query: {page: '2', sort: up}}", False),
        ("{query: {none: {present: false}}}", True),
        ("{cookie: {beta: '1', none: '1'}}", False),
        ("{country: 'NO', share: 0%}", False),
        ("[{method: PUT}, {host: example.com}]", False),
        ("{not: [{method: PUT}], country: DE}", False),
        ("{header: {x-team: {not: red}, x-none: {present: false}}}", True),
        ("{header: {x-none: {not: red}}}", True),
        ("{header: {x-none: {suffix: red}}}", False),
        ("{header: {x-team: {contains: lu}}}", True),
        ("{query: {page: '2'}}", True),
        ("{query: {page: '3'}}", False),
        ("{query: {page: {regex: '[0-9]'}}}", True),
        ("{cookie: {beta: {present: true}}}", True),
        ("{country: 'NO'}", True),
        ("{country: [DE, FR]}", False),
        ("{country: ['NO', DE]}", True),
        ("{country: {codes: ['NO']}}", True),
        ("{share: 100%}", True),
        ("{share: 0%}", False),
        ("{not: {method: GET}}", False),
        ("{not: [{method: PUT}, {method: POST}]}", True),
        ("{not: [{method: PUT}, {method: GET}]}", False),
        ("{path: /users/**, not: {header: {x-team: blue}}}", False),
        ("[{method: PUT}, {path: /users/7, country: 'NO', not: {country: DE}}]", True),
        ("[{method: PUT}, {path: /users/7, header: {x-country: 'NO'}, not: {country: DE}}]", True),
    ],
)
def test_a_condition_asks_what_it_says(conditions: Conditions, text: str, holds: bool) -> None:
    """All keys of a mapping, one of a list, the opposite of `not`."""
    predicate = conditions.predicate(when(text))

    assert predicate is not None
    assert holds is predicate(
        make_exchange("GET", "/users/7?page=2&page=3", REQUEST, host="api.example.com:8080")
    )


def test_a_share_is_a_part_of_the_requests(conditions: Conditions) -> None:
    """Within four standard deviations."""
    predicate = conditions.predicate(when("{share: 20%}"))
    assert predicate is not None

    assert abs(sum(predicate(make_exchange()) for _ in range(2000)) - 400) < 72


def test_a_listener_is_asked_for(conditions: Conditions) -> None:
    """By its name."""
    asked = [
        conditions.predicate((ConditionConfig(listener=names),)) for names in (("other",), ("other", "main"))
    ]

    assert [False, True] == [predicate is not None and predicate(make_exchange()) for predicate in asked]


def test_no_condition_is_no_question(conditions: Conditions) -> None:
    """Nothing is asked where everything fits."""
    assert conditions.predicate(()) is None


# ---- entries --------------------------------------------------------------------------------------------------------


def entries(text: str) -> list[str]:
    (route,) = read(text).routes.values()
    made = Conditions(["app", "other"], ask, Random(7)).entries("one", None, route)
    return [f"{shown(entry)} {' and '.join(one.text for one in entry.conditions)}".strip() for entry in made]


def test_a_route_has_an_entry_for_each_alternative_host_and_path() -> None:
    """Each with all that must hold besides."""
    text = """
        routes:
          one:
            match:
              - {path: [/a, "/b/{x:int}"], host: [x.example, "*.y.example"], method: [GET, PUT], cookie: {c: d}}
              - {path: {regex: "/c[0-9]"}, not: {address: 10.0.0.0/8}, country: DE}
              - {header: {x-a: b}}
            to: app
        """

    assert [
        "GET PUT x.example/a cookie c: d",
        "GET PUT x.example/b/{x:int} cookie c: d",
        "GET PUT *.y.example/a cookie c: d",
        "GET PUT *.y.example/b/{x:int} cookie c: d",
    ] == entries(text)[:4]
    assert 6 == len(entries(text))
    assert entries(text)[4].startswith("/c[0-9]")
    assert "/** header x-a: b" == entries(text)[5]


def test_a_route_without_hosts_takes_any() -> None:
    """Those of the gateway are asked for before; a route that names one is more specific."""
    assert ["/x"] == entries("routes: {one: {match: /x, to: app}}")
    assert ['/x country: {"codes": ["Ö", "DE"]}'] == entries(
        "routes: {one: {match: {path: /x, country: [Ö, DE]}, to: app}}"
    )
    assert ["c.example/x"] == entries("routes: {one: {match: {path: /x, host: c.example}, to: app}}")
    assert [] == wrong(
        "hosts: [a.example, b.example]\n"
        "routes: {one: {match: {path: /x, host: a.example}, to: app}, two: {match: /x, to: app}}\n"
    )


def test_a_captured_service_is_one_that_there_is(conditions: Conditions) -> None:
    """Also where the template was read before the services were known."""
    (route,) = read('routes: {one: {match: "/{name:service}/**", to: "{path.name}"}}').routes.values()

    (entry,) = conditions.entries("one", None, route)

    assert {"name": "other", "rest": "x"} == entry.path.fits("/other/x")
    assert entry.path.fits("/users/x") is None


# ---- between routes -------------------------------------------------------------------------------------------------


def wrong(text: str, broken: tuple[str, ...] = ()) -> list[str]:
    return [str(problem).removeprefix("gateway.yaml:") for problem in check_routes(read(text), broken)]


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        pytest.param(
            ["match: '/{a}'", "match: '/{b}'"],
            "5:11: routes.two.match: `/{b}` and `/{a}` of route `one` (line 4) match the same requests with equal "
            "rank; set `priority` on one [ambiguous]",
            id="PTH-19-templates",
        ),
        pytest.param(
            ["match: {path: /x, method: [GET, PUT]}", "match: {path: /x, method: [POST, HEAD]}"],
            "5:11: routes.two.match: `HEAD POST /x` and `GET PUT /x` of route `one` (line 4) match the same requests "
            "with equal rank; set `priority` on one [ambiguous]",
            id="methods",
        ),
        pytest.param(
            ["match: {path: /x, header: {a: '1'}}", "match: {path: /x, query: {a: '1'}}"],
            "5:11: routes.two.match: `/x, query a: 1` and `/x, header a: 1` of route `one` (line 4) match the same "
            "requests with equal rank; set `priority` on one [ambiguous]",
            id="conditions",
        ),
        pytest.param(
            ["match: {path: {regex: '/a[0-9]'}}", "match: {path: {regex: '/a[1-3]'}}"],
            "5:11: routes.two.match: `/a[1-3]` and `/a[0-9]` of route `one` (line 4) match the same requests with "
            "equal rank; set `priority` on one [ambiguous]",
            id="expressions",
        ),
        pytest.param(
            [
                "match: {path: {suffix: .js}, host: a.example}",
                "match: {path: {contains: /v1}, host: a.example}",
            ],
            "5:11: routes.two.match: `a.example path contains /v1` and `a.example path ends with .js` of route `one` "
            "(line 4) match the same requests with equal rank; set `priority` on one [ambiguous]",
            id="ends-and-parts",
        ),
        pytest.param(
            ["match: {path: /x, country: DE}", "match: {path: /x, country: DE}, priority: 1"],
            '4:11: routes.one.match: `/x, country: {"codes": ["DE"]}` can never match: route `two` (line 5) takes all '
            "of it [shadowed]",
            id="predicates-that-say-the-same",
        ),
        pytest.param(
            ["match: /x/y", "match: /x/**, priority: 1"],
            "4:11: routes.one.match: `/x/y` can never match: route `two` (line 5) takes all of it [shadowed]",
            id="shadowed",
        ),
    ],
)
def test_routes_that_nobody_can_tell_apart_are_wrong(routes: list[str], message: str) -> None:
    """At the later of the two, with the place of the other."""
    lines = "".join(
        f"  {name}: {{{route}, to: app}}\n" for name, route in zip(["one", "two"], routes, strict=True)
    )

    assert [message.replace("5:11", "5:16").replace("4:11", "4:16")] == wrong("routes:\n" + lines)


@pytest.mark.parametrize(
    "routes",
    [
        ["match: /x", "match: '/{a}'"],
        ["match: {path: /x, method: GET}", "match: {path: /x, method: PUT}"],
        ["match: {path: /x, header: {a: '1'}}", "match: {path: /x, header: {a: '2'}}"],
        ["match: {path: /x, header: {a: '1'}}", "match: {path: /x, header: {a: '1'}, query: {b: c}}"],
        ["match: {path: /x, host: a.example}", "match: {path: /x, host: b.example}"],
        ["match: {path: /x, host: a.example}", "match: {path: /x, host: '*.example'}"],
        ["match: {path: {regex: '/a[0-9]'}}", "match: {path: {regex: '/a[a-z]'}}"],
        ["match: '/{a}', priority: 1", "match: '/{b:int}', priority: 2"],
    ],
)
def test_routes_that_differ_are_fine(routes: list[str]) -> None:
    """In what they take, or in rank."""
    lines = "".join(
        f"  {name}: {{{route}, to: app}}\n" for name, route in zip(["one", "two"], routes, strict=True)
    )

    assert [] == wrong("routes:\n" + lines)


def test_each_route_hears_once_that_it_is_ambiguous() -> None:
    """With the first of those before it; the others are told by the next check."""
    text = """
        routes:
          one: {match: "/{a}", to: app}
          two: {match: "/{b}", to: app}
          three: {match: "/{c}", to: app}
        """

    assert [
        ["6:16", "routes.two.match", "`/{b}` and `/{a}` of route `one` (line 5) match the same requests"],
        ["7:18", "routes.three.match", "`/{c}` and `/{a}` of route `one` (line 5) match the same requests"],
    ] == sorted(
        [place, path, rest.partition(" with")[0]]
        for place, path, rest in (line.split(": ", 2) for line in wrong(text))
    )


def test_the_later_one_is_told_whatever_it_is_called() -> None:
    """It is the one that was added."""
    assert ["6:14: routes.a.match: `/{a}` and `/{b}` of route `b` (line 5) match the same requests"] == [
        line.partition(" with")[0]
        for line in wrong("""
        routes:
          b: {match: "/{b}", to: app}
          a: {match: "/{a}", to: app}
        """)
    ]


def test_all_that_can_never_match_is_told() -> None:
    """Each with what takes all of it."""
    found = wrong("""
        routes:
          all: {match: /**, to: app, priority: 1}
          one: {match: /one, to: app}
          two: {match: [/two, /too], to: app}
        """)

    assert ["`/one`", "`/too`", "`/two`"] == sorted(line.split(": ", 2)[2].split(" ")[0] for line in found)


def test_what_is_broken_is_left_out() -> None:
    """It has been reported for another reason."""
    text = "routes: {one: {match: '/{a}', to: app}, two: {match: '/{b}', to: app}}\n"

    assert [] == wrong(text, ("two",))
    assert 1 == len(wrong(text, ("three",)))


def test_the_predicates_of_plugins_are_not_asked_while_routes_are_compared() -> None:
    """Nothing is there to be asked about."""
    question: Callable[[Exchange], bool] = never_asked("country", CountryConfig())

    assert 1 == len(
        wrong("routes: {one: {match: {country: DE}, to: app}, two: {match: {country: FR}, to: app}}\n")
    )
    with pytest.raises(AssertionError, match="`country` was asked about"):
        question(make_exchange())
