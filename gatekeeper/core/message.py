"""Requests, responses and their header fields."""

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.core.body import EMPTY, Body


if TYPE_CHECKING:
    from gatekeeper.core.errors import GatewayError
    from gatekeeper.core.tunnel import Tunnel


Field = tuple[bytes, bytes]

# RFC 9110 section 5.6.2 (token) and section 5.5 (field-value: no control characters, no blanks at the ends)
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(rb"(?:[!-~\x80-\xff](?:[ \t!-~\x80-\xff]*[!-~\x80-\xff])?)?")

REASONS: Final = {status.value: status.phrase.encode() for status in HTTPStatus}

UNTOUCHABLE: Final = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-request-id",
    }
)
"""Fields that framing and routing are made of: the gateway writes them itself, and no filter may."""


class InvalidField(ValueError):
    """A header field that would break the message it is set in."""


def check_field(name: bytes, value: bytes) -> Field:
    """Return the field if it may stand in a message.

    Raises:
        InvalidField: the name is no token, or the value holds a control character or begins or ends with a blank.

    """
    if not _NAME.fullmatch(name):
        shown = name.decode("latin-1")
        raise InvalidField(f"`{shown}` is not a header field name")
    if not _VALUE.fullmatch(value):
        raise InvalidField(f"the value of {name.decode()} is not a header field value: {value[:80]!r}")
    return name, value


def check_editable(name: str, value: str = "") -> None:
    """Check what a configuration writes into a header field.

    Raises:
        InvalidField: name or value cannot stand in a message, or the gateway writes this field itself.

    """
    if name.lower() in UNTOUCHABLE:
        raise InvalidField(f"`{name}` is written by the gateway itself and cannot be changed here")
    check_field(name.encode(), value.encode())


class Headers:
    """Header fields in the order they came, with the bytes they came with; names compare without case.

    Lookups take the name in lower case as bytes. What is set is checked, what came over the wire has been.
    """

    __slots__ = ("fields",)

    def __init__(self, fields: Iterable[Field] = ()) -> None:
        self.fields: list[Field] = fields if type(fields) is list else list(fields)

    def get(self, name: bytes) -> bytes | None:
        """The first value of this name, or None."""
        for field, value in self.fields:
            # most names have another length: two C calls less for each of them
            if len(field) == len(name) and field.lower() == name:
                return value
        return None

    def get_all(self, name: bytes) -> list[bytes]:
        """All values of this name, in order."""
        return [value for field, value in self.fields if field.lower() == name]

    def text(self, name: bytes, default: str = "") -> str:
        """The first value as text; bytes beyond ASCII are read as latin-1, which loses none of them."""
        value = self.get(name)
        return default if value is None else value.decode("latin-1")

    def add(self, name: bytes, value: bytes) -> None:
        """Append a field.

        Raises:
            InvalidField: name or value cannot stand in a message.

        """
        self.fields.append(check_field(name, value))

    def set(self, name: bytes, value: bytes) -> None:
        """Replace all fields of this name by one.

        Raises:
            InvalidField: name or value cannot stand in a message.

        """
        field = check_field(name, value)
        self.remove(name.lower())
        self.fields.append(field)

    def remove(self, name: bytes) -> bool:
        """Drop all fields of this name; whether there was one."""
        kept = [field for field in self.fields if field[0].lower() != name]
        if len(kept) == len(self.fields):
            return False
        self.fields = kept
        return True

    def rename(self, old: bytes, new: bytes) -> None:
        """Give all fields of the name `old` the name `new`, in place.

        Raises:
            InvalidField: `new` is not a name.

        """
        check_field(new, b"")
        self.fields = [(new, value) if name.lower() == old else (name, value) for name, value in self.fields]

    def copy(self) -> "Headers":
        """An independent copy."""
        return Headers(self.fields.copy())

    def __contains__(self, name: bytes) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __eq__(self, other: object) -> bool:
        return self.fields == other.fields if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        # names only: values hold credentials, and a repr ends up in logs
        return f"<Headers {', '.join(name.decode('latin-1') for name, _ in self.fields)}>"


