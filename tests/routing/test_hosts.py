"""Host patterns."""

import pytest

from gatekeeper.routing.hosts import covers, fits, form, overlap, parent


HOSTS = ["a.example", "b.example", "x.a.example", "example", "::1", "10.0.0.1", ""]


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        pytest.param("a.example", ["a.example"], id="exact"),
        pytest.param("::1", ["::1"], id="address"),
        pytest.param("*.example", ["a.example", "b.example"], id="PTH-16-one-label-more"),
        pytest.param("*.a.example", ["x.a.example"], id="deeper"),
        pytest.param("*", HOSTS, id="any-and-none"),
    ],
)
def test_a_host_fits_a_pattern(pattern: str, fitting: list[str]) -> None:
    """A wildcard is one label, not none and not two."""
    assert fitting == [host for host in HOSTS if fits(pattern, host)]


def test_an_empty_label_is_no_label() -> None:
    """The edge lets none pass; a wildcard would not take it either."""
    assert not fits("*.example", ".example")
    assert parent(".example") == ""


def test_forms_rank_exact_before_wildcard_before_any() -> None:
    """Greater is more specific."""
    assert [2, 1, 0] == [form(pattern) for pattern in ("a.example", "*.example", "*")]


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("*", "*", True),
        ("*", "a.example", True),
        ("*", "*.example", True),
        ("*.example", "a.example", True),
        ("*.example", "*.example", True),
        ("*.example", "x.a.example", False),
        ("*.example", "*.a.example", False),
        ("*.example", "*", False),
        ("a.example", "*", False),
        ("a.example", "*.example", False),
        ("a.example", "b.example", False),
    ],
)
def test_a_pattern_covers_another(wide: str, narrow: str, expected: bool) -> None:
    """Two overlap where one covers the other: there is no other way."""
    assert expected is covers(wide, narrow)
    assert (expected or covers(narrow, wide)) is overlap(wide, narrow)
