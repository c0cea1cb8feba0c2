"""Types for the options of kinds: those of plugins are read like ours."""

from typing import Any

import attrs
import pytest

from gatekeeper import hookimpl
from gatekeeper.core.chain import Handler
from gatekeeper.extend import vocabulary
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.vocabulary import (
    Condition,
    Duration,
    Matcher,
    Name,
    Refusal,
    Sha256,
    Size,
    Time,
    Url,
    help_line,
    is_positive,
)
from gatekeeper.testing import config_problems


def _is_even(_instance: object, _attribute: object, value: int) -> None:
    if value % 2:
        raise Refusal(f"{value} is odd; write {value + 1}")


@attrs.frozen(kw_only=True)
class OwnConfig:
    """All of it."""

    every: Duration = attrs.field(default=1.0, validator=is_positive, metadata=help_line("how often"))
    size: Size = 1
    name: Name = "a"
    at: Url | None = None
    until: Time = 0.0
    digest: Sha256 = ""
    who: Condition = ()
    what: Matcher = ()
    even: int = attrs.field(default=0, validator=_is_even)


class Own:
    """A plugin with a filter that does nothing."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.filter("own", OwnConfig, lambda config, context: self)

    def wrap(self, following: Handler, /) -> Handler:
        return following


@pytest.mark.parametrize(
    "options",
    [
        {
            "every": "5s",
            "size": "1KiB",
            "name": "b",
            "at": "https://a.example",
            "until": "2027-01-01T00:00:00Z",
            "digest": "0" * 64,
            "who": {"role": "admin"},
            "what": {"prefix": "a"},
            "even": 2,
        },
        {"who": [{"role": "admin"}, {"not": {"path": "/a/**"}}], "what": ["a", {"not": "b"}]},
    ],
)
def test_options_are_read_as_the_rest_is(options: dict[str, Any]) -> None:
    """Whatever a type has for a notation."""
    assert [] == config_problems("own", options, plugins=[Own()])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 5}, "5 has no unit"),
        ({"every": "0s"}, "`every` must be longer than 0s"),
        ({"size": 5}, "5 has no unit"),
        ({"name": "B"}, "`B` is no name"),
        ({"until": "2027-01-01"}, "is a day and no moment"),
        ({"digest": "abc"}, "64 hexadecimal digits"),
        ({"who": {}}, "the condition is empty"),
        ({"who": {"rolle": "a"}}, "rolle"),
        ({"even": 3}, "3 is odd; write 4"),
    ],
)
def test_what_is_wrong_is_said_as_in_the_rest(options: dict[str, Any], message: str) -> None:
    """With what to write."""
    problems = config_problems("own", options, plugins=[Own()])

    assert problems
    assert message in problems[0].message


def test_all_of_it_is_there() -> None:
    """What is promised can be imported."""
    assert all(hasattr(vocabulary, name) for name in vocabulary.__all__)
