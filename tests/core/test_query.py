"""Query parameters: what is read of them, and how one is taken out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.query import drop_query, query_values
from gatekeeper.testing import make_exchange


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", []),
        ("key=a", ["a"]),
        ("key=a&key=b", ["a", "b"]),
        ("x=1&key=a+b%26", ["a b&"]),
        ("key", [""]),
        ("key=", [""]),
        ("k%65y=a", ["a"]),
        ("key=a=b", ["a=b"]),
        ("Key=a&keys=b&ke=c", []),
        ("x=1;key=a", []),
        ("key=%ff", ["\ufffd"]),
        ("&&key=a&", ["a"]),
    ],
)
def test_all_values_of_a_parameter(query: str, values: list[str]) -> None:
    """KEY-03: in any spelling that forms know, in order."""
    assert values == query_values(query, "key")


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("key=a", ""),
        ("x=%2f+1&key=a&y", "x=%2f+1&y"),
        ("k%65y=a&key&key=&x", "x"),
        ("keys=a&Key=b", "keys=a&Key=b"),
        ("a&&key=1&", "a&&"),
        ("x=key=1", "x=key=1"),
    ],
)
def test_a_parameter_is_taken_out(query: str, left: str) -> None:
    """KEY-03: all of that name; PTH-14: the rest keeps its bytes."""
    request = make_exchange("GET", f"/a%20b?{query}").request

    drop_query(request, "key")

    assert (left, (f"/a%20b?{left}" if left else "/a%20b").encode()) == (request.query, request.target)


@pytest.mark.parametrize("target", ["/", "/?", "/?a", "/?a&&b=%zz"])
def test_where_there_is_none_nothing_changes(target: str) -> None:
    """PTH-14: not even a question mark that stands alone."""
    request = make_exchange("GET", target).request
    before = request.target

    drop_query(request, "key")

    assert before == request.target


@given(st.text("key=&%65+;a", max_size=30))
def test_what_is_left_has_no_such_parameter(query: str) -> None:
    """KEY-03: whatever clients write."""
    request = make_exchange("GET", f"/?{query}").request

    drop_query(request, "key")

    assert [] == query_values(request.query, "key")
    assert request.target.decode() in {"/", f"/?{request.query}"}
