"""What changes something: what the node is told, and what comes back where it refuses."""

from typing import Any

import orjson
import pytest

from gatekeeper.admin.changes import if_match
from gatekeeper.admin.errors import AdminError
from gatekeeper.testing import Answer
from tests.admin.conftest import Admin, StartAdmin
from tests.admin.memory import ETAG, PROBLEM, WARNING, MemoryNode


YAML = {"Content-Type": "application/yaml"}


async def send(admin: Admin, method: str, target: str, body: Any = None, **headers: str) -> Answer:
    """A request with a JSON body, if any."""
    data = b"" if body is None else orjson.dumps(body)
    fields = {"Content-Type": "application/json"} if body is not None else {}
    return await admin.ask(method, target, body=data, headers={**fields, **headers})


async def test_a_check(admin: StartAdmin) -> None:
    """What came of it, by instance."""
    started = await admin()
    answer = await send(started, "POST", "/gateway/services/users/health-check")

    assert [("http://a:1", "ok"), ("http://b:2", "ok")] == [
        (one["id"], one["outcome"]) for one in answer.json()
    ]
    assert ["check"] == started.node.calls


@pytest.mark.parametrize(
    ("service", "spelt", "name"),
    [
        pytest.param("users", "http:%2F%2Fa:1", "http://a:1", id="slashes"),
        pytest.param("users", "http%3A%2F%2Fa%3A1", "http://a:1", id="all"),
        pytest.param("users", "http%3a%2f%2fa%3a1", "http://a:1", id="in-lower-case"),
        pytest.param("users", "%68ttp:%2F%2Fa:1", "http://a:1", id="more-than-needed"),
        pytest.param("sockets", "unix:%2F%2F%2Frun%2Fa%20b.sock", "unix:///run/a b.sock", id="socket"),
        pytest.param("sockets", "http:%2F%2F[::1]:80", "http://[::1]:80", id="ipv6"),
        pytest.param("sockets", "http:%2F%2F%5B::1%5D:80", "http://[::1]:80", id="ipv6-encoded"),
    ],
)
async def test_ids_are_urls(admin: StartAdmin, service: str, spelt: str, name: str) -> None:
    """Percent-encoded, as any URL library writes them."""
    started = await admin()
    answer = await send(
        started, "PATCH", f"/gateway/services/{service}/instances/{spelt}", {"drain": True, "weight": 7}
    )

    assert (200, name, "draining", 7) == (
        answer.status,
        answer.json()["id"],
        answer.json()["state"],
        answer.json()["weight"],
    )


@pytest.mark.parametrize("spelt", ["http://a:1", "http:%252F%252Fa:1", "http:%2F%2Fa:1/", "http:%2F%2Fa"])
async def test_what_is_no_id(admin: StartAdmin, spelt: str) -> None:
    """Decoded once, and never into parts of a path."""
    started = await admin()
    answer = await send(started, "PATCH", f"/gateway/services/users/instances/{spelt}", {"drain": True})

    assert 404 == answer.status
    assert [] == started.node.calls


@pytest.mark.parametrize(
    ("target", "detail"),
    [
        ("/gateway/services/x/instances/y", "no service x; there are users, sockets"),
        ("/gateway/services/users/instances/y", "users has no instance y"),
    ],
)
async def test_what_is_not_there(admin: StartAdmin, target: str, detail: str) -> None:
    """Said in the words of the node."""
    answer = await send(await admin(), "PATCH", target, {"disable": True})

    assert (404, detail) == (answer.status, answer.json()["detail"])


async def test_a_service_comes_and_goes(admin: StartAdmin) -> None:
    """The answer is what there is now, and where."""
    started = await admin()
    made = await send(started, "POST", "/gateway/services", {"name": "x", "instances": ["http://c:3"]})
    place = made.get("location") or ""

    assert (201, "/gateway/services/x", "admin") == (made.status, place, made.json()["source"])
    assert made.json() == (await started.ask("GET", place)).json()
    gone = await send(started, "DELETE", place)
    assert (204, b"") == (gone.status, gone.body)
    assert [404, 404] == [(await started.ask(method, place)).status for method in ("GET", "DELETE")]


