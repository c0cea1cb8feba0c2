"""The client for calls to other systems, which plugins have as `gateway.http`; forwarding has connections of its own."""

from typing import Final

import aiohttp


CALLS: Final = 1000
"""Connections to other systems at the same time."""
TIMEOUT: Final = 10.0
"""Seconds for a call whose caller does not say otherwise."""


def open_client() -> aiohttp.ClientSession:
    """Open it: no cookies, no redirects unless asked for, no proxies of the environment. It needs a running loop."""
    return aiohttp.ClientSession(
        # one system that hangs must not keep the calls to others waiting: callers have limits of their own
        connector=aiohttp.TCPConnector(limit=CALLS),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=TIMEOUT),
    )
