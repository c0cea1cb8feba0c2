"""What a worker does not decide for itself: the sockets it listens with, who is well, and whether the gateway is ready."""

import contextlib
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from gatekeeper.config.addresses import Listen
from gatekeeper.policy.health import Health, Status
from gatekeeper.registry.services import Service
from gatekeeper.runtime.change import Bound, Change
from gatekeeper.runtime.front import LocalFront
from gatekeeper.runtime.gateway import Gateway


Key = tuple[str, str]
"""A service and an instance of it, by name and id."""


class Heard:
    """What the supervisor says: the health of instances, what operators have made of them, and whether all is ready."""

    def __init__(self) -> None:
        self.ready = False
        self._services: Mapping[str, Service] | None = None
        self._now: Callable[[], float] = lambda: 0.0
        self._healths: Final[dict[Key, Health]] = {}
        self._early: list[Mapping[str, Any]] = []

    def set_ready(self, ready: bool) -> None:
        """Whether the gateway is ready for requests."""
        self.ready = ready

    def note(self, data: Mapping[str, Any]) -> None:
        """How an instance is."""
        key = (data["service"], data["instance"])
        self._healths[key] = health = read_health(data["health"])
        service = (self._services or {}).get(data["service"])
        if service is not None:
            self._apply(service, {key: health})

    def override(self, data: Mapping[str, Any]) -> None:
        """What an operator has made of an instance; of one that has gone meanwhile, nothing."""
        if self._services is None:
            self._early.append(data)
            return
        service = self._services.get(data["service"])
        if service is not None:
            with contextlib.suppress(LookupError):
                service.override(data["instance"], **data["changes"])

    def apply(self, services: Mapping[str, Service], now: Callable[[], float]) -> None:
        """Let it hold for the services of a configuration that comes into force."""
        self._services, self._now = services, now
        for service in services.values():
            self._apply(service, self._healths)
        early, self._early = self._early, []
        for data in early:
            self.override(data)

    def _apply(self, service: Service, healths: Mapping[Key, Health]) -> None:
        changed = False
        for member in service.members:
            health = healths.get((service.name, member.instance.id))
            if health is not None and health != member.health:
                member.health, changed = health, True
        if changed:
            service.refresh(self._now())


def show_health(health: Health) -> dict[str, Any]:
    """A health as plain data."""
    return attrs.asdict(health, value_serializer=lambda _, __, value: getattr(value, "value", value))


def read_health(data: Mapping[str, Any]) -> Health:
    """A health from plain data."""
    return Health(**{**data, "status": Status(data["status"])})


class WorkerFront(LocalFront):
    """The listeners of a worker: the sockets are given, and others have them, too."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        heard: Heard,
        given: Mapping[str, socket.socket],
        write_access: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__(gateway, write_access=write_access, ready=lambda: heard.ready)
        self.hand_over = False
        """Whether a successor has the sockets when it goes."""
        self._heard: Final = heard
        self._given: dict[str, socket.socket] = dict(given)

    def give(self, sockets: Mapping[str, socket.socket]) -> None:
        """What to listen with from now on, by the names of listeners; what is left of what was given is closed."""
        for sock in self._given.values():
            sock.close()
        self._given = dict(sockets)

    def bind(self, name: str, address: Listen) -> Bound:
        """The socket that was given for a listener."""
        if name not in self._given:
            raise OSError(f"nobody has given a socket for {address}")
        return self._given.pop(name)

    async def commit(self, change: Change, *, first: bool) -> None:
        """Let what was heard hold, before anybody is served."""
        self._heard.apply(change.prepared.snapshot.services, self._gateway.clock.monotonic)
        await super().commit(change, first=first)

    async def drain(self, grace: float, *, linger: bool) -> int:
        """Take no more, finish what was begun within `grace` seconds; return how many requests were cut off."""
        return await self.edge.drain(grace, linger=linger, hand_over=self.hand_over)


def overrides_of(services: Iterable[Service]) -> list[dict[str, Any]]:
    """What operators have made of instances, as it was said."""
    return [
        {
            "service": service.name,
            "instance": seat.member.instance.id,
            "changes": {
                "weight": seat.member.weight,
                "draining": seat.member.draining,
                "disabled": seat.member.disabled,
            },
        }
        for service in services
        for seat in service.seats
        if seat.member.draining or seat.member.disabled or seat.member.weight != seat.weight
    ]
