"""Chains that somebody has laid hands on: the first line at which they break, and how."""

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatekeeper.policy.ledger import Head, head_of, seal, unseal
from gatekeeper.policy.ledger_check import Break, Gap, Line, Report, inspect


def chain(count: int, head: Head | None = None, event: str = "refused", word: str = "") -> list[bytes]:
    """A chain of records."""
    made, head = [], head or Head()
    for number in range(count):
        line, head = seal(head, f"2026-11-22T22:17:{number % 60:02}.000Z", event, {"n": f"{word}{number}"})
        made.append(line)
    return made


def inspected(lines: Sequence[bytes], expect: str = "") -> Report:
    """What is said of them."""
    return inspect((Line("a", number, data) for number, data in enumerate(lines, 1)), expect)


def broken(lines: Sequence[bytes]) -> tuple[int, str]:
    """The line and the kind of the break."""
    found = inspected(lines).broken
    assert found is not None
    return found.line, found.kind


TEN = chain(10)


def test_a_whole_chain_is_told() -> None:
    """How many, from when to when, and where it ends."""
    report = inspected(TEN)

    assert report.broken is None
    assert (report.records, report.first, report.head.seq) == (10, 1, 10)
    assert (report.since, report.until) == ("2026-11-22T22:17:00.000Z", "2026-11-22T22:17:09.000Z")
    assert report.head.hash in TEN[-1].decode()


def test_nothing_is_whole() -> None:
    """A file without records."""
    assert Report() == inspected([])


def test_it_goes_on_across_files_and_may_begin_anywhere() -> None:
    """What was rotated away is missed, and no break."""
    lines = [Line("a.1", 1, TEN[4]), Line("a.1", 2, TEN[5]), Line("a", 1, TEN[6])]
    report = inspect(lines)

    assert (None, 5, 3) == (report.broken, report.first, report.records)


def test_a_file_between_is_missed() -> None:
    """At the first line of the one behind it."""
    report = inspect([Line("a.2", 1, TEN[0]), Line("a", 1, TEN[3])])

    assert Break("a", 1, "removed", "records 2 to 3 are missing before this line") == report.broken


def test_gaps_and_recoveries_are_told() -> None:
    """As the gateway itself has recorded them; a number that is none counts as none."""
    gap, head = seal(Head(), "t", "gap", {"lost": 17})
    recovered, head = seal(head, "t", "recovered", {"bytes": 3})
    odd, _ = seal(head, "t", "gap", {"lost": "many"})
    report = inspected([gap, recovered, odd])

    assert ([Gap(1, 17), Gap(3, 0)], 1, None) == (report.gaps, report.recovered, report.broken)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([*TEN[:3], TEN[3].replace(b'"3"', b'"x"'), *TEN[4:]], (4, "changed"), id="a value"),
        pytest.param([TEN[0].replace(b'"0"', b'"x"'), *TEN[1:]], (1, "changed"), id="the first one"),
        pytest.param([*TEN[:9], TEN[9].replace(b'"9"', b'"x"')], (10, "changed"), id="the last one"),
        pytest.param([*TEN[:3], *TEN[4:]], (4, "removed"), id="one gone"),
        pytest.param([*TEN[:3], *TEN[7:]], (4, "removed"), id="several gone"),
        pytest.param([*TEN[:3], b"x\n", *TEN[3:]], (4, "inserted"), id="a line that is no record"),
        pytest.param([*TEN[:3], TEN[1], *TEN[3:]], (4, "inserted"), id="one twice"),
        pytest.param([*TEN[:5], *chain(1), *TEN[5:]], (6, "inserted"), id="one of another chain"),
        pytest.param([*TEN, TEN[2]], (11, "inserted"), id="an old one at the end"),
        pytest.param([*TEN[:3], TEN[4], TEN[3], *TEN[5:]], (4, "reordered"), id="two swapped"),
        pytest.param([*TEN[:3], *TEN[4:8], TEN[3], *TEN[8:]], (4, "reordered"), id="moved down"),
        pytest.param([*TEN[:3], TEN[7], *TEN[3:7], *TEN[8:]], (4, "reordered"), id="moved up"),
        pytest.param([*TEN[:9], TEN[9][:-7]], (10, "torn"), id="no end"),
        pytest.param(
            [*TEN[:3], chain(4, word="x")[3], *TEN[4:]], (4, "changed"), id="one of a chain of their own"
        ),
        pytest.param(chain(10, Head(0, "f" * 64)), (1, "changed"), id="it never began"),
    ],
)
def test_a_break_is_named(lines: list[bytes], expected: tuple[int, str]) -> None:
    """The first one, by line and kind."""
    assert expected == broken(lines)


def test_a_record_that_was_sealed_anew_is_given_away_by_the_next() -> None:
    """Whoever changes one record has to write all behind it anew."""
    forged, _ = seal(head_of(unseal(TEN[2])), "t", "refused", {"n": "forged"})

    assert (5, "changed") == broken([*TEN[:3], forged, *TEN[4:]])


def test_a_number_that_was_left_out_is_a_break_too() -> None:
    """Though each record follows the one before: whoever has sealed them has not counted."""
    head = inspected(TEN[:2]).head
    skipped, _ = seal(Head(head.seq + 1, head.hash), "t", "refused", {})

    assert (3, "removed") == broken([*TEN[:2], skipped])


@given(st.permutations(range(6)), st.integers(0, 6), st.integers(1, 6))
def test_no_selection_of_lines_is_whole_but_a_stretch(order: list[int], start: int, length: int) -> None:
    """Whatever is left out, doubled or moved."""
    lines = chain(6)
    chosen = order[start : start + length]
    stretch = list(range(chosen[0], chosen[0] + len(chosen))) if chosen else []
    assume(chosen)

    assert (chosen == stretch) is (inspected([lines[index] for index in chosen]).broken is None)


# ---- what a hash proves that was noted elsewhere ------------------------------------------------------------------


def test_a_noted_hash_is_found() -> None:
    """It need not be the last one: the gateway has gone on."""
    report = inspected(TEN, inspected(TEN[:4]).head.hash)

    assert 4 == report.found


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(TEN[:7], id="the end is cut off"),
        pytest.param(chain(10, word="x"), id="all is written anew"),
    ],
)
def test_only_a_noted_hash_gives_that_away(lines: list[bytes]) -> None:
    """The chain itself is whole."""
    report = inspected(lines, inspected(TEN).head.hash)

    assert (None, 0) == (report.broken, report.found)
