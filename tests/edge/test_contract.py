"""Every name of aiohttp that the edge uses and that aiohttp does not promise, with the kind that it must have.

And what it relies on in httptools beyond its documentation: which callbacks are called, what is raised at the end of a
head, and the words of two errors. A new version of either is allowed once these tests and those on the wire pass with it.
"""

import ast
import asyncio
import inspect
import re
from pathlib import Path
from types import ModuleType

import httptools
import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol

from gatekeeper.edge import answer, protocol, server
from gatekeeper.edge.head import HeadReader
from gatekeeper.edge.protocol import StrictProtocol
from gatekeeper.edge.server import EdgeServer


ATTRIBUTES = {"_loop", "_parser", "_task_handler", "transport"}
"""Of a connection, set by aiohttp."""

METHODS = {
    "_drain_helper": (),
    "connection_lost": ("exc",),
    "connection_made": ("transport",),
    "data_received": ("data",),
    "eof_received": (),
    "force_close": (),
    "pause_writing": (),
    "resume_writing": (),
    "start": (),
}
"""Of a connection, called or overridden."""

PROPERTIES = {"writing_paused"}
"""Of a connection."""

SERVER = {"_connections", "_loop", "connections"}
"""Of the server; only the last one is public."""


def tree_of(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def own_names(cls: type, module: ModuleType) -> set[str]:
    """What a class of ours uses of `self` or of `super()` and does not bring itself."""
    base = cls.__mro__[1]
    tree = next(
        node for node in tree_of(module).body if isinstance(node, ast.ClassDef) and node.name == cls.__name__
    )
    used, inherited, assigned = set(), set(), set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        if ast.unparse(node.value) == "super()":
            inherited.add(node.attr)
        elif ast.unparse(node.value) == "self":
            used.add(node.attr)
            if isinstance(node.ctx, ast.Store):
                assigned.add(node.attr)
    theirs = {*dir(base), *re.findall(r"self\.(\w+)", inspect.getsource(base))}
    return (used - {*vars(cls), *assigned} | (used | inherited) & theirs) - {"__init__"}


def test_every_name_that_a_connection_uses_is_listed_here() -> None:
    """So that nobody adds one without a test; and what is not used any more leaves the list."""
    used = own_names(StrictProtocol, protocol)
    overridden = {
        name
        for name in vars(StrictProtocol)
        if hasattr(web.RequestHandler, name) and not name.startswith("__")
    }
    others = {
        node.attr
        for module in (answer, server)
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Attribute) and "protocol" in ast.unparse(node.value)
    }
    others &= {*dir(web.RequestHandler)} - {*vars(StrictProtocol)}

    assert ATTRIBUTES | METHODS.keys() | PROPERTIES == used | overridden | others


def test_every_name_that_the_server_uses_is_listed_here() -> None:
    """The same for the other class."""
    assert own_names(EdgeServer, server) == SERVER


def test_no_name_of_ours_is_one_of_theirs() -> None:
    """They could not tell that it is not; a new version could bring one."""
    theirs = {*web.RequestHandler.__slots__, *BaseProtocol.__slots__, *dir(web.RequestHandler)}

    assert set() == theirs.intersection(StrictProtocol.__slots__)
    ours = {name for name in vars(EdgeServer) if not name.startswith("__")}
    assert {"connections"} >= ours.intersection(dir(web.Server))


@pytest.mark.parametrize("name", sorted(ATTRIBUTES))
def test_an_attribute_is_there(name: str) -> None:
    """All are slots: a name that is gone would be refused by the class, not set beside it."""
    slots = {*web.RequestHandler.__slots__, *BaseProtocol.__slots__}
    assert name in slots


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_is_there_with_its_arguments(name: str) -> None:
    """What is overridden is called by these arguments, and what is called takes them."""
    assert METHODS[name] == tuple(inspect.signature(getattr(web.RequestHandler, name)).parameters)[1:]


@pytest.mark.parametrize("name", sorted(PROPERTIES))
def test_a_property_is_there(name: str) -> None:
    """It is read without a call."""
    assert isinstance(inspect.getattr_static(web.RequestHandler, name), property)


def test_methods_that_are_awaited_are_coroutines() -> None:
    """And aiohttp starts the one that serves a connection."""
    assert inspect.iscoroutinefunction(web.RequestHandler._drain_helper)
    assert inspect.iscoroutinefunction(web.RequestHandler.start)
    assert "self.start()" in inspect.getsource(web.RequestHandler.connection_made)


