"""What came from outside does not go out."""

from typing import Any

import pytest

from gatekeeper.config.redact import redact, references


OUTSIDE = {
    "hunter2": "${PASSWORD}",
    "hunter2-and-more": "${file:/run/long}",
    "dev": "${ENV:-dev}",
    "": "${EMPTY:-}",
}


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param("hunter2", "${PASSWORD}", id="alone"),
        pytest.param("redis://:hunter2@redis", "redis://:${PASSWORD}@redis", id="within"),
        pytest.param("hunter2-and-more", "${file:/run/long}", id="the longest first"),
        pytest.param("x hunter2-and-more hunter2", "x ${file:/run/long} ${PASSWORD}", id="several"),
        pytest.param("dev", "${ENV:-dev}", id="short, alone"),
        pytest.param("/dev/null", "/dev/null", id="short, within"),
        pytest.param(
            ["hunter2", {"a": "hunter2", "hunter2": 1}], ["${PASSWORD}", {"a": "${PASSWORD}", "hunter2": 1}]
        ),
        pytest.param([5, True, 1.5], [5, True, 1.5], id="no text"),
    ],
)
def test_what_was_put_in_is_shown_as_its_reference(shown: Any, expected: Any) -> None:
    """Wherever it stands in a value."""
    assert expected == redact(shown, OUTSIDE)


def test_without_references_nothing_changes() -> None:
    """It is the same."""
    assert {"a": ["b"]} == redact({"a": ["b"]}, {})


def test_references_are_found_in_texts() -> None:
    """A literal `${` is none."""
    texts = ["a: ${A}/${file:/run/x}\nb: $${B} ${A}", "${C:-${D}}", "${E"]

    assert {"${A}", "${file:/run/x}", "${C:-${D}", "${E"} == references(texts)
