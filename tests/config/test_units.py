"""Units: what they read, and what they refuse with what to write."""

from ipaddress import ip_network
from typing import Any

import pytest

from gatekeeper.config.problems import Refusal
from gatekeeper.config.units import (
    UNITS,
    Duration,
    Host,
    Listen,
    LiteralPath,
    Method,
    Name,
    Network,
    Proxies,
    Size,
    Status,
    Url,
    Version,
)


TIME = "write one like 250ms, 5s, 1.5m, 1h30m or 7d"
NAME = "is no name (a-z first, then a-z, 0-9, - and _, at most 63)"
NETWORK = "write one like `10.0.0.0/8`, `2001:db8::/32` or an address"


@pytest.mark.parametrize(
    ("unit", "written", "value"),
    [
        (Version, 1, 1),
        (Name, "user-service_2", "user-service_2"),
        (Name, "a" * 63, "a" * 63),
        (Duration, "250ms", 0.25),
        (Duration, "5s", 5.0),
        (Duration, "1.5m", 90.0),
        (Duration, "1h30m", 5400.0),
        (Duration, "7d", 604800.0),
        (Duration, "0s", 0.0),
        (Size, "512B", 512),
        (Size, "8KiB", 8192),
        (Size, "16MiB", 16 << 20),
        (Size, "1GiB", 1 << 30),
        (Status, 404, 404),
        (Host, "api.example.com", "api.example.com"),
        (Host, "user_service-1", "user_service-1"),
        (Host, "127.0.0.1", "127.0.0.1"),
        (Host, "::1", "::1"),
        (Method, "GET", "GET"),
        (Method, "M-SEARCH", "M-SEARCH"),
        (LiteralPath, "/a/b.c/%C3%A9", "/a/b.c/%C3%A9"),
        (Listen, 8080, Listen("0.0.0.0", 8080)),
        (Listen, "127.0.0.1:0", Listen("127.0.0.1", 0)),
        (Listen, "localhost:80", Listen("localhost", 80)),
        (Listen, "[::1]:8080", Listen("::1", 8080)),
        (Url, "http://localhost:3000", Url("http", "localhost", 3000)),
        (Url, "http://Users", Url("http", "users", 80)),
        (Url, "https://users/", Url("https", "users", 443)),
        (Url, "https://[2001:db8::1]:8443", Url("https", "2001:db8::1", 8443)),
        (Url, "unix:///run/app.sock", Url("unix", "", 0, "/run/app.sock")),
        (Network, "10.0.0.0/8", ip_network("10.0.0.0/8")),
        (Network, "2001:db8::/32", ip_network("2001:db8::/32")),
        (Network, "192.0.2.1", ip_network("192.0.2.1/32")),
        (Proxies, "10.0.0.0/8", ip_network("10.0.0.0/8")),
    ],
)
def test_a_unit_reads_its_notation(unit: Any, written: object, value: object) -> None:
    """The result is a plain value, or a small object."""
    assert value == UNITS[unit].parse(written)


