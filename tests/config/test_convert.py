"""Short forms have one long form; conditions and filters."""

from typing import Any

import pytest

from gatekeeper.config.addresses import Listen, Url
from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.config.convert import convert, expand_at
from gatekeeper.config.document import Variable, read_document
from gatekeeper.config.kinds import Kinds
from gatekeeper.config.model import (
    BalanceConfig,
    FilterConfig,
    GatewayConfig,
    HealthConfig,
    InstanceConfig,
    ListenerConfig,
    RewriteConfig,
    RouteConfig,
    ServerConfig,
    ServiceConfig,
    StickyConfig,
    StickyCookieConfig,
    TargetConfig,
    TimeoutsConfig,
    UseConfig,
)
from gatekeeper.config.problems import Path as TreePath
from gatekeeper.config.tree import tree_of
from gatekeeper.core.text import Text, Value
from gatekeeper.routing.template import PathTemplate
from tests.config.plugin import KINDS


def read(text: str, kinds: Kinds) -> tuple[GatewayConfig | None, list[str]]:
    tree = tree_of(read_document("version: 1\n" + text, "f"))
    config, faults = convert(tree, kinds, PathTemplate.parse)
    return config, [fault.message for fault in tree.faults + faults]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        pytest.param(
            "services: {a: http://b}",
            "services: {a: {instances: [{url: http://b, id: http://b}], health: false}}",
            id="url",
        ),
        pytest.param(
            "services: {a: {instances: [http://b]}}", "services: {a: {instances: [{url: http://b}]}}", id="i"
        ),
        pytest.param("server: {listen: 80}", 'server: {listen: {main: {address: "0.0.0.0:80"}}}', id="port"),
        pytest.param(
            'server: {listen: "a:80"}', 'server: {listen: {main: {address: "a:80"}}}', id="address-with-port"
        ),
        pytest.param(
            'server: {listen: {x: 80, z: "a:81"}}',
            'server: {listen: {x: {address: 80}, z: {address: "a:81"}}}',
            id="listeners",
        ),
        pytest.param("routes: {a: {match: /x}}", "routes: {a: {match: [{path: [/x]}]}}", id="path"),
        pytest.param(
            "routes: {a: {match: {path: /x, method: GET}}}",
            "routes: {a: {match: [{path: [/x], method: [GET]}]}}",
            id="condition",
        ),
        pytest.param(
            "routes: {a: {match: [/x, {header: {A: b}}]}}",
            "routes: {a: {match: [{path: [/x]}, {header: {a: {exact: b}}}]}}",
            id="alternatives",
        ),
        pytest.param(
            "routes: {a: {match: /x, to: b}}", "routes: {a: {match: /x, to: {b: {weight: 1}}}}", id="to"
        ),
        pytest.param(
            "routes: {a: {match: /x, to: {b: 95, c: 5}}}",
            "routes: {a: {match: /x, to: {b: {weight: 95}, c: {weight: 5}}}}",
            id="weights",
        ),
        pytest.param(
            "routes: {a: {match: /x, to: {b: {pin: /y}}}}",
            "routes: {a: {match: /x, to: {b: {weight: 1, pin: [{path: [/y]}]}}}}",
            id="pin",
        ),
        pytest.param(
            "routes: {a: {match: /x, sticky: address}}",
            "routes: {a: {match: /x, sticky: {by: [address]}}}",
            id="by",
        ),
        pytest.param(
            "routes: {a: {match: /x, sticky: [address, cookie.x]}}",
            "routes: {a: {match: /x, sticky: {by: [address, cookie.x]}}}",
            id="by-several",
        ),
        pytest.param(
            "routes: {a: {match: /x, sticky: {cookie: true}}}",
            "routes: {a: {match: /x, sticky: {cookie: {name: gk_side, ttl: 7d}}}}",
            id="cookie",
        ),
        pytest.param(
            "routes: {a: {match: /x, rewrite: /y}}",
            "routes: {a: {match: /x, rewrite: {path: /y}}}",
            id="rewrite",
        ),
        pytest.param("filters: [stamp]", "filters: [stamp: {}]", id="kind-alone"),
        pytest.param("filters: [stamp: true]", "filters: [stamp: {}]", id="true-is-an-empty-mapping"),
        pytest.param(
            "filters: [limit: 5KiB]", "filters: [{limit: {most: 5KiB}, name: limit}]", id="main-option"
        ),
        pytest.param("admin: true", "admin: {}", id="true"),
        pytest.param("x-note: [1, 2]\nfilters: [stamp]", "filters: [stamp]", id="notes-are-ignored"),
    ],
)
def test_a_short_form_is_its_long_form(short: str, long: str, kinds: Kinds) -> None:
    """Only the long form exists inside."""
    found, faults = read(short, kinds)

    assert faults == []
    assert found is not None
    assert read(long, kinds) == (found, [])


