"""The admin listener: the endpoints of the table, and the routes of plugins.

Not the data path: an ordinary aiohttp application. Every request, whatever its path and method, passes one function, in this
order: where it comes from, who asks, whether there is such an endpoint, whether its role may. Only then is a body read. It
runs in the loop that serves requests, so everything here is bounded: connections, bodies, their size and their time.
"""

import asyncio
import hashlib
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiohttp import web

from gatekeeper.admin import guard
from gatekeeper.admin.answers import problem
from gatekeeper.admin.bodies import DIGEST, LIMIT, Bodies
from gatekeeper.admin.connection import accept
from gatekeeper.admin.endpoint import Call, Endpoint
from gatekeeper.admin.errors import AdminError, Conflict, Stale, Unavailable
from gatekeeper.admin.table import ENDPOINTS
from gatekeeper.admin.users import CHALLENGE, Role, User, Users
from gatekeeper.core.clock import Clock, SystemClock


if TYPE_CHECKING:
    from gatekeeper.runtime.node import Node

GRACE: Final = 2.0
"""Seconds that running requests have when the listener stops."""

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Audit(Protocol):
    """Records requests."""

    def __call__(self, fields: Mapping[str, Any], *, known: bool) -> None:
        """Record one; whoever is not `known`, or may not do this, may try it again and again."""
        ...


_STATUSES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (LookupError, 404),
    (Conflict, 409),
    (Stale, 412),
    (ValueError, 422),
    (Unavailable, 503),
)
_BUGS: Final = (KeyError, IndexError, UnicodeError)
"""Of these classes too, but no answers of a node."""


class AdminServer:
    """Serves what a node can tell, and tells it what to do."""

    def __init__(
        self,
        node: "Node",
        plugins: Iterable[tuple[str, Iterable[web.AbstractRouteDef]]],
        *,
        users: Iterable[User] = (),
        loopback: bool = True,
        clock: Clock | None = None,
        audit: Audit | None = None,
    ) -> None:
        """Serve one node.

        `plugins` are the routes of each plugin, by its name: for viewers where they only read, else for admins.
        `audit` is told of all that changes something, and of who may not.
        `loopback` says that the listener is for this machine only, and has to be true where there are no users.

        Raises:
            ValueError: it is not.

        """
        self._node = node
        self._users = Users(users)
        self._loopback = loopback
        self._clock = clock or SystemClock()
        self._audit = audit
        self._bodies = Bodies()
        self._listener: asyncio.Server | None = None
        if not self._users and not loopback:
            raise ValueError("an admin listener beyond loopback needs `admin.users`")
        app = web.Application(middlewares=[self._answer], client_max_size=LIMIT)
        app.on_response_prepare.append(_dress)
        self._endpoints: dict[web.AbstractRoute, Endpoint] = {}
        for endpoint in ENDPOINTS:
            for method in (endpoint.method, "HEAD") if not endpoint.changes else (endpoint.method,):
                route = app.router.add_route(method, endpoint.path, self._call)
                self._endpoints[route] = endpoint
        for name, routes in plugins:
            plugin = web.Application()
            plugin.router.add_routes(routes)
            app.add_subapp(f"/plugins/{name}", plugin)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=GRACE)

    async def start(self, sock: socket.socket) -> str:
        """Listen on a bound socket; return its address."""
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        self._listener = await asyncio.get_running_loop().create_server(lambda: accept(server), sock=sock)
        host, port = sock.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def stop(self) -> None:
        """Stop listening, and end what is under way."""
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()

    # ---- every request --------------------------------------------------------------------------------------------

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        user = None
        # aiohttp would take a trailer of this request for the first field of the next one
        last = "Transfer-Encoding" in request.headers
        try:
            user = self._identify(request)
            self._permit(request, user)
            response = await handler(request)
        except AdminError as error:
            response = problem(error.status, error.detail, error.headers, error.more)
        except web.HTTPException as error:  # of a plugin
            if last:
                error.force_close()
            await self._record(request, user, error.status)
            raise
        except Exception:
            log.exception("the admin listener failed to answer %s %s", request.method, _path(request))
            response = problem(500, "the gateway failed to answer; its log says why")
        if _is_news(request, response.status):
            self._note(request, user, response.status)
        await self._record(request, user, response.status)
        if last and not response.prepared:
            response.force_close()
        return response

    def _identify(self, request: web.Request) -> User | None:
        """Check where a request comes from; return who asks, None for somebody without a token.

        Raises:
            AdminError: it may not come from there, or the token is wrong.

        """
        guard.check_way(request, loopback=self._loopback, trusting=not self._users)
        guard.check_page(request)
        fields = request.headers.getall("Authorization", [])
        return self._users.find(fields, guard.peer(request), self._clock.monotonic())

    def _permit(self, request: web.Request, user: User | None) -> None:
        """Check whether somebody may do this, and whether there is such a thing: only who shows a token learns that.

        Raises:
            AdminError: no.

        """
        missing = request.match_info.http_exception
        needed: Role | None = Role.VIEWER
        if missing is None:
            endpoint = self._endpoints.get(request.match_info.route)
            if endpoint is not None:
                needed = endpoint.role
            elif request.method not in guard.SAFE_METHODS:
                needed = Role.ADMIN
        if needed is not None and user is None:
            raise AdminError(401, "send a token: `Authorization: Bearer TOKEN`", headers=CHALLENGE)
        if needed is not None and user is not None and user.role < needed:
            raise AdminError(403, f"this needs the role `{needed}`, and `{user.name}` is `{user.role}`")
        if isinstance(missing, web.HTTPMethodNotAllowed):
            allowed = ", ".join(sorted(missing.allowed_methods))
            raise AdminError(405, f"this path takes {allowed}", headers={"Allow": allowed})
        if missing is not None:
            raise AdminError(404, "there is nothing at this path; GET /openapi.json lists what there is")
        if user is not None:
            request[_USER] = user

    def _note(self, request: web.Request, user: User | None, status: int) -> None:
        log.info(
            "admin request",
            extra={
                "method": request.method,
                "path": _path(request),
                "status": status,
                "user": user.name if user is not None else "",
                "client": guard.peer(request),
            },
        )

    async def _record(self, request: web.Request, user: User | None, status: int) -> None:
        refused = status in _REFUSED
        if self._audit is None or not (refused or request.method not in guard.SAFE_METHODS):
            return
        fields = {
            "user": user.name if user is not None else "",
            "role": str(user.role) if user is not None else "",
            "client": guard.peer(request),
            "method": request.method,
            "path": _path(request),
            "status": status,
        }
        if digest := await _digest(request):
            fields["body_sha256"] = digest
        self._audit(fields, known=user is not None and not refused)

    # ---- those of the table ---------------------------------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.StreamResponse:
        endpoint = self._endpoints[request.match_info.route]
        user = request.get(_USER)
        query = _flags(request, endpoint)
        body = await self._bodies.read(request, endpoint.takes)
        call = Call(
            self._node, request, request.match_info, query, body, user.role if user is not None else None
        )
        try:
            return await endpoint.handle(call)
        except _REFUSALS as error:
            if isinstance(error, _BUGS):
                raise
            status = next(status for kind, status in _STATUSES if isinstance(error, kind))
            raise AdminError(status, str(error)) from error


