"""The kinds that there are."""

from typing import Any

import attrs
import pytest

from gatekeeper.config.conditions import IDENTITY_KEYS, ConditionConfig
from gatekeeper.config.identity import ClaimsConfig
from gatekeeper.config.wording import keys
from gatekeeper.extend.catalog import PREDICATES, Catalog, CatalogError
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.loading import load_gateway_text


@attrs.frozen
class Options:
    """Do something.

    At length.
    """


class NoAttrs:
    """Options that nobody could read."""


def build(config: Any, context: Any) -> Any:
    return config


def test_a_kind_knows_what_was_declared() -> None:
    """And who declared it."""
    catalog = Catalog()
    catalog.plugin = "mine"

    catalog.filter("mine_stamp", Options, build, main="text", terminal=True)
    catalog.attempt_filter("mine_try", Options, build, main="x")

    stamp, attempt = catalog.filters["mine_stamp"], catalog.filters["mine_try"]
    assert ("mine_stamp", Options, build, "text", "mine", True, "exchange") == attrs.astuple(stamp)
    assert ("attempt", False, "x", "mine") == (attempt.scope, attempt.terminal, attempt.main, attempt.plugin)
    assert "Do something." == stamp.summary
    assert ("mine_stamp", "mine_try") == catalog.of_plugin("mine")
    assert () == catalog.of_plugin("theirs")


@pytest.mark.parametrize(
    ("register", "table"),
    [
        ("predicate", "predicates"),
        ("balancer", "balancers"),
        ("probe", "probes"),
        ("provider", "providers"),
    ],
)
def test_every_kind_of_part_has_names_of_its_own(register: str, table: str) -> None:
    """And each is declared in the same way."""
    catalog = Catalog()
    catalog.plugin = "mine"

    getattr(catalog, register)("mine_part", Options, build, main="text")

    (kind,) = getattr(catalog, table).values()
    assert ("mine_part", Options, build, "text", "mine") == attrs.astuple(kind)
    assert ("mine_part",) == catalog.of_plugin("mine")
    with pytest.raises(
        CatalogError, match=f"declares {register} 'mine_part', which plugin 'mine' has declared"
    ):
        getattr(catalog, register)("mine_part", Options, build)
    catalog.filter("mine_part", Options, build)


def test_a_kind_without_a_word_about_it_has_no_summary() -> None:
    """It is empty, not an error."""

    @attrs.frozen
    class Silent:
        pass

    catalog = Catalog()
    catalog.filter("silent", Silent, build)

    assert "" == catalog.filters["silent"].summary


@pytest.mark.parametrize("name", ["", "Stamp", "1stamp", "my-stamp", "my stamp", "ä", "stamp\n", "_x"])
@pytest.mark.parametrize(
    "register", ["filter", "attempt_filter", "authenticator", "predicate", "balancer", "probe", "provider"]
)
def test_a_name_is_a_name(name: str, register: str) -> None:
    """It becomes a key in a file."""
    catalog = Catalog()
    catalog.plugin = "mine"

    with pytest.raises(CatalogError, match=r"plugin 'mine': .* is no name for a kind; use a-z, 0-9 and _"):
        getattr(catalog, register)(name, Options, build)


def test_options_are_an_attrs_class() -> None:
    """Nothing else could be read and documented."""
    with pytest.raises(
        CatalogError, match=r"the options of filter 'stamp' are .*NoAttrs.*, not an attrs class"
    ):
        Catalog().filter("stamp", NoAttrs, build)


def test_a_kind_is_declared_once() -> None:
    """The message names both plugins and says what to do."""
    catalog = Catalog()
    catalog.plugin = "first"
    catalog.filter("stamp", Options, build)
    catalog.plugin = "second"

    with pytest.raises(CatalogError) as caught:
        catalog.attempt_filter("stamp", Options, build)

    assert "plugin 'second' declares filter 'stamp', which plugin 'first' has declared" in str(caught.value)
    assert "block one of the two" in str(caught.value)


def test_a_predicate_knows_what_was_declared() -> None:
    """And may be called like a filter: they are asked for in different places."""
    catalog = Catalog()
    catalog.plugin = "mine"

    catalog.filter("mine_country", Options, build)
    catalog.predicate("mine_country", Options, build, main="codes")

    kind = catalog.predicates["mine_country"]
    assert ("mine_country", Options, build, "codes", "mine") == attrs.astuple(kind)
    assert "Do something." == kind.summary


