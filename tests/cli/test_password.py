"""`gatekeeper password`: hashes, and nothing that would be seen."""

import contextlib
import os
import pty
import subprocess

import pytest

from gatekeeper.auth.passwords import PasswordHash, prepared
from tests.cli.running import COMMAND, ENVIRONMENT, PATIENCE, run


def given(text: bytes) -> "subprocess.CompletedProcess[bytes]":
    """What it does with a standard input."""
    return subprocess.run(
        [*COMMAND, "password"],
        input=text,
        env=ENVIRONMENT,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    ("text", "password"),
    [
        pytest.param(b"correct horse\n", "correct horse", id="a-line"),
        pytest.param(b" correct horse ", " correct horse ", id="no-end"),
        pytest.param(b"correct horse\r\n", "correct horse", id="of-another-system"),
        pytest.param("Pa\u0308sse".encode(), "P\u00e4sse", id="letters"),
    ],
)
def test_a_line_of_the_standard_input(text: bytes, password: str) -> None:
    """All of it but its end; what is printed can be used as it is."""
    done = given(text)

    assert (0, b"") == (done.returncode, done.stderr)
    line, _, rest = done.stdout.decode().partition("\n")
    assert "" == rest
    assert line.startswith("$scrypt$ln=15,r=8,p=1$")
    assert PasswordHash.parse(line).fits(prepared(password).encode())


def test_no_hash_is_printed_twice() -> None:
    """Each has a salt of its own."""
    assert given(b"correct horse").stdout != given(b"correct horse").stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(b"", "the password is empty", id="nothing"),
        pytest.param(b"\n", "the password is empty", id="an-empty-line"),
        pytest.param(b"correct\nhorse\n", "more than one line", id="lines"),
        pytest.param(b"correct\xffhorse", "not UTF-8", id="no-text"),
        pytest.param(b"correct\0horse", "control characters", id="nul"),
    ],
)
def test_what_is_no_password(text: bytes, said: str) -> None:
    """It is not shown."""
    done = given(text)

    assert (2, b"") == (done.returncode, done.stdout)
    assert said in done.stderr.decode()
    assert b"correct" not in done.stderr
    assert b"horse" not in done.stderr


def typed(*lines: bytes) -> tuple[int, str, str]:
    """What it does on a terminal on which these are typed; the code, what it prints, what the terminal shows."""
    outside, inside = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "password"],
        stdin=inside,
        stdout=subprocess.PIPE,
        stderr=inside,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    os.close(inside)
    assert process.stdout is not None
    shown = b""
    try:
        for number, line in enumerate(lines, 1):
            # what is typed before it asks is dropped
            while shown.count(b": ") < number:
                shown += os.read(outside, 4096)
            os.write(outside, line)
        with contextlib.suppress(OSError):  # the other end is closed
            while more := os.read(outside, 4096):
                shown += more
        printed = process.stdout.read().decode()
        code = process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(outside)
    return code, printed, shown.decode()


def test_on_a_terminal_it_is_typed_twice_and_not_shown() -> None:
    """Only the hash is printed, so that it can go on from there."""
    code, printed, shown = typed(b"correct horse\n", b"correct horse\n")

    assert 0 == code
    assert PasswordHash.parse(printed.rstrip("\n")).fits(b"correct horse")
    assert "Password: " in shown
    assert "Again: " in shown
    assert "horse" not in shown


def test_what_is_typed_differently() -> None:
    """Nobody knows which of the two was meant."""
    code, printed, shown = typed(b"correct horse\n", b"correct house\n")

    assert (2, "") == (code, printed)
    assert "the two are not the same" in shown
    assert "horse" not in shown


def test_an_end_in_place_of_a_password() -> None:
    """Ctrl-D is a way out."""
    code, printed, shown = typed(b"\x04")

    assert (2, "") == (code, printed)
    assert "there was no password" in shown


def test_no_password_among_the_arguments() -> None:
    """Everybody on the machine could read it there."""
    done = run("password", "correct horse")

    assert 2 == done.returncode
    assert "" == done.stdout


def test_the_help_says_where_it_goes() -> None:
    """To `password_hash`."""
    assert "`password_hash`" in run("password", "--help").stdout.replace("\n", " ")
    assert "  password " in run("--help").stdout
