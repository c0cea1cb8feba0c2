"""API keys of the configuration."""

import hashlib
import hmac
from typing import Any

import pytest

from gatekeeper.auth.api_key import KeyConfig
from gatekeeper.config.problems import ConfigError
from gatekeeper.core.errors import Unauthenticated
from gatekeeper.core.message import Headers
from gatekeeper.extend.authenticate import Authenticator
from gatekeeper.testing import FakeClock, Surroundings, make_authenticator, make_exchange


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


CONSUMERS: dict[str, Any] = {
    "acme": {
        "roles": ["partner"],
        "scopes": ["read", "write"],
        "labels": {"team": "blue"},
        "credentials": {
            "keys": [
                {"sha256": sha256("first")},
                {"id": "reader", "sha256": sha256("second").upper(), "scopes": ["read"]},
                {"id": "old", "sha256": sha256("third"), "expires": "1970-01-01T00:20:00Z"},
                {"sha256": sha256("fourth"), "expires": "1970-01-01T00:20:00Z"},
            ]
        },
    },
    "other": {"credentials": {"keys": {"sha256": sha256("fünfte €")}, "more": {"sha256": sha256("more")}}},
    "nobody": {},
}


def keys(options: Any = True, surroundings: Surroundings | None = None, **more: Any) -> Authenticator:
    """The authenticator `keys` of a file."""
    consumers = {
        name: {**one, "credentials": {"keys": one.get("credentials", {}).get("keys", [])}}
        for name, one in CONSUMERS.items()
    }
    return make_authenticator(
        "api_key", options, consumers=consumers, name="keys", surroundings=surroundings, **more
    )


KEYS = keys()


@pytest.mark.parametrize(
    ("key", "name", "scopes"),
    [
        ("first", "acme", {"read", "write"}),
        pytest.param("second", "acme", {"read"}, id="scopes of its own"),
        pytest.param("fünfte €", "other", set(), id="KEY-03-bytes-of-UTF-8"),
    ],
)
async def test_a_key_tells_whose_it_is(key: str, name: str, scopes: set[str]) -> None:
    """With what the consumer has been given."""
    consumer = await KEYS.authenticate(make_exchange(headers={"X-Api-Key": key}))

    assert consumer is not None
    assert (name, ("keys",)) == (consumer.name, consumer.authenticators)
    assert scopes == consumer.scopes
    if name == "acme":
        assert {"partner"} == consumer.roles
        assert {"team": "blue"} == consumer.labels


async def test_without_a_key_nobody_is_known() -> None:
    """It is missing, and not wrong."""
    assert None is await KEYS.authenticate(make_exchange(headers={"Authorization": "Bearer first"}))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="KEY-03-empty"),
        pytest.param(b"First", id="another case"),
        pytest.param(b"first ", id="KEY-03-a-blank"),
        pytest.param(b"first, second", id="KEY-03-two-in-one"),
        pytest.param(b"Bearer first", id="a scheme"),
        pytest.param(b"f\xc3\xbcnfte ?", id="KEY-03-a-sign-for-another"),
        pytest.param(b"f\xfcnfte \x80", id="KEY-03-other-bytes"),
        pytest.param(b"k" * 10_000, id="KEY-03-long"),
        pytest.param(b"first\0", id="KEY-03-nul"),
        pytest.param(sha256("first").encode(), id="KEY-02-the-hash-is-no-key"),
        pytest.param(b"more", id="KEY-08-the-key-of-another-authenticator"),
    ],
)
async def test_a_wrong_key_is_wrong(value: bytes) -> None:
    """KEY-03: 401, and no word of it in the log."""
    exchange = make_exchange()
    exchange.request.headers = Headers([(b"X-Api-Key", value)])

    with pytest.raises(Unauthenticated) as caught:
        await KEYS.authenticate(exchange)

    assert ("", "the key is not known") == (caught.value.detail, caught.value.log)


ENDING = {
    key: (clock, keys(surroundings=Surroundings(clock)))
    for key in ("third", "fourth")
    for clock in (FakeClock(wall=1199.999),)
}


