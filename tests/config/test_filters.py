"""Lists of filters: entries, chains in place, changes. What they refuse is in the corpus, file by file."""

from pathlib import Path
from typing import Any

import attrs
import pytest

from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.config.document import BROKEN, Variable, read_document
from gatekeeper.config.filters import FilterReader, chains_of, flatten
from gatekeeper.config.later import is_later
from gatekeeper.config.model import FilterConfig, UseConfig
from gatekeeper.core.text import Text
from gatekeeper.routing.template import PathTemplate
from tests.config.plugin import KINDS, LimitOptions, MoveOptions, NoOptions, SetOptions


WHEN = (ConditionConfig(method=("GET",)),)


def reader() -> FilterReader:
    made = FilterReader(Path(), {}, is_later, KINDS.predicates, PathTemplate.parse)
    made.kinds = {kind: config for kind, config in KINDS.filters.items() if kind != "forward"}
    made.chain_names = {"partner", "ratelimit"}
    return made


def read(text: str) -> tuple[Any, list[str]]:
    """What an entry is read as, and what is wrong with it."""
    document = read_document(text, "f")
    made = reader()
    found = made.read_filter(document.data, None)
    assert made.path == []
    return found, [fault.message for fault in [*document.faults, *made.faults]]


def stamp(name: str) -> FilterConfig:
    return FilterConfig(kind="stamp", name=name, options=NoOptions())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("stamp", stamp("stamp"), id="a-kind-alone"),
        pytest.param("stamp: true", stamp("stamp"), id="true"),
        pytest.param("{stamp: {}, name: x}", stamp("x"), id="name"),
        pytest.param(
            "{stamp: {}, if_error: skip, when: {method: GET}}",
            FilterConfig(kind="stamp", name="stamp", when=WHEN, if_error="skip", options=NoOptions()),
            id="shared-keys",
        ),
        pytest.param(
            "limit: 5KiB",
            FilterConfig(kind="limit", name="limit", options=LimitOptions(most=5120)),
            id="main-option",
        ),
        pytest.param(
            "{limit: {mode: wait}}",
            FilterConfig(kind="limit", name="limit", options=LimitOptions(mode="wait")),
            id="options",
        ),
        pytest.param("use: partner", UseConfig(use="partner"), id="chain"),
        pytest.param(
            "{use: partner, when: {method: GET}}", UseConfig(use="partner", when=WHEN), id="chain-when"
        ),
    ],
)
def test_an_entry_is_read(text: str, expected: object) -> None:
    """A kind with its options, or a chain."""
    assert (expected, []) == read(text)


def test_what_stands_beside_a_chain_is_left_out() -> None:
    """Its condition stays."""
    found, messages = read("{use: partner, when: {method: GET}, stamp: {}, name: x}")

    assert UseConfig(use="partner", when=WHEN) == found
    assert 2 == len(messages)


def test_what_they_were_made_of_is_kept() -> None:
    """In the long form, for routes that change some of it."""
    found, _ = read("limit: 5KiB")

    assert found.written == {"most": "5KiB"}


@pytest.mark.parametrize(
    ("text", "name", "faults"),
    [
        pytest.param("{limit: 5, name: x}", "x", 1, id="an-option"),
        pytest.param("{limit: 5KiB, name: X}", "limit", 1, id="the-name"),
        pytest.param("{limit: 5KiB, off: true}", "limit", 1, id="a-misplaced-option"),
        pytest.param("{limit: 5KiB, nmae: x}", "limit", 1, id="an-unknown-key"),
        pytest.param("stamp: 5", "stamp", 1, id="a-value-that-is-not-taken"),
    ],
)
def test_a_broken_filter_keeps_its_name(text: str, name: str, faults: int) -> None:
    """Others are compared with it, and what follows from its mistake is not told."""
    found, messages = read(text)

    assert name == found.name
    assert faults == len(messages)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("partner", "no filter `partner`; did you mean the chain, `use: partner`?"),
        ("forward", "`forward` ends every chain by itself; leave it out"),
        ("ratelimit", "`ratelimit` is not available yet"),
        ("reuse", "no filter `reuse`; there are `limit`, `move`, `set`, `stamp`, `sign`"),
        ("stamp: false", "`false` means nothing in a list of filters; leave the entry out"),
        ("use: [partner]", "expected the name of a chain, not a list; write an entry for each"),
        ("{use: partner, stamp: {}}", "`stamp` has no meaning beside `use`, which takes `when` only"),
        ("{use: partner, name: x}", "`name` has no meaning beside `use`, which takes `when` only"),
        ("{use: partner, if_error: skip}", "`if_error` has no meaning beside `use`, which takes `when` only"),
    ],
)
def test_what_no_filter_is(text: str, expected: str) -> None:
    """Each says what to write."""
    assert [expected] == read(text)[1]


# ---- chains ---------------------------------------------------------------------------------------------------------

CHAINS = {
    "a": (stamp("a"), UseConfig(use="b")),
    "b": (stamp("b"),),
    "c": (UseConfig(use="a"), UseConfig(use="c"), UseConfig(use="none"), stamp("c")),
    "d": (UseConfig(use="e"), stamp("d")),
    "e": (UseConfig(use="d"), stamp("e")),
}


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ((), []),
        ((stamp("x"), UseConfig(use="a"), stamp("y")), ["x", "a", "b", "y"]),
        ((UseConfig(use="c"),), ["a", "b", "c"]),
        ((UseConfig(use="b"), UseConfig(use="b")), ["b", "b"]),
        ((UseConfig(use="d"),), ["e", "d"]),
    ],
)
def test_chains_stand_in_their_places(
    entries: tuple[FilterConfig | UseConfig, ...], names: list[str]
) -> None:
    """One that is in itself is left out there, and so is one that is not there."""
    assert names == [item.name for item in flatten(entries, CHAINS)]


