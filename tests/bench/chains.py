"""The chains whose cost is measured in process; a new filter whose cost matters gets an entry here.

`build` is called once, inside the running loop. What it returns are plays: one call is one exchange, from the clean
request to the end of the response, with the upstream's answer played.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from gatekeeper.core.body import Body
from gatekeeper.core.chain import Chain, Handler, Link, compile_chain
from gatekeeper.core.clock import SystemClock
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, Request, Response
from gatekeeper.core.text import Text
from gatekeeper.filters.cors import Cors, CorsConfig, Origin
from gatekeeper.filters.security_headers import SecurityHeaders, SecurityHeadersConfig
from gatekeeper.filters.transform import (
    EditsConfig,
    RequestEditsConfig,
    ResponseEditsConfig,
    Transform,
    TransformConfig,
)
from tests.bench import payload


EMPTY: Final = "empty chain"

FIELDS = [(name.lower().encode(), value.encode()) for name, value in payload.GET_HEADERS[1:]]
ANSWER_FIELDS = [(name.lower().encode(), value.encode()) for name, value in payload.ANSWER_HEADERS]
HOST = payload.GET_HEADERS[0][1]
CLOCK = SystemClock()


async def answer(exchange: Exchange) -> Response:
    """Play the upstream."""
    return Response(200, Headers(ANSWER_FIELDS.copy()), Body(payload.ANSWER_BODY))


class Pass:
    """A filter that does nothing: what a layer and its guard cost."""

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002
        async def handler(exchange: Exchange) -> Response:
            return await next(exchange)

        return handler


def player(links: list[Link]) -> Callable[[], Awaitable[object]]:
    """Return what plays one exchange through these filters."""
    handler = compile_chain(links, Chain(answer), CLOCK.monotonic).handler

    async def play() -> Response:
        request = Request(
            "GET",
            payload.PATH,
            payload.PATH.encode(),
            "",
            HOST,
            HOST.encode(),
            Headers(FIELDS.copy()),
            client="127.0.0.1",
        )
        exchange = Exchange("0123456789abcdef-00000001", request, CLOCK.monotonic())
        response = await handler(exchange)
        exchange.complete()
        return response

    return play


def transform() -> Transform:
    """Return the filter with as much to do as most have."""
    edits = EditsConfig(remove=("cookie",), set={"x-client": Text("{address}")})
    return Transform(
        TransformConfig(
            request=RequestEditsConfig(headers=edits), response=ResponseEditsConfig(headers=edits)
        )
    )


async def build() -> dict[str, Callable[[], Awaitable[object]]]:
    """Return the chains by name; the empty one is what the others are compared with."""
    return {
        EMPTY: player([]),
        "one filter that does nothing": player([Link("pass", Pass())]),
        "eight filters that do nothing": player([Link(f"pass{number}", Pass()) for number in range(8)]),
        "transform: a field removed and one set, both ways": player([Link("transform", transform())]),
        "cors: fields of the service replaced": player(
            [Link("cors", Cors(CorsConfig(origins=Origin("https://app.example.com"))))]
        ),
        "security_headers: one field of the service replaced": player(
            [Link("security_headers", SecurityHeaders(SecurityHeadersConfig()))]
        ),
    }
