"""What plugins may do with the gateway they run in: the same in a test as in production."""

from gatekeeper.extend.running import RunningGateway
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.testing import Surroundings


def promised() -> set[str]:
    return {name for name in vars(RunningGateway) if not name.startswith("_")}


def test_the_promise_is_this() -> None:
    """Plugins rely on it."""
    assert {"role", "clock", "metrics", "http", "emit", "spawn"} == promised()


def test_gateway_and_surroundings_keep_it() -> None:
    """The type checker compares the signatures; here only that nothing is missing at run time."""
    gateway: type[RunningGateway] = Gateway
    surroundings: RunningGateway = Surroundings()

    for name in promised() - {"role", "http", "clock", "metrics"}:
        assert callable(getattr(gateway, name))
        assert callable(getattr(surroundings, name))
