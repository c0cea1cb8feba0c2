"""A gateway of several workers, as its admin side sees it: what each of them says, as one."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from gatekeeper.observe.exposition import Exposition
from gatekeeper.runtime import usage
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.local import LocalNode
from gatekeeper.workers.fleet import Fleet


class FleetNode(LocalNode):
    """Answers for the supervisor and its workers. See `gatekeeper.runtime.node.Node`."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        assert isinstance(gateway.front, Fleet)
        self._fleet: Final = gateway.front
        self._exposition: Final = Exposition(self._sum)

    async def status(self) -> dict[str, Any]:
        """Version, revision, state, readiness, uptime in seconds, listeners, workers, and what became of the last reload."""
        status, now = await super().status(), self._gateway.clock.monotonic()
        workers = [
            {
                "worker": worker.slot + 1,
                "pid": worker.pid,
                "state": worker.state,
                "uptime": round(now - worker.started, 3),
            }
            for worker in sorted(self._fleet.crew.workers, key=lambda worker: worker.slot)
        ]
        return {**status, "ready": status["ready"] and bool(self._fleet.crew.serving), "workers": workers}

    # ---- in numbers -------------------------------------------------------------------------------------------------

    def _sum(self) -> dict[str, Any]:
        return self._fleet.crew.totals.sum(self._gateway.metrics.snapshot())

    async def _summed(self) -> dict[str, Any]:
        await self._fleet.crew.take_counts()
        return await asyncio.to_thread(self._sum)

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """The metrics as Prometheus reads them, and their content type."""
        await self._fleet.crew.take_counts()
        return await asyncio.to_thread(self._exposition.render, accept)

    async def metrics(self) -> dict[str, Any]:
        """The metrics as plain data."""
        return await self._summed()

    async def requests(self) -> dict[str, Any]:
        """How many requests there were, how they ended and how long they took."""
        return usage.of_requests(await self._summed())

    async def system(self) -> dict[str, Any]:
        """What all processes take together; `pid` is that of the supervisor."""
        own = await super().system()
        found = [answer for _, answer in await self._fleet.crew.ask_each("system")]
        return {**own, **{key: round(sum(one[key] for one in [own, *found]), 3) for key in _SUMMED}}

    # ---- services ---------------------------------------------------------------------------------------------------

    async def services(self) -> list[dict[str, Any]]:
        """All services with their instances."""
        found = [
            {service["name"]: service for service in answer}
            for _, answer in await self._fleet.crew.ask_each("services")
        ]
        return [
            _together(service, [one[service["name"]] for one in found if service["name"] in one])
            for service in await super().services()
        ]

    async def service(self, name: str) -> dict[str, Any]:
        """One service with its instances."""
        self._named(name)
        return next(service for service in await self.services() if service["name"] == name)

    async def override(self, service: str, instance: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change `weight`, `drain` or `disable` of an instance, until the service changes."""
        await super().override(service, instance, changes)
        member = self._named(service).member(instance)
        said = {"weight": member.weight, "draining": member.draining, "disabled": member.disabled}
        self._fleet.crew.tell_all("override", {"service": service, "instance": instance, "changes": said})
        found = await self.service(service)
        return next(one for one in found["instances"] if one["id"] == instance)


_SUMMED: Final = (
    "cpu_seconds",
    "cpu_percent",
    "memory_resident",
    "memory_percent",
    "threads",
    "descriptors",
)


def _together(own: dict[str, Any], others: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A service as the supervisor knows it, with what only workers see."""
    others = list(others)
    seen = [{one["id"]: one for one in other["instances"]} for other in others]
    instances = [
        _instance(one, [instances[one["id"]] for instances in seen if one["id"] in instances])
        for one in own["instances"]
    ]
    return {
        **own,
        "in_flight": sum(other["in_flight"] for other in others),
        "fit": sum(one["state"] == "fit" for one in instances),
        "instances": instances,
    }


def _instance(own: dict[str, Any], others: list[Mapping[str, Any]]) -> dict[str, Any]:
    """An instance: fit where no worker has ejected it, with the latency that the slowest worker sees."""
    ejected = own["state"] == "fit" and any(other["state"] == "ejected" for other in others)
    return {
        **own,
        "state": "ejected" if ejected else own["state"],
        "in_flight": sum(other["in_flight"] for other in others),
        "latency": max((other["latency"] for other in others), default=0.0),
        "ejections": sum(other["ejections"] for other in others),
        "connections": sum(other["connections"] for other in others),
    }