def test_a_whole_configuration_becomes_objects(kinds: Kinds) -> None:
    """The canonical form of a file that uses most of the grammar."""
    found, faults = read(
        """
server: {listen: {web: 80}, health_path: /up, drain: 1m}
services:
  users:
    instances: [http://a, {url: "https://b:8443", id: two}]
    timeouts: {read: 20s, total: 1m}
    filters: [sign]
routes:
  api:
    match: [{path: "/api/{id}/**", method: [GET, PUT]}, /other]
    to: users
    rewrite: {strip: /api, prefix: /v2, method: POST}
    filters:
      - set: {request: {x-id: "{path.id}"}}
        name: id
        if_error: skip
""",
        kinds,
    )

    assert faults == []
    assert found is not None
    entry = found.routes["api"].filters[0]
    assert isinstance(entry, FilterConfig)
    options = entry.options
    assert (
        GatewayConfig(
            server=ServerConfig(
                listen={"web": ListenerConfig(address=Listen("0.0.0.0", 80))}, health_path="/up", drain=60.0
            ),
            services={
                "users": ServiceConfig(
                    instances=(
                        InstanceConfig(url=Url("http", "a", 80)),
                        InstanceConfig(url=Url("https", "b", 8443), id="two"),
                    ),
                    balance=BalanceConfig(options=kinds.balancers["round_robin"].config()),
                    health=HealthConfig(options=kinds.probes["http"].config()),
                    timeouts=TimeoutsConfig(read=20.0, total=60.0),
                    filters=(FilterConfig(kind="sign", name="sign", options=kinds.filters["sign"].config()),),
                )
            },
            routes={
                "api": RouteConfig(
                    match=(
                        ConditionConfig(path=("/api/{id}/**",), method=("GET", "PUT")),
                        ConditionConfig(path=("/other",)),
                    ),
                    to={"users": TargetConfig()},
                    rewrite=RewriteConfig(strip="/api", prefix="/v2", method="POST"),
                    filters=(FilterConfig(kind="set", name="id", if_error="skip", options=options),),
                )
            },
        )
        == found
    )
    assert options.request == {"x-id": Text("{path.id}")}
    place = entry.place
    assert (place.path, place.line, place.column) == (("routes", "api", "filters", 0), 15, 9)


def test_what_is_left_of_a_broken_configuration_is_returned(kinds: Kinds) -> None:
    """Checks go on with it: each filter keeps its name, each route its target."""
    found, faults = read(
        """
server: 5
services: {a: {instances: [http://b, nope]}, Bad: http://c, d: {}}
routes:
  x: {match: [/x, {path: /y, nope: 1}, 5], to: a, filters: [{limit: {most: 5}, name: first}, nope]}
  other: {to: a}
""",
        kinds,
    )

    assert len(faults) == 9
    assert found is not None
    assert found.server == ServerConfig()
    assert list(found.services) == ["a"]
    assert list(found.routes) == ["x"]
    route = found.routes["x"]
    assert [condition.path for condition in route.match] == [("/x",), ("/y",)]
    assert [item.name for item in route.filters if isinstance(item, FilterConfig)] == ["first"]
    assert route.to == {"a": TargetConfig()}


@pytest.mark.parametrize("text", ["a: b: c", "5", "[a]"])
def test_nothing_is_left_of_what_is_no_mapping(text: str, kinds: Kinds) -> None:
    """There is nothing to check."""
    tree = tree_of(read_document(text, "f"))

    assert convert(tree, kinds, PathTemplate.parse)[0] is None


