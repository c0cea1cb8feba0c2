"""Units: what they read, and what they refuse with what to write."""

import re
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.config.addresses import Listen, Network, Url
from gatekeeper.config.document import resolve
from gatekeeper.config.grammar import TYPES, TypeWords
from gatekeeper.config.problems import Refusal
from gatekeeper.config.units import (
    LONGEST,
    UNITS,
    Duration,
    Host,
    HostPattern,
    LiteralPath,
    Method,
    Name,
    Proxies,
    Sha256,
    Share,
    Size,
    Status,
    Version,
    Weight,
    likely_name,
    parse_duration,
    parse_share,
    parse_size,
    show_duration,
    show_share,
    show_size,
)


TIME = "write one like 250ms, 5s, 1.5m, 1h30m or 7d"
NAME = "is no name (a-z first, then a-z, 0-9, - and _, at most 63)"
LABEL = "`*` stands for one label at the start, as in `*.example.com`, or alone for any host"
LETTERS = "it has letters, digits and `-`, with dots between"
NETWORK = "write one like `10.0.0.0/8`, `2001:db8::/32` or an address"


@pytest.mark.parametrize(
    ("unit", "written", "value"),
    [
        (Version, 1, 1),
        (Name, "user-service_2", "user-service_2"),
        (Name, "a", "a"),
        (Name, "a" * 63, "a" * 63),
        (Name, "none", "none"),
        (Duration, "250ms", 0.25),
        (Duration, "5s", 5.0),
        (Duration, "1.5m", 90.0),
        (Duration, "1h30m", 5400.0),
        (Duration, "7d", 604800.0),
        (Duration, "1d2h3m4s", 93784.0),
        (Duration, "1s500ms", 1.5),
        (Duration, "3650d", LONGEST),
        (Duration, "0s", 0.0),
        (Size, "0B", 0),
        (Size, "512B", 512),
        (Size, "8KiB", 8192),
        (Size, "16MiB", 16 << 20),
        (Size, "1GiB", 1 << 30),
        (Status, 100, 100),
        (Status, 404, 404),
        (Status, 599, 599),
        (Host, "api.example.com", "api.example.com"),
        (Host, "user_service-1", "user_service-1"),
        (Host, "127.0.0.1", "127.0.0.1"),
        (Host, "::1", "::1"),
        (HostPattern, "*", "*"),
        (HostPattern, "*.example.com", "*.example.com"),
        (HostPattern, "a.example", "a.example"),
        (Share, "0%", 0.0),
        (Share, "0.5%", 0.005),
        (Share, "20%", 0.2),
        (Share, "100%", 1.0),
        (Share, "7%", 0.07),
        (Weight, 0, 0),
        (Weight, 95, 95),
        (Weight, 1_000_000, 1_000_000),
        (Method, "GET", "GET"),
        (Method, "M-SEARCH", "M-SEARCH"),
        (LiteralPath, "/", "/"),
        (LiteralPath, "/a/b.c/%C3%A9", "/a/b.c/%C3%A9"),
        (LiteralPath, "/.a/b../", "/.a/b../"),
        (Sha256, "0aF9" * 16, "0af9" * 16),
        (Listen, 8080, Listen("0.0.0.0", 8080)),
        (Listen, "127.0.0.1:0", Listen("127.0.0.1", 0)),
        (Listen, "localhost:80", Listen("localhost", 80)),
        (Listen, "systemd", Listen("", 0, handed="")),
        (Listen, "systemd:gatekeeper.socket", Listen("", 0, handed="gatekeeper.socket")),
        (Listen, "unix:///run/a.sock", Listen("", 0, "/run/a.sock")),
        (Listen, f"unix:///{'a' * 106}", Listen("", 0, f"/{'a' * 106}")),
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
        (Proxies, "0.0.0.0/1", ip_network("0.0.0.0/1")),
        (Listen, "[::]:65535", Listen("::", 65535)),
        (Url, "http://a:65535", Url("http", "a", 65535)),
        (Url, "http://a:1", Url("http", "a", 1)),
    ],
)
def test_a_unit_reads_its_notation(unit: Any, written: object, value: object) -> None:
    """The result is a plain value, or a small object."""
    assert value == UNITS[unit].parse(written)


