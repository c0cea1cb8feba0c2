"""Calls to other systems that know what the gateway does not: who somebody is, which keys are good, which token is shown.

Whoever is asked may be slow, dead, wrong or taken over, and whoever makes the gateway ask may be a stranger. So there are
never more calls than are allowed, none takes longer than is said, no answer is larger, redirects are not followed, and what
is no JSON beyond doubt is nothing. Whatever fails is a `CallFailed`, which shows nothing of what was sent or answered.

Authenticators and filters share this; plugins may, too. A `SingleFlight` lets all who want the same wait for one call.
Measured: what stands round a call costs 50 µs, against 220 for one of aiohttp to a server of aiohttp in the same process.
"""

import asyncio
import base64
import json
import logging
import os
import re
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
import attrs
import orjson

from gatekeeper.core.concurrency import Concurrency
from gatekeeper.core.errors import Overloaded
from gatekeeper.core.message import Field
from gatekeeper.extend.running import RunningGateway


LIMIT: Final = 50
"""Calls of one caller at the same time."""
QUEUE: Final = 1000
"""Who may wait for a place among them."""
PATIENCE: Final = 1.0
"""Seconds to wait for one: a system that hangs must not make the gateway a place where all stand in line."""
LARGEST: Final = 64 * 1024
"""Bytes of an answer."""
FIELDS: Final = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "gatekeeper"}
"""Header fields of each call that does not say others."""
TELL_EVERY: Final = 10.0
"""Seconds between two lines of the log about the same kind of failure."""

