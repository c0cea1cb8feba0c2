"""Failures: what they are called here, and what others call them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.config.failures import FAILURES, PATTERN, each, parse_failure
from gatekeeper.config.problems import Refusal
from gatekeeper.core import errors


KNOWN = {
    error.failure
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, errors.UpstreamError)
}


def test_they_are_those_that_attempts_end_with() -> None:
    """Each error of an attempt has one of these names."""
    assert KNOWN == set(FAILURES)


@pytest.mark.parametrize("value", [*FAILURES, "4xx", "5xx", 400, 503, 599])
def test_what_is_a_failure(value: str | int) -> None:
    """A name, a class of statuses, or a status."""
    assert value == parse_failure(value)
    assert isinstance(value, int) or re.fullmatch(PATTERN, value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("conect", "`conect` is no failure; did you mean `connect`?", id="a-slip"),
        pytest.param("RESET", "`RESET` is no failure; did you mean `reset`?", id="upper-case"),
        pytest.param("refused", "`refused` is no failure; did you mean `connect`?", id="another-word"),
        pytest.param(
            "connect-failure", "`connect-failure` is no failure; did you mean `connect`?", id="Envoy-connect"
        ),
        pytest.param(
            "gateway-error", "`gateway-error` is no failure; did you mean `5xx`?", id="Envoy-statuses"
        ),
        pytest.param("error", "`error` is no failure; did you mean `connect`?", id="Nginx-connect"),
        pytest.param("http_502", "`http_502` is no failure; write 502", id="Nginx-status"),
        pytest.param("502", "write 502 without quotes", id="quotes"),
        pytest.param("3xx", "`3xx` is no failure; did you mean `5xx`?", id="no-failures"),
        pytest.param(
            "whatever",
            "`whatever` is no failure; there are `connect`, `reset`, `timeout`, `protocol`, `unavailable`, `4xx`,"
            " `5xx`, and statuses like 502",
            id="nothing-near",
        ),
        pytest.param(200, "200 is no status of a failure; there are 400 to 599", id="a-good-answer"),
        pytest.param(600, "600 is no status of a failure; there are 400 to 599", id="no-status"),
    ],
)
def test_what_is_none(value: str | int, message: str) -> None:
    """And what to write instead."""
    with pytest.raises(Refusal) as caught:
        parse_failure(value)

    assert message == str(caught.value)


def test_classes_hold_their_statuses() -> None:
    """And nothing else: names and single statuses are themselves."""
    found = each(("connect", "5xx", 404))

    assert {"connect", 404, *range(500, 600)} == found
    assert each(()) == frozenset()


@given(st.lists(st.sampled_from([*FAILURES, "4xx", "5xx"]) | st.integers(400, 599)))
def test_every_status_is_found_by_itself(failures: list[str | int]) -> None:
    """Whatever list it is in, as itself or in its class."""
    found = each(failures)

    for status in range(400, 600):
        assert (status in found) == (status in failures or f"{status // 100}xx" in failures)
    assert not {"4xx", "5xx"} & found
