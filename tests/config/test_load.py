"""Loading: the five lines, files that cannot be read, and what belongs to a draft."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.config.addresses import Listen, Url
from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.config.load import Draft, read, read_text
from gatekeeper.config.model import (
    AdminConfig,
    BalanceConfig,
    GatewayConfig,
    InstanceConfig,
    RouteConfig,
    ServerConfig,
    ServiceConfig,
    TargetConfig,
    TimeoutsConfig,
    TlsServiceConfig,
)
from gatekeeper.config.problems import ConfigError
from gatekeeper.config.provided import Provided
from gatekeeper.routing.template import PathTemplate
from tests.config.loading import accepted, load, load_text
from tests.config.plugin import KINDS


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
            balance=BalanceConfig(options=KINDS.balancers["round_robin"].config()),
            health=False,
            timeouts=TimeoutsConfig(connect=5.0, write=30.0, read=30.0, first_byte=30.0, total=False),
            tls=TlsServiceConfig(),
            filters=(),
        )
    },
    routes={"all": RouteConfig(match=(ConditionConfig(path=("/**",)),), to={"app": TargetConfig(weight=1)})},
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
def test_a_file_is_read(data: bytes, tmp_path: Path, kinds: Any) -> None:
    """YAML and JSON have the same grammar."""
    path = tmp_path / "gateway.yaml"
    path.write_bytes(data)

    assert load_string(data.decode("utf-8-sig"), kinds) == load_file(path, kinds) == FIVE_LINES_READ


def load_file(path: Path, kinds: Any) -> GatewayConfig:
    return load(path, kinds, template=PathTemplate.parse)


def load_string(text: str, kinds: Any, name: str = "gateway.yaml") -> GatewayConfig:
    return load_text(text, kinds, name, template=PathTemplate.parse)


def test_files_are_looked_for_beside_the_configuration(tmp_path: Path, kinds: Any) -> None:
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
    data: bytes | None, message: str, tmp_path: Path, kinds: Any
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


def test_a_folder_is_no_file(tmp_path: Path, kinds: Any) -> None:
    """The system's own words say why."""
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_file(tmp_path, kinds)


def test_the_environment_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch, kinds: Any) -> None:
    """Unless another one is given."""
    monkeypatch.setenv("GATEKEEPER_TEST_PORT", "81")
    text = 'version: 1\nserver: {listen: "${GATEKEEPER_TEST_PORT:-82}"}\n'

    config = load_string(text, kinds)
    other = load_text(text, kinds, template=PathTemplate.parse, environ={})

    assert config.server.listen["main"].address == Listen("0.0.0.0", 81)
    assert other.server.listen["main"].address == Listen("0.0.0.0", 82)


def test_an_error_has_the_source_for_excerpts(kinds: Any) -> None:
    """By the name that the problems have."""
    with pytest.raises(ConfigError) as caught:
        load_string("version: 2", kinds, "other.yaml")

    assert caught.value.sources == {"other.yaml": "version: 2"}
    assert caught.value.problems[0].file == "other.yaml"


# ---- drafts ---------------------------------------------------------------------------------------------------------


def draft(text: str, kinds: Any) -> Draft:
    return read_text(text, kinds, template=PathTemplate.parse, environ={})


def shown(found: Draft) -> list[str]:
    return [str(problem).removeprefix("gateway.yaml:") for problem in found.problems]


