"""Who guesses tokens waits: longer after each wrong one, up to a minute.

While an address waits its tokens are not looked at, right or wrong: the answer says nothing about them, and takes the
same time. The same wrong token again is no guess once the address has had to wait: a scraper with an old token makes
nobody beside it wait for ever. The table is bounded, and an IPv6 address counts as its /64.
"""

import ipaddress
from typing import Final

import attrs


FREE: Final = 5
"""Wrong tokens before the first wait."""
FIRST: Final = 1.0
LONGEST: Final = 60.0
FORGET: Final = 600.0
"""Seconds without a wrong token after which an address begins anew."""
ADDRESSES: Final = 1024


@attrs.define
class _Record:
    wrong: int = 0
    until: float = 0.0
    last: float = 0.0
    digest: str = ""


class Backoff:
    """Remembers who sent wrong tokens; `now` is monotonic, in seconds."""

    def __init__(self, addresses: int = ADDRESSES) -> None:
        """Remember at most so many addresses, those that were wrong last."""
        self._most = addresses
        self._records: dict[str, _Record] = {}

    def wait(self, address: str, now: float) -> float:
        """Seconds until this address may try again; 0 where it may at once."""
        record = self._records.get(_key(address))
        return max(0.0, record.until - now) if record is not None else 0.0

    def failed(self, address: str, digest: str, now: float) -> None:
        """Note a wrong token by its digest."""
        key = _key(address)
        record = self._records.pop(key, None)
        if record is None or now - record.last > FORGET:
            record = _Record()
        repeated = record.digest == digest
        record.last, record.digest = now, digest
        if record.wrong < FREE or not repeated:
            record.wrong += 1
            if record.wrong >= FREE:
                record.until = now + min(LONGEST, FIRST * 2.0 ** min(record.wrong - FREE, 16))
        while len(self._records) >= self._most:
            del self._records[next(iter(self._records))]
        self._records[key] = record

    def succeeded(self, address: str) -> None:
        """Forget what was wrong: the right token was sent."""
        self._records.pop(_key(address), None)

    def __len__(self) -> int:
        return len(self._records)


def _key(address: str) -> str:
    if ":" not in address:
        return address
    return str(ipaddress.IPv6Network((address.partition("%")[0], 64), strict=False))
