"""Rewrites: what the instance is asked for."""

import pytest

from gatekeeper.core.errors import BadTarget
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, Request
from gatekeeper.core.text import Text
from gatekeeper.routing.path import canonical
from gatekeeper.routing.rewrite import Rewrite


def exchange(raw: bytes, query: str = "", **captures: str) -> Exchange:
    """An exchange whose path was sent as these bytes."""
    path, target = canonical(raw, keep_encoded_slashes=True)
    target += b"?" + query.encode() if query else b""
    found = Exchange("id", Request("GET", path, target, query, "a.example", b"a.example", Headers()), 0.0)
    found.captures = captures
    return found


@pytest.mark.parametrize(
    ("rewrite", "raw", "target"),
    [
        pytest.param(Rewrite(strip="/v1"), b"/v1/users/7", b"/users/7", id="strip"),
        pytest.param(Rewrite(strip="/v1"), b"/v1", b"/", id="PTH-15-nothing-left"),
        pytest.param(Rewrite(strip="/v1"), b"/%76%31/x", b"/x", id="a-spelling-cannot-dodge-it"),
        pytest.param(Rewrite(strip="/v1"), b"/v1//x", b"/x", id="PTH-15-empty-segment"),
        pytest.param(Rewrite(strip="/v1"), b"/other", b"/other", id="strip-elsewhere"),
        pytest.param(Rewrite(strip="/v1"), b"/v1/a/v1/b", b"/a/v1/b", id="strip-once"),
        pytest.param(Rewrite(prefix="/api"), b"/x", b"/api/x", id="prefix"),
        pytest.param(Rewrite(strip="/v1", prefix="/v2"), b"/v1/x", b"/v2/x", id="strip-and-prefix"),
        pytest.param(
            Rewrite(strip="/api", prefix="/v2"), b"/api", b"/v2", id="PTH-15-strip-and-prefix-nothing-left"
        ),
        pytest.param(
            Rewrite(strip="/api", prefix="/v2"), b"/api/", b"/v2/", id="PTH-15-strip-and-prefix-a-slash-left"
        ),
        pytest.param(Rewrite(path=Text("/u/{path.id}")), b"/users/7", b"/u/7", id="path"),
        pytest.param(Rewrite(method="POST"), b"/x", b"/x", id="method-alone"),
    ],
)
def test_a_rewrite_changes_the_path_and_keeps_the_query(rewrite: Rewrite, raw: bytes, target: bytes) -> None:
    """PTH-15: what comes out is a path."""
    found = exchange(raw, "a=%2f", id="7")
    plain = exchange(raw, id="7")

    rewrite.apply(found)
    rewrite.apply(plain)

    assert target + b"?a=%2f" == found.request.target
    assert target == plain.request.target
    assert (rewrite.method or "GET") == found.request.method


@pytest.mark.parametrize("value", ["../admin%2f", "a\\b", "x#y"])
def test_what_comes_out_is_checked_like_a_path_that_a_client_sent(value: str) -> None:
    """A header in a path cannot lead elsewhere unseen."""
    found = exchange(b"/x", id=value)

    with pytest.raises(BadTarget):
        Rewrite(path=Text("/u/{path.id}")).apply(found)


def test_an_encoded_slash_comes_out_where_the_route_keeps_them() -> None:
    """Of a path and of a capture; a dot segment beside one never does."""
    found = exchange(b"/v1/a%2Fb", id="c%2Fd")
    beside = exchange(b"/x", id="..%2Fd")

    Rewrite(path=Text("/u/{path.id}"), keep_encoded_slashes=True).apply(found)

    assert found.request.target == b"/u/c%2Fd"
    with pytest.raises(BadTarget):
        Rewrite(path=Text("/u/{path.id}"), keep_encoded_slashes=True).apply(beside)