@pytest.mark.parametrize(
    ("unit", "written", "message", "problem_id"),
    [
        (Version, 2, "version 2 of the grammar is not known here; write `version: 1`", "bad-value"),
        (Name, "Users", f"`Users` {NAME}: write `users`", "bad-name"),
        (Name, "user service", f"`user service` {NAME}: write `user-service`", "bad-name"),
        (Name, "9a", f"`9a` {NAME}", "bad-name"),
        (Name, "ON", f"`ON` {NAME}", "bad-name"),
        (Name, "no", "`no` is a value in other YAML tools; choose another name", "bad-name"),
        (Duration, 5, "5 has no unit: write 5s or 5ms", "no-unit"),
        (Duration, "1.5", "1.5 has no unit: write 1.5s or 1.5ms", "no-unit"),
        (Duration, "5min", "`5min` is no time; write 5m", "bad-value"),
        (Duration, "2 Seconds", "`2 Seconds` is no time; write 2s", "bad-value"),
        (Duration, "100 millis", "`100 millis` is no time; write 100ms", "bad-value"),
        (Duration, "3 weeks", f"`3 weeks` is no time; {TIME}", "bad-value"),
        (Duration, "1:30", f"`1:30` is no time; {TIME}", "bad-value"),
        (Duration, "-5s", f"`-5s` is no time; {TIME}", "bad-value"),
        (Duration, "30m1h", f"`30m1h` is no time; {TIME}", "bad-value"),
        (Duration, "", f"`` is no time; {TIME}", "bad-value"),
        (Size, 10, "10 has no unit: write 10B, 10KiB or 10MiB", "no-unit"),
        (Size, "10", "10 has no unit: write 10B, 10KiB or 10MiB", "no-unit"),
        (Size, "10MB", "`10MB` is no size; write 10MiB", "bad-value"),
        (Size, "10k", "`10k` is no size; write 10KiB", "bad-value"),
        (Size, "big", "`big` is no size; write one like 512B, 8KiB, 16MiB or 1GiB", "bad-value"),
        (Status, "404", "`404` is no status; write 404 without quotes", "wrong-type"),
        (Status, "5xx", "`5xx` is no status", "bad-value"),
        (Status, 600, "600 is no status; there are 100 to 599", "bad-value"),
        (Host, "a.example:80", "`a.example:80`: a host is written without port", "bad-value"),
        (Host, "A.example", "hosts are in lower case: write `a.example`", "bad-value"),
        (Host, "a..b", "`a..b` is no host name", "bad-value"),
        (Host, "127.1", "`127.1` is no host name", "bad-value"),
        (Method, "get", "methods are in upper case: write GET", "bad-value"),
        (Method, "*", "`*` is no method; for any method leave `method` out", "bad-value"),
        (LiteralPath, "health", "a path begins with `/`: write `/health`", "bad-value"),
        (LiteralPath, "/a/{x}", "`/a/{x}`: captures and `**` have no meaning here", "bad-value"),
        (LiteralPath, "/a/**", "`/a/**`: captures and `**` have no meaning here", "bad-value"),
        (LiteralPath, "/a?b", "`/a?b` holds what has to be escaped in a path", "bad-value"),
        (LiteralPath, "/a//b", "`/a//b` is not in canonical form: leave out `//`, `.` and `..`", "bad-value"),
        (LiteralPath, "/a/..", "`/a/..` is not in canonical form: leave out `//`, `.` and `..`", "bad-value"),
        (Listen, "8080", "write 8080 without quotes", "wrong-type"),
        (Listen, 70000, "port 70000; there are 1 to 65535", "bad-value"),
        (Listen, "localhost", '`localhost` has no port: write "localhost:8080"', "bad-value"),
        (Listen, "localhost:http", "port http; there are 1 to 65535", "bad-value"),
        (Listen, ":8080", '`:8080` has no host: write 8080 or "0.0.0.0:8080"', "bad-value"),
        (Listen, "::1:80", '`::1:80`: write an IPv6 address in brackets, like "[::1]:8080"', "bad-value"),
        (Listen, "[x]:80", "`x` is no IPv6 address", "bad-value"),
        (Listen, "a]:80", '`a]:80` is no address; write 8080, "0.0.0.0:8080" or "[::1]:8080"', "bad-value"),
        (Url, "localhost:80", "`localhost:80` has no scheme: write `http://localhost:80`", "bad-value"),
        (Url, "h2c://a", "`h2c` is no scheme of an instance; there are http, https and unix", "bad-value"),
        (Url, "http://u:p@a", "credentials do not stand in an address; use `upstream_auth`", "bad-value"),
        (
            Url,
            "http://a/x",
            "`/x` does not belong in an address; use `rewrite.prefix` of the route",
            "bad-value",
        ),
        (Url, "http://a?x", "`?x` does not belong in an address", "bad-value"),
        (Url, "http://a:70000", "port 70000; there are 1 to 65535", "bad-value"),
        (Url, "http://a:0", "port 0; there are 1 to 65535", "bad-value"),
        (Url, "http://a:", "port is missing behind the `:`", "bad-value"),
        (Url, "http://", "`http://` has no host", "bad-value"),
        (Url, "http://::1", "`::1` is no host; IPv6 addresses stand in brackets", "bad-value"),
        (Url, "http://[x]", "`[x]` is no host; IPv6 addresses stand in brackets", "bad-value"),
        (Url, "http://-a", "`-a` is no host name", "bad-value"),
        (
            Url,
            "unix://app",
            "`unix://app`: a socket file has a whole path, like `unix:///run/app.sock`",
            "bad-value",
        ),
        (
            Network,
            "10.0.0.1/8",
            "`10.0.0.1/8` has bits set beyond its prefix: write `10.0.0.0/8`",
            "bad-value",
        ),
        (Network, "127.1", f"`127.1` is no network; {NETWORK}", "bad-value"),
        (Network, "lan", f"`lan` is no network; {NETWORK}", "bad-value"),
        (
            Proxies,
            "::/0",
            "`::/0` would believe everybody; name the networks of your own proxies",
            "insecure",
        ),
    ],
)
def test_a_unit_refuses_with_what_to_write(unit: Any, written: object, message: str, problem_id: str) -> None:
    """CFG-05, CFG-10: each refusal is a lesson."""
    with pytest.raises(Refusal) as caught:
        UNITS[unit].parse(written)

    assert message == str(caught.value)
    assert problem_id == caught.value.id


@pytest.mark.parametrize(
    "written",
    ["http://a", "https://a:8443", "http://a:443", "https://[::1]", "unix:///run/app.sock"],
)
def test_an_address_is_written_in_one_way(written: str) -> None:
    """The usual port is left out."""
    assert written == str(Url.parse(written))


@pytest.mark.parametrize("written", ["0.0.0.0:8080", "[::1]:80", "localhost:0"])
def test_a_listener_is_written_with_its_host(written: str) -> None:
    """A port alone has become an address."""
    assert written == str(Listen.parse(written))
