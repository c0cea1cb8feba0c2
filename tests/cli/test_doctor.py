"""`gatekeeper doctor`: what it looks at, what it says, and its exit code."""

import json
import os
from pathlib import Path

import pytest
import trustme

from gatekeeper.cli import doctor
from gatekeeper.cli.main import main


TEXT = """
version: 1
server: {{listen: {{main: {{address: "127.0.0.1:8443", tls: {{certificates: [{{certificate: {crt}, key: {key}}}]}}}}}}}}
services: {{a: "https://a.test"}}
routes: {{all: {{match: /**, to: a}}}}
"""


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The key of a gateway whose configuration is in the working directory, on a machine without faults."""
    monkeypatch.chdir(tmp_path)
    issued = trustme.CA().issue_cert("a.test")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "a.crt")
    issued.private_key_pem.write_to_path(tmp_path / "a.key")
    (tmp_path / "a.key").chmod(0o600)
    (tmp_path / "gateway.yaml").write_text(TEXT.format(crt="a.crt", key="a.key"))
    (tmp_path / "gateway.yaml").chmod(0o644)
    (tmp_path / "somaxconn").write_text("4096\n")
    monkeypatch.setattr(doctor, "SOMAXCONN", tmp_path / "somaxconn")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("gatekeeper.cli.findings.SUPPORTED", {})
    monkeypatch.setattr("gatekeeper.runtime.descriptors.limit", lambda: 1 << 20)
    return tmp_path / "a.key"


@pytest.mark.usefixtures("key")
def test_where_all_is_well_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0."""
    assert 0 == main(["doctor"])
    assert ("nothing to complain of\n", "") == capsys.readouterr()


def test_what_it_finds(key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the cure below, and an exit code that stops a deployment."""
    key.chmod(0o644)
    doctor.SOMAXCONN.write_text("128")

    assert 1 == main(["doctor"])
    assert capsys.readouterr().out == (
        f"danger: {key} is a key that others can read or change\n    chmod 600 {key}\n"
        "advice: the kernel lets 128 connections wait, where 1024 are asked for\n"
        "    sysctl -w net.core.somaxconn=1024\n\n1 danger, 1 more to know\n"
    )


def test_it_speaks_to_programs(key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON."""
    assert 0 == main(["doctor", "--json"])
    assert [] == json.loads(capsys.readouterr().out)
    key.chmod(0o666)

    assert 1 == main(["doctor", "--json"])
    (found,) = json.loads(capsys.readouterr().out)
    assert {"severity", "what", "cure"} == found.keys()


@pytest.mark.usefixtures("key")
def test_advice_alone_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """It may be as it is on purpose."""
    doctor.SOMAXCONN.unlink()
    Path("gateway.yaml").write_text(
        Path("gateway.yaml").read_text().replace("127.0.0.1:8443", "0.0.0.0:8443")
    )

    assert 0 == main(["doctor"])
    assert "nothing to complain of\n" == capsys.readouterr().out


def test_a_configuration_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As everywhere: all that is wrong, and 2."""
    monkeypatch.chdir(tmp_path)
    Path("gateway.yaml").write_text("version: 1\nserver: {listne: 1}\n")

    assert 2 == main(["doctor"])
