"""Who asks: what an authenticator has proven about the sender of a request."""

import re
from collections.abc import Hashable, Mapping
from typing import Any, Final
from urllib.parse import quote

import attrs


NO_CLAIMS: Final[Mapping[str, Any]] = {}
NOTHING: Final[frozenset[str]] = frozenset()

# visible ASCII without `%`, which begins an escape, and `,`, which divides what is joined; blanks divide as well, and those
# at the ends of a header field are lost
_SAFE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "%,")
_is_safe: Final = re.compile(r"[!-$&-+\--~]*+").fullmatch
_has_half: Final = re.compile("[\ud800-\udfff]").search


def field_text(text: str) -> str:
    """A word that nobody could take for another, or for two, in a header field: all but visible ASCII is percent-encoded.

    What a token says of somebody comes from outside: line ends would be fields of their own, a comma a second role, and a
    blank before `admin` lost on the way.
    """
    # JSON can say halves of characters (RFC 8259 section 8.2)
    return text if _is_safe(text) else quote(text, safe=_SAFE, errors="surrogatepass")


def is_sendable(text: str) -> bool:
    """Whether a text has no halves of characters (RFC 8259 section 8.2)."""
    return text.isascii() or not _has_half(text)


@attrs.frozen(kw_only=True)
class Consumer:
    """An authenticated caller. One of the configuration has its name there, any other `authenticator:subject`.

    `roles`, `scopes` and `plan` are what it has been given, `labels` what the configuration says beside, and `claims` what
    its token says. Equal consumers need not be the same object, and one object may stand for many requests.
    """

    name: str
    authenticators: tuple[str, ...]
    """Who has proven it, first the one that named it."""
    roles: frozenset[str] = NOTHING
    scopes: frozenset[str] = NOTHING
    plan: str = ""
    labels: Mapping[str, str] = attrs.field(factory=dict)
    claims: Mapping[str, Any] = attrs.field(default=NO_CLAIMS, repr=False)
    notes: dict[Hashable, Any] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    """What filters have made of it, by the filter, so that it is made once."""

    def __attrs_post_init__(self) -> None:
        if not self.name or not self.authenticators:
            raise ValueError("a consumer has a name, and somebody who has proven it")

    def with_proof(self, other: "Consumer") -> "Consumer":
        """The same, with all that somebody else has proven of the same request."""
        return attrs.evolve(
            self,
            authenticators=(*self.authenticators, *other.authenticators),
            roles=self.roles | other.roles,
            scopes=self.scopes | other.scopes,
            plan=self.plan or other.plan,
            labels={**other.labels, **self.labels},
            claims={**other.claims, **self.claims},
        )


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, which may lead into objects by dots, as in `realm_access.roles`; None where there is none.

    A claim whose own name has dots is found too: names are often addresses (OpenID Connect Core section 5.1.2).
    """
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found


def claim_texts(value: Any) -> list[str]:
    """A claim as texts: those of a list one by one, numbers and booleans as JSON has them; no text of objects.

    Halves of characters, which JSON can say and nobody can send, are U+FFFD.
    """
    if isinstance(value, list | tuple):
        return [text for item in value if not isinstance(item, list | tuple) for text in claim_texts(item)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, str):
        return [
            value
            if is_sendable(value)
            else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        ]
    return [str(value)] if isinstance(value, int | float) else []