_NO_LIMITS: Final = aiohttp.ClientTimeout(total=None, sock_connect=None)
_JSON: Final = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class CallFailed(Exception):
    """Nothing was learned. The message is for operators; `kind` is one of few words, for metrics.

    `unreachable`, `timeout`, `status` and `answer` are of the system that was asked, `busy` and `stopped` of the gateway.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind: Final = kind


@attrs.frozen
class Reply:
    """An answer, whole."""

    status: int
    headers: Sequence[Field] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    def text(self, name: bytes) -> str:
        """The value of a header field, whose name is in lower case; empty where there is none, or there are several."""
        found = [value for field, value in self.headers if field.lower() == name]
        return found[0].decode("latin-1") if len(found) == 1 else ""


def json_object(reply: Reply) -> dict[str, Any]:
    """The JSON object that an answer of 200 is (RFC 8259).

    What two readers could understand differently is none: a name that stands twice, half of a surrogate pair, numbers
    beyond all bounds.

    Raises:
        CallFailed: it is none.

    """
    if reply.status != 200:
        raise CallFailed("status", f"it answered {reply.status}")
    if not _JSON.fullmatch(reply.text(b"content-type").partition(";")[0].strip()):
        raise CallFailed("answer", "its answer says that it is no JSON")
    try:
        # which refuses all of that but names that stand twice
        orjson.loads(reply.body)
        found = json.loads(reply.body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        # the message of a parser quotes what it reads
        raise CallFailed("answer", "its answer is no JSON, or says something twice") from None
    if not isinstance(found, dict):
        raise CallFailed("answer", "its answer is no JSON object")
    return found


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a name stands twice")
    return found


def client_header(client_id: str, client_secret: str) -> tuple[str, str]:
    """The header field by which a client of OAuth 2.0 proves who it is (RFC 6749 section 2.3.1)."""
    # both are encoded as in forms first, so that a `:` in the name divides nothing
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"


def check_endpoint(url: str, instead: str) -> None:
    """Check an address that is to be called; `instead` says where credentials are written.

    Raises:
        ValueError: it is none.

    """
    if re.search(r"[^!-~]", url):
        raise ValueError(
            "an address holds no spaces and no other characters than those of ASCII; escape them"
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"this is no address: {error}") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("an address begins with `http://` or `https://`, and a host stands behind it")
    if "@" in parts.netloc:
        raise ValueError(f"an address holds no user and no password; {instead}")
    if parts.fragment:
        raise ValueError("what stands behind `#` is not sent; leave it out")


def is_endpoint(instead: str) -> "Callable[[object, attrs.Attribute[Any], str], None]":
    """Make the validator of an address that is called, see `check_endpoint`."""

    def check(_instance: object, _attribute: "attrs.Attribute[Any]", url: str) -> None:
        check_endpoint(url, instead)

    return check


class Calls:
    """The calls of one part to one system."""

    def __init__(
        self,
        name: str,
        gateway: RunningGateway,
        *,
        timeout: float,
        limit: int = LIMIT,
        queue: int = QUEUE,
        largest: int = LARGEST,
    ) -> None:
        """Call nobody yet.

        Logs and metrics call the part `name`. A call takes `timeout` seconds at most, `limit` of them are under way at
        the same time, `queue` more wait for a place, and an answer has `largest` bytes at most.
        """
        self.name: Final = name
        self._gateway: Final = gateway
        self._timeout: Final = timeout
        self._largest: Final = largest
        wait = min(timeout, PATIENCE)
        self._places: Final = Concurrency(limit=limit, queue=queue, wait=wait, name=name)
        self._outcomes: Final = gateway.metrics.counter(
            "gatekeeper_calls_total", "Calls of the gateway itself to other systems.", ("caller", "outcome")
        )
        self._told: dict[str, float] = {}
        self._failing = False

    def __repr__(self) -> str:
        return f"<Calls {self.name}: {self._places.in_flight} under way>"

    async def ask(
        self,
        read: Callable[[Reply], T],
        method: str,
        url: str,
        *,
        headers: Iterable[tuple[str, str]] = (),
        form: Iterable[tuple[str, str]] | None = None,
        in_thread: bool = False,
    ) -> T:
        """Call, and return what `read` makes of the answer, which raises `CallFailed` where that is of no use.

        `in_thread` is for one that takes long.
        What is sent must bear being sent twice: a connection that was kept may end at the moment at which it is used.

        Raises:
            CallFailed: there is no answer, or none that is of use.

        """
        fields = dict(FIELDS)
        data = None
        if form is not None:
            fields["content-type"] = "application/x-www-form-urlencoded"
            data = urlencode(list(form)).encode()
        # of names that differ in case aiohttp sends the last one only: who is asked would see less than others do
        sent = [(name.lower(), value) for name, value in headers]
        own = {name for name, _ in sent}
        sent += [(name, value) for name, value in fields.items() if name not in own]
        try:
            reply = await self._place(method, url, sent, data)
            found = await asyncio.to_thread(read, reply) if in_thread else read(reply)
        except CallFailed as failure:
            self._failed(failure)
            raise
        self._outcomes.child(self.name, "ok").inc()
        if self._failing:
            self._failing = False
            log.info("%s: what is called answers again", self.name, extra={"caller": self.name})
        return found

    async def _place(
        self, method: str, url: str, headers: list[tuple[str, str]], data: bytes | None
    ) -> Reply:
        """Wait for a place, and call."""
        if not self._places.try_enter():
            try:
                await self._places.enter()
            except Overloaded as error:
                raise CallFailed("busy", "too many calls are under way") from error
        try:
            async with asyncio.timeout(self._timeout):
                try:
                    return await self._call(method, url, headers, data)
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                    if isinstance(error, aiohttp.ClientConnectorError):
                        raise
                    return await self._call(method, url, headers, data)
        except TimeoutError:
            raise CallFailed("timeout", f"no whole answer within {self._timeout:g} s") from None
        except (aiohttp.ClientError, OSError, RuntimeError, ValueError) as error:
            # what caused it quotes what was sent, or answered
            raise CallFailed(*_reason(error)) from None
        finally:
            self._places.leave()

    async def _call(self, method: str, url: str, headers: list[tuple[str, str]], data: bytes | None) -> Reply:
        async with self._gateway.http.request(
            method, url, headers=headers, data=data, allow_redirects=False, timeout=_NO_LIMITS
        ) as response:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise CallFailed("answer", "its answer is compressed, which was not asked for")
            body = bytearray()
            while chunk := await response.content.readany():
                body += chunk
                if len(body) > self._largest:
                    raise CallFailed("answer", f"its answer is larger than {self._largest} bytes")
            return Reply(response.status, response.raw_headers, bytes(body))

    def _failed(self, failure: CallFailed) -> None:
        self._outcomes.child(self.name, failure.kind).inc()
        now = self._gateway.clock.monotonic()
        if now - self._told.get(failure.kind, -TELL_EVERY) >= TELL_EVERY:
            self._told[failure.kind] = now
            self._failing = True
            log.warning("%s: %s", self.name, failure, extra={"caller": self.name})


def _reason(error: Exception) -> tuple[str, str]:
    """The kind of a failure, and what is said of it."""
    match error:
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return "unreachable", "its answer broke off"
        case aiohttp.ClientConnectorCertificateError():
            return "unreachable", "its certificate is not what it must be"
        case aiohttp.ClientConnectorDNSError():
            return "unreachable", "its host cannot be resolved"
        case aiohttp.ClientResponseError():
            return "answer", "its answer is no HTTP"
        case ssl.SSLError() | aiohttp.ClientSSLError():
            return "unreachable", "TLS failed"
        case OSError() if error.errno:
            return "unreachable", os.strerror(error.errno).lower()
    return "unreachable", type(error).__name__


class SingleFlight(Generic[K, T]):
    """One work at a time for all who want the same. It goes on whoever gives up waiting for it."""

    def __init__(
        self, name: str, spawn: "Callable[[str, Coroutine[Any, Any, None]], asyncio.Task[None]]"
    ) -> None:
        """Do nothing yet; `spawn` is that of the gateway, whose tasks end with it."""
        self._name: Final = name
        self._spawn: Final = spawn
        self._flights: dict[K, asyncio.Future[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def begin(self, key: K, work: Callable[[], Awaitable[T]]) -> "asyncio.Future[T]":
        """Begin the work, if it is not under way; nobody has to wait for what comes of it."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.get_running_loop().create_future()
            task = self._spawn(self._name, _fly(flight, work))
            task.add_done_callback(lambda _: self._landed(key))
        return flight

    async def join(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        """Wait for what comes of the work, and begin it if it is not under way.

        Raises:
            CallFailed: the gateway stops.
            Exception: whatever the work raised.

        """
        return await asyncio.shield(self.begin(key, work))

    def _landed(self, key: K) -> None:
        flight = self._flights.pop(key)
        if not flight.done():
            flight.set_exception(CallFailed("stopped", "the gateway stops"))
        # nobody may have waited for it
        flight.exception()


async def _fly(flight: "asyncio.Future[T]", work: Callable[[], Awaitable[T]]) -> None:
    try:
        flight.set_result(await work())
    except Exception as error:  # noqa: BLE001 - those who wait have to hear of it
        flight.set_exception(error)
