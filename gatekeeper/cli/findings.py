"""What is unsafe or unfit: of a configuration, of the files that it names, and of the machine; each with its cure.

What is known of the machine comes in as `Machine`, so that nothing here asks anybody.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final, Literal

import attrs

from gatekeeper.config.addresses import Listen
from gatekeeper.config.model import GatewayConfig, ServiceConfig
from gatekeeper.edge.listener import BACKLOG
from gatekeeper.runtime.descriptors import for_clients


Severity = Literal["danger", "advice"]

SOON: Final = timedelta(days=21)
"""Before the end of a certificate, when it should have been replaced."""
SUPPORTED: Final[Mapping[tuple[int, int], date]] = {
    (3, 11): date(2027, 10, 31),
    (3, 12): date(2028, 10, 31),
    (3, 13): date(2029, 10, 31),
    (3, 14): date(2030, 10, 31),
}
"""Until when a version of Python gets corrections (PEP 664, 693, 719, 745)."""
HOLES: Final[Mapping[str, tuple[tuple[int, ...], str]]] = {
    "aiohttp": ((3, 13, 3), "CVE-2025-69223 to CVE-2025-69230"),
    "cryptography": ((44, 0, 1), "CVE-2024-12797"),
    "PyYAML": ((5, 4), "CVE-2020-14343"),
}
"""Libraries, the first version without a known hole, and what older ones have."""
_EVERYBODY: Final = 2


@attrs.frozen(kw_only=True)
class FileFacts:
    """What is known of a file: its mode (`stat.st_mode`), and the end of its certificate if it is one."""

    mode: int
    is_key: bool = False
    expires: datetime | None = None


@attrs.frozen(kw_only=True)
class Machine:
    """What is known of where the gateway is to run."""

    python: tuple[int, int]
    today: datetime
    is_root: bool = False
    descriptors: int = 1 << 20
    """That a process may have."""
    backlog: int | None = BACKLOG
    """`net.core.somaxconn`; None where there is no such thing."""
    has_uvloop: bool = True
    has_libyaml: bool = True
    versions: Mapping[str, tuple[int, ...]] = attrs.field(factory=dict)
    """Of libraries."""
    openssl: tuple[int, int] = (3, 0)
    files: Mapping[str, FileFacts] = attrs.field(factory=dict)
    """Those that belong to the configuration, by name."""


_ASKED: Final = ("jwks", "issuer", "url")
"""The options of authenticators that are addresses, those first which are asked instead of others."""


@attrs.frozen
class Finding:
    """Something that should be otherwise."""

    severity: Severity
    what: str
    cure: str


def examine(config: GatewayConfig, machine: Machine) -> list[Finding]:
    """Find everything, dangers first."""
    found = [
        *_admin(config),
        *_server(config),
        *_services(config),
        *_authenticators(config),
        *_files(machine),
        *_machine(config, machine),
    ]
    return sorted(found, key=lambda one: one.severity != "danger")


def _admin(config: GatewayConfig) -> Iterator[Finding]:
    listen = config.admin.listen
    if listen and not _is_private(listen):
        yield Finding(
            "danger",
            f"`admin.listen` is {listen}: tokens go over the network as they are",
            f'`listen: "127.0.0.1:{listen.port}"`, and a tunnel or a proxy that speaks TLS for those who come from elsewhere',
        )


def _server(config: GatewayConfig) -> Iterator[Finding]:
    server = config.server
    limits = server.limits
    for key in ("connections_per_address", "body_rate"):
        if getattr(limits, key) is False:
            yield Finding(
                "advice",
                f"`server.limits.{key}` is false: one client can take what is there for all",
                "leave it out, or trust the proxies in front (`server.trusted_proxies`), who are not counted",
            )
    public = [name for name, one in server.listen.items() if one.tls is None and not _is_private(one.address)]
    if public and not server.trusted_proxies:
        names = ", ".join(f"`{name}`" for name in public)
        yield Finding(
            "advice",
            f"listener {names} speaks HTTP, and no proxy in front is known: whoever is on the way reads and changes everything",
            "`tls` for it, or a proxy in front that speaks TLS, named in `server.trusted_proxies`",
        )


def _is_private(address: Listen) -> bool:
    """Whether only this machine gets there, as far as can be seen here: what systemd opens, its unit says."""
    return not address.has_host or _is_here(address.host)


def _is_here(host: str) -> bool:
    return host.startswith("127.") or host in {"::1", "localhost"}


def _services(config: GatewayConfig) -> Iterator[Finding]:
    for name, service in config.services.items():
        yield from _service(name, service)


def _service(name: str, service: ServiceConfig) -> Iterator[Finding]:
    if not service.tls.verify:
        yield Finding(
            "danger",
            f"`services.{name}.tls.verify` is false: whoever answers there is believed",
            "`ca`, and `server_name` where the name is another",
        )
    if len(service.instances) > 1 and not service.health and not service.outliers:
        yield Finding(
            "advice",
            f"service `{name}` has {len(service.instances)} instances, and nobody sees when one is down",
            "`health: /path`, or `outliers`",
        )


def _authenticators(config: GatewayConfig) -> Iterator[Finding]:
    for name, one in config.authenticators.items():
        if getattr(one.options, "keys", ()):
            # then nobody is asked
            continue
        asked = ((key, getattr(one.options, key, None)) for key in _ASKED)
        key, address = next(((key, address) for key, address in asked if address), ("", ""))
        # an issuer may be any text
        plain = re.match(r"http://(\[[^]]*\]|[^/:?#]*)", address, re.IGNORECASE)
        if plain is not None and not _is_here(plain[1].strip("[]")):
            yield Finding(
                "danger",
                f"`authenticators.{name}` asks {plain[1]} without TLS: whoever is on the way says who may pass",
                f"`{key}: https://...`",
            )


def _files(machine: Machine) -> Iterator[Finding]:
    for name, facts in machine.files.items():
        if facts.is_key and facts.mode & 0o077:
            yield Finding("danger", f"{name} is a key that others can read or change", f"chmod 600 {name}")
        elif facts.mode & _EVERYBODY:
            yield Finding("danger", f"anybody can change {name}", f"chmod o-w {name}")
        if facts.expires is not None and facts.expires - machine.today < SOON:
            has_ended = facts.expires <= machine.today
            yield Finding(
                "danger" if has_ended else "advice",
                f"the certificate of {name} {'ended' if has_ended else 'ends'} on {facts.expires:%Y-%m-%d}",
                "a new one in its place; it is read again by itself",
            )


def _machine(config: GatewayConfig, machine: Machine) -> Iterator[Finding]:
    if machine.is_root:
        yield Finding(
            "danger",
            "this is root: a mistake in any library is one with all rights",
            "a user of its own; for ports below 1024 `AmbientCapabilities=CAP_NET_BIND_SERVICE`",
        )
    for library, (first, hole) in HOLES.items():
        version = machine.versions.get(library)
        if version is not None and version < first:
            yield Finding(
                "danger",
                f"{library} {_dotted(version)} has known holes ({hole})",
                f"pip install '{library}>={_dotted(first)}'",
            )
    until = SUPPORTED.get(machine.python)
    if until is not None and machine.today.date() > until:
        yield Finding(
            "danger", f"Python {_dotted(machine.python)} gets no corrections since {until}", "a newer Python"
        )
    if machine.openssl < (3, 0):
        yield Finding(
            "danger",
            f"OpenSSL {_dotted(machine.openssl)} gets no corrections any more",
            "a newer system, or Python",
        )
    wanted = config.server.limits.connections
    allowed = for_clients(machine.descriptors, config.server.concurrency.limit)
    if allowed < wanted:
        yield Finding(
            "advice",
            f"{machine.descriptors} descriptors allow {allowed} connections, not {wanted}",
            "`LimitNOFILE=` of the unit, `ulimit -n`, or fewer `server.limits.connections`",
        )
    if machine.backlog is not None and machine.backlog < BACKLOG:
        yield Finding(
            "advice",
            f"the kernel lets {machine.backlog} connections wait, where {BACKLOG} are asked for",
            f"sysctl -w net.core.somaxconn={BACKLOG}",
        )
    if not machine.has_uvloop:
        yield Finding("advice", "uvloop is missing: requests cost more", "pip install uvloop")
    if not machine.has_libyaml:
        yield Finding(
            "advice",
            "PyYAML has no libyaml: large configurations take several times as long",
            "a wheel of PyYAML",
        )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
