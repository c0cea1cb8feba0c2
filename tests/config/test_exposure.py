"""ADM-10: instances that lead where clients should not come."""

import pytest

from gatekeeper.config.addresses import Listen, Url
from gatekeeper.config.exposure import leads_to, risk


@pytest.mark.parametrize(
    ("url", "listen", "expected"),
    [
        pytest.param("http://127.0.0.1:9901", "127.0.0.1:9901", True, id="the-same"),
        pytest.param("https://127.0.0.1:9901", "127.0.0.1:9901", True, id="another-scheme"),
        pytest.param("http://127.0.0.1:9902", "127.0.0.1:9901", False, id="another-port"),
        pytest.param("http://127.0.0.2:9901", "127.0.0.1:9901", False, id="another-address-of-the-loopback"),
        pytest.param("http://10.0.0.1:9901", "127.0.0.1:9901", False, id="another-machine"),
        pytest.param("http://localhost:9901", "127.0.0.1:9901", True, id="localhost"),
        pytest.param("http://api.localhost:9901", "[::1]:9901", True, id="below-localhost"),
        pytest.param("http://127.0.0.1:9901", "localhost:9901", True, id="listening-on-localhost"),
        pytest.param("http://[::ffff:127.0.0.1]:9901", "127.0.0.1:9901", True, id="IPv4-in-IPv6"),
        pytest.param("http://0.0.0.0:9901", "127.0.0.1:9901", True, id="everywhere-is-here"),
        pytest.param("http://127.0.0.5:9901", "0.0.0.0:9901", True, id="listening-everywhere"),
        pytest.param("http://[::1]:9901", "[::]:9901", True, id="listening-everywhere-IPv6"),
        pytest.param("http://10.0.0.1:9901", "0.0.0.0:9901", False, id="may-be-another-machine"),
        pytest.param("http://gateway.internal:9901", "gateway.internal:9901", True, id="the-same-name"),
        pytest.param("http://other.internal:9901", "127.0.0.1:9901", False, id="names-are-not-looked-up"),
        pytest.param("unix:///run/admin.sock", "127.0.0.1:9901", False, id="a-socket-file"),
    ],
)
def test_an_instance_may_be_the_admin_listener(url: str, listen: str, expected: bool) -> None:
    """However it is written."""
    assert expected == leads_to(Url.parse(url), Listen.parse(listen))


@pytest.mark.parametrize(
    ("url", "admin", "expected"),
    [
        pytest.param(
            "http://127.0.0.1:9901", Listen("127.0.0.1", 9901), "`admin.listen` of this gateway", id="own"
        ),
        pytest.param("http://127.0.0.1:9901", False, "", id="no-admin-listener"),
        pytest.param("http://169.254.169.254", False, "is link-local", id="metadata-of-a-cloud"),
        pytest.param("http://[fe80::1]:80", False, "is link-local", id="link-local-IPv6"),
        pytest.param("http://10.0.0.1", Listen("127.0.0.1", 9901), "", id="any-other"),
    ],
)
def test_what_may_come_of_it_is_said(url: str, admin: Listen | bool, expected: str) -> None:
    """Where anything is known."""
    found = risk(Url.parse(url), admin)  # type: ignore[arg-type]  # no listener is False

    assert expected in found
    assert bool(expected) == bool(found)
