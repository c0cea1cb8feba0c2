"""One address of a service, and what is going on there now."""

from typing import Final


class Instance:
    """An address that requests can be sent to; shared by balancing, sending, health and admin.

    `in_flight` counts attempts from the moment an instance was picked to the end of their answer's body. `latency` is
    how long answers take to begin, as an average over the last of them in seconds, and `measured` the time of the last
    one (`Clock.monotonic`); both are 0 as long as none came.
    """

    __slots__ = (
        "authority",
        "host",
        "id",
        "in_flight",
        "latency",
        "measured",
        "path",
        "port",
        "scheme",
        "service",
    )

    def __init__(
        self, service: str, instance_id: str, scheme: str, host: str, port: int, path: str = ""
    ) -> None:
        self.service: Final = service
        self.id: Final = instance_id
        self.scheme: Final = scheme
        self.host: Final = host
        self.port: Final = port
        self.path: Final = path
        """The socket file of a `unix://` instance, else empty."""
        default = 443 if scheme == "https" else 80
        name = f"[{host}]" if ":" in host else host
        authority = "localhost" if path else name if port == default else f"{name}:{port}"
        self.authority: Final = authority.encode()
        self.in_flight = 0
        self.latency = 0.0
        self.measured = 0.0

    def __repr__(self) -> str:
        return f"<Instance {self.service} {self.id} {self.in_flight} in flight>"
