"""A row of the table."""

from aiohttp import web

from gatekeeper.admin.endpoint import Call, Content, Endpoint, json_content
from gatekeeper.admin.users import Role


async def handle(call: Call) -> web.Response:
    return web.Response(text=str(call.role))


def test_what_is_not_said_is_nothing() -> None:
    """No body, no parameters."""
    row = Endpoint(
        method="GET", path="/", role=Role.VIEWER, summary="x", handle=handle, answers={200: Content("ok")}
    )

    assert ({}, {}, {}, ()) == (row.takes, row.flags, row.fields, row.fails)
    assert ({}, {}) == (row.answers[200].bodies, row.answers[200].fields)


def test_what_changes_something() -> None:
    """All but GET."""
    rows = [
        Endpoint(method=method, path="/", role=None, summary="", handle=handle, answers={})
        for method in ("GET", "POST", "PATCH", "DELETE")
    ]

    assert [False, True, True, True] == [row.changes for row in rows]


def test_an_answer_in_json() -> None:
    """With fields of its head."""
    assert Content("the service", {"application/json": {"type": "object"}}, {"Location": "where"}) == (
        json_content("the service", {"type": "object"}, Location="where")
    )
