"""TLS towards instances, with certificates made here; ids name the row of reliability.md."""

import ssl
from pathlib import Path

import attrs
import pytest
import trustme

from gatekeeper.config.model import TimeoutsConfig, TlsServiceConfig
from gatekeeper.upstream.tls import build_tls
from tests.edge.wire import HOST, Message, Origin, on_both_loops, running


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"


@attrs.frozen
class Authority:
    """An authority and a certificate for 127.0.0.1 and localhost, as files and as a server's context."""

    ca: trustme.CA
    file: str
    client_certificate: str
    client_key: str

    def server(self, *names: str, client: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        if client:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def authority(folder: Path) -> Authority:
    folder.mkdir()
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    certificate = ca.issue_cert("gateway.test")
    certificate.cert_chain_pems[0].write_to_path(folder / "client.pem")
    certificate.private_key_pem.write_to_path(folder / "client.key")
    return Authority(ca, str(folder / "ca.pem"), str(folder / "client.pem"), str(folder / "client.key"))


@pytest.fixture(name="ours", scope="module")
def our_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls") / "ours")


@on_both_loops
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_instance_that_proves_itself_is_asked(ours: Authority, host: str) -> None:
    """UPS-19: over one connection as long as it lasts, large bodies included."""

    def echo(request: Message) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body) + request.body

    origin = await Origin(echo).start(ours.server())
    async with running(origin, tls=TlsServiceConfig(ca=ours.file), host=host) as wire:
        body = b"x" * 1_000_000
        client = await wire.client()
        for _ in range(3):
            client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n", body)
            assert body == (await client.answer()).body
        assert origin.connections == 1


@on_both_loops
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_an_instance_with_another_name_is_not_asked(ours: Authority, method: bytes) -> None:
    """UPS-19: 502, no request sent, and the details in the log only."""
    origin = await Origin().start(ours.server("other.test"))
    async with running(origin, tls=TlsServiceConfig(ca=ours.file)) as wire:
        answer = await wire.ask(GET.replace(b"GET", method))
        assert (answer.status, origin.requests) == (502, [])
        assert b"upstream-tls-failed" in answer.body
        assert b"ertificate" not in answer.body
        assert "certificate" in wire.records[0]["error_detail"]


@on_both_loops
async def test_an_instance_of_an_unknown_authority_is_not_asked(ours: Authority, tmp_path: Path) -> None:
    """UPS-19: self-signed, or signed by somebody else; also with the system's authorities."""
    other = authority(tmp_path / "other")
    for settings in (TlsServiceConfig(ca=other.file), TlsServiceConfig()):
        origin = await Origin().start(ours.server())
        async with running(origin, tls=settings) as wire:
            assert ((await wire.ask(GET)).status, origin.requests) == (502, [])


@on_both_loops
async def test_verification_can_be_switched_off(ours: Authority) -> None:
    """UPS-19: in so many words."""
    origin = await Origin().start(ours.server("other.test"))
    async with running(origin, tls=TlsServiceConfig(verify=False)) as wire:
        assert (await wire.ask(GET)).status == 200


@on_both_loops
async def test_another_name_can_be_expected(ours: Authority) -> None:
    """UPS-19: the name of the certificate, instead of the host."""
    origin = await Origin().start(ours.server("other.test"))
    async with running(origin, tls=TlsServiceConfig(ca=ours.file, server_name="other.test")) as wire:
        assert (await wire.ask(GET)).status == 200


@on_both_loops
async def test_a_certificate_is_shown_to_an_instance_that_asks_for_it(ours: Authority) -> None:
    """And an instance that does not get it does not answer."""
    shown = TlsServiceConfig(ca=ours.file, certificate=ours.client_certificate, key=ours.client_key)
    for settings, status in ((shown, 200), (TlsServiceConfig(ca=ours.file), 502)):
        origin = await Origin().start(ours.server(client=True))
        async with running(origin, tls=settings) as wire:
            assert status == (await wire.ask(GET)).status


@on_both_loops
async def test_an_instance_that_speaks_no_tls_is_not_asked(ours: Authority) -> None:
    """UPS-19: and one that does is not asked without."""
    plain = await Origin().start()
    plain.scheme = "https"
    quick = TimeoutsConfig(connect=0.3)
    async with running(plain, tls=TlsServiceConfig(ca=ours.file), service=quick) as wire:
        assert ((await wire.ask(GET)).status, plain.requests) == (504, [])
    secret = await Origin().start(ours.server())
    secret.scheme = "http"
    async with running(secret) as wire:
        assert ((await wire.ask(GET)).status, secret.requests) == (502, [])


def test_identities_are_equal_where_connections_may_be_shared(ours: Authority) -> None:
    """Everything that a connection proves or believes is part of it."""
    ca = Path(ours.file)
    assert build_tls(ca=ca) == build_tls(ca=ca)
    different = [
        build_tls(),
        build_tls(ca=ca),
        build_tls(ca=ca, server_name="other.test"),
        build_tls(ca=ca, verify=False),
        build_tls(ca=ca, certificate=Path(ours.client_certificate), key=Path(ours.client_key)),
    ]
    assert len(different) == len({identity.key for identity in different})


def test_old_versions_are_not_spoken() -> None:
    """TLS 1.2 at least, and HTTP/1.1 inside."""
    assert ssl.TLSVersion.TLSv1_2 == build_tls().context.minimum_version
