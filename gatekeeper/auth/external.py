"""`external`: somebody else decides who may pass, request by request (nginx' `auth_request`, Traefik's `forwardAuth`).

They are sent the head of each request and no body: 2xx lets it pass, 401, 403 and redirects are passed on to the client, and
anything else is an outage, in which nobody passes. Nothing of it is remembered: the answer may depend on all of the request.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from gatekeeper.core.body import Body
from gatekeeper.core.errors import IdentityUnknown, RefusedElsewhere
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.core.message import Headers, InvalidField, Response, check_editable, check_field
from gatekeeper.extend.calls import CallFailed, Calls, Reply, is_endpoint
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.extend.vocabulary import Duration, Refusal, help_line, is_positive


LIMIT: Final = 200
"""Calls at the same time: every request is one."""
PASSED_ON: Final = frozenset({401, 403})
REDIRECTS: Final = frozenset({302, 303, 307})
"""Statuses that clients see as they are; redirects lead to a login, and have a `Location`."""
SHOWN: Final = frozenset({b"www-authenticate", b"location", b"set-cookie", b"content-type", b"cache-control"})
"""The header fields of an answer that is passed on."""
CREDENTIALS: Final = frozenset({"authorization", "cookie"})
"""What clients send as well, and services check: these are replaced where somebody was asked, and else stay."""
NOBODY_IN_PARTICULAR: Final = "external"
"""The claim `sub` where no field of the answer is called so."""


def _is_told(_instance: object, _attribute: object, names: tuple[str, ...]) -> None:
    for name in names:
        check_editable(name)
        if name.lower().startswith("x-forwarded-"):
            raise Refusal(f"`{name}` is written by the gateway itself; leave it out")


@attrs.frozen(kw_only=True)
class ExternalConfig:
    """Ask somebody else whether a request may pass; `identity` and `credentials` know who asks by the fields of the answer."""

    url: str = attrs.field(
        validator=is_endpoint("let it know the gateway by the network that it comes from"),
        metadata=help_line("whom to ask, by GET; 2xx lets pass"),
    )
    timeout: Duration = attrs.field(
        default=1.0, validator=is_positive, metadata=help_line("how long an answer may take, all of it")
    )
    send_headers: tuple[str, ...] = attrs.field(
        default=("authorization", "cookie"),
        validator=_is_told,
        metadata=help_line(
            "header fields of the request that are sent along; method, address and client always are"
        ),
    )
    keep_headers: tuple[str, ...] = attrs.field(
        default=(),
        validator=_is_told,
        metadata=help_line(
            "header fields of the answer that services get; clients cannot send fields of these names"
        ),
    )

    def __attrs_post_init__(self) -> None:
        sent = {name.lower() for name in self.send_headers}
        both = next(
            (name for name in self.keep_headers if name.lower() in sent & self.identity_headers), None
        )
        if both is not None:
            raise Refusal(
                f"`{both}` of clients is taken away, because it is one of `keep_headers`; it cannot be sent",
                "conflict",
            )

    @property
    def identity_headers(self) -> frozenset[str]:
        """Fields that only the gateway may send, in lower case."""
        return frozenset(name.lower() for name in self.keep_headers) - CREDENTIALS


class External:
    """Asks, and passes on what is said."""

    challenge = ""

    def __init__(self, config: ExternalConfig, context: BuildContext) -> None:
        self._url: Final = config.url
        self._sent: Final = frozenset(name.lower().encode() for name in config.send_headers)
        self._kept: Final = frozenset(name.lower().encode() for name in config.keep_headers)
        self._identify: Final = context.identify
        name, gateway = f"authenticator {context.name}", context.gateway
        self._calls: Final = context.keep(
            "calls", lambda timeout: Calls(name, gateway, timeout=timeout, limit=LIMIT), config.timeout
        )

    async def authenticate(self, exchange: Exchange, /) -> Consumer | None:
        """Return who asks; it is never None: whether a request without credentials may pass is for the other to say."""
        headers = exchange.request.headers
        try:
            reply = await self._calls.ask(_decision, "GET", self._url, headers=self._told(exchange))
        except CallFailed as failure:
            raise IdentityUnknown(log=f"who decides: {failure}") from None
        if reply.status >= 300:
            shown = Headers([field for field in reply.headers if field[0].lower() in SHOWN])
            answer = Response(reply.status, shown, Body(reply.body))
            raise RefusedElsewhere(log=f"who decides answered {reply.status}", answer=answer)
        consumer = self._identify(_claims(reply))
        headers.fields = [field for field in headers.fields if field[0].lower() not in self._kept]
        headers.fields += [field for field in reply.headers if field[0].lower() in self._kept]
        return consumer

    def conceal(self, exchange: Exchange, /) -> None:
        """Leave the request as it is: what it shows is for services, too."""

    def _told(self, exchange: Exchange) -> list[tuple[str, str]]:
        """The header fields that tell of a request."""
        request = exchange.request
        told = [
            ("X-Forwarded-Method", request.method),
            ("X-Forwarded-Proto", request.scheme),
            ("X-Forwarded-Host", _text(request.authority)),
            ("X-Forwarded-Uri", _text(request.target)),
            ("X-Forwarded-For", request.client),
        ]
        told += [
            (_text(name), _text(value))
            for name, value in request.headers.fields
            if name.lower() in self._sent
        ]
        return told


def _decision(reply: Reply) -> Reply:
    """The answer, if it is one to the question."""
    status = reply.status
    try:
        for name, value in reply.headers:
            check_field(name, value)
    except InvalidField:
        raise CallFailed("answer", "its answer has a header field that is none") from None
    if 200 <= status < 300 or status in PASSED_ON or (status in REDIRECTS and reply.text(b"location")):
        return reply
    raise CallFailed("status", f"it answered {status}")


def _claims(reply: Reply) -> Mapping[str, str | list[str]]:
    """The header fields of an answer, by their names in lower case, as claims; what is no text is none."""
    found: dict[str, str | list[str]] = {}
    for name, value in reply.headers:
        try:
            key, text = name.decode("ascii").lower(), value.decode()
        except UnicodeDecodeError:
            continue
        before = found.get(key)
        if before is None:
            found[key] = text
        elif isinstance(before, list):
            before.append(text)
        else:
            found[key] = [before, text]
    # cookies are for the client, and no property of whoever asks
    found.pop("set-cookie", None)
    found.setdefault("sub", NOBODY_IN_PARTICULAR)
    return found


def _text(data: bytes) -> str:
    """What the client writes as the same bytes again, where they are UTF-8 like its other texts."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def build(config: ExternalConfig, context: BuildContext) -> External:
    """Make the authenticator."""
    return External(config, context)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.authenticator("external", ExternalConfig, build, main="url", reads_claims=True)
