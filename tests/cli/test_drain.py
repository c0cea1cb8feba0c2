"""`gatekeeper drain`."""

import pytest

from gatekeeper.cli.main import main
from tests.admin.memory import MemoryNode
from tests.cli.answering import listening


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
