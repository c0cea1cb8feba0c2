"""`redirect`: send the client elsewhere."""

import re
from typing import Final

import attrs

from gatekeeper.core.chain import Handler
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, Response
from gatekeeper.core.text import Text
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl


_NO_URI: Final = re.compile(rb"[^!-~]")


def _is_redirect(_instance: object, _attribute: object, status: int) -> None:
    if status not in {301, 302, 303, 307, 308}:
        raise ValueError(f"{status} is no redirect; use 301, 302, 303, 307 or 308")


@attrs.frozen(kw_only=True)
class RedirectConfig:
    """Answer with a redirect. Without `to`, path and query stay, and `scheme` or `host` change."""

    to: Text | None = attrs.field(default=None, metadata={"help": "where to: a path or a whole URL"})
    scheme: str | None = attrs.field(default=None, metadata={"help": "the scheme of the new address"})
    host: Text | None = attrs.field(default=None, metadata={"help": "the host of the new address"})
    status: int = attrs.field(
        default=308, validator=_is_redirect, metadata={"help": "the status of the answer"}
    )

    def __attrs_post_init__(self) -> None:
        if self.to is None and self.scheme is None and self.host is None:
            raise ValueError("say where to: `to`, `scheme` or `host`")
        if self.scheme not in {None, "http", "https"}:
            raise ValueError("`scheme` is http or https")


@attrs.frozen
class Redirect:
    """Answers with the new address of what was asked for."""

    config: RedirectConfig

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002, ARG002
        """Return the handler; nothing comes after it."""
        config = self.config

        async def redirect(exchange: Exchange) -> Response:
            location = _as_uri(self._location(exchange))
            return Response(config.status, Headers([(b"location", location)]))

        return redirect

    def _location(self, exchange: Exchange) -> str:
        config, request = self.config, exchange.request
        if config.to is not None:
            target = config.to.render(exchange)
            if config.scheme is None and config.host is None:
                return target
        else:
            target = request.target.decode("ascii")
        host = config.host.render(exchange) if config.host is not None else request.host
        if host.count(":") > 1 and not host.startswith("["):
            host = f"[{host}]"
        return f"{config.scheme or request.scheme}://{host}{target}"


def _as_uri(text: str) -> bytes:
    """Escape what no URI holds: what a client sent must neither break the field nor be read in two ways."""
    return _NO_URI.sub(lambda found: b"%%%02X" % found[0][0], text.encode())


def build(config: RedirectConfig, context: BuildContext) -> Redirect:  # noqa: ARG001
    """Make the filter."""
    return Redirect(config)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.filter("redirect", RedirectConfig, build, main="to", terminal=True)
