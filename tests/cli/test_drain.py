"""`gatekeeper drain`."""

from pathlib import Path

import pytest

from gatekeeper.cli.main import main
from tests.admin.memory import MemoryNode
from tests.cli.answering import listening
from tests.cli.running import Gatekeeper, free_ports, run


def test_the_end_begins(capsys: pytest.CaptureFixture[str]) -> None:
    """And it is said what comes then."""
    node = MemoryNode()
    with listening(node) as address:
        assert 0 == main(["drain", "--admin", address])

    assert ["drain"] == node.calls
    assert capsys.readouterr().out.startswith("draining: ")


def test_a_gateway_that_cannot(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In its words."""

    async def refuse(_: object) -> None:
        raise ValueError("this gateway is part of another program, which ends it")

    monkeypatch.setattr(MemoryNode, "drain", refuse)
    with listening() as address:
        assert 2 == main(["drain", "--admin", address])
    assert "part of another program" in capsys.readouterr().err


def test_a_whole_life(tmp_path: Path) -> None:
    """Commands find the gateway by the file that it was started from: look, reload, look again, end."""
    data, admin, service = free_ports(3)
    text = (
        f'version: 1\nserver: {{listen: "127.0.0.1:{data}", reload: {{watch: false}}, drain: 1s}}\n'
        f'admin: {{listen: "127.0.0.1:{admin}"}}\n'
        f'services: {{users: {{instances: ["http://127.0.0.1:{service}"], health: false}}}}\n'
        "routes: {users: {match: /users/**, to: users}}\n"
    )
    file = tmp_path / "gateway.yaml"
    file.write_text(text)
    with Gatekeeper("serve", cwd=tmp_path) as gateway:
        gateway.says('"listening"')
        listed = run("services", cwd=tmp_path)
        changed = run("services", "users", "--disable", f"http://127.0.0.1:{service}", cwd=tmp_path)
        file.write_text(text.replace("to: users", "to: usres"))
        refused = run("reload", cwd=tmp_path)
        file.write_text(text.replace("users: {match", "people: {match"))
        reloaded = run("reload", cwd=tmp_path)
        ended = run("drain", cwd=tmp_path)
        code = gateway.wait()
    afterwards = run("services", cwd=tmp_path)

    assert (0, "", True) == (listed.returncode, listed.stderr, "  fit  " in listed.stdout)
    assert (0, True) == (changed.returncode, "  disabled  " in changed.stdout)
    assert (2, True) == (refused.returncode, "did you mean `users`" in refused.stdout)
    assert refused.stdout.endswith("1 error; revision 1 stays in force\n")
    assert (0, "revision 2 is in force\n", "") == (reloaded.returncode, reloaded.stdout, reloaded.stderr)
    assert (0, 0) == (ended.returncode, code)
    assert (1, True) == (afterwards.returncode, "is the gateway running?" in afterwards.stderr)
