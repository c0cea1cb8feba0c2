"""Who is proven by the certificate of the connection, over real sockets with TLS."""

import asyncio
import datetime as dt
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_asyncio
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.auth.mtls import CertificateConfig, Fingerprint, Mtls, Subject
from gatekeeper.core.errors import Unauthenticated
from gatekeeper.core.identity import Consumer
from gatekeeper.edge.certificate import PeerCertificate
from gatekeeper.extend.authenticate import Credential
from gatekeeper.extend.context import BuildContext
from gatekeeper.testing import (
    Client,
    FakeClock,
    LiveGateway,
    Origin,
    StartGateway,
    StartOrigin,
    answer,
    make_exchange,
)
from gatekeeper.testing.client import Connection
from gatekeeper.testing.surroundings import Surroundings
from gatekeeper.testing.wire import WireError


NOW = dt.datetime.now(dt.UTC).replace(tzinfo=None)
DAY = dt.timedelta(days=1)


@attrs.frozen
class Issued:
    """A certificate of a client, with its key, in one file."""

    file: Path
    der: bytes

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.der).hexdigest()


@attrs.frozen
class Authority:
    """One that signs whatever it is asked to."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = attrs.field(
        factory=lambda: ec.generate_private_key(ec.SECP256R1()), init=False
    )
    name: x509.Name = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.folder.mkdir()
        object.__setattr__(self, "name", x509.Name.from_rfc4514_string(f"CN={self.folder.name}"))
        builder = x509.CertificateBuilder(
            self.name, self.name, self.key.public_key(), 1, NOW - DAY, NOW + DAY
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file.write_bytes(
            builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )

    @property
    def file(self) -> Path:
        return self.folder / "ca.pem"

    def issue(
        self,
        subject: str,
        ends: dt.datetime = NOW + DAY,
        use: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name.from_rfc4514_string(subject)
        builder = x509.CertificateBuilder(
            self.name, name, key.public_key(), x509.random_serial_number(), NOW - 2 * DAY, ends
        )
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        made = builder.sign(self.key, hashes.SHA256())
        file = self.folder / f"{made.serial_number}.pem"
        pem = serialization.Encoding.PEM
        file.write_bytes(
            made.public_bytes(pem)
            + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return Issued(file, made.public_bytes(serialization.Encoding.DER))


CONFIG = """
version: 1
server:
  trusted_proxies: [127.0.0.1]
  listen:
    web: {{address: "127.0.0.1:8443", tls: &tls {{certificates: [{{certificate: {server}, key: {server}}}], client: {{ca: {ca}, mode: {mode}}}}}}}
    behind: {{address: "127.0.0.1:8444", proxy_protocol: true, tls: *tls}}
    plain: {{address: "127.0.0.1:8080"}}
authenticators:
  partner-certs: mtls
  keys: api_key
consumers:
  psp: {{roles: [pays], credentials: {{partner-certs: {{subject: "cn=psp.bank.example, O=Bank"}}}}}}
  old:
    credentials:
      partner-certs: [{{fingerprint_sha256: "{fingerprint}"}}, {{subject: "CN=old"}}]
      keys: {{sha256: "{key}"}}
services: {{shop: "{url}"}}
routes:
  required: {{match: /required, to: shop, filters: [auth: partner-certs]}}
  optional: {{match: /optional, to: shop, public: true, filters: [auth: {{any_of: [partner-certs], optional: true}}]}}
  either: {{match: /either, to: shop, filters: [auth: [partner-certs, keys]]}}
  both: {{match: /both, to: shop, filters: [auth: {{all_of: [partner-certs, keys]}}]}}
  public: {{match: /public, to: shop, public: true}}
