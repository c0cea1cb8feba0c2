"""TLS towards clients: which certificate a client is shown, and whether it has to show one.

The certificate is chosen by the name that the client asks for (SNI, RFC 6066 section 3): the one that has the name, else the
one that has it by a wildcard, else the first. Versions before 1.2 are not spoken (RFC 8996), and of 1.2 only suites with
forward secrecy and AEAD (RFC 9325 section 4.2).
"""

import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs


CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2."""


@attrs.frozen
class Certificate:
    """A certificate and its key, ready to be shown."""

    names: tuple[str, ...]
    """In lower case; `*.` at the start is any label."""
    expires: datetime
    context: ssl.SSLContext = attrs.field(eq=False)


@attrs.frozen
class ClientCertificates:
    """Whom clients have to be known to."""

    ca: Path
    is_required: bool = True


@attrs.frozen(eq=False)
class ServerTls:
    """How one listener speaks TLS; `context` is for whoever accepts connections."""

    context: ssl.SSLContext
    certificates: tuple[Certificate, ...]


def build_server_tls(
    files: Sequence[tuple[Path, Path]],
    *,
    min_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    clients: ClientCertificates | None = None,
) -> ServerTls:
    """Make it of certificates and their keys.

    Raises:
        OSError: a file cannot be read.
        ssl.SSLError: a key is none, is not that of its certificate, or has a password.
        ValueError: a certificate is none.

    """
    certificates = tuple(_certificate(certificate, key, min_version, clients) for certificate, key in files)
    exact: dict[str, ssl.SSLContext] = {}
    wild: dict[str, ssl.SSLContext] = {}
    for one in certificates:
        for name in one.names:
            if name.startswith("*."):
                wild.setdefault(name[2:], one.context)
            else:
                exact.setdefault(name, one.context)
    first = certificates[0].context
    first.sni_callback = _Chooser(exact, wild)
    return ServerTls(first, certificates)


class _Chooser:
    """Shows a client the certificate of the name that it asks for."""

    __slots__ = ("_exact", "_wild")

    def __init__(self, exact: Mapping[str, ssl.SSLContext], wild: Mapping[str, ssl.SSLContext]) -> None:
        self._exact = exact
        self._wild = wild

    def __call__(self, connection: ssl.SSLObject, name: str | None, first: ssl.SSLContext) -> None:
        if name is not None:
            name = name.lower()
            context = self._exact.get(name) or self._wild.get(name.partition(".")[2])
            if context is not None and context is not first:
                connection.context = context


def _certificate(
    certificate: Path, key: Path, min_version: ssl.TLSVersion, clients: ClientCertificates | None
) -> Certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = min_version
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(certificate, key, password=_no_password)
    if clients is not None:
        context.load_verify_locations(clients.ca)
        context.verify_mode = ssl.CERT_REQUIRED if clients.is_required else ssl.CERT_OPTIONAL
    names, expires = read_certificate(certificate.read_bytes())
    return Certificate(names, expires, context)


def _no_password() -> str:
    # without this, OpenSSL asks whoever sits at the terminal
    raise ValueError("its key has a password; write it without one, in a file that only the gateway can read")


def read_certificate(pem: bytes) -> tuple[tuple[str, ...], datetime]:
    """The names of the first certificate, and when it ends.

    Raises:
        ValueError: it is none.

    """
    from cryptography import x509  # noqa: PLC0415 - 30 ms that only TLS takes
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    found = x509.load_pem_x509_certificate(pem)
    try:
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = alternatives.get_values_for_type(x509.DNSName)
        names += [str(address) for address in alternatives.get_values_for_type(x509.IPAddress)]
    except x509.ExtensionNotFound:
        names = [str(one.value) for one in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return tuple(name.lower() for name in names), found.not_valid_after_utc.astimezone(UTC)
