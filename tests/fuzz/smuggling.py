"""The client's own bytes: nobody may understand another number of messages in them, or another body, than the front.

Whoever stands in front of the gateway has read them, too, and whoever differs from it there can be made to let one message
pass for two. Parsers that refuse what the front takes do no harm. The differences that are known, and left:

- for the standard library the end of what has come is the end of a head, and of a body
- for httptools, and aiohttp in C, what stands behind a head that asks to switch protocols is no body, whatever its length
- for them a line without a version is a whole request (HTTP/0.9); the front waits for the end of a head, and refuses it
- httptools takes trailers for fields
"""

import contextlib
import re
from collections.abc import Sequence
from typing import Final

from tests.fuzz import rfc
from tests.fuzz.judging import alike
from tests.fuzz.memory import Taken
from tests.wire.messages import Field
from tests.wire.parsers import BEHIND, REFEREES, Parsed


_ENDS_EARLY: Final = frozenset({"the standard library"})
"""For whom the end of what has come is the end of a head, and of a body."""
_SWITCHES: Final = frozenset({"httptools", "aiohttp in C"})
"""For whom what stands behind a head that asks to switch protocols is no body, but that protocol."""
_HAS_VERSION: Final = re.compile(rb"[\r\n]*[^\r\n]*HTTP/1\.")


def misread(taken: Taken, piece: bytes) -> list[str]:
    """Who reads something else than the front in a piece of the client's bytes; whoever refuses it does no harm."""
    finds = []
    fields = tuple(map(alike, taken.fields))
    said = options(fields)
    # with these the connection ends, or changes, behind it
    alone = bool(said & {b"close", b"upgrade"}) or taken.exchange.request.version != "1.1"
    ours = Parsed(taken.method, taken.target, fields, taken.body or b"")
    try:
        read = [rfc.request(piece)]
    except rfc.AgainstTheRfcError as error:
        finds.append(f"it was taken against the RFC: {error} in {piece[:1000]!r}")
    else:
        if what := _other(read, ours, alone=True, checks_body=taken.forwarded):
            finds.append(f"by the RFC it is {what} in {piece[:1000]!r}")
    for name, referee in REFEREES.items():
        if b"upgrade" in said and name in _SWITCHES:
            continue
        with contextlib.suppress(Exception):  # whatever a parser raises is a refusal
            read = referee(piece if alone else piece + BEHIND)
            if what := _other(read, ours, alone=alone, checks_body=taken.forwarded):
                finds.append(f"{name} reads {what} in {piece[:1000]!r}")
    return finds


def seen_whole(rest: bytes) -> list[str]:
    """Who reads a whole request in what the front waits for the rest of."""
    finds: list[str] = []
    if not _HAS_VERSION.match(rest):
        return finds
    for name, referee in REFEREES.items():
        if name in _ENDS_EARLY or (name in _SWITCHES and b"upgrade" in rest.lower()):
            continue
        with contextlib.suppress(Exception):
            if read := referee(rest):
                finds.append(f"{name} sees a whole request where the front waits: {read[0]!r}")
    return finds


def options(fields: Sequence[Field]) -> frozenset[bytes]:
    """What `Connection` says, in lower case."""
    values = b",".join(value for name, value in fields if name == b"connection")
    return frozenset(option.strip(b" \t") for option in values.lower().split(b","))


def _other(read: Sequence[Parsed], ours: Parsed, *, alone: bool, checks_body: bool) -> str:
    count = 1 if alone else 2
    if len(read) != count:
        return f"{len(read)} messages, not {count}"
    first = read[0]
    if first.method != ours.method:
        return f"method {first.method!r}, not {ours.method!r}"
    if first.target != ours.target:
        return f"target {first.target!r}, not {ours.target!r}"
    if checks_body and first.body != ours.body:
        return f"body {first.body!r}, not {ours.body!r}"
    # trailers may stand behind them
    if first.fields[: len(ours.fields)] != ours.fields:
        return f"fields {first.fields!r}, not {ours.fields!r}"
    if not alone and (read[1].method, read[1].target, read[1].body) != (b"GET", b"/behind", b""):
        return f"{read[1]!r} behind it"
    return ""
