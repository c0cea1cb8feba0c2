"""Loading: the five lines, the corpus of broken files, files that cannot be read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.config.load import load, load_text
from gatekeeper.config.model import (
    AdminConfig,
    GatewayConfig,
    InstanceConfig,
    MatchConfig,
    RouteConfig,
    ServerConfig,
    ServiceConfig,
    TimeoutsConfig,
    TlsServiceConfig,
)
from gatekeeper.config.problems import ConfigError
from gatekeeper.config.units import Listen, Url
from gatekeeper.core.text import Text


FIVE_LINES = """\
version: 1
services:
  app: http://localhost:3000
routes:
  all: {match: /**, to: app}
"""

FIVE_LINES_READ = GatewayConfig(
    version=1,
    server=ServerConfig(),
    admin=AdminConfig(),
    services={
        "app": ServiceConfig(
            instances=(InstanceConfig(url=Url("http", "localhost", 3000), id="http://localhost:3000"),),
            timeouts=TimeoutsConfig(connect=5.0, write=30.0, read=30.0, first_byte=30.0, total=False),
            tls=TlsServiceConfig(),
            filters=(),
        )
    },
    routes={"all": RouteConfig(match=(MatchConfig(path="/**", method=()),), to=Text("app"))},
    filters=(),
)


def test_five_lines_are_a_configuration(load: Callable[[str], GatewayConfig]) -> None:
    """The smallest useful file, with all defaults."""
    expected = FIVE_LINES_READ

    assert expected == load(FIVE_LINES)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(FIVE_LINES.encode(), id="utf-8"),
        pytest.param(b"\xef\xbb\xbf" + FIVE_LINES.encode(), id="CFG-01-byte-order-mark"),
        pytest.param(FIVE_LINES.replace("\n", "\r\n").encode(), id="CFG-01-crlf"),
        pytest.param(
            b'{"version": 1, "services": {"app": "http://localhost:3000"},'
            b' "routes": {"all": {"match": "/**", "to": "app"}}}',
            id="json",
        ),
    ],
)
def test_a_file_is_read(data: bytes, tmp_path: Path, kinds: Mapping[str, Any]) -> None:
    """YAML and JSON have the same grammar."""
    path = tmp_path / "gateway.yaml"
    path.write_bytes(data)

    assert load_text(data.decode("utf-8-sig"), kinds) == load_file(path, kinds) == FIVE_LINES_READ


def load_file(path: Path, kinds: Mapping[str, Any]) -> GatewayConfig:
    return load(path, kinds)


def test_files_are_looked_for_beside_the_configuration(tmp_path: Path, kinds: Mapping[str, Any]) -> None:
    """And not where the gateway was started."""
    (tmp_path / "ca.pem").touch()
    path = tmp_path / "gateway.yaml"
    path.write_text("version: 1\nservices: {a: {instances: [https://b], tls: {ca: ca.pem}}}\n")

    config = load_file(path, kinds)

    assert str(tmp_path / "ca.pem") == config.services["a"].tls.ca


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "`{path}` does not exist [not-found]"),
        (FIVE_LINES.encode("utf-16"), "this looks like UTF-16; save the file as UTF-8 [yaml]"),
        (b"version: 1\nx-a: caf\xe9\n", "this is no UTF-8; save the file as UTF-8 [yaml]"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    data: bytes | None, message: str, tmp_path: Path, kinds: Mapping[str, Any]
) -> None:
    """CFG-01: with the place, where there is one."""
    path = tmp_path / "gateway.yaml"
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(ConfigError) as caught:
        load_file(path, kinds)

    places = {None: "", b"\xff": ":1:1", b"v": ":2:9"}
    place = places[data[:1] if data is not None else None]
    assert f"{path}{place}: {message.format(path=path)}" == str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path, kinds: Mapping[str, Any]) -> None:
    """The system's own words say why."""
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_file(tmp_path, kinds)


def test_the_environment_is_that_of_the_process(
    monkeypatch: pytest.MonkeyPatch, kinds: Mapping[str, Any]
) -> None:
    """Unless another one is given."""
    monkeypatch.setenv("GATEKEEPER_TEST_PORT", "81")
    text = 'version: 1\nserver: {listen: "${GATEKEEPER_TEST_PORT:-82}"}\n'

    config = load_text(text, kinds)
    other = load_text(text, kinds, environ={})

    assert config.server.listen["main"].address == Listen("0.0.0.0", 81)
    assert other.server.listen["main"].address == Listen("0.0.0.0", 82)


def test_without_a_parser_of_templates_paths_are_taken_as_they_are(kinds: Mapping[str, Any]) -> None:
    """Whoever builds the table reads them."""
    text = 'version: 1\nservices: {a: http://b}\nroutes: {x: {match: "/{", to: "{path.x}", rewrite: "/{path.y}"}}\n'

    assert load_text(text, kinds).routes["x"].match == (MatchConfig(path="/{"),)


def test_an_error_has_the_source_for_excerpts(kinds: Mapping[str, Any]) -> None:
    """By the name that the problems have."""
    with pytest.raises(ConfigError) as caught:
        load_text("version: 2", kinds, "other.yaml")

    assert caught.value.sources == {"other.yaml": "version: 2"}
    assert caught.value.problems[0].file == "other.yaml"


NAME = "is no name (a-z first, then a-z, 0-9, - and _, at most 63)"
TEMPLATE = "there are int, uuid, slug, date, service, and choices as in `{id:a|b}`"
OWN = "name the networks of your own proxies"
LATER = "`admin.users` and `admin.tls` are not available yet"
VALUES = (
    "request.id, request.method, request.host, request.path, request.scheme, address, route, service, instance,"
    " path.NAME, query.NAME, header.NAME, cookie.NAME"
)
TARGETS = "several targets with weights are not available yet; write the name of one service"

# what stands below `version: 1`, which is line 1; services are `users` and `orders`, unless the case has its own
CORPUS: Mapping[str, tuple[str, list[str]]] = {
    "unknown key at the top": (
        "route: {}",
        ["2:1: route: unknown key `route`; did you mean `routes`? [unknown-key]"],
    ),
    "a value with braces within braces": (
        "routes: {a: {match: /x/{id}, to: users}}",
        ["2:24: did not find expected ',' or '}'; quote values with `{ }` inside of `{ }` [yaml]"],
    ),
    "a section that is not built": (
        "hosts: [a]",
        ["2:1: hosts: `hosts` is not available yet [not-available]"],
    ),
    "include": ("include: [a.yaml]", ["2:1: include: `include` is not available yet [not-available]"]),
    "a section without value": (
        "routes:",
        ["2:8: routes: `routes:` has no value; give it one, or leave the key out [empty-value]"],
    ),
    "a list instead of names": (
        "routes:\n  - {match: /, to: users}",
        ["3:3: routes: expected a mapping, not a list [wrong-type]"],
    ),
    "another version": (
        "version: 2",
        ["2:1: version: `version` stands in lines 1 and 2 [duplicate-key]"],
    ),
    # ---- server, admin
    "a port in quotes": (
        'server: {listen: "8080"}',
        ["2:18: server.listen: write 8080 without quotes [wrong-type]"],
    ),
    "a port that is none": (
        "server: {listen: 70000}",
        ["2:18: server.listen: port 70000; there are 1 to 65535 [bad-value]"],
    ),
    "tls of a listener": (
        "server: {listen: {web: {address: 443, tls: {}}}}",
        ["2:39: server.listen.web.tls: `tls` is not available yet [not-available]"],
    ),
    "a listener without address": (
        "server: {listen: {web: {}}}",
        ["2:19: server.listen.web: `address` is missing [missing-key]"],
    ),
    "a time without unit": (
        "server: {drain: 30}",
        ["2:17: server.drain: 30 has no unit: write 30s or 30ms [no-unit]"],
    ),
    "a time with another unit": (
        "server: {timeouts: {idle: 5min}}",
        ["2:27: server.timeouts.idle: `5min` is no time; write 5m [bad-value]"],
    ),
    "no time at all": (
        "server: {timeouts: {head: 0s}}",
        ["2:27: server.timeouts.head: `head` must be longer than 0s [bad-value]"],
    ),
    "no listeners": (
        "server: {listen: {}}",
        ["2:18: server.listen: `listen` is empty; leave it out to listen on 8080 [bad-value]"],
    ),
    "workers": (
        "server: {workers: 2}",
        ["2:10: server.workers: `workers` is not available yet [not-available]"],
    ),
    "trusting everybody": (
        "server: {trusted_proxies: [0.0.0.0/0]}",
        [
            f"2:28: server.trusted_proxies[0]: `0.0.0.0/0` would believe everybody; {OWN} [insecure]",
        ],
    ),
    "host bits": (
        "server: {trusted_proxies: [10.1.0.0/8]}",
        [
            "2:28: server.trusted_proxies[0]: `10.1.0.0/8` has bits set beyond its prefix: write `10.0.0.0/8` [bad-value]"
        ],
    ),
    "a health path switched on": (
        "server: {health_path: true}",
        ["2:23: server.health_path: expected a path like `/health` or `false`, not `true` [wrong-type]"],
    ),
    "a health path switched off in the words of YAML 1.1": (
        "server: {health_path: off}",
        ["2:23: server.health_path: `off` is text here; write false [yaml11-word]"],
    ),
    "admin for everybody": (
        "admin: {listen: 9901}",
        [
            f"2:17: admin.listen: `0.0.0.0:9901` is open to others, and {LATER}; write 127.0.0.1:9901 [insecure]",
        ],
    ),
    "admin by name": (
        'admin: {listen: "gateway.internal:9901"}',
        [
            f"2:17: admin.listen: `gateway.internal:9901` is open to others, and {LATER}; write 127.0.0.1:9901 [insecure]",
        ],
    ),
    # ---- services
    "a name in upper case": (
        "services: {Users: http://a}",
        [f"2:12: services.Users: `Users` {NAME}: write `users` [bad-name]"],
    ),
    "an address without scheme": (
        'services: {a: "localhost:80"}',
        ["2:15: services.a: `localhost:80` has no scheme: write `http://localhost:80` [bad-value]"],
    ),
    "an address with a path": (
        "services: {a: {instances: [http://b/v1]}}",
        [
            "2:28: services.a.instances[0]: `/v1` does not belong in an address; use `rewrite.prefix` of the route [bad-value]"
        ],
    ),
    "an address with a password": (
        'services: {a: "http://me:secret@b"}',
        ["2:15: services.a: credentials do not stand in an address; use `upstream_auth` [bad-value]"],
    ),
    "no instances": ("services: {a: {}}", ["2:12: services.a: `instances` is missing [missing-key]"]),
    "an empty list of instances": (
        "services: {a: {instances: []}}",
        [
            "2:27: services.a.instances: `instances` is empty; a service has at least one address [missing-key]"
        ],
    ),
    "one instance without list": (
        "services: {a: {instances: http://b}}",
        [
            "2:27: services.a.instances: expected a list, not the text `http://b`; write `[http://b]` [wrong-type]"
        ],
    ),
    "the same address twice": (
        "services: {a: {instances: [http://b, http://b:80]}}",
        ["2:38: services.a.instances[1]: `http://b` stands twice [bad-value]"],
    ),
    "the same id twice": (
        "services: {a: {instances: [{url: http://b, id: x}, {url: http://c, id: x}]}}",
        ["2:52: services.a.instances[1]: two instances have the id `x` [bad-value]"],
    ),
    "a weight": (
        "services: {a: {instances: [{url: http://b, weight: 2}]}}",
        ["2:44: services.a.instances[0].weight: `weight` is not available yet [not-available]"],
    ),
    "a source of addresses": (
        "services: {a: {instances: [{dns: {name: x}}]}}",
        ["2:29: services.a.instances[0].dns: `dns` is not available yet [not-available]"],
    ),
    "a slip in a key": (
        "services: {a: {instances: [http://b], timeout: {read: 5s}}}",
        ["2:39: services.a.timeout: unknown key `timeout`; did you mean `timeouts`? [unknown-key]"],
    ),
    "a slip in a required key": (
        "services: {a: {instnaces: [http://b]}}",
        ["2:16: services.a.instnaces: unknown key `instnaces`; did you mean `instances`? [unknown-key]"],
    ),
    "health": (
        "services: {a: {instances: [http://b], health: /up}}",
        ["2:39: services.a.health: `health` is not available yet [not-available]"],
    ),
    "tls without https": (
        "services: {a: {instances: [http://b], tls: {verify: false}}}",
        ["2:39: services.a.tls: `tls` has no effect: none of the `instances` is https [conflict]"],
    ),
    "yes": (
        "services: {a: {instances: [https://b], tls: {verify: yes}}}",
        ["2:54: services.a.tls.verify: `yes` is text here; write true or false [yaml11-word]"],
    ),
    "a host with port": (
        "services: {a: {instances: [https://b], tls: {server_name: 'b:443'}}}",
        ["2:59: services.a.tls.server_name: `b:443`: a host is written without port [bad-value]"],
    ),
    # ---- routes
    "no match": ("routes: {a: {to: users}}", ["2:10: routes.a: `match` is missing [missing-key]"]),
    "an empty match": (
        "routes: {a: {match: {}, to: users}}",
        ["2:21: routes.a.match: `match` is empty; `/**` matches every path [bad-value]"],
    ),
    "an empty alternative": (
        "routes: {a: {match: [/x, {}], to: users}}",
        ["2:26: routes.a.match[1]: `match` is empty; `/**` matches every path [bad-value]"],
    ),
    "no alternatives": (
        "routes: {a: {match: [], to: users}}",
        ["2:21: routes.a.match: `match` is empty; `/**` matches every path [bad-value]"],
    ),
    "lists that nothing fits": (
        "routes: {a: {match: {path: [], method: []}, to: users}}",
        [
            "2:28: routes.a.match.path: `path` is an empty list, which no request fits [bad-value]",
            "2:40: routes.a.match.method: `method` is an empty list, which no request fits [bad-value]",
        ],
    ),
    "a path without slash": (
        "routes: {a: {match: users, to: users}}",
        ["2:21: routes.a.match: a path begins with `/`: write `/users` [bad-value]"],
    ),
    "two stars within a path": (
        "routes: {a: {match: /**/x, to: users}}",
        ["2:21: routes.a.match: `**` stands only at the end [bad-value]"],
    ),
    "a type of capture that is none": (
        'routes: {a: {match: "/{id:number}", to: users}}',
        [f"2:21: routes.a.match: `{{id:number}}`: no type `number`; {TEMPLATE} [bad-value]"],
    ),
    "a matcher": (
        "routes: {a: {match: {path: {regex: x}}, to: users}}",
        [
            "2:28: routes.a.match.path: matchers of `path` are not available yet; write a path template [not-available]"
        ],
    ),
    "a condition that is not built": (
        "routes: {a: {match: {path: /x, header: {a: b}}, to: users}}",
        ["2:32: routes.a.match.header: `header` is not available yet [not-available]"],
    ),
    "a method in lower case": (
        "routes: {a: {match: {path: /x, method: [GET, put]}, to: users}}",
        ["2:46: routes.a.match.method[1]: methods are in upper case: write PUT [bad-value]"],
    ),
    "a number as a path": (
        "routes: {a: {match: {path: 5}, to: users}}",
        ['2:28: routes.a.match.path: expected text, not the number 5; write "5" [wrong-type]'],
    ),
    "a slip in a name": (
        "routes: {a: {match: /x, to: user}}",
        ["2:29: routes.a.to: no service `user`; did you mean `users` (line 3)? [unknown-name]"],
    ),
    "a name of nothing": (
        "routes: {a: {match: /x, to: payments}}",
        ["2:29: routes.a.to: no service `payments`; there are `orders`, `users` [unknown-name]"],
    ),
    "weights": (
        "routes: {a: {match: /x, to: {users: 1}}}",
        [f"2:29: routes.a.to: {TARGETS} [not-available]"],
    ),
    "neither service nor answer": (
        "routes: {a: {match: /x}}",
        [
            "2:10: routes.a: a route needs `to`, the name of a service, or a filter that answers itself (`move`) [needs]"
        ],
    ),
    "a placeholder without quotes": (
        "routes: {a: {match: /x, to: {path.x}}}",
        ['2:36: routes.a.to."path.x": `path.x` has no value; if `{path.x}` is meant, quote it [empty-value]'],
    ),
    "a rewrite with two meanings": (
        "routes: {a: {match: /x, to: users, rewrite: {path: /y, strip: /x}}}",
        ["2:56: routes.a.rewrite.strip: `path` and `strip` exclude each other [conflict]"],
    ),
    "strip that is no start": (
        "routes: {a: {match: /v1/**, to: users, rewrite: {strip: /v}}}",
        ["2:57: routes.a.rewrite.strip: `/v` is no literal start of the path `/v1/**` [bad-value]"],
    ),
    "a capture that is not there": (
        'routes: {a: {match: "/{id}", to: users, rewrite: "/{path.uid}"}}',
        ["2:50: routes.a.rewrite: `{path.uid}`: the path `/{id}` has `{id}` [bad-placeholder]"],
    ),
    "a value that is not there": (
        'routes: {a: {match: /x, to: users, rewrite: "/{query}"}}',
        [
            f"2:45: routes.a.rewrite: `{{query}}` is no value; there are {VALUES} [bad-placeholder]",
        ],
    ),
    "priority": (
        "routes: {a: {match: /x, to: users, priority: 1}}",
        ["2:36: routes.a.priority: `priority` is not available yet [not-available]"],
    ),
    # ---- filters
    "filters without list": (
        "filters: {stamp: {}}",
        ["2:10: filters: expected a list, not a mapping; write `- ` before each entry [wrong-type]"],
    ),
    "a slip in a kind": (
        "filters: [stmap]",
        ["2:11: filters[0]: no filter `stmap`; did you mean `stamp`? [unknown-kind]"],
    ),
    "a kind of nothing": (
        "filters: [{wasm: {}}]",
        [
            "2:12: filters[0].wasm: no filter `wasm`; there are `limit`, `move`, `set`, `stamp`, `sign` [unknown-kind]"
        ],
    ),
    "a kind that is not built": (
        "filters: [cors: {origins: []}]",
        ["2:11: filters[0].cors: `cors` is not available yet [not-available]"],
    ),
    "use": ("filters: [use: partner]", ["2:11: filters[0].use: `use` is not available yet [not-available]"]),
    "forward": (
        "filters: [forward]",
        ["2:11: filters[0]: `forward` ends every chain by itself; leave it out [bad-value]"],
    ),
    "two kinds in one entry": (
        "filters:\n  - stamp: {}\n    limit: 5B",
        [
            "4:5: filters[0].limit: two filters in one entry, `stamp` and `limit`; begin a new `-` with the second [one-kind]"
        ],
    ),
    "no kind in an entry": (
        "filters: [name: x]",
        [
            "2:11: filters[0]: an entry names one filter; there are `limit`, `move`, `set`, `stamp`, `sign` [one-kind]"
        ],
    ),
    "a number as a filter": (
        "filters: [5]",
        ["2:11: filters[0]: expected a filter, like `- redirect: /login`, not the number 5 [wrong-type]"],
    ),
    "a kind without options and without value": (
        "filters:\n  - stamp:",
        ["3:11: filters[0].stamp: `stamp:` has no value; `stamp` alone means no options [empty-value]"],
    ),
    "a filter switched off": (
        "filters: [stamp: false]",
        [
            "2:18: filters[0].stamp: `false` means nothing in a list of filters; leave the entry out [bad-value]"
        ],
    ),
    "a value for a kind without options": (
        "filters: [stamp: 5]",
        ["2:18: filters[0].stamp: expected no options, not the number 5 [wrong-type]"],
    ),
    "a value for a kind without main option": (
        "filters: [set: 5]",
        [
            "2:16: filters[0].set: expected a mapping with `request`, `response`, not the number 5 [wrong-type]"
        ],
    ),
    "an option with the wrong indent": (
        "filters:\n  - limit: {mode: wait}\n    off: true",
        ["4:5: filters[0].off: `off` belongs under `limit:`; indent it [unknown-key]"],
    ),
    "a key beside a kind that is none": (
        "filters:\n  - limit: 5B\n    nmae: x",
        ["4:5: filters[0].nmae: unknown key `nmae`; did you mean `name`? [unknown-key]"],
    ),
    "when": (
        "filters:\n  - limit: 5B\n    when: {method: GET}",
        ["4:5: filters[0].when: `when` is not available yet [not-available]"],
    ),
    "an option of a plugin that is out of range": (
        "filters: [limit: {windows: [{size: 1s, steps: 0}]}]",
        ["2:47: filters[0].limit.windows[0].steps: 'steps' must be >= 1: 0 [bad-value]"],
    ),
    "an option of a plugin that is missing": (
        "filters: [limit: {windows: [{steps: 5}]}]",
        ["2:29: filters[0].limit.windows[0]: `size` is missing [missing-key]"],
    ),
    "a main option of another type": (
        "filters: [limit: 5]",
        ["2:18: filters[0].limit: 5 has no unit: write 5B, 5KiB or 5MiB [no-unit]"],
    ),
    "a choice that is none": (
        "filters: [{limit: {mode: darp}, if_error: ignore}]",
        [
            "2:26: filters[0].limit.mode: `darp` is none of `drop`, `wait`; did you mean `drop`? [bad-value]",
            "2:43: filters[0].if_error: `ignore` is none of `fail`, `skip` [bad-value]",
        ],
    ),
    # ---- variables
    "a variable that is not set": (
        'routes: {a: {match: /x, to: "${NOPE}"}}',
        ["2:29: routes.a.to: `${NOPE}` is not set; set it, or write `${NOPE:-default}` [unresolved]"],
    ),
    "a variable of another type": (
        'server: {drain: "${WAIT}"}',
        ["2:17: server.drain: 5 has no unit: write 5s or 5ms [no-unit]"],
    ),
    "a secret from a file": (
        'services: {a: "${file:/run/x}"}',
        ["2:15: services.a: `${file:...}` is not available yet [not-available]"],
    ),
}
SERVICES = "\nservices: {users: http://users, orders: http://orders}"


