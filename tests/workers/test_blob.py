"""A resolved configuration on its way between processes."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from gatekeeper.config.load import read_text
from gatekeeper.config.model import FilterConfig, GatewayConfig
from gatekeeper.config.problems import ConfigError
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.template import PathTemplate
from gatekeeper.runtime.build import Builder
from gatekeeper.runtime.identity import Known
from gatekeeper.runtime.keep import Keep
from gatekeeper.testing import Surroundings
from gatekeeper.workers.blob import pack, unpack
from tests.config import plugin as plugin_module
from tests.config.corpus import GOOD, cases


PLUGIN = """\
import attrs
from gatekeeper import hookimpl

@attrs.frozen(kw_only=True)
class OwnConfig:
    {fields}

class Own:
    def __init__(self, config, context):
        pass

    def wrap(self, next):
        return next

@hookimpl
def gatekeeper_register(catalog):
    catalog.filter("own", OwnConfig, Own)
"""
TEXT = """\
version: 1
routes: {all: {match: /**, filters: [own: {word: yes-or-no}, static: {body: {text: hello}}]}}
"""


def read(text: str, host: PluginHost) -> GatewayConfig:
    """Read a configuration that is sound."""
    draft = read_text(text, host.catalog, template=PathTemplate.parse)
    assert not draft.errors
    assert draft.config is not None
    return draft.config


@pytest.mark.parametrize("name", [case.name for case in cases(GOOD)])
def test_it_arrives_as_it_was(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a file can say, with places and secrets."""
    [case] = [case for case in cases(GOOD) if case.name == name]
    monkeypatch.chdir(case.file.parent)
    host = PluginHost()
    host.add("plugin", "tests", plugin_module)
    config = case.load(host).config

    arrived = unpack(pack(config))

    assert config == arrived
    assert [listener.place for listener in config.server.listen.values()] == [
        listener.place for listener in arrived.server.listen.values()
    ]


WHO = """\
version: 1
services: {app: http://127.0.0.1:1}
authenticators: {keys: {api_key: {query: key}}}
plans: {gold: {}, silver: {}}
consumers:
  acme:
    roles: [admin]
    plan: gold
    labels: {team: blue}
    credentials: {keys: {id: first, sha256: "%s", expires: "2027-01-01T00:00:00Z", scopes: [read]}}
routes:
  all:
    match: /**
    to: app
    filters:
      - auth: {any_of: [keys], upstream_headers: {x-who: "{consumer} {claim.sub}"}}
      - authorize: {role: admin, claim: {org: {regex: "a+"}}, not: {plan: silver}}
""" % ("0" * 64)


def test_who_may_come_arrives_too() -> None:
    """With what proves it, and it can be built there."""
    host = PluginHost()
    config = read(WHO, host)

    arrived = unpack(pack(config))

    assert config == arrived
    assert arrived.authenticators["keys"].place == config.authenticators["keys"].place
    (credential,) = Known.by("keys", arrived).credentials
    assert ("acme", "0" * 64, ("read",)) == (
        credential.consumer.name,
        credential.config.sha256,
        credential.config.scopes,
    )
    surroundings = Surroundings()
    builder = Builder(surroundings, host.catalog, surroundings.fake_clock.wheel, Keep(surroundings.spawn))
    assert ["auth", "authorize", "forward"] == list(
        builder.prepare(arrived, 1).snapshot.table.entries[0].target.chain.names
    )


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Any]:
    """Load a plugin whose options have these fields, in place of the one before."""

    def load(fields: str) -> PluginHost:
        (tmp_path / "own.py").write_text(PLUGIN.format(fields=fields))
        sys.dont_write_bytecode = True
        return PluginHost([tmp_path / "own.py"])

    before = sys.dont_write_bytecode
    yield load
    sys.dont_write_bytecode = before


def options_of(config: GatewayConfig) -> Any:
    """What the first filter of the route has."""
    item = config.routes["all"].filters[0]
    assert isinstance(item, FilterConfig)
    return item.options


def with_options(config: GatewayConfig, options: object) -> GatewayConfig:
    """The same with other options of its first filter."""
    first, *others = config.routes["all"].filters
    assert isinstance(first, FilterConfig)
    route = attrs.evolve(config.routes["all"], filters=(attrs.evolve(first, options=options), *others))
    return attrs.evolve(config, routes={"all": route})


def test_options_of_plugins_arrive(plugin: Any) -> None:
    """As objects of their class."""
    config = read(TEXT, plugin("word: str = ''"))

    assert options_of(config) == options_of(unpack(pack(config)))


def test_newer_code_has_its_own_defaults(plugin: Any) -> None:
    """An option that the supervisor does not know."""
    packed = pack(read(TEXT, plugin("word: str = ''")))
    plugin("word: str = ''; more: int = 7")

    arrived = options_of(unpack(packed))

    assert ("yes-or-no", 7) == (arrived.word, arrived.more)


def test_newer_code_without_an_option_refuses_it(plugin: Any) -> None:
    """With the words of Python, and a guess."""
    packed = pack(read(TEXT, plugin("word: str = ''")))
    plugin("other: str = ''")

    with pytest.raises(ConfigError, match=r"word.*another version"):
        unpack(packed)


def test_what_cannot_pass_is_refused(plugin: Any) -> None:
    """A class that only a function knows, say."""
    config = read(TEXT, plugin("word: str = ''"))

    @attrs.frozen
    class Local:
        word: str = ""

    with pytest.raises(ConfigError, match="pass between processes"):
        pack(with_options(config, Local()))


def test_a_plugin_that_has_gone_is_told() -> None:
    """Its module cannot be found."""
    module = ModuleType("gone_for_good")
    sys.modules["gone_for_good"] = module
    exec("import attrs\n@attrs.frozen\nclass Config:\n    word: str = ''\n", module.__dict__)
    config = read("version: 1\nroutes: {all: {match: /**, filters: [static: {}]}}\n", PluginHost())
    packed = pack(with_options(config, module.Config()))
    del sys.modules["gone_for_good"]

    with pytest.raises(ConfigError, match="gone_for_good"):
        unpack(packed)
