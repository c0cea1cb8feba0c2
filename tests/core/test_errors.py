"""The tree of errors: each has a code of its own, or shares one on purpose."""

import inspect
import re

import orjson
import pytest

from gatekeeper.core import errors
from gatekeeper.core.errors import GatewayError, Rejection, Retry, Source, UpstreamError
from gatekeeper.testing import make_exchange


ALL = sorted(
    (found for found in vars(errors).values() if inspect.isclass(found) and issubclass(found, GatewayError)),
    key=lambda error: error.__name__,
)

# a class that says no more than its parent does to anybody but a programmer
SHARED_CODES = {"BadRequest": "bad-request"}


@pytest.mark.parametrize("error", ALL)
def test_an_error_says_what_a_client_and_an_operator_need(error: type[GatewayError]) -> None:
    """Status, code, title, whose fault, whether to try again, and a sentence about it."""
    assert 400 <= error.status <= 599
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code)
    assert error.title
    assert not error.title.endswith(".")
    assert isinstance(error.source, Source)
    assert isinstance(error.retry, Retry)
    assert (error.__doc__ or "").endswith(".")


def test_codes_are_unique() -> None:
    """People search for them, and metrics count by them."""
    homes: dict[str, list[str]] = {}
    for error in ALL:
        homes.setdefault(error.code, []).append(error.__name__)
    shared = {code: names for code, names in homes.items() if len(names) > 1}

    assert {"bad-request": ["BadRequest", "Rejection"]} == shared
    assert set(SHARED_CODES.values()) == set(shared)


@pytest.mark.parametrize("error", ALL)
def test_an_error_is_answered_as_problem_json(error: type[GatewayError]) -> None:
    """RFC 9457, with what the client may know and the id that the log has too."""
    exchange = make_exchange(exchange_id="id-1")

    response = exchange.reject(error("for the client", log="secret", headers=[(b"retry-after", b"3")]))

    assert error.status == response.status
    assert b"application/problem+json" == response.headers.get(b"content-type")
    assert b"3" == response.headers.get(b"retry-after")
    assert response.error is not None
    assert {
        "type": f"urn:gatekeeper:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "request_id": "id-1",
        "detail": "for the client",
    } == orjson.loads(response.body.data or b"")


def test_what_is_for_the_log_stays_there() -> None:
    """Without a detail the client gets none."""
    response = make_exchange().reject(GatewayError(log="password=hunter2"))

    assert b"hunter2" not in (response.body.data or b"")
    assert "detail" not in orjson.loads(response.body.data or b"")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (GatewayError("detail", log="log"), "detail"),
        (GatewayError(log="log"), "log"),
        (GatewayError(), "The gateway failed to handle the request"),
    ],
)
def test_an_error_as_text_is_the_most_that_is_known(error: GatewayError, text: str) -> None:
    """What stands in a traceback."""
    assert text == str(error)


@pytest.mark.parametrize("error", ALL)
def test_the_branch_of_the_tree_tells_whose_fault_it_is(error: type[GatewayError]) -> None:
    """Rejections are the client's fault with 4xx, upstream errors the upstream's with 5xx."""
    if issubclass(error, Rejection):
        assert (Source.CLIENT, 4) == (error.source, error.status // 100)
    elif issubclass(error, UpstreamError):
        assert (Source.UPSTREAM, 5) == (error.source, error.status // 100)
        assert error.failure in {"connect", "reset", "timeout", "unavailable", "protocol"}
    else:
        assert 5 == error.status // 100


@pytest.mark.parametrize("error", ALL)
def test_only_upstream_errors_may_be_tried_again(error: type[GatewayError]) -> None:
    """And always only where nothing was sent."""
    if error.retry is not Retry.NEVER:
        assert issubclass(error, UpstreamError)
    if error.retry is Retry.ALWAYS:
        assert error.failure in {"connect", "unavailable"}  # type: ignore[attr-defined]
