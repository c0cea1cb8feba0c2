"""FWD-07: who somebody is, in the words of those who authenticate others; no client may use them.

They are gone on every route and from every peer, a trusted one included: it is a filter of the gateway that says them.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Row, Sent, declined, forwarded
from tests.wire.rows.parts import BEHIND, placed, request


NAMES: Final = (
    # of the reference, and of its families
    *(b"X-User-Id", b"X-User-Roles", b"X-User-Role", b"X-User-Name", b"X-User-Email", b"X-User-Groups"),
    *(b"X-User-Scopes", b"X-User-Id-Verified", b"X-User-Groups-Of"),
    *(b"X-Consumer-Id", b"X-Consumer-Username", b"X-Consumer-Custom-Id", b"X-Consumer-Groups", b"X-Consumer"),
    *(b"X-Authenticated-Userid", b"X-Authenticated-Scope", b"X-Authenticated-Groups", b"X-Authenticated"),
    *(b"X-Credential-Identifier", b"X-Credential-Username", b"X-Anonymous-Consumer"),
    # oauth2-proxy, Apache, nginx
    *(
        b"X-Auth-Request-User",
        b"X-Auth-Request-Email",
        b"X-Auth-Request-Access-Token",
        b"X-Auth-Request-Groups",
    ),
    *(b"X-Forwarded-User", b"X-Forwarded-Email", b"X-Forwarded-Groups", b"X-Forwarded-Preferred-Username"),
    *(b"X-Forwarded-Access-Token", b"X-Forwarded-Client-Cert", b"Remote-User", b"X-Remote-User"),
    *(b"X-Remote-Group", b"X-Remote-Groups", b"X-Remote-User-Id"),
    # certificates that a proxy has checked
    *(
        b"SSL-Client-Cert",
        b"SSL-Client-Verify",
        b"SSL-Client-S-DN",
        b"X-SSL-Client-Cert",
        b"X-SSL-Client-Verify",
    ),
    *(b"X-Client-Cert", b"X-Client-Cert-Chain", b"X-TLS-Client-Cert", b"X-Envoy-Peer-Metadata"),
)

RARER: Final[Mapping[str, tuple[bytes, ...]]] = {
    # what others put there unsigned; who signs it may have it passed
    "RFC 9440": (b"Client-Cert", b"Client-Cert-Chain"),
    "Authelia": (b"Remote-Name", b"Remote-Email", b"Remote-Groups"),
    "authentik": (b"X-authentik-username", b"X-authentik-groups", b"X-authentik-entitlements"),
    "Grafana": (b"X-WEBAUTH-USER", b"X-WEBAUTH-ROLE"),
    "Google": (b"X-Goog-Authenticated-User-Email", b"X-Endpoint-API-UserInfo", b"X-Apigateway-Api-Userinfo"),
    "Cloudflare": (b"Cf-Access-Authenticated-User-Email",),
    "Amazon": (b"X-Amzn-Oidc-Identity", b"X-Amzn-Mtls-Clientcert", b"X-Amzn-Mtls-Clientcert-Subject"),
    "Azure": (
        b"X-MS-Client-Principal",
        b"X-MS-Client-Principal-Id",
        b"X-MS-Client-Principal-Name",
        b"X-ARR-ClientCert",
    ),
    "Traefik": (b"X-Forwarded-Tls-Client-Cert", b"X-Forwarded-Tls-Client-Cert-Info"),
    "Pomerium": (b"X-Pomerium-Claim-Email",),
    "Vouch": (b"X-Vouch-User", b"X-Vouch-Idp-Claims-Groups"),
    "Tailscale": (b"Tailscale-User-Login", b"Tailscale-User-Name"),
    "Istio": (b"X-Jwt-Payload", b"X-Jwt-Claim-Sub"),
    "a family": (b"X-Forwarded-Roles", b"X-Forwarded-Something"),
    "nginx": (b"X-SSL-Cert", b"X-Client-DN", b"X-Client-Verify"),
}

PASSED: Final = (
    # names that only look like these
    *(
        b"X-User-Agent",
        b"X-User-Idle",
        b"X-Userland",
        b"X-User",
        b"X-Used-Id",
        b"X-Consumerism",
        b"X-Authenticate",
    ),
    *(b"User-Id", b"My-X-User-Id", b"X-User-Names-Of", b"Remote-Users", b"X-Remote-Control", b"X-Auth-Token"),
    *(b"X-Requested-With", b"X-Csrf-Token", b"X-Clientele", b"X-Envoyage", b"X-Forward", b"SSL-Clients"),
)

LOOK_ALIKES: Final[Mapping[str, bytes]] = {
    # some servers turn each byte of a name that is neither letter nor digit into `_`
    "dots": b"X.User.Id",
    "one dot": b"X-User.Id",
    "tildes": b"X~User~Id",
    "exclamation marks": b"X!User!Id",
    "apostrophes": b"X'User'Id",
    "plus": b"X+User+Id",
    "asterisk": b"X-User*Id",
    "bar": b"X|User|Id",
    "dots in forwarding": b"X.Forwarded.For",
    "a dot in an address": b"X-Real.IP",
    "dots in remote": b"Remote.User",
    "dots in a length": b"Content.Length",
    "a dot in a coding": b"Transfer.Encoding",
    "a tilde in an id": b"X-Request~Id",
    "an underscore and a dot": b"X_User.Id",
}

NO_NAMES: Final[Mapping[str, bytes]] = {
    "blank behind": b"X-User-Id : admin",
    "tab behind": b"X-User-Id\t: admin",
    "blank before": b" X-User-Id: admin",
    "blank inside": b"X-User Id: admin",
    "non-breaking hyphen": "X\u2011User\u2011Id: admin".encode(),
    "soft hyphen": b"X\xadUser\xadId: admin",
    "fullwidth hyphen": "X\uff0dUser\uff0dId: admin".encode(),
    "long s": "X-U\u017fer-Id: admin".encode(),
    "dotless i": "X-User-\u0131d: admin".encode(),
    "nul behind": b"X-User-Id\x00: admin",
    "quoted": b'"X-User-Id": admin',
    "slash": b"X/User/Id: admin",
    "brackets": b"X-User[Id]: admin",
    "folded": b"X-Other: 1\r\n X-User-Id: admin",
    "behind a line feed": b"X-Other: 1\nX-User-Id: admin",
    "behind a carriage return": b"X-Other: 1\rX-User-Id: admin",
}


def rows() -> Iterator[Row]:
    """FWD-07."""
    for name in NAMES:
        yield from _spelt(name)
    for owner, names in RARER.items():
        for name in names:
            gone = forwarded(Sent(absent=(name,)))
            send = request(name + b": admin")
            yield Row(f"FWD-07 {owner}, {name.decode()}", send, gone, choice=True)
    yield from _everywhere()
    for name in PASSED:
        stays = forwarded(Sent(fields={name: b"1"}))
        yield Row(f"FWD-07 passed {name.decode()}", request(name + b": 1"), stays)
    for how, name in LOOK_ALIKES.items():
        gone = forwarded(Sent(absent=(name,)))
        yield Row(f"FWD-07 look-alike with {how}", request(name + b": admin"), gone, choice=True)
    for how, line in NO_NAMES.items():
        yield Row(f"FWD-07 no name, {how}", request(line) + BEHIND, declined(400))


def _spelt(name: bytes) -> Iterator[Row]:
    under = name.replace(b"-", b"_")
    begin = f"FWD-07 {name.decode().lower()}"
    gone = forwarded(Sent(absent=(name,)), Sent())
    yield Row(begin, request(name + b": admin") + BEHIND, gone, choice=True)
    yield Row(f"{begin} in lower case", request(name.lower() + b": admin") + BEHIND, gone, choice=True)
    yield Row(f"{begin} in upper case", request(name.upper() + b":admin") + BEHIND, gone, choice=True)
    hidden = forwarded(Sent(absent=(name, under)))
    yield Row(f"{begin} with underscores", request(under + b": admin"), hidden, choice=True)
    yield Row(
        f"{begin} with underscores, kept", request(under.upper() + b": admin"), hidden, profile="keeping"
    )


def _everywhere() -> Iterator[Row]:
    name = b"X-User-Id"
    line = name + b": admin"
    for place, head in placed(line):
        gone = forwarded(Sent(absent=(name,)), Sent())
        yield Row(f"FWD-07 {place} in the head", request(*head, host=None) + BEHIND, gone, choice=True)
    gone = forwarded(Sent(absent=(name,)))
    for how, lines in {
        "empty": (name + b":",),
        "twice": (line, b"X-Between: 1", name.lower() + b": root"),
        "forty times": (line,) * 40,
        "nominated": (line, b"Connection: " + name),
        "in a list": (name + b": admin, root",),
        "beside one with underscores": (b"X_User_Id: root", line),
        "8000 bytes": (name + b": " + b"a" * 8000,),
    }.items():
        yield Row(f"FWD-07 {how}", request(*lines), gone, choice=how != "nominated")
    for how, target, service in (
        ("on the route of a name", b"/named/RUN00000", "named"),
        ("on the route of a WebSocket", b"/ws/RUN00000", "origin"),
    ):
        there = forwarded(Sent(absent=(name,), service=service))
        yield Row(f"FWD-07 {how}", request(line, target=target), there, choice=True)
    there = forwarded(Sent(absent=(name,), service="second"))
    yield Row("FWD-07 on another host", request(line, host=b"Host: second.test"), there, choice=True)
    for profile in ("trusting", "keeping", "rejecting"):
        yield Row(f"FWD-07 where the gateway is {profile}", request(line), gone, profile=profile)
    every = tuple(other + b": admin" for other in NAMES)
    there = forwarded(Sent(absent=NAMES))
    yield Row("FWD-07 all at once", request(*every), there, choice=True)
    yield Row("FWD-07 all at once, from a trusted peer", request(*every), there, profile="trusting")
    yield Row(
        "FWD-07 refused with underscores", request(b"X_User_Id: admin"), declined(400), profile="rejecting"
    )
    trailer = (
        request(b"Transfer-Encoding: chunked", method=b"POST", body=b"0\r\nX-User-Id: admin\r\n\r\n") + BEHIND
    )
    yield Row(
        "FWD-07 as a trailer", trailer, (forwarded(Sent(absent=(name,), body=b""), Sent()), declined(400))
    )
    old = request(line, version=b"HTTP/1.0")
    yield Row("FWD-07 in 1.0", old, forwarded(Sent(absent=(name,)), closes=True), choice=True)
    cookie = request(b"Cookie: X-User-Id=admin", b"X-Note: X-User-Id: admin")
    kept = {b"cookie": b"X-User-Id=admin", b"x-note": b"X-User-Id: admin"}
    yield Row("FWD-07 as a value", cookie, forwarded(Sent(fields=kept, absent=(name,))))