@pytest.mark.parametrize(("text", "expected"), CORPUS.values(), ids=CORPUS.keys())
def test_a_broken_file_says_what_to_write(
    text: str, expected: list[str], problems: Callable[[str], list[str]]
) -> None:
    """CFG-10: exactly these messages, and nothing that follows from the mistake."""
    whole = f"version: 1\n{text}" + ("" if "services:" in text else SERVICES)

    assert expected == problems(whole)


def test_the_line_of_what_was_meant_is_told(problems: Callable[[str], list[str]]) -> None:
    """Where the nearest name stands."""
    text = "version: 1\nservices:\n  users: http://a\nroutes: {a: {match: /x, to: usres}}\n"

    assert problems(text) == [
        "4:29: routes.a.to: no service `usres`; did you mean `users` (line 3)? [unknown-name]"
    ]


def test_the_version_has_to_be_written(problems: Callable[[str], list[str]]) -> None:
    """It is what later versions are told apart by; the rest is checked all the same."""
    assert problems("routes: {a: {match: /x, to: users}}") == [
        "1:1: `version` is missing; write `version: 1` [missing-key]",
        "1:29: routes.a.to: no service `users` [unknown-name]",
    ]
    assert problems('version: "1"') == [
        "1:10: version: expected the version of the grammar, 1, not the text `1` [wrong-type]"
    ]


