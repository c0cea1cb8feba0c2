"""Asking a running gateway: where it is, what is shown to it, and what is said when it does not answer."""

import hashlib
import http.client
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from gatekeeper.admin.users import User
from gatekeeper.cli import remote
from gatekeeper.cli.flags import CommandError, Parser
from gatekeeper.cli.main import main
from gatekeeper.cli.remote import Refused, Remote
from tests.admin.memory import MemoryNode
from tests.cli.answering import listening, saying
from tests.cli.running import free_ports


USERS = [User("vic", "viewer", hashlib.sha256(b"v-token").hexdigest())]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no flags from outside."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "ENV", "ENV_FILE", "NO_ENV_FILE", "ADMIN", "TOKEN", "TOKEN_FILE"):
        monkeypatch.delenv(f"GATEKEEPER_{name}", raising=False)
    return tmp_path


def parse(*arguments: str) -> Namespace:
    parser = Parser("gatekeeper x", "")
    remote.add_flags(parser)
    return parser.parse(arguments)


def where(*arguments: str) -> str:
    return Remote(parse(*arguments))._url.geturl()


def configured(listen: str) -> str:
    return f"version: 1\nroutes: {{}}\nadmin: {{listen: {listen}}}\n"


# ---- where ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("127.0.0.1:1234", "http://127.0.0.1:1234", id="address"),
        pytest.param("gateway.example", "http://gateway.example", id="host"),
        pytest.param("http://a:1/", "http://a:1/", id="url"),
        pytest.param("https://a/admin", "https://a/admin", id="behind-a-proxy"),
        pytest.param("[::1]:1", "http://[::1]:1", id="ipv6"),
    ],
)
def test_a_flag_says_where(text: str, url: str) -> None:
    """Whatever the configuration says."""
    Path("gateway.yaml").write_text(configured('"127.0.0.1:1"'))

    assert url == where("--admin", text)


@pytest.mark.parametrize(
    "text", ["ftp://a", "http://", "http://a:x", "http://a:99999", "http://u:p@a", "http://a?x"]
)
def test_what_is_no_address(text: str) -> None:
    """A usage error, with one that is."""
    with pytest.raises(CommandError) as caught:
        where("--admin", text)

    assert (2, f"--admin: `{text}` is no address; write one like http://127.0.0.1:9901") == (
        caught.value.code,
        str(caught.value),
    )


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every flag."""
    monkeypatch.setenv("GATEKEEPER_ADMIN", "a:1")

    assert "http://a:1" == where()
    assert "http://b:2" == where("--admin", "b:2")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param(configured('"127.0.0.1:1234"'), "http://127.0.0.1:1234", id="address"),
        pytest.param(configured("1234"), "http://127.0.0.1:1234", id="port-is-everywhere"),
        pytest.param(configured('"0.0.0.0:1234"'), "http://127.0.0.1:1234", id="everywhere"),
        pytest.param(configured('"[::]:1234"'), "http://[::1]:1234", id="everywhere-in-ipv6"),
        pytest.param(configured('"[::1]:1234"'), "http://[::1]:1234", id="ipv6"),
        pytest.param(configured("admin.example"), "http://127.0.0.1:9901", id="wrong"),
        pytest.param(configured("[1]"), "http://127.0.0.1:9901", id="no-address"),
        pytest.param(configured("true"), "http://127.0.0.1:9901", id="no-address-either"),
        pytest.param(configured('"${PORT}"'), "http://127.0.0.1:4321", id="variable"),
        pytest.param(configured('"127.0.0.1:${PORT}"'), "http://127.0.0.1:4321", id="variable-within"),
        pytest.param(configured('"${UNSET}"'), "http://127.0.0.1:9901", id="variable-without-value"),
        pytest.param("version: 1\nroutes: {}\n", "http://127.0.0.1:9901", id="nothing-said"),
        pytest.param("version: 1\nadmin: x\n", "http://127.0.0.1:9901", id="nonsense"),
        pytest.param("version: [\n", "http://127.0.0.1:9901", id="no-yaml"),
        pytest.param("", "http://127.0.0.1:9901", id="empty"),
        pytest.param(configured("1234") + "wrong: 1\n", "http://127.0.0.1:1234", id="errors-elsewhere"),
    ],
)
def test_the_configuration_says_where(text: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is broken otherwise: that is when it is reloaded."""
    monkeypatch.setenv("PORT", "4321")
    Path("gateway.yaml").write_text(text)

    assert url == where()


