"""What single values cannot show."""

from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper.config.addresses import Url
from gatekeeper.config.check import check
from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.config.kinds import Kinds
from gatekeeper.config.load import read_text
from gatekeeper.config.model import (
    FilterConfig,
    GatewayConfig,
    InstanceConfig,
    RouteConfig,
    ServiceConfig,
    TargetConfig,
)
from gatekeeper.config.problems import Fault, Path, Place
from gatekeeper.config.tree import Tree
from gatekeeper.core.text import Text
from gatekeeper.extend.catalog import Catalog
from gatekeeper.routing.template import PathTemplate


TYPES = "there are int, uuid, slug, date, service, and choices as in `{x:a|b}`"
SERVICES = "version: 1\nservices: {users: http://users, orders: http://orders}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "filters: [stamp]\nroutes: {a: {match: /x, to: users, filters: [limit, stamp]}}",
            (
                "4:53: routes.a.filters[1]: two filters named `stamp` in route `a` (lines 3 and 4); give one a `name`, or"
                " `override` it in the route [name-taken]"
            ),
            id="in-the-global-filters-and-a-route",
        ),
        pytest.param(
            "filters:\n  - stamp\n  - {limit: 5B, name: stamp}",
            (
                "5:5: filters[1]: two filters named `stamp` in the global filters (lines 4 and 5); give one a `name`"
                " [name-taken]"
            ),
            id="in-the-global-filters",
        ),
        pytest.param(
            "routes:\n  a:\n    match: /x\n    to: users\n    filters:\n    - stamp\n    - stamp",
            (
                "9:7: routes.a.filters[1]: two filters named `stamp` in route `a` (lines 8 and 9); give one a `name`, or `override`"
                " it in the route [name-taken]"
            ),
            id="in-a-route",
        ),
        pytest.param(
            "filters: [{stamp: {}, name: forward}]",
            "3:11: filters[0]: `forward` is what ends every chain; choose another name [name-taken]",
            id="the-name-of-the-end",
        ),
        pytest.param(
            "filters: [sign]",
            "3:11: filters[0]: `sign` runs once per attempt; put it last in the `filters` of a service [wrong-scope]",
            id="attempt-scope-for-all",
        ),
        pytest.param(
            "routes: {a: {match: /x, to: users, filters: [sign]}}",
            (
                "3:46: routes.a.filters[0]: `sign` runs once per attempt; put it last in the `filters` of a service"
                " [wrong-scope]"
            ),
            id="attempt-scope-in-a-route",
        ),
        pytest.param(
            "filters: [move: /x]",
            "3:11: filters[0]: `move` answers itself: no route would ever run; put it into one, or give it a `when`"
            " [never-runs]",
            id="an-answer-for-all",
        ),
        pytest.param(
            'filters: [set: {request: {a: "{path.id}"}}]',
            (
                "3:30: filters[0].set.request.a: `{path.id}`: global filters run for every route, and not all of them"
                " capture it [bad-placeholder]"
            ),
            id="a-capture-for-all",
        ),
        pytest.param(
            'filters: [set: {request: {a: "{path.id}", b: "{path.x}{path.y}"}}]',
            "\n".join(
                f"3:{column}: filters[0].set.request.{key}: `{{path.{name}}}`: global filters run for every route, and not"
                " all of them capture it [bad-placeholder]"
                for column, key, name in [(30, "a", "id"), (46, "b", "x"), (46, "b", "y")]
            ),
            id="all-captures-for-all",
        ),
        pytest.param(
            "routes: {a: {match: /x, filters: [move: /y, stamp, limit: 5B]}}",
            (
                "3:45: routes.a.filters[1]: `stamp` never runs: `move` before it answers itself [never-runs]\n"
                "3:52: routes.a.filters[2]: `limit` never runs: `move` before it answers itself [never-runs]"
            ),
            id="after-an-answer",
        ),
        pytest.param(
            "routes: {a: {match: /x, to: users, rewrite: /z, filters: [move: /y]}}",
            (
                "3:25: routes.a.to: `to` has no effect: `move` answers itself [conflict]\n"
                "3:36: routes.a.rewrite: `rewrite` has no effect: `move` answers itself [conflict]"
            ),
            id="an-answer-and-a-service",
        ),
        pytest.param(
            "routes: {a: {match: /x, to: {users: 1, orders: 1}, sticky: address, filters: [move: /y]}}",
            (
                "3:25: routes.a.to: `to` has no effect: `move` answers itself [conflict]\n"
                "3:52: routes.a.sticky: `sticky` has no effect: `move` answers itself [conflict]"
            ),
            id="an-answer-and-what-is-sticky",
        ),
        pytest.param(
            "routes: {a: {match: /x, filters: [stamp]}}",
            (
                "3:10: routes.a: a route needs `to`, the name of a service, or a filter that answers itself (`move`)"
                " [needs]"
            ),
            id="neither-an-answer-nor-a-service",
        ),
        pytest.param(
            "routes: {a: {match: /x, to: users, sticky: address}, b: {match: '/{s:service}', to: '{path.s}', sticky: address}}",
            (
                "3:36: routes.a.sticky: `sticky` chooses between services, and there is one; for instances there is"
                " `balance` [conflict]\n"
                "3:97: routes.b.sticky: `sticky` chooses between services, and there is one; for instances there is"
                " `balance` [conflict]"
            ),
            id="sticky-to-one",
        ),
        pytest.param(
            "routes: {a: {match: '/{id}', to: {users: 1, orders: 1}, sticky: [address, path.no]}}",
            "3:65: routes.a.sticky: `{path.no}`: the path `/{id}` has `{id}` [bad-placeholder]",
            id="sticky-by-what-is-not-captured",
        ),
        pytest.param(
            "routes: {a: {match: ['/{x:users|old}', '/y/{x:orders|new}'], to: '{path.x}'}}",
            (
                "3:66: routes.a.to: no service `old`, which `{path.x}` can be; there are `orders`, `users` [unknown-name]\n"
                "3:66: routes.a.to: no service `new`, which `{path.x}` can be; there are `orders`, `users` [unknown-name]"
            ),
            id="choices-of-two-alternatives",
        ),
        pytest.param(
            "routes: {a: {match: {path: ['/{id}', /y]}, to: users, rewrite: '/{path.id}'}}",
            "3:64: routes.a.rewrite: `{path.id}`: the path `/y` captures nothing [bad-placeholder]",
            id="a-capture-that-the-second-path-has-not",
        ),
        pytest.param(
            "routes: {a: {match: {method: GET}, to: users, rewrite: '/{path.id}'}}",
            "3:56: routes.a.rewrite: `{path.id}`: the path `/**` has `{rest}` [bad-placeholder]",
            id="a-capture-of-any-path",
        ),
        pytest.param(
            "routes: {a: {match: {path: [/v1, /v1/x, /v1x, {prefix: /v1}, {exact: /v1/y}, {regex: '/v1/[0-9]+'}, {suffix: /v1}]},"
            " to: users, rewrite: {strip: /v1}}}",
            (
                "3:146: routes.a.rewrite.strip: `/v1` is no literal start of the path `/v1x` [bad-value]\n"
                "3:146: routes.a.rewrite.strip: `/v1` is no literal start of the path `suffix: /v1` [bad-value]"
            ),
            id="what-can-be-stripped",
        ),
        pytest.param(
            "routes: {a: {match: {method: GET}, to: users, rewrite: {strip: /v1}}}",
            "3:64: routes.a.rewrite.strip: `/v1` is no literal start of the path `/**` [bad-value]",
            id="strip-of-any-path",
        ),
        pytest.param(
            "routes: {a: {match: '/v1/**', to: users, rewrite: {path: '/$1', strip: /v1}}}",
            (
                "3:58: routes.a.rewrite.path: `$1` is text here; name the group, as in `(?P<id>[0-9]+)`, and write"
                " `{path.id}` [bad-placeholder]\n"
                "3:65: routes.a.rewrite.strip: `path` and `strip` exclude each other [conflict]"
            ),
            id="groups-by-number-and-strip",
        ),
        pytest.param(
            'routes: {a: {match: "/{v:users|old}/**", to: "{path.v}"}}',
            "3:46: routes.a.to: no service `old`, which `{path.v}` can be; there are `orders`, `users` [unknown-name]",
            id="a-choice-that-is-no-service",
        ),
        pytest.param(
            'routes: {a: {match: "/{x}", to: "{path.x}"}}',
            (
                "3:33: routes.a.to: `{path.x}` takes what is no service, too; write `{x:service}` or a choice as in"
                " `{x:a|b}` in `match` [bad-placeholder]"
            ),
            id="a-capture-that-is-no-service",
        ),
        pytest.param(
            'routes: {a: {match: ["/{x:service}", /y], to: "{path.x}"}}',
            "3:47: routes.a.to: `{path.x}`: the path `/y` captures nothing [bad-placeholder]",
            id="a-capture-that-one-alternative-has-not",
        ),
        pytest.param(
            'routes: {a: {match: /x, to: "{header.x}"}}',
            "3:29: routes.a.to: `to` is the name of a service, or one capture as in `{path.service}` [bad-placeholder]",
            id="a-service-from-a-header",
        ),
        pytest.param(
            'routes: {a: {match: "/{x:service}", to: "v1-{path.x}"}}',
            "3:41: routes.a.to: `to` is the name of a service, or one capture as in `{path.service}` [bad-placeholder]",
            id="a-part-of-a-name",
        ),
        pytest.param(
            'routes: {a: {match: "/{id}/**", filters: [move: "/{path.uid}"]}}',
            "3:49: routes.a.filters[0].move: `{path.uid}`: the path `/{id}/**` has `{id}`, `{rest}` [bad-placeholder]",
            id="a-capture-in-an-option",
        ),
        pytest.param(
            'routes: {a: {match: "/{id}", to: users, filters: [set: {response: ["{path.id}", "{path.no}"]}]}}',
            "3:81: routes.a.filters[0].set.response[1]: `{path.no}`: the path `/{id}` has `{id}` [bad-placeholder]",
            id="a-capture-in-a-list",
        ),
        pytest.param(
            "routes: {a: {match: [/v1/x, /v2/y], to: users, rewrite: {strip: /v1}}}",
            "3:65: routes.a.rewrite.strip: `/v1` is no literal start of the path `/v2/y` [bad-value]",
            id="strip-for-one-alternative-only",
        ),
        pytest.param(
            'routes: {a: {match: /x/**, to: users, rewrite: {path: "/{path.rest}", prefix: /y}}}',
            "3:71: routes.a.rewrite.prefix: `path` and `prefix` exclude each other [conflict]",
            id="path-and-prefix",
        ),
    ],
)
def test_what_is_wrong_between_the_parts(
    text: str, expected: str, problems: Callable[[str], list[str]]
) -> None:
    """Each message says what to change, at the place where it is to be changed."""
    assert expected.split("\n") == problems(SERVICES + text)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (
            "[move: /x]",
            "5:15: services.a.filters[0]: `move` answers itself; put it into the `filters` of a route [wrong-scope]",
        ),
        (
            "[sign, limit: 5B]",
            (
                "5:21: services.a.filters[1]: `limit` runs once per request; put it above `sign`, which runs once per"
                " attempt [wrong-scope]"
            ),
        ),
        (
            "[limit: 5B, limit: 6B]",
            (
                "5:26: services.a.filters[1]: two filters named `limit` in service `a` (lines 5 and 5); give one a `name`"
                " [name-taken]"
            ),
        ),
        (
            "[stamp]",
            (
                "5:15: services.a.filters[0]: two filters named `stamp` in service `a` (lines 2 and 5); give one a `name`"
                " [name-taken]"
            ),
        ),
        (
            '[set: {request: {x: "{path.id}"}}]',
            (
                "5:34: services.a.filters[0].set.request.x: `{path.id}`: route `r` sends here, and the path `/r` captures"
                " nothing [bad-placeholder]"
            ),
        ),
        ("[limit: 5B, {set: {}, name: mine}, sign]", ""),
    ],
)
def test_the_filters_of_a_service_stand_in_the_chain_of_each_route(
    filters: str, expected: str, problems: Callable[[str], list[str]]
) -> None:
    """After those of the route; what runs per attempt stands last."""
    text = f"""\
version: 1
filters: [stamp]
services:
  a:
    filters: {filters}
    instances: [http://a]
routes:
  r: {{match: /r, to: a}}
"""

    assert [line for line in [expected] if line] == problems(text)


