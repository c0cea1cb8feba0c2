"""What is unsafe or unfit, and what is not: each finding has a neighbour that is none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from gatekeeper.cli.findings import FileFacts, Machine, examine
from gatekeeper.config.model import GatewayConfig
from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.testing import make_host


NOW = datetime(2026, 11, 23, tzinfo=UTC)
FIT = Machine(python=(3, 11), today=NOW)


def config(more: str = "", server: str = 'listen: "127.0.0.1:8080"', service: str = "") -> GatewayConfig:
    """A configuration in which nothing is to be found."""
    text = f"""
version: 1
server: {{{server}}}
{more}
services: {{a: {{instances: ["https://a.test", "https://b.test"]{service}}}}}
routes: {{all: {{match: /**, to: a}}}}
"""
    return load_gateway_text(text, make_host()).config


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:8080", "[::1]:8080", "localhost:0", "unix:///run/a.sock", "systemd"]
)
def test_where_all_is_well_there_is_nothing(listen: str) -> None:
    """Nobody reads a list that is always long."""
    assert [] == examine(config(server=f'listen: "{listen}"'), FIT)


def asking(authenticator: str) -> str:
    """An authenticator that every request is asked by."""
    return f"authenticators: {{who: {{{authenticator}}}}}\nfilters: [auth: who]"


USERS = "users: {me: {role: admin, token_sha256: " + "ab" * 32 + "}}"


@pytest.mark.parametrize(
    ("given", "severity", "what"),
    [
        ({"more": f'admin: {{listen: "0.0.0.0:9901", {USERS}}}'}, "danger", "admin.listen"),
        ({"server": 'listen: "127.0.0.1:80", limits: {body_rate: false}'}, "advice", "body_rate"),
        (
            {"server": 'listen: "127.0.0.1:80", limits: {connections_per_address: false}'},
            "advice",
            "connections_per_address",
        ),
        ({"server": "listen: 8080"}, "advice", "listener `main` speaks HTTP"),
        ({"service": ", tls: {verify: false}"}, "danger", "services.a.tls.verify"),
        ({"service": ", health: false, outliers: false"}, "advice", "has 2 instances"),
        (
            {"more": asking("jwt: {issuer: 'http://id.test', audience: a}")},
            "danger",
            "`authenticators.who` asks id.test",
        ),
        (
            {"more": asking("jwt: {issuer: 'https://id.test', jwks: 'HTTP://keys.test/', audience: a}")},
            "danger",
            "asks keys.test without TLS",
        ),
        (
            {"more": asking("introspection: {url: 'http://id.test/ask', client_id: a, client_secret: b}")},
            "danger",
            "asks id.test",
        ),
    ],
)
def test_what_a_configuration_opens(given: dict[str, str], severity: str, what: str) -> None:
    """One thing each."""
    (found,) = examine(config(**given), FIT)

    assert severity == found.severity
    assert what in found.what
    assert found.cure


@pytest.mark.parametrize(
    "given",
    [
        {"more": 'admin: {listen: "127.0.0.1:9901"}'},
        {"more": "admin: {listen: false}"},
        {"server": "listen: 8080, trusted_proxies: [10.0.0.0/8]"},
        {"server": 'listen: "[::1]:8080"'},
        {"service": ", health: false"},
        {"service": ", outliers: false"},
        {"more": asking("jwt: {issuer: 'https://id.test', audience: a}")},
        {"more": asking("jwt: {issuer: 'http://127.0.0.1:9400', audience: a}")},
        {"more": asking("jwt: {issuer: 'http://[::1]:9400', audience: a}")},
        {"more": asking("jwt: {issuer: 'http://id.test', jwks: 'https://id.test/keys', audience: a}")},
        {
            "more": asking(
                f"jwt: {{issuer: 'http://id.test', keys: ['{'k' * 40}'], algorithms: [HS256], audience: a}}"
            )
        },
        {"more": asking("api_key: {}")},
    ],
)
def test_what_is_as_it_should_be(given: dict[str, str]) -> None:
    """Their neighbours."""
    assert [] == examine(config(**given), FIT)


def day(number: int) -> datetime:
    """So many days from now."""
    return NOW + timedelta(days=number)


@pytest.mark.parametrize(
    ("facts", "severity", "what"),
    [
        ({"is_root": True}, "danger", "root"),
        ({"versions": {"aiohttp": (3, 13, 2)}}, "danger", "aiohttp 3.13.2"),
        ({"versions": {"PyYAML": (5, 3, 1)}}, "danger", "PyYAML 5.3.1"),
        ({"today": datetime(2028, 1, 1, tzinfo=UTC)}, "danger", "Python 3.11"),
        ({"openssl": (1, 1)}, "danger", "OpenSSL 1.1"),
        ({"descriptors": 1024}, "advice", "1024 descriptors allow 480 connections, not 10000"),
        ({"backlog": 128}, "advice", "128 connections wait"),
        ({"has_uvloop": False}, "advice", "uvloop"),
        ({"has_libyaml": False}, "advice", "libyaml"),
        ({"files": {"a.key": FileFacts(mode=0o100640, is_key=True)}}, "danger", "a.key is a key"),
        ({"files": {"gateway.yaml": FileFacts(mode=0o100666)}}, "danger", "anybody can change gateway.yaml"),
        (
            {"files": {"a.crt": FileFacts(mode=0o100644, expires=day(20))}},
            "advice",
            "a.crt ends on 2026-12-13",
        ),
        (
            {"files": {"a.crt": FileFacts(mode=0o100644, expires=day(0))}},
            "danger",
            "a.crt ended on 2026-11-23",
        ),
    ],
)
def test_what_a_machine_lacks(facts: dict[str, Any], severity: str, what: str) -> None:
    """One thing each."""
    (found,) = examine(config(), attrs.evolve(FIT, **facts))

    assert severity == found.severity
    assert what in found.what
    assert found.cure


@pytest.mark.parametrize(
    "facts",
    [
        {"versions": {"aiohttp": (3, 13, 3), "PyYAML": (6, 0)}},
        {"backlog": None},
        {"descriptors": 20_000},
        {"python": (3, 99)},
        {"files": {"a.key": FileFacts(mode=0o100600, is_key=True)}},
        {"files": {"gateway.yaml": FileFacts(mode=0o100664)}},
        {"files": {"a.crt": FileFacts(mode=0o100644, expires=day(21))}},
    ],
)
def test_what_a_machine_has(facts: dict[str, Any]) -> None:
    """Their neighbours."""
    assert [] == examine(config(), attrs.evolve(FIT, **facts))


def test_dangers_come_first() -> None:
    """The rest in its order."""
    found = examine(config(), attrs.evolve(FIT, has_uvloop=False, backlog=1, is_root=True))

    assert ["danger", "advice", "advice"] == [one.severity for one in found]
