"""A gateway in this process, as its admin side sees it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from gatekeeper.admin.errors import Conflict, Stale
from gatekeeper.policy.health import Health, Status
from gatekeeper.runtime.front import LocalFront
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.local import LocalNode
from gatekeeper.runtime.source import Source
from gatekeeper.testing import Client, Origin, StartGateway, StartOrigin, default_host, move_listeners
from gatekeeper.version import VERSION


@attrs.define
class Served:
    """A gateway that serves a file, and its node."""

    file: Path
    gateway: Gateway
    node: LocalNode
    client: Client
    drained: list[int]

    async def body(self, path: str) -> bytes:
        return (await self.client.request("GET", path)).body


Serve = Callable[[str], Awaitable[Served]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Serve a file of this content."""
    served: list[Served] = []

    async def start(content: str) -> Served:
        file = tmp_path / "gateway.yaml"
        await asyncio.to_thread(file.write_text, "version: 1\n" + content)
        host = await asyncio.to_thread(default_host)
        source = Source(host=host, path=file, adjust=move_listeners, environ={"SECRET": "hunter2"})
        loaded = await asyncio.to_thread(source.load)
        drained: list[int] = []
        gateway = Gateway(
            loaded.config, source.host, source=source, read=loaded, on_drain=lambda: drained.append(1)
        )
        await gateway.start()
        made = Served(file, gateway, LocalNode(gateway), Client(gateway.listeners["main"]), drained)
        served.append(made)
        return made

    yield start
    for one in served:
        await one.client.close()
        await one.gateway.stop(grace=0)


def service(*origins: Origin, more: str = "", health: str = "false") -> str:
    urls = ", ".join(origin.url for origin in origins)
    return (
        f"services: {{users: {{instances: [{urls}], health: {health}{more}}}}}\n"
        "routes: {users: {match: /users/**, to: users}}\n"
    )


# ---- what there is --------------------------------------------------------------------------------------------------


async def test_the_status_of_a_gateway(serve: Serve) -> None:
    """What it is, where it listens, and what became of the last reload."""
    served = await serve("routes: {all: {match: /**, filters: [static: {}]}}\n")

    status = await served.node.status()

    assert (VERSION, 1, "running", True) == tuple(
        status[key] for key in ("version", "revision", "state", "ready")
    )
    assert served.gateway.listeners == status["listeners"]
    assert status["uptime"] > 0
    config = status["config"]
    assert str(served.file) == config["file"]
    assert config["loaded_at"] > 1_600_000_000
    assert (None, None, []) == (config["error"], config["error_at"], config["problems"])

    await asyncio.to_thread(served.file.write_text, "version: 1\ncolour: red\n")
    await served.node.apply(None, dry_run=False, if_match=None)
    config = (await served.node.status())["config"]
    assert "colour" in config["error"]
    assert config["error_at"] >= config["loaded_at"]
    assert [("unknown-key", 2)] == [(problem["id"], problem["line"]) for problem in config["problems"]]

    await served.gateway.stop(grace=0)
    status = await served.node.status()
    assert ("draining", False) == (status["state"], status["ready"])


async def test_a_status_before_the_start() -> None:
    """Nothing listens yet."""
    host = await asyncio.to_thread(default_host)
    source = Source(host=host, path=Path("gateway.yaml"), environ={})
    loaded = await asyncio.to_thread(source.load_text, "version: 1\n")
    gateway = Gateway(move_listeners(loaded.config), host)

    status = await LocalNode(gateway).status()

    assert ("starting", False, {}, 0) == (
        status["state"],
        status["ready"],
        status["listeners"],
        status["revision"],
    )
    assert "" == status["config"]["file"]


async def test_who_asks_for_the_status_follows(serve: Serve) -> None:
    """A drain then waits for it to be heard of."""
    served = await serve("routes: {all: {match: /**, filters: [static: {}]}}\n")
    front = served.gateway.front
    assert isinstance(front, LocalFront)
    edge = front.edge
    before = edge._followed_at

    await served.node.status()

    assert edge._followed_at > before


async def test_metrics_in_all_forms(serve: Serve) -> None:
    """For Prometheus, as plain data, and in the figures that people ask for."""
    served = await serve("routes: {all: {match: /**, filters: [static: {}]}}\n")
    await served.body("/")
    await asyncio.sleep(0.05)

    text, content_type = await served.node.exposition("")

    assert b'gatekeeper_requests_total{method="GET",route="all",service="",status="200"} 1.0' in text
    assert b"gatekeeper_config_revision 1.0" in text
    assert content_type.startswith("text/plain")
    metrics = await served.node.metrics()
    assert 1 == metrics["gatekeeper_requests_total"]["samples"][0]["value"]
    requests = await served.node.requests()
    assert (1, {"2xx": 1}) == (requests["total"], requests["by_status"])
    system = await served.node.system()
    assert system["uptime"] > 0
    assert system["memory_resident"] > 0


