"""What a part is handed when it is built."""

from random import SystemRandom

import pytest

from gatekeeper.extend.context import BuildContext
from gatekeeper.testing import Surroundings


def test_a_context_passes_on_what_the_gateway_has() -> None:
    """Clock and metrics are the gateway's, the logger is the part's own."""
    surroundings = Surroundings()
    context = BuildContext(
        gateway=surroundings, wheel=surroundings.fake_clock.wheel, name="stamp", owner="route users"
    )

    assert surroundings.clock is context.clock
    assert surroundings.metrics is context.metrics
    assert "gatekeeper.filter.stamp" == context.logger.name
    assert None is context.target
    assert isinstance(context.random, SystemRandom)


def test_a_context_is_made_by_names() -> None:
    """It will grow, and what was written must go on meaning the same."""
    with pytest.raises(TypeError):
        BuildContext(Surroundings())  # type: ignore[call-arg]


def test_a_part_that_knows_nobody_makes_nobody() -> None:
    """Only an authenticator that reads claims makes consumers, and only what has a condition asks one."""
    surroundings = Surroundings()
    context = BuildContext(
        gateway=surroundings, wheel=surroundings.fake_clock.wheel, name="keys", owner="authenticators"
    )

    with pytest.raises(LookupError, match="only an authenticator that reads claims") as caught:
        context.identify({"sub": "hush"})
    assert "hush" not in str(caught.value)
    with pytest.raises(LookupError, match="conditions cannot be asked here"):
        context.predicate(())
    assert ({}, {}, ()) == (context.authenticators, context.consumers, context.credentials)
