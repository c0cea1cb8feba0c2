"""Filters folded over a handler, once per snapshot; per request only plain coroutines run.

Measured: a closure of the onion costs about 0.12 µs, its guard about 0.5 µs; six pluggy calls would cost three times a
whole onion of eight filters, so plugins are asked when the chain is built and never while it runs.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import attrs

from gatekeeper.core.errors import FilterFailed, GatewayError
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.message import Response


Handler = Callable[[Exchange], Awaitable[Response]]
Predicate = Callable[[Exchange], bool]
AttemptHandler = Callable[[Attempt], Awaitable[Response]]

log = logging.getLogger(__name__)


class Filter(Protocol):
    """A part of the chain. `wrap` is called once per snapshot; a filter that has nothing to do returns `next` itself.

    A filter that reads bodies says how much it holds at most by `request_buffer` and `response_buffer` (bytes), and one that
    answers preflights says so by `answers_preflights`: they are sent to it by the request that they ask for.
    """

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002
        """Return the handler that does this filter's work round `next`."""
        ...


class AttemptFilter(Protocol):
    """A filter that runs once per attempt, inside of retries; it sees failures as exceptions."""

    def wrap(self, next: AttemptHandler, /) -> AttemptHandler:  # noqa: A002
        """Return the handler that does this filter's work round `next`."""
        ...


@attrs.frozen
class Link:
    """A filter with its name in the chain, whether its own failure may be passed over, and when it runs at all."""

    name: str
    filter: Filter
    skip_on_error: bool = False
    when: Predicate | None = None


@attrs.frozen
class Group:
    """Links that run together or not at all; which of the two is decided before the first of them."""

    name: str
    links: "tuple[Link | Group, ...]"
    when: Predicate


@attrs.frozen
class Chain:
    """A compiled chain: call `handler`."""

    handler: Handler
    names: tuple[str, ...] = ()
    request_buffer: int = 0
    response_buffer: int = 0
    answers_preflights: bool = False


class NextCalledTwiceError(RuntimeError):
    """A filter called `next` a second time: the request could reach the upstream twice."""


def compile_chain(links: Sequence[Link | Group], end: Chain, clock: Callable[[], float]) -> Chain:
    """Fold filters over the end of the chain, outermost first, with a guard round each."""
    handler = end.handler
    names: list[str] = []
    request_buffer, response_buffer = end.request_buffer, end.response_buffer
    answers_preflights = end.answers_preflights
    for link in reversed(links):
        if isinstance(link, Group):
            inner = compile_chain(link.links, Chain(handler), clock)
            if inner.handler is not handler:
                handler = _conditional(link.name, link.when, inner.handler, handler)
                names += reversed(inner.names)
            request_buffer = max(request_buffer, inner.request_buffer)
            response_buffer = max(response_buffer, inner.response_buffer)
            answers_preflights = answers_preflights or inner.answers_preflights
            continue
        wrapped = link.filter.wrap(handler)
        if wrapped is not handler:
            guarded = _guard(link, wrapped, handler, clock)
            handler = guarded if link.when is None else _conditional(link.name, link.when, guarded, handler)
            names.append(link.name)
        request_buffer = max(request_buffer, _declared(link, "request_buffer"))
        response_buffer = max(response_buffer, _declared(link, "response_buffer"))
        answers_preflights = answers_preflights or bool(_declared(link, "answers_preflights"))
    whole = (*reversed(names), *end.names)
    return Chain(handler, whole, request_buffer, response_buffer, answers_preflights)


def _conditional(name: str, when: Predicate, handler: Handler, following: Handler) -> Handler:
    """Choose between a part of the chain and what comes after it; a condition that fails passes nobody."""

    async def conditional(exchange: Exchange) -> Response:
        try:
            chosen = handler if when(exchange) else following
        except Exception as error:
            log.exception(
                "the condition of %s failed", name, extra={"filter": name, "request_id": exchange.id}
            )
            return exchange.reject(FilterFailed(log=f"the condition of {name!r}: {error!r}"))
        return await chosen(exchange)

    return conditional


