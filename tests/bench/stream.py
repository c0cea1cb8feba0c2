"""One large transfer by a plain blocking client (`python -m tests.bench.stream PORT get|put SIZE`); prints JSON.

A download stops reading once for a moment, as the origin does in an upload: a proxy without backpressure fills its
memory then.
"""

import re
import socket
import sys
import time

import orjson

from tests.bench import payload


BLOCK = 256 * 1024
STALL = 0.3
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class RefusedError(Exception):
    """The answer is not the one expected."""


def read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """Return the head of an answer and the body bytes that came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise RefusedError(f"connection ended in the head: {data[:200]!r}")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RefusedError(f"answer: {head[:200]!r} {rest[:300]!r}")
    return head, rest


def get(connection: socket.socket, size: int) -> tuple[int, bytes]:
    """Download `size` bytes; return how many came, and the head."""
    connection.sendall(payload.large_get(size))
    head, rest = read_head(connection)
    length = LENGTH.search(head)
    if length is None or int(length[1]) != size:
        raise RefusedError(f"no or wrong Content-Length: {head[:300]!r}")
    received = len(rest)
    block = bytearray(BLOCK)
    stalled = False
    while received < size:
        count = connection.recv_into(block)
        if not count:
            raise RefusedError(f"download ended after {received} bytes")
        received += count
        if not stalled and received > BLOCK:
            stalled = True
            time.sleep(STALL)
    return received, head


def put(connection: socket.socket, size: int) -> tuple[int, bytes]:
    """Upload `size` bytes; return how many were sent, and the head of the answer."""
    connection.sendall(payload.large_put_head(size))
    block = memoryview(bytes(BLOCK))
    sent = 0
    try:
        while sent < size:
            connection.sendall(block[: size - sent])
            sent += min(BLOCK, size - sent)
    except ConnectionError as error:
        try:
            head, rest = read_head(connection)
        except OSError:
            head, rest = b"", b""
        raise RefusedError(
            f"upload cut after {sent} bytes ({error}); {head[:200]!r} {rest[:300]!r}"
        ) from error
    head, _ = read_head(connection)
    return sent, head


def main() -> None:
    """Read the arguments, transfer, print."""
    port, way, size = sys.argv[1:]
    begun = time.perf_counter()
    error = None
    moved, head = 0, b""
    try:
        with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as connection:
            moved, head = {"get": get, "put": put}[way](connection, int(size))
    except (OSError, RefusedError) as problem:
        error = str(problem)
    seconds = time.perf_counter() - begun - STALL
    ids = int(b"\r\nx-request-id: " in head.lower())
    result = {"bytes": moved, "seconds": seconds, "ids": ids, "error": error}
    sys.stdout.write(orjson.dumps(result).decode() + "\n")


if __name__ == "__main__":
    main()
