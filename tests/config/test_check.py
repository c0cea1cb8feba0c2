"""What single values cannot show."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gatekeeper.config.check import check
from gatekeeper.config.document import Document
from gatekeeper.config.model import (
    FilterConfig,
    GatewayConfig,
    InstanceConfig,
    MatchConfig,
    RouteConfig,
    ServiceConfig,
)
from gatekeeper.config.problems import Fault, Path, Place
from gatekeeper.config.units import Url
from gatekeeper.core.text import Text
from gatekeeper.routing.template import PathTemplate


TYPES = "there are int, uuid, slug, date, service, and choices as in `{x:a|b}`"
SERVICES = "version: 1\nservices: {users: http://users, orders: http://orders}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "filters: [stamp]\nroutes: {a: {match: /x, to: users, filters: [limit, stamp]}}",
            (
                "4:53: routes.a.filters[1]: two filters named `stamp` in route `a` (lines 3 and 4); give one a `name`"
                " [name-taken]"
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
                "9:7: routes.a.filters[1]: two filters named `stamp` in route `a` (lines 8 and 9); give one a `name`"
                " [name-taken]"
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
            "3:11: filters[0]: `move` answers itself: no route would ever run; put it into one [never-runs]",
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
"""

    assert problems(text) == [
        "6:35: routes.r.filters[0]: two filters named `limit` in route `r` (lines 6 and 3); give one a `name` [name-taken]",
        "7:58: routes.s.filters[0]: two filters named `limit` in route `s` (lines 7 and 3); give one a `name` [name-taken]",
        f"8:14: routes.t.match: `{{x:b}}`: no type `b`; {TYPES} [bad-value]",
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


def config(*filters: FilterConfig, to: str | None = "a", paths: tuple[str, ...] = ("/x",)) -> GatewayConfig:
    """A configuration as code builds it, without places."""
    return GatewayConfig(
        services={"a": ServiceConfig(instances=(InstanceConfig(url=Url("http", "a", 80)),))},
        routes={
            "r": RouteConfig(
                match=tuple(MatchConfig(path=path) for path in paths),
                to=None if to is None else Text(to),
                filters=filters,
            )
        },
    )


def messages(faults: list[Fault]) -> list[tuple[Path, str]]:
    return [(fault.path, fault.message) for fault in faults]


def test_a_configuration_made_by_code_is_checked_too(kinds: Mapping[str, Any]) -> None:
    """Its problems have no lines."""
    stamp = FilterConfig(kind="stamp", name="stamp", place=Place(("here",)))

    found = check(config(stamp, stamp, to="b"), kinds, Document("", ""), PathTemplate.parse)

    assert messages(found) == [
        (("here",), "two filters named `stamp` in route `r`; give one a `name`"),
        (("routes", "r", "to"), "no service `b`; there are `a`"),
    ]


def test_nothing_is_said_about_what_cannot_be_known(kinds: Mapping[str, Any]) -> None:
    """A template that is none has been refused already, and without templates there are no captures."""
    broken = config(paths=("/{",), to="{path.x}")

    assert check(broken, kinds, Document("", ""), PathTemplate.parse) == []
    assert check(config(to="{path.x}"), kinds, Document("", "")) == []
    assert messages(check(GatewayConfig(routes=config().routes), kinds, Document("", ""))) == [
        (("routes", "r", "to"), "no service `a`")
    ]


def test_without_kinds_that_answer_only_a_service_helps() -> None:
    """The message names what there is."""
    (fault,) = check(config(to=None), {}, Document("", ""))

    assert fault.message == "a route needs `to`, the name of a service, or a filter that answers itself"


@pytest.mark.parametrize(
    ("known", "count"),
    [
        (("routes", "r", "to"), 0),
        (("routes", "r"), 0),
        (("routes", "r", "to", "x"), 0),
        (("routes", "r", "match"), 1),
        ((), 1),
    ],
)
def test_what_follows_from_a_known_fault_is_not_said_again(
    known: Path, count: int, kinds: Mapping[str, Any]
) -> None:
    """One mistake, one problem; what is wrong elsewhere is said at once."""
    found = check(config(to="b"), kinds, Document("", ""), known=[Fault("x", known, "said before")])

    assert count == len(found)
