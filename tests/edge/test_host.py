"""The one form of a host; ids name the row of reliability.md."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import BadRequest
from gatekeeper.edge.host import Hosts, canonical_host


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        (b"example.test", "example.test"),
        (b"EXAMPLE.Test:8080", "example.test"),
        (b"example.test.", "example.test"),
        (b"example.test.:80", "example.test"),
        (b"127.0.0.1:1", "127.0.0.1"),
        (b"[::1]", "::1"),
        (b"[2001:DB8:0::7]:443", "2001:db8::7"),
        (b"my_service:80", "my_service"),
        (b"a:65535", "a"),
        (b"xn--bcher-kva.test", "xn--bcher-kva.test"),
    ],
)
def test_a_host_has_one_form(authority: bytes, host: str) -> None:
    """Lower case, no port, no final dot, addresses in their shortest form."""
    assert host == canonical_host(authority)


@pytest.mark.parametrize(
    "authority",
    [
        b"", b".", b":80", b"a..b", b".a", b"-a", b"a-.b", b"a:", b"a:65536", b"a:-1", b"a:0x50", b"a:8 0", b"a:123456",
        b"u@a", b"a/b", b"a?b", b"a#b", b"a\\b", b"a b", b"a,b", b"a%41", b"a\x00", b"a\n", "ä".encode(), b"[::1", b"::1",
        b"[::1]x", b"[127.0.0.1]", b"[::g]", b"[fe80::1%eth0]", b"a" * 64, b"a." * 128,
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_host_is_refused(authority: bytes) -> None:
    """FRM-20."""
    with pytest.raises(BadRequest):
        canonical_host(authority)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_host_or_refused(authority: bytes) -> None:
    """And the form of a form is itself."""
    try:
        host = canonical_host(authority)
    except BadRequest:
        return
    again = f"[{host}]" if ":" in host else host
    assert host == canonical_host(again.encode())


def test_what_is_remembered_of_hosts_is_bounded() -> None:
    """An attacker chooses them; what was refused is not remembered."""
    hosts = Hosts()
    for number in range(3000):
        assert f"h{number}" == hosts[b"H%d" % number]
    with pytest.raises(BadRequest):
        hosts[b"a b"]
    assert len(hosts) == 1024