def test_a_configuration_of_several_files_is_read(tmp_path: Path, kinds: Any) -> None:
    """Each value knows its file, and it is known which files to watch; secrets are in no excerpt."""
    files = {
        "gateway.yaml": "version: 1\ninclude: [routes/*.yaml]\nenvironments: {dev: dev.yaml, prod: env/prod.yaml}\n"
        'defaults: {services: {timeouts: {read: 7s}}}\nservices: {a: "http://${HOST}"}\n',
        "routes/a.yaml": "routes: {a: {match: /a, to: a}, b: {match: /b, to: a}}\n",
        "env/prod.yaml": "routes: {b: false}\nservices: {a: {timeouts: {connect: 2s}}}\nserver: {drain: 1m}\n",
        ".env": "HOST=from-the-file",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    root = tmp_path / "gateway.yaml"

    found = read(root, kinds, template=PathTemplate.parse, environ={}, environment="prod")
    config = accepted(found)

    assert found.problems == ()
    assert list(config.routes) == ["a"]
    assert config.services["a"].timeouts == TimeoutsConfig(connect=2.0, read=7.0)
    assert [str(instance.url) for instance in config.services["a"].instances] == ["http://from-the-file"]
    assert found.environments == ("dev", "prod")
    assert found.folders == (tmp_path / "routes",)
    assert found.files == tuple(
        tmp_path / name for name in ("gateway.yaml", ".env", "routes/a.yaml", "env/prod.yaml")
    )
    assert [str(tmp_path / name) for name in ("gateway.yaml", "routes/a.yaml", "env/prod.yaml")] == list(
        found.sources
    )
    assert config == load(root, kinds, template=PathTemplate.parse, environ={}, environment="prod")
    with pytest.raises(ConfigError, match="choose an environment"):
        load(root, kinds, template=PathTemplate.parse, environ={})
    with pytest.raises(ConfigError, match="is not set"):
        load(root, kinds, template=PathTemplate.parse, environ={}, environment="prod", env_file=False)


def test_a_text_takes_what_a_file_takes(tmp_path: Path, kinds: Any) -> None:
    """An environment, a file with variables, what is provided, and a folder for all other files."""
    text = (
        "version: 1\nenvironments: {dev: dev.yaml, prod: prod.yaml}\n"
        'providers: {feed: {feed: "http://x"}}\nservices: {a: "http://${HOST}"}\n'
    )
    root = tmp_path / "gateway.yaml"
    root.write_text(text)
    (tmp_path / "prod.yaml").write_text("services: {a: {timeouts: {read: 7s}}}\n")
    (tmp_path / "dev.yaml").write_text("services: {a: {timeouts: {read: 8s}}}\n")
    (tmp_path / "variables").write_text("HOST=from-the-file\n")
    more: Any = {
        "template": PathTemplate.parse,
        "environ": {},
        "environment": "prod",
        "env_file": tmp_path / "variables",
        "provided": (Provided("feed", {"routes": {"r": {"match": "/r", "to": "a"}}}),),
    }

    for found in (read_text(text, kinds, base=tmp_path, **more), read(root, kinds, **more)):
        config = accepted(found)
        assert 7.0 == config.services["a"].timeouts.read
        assert ["http://from-the-file"] == [str(instance.url) for instance in config.services["a"].instances]
        assert {("services", "a"): "file", ("routes", "r"): "feed"} == found.origins
        assert ("dev", "prod") == found.environments
        assert {"from-the-file": "${HOST}"} == found.outside
        assert tmp_path / "prod.yaml" in found.files
        assert tmp_path / "variables" in found.files


def test_a_warning_hides_no_fault_that_follows(kinds: Any) -> None:
    """Only what is wrong does."""
    text = "version: 1\nservices: {a: {instances: [http://a], description: no}}\nroutes: {r: {match: /r, to: %s}}\n"

    assert ["warning"] == [problem.severity for problem in draft(text % "a", kinds).problems]
    assert ["warning", "error"] == [problem.severity for problem in draft(text % "b", kinds).problems]


def test_problems_of_several_files_are_found_in_one_go(tmp_path: Path, kinds: Any) -> None:
    """CFG-10: whatever may stand in the broken one is not missed."""
    root = tmp_path / "gateway.yaml"
    root.write_text(
        "version: 1\ninclude: [a.yaml, b.yaml]\nserver: {drain: 5}\nroutes: {r: {match: /r, to: a}}\n"
    )
    (tmp_path / "a.yaml").write_text("services: {a: [}")
    (tmp_path / "b.yaml").write_text("routes: {s: {match: /s, to: a, rewrite: x}}")

    found = read(root, kinds, template=PathTemplate.parse, environ={})

    assert [str(problem).removeprefix(f"{tmp_path}/") for problem in found.problems] == [
        (
            "a.yaml:1:16: did not find expected node content; quote a value that begins with `[` and is no list"
            " [yaml]"
        ),
        "b.yaml:1:41: routes.s.rewrite: a path begins with `/`: write `/x` [bad-value]",
        "gateway.yaml:3:17: server.drain: 5 has no unit: write 5s or 5ms [no-unit]",
    ]


def test_what_many_take_is_wrong_once(kinds: Any) -> None:
    """In `defaults`, or in the service that others are like."""
    found = draft(
        "version: 1\ndefaults: {services: {timeouts: {read: 5}, healt: 1}}\n"
        "services: {a: {instances: [http://a], timeouts: {connect: 6}}, b: {like: a, instances: [http://b]}}\n",
        kinds,
    )

    assert [line.split(": ")[:2] for line in shown(found)] == [
        ["2:40", "defaults.services.timeouts.read"],
        ["2:44", "defaults.services.healt"],
        ["3:59", "services.a.timeouts.connect"],
    ]


def test_an_error_is_no_warning(kinds: Any) -> None:
    """Where a word is text for YAML 1.2, it is one only if text was meant."""
    found = draft(
        "version: 1\nservices: {a: {instances: [https://a], tls: {verify: no}, description: no}}\n", kinds
    )

    assert shown(found) == [
        "2:54: services.a.tls.verify: `no` is text here; write true or false [yaml11-word]",
        (
            "2:72: warning: services.a.description: `no` is text here, and false for YAML 1.1 tools; quote it"
            " [yaml11-word]"
        ),
    ]
    assert [problem.line for problem in found.errors] == [2]
    assert found.config is not None
    with pytest.raises(ConfigError) as caught:
        accepted(found)
    assert caught.value.problems == found.errors


def test_an_error_of_what_is_provided_hides_no_warning(kinds: Any) -> None:
    """Neither has a line, so that they do not stand in the same place."""
    services = {"a": {"instances": ["http://a"], "host_header": "upstraem"}}
    found = read_text(
        'version: 1\nproviders: {feed: {feed: "http://x"}}\n',
        kinds,
        template=PathTemplate.parse,
        environ={},
        provided=(Provided("feed", {"services": services, "routes": {"r": {"match": "/r", "to": "b"}}}),),
    )

    assert shown(found) == [
        (
            "provider feed: warning: services.a.host_header: `upstraem` is sent as it is; did you mean `upstream`?"
            " [bad-value]"
        ),
        "provider feed: routes.r.to: no service `b`; there are `a` [unknown-name]",
    ]


def test_warnings_refuse_nothing(kinds: Any) -> None:
    """They are in the draft."""
    found = draft("version: 1\nservices: {a: {instances: [http://a], description: no}}\n", kinds)

    assert [problem.severity for problem in found.problems if problem.id == "yaml11-word"] == ["warning"]
    assert accepted(found) is found.config


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
        "1:10: version: expected the version of the grammar, 1, not the text `1`; write 1 [wrong-type]"
    ]