def test_chains_targets_and_what_is_sticky(kinds: Kinds) -> None:
    """As objects, in their long form."""
    found, faults = read(
        """
chains: {partner: [stamp, {use: other, when: {method: GET}}], other: [limit: 5KiB]}
services: {a: http://a, b: http://b}
routes:
  first: {match: /x, to: {a: 9, b: {pin: {share: 5%}}}, sticky: {cookie: {ttl: 1h}}, filters: [use: partner]}
  second: {match: /y, to: a, sticky: header.x-user, encoded_slashes: keep, priority: -1}
  third: {match: "/{s:service}", to: "{path.s}"}
""",
        kinds,
    )

    assert faults == []
    assert found is not None
    first, second, third = found.routes.values()
    get = (ConditionConfig(method=("GET",)),)
    assert UseConfig(use="other", when=get) == found.chains["partner"][1]
    assert (UseConfig(use="partner"),) == first.filters
    assert {"a": TargetConfig(weight=9), "b": TargetConfig(pin=(ConditionConfig(share=0.05),))} == first.to
    assert StickyConfig(cookie=StickyCookieConfig(ttl=3600.0)) == first.sticky
    assert StickyConfig(by=(Value("header.x-user"),)) == second.sticky
    assert [second.encoded_slashes, second.priority] == ["keep", -1]
    assert Text("{path.s}") == third.to


@pytest.mark.parametrize(
    ("chain", "override", "most", "mode"),
    [
        pytest.param(
            "limit: {most: 5B, mode: wait}", "{limit: {most: 6B}}", 6, "wait", id="a-mapping-merges"
        ),
        pytest.param("limit: {most: 5B, mode: wait}", "{limit: 6B}", 6, "drop", id="a-short-form-replaces"),
        pytest.param("limit: {most: 5B, mode: wait}", "{limit: true}", 5, "wait", id="true-changes-nothing"),
        pytest.param("use: shared", "{limit: {most: 6B}}", 6, "wait", id="in-a-chain"),
    ],
)
def test_a_route_changes_options(chain: str, override: str, most: int, mode: str, kinds: Kinds) -> None:
    """The options are those of the filter with what is changed; where they are told stays the route."""
    text = f"""
chains: {{shared: [limit: {{most: 7B, mode: wait}}]}}
routes: {{a: {{match: /x, filters: [{chain}], override: {override}}}}}
"""

    found, faults = read(text, kinds)

    assert faults == []
    assert found is not None
    changed = found.routes["a"].override["limit"]
    assert isinstance(changed, FilterConfig)
    assert [changed.options.most, changed.options.mode] == [most, mode]
    assert ("routes", "a", "override", "limit") == changed.place.path


def test_changes_of_a_broken_route_are_left_alone(kinds: Kinds) -> None:
    """There is nothing to compare them with."""
    found, faults = read(
        "routes: {a: 5, b: {to: c, override: {x: {}}}, d: {match: /x, to: c, override: }}", kinds
    )

    assert found is not None
    assert list(found.routes) == ["d"]
    assert len(faults) == 3


@pytest.mark.parametrize(
    ("text", "faults", "overrides"),
    [
        pytest.param(
            "routes: {a: {match: /a, filters: [stamp]}, b: {match: /b, override: {stamp: false}}}",
            ["no filter `stamp` in this route's chain; there are none"],
            {"a": [], "b": []},
            id="those-of-another-route",
        ),
        pytest.param(
            "services: {s: {instances: [http://s], filters: [stamp]}}\nroutes: {a: {match: /a, override: {stamp: false}}}",
            ["no filter `stamp` in this route's chain; there are none"],
            {"a": []},
            id="those-of-a-service",
        ),
        pytest.param(
            "chains: {c: [stamp]}\nroutes: {a: {match: /a, override: {stamp: false}}}",
            ["no filter `stamp` in this route's chain; there are none"],
            {"a": []},
            id="those-of-a-chain-that-is-not-used",
        ),
        pytest.param(
            "filters: [nope, stamp, use: c]\nchains: {c: [5, limit: 5B]}\n"
            "routes: {a: {match: /a, override: {stamp: false, limit: false}}}",
            [
                "no filter `nope`; there are `limit`, `move`, `set`, `stamp`, `sign`",
                "expected a filter, like `- redirect: /login`, not the number 5",
            ],
            {"a": ["stamp", "limit"]},
            id="beside-what-is-broken",
        ),
        pytest.param(
            "filters: [stamp]\nroutes: {a: {match: /a, override: [stamp]}, b: {match: /b, override: {stamp: false}}}",
            ["expected a mapping of filters by name, not a list"],
            {"a": [], "b": ["stamp"]},
            id="of-one-route-only",
        ),
    ],
)
def test_a_route_changes_the_filters_of_its_own_chain(
    text: str, faults: list[str], overrides: dict[str, list[str]], kinds: Kinds
) -> None:
    """Those of others are none of them."""
    found, messages = read(text, kinds)

    assert faults == messages
    assert found is not None
    assert overrides == {name: list(route.override) for name, route in found.routes.items()}


