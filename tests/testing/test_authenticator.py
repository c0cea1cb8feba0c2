"""An authenticator of a plugin in its first test, and a filter that asks one."""

from typing import Any

import attrs
import pytest

from gatekeeper import hookimpl
from gatekeeper.config.problems import ConfigError
from gatekeeper.core.errors import Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.vocabulary import Name
from gatekeeper.testing import RunFilter, Surroundings, make_authenticator, make_exchange


@attrs.frozen(kw_only=True)
class WordConfig:
    """A word in a header field."""

    field: str = "x-word"


@attrs.frozen(kw_only=True)
class WordCredential:
    """What a consumer says."""

    word: Name


class Word:
    """Believes everybody."""

    challenge = "Word"

    def __init__(self, config: WordConfig, context: BuildContext) -> None:
        if config.field == "bad":
            raise ValueError("`field` is bad")
        self.context = context
        self._field = config.field.encode()
        self._known = {one.config.word: one.consumer for one in context.credentials}

    async def authenticate(self, exchange: Exchange, /) -> Consumer | None:
        word = exchange.request.headers.get(self._field)
        if word is None:
            return None
        try:
            return self._known[word.decode()]
        except KeyError:
            raise Unauthenticated(log="the word is not known") from None

    def conceal(self, exchange: Exchange, /) -> None:
        exchange.request.headers.remove(self._field)


class Tokens:
    """Makes consumers of claims."""

    challenge = ""

    def __init__(self, config: WordConfig, context: BuildContext) -> None:
        self.context = context

    async def authenticate(self, exchange: Exchange, /) -> Consumer | None:
        return self.context.identify({"sub": exchange.request.path, "groups": ["a"]})

    def conceal(self, exchange: Exchange, /) -> None:
        pass


class Plugin:
    """Both kinds."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.authenticator("word", WordConfig, Word, main="field", credential=WordCredential)
        catalog.authenticator("tokens", WordConfig, Tokens, reads_claims=True)


PLUGINS = [Plugin()]
CONSUMERS = {"acme": {"roles": ["a"], "plan": "gold", "credentials": {"word": {"word": "hush"}}}}
SURROUNDINGS = Surroundings()
WORD = make_authenticator("word", consumers=CONSUMERS, plugins=PLUGINS, surroundings=SURROUNDINGS)
NAMED = make_authenticator(
    "word",
    {"field": "x-other"},
    consumers={"acme": {"credentials": {"mine": [{"word": "hush"}]}}},
    plugins=PLUGINS,
    name="mine",
)
TOKENS = make_authenticator("tokens", identity={"roles": "{claim.groups}"}, plugins=PLUGINS)


async def test_it_knows_the_consumers_of_a_file() -> None:
    """As the gateway would make them."""
    found = await WORD.authenticate(make_exchange(headers={"X-Word": "hush"}))

    assert Consumer(name="acme", authenticators=("word",), roles=frozenset("a"), plan="gold") == found
    with pytest.raises(Unauthenticated):
        await WORD.authenticate(make_exchange(headers={"X-Word": "other"}))


async def test_it_has_options_and_a_name() -> None:
    """Those of the file."""
    found = await NAMED.authenticate(make_exchange(headers={"X-Other": "hush"}))

    assert Consumer(name="acme", authenticators=("mine",)) == found


async def test_it_makes_consumers_of_claims() -> None:
    """By its `identity`."""
    found = await TOKENS.authenticate(make_exchange("GET", "/u"))

    assert found is not None
    assert ("tokens:/u", frozenset("a")) == (found.name, found.roles)


def test_its_surroundings_are_those_of_the_test() -> None:
    """Time, tasks, metrics; and its place is its own."""
    context: BuildContext = WORD.context  # type: ignore[attr-defined]

    assert SURROUNDINGS is context.gateway
    assert ("word", "authenticators") == (context.name, context.owner)


@pytest.mark.parametrize(
    ("kind", "options", "consumers", "error", "message"),
    [
        ("word", {"fild": "x"}, {}, ConfigError, "fild"),
        ("word", True, {"a": {"credentials": {"word": {"word": "A"}}}}, ConfigError, "`A` is no name"),
        ("word", "bad", {}, ValueError, "`field` is bad"),
        ("none", True, {}, ConfigError, "none"),
    ],
)
def test_what_is_wrong_is_said(
    kind: str, options: Any, consumers: Any, error: type[Exception], message: str
) -> None:
    """As it is of a file."""
    with pytest.raises(error, match=message):
        make_authenticator(kind, options, consumers=consumers, plugins=PLUGINS)


async def test_filters_ask_it(run_filter: RunFilter) -> None:
    """By the name that the test gives it."""
    exchange = make_exchange(headers={"X-Word": "hush"})
    call = run_filter("auth", "words", exchange, authenticators={"words": WORD})

    played = await call.upstream()

    assert [(b"x-consumer", b"acme"), (b"x-consumer-roles", b"a")] == played.exchange.request.headers.fields
    played.respond(200)
    assert 200 == (await call.response()).status


async def test_filters_ask_conditions(run_filter: RunFilter) -> None:
    """Also those about who asks, whom the test names."""
    somebody = Consumer(name="acme", authenticators=("keys",), roles=frozenset({"admin"}))
    call = run_filter("authorize", {"role": "admin"}, make_exchange(consumer=somebody))
    (await call.upstream()).respond(200)
    assert 200 == (await call.response()).status

    assert 403 == (await run_filter("authorize", {"role": "admin"}).response()).status
