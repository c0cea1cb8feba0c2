"""Rules about a service. Messages are in the corpus, too, file by file."""

from collections.abc import Callable

import pytest

from gatekeeper.config.addresses import Url
from gatekeeper.config.check import check
from gatekeeper.config.model import BalanceConfig, GatewayConfig, InstanceConfig, ServiceConfig
from gatekeeper.config.tree import Tree
from gatekeeper.routing.template import PathTemplate
from tests.config.plugin import KINDS


Problems = Callable[[str], list[str]]
ROUTE = "routes: {a: {match: /x, to: a}}"


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param(
            "instances: [{url: http://a, weight: 0}, {url: http://b, weight: 0, priority: 1}]",
            "2:27: services.a.instances: all weights are 0; give at least one instance a part [bad-value]",
            id="nobody-is-asked",
        ),
        pytest.param(
            "instances: [http://a, {url: http://a, id: two}]",
            "2:38: services.a.instances[1]: `http://a` stands twice [bad-value]",
            id="an-address-twice",
        ),
        pytest.param(
            "instances: [{url: http://a, id: x}, {url: http://b, id: x}]",
            "2:52: services.a.instances[1]: two instances have the id `x` [bad-value]",
            id="an-id-twice",
        ),
        pytest.param(
            "instances: ['unix:///run/a'], health: {knock: {port: 5}}",
            (
                "2:63: services.a.health.knock.port: `unix:///run/a` has no ports; leave `port` out, or write"
                " `health: false` [conflict]"
            ),
            id="a-socket-file-has-no-port",
        ),
        pytest.param(
            "instances: [http://a], balance: {sharded: instance}",
            (
                "2:58: services.a.balance.sharded: `instance` is known when one has been chosen, and cannot choose it"
                " [bad-placeholder]"
            ),
            id="the-instance-chooses-itself",
        ),
        pytest.param(
            "instances: [http://a], balance: {sharded: {by: path.id}}",
            (
                "2:63: services.a.balance.sharded.by: `{path.id}`: route `a` sends here, and the path `/x` captures nothing"
                " [bad-placeholder]"
            ),
            id="what-no-route-captures",
        ),
        pytest.param(
            "instances: [http://a], tls: {verify: false}",
            "2:39: services.a.tls: `tls` has no effect: none of the `instances` is https [conflict]",
            id="tls-that-nobody-speaks",
        ),
    ],
)
def test_what_does_not_go_together(service: str, expected: str, problems: Problems) -> None:
    """Each says where, and what to do."""
    assert [expected] == problems(f"version: 1\nservices: {{a: {{{service}}}}}\n{ROUTE}")


@pytest.mark.parametrize(
    "text",
    [
        "services: {a: {instances: [{url: http://a, weight: 0}, http://b], balance: {sharded: address}}}",
        "services: {a: {instances: ['unix:///run/a'], health: {knock: {}}}}",
        "services: {a: {instances: ['unix:///run/a', http://a], health: /up}}",
        "services: {a: {instances: [http://a], host_header: backend}}",
        "services: {a: {instances: [http://a], host_header: clients.example}}",
        "services: {a: {instances: [{url: http://a, zone: east}], balance: {prefer_zone: east}}}",
        "services: {a: {instances: [http://a], outliers: {eject_at_most: 100%}}}",
    ],
)
def test_what_goes_together(text: str, problems: Problems) -> None:
    """Nothing is said."""
    assert [] == problems(f"version: 1\n{text}\n{ROUTE}")


def warnings(service: ServiceConfig, tree: Tree | None = None) -> list[str]:
    config = GatewayConfig(services={"a": service})
    return [fault.message for fault in check(config, KINDS, tree or Tree(), PathTemplate.parse)]


def instance(**more: object) -> InstanceConfig:
    return InstanceConfig(url=Url("http", "a", 80), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param(
            ServiceConfig(instances=(instance(zone="east"),), balance=BalanceConfig(prefer_zone="aest")),
            ["no instance is in the zone `aest`; did you mean `east`?"],
            id="a-slip",
        ),
        pytest.param(
            ServiceConfig(instances=(instance(zone="east"),), balance=BalanceConfig(prefer_zone="north")),
            ["no instance is in the zone `north`; there are `east`"],
            id="another-zone",
        ),
        pytest.param(
            ServiceConfig(instances=(instance(),), balance=BalanceConfig(prefer_zone="north")),
            ["no instance is in the zone `north`; give it one, as in `zone: east`"],
            id="no-zones",
        ),
        pytest.param(
            ServiceConfig(instances=(instance(),), host_header="clinet"),
            ["`clinet` is sent as it is; did you mean `client`?"],
            id="a-word-with-a-slip",
        ),
        pytest.param(
            ServiceConfig(instances=(InstanceConfig(url=Url("http", "localhost", 9901)),)),
            [
                "`http://localhost:9901` is `admin.listen` of this gateway: clients would come to the side of its operators"
            ],
            id="ADM-10-its-own-admin-listener",
        ),
        pytest.param(
            ServiceConfig(instances=(InstanceConfig(url=Url("http", "169.254.169.254", 80)),)),
            [
                "`http://169.254.169.254` is link-local: in a cloud, whoever asks there may get the credentials of this machine"
            ],
            id="ADM-10-metadata-of-a-cloud",
        ),
    ],
)
def test_what_is_nearly_always_a_mistake(service: ServiceConfig, expected: list[str]) -> None:
    """It is served all the same."""
    assert expected == warnings(service)


def test_a_zone_that_all_services_prefer_need_not_be_in_each(
    problems: Problems, load: Callable[[str], GatewayConfig]
) -> None:
    """`defaults` say it for those that have zones."""
    text = f"version: 1\ndefaults: {{services: {{balance: {{prefer_zone: east}}}}}}\nservices: {{a: http://a}}\n{ROUTE}"

    assert [] == problems(text)
    assert "east" == load(text).services["a"].balance.prefer_zone
