"""`gatekeeper services`: the table, and what it changes."""

import json
import time
from typing import Any

import pytest

from gatekeeper.cli.main import main
from tests.admin.memory import MemoryNode
from tests.cli.answering import listening


def command(address: str, *arguments: str) -> int:
    return main(["services", *arguments, "--admin", address])


def table(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The cells of each row."""
    header, *lines = capsys.readouterr().out.splitlines()
    names = ("SERVICE", "INSTANCE", "STATE", "WEIGHT", "IN FLIGHT", "LATENCY", "LAST CHECK")
    starts = [header.index(name) for name in names]
    return [
        [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        for line in lines
    ]


def changed(node: MemoryNode, service: str, index: int, **values: Any) -> None:
    node.known[service]["instances"][index].update(values)


def test_the_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A row for each instance: how it is, what it gets, and what the last check said."""
    node = MemoryNode()
    now = 1_700_000_000.0
    monkeypatch.setattr(time, "time", lambda: now + 90)
    health = node.known["users"]["instances"][0]["health"]
    changed(node, "users", 0, weight=5, in_flight=12, latency=0.00321)
    changed(
        node,
        "users",
        1,
        state="unhealthy",
        health={**health, "status": "unhealthy", "last_check": now + 85, "reason": "404 on /health\x1b[2J"},
    )
    node.known["sockets"]["health"] = None
    changed(node, "sockets", 1, health={**health, "last_check": None})
    node.known["empty"] = {**node.known["users"], "name": "empty", "instances": []}
    with listening(node) as address:
        assert 0 == command(address)

    assert [
        ["users", "http://a:1", "fit", "5 (not 1)", "12", "3.21 ms", "healthy 1 min ago"],
        ["users", "http://b:2", "unhealthy", "1", "0", "-", "unhealthy 5 s ago: 404 on /health?[2J"],
        ["sockets", "unix:///run/a b.sock", "fit", "1", "0", "-", "-"],
        ["sockets", "http://[::1]:80", "fit", "1", "0", "-", "-"],
        ["empty", "-", "-", "-", "-", "-", "-"],
    ] == table(capsys)


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (-5, "healthy 0 s ago"),
        (0, "healthy 0 s ago"),
        (59, "healthy 59 s ago"),
        (60, "healthy 1 min ago"),
        (7199, "healthy 1 h ago"),
        (86400, "healthy 1 d ago"),
        (None, "never"),
    ],
)
def test_when_it_was(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ago: int | None, shown: str
) -> None:
    """In the largest unit; clocks that disagree are no news."""
    node = MemoryNode()
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    health = node.known["users"]["instances"][0]["health"]
    changed(node, "users", 0, health={**health, "last_check": None if ago is None else 1000.0 - ago})
    with listening(node) as address:
        command(address, "users")

    assert shown == table(capsys)[0][-1]


def test_one_service(capsys: pytest.CaptureFixture[str]) -> None:
    """By its name."""
    with listening() as address:
        assert 0 == command(address, "sockets")
    assert {"sockets"} == {row[0] for row in table(capsys)}


def test_a_service_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """With those that are; a name is no part of a path."""
    with listening() as address:
        assert [2, 2] == [command(address, name) for name in ("x", "../config")]
    said = capsys.readouterr().err.splitlines()
    assert "gatekeeper: no service x; there are users, sockets" == said[0]
    assert "no service ../config" in said[1]


def test_no_services(capsys: pytest.CaptureFixture[str]) -> None:
    """No empty table."""
    node = MemoryNode()
    node.known.clear()
    with listening(node) as address:
        assert 0 == command(address)
    assert "there are no services\n" == capsys.readouterr().out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """As the gateway has it: a list, or one of them."""
    node = MemoryNode()
    with listening(node) as address:
        command(address, "--json")
        assert list(node.known.values()) == json.loads(capsys.readouterr().out)
        command(address, "users", "--json")
        assert node.known["users"] == json.loads(capsys.readouterr().out)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the node is told."""
    seen: list[Any] = []
    override = MemoryNode.override

    async def remember(
        self: MemoryNode, service: str, instance: str, changes: dict[str, Any]
    ) -> dict[str, Any]:
        seen.append((service, instance, changes))
        return await override(self, service, instance, changes)

    monkeypatch.setattr(MemoryNode, "override", remember)
    return seen


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        pytest.param(["--set-weight", "http://a:1=5"], [("http://a:1", {"weight": 5})], id="weight"),
        pytest.param(["--set-weight", "http://a:1=0"], [("http://a:1", {"weight": 0})], id="no-weight"),
        pytest.param(["--set-weight", "a=1=5"], [("a=1", {"weight": 5})], id="id-with-equals-sign"),
        pytest.param(["--drain", "http://a:1"], [("http://a:1", {"drain": True})], id="drain"),
        pytest.param(["--disable", "http://a:1"], [("http://a:1", {"disable": True})], id="disable"),
        pytest.param(
            ["--enable", "http://a:1"], [("http://a:1", {"drain": False, "disable": False})], id="enable"
        ),
        pytest.param(
            ["--disable", "http://a:1", "--disable", "http://b:2", "--set-weight", "http://b:2=7"],
            [
                ("http://b:2", {"weight": 7}),
                ("http://a:1", {"disable": True}),
                ("http://b:2", {"disable": True}),
            ],
            id="several",
        ),
    ],
)
def test_changes(
    told: list[Any],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    changes: list[tuple[str, Any]],
) -> None:
    """What is asked for, and then what there is."""
    node = MemoryNode()
    node.known["users"]["instances"].append({**node.known["users"]["instances"][0], "id": "a=1"})
    with listening(node) as address:
        assert 0 == command(address, "users", *arguments)

    assert [("users", *change) for change in changes] == told
    assert ["users"] * 3 == [row[0] for row in table(capsys)]


def test_ids_are_urls(told: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """With slashes and spaces."""
    with listening() as address:
        assert 0 == command(address, "sockets", "--drain", "unix:///run/a b.sock")
    assert [("sockets", "unix:///run/a b.sock", {"drain": True})] == told
    assert capsys.readouterr().out


def test_which_service(told: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """An id alone does not say it."""
    with listening() as address:
        assert 2 == command(address, "--drain", "http://a:1")
    assert "which service?" in capsys.readouterr().err
    assert [] == told


def test_an_instance_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """The gateway says so; no table."""
    with listening() as address:
        assert 2 == command(address, "users", "--drain", "http://c:3")
    assert ("", "gatekeeper: users has no instance http://c:3\n") == capsys.readouterr()


@pytest.mark.parametrize(
    "text", ["5", "=5", "http://a:1", "http://a:1=", "http://a:1=x", "http://a:1=-1", "a=²"]
)
def test_what_is_no_weight(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Told before anything is asked."""
    with pytest.raises(SystemExit) as caught:
        command("127.0.0.1:1", "users", "--set-weight", text)
    assert 2 == caught.value.code
    assert f"{text!r} is no weight" in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [True, False])
def test_colours(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    """What gets no requests is red, on a terminal; that there is none is not."""
    monkeypatch.setattr("gatekeeper.cli.configuration.is_coloured", lambda _: terminal)
    node = MemoryNode()
    changed(node, "users", 1, state="ejected")
    node.known["sockets"]["instances"] = []
    with listening(node) as address:
        command(address)
    said = capsys.readouterr().out

    assert terminal == ("\x1b[31mejected\x1b[0m" in said)
    assert (1 if terminal else 0) == said.count("\x1b[31m")
