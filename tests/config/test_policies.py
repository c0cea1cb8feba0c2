"""How services are asked where nothing is said, and what does not go together."""

from typing import Any

import attrs
import pytest

from gatekeeper.config.policies import (
    BackoffConfig,
    BalanceConfig,
    BudgetConfig,
    HealthConfig,
    OutliersConfig,
    PoolConfig,
    RetriesConfig,
    ServiceDefaultsConfig,
)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            BalanceConfig(),
            {
                "kind": "round_robin",
                "options": None,
                "slow_start": 0.0,
                "panic_below": 0.0,
                "prefer_zone": "",
            },
            id="balance",
        ),
        pytest.param(
            HealthConfig(),
            {
                "kind": "http",
                "options": None,
                "every": 30.0,
                "timeout": 5.0,
                "healthy_after": 2,
                "unhealthy_after": 3,
            },
            id="health",
        ),
        pytest.param(
            OutliersConfig(),
            {
                "consecutive_failures": 5,
                "failure_rate": False,
                "min_requests": 50,
                "window": 30.0,
                "failures": ("connect", "reset", "timeout", 502, 503, 504),
                "eject_for": 30.0,
                "eject_at_most": 0.5,
            },
            id="outliers",
        ),
        pytest.param(
            RetriesConfig(),
            {
                "count": 1,
                "if_": ("connect", "reset"),
                "backoff": {"base": 0.025, "max": 0.25},
                "budget": {"share": 0.1, "floor": 3},
                "replay_body": 65536,
                "honour_retry_after": True,
                "idempotency_key": None,
            },
            id="retries",
        ),
        pytest.param(PoolConfig(), {"max_connections": 256, "idle": 30.0, "max_requests": False}, id="pool"),
    ],
)
def test_defaults_are_those_of_the_grammar(config: Any, expected: dict[str, Any]) -> None:
    """Section 8 of it."""
    assert expected == attrs.asdict(config)


def test_all_of_it_is_on_unless_it_is_off() -> None:
    """What a service has that says nothing."""
    policies = ServiceDefaultsConfig()

    assert isinstance(policies.health, HealthConfig)
    assert isinstance(policies.outliers, OutliersConfig)
    assert isinstance(policies.retries, RetriesConfig)
    assert "client" == policies.host_header


def test_a_check_ends_before_the_next_one_begins() -> None:
    """Who asks more often waits for less; who says otherwise is refused."""
    assert 2.0 == HealthConfig(every=2.0).timeout
    assert 10.0 == HealthConfig(every=10.0, timeout=10.0).timeout
    with pytest.raises(ValueError, match="`timeout` is longer than `every`"):
        HealthConfig(every=5.0, timeout=5.1)


def test_waits_grow_up_to_ten_times_the_first() -> None:
    """Unless it is said."""
    assert pytest.approx(1.0) == BackoffConfig(base=0.1).max
    assert 0.0 == BackoffConfig(base=0.0).max


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (HealthConfig, {"every": 0.0}, "`every` must be longer than 0s"),
        (HealthConfig, {"healthy_after": 0}, "`healthy_after` must be 1 or more"),
        (OutliersConfig, {"consecutive_failures": 0}, "`consecutive_failures` must be 1 or more"),
        (
            OutliersConfig,
            {"consecutive_failures": False},
            "nothing ejects an instance here; give `consecutive_failures` or `failure_rate`, or write `outliers: false`",
        ),
        (BackoffConfig, {"base": 1.0, "max": 0.5}, "`max` is shorter than `base`"),
        (BudgetConfig, {"floor": -1}, "`floor` must be 0 or more"),
        (RetriesConfig, {"count": -1}, "`count` must be 0 or more"),
        (
            RetriesConfig,
            {"if_": ()},
            "an empty list, for which nothing is sent again; write `retries: false`",
        ),
        (RetriesConfig, {"idempotency_key": "a key"}, "`a key` is not a header field name"),
        (PoolConfig, {"max_connections": 0}, "`max_connections` must be 1 or more"),
        (PoolConfig, {"max_requests": 0}, "`max_requests` must be 1 or more"),
    ],
)
def test_what_cannot_be_meant_is_refused(cls: Any, values: dict[str, Any], message: str) -> None:
    """Whoever builds the object."""
    with pytest.raises(ValueError) as caught:
        cls(**values)

    assert message == str(caught.value)


def test_a_failure_rate_alone_is_enough() -> None:
    """One of two reasons to eject has to be left."""
    outliers = OutliersConfig(consecutive_failures=False, failure_rate=0.5)

    assert [False, 0.5] == [outliers.consecutive_failures, outliers.failure_rate]