def test_another_configuration(folder: Path) -> None:
    """With what it includes, and its environment."""
    Path("other.yaml").write_text(
        'version: 1\ninclude: [more/*.yaml]\nenvironments: {prod: prod.yaml}\nservices: {a: "http://a"}\n'
    )
    Path("more").mkdir()
    Path("more/a.yaml").write_text('admin: {listen: "127.0.0.1:1111"}\n')
    Path("prod.yaml").write_text('admin: {listen: "127.0.0.1:2222"}\n')

    assert folder.exists()
    assert "http://127.0.0.1:2222" == where("-c", "other.yaml", "--env", "prod")
    assert "http://127.0.0.1:1111" == where("-c", "other.yaml")


def test_variables_of_a_file() -> None:
    """As `serve` reads them."""
    Path("gateway.yaml").write_text(configured('"${PORT}"'))
    Path(".env").write_text("PORT=1111\n")
    Path("other.env").write_text("PORT=2222\n")

    assert "http://127.0.0.1:1111" == where()
    assert "http://127.0.0.1:2222" == where("--env-file", "other.env")
    assert "http://127.0.0.1:9901" == where("--no-env-file")


def test_nothing_says_where() -> None:
    """It is where it is if nobody says otherwise."""
    assert "http://127.0.0.1:9901" == where()


def test_a_configuration_that_is_not_there() -> None:
    """Where one is named, it must be."""
    with pytest.raises(CommandError, match=r"there is no x\.yaml") as caught:
        where("-c", "x.yaml")
    assert 2 == caught.value.code


def test_a_gateway_without_admin_listener() -> None:
    """It cannot be asked."""
    Path("gateway.yaml").write_text(configured("false"))
    with pytest.raises(CommandError, match=r"`admin\.listen` is false in gateway\.yaml") as caught:
        where()
    assert 2 == caught.value.code


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("127.0.0.1:1", True),
        ("localhost:1", True),
        ("[::1]:1", True),
        ("10.0.0.1:1", False),
        ("a.example", False),
    ],
)
def test_whether_it_is_here(address: str, here: bool) -> None:
    """Then its files are those that we see."""
    assert here == Remote(parse("--admin", address)).is_here


def test_a_port_that_the_system_chose() -> None:
    """The file does not know it."""
    Path("gateway.yaml").write_text(configured("0"))
    with pytest.raises(CommandError, match="lets the system choose a port; name it with --admin") as caught:
        where()
    assert 2 == caught.value.code


def test_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the address says so."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("spoken to by TLS")

    monkeypatch.setattr(http.client.HTTPSConnection, "connect", refuse)
    with pytest.raises(CommandError, match="cannot ask a: spoken to by TLS"):
        status("--admin", "https://a")


# ---- what is shown --------------------------------------------------------------------------------------------------


def status(*arguments: str) -> str:
    state = Remote(parse(*arguments)).ask("GET", "/")["state"]
    assert isinstance(state, str)
    return state


def test_a_token_from_a_file(folder: Path) -> None:
    """Of which the line break is no part."""
    (folder / "token").write_text("v-token\n")
    with listening(users=USERS) as address:
        assert "running" == status("--admin", address, "--token-file", "token")