class ClientCertificate(Protocol):
    """Who a connection has proven to be of: an authority that the listener names in `tls.client` vouches for it.

    It is the same object for all requests of a connection, and taken apart when somebody asks. What cannot be read is a
    ValueError then.
    """

    @property
    def der(self) -> bytes:
        """The whole of it."""
        ...

    @property
    def fingerprint_sha256(self) -> str:
        """The SHA-256 of the whole, in hexadecimal, in lower case."""
        ...

    @property
    def subject(self) -> str:
        """Whom it is of, in the form of `core.subject`."""
        ...

    @property
    def names(self) -> Sequence[tuple[str, str]]:
        """What else it is for, each with its kind: `dns`, `address`, `email` or `uri` (RFC 5280 section 4.2.1.6)."""
        ...

    @property
    def expires(self) -> float:
        """When it ends, in seconds since 1970; a connection may be kept for longer."""
        ...


class Request:
    """A clean request: nothing in it is hop-by-hop, ambiguous, or claimed by somebody who is not trusted.

    `path` is the canonical form that every decision is made on; `target` is what will be forwarded: the client's own
    bytes with dot segments resolved, and the query as it came. `host` is lower-case and without port, `authority` what
    the client wrote. `client` is the address after `trusted_proxies`, `peer` the one that the connection came from.
    `upgrade` is the protocol that the client asks to switch to, in lower case, where the route lets it; it is sent on.
    `takes_trailers` says that the client reads fields behind an answer's last chunk. `certificate` is what the connection
    has shown, where its listener asks for certificates; behind a proxy that speaks TLS itself it is that of the proxy.
    """

    __slots__ = (
        "authority",
        "body",
        "certificate",
        "client",
        "headers",
        "host",
        "listener",
        "method",
        "path",
        "peer",
        "query",
        "scheme",
        "takes_trailers",
        "target",
        "upgrade",
        "version",
    )

    def __init__(
        self,
        method: str,
        path: str,
        target: bytes,
        query: str,
        host: str,
        authority: bytes,
        headers: Headers,
        body: Body = EMPTY,
        scheme: str = "http",
        version: str = "1.1",
        client: str = "",
        peer: str = "",
        listener: str = "main",
        upgrade: str = "",
        *,
        takes_trailers: bool = False,
        certificate: ClientCertificate | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.target = target
        self.query = query
        self.host = host
        self.authority = authority
        self.headers = headers
        self.body = body
        self.scheme = scheme
        self.version = version
        self.client = client
        self.peer = peer
        self.listener = listener
        self.upgrade = upgrade
        self.takes_trailers = takes_trailers
        self.certificate = certificate

    def copy(self) -> "Request":
        """A request with headers of its own; the body is shared."""
        return Request(
            self.method,
            self.path,
            self.target,
            self.query,
            self.host,
            self.authority,
            self.headers.copy(),
            self.body,
            self.scheme,
            self.version,
            self.client,
            self.peer,
            self.listener,
            self.upgrade,
            takes_trailers=self.takes_trailers,
            certificate=self.certificate,
        )

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.host}{self.path}>"


class Response:
    """A response: head and body. `error` is set on answers that the gateway made because something was wrong.

    An answer of 101 has a `tunnel`: the connection to the instance, which the edge joins with that of the client.
    """

    __slots__ = ("body", "error", "headers", "reason", "status", "tunnel")

    def __init__(
        self,
        status: int,
        headers: Headers | None = None,
        body: Body = EMPTY,
        *,
        reason: bytes | None = None,
        error: "GatewayError | None" = None,
        tunnel: "Tunnel | None" = None,
    ) -> None:
        self.status = status
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.reason = reason
        self.error = error
        self.tunnel = tunnel

    def __repr__(self) -> str:
        made_by = f" {self.error.code}" if self.error is not None else ""
        return f"<Response {self.status}{made_by} {self.body!r}>"
