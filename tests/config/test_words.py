"""The words of other gateways: every one of them leads somewhere, and means one thing in a place."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import attrs
import pytest

from gatekeeper.config import later
from gatekeeper.config.conditions import FORMS, IDENTITY_KEYS, ConditionConfig
from gatekeeper.config.hints import ADVICE, ELSEWHERE
from gatekeeper.config.later import later_in
from gatekeeper.config.model import GatewayConfig, TargetConfig, Targets
from gatekeeper.config.parts import SORTS
from gatekeeper.config.wording import keys, origin
from gatekeeper.config.words import WORDS
from gatekeeper.extend.host import PluginHost


TABLES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "words": WORDS,
    "advice": ADVICE,
    "elsewhere": ELSEWHERE,
}
OTHERS = frozenset({"include", "environments", "use"})
"""Keys that no class has: they are done with before classes are read."""


def inner(kind: Any, step: str, host: PluginHost) -> Any:
    """The type of what stands under a key, None where there is no such key."""
    for arm in (kind, *get_args(kind)):
        if arm == Targets:
            return TargetConfig
        if origin(arm) in {dict, Mapping}:
            return get_args(arm)[1]
        if arm in SORTS and step in (kinds := SORTS[arm].kinds(host.catalog)):
            return kinds[step].config
        if attrs.has(origin(arm)):
            field = keys(attrs.resolve_types(arm)).get(step)
            return None if field is None else field.type
    return None


def is_key(place: str, target: str, host: PluginHost) -> bool:
    """Whether a path leads to a key that is there, or is to come."""
    kind: Any = GatewayConfig
    at = ""
    steps = [*place.split("."), *target.split(".")] if place else target.split(".")
    if steps[0] == "filters" and len(steps) > 1:
        kind, at, steps = host.catalog.filters[steps[1]].config, f"filters.{steps[1]}", steps[2:]
    if steps[:2] == ["routes", "NAME"] and steps[2:3] == ["match"] and len(steps) > 3:
        return steps[3] in {key.rstrip("_") for key in keys(ConditionConfig)}
    for step in steps:
        if step in later_in(at):
            return True
        kind = inner(kind, step, host)
        if kind is None:
            return False
        at = f"{at}.{'*' if step == 'NAME' else step}" if at else step
    return True


def is_known(place: str, target: str, host: PluginHost) -> bool:
    """Whether what a hint means exists."""
    special = {
        "match": {*(key for key in keys(ConditionConfig) if key != "predicates"), *IDENTITY_KEYS},
        "matcher": {form.rstrip("_") for form in FORMS},
        "filter": {*host.catalog.filters, *later.LATER_KINDS},
        "filters": {"when", "if_error", "name"},
        "balancer": set(host.catalog.balancers),
        "probe": set(host.catalog.probes),
        "authenticator": {*host.catalog.authenticators, *later_in("authenticator")},
        "provider": {*host.catalog.providers, *later_in("provider")},
    }
    if target in special.get(place, ()) or target in OTHERS:
        return True
    starts = ("",) if place in special else (place.replace("*", "NAME"), "")
    return any(is_key(start, target.replace("*", "NAME"), host) for start in starts)


@pytest.mark.parametrize(
    ("place", "target"), [(place, target) for place, targets in WORDS.items() for target in targets]
)
def test_every_hint_leads_to_a_key(place: str, target: str, host: PluginHost) -> None:
    """That is there, or to come; whoever renames one finds the hints for it here."""
    assert is_known(place, target, host)


def test_what_is_no_key_is_found_out(host: PluginHost) -> None:
    """So that the test above can fail."""
    assert not is_known("services.*", "instnaces", host)
    assert not is_known("services.*", "timeouts.conect", host)
    assert not is_known("filters.redirect", "url", host)
    assert not is_known("routes.*", "services.NAME.timeout", host)
    assert not is_known("match", "heder", host)
    assert not is_known("services.*.balance", "hash.bye", host)
    assert not is_known("balancer", "hasch", host)
    assert not is_known("routes.*", "match.heder", host)


def words() -> Iterator[tuple[str, list[str]]]:
    """All words of each place, in the one spelling that they are compared in."""
    for place in sorted({*WORDS, *ADVICE}):
        found = itertools.chain(WORDS.get(place, {}).values(), ADVICE.get(place, {}).values())
        yield place, ["".join(part.split("_")).lower() for text in found for part in text.split()]


@pytest.mark.parametrize(("place", "found"), [pytest.param(*item, id=item[0]) for item in words()])
def test_a_word_means_one_thing_in_a_place(place: str, found: list[str]) -> None:
    """It stands in one line of the tables, in one spelling."""
    again = sorted(word for word in set(found) if found.count(word) > 1)

    assert again == []


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_are_easy_to_read(table: str) -> None:
    """Phrases are short, and nothing is empty."""
    for entries in TABLES[table].values():
        for meaning, text in entries.items():
            assert 0 < len(meaning) <= 100
            assert text.split()
