"""What providers say, brought into force: one task for each provider, which hands whole states to the reloader.

Which providers there are, the files say; a reload that changes them starts, stops or replaces tasks, and leaves the others
alone. What a provider has said goes when the provider does.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Protocol

import attrs

from gatekeeper.config.process import ProviderConfig
from gatekeeper.config.provided import Provided
from gatekeeper.core.clock import Wheel
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.running import RunningGateway
from gatekeeper.registry.providers import Provider
from gatekeeper.runtime.change import Outcome


log = logging.getLogger(__name__)

Spawn = Callable[[str, Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Taking(Protocol):
    """Whoever brings into force what a provider says."""

    async def provide(self, provided: Provided | None, name: str, why: str) -> Outcome:
        """Serve by it; None for nothing any more."""
        ...


@attrs.define
class _Running:
    """A provider at work. `heard` is set when it has said something, whatever became of that.

    `refused` is what it said last, if that was not sound: with another file it may be.
    """

    config: ProviderConfig
    provider: Provider
    task: "asyncio.Task[None] | None" = None
    heard: bool = False
    refused: Provided | None = None


class Providers:
    """The providers of a gateway."""

    def __init__(
        self, gateway: RunningGateway, catalog: Catalog, wheel: Wheel, taking: Taking, spawn: Spawn
    ) -> None:
        self._gateway: Final = gateway
        self._catalog: Final = catalog
        self._wheel: Final = wheel
        self._taking: Final = taking
        self._spawn: Final = spawn
        self._running: dict[str, _Running] = {}

    def apply(self, configs: Mapping[str, ProviderConfig]) -> None:
        """Run these providers from now on, and no others; those that are configured as before go on undisturbed.

        What one of them said and was refused is tried once more: what stands beside it has changed.
        """
        for name, running in list(self._running.items()):
            if configs.get(name) != running.config:
                del self._running[name]
                if running.task is not None:
                    running.task.cancel()
                if name not in configs:
                    self._spawn(f"forget provider {name}", self._forget(name))
        for name, config in configs.items():
            known = self._running.get(name)
            if known is None:
                self._start(name, config)
            elif (refused := known.refused) is not None:
                known.refused = None
                self._spawn(f"provider {name} again", self._try_again(name, known, refused))

    @property
    def awaited(self) -> list[str]:
        """The names of those that are required and have not said anything yet."""
        return [name for name, one in self._running.items() if one.config.required and not one.heard]

    def status(self) -> dict[str, dict[str, Any]]:
        """How each of them is doing, as plain data."""
        return {
            name: {**attrs.asdict(one.provider.status), "kind": one.config.kind}
            for name, one in self._running.items()
        }

    def _start(self, name: str, config: ProviderConfig) -> None:
        kind = self._catalog.providers[config.kind]
        context = BuildContext(gateway=self._gateway, wheel=self._wheel, name=name, owner=f"provider {name}")
        try:
            provider: Provider = kind.build(
                kind.config() if config.options is None else config.options, context
            )
        except Exception:
            log.exception("provider %s could not be made", name)
            return
        running = self._running[name] = _Running(config, provider)
        running.task = self._spawn(f"provider {name}", self._take(name, running))

    async def _take(self, name: str, running: _Running) -> None:
        async for text in running.provider.watch():
            provided = Provided(name, may_provide=running.config.may_provide, text=text)
            running.refused = None
            outcome = await self._taking.provide(provided, name, f"provider {name}")
            running.heard = True
            if not outcome.applied:
                running.refused = provided
                log.error(
                    "what provider %s says is refused; what it said before holds",
                    name,
                    extra={"problems": [str(problem) for problem in outcome.errors]},
                )

    async def _try_again(self, name: str, running: _Running, refused: Provided) -> None:
        """What was refused may be sound beside another file."""
        outcome = await self._taking.provide(refused, name, f"provider {name}, again")
        if not outcome.applied and running.refused is None:
            running.refused = refused

    async def _forget(self, name: str) -> None:
        await self._taking.provide(None, name, f"provider {name} has gone")
