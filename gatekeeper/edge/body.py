"""A request's body as it arrives: whoever reads slowly slows down the client, and who sends too slowly is given up."""

import asyncio
from typing import TYPE_CHECKING, Final

from gatekeeper.core.clock import Timer
from gatekeeper.core.errors import ContentTooLarge, GatewayError, RequestTimeout
from gatekeeper.core.exchange import Exchange


if TYPE_CHECKING:
    from gatekeeper.edge.protocol import StrictProtocol

HIGH_WATER: Final = 256 * 1024
"""Bytes that wait for whoever reads before the client is no longer read from."""
RATE_WINDOW: Final = 10.0
"""Seconds of waiting over which the least rate is measured."""


class ClientBody:
    """The source of a streamed body: fed by the connection, read by the chain."""

    __slots__ = (
        "_connection",
        "_ended",
        "_error",
        "_exchange",
        "_got",
        "_limit",
        "_parts",
        "_size",
        "_timer",
        "_total",
        "_unwanted",
        "_waited",
        "_waiter",
        "_waiting_since",
        "expects_continue",
    )

    def __init__(
        self, connection: "StrictProtocol", exchange: Exchange, *, expects_continue: bool = False
    ) -> None:
        self.expects_continue = expects_continue
        """Whether the client waits to hear that it is wanted."""
        self._connection = connection
        self._exchange = exchange
        self._limit: int | None = None
        self._parts: list[bytes] = []
        self._size = 0  # of the parts
        self._total = 0
        self._ended = False
        self._unwanted = False
        self._error: GatewayError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: Timer | None = None
        self._waiting_since: float | None = None
        self._waited = 0.0  # seconds, since the rate was last looked at
        self._got = 0  # bytes in that time

    # ---- from the connection ----------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> bool:
        """Take bytes; False where there is more than somebody reads."""
        self._total += len(data)
        self._exchange.bytes_in = self._total
        if self._unwanted or self._error is not None:
            return True
        self._parts.append(data)
        self._size += len(data)
        if self._limit is not None and self._total > self._limit:
            self._fail_size(self._limit)
        self._wake()
        return self._size <= HIGH_WATER

    def bound(self, limit: int) -> None:
        """Accept no more than so many bytes in all."""
        self._limit = limit
        if self._total > limit:
            self._fail_size(limit)

    def _fail_size(self, limit: int) -> None:
        self.fail(ContentTooLarge(log=f"a body of more than {limit} bytes"))

    def end(self) -> None:
        """Note that all of it has come."""
        self._ended = True
        self._wake()

    def fail(self, error: GatewayError) -> None:
        """End it with an error, which whoever reads gets."""
        if self._error is None:
            self._error = error
            self._parts.clear()
            self._wake()

    # ---- towards the chain ------------------------------------------------------------------------------------------

    async def read(self) -> bytes:
        """Return what has arrived, `b""` at the end.

        Raises:
            RequestTimeout: nothing came for too long, or too little.
            ContentTooLarge: it is more than the route accepts.
            BadRequest: the framing is broken.
            ClientGone: the client hung up.

        """
        if self.expects_continue:
            self.expects_continue = False
            # only now that somebody wants the body: RFC 9110 section 10.1.1
            if not (self._total or self._ended or self._error is not None):
                self._connection.write_continue()
        if not (self._parts or self._ended or self._error is not None):
            await self._wait()
        if self._error is not None:
            self._stop_timer()
            raise self._error
        parts = self._parts
        if not parts:
            self._stop_timer()
            return b""
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._size = 0
        self._got += len(data)
        self._connection.resume_client()
        return data

    def abort(self) -> None:
        """Nobody reads on: what still comes is thrown away."""
        self._unwanted = True
        self._parts.clear()
        self._size = 0
        self._stop_timer()
        self._connection.resume_client()  # it may read the answer only after it has sent everything

    async def _wait(self) -> None:
        wheel = self._connection.edge.wheel
        waiter = self._waiter = self._connection.loop.create_future()
        since = self._waiting_since = wheel.now
        if self._timer is None:
            self._timer = wheel.add(self._connection.edge.settings.timeouts.body, self._check_time)
        try:
            await waiter
        except asyncio.CancelledError:
            self._stop_timer()
            raise
        finally:
            self._waiter = None
            self._waiting_since = None
        self._waited += wheel.now - since
        if self._waited >= RATE_WINDOW:
            self._check_rate()

    def _check_rate(self) -> None:
        rate = self._connection.edge.settings.limits.body_rate
        got = self._got + self._size
        if rate is not None and not self._ended and got < rate * self._waited:
            self.fail(
                RequestTimeout(log=f"{got} bytes of the body in {self._waited:.1f} s of waiting for them")
            )
        self._waited = 0.0
        self._got = -self._size  # counted now, and once more when it is read

    def _check_time(self) -> None:
        wheel, limit = self._connection.edge.wheel, self._connection.edge.settings.timeouts.body
        silent = 0.0 if self._waiting_since is None else wheel.now - self._waiting_since
        if silent >= limit:
            self._timer = None
            self.fail(RequestTimeout(log=f"no byte of the body for {silent:.1f} s"))
        else:
            self._timer = wheel.add(limit - silent, self._check_time)

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