@pytest.mark.parametrize(
    ("unit", "written", "message", "problem_id"),
    [
        (Version, 2, "version 2 of the grammar is not known here; write `version: 1`", "bad-value"),
        (Version, 0, "version 0 of the grammar is not known here; write `version: 1`", "bad-value"),
        (Name, "Users", f"`Users` {NAME}: write `users`", "bad-name"),
        (Name, "user service", f"`user service` {NAME}: write `user-service`", "bad-name"),
        (Name, "9a", f"`9a` {NAME}", "bad-name"),
        (Name, "-a-", f"`-a-` {NAME}: write `a`", "bad-name"),
        (Name, "a" * 64, f"`{'a' * 64}` {NAME}", "bad-name"),
        (Name, "ON", f"`ON` {NAME}", "bad-name"),
        (Name, "no", "`no` is a value in other YAML tools; choose another name", "bad-name"),
        (Name, "y", "`y` is a value in other YAML tools; choose another name", "bad-name"),
        (Name, "off", "`off` is a value in other YAML tools; choose another name", "bad-name"),
        (Name, "null", "`null` is a value in other YAML tools; choose another name", "bad-name"),
        (Duration, 5, "5 has no unit: write 5s or 5ms", "no-unit"),
        (Duration, "1.5", "1.5 has no unit: write 1.5s or 1.5ms", "no-unit"),
        (Duration, "5min", "`5min` is no time; write 5m", "bad-value"),
        (Duration, "2 Seconds", "`2 Seconds` is no time; write 2s", "bad-value"),
        (Duration, "100 millis", "`100 millis` is no time; write 100ms", "bad-value"),
        (Duration, "1.5 hrs", "`1.5 hrs` is no time; write 1.5h", "bad-value"),
        (Duration, "2DAYS", "`2DAYS` is no time; write 2d", "bad-value"),
        (Duration, "3651d", "3651d is longer than ten years; write at most 3650d", "bad-value"),
        (
            Duration,
            "99999999999999999999d",
            "99999999999999999999... is longer than ten years; write at most 3650d",
            "bad-value",
        ),
        (
            Duration,
            "9999999999999999999d",
            "9999999999999999999d is longer than ten years; write at most 3650d",
            "bad-value",
        ),
        (Duration, "3 weeks", f"`3 weeks` is no time; {TIME}", "bad-value"),
        (Duration, "1:30", f"`1:30` is no time; {TIME}", "bad-value"),
        (Duration, "-5s", f"`-5s` is no time; {TIME}", "bad-value"),
        (Duration, "30m1h", f"`30m1h` is no time; {TIME}", "bad-value"),
        (Duration, "", f"`` is no time; {TIME}", "bad-value"),
        (Size, 10, "10 has no unit: write 10B, 10KiB or 10MiB", "no-unit"),
        (Size, "10", "10 has no unit: write 10B, 10KiB or 10MiB", "no-unit"),
        (Size, "10MB", "`10MB` is no size; write 10MiB", "bad-value"),
        (Size, "10k", "`10k` is no size; write 10KiB", "bad-value"),
        (Size, "10 gib", "`10 gib` is no size; write 10GiB", "bad-value"),
        (Size, 1.5, "1.5 has no unit: write 1.5B, 1.5KiB or 1.5MiB", "no-unit"),
        (Size, "big", "`big` is no size; write one like 512B, 8KiB, 16MiB or 1GiB", "bad-value"),
        (Status, "404", "`404` is no status; write 404 without quotes", "wrong-type"),
        (Status, "5xx", "`5xx` is no status", "bad-value"),
        (Status, 99, "99 is no status; there are 100 to 599", "bad-value"),
        (Status, 600, "600 is no status; there are 100 to 599", "bad-value"),
        (
            Host,
            "a.example:80",
            "`a.example:80`: a host has no scheme, port and path: write `a.example`",
            "bad-value",
        ),
        (Host, "A.example", "hosts are in lower case: write `a.example`", "bad-value"),
        (Host, "a..b", f"`a..b` is no host name; {LETTERS}", "bad-value"),
        (Host, "127.1", f"`127.1` is no host name; {LETTERS}", "bad-value"),
        (
            Host,
            "http://a.example/x",
            "`http://a.example/x`: a host has no scheme, port and path: write `a.example`",
            "bad-value",
        ),
        (
            Host,
            "bücher.example",
            "`bücher.example` is no host name: write `xn--bcher-kva.example`",
            "bad-value",
        ),
        (Host, "é" * 70, f"`{'é' * 70}` is no host name; {LETTERS}", "bad-value"),
        (HostPattern, "a.*", f"`a.*`: {LABEL}", "bad-value"),
        (HostPattern, "*.*.example", f"`*.*.example`: {LABEL}", "bad-value"),
        (HostPattern, "*.127.0.0.1", f"`*.127.0.0.1`: {LABEL}", "bad-value"),
        (HostPattern, "*.A.example", "hosts are in lower case: write `a.example`", "bad-value"),
        (Share, 0.2, "0.2 has no unit: write 20%", "no-unit"),
        (Share, 0, "0 has no unit: write 0%", "no-unit"),
        (Share, 1, "1 has no unit: write 100%", "no-unit"),
        (Share, 1.5, "1.5 has no unit: write 1.5%", "no-unit"),
        (Share, 20, "20 has no unit: write 20%", "no-unit"),
        (Share, "20", "20 has no unit: write 20%", "no-unit"),
        (Share, "half", "`half` is no share; write one like 0.5%, 20% or 100%", "bad-value"),
        (Share, "100.1%", "`100.1%` is more than the whole; write at most 100%", "bad-value"),
        (Share, "120%", "`120%` is more than the whole; write at most 100%", "bad-value"),
        (Weight, -1, "-1 is no weight; write 0 to 1000000", "bad-value"),
        (Weight, 1_000_001, "1000001 is no weight; write 0 to 1000000", "bad-value"),
        (
            Name,
            "http://a",
            "`http://a` is an address; give it a name under `services`, and write that",
            "bad-name",
        ),
        (Name, "/users", "`/users` is a path, which stands in `match`; choose a name", "bad-name"),
        (Name, "${A}", "`${A}`: variables stand in values, and not in names", "bad-name"),
        (Method, "GET, PUT", "`GET, PUT` are several methods: write `[GET, PUT]`", "bad-value"),
        (LiteralPath, "/**", "`/**`: `**` has no meaning here: write `/`", "bad-value"),
        (
            Listen,
            "http://a:80",
            '`http://a:80`: an address to listen on has no scheme, as in "0.0.0.0:8080"',
            "bad-value",
        ),
        (Method, "get", "methods are in upper case: write GET", "bad-value"),
        (Method, "Get-x", "methods are in upper case: write GET-X", "bad-value"),
        (
            Method,
            "GET PUT|POST",
            "`GET PUT|POST` are several methods: write `[GET, PUT, POST]`",
            "bad-value",
        ),
        (Method, "*", "`*` is no method; for any method leave `method` out", "bad-value"),
        (LiteralPath, "health", "a path begins with `/`: write `/health`", "bad-value"),
        (LiteralPath, "/a/{x}", "`/a/{x}`: captures and `**` have no meaning here", "bad-value"),
        (LiteralPath, "/a/**", "`/a/**`: `**` has no meaning here: write `/a`", "bad-value"),
        (LiteralPath, "/a*", "`/a*`: captures and `**` have no meaning here", "bad-value"),
        (LiteralPath, "/{x}/**", "`/{x}/**`: captures and `**` have no meaning here", "bad-value"),
        (LiteralPath, "/*/**", "`/*/**`: captures and `**` have no meaning here", "bad-value"),
        (LiteralPath, "/a%2", "`/a%2` holds what has to be escaped in a path", "bad-value"),
        (LiteralPath, "/a?b", "`/a?b` holds what has to be escaped in a path", "bad-value"),
        (LiteralPath, "/a//b", "`/a//b` is not in canonical form: leave out `//`, `.` and `..`", "bad-value"),
        (LiteralPath, "/./a", "`/./a` is not in canonical form: leave out `//`, `.` and `..`", "bad-value"),
        (
            Sha256,
            "0af" * 21,
            "a SHA-256 is 64 hexadecimal digits; `printf %s TOKEN | sha256sum` writes that of a token",
            "bad-value",
        ),
        (
            Sha256,
            "x" * 64,
            "a SHA-256 is 64 hexadecimal digits; `printf %s TOKEN | sha256sum` writes that of a token",
            "bad-value",
        ),
        (LiteralPath, "/a/..", "`/a/..` is not in canonical form: leave out `//`, `.` and `..`", "bad-value"),
        (Listen, "8080", "write 8080 without quotes", "wrong-type"),
        (Listen, 70000, "no port `70000`; there are 1 to 65535", "bad-value"),
        (Listen, 65536, "no port `65536`; there are 1 to 65535", "bad-value"),
        (Listen, -1, "no port `-1`; there are 1 to 65535", "bad-value"),
        (Listen, "a:65536", "no port `65536`; there are 1 to 65535", "bad-value"),
        (Listen, "localhost", '`localhost` has no port: write "localhost:8080"', "bad-value"),
        (
            Listen,
            "unix:/run/a.sock",
            '`unix:/run/a.sock`: a socket file has a whole path: write "unix:///run/a.sock"',
            "bad-value",
        ),
        (
            Listen,
            "systemd:",
            '`systemd:`: write "systemd", or "systemd:NAME" with the `FileDescriptorName=` of a socket',
            "bad-value",
        ),
        (
            Listen,
            "systemd:a:b",
            '`systemd:a:b`: write "systemd", or "systemd:NAME" with the `FileDescriptorName=` of a socket',
            "bad-value",
        ),
        (
            Listen,
            "unix:a.sock",
            '`unix:a.sock`: a socket file has a whole path: write "unix:///a.sock"',
            "bad-value",
        ),
        (
            Listen,
            "unix://run/",
            '`unix://run/`: a socket file has a whole path: write "unix:///run"',
            "bad-value",
        ),
        (
            Listen,
            "unix:///",
            '`unix:///`: a socket file has a whole path: write "unix:///run/gateway.sock"',
            "bad-value",
        ),
        (
            Listen,
            "unix:",
            '`unix:`: a socket file has a whole path: write "unix:///run/gateway.sock"',
            "bad-value",
        ),
        (
            Listen,
            f"unix:///{'é' * 54}",
            "the path of a socket file has at most 107 bytes; this one has 109",
            "bad-value",
        ),
        (Listen, "localhost:http", "no port `http`; there are 1 to 65535", "bad-value"),
        (Listen, ":8080", '`:8080` has no host: write 8080 or "0.0.0.0:8080"', "bad-value"),
        (Listen, "::1:80", '`::1:80`: write an IPv6 address in brackets, like "[::1]:8080"', "bad-value"),
        (Listen, "[x]:80", "`x` is no IPv6 address", "bad-value"),
        (Listen, "a]:80", '`a]:80` is no address; write 8080, "0.0.0.0:8080" or "[::1]:8080"', "bad-value"),
        (Url, "localhost:80", "`localhost:80` has no scheme: write `http://localhost:80`", "bad-value"),
        (Url, "h2c://a", "`h2c` is no scheme of an instance; there are http, https and unix", "bad-value"),
        (
            Url,
            "http://u:p@a",
            "credentials do not stand in an address; send them with `transform`, from a variable",
            "bad-value",
        ),
        (
            Url,
            "http://a/x",
            "`/x` does not belong in an address; use `rewrite.prefix` of the route",
            "bad-value",
        ),
        (
            Url,
            "http://a?x",
            "`?x` does not belong in an address; `transform` of the route changes queries",
            "bad-value",
        ),
        (
            Url,
            "http://a#x",
            "`#x` does not belong in an address; `transform` of the route changes queries",
            "bad-value",
        ),
        (
            Url,
            "unix:///",
            "`unix:///`: a socket file has a whole path, like `unix:///run/app.sock`",
            "bad-value",
        ),
        (Url, "http://a:65536", "no port `65536`; there are 1 to 65535", "bad-value"),
        (Url, "http://a:70000", "no port `70000`; there are 1 to 65535", "bad-value"),
        (Url, "http://a:0", "no port `0`; there are 1 to 65535", "bad-value"),
        (Url, "http://a:", "the port is missing behind the `:`", "bad-value"),
        (Url, "http://", "`http://` has no host", "bad-value"),
        (Url, "http://::1", "`::1` is no host; IPv6 addresses stand in brackets", "bad-value"),
        (Url, "http://[x]", "`[x]` is no host; IPv6 addresses stand in brackets", "bad-value"),
        (Url, "http://-a", f"`-a` is no host name; {LETTERS}", "bad-value"),
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
        (Network, "10.0.0.0/33", f"`10.0.0.0/33` is no network; {NETWORK}", "bad-value"),
        (Network, "127.1", f"`127.1` is no network; {NETWORK}", "bad-value"),
        (Network, "lan", f"`lan` is no network; {NETWORK}", "bad-value"),
        (
            Proxies,
            "0.0.0.0/0",
            "`0.0.0.0/0` would believe everybody; name the networks of your own proxies",
            "insecure",
        ),
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


@pytest.mark.parametrize("seconds", [0.0, 0.25, 0.0001, 1.0, 5.0, 90.0, 5400.0, 86400.0, 90061.5, 0.3333333])
def test_a_time_is_shown_as_it_is_read(seconds: float) -> None:
    """The same number comes back."""
    assert seconds == UNITS[Duration].parse(show_duration(seconds))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (show_duration(0.0), "0s"),
        (show_duration(0.25), "250ms"),
        (show_duration(1.0), "1s"),
        (show_duration(60.0), "1m"),
        (show_duration(90.0), "1m30s"),
        (show_duration(3600.5), "1h0.5s"),
        (show_duration(93784.0), "1d2h3m4s"),
        (show_size(512), "512B"),
        (show_size(1025), "1025B"),
        (show_size(8192), "8KiB"),
        (show_size(1 << 20), "1MiB"),
        (show_size(1025 << 20), "1025MiB"),
        (show_size(2 << 30), "2GiB"),
        (show_size(0), "0B"),
        (show_share(0.0), "0%"),
        (show_share(0.2), "20%"),
        (show_share(0.005), "0.5%"),
        (show_share(1.0), "100%"),
    ],
)
def test_a_value_is_shown_in_its_unit(shown: str, expected: str) -> None:
    """In the largest one without fraction."""
    assert expected == shown


