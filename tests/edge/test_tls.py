"""TLS towards clients, with certificates made here; handshakes without sockets."""

import ssl
from pathlib import Path

import attrs
import pytest
import trustme

from gatekeeper.edge.tls import ClientCertificates, ServerTls, build_server_tls


@attrs.frozen
class Authority:
    """An authority, and a folder for what it issues."""

    ca: trustme.CA
    folder: Path

    def issue(self, *names: str, common_name: str | None = None) -> tuple[Path, Path]:
        """A certificate and its key, as files."""
        issued = self.ca.issue_cert(*names, common_name=common_name)
        name = f"{len(list(self.folder.iterdir()))}"
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return certificate, key

    @property
    def file(self) -> Path:
        """The certificate of the authority itself."""
        path = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(path)
        return path

    def client(self, **settings: object) -> ssl.SSLContext:
        """A client that believes this authority."""
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        for name, value in settings.items():
            setattr(context, name, value)
        return context


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(trustme.CA(), tmp_path)


@attrs.frozen
class Seen:
    """What a client and the server know of each other."""

    names: set[str]
    version: str
    cipher: str
    protocol: str | None
    client: bool


def shake_hands(tls: ServerTls, client: ssl.SSLContext, name: str | None = "a.test") -> Seen:
    """Let them meet; the bytes go from hand to hand.

    Raises:
        ssl.SSLError: one of them refuses.

    """
    if name is None:
        client.check_hostname = False
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name)
    other = tls.context.wrap_bio(to_server, to_client, server_side=True)
    left = [one, other]
    for _ in range(10):
        for side in list(left):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            left.remove(side)
    assert not left, "they wait for each other"
    # of TLS 1.3, a client learns only now that it was refused
    other.write(b"x")
    assert b"x" == one.read()
    certificate, cipher, version = one.getpeercert(), one.cipher(), one.version()
    assert certificate is not None
    assert cipher is not None
    assert version is not None
    names = {str(entry[1]) for entry in certificate["subjectAltName"]}
    return Seen(names, version, cipher[0], one.selected_alpn_protocol(), other.getpeercert() is not None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.test", "a.test"),
        ("A.Test", "a.test"),
        ("b.test", "b.test"),
        ("x.b.test", "*.b.test"),
        ("own.b.test", "own.b.test"),
        pytest.param(None, "a.test", id="no-name"),
    ],
)
def test_a_client_is_shown_the_certificate_of_the_name_that_it_asks_for(
    ours: Authority, name: str | None, expected: str
) -> None:
    """The name itself before a wildcard, and the first one where none fits."""
    tls = build_server_tls([ours.issue(each) for each in ("a.test", "*.b.test", "b.test", "own.b.test")])

    assert {expected} == shake_hands(tls, ours.client(), name).names


@pytest.mark.parametrize("name", ["other.test", "x.y.b.test"])
def test_a_name_that_nobody_has_gets_the_first(ours: Authority, name: str) -> None:
    """Which its client will refuse, and say why."""
    tls = build_server_tls([ours.issue("a.test"), ours.issue("*.b.test")])

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(tls, ours.client(), name)
    assert {"a.test"} == shake_hands(tls, ours.client(check_hostname=False), name).names


def test_of_two_certificates_with_one_name_the_first_is_shown(ours: Authority) -> None:
    """As they stand in the file."""
    tls = build_server_tls([ours.issue("z.test"), ours.issue("a.test", "one.test"), ours.issue("a.test")])

    assert {"a.test", "one.test"} == shake_hands(tls, ours.client()).names


@pytest.mark.parametrize(
    ("settings", "minimum", "expected"),
    [
        pytest.param({}, ssl.TLSVersion.TLSv1_2, "TLSv1.3", id="the newest"),
        pytest.param(
            {"maximum_version": ssl.TLSVersion.TLSv1_2}, ssl.TLSVersion.TLSv1_2, "TLSv1.2", id="1.2"
        ),
        pytest.param({}, ssl.TLSVersion.TLSv1_3, "TLSv1.3", id="nothing else"),
    ],
)
def test_what_is_spoken(
    ours: Authority, settings: dict[str, object], minimum: ssl.TLSVersion, expected: str
) -> None:
    """HTTP/1.1 by its name, with forward secrecy and authenticated encryption."""
    seen = shake_hands(
        build_server_tls([ours.issue("a.test")], min_version=minimum), _alpn(ours.client(**settings))
    )

    assert (expected, "http/1.1") == (seen.version, seen.protocol)
    assert "GCM" in seen.cipher or "CHACHA20" in seen.cipher
    assert seen.cipher.startswith(("TLS_", "ECDHE-"))