def test_what_runs_per_attempt_has_no_condition(problems: Callable[[str], list[str]]) -> None:
    """Not by way of a chain either."""
    text = """\
version: 1
chains: {outgoing: [limit: 5B, sign]}
services:
  a: {instances: [http://a], filters: [{use: outgoing, when: {method: GET}}]}
  b: {instances: [http://b], filters: [{sign: {}, when: {method: GET}}]}
  c: {instances: [http://c], filters: [use: outgoing]}
"""

    assert problems(text) == [
        "4:56: services.a.filters[0].when: `sign` runs once per attempt, and takes no `when` [conflict]",
        "5:51: services.b.filters[0].when: `sign` runs once per attempt, and takes no `when` [conflict]",
    ]


def test_tls_of_all_services_may_be_of_no_use_to_some(problems: Callable[[str], list[str]]) -> None:
    """It is a mistake where a service says it itself."""
    text = """\
version: 1
defaults: {services: {tls: {server_name: a.example}}}
services:
  a: http://a
  b: https://b
  c: {instances: [http://c], tls: {server_name: c.example}}
"""

    assert problems(text) == [
        "6:30: services.c.tls: `tls` has no effect: none of the `instances` is https [conflict]"
    ]


def test_a_name_of_a_route_may_not_be_that_of_its_service(problems: Callable[[str], list[str]]) -> None:
    """Also where the service is chosen by a capture."""
    text = """\
version: 1
services:
  a: {instances: [http://a], filters: [limit: 5B]}
  b: http://b
routes:
  r: {match: /r, to: a, filters: [limit: 6B]}
  s: {match: "/s/{x:service}", to: "{path.x}", filters: [limit: 6B]}
  t: {match: "/t/{x:b}", to: b, filters: [limit: 6B]}
  u: {match: /u, to: {b: 1, a: 1}, filters: [limit: 6B]}
"""

    assert problems(text) == [
        "6:35: routes.r.filters[0]: two filters named `limit` in route `r` (lines 3 and 6); give one a `name` [name-taken]",
        "7:58: routes.s.filters[0]: two filters named `limit` in route `s` (lines 3 and 7); give one a `name` [name-taken]",
        f"8:14: routes.t.match: `{{x:b}}`: no type `b`; {TYPES} [bad-value]",
        "9:46: routes.u.filters[0]: two filters named `limit` in route `u` (lines 3 and 9); give one a `name` [name-taken]",
    ]


