"""`auth`: who asks, found out by one or several authenticators, and told to services."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from gatekeeper.core.errors import Forbidden, GatewayError, IdentityUnknown, Rejection, Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.core.message import Field, Headers, Response
from gatekeeper.extend.context import DRY_RUN
from gatekeeper.filters.auth import LONGEST
from gatekeeper.testing import RunFilter, config_problems, make_exchange


Answer = Consumer | None | Exception | Any


@attrs.define
class Says:
    """An authenticator that says what a test says, and notes what it was asked."""

    answer: Answer = None
    challenge: str = ""
    asked: int = 0
    concealed: int = 0

    async def authenticate(self, exchange: Exchange, /) -> Consumer | None:
        """Say it."""
        self.asked += 1
        if callable(self.answer):
            return await self.answer(exchange)  # type: ignore[no-any-return]
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def conceal(self, exchange: Exchange, /) -> None:
        """Take its field out."""
        self.concealed += 1
        exchange.request.headers.remove(b"x-secret")


def consumer(name: str, **more: Any) -> Consumer:
    return Consumer(name=name, authenticators=(f"by-{name}",), **more)


ACME, BOB = consumer("acme", roles=frozenset({"a"})), consumer("bob", roles=frozenset({"b"}))


async def run(
    run_filter: RunFilter,
    options: Any,
    authenticators: Mapping[str, Says],
    exchange: Exchange | None = None,
) -> tuple[Exchange, Response, int]:
    """The exchange, its answer, and how often what comes next was asked."""
    exchange = exchange or make_exchange(headers={"X-Secret": "hush", "X-Other": "1"})
    call = run_filter("auth", options, exchange, authenticators=authenticators)
    upstream = asyncio.ensure_future(call.upstream())
    response = asyncio.ensure_future(call.response())
    done, _ = await asyncio.wait([upstream, response], return_when=asyncio.FIRST_COMPLETED)
    response.cancel()
    passed = upstream in done and upstream.exception() is None
    if passed:
        upstream.result().respond(200)
    else:
        upstream.cancel()
        await asyncio.gather(upstream, return_exceptions=True)
    return exchange, await call.response(), int(passed)


# ---- one --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "optional", "status"),
    [
        pytest.param(ACME, False, 200, id="proven"),
        pytest.param(None, False, 401, id="no-credential"),
        pytest.param(Unauthenticated(), False, 401, id="wrong"),
        pytest.param(IdentityUnknown(), False, 503, id="unknown"),
        pytest.param(Forbidden(), False, 403, id="another-refusal"),
        pytest.param(ACME, True, 200, id="optional-proven"),
        pytest.param(None, True, 200, id="optional-no-credential"),
        pytest.param(Unauthenticated(), True, 401, id="RBC-04-optional-wrong"),
        pytest.param(IdentityUnknown(), True, 503, id="RBC-04-optional-unknown"),
    ],
)
@pytest.mark.parametrize("key", ["any_of", "all_of"])
async def test_one_authenticator(
    run_filter: RunFilter, key: str, answer: Answer, optional: bool, status: int
) -> None:
    """Who is not proven does not pass, and a wrong credential never; what was secret is gone, whatever was found."""
    one = Says(answer)

    exchange, response, passed = await run(run_filter, {key: ["one"], "optional": optional}, {"one": one})

    assert (status, status == 200) == (response.status, bool(passed))
    assert (ACME if answer is ACME else None) is exchange.consumer
    assert (1, 1) == (one.asked, one.concealed)
    assert b"x-secret" not in exchange.request.headers


async def hang(_: Exchange) -> Consumer | None:
    await asyncio.Event().wait()
    return ACME


RUBBISH = [
    True,
    False,
    0,
    1,
    "",
    "acme",
    b"",
    {},
    {"name": "acme"},
    [],
    [ACME],
    (ACME,),
    object(),
    Response(200),
]


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("key", ["any_of", "all_of"])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("rubbish", [pytest.param(one, id=f"{one!r:.20}") for one in RUBBISH])
async def test_rubbish_is_no_proof(
    run_filter: RunFilter, rubbish: Any, count: int, key: str, optional: bool
) -> None:
    """RBC-05: nobody passes, not even as nobody; what it was is not shown."""
    several = {"bad": Says(rubbish), "good": Says(ACME)}
    options = {key: list(several)[:count], "optional": optional, "upstream_headers": False}
    exchange = make_exchange()
    call = run_filter("auth", options, exchange, authenticators=several)

    with pytest.raises(TypeError, match=r"^Says answered with \w+, which is no Consumer$"):
        await call.response()

    assert None is exchange.consumer
    assert 1 == several["bad"].concealed


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), TimeoutError(), KeyError("k")])
async def test_what_an_authenticator_raises_is_no_proof(run_filter: RunFilter, error: Exception) -> None:
    """RBC-05: also where the next one would know."""
    several = {"bad": Says(error), "good": Says(ACME)}
    exchange = make_exchange()

    with pytest.raises(type(error)):
        await run_filter("auth", ["bad", "good"], exchange, authenticators=several).response()

    assert (None, 0, 1, 1) == (
        exchange.consumer,
        several["good"].asked,
        several["good"].concealed,
        several["bad"].concealed,
    )


async def test_who_waits_for_ever_passes_nobody(run_filter: RunFilter) -> None:
    """RBC-05: and ends with its client."""
    started = asyncio.Event()

    async def slow(exchange: Exchange) -> Consumer | None:
        started.set()
        return await hang(exchange)

    one, exchange = Says(slow), make_exchange()
    call = run_filter("auth", "one", exchange, authenticators={"one": one})
    await started.wait()

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.response()

    assert (None, 1) == (exchange.consumer, one.concealed)


async def test_who_cannot_take_its_secret_out_passes_nobody(run_filter: RunFilter) -> None:
    """RBC-05: it would be passed on."""

    class Leaking(Says):
        def conceal(self, exchange: Exchange, /) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_filter("auth", "one", make_exchange(), authenticators={"one": Leaking(ACME)}).response()


# ---- several ----------------------------------------------------------------------------------------------------------

PROVEN, MISSING, WRONG, UNKNOWN = "proven", "missing", "wrong", "unknown"
KINDS: dict[str, Callable[[str], Answer]] = {
    PROVEN: consumer,
    MISSING: lambda _: None,
    WRONG: lambda _: Unauthenticated(),
    UNKNOWN: lambda _: IdentityUnknown(),
}


def any_of(kinds: tuple[str, ...], *, optional: bool) -> int:
    """What the grammar says of `any_of`."""
    if PROVEN in kinds:
        return 200
    if UNKNOWN in kinds:
        return 503
    return 401 if WRONG in kinds or not optional else 200


def all_of(kinds: tuple[str, ...], *, optional: bool) -> int:
    """What the grammar says of `all_of`: of what is wrong the first counts."""
    first = next((kind for kind in kinds if kind in {WRONG, UNKNOWN}), None)
    if first is not None:
        return 401 if first == WRONG else 503
    if set(kinds) == {MISSING}:
        return 200 if optional else 401
    return 401 if MISSING in kinds else 200


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("key", ["any_of", "all_of"])
@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, repeat=3)), ids="-".join)
async def test_every_combination(
    run_filter: RunFilter, kinds: tuple[str, ...], key: str, optional: bool
) -> None:
    """RBC-04: by a model that is a few lines; the first who is proven names who asks."""
    several = {f"a{number}": Says(KINDS[kind](f"c{number}")) for number, kind in enumerate(kinds)}
    expected = (any_of if key == "any_of" else all_of)(kinds, optional=optional)

    exchange, response, passed = await run(run_filter, {key: list(several), "optional": optional}, several)

    assert (expected, expected == 200) == (response.status, bool(passed))
    assert [1, 1, 1] == [one.concealed for one in several.values()]
    if expected == 200 and PROVEN in kinds:
        assert exchange.consumer is not None
        assert f"c{kinds.index(PROVEN)}" == exchange.consumer.name
        proven = 3 if key == "all_of" else 1
        assert proven == len(exchange.consumer.authenticators)
    else:
        assert None is exchange.consumer


async def test_all_prove_one(run_filter: RunFilter) -> None:
    """With what each of them has given."""
    exchange, _, _ = await run(run_filter, {"all_of": ["one", "two"]}, {"one": Says(ACME), "two": Says(BOB)})

    assert exchange.consumer is not None
    assert ("acme", frozenset("ab")) == (exchange.consumer.name, exchange.consumer.roles)
    assert "a,b" == exchange.request.headers.text(b"x-consumer-roles")


async def test_who_is_known_is_not_looked_for_again(run_filter: RunFilter) -> None:
    """The rest is not asked; their secrets are taken out all the same."""
    several = {"one": Says(ACME), "two": Says(BOB)}

    await run(run_filter, ["one", "two"], several)

    assert (0, 1) == (several["two"].asked, several["two"].concealed)


# ---- what clients are told --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, Unauthenticated("for the client", log="for us")])
async def test_every_way_in_is_named(run_filter: RunFilter, answer: Answer) -> None:
    """RFC 9110 section 11.6.1: once each."""
    several = {
        "one": Says(answer, "Bearer"),
        "two": Says(answer, 'ApiKey realm="y"'),
        "three": Says(answer, "Bearer"),
        "four": Says(),
    }

    _, response, _ = await run(run_filter, list(several), several)

    assert [b"Bearer", b'ApiKey realm="y"'] == response.headers.get_all(b"www-authenticate")
    assert response.error is not None
    if answer is not None:
        assert ("for the client", "for us") == (response.error.detail, response.error.log)


class Stale(Unauthenticated):
    """A refusal of a plugin."""

    code = "stale"


@pytest.mark.parametrize(
    ("error", "challenges"),
    [
        (
            Unauthenticated(headers=[(b"www-authenticate", b'Bearer error="invalid_token"')]),
            [b'Bearer error="invalid_token"'],
        ),
        (Stale(headers=[(b"www-authenticate", b"Stale")]), [b"Stale"]),
    ],
)
async def test_who_says_more_has_the_word(
    run_filter: RunFilter, error: Unauthenticated, challenges: list[bytes]
) -> None:
    """RFC 6750 section 3: an error has challenges of its own."""
    _, response, _ = await run(run_filter, "x", {"x": Says(error, "Bearer")})

    assert challenges == response.headers.get_all(b"www-authenticate")
    assert error is response.error


async def test_without_a_challenge_there_is_none(run_filter: RunFilter) -> None:
    """A certificate is asked for elsewhere."""
    _, response, _ = await run(run_filter, "x", {"x": Says()})

    assert (401, []) == (response.status, response.headers.get_all(b"www-authenticate"))


@pytest.mark.parametrize("error", [Rejection(), IdentityUnknown(), Forbidden()])
async def test_other_refusals_challenge_nobody(run_filter: RunFilter, error: GatewayError) -> None:
    """Another credential would not help."""
    _, response, _ = await run(run_filter, "x", {"x": Says(error, "Bearer")})

    assert (error.status, []) == (response.status, response.headers.get_all(b"www-authenticate"))


# ---- what services are told -------------------------------------------------------------------------------------------


def told(exchange: Exchange) -> list[Field]:
    return [field for field in exchange.request.headers.fields if field[0] != b"X-Other"]


WHOLE = consumer(
    "staff:u,17",
    roles=frozenset({"writer", "a,b", " admin"}),
    plan="gold",
    labels={"team": "blue"},
    claims={
        "evil": "a\r\nX-Admin: 1\0",
        "words": ["é", "😀", {"x": 1}, "a,b"],
        "object": {"a": 1},
        "long": "x" * 100_000,
        "limit": "x" * LONGEST,
        "many": ["role"] * 2000,
    },
)


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({}, None),
        (False, []),
        ({"x-who": "{consumer}"}, [(b"x-who", b"staff:u%2C17")]),
        (
            {"X-Who": "user {consumer}", "x-plan": "{consumer.plan}", "x-team": "{consumer.labels.team}"},
            [(b"X-Who", b"user staff:u%2C17"), (b"x-plan", b"gold"), (b"x-team", b"blue")],
        ),
        ({"x-by": "{authenticator}", "x-id": "{request.id}"}, [(b"x-by", b"by-staff:u%2C17"), (b"x-id", b"test")]),
        ({"x-fixed": "é"}, [(b"x-fixed", "é".encode())]),
        pytest.param({"x-a": "{claim.none}", "x-b": "{claim.object}"}, [], id="what is empty is not told"),
        pytest.param({"x-a": "{claim.evil}"}, [(b"x-a", b"a%0D%0AX-Admin:%201%00")], id="FWD-08-lines"),
        pytest.param(
            {"x-a": "{claim.words}"}, [(b"x-a", b"%C3%A9,%F0%9F%98%80,a%2Cb")], id="FWD-08-a-list-and-an-object"
        ),
        pytest.param({"x-a": "{claim.limit}"}, [(b"x-a", b"x" * LONGEST)], id="FWD-08-as-long-as-may-be"),
    ],
)  # fmt: skip
async def test_services_are_told(run_filter: RunFilter, headers: Any, fields: list[Field] | None) -> None:
    """FWD-08: each value is one word, or several that can be told apart; twice the same."""
    options: dict[str, Any] = {"any_of": ["x"]}
    if headers != {}:
        options["upstream_headers"] = headers
    default = [(b"x-consumer", b"staff:u%2C17"), (b"x-consumer-roles", b"%20admin,a%2Cb,writer")]

    for _ in range(2):
        exchange, response, _ = await run(run_filter, options, {"x": Says(WHOLE)})

        assert 200 == response.status
        assert (default if fields is None else fields) == told(exchange)


@pytest.mark.parametrize("claim", ["long", "many"])
async def test_what_is_too_long_to_be_told_is_no_proof(run_filter: RunFilter, claim: str) -> None:
    """FWD-08: a part of it could be somebody else; 401 with a challenge, and the log says which field, and not what."""
    options = {"any_of": ["x"], "upstream_headers": {"x-a": f"{{claim.{claim}}}"}}

    for _ in range(2):
        _, response, passed = await run(run_filter, options, {"x": Says(WHOLE, "Bearer")})

        assert (401, 0) == (response.status, passed)
        assert b"Bearer" == response.headers.get(b"www-authenticate")
        assert response.error is not None
        assert "what x-a says of staff:u,17 is too long" == response.error.log


async def test_what_is_told_replaces_what_was(run_filter: RunFilter) -> None:
    """Another `auth` may have said something else, in another case."""
    exchange = make_exchange(
        headers={"X-Consumer": "old", "x-consumer-ROLES": "old", "X-Consumer-Rolex": "1"}
    )

    await run(run_filter, "x", {"x": Says(consumer("new"))}, exchange)

    assert [(b"X-Consumer-Rolex", b"1"), (b"x-consumer", b"new")] == exchange.request.headers.fields


async def test_texts_of_the_request_are_told_anew(run_filter: RunFilter) -> None:
    """What is kept for a consumer must not be of somebody else's request."""
    options = {"any_of": ["x"], "upstream_headers": {"x-a": "{consumer} {header.x-b}"}}

    for value in ("1", "2"):
        exchange, _, _ = await run(
            run_filter, options, {"x": Says(ACME)}, make_exchange(headers={"X-B": value})
        )
        assert f"acme {value}" == exchange.request.headers.text(b"x-a")


