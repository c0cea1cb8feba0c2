"""How listeners speak TLS."""

from typing import Any, Literal

import attrs

from gatekeeper.config.fields import help_line
from gatekeeper.config.problems import Refusal
from gatekeeper.config.units import File


@attrs.frozen(kw_only=True)
class CertificateConfig:
    """A certificate that clients are shown."""

    certificate: File = attrs.field(
        metadata=help_line("in PEM, followed by those between it and its authority")
    )
    key: File = attrs.field(metadata=help_line("its private key, in PEM, without a password"))


@attrs.frozen(kw_only=True)
class ClientCertificatesConfig:
    """What clients show."""

    ca: File = attrs.field(metadata=help_line("certificates of the authorities that are believed, in PEM"))
    mode: Literal["required", "optional"] = attrs.field(
        default="required", metadata=help_line("whether there are connections without one")
    )


def _at_least_one(
    _instance: object, attribute: "attrs.Attribute[Any]", value: tuple[CertificateConfig, ...]
) -> None:
    if not value:
        raise Refusal(f"`{attribute.name}` is empty; TLS takes one at least")


@attrs.frozen(kw_only=True)
class TlsConfig:
    """How a listener proves who it is, and asks clients for the same."""

    certificates: tuple[CertificateConfig, ...] = attrs.field(
        validator=_at_least_one,
        metadata=help_line("chosen by the name that a client asks for; the first one where none fits"),
    )
    min_version: Literal["TLSv1.2", "TLSv1.3"] = attrs.field(
        default="TLSv1.2", metadata=help_line("the oldest version that is spoken")
    )
    client: ClientCertificatesConfig | None = attrs.field(
        default=None, metadata=help_line("asks clients for certificates")
    )