def test_a_certificate_needs_its_key(problems: Callable[[str], list[str]], tmp_path: Any) -> None:
    """And the other way round."""
    (tmp_path / "x.pem").touch()
    text = """\
version: 1
services:
  a: {instances: [https://a], tls: {certificate: x.pem}}
  b: {instances: [https://b], tls: {key: x.pem}}
  c: {instances: [https://c], tls: {key: x.pem, certificate: x.pem}}
"""

    assert problems(text) == [
        "3:31: services.a.tls: `certificate` needs `key` [needs]",
        "4:31: services.b.tls: `key` needs `certificate` [needs]",
    ]


def test_services_can_be_named_by_captures(problems: Callable[[str], list[str]]) -> None:
    """By the type `service`, or by a choice of services."""
    text = """
routes:
  a: {match: "/a/{x:service}/**", to: "{path.x}", rewrite: "/{path.rest}"}
  b: {match: "/b/{x:users|orders}", to: "{path.x}"}
"""

    assert problems(SERVICES + text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "chains: {a: [stamp]}\nroutes: {r: {match: /x, to: users, filters: [use: a, use: a]}}",
            (
                "4:59: routes.r.filters[1].use: the chain `a` runs before this already; use it once, or put what differs"
                " into another [name-taken]"
            ),
            id="twice",
        ),
        pytest.param(
            "chains: {a: [stamp], b: [use: a]}\nfilters: [use: a]\n"
            "routes: {r: {match: /x, to: users, filters: [use: b]}}",
            (
                "5:51: routes.r.filters[0].use: the chain `a` runs before this already; use it once, or put what differs"
                " into another [name-taken]"
            ),
            id="within-another-and-before-all-routes",
        ),
        pytest.param(
            "chains: {a: [use: b], b: [use: a], c: [use: c], d: [use: a]}\n"
            "routes: {r: {match: /x, to: users, filters: [use: d]}}",
            (
                "3:10: chains.a: the chain `a` uses itself by way of `b` [bad-value]\n"
                "3:36: chains.c: the chain `c` uses itself [bad-value]"
            ),
            id="cycles-are-told-once",
        ),
        pytest.param(
            "chains: {a: [stamp, use: c], c: [use: d], d: [use: a]}\n"
            "routes: {r: {match: /x, to: users, filters: [use: a]}}",
            "3:10: chains.a: the chain `a` uses itself by way of `c`, `d` [bad-value]",
            id="a-cycle-of-three-behind-a-filter",
        ),
        pytest.param(
            "chains: {a: [use: b, use: a], b: [stamp]}\nroutes: {r: {match: /x, to: users, filters: [use: a]}}",
            "3:10: chains.a: the chain `a` uses itself by way of `b` [bad-value]",
            id="in-itself-beside-another",
        ),
        pytest.param(
            "chains: {a: [use: b, use: c], b: [use: a], c: [stamp]}\n"
            "routes: {r: {match: /x, to: users, filters: [use: a]}}",
            "3:10: chains.a: the chain `a` uses itself by way of `b`, `c` [bad-value]",
            id="in-itself-before-another",
        ),
        pytest.param(
            "chains: {a: [5]}\nroutes: {r: {match: /x, to: users, filters: [use: a]}}",
            (
                "3:14: chains.a[0]: expected a filter, like `- redirect: /login`, not the number 5 [wrong-type]"
            ),
            id="empty-because-all-of-it-is-broken",
        ),
        pytest.param(
            "chains: {a: [use: b]}\nroutes: {r: {match: /x, to: users, filters: [use: a]}}",
            "3:19: chains.a[0].use: no chain `b`; there are `a` [unknown-name]",
            id="of-nothing",
        ),
        pytest.param(
            "chains: {a: []}\nroutes: {r: {match: /x, to: users, filters: [use: a]}}",
            "3:13: chains.a: the chain is empty [bad-value]",
            id="empty",
        ),
        pytest.param(
            "chains: {a: [move: /y]}\nroutes: {r: {match: /x, to: users, filters: [use: a]}}",
            "4:25: routes.r.to: `to` has no effect: `move` answers itself [conflict]",
            id="that-answers",
        ),
        pytest.param(
            "chains: {a: [move: /y]}\nroutes: {r: {match: /x, to: users, filters: [{use: a, when: {method: GET}}]}}",
            "",
            id="that-may-answer",
        ),
        pytest.param(
            "routes: {r: {match: /x, to: users, filters: [{move: /y, when: {method: GET}}, stamp]}}",
            "",
            id="a-filter-that-may-answer",
        ),
        pytest.param(
            "chains: {a: [stamp, {move: /y, when: {method: GET}}]}\n"
            "routes: {r: {match: /x, to: users, filters: [limit: 5B, use: a]}}",
            "",
            id="with-a-filter-that-may-answer",
        ),
        pytest.param(
            "chains: {a: [{stamp: true, when: {method: GET}}, move: /y]}\n"
            "routes: {r: {match: /x, to: users, filters: [{limit: 5B, when: {method: GET}}, use: a]}}",
            "4:25: routes.r.to: `to` has no effect: `move` answers itself [conflict]",
            id="that-answers-behind-filters-that-may-not-run",
        ),
        pytest.param(
            "chains: {a: [move: /y], b: [stamp]}\n"
            "routes: {r: {match: /x, to: users, filters: [{use: b, when: {method: GET}}, use: a]}}",
            "4:25: routes.r.to: `to` has no effect: `move` answers itself [conflict]",
            id="that-answers-behind-one-with-a-condition",
        ),
        pytest.param(
            "filters: [{set: {}, name: s}, {set: {}, name: t}]\nroutes: {r: {match: /x, to: users,"
            " override: {s: {response: [a]}, t: {request: {a: b}, response: [a, '{path.no}']}}}}",
            (
                "4:102: routes.r.override.t.response[1]: `{path.no}`: the path `/x` captures nothing"
                " [bad-placeholder]"
            ),
            id="changes-of-a-route-capture",
        ),
        pytest.param(
            "chains: {a: [move: /y]}\nfilters: [{use: a, when: {method: GET}}]",
            "",
            id="that-may-answer-before-all-routes",
        ),
        pytest.param(
            "chains: {a: [{use: b, when: {method: GET}}], b: [move: /y]}\nfilters: [use: a]",
            "",
            id="that-may-answer-before-all-routes-by-way-of-another",
        ),
        pytest.param(
            "chains: {a: [limit: 5B], b: [stamp, use: c], c: [{use: d, when: {method: GET}}], d: [set: {}, move: /y]}\n"
            "filters: [use: a, use: b]",
            "",
            id="that-may-answer-in-the-second-of-two-three-levels-down",
        ),
        pytest.param(
            "chains: {a: [stamp]}\nfilters: [use: nope, use: a]",
            "4:16: filters[0].use: no chain `nope`; there are `a` [unknown-name]",
            id="of-nothing-before-all-routes",
        ),
        pytest.param(
            "chains: {a: [move: /y, stamp]}\n"
            "routes: {r: {match: /x, to: users, filters: [use: a], override: {stamp: false, move: false}}}",
            "",
            id="that-would-answer-but-for-the-route",
        ),
        pytest.param(
            "chains: {a: [move: /y]}\n"
            "routes: {r: {match: /x, to: users, filters: [use: a], override: {move: /z}}}",
            "4:25: routes.r.to: `to` has no effect: `move` answers itself [conflict]",
            id="that-answers-otherwise",
        ),
        pytest.param(
            "chains: {a: [stamp, move: /y], b: [{use: a, when: {method: GET}}]}\nfilters: [use: a]\n"
            "routes: {r: {match: /x, to: users, filters: [{limit: 5B, when: {method: GET}}]}}",
            (
                "3:21: chains.a[1]: `move` answers itself: no route would ever run; put it into one, or give it a `when`"
                " [never-runs]"
            ),
            id="that-answers-before-all-routes",
        ),
        pytest.param(
            "filters: [{stamp: true, when: {method: GET}}, move: /y]",
            (
                "3:47: filters[1]: `move` answers itself: no route would ever run; put it into one, or give it a `when`"
                " [never-runs]"
            ),
            id="another-has-the-condition",
        ),
        pytest.param(
            "filters: [{move: /y, when: {method: GET}}]\nroutes: {r: {match: /x, to: users, override: {move: false}}}",
            "",
            id="what-is-dropped-does-not-run",
        ),
        pytest.param(
            "chains: {a: [sign, set: {request: {x: '{path.no}'}}]}\nroutes: {r: {match: /x, to: users, filters: [use: a]}}",
            (
                "3:14: chains.a[0]: `sign` runs once per attempt; put it last in the `filters` of a service [wrong-scope]\n"
                "3:39: chains.a[1].set.request.x: `{path.no}`: the path `/x` captures nothing [bad-placeholder]"
            ),
            id="what-stands-in-them-is-checked-for-each-route",
        ),
    ],
)
def test_chains(text: str, expected: str, problems: Callable[[str], list[str]]) -> None:
    """They stand in the place of their filters."""
    assert [line for line in expected.split("\n") if line] == problems(SERVICES + text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "hosts: [a.example]\nroutes: {r: {match: {host: [a.example, b.example]}, to: users}}",
            "4:40: routes.r.match.host[1]: `b.example` is not in `hosts`, which are `a.example`; add it there [outside-hosts]",
            id="host",
        ),
        pytest.param(
            "hosts: ['*.a.example', b.example]\n"
            "routes: {r: {match: {host: [x.a.example, '*.a.example', b.example]}, to: users}}",
            "",
            id="hosts-within",
        ),
        pytest.param(
            "hosts: ['*.a.example']\nroutes: {r: {match: {host: x.y.a.example}, to: users}}",
            (
                "4:28: routes.r.match.host: `x.y.a.example` is not in `hosts`, which are `*.a.example`; add it there"
                " [outside-hosts]"
            ),
            id="a-wildcard-is-one-label",
        ),
        pytest.param(
            "hosts: [a.example]\nroutes: {r: {match: [{host: a.example}, {path: /x}, {host: b.example}], to: users}}",
            (
                "4:60: routes.r.match[2].host: `b.example` is not in `hosts`, which are `a.example`; add it there"
                " [outside-hosts]"
            ),
            id="host-of-another-alternative",
        ),
        pytest.param(
            "routes: {r: {match: {host: b.example}, to: users}}", "", id="any-host-where-none-is-named"
        ),
        pytest.param(
            "hosts: ['*.a.example']\nroutes: {r: {match: {host: [a.example, '*']}, to: users}}",
            (
                "4:29: routes.r.match.host[0]: `a.example` is not in `hosts`, which are `*.a.example`; add it there"
                " [outside-hosts]\n"
                "4:40: routes.r.match.host[1]: `*` is not in `hosts`, which are `*.a.example`; add it there"
                " [outside-hosts]"
            ),
            id="hosts-that-go-beyond-a-wildcard",
        ),
        pytest.param(
            "hosts: ['*']\nroutes: {r: {match: {host: '*.x.y'}, to: users}}", "", id="any-host-is-within-any"
        ),
        pytest.param(
            "routes: {r: {match: {path: /x, listener: [main, mian]}, to: users}}",
            (
                "3:42: routes.r.match.listener: no listener `mian` under `server.listen`; did you mean `main`?"
                " [unknown-name]"
            ),
            id="listener",
        ),
        pytest.param(
            "routes: {r: {match: /x, to: {users: 1, orders: {pin: [{method: GET}, {listener: x}]}}}}",
            (
                "3:81: routes.r.to.orders.pin[1].listener: no listener `x` under `server.listen`; there are `main`"
                " [unknown-name]"
            ),
            id="listener-of-a-pin",
        ),
        pytest.param(
            "routes: {r: {match: {path: /x, not: {listener: [x]}}, to: users}}",
            (
                "3:48: routes.r.match.not.listener: no listener `x` under `server.listen`; there are `main`"
                " [unknown-name]"
            ),
            id="listener-in-not",
        ),
        pytest.param(
            "routes: {r: {match: /x, to: {users: 0, orders: {weight: 0}}}}",
            "3:29: routes.r.to: all weights are 0; give at least one service a part [bad-value]",
            id="weights",
        ),
        pytest.param(
            "routes: {r: {match: /x, to: {users: 0, ordres: 1}}}",
            "3:40: routes.r.to.ordres: no service `ordres`; did you mean `orders` (line 2)? [unknown-name]",
            id="one-of-several-services",
        ),
        pytest.param(
            "routes: {r: {match: /x, to: users, sticky: address}}",
            (
                "3:36: routes.r.sticky: `sticky` chooses between services, and there is one; for instances there is"
                " `balance` [conflict]"
            ),
            id="sticky-with-one-service",
        ),
        pytest.param(
            "routes: {r: {match: /x, to: {users: 1, orders: 1}, sticky: path.no}}",
            "3:60: routes.r.sticky: `{path.no}`: the path `/x` captures nothing [bad-placeholder]",
            id="sticky-by-a-capture",
        ),
        pytest.param(
            'routes: {r: {match: {path: {regex: "/(?P<id>[0-9]+)/x"}}, to: users, rewrite: "/{path.id}{path.no}"}}',
            "3:79: routes.r.rewrite: `{path.no}`: the path `regex: /(?P<id>[0-9]+)/x` has `{id}` [bad-placeholder]",
            id="groups-of-a-regex",
        ),
        pytest.param(
            "routes: {r: {match: {path: {prefix: /a}}, to: users, rewrite: {strip: /b}}}",
            "3:71: routes.r.rewrite.strip: `/b` is no literal start of the path `prefix: /a` [bad-value]",
            id="strip-of-a-prefix",
        ),
        pytest.param(
            'routes: {r: {match: {path: {regex: "/a/[a-z]+"}}, to: users, rewrite: {strip: /a}}}',
            "",
            id="strip-of-a-regex",
        ),
        pytest.param(
            "routes: {r: {match: {path: {suffix: .png}}, to: users, rewrite: {strip: /a}}}",
            "3:73: routes.r.rewrite.strip: `/a` is no literal start of the path `suffix: .png` [bad-value]",
            id="strip-of-a-suffix",
        ),
        pytest.param(
            'routes: {r: {match: /x, to: users, rewrite: "/$1"}}',
            (
                "3:45: routes.r.rewrite: `$1` is text here; name the group, as in `(?P<id>[0-9]+)`, and write `{path.id}`"
                " [bad-placeholder]"
            ),
            id="a-group-by-number",
        ),
        pytest.param(
            "filters: [set: {request: {x: y}}]\n"
            "routes: {r: {match: /x, to: users, override: {set: {request: {x: '{path.no}'}}}}}",
            "4:66: routes.r.override.set.request.x: `{path.no}`: the path `/x` captures nothing [bad-placeholder]",
            id="captures-in-changes",
        ),
    ],
)
def test_conditions_and_targets_of_routes(
    text: str, expected: str, problems: Callable[[str], list[str]]
) -> None:
    """What they name must be there."""
    assert [line for line in expected.split("\n") if line] == problems(SERVICES + text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "routes: {r: {match: /x, to: users}}",
            ["2:33: warning: services.orders: no route sends to `orders` [unused]"],
        ),
        (
            "chains: {a: [stamp]}\nroutes: {r: {match: /x, to: {users: 1, orders: 0}}}",
            ["3:10: warning: chains.a: nothing says `use: a` [unused]"],
        ),
        (
            "chains: {a: [stamp], b: [{use: a}]}\nroutes: {r: {match: /x, to: {users: 1, orders: 0}, filters: [use: b]}}",
            [],
        ),
        ("routes: {r: {match: '/{x:service}', to: '{path.x}'}}", []),
        ("x-nothing: 1", []),
        ("routes: {r: {match: /x, to: user}}", []),
    ],
)
def test_what_nobody_uses_is_a_warning(text: str, expected: list[str], kinds: Kinds) -> None:
    """Not where something is wrong: the mistake may be why."""
    draft = read_text(SERVICES + text, kinds, template=PathTemplate.parse, environ={})

    assert expected == [
        str(problem).removeprefix("gateway.yaml:")
        for problem in draft.problems
        if problem.severity == "warning"
    ]


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        ("{verify: false}", ["3:47: warning: services.a.tls.verify: whoever answers"]),
        ("{server_name: x.example}", []),
    ],
)
def test_a_service_that_is_believed_is_a_warning(tls: str, expected: list[str], kinds: Kinds) -> None:
    """It may be what somebody wants."""
    text = f"version: 1\nservices:\n  a: {{instances: ['https://a'], tls: {tls}}}\n"

    draft = read_text(text, kinds, template=PathTemplate.parse, environ={})

    assert len(expected) == len(draft.problems)
    for beginning, problem in zip(expected, draft.problems, strict=True):
        assert str(problem).removeprefix("gateway.yaml:").startswith(beginning)