# ---- services -------------------------------------------------------------------------------------------------------


async def test_a_service_is_described(serve: Serve, origin: StartOrigin) -> None:
    """With each of its instances."""
    one = await origin()
    more = ", balance: {least_connections: {}}"
    served = await serve(service(one, more=more, health="{every: 20s, timeout: 2s, http: {path: /up}}"))
    await served.body("/users")

    (found,) = await served.node.services()

    assert found == await served.node.service("users")
    assert ("users", "least_connections", 0, 1, "file") == tuple(
        found[key] for key in ("name", "balance", "in_flight", "fit", "source")
    )
    assert {
        "kind": "http",
        "every": 20.0,
        "timeout": 2.0,
        "healthy_after": 2,
        "unhealthy_after": 3,
    } == found["health"]
    (instance,) = found["instances"]
    assert (one.url, one.url, 1, 1, "", 0, "fit", 0, 0, 1) == tuple(
        instance[key]
        for key in (
            *("id", "url", "weight", "configured_weight", "zone", "priority", "state", "in_flight"),
            *("ejections", "connections"),
        )
    )
    assert instance["latency"] > 0


async def test_what_checks_found_is_described(serve: Serve, origin: StartOrigin) -> None:
    """Nothing where none was made."""
    one = await origin()
    served = await serve(service(one))
    member = served.gateway.services["users"].members[0]

    (found,) = (await served.node.service("users"))["instances"]
    assert {
        "status": "unknown",
        "reason": "",
        "last_check": None,
        "response_time": None,
        "successes": 0,
        "failures": 0,
    } == found["health"]

    member.health = Health(Status.UNHEALTHY, "refused", 0, 4, 1700000000.0, 0.25)
    described = await served.node.service("users")
    assert (0, "unhealthy") == (described["fit"], described["instances"][0]["state"])
    assert {
        "status": "unhealthy",
        "reason": "refused",
        "last_check": 1700000000.0,
        "response_time": 0.25,
        "successes": 0,
        "failures": 4,
    } == described["instances"][0]["health"]


async def test_checks_can_be_asked_for(serve: Serve, origin: StartOrigin) -> None:
    """Where a service has any."""
    one = await origin()
    served = await serve(service(one, health="true"))

    (found,) = await served.node.check("users")

    assert (one.url, "ok", "") == (found["id"], found["outcome"], found["reason"])


async def test_checks_that_there_are_not(serve: Serve, origin: StartOrigin) -> None:
    """The message says what to write."""
    served = await serve(service(await origin()))

    with pytest.raises(ValueError, match="users has no health checks; set `health`"):
        await served.node.check("users")


@pytest.mark.parametrize(
    ("changes", "state", "weight"),
    [
        ({"weight": 5}, "fit", 5),
        ({"drain": True}, "draining", 1),
        ({"disable": True}, "disabled", 1),
        ({"drain": True, "disable": True, "weight": 0}, "disabled", 0),
        ({"drain": False, "disable": False}, "fit", 1),
    ],
)
async def test_an_instance_is_overridden(
    serve: Serve, origin: StartOrigin, changes: dict[str, Any], state: str, weight: int
) -> None:
    """Until the configuration of the service changes."""
    one = await origin()
    served = await serve(service(one))

    changed = await served.node.override("users", one.url, changes)

    assert (state, weight, 1) == (changed["state"], changed["weight"], changed["configured_weight"])


async def test_what_does_not_exist(serve: Serve, origin: StartOrigin) -> None:
    """The message names what there is."""
    served = await serve(service(await origin()))

    for wish in (
        served.node.service("orders"),
        served.node.check("orders"),
        served.node.override("orders", "x", {}),
        served.node.register_instance("orders", {}),
        served.node.remove_instance("orders", "x"),
    ):
        with pytest.raises(LookupError, match="no service orders; there are users"):
            await wish
    with pytest.raises(LookupError, match="no instance x"):
        await served.node.override("users", "x", {"weight": 1})
    with pytest.raises(LookupError, match="no nothing in services"):
        await served.node.remove("services", "nothing")


# ---- registration ---------------------------------------------------------------------------------------------------


