"""gatekeeper: an API gateway in Python, configured by one gateway.yaml.

What plugins need is here: `from gatekeeper import Exchange, Filter, Handler, Response, hookimpl`. Names are imported when
they are asked for, so that `gatekeeper --help` and `gatekeeper.version` cost nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from gatekeeper.version import VERSION as __version__  # noqa: N811


if TYPE_CHECKING:
    from gatekeeper.core.body import Body
    from gatekeeper.core.chain import AttemptFilter, AttemptHandler, Filter, Handler, Predicate
    from gatekeeper.core.errors import GatewayError, Rejection, Unavailable, UpstreamError
    from gatekeeper.core.exchange import Attempt, Exchange, Key
    from gatekeeper.core.message import Headers, Request, Response
    from gatekeeper.core.text import Text
    from gatekeeper.extend.catalog import Catalog
    from gatekeeper.extend.context import DRY_RUN, BuildContext
    from gatekeeper.extend.events import (
        ConfigApplied,
        ConfigRefused,
        DrainBegun,
        Event,
        HealthChanged,
        Listening,
    )
    from gatekeeper.extend.hookspecs import hookimpl
    from gatekeeper.extend.running import RunningGateway
    from gatekeeper.policy.balance import Balancer, Choice
    from gatekeeper.registry.health import Probe, Unexpected, Unfit
    from gatekeeper.registry.providers import Provider, ProviderStatus

__all__ = [
    "DRY_RUN",
    "Attempt",
    "AttemptFilter",
    "AttemptHandler",
    "Balancer",
    "Body",
    "BuildContext",
    "Catalog",
    "Choice",
    "ConfigApplied",
    "ConfigRefused",
    "DrainBegun",
    "Event",
    "Exchange",
    "Filter",
    "GatewayError",
    "Handler",
    "Headers",
    "HealthChanged",
    "Key",
    "Listening",
    "Predicate",
    "Probe",
    "Provider",
    "ProviderStatus",
    "Rejection",
    "Request",
    "Response",
    "RunningGateway",
    "Text",
    "Unavailable",
    "Unexpected",
    "Unfit",
    "UpstreamError",
    "__version__",
    "hookimpl",
]

_HOMES = {
    "core.body": ("Body",),
    "core.chain": ("AttemptFilter", "AttemptHandler", "Filter", "Handler", "Predicate"),
    "core.errors": ("GatewayError", "Rejection", "Unavailable", "UpstreamError"),
    "core.exchange": ("Attempt", "Exchange", "Key"),
    "core.message": ("Headers", "Request", "Response"),
    "core.text": ("Text",),
    "extend.catalog": ("Catalog",),
    "extend.context": ("DRY_RUN", "BuildContext"),
    "extend.events": (
        "ConfigApplied",
        "ConfigRefused",
        "DrainBegun",
        "Event",
        "HealthChanged",
        "Listening",
    ),
    "extend.hookspecs": ("hookimpl",),
    "extend.running": ("RunningGateway",),
    "policy.balance": ("Balancer", "Choice"),
    "registry.health": ("Probe", "Unexpected", "Unfit"),
    "registry.providers": ("Provider", "ProviderStatus"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gatekeeper' has no attribute {name!r}")
    return getattr(importlib.import_module(f"gatekeeper.{_HOME[name]}"), name)
