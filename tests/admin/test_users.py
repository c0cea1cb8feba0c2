"""Who asks, by token."""

import hashlib
import hmac
from typing import Any

import pytest

from gatekeeper.admin.backoff import FREE
from gatekeeper.admin.errors import AdminError
from gatekeeper.admin.users import LOCAL, Role, User, Users


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


ALICE = User("alice", "admin", digest("a-token"))
BOB = User("bob", "viewer", digest("b-token").upper())
ADDRESS = "10.0.0.1"


def refusal(users: Users, *fields: str, now: float = 0.0, address: str = ADDRESS) -> AdminError:
    with pytest.raises(AdminError) as caught:
        users.find(list(fields), address, now)
    return caught.value


def test_roles_are_an_order() -> None:
    """Each may do what those before it may."""
    assert Role.VIEWER < Role.OPERATOR < Role.ADMIN
    assert ["viewer", "operator", "admin"] == list(map(str, Role))


def test_a_role_that_does_not_exist() -> None:
    """The configuration has been checked before."""
    with pytest.raises(KeyError):
        User("x", "root", "")


def test_without_users_everybody_is_admin() -> None:
    """The listener is on loopback then; a token that is sent does no harm."""
    users = Users([])

    assert LOCAL is users.find([], ADDRESS, 0.0)
    assert LOCAL is users.find(["Bearer nonsense"], ADDRESS, 0.0)
    assert Role.ADMIN == LOCAL.role
    assert not users


@pytest.mark.parametrize(
    ("field", "user"),
    [
        pytest.param("Bearer a-token", ALICE, id="first"),
        pytest.param("bearer b-token", BOB, id="last, and a scheme has no case"),
        pytest.param("Bearer   a-token ", ALICE, id="spaces"),
    ],
)
def test_a_token_is_a_user(field: str, user: User) -> None:
    """Of all users; the hash may be in upper case."""
    assert user is Users([ALICE, BOB]).find([field], ADDRESS, 0.0)


def test_no_token_is_nobody() -> None:
    """Some endpoints are for everybody."""
    assert None is Users([ALICE]).find([], ADDRESS, 0.0)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(("Basic YTpi",), id="another-scheme"),
        pytest.param(("Bearer",), id="no-token"),
        pytest.param(("Bearer  ",), id="blank"),
        pytest.param(("",), id="empty"),
        pytest.param(("a-token",), id="no-scheme"),
        pytest.param(("Bearer a-token", "Bearer a-token"), id="twice"),
    ],
)
def test_what_is_no_token(fields: tuple[str, ...]) -> None:
    """It is said what to send; it counts as no guess."""
    users = Users([ALICE])
    for _ in range(2 * FREE):
        error = refusal(users, *fields)

        assert (401, 'Bearer realm="gatekeeper admin"') == (error.status, error.headers["WWW-Authenticate"])


@pytest.mark.parametrize("token", ["x", "a-token2", "A-TOKEN", digest("a-token"), "\udcff", "ü"])
def test_a_wrong_token(token: str) -> None:
    """The hash is none either, nor what is no UTF-8."""
    error = refusal(Users([ALICE]), f"Bearer {token}")

    assert (401, 'Bearer realm="gatekeeper admin"') == (error.status, error.headers["WWW-Authenticate"])


def test_adm_04_a_thousand_wrong_ones() -> None:
    """Five are answered, then the address waits, and the right one with it."""
    users = Users([ALICE])
    statuses = [refusal(users, f"Bearer {number}").status for number in range(1000)]

    assert [401] * FREE + [429] * (1000 - FREE) == statuses
    assert (429, "1") == (
        (error := refusal(users, "Bearer a-token")).status,
        error.headers["Retry-After"],
    )
    assert ALICE is users.find(["Bearer a-token"], ADDRESS, 1.0)
    assert ALICE is users.find(["Bearer a-token"], "10.0.0.2", 0.0)


def test_how_long_is_said_in_whole_seconds() -> None:
    """Rounded up: who comes back then is heard."""
    users = Users([ALICE])
    for number in range(FREE):
        refusal(users, f"Bearer {number}")

    assert "1" == refusal(users, "Bearer x", now=0.01).headers["Retry-After"]


def test_the_right_token_makes_the_others_forgotten() -> None:
    """A person who mistypes now and then never waits."""
    users = Users([ALICE])
    for number in range(50):
        assert 401 == refusal(users, f"Bearer {number}").status
        users.find(["Bearer a-token"], ADDRESS, 0.0)


def test_adm_04_all_users_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """In constant time each, whether one was found or not, so that the time says nothing."""
    compared: list[Any] = []

    def compare(one: str, other: str) -> bool:
        compared.append(other)
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare)
    users = Users([ALICE, BOB])
    for field in ("Bearer a-token", "Bearer b-token"):
        users.find([field], ADDRESS, 0.0)
    refusal(users, "Bearer x")

    assert 3 * [digest("a-token"), digest("b-token")] == compared


def test_a_hash_is_not_shown() -> None:
    """Not even that."""
    assert ALICE.token_sha256 not in repr(ALICE)
