"""The provider `http`: services and routes from a document that a web server has.

It asks again and again, each time only for what is new: a server that knows `ETag` or `Last-Modified` answers 304, and
what comes all the same is compared. A try costs about 0.1 ms of CPU. A server that fails is asked less and less often,
and no two gateways that were started together ask at the same moment for long.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from random import Random
from typing import Annotated, Final

import aiohttp
import attrs

from gatekeeper.core.clock import Clock
from gatekeeper.core.message import check_editable
from gatekeeper.extend.calls import is_endpoint
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.registry.health import reason_of
from gatekeeper.registry.providers import ProviderStatus


log = logging.getLogger(__name__)

Duration = Annotated[float, "duration"]
"""Seconds, written like `5s`: the annotation is that of `gatekeeper.config.units`."""

READ_AT_MOST: Final = 8 * 1024 * 1024
"""Bytes of a document; no configuration is longer."""
TOTAL: Final = 10.0
"""Seconds that an answer may take, from the name's look-up to the last byte."""
FIRST: Final = 1.0
LONGEST: Final = 60.0
"""Seconds until the next try after the first failure, and at most."""
SPREAD: Final = 0.1
"""The share by which times between tries differ."""

FIELDS: Final = {
    "Accept": "application/json, application/yaml;q=0.9, */*;q=0.1",
    "User-Agent": "gatekeeper-provider",
}
"""The header fields of each request that the configuration may replace."""

_OWN: Final = frozenset({"if-none-match", "if-modified-since"})
_ETAG: Final = re.compile(r'(?:W/)?"[!#-~]{0,1024}"')


def _is_often_enough(_instance: object, _attribute: object, every: float) -> None:
    if every < 1:
        raise ValueError("a document is asked for once a second at most; write `1s` or more")


def _are_headers(_instance: object, _attribute: object, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        check_editable(name, value)
        if name.lower() in _OWN:
            raise ValueError(f"`{name}` is written by the provider itself; leave it out")


@attrs.frozen(kw_only=True)
class HttpProviderConfig:
    """Ask a web server for a document with services and routes."""

    url: str = attrs.field(
        validator=is_endpoint("write `headers: {authorization: ...}`"),
        metadata={"help": "where the document is, which is YAML or JSON"},
    )
    every: Duration = attrs.field(
        default=10.0, validator=_is_often_enough, metadata={"help": "the time between two requests for it"}
    )
    headers: dict[str, str] = attrs.field(
        factory=dict,
        validator=_are_headers,
        repr=False,
        metadata={"help": "header fields of the requests, `authorization` for one", "secret": True},
    )


class Failure(Exception):
    """An answer that is of no use; the message is for people, and `kind` does not change from answer to answer."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind: Final = kind


@attrs.frozen
class Answer:
    """A document, and what to send so that the server need not send it again."""

    text: str
    digest: bytes
    conditions: Mapping[str, str]


class HttpProvider:
    """Asks for a document, and says when it has changed."""

    def __init__(
        self,
        name: str,
        config: HttpProviderConfig,
        session: Callable[[], aiohttp.ClientSession],
        clock: Clock,
        random: Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Ask nothing yet; `session` returns the client, and is called where a loop runs."""
        self.name: Final = name
        self.config: Final = config
        self.status = ProviderStatus()
        self._session: Final = session
        self._clock: Final = clock
        self._random: Final = random
        self._sleep: Final = sleep
        self._told: set[str] = set()

    def __repr__(self) -> str:
        return f"<HttpProvider {self.name} {self.status.error or 'fine'}>"

    async def watch(self) -> AsyncGenerator[str, None]:
        """Yield the document, and again whenever it has changed."""
        conditions: Mapping[str, str] = {}
        digest = b""
        while True:
            try:
                answer = await self._ask(conditions)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end here
                wait = self._failed(error)
            else:
                wait = self._succeeded()
                if answer is not None:
                    conditions = answer.conditions
                    if answer.digest != digest:
                        digest = answer.digest
                        yield answer.text
            await self._sleep(wait)

    # ---- one try --------------------------------------------------------------------------------------------------

    async def _ask(self, conditions: Mapping[str, str]) -> Answer | None:
        """Ask once; None where nothing has changed.

        Raises:
            Failure: the answer is of no use.
            aiohttp.ClientError, TimeoutError: there is none.

        """
        async with self._session().get(
            self.config.url,
            # of a name that stands here twice, in whatever case, the last one is sent
            headers={**FIELDS, **self.config.headers, **conditions},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=TOTAL),
        ) as response:
            if response.status == 304 and conditions:
                return None
            if response.status != 200:
                raise Failure(f"status {response.status}", _explain(response))
            body = await _read(response)
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Failure("encoding", "its answer is no UTF-8") from None
        return Answer(text, blake2b(body, digest_size=16).digest(), _conditions(response.headers))

    def _succeeded(self) -> float:
        """Note it; the seconds until the next try."""
        if self.status.failures:
            log.info("provider %s answers again", self.name, extra={"provider": self.name})
        self._told.clear()
        self.status = attrs.evolve(self.status, last_success=self._clock.wall(), failures=0)
        return self.config.every * self._random.uniform(1 - SPREAD, 1 + SPREAD)

    def _failed(self, error: Exception) -> float:
        """Note it, and tell it if that is new; the seconds until the next try."""
        kind = error.kind if isinstance(error, Failure) else type(error).__name__
        reason = _reason(error)
        if kind not in self._told:
            self._told.add(kind)
            state = "what it said last holds" if self.status.last_success else "it has not said anything yet"
            known = isinstance(error, Failure | aiohttp.ClientError | OSError)
            log.warning(
                "provider %s: %s; %s",
                self.name,
                reason,
                state,
                exc_info=None if known else error,
                extra={"provider": self.name},
            )
        failures = self.status.failures + 1
        self.status = attrs.evolve(
            self.status, last_error=reason, last_error_at=self._clock.wall(), failures=failures
        )
        longest = min(LONGEST, FIRST * 2.0 ** min(failures - 1, 16))
        return longest * self._random.uniform(0.5, 1)


