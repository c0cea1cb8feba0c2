"""What happens to each field of an answer."""

import pytest

from gatekeeper.upstream.fields import ACTIONS, CONTENT_LENGTH, REASON, Action, is_event_stream


@pytest.mark.parametrize(
    ("name", "action"),
    [
        (b"Set-Cookie", None),
        (b"CONTENT-length", Action.CONTENT_LENGTH),
        (b"Transfer-Encoding", Action.TRANSFER_ENCODING),
        (b"connection", Action.CONNECTION),
        (b"Keep-Alive", Action.DROP),
        (b"Upgrade", Action.UPGRADE),
        (b"Trailer", Action.TRAILER),
        (b"X-Request-Id", Action.DROP),
    ],
)
def test_a_name_is_known_in_any_case(name: bytes, action: Action | None) -> None:
    """Instances write them as they like."""
    assert action is ACTIONS[name]


def test_lengths_and_reasons_have_their_characters() -> None:
    """What a parser lets pass and a reader could understand differently."""
    for text in (b"0", b"0002", b"9" * 18):
        assert CONTENT_LENGTH.fullmatch(text)
    for text in (b"", b"+1", b"1 1", b"1,1", "１".encode(), b"9" * 19):  # noqa: RUF001
        assert not CONTENT_LENGTH.fullmatch(text)
    for text in (b"", b"Not Found", b"\xe4\xff", b"a\tb"):
        assert REASON.fullmatch(text)
    for text in (b"\x00", b"\x1b[31m", b"\x7f", b"a\rb"):
        assert not REASON.fullmatch(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"text/event-stream", True),
        (b"Text/Event-Stream;charset=utf-8", True),
        (b"text/event-stream ; x=y", True),
        (b"text/event-streams", False),
        (b"application/json", False),
        (None, False),
    ],
)
def test_an_event_stream_is_known_by_its_type(value: bytes | None, expected: bool) -> None:
    """Whatever its parameters."""
    fields = [(b"Server", b"text/event-stream")]
    if value is not None:
        fields.append((b"content-TYPE", value))

    assert expected == is_event_stream(fields)