"""
KEY = "correct-horse-battery-staple"
CHALLENGE = 'ClientCertificate realm="partner-certs"'


@attrs.define
class World:
    """A gateway that asks for certificates, and who comes."""

    ours: Authority
    server: trustme.CA
    live: LiveGateway
    shop: Origin
    fixed: Issued
    config: Callable[..., str]
    clients: list[Client] = attrs.field(factory=list)

    def tls(self, certificate: Issued | None, **settings: Any) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.server.configure_trust(context)
        if certificate is not None:
            context.load_cert_chain(certificate.file)
        for name, value in settings.items():
            setattr(context, name, value)
        return context

    def client(self, certificate: Issued | None, listener: str = "web", **settings: Any) -> Client:
        client = Client(self.live.addresses[listener], self.tls(certificate, **settings))
        self.clients.append(client)
        return client

    async def ask(self, certificate: Issued | None, *paths: str, listener: str = "web") -> list[int]:
        """The statuses of requests on one connection."""
        client = self.client(certificate, listener)
        return [(await client.get(path)).status for path in paths]


@pytest_asyncio.fixture
async def world(tmp_path: Path, gateway: StartGateway, origin: StartOrigin) -> AsyncIterator[World]:
    ours = Authority(tmp_path / "ours")
    server = trustme.CA()
    server.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    fixed = ours.issue("CN=fixed,O=Bank")
    shop = (await origin()).always(answer(200, body=b"ok"))

    def config(mode: str = "optional", **changes: str) -> str:
        values = {
            "server": tmp_path / "server.pem",
            "ca": ours.file,
            "fingerprint": fixed.fingerprint,
            "key": hashlib.sha256(KEY.encode()).hexdigest(),
            "url": shop.url,
            **changes,
        }
        return CONFIG.format(mode=mode, **values)

    world = World(ours, server, await gateway(config()), shop, fixed, config)
    yield world
    for client in world.clients:
        await client.close()


PSP = "CN=psp.bank.example,O=Bank"
PATHS = ("/required", "/optional", "/public")


@pytest.mark.both_loops
async def test_each_route_decides_whether_it_wants_a_certificate(world: World) -> None:
    """One requires it, one takes it, one does not ask; on one connection, and with each request of it."""
    assert [200, 200, 200] * 2 == await world.ask(world.ours.issue(PSP), *PATHS * 2)
    assert ["psp", "psp", None] == [one.get("x-consumer") for one in world.shop.requests[:3]]
    assert "pays" == world.shop.requests[0].get("x-consumer-roles")

    assert [401, 200, 200] == await world.ask(None, *PATHS)
    assert [None, None] == [one.get("x-consumer") for one in world.shop.requests[-2:]]


async def test_by_its_fingerprint(world: World) -> None:
    """That certificate alone: another one of the same subject is nobody's."""
    assert [200] == await world.ask(world.fixed, "/required")
    assert "old" == world.shop.requests[-1].get("x-consumer")

    assert [401] == await world.ask(world.ours.issue("CN=fixed,O=Bank"), "/required")


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("CN=somebody", id="somebody"),
        pytest.param("O=Bank,CN=psp.bank.example", id="another-order"),
        pytest.param("CN=PSP.bank.example,O=Bank", id="another-case"),
        pytest.param("CN=psp.bank.example,O=Bank,C=DE", id="more"),
        pytest.param("CN=psp.bank.example", id="less"),
        pytest.param(r"CN=psp.bank.example\,O=Bank", id="in-one-value"),
        pytest.param("CN=psp.bank.example+O=Bank", id="joined"),
        pytest.param("OU=psp.bank.example,O=Bank", id="another-key"),
    ],
)
async def test_one_that_no_consumer_has_is_wrong(world: World, subject: str) -> None:
    """401, also where it is optional: it is there. Where nobody asks, nobody looks."""
    client = world.client(world.ours.issue(subject))

    answers = [await client.get(path) for path in PATHS]

    assert [401, 401, 200] == [one.status for one in answers]
    assert CHALLENGE == answers[0].get("www-authenticate")
    assert subject not in str(world.live.records)


async def hears(world: World, certificate: Issued | None, **settings: Any) -> str:
    """What comes of a request: an answer, or an end of the connection."""
    try:
        answer = await world.client(certificate, **settings).get("/public")
    except (OSError, WireError, ssl.SSLError):
        return "nothing"
    return str(answer.status)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("mode", ["optional", "required"])
async def test_who_is_not_vouched_for_has_no_connection(
    world: World, gateway: StartGateway, tmp_path: Path, mode: str, version: ssl.TLSVersion
) -> None:
    """Another authority, a time that is over, one for servers, itself; and none, where one is required."""
    world.live = await gateway(world.config(mode))
    other = Authority(tmp_path / "other")
    both: dict[str, Any] = {"minimum_version": version, "maximum_version": version}

    assert "200" == await hears(world, world.ours.issue(PSP), **both)
    assert ("200" if mode == "optional" else "nothing") == await hears(world, None, **both)
    for wrong in (
        other.issue(PSP),
        world.ours.issue(PSP, ends=NOW - DAY),
        world.ours.issue(PSP, use=ExtendedKeyUsageOID.SERVER_AUTH),
    ):
        assert "nothing" == await hears(world, wrong, **both)
    assert [] == [one for one in world.shop.requests if one.get("x-consumer")]


