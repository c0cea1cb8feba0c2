"""What a worker is told: healths, overrides, readiness, sockets."""

import socket
from typing import Any

import pytest

from gatekeeper.config.addresses import Listen
from gatekeeper.config.model import GatewayConfig
from gatekeeper.extend.host import PluginHost
from gatekeeper.policy.health import Health, Outcome, Status
from gatekeeper.registry.services import Service
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.workers.inside import Heard, WorkerFront, overrides_of, read_health, show_health


TWO = """\
version: 1
admin: {listen: false}
services: {app: {instances: [{url: "http://127.0.0.1:1", id: a}, {url: "http://127.0.0.1:2", id: b, weight: 3}]}}
routes: {all: {match: /**, to: app}}
"""


@pytest.fixture(scope="module")
def config() -> GatewayConfig:
    """One service of two instances."""
    return load_gateway_text(TWO, PluginHost()).config


@pytest.fixture
def gateway(config: GatewayConfig, installed_plugins: PluginHost) -> Gateway:
    """A worker that has not begun."""
    return Gateway(config, installed_plugins, role="worker")


@pytest.fixture
def services(gateway: Gateway, config: GatewayConfig) -> dict[str, Service]:
    """Its services, in force."""
    prepared = gateway.builder.prepare(config, 1)
    prepared.commit(warm=True)
    return dict(prepared.snapshot.services)


def sick(instance: str = "a") -> dict[str, Any]:
    """What a supervisor says of an instance that is down."""
    health = Health(status=Status.UNHEALTHY, reason="connection refused", failures=3, last_check=1.5)
    return {"service": "app", "instance": instance, "health": show_health(health)}


def states(services: dict[str, Service]) -> dict[str, str]:
    """Of all instances."""
    return {member.instance.id: member.state(0.0) for member in services["app"].members}


def test_a_health_survives_the_way() -> None:
    """As plain data."""
    health = Health().note(Outcome.OK, "", 10.0, 0.25, 1, 3).note(Outcome.FAILED, "timeout", 20.0, 5.0, 1, 3)

    assert health == read_health(show_health(health))
    assert {"status": "healthy", "reason": "timeout"}.items() <= show_health(health).items()


def test_what_was_heard_before_holds_from_the_start(services: dict[str, Service]) -> None:
    """A successor sends nobody to an instance that is down."""
    heard = Heard()
    heard.note(sick())
    heard.note(sick("unknown"))
    heard.override({"service": "app", "instance": "b", "changes": {"weight": 7}})
    heard.apply(services, lambda: 0.0)

    assert {"a": "unhealthy", "b": "fit"} == states(services)
    assert 7 == services["app"].member("b").weight


def test_what_is_heard_later_holds_at_once(services: dict[str, Service]) -> None:
    """And so does its end."""
    heard = Heard()
    heard.apply(services, lambda: 0.0)
    heard.note(sick())
    down = states(services)
    heard.note({**sick(), "health": show_health(Health(status=Status.HEALTHY))})

    assert {"a": "unhealthy", "b": "fit"} == down
    assert {"a": "fit", "b": "fit"} == states(services)


def test_an_operator_is_heard(services: dict[str, Service]) -> None:
    """Of what has gone, nothing."""
    heard = Heard()
    heard.apply(services, lambda: 0.0)
    heard.override({"service": "app", "instance": "a", "changes": {"draining": True}})
    heard.override({"service": "app", "instance": "gone", "changes": {"draining": True}})
    heard.override({"service": "gone", "instance": "a", "changes": {"draining": True}})
    heard.note({**sick(), "service": "gone"})

    assert {"a": "draining", "b": "fit"} == states(services)


def test_overrides_are_told_as_they_were_said(services: dict[str, Service]) -> None:
    """Only where there is one."""
    before = overrides_of(services.values())
    services["app"].override("a", disabled=True)
    services["app"].override("b", weight=1)

    assert [] == before
    assert [
        {"service": "app", "instance": "a", "changes": {"weight": 1, "draining": False, "disabled": True}},
        {"service": "app", "instance": "b", "changes": {"weight": 1, "draining": False, "disabled": False}},
    ] == overrides_of(services.values())


async def test_sockets_are_given_by_name(gateway: Gateway) -> None:
    """Each once; what nobody takes is closed."""
    one, other = socket.socket(), socket.socket()
    front = WorkerFront(
        gateway, heard=Heard(), given={"main": one, "other": other}, write_access=lambda _: None
    )

    taken = front.bind("main", Listen("127.0.0.1", 80))
    with pytest.raises(OSError, match=r"127\.0\.0\.1:80"):
        front.bind("main", Listen("127.0.0.1", 80))
    front.give({})

    assert taken is one
    assert -1 == other.fileno() != one.fileno()
    one.close()
    await front.drain(0, linger=False)
