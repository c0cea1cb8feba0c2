"""How a listener speaks TLS, as classes; what files may say of it is in the corpus."""

import pytest

from gatekeeper.config.problems import Refusal
from gatekeeper.config.tls import CertificateConfig, ClientCertificatesConfig, TlsConfig


def test_what_is_not_said() -> None:
    """Everything from 1.2 on, and nobody has to show anything; who does, has to."""
    tls = TlsConfig(certificates=(CertificateConfig(certificate="a.crt", key="a.key"),))

    assert ("TLSv1.2", None) == (tls.min_version, tls.client)
    assert "required" == ClientCertificatesConfig(ca="ca.pem").mode


def test_there_is_a_certificate() -> None:
    """Else nobody could connect."""
    with pytest.raises(Refusal, match="`certificates` is empty"):
        TlsConfig(certificates=())