async def test_the_name_is_no_key_of_the_service(admin: StartAdmin, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is registered is what could stand in the file."""
    seen: list[Any] = []

    async def register(self: MemoryNode, *told: Any) -> dict[str, Any]:
        seen.append(told)
        self.known["a b"] = self.known["users"]
        return {"problems": []}

    monkeypatch.setattr(MemoryNode, "register", register)
    body = {"name": "a b", "instances": ["http://c:3"], "balance": "random"}
    answer = await send(await admin(), "POST", "/gateway/services", body)

    assert [("services", "a b", {"instances": ["http://c:3"], "balance": "random"})] == seen
    assert "/gateway/services/a%20b" == answer.get("location")


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"name": "users", "instances": ["http://c:3"]}, 409, "it comes from file; change it there"),
        ({"name": "x", "instances": []}, 422, "`instances` is empty"),
        ({"name": "x"}, 422, "`instances` is missing"),
        ({"instances": ["http://c:3"]}, 422, "`name` is missing"),
        ({"name": "", "instances": ["http://c:3"]}, 422, "`name` is empty"),
        ({"name": 1, "instances": ["http://c:3"]}, 422, "`name` must be a string"),
    ],
)
async def test_a_service_that_is_refused(admin: StartAdmin, body: Any, status: int, detail: str) -> None:
    """What belongs to the file is the file's."""
    answer = await send(await admin(), "POST", "/gateway/services", body)

    assert (status, detail) == (answer.status, answer.json()["detail"])


async def test_an_instance_comes_and_goes(admin: StartAdmin) -> None:
    """The answer is its service."""
    started = await admin()
    made = await send(started, "POST", "/gateway/services/users/instances", {"url": "http://c:3"})
    target = "/gateway/services/users/instances/http:%2F%2Fc:3"

    assert (201, ["http://a:1", "http://b:2", "http://c:3"]) == (
        made.status,
        [one["id"] for one in made.json()["instances"]],
    )
    assert [204, 404] == [(await send(started, "DELETE", target)).status for _ in range(2)]
    assert 404 == (await send(started, "POST", "/gateway/services/x/instances", {"url": "http://c"})).status


async def test_a_route_comes_and_goes(admin: StartAdmin) -> None:
    """The answer is each way to it, with its rank."""
    started = await admin()
    made = await send(started, "POST", "/gateway/routing-rules", {"name": "x", "match": "/x", "to": "users"})

    assert (201, [("x", 2)]) == (made.status, [(one["route"], one["rank"]) for one in made.json()])
    assert [204, 404, 409] == [
        (await send(started, "DELETE", f"/gateway/routing-rules/{name}")).status
        for name in ("x", "x", "users")
    ]


async def test_a_reload(admin: StartAdmin) -> None:
    """Warnings are no refusal."""
    node = MemoryNode()
    node.problems = [WARNING]
    answer = await send(await admin(node), "POST", "/gateway/reload")

    assert (200, {"applied": True, "revision": 3, "problems": [WARNING]}) == (answer.status, answer.json())
    assert [(None, False)] == node.applied


@pytest.mark.parametrize(
    ("problems", "detail"),
    [
        pytest.param(
            [WARNING, PROBLEM],
            "gateway.yaml:7:9, routes.users.to: no service `usres`; did you mean `users`?",
            id="one",
        ),
        pytest.param(
            [PROBLEM, PROBLEM, PROBLEM],
            "gateway.yaml:7:9, routes.users.to: no service `usres`; did you mean `users`? (and 2 more)",
            id="several",
        ),
        pytest.param(
            [{**PROBLEM, "file": "", "line": 0, "column": 0}],
            "routes.users.to: no service `usres`; did you mean `users`?",
            id="without-place",
        ),
        pytest.param(
            [{**PROBLEM, "path": "", "column": 0}],
            "gateway.yaml:7: no service `usres`; did you mean `users`?",
            id="without-path",
        ),
        pytest.param(
            [{**PROBLEM, "file": "", "line": 0, "column": 0, "path": ""}],
            "no service `usres`; did you mean `users`?",
            id="without-either",
        ),
    ],
)
async def test_a_reload_that_is_refused(admin: StartAdmin, problems: list[Any], detail: str) -> None:
    """All problems are there, the first one in words; what runs, runs on."""
    node = MemoryNode()
    node.problems = problems
    answer = await send(await admin(node), "POST", "/gateway/reload")
    found = answer.json()

    assert (422, "application/problem+json") == (answer.status, answer.get("content-type"))
    assert f"the files are refused; what runs, runs on: {detail}" == found["detail"]
    assert (problems, 3, False) == (found["problems"], found["revision"], found["applied"])
    assert [] == node.calls


async def test_a_configuration(admin: StartAdmin) -> None:
    """In force, or refused as a whole."""
    node = MemoryNode()
    started = await admin(node)
    good = await started.ask("POST", "/gateway/config", headers=YAML, body=b"version: 1\n")
    node.problems = [PROBLEM]
    bad = await started.ask("POST", "/gateway/config", headers=YAML, body=b"version: 2\n")

    assert (200, True) == (good.status, good.json()["applied"])
    assert (422, [PROBLEM]) == (bad.status, bad.json()["problems"])
    assert bad.json()["detail"].startswith("the configuration is refused: gateway.yaml:7:9")
    assert ["apply"] == node.calls


@pytest.mark.parametrize(
    ("query", "status", "dry"),
    [
        pytest.param("", 200, False, id="no"),
        pytest.param("?dry_run=true", 200, True, id="yes"),
        pytest.param("?dry_run=false", 200, False, id="said-no"),
        pytest.param("?dry_run", 400, None, id="without-value"),
        pytest.param("?dry_run=", 400, None, id="empty"),
        pytest.param("?dry_run=1", 400, None, id="a-number"),
        pytest.param("?dry_run=True", 400, None, id="another-case"),
        pytest.param("?dry_run=true&dry_run=true", 400, None, id="twice"),
        pytest.param("?dryrun=true", 400, None, id="mistyped"),
        pytest.param("?dry_run=true&x=1", 400, None, id="unknown"),
    ],
)
async def test_a_dry_run_is_none_by_mistake(
    admin: StartAdmin, query: str, status: int, dry: bool | None
) -> None:
    """Whoever meant one does not change what runs."""
    node = MemoryNode()
    started = await admin(node)
    answer = await started.ask("POST", f"/gateway/config{query}", headers=YAML, body=b"version: 1\n")

    assert status == answer.status
    assert ([] if dry is None else [("version: 1\n", dry)]) == node.applied
    assert (["apply"] if dry is False else []) == node.calls


async def test_parameters_that_nothing_takes(admin: StartAdmin) -> None:
    """A change says so, reading does not care."""
    started = await admin()
    answer = await send(started, "POST", "/gateway/reload?dry_run=true")

    assert (400, "no parameter `dry_run`; there are none here") == (answer.status, answer.json()["detail"])
    assert 200 == (await started.ask("GET", "/readyz?verbose")).status
    assert [] == started.node.calls


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        pytest.param(ETAG, 200, id="same"),
        pytest.param("*", 200, id="any"),
        pytest.param('"other"', 412, id="another"),
        pytest.param('""', 412, id="empty"),
        pytest.param(f"W/{ETAG}", 412, id="weak"),
        pytest.param(f'{ETAG}, "other"', 400, id="several"),
        pytest.param("c0ffee", 400, id="without-quotes"),
        pytest.param("", 400, id="nothing"),
    ],
)
async def test_if_match(admin: StartAdmin, tag: str, status: int) -> None:
    """Two who edit at the same time do not overwrite each other."""
    node = MemoryNode()
    started = await admin(node)
    answer = await started.ask(
        "POST", "/gateway/config", headers={**YAML, "If-Match": tag}, body=b"version: 1\n"
    )

    assert status == answer.status
    assert (["apply"] if status == 200 else []) == node.calls


def test_two_fields_of_tags_are_one_too_many() -> None:
    """Nobody can say which one is meant."""
    with pytest.raises(AdminError) as caught:
        if_match([ETAG, ETAG])
    assert 400 == caught.value.status


async def test_the_end(admin: StartAdmin) -> None:
    """It begins; the answer comes before it does."""
    started = await admin()
    answer = await send(started, "POST", "/gateway/drain")

    assert (202, {"state": "draining"}, ["drain"]) == (answer.status, answer.json(), started.node.calls)
    assert 503 == (await started.ask("GET", "/readyz")).status
