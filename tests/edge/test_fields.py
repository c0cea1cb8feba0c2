"""What happens to each field of a request; ids name the row of reliability.md."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.fields import FieldActions
from gatekeeper.edge.fields import Action, Underscores, field_actions


MODES: tuple[Underscores, ...] = get_args(Underscores)
ACTIONS: dict[Underscores, FieldActions[Action]] = {mode: field_actions(mode, frozenset()) for mode in MODES}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "action"),
    [
        (b"Accept", None),
        (b"cookie", None),
        (b"Sec-WebSocket-Protocol", None),
        (b"Cache-Control", None),
        (b"X-Userland", None),
        (b"X-Users", None),
        (b"HOST", Action.HOST),
        (b"Connection", Action.CONNECTION),
        (b"content-Length", Action.CONTENT_LENGTH),
        (b"Transfer-Encoding", Action.TRANSFER_ENCODING),
        (b"Expect", Action.EXPECT),
        (b"Max-Forwards", Action.MAX_FORWARDS),
        (b"TE", Action.TE),
        (b"Upgrade", Action.UPGRADE),
        (b"Via", Action.VIA),
        (b"Baggage", Action.BAGGAGE),
        (b"TraceParent", Action.TRACEPARENT),
        (b"tracestate", Action.TRACESTATE),
        (b"X-Request-ID", Action.REQUEST_ID),
        (b"Forwarded", Action.FORWARDED),
        (b"X-Forwarded-For", Action.FORWARDED_FOR),
        (b"X-Forwarded-Host", Action.FORWARDED_HOST),
        (b"X-Forwarded-Proto", Action.FORWARDED_PROTO),
        *(
            pytest.param(name, Action.ONCE, id=f"FRM-37-{name.decode()}")
            for name in (
                b"Authorization", b"Content-Type", b"X-Api-Key", b"Origin", b"Range", b"User-Agent", b"Referer",
                b"Sec-WebSocket-Key", b"Sec-WebSocket-Version", b"If-Range",
            )
        ),
        *(
            pytest.param(name, Action.DROP, id=f"HOP-01-{name.decode()}")
            for name in (b"Keep-Alive", b"Proxy-Connection", b"Proxy-Authorization", b"Trailer", b"HTTP2-Settings")
        ),
        *(
            pytest.param(name, Action.DROP, id=f"FWD-01-{name.decode()}")
            for name in (b"X-Real-IP", b"True-Client-IP", b"CF-Connecting-IP", b"X-Client-IP", b"Fastly-Client-IP")
        ),
        *(
            pytest.param(name, Action.DROP, id=f"FWD-05-{name.decode()}")
            for name in (
                b"X-Forwarded-Port", b"X-Forwarded-Prefix", b"X-Forwarded-Server", b"X-Original-URL", b"X-Rewrite-URL",
                b"X-Envoy-Original-Path", b"X-Envoy-Retry-On",
            )
        ),
        *(
            pytest.param(name, Action.DROP, id=f"FRM-27-{name.decode()}")
            for name in (b"X-HTTP-Method", b"X-HTTP-Method-Override", b"X-Method-Override", b"X-Original-Method")
        ),
        pytest.param(b"Proxy", Action.DROP, id="HOP-10"),
    ],
)  # fmt: skip
def test_a_name_is_known_in_any_case(mode: Underscores, name: bytes, action: Action | None) -> None:
    """However names with `_` are treated."""
    for written in (name, name.lower(), name.upper(), name.swapcase()):
        assert action is ACTIONS[mode][written]


IDENTITY = [
    b"X-User-Id", b"X-User-Name", b"X-User-Email", b"X-User-Role", b"X-User-Roles", b"X-User-Groups", b"X-User-Scopes",
    b"X-User-Id-Hash", b"X-Consumer-ID", b"X-Consumer-Username", b"X-Consumer-Custom-Id", b"X-Anonymous-Consumer",
    b"X-Authenticated", b"X-Authenticated-Userid", b"X-Authenticated-Groups", b"X-Credential-Identifier",
    b"X-Auth-Request-User", b"X-Auth-Request-Email", b"X-SSL-Client-Verify", b"X-SSL-Client", b"SSL-Client-Cert",
    b"SSL-Client-S-DN", b"X-Client-Cert", b"X-TLS-Client-Subject", b"Remote-User", b"X-Remote-User", b"X-Remote-Group",
    b"X-Remote-Groups", b"X-Forwarded-User", b"X-Forwarded-Email", b"X-Forwarded-Groups",
    b"X-Forwarded-Preferred-Username", b"X-Forwarded-Access-Token", b"X-Forwarded-Client-Cert",
]  # fmt: skip
"""In the words of proxies that have found out who somebody is."""


@pytest.mark.parametrize("name", [pytest.param(name, id=name.decode()) for name in IDENTITY])
def test_no_client_says_who_it_is(name: bytes) -> None:
    """FWD-07: in no spelling that a server could take for the same name, in any mode."""
    for written in (name, name.lower(), name.upper()):
        for mode in MODES:
            assert Action.DROP is ACTIONS[mode][written]
        for alike in (
            written.replace(b"-", b"_"),
            written.replace(b"-", b"_", 1),
            b"_".join(written.rsplit(b"-", 1)),
        ):
            assert Action.DROP is ACTIONS["drop"][alike]
            assert Action.DROP is ACTIONS["keep"][alike]
            assert Action.REFUSE is ACTIONS["reject"][alike]


@pytest.mark.parametrize(
    "name",
    [
        b"X-User-Agent",
        b"X-User-Ident",
        b"X-Users-Id",
        b"My-X-User-Id",
        b"X-Userid",
        b"X-Consumers",
        b"X-Remote-Users",
    ],
)
def test_a_name_that_only_resembles_one_passes(name: bytes) -> None:
    """FWD-07: it means something else."""
    assert None is ACTIONS["drop"][name]


@pytest.mark.parametrize(
    ("name", "drop", "keep", "reject"),
    [
        pytest.param(b"X_Tenant", Action.DROP, None, Action.REFUSE, id="FRM-36-a-name"),
        pytest.param(b"_", Action.DROP, None, Action.REFUSE, id="FRM-36-nothing-else"),
        pytest.param(b"X-Tenant_Id", Action.DROP, None, Action.REFUSE, id="FRM-36-both"),
        pytest.param(b"Content_Length", Action.DROP, Action.DROP, Action.REFUSE, id="FRM-36-framing"),
        pytest.param(b"Transfer_Encoding", Action.DROP, Action.DROP, Action.REFUSE, id="FRM-36-coding"),
        pytest.param(b"CONTENT_TYPE", Action.DROP, Action.DROP, Action.REFUSE, id="FRM-36-only-once"),
        pytest.param(b"X_Forwarded-For", Action.DROP, Action.DROP, Action.REFUSE, id="FRM-36-forwarding"),
        pytest.param(b"x-real_ip", Action.DROP, Action.DROP, Action.REFUSE, id="FRM-36-a-claim"),
        pytest.param(b"X_User_Id", Action.DROP, Action.DROP, Action.REFUSE, id="FRM-36-identity"),
        pytest.param(b"X-Tenant", None, None, None, id="no-underscore"),
        pytest.param(b"X.Tenant", None, None, None, id="FRM-36-another-sign"),
        pytest.param(b"X.User.Id", Action.DROP, Action.DROP, Action.DROP, id="FWD-07-another-sign"),
        pytest.param(b"X+Real~IP", Action.DROP, Action.DROP, Action.DROP, id="FWD-01-other-signs"),
        pytest.param(
            b"Content.Length", Action.DROP, Action.DROP, Action.DROP, id="FRM-36-framing-with-another-sign"
        ),
        pytest.param(b"X.User_Id", Action.DROP, Action.DROP, Action.REFUSE, id="FRM-36-both-signs"),
        pytest.param(b"X.Tenant_Id", Action.DROP, None, Action.REFUSE, id="FRM-36-a-name-with-both"),
    ],
)
def test_names_with_underscores(
    name: bytes, drop: Action | None, keep: Action | None, reject: Action | None
) -> None:
    """FRM-36: servers that make variables of names cannot tell them from those with `-`."""
    assert (drop, keep, reject) == tuple(ACTIONS[mode][name] for mode in ("drop", "keep", "reject"))


SPELT = st.builds(
    lambda name, signs: "".join(
        sign if char == "-" else char for char, sign in zip(name, signs, strict=False)
    ),
    st.sampled_from([name.decode() for name in (*IDENTITY, b"X-Real-IP", b"Content-Length", b"X-Tenant-Id")]),
    st.lists(st.sampled_from("-_.+"), min_size=40, max_size=40),
)
"""Names with other signs between their words."""


@given(
    name=st.one_of(st.text("abxuserid-_.", min_size=1, max_size=14), SPELT).map(str.encode),
    mode=st.sampled_from(MODES),
)
def test_what_is_passed_on_could_be_taken_for_nothing_else(name: bytes, mode: Underscores) -> None:
    """FRM-36: neither for a name that the gateway understands, nor for one that it drops."""
    if ACTIONS[mode][name] is None:
        assert None is ACTIONS["drop"][re.sub(rb"[_.+]", b"-", name)]
        assert mode == "keep" or b"_" not in name


def test_the_modes_remember_by_themselves() -> None:
    """A name that passes in one must not pass in another; nor where it is the gateway's own."""
    every = [
        *ACTIONS.values(),
        *(field_actions(mode, frozenset({b"x-shop-user"})) for mode in MODES),
    ]

    assert len(every) == len({id(actions) for actions in every})
    assert ACTIONS["drop"] is field_actions("drop", frozenset())


