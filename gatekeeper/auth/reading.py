"""Where a credential stands in a request: in one place, so that two readers cannot take two for it."""

from typing import TypeVar

import attrs

from gatekeeper.core.errors import Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import check_editable
from gatekeeper.core.query import drop_query, query_values
from gatekeeper.core.text import cookies
from gatekeeper.extend.vocabulary import Refusal, help_line


def _is_field(_instance: object, _attribute: object, name: str | None) -> None:
    if name is not None:
        check_editable(name)


@attrs.frozen(kw_only=True)
class PlaceConfig:
    """Where a credential stands; kinds have a place of their own where none is said."""

    header: str | None = attrs.field(
        default=None, validator=_is_field, metadata=help_line("the header field that holds it")
    )
    scheme: str | None = attrs.field(
        default=None, metadata=help_line("the word before it in the header field, like `Bearer`")
    )
    cookie: str | None = attrs.field(default=None, metadata=help_line("the cookie that holds it"))
    query: str | None = attrs.field(
        default=None,
        metadata=help_line("the query parameter that holds it; what stands in addresses is easily seen"),
    )

    def __attrs_post_init__(self) -> None:
        given = [name for name in ("header", "cookie", "query") if getattr(self, name) is not None]
        if len(given) > 1:
            raise Refusal(
                f"`{given[0]}` and `{given[1]}` exclude each other: it stands in one place", "conflict"
            )
        if self.scheme is not None and given not in ([], ["header"]):
            raise Refusal(f"`scheme` is of header fields, and it stands in the `{given[0]}`", "conflict")

    def credential(self, *, header: str, scheme: str = "") -> "Place":
        """What reads it there; in the header field that is given where no place is said."""
        if self.cookie is not None:
            return CookieCredential(self.cookie)
        if self.query is not None:
            return QueryCredential(self.query)
        own = scheme if self.header is None and self.scheme is None else self.scheme or ""
        return HeaderCredential((self.header or header).lower().encode(), own.lower().encode())


@attrs.frozen
class HeaderCredential:
    """In a header field; behind the word `scheme`, in lower case, if it has one (RFC 9110 section 11.4)."""

    name: bytes
    scheme: bytes = b""

    def find(self, exchange: Exchange) -> str | None:
        """Return it; None where there is none, or that of another scheme.

        Raises:
            Unauthenticated: there are two.

        """
        name, found = self.name, None
        length = len(name)
        for field, value in exchange.request.headers.fields:
            if len(field) == length and field.lower() == name:
                if found is not None:
                    raise Unauthenticated(log="there are two credentials in one request")
                found = value
        if found is None or not self.scheme:
            return None if found is None else found.decode("latin-1")
        scheme, blank, rest = found.partition(b" ")
        if scheme.lower() != self.scheme:
            return None
        if not blank:
            raise Unauthenticated(log="the credential is missing behind its scheme")
        return rest.lstrip(b" ").decode("latin-1")

    def remove(self, exchange: Exchange) -> None:
        """Take it out of the request, also what could not be read; that of another scheme stays."""
        headers = exchange.request.headers
        headers.fields = [field for field in headers.fields if not self._is_mine(*field)]

    def _is_mine(self, name: bytes, value: bytes) -> bool:
        return name.lower() == self.name and (
            not self.scheme or value.partition(b" ")[0].lower() == self.scheme
        )


@attrs.frozen
class CookieCredential:
    """In a cookie."""

    name: str

    def find(self, exchange: Exchange) -> str | None:
        """Return it; None where there is none.

        Raises:
            Unauthenticated: there are two.

        """
        found = [
            value.strip().strip('"')
            for part in cookies(exchange).split(";")
            for name, _, value in (part.partition("="),)
            if name.strip() == self.name
        ]
        return _only(found)

    def remove(self, exchange: Exchange) -> None:
        """Take it out of the request; other cookies stay."""
        headers = exchange.request.headers
        lines = []
        for name, value in headers.fields:
            if name.lower() != b"cookie":
                lines.append((name, value))
                continue
            kept = [
                part for part in value.split(b";") if part.partition(b"=")[0].strip() != self.name.encode()
            ]
            if any(part.strip() for part in kept):
                lines.append((name, b";".join(kept).strip()))
        headers.fields = lines


@attrs.frozen
class QueryCredential:
    """In a query parameter."""

    name: str

    def find(self, exchange: Exchange) -> str | None:
        """Return it; None where there is none.

        Raises:
            Unauthenticated: there are two.

        """
        return _only(query_values(exchange.request.query, self.name))

    def remove(self, exchange: Exchange) -> None:
        """Take it out of the request; other parameters keep their bytes."""
        drop_query(exchange.request, self.name)


Place = HeaderCredential | CookieCredential | QueryCredential
"""What reads a credential, and takes it out."""

T = TypeVar("T")


def _only(found: list[T]) -> T | None:
    if len(found) > 1:
        raise Unauthenticated(log="there are two credentials in one request")
    return found[0] if found else None