async def test_filters_do_not_share_what_they_keep(run_filter: RunFilter) -> None:
    """One consumer may be told of in different words."""
    for header in ("x-a", "x-b"):
        options = {"any_of": ["x"], "upstream_headers": {header: "{consumer}"}}
        exchange, _, _ = await run(run_filter, options, {"x": Says(ACME)}, make_exchange())
        assert [(header.encode(), b"acme")] == exchange.request.headers.fields


async def test_nobody_is_not_told_of(run_filter: RunFilter) -> None:
    """Not even as somebody."""
    exchange, response, _ = await run(
        run_filter, {"any_of": ["x"], "optional": True}, {"x": Says()}, make_exchange()
    )

    assert (200, []) == (response.status, exchange.request.headers.fields)


async def test_who_was_known_before_stays(run_filter: RunFilter) -> None:
    """A second `auth` that finds nobody takes nothing back; one that has to find somebody lets nobody pass."""
    for optional, status in ((True, 200), (False, 401)):
        exchange = make_exchange(consumer=BOB)
        _, response, _ = await run(
            run_filter, {"any_of": ["x"], "optional": optional}, {"x": Says()}, exchange
        )
        assert (status, BOB) == (response.status, exchange.consumer)


async def test_the_one_found_last_is_who_asks(run_filter: RunFilter) -> None:
    """A second `auth` may know better."""
    exchange = make_exchange(consumer=BOB)

    await run(run_filter, "x", {"x": Says(ACME)}, exchange)

    assert ACME is exchange.consumer


