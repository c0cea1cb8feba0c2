"""API keys as operators deal with them."""

import asyncio
from pathlib import Path

import orjson
import pytest

from gatekeeper.admin.errors import Unavailable
from gatekeeper.config.model import AuthenticatorConfig, ConsumerConfig, GatewayConfig
from gatekeeper.runtime.keys import GRACE, Keys, check_names, names_in
from gatekeeper.stores.apikey import digest_of, is_key
from gatekeeper.stores.keys import KeyBook
from gatekeeper.testing import FakeClock


@pytest.mark.parametrize(
    ("authenticator", "authenticators", "expected"),
    [
        pytest.param(None, ["keys"], "keys", id="the-only-one"),
        pytest.param("keys", ["keys"], "keys", id="named"),
        pytest.param("more", ["keys", "more"], "more", id="one-of-several"),
    ],
)
def test_whom_a_key_is_for(authenticator: str | None, authenticators: list[str], expected: str) -> None:
    """The authenticator need not be named where there is one only."""
    assert expected == check_names("acme", authenticator, ["acme"], authenticators)


@pytest.mark.parametrize(
    ("consumer", "authenticator", "authenticators", "message"),
    [
        pytest.param(
            "acmee", None, ["keys"], "there is no consumer `acmee`; did you mean `acme`?", id="consumer"
        ),
        pytest.param(
            "x", None, ["keys"], "there is no consumer `x`; there are `acme`, `shop`", id="consumer-of-few"
        ),
        pytest.param(
            "acme",
            "kyes",
            ["keys"],
            "there is no authenticator `kyes` that takes API keys; did you mean `keys`?",
            id="authenticator",
        ),
        pytest.param(
            "acme",
            None,
            ["keys", "more"],
            "name the authenticator that the key is for; there are `keys`, `more`",
            id="which",
        ),
        pytest.param(
            "acme",
            None,
            [],
            "no authenticator takes API keys; write `authenticators: {keys: api_key}`",
            id="none",
        ),
    ],
)
def test_whom_a_key_cannot_be_for(
    consumer: str, authenticator: str | None, authenticators: list[str], message: str
) -> None:
    """With what to write instead."""
    with pytest.raises(ValueError) as error:
        check_names(consumer, authenticator, ["acme", "shop"], authenticators)
    assert message == str(error.value)


@pytest.mark.parametrize(
    ("consumers", "ending"),
    [
        pytest.param([], "; `consumers` of the configuration is empty", id="none"),
        pytest.param([f"c{number}" for number in range(21)], "", id="too-many-to-name"),
    ],
)
def test_consumers_that_are_not_named(consumers: list[str], ending: str) -> None:
    """What there is instead of a list of them."""
    with pytest.raises(ValueError) as error:
        check_names("acme", None, consumers, ["keys"])
    assert f"there is no consumer `acme`{ending}" == str(error.value)


def test_the_names_of_a_configuration() -> None:
    """Authenticators of other kinds take no keys."""
    config = GatewayConfig(
        consumers={"acme": ConsumerConfig()},
        authenticators={"keys": AuthenticatorConfig(kind="api_key"), "sso": AuthenticatorConfig(kind="jwt")},
    )
    consumers, authenticators = names_in(config)

    assert ({"acme"}, ["keys"]) == (set(consumers), authenticators)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keys(tmp_path: Path, clock: FakeClock) -> Keys:
    """For one consumer."""
    return Keys(KeyBook(tmp_path / "gatekeeper.db", clock), clock, lambda: (["acme"], ["keys"]))


async def test_a_life(keys: Keys, clock: FakeClock) -> None:
    """Made, rotated, revoked: the key itself is told twice, to those who asked for it."""
    made = await keys.create(
        {"consumer": "acme", "scopes": ["read"], "note": "CI", "expires": clock.wall() + 9e6}
    )
    new = await keys.rotate(made["id"], {"grace": 60})
    await keys.revoke(new["id"])
    await keys.revoke(new["id"])
    listed = await keys.list()

    assert all(is_key(one["key"]) and one["key"].endswith(one["hint"]) for one in (made, new))
    assert ("acme", "keys", ["read"], "CI", "live") == tuple(
        new[name] for name in ("consumer", "authenticator", "scopes", "note", "state")
    )
    assert [(clock.wall() + 60, None), (new["expires"], clock.wall())] == [
        (one["expires"], one["revoked"]) for one in listed
    ]
    assert ["live", "revoked"] == [one["state"] for one in listed]
    said = orjson.dumps(listed).decode()
    for key in (made["key"], new["key"]):
        assert key not in said
        assert digest_of(key).hex() not in said


async def test_a_day_of_grace(keys: Keys, clock: FakeClock) -> None:
    """Where nobody says how long."""
    made = await keys.create({"consumer": "acme"})
    await keys.rotate(made["id"], {})

    assert clock.wall() + GRACE == (await keys.list())[0]["expires"]


async def test_what_is_refused(keys: Keys) -> None:
    """In the words of those who know."""
    with pytest.raises(ValueError, match="no consumer `shop`"):
        await keys.create({"consumer": "shop"})
    with pytest.raises(ValueError, match="no authenticator `sso`"):
        await keys.create({"consumer": "acme", "authenticator": "sso"})
    with pytest.raises(LookupError, match="there is no key `k_x`"):
        await keys.revoke("k_x")
    assert [] == await keys.list()


async def test_a_database_that_cannot_be_used(tmp_path: Path, clock: FakeClock) -> None:
    """It is named; nothing is said of keys."""
    path = tmp_path / "gatekeeper.db"
    await asyncio.to_thread(path.write_text, "version: 1\n" * 500)
    keys = Keys(KeyBook(path, clock), clock, lambda: (["a"], ["keys"]))

    for work in (keys.list(), keys.create({"consumer": "a"}), keys.rotate("k_1", {}), keys.revoke("k_1")):
        with pytest.raises(Unavailable, match=r"cannot be used: file is not a database$"):
            await work
