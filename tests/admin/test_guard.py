"""Who may not even ask: pages of other sites, proxies, names that somebody made mean this machine."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from gatekeeper.admin.errors import AdminError
from gatekeeper.admin.guard import HEADERS, check_page, check_way, dress, media_type, peer
from gatekeeper.admin.users import User
from tests.admin.conftest import StartAdmin
from tests.admin.memory import MemoryNode


USER = User("x", "admin", "0" * 64)
JSON = {"Content-Type": "application/json"}

HOSTS = [
    ("localhost", True),
    ("LOCALHOST", True),
    ("localhost.", False),
    ("localhost:9901", True),
    ("127.0.0.1", True),
    ("127.0.0.1:9901", True),
    ("127.0.0.2:9901", True),
    ("[::1]:9901", True),
    ("[::1]", True),
    ("evil.example", False),
    ("localhost.evil.example", False),
    ("127.0.0.1.evil.example", False),
    ("[::1].evil.example", False),
    ("[::1]evil.example:9901", False),
    ("localhost:9901:evil", False),
    ("localhost:", False),
    ("128.0.0.1", False),
    ("", False),
]


@pytest.mark.parametrize("users", [(), (USER,)], ids=["without-users", "with-users"])
async def test_on_loopback_it_is_asked_by_its_name(admin: StartAdmin, users: tuple[User, ...]) -> None:
    """A page of a site whose name was made to mean 127.0.0.1 (DNS rebinding) gets nothing, not even this."""
    started = await admin(users=users)
    for host, good in HOSTS:
        answer = await started.ask("GET", "/healthz", host=host)

        assert (host, 200 if good else 403) == (host, answer.status)
        assert good == (b'"ok"' in answer.body)


def test_two_hosts_are_none() -> None:
    """Whoever looks at the other one is misled; aiohttp refuses them already."""
    request = make_mocked_request("GET", "/", CIMultiDict([("Host", "localhost"), ("Host", "localhost")]))

    with pytest.raises(AdminError) as caught:
        check_way(request, loopback=False, trusting=False)
    assert 403 == caught.value.status


@pytest.mark.parametrize("host", ["gateway.example", "10.0.0.5:9901", "evil.example", "localhost"])
async def test_beyond_loopback_any_name_will_do(admin: StartAdmin, host: str) -> None:
    """A browser sends no token by itself, whatever a name means."""
    started = await admin(users=[USER], loopback=False, address="0.0.0.0")

    assert (200, 401) == (
        (await started.ask("GET", "/readyz", host=host)).status,
        (await started.ask("GET", "/", host=host)).status,
    )


@pytest.mark.parametrize(
    "target",
    ["http://localhost/metrics", "http://evil.example/metrics", "*", "localhost:80", "HTTP://localhost/"],
)
async def test_adm_01_a_target_is_a_path(admin: StartAdmin, target: str) -> None:
    """An absolute one would name a second host."""
    started = await admin()
    for method in ("GET", "OPTIONS", "CONNECT"):
        request = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = await started.raw(request.encode())

        assert b" 400 " in answer.partition(b"\r\n")[0], method
        assert b"gatekeeper_x" not in answer


@pytest.mark.parametrize("field", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"])
async def test_adm_01_without_users_nobody_comes_through_a_proxy(admin: StartAdmin, field: str) -> None:
    """A route of the gateway that leads here comes from this machine too."""
    open_to_all = await admin()
    with_users = await admin(users=[USER])

    assert 403 == (await open_to_all.ask("GET", "/metrics", headers={field: "127.0.0.1"})).status
    assert 401 == (await with_users.ask("GET", "/metrics", headers={field: "127.0.0.1"})).status


@pytest.mark.parametrize(
    ("address", "good"),
    [
        pytest.param("127.0.0.1", True, id="ipv4"),
        pytest.param("127.9.9.9", True, id="loopback-is-a-network"),
        pytest.param("::1", True, id="ipv6"),
        pytest.param("::ffff:127.0.0.1", True, id="ipv4-in-ipv6"),
        pytest.param("::ffff:10.0.0.1", False, id="other-ipv4-in-ipv6"),
        pytest.param("10.0.0.1", False, id="private"),
        pytest.param("fe80::1%eth0", False, id="link-local"),
        pytest.param("", False, id="unknown"),
    ],
)
def test_adm_02_without_users_only_this_machine_is_answered(address: str, good: bool) -> None:
    """Wherever somebody made it listen."""
    transport = _Transport(address)
    request = make_mocked_request("GET", "/", {"Host": "localhost"}, transport=transport)

    if good:
        check_way(request, loopback=True, trusting=True)
    else:
        with pytest.raises(AdminError) as caught:
            check_way(request, loopback=True, trusting=True)
        assert 403 == caught.value.status
    check_way(request, loopback=True, trusting=False)


class _Transport:
    def __init__(self, address: str) -> None:
        self.address = address

    def get_extra_info(self, name: str) -> tuple[str, int] | None:
        return (self.address, 1) if self.address and name == "peername" else None


def test_a_peer_without_a_connection() -> None:
    """It has gone already."""
    request = make_mocked_request("GET", "/", transport=_Transport(""))

    assert "" == peer(request)


SIDE_EFFECTS = [
    pytest.param({"Origin": "https://evil.example", **JSON}, 403, id="another-site"),
    pytest.param({"Origin": "null", **JSON}, 403, id="ADM-05-origin-null"),
    pytest.param({"Origin": "http://localhost", **JSON}, 403, id="another-port-of-this-machine"),
    pytest.param({"Sec-Fetch-Site": "cross-site", **JSON}, 403, id="cross-site"),
    pytest.param({"Sec-Fetch-Site": "same-site", **JSON}, 403, id="same-site-is-another-port"),
    pytest.param({"Sec-Fetch-Site": "", **JSON}, 403, id="nonsense"),
    pytest.param({"Content-Type": "text/plain"}, 415, id="ADM-05-plain-text"),
    pytest.param({"Content-Type": "text/plain; application/json"}, 415, id="ADM-05-disguised"),
    pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, 415, id="ADM-05-form"),
    pytest.param({"Content-Type": "multipart/form-data; boundary=x"}, 415, id="ADM-05-upload"),
    pytest.param({}, 415, id="ADM-05-beacon-without-type"),
    pytest.param({"Content-Type": "application/json, text/plain"}, 415, id="two-in-one"),
]


@pytest.mark.parametrize(("headers", "status"), SIDE_EFFECTS)
async def test_adm_05_pages_change_nothing(admin: StartAdmin, headers: dict[str, str], status: int) -> None:
    """No token is needed here, so that everything else would pass."""
    node = MemoryNode()
    started = await admin(node)
    path = "/gateway/services/users/instances/http:%2F%2Fa:1"
    for method in ("POST", "PATCH", "DELETE", "PUT", "PURGE"):
        answer = await started.ask(method, path, headers=headers, body=b'{"drain": true}')

        assert (method, status) == (method, answer.status)
    assert [] == node.calls


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(JSON, id="json"),
        pytest.param({"Content-Type": "Application/JSON; charset=utf-8"}, id="as-some-write-it"),
        pytest.param({**JSON, "Sec-Fetch-Site": "same-origin"}, id="own-page"),
        pytest.param({**JSON, "Sec-Fetch-Site": "none"}, id="no-page"),
    ],
)
async def test_programs_do(admin: StartAdmin, headers: dict[str, str]) -> None:
    """They send none of that."""
    answer = await (await admin()).ask(
        "PATCH",
        "/gateway/services/users/instances/http:%2F%2Fa:1",
        headers=headers,
        body=b'{"drain": true}',
    )

    assert 200 == answer.status


async def test_what_has_no_body_needs_no_type(admin: StartAdmin) -> None:
    """`curl -X POST .../reload` works."""
    assert 200 == (await (await admin()).ask("POST", "/gateway/reload")).status


def test_two_types_are_none() -> None:
    """As with two hosts."""
    fields = CIMultiDict([("Content-Type", "application/json"), ("Content-Type", "text/plain")])

    with pytest.raises(AdminError) as caught:
        check_page(make_mocked_request("POST", "/", fields))
    assert 415 == caught.value.status


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_changes_nothing_may_come_from_anywhere(method: str) -> None:
    """A page cannot read the answer."""
    check_page(make_mocked_request(method, "/", {"Origin": "https://evil.example"}))


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        pytest.param("GET", "/", {}, id="answer"),
        pytest.param("GET", "/metrics", {"Origin": "https://evil.example"}, id="ADM-06-asked-by-a-page"),
        pytest.param("HEAD", "/", {}, id="head"),
        pytest.param("GET", "/nothing", {}, id="not-found"),
        pytest.param("PUT", "/", {}, id="wrong-method"),
        pytest.param("GET", "/", {"Host": "evil.example"}, id="refused"),
        pytest.param("GET", "/", {"Expect": "x"}, id="expectation"),
        pytest.param(
            "OPTIONS",
            "/",
            {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
            id="ADM-06-preflight",
        ),
        pytest.param("GET", "/gateway/config", {}, id="yaml"),
        pytest.param("POST", "/gateway/drain", {"Origin": "null"}, id="cross-site"),
    ],
)
async def test_adm_06_and_08_what_every_answer_has(
    admin: StartAdmin, method: str, target: str, headers: dict[str, str]
) -> None:
    """No framing, no sniffing, no caching, no scripts, no CORS; and nothing about what runs here."""
    answer = await (await admin()).ask(method, target, headers=headers)

    assert ["nosniff", "no-store", "default-src 'none'; frame-ancestors 'none'", "DENY", "same-origin"] == [
        answer.get(name) for name in HEADERS
    ]
    assert [] == [name for name, _ in answer.headers if name.lower().startswith(b"access-control")]
    assert "gatekeeper" == answer.get("server")


def test_a_plugin_keeps_its_policy_and_loses_cors() -> None:
    """Its pages may need scripts; nobody may read them from elsewhere."""
    response = web.Response(
        headers={
            "content-security-policy": "script-src 'self'",
            "access-control-allow-origin": "*",
            "Access-Control-Allow-Credentials": "true",
        }
    )
    dress(response)

    assert "script-src 'self'" == response.headers["Content-Security-Policy"]
    assert {"server", *map(str.lower, HEADERS)} == {name.lower() for name in response.headers}


def test_media_types_are_compared_without_case_and_parameters() -> None:
    """RFC 9110 section 8.3.1."""
    request = make_mocked_request("POST", "/", {"Content-Type": " Application/JSON ; charset=utf-8"})

    assert "application/json" == media_type(request)
    assert "" == media_type(make_mocked_request("POST", "/"))