def _alpn(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@pytest.mark.parametrize(
    ("settings", "minimum"),
    [
        pytest.param(
            {"maximum_version": ssl.TLSVersion.TLSv1_2},
            ssl.TLSVersion.TLSv1_3,
            id="1.2, where 1.3 is asked for",
        ),
        pytest.param(
            {"maximum_version": ssl.TLSVersion.TLSv1_1, "minimum_version": ssl.TLSVersion.TLSv1},
            ssl.TLSVersion.TLSv1_2,
            id="1.1",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_what_is_not_spoken(ours: Authority, settings: dict[str, object], minimum: ssl.TLSVersion) -> None:
    """RFC 8996: nothing before 1.2."""
    tls = build_server_tls([ours.issue("a.test")], min_version=minimum)

    with pytest.raises(ssl.SSLError):
        shake_hands(tls, ours.client(**settings))


def test_a_client_without_forward_secrecy_is_refused(ours: Authority) -> None:
    """RFC 9325 section 4.1: nor one without authenticated encryption."""
    client = ours.client(maximum_version=ssl.TLSVersion.TLSv1_2)
    client.set_ciphers("AES128-GCM-SHA256:ECDHE+AES128+SHA256:@SECLEVEL=1")

    with pytest.raises(ssl.SSLError):
        shake_hands(build_server_tls([ours.issue("a.test")]), client)


@pytest.mark.parametrize("name", ["a.test", "b.test"])
@pytest.mark.parametrize("is_required", [True, False])
def test_clients_are_asked_for_certificates(ours: Authority, name: str, is_required: bool) -> None:
    """Whatever the name; whether one that has none gets in is said, and nobody believes another authority."""
    tls = build_server_tls(
        [ours.issue("a.test"), ours.issue("b.test")], clients=ClientCertificates(ours.file, is_required)
    )
    known, stranger = ours.client(), ours.client()
    known.load_cert_chain(*ours.issue("me@a.test"))
    trustme.CA().issue_cert("me@a.test").configure_cert(stranger)

    assert shake_hands(tls, known, name).client
    with pytest.raises(ssl.SSLError):
        shake_hands(tls, stranger, name)
    if is_required:
        with pytest.raises(ssl.SSLError):
            shake_hands(tls, ours.client(), name)
    else:
        assert not shake_hands(tls, ours.client(), name).client


def test_a_certificate_says_its_names_and_when_it_ends(ours: Authority) -> None:
    """Those that clients compare: the alternative names, or where there are none the common one."""
    tls = build_server_tls([ours.issue("A.test", "*.b.test", "127.0.0.1"), ours.issue("c.test")])

    assert [("a.test", "*.b.test", "127.0.0.1"), ("c.test",)] == [one.names for one in tls.certificates]
    assert all(one.expires.year > 2000 for one in tls.certificates)


def test_what_is_no_certificate_or_no_key_of_it(ours: Authority) -> None:
    """And what has a password: nobody is there to be asked for it."""
    certificate, key = ours.issue("a.test")
    _, other = ours.issue("b.test")
    nonsense = ours.folder / "nonsense"
    nonsense.write_text("nothing")
    locked = ours.folder / "locked"
    locked.write_bytes(_locked(key.read_bytes()))

    with pytest.raises(ssl.SSLError, match="KEY_VALUES_MISMATCH"):
        build_server_tls([(certificate, other)])
    with pytest.raises(ssl.SSLError):
        build_server_tls([(nonsense, key)])
    with pytest.raises(ssl.SSLError):
        build_server_tls([(certificate, nonsense)])
    with pytest.raises(FileNotFoundError):
        build_server_tls([(certificate, ours.folder / "gone")])
    with pytest.raises(ValueError, match="has a password"):
        build_server_tls([(certificate, locked)])


def _locked(pem: bytes) -> bytes:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pem, None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
