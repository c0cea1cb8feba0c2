"""What connections have proven to be of."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from gatekeeper.edge.certificate import PeerCertificate, certificate_of


KEY = ec.generate_private_key(ec.SECP256R1())
ENDS = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def made(subject: x509.Name, *names: x509.GeneralName) -> PeerCertificate:
    """A certificate of somebody, signed by itself."""
    builder = x509.CertificateBuilder(subject, subject, KEY.public_key(), 7)
    builder = builder.not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC)).not_valid_after(ENDS)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(KEY, hashes.SHA256())
    found = PeerCertificate(ssl.PEM_cert_to_DER_cert(pem(certificate)))
    assert certificate.fingerprint(hashes.SHA256()).hex() == found.fingerprint_sha256
    return found


def pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode()


def rdn(*attributes: tuple[str, str]) -> x509.RelativeDistinguishedName:
    return x509.RelativeDistinguishedName(
        [x509.NameAttribute(x509.ObjectIdentifier(oid), value) for oid, value in attributes]
    )


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param(
            [rdn(("2.5.4.6", "DE")), rdn(("2.5.4.10", "Bank, Inc.")), rdn(("2.5.4.3", "psp"))],
            r"CN=psp,O=Bank\, Inc.,C=DE",
            id="the-last-part-first",
        ),
        pytest.param([rdn(("2.5.4.11", "b"), ("2.5.4.3", "a"))], "CN=a+OU=b", id="joined"),
        pytest.param([rdn(("2.5.4.97", "PSDDE-1"))], "organizationIdentifier=PSDDE-1", id="known"),
        pytest.param([rdn(("1.2.3.4", "x"))], "1.2.3.4=x", id="unknown"),
        pytest.param([rdn(("2.5.4.3", "a\0b"))], r"CN=a\00b", id="nul"),
        pytest.param([], "", id="nobody"),
    ],
)
def test_whom_it_is_of(subject: list[x509.RelativeDistinguishedName], expected: str) -> None:
    """In the form that configurations are read into."""
    found = made(x509.Name(subject), *([x509.DNSName("a")] if not subject else []))

    assert expected == found.subject
    assert ENDS.timestamp() == found.expires


def test_what_else_it_is_for() -> None:
    """Each with its kind, so that no name of one kind is taken for one of another."""
    found = made(
        x509.Name([]),
        x509.DNSName("psp.example"),
        x509.RFC822Name("me@psp.example"),
        x509.UniformResourceIdentifier("spiffe://psp.example/payments"),
        x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    )

    assert [
        ("dns", "psp.example"),
        ("email", "me@psp.example"),
        ("uri", "spiffe://psp.example/payments"),
        ("address", "192.0.2.1"),
    ] == list(found.names)
    assert () == made(x509.Name([rdn(("2.5.4.3", "a"))])).names


def test_one_that_cannot_be_read() -> None:
    """It has a fingerprint, and is nobody's."""
    found = PeerCertificate(b"nonsense")

    for name in ("subject", "expires", "names"):
        with pytest.raises(ValueError, match="pars"):
            getattr(found, name)
    assert 64 == len(found.fingerprint_sha256)
    assert found.fingerprint_sha256 in repr(found)


class Transport(asyncio.BaseTransport):
    """One whose handshake is done."""

    def __init__(self, tls: ssl.SSLObject) -> None:
        super().__init__({"ssl_object": tls})


@pytest.mark.parametrize(
    ("mode", "shows", "has_one"),
    [
        pytest.param(ssl.CERT_REQUIRED, True, True, id="required"),
        pytest.param(ssl.CERT_OPTIONAL, True, True, id="optional"),
        pytest.param(ssl.CERT_OPTIONAL, False, False, id="optional-none"),
        pytest.param(ssl.CERT_NONE, True, False, id="not-asked"),
    ],
)
def test_what_a_connection_has_shown(
    tmp_path: Path, mode: ssl.VerifyMode, shows: bool, has_one: bool
) -> None:
    """Only where its listener asks, and so has verified it."""
    ca = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    ca.issue_cert("a.test").configure_cert(server)
    ca.configure_trust(server)
    ca.configure_trust(client)
    server.verify_mode = mode
    mine = ca.issue_cert("me@a.test", common_name="me")
    if shows:
        mine.configure_cert(client)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname="a.test")
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (one, other, one, other):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue

    found = certificate_of(Transport(other), server)

    assert has_one == (found is not None)
    if found is not None:
        assert ssl.PEM_cert_to_DER_cert(mine.cert_chain_pems[0].bytes().decode()) == found.der
        assert found.subject.startswith("CN=me,")
        assert [("email", "me@a.test")] == list(found.names)
