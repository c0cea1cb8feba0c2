"""Large bodies with Content-Length, each way: how much more memory is held, how much CPU a GiB costs.

Once in each transfer the reading side stops for a moment, so that a proxy which does not push back shows it.
"""

from dataclasses import asdict, dataclass
from typing import Any

from tests.bench import peers, process
from tests.bench.suite import Bench, note, play
from tests.bench.tally import Tally


WAYS = {"get": "download", "put": "upload"}
MEBIBYTE = 1 << 20
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Transfer:
    """One large body through one proxy."""

    peer: str
    way: str
    cpu_s_per_gib: float
    mib_per_s: float
    extra_mib: float  # highest resident memory meanwhile, less what was resident before the first transfer
    error: str | None


def measure(peer: peers.Peer, tally: Tally, way: str, size: int, resident: int) -> Transfer:
    """Move one large body."""
    tally.open()
    with process.Watch(peer.pid, every=0.02) as watch:
        done = play("stream", peer.port, way, size)
        tally.wait_for_log(1)
    disagreements = tally.close(1, done["ids"])
    moved = max(done["bytes"], 1)
    return Transfer(
        peer=peer.name,
        way=WAYS[way],
        cpu_s_per_gib=watch.cpu_ns / 1e9 * (1 << 30) / moved,
        mib_per_s=moved / MEBIBYTE / done["seconds"],
        extra_mib=(watch.peak - resident) / MEBIBYTE,
        error=done["error"] or "; ".join(disagreements) or None,
    )


def run(bench: Bench) -> dict[str, Any]:
    """Measure both ways, rounds interleaved."""
    size = bench.options.mebibytes * MEBIBYTE
    transfers: list[Transfer] = []
    with peers.origin() as origin, bench.running("transfer", origin, bench.names()) as running:
        for peer in running:
            play("load", peer.port, "GET", 8, 0.5)
        tallies = {peer.name: Tally(peer, origin) for peer in running}
        resident = {peer.name: process.resident_quick(peer.pid) for peer in running}
        for way in WAYS:
            for number in range(1, ROUNDS + 1):
                for peer in running:
                    done = measure(peer, tallies[peer.name], way, size, resident[peer.name])
                    transfers.append(done)
                    note(
                        f"{done.way} {number}/{ROUNDS} {peer.name:10} {done.cpu_s_per_gib:6.2f} s/GiB"
                        f" {done.mib_per_s:6.0f} MiB/s {done.extra_mib:+7.1f} MiB"
                    )
                    if done.error:
                        bench.refuse(f"{done.way}, round {number}, {peer.name}: {done.error}")
    return {"mebibytes": bench.options.mebibytes, "transfers": [asdict(done) for done in transfers]}
