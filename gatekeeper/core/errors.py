"""One tree of errors. Each knows its status, a stable code, whose fault it is and whether trying again is safe.

Classes carry what is constant, instances what varies: `detail` is for the client, `log` for the operator only. A test
enumerates the tree, so that every error is documented and can be rendered.
"""

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final


if TYPE_CHECKING:
    from gatekeeper.core.message import Response


class Source(enum.Enum):
    """Whose fault an error is."""

    CLIENT = "client"
    GATEWAY = "gateway"
    UPSTREAM = "upstream"


class Retry(enum.Enum):
    """Whether the same request may be sent again, as far as the error knows."""

    NEVER = "never"
    IF_IDEMPOTENT = "if-idempotent"
    """The upstream may have acted on the request."""
    ALWAYS = "always"
    """Nothing of the request was sent."""


class GatewayError(Exception):
    """Anything that ends in an answer made by the gateway. Raise or return a subclass."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "The gateway failed to handle the request"
    source: ClassVar[Source] = Source.GATEWAY
    retry: ClassVar[Retry] = Retry.NEVER
    close: ClassVar[bool] = False
    """Whether the client's connection must end with the answer."""

    def __init__(
        self, detail: str = "", *, log: str = "", headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        super().__init__(detail or log or self.title)
        self.detail = detail
        self.log = log
        self.headers: Final = tuple(headers)


# ---- the client's fault -------------------------------------------------------------------------------------------


class Rejection(GatewayError):
    """A request that the gateway will not forward."""

    status = 400
    code = "bad-request"
    title = "The request is not acceptable"
    source = Source.CLIENT


class BadRequest(Rejection):
    """The message is malformed or ambiguous; what follows it on the connection cannot be trusted."""

    title = "The request is malformed"
    close = True


class BadTarget(Rejection):
    """The path or host has a form that two readers could understand differently."""

    code = "bad-target"
    title = "The request target is malformed or ambiguous"


class Unauthenticated(Rejection):
    """Nobody is proven to ask; pass `WWW-Authenticate` as a header (RFC 9110 section 11.6.1)."""

    status = 401
    code = "unauthenticated"
    title = "Credentials are missing or not accepted"


class RefusedElsewhere(Unauthenticated):
    """Somebody who was asked has refused it in words of their own: `answer`, where it is given, is sent instead of ours."""

    code = "refused-elsewhere"
    title = "Credentials are not accepted by whom the gateway asks"

    def __init__(
        self,
        detail: str = "",
        *,
        log: str = "",
        headers: Sequence[tuple[bytes, bytes]] = (),
        answer: "Response | None" = None,
    ) -> None:
        super().__init__(detail, log=log, headers=headers)
        self.answer: Final = answer


class Forbidden(Rejection):
    """Whoever asks may not have this."""

    status = 403
    code = "forbidden"
    title = "This is not allowed"


class RouteNotFound(Rejection):
    """No route matches host and path."""

    status = 404
    code = "route-not-found"
    title = "No route matches this request"


class MethodNotAllowed(Rejection):
    """A route matches, but not for this method; pass `Allow` as a header."""

    status = 405
    code = "method-not-allowed"
    title = "This path does not accept this method"


class RequestTimeout(Rejection):
    """The client took too long to send its head or its body."""

    status = 408
    code = "request-timeout"
    title = "The request did not arrive in time"
    close = True


class ContentTooLarge(Rejection):
    """The body is larger than a filter or a limit accepts."""

    status = 413
    code = "content-too-large"
    title = "The request body is too large"
    close = True


class UriTooLong(Rejection):
    """The request target is longer than the limit."""

    status = 414
    code = "uri-too-long"
    title = "The request target is too long"
    close = True


class ExpectationFailed(Rejection):
    """An `Expect` other than 100-continue."""

    status = 417
    code = "expectation-failed"
    title = "The expectation is not supported"
    close = True


class Misdirected(Rejection):
    """The gateway does not answer for this host."""

    status = 421
    code = "misdirected"
    title = "This gateway does not answer for this host"


class OriginRefused(Rejection):
    """A page of another site may not open this connection."""

    status = 403
    code = "origin-refused"
    title = "This origin may not open a connection here"


class PreflightRefused(Rejection):
    """A page of another site asks for what it may not have."""

    status = 403
    code = "preflight-refused"
    title = "Pages of this origin may not send this request"


class UpgradeRequired(Rejection):
    """The version of the protocol that a client wants to switch to is not supported; pass the one that is."""

    status = 426
    code = "upgrade-required"
    title = "The version of the protocol is not supported"


class HeadersTooLarge(Rejection):
    """One header field, their number or the whole block is over the limit."""

    status = 431
    code = "headers-too-large"
    title = "The header fields are too large"
    close = True


class ClientGone(Rejection):
    """The client hung up before its answer was complete; seen in logs only (the status is nginx's)."""

    status = 499
    code = "client-gone"
    title = "The client closed the connection"
    close = True


class AnswerUnwanted(GatewayError):
    """Nobody reads an answer any more: the client is gone, or a filter has replaced it. It is nobody's fault."""

    code = "answer-unwanted"


# ---- the gateway's own state --------------------------------------------------------------------------------------


class FilterFailed(GatewayError):
    """A filter raised, answered with something that is no response, or called `next` twice."""

    code = "filter-failed"


class NotSupported(GatewayError):
    """A method or coding that the gateway does not implement."""

    status = 501
    code = "not-supported"
    title = "The gateway does not support this request"
    source = Source.CLIENT
    close = True


class VersionNotSupported(GatewayError):
    """A version other than HTTP/1.0 and HTTP/1.1."""

    status = 505
    code = "version-not-supported"
    title = "The HTTP version is not supported"
    source = Source.CLIENT
    close = True


class LoopDetected(GatewayError):
    """The request has passed this gateway too many times already (RFC 9110 section 7.6.3)."""

    status = 508
    code = "loop-detected"
    title = "The request goes round in circles"


class Unavailable(GatewayError):
    """The gateway cannot take the request now."""

    status = 503
    code = "unavailable"
    title = "The service is not available"


class Overloaded(Unavailable):
    """As many requests are under way as there may be, and the queue is full or took too long."""

    code = "overloaded"
    title = "Too many requests are under way"


class IdentityUnknown(Unavailable):
    """Who asks cannot be found out now: what would tell is out of reach. Nobody passes who is not known."""

    code = "identity-unknown"
    title = "Credentials cannot be checked at the moment"


class NoInstance(Unavailable):
    """The service has no instance that could be asked."""

    code = "no-instance"


# ---- the upstream's fault -----------------------------------------------------------------------------------------


class UpstreamError(GatewayError):
    """An attempt failed. Attempt filters and the retry see it as an exception; the rescue makes an answer of it."""

    status = 502
    code = "upstream-failed"
    title = "The service could not be reached or answered badly"
    source = Source.UPSTREAM
    failure: ClassVar[str] = "protocol"
    """The name under which `retries.if` and `breaker.failures` know it."""


class ConnectFailed(UpstreamError):
    """No connection could be opened; nothing was sent."""

    code = "upstream-connect-failed"
    retry = Retry.ALWAYS
    failure = "connect"


class ConnectTimeout(UpstreamError):
    """No connection was opened in time; nothing was sent."""

    status = 504
    code = "upstream-connect-timeout"
    retry = Retry.ALWAYS
    failure = "connect"


class TlsFailed(UpstreamError):
    """The TLS handshake failed, or the certificate was not what it must be; nothing was sent."""

    code = "upstream-tls-failed"
    retry = Retry.ALWAYS
    failure = "connect"


class PoolExhausted(UpstreamError):
    """All connections to the instance are in use."""

    status = 503
    code = "upstream-pool-exhausted"
    retry = Retry.ALWAYS
    failure = "unavailable"


class CredentialUnavailable(UpstreamError):
    """What the gateway proves itself with at the service cannot be had now; nothing was sent. No instance is to blame."""

    status = 503
    code = "upstream-credential-unavailable"
    title = "The gateway cannot prove itself to the service at the moment"
    failure = "unavailable"


class Reset(UpstreamError):
    """The connection ended before the first byte of an answer."""

    code = "upstream-reset"
    retry = Retry.IF_IDEMPOTENT
    failure = "reset"


class FirstByteTimeout(UpstreamError):
    """The answer did not begin in time."""

    status = 504
    code = "upstream-timeout"
    retry = Retry.IF_IDEMPOTENT
    failure = "timeout"


class WriteTimeout(UpstreamError):
    """The instance stopped reading the request."""

    status = 504
    code = "upstream-write-timeout"
    retry = Retry.IF_IDEMPOTENT
    failure = "timeout"


class DeadlineExceeded(UpstreamError):
    """The time for the whole exchange is over."""

    status = 504
    code = "deadline-exceeded"
    failure = "timeout"


class BadAnswer(UpstreamError):
    """The answer breaks HTTP/1.1, or is one that two readers could understand differently."""

    code = "upstream-bad-answer"
    retry = Retry.IF_IDEMPOTENT


class AnswerTooLarge(UpstreamError):
    """The answer's body is larger than a filter accepts to hold."""

    code = "upstream-answer-too-large"


class AnswerTruncated(UpstreamError):
    """The answer's body ended early or stalled. Its head is out already: the client's connection is cut."""

    code = "upstream-answer-truncated"
    failure = "reset"
    close = True
