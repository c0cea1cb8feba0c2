"""What the service manager is told: that the gateway serves, reads its configuration again, goes, and lives.

A datagram to the socket that systemd has named, for units of `Type=notify` and `Type=notify-reload`, and for `WatchdogSec=`.
Nothing of it ever fails the gateway, and without such a socket nothing is sent.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

import asyncio
import logging
import socket
import time
from collections.abc import MutableMapping
from typing import Final, Self


log = logging.getLogger(__name__)

_MICROSECONDS: Final = 1e6


class Notifier:
    """Tells a service manager how this process is."""

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        """`address` is that of a Unix socket, `@` at its start for one that is no file; empty tells nobody.

        `watchdog` are the seconds within which a sign of life is wanted, None for none.
        """
        self._address: Final = f"\0{address[1:]}" if address.startswith("@") else address
        self._watchdog: Final = watchdog if address else None

    @classmethod
    def take(cls, environ: MutableMapping[str, str], pid: int) -> Self:
        """Read and remove what the environment says to process `pid`: whatever it starts is another one."""
        address = environ.pop("NOTIFY_SOCKET", "")
        wanted, whose = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        is_ours = not whose or whose == str(pid)
        watchdog = int(wanted) / _MICROSECONDS if wanted.isdecimal() and is_ours else 0
        # others (vsock) are no files
        return cls(address if address[:1] in {"/", "@"} else "", watchdog or None)

    def ready(self, status: str) -> None:
        """It serves, also after it was read again; the status is a line for people."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """It reads its configuration again."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", _status("reloading"))

    def stopping(self, status: str) -> None:
        """It takes no more, and finishes what was begun."""
        self._send("STOPPING=1", _status(status))

    async def watch(self) -> None:
        """Show at half of the time that is given that this loop turns, until it is cancelled."""
        while self._watchdog is not None:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self._watchdog / 2)

    def _send(self, *fields: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.sendto("\n".join(fields).encode(), self._address)
        except (OSError, ValueError) as error:
            log.debug("the service manager was not told %s: %s", fields[0], error)


def _status(text: str) -> str:
    """A line for people: one that had several could say something else, too."""
    return f"STATUS={' '.join(text.split())}"
