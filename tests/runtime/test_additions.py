"""What is served beside the files."""

from gatekeeper.config.addresses import Url
from gatekeeper.config.model import GatewayConfig, InstanceConfig, ServiceConfig
from gatekeeper.config.provided import Provided
from gatekeeper.runtime.additions import Additions


def instance(port: int, name: str = "", weight: int = 1) -> InstanceConfig:
    url = Url.parse(f"http://127.0.0.1:{port}")
    return InstanceConfig(url=url, id=name or str(url), weight=weight)


def test_what_providers_say_is_in_the_order_of_their_names() -> None:
    """However they came; the last word of each counts."""
    additions = Additions()
    for name, word in (("b", "first"), ("a", "x"), ("b", "second"), ("c", "y")):
        additions.provide(name, Provided(name, text=word))
    additions.provide("c", None)
    additions.provide("nobody", None)

    assert ["x", "second"] == [one.text for one in additions.sources]
    found = additions.provided("b")
    assert found is not None
    assert "second" == found.text
    assert None is additions.provided("c")


def test_instances_join_services() -> None:
    """Behind those that are written; one of the same id takes the place of another. A service that is not there is none."""
    config = GatewayConfig(
        services={
            "users": ServiceConfig(instances=(instance(1, "one"), instance(2, "two"))),
            "orders": ServiceConfig(instances=(instance(3),)),
        }
    )
    additions = Additions()
    assert config is additions.put_into(config)

    additions.join("users", {"three": instance(9, "three"), "one": instance(8, "one", 5)})
    additions.join("gone", {"x": instance(7)})

    joined = additions.put_into(config).services
    assert [("one", 5), ("two", 1), ("three", 1)] == [
        (one.id, one.weight) for one in joined["users"].instances
    ]
    assert config.services["orders"] is joined["orders"]
    assert "gone" not in joined
    assert {"three", "one"} == additions.instances("users").keys()
    assert {} == additions.instances("orders")
    additions.join("users", {})
    additions.join("gone", {})
    assert config is additions.put_into(config)
