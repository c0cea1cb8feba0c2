"""What the admin side knows of a gateway: plain data, asked for and told; the same for one process as for many."""

from typing import Any, Protocol


class Node(Protocol):
    """One gateway, as its admin side sees it.

    Everything that goes in and comes out is plain data (mappings, lists, texts, numbers), so that it can pass a pipe. A
    name that does not exist is a `LookupError`, a wish that cannot be met a `ValueError` with words for people; what
    belongs to somebody else is a `Conflict`, and what has changed meanwhile `Stale`; what cannot be got at is `Unavailable`.
    """

    async def status(self) -> dict[str, Any]:
        """Version, revision, state, readiness, uptime in seconds, listeners, and what became of the last reload."""
        ...

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """The metrics as Prometheus reads them, and their content type."""
        ...

    async def metrics(self) -> dict[str, Any]:
        """The metrics as plain data."""
        ...

    async def system(self) -> dict[str, Any]:
        """What the process takes: processor, memory, descriptors, threads."""
        ...

    async def requests(self) -> dict[str, Any]:
        """How many requests there were, how they ended and how long they took."""
        ...

    async def services(self) -> list[dict[str, Any]]:
        """All services with their instances."""
        ...

    async def service(self, name: str) -> dict[str, Any]:
        """One service with its instances."""
        ...

    async def check(self, name: str) -> list[dict[str, Any]]:
        """Check the health of all instances of a service now, and say what came of it."""
        ...

    async def override(self, service: str, instance: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change `weight`, `drain` or `disable` of an instance, until the service changes."""
        ...

    async def rules(self) -> list[dict[str, Any]]:
        """The routes in matching order."""
        ...

    async def config(self) -> dict[str, Any]:
        """What is in force, in the long form: `text` as YAML, `revision` and `etag`."""
        ...

    async def apply(self, text: str | None, *, dry_run: bool, if_match: str | None) -> dict[str, Any]:
        """Serve by a text until the file changes, or by what the file says now; with `dry_run`, only say what is wrong."""
        ...

    async def register(self, section: str, name: str, body: Any) -> dict[str, Any]:
        """Add or replace a service or a route that no file has."""
        ...

    async def remove(self, section: str, name: str) -> dict[str, Any]:
        """Take away what was registered."""
        ...

    async def register_instance(self, service: str, body: Any) -> dict[str, Any]:
        """Add an instance to a service, or replace the one of the same id that was added before."""
        ...

    async def remove_instance(self, service: str, instance: str) -> dict[str, Any]:
        """Take away an instance that was added."""
        ...

    async def keys(self) -> list[dict[str, Any]]:
        """All API keys, oldest first, without what would be needed to use one."""
        ...

    async def create_key(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make an API key; `key` of the answer is the key itself, which nobody can have again."""
        ...

    async def rotate_key(self, key_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make an API key in the place of another one, which is good for `grace` seconds more."""
        ...

    async def revoke_key(self, key_id: str) -> None:
        """Take an API key out, at once."""
        ...

    async def restart(self) -> None:
        """Renew all workers with fresh interpreters, one after the other; returns when the last one serves."""
        ...

    async def drain(self) -> None:
        """Begin the end of the process, as SIGTERM does."""
        ...
