"""Memory at rest: resident after the start, and what each idle keep-alive connection adds.

Every connection has had one answer before it idles: that is the state in which clients keep them. They come from several
loopback addresses, so that a limit per address is not what is measured.
"""

import socket
import time
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench import payload, peers, process
from tests.bench.suite import Bench, note


PER_ADDRESS = 400
REST = 1.5


@dataclass(frozen=True, slots=True)
class Idle:
    """The memory of one proxy."""

    peer: str
    resident_mib: float
    connections: int
    kib_per_connection: float


class UnansweredError(Exception):
    """A connection that should idle got no answer first."""


def connect(port: int, number: int) -> socket.socket:
    """Open a connection and have one request answered on it."""
    connection = socket.create_connection(
        ("127.0.0.1", port), timeout=10, source_address=(f"127.0.1.{1 + number // PER_ADDRESS}", 0)
    )
    connection.sendall(payload.GET)
    data = b""
    while not data.endswith(payload.ANSWER_BODY):
        more = connection.recv(65536)
        data += more
        if not more or len(data) > len(payload.ANSWER_BODY) + 65536:
            connection.close()
            raise UnansweredError(f"connection {number}: {data[:200]!r}")
    return connection


def measure(peer: peers.Peer, count: int) -> Idle:
    """Let a fresh proxy rest, fill it with idle connections, let it rest again."""
    time.sleep(REST)
    fresh = process.resident(peer.pid)
    held: list[socket.socket] = []
    try:
        # what the first few requests load and allocate once is no connection's
        for number in range(20):
            connect(peer.port, number).close()
        time.sleep(0.2)
        before = process.resident(peer.pid)
        held.extend(connect(peer.port, number) for number in range(count))
        time.sleep(REST)
        after = process.resident(peer.pid)
    finally:
        for connection in held:
            connection.close()
    return Idle(peer.name, fresh / (1 << 20), count, (after - before) / 1024 / count)


def run(bench: Bench) -> dict[str, Any]:
    """Measure one proxy after the other, each freshly started and alone."""
    found: list[Idle] = []
    with peers.origin() as origin:
        for name in bench.names():
            with bench.running("idle", origin, [name]) as running:
                for peer in running:
                    try:
                        done = measure(peer, bench.options.idle)
                    except (OSError, UnansweredError) as error:
                        bench.refuse(f"idle, {name}: {error}")
                        continue
                    found.append(done)
                    note(
                        f"idle {name:10} {done.resident_mib:6.1f} MiB {done.kib_per_connection:6.1f} KiB/connection"
                    )
    return {"peers": [asdict(done) for done in found]}
