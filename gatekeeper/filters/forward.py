"""`forward`: the filter that ends every chain and sends the request to an instance of the service.

(1) pick an instance · (2) make an attempt at it, through the service's attempt filters · (3) what has failed, and may be
tried again (`policy/retry.py`), moves to the next instance · (4) any other failure becomes an answer: this is the one
place where an `UpstreamError` turns into a response · (5) all of it within the service's total time.
"""

import asyncio

import attrs

from gatekeeper.core.chain import Handler
from gatekeeper.core.errors import (
    ClientGone,
    DeadlineExceeded,
    GatewayError,
    NoInstance,
    Retry,
    UpstreamError,
)
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext, Target
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.policy.retry import Again, after_error, after_status


@attrs.frozen
class ForwardConfig:
    """Send the request to an instance of the service; it stands at the end of every chain by itself."""


@attrs.frozen
class Forward:
    """Balancing, retries and rescue round the sending of attempts."""

    target: Target
    context: BuildContext

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002, ARG002
        """Return the handler; nothing comes after it."""
        target, clock, wheel = self.target, self.context.clock.monotonic, self.context.wheel
        pick, send, total, budget = target.pick, target.send, target.total, target.budget
        observe, answered, holds = target.observe, target.answered, target.retries.holds
        statuses = target.retries.statuses

        async def forward(exchange: Exchange) -> Response:
            if total is not None:
                self._start_deadline(exchange, total)
            budget.note(wheel.now)
            tried: tuple[Instance, ...] = ()
            instance = pick(exchange, tried)
            if instance is None:
                return exchange.reject(
                    NoInstance(log=f"service {target.service} has no instance that is fit")
                )
            request = exchange.request
            # who waits to hear that a body is wanted is to hear it from the instance
            if request.body.data is None and not request.body.expects_continue and holds(request):
                await request.body.read(target.retries.replay_body)
            while True:
                attempt = Attempt(exchange, instance, len(tried) + 1, clock())
                if observe is not None:
                    attempt.on_complete(observe)
                exchange.attempts.append(attempt)
                try:
                    response = await send(attempt)
                except UpstreamError as error:
                    attempt.complete(error)
                    tried = (*tried, instance)
                    following = pick(exchange, tried)
                    again = self._again(exchange, error, tried, following)
                    if following is None or again is None:
                        return exchange.reject(error)
                    instance = following
                    if again.wait:
                        await asyncio.sleep(again.wait)
                    continue
                except GatewayError as error:
                    attempt.complete(error)  # the client's upload broke off
                    raise
                except BaseException:
                    attempt.complete(ClientGone(log="cancelled"))
                    raise
                if response.status in statuses:
                    asked = (*tried, instance)
                    following = pick(exchange, asked)
                    again = self._again(exchange, response, asked, following)
                    if following is not None and again is not None:
                        response.body.abort()
                        attempt.complete()
                        tried, instance = asked, following
                        await asyncio.sleep(again.wait)
                        continue
                if answered is not None:
                    answered(exchange, instance, response)
                if response.body.data is not None:
                    if response.tunnel is None:  # with one the attempt ends when its connection does
                        attempt.complete()
                elif exchange.route is not None:
                    response.body.limit = exchange.route.chain.response_buffer
                return response

        return forward

    def _again(
        self,
        exchange: Exchange,
        result: UpstreamError | Response,
        tried: tuple[Instance, ...],
        following: Instance | None,
    ) -> Again | None:
        """How another attempt is to be made at an instance; None for not at all."""
        policy, budget, random = self.target.retries, self.target.budget, self.context.random
        request, retries = exchange.request, len(tried) - 1
        if request.upgrade and (isinstance(result, Response) or result.retry is not Retry.ALWAYS):
            return None  # it has been sent, and an instance may have begun to switch protocols
        if isinstance(result, Response):
            after = result.headers.text(b"retry-after")
            again = after_status(policy, request, retries, after, random)
        else:
            elsewhere = following not in tried
            again = after_error(policy, result, request, retries, random, elsewhere=elsewhere)
        if again is None or following is None:
            return None
        if exchange.deadline is not None:
            now = self.context.clock.monotonic()
            if now >= exchange.deadline or now + again.wait > exchange.deadline:
                return None
        return again if again.free or budget.take(self.context.wheel.now) else None

    def _start_deadline(self, exchange: Exchange, total: float) -> None:
        exchange.deadline = self.context.clock.monotonic() + total

        def expire() -> None:
            # a connection that has switched protocols has other limits than a request
            last = exchange.attempts[-1] if exchange.attempts else None
            if last is not None and last.abort is not None and last.status != 101:
                last.abort(DeadlineExceeded(log=f"not done within {total:g} s"))

        timer = self.context.wheel.add(total, expire)
        exchange.on_complete(lambda _: timer.cancel())


def build(config: ForwardConfig, context: BuildContext) -> Forward:  # noqa: ARG001
    """Make the filter for the service that the chain ends at."""
    if context.target is None:
        raise ValueError("`forward` stands in a service's chain, by itself; leave it out of `filters`")
    return Forward(context.target, context)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.filter("forward", ForwardConfig, build, terminal=True)