def _explain(response: aiohttp.ClientResponse) -> str:
    status = response.status
    cure = ""
    if status in {401, 403}:
        cure = "; it may want to know who asks: set `headers`"
    elif status == 404:
        cure = "; is `url` right?"
    elif 300 <= status < 400 and (location := response.headers.get("Location")):
        # what stands in the query may be a secret
        cure = f", which leads to {location.partition('?')[0][:200]!r}; write as `url` where the document is"
    return f"it answered {status}{cure}"


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read the body.

    Raises:
        Failure: it is too large, or nobody could tell if half of it were missing.

    """
    headers = response.headers
    if "Content-Length" not in headers and headers.get("Transfer-Encoding", "").lower() != "chunked":
        raise Failure(
            "length",
            "its answer does not say where it ends; the server has to send `Content-Length`, or chunks",
        )
    body = bytearray()
    while chunk := await response.content.readany():
        body += chunk
        if len(body) > READ_AT_MOST:
            raise Failure("size", f"its answer is larger than {READ_AT_MOST >> 20} MiB")
    return bytes(body)


def _conditions(headers: Mapping[str, str]) -> dict[str, str]:
    """What makes the next request one for another document than this."""
    found = {}
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if _ETAG.fullmatch(etag):
        found["If-None-Match"] = etag
    if _is_telling(modified, headers.get("Date", "")):
        found["If-Modified-Since"] = modified
    return found


def _is_telling(modified: str, date: str) -> bool:
    """Whether the time of a change tells the document from all later ones, which may have come in the same second.

    RFC 9110 section 8.8.2.2: it has to be older than the answer.
    """
    try:
        return (parsedate_to_datetime(date) - parsedate_to_datetime(modified)).total_seconds() >= 1
    except (TypeError, ValueError):
        return False


def _reason(error: Exception) -> str:
    match error:
        case Failure():
            return str(error)
        case TimeoutError():
            return f"no whole answer within {TOTAL:g} s"
        case aiohttp.ClientConnectorError():
            return reason_of(error.os_error)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return "its answer broke off"
        case aiohttp.ClientResponseError():
            # what follows quotes the answer
            return f"its answer is no HTTP: {error.message.partition(':')[0].lower()}"
    return reason_of(error)


def build(config: HttpProviderConfig, context: BuildContext) -> HttpProvider:
    """Make the provider."""
    gateway = context.gateway
    # the client needs a loop, and this may be another thread
    return HttpProvider(context.name, config, lambda: gateway.http, context.clock, context.random)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.provider("http", HttpProviderConfig, build, main="url")
