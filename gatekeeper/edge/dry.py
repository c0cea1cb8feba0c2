"""A request that came from nowhere, read by the code that reads real ones.

The bytes of its head go through the same reading and the same limits as those of a connection; there is only no
connection. So whatever is said of such a request is true of one that a client sends.
"""

import random
import re
from collections.abc import Iterable
from typing import Final

from gatekeeper.core.exchange import Exchange
from gatekeeper.edge.forwarded import parse_address
from gatekeeper.edge.head import HeadReader
from gatekeeper.edge.peer import Peer
from gatekeeper.edge.request import Reader
from gatekeeper.edge.settings import DEFAULTS, EdgeSettings
from gatekeeper.observe.request_id import RequestIds


HOST: Final = "localhost"
"""The host of a request whose URL names none."""


_URL: Final = re.compile(r"(https?)://([^/?#]*)([^#]*)(?:#.*)?", re.IGNORECASE)
_LINE_BREAK: Final = re.compile(r"[\r\n]")


def read_request(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]] = (),
    *,
    address: str = "127.0.0.1",
    listener: str = "main",
    scheme: str = "http",
    settings: EdgeSettings = DEFAULTS,
) -> Exchange:
    """Return the exchange of a request without a body.

    `url` is a path with its query, sent as it stands, or a whole URL, which says scheme and host too and whose fragment
    no client sends. A `Host` among the headers wins over that of the URL. `address` is that of the connection, and
    `settings` are those of the edge that it comes to.

    Raises:
        GatewayError: the request is refused, as the edge would refuse it.
        ValueError: this is no request at all; the message says what to write.

    """
    target, host = url, HOST
    if found := _URL.fullmatch(url):
        scheme, host, rest = found[1].lower(), found[2], found[3]
        target = rest if rest.startswith("/") else f"/{rest}"
    elif not url.startswith("/") and url != "*":
        raise ValueError(f"`{url}` is no URL: write `/{url}` or `http://{url}`")
    peer = parse_address(address)
    if peer is None:
        raise ValueError(f"`{address}` is no address")
    fields = list(headers)
    if all(name.lower() != "host" for name, _ in fields):
        fields.insert(0, ("Host", host))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    for line in lines:
        if _LINE_BREAK.search(line):
            raise ValueError(f"{line!r} holds a line break, which would end it")

    head = HeadReader(settings.limits)
    head.feed("\r\n".join([*lines, "", ""]).encode())
    reader = Reader(RequestIds(), random.getrandbits, settings)
    return reader.read(head, Peer(peer, scheme, listener, settings.networks), 0.0)
