"""`forward`: the filter that ends every chain and sends the request to an instance of the service.

(1) pick an instance · (2) make an attempt at it, through the service's attempt filters · (3) a failure that may be
repeated (`policy/retry.py`) moves to another instance, where there is one · (4) any other becomes an answer: this is the
one place where an `UpstreamError` turns into a response · (5) all of it within the service's total time.
"""

import attrs

from gatekeeper.core.chain import Handler
from gatekeeper.core.errors import ClientGone, DeadlineExceeded, GatewayError, NoInstance, UpstreamError
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext, Target
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.policy.retry import may_retry


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
        target, clock = self.target, self.context.clock.monotonic
        pick, send, total = target.pick, target.send, target.total

        async def forward(exchange: Exchange) -> Response:
            if total is not None:
                self._start_deadline(exchange, total)
            tried: tuple[Instance, ...] = ()
            instance = pick(tried)
            if instance is None:
                return exchange.reject(NoInstance(log=f"service {target.service} has no instance"))
            while True:
                attempt = Attempt(exchange, instance, len(tried) + 1, clock())
                exchange.attempts.append(attempt)
                try:
                    response = await send(attempt)
                except UpstreamError as error:
                    attempt.complete(error)
                    request = exchange.request
                    tried = (*tried, instance)
                    following = pick(tried)
                    if (
                        following is not None
                        and _in_time(exchange, clock())
                        and may_retry(
                            error,
                            request.method,
                            len(tried) - 1,
                            replayable=request.body.replayable,
                            elsewhere=following not in tried,
                        )
                    ):
                        instance = following
                        continue
                    return exchange.reject(error)
                except GatewayError as error:
                    attempt.complete(error)  # the client's upload broke off
                    raise
                except BaseException:
                    attempt.complete(ClientGone(log="cancelled"))
                    raise
                if response.body.data is not None:
                    attempt.complete()
                elif exchange.route is not None:
                    response.body.limit = exchange.route.chain.response_buffer
                return response

        return forward

    def _start_deadline(self, exchange: Exchange, total: float) -> None:
        exchange.deadline = self.context.clock.monotonic() + total

        def expire() -> None:
            if exchange.attempts and (abort := exchange.attempts[-1].abort) is not None:
                abort(DeadlineExceeded(log=f"not done within {total:g} s"))

        timer = self.context.wheel.add(total, expire)
        exchange.on_complete(lambda _: timer.cancel())


def _in_time(exchange: Exchange, now: float) -> bool:
    return exchange.deadline is None or now < exchange.deadline


def build(config: ForwardConfig, context: BuildContext) -> Forward:  # noqa: ARG001
    """Make the filter for the service that the chain ends at."""
    if context.target is None:
        raise ValueError("`forward` stands in a service's chain, by itself; leave it out of `filters`")
    return Forward(context.target, context)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.filter("forward", ForwardConfig, build, terminal=True)
