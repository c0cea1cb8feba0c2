"""From a file to a configuration that can be served; and doing so beside a loop that serves."""

import asyncio
import gc
import sys
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from gatekeeper.config.load import read_text
from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.config.provided import ADMIN, Provided
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.routing.template import PathTemplate
from gatekeeper.runtime.loading import (
    TURN,
    broken_routes,
    in_background,
    load_gateway,
    load_gateway_text,
    quietly,
)
from gatekeeper.testing import make_host


FINE = """\
version: 1
services: {app: http://localhost:3000}
routes: {all: {match: /**, to: app}}
"""


class Doubting:
    """A plugin that has something to say about every configuration."""

    @hookimpl
    def gatekeeper_validate(self, config: Any) -> list[Problem]:
        return [
            Problem("acme", f"routes.{name}", "no thanks") for name in config.routes if name == "unwanted"
        ] + [Problem("acme", "", "think again", severity="warning")]


def problems(text: str, *plugins: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_gateway_text(text, make_host(plugins))
    return [str(problem).removeprefix("gateway.yaml:") for problem in caught.value.problems]


def test_a_file_that_is_fine(tmp_path: Path) -> None:
    """With the texts that it was read from, and the files to watch."""
    path = tmp_path / "gateway.yaml"
    path.write_text(FINE + "x-note: unused\n")

    loaded = load_gateway(path, make_host(), environ={})

    assert ["all"] == list(loaded.config.routes)
    assert () == loaded.warnings
    assert {str(path): FINE + "x-note: unused\n"} == dict(loaded.sources)
    assert path in loaded.files


def test_what_is_refused_says_which_files_to_look_at(tmp_path: Path) -> None:
    """Those that are missing, too: when they appear, it may be fine."""
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "version: 1\ninclude: [more.yaml, routes/*.yaml]\n"
        "services: {app: {instances: [https://app], tls: {ca: ca.pem}}}\nhosts: ['${file:host}']\n"
    )

    with pytest.raises(ConfigError) as caught:
        load_gateway(path, make_host(), environ={})

    assert {"gateway.yaml", ".env", "more.yaml", "host", "ca.pem"} == {
        file.name for file in caught.value.files
    }
    assert (tmp_path / "routes",) == caught.value.folders
    with pytest.raises(ConfigError) as missing:
        load_gateway(tmp_path / "none.yaml", make_host(), environ={})
    assert (tmp_path / "none.yaml",) == missing.value.files


def test_what_is_provided_joins_the_file(tmp_path: Path) -> None:
    """And is compared with it, like everything else; whose an entry is, is known."""
    path = tmp_path / "gateway.yaml"
    path.write_text(FINE)
    portal = Provided(
        "portal", {"services": {"more": "http://more"}, "routes": {"more": {"match": "/m", "to": "more"}}}
    )
    same = Provided("portal", {"routes": {"same": {"match": "/**", "to": "app"}}})

    loaded = load_gateway(path, make_host(), environ={}, provided=[portal])

    assert ["all", "more"] == list(loaded.config.routes)
    assert {"file", "portal"} == set(loaded.origins.values())
    assert "portal" == loaded.origins["services", "more"]
    with pytest.raises(ConfigError) as caught:
        load_gateway(path, make_host(), environ={}, provided=[same])
    (problem,) = caught.value.problems
    assert (
        "provider portal: routes.same.match: `/**` and `/**` of route `all` (gateway.yaml:3) match the same requests with"
        " equal rank; set `priority` on one [ambiguous]"
    ) == str(problem).replace(f"{tmp_path}/", "")


def test_all_that_a_configuration_is_read_from(tmp_path: Path) -> None:
    """Of a file and of a text: an environment, variables, what is provided; and it is known what came from where."""
    text = (
        "version: 1\nenvironments: {dev: dev.yaml, prod: prod.yaml}\ninclude: [routes/*.yaml]\n"
        'services: {app: "http://${HOST}:${PORT}"}\n'
    )
    path = tmp_path / "gateway.yaml"
    path.write_text(text)
    (tmp_path / "dev.yaml").write_text("services: {app: {timeouts: {read: 8s}}}\n")
    (tmp_path / "prod.yaml").write_text("services: {app: {timeouts: {read: 7s}}}\n")
    (tmp_path / "variables").write_text("HOST=from-the-file\nPORT=1\n")
    more: Any = {
        "environment": "prod",
        "env_file": tmp_path / "variables",
        "environ": {"PORT": "81"},
        "provided": (Provided(ADMIN, {"routes": {"all": {"match": "/**", "to": "app"}}}),),
    }

    for loaded in (
        load_gateway(path, make_host(), **more),
        load_gateway_text(text, make_host(), base=tmp_path, **more),
    ):
        app = loaded.config.services["app"]
        assert (7.0, ["http://from-the-file:81"]) == (
            app.timeouts.read,
            [str(one.url) for one in app.instances],
        )
        assert ("dev", "prod") == loaded.environments
        assert {("services", "app"): "file", ("routes", "all"): "admin"} == loaded.origins
        assert {"from-the-file": "${HOST}", "81": "${PORT}"} == loaded.outside
        assert {tmp_path / "variables", tmp_path / "prod.yaml"} <= set(loaded.files)
        assert (tmp_path / "routes",) == loaded.folders
        assert loaded.read_at > 1.7e9


