"""What is remembered of the names of header fields."""

from gatekeeper.core.fields import REMEMBERED, REMEMBERED_LENGTH, FieldActions, only


def test_a_name_is_judged_once_in_lower_case() -> None:
    """Each spelling for itself; the second look-up asks nobody."""
    asked: list[bytes] = []

    def decide(name: bytes) -> str | None:
        asked.append(name)
        return {b"host": "keep"}.get(name)

    actions = FieldActions(decide)

    assert ["keep", "keep", "keep", None, None] == [
        actions[name] for name in (b"Host", b"Host", b"HOST", b"Accept", b"Accept")
    ]
    assert [b"host", b"host", b"accept"] == asked


def test_what_is_remembered_of_names_is_bounded_by_number() -> None:
    """An attacker chooses them; what is known is known all the same when there is no more room."""
    actions = FieldActions({b"host": "keep"}.get)

    assert {None} == {actions[b"X-%d" % number] for number in range(2 * REMEMBERED)}
    assert REMEMBERED == len(actions)
    assert "keep" == actions[b"hOST"]
    assert REMEMBERED == len(actions)


def test_what_is_remembered_of_names_is_bounded_by_length() -> None:
    """A long one is judged anew each time."""
    actions = FieldActions({b"x" * (REMEMBERED_LENGTH + 1): "drop"}.get)

    assert None is actions[b"X" * REMEMBERED_LENGTH]
    assert "drop" == actions[b"X" * (REMEMBERED_LENGTH + 1)]
    assert [b"X" * REMEMBERED_LENGTH] == list(actions)


def test_only_some_names() -> None:
    """In any case; whoever asks for the same names shares what is remembered."""
    names = only(frozenset({b"x-a", b"x-b"}))

    assert [True, True, False, False] == [names[name] for name in (b"X-A", b"x-b", b"x-ab", b"")]
    assert names is only(frozenset({b"x-b", b"x-a"}))
