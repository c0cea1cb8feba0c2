"""A plugin with kinds of every sort: what configurations of these tests are read with."""

import re
from typing import Any, Final, Literal, Self

import attrs

from gatekeeper.config.units import Duration, Size
from gatekeeper.core.chain import Predicate
from gatekeeper.core.text import Text, Value
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl


@attrs.frozen
class NoOptions:
    """Nothing to set."""


@attrs.frozen(kw_only=True)
class Window:
    """A class within options."""

    size: Duration
    steps: int = attrs.field(default=10, validator=attrs.validators.ge(1))


@attrs.frozen(kw_only=True)
class LimitOptions:
    """Options of many types, and a main one."""

    most: Size = 1024
    mode: Literal["drop", "wait"] = "drop"
    windows: tuple[Window, ...] = ()
    off: bool = False


@attrs.frozen(kw_only=True)
class MoveOptions:
    """A terminal kind, with a required option."""

    to: Text
    status: int = attrs.field(default=308, validator=attrs.validators.in_([301, 308]))


@attrs.frozen(kw_only=True)
class SetOptions:
    """Texts with placeholders."""

    request: dict[str, Text] = attrs.field(factory=dict)
    response: list[Text] = attrs.field(factory=list)


@attrs.frozen
class Country:
    """A value with a notation of its own."""

    code: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a code.

        Raises:
            ValueError: it is none.

        """
        if not re.fullmatch("[A-Z]{2}", text):
            raise ValueError(f"`{text}` is no country; write its two letters, like DE")
        return cls(text)

    def __str__(self) -> str:
        return self.code


@attrs.frozen(kw_only=True)
class CountryOptions:
    """Where the client is."""

    codes: tuple[Country, ...]


@attrs.frozen(kw_only=True)
class ShardedOptions:
    """Each part of the keys has an instance of its own."""

    by: Value
    shards: int = attrs.field(default=64, validator=attrs.validators.ge(1))
    seed: str = ""


@attrs.frozen(kw_only=True)
class AskOptions:
    """Ask for a page."""

    path: str = "/health"
    statuses: tuple[int, ...] = (200,)


@attrs.frozen(kw_only=True)
class KnockOptions:
    """Ask for a word at a port."""

    word: str = "well"
    port: int | None = None
    within: Duration = 1.0


@attrs.frozen(kw_only=True)
class FeedOptions:
    """Services and routes from a feed."""

    url: str
    every: Duration = 10.0
    headers: dict[str, str] = attrs.field(factory=dict)
    token: str = attrs.field(default="", metadata={"secret": True})


def _unbuilt(config: Any, context: BuildContext) -> Any:
    """Stand for what nobody makes here: configurations are read, and not run."""
    raise AssertionError(f"{config!r} was built for {context!r}")


def _in_country(config: CountryOptions, context: BuildContext) -> Predicate:
    del context
    return lambda exchange: exchange.request.headers.text(b"x-country") in map(str, config.codes)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kinds."""
    catalog.filter("limit", LimitOptions, _unbuilt, main="most")
    catalog.filter("move", MoveOptions, _unbuilt, main="to", terminal=True)
    catalog.filter("set", SetOptions, _unbuilt)
    catalog.filter("stamp", NoOptions, _unbuilt)
    catalog.attempt_filter("sign", NoOptions, _unbuilt)
    catalog.predicate("country", CountryOptions, _in_country, main="codes")
    catalog.balancer("sharded", ShardedOptions, _unbuilt, main="by")
    catalog.probe("knock", KnockOptions, _unbuilt, main="word")
    catalog.provider("feed", FeedOptions, _unbuilt, main="url")


def _kinds() -> Catalog:
    catalog = Catalog()
    gatekeeper_register(catalog)
    catalog.filter("forward", NoOptions, _unbuilt)
    catalog.balancer("round_robin", NoOptions, _unbuilt)
    catalog.probe("http", AskOptions, _unbuilt, main="path")
    return catalog


KINDS: Final = _kinds()
"""The kinds of this plugin alone, with stand-ins for those that are meant where none is named."""