@pytest.mark.parametrize(
    ("key", "log"), [("third", "the key old has expired"), ("fourth", "the key of acme has expired")]
)
async def test_a_key_ends(key: str, log: str) -> None:
    """At its moment, and not before; clients cannot tell it from one that never was."""
    exchange = make_exchange(headers={"X-Api-Key": key})
    clock, ending = ENDING[key]
    consumer = await ending.authenticate(exchange)
    assert consumer is not None
    assert "acme" == consumer.name

    clock.advance(0.001)
    with pytest.raises(Unauthenticated) as caught:
        await ending.authenticate(exchange)

    assert ("", log) == (caught.value.detail, caught.value.log)


@pytest.mark.parametrize(
    ("options", "path", "headers"),
    [
        ({}, "/", {"x-api-key": "first"}),
        ({"header": "X-Partner"}, "/", {"x-partner": "first"}),
        ({"header": "authorization", "scheme": "ApiKey"}, "/", {"authorization": "apikey first"}),
        ({"cookie": "key"}, "/", {"cookie": "a=1; key=first"}),
        ({"query": "key"}, "/?key=first&a=1", {}),
        pytest.param({"query": "key"}, "/?key=f%C3%BCnfte%20%E2%82%AC", {}, id="KEY-03-bytes-in-a-query"),
    ],
)
async def test_where_a_key_stands(options: Any, path: str, headers: dict[str, str]) -> None:
    """KEY-03: in one place; nothing of it is passed on."""
    placed = PLACED[repr(options)]
    exchange = make_exchange("GET", path, headers)

    assert None is not await placed.authenticate(exchange)
    placed.conceal(exchange)

    request = exchange.request
    assert None is await placed.authenticate(exchange)
    assert b"first" not in b" ".join([request.target, *(value for _, value in request.headers)])
    assert b"f%C3" not in request.target


PLACED = {
    repr(options): keys(options)
    for options in (
        {},
        {"header": "X-Partner"},
        {"header": "authorization", "scheme": "ApiKey"},
        {"cookie": "key"},
        {"query": "key"},
    )
}


def test_the_challenge_names_it() -> None:
    """RFC 9110 section 11.6.1."""
    assert 'ApiKey realm="keys"' == KEYS.challenge


def test_nothing_shows_the_hash_of_a_key() -> None:
    """KEY-02: whatever is logged."""
    shown = repr([KEYS, *vars(KEYS)["_held"].values(), KeyConfig(sha256=sha256("first"))])

    assert sha256("first") not in shown
    assert repr(bytes.fromhex(sha256("first")))[2:-1] not in shown


async def test_every_key_takes_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """KEY-01: one hash of all of it, and one look-up by that; how many bytes are right makes no difference."""
    worked: list[str] = []
    new, compare = hashlib.sha256, hmac.compare_digest

    def hashing(data: bytes) -> Any:
        worked.append(f"hash {len(data)}")
        return new(data)

    def comparing(one: bytes, other: bytes) -> bool:
        worked.append("compare")
        return compare(one, other)

    monkeypatch.setattr(hashlib, "sha256", hashing)
    monkeypatch.setattr(hmac, "compare_digest", comparing)
    for wrong in ("Xirst", "firsX", "XXXXX"):
        with pytest.raises(Unauthenticated):
            await KEYS.authenticate(make_exchange(headers={"X-Api-Key": wrong}))

    assert ["hash 5"] * 3 == worked


@pytest.mark.parametrize(
    ("credential", "message"),
    [
        ({"sha256": "first"}, "a SHA-256 is 64 hexadecimal digits"),
        ({}, "`sha256`"),
        ({"sha256": sha256("a"), "expires": "2027-01-01"}, "is a day and no moment"),
        ({"sha256": sha256("a"), "key": "a"}, "`key`"),
    ],
)
def test_a_credential_is_a_hash(credential: dict[str, str], message: str) -> None:
    """Whoever writes the key itself is not shown it again."""
    with pytest.raises(ConfigError, match=message) as caught:
        make_authenticator("api_key", consumers={"acme": {"credentials": {"api_key": credential}}})

    assert "`first`" not in str(caught.value)
