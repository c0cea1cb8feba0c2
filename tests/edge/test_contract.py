"""Every name of aiohttp that the edge uses and that aiohttp does not promise, with the kind that it must have.

A new version of aiohttp is allowed once these tests and those on the wire pass with it.
"""

import ast
import asyncio
import inspect
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestPayloadError, _ErrInfo

from gatekeeper.edge import protocol
from gatekeeper.edge.protocol import FIELD_LIMIT, LINE_LIMIT, StrictProtocol
from gatekeeper.edge.server import EdgeServer


ATTRIBUTES = {
    "_buffer_paused",
    "_close",
    "_force_close",
    "_keepalive_handle",
    "_keepalive_timeout",
    "_loop",
    "_max_msg_queue_size",
    "_messages",
    "_msg_queue_resume_size",
    "_next_keepalive_close_time",
    "_parser",
    "_reading_paused",
    "_request_count",
    "_task_handler",
    "_upgraded",
    "_waiter",
    "transport",
}
"""Of a connection, set by aiohttp."""

METHODS = {
    "_drain_helper": (),
    "_process_keepalive": (),
    "_resume_reading_if_drained": (),
    "_resume_transport_reading": (),
    "connection_lost": ("exc",),
    "connection_made": ("transport",),
    "data_received": ("data",),
    "force_close": (),
    "start": (),
}
"""Of a connection, called or overridden."""


def own_names(cls: type, module: object) -> set[str]:
    """What a class of ours uses of `self` and does not define."""
    source = ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))  # type: ignore[arg-type]
    tree = next(node for node in source.body if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    return used - set(vars(cls)) - set(getattr(cls, "__slots__", ()))


def test_every_name_that_a_connection_uses_is_listed_here() -> None:
    """So that nobody adds one without a test."""
    assert own_names(StrictProtocol, protocol) <= ATTRIBUTES | METHODS.keys()


@pytest.mark.parametrize("name", sorted(ATTRIBUTES))
def test_an_attribute_is_there(name: str) -> None:
    """All are slots: a name that is gone would be refused by the class, not set beside it."""
    slots = {*web.RequestHandler.__slots__, *BaseProtocol.__slots__}
    assert name in slots


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_is_there_with_its_arguments(name: str) -> None:
    """What is overridden is called by these arguments, and what is called takes them."""
    assert METHODS[name] == tuple(inspect.signature(getattr(web.RequestHandler, name)).parameters)[1:]


def test_methods_that_are_awaited_are_coroutines() -> None:
    """And aiohttp starts the one that serves a connection."""
    assert inspect.iscoroutinefunction(web.RequestHandler._drain_helper)
    assert inspect.iscoroutinefunction(web.RequestHandler.start)
    assert "self.start()" in inspect.getsource(web.RequestHandler.connection_made)
    assert isinstance(inspect.getattr_static(web.RequestHandler, "writing_paused"), property)


def test_a_connection_is_made_with_these_options() -> None:
    """Also those that switch off what must not happen: decompression, a log of its own."""
    parameters = inspect.signature(web.RequestHandler.__init__).parameters
    wanted = {
        "access_log",
        "auto_decompress",
        "keepalive_timeout",
        "loop",
        "max_field_size",
        "max_headers",
        "max_line_size",
        "read_bufsize",
    }
    assert wanted <= {
        name for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY
    }


def test_a_server_is_made_with_these_options() -> None:
    """A list of the connections that it knows is public; their transports and its loop are not."""
    assert "handler_cancellation" in inspect.signature(web.Server.__init__).parameters
    assert isinstance(inspect.getattr_static(web.Server, "connections"), property)
    source = inspect.getsource(web.Server.__init__)
    assert "self._connections: dict[RequestHandler, asyncio.Transport] = {}" in source
    assert "self._loop = " in source
    assert issubclass(EdgeServer, web.Server)


async def _parser() -> HttpRequestParser:
    loop = asyncio.get_running_loop()
    return HttpRequestParser(
        BaseProtocol(loop),
        loop,
        1024,
        max_line_size=LINE_LIMIT,
        max_field_size=FIELD_LIMIT,
        max_headers=100,
        payload_exception=RequestPayloadError,
        auto_decompress=False,
        max_msg_queue_size=32,
    )


@pytest.mark.asyncio
async def test_the_parser_tells_what_is_needed_of_a_request() -> None:
    """And it is the one in C: the other one is many times as dear."""
    parser = await _parser()
    assert type(parser).__module__ == "aiohttp._http_parser"
    messages, upgraded, tail = parser.feed_data(
        b"POST /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-A:  b \r\n\r\n2\r\nok\r\n"
    )
    ((message, payload),) = messages
    assert (upgraded, tail) == (False, b"")
    assert (
        message.method,
        message.path,
        message.should_close,
        message.chunked,
        message.upgrade,
    ) == ("POST", "/a?b", False, True, False)
    assert message.raw_headers == ((b"Host", b"a"), (b"Transfer-Encoding", b"chunked"), (b"X-A", b"b"))
    assert message.headers["X-A"] == "b"
    assert isinstance(payload, StreamReader)
    assert (payload.is_eof(), payload.total_bytes, payload.read_nowait()) == (False, 2, b"ok")
    parser.message_consumed()
    parser.set_upgraded(False)


@pytest.mark.asyncio
async def test_versions_are_shared_objects() -> None:
    """They are compared by identity."""
    from aiohttp.http import HttpVersion10, HttpVersion11

    for text, version in ((b"1.0", HttpVersion10), (b"1.1", HttpVersion11)):
        messages, _, _ = (await _parser()).feed_data(b"GET / HTTP/" + text + b"\r\nHost: a\r\n\r\n")
        assert version is messages[0][0].version


@pytest.mark.asyncio
async def test_a_limit_that_was_met_is_told_by_its_size() -> None:
    """A long target and a long field are 414 and 431; only the number tells them apart."""
    for data, limit in (
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", LINE_LIMIT),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n", FIELD_LIMIT),
    ):
        with pytest.raises(LineTooLong) as caught:
            (await _parser()).feed_data(data)
        assert str(limit) == str(caught.value.args[1])
    with pytest.raises(HttpProcessingError, match="Too many headers"):
        (await _parser()).feed_data(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n")


def test_an_error_in_the_queue_has_these_parts() -> None:
    """It stands among the messages, and is told from them by its class."""
    info = _ErrInfo(400, ValueError("x"), "text")
    assert (info.status, info.message) == (400, "text")
    assert isinstance(info.exc, ValueError)
    assert not isinstance(info, RawRequestMessage)


def test_an_absent_body_is_one_shared_object() -> None:
    """It is at its end, and stays so whatever is done to it."""
    EMPTY_PAYLOAD.set_exception(ValueError())
    assert EMPTY_PAYLOAD.is_eof()
    assert None is EMPTY_PAYLOAD.exception()