def test_the_chains_of_an_entry() -> None:
    """With those that stand in them, each once."""
    assert chains_of(stamp("x"), CHAINS) == []
    assert {"c", "a", "b", "none"} == set(chains_of(UseConfig(use="c"), CHAINS))
    assert chains_of(UseConfig(use="b"), CHAINS) == ["b"]


# ---- changes of a route ---------------------------------------------------------------------------------------------

LIMIT = FilterConfig(
    kind="limit",
    name="small",
    options=LimitOptions(most=5, mode="wait"),
    written={"most": "5B", "mode": "wait"},
)
SET = FilterConfig(kind="set", name="set", options=SetOptions(), written={})
MOVE = FilterConfig(kind="move", name="move", options=MoveOptions(to=Text("/x")), written={"to": "/x"})


def changed(value: Any, *chain: FilterConfig) -> tuple[Any, list[str]]:
    made = reader()
    found = made.read_override(value, chain or (LIMIT, MOVE, stamp("stamp")))
    assert made.path == []
    return found, [fault.message for fault in made.faults]


@pytest.mark.parametrize(
    ("value", "options"),
    [
        pytest.param({"most": "6B"}, LimitOptions(most=6, mode="wait"), id="a-mapping-merges"),
        pytest.param("6B", LimitOptions(most=6), id="a-short-form-replaces"),
        pytest.param(True, LimitOptions(most=5, mode="wait"), id="true"),
        pytest.param({}, LimitOptions(most=5, mode="wait"), id="nothing"),
        pytest.param({"off": True, "most": "6B"}, LimitOptions(most=6, mode="wait", off=True), id="two"),
        pytest.param(Variable("true"), LimitOptions(most=5, mode="wait"), id="true-from-a-variable"),
        pytest.param(Variable("6B"), LimitOptions(most=6), id="a-value-from-a-variable"),
    ],
)
def test_options_are_changed(value: Any, options: LimitOptions) -> None:
    """By the one merge rule."""
    found, messages = changed({"small": value})

    assert messages == []
    assert options == found["small"].options
    assert found["small"].name == "small"


def test_nothing_but_the_options_is_changed() -> None:
    """What stands beside them is the filter's own."""
    made = attrs.evolve(LIMIT, when=WHEN, if_error="skip")

    found, _ = changed({"small": {"most": "6B"}}, made)

    written = {"most": "6B", "mode": "wait"}
    assert {"small": attrs.evolve(made, options=LimitOptions(most=6, mode="wait"), written=written)} == found


def test_each_change_stands_for_itself() -> None:
    """One that is broken does not keep the others."""
    found, messages = changed({"nope": {}, "small": "6B", "move": False, "stamp": 5})

    assert ["small", "move"] == list(found)
    assert 1 == len(messages)


def test_nothing_can_be_changed_where_nothing_stands() -> None:
    """The route has no filters, and there are none for all."""
    made = reader()

    assert {} == made.read_override({"limit": {}}, [])
    assert ["no filter `limit` in this route's chain; there are none"] == [
        fault.message for fault in made.faults
    ]


@pytest.mark.parametrize("value", [False, Variable("false")])
def test_a_filter_is_dropped(value: Any) -> None:
    """By `false`, written or from a variable."""
    assert ({"move": False}, []) == changed({"move": value})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["small"], "expected a mapping of filters by name, not a list"),
        ({"smal": {}}, "no filter `smal` in this route's chain; did you mean `small`?"),
        ({"limit": {}}, "no filter `limit` in this route's chain; it is called `small` here"),
        ({"zzz": {}}, "no filter `zzz` in this route's chain; there are `move`, `small`, `stamp`, `set`"),
        ({"small": {"name": "x"}}, "`name` is no option of `limit`, and `override` changes options"),
        (
            {"small": {"if_error": "skip"}},
            "`if_error` is no option of `limit`, and `override` changes options",
        ),
        ({"stamp": "off"}, "`off` is text here; write false"),
        ({"stamp": "no"}, "`no` is text here; write false"),
        ({"stamp": "yes"}, "expected `false`: it has no options, not the text `yes`"),
        ({"stamp": 5}, "expected `false`: it has no options, not the number 5"),
        ({"set": 5}, "expected a mapping with `request`, `response`, not the number 5"),
        ({"small": {"mots": "6B"}}, "unknown key `mots`; did you mean `most`?"),
        ({"small": [5]}, "expected a size like `16MiB`, not a list"),
        ({"small": {"mode": "x"}}, "`x` is none of `drop`, `wait`"),
    ],
)
def test_what_no_change_is(value: Any, expected: str) -> None:
    """Each says what to write."""
    chain = (MOVE, LIMIT, FilterConfig(kind="stamp", name="stamp", written={}), SET)

    assert [expected] == changed(value, *chain)[1]


def test_nothing_is_said_of_what_is_broken() -> None:
    """One mistake is one problem."""
    broken = FilterConfig(kind="limit", name="broken")

    assert ({}, []) == changed({"broken": {"most": "1B"}, "move": BROKEN}, broken, MOVE)
    assert ({"broken": False}, []) == changed({"broken": False}, broken)
