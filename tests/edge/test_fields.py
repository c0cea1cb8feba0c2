"""What happens to each field of a request."""

import pytest

from gatekeeper.edge.fields import Action, FieldActions


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
    """The second look-up needs no lower-casing."""
    actions = FieldActions()
    assert (action, action) == (actions[name], actions[name])
    assert name in actions


def test_what_is_remembered_of_names_is_bounded() -> None:
    """An attacker chooses them: by number and by length."""
    actions = FieldActions()
    for number in range(5000):
        assert None is actions[b"X-%d" % number]
    assert len(actions) == 2048
    assert Action.HOST is actions[b"hOST"]
    fresh = FieldActions()
    assert None is fresh[b"X" * 65]
    assert len(fresh) == 0
