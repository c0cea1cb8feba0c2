"""`static`: an answer that stands in the configuration."""

from typing import Any

import attrs
import orjson

from gatekeeper.core.body import Body
from gatekeeper.core.chain import Handler
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Field, Headers, Response, check_editable, check_field
from gatekeeper.core.text import Text, render_field
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl


def _is_final(_instance: object, _attribute: object, status: int) -> None:
    if not 200 <= status <= 599:
        raise ValueError(f"{status} is no status of an answer; use 200 to 599")


@attrs.frozen(kw_only=True)
class BodyConfig:
    """The body of an answer: `json` or `text`, whose strings may hold placeholders."""

    json: Any = attrs.field(default=None, metadata={"help": "any value; its strings are texts"})
    text: Text | None = attrs.field(default=None, metadata={"help": "a text"})
    content_type: str | None = attrs.field(
        default=None, metadata={"help": "instead of the usual one of the form"}
    )

    def __attrs_post_init__(self) -> None:
        if (self.json is None) == (self.text is None):
            raise ValueError("a body is either `json` or `text`")
        _template(self.json)
        check_field(b"content-type", self.type)

    @property
    def type(self) -> bytes:
        """The content type."""
        usual = "application/json" if self.text is None else "text/plain; charset=utf-8"
        return (self.content_type or usual).encode()


@attrs.frozen(kw_only=True)
class StaticConfig:
    """Answer with what is written here; nothing is forwarded."""

    status: int = attrs.field(default=200, validator=_is_final, metadata={"help": "the status of the answer"})
    headers: dict[str, Text] = attrs.field(factory=dict, metadata={"help": "header fields of the answer"})
    body: BodyConfig | None = attrs.field(default=None, metadata={"help": "the body of the answer"})

    def __attrs_post_init__(self) -> None:
        for name, value in self.headers.items():
            check_editable(name, value.constant or "")


@attrs.frozen
class Static:
    """Answers with the same thing, placeholders filled in."""

    config: StaticConfig

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002, ARG002
        """Return the handler; nothing comes after it."""
        config = self.config
        headers = [(name.encode(), value) for name, value in config.headers.items()]
        content = _template(config.body.json) if config.body is not None else None

        async def static(exchange: Exchange) -> Response:
            fields: list[Field] = [render_field(name, value, exchange) for name, value in headers]
            if config.body is None:
                return Response(config.status, Headers(fields))
            if not any(name.lower() == b"content-type" for name, _ in fields):
                fields.append((b"content-type", config.body.type))
            if config.body.text is not None:
                data = config.body.text.render(exchange).encode()
            else:
                data = orjson.dumps(_render(content, exchange))
            return Response(config.status, Headers(fields), Body(data))

        return static


def _template(value: Any) -> Any:
    """The same value with texts for strings."""
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, dict):
        return {key: _template(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_template(item) for item in value]
    return value


def _render(value: Any, exchange: Exchange) -> Any:
    if isinstance(value, Text):
        return value.render(exchange)
    if isinstance(value, dict):
        return {key: _render(item, exchange) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item, exchange) for item in value]
    return value


def build(config: StaticConfig, context: BuildContext) -> Static:  # noqa: ARG001
    """Make the filter."""
    return Static(config)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.filter("static", StaticConfig, build, terminal=True)
