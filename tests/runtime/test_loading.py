"""From a file to a configuration that can be served; and doing so beside a loop that serves."""

import asyncio
import gc
import sys
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.runtime.loading import TURN, in_background, load_gateway, load_gateway_text, quietly
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


def test_plugins_are_asked_about_what_is_fine_without_them() -> None:
    """Their warnings are kept, their errors refuse."""
    loaded = load_gateway_text(FINE, make_host([Doubting()]))

    assert ["warning: think again [acme]"] == [str(problem) for problem in loaded.warnings]
    assert ["routes.unwanted: no thanks [acme]", "warning: think again [acme]"] == problems(
        FINE.replace("all:", "unwanted:"), Doubting()
    )
    assert not any("acme" in problem for problem in problems(FINE + "nonsense: 1\n", Doubting()))


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
    """Turns of the loop come between those of the work, however long that takes."""
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
