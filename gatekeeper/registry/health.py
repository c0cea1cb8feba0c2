"""The checks that ask instances whether they are well, one after the other for each instance.

Every instance has a task of its own, which mostly sleeps: 2.4 KiB and a timer each (Debian's python3.11). The first
check comes within a second, spread so that those of many instances do not fall together; further ones a tenth of the
interval early or late, so that they do not come to do so, nor those of many gateways. A check of an instance never
overlaps another one of it.

What the outcomes mean is decided in `gatekeeper.policy.health`. One line is logged when a status changes, none for a
check.
"""

import asyncio
import logging
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from random import Random
from typing import TYPE_CHECKING, Any, Final, Protocol

from gatekeeper.core.clock import Clock
from gatekeeper.core.instance import Instance
from gatekeeper.observe.metrics import Metrics
from gatekeeper.policy.health import Health, Outcome, Status


if TYPE_CHECKING:
    from gatekeeper.registry.services import Check, Member, Service


SOON: Final = 1.0
"""Seconds within which an instance is checked for the first time."""
SPREAD: Final = 0.1
"""The part of the interval by which a check comes early or late at most."""
PARALLEL: Final = 16
"""How many checks `check_now` makes at the same time."""
LONGEST_REASON: Final = 200

log = logging.getLogger(__name__)


class Probe(Protocol):
    """Asks an instance once whether it is well. Returning is yes; time is bounded by whoever calls it.

    Probes that ask the same should be equal, as objects of attrs classes are: a reload then leaves the checks alone.
    """

    async def __call__(self, instance: Instance, /) -> None:
        """Ask.

        Raises:
            Unexpected: it answered, but not as expected.
            Unfit: it did not answer, or says that it is unfit; so does any other exception.

        """
        ...


class Unexpected(Exception):
    """An instance answered a check, but not as expected. The message says what came, and what to change."""


class Unfit(Exception):
    """An instance did not answer a check, or said of itself that it is unfit. The message says why."""


Spawn = Callable[[str, Coroutine[Any, Any, None]], "asyncio.Task[None]"]
Tell = Callable[["Service", "Member", Health], object]
"""Hears that a status has changed; the health is the one before."""


class _Watch:
    """The checks of one member, from the first to the last."""

    __slots__ = ("check", "lock", "member", "service", "task")

    def __init__(self, service: "Service", member: "Member", check: "Check") -> None:
        self.service = service
        self.member: Final = member
        self.check = check
        self.lock = asyncio.Lock()
        self.task: asyncio.Task[None] | None = None