def test_what_is_no_configuration_at_all_is_refused() -> None:
    """With what is wrong, and nothing that follows from it."""
    assert [
        "1:5: mapping values are not allowed in this context; quote a value that holds `: `, and indent the keys of one mapping alike [yaml]"
    ] == problems("a: b: c")


def test_routes_are_compared_together_with_everything_else() -> None:
    """One reading finds all that is wrong, whatever finds it."""
    text = """\
version: 1
services: {app: {instances: [http://localhost:3000], timeouts: {connect: 5}}}
routes:
  one: {match: "/users/{id}", to: app}
  two: {match: "/users/{name}", to: app}
  three: {match: "/x/**", to: nowhere}
  first: {match: /**, to: app, priority: 1}
"""

    assert [
        "2:74: services.app.timeouts.connect: 5 has no unit: write 5s or 5ms [no-unit]",
        "4:16: routes.one.match: `/users/{id}` can never match: route `first` (line 7) takes all of it [shadowed]",
        (
            "5:16: routes.two.match: `/users/{name}` and `/users/{id}` of route `one` (line 4) match the same requests "
            "with equal rank; set `priority` on one [ambiguous]"
        ),
        "5:16: routes.two.match: `/users/{name}` can never match: route `first` (line 7) takes all of it [shadowed]",
        "6:31: routes.three.to: no service `nowhere`; there are `app` [unknown-name]",
    ] == sorted(problems(text))


def test_what_is_broken_is_not_compared() -> None:
    """Nobody knows what it was to match."""
    text = FINE.replace("}}\n", "}, again: {match: /**, too: app}}\n")

    assert ["3:58: routes.again.too: unknown key `too`; did you mean `to`? [unknown-key]"] == [
        problem for problem in problems(text) if "routes" in problem and "needs" not in problem
    ]


def test_a_name_that_begins_like_another_is_another() -> None:
    """The ambiguity of `users` is reported with the mistake of `users-v2`."""
    text = """\
version: 1
services: {app: http://localhost:3000}
routes:
  people: {match: "/users/{name}", to: app}
  users: {match: "/users/{id}", to: app}
  users-v2: {match: /v2, to: app, priority: high}
"""

    assert [
        (
            "5:18: routes.users.match: `/users/{id}` and `/users/{name}` of route `people` (line 4) match the same requests "
            "with equal rank; set `priority` on one [ambiguous]"
        ),
        "6:45: routes.users-v2.priority: expected a whole number, not the text `high` [wrong-type]",
    ] == sorted(problems(text))


@pytest.mark.parametrize(
    ("path", "severity", "broken"),
    [
        ("routes.a", "error", {"a"}),
        ("routes.a.match", "error", {"a"}),
        ("routes.a[0]", "error", {"a"}),
        ("routes.a-b.match", "error", {"a-b"}),
        ("routes.a.match", "warning", set()),
        ("routes.ab", "error", set()),
        ("routes", "error", set()),
        ("services.a", "error", set()),
        ("", "error", set()),
    ],
)
def test_a_route_is_broken_where_it_has_an_error_of_its_own(
    path: str, severity: Literal["error", "warning"], broken: set[str]
) -> None:
    """Or something in it has."""
    text = FINE.replace(
        "{all: {match: /**, to: app}}", "{a: {match: /a, to: app}, a-b: {match: /b, to: app}}"
    )
    draft = read_text(text, make_host().catalog, template=PathTemplate.parse)
    problem = Problem("acme", path, "no", severity=severity)

    assert broken == broken_routes(attrs.evolve(draft, problems=(problem,)))


def test_plugins_are_asked_about_what_is_fine_without_them() -> None:
    """Their warnings are kept, their errors refuse."""
    loaded = load_gateway_text(FINE, make_host([Doubting()]))

    assert ["warning: think again [acme]"] == [str(problem) for problem in loaded.warnings]
    assert ["routes.unwanted: no thanks [acme]", "warning: think again [acme]"] == problems(
        FINE.replace("all:", "unwanted:"), Doubting()
    )
    assert not any("acme" in problem for problem in problems(FINE + "nonsense: 1\n", Doubting()))