def test_five_mistakes_are_found_in_one_go(problems: Callable[[str], list[str]]) -> None:
    """In the order of the file: of its syntax, its variables, its types, its names and its references."""
    text = """\
version: 1
server: {drain: 30, listen: "${PROT}"}
services:
  users: {instances: [http://a], timeouts: {raed: 5s}}
  users: http://b
routes:
  a: {match: /a, to: usres}
  b: {match: {path: /b, method: get}, to: users, filters: [move: /x, stamp]}
"""

    assert problems(text) == [
        "2:17: server.drain: 30 has no unit: write 30s or 30ms [no-unit]",
        "2:29: server.listen: `${PROT}` is not set; set it, or write `${PROT:-default}` [unresolved]",
        "4:45: services.users.timeouts.raed: unknown key `raed`; did you mean `read`? [unknown-key]",
        "5:3: services.users: `users` stands in lines 4 and 5 [duplicate-key]",
        "7:22: routes.a.to: no service `usres`; did you mean `users` (line 4)? [unknown-name]",
        "8:33: routes.b.match.method: methods are in upper case: write GET [bad-value]",
        "8:39: routes.b.to: `to` has no effect: `move` answers itself [conflict]",
        "8:70: routes.b.filters[1]: `stamp` never runs: `move` before it answers itself [never-runs]",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "version: 1",
        'version: 1\nserver: {listen: "${PORT}", health_path: "${OFF}"}',
        'version: 1\nservices: {users: "http://${SERVICE}:${PORT}"}\nroutes: {a: {match: /x, to: "${SERVICE}"}}',
        "version: 1\nx-a: &a {match: /x, to: u}\nservices: {u: http://u}\nroutes: {a: *a}",
        'version: 1\nadmin: {listen: "[::1]:0"}\n',
        "version: 1\nadmin: {listen: localhost:9901}",
        "version: 1\nadmin: {listen: false}",
        'version: 1\nroutes: {a: {match: /x, filters: [stamp, move: "/y/{request.id}"]}}',
    ],
)
def test_a_good_file_has_no_problems(text: str, problems: Callable[[str], list[str]]) -> None:
    """Short ones, with variables and aliases."""
    assert problems(text) == []