def config(*filters: FilterConfig, to: str | None = "a", paths: tuple[str, ...] = ("/x",)) -> GatewayConfig:
    """A configuration as code builds it, without places."""
    target = None if to is None else Text(to) if "{" in to else {to: TargetConfig()}
    return GatewayConfig(
        services={"a": ServiceConfig(instances=(InstanceConfig(url=Url("http", "a", 80)),))},
        routes={"r": RouteConfig(match=(ConditionConfig(path=paths),), to=target, filters=filters)},
    )


def messages(faults: list[Fault]) -> list[tuple[Path, str]]:
    return [(fault.path, fault.message) for fault in faults if fault.severity == "error"]


def checked(config: GatewayConfig, kinds: Kinds, *known: Fault) -> list[Fault]:
    return check(config, kinds, Tree(), PathTemplate.parse, known)


def test_a_configuration_made_by_code_is_checked_too(kinds: Kinds) -> None:
    """Its problems have no lines."""
    first = FilterConfig(kind="stamp", name="stamp", place=Place(("here",)))
    second = FilterConfig(kind="stamp", name="stamp", place=Place(("there",)))

    found = checked(config(first, second, to="b"), kinds)

    assert messages(found) == [
        (
            ("there",),
            "two filters named `stamp` in route `r`; give one a `name`, or `override` it in the route",
        ),
        (("routes", "r", "to", "b"), "no service `b`; there are `a`"),
    ]


