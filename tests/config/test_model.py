"""The classes of a configuration: defaults of the grammar, equality, help."""

from typing import Any

import attrs
import pytest

from gatekeeper.config import model
from gatekeeper.config.addresses import Listen, Url
from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.config.problems import Place, Refusal
from gatekeeper.core.text import Text, Value


CLASSES = [cls for name, cls in vars(model).items() if name.endswith("Config") and attrs.has(cls)]


def test_defaults_are_those_of_the_grammar() -> None:
    """Safe when short."""
    config = model.GatewayConfig()

    assert config.version == 1
    assert config.server.listen == {"main": model.ListenerConfig(address=Listen("0.0.0.0", 8080))}
    assert attrs.astuple(config.server.timeouts) == (10.0, 30.0, 75.0, 60.0)
    assert attrs.astuple(config.server.limits) == (100, 8192, 65536, 8192, 100, 10_000, 1000, 10_000)
    assert attrs.astuple(config.server.concurrency) == (2000, 500, 1.0)
    assert (config.server.half_close, config.server.underscore_headers) == (1.0, "drop")
    assert config.server.trusted_proxies == ()
    assert config.server.health_path is False
    assert config.server.drain == 30.0
    assert config.admin.listen == Listen("127.0.0.1", 9901)
    assert config.hosts == ()
    assert config.chains == {}
    assert config.services == {}
    assert config.routes == {}
    assert config.filters == ()


def test_the_timeouts_of_a_service_are_those_of_the_grammar() -> None:
    """The first byte may take as long as any silence after it."""
    timeouts = model.TimeoutsConfig()
    slow = model.TimeoutsConfig(read=90.0)

    assert attrs.asdict(timeouts) == {
        "connect": 5.0,
        "write": 30.0,
        "read": 30.0,
        "first_byte": 30.0,
        "total": False,
        "stream": 3600.0,
    }
    assert slow.first_byte == 90.0
    assert slow.total is False


def test_an_instance_is_called_by_its_address() -> None:
    """Unless it has an id."""
    url = Url("http", "users", 8080)

    assert model.InstanceConfig(url=url).id == "http://users:8080"
    assert model.InstanceConfig(url=url, id="one").id == "one"


def test_what_a_route_has_without_saying_so() -> None:
    """One alternative of rank 0, no rewriting, nothing sticky."""
    route = model.RouteConfig(match=(ConditionConfig(path=("/x",)),))

    assert [route.priority, route.to, route.sticky, route.rewrite] == [0, None, None, None]
    assert [route.filters, route.override, route.encoded_slashes] == [(), {}, "reject"]
    assert [route.max_body, route.websocket] == [16 * 1024 * 1024, False]
    assert model.TargetConfig() == model.TargetConfig(weight=1, pin=())
    assert model.StickyCookieConfig() == model.StickyCookieConfig(name="gk_side", ttl=604800.0)


def test_where_a_filter_stands_is_no_part_of_what_it_says() -> None:
    """Moving a line changes nothing."""
    first = model.FilterConfig(kind="a", name="a", place=Place(("filters", 0), "f", 1, 1))
    moved = model.FilterConfig(kind="a", name="a", place=Place(("filters", 0), "f", 9, 1))

    assert first == moved
    assert repr(first) == repr(moved)


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (model.TimeoutsConfig, {"read": 0.0}, "`read` must be longer than 0s"),
        (model.TimeoutsConfig, {"total": 0.0}, "`total` must be longer than 0s"),
        (model.ServerTimeoutsConfig, {"idle": 0.0}, "`idle` must be longer than 0s"),
        (model.ServerLimitsConfig, {"connections": 0}, "`connections` must be 1 or more"),
        (model.ServerLimitsConfig, {"body_rate": 0}, "`body_rate` must be more than 0B"),
        (model.RewriteConfig, {"strip": "/v1/"}, "`strip` must not end in `/`: write `/v1`"),
        (model.RewriteConfig, {"prefix": "/"}, "`prefix` must not end in `/`"),
        (model.RewriteConfig, {"path": Text("{path.rest}")}, "a path begins with `/`: write `/{path.rest}`"),
        (model.StickyConfig, {}, "`sticky` is by values like `header.x-user`, or by `cookie`"),
        (
            model.StickyConfig,
            {"by": (Value("address"),), "cookie": model.StickyCookieConfig()},
            "`sticky` is by values like `header.x-user`, or by `cookie`",
        ),
        (model.StickyCookieConfig, {"ttl": 0.0}, "`ttl` must be longer than 0s"),
    ],
)
def test_a_value_out_of_range_is_refused(cls: Any, values: dict[str, Any], message: str) -> None:
    """Whoever builds the object."""
    with pytest.raises(Refusal) as caught:
        cls(**values)

    assert message == str(caught.value)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_field_has_a_line_of_help(cls: Any) -> None:
    """`gatekeeper doc` and the schema are made of it."""
    fields = [field for field in attrs.fields(cls) if not field.metadata.get("hidden")]
    missing = [field.name for field in fields if not field.metadata.get("help")]

    assert cls.__doc__
    assert missing == (["options"] if cls is model.FilterConfig else [])
