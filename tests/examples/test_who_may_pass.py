"""`examples/who-may-pass`: its page is played from the first line to the last, with a real issuer and a real gateway."""

import configparser
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.running import free_ports, run
from tests.docs.readme import ROOT, blocks
from tests.examples.deploying import shop
from tests.examples.terminal import Terminal


EXAMPLE = ROOT / "examples" / "who-may-pass"
PAGE = EXAMPLE / "README.md"
FILES = ("gateway.yaml", "production.yaml", "token.sh")
PORTS = (8080, 9001, 9002, 9400, 9401, 9901)
"""All that the files and the page name, but those of production."""
RECORDER = """\
#!{python}
import sys
with open("pip.txt", "w") as file:
    print(*sys.argv[1:], file=file)
"""


def copied(folder: Path) -> dict[int, int]:
    """Copy the example into a folder; the ports that it has there."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    for name in FILES:
        text = (EXAMPLE / name).read_text()
        for named, port in ports.items():
            text = re.sub(rf"\b{named}\b", str(port), text)
        (folder / name).write_text(text)
    return ports


def test_blocks_are_of_kinds_that_are_played() -> None:
    """One of another language would be a hole."""
    assert {"sh", "console"} == {block.language for block in blocks(PAGE)}


def test_links_lead_somewhere() -> None:
    """To files that are here."""
    links = re.findall(r"\]\(([^)]+)\)", PAGE.read_text())

    assert links
    assert [] == [link for link in links if not (EXAMPLE / link).exists()]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.timeout(240)
def test_the_page_is_true(tmp_path: Path) -> None:
    """Each command says what stands below it; what takes a second is asked for again until it is so."""
    with Terminal(tmp_path, copied(tmp_path)) as terminal:
        # what is installed is that which the tests have
        terminal.program("pip", RECORDER.format(python=sys.executable))
        for block in blocks(PAGE):
            terminal.play(block)

    verb, gateway, issuer = (tmp_path / "pip.txt").read_text().split()
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]
    assert "install" == verb
    assert (EXAMPLE / gateway.partition("[")[0] / "setup.cfg").samefile(ROOT / "setup.cfg")
    assert gateway.partition("[")[2].removesuffix("]") in extras
    assert re.search(rf"^{issuer}>=", extras["test"], re.MULTILINE)


def test_production_is_sound(tmp_path: Path) -> None:
    """Put over the configuration, with what it names, nothing is wrong with it."""
    copied(tmp_path)
    (tmp_path / "sha256").write_text(f"{'0' * 64}\n")
    text = (tmp_path / "production.yaml").read_text()
    replaced = {
        "/etc/gatekeeper/tls/shop.crt": str(tmp_path / "shop.crt"),
        "/etc/gatekeeper/tls/shop.key": str(tmp_path / "shop.key"),
        "/run/secrets/acme_key_sha256": str(tmp_path / "sha256"),
    }
    shop(tmp_path)
    for named, here in replaced.items():
        assert named in text
        text = text.replace(named, here)
    (tmp_path / "production.yaml").write_text(text)
    with (tmp_path / "gateway.yaml").open("a") as file:
        file.write("environments: {prod: production.yaml}\n")
    done = run("check", "--strict", "--env", "prod", cwd=tmp_path)
    whole = yaml.safe_load(run("check", "--effective", "--env", "prod", cwd=tmp_path).stdout)

    assert ("", 0) == (done.stderr, done.returncode), done.stdout
    assert {"keys", "users"} == whole["authenticators"].keys()
    assert "https://login.example.com" == whole["authenticators"]["users"]["jwt"]["issuer"]
    assert {"roles": ["{claim.roles}"]}.items() <= whole["authenticators"]["users"]["identity"].items()
