"""Request ids: unique, fixed in width, and picky about those that come from outside."""

import re
from collections.abc import Callable

import pytest

from gatekeeper.observe import request_id
from gatekeeper.observe.request_id import RequestIds, acceptable


def _scripted(*prefixes: bytes) -> Callable[[int], bytes]:
    supply = iter(prefixes)
    return lambda length: next(supply)[:length]


def test_ids_count_behind_the_random_prefix() -> None:
    """An id is sixteen characters of prefix and eight of a counter."""
    ids = RequestIds(_scripted(bytes(10)))

    assert (ids.next(), ids.next()) == ("aaaaaaaaaaaaaaaa00000001", "aaaaaaaaaaaaaaaa00000002")


def test_an_exhausted_counter_starts_over_behind_a_fresh_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """The width stays fixed and no id comes twice."""
    monkeypatch.setattr(request_id, "LAST_COUNT", 2)
    ids = RequestIds(_scripted(bytes(10), b"\xff" * 10))

    given = [ids.next() for _ in range(4)]

    assert given[:2] == ["aaaaaaaaaaaaaaaa00000001", "aaaaaaaaaaaaaaaa00000002"]
    assert given[2:] == ["777777777777777700000001", "777777777777777700000002"]


def test_two_processes_have_different_prefixes() -> None:
    """The prefix is random, and whatever it is, it needs no quoting."""
    first, second = RequestIds().next(), RequestIds().next()

    assert first[:16] != second[:16]
    assert re.fullmatch(r"[a-z2-7]{16}[0-9a-f]{8}", first)


def test_the_repr_tells_prefix_and_count() -> None:
    """Enough to find the process in a log."""
    ids = RequestIds(_scripted(bytes(10)))
    ids.next()

    assert repr(ids) == "<RequestIds aaaaaaaaaaaaaaaa, 1 given>"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"7", id="shortest"),
        pytest.param(b"a" * 128, id="longest"),
        pytest.param(b"5f0c1c52-1d3c-4ab1-8a9e-2f2a3b1c4d5e", id="uuid"),
        pytest.param(b"Root=1-67891233-abcdef012345678912345678", id="amazon"),
        pytest.param(b"req_7Fk+/=:@.~", id="all-signs"),
    ],
)
def test_a_harmless_id_is_taken_over(value: bytes) -> None:
    """What other systems make passes."""
    assert acceptable(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a" * 129, id="too-long"),
        pytest.param(b"a" * 10_240, id="FWD-09-10KB"),
        pytest.param(b"a\r\nb", id="FWD-09-crlf"),
        pytest.param(b"a\n", id="line-end-last"),
        pytest.param(b"\x1b[31m", id="FWD-09-ansi"),
        pytest.param(b'a"b', id="FWD-09-json-quote"),
        pytest.param(b"a b", id="blank"),
        pytest.param(b"a,b", id="two-fields-joined"),
        pytest.param(b"<img>", id="html"),
        pytest.param("é".encode(), id="not-ascii"),
    ],
)
def test_any_other_id_is_refused(value: bytes) -> None:
    """What could break a header, a log or a page is replaced."""
    assert not acceptable(value)
