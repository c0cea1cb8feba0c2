"""Reads what is sent: at most 1 MiB, in at most 10 seconds, a few at a time, and no deeper than anything needs.

orjson builds 16 MB a second at worst, out of `[[],[],...]`, and holds the interpreter while it does: 1 MiB of that would keep
requests waiting for a quarter of a second. So the parts are counted before (30 µs), and 20,000 cost 8 ms at most. A whole
configuration is handed on as text.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from gatekeeper.admin.answers import YAML
from gatekeeper.admin.errors import AdminError
from gatekeeper.admin.guard import media_type
from gatekeeper.admin.shape import Shape, faults


LIMIT: Final = 2**20
"""Bytes of a body."""
AT_ONCE: Final = 8
"""Bodies that are held at the same time; others wait."""
SECONDS: Final = 10.0
"""Time for a body to come."""
PARTS: Final = 20_000
"""Values of a JSON text, counted by what stands between them."""
DEPTH: Final = 32
"""Mappings and lists within each other."""

DIGEST: Final = web.RequestKey("digest", str)
"""The SHA-256 of a body that was read."""

Takes = Mapping[str, Shape]
"""Media type → schema of the body; with YAML among them it is a text."""


class Bodies:
    """Reads bodies, some at a time."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Wait so long for a body to come."""
        self._seconds = seconds
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def read(self, request: web.Request, takes: Takes) -> Any:
        """The body as plain data, or as text where it may be YAML; None where none is taken.

        Raises:
            AdminError: it is too large, too late, or not what is taken.

        """
        if not takes:
            return None
        if "Content-Encoding" in request.headers:
            raise AdminError(415, "send the body without `Content-Encoding`")
        kind = media_type(request)
        if kind not in takes:
            raise AdminError(415, f"send `Content-Type: {'` or `'.join(sorted(takes))}`, and a body")
        if (request.content_length or 0) > LIMIT:
            raise _too_large()
        async with self._turns:
            data = await self._bytes(request)
        request[DIGEST] = hashlib.sha256(data).hexdigest()
        return _text(data) if YAML in takes else _data(data, takes[kind])

    async def _bytes(self, request: web.Request) -> bytes:
        data = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                async for piece in request.content.iter_any():
                    data += piece
                    if len(data) > LIMIT:
                        raise _too_large()
        except TimeoutError:
            raise AdminError(408, f"the body did not come within {self._seconds:g} s") from None
        except (web.RequestPayloadError, ConnectionError):
            raise AdminError(400, "the body breaks off") from None
        return bytes(data)


def _too_large() -> AdminError:
    return AdminError(413, f"a body has at most {LIMIT} bytes")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AdminError(400, f"the body is no UTF-8, from byte {error.start} on") from None


def _data(data: bytes, shape: Shape) -> Any:
    if sum(map(data.count, (b",", b"[", b"{"))) > PARTS:
        raise AdminError(413, f"a body has at most {PARTS} values")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise AdminError(400, f"the body is no JSON: {error}") from None
    if _is_deeper(value, DEPTH):
        raise AdminError(400, f"the body is nested more than {DEPTH} deep")
    if found := list(faults(value, shape)):
        raise AdminError(422, "; ".join(found))
    return value


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            part
            for one in level
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
    return any(isinstance(one, dict | list) for one in level)