class HealthChecks:
    """The checks of all services. `sleep` is what passes between them."""

    def __init__(
        self,
        clock: Clock,
        random: Random,
        spawn: Spawn,
        metrics: Metrics,
        tell: Tell,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._random = random
        self._spawn = spawn
        self._metrics = metrics
        self._tell = tell
        self._sleep = sleep
        self._watches: dict[tuple[str, str], _Watch] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._fit = metrics.gauge(
            "gatekeeper_instance_fit",
            "1 for an instance that health checks leave in, 0 for one that they take out.",
            ("service", "instance"),
            once=True,
        )
        self._checks = metrics.counter(
            "gatekeeper_health_checks_total", "Health checks made.", ("service", "instance", "outcome")
        )

    def apply(self, services: "Iterable[Service]") -> None:
        """Check the members of these services from now on, and no others.

        Those whose check is the same as before go on undisturbed. New ones, and those whose check has changed, are
        checked soon. Where checks have been switched off, nobody is unhealthy any more.
        """
        before, self._watches = self._watches, {}
        for service in services:
            for member in service.members:
                key = (service.name, member.instance.id)
                old = before.get(key)
                if old is not None and old.member is not member:
                    old = None
                if service.check is None:
                    self._set_health(service, member, Health())
                elif old is not None and old.check == service.check:
                    # equal, but the newer one: it may hold what has been read anew, like certificates
                    old.service, old.check = service, service.check
                    self._watches[key] = before.pop(key)
                else:
                    if old is not None and old.check.probe != service.check.probe:
                        self._set_health(service, member, member.health.asked_anew(self._clock.wall()))
                    self._watches[key] = self._begin(_Watch(service, member, service.check))
        for key, watch in before.items():
            self._end(watch)
            if key not in self._watches:
                self._metrics.remove(self._fit, key)
                self._metrics.remove(self._checks, key)

    async def check_now(self, service: "Service") -> "list[tuple[Member, Outcome, str]]":
        """Check all members of a service now, and return what was found and why; the checks count like all others."""
        places = asyncio.Semaphore(PARALLEL)

        async def check(watch: _Watch) -> "tuple[Member, Outcome, str]":
            async with places:
                return watch.member, *await self._check(watch)

        keys = [(service.name, member.instance.id) for member in service.members]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(check(self._watches[key])) for key in keys if key in self._watches]
        return [task.result() for task in tasks]

    async def close(self) -> None:
        """End all checks; those that are under way are given up."""
        watches, self._watches = self._watches, {}
        for watch in watches.values():
            self._end(watch)
        await asyncio.gather(*self._ending, return_exceptions=True)

    # ---- the checks of one member ---------------------------------------------------------------------------------

    def _begin(self, watch: _Watch) -> _Watch:
        service, instance = watch.service.name, watch.member.instance.id
        self._fit.child(service, instance).set(int(watch.member.health.fit))
        watch.task = self._spawn(f"health of {service} {instance}", self._go_on(watch))
        return watch

    def _end(self, watch: _Watch) -> None:
        task = watch.task
        if task is not None and not task.done():
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.cancel()

    async def _go_on(self, watch: _Watch) -> None:
        await self._sleep(self._random.random() * min(SOON, watch.check.every))
        while True:
            await self._check(watch)
            await self._sleep(watch.check.every * self._random.uniform(1 - SPREAD, 1 + SPREAD))

    async def _check(self, watch: _Watch) -> tuple[Outcome, str]:
        """Make one check and take note of it, unless the member is no longer checked this way."""
        async with watch.lock:
            check, instance = watch.check, watch.member.instance
            began = self._clock.monotonic()
            outcome, reason = await _ask(check, instance)
            key = (watch.service.name, instance.id)
            if self._watches.get(key) is watch:
                self._checks.child(*key, outcome).inc()
                health = watch.member.health.note(
                    outcome,
                    reason,
                    self._clock.wall(),
                    self._clock.monotonic() - began,
                    check.healthy_after,
                    check.unhealthy_after,
                )
                self._set_health(watch.service, watch.member, health)
            return outcome, reason

    def _set_health(self, service: "Service", member: "Member", health: Health) -> None:
        before, member.health = member.health, health
        instance = member.instance.id
        try:
            if health.fit != before.fit:
                self._fit.child(service.name, instance).set(int(health.fit))
                service.refresh(self._clock.monotonic())
            if health.status is not before.status:
                _log_change(service.name, instance, health)
                self._tell(service, member, before)
        except Exception:
            # whoever hears of it has failed, which is no reason to check no more
            log.exception("%s: the change of %s to %s failed", service.name, instance, health.status)


def _log_change(service: str, instance: str, health: Health) -> None:
    extra = {"service": service, "instance": instance}
    if health.status is Status.HEALTHY:
        log.info("%s: %s is healthy", service, instance, extra=extra)
    elif health.status is not Status.UNKNOWN:
        extra["reason"] = health.reason
        log.warning("%s: %s is %s: %s", service, instance, health.status, health.reason, extra=extra)


# ---- one check ----------------------------------------------------------------------------------------------------


async def _ask(check: "Check", instance: Instance) -> tuple[Outcome, str]:
    """Make one check, and say what was found and why."""
    limit = asyncio.timeout(check.timeout)
    try:
        async with limit:
            await check.probe(instance)
    except Unexpected as error:
        return Outcome.WRONG, _short(str(error) or "not as expected")
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # something that the probe waited for was cancelled, and not the check
        return Outcome.FAILED, "the probe was cancelled"
    except Exception as error:  # noqa: BLE001 - probes of plugins raise what they like
        if limit.expired():
            return Outcome.FAILED, f"no answer within {check.timeout:g}s"
        return Outcome.FAILED, _short(reason_of(error))
    return Outcome.OK, ""


_ERRNO: Final = re.compile(r"\[Errno (\d+)\]")


def reason_of(error: BaseException) -> str:
    """What went wrong, in a few words for people: `connection refused`, `certificate verify failed: ...`."""
    match error:
        case Unfit():
            return str(error) or "unfit"
        case ssl.SSLCertVerificationError():
            return f"certificate verify failed: {getattr(error, 'verify_message', error)}"
        case ssl.SSLError():
            # neither attribute is there where Python itself, and not OpenSSL, has raised it
            return f"TLS failed: {(getattr(error, 'reason', '') or str(error)).replace('_', ' ').lower()}"
        case socket.gaierror():
            return f"the host cannot be resolved: {(error.strerror or str(error)).lower()}"
        case ConnectionResetError():
            return "connection reset by peer"
        case OSError():
            # several addresses that all refused are one error without a number, which lists theirs
            numbers = {error.errno} if error.errno else {int(number) for number in _ERRNO.findall(str(error))}
            if len(numbers) == 1:
                return os.strerror(numbers.pop()).lower()
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _short(reason: str) -> str:
    return reason if len(reason) <= LONGEST_REASON else f"{reason[: LONGEST_REASON - 3]}..."
