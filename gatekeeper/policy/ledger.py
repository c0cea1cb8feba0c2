"""A chain of records, each of which holds the hash of the one before: none can be changed without all that come after it.

A record is one line of JSON in one form: keys sorted, no blanks, ASCII only, so that a terminal shows what is there.

    hash = SHA-256(prev + the record in that form without its hash), in hexadecimal; the first prev is 64 zeros

It takes 10 µs to seal a record of 14 fields and 13 to read one (best of 15, Debian's python3.11).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import attrs


FIRST: Final = "0" * 64
"""The `prev` of the first record."""
LONGEST: Final = 64 * 1024
"""Bytes that a line may have; those that are written are shorter by far."""


class BrokenRecord(ValueError):
    """A line is no record, or not as it was written; the message says why."""


@attrs.frozen
class Head:
    """Where a chain stands: the number and the hash of its last record."""

    seq: int = 0
    hash: str = FIRST


def seal(head: Head, time: str, event: str, fields: Mapping[str, Any]) -> tuple[bytes, Head]:
    """Return the line of the next record, with its line end, and where the chain stands then.

    `time` is RFC 3339 in UTC. Fields are texts, whole numbers, booleans, lists and mappings; those of the chain itself win
    over fields of the same name.

    Raises:
        TypeError, ValueError: a field is something else.

    """
    record = {**fields, "seq": head.seq + 1, "time": time, "event": event, "prev": head.hash}
    record.pop("hash", None)
    record["hash"] = digest = _hash(head.hash, record)
    return _canonical(record) + b"\n", Head(head.seq + 1, digest)


def unseal(line: bytes) -> dict[str, Any]:
    """Return the record of a line, which is as it was written; whether it belongs where it stands is another question.

    Raises:
        BrokenRecord: it is not.

    """
    if not line.endswith(b"\n"):
        raise BrokenRecord("its end is missing")
    if len(line) > LONGEST:
        raise BrokenRecord(f"it is longer than {LONGEST} bytes")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise BrokenRecord("it is no JSON") from None
    if not isinstance(record, dict) or not _is_record(record):
        raise BrokenRecord("it is no record")
    content = {key: value for key, value in record.items() if key != "hash"}
    if _hash(record["prev"], content) != record["hash"]:
        raise BrokenRecord("its hash is another one")
    if _canonical(record) + b"\n" != line:
        raise BrokenRecord("it is written in another form")
    return record


def head_of(record: Mapping[str, Any]) -> Head:
    """Where a chain stands that ends in this record."""
    return Head(record["seq"], record["hash"])


def _is_record(record: Mapping[str, Any]) -> bool:
    texts = [record.get(key) for key in ("time", "event", "prev", "hash")]
    return type(record.get("seq")) is int and record["seq"] > 0 and all(isinstance(one, str) for one in texts)


def _hash(prev: str, record: Mapping[str, Any]) -> str:
    return hashlib.sha256(prev.encode("utf-8", "surrogatepass") + _canonical(record)).hexdigest()


def _canonical(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
