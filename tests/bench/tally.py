"""Whether everybody who counted requests agrees: the client, the origin, the access log, gatekeeper's own metrics."""

from tests.bench import peers


class Tally:
    """The counts of one proxy, compared from one measurement to the next."""

    def __init__(self, peer: peers.Peer, origin: peers.Origin) -> None:
        self._peer = peer
        self._origin = origin
        self._lines: int | None = None

    def open(self) -> None:
        """Take all counts before a measurement."""
        if self._lines is None:
            self._lines = self._peer.settled_log_lines()
        self._log_begun = self._lines
        self._metrics_begun = self._peer.metrics_total()
        self._seen_begun = self._origin.seen()

    def wait_for_log(self, count: int) -> None:
        """Give the log the time to write what it holds back (while the CPU time is still taken)."""
        self._lines = self._peer.settled_log_lines(self._log_begun + count)

    def close(self, count: int, ids: int) -> list[str]:
        """Return what disagrees with the client's count, with the numbers."""
        assert self._lines is not None
        seen = self._origin.seen()
        counts: dict[str, int | None] = {
            "access log": self._lines - self._log_begun,
            "origin": seen["requests"] - self._seen_begun["requests"],
        }
        if self._peer.name in peers.OWN:
            counts["Via at the origin"] = seen["via"] - self._seen_begun["via"]
            counts["ids in answers"] = ids
            total = self._peer.metrics_total()
            counts["metrics"] = None if total is None else total - (self._metrics_begun or 0)
        problems = [f"{what} {number}, client {count}" for what, number in counts.items() if number != count]
        if self._peer.ended():
            problems.append("the proxy ended")
        if problems:
            # somebody is late or lost lines: begin the next measurement from where things stand then
            self._lines = None
        return problems