def test_every_plugin_is_asked() -> None:
    """What one has to say does not silence the next."""

    class Other:
        @hookimpl
        def gatekeeper_validate(self, config: Any) -> list[Problem]:
            return [Problem("other", "", f"{len(config.routes)} is too many")]

    for plugins in ((Doubting(), Other()), (Other(), Doubting())):
        said = problems(FINE.replace("all:", "unwanted:"), *plugins)
        assert [
            "1 is too many [other]",
            "routes.unwanted: no thanks [acme]",
            "warning: think again [acme]",
        ] == sorted(said)


ALL_WRONG = """\
version: 1
server: {trusted_proxies: [10.0.0.1/8]}
services:
  a: {instances: [http://a:70000], timeouts: {read: -1s}}
  b: {instances: [{url: http://b, weight: 0}], health: false}
routes:
  one: {match: /one, to: nobody}
  two: {match: {path: {regex: "/(a+)+b"}}, to: b}
  three: {match: {path: {regex: "/(a"}}, to: b}
  four: {match: "/four/{x}", to: b}
  five: {match: "/four/{y}", to: b}
"""


def test_all_mistakes_are_found_at_once() -> None:
    """CFG-10: whatever finds them: those of values, of names, of what they have to do with each other, and of routes."""
    expected = [
        "2:28: server.trusted_proxies[0]: `10.0.0.1/8` has bits set beyond its prefix",
        "4:19: services.a.instances[0]: no port `70000`",
        "4:53: services.a.timeouts.read: `-1s` is no time",
        "5:18: services.b.instances: all weights are 0",
        "7:26: routes.one.to: no service `nobody`",
        "8:31: routes.two.match.path.regex: `(a+)+` can take exponential time",
        "9:33: routes.three.match.path.regex: `(a` is not closed",
        "11:17: routes.five.match: `/four/{y}` and `/four/{x}` of route `four` (line 10) match the same requests",
    ]

    found = problems(ALL_WRONG)

    assert expected == [problem[: len(start)] for problem, start in zip(found, expected, strict=True)]


class Failing:
    """A plugin that cannot say what it thinks of a configuration."""

    def __init__(self, how: str) -> None:
        self.how = how

    @hookimpl
    def gatekeeper_validate(self, config: Any) -> Any:
        if self.how == "raises":
            raise ZeroDivisionError("no")
        return self._problems() if self.how == "breaks off" else ["no problem"]

    def _problems(self) -> Any:
        yield Problem("acme", "", "first")
        raise LookupError("second")


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("raises", ["plugin `Failing` failed to check the configuration: ZeroDivisionError('no') [fails]"]),
        (
            "breaks off",
            [
                "first [acme]",
                "plugin `Failing` failed to check the configuration: LookupError('second') [fails]",
            ],
        ),
        (
            "babbles",
            [
                "plugin `Failing` failed to check the configuration: TypeError(\"'no problem' is no Problem\") [fails]"
            ],
        ),
    ],
)
def test_a_plugin_that_fails_has_not_found_it_good(how: str, expected: list[str]) -> None:
    """It is named, and the others are asked all the same."""
    said = problems(FINE.replace("all:", "unwanted:"), Failing(how), Doubting())

    assert [*expected, "routes.unwanted: no thanks [acme]", "warning: think again [acme]"] == sorted(
        said, key=lambda line: ("think" in line, "thanks" in line)
    )


# ---- beside a loop --------------------------------------------------------------------------------------------------


def test_heavy_work_is_done_without_collections_and_in_short_turns() -> None:
    """Afterwards everything is as it was."""
    before = gc.isenabled(), sys.getswitchinterval()

    with quietly():
        during = gc.isenabled(), sys.getswitchinterval()

    collecting, turn = during
    assert not collecting
    assert pytest.approx(TURN) == turn
    assert before == (gc.isenabled(), sys.getswitchinterval())


def test_a_collector_that_was_off_stays_off() -> None:
    """Whoever turned it off will turn it on."""
    gc.disable()
    try:
        with pytest.raises(LookupError), quietly():
            raise LookupError
        assert not gc.isenabled()
    finally:
        gc.enable()


async def test_the_loop_goes_on_while_a_configuration_is_loaded() -> None:
    """CFG-11: turns of the loop come between those of the work, however long that takes."""
    host = await asyncio.to_thread(make_host)
    routes = "".join(f"  r{number}: {{match: /r{number}, to: app}}\n" for number in range(2000))
    text = f"version: 1\nservices: {{app: http://localhost:3000}}\nroutes:\n{routes}"
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    turning = asyncio.create_task(turn())
    try:
        loaded = await in_background(lambda: load_gateway_text(text, host))
    finally:
        turning.cancel()

    assert 2000 == len(loaded.config.routes)
    assert turns > 20


async def test_what_the_work_raises_is_raised() -> None:
    """As if it were called here."""

    def refuse() -> None:
        raise ConfigError([Problem("yaml", "", "no")])

    with pytest.raises(ConfigError):
        await in_background(refuse)
