"""How long things may take, as the `timeouts` of a service say it, in seconds."""

from typing import Protocol


class Limits(Protocol):
    """How long an instance may be silent, in seconds; the `timeouts` of a service."""

    @property
    def first_byte(self) -> float:
        """Until an answer begins."""
        ...

    @property
    def read(self) -> float:
        """Inside an answer."""
        ...

    @property
    def write(self) -> float:
        """Without taking from a request."""
        ...

    @property
    def stream(self) -> float:
        """Inside an event stream, or on a connection that has switched protocols."""
        ...


class SendLimits(Limits, Protocol):
    """The `timeouts` that matter for sending, in seconds."""

    @property
    def connect(self) -> float:
        """Until a connection is open."""
        ...