def test_a_token_from_the_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A file that a flag names wins."""
    monkeypatch.setenv("GATEKEEPER_TOKEN", "v-token")
    (folder / "token").write_text("wrong")
    with listening(users=USERS) as address:
        assert "running" == status("--admin", address)
        with pytest.raises(Refused, match="the token is no user's"):
            status("--admin", address, "--token-file", "token")


def test_no_token() -> None:
    """It is said how to give one."""
    with listening(users=USERS) as address, pytest.raises(Refused) as caught:
        status("--admin", address)

    assert (
        2,
        "send a token: `Authorization: Bearer TOKEN`; give it with --token-file or GATEKEEPER_TOKEN",
    ) == (caught.value.code, str(caught.value))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(None, "the token in token cannot be read", id="not-there"),
        pytest.param(b"\xff", "the token in token cannot be read", id="no-text"),
        pytest.param(b" \n", "there is no token in token", id="empty"),
        pytest.param(b"a\nb", "there is no token in token", id="several-lines"),
        pytest.param("tökén".encode(), "there is no token in token", id="not-ascii"),
    ],
)
def test_a_file_without_a_token(data: bytes | None, message: str) -> None:
    """It is not sent."""
    if data is not None:
        Path("token").write_bytes(data)
    with pytest.raises(CommandError, match=message) as caught:
        Remote(parse("--admin", "a:1", "--token-file", "token"))
    assert 2 == caught.value.code


# ---- what comes back ------------------------------------------------------------------------------------------------


def test_a_body_is_json() -> None:
    """And what comes back is plain data; an answer without a body is nothing."""
    node = MemoryNode()
    with listening(node) as address:
        gateway = Remote(parse("--admin", f"http://{address}/"))
        made = gateway.ask("POST", "/gateway/services", {"name": "x", "instances": ["http://c:3"]})

        assert "x" == made["name"]
        assert {} == gateway.ask("DELETE", "/gateway/services/x")
    assert ["register", "remove"] == node.calls


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/gateway/services/x", 2), ("PUT", "/", 2), ("GET", "/nothing", 2)],
)
def test_a_refusal(method: str, path: str, code: int) -> None:
    """In the words of the gateway; what was asked is wrong."""
    with listening() as address, pytest.raises(Refused) as caught:
        Remote(parse("--admin", address)).ask(method, path)

    assert (code, caught.value.problem["detail"]) == (caught.value.code, str(caught.value))


def test_a_failure_of_the_gateway() -> None:
    """Is none of whoever asks."""
    node = MemoryNode()
    node.failure = RuntimeError()
    with listening(node) as address, pytest.raises(Refused) as caught:
        status("--admin", address)
    assert 1 == caught.value.code


def test_too_many_wrong_tokens(folder: Path) -> None:
    """Waiting helps, other flags do not."""
    (folder / "token").write_text("wrong")
    with listening(users=USERS) as address:
        for _ in range(5):
            with pytest.raises(Refused):
                status("--admin", address, "--token-file", "token")
        with pytest.raises(Refused, match="too many wrong tokens") as caught:
            status("--admin", address, "--token-file", "token")
    assert 1 == caught.value.code


def test_nobody_listens() -> None:
    """The question that everybody asks first."""
    port = free_ports(1)[0]
    with pytest.raises(CommandError) as caught:
        status("--admin", f"127.0.0.1:{port}")

    assert (
        1,
        f"nobody listens at 127.0.0.1:{port}; is the gateway running? `--admin URL` names another address",
    ) == (caught.value.code, str(caught.value))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", id="a-page"),
        pytest.param(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", id="nothing-there"),
        pytest.param(b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n[]", id="other-json"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 2\r\n\r\n{}", id="redirect"),
    ],
)
def test_somebody_else_answers(data: bytes) -> None:
    """It is not followed, nor believed."""
    with (
        saying(data) as address,
        pytest.raises(CommandError, match="no admin listener of a gateway") as caught,
    ):
        status("--admin", address)
    assert 1 == caught.value.code


@pytest.mark.parametrize("data", [b"SSH-2.0-x\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"])
def test_what_is_no_answer(data: bytes) -> None:
    """One line, whatever it was."""
    with saying(data) as address, pytest.raises(CommandError, match=f"^cannot ask {address}: .+") as caught:
        status("--admin", address)
    assert 1 == caught.value.code


def test_a_name_that_means_nothing() -> None:
    """One line, too."""
    with pytest.raises(CommandError, match=r"^cannot ask nobody\.invalid: ."):
        status("--admin", "nobody.invalid")


def test_an_answer_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for for ever."""
    monkeypatch.setattr(remote, "PATIENCE", 0.01)
    node = MemoryNode()

    async def hang() -> dict[str, object]:
        import asyncio

        await asyncio.sleep(0.5)
        return {}

    node.status = hang  # type: ignore[method-assign]
    with listening(node) as address, pytest.raises(CommandError, match=r"does not answer within 0\.01 s"):
        status("--admin", address)


@pytest.mark.parametrize("command", ["services", "reload", "drain"])
def test_the_help_imports_nothing_heavy(command: str) -> None:
    """It comes at once; and asking needs no aiohttp."""
    code = (
        "import sys\nfrom gatekeeper.cli.main import main\n"
        f"try: main([{command!r}, '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'aiohttp', 'attrs', 'yaml', 'asyncio', 'http.client'} & set(sys.modules)\n"
        f"main([{command!r}, '--admin', '127.0.0.1:1'])\n"
        "print(sorted(heavy), 'aiohttp' in sys.modules, 'yaml' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[] False False" == done.stdout.splitlines()[-1]
    assert "nobody listens at 127.0.0.1:1" in done.stderr


def test_main_says_it_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With the exit code."""
    assert 2 == main(["drain", "--admin", "ftp://x"])
    assert capsys.readouterr().err.startswith("gatekeeper: --admin: `ftp://x` is no address")
