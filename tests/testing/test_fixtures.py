"""The fixtures, as the tests of a plugin's author see them."""

import subprocess
import sys
from pathlib import Path

import pytest


OPT_IN = 'pytest_plugins = ["gatekeeper.testing"]\n'


def run(folder: Path, test: str) -> str:
    """What pytest says about this test, in an interpreter of its own."""
    (folder / "conftest.py").write_text(OPT_IN)
    (folder / "test_it.py").write_text(test)
    options = ["-q", "-W", "error", "-p", "no:cacheprovider"]
    settings = ["asyncio_mode=auto", "asyncio_default_fixture_loop_scope=function"]
    for setting in settings:
        options += ["-o", setting]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
    )
    return done.stdout + done.stderr


def test_one_line_opts_in(tmp_path: Path) -> None:
    """All four fixtures are there, and close what they opened."""
    output = run(
        tmp_path,
        """
from gatekeeper.testing import make_exchange

CONFIG = "version: 1\\nservices: {{users: {url}}}\\nroutes: {{all: {{match: /**, to: users}}}}\\n"


async def test_all(clock, run_filter, origin, gateway):
    users = await origin()
    gw = await gateway(CONFIG.format(url=users.url))
    assert b"ok" == (await gw.get("/")).body
    assert 404 == (await run_filter("static", {"status": 404}, make_exchange()).response()).status
    clock.advance(1)
""",
    )

    assert "1 passed" in output


def test_what_is_left_open_is_closed(tmp_path: Path) -> None:
    """Calls that nobody answered, connections that nobody closed: no warning, no error."""
    output = run(
        tmp_path,
        """
from gatekeeper.testing import HANG


async def test_forgetful(run_filter, origin, gateway):
    users = await origin()
    users.always(HANG)
    gw = await gateway(f"version: 1\\nservices: {{users: {users.url}}}\\nroutes: {{all: {{match: /**, to: users}}}}\\n")
    connection = await gw.connect()
    await connection.send(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    await users.received()
    await run_filter("transform", {"request": {"headers": {"set": {"a": "b"}}}}).upstream()
""",
    )

    assert "1 passed" in output


@pytest.mark.parametrize(
    "sent", [r"NONSENSE\r\n\r\n", r"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"]
)
def test_an_origin_that_got_no_http_fails_the_test(tmp_path: Path, sent: str) -> None:
    """Whoever sent it."""
    output = run(
        tmp_path,
        f"""
from gatekeeper.testing import Connection


async def test_bad(origin):
    users = await origin()
    connection = await Connection.open(f"{{users.host}}:{{users.port}}")
    await connection.send(b"{sent}")
    await connection.rest()
    await connection.close()
""",
    )

    assert "an origin was sent what is no HTTP" in output
    assert "1 error" in output
