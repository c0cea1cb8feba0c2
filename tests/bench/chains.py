"""The chains whose cost is measured in process; a new filter whose cost matters gets an entry here.

`build` is called once, inside the running loop. What it returns are plays: one call is one exchange, from the clean
request to the end of the response, with the upstream's answer played.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from random import Random
from typing import Final

from gatekeeper.auth.jose.content import parse_signing_key
from gatekeeper.auth.jose.jwt import sign
from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.core.body import Body
from gatekeeper.core.chain import Chain, Handler, Link, compile_chain
from gatekeeper.core.clock import SystemClock
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Field, Headers, Request, Response
from gatekeeper.core.text import Text
from gatekeeper.extend.authenticate import Authenticator
from gatekeeper.extend.context import BuildContext
from gatekeeper.filters.auth import Auth, AuthConfig
from gatekeeper.filters.authorize import Authorize, AuthorizeConfig
from gatekeeper.filters.cors import Cors, CorsConfig, Origin
from gatekeeper.filters.security_headers import SecurityHeaders, SecurityHeadersConfig
from gatekeeper.filters.transform import (
    EditsConfig,
    RequestEditsConfig,
    ResponseEditsConfig,
    Transform,
    TransformConfig,
)
from gatekeeper.runtime.matching import Conditions, never_asked
from gatekeeper.testing.authenticator import make_authenticator
from gatekeeper.testing.surroundings import Surroundings
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


def player(links: list[Link], *fields: Field) -> Callable[[], Awaitable[object]]:
    """Return what plays one exchange through these filters; a request has these fields besides."""
    sent = [*FIELDS, *fields]
    handler = compile_chain(links, Chain(answer), CLOCK.monotonic).handler

    async def play() -> Response:
        request = Request(
            "GET",
            payload.PATH,
            payload.PATH.encode(),
            "",
            HOST,
            HOST.encode(),
            Headers(sent.copy()),
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


def guards(authenticator: Authenticator, role: str) -> list[Link]:
    """Return the filters that let pass whoever is proven and has a role."""
    conditions = Conditions((), never_asked, Random(0))
    surroundings = Surroundings()
    context = BuildContext(
        gateway=surroundings,
        wheel=surroundings.fake_clock.wheel,
        name="auth",
        owner="bench",
        authenticators={"who": authenticator},
        predicate=lambda condition: conditions.any_of(condition).holds,
    )
    may = AuthorizeConfig(condition=(ConditionConfig(role=(role,)),))
    return [
        Link("auth", Auth(AuthConfig(any_of=("who",)), context)),
        Link("authorize", Authorize(may, context)),
    ]


def with_key() -> Callable[[], Awaitable[object]]:
    """Return what plays requests with an API key."""
    known = {"acme": {"roles": ["partner"], "credentials": {"who": {"sha256": sha256(b"key").hexdigest()}}}}
    keys = make_authenticator("api_key", consumers=known, name="who")
    return player(guards(keys, "partner"), (b"x-api-key", b"key"))


def with_token() -> Callable[[], Awaitable[object]]:
    """Return what plays requests with a token that has been verified before."""
    secret = "a secret of more than thirty-two bytes"
    options = {
        "issuer": "https://id.example.com",
        "audience": "shop",
        "algorithms": ["HS256"],
        "keys": [secret],
    }
    tokens = make_authenticator(
        "jwt", options, identity={"roles": "{claim.groups}"}, name="who", surroundings=Surroundings()
    )
    claims = {
        "iss": "https://id.example.com",
        "aud": "shop",
        "sub": "u-17",
        "groups": ["partner"],
        "exp": 2**40,
    }
    token = sign(claims, parse_signing_key(secret), "HS256")
    return player(guards(tokens, "partner"), (b"authorization", f"Bearer {token}".encode()))


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
        "auth by an API key, authorize by a role": with_key(),
        "auth by a remembered JWT, authorize by a role": with_token(),
    }
