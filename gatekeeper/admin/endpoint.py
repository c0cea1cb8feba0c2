"""What an endpoint is: one row of the table that is served, checked and documented."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from gatekeeper.admin.answers import JSON
from gatekeeper.admin.shape import Shape
from gatekeeper.admin.users import Role


if TYPE_CHECKING:
    from gatekeeper.runtime.node import Node


@attrs.frozen
class Call:
    """One request, checked.

    `names` are those in its path, decoded; `query` has every parameter of the endpoint, `body` is what its schema lets
    pass. `role` is None for who shows no token.
    """

    node: "Node"
    request: web.Request
    names: Mapping[str, str]
    query: Mapping[str, bool]
    body: Any
    role: Role | None


Handle = Callable[[Call], Awaitable[web.StreamResponse]]


@attrs.frozen
class Content:
    """What an answer holds: a description, media type → schema, and fields of its head with their descriptions."""

    description: str
    bodies: Mapping[str, Shape] = attrs.field(factory=dict)
    fields: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Endpoint:
    """A method and a path with `{names}`, who may use it, what it takes and what it answers.

    `role` is None where everybody may. `flags` are parameters of the query, true or false, with their descriptions;
    `fields` those of the head. `fails` are statuses of problems beside those that any request may meet.
    """

    method: str
    path: str
    role: Role | None
    summary: str
    handle: Handle
    answers: Mapping[int, Content]
    takes: Mapping[str, Shape] = attrs.field(factory=dict)
    flags: Mapping[str, str] = attrs.field(factory=dict)
    fields: Mapping[str, str] = attrs.field(factory=dict)
    fails: tuple[int, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"


def json_content(description: str, shape: Shape, **fields: str) -> Content:
    """An answer in JSON."""
    return Content(description, {JSON: shape}, fields)
