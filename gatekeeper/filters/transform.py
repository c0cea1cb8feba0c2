"""`transform`: change header fields both ways, and the query of the request."""

from collections.abc import Callable
from urllib.parse import quote, unquote_plus

import attrs

from gatekeeper.core.chain import Handler
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, Request, Response, check_editable
from gatekeeper.core.text import Text, render_field
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl


@attrs.frozen(kw_only=True)
class EditsConfig:
    """Changes to named values, made in this order: remove, rename, set, add."""

    remove: tuple[str, ...] = attrs.field(default=(), metadata={"help": "names to drop"})
    rename: dict[str, str] = attrs.field(factory=dict, metadata={"help": "old name to new name"})
    set: dict[str, Text] = attrs.field(factory=dict, metadata={"help": "replaces all values of the name"})
    add: dict[str, Text] = attrs.field(factory=dict, metadata={"help": "adds a value"})

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.remove or self.rename or self.set or self.add)


def _is_allowed(_instance: object, _attribute: object, edits: EditsConfig) -> None:
    names = [*edits.remove, *edits.rename, *edits.rename.values(), *edits.set, *edits.add]
    for name in names:
        check_editable(name)
    for name, value in [*edits.set.items(), *edits.add.items()]:
        check_editable(name, value.constant or "")


@attrs.frozen(kw_only=True)
class RequestEditsConfig:
    """What changes in the request."""

    headers: EditsConfig = attrs.field(
        factory=EditsConfig, validator=_is_allowed, metadata={"help": "changes to header fields"}
    )
    query: EditsConfig = attrs.field(factory=EditsConfig, metadata={"help": "changes to query parameters"})


@attrs.frozen(kw_only=True)
class ResponseEditsConfig:
    """What changes in the response."""

    headers: EditsConfig = attrs.field(
        factory=EditsConfig, validator=_is_allowed, metadata={"help": "changes to header fields"}
    )


@attrs.frozen(kw_only=True)
class TransformConfig:
    """Change header fields and query parameters."""

    request: RequestEditsConfig = attrs.field(
        factory=RequestEditsConfig, metadata={"help": "before it is passed on"}
    )
    response: ResponseEditsConfig = attrs.field(
        factory=ResponseEditsConfig, metadata={"help": "before it goes back"}
    )


@attrs.frozen
class Transform:
    """Applies the edits; without any it is not there."""

    config: TransformConfig

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002
        """Return the handler, or `next` where nothing changes."""
        request_headers = _header_editor(self.config.request.headers)
        query = _query_editor(self.config.request.query)
        response_headers = _header_editor(self.config.response.headers)
        if request_headers is None and query is None and response_headers is None:
            return next

        async def transform(exchange: Exchange) -> Response:
            if request_headers is not None:
                request_headers(exchange.request.headers, exchange)
            if query is not None:
                query(exchange.request, exchange)
            response = await next(exchange)
            if response_headers is not None:
                response_headers(response.headers, exchange)
            return response

        return transform


def _header_editor(config: EditsConfig) -> Callable[[Headers, Exchange], None] | None:
    if config.is_empty:
        return None
    removed = frozenset(name.lower().encode() for name in config.remove)
    renamed = {old.lower().encode(): new.encode() for old, new in config.rename.items()}
    replaced = frozenset(name.lower().encode() for name in config.set)
    written = [(name.encode(), text) for name, text in (*config.set.items(), *config.add.items())]

    def edit(headers: Headers, exchange: Exchange) -> None:
        # what is written may read what is about to be removed
        values = [render_field(name, text, exchange) for name, text in written]
        if removed or renamed:
            headers.fields = [
                (renamed.get(name.lower(), name), value)
                for name, value in headers.fields
                if name.lower() not in removed
            ]
        if replaced:
            headers.fields = [field for field in headers.fields if field[0].lower() not in replaced]
        headers.fields += values

    return edit


def _query_editor(config: EditsConfig) -> Callable[[Request, Exchange], None] | None:
    if config.is_empty:
        return None
    removed, replaced = frozenset(config.remove), frozenset(config.set)

    def edit(request: Request, exchange: Exchange) -> None:
        # parameters that are not named keep the bytes they came with
        parts = []
        for part in request.query.split("&") if request.query else ():
            key, equals, value = part.partition("=")
            name = unquote_plus(key)
            if name in removed:
                continue
            if name in config.rename:
                name = config.rename[name]
                part = quote(name, safe="") + equals + value  # noqa: PLW2901
            if name not in replaced:
                parts.append(part)
        for name, text in (*config.set.items(), *config.add.items()):
            parts.append(f"{quote(name, safe='')}={quote(text.render(exchange), safe='')}")
        request.query = "&".join(parts)
        path = request.target.partition(b"?")[0]
        request.target = path + b"?" + request.query.encode() if parts else path

    return edit


def build(config: TransformConfig, context: BuildContext) -> Transform:  # noqa: ARG001
    """Make the filter."""
    return Transform(config)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.filter("transform", TransformConfig, build)