def test_nothing_is_said_about_what_cannot_be_known(kinds: Kinds) -> None:
    """A template that is none has been refused already."""
    broken = config(paths=("/{",), to="{path.x}")

    assert checked(broken, kinds) == []
    assert messages(checked(GatewayConfig(routes=config().routes), kinds)) == [
        (("routes", "r", "to", "a"), "no service `a`")
    ]


def test_without_kinds_that_answer_only_a_service_helps() -> None:
    """The message names what there is."""
    (fault,) = (fault for fault in checked(config(to=None), Catalog()) if fault.severity == "error")

    assert fault.message == "a route needs `to`, the name of a service, or a filter that answers itself"


@pytest.mark.parametrize(
    ("known", "count"),
    [
        (("routes", "r", "to"), 0),
        (("routes", "r"), 0),
        (("routes", "r", "to", "b", "pin"), 0),
        (("services",), 0),
        (("services", "other"), 1),
        (("routes", "r", "match"), 1),
        ((), 1),
    ],
)
def test_what_follows_from_a_known_fault_is_not_said_again(known: Path, count: int, kinds: Kinds) -> None:
    """One mistake, one problem; what is wrong elsewhere is said at once."""
    found = checked(config(to="b"), kinds, Fault("x", known, "said before"))

    assert count == len(found)


