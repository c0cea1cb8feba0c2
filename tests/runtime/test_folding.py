"""Chains that are watched instead of guarded; what they are for stands in test_dry_run.py."""

from typing import Any

import pytest

from gatekeeper.config.model import FilterConfig, UseConfig
from gatekeeper.config.problems import Place
from gatekeeper.core.chain import AttemptLink, Chain, Group, Handler, Link
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.runtime.folding import (
    AttemptFilterLink,
    ChainGroup,
    Ending,
    FilterLink,
    Folding,
    flat,
    ids,
    key_of,
    past_the_end,
    told,
)
from gatekeeper.testing import make_exchange


CONFIG = FilterConfig(kind="x", name="x", place=Place(("filters", 0), "gateway.yaml", 3, 4))
USE = UseConfig(use="c", place=Place(("filters", 1), "gateway.yaml", 5, 6))
INSTANCE = Instance("users", "one", "http", "192.0.2.1", 80)


class Failing:
    """A filter that raises, before or after what follows it."""

    def __init__(self, error: BaseException, *, after: bool = False) -> None:
        self.error = error
        self.after = after

    def wrap(self, following: Any) -> Any:
        async def failing(subject: Any) -> Response:
            if self.after:
                await following(subject)
            raise self.error

        return failing


class Passing:
    """A filter that goes on."""

    def wrap(self, following: Any) -> Any:
        async def passing(subject: Any) -> Any:
            return await following(subject)

        return passing


def link(filter_: Any, *, skip: bool = False, owner: str = "all routes") -> FilterLink:
    return FilterLink("x", filter_, skip, config=CONFIG, owner=owner)


def group(*links: FilterLink, when: Any = lambda _: True) -> ChainGroup:
    return ChainGroup("c", links, when, config=USE, owner="all routes")


def attempt_link(filter_: Any) -> AttemptFilterLink:
    return AttemptFilterLink("x", filter_, config=CONFIG, owner="service users")


class Told(list[tuple[int, str]]):
    """What was reported, with the line."""

    def __call__(self, place: Place, message: str) -> None:
        self.append((place.line, message))


def folding(told: Told, *new: str, changing: tuple[tuple[str, ...], ...] = ()) -> Folding:
    keys = {("all routes", "filter", "x"), ("service users", "filter", "x"), ("all routes", "chain", "c")}
    return Folding({key for key in keys if key[1] in new}, changing, lambda: 0.0, told)


async def answer(handler: Handler) -> tuple[int, Exchange]:
    exchange = make_exchange()
    response = await handler(exchange)
    exchange.complete()
    return response.status, exchange


def test_links_are_known_by_whose_they_are() -> None:
    """And by what they are; those of others are nobody's."""
    inner, whole = link(Passing()), group(link(Passing()))
    links: list[Link | Group | AttemptLink] = [
        inner,
        Link("forward", Passing()),
        whole,
        attempt_link(Passing()),
        Group("g", (inner,), lambda _: True),
    ]

    assert [
        ("all routes", "filter", "x"),
        ("all routes", "chain", "c"),
        ("all routes", "filter", "x"),
        ("service users", "filter", "x"),
    ] == [key_of(one) for one in flat(links)]
    assert ids([inner]) == ids([link(Failing(ValueError()))])
    assert ids([inner]) != ids([whole])


@pytest.mark.parametrize(
    ("new", "skip", "after", "expected", "reported"),
    [
        pytest.param(True, False, False, 500, True, id="new"),
        pytest.param(False, False, False, 500, False, id="known"),
        pytest.param(True, True, False, 200, False, id="passed-over"),
        pytest.param(True, True, True, 500, True, id="not-passed-over-any-more"),
    ],
)
async def test_a_filter_that_raises_is_reported(
    caplog: pytest.LogCaptureFixture, new: bool, skip: bool, after: bool, expected: int, reported: bool
) -> None:
    """Where it is new; nothing is logged."""
    found = Told()
    made = folding(found, "filter" if new else "")
    service = made.service(Ending((link(Failing(ValueError("no"), after=after), skip=skip),), (), INSTANCE))

    status, _ = await answer(service.handler)

    assert expected == status
    assert ([(3, "`x` fails on its first request: ValueError: no")] if reported else []) == found
    assert [] == caplog.messages


async def test_one_attempt_is_made() -> None:
    """At an instance that nobody asks; its filters see it."""
    seen: list[Attempt] = []

    class Seeing:
        def wrap(self, following: Any) -> Any:
            async def see(attempt: Attempt) -> Any:
                seen.append(attempt)
                return await following(attempt)

            return see

    made = folding(Told()).service(Ending((), (attempt_link(Seeing()),), INSTANCE))
    status, exchange = await answer(made.handler)

    (attempt,) = seen
    assert (200, 200, [attempt], 0) == (status, attempt.status, exchange.attempts, INSTANCE.in_flight)
    assert (INSTANCE, None) == (attempt.instance, attempt.error)


async def test_an_attempt_that_fails_is_over() -> None:
    """It is told of, and nothing stays in flight."""
    found = Told()
    made = folding(found, "filter").service(Ending((), (attempt_link(Failing(ValueError())),), INSTANCE))
    status, exchange = await answer(made.handler)

    assert [(3, "`x` fails on its first request: ValueError")] == found
    assert (500, 0, "filter-failed") == (
        status,
        INSTANCE.in_flight,
        getattr(exchange.attempts[0].error, "code", ""),
    )


async def test_what_is_changing_is_not_run() -> None:
    """Nor is what stands behind it."""
    found = Told()
    made = folding(found, "filter", changing=(("all routes", "x"),))

    status, exchange = await answer(made.chain([link(Failing(ValueError()))], Chain(past_the_end)).handler)

    assert (200, [], ["x"]) == (status, found, list(exchange.spent))


async def test_a_condition_that_raises_is_reported() -> None:
    """At the entry that has it, and what depends on it is passed over."""
    found = Told()
    whole = group(link(Failing(ValueError())), when=lambda _: 1 / 0)

    status, _ = await answer(folding(found, "chain").service(Ending((whole,), (), INSTANCE)).handler)

    assert 200 == status
    assert [
        (5, "the condition of `c` fails on its first request: ZeroDivisionError: division by zero")
    ] == found


def test_an_exception_is_told_in_one_line() -> None:
    """That is not too long."""
    assert "ValueError: a b" == told(ValueError(" a\n\tb\n"))
    assert "KeyError" == told(KeyError())
    assert len("ValueError: ") + 200 == len(told(ValueError("x" * 1000)))