async def test_a_service_and_a_route_are_registered(serve: Serve, origin: StartOrigin) -> None:
    """They serve at once, through reloads, and are removed again."""
    one = await origin()
    served = await serve("routes: {all: {match: /**, filters: [static: {status: 204}]}}\n")

    await served.node.register("services", "late", one.url)
    outcome = await served.node.register("routes", "late", {"match": "/late/**", "to": "late"})

    assert (True, 3) == (outcome["applied"], outcome["revision"])
    assert 200 == (await served.client.request("GET", "/late")).status
    assert "admin" == (await served.node.service("late"))["source"]
    assert [("late", "admin"), ("all", "file")] == [
        (rule["route"], rule["source"]) for rule in await served.node.rules()
    ]
    await served.node.apply(None, dry_run=False, if_match=None)
    assert 200 == (await served.client.request("GET", "/late")).status

    with pytest.raises(ValueError, match="late"):
        await served.node.remove("services", "late")
    await served.node.remove("routes", "late")
    await served.node.remove("services", "late")
    assert 204 == (await served.client.request("GET", "/late")).status
    assert [] == await served.node.services()


async def test_what_is_registered_is_replaced(serve: Serve) -> None:
    """By the same name."""
    served = await serve("routes: {all: {match: /**, filters: [static: {status: 204}]}}\n")
    answer = {"match": "/x", "filters": [{"static": {"body": {"text": "one"}}}]}
    await served.node.register("routes", "x", answer)
    await served.node.register("routes", "x", {**answer, "filters": [{"static": {"body": {"text": "two"}}}]})

    assert b"two" == await served.body("/x")


async def test_what_stands_in_the_file_is_the_file_s(serve: Serve, origin: StartOrigin) -> None:
    """It cannot be registered, nor removed."""
    one = await origin()
    served = await serve(service(one))

    for wish in (
        served.node.register("services", "users", one.url),
        served.node.remove("services", "users"),
        served.node.remove("routes", "users"),
    ):
        with pytest.raises(Conflict, match="users comes from file; change it there"):
            await wish
    with pytest.raises(Conflict, match="stands in the configuration"):
        await served.node.remove_instance("users", one.url)


async def test_an_unsound_registration_says_why(serve: Serve) -> None:
    """And what was there goes on."""
    served = await serve("routes: {all: {match: /**, filters: [static: {status: 204}]}}\n")

    with pytest.raises(ValueError, match=r"admin: routes\.x\.to: no service `nobody`"):
        await served.node.register("routes", "x", {"match": "/x", "to": "nobody"})

    assert 1 == (await served.node.status())["revision"]
    assert 204 == (await served.client.request("GET", "/x")).status


BROKEN_FILE = """\
version: 1
colour: red
services:
  users: {instances: [http://a, http://b], balance: {cookie: {}}, health: false}
routes:
  users: {match: /users/**, to: usres}
"""


async def test_what_is_registered_has_its_own_mistakes(serve: Serve) -> None:
    """Those of a file that somebody is editing are others'; beside them nothing can be put into force."""
    served = await serve("routes: {all: {match: /**, filters: [static: {status: 204}]}}\n")
    await asyncio.to_thread(served.file.write_text, BROKEN_FILE)

    with pytest.raises(ValueError, match="unknown key") as caught:
        await served.node.register("routes", "x", {"match": "/x", "to": "userss", "filtres": []})

    assert [
        "admin: routes.x.filtres: unknown key `filtres`",
        "did you mean `filters`? [unknown-key]",
        "admin: routes.x.to: no service `userss`",
        f"did you mean `users` ({served.file}:4)? [unknown-name]",
    ] == str(caught.value).split("; ")


async def test_beside_a_broken_file_nothing_is_registered(serve: Serve, origin: StartOrigin) -> None:
    """That is said in one sentence; what is wrong with the file, whoever asks for that is told."""
    served = await serve(service(await origin()))
    await asyncio.to_thread(served.file.write_text, BROKEN_FILE)
    answer = {"match": "/x", "filters": [{"static": {}}]}
    told = (
        "^the files of the configuration have errors, so that nothing can join them; mend them, and ask again"
    )

    for wish in (
        served.node.register("routes", "x", answer),
        served.node.register("services", "late", "http://c"),
        served.node.register_instance("users", "http://c"),
    ):
        with pytest.raises(ValueError, match=told):
            await wish
    assert 1 == len(await served.node.services())
    await asyncio.to_thread(served.file.write_text, "version: 1\n" + service(await origin()))
    assert (await served.node.register("routes", "x", answer))["applied"]


