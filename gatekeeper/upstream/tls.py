"""TLS towards instances: verified unless somebody says otherwise, in so many words."""

import ssl
from pathlib import Path

from gatekeeper.upstream.pool import TlsIdentity


def build_tls(
    *,
    ca: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    server_name: str = "",
    verify: bool = True,
    content: tuple[str, ...] = (),
) -> TlsIdentity:
    """Make the TLS identity of a service: whom it believes, and the certificate it shows.

    `content` tells files of the same names apart, as digests of what they hold, say.

    Raises:
        OSError: a file cannot be read.
        ssl.SSLError: a file is no certificate or key, or the two do not belong together.

    """
    context = ssl.create_default_context(cafile=str(ca) if ca is not None else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(str(certificate), str(key) if key is not None else None)
    return TlsIdentity(
        (str(ca), str(certificate), str(key), server_name, str(verify), *content), context, server_name
    )
