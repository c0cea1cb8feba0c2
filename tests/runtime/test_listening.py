"""Listeners that speak TLS, from their configuration to the wire."""

import asyncio
import ssl
from pathlib import Path

import attrs
import pytest
import trustme

from gatekeeper.testing import Connection, StartGateway, StartOrigin


CONFIG = """
version: 1
server:
  listen:
    plain: 8080
    web: {{address: 8443, tls: {{certificates: [{{certificate: {folder}/web.crt, key: {folder}/web.key}}]{more}}}}}
  timeouts: {{head: 500ms}}
services: {{app: "{url}"}}
routes:
  all: {{match: {{path: /**, scheme: https}}, to: app}}
  to-https: {{match: {{path: /**, listener: plain}}, priority: 100, filters: [redirect: {{scheme: https}}]}}
"""
GET = b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"
SWITCH = (
    b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@attrs.frozen
class Files:
    """Where the certificate is, and who issues it."""

    folder: Path
    ca: trustme.CA

    def issue(self) -> None:
        """Put a new one in its place."""
        issued = self.ca.issue_cert("localhost")
        (self.folder / "web.crt").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        (self.folder / "web.key").write_bytes(issued.private_key_pem.bytes())
        (self.folder / "ca.pem").write_bytes(self.ca.cert_pem.bytes())

    def client(self) -> ssl.SSLContext:
        """Who believes it."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        return context

    def text(self, url: str, more: str = "") -> str:
        """A configuration."""
        return CONFIG.format(folder=self.folder, url=url, more=more)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path, trustme.CA())
    made.issue()
    return made


def serial(connection: Connection) -> object:
    """The number of the certificate that was shown."""
    return connection.writer.get_extra_info("peercert")["serialNumber"]


@pytest.mark.both_loops
async def test_a_listener_speaks_tls_beside_one_that_does_not(
    gateway: StartGateway, origin: StartOrigin, files: Files
) -> None:
    """Whoever comes without is sent there; services hear how it was asked; large bodies go both ways."""
    app = await origin()
    app.always(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(1_000_000))
    gw = await gateway(files.text(app.url))
    client = await gw.connect(files.client(), listener="web")

    for number in range(2):
        await client.send(
            b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" + bytes(300_000)
        )
        answer = await client.answer()
        assert (200, 1_000_000) == (answer.status, len(answer.body))
        assert "https" == app.requests[number].get("x-forwarded-proto")
        assert 300_000 == len(app.requests[number].body)

    plain = await gw.connect(listener="plain")
    await plain.send(GET)
    redirected = await plain.answer()
    assert (308, "https://localhost/a") == (redirected.status, redirected.get("location"))


@pytest.mark.both_loops
async def test_new_certificates_are_shown_as_soon_as_they_are_read(
    gateway: StartGateway, origin: StartOrigin, files: Files
) -> None:
    """To whoever connects then; those who are connected are told to come again, and nobody on another listener is."""
    app = await origin()
    app.always(OK)
    text = files.text(app.url)
    gw = await gateway(text)
    old, plain = await gw.connect(files.client(), listener="web"), await gw.connect(listener="plain")

    unchanged = await gw.apply(text)
    await old.send(GET)
    assert (True, True) == (unchanged.applied, (await old.answer()).keeps_connection)
    await asyncio.to_thread(files.issue)
    assert (await gw.apply(text)).applied
    new = await gw.connect(files.client(), listener="web")

    for connection, keeps in ((old, False), (new, True), (plain, True)):
        await connection.send(GET)
        assert keeps is (await connection.answer()).keeps_connection
    assert serial(old) != serial(new)


async def test_files_that_cannot_be_used_change_nothing(
    gateway: StartGateway, origin: StartOrigin, files: Files
) -> None:
    """It is said what is wrong with them, and where they are named."""
    app = await origin()
    app.always(OK)
    text = files.text(app.url)
    gw = await gateway(text)
    before = await asyncio.to_thread((files.folder / "web.key").read_bytes)
    await asyncio.to_thread(files.issue)
    await asyncio.to_thread((files.folder / "web.key").write_bytes, before)

    outcome = await gw.apply(text)

    (problem,) = outcome.errors
    assert "server.listen.web.tls" == problem.path
    assert "the files of `tls` cannot be used: key values mismatch" == problem.message
    client = await gw.connect(None, listener="plain")
    await client.send(GET)
    assert 308 == (await client.answer()).status


async def test_whoever_has_to_show_a_certificate_and_has_none_gets_no_answer(
    gateway: StartGateway, origin: StartOrigin, files: Files
) -> None:
    """Nothing of what it says is read."""
    app = await origin()
    app.always(OK)
    gw = await gateway(files.text(app.url, f", client: {{ca: {files.folder}/ca.pem}}"))
    known = files.client()
    files.ca.issue_cert("me@client.test").configure_cert(known)

    stranger = await gw.connect(files.client(), listener="web")
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await stranger.send(GET)
        await stranger.reader.readexactly(1)
    client = await gw.connect(known, listener="web")
    await client.send(GET)

    assert 200 == (await client.answer()).status
    assert 1 == len(app.requests)


@pytest.mark.both_loops
async def test_who_does_not_begin_to_speak_tls_is_hung_up_on(
    gateway: StartGateway, origin: StartOrigin, files: Files
) -> None:
    """Or speaks something else."""
    app = await origin()
    gw = await gateway(files.text(app.url))

    for data in (b"", b"GET / HTTP/1.1\r\n\r\n"):
        host, _, port = gw.addresses["web"].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(data)
        async with asyncio.timeout(5):
            try:
                said = await reader.read()
            except ConnectionError:
                said = b""
        writer.close()
        assert b"HTTP" not in said
    assert [] == gw.records


@pytest.mark.both_loops
async def test_a_websocket_goes_through_tls(gateway: StartGateway, origin: StartOrigin, files: Files) -> None:
    """Bytes both ways, until one of them ends."""
    app = await origin()
    app.play(SWITCHED, b"hello")
    gw = await gateway(files.text(app.url).replace("to: app}", "to: app, websocket: true}"))
    client = await gw.connect(files.client(), listener="web")

    await client.send(SWITCH)
    head = await client.reader.readuntil(b"\r\n\r\n")
    said = await client.reader.readexactly(5)
    client.writer.close()

    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"hello" == said
