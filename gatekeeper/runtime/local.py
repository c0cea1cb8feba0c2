"""A gateway in this process, as its admin side sees it."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from gatekeeper.admin.errors import Conflict, Stale
from gatekeeper.config.problems import show_path
from gatekeeper.config.provided import ADMIN, Provided
from gatekeeper.config.show import dump, show
from gatekeeper.registry.services import Seat, Service
from gatekeeper.runtime import usage
from gatekeeper.runtime.change import Outcome
from gatekeeper.runtime.keys import Keys, names_in
from gatekeeper.runtime.rules import describe
from gatekeeper.stores.keys import KeyBook
from gatekeeper.version import VERSION


if TYPE_CHECKING:
    from gatekeeper.runtime.gateway import Gateway


class LocalNode:
    """Answers for one gateway. See `gatekeeper.runtime.node.Node`."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway: Final = gateway
        self._reloader: Final = gateway.reloader
        self._rendered = (-1, "")
        book = KeyBook(gateway.config.database.file, gateway.clock)
        self._keys: Final = Keys(book, gateway.clock, lambda: names_in(gateway.config))

    # ---- what there is ----------------------------------------------------------------------------------------------

    async def status(self) -> dict[str, Any]:
        """Version, revision, state, readiness, uptime in seconds, listeners, and what became of the last reload."""
        gateway, state = self._gateway, self._reloader.state
        gateway.followed()
        return {
            "version": VERSION,
            "revision": state.revision,
            "state": gateway.state,
            "ready": gateway.state == "running",
            "uptime": round(gateway.clock.monotonic() - gateway.started, 3),
            "listeners": gateway.listeners,
            "providers": gateway.providers.status(),
            "config": {
                "file": gateway.file,
                "loaded_at": state.loaded_at,
                "error": state.error or None,
                "error_at": state.error_at or None,
                "problems": [_problem(problem) for problem in state.problems],
            },
        }

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """The metrics as Prometheus reads them, and their content type."""
        # it reads /proc, and takes 5 to 20 µs a sample
        return await asyncio.to_thread(self._gateway.metrics.render, accept)

    async def metrics(self) -> dict[str, Any]:
        """The metrics as plain data."""
        return await asyncio.to_thread(self._gateway.metrics.snapshot)

    async def system(self) -> dict[str, Any]:
        """What the process takes: processor, memory, descriptors, threads."""
        uptime = self._gateway.clock.monotonic() - self._gateway.started
        return {**await asyncio.to_thread(usage.of_process), "uptime": round(uptime, 3)}

    async def requests(self) -> dict[str, Any]:
        """How many requests there were, how they ended and how long they took."""
        return usage.of_requests(await asyncio.to_thread(self._gateway.metrics.snapshot))

    # ---- services ---------------------------------------------------------------------------------------------------

    async def services(self) -> list[dict[str, Any]]:
        """All services with their instances."""
        return [self._service(service) for service in self._gateway.services.values()]

    async def service(self, name: str) -> dict[str, Any]:
        """One service with its instances."""
        return self._service(self._named(name))

    async def check(self, name: str) -> list[dict[str, Any]]:
        """Check the health of all instances of a service now, and say what came of it."""
        service = self._named(name)
        if service.check is None:
            raise ValueError(f"service {name} has no health checks; set `health` of it in the configuration")
        found = await self._gateway.checks.check_now(service)
        return [
            {"id": member.instance.id, "outcome": outcome.value, "reason": reason}
            for member, outcome, reason in found
        ]

    async def override(self, service: str, instance: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change `weight`, `drain` or `disable` of an instance, until the service changes."""
        named = self._named(service)
        member = named.override(
            instance,
            weight=changes.get("weight"),
            draining=changes.get("drain"),
            disabled=changes.get("disable"),
        )
        return self._instance(named, next(seat for seat in named.seats if seat.member is member))

    def _named(self, name: str) -> Service:
        services = self._gateway.services
        if name not in services:
            raise LookupError(f"no service {name}; there are {', '.join(services) or 'none'}")
        return services[name]

    def _service(self, service: Service) -> dict[str, Any]:
        check = service.check
        seats = {seat.member: seat for seat in service.seats}
        now = self._gateway.clock.monotonic()
        return {
            "name": service.name,
            "balance": service.balancing.kind,
            "in_flight": service.in_flight,
            "fit": sum(member.state(now) == "fit" for member in service.members),
            "health": None
            if check is None
            else {
                "kind": check.kind,
                "every": check.every,
                "timeout": check.timeout,
                "healthy_after": check.healthy_after,
                "unhealthy_after": check.unhealthy_after,
            },
            "source": self._reloader.origin("services", service.name),
            "instances": [self._instance(service, seats[member]) for member in service.members],
        }

    def _instance(self, service: Service, seat: Seat) -> dict[str, Any]:
        member = seat.member
        instance, health = member.instance, member.health
        pool = self._gateway.keep.held(("pool", service.name, instance.id))
        now = self._gateway.clock.monotonic()
        return {
            "id": instance.id,
            "url": f"{instance.scheme}://{instance.path or instance.authority.decode()}",
            "weight": member.weight,
            "configured_weight": seat.weight,
            "zone": member.zone,
            "priority": member.priority,
            "state": member.state(now),
            "health": {
                "status": health.status.value,
                "reason": health.reason,
                "last_check": health.last_check or None,
                "response_time": health.response_time if health.last_check else None,
                "successes": health.successes,
                "failures": health.failures,
            },
            "in_flight": instance.in_flight,
            "latency": round(instance.latency, 6),
            "ejections": member.outlier.times_ejected(now),
            "connections": pool.thing.open_count if pool is not None else 0,
        }

    # ---- configuration ----------------------------------------------------------------------------------------------

    async def rules(self) -> list[dict[str, Any]]:
        """The routes in matching order."""
        snapshot, config = self._gateway.snapshot, self._gateway.config
        assert snapshot is not None
        return [
            {**describe(rank, entry, config), "source": self._reloader.origin("routes", entry.name)}
            for rank, entry in enumerate(snapshot.table.entries, 1)
        ]

    async def config(self) -> dict[str, Any]:
        """What is in force, in the long form: `text` as YAML, `revision` and `etag`."""
        revision, text = await self._shown()
        return {"text": text, "revision": revision, "etag": _etag(revision, text)}

    async def _shown(self) -> tuple[int, str]:
        """The revision in force, and its text: rendered once."""
        revision = self._reloader.state.revision
        if self._rendered[0] != revision:
            config = self._gateway.config
            text = await asyncio.to_thread(lambda: dump(self._reloader.redacted(show(config))))
            self._rendered = (revision, text)
            return revision, text
        return self._rendered

    async def apply(self, text: str | None, *, dry_run: bool, if_match: str | None) -> dict[str, Any]:
        """Serve by a text until the file changes, or by what the file says now; with `dry_run`, only say what is wrong."""

        async def first() -> None:
            if if_match not in {None, "*", _etag(*await self._shown())}:
                raise Stale("the configuration has changed since it was read; read it again")

        if text is None:
            return _outcome(await self._reloader.reload("admin", dry_run=dry_run, first=first))
        return _outcome(await self._reloader.apply(text, "admin", dry_run=dry_run, first=first))

    async def register(self, section: str, name: str, body: Any) -> dict[str, Any]:
        """Add or replace a service or a route that no file has."""
        self._own(section, name, new=True)
        data = self._registered()
        data.setdefault(section, {})[name] = body
        return _about(await self._provide(data), section, name)

    async def remove(self, section: str, name: str) -> dict[str, Any]:
        """Take away what was registered."""
        self._own(section, name)
        data = self._registered()
        del data[section][name]
        return await self._provide(data)

    async def register_instance(self, service: str, body: Any) -> dict[str, Any]:
        """Add an instance to a service, or replace the one of the same id that was added before."""
        self._named(service)
        return _about(_accepted(await self._reloader.add_instance(service, body)), "services", service)

    async def remove_instance(self, service: str, instance: str) -> dict[str, Any]:
        """Take away an instance that was added."""
        self._named(service).member(instance)
        if instance not in self._reloader.added(service):
            raise Conflict(
                f"{instance} stands in the configuration; change it there, or disable the instance"
            )
        return _accepted(await self._reloader.remove_instance(service, instance))

    def _own(self, section: str, name: str, *, new: bool = False) -> None:
        """See to it that an entry is ours to change.

        Raises:
            Conflict: it stands elsewhere.
            LookupError: there is none.

        """
        origin = self._reloader.origin(section, name)
        if origin not in {"", ADMIN}:
            raise Conflict(f"{section}.{name} comes from {origin}; change it there")
        if not origin and not new:
            raise LookupError(f"no {name} in {section}")

    def _registered(self) -> dict[str, dict[str, Any]]:
        provided = self._reloader.provided(ADMIN)
        data: Mapping[str, Any] = provided.data if provided is not None else {}
        return {section: dict(entries) for section, entries in data.items()}

    async def _provide(self, data: dict[str, dict[str, Any]]) -> dict[str, Any]:
        data = {section: entries for section, entries in data.items() if entries}
        provided = Provided(ADMIN, data) if data else None
        return _accepted(await self._reloader.provide(provided, ADMIN, "admin"))

    # ---- API keys ---------------------------------------------------------------------------------------------------

    async def keys(self) -> list[dict[str, Any]]:
        """All API keys, oldest first, without what would be needed to use one."""
        return await self._keys.list()

    async def create_key(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make an API key; `key` of the answer is the key itself, which nobody can have again."""
        return await self._keys.create(body)

    async def rotate_key(self, key_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make an API key in the place of another one, which is good for `grace` seconds more."""
        return await self._keys.rotate(key_id, body)

    async def revoke_key(self, key_id: str) -> None:
        """Take an API key out, at once."""
        await self._keys.revoke(key_id)

    # ---- the process ------------------------------------------------------------------------------------------------

    async def restart(self) -> None:
        """Renew all workers with fresh interpreters, one after the other; returns when the last one serves."""
        await self._gateway.front.restart()

    async def drain(self) -> None:
        """Begin the end of the process, as SIGTERM does."""
        if self._gateway.on_drain is None:
            raise ValueError("this gateway is part of another program, which ends it")
        self._gateway.on_drain()


def _accepted(outcome: Outcome) -> dict[str, Any]:
    """What was asked for is in force.

    Raises:
        ValueError: it is not, and why.

    """
    if not outcome.applied:
        raise ValueError("; ".join(str(problem) for problem in outcome.errors))
    return _outcome(outcome)


def _about(result: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    """What was done, with what is said against values of one entry that the admin API has added, or added to.

    That nothing uses a service yet goes without saying.
    """
    path = show_path((section, name))
    begins = (f"{path}.", f"{path}[")
    problems = [one for one in result["problems"] if one["file"] == ADMIN and one["path"].startswith(begins)]
    return {**result, "problems": problems}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "applied": outcome.applied,
        "revision": outcome.revision,
        "problems": [_problem(problem) for problem in outcome.problems],
    }


def _problem(problem: Any) -> dict[str, Any]:
    return attrs.asdict(problem)


def _etag(revision: int, text: str) -> str:
    # the text tells one process from the next, whose revisions begin anew; secrets are not in it, but make a revision
    return f'"{revision}-{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'