def test_a_connection_is_made_with_these_options() -> None:
    """No log of its own, and no timer: it starts one only for a time above zero."""
    parameters = inspect.signature(web.RequestHandler.__init__).parameters
    options = {name for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}

    assert {"access_log", "keepalive_timeout", "loop"} <= options
    assert "if self._keepalive_timeout > 0:" in inspect.getsource(web.RequestHandler.connection_made)


def test_a_connection_needs_no_parser_of_theirs() -> None:
    """It is touched only by what is overridden, or never called: `self.transport` pauses, and nothing is finished there."""
    users = {
        name
        for cls in (web.RequestHandler, BaseProtocol)
        for name, method in vars(cls).items()
        if inspect.isfunction(method) and "self._parser" in inspect.getsource(method)
    }

    overridden = {"connection_lost", "data_received", "start"}
    assert {"__init__", "finish_response", "pause_reading", *overridden} == users


class Transport(asyncio.Transport):
    """One that notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def close(self) -> None:
        self.closed = True


class Manager:
    """What a connection wants of its server."""

    request_handler = None
    request_factory = None
    handler_cancellation = True

    def __init__(self) -> None:
        self.seen: list[str] = []

    def connection_made(self, _handler: object, _transport: object) -> None:
        self.seen.append("made")

    def connection_lost(self, _handler: object, _exc: object = None) -> None:
        self.seen.append("lost")


class Idle(web.RequestHandler):
    """A connection that does what ours does, as far as aiohttp sees it."""

    __slots__ = ("cancelled",)

    async def start(self) -> None:
        self.cancelled = False
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled = True


@pytest.mark.asyncio
async def test_a_connection_that_is_lost_cancels_its_task() -> None:
    """That is how a handler hears of it; and its transport is gone."""
    manager, transport = Manager(), Transport()
    connection = Idle(manager, loop=asyncio.get_running_loop(), keepalive_timeout=0, access_log=None)  # type: ignore[arg-type]
    connection._parser = None
    connection.connection_made(transport)
    assert [transport] == [connection.transport]
    task = connection._task_handler
    assert task is not None
    await asyncio.sleep(0)
    connection.connection_lost(None)
    await asyncio.wait([task])

    assert connection.cancelled
    assert connection.transport is None
    assert connection._task_handler is None
    assert ["made", "lost"] == manager.seen


@pytest.mark.asyncio
@pytest.mark.parametrize("end", ["resumed", "lost"])
async def test_who_writes_waits_until_the_client_has_read(end: str) -> None:
    """Or until it is gone."""
    connection = Idle(Manager(), loop=asyncio.get_running_loop(), keepalive_timeout=0, access_log=None)  # type: ignore[arg-type]
    connection.connection_made(Transport())
    await connection._drain_helper()
    connection.pause_writing()
    assert connection.writing_paused
    waiting = asyncio.create_task(connection._drain_helper())
    await asyncio.sleep(0)
    assert not waiting.done()
    if end == "resumed":
        connection.resume_writing()
        await waiting
        connection.connection_lost(None)
    else:
        connection.connection_lost(OSError())
        with pytest.raises(ConnectionError):
            await waiting
    with pytest.raises(ConnectionError):
        await connection._drain_helper()


def test_a_server_is_made_with_these_options() -> None:
    """A list of the connections that it knows is public; their transports and its loop are not."""
    assert "handler_cancellation" in inspect.signature(web.Server.__init__).parameters
    assert isinstance(inspect.getattr_static(web.Server, "connections"), property)
    source = inspect.getsource(web.Server.__init__)
    assert "self._connections: dict[RequestHandler, asyncio.Transport] = {}" in source
    assert "self._loop = " in source
    assert issubclass(EdgeServer, web.Server)


def test_a_connection_is_known_until_its_task_has_ended() -> None:
    """So that a drain waits for answers that are still being finished."""
    source = inspect.getsource(web.Server.connection_lost)

    assert "handler._task_handler.add_done_callback" in source
    assert "self._connections.pop(handler, None)" in source


# ---- httptools --------------------------------------------------------------------------------------------------------


class Calls:
    """What the parser tells, in order."""

    def __init__(self) -> None:
        self.made: list[tuple[str, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.made.append(("url", url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self.made.append((name.decode(), value))


def parse(*data: bytes) -> tuple[httptools.HttpRequestParser, list[tuple[str, bytes]]]:
    calls = Calls()
    parser = httptools.HttpRequestParser(calls)
    for piece in data:
        parser.feed_data(piece)
    return parser, calls.made


HEAD = b"GET /ab HTTP/1.1\r\nA:  b \r\nC:\r\n\r\n"


def test_these_callbacks_are_ours() -> None:
    """They are looked for by name when a parser is made; all others are not there, which is cheaper."""
    source = Path(inspect.getfile(httptools)).with_name("parser") / "parser.pyx"
    names = [
        f"on_{event}"
        for event in ("message_begin", "url", "header", "headers_complete", "body", "message_complete")
    ]
    assert [True] * len(names) == [f"'{name}'" in source.read_text(encoding="utf-8") for name in names]

    assert ["on_url", "on_header"] == [name for name in names if hasattr(HeadReader, name)]


def test_a_head_is_told_field_by_field() -> None:
    """Without the blanks before a value, with those behind it; the method can be asked for at its end."""
    parser, made = parse(HEAD)

    assert [("url", b"/ab"), ("A", b"b "), ("C", b"")] == made
    assert b"GET" == parser.get_method()


def test_a_head_can_come_in_pieces() -> None:
    """A target is then told in pieces, a field as a whole."""
    parser, made = parse(*(HEAD[n : n + 1] for n in range(len(HEAD))))

    assert [("url", b"/"), ("url", b"a"), ("url", b"b"), ("url", b""), ("A", b"b "), ("C", b"")] == made
    assert b"GET" == parser.get_method()


def test_a_parser_takes_one_head_after_the_other() -> None:
    """Where none has a body."""
    _, made = parse(HEAD, HEAD[:5], HEAD[5:])

    assert [b"/ab", b"/", b"ab"] == [value for name, value in made if name == "url"]
    parser, _ = parse(b"POST / HTTP/1.1\r\n\r\n", b"DELETE / HTTP/1.1\r\n\r\n")
    assert b"DELETE" == parser.get_method()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="an-upgrade"),
        pytest.param(
            b"POST / HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\n",
            id="with-a-body",
        ),
        pytest.param(b"CONNECT a:80 HTTP/1.1\r\n\r\n", id="connect"),
    ],
)
def test_a_wish_to_switch_is_raised_at_the_end_of_its_head(raw: bytes) -> None:
    """It is no error; all callbacks have been made, and the method is known."""
    assert not issubclass(httptools.HttpParserUpgrade, httptools.HttpParserError)
    calls = Calls()
    parser = httptools.HttpRequestParser(calls)
    parser.feed_data(raw[:-1])
    with pytest.raises(httptools.HttpParserUpgrade):
        parser.feed_data(raw[-1:])

    assert raw.partition(b" ")[0] == parser.get_method()
    assert raw.count(b": ") == len([name for name, _ in calls.made if name != "url"])


@pytest.mark.parametrize(
    ("raw", "error", "words"),
    [
        pytest.param(b"GET / HTTP/1.2\r\n", httptools.HttpParserError, "HTTP version", id="another-version"),
        pytest.param(b"FETCH ", httptools.HttpParserInvalidMethodError, ".", id="an-unknown-method"),
        pytest.param(b"GETS ", httptools.HttpParserInvalidMethodError, ".", id="a-longer-method"),
        pytest.param(b"\x16\x03", httptools.HttpParserInvalidMethodError, ".", id="no-method"),
        pytest.param(b"GET /\0", httptools.HttpParserInvalidURLError, ".", id="a-bad-target"),
    ],
)
def test_an_error_is_told_by_its_class_or_its_words(raw: bytes, error: type[Exception], words: str) -> None:
    """Both decide with which status a request is refused."""
    assert issubclass(error, httptools.HttpParserError)
    with pytest.raises(error, match=words):
        parse(raw)


@pytest.mark.parametrize("name", ["Connection", "Proxy-Connection"])
def test_a_parser_takes_nothing_behind_the_last_head(name: str) -> None:
    """And takes `Proxy-Connection` for `Connection`, before it has made a callback for what comes next."""
    calls = Calls()
    parser = httptools.HttpRequestParser(calls)
    parser.feed_data(b"GET / HTTP/1.1\r\n" + name.encode() + b": close\r\n\r\n")
    told = calls.made.copy()
    with pytest.raises(httptools.HttpParserError, match="Data after"):
        parser.feed_data(HEAD)

    assert told == calls.made


@pytest.mark.parametrize("version", [b"0.9", b"2.0"])
def test_some_versions_pass_that_must_not(version: bytes) -> None:
    """They are refused by our own look at the request line."""
    parse(b"GET / HTTP/" + version + b"\r\n\r\n")
