"""The configurations of the deployments: nothing is wrong with them, and what `doctor` has against them is known."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.cli.findings import Machine, examine
from tests.cli.running import run
from tests.examples.deploying import DEPLOY, Moved, shop, unit


MACHINE = Machine(
    python=(3, 12),
    today=datetime(2026, 11, 23, tzinfo=UTC),
    descriptors=int(unit("gatekeeper.service")["Service"]["LimitNOFILE"][0]),
)
"""As the image and the unit have it."""
ALSO: dict[str, Callable[[Path], dict[str, str]]] = {
    "gateway/gateway.yaml": lambda _: {},
    "kubernetes/gateway.yaml": lambda _: {"${METRICS_TOKEN_SHA256}": hashlib.sha256(b"token").hexdigest()},
    "systemd/gateway.yaml": shop,
}
"""What each of them finds where it is deployed."""
PUBLIC = "speaks HTTP, and no proxy in front is known"
FINDINGS = {
    "gateway/gateway.yaml": [],
    # both are said in comments: tokens of the pods' network, and TLS in front
    "kubernetes/gateway.yaml": ["tokens go over the network", PUBLIC],
    # the redirect to HTTPS is all that this listener has
    "systemd/gateway.yaml": [PUBLIC],
}


def test_all_of_them_are_here() -> None:
    """One that is added is tried, too."""
    assert ALSO.keys() == {str(path.relative_to(DEPLOY)) for path in DEPLOY.rglob("gateway.yaml")}


@pytest.mark.parametrize("name", ALSO)
def test_nothing_is_wrong(name: str, tmp_path: Path) -> None:
    """Not even what would be a warning."""
    path = tmp_path / "gateway.yaml"
    path.write_text(Moved(name, tmp_path, also=ALSO[name](tmp_path)).text)
    done = run("check", "--strict", str(path))

    assert ("", 0) == (done.stderr, done.returncode)


@pytest.mark.parametrize("name", ALSO)
def test_what_doctor_says_is_known(name: str, tmp_path: Path) -> None:
    """On the addresses that are deployed, with the descriptors of the unit."""
    moved = Moved(name, tmp_path, also=ALSO[name](tmp_path), deployed=True)
    found = [one.what for one in examine(moved.load(), MACHINE)]

    assert len(FINDINGS[name]) == len(found), found
    assert [True] * len(found) == [part in what for part, what in zip(FINDINGS[name], found, strict=True)]
