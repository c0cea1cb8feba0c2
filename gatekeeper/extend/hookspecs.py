"""The moments at which plugins are asked. All of them are rare: none happens per request.

A plugin is a module or object with functions of these names, marked with `@hookimpl`; each takes those of the listed
arguments that it wants.
"""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final

import pluggy


if TYPE_CHECKING:
    from aiohttp import web

    from gatekeeper.config.model import GatewayConfig
    from gatekeeper.config.problems import Problem
    from gatekeeper.extend.catalog import Catalog
    from gatekeeper.extend.events import Event
    from gatekeeper.extend.running import RunningGateway

PROJECT: Final = "gatekeeper"

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)


@hookspec
def gatekeeper_register(catalog: "Catalog") -> None:
    """Declare kinds. Once per gateway, before any configuration is read; raising stops the start (exit 2)."""
    raise NotImplementedError


@hookspec
def gatekeeper_validate(config: "GatewayConfig") -> "Iterable[Problem]":
    """Return what is wrong with a configuration beyond its single values. Each load; pure, no I/O; raising refuses it."""
    raise NotImplementedError


@hookspec
def gatekeeper_lifespan(gateway: "RunningGateway") -> AbstractAsyncContextManager[None]:
    """Return a context that is entered before the gateway listens and left, in reverse order, after it has drained."""
    raise NotImplementedError


@hookspec
def gatekeeper_admin_routes(gateway: "RunningGateway") -> "Iterable[web.AbstractRouteDef]":
    """Return routes for the admin listener, mounted below `/plugins/<name of the plugin>`. Once, at the start."""
    raise NotImplementedError


@hookspec
def gatekeeper_event(event: "Event") -> None:
    """Hear that something has changed: never per request, must not block; what it raises is logged and forgotten."""
    raise NotImplementedError
