"""The list of rows itself: complete, named, and each with a meaning of its own."""

import collections

import attrs
import pytest

from tests.wire.row import RUN
from tests.wire.rows import FAMILIES, rows
from tests.wire.targets import PROFILES


ALL = rows()
COUNTS = {"FRM": 38, "LIM": 16, "HOP": 12, "FWD": 10, "PTH": 19}
"""References that a family must have."""
ELSEWHERE = {
    # claims of tokens: where users are told to instances
    "FWD-08",
    # routes with regular expressions: refused or guarded when they are loaded
    "LIM-15",
    # routes that overlap: when they are loaded, and against a matcher that shares no code
    "PTH-19",
}
"""References that are tested where they are decided, and not on the wire."""


def test_there_are_more_than_a_thousand_inputs() -> None:
    """Named and different from each other."""
    assert 1000 < len(ALL)


def test_each_has_a_name_of_its_own() -> None:
    """By which it is found."""
    twice = [name for name, count in collections.Counter(row.id for row in ALL).items() if count > 1]

    assert [] == twice


def test_no_two_are_the_same() -> None:
    """What is sent, how it is divided, what is answered, what must come of it; families may have one in common."""
    names = collections.defaultdict(list)
    for row in ALL:
        names[row.family, repr(attrs.evolve(row, id="", choice=False))].append(row.id)

    assert [] == [same for same in names.values() if len(same) > 1]


@pytest.mark.parametrize("family", COUNTS)
def test_each_reference_has_rows(family: str) -> None:
    """None is forgotten."""
    wanted = {f"{family}-{number:02}" for number in range(1, COUNTS[family] + 1)} - ELSEWHERE

    assert set() == wanted - {row.reference for row in ALL}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_its_own_rows_only(family: str) -> None:
    """They are chosen by their first letters."""
    assert {family} >= {row.family for row in FAMILIES[family]()}


def test_each_profile_is_known_and_used() -> None:
    """A profile is a process to start."""
    assert {row.profile for row in ALL} <= set(PROFILES)


def test_divisions_lie_within_what_is_sent() -> None:
    """Else two segments would be one."""
    wrong = [
        row.id
        for row in ALL
        for segments in row.segments
        if segments
        and not (
            isinstance(row.send[0], bytes)
            and list(segments) == sorted(set(segments))
            and 0 < segments[0]
            and segments[-1] < len(row.send[0])
        )
    ]

    assert [] == wrong


def test_what_must_arrive_has_the_name_of_its_run() -> None:
    """By which the upstream knows whose it is."""
    nameless = [
        row.id
        for row in ALL
        if any(one.requests for one in row.expect)
        and RUN not in b"".join(step for step in row.send if isinstance(step, bytes))
    ]

    assert [] == nameless


def test_rows_are_chosen_by_how_their_names_begin() -> None:
    """As the command line does it."""
    assert {"FRM-01", "LIM-02"} == {row.reference for row in rows(["FRM-01", "LIM-02"])}