_REFUSED: Final = frozenset({401, 403, 429})
_API_KEY: Final = re.compile(r"gk_[0-9A-Za-z]+")


def _path(request: web.Request) -> str:
    """The path for logs: without an API key that somebody has taken for its id."""
    return _API_KEY.sub("gk_***", request.path)


_USER: Final = web.RequestKey("user", User)
_REFUSALS: Final = tuple(kind for kind, _ in _STATUSES)


def _is_news(request: web.Request, status: int) -> bool:
    """Whether an answer is logged: changes, also refused ones, and wrong tokens; guessing further is not."""
    if request.method not in guard.SAFE_METHODS:
        return status != 429
    return status == 401 and "Authorization" in request.headers


async def _digest(request: web.Request) -> str:
    """The SHA-256 of the body, where it was read: by a plugin, too, if it has not taken it piece by piece."""
    if DIGEST in request:
        return request[DIGEST]
    if not request.body_exists or not request.content.is_eof():
        return ""
    data = await request.read()
    return hashlib.sha256(data).hexdigest() if data else ""


async def _dress(_request: web.Request, response: web.StreamResponse) -> None:
    guard.dress(response)


def _flags(request: web.Request, endpoint: Endpoint) -> dict[str, bool]:
    """The parameters of the query. Others are refused where something is changed: a mistyped `dry_run` is none.

    Raises:
        AdminError: one is not known, or neither true nor false, or there twice.

    """
    found = dict.fromkeys(endpoint.flags, False)
    for name in request.query if endpoint.changes else ():
        words = request.query.getall(name)
        if name not in found:
            known = f"there is `{'`, `'.join(found)}`" if found else "there are none here"
            raise AdminError(400, f"no parameter `{name}`; {known}")
        if words not in (["true"], ["false"]):
            raise AdminError(400, f"write `{name}=true` or `{name}=false`")
        found[name] = words == ["true"]
    return found
