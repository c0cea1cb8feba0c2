"""What the admin side knows of a gateway: plain data, asked for and told; the same for one process as for many."""

from typing import Any, Protocol


class Node(Protocol):
    """One gateway, as its admin side sees it."""

    async def status(self) -> dict[str, Any]:
        """Version, revision, state, uptime in seconds, listeners."""
        ...

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """The metrics as Prometheus reads them, and their content type."""
        ...