def test_each_route_has_changes_of_its_own(kinds: Kinds) -> None:
    """At places of their own."""
    text = "filters: [limit: 5B]\nroutes: {a: {match: /a, override: {limit: 6B}}, b: {match: /b, override: {limit: 7B}}}"

    found, _ = read(text, kinds)

    assert found is not None
    changes = [route.override["limit"] for route in found.routes.values()]
    assert [("routes", name, "override", "limit") for name in "ab"] == [
        change.place.path for change in changes if isinstance(change, FilterConfig)
    ]
    assert [6, 7] == [change.options.most for change in changes if isinstance(change, FilterConfig)]


TARGETS = "expected the name of a service, or services with weights, not"


@pytest.mark.parametrize(
    ("to", "faults"),
    [
        ("[a, b]", [f"{TARGETS} a list; write `{{a: 1, b: 1}}`"]),
        ("[a]", [f"{TARGETS} a list; write `{{a: 1}}`"]),
        ("[a, {b: 1}]", [f"{TARGETS} a list"]),
        ("[]", [f"{TARGETS} a list"]),
        ("5", [f"{TARGETS} the number 5"]),
        ("true", [f"{TARGETS} `true`"]),
        ("{}", ["`to` is empty; write the name of a service"]),
    ],
)
def test_what_no_target_is(to: str, faults: list[str], kinds: Kinds) -> None:
    """The route is left without one."""
    found, messages = read(f"routes: {{r: {{match: /x, to: {to}}}}}", kinds)

    assert faults == messages
    assert found is not None
    assert None is found.routes["r"].to


def test_a_route_drops_filters_of_all(kinds: Kinds) -> None:
    """By `false`."""
    found, faults = read("filters: [stamp]\nroutes: {a: {match: /x, override: {stamp: false}}}", kinds)

    assert faults == []
    assert found is not None
    assert found.routes["a"].override == {"stamp": False}


