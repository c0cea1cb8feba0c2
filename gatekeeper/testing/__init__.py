"""The test kit, for the gateway's own tests and for those of plugins.

Opt in with one line in `conftest.py`, and the fixtures `clock`, `run_filter`, `origin` and `gateway` are there:

    pytest_plugins = ["gatekeeper.testing"]

A filter's first test needs no socket:

    async def test_it_names_the_server(run_filter):
        call = run_filter("transform", {"response": {"headers": {"set": {"server": "us"}}}}, make_exchange("GET", "/"))

        (await call.upstream()).respond(200)

        assert "us" == (await call.response()).headers.text(b"server")

Names are imported when they are asked for: a test run that opts in pays for what it uses.
"""

import importlib
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from gatekeeper.testing.authenticator import make_authenticator
    from gatekeeper.testing.call import (
        Call,
        Played,
        RunFilter,
        config_problems,
        default_host,
        make_host,
        run_filter,
    )
    from gatekeeper.testing.client import Answer, Client, Connection
    from gatekeeper.testing.clock import FakeClock
    from gatekeeper.testing.exchange import Chunks, make_exchange
    from gatekeeper.testing.gateway import (
        LiveGateway,
        StartGateway,
        load_config,
        move_listeners,
        open_gateway,
    )
    from gatekeeper.testing.origin import EARLY, FIN, HANG, RST, Origin, Received, StartOrigin, answer
    from gatekeeper.testing.surroundings import Surroundings
    from gatekeeper.testing.wire import WireError

__all__ = [
    "EARLY",
    "FIN",
    "HANG",
    "RST",
    "Answer",
    "Call",
    "Chunks",
    "Client",
    "Connection",
    "FakeClock",
    "LiveGateway",
    "Origin",
    "Played",
    "Received",
    "RunFilter",
    "StartGateway",
    "StartOrigin",
    "Surroundings",
    "WireError",
    "answer",
    "config_problems",
    "default_host",
    "load_config",
    "make_authenticator",
    "make_exchange",
    "make_host",
    "move_listeners",
    "open_gateway",
    "run_filter",
]

# pytest reads this name of a plugin, too: the fixtures are in a module of their own, and nothing else needs pytest
pytest_plugins = ("gatekeeper.testing.fixtures",)

_HOMES = {
    "authenticator": ("make_authenticator",),
    "call": ("Call", "Played", "config_problems", "default_host", "make_host", "run_filter", "RunFilter"),
    "client": ("Answer", "Client", "Connection"),
    "clock": ("FakeClock",),
    "exchange": ("Chunks", "make_exchange"),
    "gateway": ("LiveGateway", "StartGateway", "load_config", "move_listeners", "open_gateway"),
    "origin": ("EARLY", "FIN", "HANG", "RST", "Origin", "Received", "answer", "StartOrigin"),
    "surroundings": ("Surroundings",),
    "wire": ("WireError",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def _get(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gatekeeper.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"gatekeeper.testing.{_HOME[name]}"), name)


if not TYPE_CHECKING:  # a type checker knows the names from above, and shall know no others
    __getattr__ = _get
