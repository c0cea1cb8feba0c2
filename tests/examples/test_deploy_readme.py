"""README.md of the deployments: its commands are run, with programs in place of docker, kubectl and systemctl that take note."""

import hashlib
import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from tests.cli.running import ENVIRONMENT
from tests.docs.readme import ROOT
from tests.examples.deploying import DEPLOY, SCRIPTS, documents, seconds, shop, unit


README = DEPLOY / "README.md"
ABSENT = ("docker", "kubectl", "systemctl", "curl")
"""Programs that change other machines, or that are not here."""
RECORDER = """\
#!{python}
import json, sys
with open({record!r}, "a") as file:
    print(json.dumps(sys.argv), file=file)
"""
GATEKEEPER = '#!/bin/sh\nexec "{python}" -m gatekeeper "$@"\n'


@attrs.frozen
class Block:
    """A block of commands, and what became of it."""

    folder: Path
    calls: list[list[str]]


def texts() -> list[str]:
    """All blocks, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def play(number: int, folder: Path) -> Block:
    """Run one block in a copy of what it needs."""
    shutil.copytree(DEPLOY, folder / "examples" / "deploy")
    shop(folder)
    own, record = folder / "bin", folder / "calls"
    own.mkdir()
    record.touch()
    for name in ABSENT:
        (own / name).write_text(RECORDER.format(python=sys.executable, record=str(record)))
    (own / "gatekeeper").write_text(GATEKEEPER.format(python=sys.executable))
    for path in own.iterdir():
        path.chmod(0o755)
    text = re.sub(r"(?<= )/etc/", f"{folder}/etc/", texts()[number])
    done = subprocess.run(
        ["sh", "-euc", text],
        cwd=folder,
        env={**ENVIRONMENT, "PATH": f"{own}:{ENVIRONMENT['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("", 0) == (done.stderr, done.returncode)
    calls = [json.loads(line) for line in record.read_text().splitlines()]
    return Block(folder, [[Path(name).name, *words] for name, *words in calls])


def after(words: list[str], flag: str) -> str:
    """The value of a flag."""
    return words[words.index(flag) + 1]


def compose(words: list[str]) -> dict[str, Any]:
    """The services of the file that a command of Compose is about."""
    name = after(words, "-f")
    done = subprocess.run(
        [SCRIPTS / "docker-compose", "-f", ROOT / name, "config"], capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    return found


def test_every_block_is_run() -> None:
    """There are no others than those below, and none without a language."""
    assert ["sh", ""] * 7 == re.findall(r"^```(\w*)$", README.read_text(), re.MULTILINE)
    assert 7 == len(texts())


def test_links_lead_somewhere() -> None:
    """To files that are here."""
    links = set(re.findall(r"\]\(([^)]+)\)", README.read_text()))

    assert [] == [link for link in links if not (DEPLOY / link).exists()]


def test_the_image_is_built(tmp_path: Path) -> None:
    """By the file that is here, out of the top of the checkout."""
    (words,) = play(0, tmp_path).calls

    assert ["docker", "build", "-f", "examples/deploy/Dockerfile", "-t", "gatekeeper", "."] == words
    assert (ROOT / "examples/deploy/Dockerfile").is_file()


def test_the_image_is_run(tmp_path: Path) -> None:
    """With the folder where the image looks for it, and with the time for a drain."""
    check, serve = play(1, tmp_path).calls

    assert f"{tmp_path}/conf:/etc/gatekeeper:ro" == after(check, "-v") == after(serve, "-v")
    assert ["gatekeeper", "check", "--strict"] == check[-3:]
    assert 30 < int(after(serve, "--stop-timeout"))


def test_compose_is_begun(tmp_path: Path) -> None:
    """With a key that the user of the containers can read, and nobody else here."""
    block = play(2, tmp_path)
    secrets = tmp_path / "examples" / "deploy" / "secrets"
    up, asked = block.calls

    assert 0o700 == stat.S_IMODE(secrets.stat().st_mode)
    assert 0o444 == stat.S_IMODE((secrets / "gateway_key").stat().st_mode)
    assert re.fullmatch(r"[0-9a-f]{64}\n", (secrets / "gateway_key").read_text())
    assert ["up", "-d", "--build", "--wait"] == up[4:]
    assert [f"{port['published']}:{port['target']}" for port in compose(up)["balancer"]["ports"]] == [
        "8080:8080"
    ]
    assert "127.0.0.1:8080/hello" == asked[-1]


def test_commands_are_run_in_gateways(tmp_path: Path) -> None:
    """In one that Compose knows."""
    for words in play(3, tmp_path).calls:
        assert words[5] in compose(words)
        assert ["exec", "gatekeeper"] == [words[4], words[6]]


def test_gateways_are_renewed_one_by_one(tmp_path: Path) -> None:
    """All of them, and never two at a time."""
    build, *ups = play(4, tmp_path).calls
    gateways = [name for name, one in compose(build).items() if "build" in one]

    assert ["build", *gateways] == build[4:]
    assert [["up", "-d", "--wait", "--no-deps", name] for name in gateways] == [up[4:] for up in ups]


def test_the_unit_is_installed(tmp_path: Path) -> None:
    """Each file where the unit and the configuration look for it, and the key for root alone."""
    block = play(5, tmp_path)
    service = unit("gatekeeper.service")["Service"]
    key = service["LoadCredential"][0].partition(":")[2]

    assert (tmp_path / service["ExecStart"][0].split()[-1].lstrip("/")).is_file()
    assert 0o600 == stat.S_IMODE((tmp_path / key.lstrip("/")).stat().st_mode)
    assert (tmp_path / "etc/gatekeeper/tls/shop.crt").is_file()
    assert (tmp_path / "etc/systemd/system/gatekeeper.service").is_file()
    assert [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", "gatekeeper"]] == block.calls


def test_the_manifests_are_applied(tmp_path: Path) -> None:
    """With a secret whose two halves belong together, in the namespace of the kustomization."""
    space, secret, apply, rollout = play(6, tmp_path).calls
    values = dict(word.removeprefix("--from-literal=").split("=", 1) for word in secret if "--from" in word)
    kustomization = documents("kubernetes/kustomization.yaml")[0]

    assert hashlib.sha256(values["token"].encode()).hexdigest() == values["token_sha256"]
    assert [kustomization["namespace"]] * 3 == [space[-1], after(secret, "-n"), after(rollout, "-n")]
    assert "gatekeeper-metrics" == secret[4]
    assert (ROOT / after(apply, "-k") / "kustomization.yaml").is_file()
    assert "deployment/gatekeeper" in rollout


@pytest.mark.parametrize(
    "written",
    [
        f"stop_grace_period: {documents('compose.yaml')[0]['services']['gateway-1']['stop_grace_period']}",
        f"TimeoutStopSec={unit('gatekeeper.service')['Service']['TimeoutStopSec'][0]}",
        "terminationGracePeriodSeconds: "
        + str(
            documents("kubernetes/deployment.yaml")[0]["spec"]["template"]["spec"][
                "terminationGracePeriodSeconds"
            ]
        ),
    ],
)
def test_the_table_has_the_numbers(written: str) -> None:
    """Of the files."""
    assert f"`{written}`" in README.read_text()


def test_drains_are_those_of_the_table() -> None:
    """In all three configurations."""
    drains = [
        documents(f"{name}/gateway.yaml")[0]["server"]["drain"]
        for name in ("gateway", "systemd", "kubernetes")
    ]

    assert [30.0] * 3 == [seconds(drain) for drain in drains]
