"""The maintenance filter, alone and in a running gateway."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.testing import (
    Call,
    FakeClock,
    LiveGateway,
    Origin,
    Surroundings,
    config_problems,
    make_exchange,
)


Maintain = Callable[..., Call]


class TestAlone:
    """The test plays what comes next; no socket, no waiting."""

    async def test_refuses_and_says_when_to_come_again(self, maintenance: Maintain) -> None:
        """Without a file it is always on."""
        call = maintenance({"retry_after": "2m", "message": "Back at noon."})

        response = await call.response()

        assert response.status == 503
        assert response.headers.get(b"retry-after") == b"120"
        assert b'"detail":"Back at noon."' in await response.body.read(1000)

    async def test_passes_while_there_is_no_file(self, maintenance: Maintain, tmp_path: Path) -> None:
        """What comes next is asked, and its answer returned."""
        call = maintenance(str(tmp_path / "switch"))
        (await call.upstream()).respond(204)

        response = await call.response()

        assert response.status == 204

    async def test_allowed_networks_pass(self, maintenance: Maintain) -> None:
        """Who works on it wants to see whether it works."""
        call = maintenance({"allow": ["192.0.2.0/24"]}, make_exchange(client="192.0.2.9"))
        (await call.upstream()).respond(200)

        assert (await call.response()).status == 200

    async def test_others_do_not_pass(self, maintenance: Maintain) -> None:
        """The allow list names who passes, nobody else."""
        call = maintenance({"allow": ["192.0.2.0/24"]}, make_exchange(client="198.51.100.1"))

        assert (await call.response()).status == 503

    async def test_counts_what_it_refuses(self, maintenance: Maintain) -> None:
        """The counter carries where the filter stands."""
        surroundings = Surroundings(FakeClock())

        await maintenance({}, surroundings=surroundings).response()

        family = surroundings.metrics.snapshot()["gatekeeper_maintenance_refused_total"]
        assert [(one["labels"], one["value"]) for one in family["samples"]] == [({"owner": "test"}, 1)]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            pytest.param({"retry_after": "60"}, "has no unit", id="time-without-unit"),
            pytest.param({"allow": ["10.0.0.1/8"]}, "10.0.0.0/8", id="host-bits-set"),
            pytest.param({"alow": []}, "did you mean `allow`", id="misspelt"),
        ],
    )
    def test_options_are_checked_when_loaded(
        self, extra_plugins: tuple[Any, ...], options: dict[str, Any], message: str
    ) -> None:
        """The types of the class are all it takes."""
        (problem,) = config_problems("maintenance", options, plugins=extra_plugins)

        assert message in str(problem)


CONFIG = """\
version: 1
server: {{listen: "127.0.0.1:0"}}
services:
  users: {url}
routes:
  users:
    match: /users/**
    to: users
    filters:
      - maintenance: {file}
"""


async def test_the_file_is_the_switch(
    gateway: Callable[..., Awaitable[LiveGateway]],
    origin: Callable[[], Awaitable[Origin]],
    extra_plugins: tuple[Any, ...],
    tmp_path: Path,
) -> None:
    """A running gateway follows the file, once the time for which it believes the last look is over."""
    clock, switch = FakeClock(), tmp_path / "switch"
    users = await origin()
    gw = await gateway(CONFIG.format(url=users.url, file=switch), plugins=extra_plugins, clock=clock)
    statuses = []
    for change in (None, switch.touch, switch.unlink):
        if change is not None:
            change()
        clock.advance(1.0)
        statuses.append((await gw.get("/users/7")).status)

    assert statuses == [200, 503, 200]
