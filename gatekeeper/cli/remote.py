"""Asks a running gateway: where its admin listener is, what token to show, and what its refusals mean for a person.

It speaks through http.client, so that a command needs a tenth of a second; aiohttp alone would take more.
"""

import json
import os
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from gatekeeper.cli import configuration
from gatekeeper.cli.flags import FAILURE, PREFIX, USAGE_ERROR, CommandError, Parser


if TYPE_CHECKING:
    import http.client

DEFAULT: Final = "127.0.0.1:9901"
"""Where the admin listener is when no configuration says otherwise."""
PATIENCE: Final = 60.0
"""Seconds until an answer: a reload may open connections, and a check waits for instances."""

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
_LOOPBACK: Final = ("127.", "localhost", "::1")


class Refused(CommandError):
    """The gateway answered with a problem; `problem` is what it said."""

    def __init__(self, message: str, code: int, problem: dict[str, Any]) -> None:
        super().__init__(message, code)
        self.problem: Final = problem


def add_flags(parser: Parser) -> None:
    """Declare them."""
    parser.value(
        "--admin",
        variable="ADMIN",
        metavar="URL",
        help_="the gateway's admin listener (`admin.listen` of the configuration, else 127.0.0.1:9901)",
    )
    parser.value(
        "--token-file",
        variable="TOKEN_FILE",
        metavar="FILE",
        convert=Path,
        help_=f"the token of one of its `admin.users` (the text of {PREFIX}TOKEN)",
    )
    configuration.add_flags(parser)


class Remote:
    """A gateway that runs somewhere."""

    def __init__(self, options: Namespace) -> None:
        """Find out where it is, and what to show it.

        Raises:
            CommandError: neither the flags nor the configuration say it, or the token cannot be read.

        """
        self._url: Final = _url(options.admin) if options.admin else _configured(options)
        self._token: Final = _token(options)

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, and so reads the files that are here."""
        return (self._url.hostname or "").startswith(_LOOPBACK)

    def ask(self, method: str, path: str, body: Any = None, *, patience: float | None = None) -> Any:
        """Send a request; return what came within `patience` seconds, by default `PATIENCE`, as plain data.

        Raises:
            Refused: it says no; the message has its reason.
            CommandError: nobody answers, or somebody else.

        """
        import http.client  # noqa: PLC0415 - not for --help

        patience = PATIENCE if patience is None else patience

        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=patience)
        try:
            connection.request(method, self._url.path.rstrip("/") + path, *self._message(body))
            answer = connection.getresponse()
            return self._read(answer, answer.read())
        except ConnectionRefusedError as error:
            raise CommandError(
                f"nobody listens at {self._url.netloc}; is the gateway running? `--admin URL` names another address"
            ) from error
        except TimeoutError as error:
            raise CommandError(f"{self._url.netloc} does not answer within {patience:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise CommandError(f"cannot ask {self._url.netloc}: {str(error) or repr(error)}") from error
        finally:
            connection.close()

    def _message(self, body: Any) -> tuple[bytes | None, dict[str, str]]:
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is None:
            return None, headers
        return json.dumps(body).encode(), {**headers, "Content-Type": "application/json"}

    def _read(self, answer: "http.client.HTTPResponse", data: bytes) -> Any:
        found: Any = None
        with suppress(ValueError):
            found = json.loads(data) if data else {}
        if answer.status >= 400 and isinstance(found, dict) and "detail" in found:
            cure = f"; give it with --token-file or {PREFIX}TOKEN" if answer.status == 401 else ""
            code = USAGE_ERROR if 400 <= answer.status < 500 and answer.status != 429 else FAILURE
            raise Refused(f"{found['detail']}{cure}", code, found)
        if answer.status >= 300 or found is None:
            raise CommandError(
                f"what answers at {self._url.netloc} is no admin listener of a gateway ({answer.status}); "
                "`--admin URL` names another address"
            )
        return found


def _url(text: str) -> SplitResult:
    """What `--admin` means; a scheme may be left out.

    Raises:
        CommandError: it is no address.

    """
    url = urlsplit(text if "://" in text else f"http://{text}")
    try:
        good = url.scheme in {"http", "https"} and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        good = False
    if not good or url.query or url.fragment or "@" in url.netloc:
        raise CommandError(f"--admin: `{text}` is no address; write one like http://{DEFAULT}", USAGE_ERROR)
    return url


def _configured(options: Namespace) -> SplitResult:
    """Where the configuration puts it; it may be broken otherwise, which is why somebody asks.

    Raises:
        CommandError: a configuration is named that is not there, or one without admin listener.

    """
    from gatekeeper.config.addresses import Listen  # noqa: PLC0415 - not for --help

    path = configuration.config_path(options)
    if not path.exists() and options.config is None:
        return _url(DEFAULT)
    admin = configuration.said(options, "admin")
    listen = admin.get("listen", DEFAULT) if isinstance(admin, dict) else DEFAULT
    if listen is False:
        raise CommandError(f"`admin.listen` is false in {path}: that gateway cannot be asked", USAGE_ERROR)
    text = str(listen)
    try:
        found = Listen.parse(int(text) if text.isdecimal() else text)
    except ValueError:
        return _url(DEFAULT)
    if not found.port:
        raise CommandError(
            f"`admin.listen` in {path} lets the system choose a port; name it with --admin, the gateway's log has it",
            USAGE_ERROR,
        )
    host = _EVERYWHERE.get(found.host, found.host)
    return _url(str(Listen(host, found.port)))


def _token(options: Namespace) -> str:
    if options.token_file is None:
        return os.environ.get(f"{PREFIX}TOKEN", "").strip()
    try:
        token = Path(options.token_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"the token in {options.token_file} cannot be read: {error}", USAGE_ERROR
        ) from error
    if not token.isascii() or not token.isprintable() or not token:
        raise CommandError(f"there is no token in {options.token_file}", USAGE_ERROR)
    return token
