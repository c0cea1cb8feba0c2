"""`gatekeeper audit verify`, over files that a running gateway has written."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli.main import main
from gatekeeper.observe import audit_tail
from gatekeeper.policy.ledger import Head, seal
from tests.cli.running import Gatekeeper, run, wait_for


CONFIG = """\
version: 1
server: {{listen: "127.0.0.1:0", workers: {workers}}}
admin: {{listen: "127.0.0.1:0"}}
observe: {{audit: {audit}}}
services: {{app: {{instances: ["http://127.0.0.1:1"], health: false}}}}
routes: {{all: {{match: /**, to: app}}}}
"""


def configured(folder: Path, audit: str = "true", workers: int = 1) -> Path:
    """A gateway.yaml with this under `audit`."""
    path = folder / "gateway.yaml"
    path.write_text(CONFIG.format(audit=audit, workers=workers))
    return path


def chain(path: Path, count: int, head: Head | None = None) -> Head:
    """Write a chain, or more of it."""
    head = head or Head()
    with path.open("ab") as file:
        for _ in range(count):
            line, head = seal(head, "2026-11-22T22:17:00.000Z", "refused", {"status": 403})
            file.write(line)
    return head


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return tmp_path


def verified(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and what is told to programs."""
    code = main(["audit", "verify", "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_what_it_says_of_a_whole_chain(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """How many, from when to when, and the hash to be noted elsewhere."""
    configured(folder)
    head = chain(folder / "audit.jsonl", 3)

    assert 0 == main(["audit", "verify"])
    assert capsys.readouterr().out == (
        f"sound: {folder}/audit.jsonl\n"
        "  records 1 to 3, 2026-11-22T22:17:00.000Z to 2026-11-22T22:17:00.000Z\n"
        f"  hash of record 3: {head.hash}\n"
    )


def test_what_it_says_of_a_broken_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first line that does not fit, and an exit code that stops a script."""
    path = folder / "a.jsonl"
    chain(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])

    assert 1 == main(["audit", "verify", "a.jsonl"])
    assert capsys.readouterr().out.startswith(
        "BROKEN: a.jsonl\n  a.jsonl, line 2: removed: record 2 is missing before this line\n  records 1 to 1 are whole, "
    )


def test_what_it_says_of_gaps_and_crashes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are no breaks."""
    recovered, head = seal(Head(4, "a" * 64), "t\x1b[2J", "recovered", {"bytes": 9})
    gap, _ = seal(head, "t", "gap", {"lost": 17})
    (folder / "a.jsonl").write_bytes(recovered + gap)

    assert 0 == main(["audit", "verify", "a.jsonl"])
    said = capsys.readouterr().out
    assert "the 4 before them are not here" in said
    assert "lines that a crash has torn, and that were cut off: 1" in said
    assert "record 6 says that 17 records were lost before it" in said
    assert "\x1b" not in said


def test_an_empty_file_is_sound(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A gateway has just begun it."""
    (folder / "a.jsonl").touch()

    assert 0 == main(["audit", "verify", "a.jsonl"])
    assert "sound: a.jsonl\n  no records\n" == capsys.readouterr().out


@pytest.mark.parametrize("named", [(), ("audit.jsonl", "audit.jsonl.2", "audit.jsonl.1")])
def test_files_of_one_chain_are_read_oldest_first(
    folder: Path, capsys: pytest.CaptureFixture[str], named: tuple[str, ...]
) -> None:
    """As the configuration names them, or in whatever order a shell lists them."""
    configured(folder)
    head = None
    for name in ("audit.jsonl.2", "audit.jsonl.1", "audit.jsonl"):
        head = chain(folder / name, 2, head)
    code, told = verified(capsys, *named)

    assert (0, True, 6, 6) == (code, told["sound"], told["records"], told["last"])
    (folder / "audit.jsonl.1").unlink()
    code, told = verified(capsys, *(name for name in named if name != "audit.jsonl.1"))
    assert (1, "removed", 1) == (code, told["broken"]["kind"], told["broken"]["line"])


@pytest.mark.parametrize(
    ("what", "expected"),
    [("the last", (0, 5)), ("an earlier one", (0, 3)), ("cut off", (1, None)), ("written anew", (1, None))],
)
def test_a_hash_that_was_noted_has_to_be_there(
    folder: Path, capsys: pytest.CaptureFixture[str], what: str, expected: tuple[int, int | None]
) -> None:
    """Against who cuts off the end, or writes all of it anew: the chain alone is whole."""
    path = folder / "a.jsonl"
    noted = chain(path, 3)
    last = chain(path, 2, noted)
    if what == "cut off":
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]))
    elif what == "written anew":
        path.write_bytes(seal(Head(), "t", "start", {})[0])
    hash_ = noted.hash if what == "an earlier one" else last.hash
    code, told = verified(capsys, "a.jsonl", "--expect", hash_.upper())

    assert expected == (code, told["expected"]["seq"])
    assert told["broken"] is None
    main(["audit", "verify", "a.jsonl", "--expect", hash_])
    said = capsys.readouterr().out
    assert ("the hash is that of record" in said) is (code == 0)
    assert ("the end was cut off, or all of it written anew" in said) is (code == 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["none.jsonl"], "none.jsonl cannot be read: No such file", id="no file"),
        pytest.param([], "gateway.yaml has no audit file; write `observe: {audit: true}`", id="off"),
        pytest.param(["a", "--expect", "c0ffee"], "64 hexadecimal digits", id="no hash"),
    ],
)
def test_what_cannot_be_checked(folder: Path, arguments: list[str], told: str) -> None:
    """Exit code 2: neither sound nor broken."""
    configured(folder, "false")
    done = run("audit", "verify", *arguments, cwd=folder)

    assert (2, True) == (done.returncode, told in done.stderr)


# ---- with a gateway ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_a_gateway_that_is_killed_goes_on_with_its_chain(folder: Path, workers: int) -> None:
    """By `kill -9`, and by a signal that lets it say so."""
    config = configured(folder, workers=workers)
    path = folder / "audit.jsonl"
    with Gatekeeper("serve", "-c", str(config)) as gatekeeper:
        gatekeeper.get("/gateway/reload", gatekeeper.admin, "POST")
        wait_for(lambda: b'"event":"admin"' in path.read_bytes(), "the record")
        gatekeeper.process.kill()
        gatekeeper.wait()
    with path.open("ab") as file:
        file.write(b'{"torn')
    with Gatekeeper("serve", "-c", str(config)) as gatekeeper:
        gatekeeper.says('"listening"')
        assert 0 == gatekeeper.end(signal.SIGTERM)
        last = gatekeeper.lines(message="the audit file is closed")[0]
    done = run("audit", "verify", "--expect", last["hash"], cwd=folder)

    assert 0 == done.returncode, done.stdout
    events = [json.loads(line)["event"] for line in path.read_bytes().splitlines()]
    assert ["start", "reload", "admin", "recovered", "start", "stop"] == events


def test_a_second_gateway_does_not_start(folder: Path) -> None:
    """It is told who has the file, and the first one goes on."""
    config = configured(folder)
    with Gatekeeper("serve", "-c", str(config)) as gatekeeper:
        gatekeeper.says('"listening"')
        second = run("serve", "-c", str(config), cwd=folder)
        assert 2 == second.returncode
        assert (
            f"another gateway writes `{folder}/audit.jsonl` (pid {gatekeeper.process.pid})" in second.stderr
        )
        assert 200 == gatekeeper.get("/livez", gatekeeper.admin)[0]
        assert 0 == gatekeeper.end()


def test_the_state_folder_of_systemd_is_taken(folder: Path) -> None:
    """And the command finds it there, where it is told the same."""
    config, state = configured(folder), folder / "state"
    state.mkdir()
    with Gatekeeper("serve", "-c", str(config), env={"STATE_DIRECTORY": str(state)}) as gatekeeper:
        gatekeeper.says('"listening"')
        gatekeeper.end()

    assert (state / "audit.jsonl").exists()
    assert 0 == run("audit", "verify", cwd=folder, env={"STATE_DIRECTORY": str(state)}).returncode


def test_lost_records_are_counted_among_the_metrics(folder: Path) -> None:
    """As the lines of the other logs are."""
    with Gatekeeper("serve", "-c", str(configured(folder))) as gatekeeper:
        _, text = gatekeeper.get("/metrics", gatekeeper.admin)

        assert "gatekeeper_audit_dropped_lines 0.0" in text


def test_the_lock_is_beside_the_file(folder: Path) -> None:
    """Hidden, so that `audit.jsonl*` names the files of the chain only."""
    audit_tail.lock(folder / "audit.jsonl")

    assert [".audit.jsonl.lock"] == [file.name for file in folder.iterdir()]
