"""The certificate by which a client's connection has proven who it is of.

OpenSSL has verified it in the handshake, or there is no connection: here it is only handed on, once for each connection.
That takes 6 µs beside the millisecond of a handshake, and 70 µs more, once, where somebody wants to know whom it is of.
Connections without TLS pay nothing. It is taken apart by `cryptography`, which is there already: the listener's own
certificate was read by it.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from gatekeeper.core.subject import subject_of


if TYPE_CHECKING:
    from cryptography.x509 import Certificate


class PeerCertificate:
    """One connection's; each of its parts is read when it is asked for, and no more than once."""

    def __init__(self, der: bytes) -> None:
        self.der: Final = der

    @cached_property
    def fingerprint_sha256(self) -> str:
        """The SHA-256 of the whole, in hexadecimal, in lower case."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def subject(self) -> str:
        """Whom it is of.

        Raises:
            ValueError: it cannot be read.

        """
        return self._facts[0]

    @property
    def expires(self) -> float:
        """When it ends, in seconds since 1970.

        Raises:
            ValueError: it cannot be read.

        """
        return self._facts[1]

    @cached_property
    def _facts(self) -> tuple[str, float]:
        # what it is read into is much larger, and an idle connection may last for hours
        found = self._read()
        # the last part is written first
        parts = [[(one.oid.dotted_string, one.value) for one in part] for part in found.subject.rdns]
        return subject_of(reversed(parts)), found.not_valid_after_utc.timestamp()

    @cached_property
    def names(self) -> Sequence[tuple[str, str]]:
        """What else it is for, each with its kind: `dns`, `address`, `email` or `uri`.

        Raises:
            ValueError: it cannot be read.

        """
        from cryptography import x509  # noqa: PLC0415 - 30 ms that only TLS takes

        try:
            found = self._read().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return ()
        kinds: dict[type, str] = {
            x509.DNSName: "dns",
            x509.IPAddress: "address",
            x509.RFC822Name: "email",
            x509.UniformResourceIdentifier: "uri",
        }
        return tuple((kinds[type(name)], str(name.value)) for name in found if type(name) in kinds)

    def _read(self) -> "Certificate":
        from cryptography import x509  # noqa: PLC0415

        return x509.load_der_x509_certificate(self.der)

    def __repr__(self) -> str:
        return f"<PeerCertificate {self.fingerprint_sha256}>"


def certificate_of(transport: asyncio.BaseTransport, context: ssl.SSLContext) -> PeerCertificate | None:
    """What a client has shown; None where it was not asked, or had none."""
    if context.verify_mode is ssl.CERT_NONE:
        return None
    der = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return PeerCertificate(der) if der is not None else None