@pytest.mark.both_loops
async def test_behind_a_proxy_that_says_who_the_client_is(world: World) -> None:
    """PROXY protocol: the handshake comes behind it, and the certificate is that of the client."""
    statuses = []
    for certificate in (world.ours.issue(PSP), None, world.ours.issue("CN=somebody")):
        raw = await Connection.open(world.live.addresses["behind"])
        await raw.send(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n")
        await raw.writer.start_tls(world.tls(certificate), server_hostname="localhost")
        for _ in range(2):
            await raw.send(b"GET /required HTTP/1.1\r\nHost: a\r\n\r\n")
            statuses.append((await raw.answer()).status)
        await raw.close()

    assert [200, 200, 401, 401, 401, 401] == statuses
    assert {"192.0.2.7"} == {record["client"] for record in world.live.records}
    assert ["psp", "psp"] == [one.get("x-consumer") for one in world.shop.requests]


async def test_a_session_that_is_resumed_is_of_the_same_client(world: World) -> None:
    """It is not asked again, and its certificate is that of the first handshake."""
    tls = world.tls(world.ours.issue(PSP), maximum_version=ssl.TLSVersion.TLSv1_2)
    address = world.live.addresses["web"]

    def twice() -> list[bool | None]:
        import socket

        reused, session = [], None
        for _ in range(2):
            host, _, port = address.rpartition(":")
            with (
                socket.create_connection((host, int(port)), timeout=5) as sock,
                tls.wrap_socket(sock, server_hostname="localhost", session=session) as wrapped,
            ):
                wrapped.sendall(b"GET /required HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                assert wrapped.recv(15).startswith(b"HTTP/1.1 200")
                reused.append(wrapped.session_reused)
                session = wrapped.session
        return reused

    assert [False, True] == await asyncio.to_thread(twice)
    assert ["psp", "psp"] == [one.get("x-consumer") for one in world.shop.requests]


async def test_with_other_kinds(world: World) -> None:
    """Either, or both: a certificate of nobody leaves it to the key; all of them have to be right where all are asked."""
    key = {"x-api-key": KEY}
    psp, nobody = world.client(world.ours.issue(PSP)), world.client(world.ours.issue("CN=somebody"))
    none = world.client(None)

    assert [200, 200, 200] == [(await one.get("/either", key)).status for one in (psp, nobody, none)]
    assert ["psp", "old", "old"] == [one.get("x-consumer") for one in world.shop.requests]
    assert [None] * 3 == [one.get("x-api-key") for one in world.shop.requests]
    assert [401, 401] == [(await one.get("/either")).status for one in (nobody, none)]
    assert [200, 401, 401] == [(await one.get("/both", key)).status for one in (psp, nobody, none)]
    assert 401 == (await psp.get("/both")).status


async def test_without_tls_nobody_is_proven(world: World) -> None:
    """Whatever fields a client sends: they are those of proxies, and no service sees them."""
    plain = Client(world.live.addresses["plain"])
    world.clients.append(plain)
    fields = dict.fromkeys(
        (
            *("x-client-cert", "x-client-cert-chain", "x-client-certificate", "x-clientcert", "client-cert"),
            *("client-cert-chain", "client-certificate", "x-client-dn", "x-client-subject", "x-client-issuer"),
            *("x-client-fingerprint", "x-client-verify", "x-ssl-client-cert", "x-ssl-client-s-dn", "x-tls-client"),
            *("ssl-client-cert", "ssl-client-subject-dn", "x-forwarded-client-cert", "x-forwarded-tls-client-cert"),
            *("x-amzn-mtls-clientcert-subject", "x-mtls-subject", "cf-client-cert-der-base64", "x-arr-clientcert"),
            *("ssl_client_s_dn", "x_client_cert", "x-consumer"),
        ),
        "CN=psp.bank.example,O=Bank",
    )  # fmt: skip

    assert [401, 200, 200] == [(await plain.get(path, fields)).status for path in PATHS]
    for received in world.shop.requests:
        assert [] == [name for name in fields if received.get(name) is not None]


async def test_who_is_taken_out_is_out_on_connections_that_are_open(world: World) -> None:
    """KEY-04: with the next request; and whose certificate is put in is in."""
    client = world.client(world.fixed)
    assert 200 == (await client.get("/required")).status

    other = world.ours.issue("CN=x")
    assert (await world.live.apply(world.config(fingerprint=other.fingerprint))).applied

    assert 401 == (await client.get("/required")).status
    assert 1 == client.opened
    assert [200] == await world.ask(other, "/required")


# ---- the authenticator alone ----------------------------------------------------------------------------------------


class Shown(PeerCertificate):
    """What a connection has shown, as a test says."""

    def __init__(self, subject: str, expires: float = 2000.0, der: bytes = b"der") -> None:
        super().__init__(der)
        self.__dict__["_facts"] = subject, expires


def mtls(clock: FakeClock, **credentials: CertificateConfig) -> Mtls:
    surroundings = Surroundings(clock)
    known = [
        Credential(Consumer(name=name, authenticators=("certs",)), config)
        for name, config in credentials.items()
    ]
    context = BuildContext(
        gateway=surroundings, wheel=clock.wheel, name="certs", owner="test", credentials=known
    )
    return Mtls(context)


async def test_one_that_ends_while_its_connection_is_kept_is_over(clock: FakeClock) -> None:
    """Nobody verifies it again, neither with each request nor where a session is resumed."""
    exchange = make_exchange()
    exchange.request.certificate = Shown("CN=a", expires=clock.wall() + 10)
    known = mtls(clock, ada=CertificateConfig(subject=Subject.parse("CN=a")))

    found = await known.authenticate(exchange)
    assert found is not None
    assert "ada" == found.name

    clock.advance(10)
    with pytest.raises(Unauthenticated, match="has expired"):
        await known.authenticate(exchange)


async def test_a_fingerprint_says_more_than_a_subject(clock: FakeClock) -> None:
    """Where both are known, of different consumers."""
    shown = Shown("CN=a", expires=clock.wall() + 10)
    exchange = make_exchange()
    exchange.request.certificate = shown
    known = mtls(
        clock,
        ada=CertificateConfig(subject=Subject.parse("CN=a")),
        bob=CertificateConfig(fingerprint_sha256=Fingerprint.parse(shown.fingerprint_sha256)),
    )

    found = await known.authenticate(exchange)

    assert found is not None
    assert "bob" == found.name


async def test_one_that_cannot_be_read_is_nobodys(clock: FakeClock) -> None:
    """Not even by its fingerprint: nobody knows whether it has ended."""
    shown = PeerCertificate(b"nonsense")
    exchange = make_exchange()
    exchange.request.certificate = shown
    known = mtls(clock, ada=CertificateConfig(fingerprint_sha256=Fingerprint.parse(shown.fingerprint_sha256)))

    with pytest.raises(Unauthenticated, match="cannot be read"):
        await known.authenticate(exchange)


async def test_a_copy_of_a_request_has_its_certificate(clock: FakeClock) -> None:
    """Who looks at one sees who has asked."""
    exchange = make_exchange()
    exchange.request.certificate = Shown("CN=a")

    assert exchange.request.certificate is exchange.fork("other").request.certificate


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("ab" * 32, id="plain"),
        pytest.param("AB" * 32, id="upper-case"),
        pytest.param(":".join(["AB"] * 32), id="colons"),
    ],
)
def test_fingerprints(text: str) -> None:
    """However tools print them."""
    assert "ab" * 32 == str(Fingerprint.parse(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(":".join(["AB"] * 20), "a SHA-1 cannot tell certificates apart", id="sha1"),
        pytest.param("ab" * 31, "is no SHA-256; write what `openssl x509", id="short"),
        pytest.param("ab:" * 31 + "a:b", "is no SHA-256", id="colons-elsewhere"),
        pytest.param("xy" * 32, "is no SHA-256", id="no-digits"),
        pytest.param("ab" * 32 + "\n", "is no SHA-256", id="a-line-end"),
    ],
)
def test_what_is_no_fingerprint(text: str, said: str) -> None:
    """With the command that prints one."""
    with pytest.raises(ValueError, match="-fingerprint -sha256") as refused:
        Fingerprint.parse(text)

    assert said in str(refused.value)


def test_what_one_consumer_has_alone() -> None:
    """`key`: equal for the same certificate, however it is written."""
    first = CertificateConfig(subject=Subject.parse("CN=a, O=b"))
    same = CertificateConfig(subject=Subject.parse("cn=a,2.5.4.10=b"))
    prints = [
        CertificateConfig(fingerprint_sha256=Fingerprint.parse(text))
        for text in ("ab" * 32, ":".join(["AB"] * 32))
    ]

    assert first.key == same.key
    assert prints[0].key == prints[1].key
    assert first.key != prints[0].key