# ---- what nobody needs ----------------------------------------------------------------------------------------------

USED = """\
version: 1
services:
  a: {instances: [http://a], filters: [use: ofservice]}
  b: {instances: [http://b], filters: [stamp]}
  c: http://c
filters: [limit: 5B, use: ofall]
chains:
  ofservice: [{set: {}, name: s1}]
  ofall: [{set: {}, name: s2}]
  ofroute: [use: ofchain]
  ofchain: [{set: {}, name: s3}]
routes:
  r: {match: /r, to: {a: 1, b: 1}}
  s: {match: /s, to: c, filters: [{set: {}, name: s4}, use: ofroute]}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("", "", [], id="all-of-it-is-used"),
        pytest.param("to: c,", "to: b,", ["services.c: no route sends to `c`"], id="a-service"),
        pytest.param("{a: 1, b: 1}", "a", ["services.b: no route sends to `b`"], id="the-second-service"),
        pytest.param("to: c,", "to: '{path.s}',", [], id="any-service-may-be-meant"),
        pytest.param(", use: ofroute]", "]", ["chains.ofroute: nothing says `use: ofroute`"], id="a-chain"),
        pytest.param(
            "[use: ofchain]",
            "[stamp]",
            ["chains.ofchain: nothing says `use: ofchain`"],
            id="a-chain-of-a-chain",
        ),
        pytest.param(", use: ofall]", "]", ["chains.ofall: nothing says `use: ofall`"], id="a-chain-of-all"),
        pytest.param(
            ", filters: [use: ofservice]",
            "",
            ["chains.ofservice: nothing says `use: ofservice`"],
            id="of-a-service",
        ),
    ],
)
def test_what_nobody_needs(old: str, new: str, expected: list[str], kinds: Kinds) -> None:
    """It is said, and refuses nothing."""
    text = USED.replace(old, new, 1) if old else USED
    text = text.replace("match: /s, to: '{path", "match: '/{s:service}', to: '{path")

    found = read_text(text, kinds, template=PathTemplate.parse, environ={})

    assert () == found.errors
    assert [f"warning: {line} [unused]" for line in expected] == [
        str(problem).split(": ", 1)[1] for problem in found.problems
    ]


# ---- the process ----------------------------------------------------------------------------------------------------

TOKEN, OTHER = "0af9" * 16, "1af9" * 16
OPEN = (
    "is open to others, and there are no `admin.users`; write some, as in"
    " `users: {me: {role: admin, token_sha256: ...}}`, or"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "server: {listen: {}}",
            "2:18: server.listen: `listen` is empty; leave it out to listen on 8080 [bad-value]",
            id="nowhere-to-listen",
        ),
        pytest.param(
            'admin: {listen: "0.0.0.0:9901"}',
            f'2:17: admin.listen: `0.0.0.0:9901` {OPEN} `listen: "127.0.0.1:9901"` [insecure]',
            id="open-to-all",
        ),
        pytest.param(
            'admin: {listen: "local:1"}',
            f'2:17: admin.listen: `local:1` {OPEN} `listen: "127.0.0.1:1"` [insecure]',
            id="open-by-name",
        ),
        pytest.param(
            f'admin: {{listen: "0.0.0.0:9901", users: {{me: {{role: admin, token_sha256: {TOKEN}}}}}}}',
            "",
            id="open-to-users",
        ),
        pytest.param(
            'admin: {listen: "0.0.0.0:1", users: {me: 5}}',
            "2:42: admin.users.me: expected a mapping with `role`, `token_sha256`, not the number 5 [wrong-type]",
            id="open-to-users-that-are-broken",
        ),
        pytest.param('admin: {listen: "127.9.9.9:1"}', "", id="loopback"),
        pytest.param('admin: {listen: "[::1]:1"}', "", id="loopback-of-ipv6"),
        pytest.param("admin: {listen: localhost:1}", "", id="loopback-by-name"),
        pytest.param("admin: {listen: false}", "", id="closed"),
        pytest.param(
            f"admin: {{users: {{a: {{role: admin, token_sha256: {TOKEN}}}, b: {{role: admin, token_sha256: {OTHER}}},"
            f" c: {{role: admin, token_sha256: {TOKEN.upper()}}}}}}}",
            (
                "2:244: admin.users.c.token_sha256: `a` and `c` have the same token; give each one of their own"
                " [bad-value]"
            ),
            id="one-token-of-two",
        ),
        pytest.param(
            'providers: {admin: {feed: "http://x"}, files: {feed: "http://x"}, file: {feed: "http://x"}}',
            (
                "2:13: providers.admin: `admin` is the origin of what the admin API provides; choose another name"
                " [name-taken]\n"
                "2:67: providers.file: `file` is the origin of what stands in files; choose another name [name-taken]"
            ),
            id="names-of-other-origins",
        ),
    ],
)
def test_the_process(text: str, expected: str, problems: Callable[[str], list[str]]) -> None:
    """Where it listens, and who may ask it what."""
    assert [line for line in expected.split("\n") if line] == problems(f"version: 1\n{text}")


def test_a_name_that_is_taken_twice_was_taken_by_the_first(problems: Callable[[str], list[str]]) -> None:
    """Each of the later ones is told who has it."""
    found = problems(
        SERVICES + "filters:\n  - stamp\n  - {limit: 5B, name: stamp}\n  - {limit: 6B, name: stamp}\n"
    )

    lines = [problem.split(" (lines ")[1].split(")")[0] for problem in found if "[name-taken]" in problem]
    assert ["4 and 5", "4 and 6"] == lines
