"""What is counted of the configurations of a gateway; each of its processes would say the same."""

from collections.abc import Callable

from gatekeeper.observe.metrics import CounterCell, Family, Metrics
from gatekeeper.runtime.change import ConfigState


def count_reloads(metrics: Metrics, state: Callable[[], ConfigState]) -> Family[CounterCell]:
    """Declare all of it; returns where tries are counted."""
    metrics.gauge_function(
        "gatekeeper_config_revision",
        "How many configurations have been in force.",
        lambda: state().revision,
        once=True,
    )
    metrics.gauge_function(
        "gatekeeper_config_loaded_timestamp_seconds",
        "When the configuration came into force, in seconds since the epoch.",
        lambda: state().loaded_at,
        once=True,
    )
    metrics.gauge_function(
        "gatekeeper_config_last_reload_successful",
        "1, or 0 where the last configuration was refused.",
        lambda: not state().error,
        once=True,
    )
    return metrics.counter(
        "gatekeeper_config_reloads_total", "Tries to change the configuration.", ("result",), once=True
    )