@pytest.mark.parametrize("word", ["no", "on", "0777", "1:30", "1e3", "2001-01-01"])
def test_a_word_that_is_more_to_others_is_text(
    word: str, kinds: Any, problems: Callable[[str], list[str]]
) -> None:
    """CFG-05: where a text is wanted it is one, and where a number, a time or a switch is, nothing is made of it."""
    labelled = f"version: 1\nservices: {{a: {{instances: [http://a], labels: {{x: {word}}}}}}}\n"
    config = draft(labelled, kinds).config
    assert config is not None
    assert config.services["a"].labels == {"x": word}

    for text, path in (
        (f"routes: {{r: {{match: /r, to: a, priority: {word}}}}}", "routes.r.priority"),
        (f"server: {{drain: {word}}}", "server.drain"),
        (f"server: {{reload: {{watch: {word}}}}}", "server.reload.watch"),
    ):
        (problem,) = problems(f"version: 1\nservices: {{a: http://a}}\n{text}\n")
        assert problem.split(": ")[1] == path
        assert word in problem


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
        "2:29: server.listen: `${PROT}` is not set; did you mean `${PORT}`? [unresolved]",
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


@pytest.mark.parametrize(
    ("base", "over", "path", "expected"),
    [
        (
            "services: {a: {instances: [http://a], health: /ready}}",
            "services: {a: {health: {http: {path: /up}}}}",
            ("services", "a", "health", "options", "path"),
            "/up",
        ),
        (
            "services: {a: {instances: [http://a], health: /ready}}",
            "services: {a: {health: {every: 7s}}}",
            ("services", "a", "health", "every"),
            7.0,
        ),
        (
            "server: {listen: 8080}",
            "server: {listen: {main: {address: 8081}}}",
            ("server", "listen", "main", "address", "port"),
            8081,
        ),
        (
            "defaults: {services: {health: /ready}}\nservices: {a: {instances: [http://a], health: {http: {path: /up}}}}",
            "services: {}",
            ("services", "a", "health", "options", "path"),
            "/up",
        ),
        (
            "defaults: {services: {retries: 3}}\nservices: {a: {instances: [http://a], retries: {backoff: {max: 9s}}}}",
            "services: {}",
            ("services", "a", "retries", "count"),
            3,
        ),
        (
            (
                "defaults: {services: {retries: {backoff: 1s}}}\n"
                "services: {a: {instances: [http://a], retries: {backoff: {max: 9s}}}}"
            ),
            "services: {}",
            ("services", "a", "retries", "backoff", "base"),
            1.0,
        ),
    ],
)
def test_a_long_form_goes_over_a_short_one(
    tmp_path: Path, base: str, over: str, path: tuple[str, ...], expected: object
) -> None:
    """However deep it is: of an environment, and of an entry over its defaults."""
    (tmp_path / "gateway.yaml").write_text(f"version: 1\nenvironments: {{e: e.yaml}}\n{base}\n")
    (tmp_path / "e.yaml").write_text(over + "\n")

    draft = read(tmp_path / "gateway.yaml", KINDS, template=PathTemplate.parse, environment="e", environ={})

    assert () == draft.errors
    found: Any = draft.config
    for step in path:
        found = found[step] if isinstance(found, dict) else getattr(found, step)
    assert expected == found
