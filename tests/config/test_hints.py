"""The words of other gateways: every hint leads somewhere, and those that people bring are known."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import attrs
import pytest

from gatekeeper.config import later
from gatekeeper.config.conditions import FORMS, ConditionConfig
from gatekeeper.config.hints import ADVICE, ELSEWHERE, WORDS, elsewhere, hint, meant
from gatekeeper.config.later import later_in
from gatekeeper.config.matching import IDENTITY
from gatekeeper.config.model import GatewayConfig, TargetConfig, Targets
from gatekeeper.config.wording import keys, origin
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
        "match": {*(key for key in keys(ConditionConfig) if key != "predicates"), *IDENTITY},
        "matcher": {form.rstrip("_") for form in FORMS},
        "filter": {*host.catalog.filters, *later.LATER_KINDS},
        "filters": {"when", "if_error", "name"},
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


@pytest.mark.parametrize(
    ("place", "key", "expected"),
    [
        pytest.param("services.*", "targets", "; did you mean `instances`?", id="Kong"),
        pytest.param("services.*", "loadBalancer", "; did you mean `instances`?", id="Traefik-camel-case"),
        pytest.param("", "clusters", "; did you mean `services`?", id="Envoy"),
        pytest.param("", "endpoints", "; did you mean `routes`?", id="KrakenD"),
        pytest.param("routes.*", "upstream_id", "; did you mean `to`?", id="APISIX"),
        pytest.param("routes.*", "strip-path", "; did you mean `rewrite.strip`?", id="a-path"),
        pytest.param(
            "routes.*", "timeout", "; did you mean `services.NAME.timeouts`?", id="a-path-from-the-top"
        ),
        pytest.param(
            "services.*",
            "healthChecks",
            "; that would be `health`, which is not available yet",
            id="to-come",
        ),
        pytest.param(
            "filter",
            "rate-limiting",
            "; that would be `ratelimit`, which is not available yet",
            id="a-kind-to-come",
        ),
        pytest.param(
            "filter",
            "qos/ratelimit/router",
            "; that would be `ratelimit`, which is not available yet",
            id="a-kind-with-slashes",
        ),
        pytest.param("", "plugins", "; for what runs on every request there is `filters`", id="advice"),
        pytest.param(
            "server", "worker", "; that would be `workers`, which is not available yet", id="near-to-come"
        ),
        pytest.param("server", "lisen", "; did you mean `listen`?", id="near"),
        pytest.param("server", "zzz", "; there are `listen`, `drain`", id="all-there-are"),
        pytest.param("server", "x-note", "; keys with `x-` stand at the top only", id="notes"),
        pytest.param("match", "cookies", "; did you mean `cookie`?", id="match"),
        pytest.param("routes.*", "retries", "", id="to-come-itself"),
        pytest.param("nowhere", "lisen", "; did you mean `listen`?", id="a-place-without-words"),
    ],
)
def test_what_to_write_instead(place: str, key: str, expected: str) -> None:
    """The word that is meant; else what is near; else all there is."""
    known = () if expected == "" else ("listen", "drain")

    assert expected == hint(place, key, known)


def test_nothing_is_said_where_nothing_is_known() -> None:
    """The key itself stays without a word."""
    assert hint("nowhere", "anything") == ""
    assert meant("services.*", "instances") is None
    assert meant("services.*", "Targets") == "instances"


def test_keys_that_stand_elsewhere() -> None:
    """They are known, and refused as such."""
    assert elsewhere("defaults.routes", "filters") == "use the top-level `filters`"
    assert elsewhere("defaults.routes", "encoded_slashes") == ""
    assert elsewhere("nowhere", "filters") == ""