@pytest.mark.parametrize("kind", ["path", "header", "consumer", "not"])
def test_a_predicate_takes_no_built_in_name(kind: str) -> None:
    """Nobody could say what it asks."""
    catalog = Catalog()
    catalog.plugin = "mine"

    with pytest.raises(CatalogError, match=f"plugin 'mine' declares predicate '{kind}', which is built in"):
        catalog.predicate(kind, Options, build)


def test_a_predicate_is_declared_once() -> None:
    """As a filter is."""
    catalog = Catalog()
    catalog.plugin = "first"
    catalog.predicate("country", Options, build)
    catalog.plugin = "second"

    with pytest.raises(
        CatalogError, match="plugin 'second' declares predicate 'country', which plugin 'first'"
    ):
        catalog.predicate("country", Options, build)


def test_the_built_in_keys_of_conditions_are_those_of_the_grammar() -> None:
    """What the configuration reads by itself no plugin may take."""
    own = {key for key in keys(ConditionConfig) if key != "predicates"}

    assert own | set(IDENTITY_KEYS) == PREDICATES


# ---- authenticators -------------------------------------------------------------------------------------------------


@attrs.frozen
class Secret:
    """What a consumer proves itself with."""


@pytest.mark.parametrize(
    ("options", "credential", "reads_claims"),
    [
        ({}, None, False),
        ({"credential": Secret}, Secret, False),
        ({"reads_claims": True}, ClaimsConfig, True),
    ],
)
def test_a_kind_of_authenticator_knows_what_was_declared(
    options: dict[str, Any], credential: type | None, reads_claims: bool
) -> None:
    """Where it reads claims, consumers say which are theirs."""
    catalog = Catalog()
    catalog.plugin = "mine"

    catalog.authenticator("mine_keys", Options, build, main="x", **options)
    catalog.filter("mine_keys", Options, build)

    kind = catalog.authenticators["mine_keys"]
    assert ("mine_keys", Options, build, "x", "mine", credential, reads_claims) == attrs.astuple(kind)
    assert ("mine_keys", "mine_keys") == catalog.of_plugin("mine")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"config": NoAttrs}, "the options of authenticator 'keys' are .*NoAttrs.*, not an attrs class"),
        ({"credential": NoAttrs}, "the credentials of 'keys' are .*NoAttrs.*, not an attrs class"),
        (
            {"credential": Secret, "reads_claims": True},
            "'keys' reads claims, and so consumers say which claims are theirs; leave `credential` out",
        ),
    ],
)
def test_a_kind_of_authenticator_that_nobody_could_use(options: dict[str, Any], message: str) -> None:
    """It is refused where it is declared."""
    catalog = Catalog()
    catalog.plugin = "mine"

    with pytest.raises(CatalogError, match=f"plugin 'mine': {message}"):
        catalog.authenticator("keys", **{"config": Options, "build": build, **options})

    assert {} == catalog.authenticators


def test_a_kind_of_authenticator_is_declared_once() -> None:
    """As a filter is."""
    catalog = Catalog()
    catalog.plugin = "first"
    catalog.authenticator("keys", Options, build)
    catalog.plugin = "second"

    with pytest.raises(
        CatalogError, match="plugin 'second' declares authenticator 'keys', which plugin 'first'"
    ):
        catalog.authenticator("keys", Options, build)


def test_a_scheme_of_secrets_is_declared_once() -> None:
    """By one plugin, under a name that the gateway does not use itself."""
    catalog = Catalog()
    catalog.plugin = "one"
    catalog.secret("vault", str.upper)

    assert {"vault": str.upper} == catalog.secrets
    assert ("${vault:}",) == catalog.of_plugin("one")
    catalog.plugin = "two"
    for scheme, message in (
        ("vault", "plugin 'two' declares `${vault:...}`, which plugin 'one' has declared; choose another"),
        (
            "file",
            "plugin 'two' declares `${file:...}`, which plugin 'gatekeeper' has declared; choose another",
        ),
        ("env", "plugin 'two' declares `${env:...}`, which plugin 'gatekeeper' has declared; choose another"),
        ("A b", "plugin 'two': 'A b' is no name for a scheme; use a-z, 0-9 and _"),
    ):
        with pytest.raises(CatalogError) as caught:
            catalog.secret(scheme, str)
        assert message == str(caught.value)


def test_a_plugin_brings_secrets_to_a_configuration() -> None:
    """Wherever a value stands."""
    host = PluginHost()
    host.catalog.secret("vault", lambda name: f"http://{name}:8080")
    config = load_gateway_text(
        'version: 1\nservices: {a: "${vault:users}"}\nroutes: {a: {match: /**, to: a}}\n', host
    ).config

    assert "http://users:8080" == str(config.services["a"].instances[0].url)
