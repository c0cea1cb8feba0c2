"""`mtls`: who is proven by the certificate of the connection, where its listener asks clients for theirs.

The listener has verified that one of its authorities vouches for the certificate; here it is found whose it is. A certificate
that no consumer has is a credential that is wrong: 401, also where `auth` is optional. One that several authorities could
have signed is known best by its fingerprint: a subject is what any of them says it is.
"""

import re
from typing import Final

import attrs

from gatekeeper.core.errors import Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.core.subject import canonical_subject
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.extend.vocabulary import Refusal, help_line


_PLAIN: Final = re.compile(r"[0-9A-Fa-f]{64}")
_WITH_COLONS: Final = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31}")


@attrs.frozen
class Subject:
    """Whom a certificate is of (RFC 4514)."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "Subject":
        """Read it.

        Raises:
            ValueError: it is none.

        """
        return cls(canonical_subject(text))

    def __str__(self) -> str:
        return self.text


@attrs.frozen
class Fingerprint:
    """The SHA-256 of a certificate."""

    text: str

    PATTERN = f"{_PLAIN.pattern}|{_WITH_COLONS.pattern}"

    @classmethod
    def parse(cls, text: str) -> "Fingerprint":
        """Read it, with colons or without.

        Raises:
            ValueError: it is none.

        """
        if _PLAIN.fullmatch(text) or _WITH_COLONS.fullmatch(text):
            return cls(text.replace(":", "").lower())
        digits = text.replace(":", "")
        why = "a SHA-1 cannot tell certificates apart" if len(digits) == 40 else f"`{text}` is no SHA-256"
        command = "openssl x509 -noout -fingerprint -sha256 -in FILE"
        raise ValueError(f"{why}; write what `{command}` prints behind the `=`")

    def __str__(self) -> str:
        return self.text


@attrs.frozen(kw_only=True)
class MtlsConfig:
    """Certificates of clients, where `tls.client` of a listener asks for them."""


@attrs.frozen(kw_only=True)
class CertificateConfig:
    """One certificate of a consumer, or all those of its subject."""

    subject: Subject | None = attrs.field(
        default=None,
        metadata=help_line(
            "whom it is of, the last part first, as in `CN=psp.bank.example,O=Bank`: in the order of "
            "`openssl x509 -noout -subject -nameopt RFC2253`; any authority of the listener may sign it"
        ),
    )
    fingerprint_sha256: Fingerprint | None = attrs.field(
        default=None, metadata=help_line("the SHA-256 of this one certificate, in hexadecimal")
    )

    def __attrs_post_init__(self) -> None:
        if self.subject is not None and self.fingerprint_sha256 is not None:
            raise Refusal(
                "`subject` and `fingerprint_sha256` exclude each other: a fingerprint is of one certificate",
                "conflict",
            )
        if self.subject is None and self.fingerprint_sha256 is None:
            raise Refusal("write the `subject` of the certificate, or its `fingerprint_sha256`", "needs")

    @property
    def key(self) -> Subject | Fingerprint | None:
        """What one consumer has alone."""
        return self.subject or self.fingerprint_sha256


class Mtls:
    """Knows certificates by their fingerprints, and where nobody has that, by their subjects."""

    def __init__(self, context: BuildContext) -> None:
        self._wall = context.clock.wall
        self.challenge = f'ClientCertificate realm="{context.name}"'
        self._by_subject: dict[str, Consumer] = {}
        self._by_fingerprint: dict[str, Consumer] = {}
        for credential in context.credentials:
            config: CertificateConfig = credential.config
            if config.subject is not None:
                self._by_subject[config.subject.text] = credential.consumer
            elif config.fingerprint_sha256 is not None:
                self._by_fingerprint[config.fingerprint_sha256.text] = credential.consumer

    async def authenticate(self, exchange: Exchange, /) -> Consumer | None:
        """Return whose certificate the connection has shown; None where it has shown none."""
        certificate = exchange.request.certificate
        if certificate is None:
            return None
        fingerprint = certificate.fingerprint_sha256
        try:
            # a connection may be kept for longer, and be resumed: then nobody looks again
            has_expired = certificate.expires <= self._wall()
            subject = certificate.subject
        except ValueError as error:
            raise Unauthenticated(log=f"the certificate {fingerprint} cannot be read") from error
        if has_expired:
            raise Unauthenticated(log=f"the certificate {fingerprint} has expired")
        consumer = self._by_fingerprint.get(fingerprint) or self._by_subject.get(subject)
        if consumer is None:
            raise Unauthenticated(log=f"no consumer has the certificate {fingerprint}")
        return consumer

    def conceal(self, exchange: Exchange, /) -> None:
        """Nothing of it stands in the request."""


def build(config: MtlsConfig, context: BuildContext) -> Mtls:  # noqa: ARG001
    """Make the authenticator."""
    return Mtls(context)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.authenticator("mtls", MtlsConfig, build, credential=CertificateConfig)