# ---- before it serves -------------------------------------------------------------------------------------------------


async def test_a_trial_asks_nobody(run_filter: RunFilter) -> None:
    """There is no credential; what stands behind finds somebody who may do nothing."""
    one = Says(ZeroDivisionError())
    exchange = make_exchange(headers=Headers([(b"x-secret", b"1")]))
    exchange[DRY_RUN] = True

    _, response, _ = await run(run_filter, {"all_of": ["x"]}, {"x": one}, exchange)

    assert (200, 0) == (response.status, one.asked)
    assert Consumer(name="somebody", authenticators=("x",)) == exchange.consumer
    assert "somebody" == exchange.request.headers.text(b"x-consumer")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "`auth` names authenticators, under `any_of` or under `all_of`"),
        ({"any_of": []}, "`auth` names authenticators"),
        ({"any_of": ["a"], "all_of": ["b"]}, "`auth` names authenticators"),
        ({"any_of": ["A"]}, "is no name"),
        ({"any_of": ["a"], "upstream_headers": {"host": "x"}}, "`host` is written by the gateway itself"),
        ({"any_of": ["a"], "upstream_headers": {"a b": "x"}}, "`a b` is not a header field name"),
        ({"any_of": ["a"], "upstream_headers": {"x-a": "a\nb"}}, "is not a header field value"),
        pytest.param(
            {"any_of": ["a"], "upstream_headers": {"x-a": "{consumer}\r\nx-b: 1"}}, "is not a header field value",
            id="FWD-08-lines-beside-a-value",
        ),
        ({"any_of": ["a"], "upstream_headers": {"x-a": "{nothing}"}}, "`{nothing}` is no value"),
    ],
)  # fmt: skip
def test_what_is_refused(options: Any, message: str) -> None:
    """Before anybody is asked."""
    problems = config_problems("auth", options)

    assert problems
    assert message in problems[0].message


@pytest.mark.parametrize(
    "options", ["keys", ["keys", "tokens"], {"all_of": "keys"}, {"any_of": ["a"], "upstream_headers": {}}]
)
def test_short_forms(options: Any) -> None:
    """One, or a list."""
    wrong = [problem for problem in config_problems("auth", options) if "all_of" not in problem.path]

    assert [] == wrong
