"""Services as they run."""

from gatekeeper.core.exchange import Attempt
from gatekeeper.core.instance import Instance
from gatekeeper.registry.services import Service
from gatekeeper.testing import make_exchange


def instances(*names: str) -> list[Instance]:
    return [Instance("users", name, "http", "192.0.2.1", port) for port, name in enumerate(names, 8001)]


def test_instances_take_turns() -> None:
    """And one that was tried is passed over."""
    first, second = instances("a", "b")
    service = Service("users", [first, second])

    assert [first, second, first] == [service.pick(), service.pick(), service.pick((second,))]


def test_a_service_without_instances_has_nobody_to_ask() -> None:
    """That is for the filter to answer."""
    assert None is Service("users", []).pick()


def test_a_service_knows_what_is_under_way() -> None:
    """As do its instances."""
    first, second = instances("a", "b")
    service = Service("users", [first, second])
    exchange = make_exchange()
    attempt = Attempt(exchange, first, 1, 0.0)
    Attempt(exchange, second, 2, 0.0)
    assert 2 == service.in_flight

    attempt.complete()

    assert 1 == service.in_flight
    assert "<Service users 2 instances 1 in flight round_robin>" == repr(service)