# ---- the gateway's own ----------------------------------------------------------------------------------------------


def spellings(name: bytes) -> list[bytes]:
    """What servers that make variables of names could take for it."""
    alike = [name]
    for sign in (b"_", b".", b"+", b"~", b"!"):
        alike += [name.replace(b"-", sign), name.replace(b"-", sign, 1), sign.join(name.rsplit(b"-", 1))]
    return [written for one in alike for written in (one, one.upper(), one.title(), one.swapcase())]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "own",
    [pytest.param(name, id=name.decode()) for name in (b"x-shop-user", b"shop_user", b"shop.user", b"user")],
)
def test_what_the_gateway_says_of_who_asks_no_client_says(mode: Underscores, own: bytes) -> None:
    """FWD-07: in any spelling, whatever the own name is spelt like."""
    actions = field_actions(mode, frozenset({own}))

    for written in spellings(re.sub(rb"[_.]", b"-", own)):
        refused = Action.REFUSE if mode == "reject" and b"_" in written else Action.DROP
        assert actions[written] in {Action.DROP, refused}, written
    for other in (b"X-Shop", b"Shop-Users", b"X-Shop-User-Agent", b"Users"):
        assert None is actions[other]


@pytest.mark.parametrize("name", [b"authorization", b"x-forwarded-for", b"traceparent", b"cookie"])
def test_an_own_name_is_more_than_what_the_name_means(name: bytes) -> None:
    """FWD-07: it is not the client's, even where it has a meaning."""
    assert Action.DROP is field_actions("drop", frozenset({name}))[name.title()]


@given(name=SPELT, mode=st.sampled_from(MODES), own=st.sets(SPELT, max_size=3))
def test_nothing_passes_that_reads_like_an_own_name(name: str, mode: Underscores, own: set[str]) -> None:
    """FWD-07: whatever signs either of them is written with."""
    actions = field_actions(mode, frozenset(one.lower().encode() for one in own))
    alike = {re.sub("[^0-9a-z]", "-", one.lower()) for one in own}

    if actions[name.encode()] is None:
        assert re.sub("[^0-9a-z]", "-", name.lower()) not in alike