def _declared(link: Link, name: str) -> int:
    value: int = getattr(link.filter, name, 0)
    return value


def _guard(link: Link, handler: Handler, following: Handler, clock: Callable[[], float]) -> Handler:
    """Contain a filter: its exceptions, what it returns, how often it goes on, and the time it takes."""
    name: Final = link.name
    skip_on_error: Final = link.skip_on_error

    async def guarded(exchange: Exchange) -> Response:
        spent = exchange.spent
        if name in spent:
            raise NextCalledTwiceError(f"filter {exchange.owner!r} called next a second time")
        outer = exchange.owner
        now = clock()
        if outer:
            spent[outer] += now - exchange.mark
        spent[name] = 0.0
        entered = len(spent)
        exchange.owner = name
        exchange.mark = now
        try:
            response: object = await handler(exchange)
        except GatewayError as error:
            response = exchange.reject(error)
        except Exception as error:
            if skip_on_error and len(spent) == entered:
                log.warning("filter %s failed and is passed over", name, exc_info=True)
                response = await following(exchange)
            else:
                log.exception("filter %s failed", name, extra={"filter": name, "request_id": exchange.id})
                response = exchange.reject(FilterFailed(log=f"filter {name!r}: {error!r}"))
        if not isinstance(response, Response):
            log.error("filter %s answered with %r instead of a Response", name, response)
            response = exchange.reject(FilterFailed(log=f"filter {name!r} answered with {response!r}"))
        if len(spent) == entered and not exchange.stopped_by:
            exchange.stopped_by = name
        now = clock()
        spent[exchange.owner] += now - exchange.mark
        exchange.owner = outer
        exchange.mark = now
        return response

    return guarded


@attrs.frozen
class AttemptLink:
    """An attempt filter with its name."""

    name: str
    filter: AttemptFilter


def compile_attempt_chain(
    links: Sequence[AttemptLink], end: AttemptHandler, clock: Callable[[], float]
) -> AttemptHandler:
    """Fold attempt filters over the sender, outermost first, with a guard round each."""
    handler = end
    for link in reversed(links):
        # the guard of the next one counts the calls of this one; the sender has none
        following = _send_once(link.name, end) if handler is end else handler
        wrapped = link.filter.wrap(following)
        if wrapped is not following:
            handler = _attempt_guard(link.name, wrapped, clock)
    return handler


def _send_once(name: str, send: AttemptHandler) -> AttemptHandler:
    async def once(attempt: Attempt) -> Response:
        if attempt.sent:
            raise NextCalledTwiceError(f"attempt filter {name!r} called next a second time")
        attempt.sent = True
        return await send(attempt)

    return once


def _attempt_guard(name: str, handler: AttemptHandler, clock: Callable[[], float]) -> AttemptHandler:
    """Contain an attempt filter; gateway errors pass, they are how attempts fail."""

    async def guarded(attempt: Attempt) -> Response:
        if attempt.spent is None:
            attempt.spent = {}
        elif name in attempt.spent:
            raise NextCalledTwiceError(f"an attempt filter outside of {name!r} called next a second time")
        attempt.spent[name] = 0.0
        started = clock()
        try:
            response: object = await handler(attempt)
        except GatewayError:
            raise
        except Exception as error:
            log.exception("attempt filter %s failed", name, extra={"filter": name})
            raise FilterFailed(log=f"attempt filter {name!r}: {error!r}") from error
        finally:
            # with what it wraps: what the attempt itself took is known from its own times
            attempt.spent[name] = clock() - started
        if not isinstance(response, Response):
            log.error("attempt filter %s answered with %r instead of a Response", name, response)
            raise FilterFailed(log=f"attempt filter {name!r} answered with {response!r}")
        return response

    return guarded
