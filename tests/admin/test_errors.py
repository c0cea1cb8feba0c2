"""What ends a request otherwise than asked."""

from gatekeeper.admin.errors import AdminError, Conflict, Stale, Unavailable


def test_an_error_has_what_its_answer_needs() -> None:
    """Nothing more where nothing is said."""
    plain = AdminError(404, "no service x")
    rich = AdminError(429, "wait", headers={"Retry-After": "1"}, more={"problems": []})

    assert (404, "no service x", {}, {}) == (plain.status, plain.detail, plain.headers, plain.more)
    assert ({"Retry-After": "1"}, {"problems": []}) == (rich.headers, rich.more)
    assert "no service x" == str(plain)


def test_what_a_node_raises_is_told_apart() -> None:
    """Neither is the other, nor a mistake in what was sent."""
    assert not issubclass(Conflict, Stale | ValueError | LookupError)
    assert not issubclass(Stale, Conflict | ValueError | LookupError)
    assert not issubclass(Unavailable, Conflict | Stale | ValueError | LookupError | OSError)
