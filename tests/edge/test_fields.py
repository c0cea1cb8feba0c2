"""What happens to each field of a request."""

import pytest

from gatekeeper.edge.fields import ACTIONS, Action


@pytest.mark.parametrize(
    ("name", "action"),
    [
        (b"Accept", None),
        (b"cookie", None),
        (b"HOST", Action.HOST),
        (b"X-Forwarded-For", Action.FORWARDED_FOR),
        (b"Transfer-Encoding", Action.TRANSFER_ENCODING),
        (b"authorization", Action.ONCE),
        (b"TE", Action.DROP),
        (b"x-REAL-ip", Action.DROP),
        (b"X_Anything", Action.DROP),
        (b"Content_Length", Action.DROP),
    ],
)
def test_a_name_is_known_in_any_case(name: bytes, action: Action | None) -> None:
    """And a name that a server could take for another is dropped."""
    assert action is ACTIONS[name]
