"""Addresses that requests can be sent to."""

import pytest

from gatekeeper.core.instance import Instance


@pytest.mark.parametrize(
    ("scheme", "host", "port", "authority"),
    [
        ("http", "users.internal", 80, b"users.internal"),
        ("http", "users.internal", 8001, b"users.internal:8001"),
        ("http", "users.internal", 443, b"users.internal:443"),
        ("https", "users.internal", 443, b"users.internal"),
        ("https", "192.0.2.1", 80, b"192.0.2.1:80"),
        ("http", "2001:db8::1", 80, b"[2001:db8::1]"),
        ("http", "2001:db8::1", 8001, b"[2001:db8::1]:8001"),
    ],
)
def test_the_authority_leaves_the_usual_port_out(scheme: str, host: str, port: int, authority: bytes) -> None:
    """RFC 9110 section 4.2; IPv6 addresses stand in brackets."""
    assert authority == Instance("users", "a", scheme, host, port).authority


def test_a_socket_file_has_no_authority_of_its_own() -> None:
    """A Host field is needed all the same."""
    assert b"localhost" == Instance("users", "a", "http", "", 80, "/run/users.sock").authority


def test_an_instance_tells_how_busy_it_is() -> None:
    """For whoever debugs a balancer."""
    assert "<Instance users a 0 in flight>" == repr(Instance("users", "a", "http", "192.0.2.1", 80))