def test_defaults_are_read_where_they_stand(kinds: Kinds) -> None:
    """What is wrong in them is found though nothing takes it; they are no part of the configuration."""
    _, faults = read("defaults: {services: {timeouts: {read: 5}}, routes: {encoded_slashes: on}}", kinds)

    assert faults == ["5 has no unit: write 5s or 5ms", "`on` is none of `reject`, `keep`"]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("services", "a"), "http://b", {"instances": ["http://b"]}),
        (("services", "a"), {"instances": []}, {"instances": []}),
        (("services", "a", "instances", 0), "http://b", "http://b"),
        (("server",), {"listen": 80}, {"listen": {"main": 80}}),
        (("server",), {"listen": "a:80", "drain": "1m"}, {"listen": {"main": "a:80"}, "drain": "1m"}),
        (("server",), {"drain": "1m"}, {"drain": "1m"}),
        (("server",), 80, 80),
        (("server", "listen", "web"), 80, {"address": 80}),
        (("routes", "a", "rewrite"), "/x", {"path": "/x"}),
        (("routes", "a", "to"), "b", {"b": {}}),
        (("routes", "a", "to"), "{path.x}", "{path.x}"),
        (("routes", "a", "to"), {"b": 5, "c": 6}, {"b": 5, "c": 6}),
        (("routes", "a", "to"), ["b"], ["b"]),
        (("routes", "a", "rewrite"), {"strip": "/x"}, {"strip": "/x"}),
        (("routes", "a", "sticky"), ["address", "query.x"], {"by": ["address", "query.x"]}),
        (("routes", "a", "sticky"), {"cookie": True}, {"cookie": True}),
        (("services", "a"), {"x": 1}, {"x": 1}),
        (("services", "a"), True, True),
        (("routes", "a", "to", "b"), 5, {"weight": 5}),
        (("routes", "a", "to", "b"), True, True),
        (("server",), {"listen": True}, {"listen": True}),
        (("routes", "a", "sticky"), "address", {"by": ["address"]}),
        (("routes", "a", "nothing", "more"), "x", "x"),
        ((), {"x-note": 1, "version": 1}, {"version": 1}),
        ((), {"include": ["a"], "x": 1, "environments": {}, "defaults": {}}, {"x": 1}),
        (("services", "a", "health"), "/up", {"http": {"path": "/up"}}),
        (("services", "a", "health"), "knock", {"knock": {}}),
        (("services", "a", "health"), False, False),
        (("services", "a", "health"), True, True),
        (("services", "a", "health"), {"every": "5s"}, {"every": "5s"}),
        (("services", "a", "health", "http"), "/up", {"path": "/up"}),
        (("services", "a", "balance"), True, True),
        (("services", "a", "balance"), Variable("true"), "true"),
        (("services", "a", "retries"), True, True),
        (("services", "a", "retries"), {"if": ["reset"]}, {"if": ["reset"]}),
        (("services", "a", "retries", "budget"), 0.1, {"share": 0.1}),
        (("services", "a", "retries", "budget"), 10, {"share": 10}),
        (("services", "a", "retries", "budget"), True, True),
        (("services", "a", "retries", "budget"), {"floor": 1}, {"floor": 1}),
        (("services", "a", "health"), Variable("false"), "false"),
        (("services", "a", "health", "every"), "5s", "5s"),
        (("services", "a", "health", "knock"), "hi", {"word": "hi"}),
        (("services", "a", "health", "knock"), {"port": 5}, {"port": 5}),
        (("services", "a", "health", "knock"), True, True),
        (("services", "a", "health", "knock", "port"), 5, 5),
        (("services", "a", "health", "unknown"), "hi", "hi"),
        (("services", "a", "health", "unknown", "more"), "hi", "hi"),
        (("services", "a", "balance"), "sharded", {"sharded": {}}),
        (("services", "a", "balance", "sharded"), "address", {"by": "address"}),
        (("services", "a", "balance", "round_robin"), 5, 5),
        (("services", "a", "balance", "weighted_round_robin"), 5, 5),
        (("defaults", "services", "balance", "sharded"), "address", "address"),
        (("services", "a", "retries"), 2, {"count": 2}),
        (("services", "a", "retries", "backoff"), "5ms", {"base": "5ms"}),
        (("services", "a", "retries", "budget"), "5%", {"share": "5%"}),
        (("providers", "a", "feed"), "http://x", {"url": "http://x"}),
        (("providers", "a"), "feed", "feed"),
    ],
)
def test_the_long_form_at_a_place(path: TreePath, value: Any, expected: Any) -> None:
    """What is merged into is expanded first."""
    assert expected == expand_at(KINDS, path, value)


@pytest.mark.parametrize("written", ["0", "false", "{count: 0}", "{count: 0, budget: 5%}"])
def test_no_retries_are_written_in_many_ways(written: str, kinds: Kinds) -> None:
    """And are one thing inside."""
    found, faults = read(f"services: {{a: {{instances: [http://a], retries: {written}}}}}", kinds)

    assert faults == []
    assert found is not None
    assert found.services["a"].retries is False


def test_a_url_alone_is_not_asked_for_its_health(kinds: Kinds) -> None:
    """What is written in the long form is, and has the options of the kind that is meant."""
    found, faults = read("services: {alone: http://a, long: {instances: [http://b]}}", kinds)

    assert faults == []
    assert found is not None
    assert found.services["alone"].health is False
    assert HealthConfig(options=kinds.probes["http"].config()) == found.services["long"].health


def test_values_from_outside_stand_for_parts(kinds: Kinds) -> None:
    """As they do for anything else; what does not fit is not shown."""
    tree = tree_of(
        read_document("version: 1\nservices: {a: {instances: [http://a], health: x, balance: y}}", "f")
    )
    tree.data["services"]["a"]["health"] = Variable("/up", "${HEALTH}")
    tree.data["services"]["a"]["balance"] = Variable("secret", "${BALANCE}")

    found, faults = convert(tree, kinds, PathTemplate.parse)

    assert ["the value of `${BALANCE}` does not fit"] == [fault.message for fault in faults]
    assert found is not None
    health = found.services["a"].health
    assert health
    assert "/up" == health.options.path
