"""Short forms have one long form; conditions and filters."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.config.convert import convert
from gatekeeper.config.document import read_document
from gatekeeper.config.model import (
    FilterConfig,
    GatewayConfig,
    InstanceConfig,
    ListenerConfig,
    MatchConfig,
    RewriteConfig,
    RouteConfig,
    ServerConfig,
    ServiceConfig,
    TimeoutsConfig,
)
from gatekeeper.config.units import Listen, Url
from gatekeeper.core.text import Text


def read(text: str, kinds: Mapping[str, Any]) -> tuple[GatewayConfig | None, list[str]]:
    document = read_document("version: 1\n" + text, "f")
    config, faults = convert(document, kinds, Path())
    return config, [fault.message for fault in document.faults + faults]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        pytest.param(
            "services: {a: http://b}", "services: {a: {instances: [{url: http://b, id: http://b}]}}", id="url"
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
            "routes: {a: {match: {path: [/x, /y], method: GET}}}",
            "routes: {a: {match: [{path: /x, method: GET}, {path: /y, method: GET}]}}",
            id="paths",
        ),
        pytest.param(
            "routes: {a: {match: {method: GET}}}", "routes: {a: {match: {path: /**, method: GET}}}", id="all"
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
def test_a_short_form_is_its_long_form(short: str, long: str, kinds: Mapping[str, Any]) -> None:
    """Only the long form exists inside."""
    found, faults = read(short, kinds)

    assert faults == []
    assert found is not None
    assert read(long, kinds) == (found, [])


def test_a_whole_configuration_becomes_objects(kinds: Mapping[str, Any]) -> None:
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
    options = found.routes["api"].filters[0].options
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
                    timeouts=TimeoutsConfig(read=20.0, total=60.0),
                    filters=(FilterConfig(kind="sign", name="sign", options=kinds["sign"].config()),),
                )
            },
            routes={
                "api": RouteConfig(
                    match=(
                        MatchConfig(path="/api/{id}/**", method=("GET", "PUT")),
                        MatchConfig(path="/other"),
                    ),
                    to=Text("users"),
                    rewrite=RewriteConfig(strip="/api", prefix="/v2", method="POST"),
                    filters=(FilterConfig(kind="set", name="id", if_error="skip", options=options),),
                )
            },
        )
        == found
    )
    assert options.request == {"x-id": Text("{path.id}")}
    place = found.routes["api"].filters[0].place
    assert (place.path, place.line, place.column) == (("routes", "api", "filters", 0), 15, 9)


def test_what_is_left_of_a_broken_configuration_is_returned(kinds: Mapping[str, Any]) -> None:
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
    assert [condition.path for condition in route.match] == ["/x", "/y"]
    assert [item.name for item in route.filters] == ["first"]
    assert route.to == Text("a")


@pytest.mark.parametrize("text", ["a: b: c", "5", "[a]"])
def test_nothing_is_left_of_what_is_no_mapping(text: str, kinds: Mapping[str, Any]) -> None:
    """There is nothing to check."""
    document = read_document(text, "f")

    assert convert(document, kinds, Path())[0] is None