async def test_an_instance_is_registered(serve: Serve, origin: StartOrigin) -> None:
    """It takes its turns, through reloads, and is removed again."""
    one, two = await origin(), await origin()
    served = await serve(service(one))

    await served.node.register_instance("users", {"url": two.url, "id": "second"})
    await served.node.apply(None, dry_run=False, if_match=None)

    for _ in range(4):
        await served.body("/users")
    assert [2, 2] == [len(one.requests), len(two.requests)]
    await served.node.remove_instance("users", "second")
    assert [one.url] == [found["id"] for found in (await served.node.service("users"))["instances"]]
    with pytest.raises(LookupError, match="no instance second"):
        await served.node.remove_instance("users", "second")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"url": "http://a:1/path"}, "path"),
        ({}, "url"),
        ({"url": "http://${SECRET}:1"}, "not replaced"),
        (["x"], "instances"),
    ],
)
async def test_an_unsound_instance_says_why(serve: Serve, origin: StartOrigin, body: Any, why: str) -> None:
    """Nothing of it is taken; what came from outside cannot be asked for."""
    served = await serve(service(await origin()))

    with pytest.raises(ValueError, match=why):
        await served.node.register_instance("users", body)

    assert 1 == len((await served.node.service("users"))["instances"])


# ---- configuration --------------------------------------------------------------------------------------------------


SECRET = "routes: {all: {match: /**, filters: [static: {body: {text: '${SECRET}'}, status: 200}]}}\n"


async def test_the_configuration_is_shown_without_secrets(serve: Serve) -> None:
    """What came from outside is its reference, and the text is sound by itself."""
    served = await serve(SECRET)

    found = await served.node.config()

    assert b"hunter2" == await served.body("/")
    assert "hunter2" not in found["text"]
    assert "${SECRET}" in found["text"]
    assert 1 == found["revision"]
    again = await served.node.apply(found["text"], dry_run=False, if_match=found["etag"])
    assert (True, []) == (again["applied"], again["problems"])
    assert b"hunter2" == await served.body("/")
    later = await served.node.config()
    assert (found["text"], 2) == (later["text"], later["revision"])
    assert found["etag"] != later["etag"]
    assert later["etag"] == (await served.node.config())["etag"]


async def test_problems_are_told_without_secrets(serve: Serve) -> None:
    """They go into logs and answers."""
    served = await serve(SECRET)
    broken = "version: 1\nroutes: {all: {match: /**, to: '${SECRET}'}}\n"
    await asyncio.to_thread(served.file.write_text, broken)

    outcome = await served.node.apply(None, dry_run=False, if_match=None)

    assert not outcome["applied"]
    assert "hunter2" not in str(outcome)
    assert "no service `${SECRET}`" in str(outcome)


async def test_another_configuration_can_be_applied(serve: Serve) -> None:
    """Until the file changes, or is read again."""
    served = await serve("routes: {all: {match: /**, filters: [static: {body: {text: file}}]}}\n")
    other = "version: 1\nroutes: {all: {match: /**, filters: [static: {body: {text: other}}]}}\n"

    dry = await served.node.apply(other, dry_run=True, if_match=None)
    assert (False, 1, []) == (dry["applied"], dry["revision"], dry["problems"])
    assert b"file" == await served.body("/")
    await served.node.apply(other, dry_run=False, if_match="*")
    assert b"other" == await served.body("/")
    await served.node.apply(None, dry_run=False, if_match=None)
    assert b"file" == await served.body("/")


async def test_who_read_an_older_configuration_is_told(serve: Serve) -> None:
    """Two people at once do not overwrite each other."""
    served = await serve("routes: {all: {match: /**, filters: [static: {body: {text: file}}]}}\n")
    etag = (await served.node.config())["etag"]
    other = "version: 1\nroutes: {all: {match: /**, filters: [static: {body: {text: other}}]}}\n"
    await served.node.apply(other, dry_run=False, if_match=etag)

    with pytest.raises(Stale):
        await served.node.apply(other, dry_run=False, if_match=etag)
    etag = (await served.node.config())["etag"]
    wishes = (served.node.apply(other, dry_run=False, if_match=etag) for _ in range(3))
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert [False, True, True] == sorted(isinstance(outcome, Stale) for outcome in outcomes)


async def test_a_posted_configuration_takes_nothing_new_from_outside(serve: Serve) -> None:
    """What the file takes it may take; else any file of this machine could be read through it."""
    served = await serve(SECRET)
    other = (
        "version: 1\nroutes: {all: {match: /**, filters: [static: {body: {text: '${file:/etc/passwd}'}}]}}\n"
    )

    outcome = await served.node.apply(other, dry_run=False, if_match=None)

    assert not outcome["applied"]
    assert "`${file:/etc/passwd}` is not in the configuration in force" in outcome["problems"][0]["message"]
    assert b"hunter2" == await served.body("/")


# ---- the end --------------------------------------------------------------------------------------------------------


async def test_a_drain_is_the_process_s_business(serve: Serve, gateway: StartGateway) -> None:
    """A gateway inside another program is not ended from outside."""
    served = await serve("routes: {all: {match: /**, filters: [static: {}]}}\n")
    await served.node.drain()
    assert [1] == served.drained

    inside = await gateway("version: 1\n")
    with pytest.raises(ValueError, match="part of another program"):
        await LocalNode(inside.gateway).drain()
