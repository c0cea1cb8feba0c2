"""Who the configuration knows, and who somebody is by the claims of a token."""

from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper import hookimpl
from gatekeeper.config.identity import IdentityConfig
from gatekeeper.config.problems import Refusal
from gatekeeper.core.errors import Unauthenticated
from gatekeeper.core.identity import Consumer, is_sendable
from gatekeeper.extend.authenticate import Identify
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.runtime.identity import (
    LONGEST,
    MOST,
    Known,
    identify_by,
    identity_headers,
    query_credentials,
    wrong_with,
)
from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.testing import make_authenticator, make_host


@attrs.frozen
class TicketConfig:
    """Tickets that say who somebody is."""


class Ticket:
    """Shows what it was handed."""

    challenge = "Ticket"

    def __init__(self, config: TicketConfig, context: BuildContext) -> None:
        self.context = context

    async def authenticate(self, exchange: Any, /) -> Consumer | None:
        return None

    def conceal(self, exchange: Any, /) -> None:
        pass


class Plugin:
    """A kind that reads claims."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.authenticator("ticket", TicketConfig, Ticket, reads_claims=True)


def identify(identity: dict[str, Any] | None = None, **consumers: Any) -> Identify:
    """What a kind that reads claims is handed."""
    made: Any = make_authenticator(
        "ticket", consumers=consumers, identity=identity, plugins=[Plugin()], name="staff"
    )
    found: Identify = made.context.identify
    return found


def claiming(claims: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"credentials": {"staff": {"claims": claims}}, **more}


PLAIN = identify()
ALL = identify(
    {
        "subject": "{claim.org}/{claim.sub}",
        "roles": ["{claim.groups}", "{claim.realm.roles}", "level-{claim.level}", "fixed"],
        "scopes": ["{claim.scope}", "{claim.scp}"],
        "plan": "{claim.plan}",
    }
)


# ---- who is not known -----------------------------------------------------------------------------------------------


def test_who_is_not_known_has_the_name_of_the_authenticator_before_theirs() -> None:
    """So that no token can take the name of a consumer of the file."""
    claims = {"sub": "acme", "scope": "read  write", "roles": ["admin"], "plan": "gold"}

    assert Consumer(
        name="staff:acme",
        authenticators=("staff",),
        scopes=frozenset({"read", "write"}),
        claims=claims,
    ) == PLAIN(claims)


def test_everything_that_can_be_said() -> None:
    """Of a claim that is a list all of it; texts round a claim are a part of it."""
    claims = {
        "org": "shop",
        "sub": "u",
        "groups": ["a", "b"],
        "realm": {"roles": "c"},
        "level": 3,
        "scope": "r w",
        "scp": ["x y", "z"],
        "plan": "gold",
    }

    assert Consumer(
        name="staff:shop/u",
        authenticators=("staff",),
        roles=frozenset({"a", "b", "c", "level-3", "fixed"}),
        scopes=frozenset({"r", "w", "x", "y", "z"}),
        plan="gold",
        claims=claims,
    ) == ALL(claims)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="FWD-08-empty"),
        pytest.param(["u"], id="FWD-08-a-list"),
        pytest.param([], id="FWD-08-an-empty-list"),
        pytest.param({"id": "u"}, id="FWD-08-an-object"),
        pytest.param("\ud800", id="FWD-08-half-a-character"),
        pytest.param("x" * (LONGEST + 1), id="FWD-08-long"),
        pytest.param("x" * 100_000, id="FWD-08-100-KB"),
    ],
)
def test_who_has_no_name_is_nobody(subject: Any) -> None:
    """FWD-08: 401, and no word of it."""
    with pytest.raises(Unauthenticated) as caught:
        PLAIN({"sub": subject} if subject is not None else {})

    assert ("", "the token names no subject, or one that is too long") == (
        caught.value.detail,
        caught.value.log,
    )


@pytest.mark.parametrize(
    "claims", [{"org": "shop"}, {"sub": "u"}, {"org": "", "sub": "u"}, {"org": ["shop"], "sub": "u"}]
)
def test_half_a_name_is_none(claims: dict[str, Any]) -> None:
    """It would be that of somebody else."""
    with pytest.raises(Unauthenticated):
        ALL(claims)


@pytest.mark.parametrize("subject", ["a\r\nb", "a\0b", "é", "😀", "a,b", " u ", "x" * LONGEST, 17])
def test_a_name_is_what_it_is(subject: Any) -> None:
    """FWD-08: where it goes, it is written as it must be there."""
    assert f"staff:{subject}" == PLAIN({"sub": subject}).name


@pytest.mark.parametrize(
    ("groups", "roles"),
    [
        ("admin", {"admin"}),
        (["admin", "x"], {"admin", "x"}),
        pytest.param({"admin": True}, set(), id="RBC-02-an-object"),
        pytest.param([["admin"]], set(), id="RBC-02-a-list-in-a-list"),
        pytest.param([{"name": "admin"}, 1, True, None], set(), id="RBC-02-no-texts"),
        pytest.param(1, set(), id="RBC-02-a-number"),
        pytest.param("admin,x", {"admin,x"}, id="RBC-02-joined"),
        pytest.param("", set(), id="RBC-01-empty"),
        pytest.param([], set(), id="RBC-01-none"),
        pytest.param(None, set(), id="RBC-01-missing"),
        pytest.param(["x" * (LONGEST + 1), "y"], {"y"}, id="FWD-08-long"),
        pytest.param(["\ud800", "y"], {"y"}, id="FWD-08-half-a-character"),
    ],
)
def test_roles_are_texts(groups: Any, roles: set[str]) -> None:
    """RBC-02: exactly those that the token names."""
    found = ALL({"org": "shop", "sub": "u", "groups": groups})

    assert roles | {"fixed"} == found.roles


def test_more_roles_than_can_be_held_are_no_proof() -> None:
    """What is left out could be a role that somebody must not have."""
    claims = {"org": "shop", "sub": "u", "groups": [f"r{number}" for number in range(MOST - 1)]}
    assert MOST == len(ALL(claims).roles)

    claims["groups"].append("blocked")  # type: ignore[attr-defined]
    with pytest.raises(Unauthenticated, match=f"the token names more than {MOST} roles or scopes"):
        ALL(claims)


@pytest.mark.parametrize(
    ("plan", "expected"), [("gold", "gold"), (["gold"], ""), ({}, ""), (None, ""), ("x" * 257, ""), (7, "7")]
)
def test_a_plan_is_one(plan: Any, expected: str) -> None:
    """Or none."""
    assert expected == ALL({"org": "shop", "sub": "u", "plan": plan}).plan


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(st.characters(), max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("sub", "org", "groups", "realm", "scope", "plan"), JSON)
    )
)
def test_whatever_a_token_says(claims: dict[str, Any]) -> None:
    """FWD-08: it is somebody who can be named in logs, or nobody; never a crash."""
    for one in (PLAIN, ALL):
        try:
            found = one(claims)
        except Unauthenticated:
            continue
        for word in (found.name, found.plan, *found.roles, *found.scopes):
            assert is_sendable(word)
            orjson.dumps(word)
        assert "" not in found.roles | found.scopes


# ---- who is known ---------------------------------------------------------------------------------------------------

KNOWN = identify(
    {"roles": "{claim.groups}", "plan": "{claim.plan}"},
    acme=claiming({"org": "acme", "kind": {"not": "guest"}}, roles=["partner"], scopes=["read"], plan="gold"),
    first=claiming({"org": {"prefix": "a"}}, scopes=["read"]),
    second=claiming({"org": {"present": True}}, labels={"team": "blue"}),
)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"org": "acme"}, "acme"),
        ({"org": "acme", "kind": "guest"}, "first"),
        ({"org": ["x", "acme"]}, "acme"),
        ({"org": "b"}, "second"),
        ({"org": {"acme": 1}}, "second"),
        ({}, "staff:u"),
    ],
)
def test_claims_tell_who_it_is(claims: dict[str, Any], name: str) -> None:
    """Every claim must fit; of several consumers the first of the file."""
    assert name == KNOWN({"sub": "u", **claims}).name


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, ({"partner"}, {"read"}, "gold")),
        ({"groups": ["a"], "scope": "write", "plan": "silver"}, ({"partner", "a"}, {"write"}, "gold")),
    ],
)
def test_who_is_known_has_what_was_given(claims: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """Scopes are those of the token, where it has some; the plan is that of the file, where it has one."""
    whole = {"sub": "u", "org": "acme", **claims}

    found = KNOWN(whole)

    assert expected == (found.roles, found.scopes, found.plan)
    assert (("staff",), whole) == (found.authenticators, found.claims)


def test_a_plan_of_the_token_counts_where_the_file_has_none() -> None:
    """And labels come from the file."""
    found = KNOWN({"sub": "u", "org": "z", "plan": "silver"})

    assert ("silver", {"team": "blue"}) == (found.plan, found.labels)


def test_one_request_leaves_nothing_for_the_next() -> None:
    """Consumers of the file are shared by all who are known by it."""
    KNOWN({"sub": "u", "org": "acme", "groups": ["admin"]}).notes["x"] = 1

    again = KNOWN({"sub": "u", "org": "acme"})

    assert {"partner"} == again.roles
    assert {} == again.notes


def test_of_whom_nothing_is_asked_nobody_is() -> None:
    """A credential without a claim would fit every token."""
    loaded = load_gateway_text(
        orjson.dumps(
            {
                "version": 1,
                "authenticators": {"staff": "ticket"},
                "consumers": {"acme": claiming({"a": "b"})},
            }
        ).decode(),
        make_host([Plugin()]),
    )
    known = Known.by("staff", loaded.config)
    (credential,) = known.credentials

    with pytest.raises(Refusal, match="every token would fit"):
        attrs.evolve(credential.config, claims={})
    assert "staff:u" == identify_by("staff", IdentityConfig(), [credential])({"sub": "u"}).name
    assert "acme" == identify_by("staff", IdentityConfig(), [credential])({"sub": "u", "a": "b"}).name
    assert () == tuple(Known.by("other", loaded.config).credentials)
    assert ("other",) == Known.by("other", loaded.config).consumers["acme"].authenticators


# ---- what plugins make ----------------------------------------------------------------------------------------------


class Bare:
    """What an authenticator needs."""

    challenge: Any = ""

    async def authenticate(self, exchange: Any, /) -> Consumer | None:
        return None

    def conceal(self, exchange: Any, /) -> None:
        pass


def challenging(challenge: Any) -> Bare:
    made = Bare()
    made.challenge = challenge
    return made


class Deaf:
    """What has no way to take its secret out."""

    challenge = ""

    async def authenticate(self, exchange: Any, /) -> Consumer | None:
        return None


@pytest.mark.parametrize(
    ("made", "wrong"),
    [
        (Bare(), None),
        (challenging('Bearer realm="a"'), None),
        (None, "is no authenticator"),
        (object(), "is no authenticator"),
        (Deaf(), "is no authenticator"),
        (challenging(None), "`challenge` cannot stand in a header field"),
        (challenging(b"Bearer"), "`challenge` cannot stand"),
        (challenging("a\r\nX-Admin: 1"), "`challenge` cannot stand"),
        (challenging("ä"), "`challenge` cannot stand"),
    ],
)
def test_what_is_an_authenticator(made: Any, wrong: str | None) -> None:
    """Before anybody is asked."""
    found = wrong_with(made)

    assert (found is None) is (wrong is None)
    assert (wrong or "") in (found or "")


# ---- what services are told by --------------------------------------------------------------------------------------

EVERYWHERE = """
version: 1
services:
  app: {instances: [http://127.0.0.1:1], filters: [{name: fourth, auth: {any_of: [keys], upstream_headers: {X-Service: a}}}]}
authenticators: {keys: api_key}
filters:
  - auth: {any_of: [keys], upstream_headers: {X-Global: "{consumer}"}}
chains:
  used: [{name: third, auth: {any_of: [keys], upstream_headers: {X-Chain: a}}}]
  unused: [{name: third, auth: {any_of: [keys], upstream_headers: {X-Unused: a}}}]
routes:
  a:
    match: /a
    to: app
    filters: [{name: second, auth: {any_of: [keys], upstream_headers: {X-Route: a}}}, use: used]
    override: {second: {upstream_headers: {X-Override: a}}}
  b: {match: /b, to: app, filters: [{name: none, auth: {any_of: [keys], upstream_headers: false}}]}
  c: {match: /c, to: app, public: true}
"""


def test_every_name_that_tells_who_asks_is_known() -> None:
    """FWD-07: wherever a filter stands, also in a chain that nobody uses yet."""
    names = identity_headers(load_gateway_text(EVERYWHERE, make_host()).config)

    wanted = {b"x-service", b"x-global", b"x-chain", b"x-unused", b"x-route", b"x-override"}
    assert wanted <= names


def test_queries_that_hold_credentials_are_known() -> None:
    """By their authenticators, so that no log shows them on any route."""
    text = "version: 1\nauthenticators: {a: {api_key: {query: kennwort}}, b: api_key, c: {api_key: {cookie: x}}}\n"

    assert frozenset({"kennwort"}) == query_credentials(load_gateway_text(text, make_host()).config)