@pytest.mark.parametrize(
    ("written", "name"),
    [("Users", "users"), ("user service", "user-service"), ("NO", None), ("9", None), ("a.b", "a-b")],
)
def test_the_name_that_was_meant(written: str, name: str | None) -> None:
    """None, where it would be no name either."""
    assert name == likely_name(written)


@pytest.mark.parametrize(
    ("unit", "good", "bad"),
    [
        (Name, "users", "Users"),
        (Duration, "1h30m", "5min"),
        (Size, "8KiB", "8KB"),
        (Share, "20%", "20"),
        (Share, "100%", "101%"),
        (Share, "99.5%", "100.5%"),
        (Name, "a" * 63, "a" * 64),
        (Name, "nobody", "no"),
        (Sha256, "a" * 64, "a" * 63),
        (LiteralPath, "/a.b/", "/a/."),
        (LiteralPath, "/", "/a//b"),
        (Proxies, "10.0.0.0/8", "0.0.0.0/0"),
        (HostPattern, "*", "*."),
        (Method, "GET", "get"),
        (LiteralPath, "/a/b", "a"),
        (Listen, "[::1]:80", "80"),
        (Url, "http://a:80", "a:80"),
        (Network, "10.0.0.0/8", "office"),
        (HostPattern, "*.example.com", "a.*"),
    ],
)
def test_patterns_tell_good_from_bad(unit: Any, good: str, bad: str) -> None:
    """As far as a schema can."""
    pattern = UNITS[unit].pattern

    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)


# ---- the way back ---------------------------------------------------------------------------------------------------


@given(st.floats(0, LONGEST))
def test_a_time_stays_itself(seconds: float) -> None:
    """To the last digit."""
    assert seconds == parse_duration(show_duration(seconds))


@given(st.floats(0, 1))
def test_a_share_stays_itself(share: float) -> None:
    """To the last digit."""
    assert share == parse_share(show_share(share))


@given(st.integers(0, 1 << 60))
def test_a_size_stays_itself(size: int) -> None:
    """In whatever unit."""
    assert size == parse_size(show_size(size))


@pytest.mark.parametrize("words", TYPES.values(), ids=TYPES.keys())
def test_patterns_take_what_is_read(words: TypeWords) -> None:
    """A schema has nothing else; what is refused may look right to it."""
    if words.kind not in UNITS:
        return
    unit = UNITS[words.kind]
    for text in words.written:
        plain = resolve(text.strip('"')) if not text.startswith('"') else text.strip('"')
        if isinstance(plain, int):
            assert unit.between is not None
            assert unit.between[0] <= plain <= unit.between[1]
        else:
            assert re.fullmatch(unit.pattern, str(plain))
