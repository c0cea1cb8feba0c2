"""Which connections of a route may switch to another protocol: whose, to what, for how long."""

import ipaddress
import re
from typing import Any, ClassVar, Final, Literal, Self

import attrs

from gatekeeper.config.addresses import parse_host
from gatekeeper.config.fields import help_line, is_positive
from gatekeeper.config.problems import Refusal
from gatekeeper.config.units import Duration


_ORIGIN: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9.+-]*)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?"
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_TOKEN: Final = re.compile(r"[a-z0-9!#$%&'+*.^_`|~-]+(?:/[a-z0-9!#$%&'+*.^_`|~-]+)?")
_ROUND_THE_GATEWAY: Final = re.compile(r"h2c?|h3|(?:http|tls)(?:/.*)?")
"""With these every further request goes past routes, filters and logs: HTTP inside of HTTP, or what nobody can read."""


@attrs.frozen
class Origin:
    """Where a page comes from, as browsers say it: scheme, host, and port where it is not the usual one."""

    PATTERN: ClassVar[str] = _ORIGIN.pattern

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `https://app.example.com` or `http://localhost:3000`; it has the form that browsers send.

        Raises:
            Refusal: it is none, or says more than where.

        """
        if "*" in text:
            raise Refusal(f"`{text}`: name each origin by itself, or write `origins: any`")
        scheme, separator, rest = text.partition("://")
        if not separator:
            hint = "" if text == "null" else f": write `https://{text.partition('/')[0]}`"
            raise Refusal(f"`{text}` is no origin, which has scheme and host{hint}")
        authority = re.split("[/?#]", rest, maxsplit=1)[0]
        if rest != authority:
            raise Refusal(f"an origin has no path: write `{scheme}://{authority}`")
        found = _ORIGIN.fullmatch(text)
        if found is None:
            raise Refusal(f"`{text}` is no origin; write one like `https://app.example.com`")
        scheme, host, port = found[1].lower(), _host(found[2].lower()), found[3]
        if port is not None and not 1 <= int(port) <= 65535:
            raise Refusal(f"no port `{port}`; there are 1 to 65535")
        is_usual = port is None or int(port) == _DEFAULT_PORTS.get(scheme)
        return cls(f"{scheme}://{host}" if is_usual else f"{scheme}://{host}:{int(port)}")

    def __str__(self) -> str:
        return self.text


def _host(text: str) -> str:
    if not text.startswith("["):
        return parse_host(text)
    try:
        return f"[{ipaddress.IPv6Address(text[1:-1])}]"
    except ValueError:
        raise Refusal(f"`{text[1:-1]}` is no IPv6 address") from None


@attrs.frozen
class Protocol:
    """The name of a protocol, in lower case, as `Upgrade` fields have it."""

    PATTERN: ClassVar[str] = rf"(?!(?:{_ROUND_THE_GATEWAY.pattern})$){_TOKEN.pattern}"

    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name like `websocket`.

        Raises:
            Refusal: it is none, or one that would carry requests past the gateway.

        """
        name = text.lower()
        if not _TOKEN.fullmatch(name):
            raise Refusal(f"`{text}` is no name of a protocol; write one like `websocket`")
        if _ROUND_THE_GATEWAY.fullmatch(name):
            raise Refusal(f"`{text}` would carry requests past the gateway; leave it out", "insecure")
        if text != name:
            raise Refusal(f"names of protocols are in lower case: write `{name}`")
        return cls(name)

    def __str__(self) -> str:
        return self.name


def _is_not_empty(_instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not value:
        instead = "write `any`, or name some" if attribute.name == "origins" else "write `websocket: false`"
        raise Refusal(f"`{attribute.name}` is empty, and nobody could connect; {instead}")


WEBSOCKET: Final = Protocol("websocket")


@attrs.frozen(kw_only=True)
class WebsocketConfig:
    """How connections of a route may switch to WebSocket, or to another protocol."""

    WRITTEN: ClassVar[str] = "`true`, or a mapping"

    origins: Literal["any"] | tuple[Origin, ...] = attrs.field(
        default="any",
        validator=_is_not_empty,
        metadata=help_line("whose pages may open WebSockets: `any`, or a list"),
    )
    lifetime: Duration | Literal[False] = attrs.field(
        default=False,
        validator=is_positive,
        metadata=help_line("after which time one ends, whatever goes on"),
    )
    protocols: tuple[Protocol, ...] = attrs.field(
        default=(WEBSOCKET,),
        validator=_is_not_empty,
        metadata=help_line("what `Upgrade` may ask for, in lower case"),
    )

    def __attrs_post_init__(self) -> None:
        if self.origins != "any" and WEBSOCKET not in self.protocols:
            raise Refusal("`origins` are those of WebSockets; add `websocket` to `protocols`", "conflict")
