"""Why a request goes where it goes."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio

from gatekeeper import hookimpl
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.runtime.build import Builder
from gatekeeper.runtime.explain import Explainer, open_explainer
from gatekeeper.runtime.explanation import Candidate, Explanation, Failure, Switch
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.testing import load_config, make_exchange, make_host
from tests.runtime.test_steps import NoOptions


CONFIG = """\
version: 1
hosts: [a.example, "*.b.example"]
server:
  listen: {public: 8080, inside: 8081}
  trusted_proxies: [10.0.0.0/8]
  health_path: /healthz
services:
  users: {instances: [{id: one, url: "http://127.0.0.1:1"}, {id: two, url: "http://127.0.0.1:2"}], timeouts: {read: 2s}}
  next: http://127.0.0.1:3
  last: http://127.0.0.1:4
routes:
  users:
    match: {path: "/users/{id:int}", method: GET}
    to: {users: 3, next: 1}
  blue:
    match: {path: "/users/{id:int}", method: GET, header: {x-team: blue}, address: 192.0.2.0/24}
    to: users
  inside: {match: {path: /inside, listener: inside}, to: users}
  pinned:
    match: /pinned
    to:
      users: 1
      next: {weight: 0, pin: {header: {x-beta: "1"}, share: 50%}}
      last: {weight: 3, pin: [{share: 20%}, {header: {x-last: "1"}}]}
  sticky: {match: /sticky, to: {users: 1, next: 1}, sticky: header.x-user}
  both:
    match: /both
    to: {users: 1, next: 1, last: {weight: 0, pin: {share: 20%}}}
    sticky: header.x-user
  captured: {match: "/to/{service:service}/**", to: "{path.service}", rewrite: "/{path.rest}"}
  written: {match: /written/**, to: users, rewrite: "/v2{header.x-path}"}
  method: {match: {path: /method, method: [POST, PUT]}, to: users, rewrite: {method: PATCH}, priority: 3}
  text:
    match: {path: {regex: "/text/[a-z]+\\\\.txt"}}
    to: users
    encoded_slashes: keep
    max_body: false
    websocket: {origins: ["https://b.example", "https://a.example"], lifetime: 1h}
  elsewhere: {match: {host: x.b.example, path: "/only/{here}"}, to: next}
"""


@pytest_asyncio.fixture
async def explainer() -> AsyncIterator[Explainer]:
    """One for the configuration above."""
    host = await asyncio.to_thread(make_host)
    async with open_explainer(await load_config(CONFIG, host), host) as opened:
        yield opened


def ways(candidates: tuple[Candidate, ...]) -> list[str]:
    """Routes and verdicts."""
    return [f"{one.route} {one.verdict}" for one in candidates]


def shares(found: Explanation) -> dict[str, float]:
    """Services and how likely they are."""
    return {one.service: round(one.share, 6) for one in found.targets}


# ---- the request ----------------------------------------------------------------------------------------------------


async def test_how_it_is_understood(explainer: Explainer) -> None:
    """What was sent, what is compared, what is passed on."""
    found = explainer.explain("GET", "http://a.example:80/users/./%37?x=1", address="198.51.100.9").request

    assert found is not None
    assert ("http://a.example:80/users/./%37?x=1", "/users/7", "/users/%37?x=1", "x=1") == (
        found.sent,
        found.path,
        found.forwarded,
        found.query,
    )
    assert ("GET", "a.example", "http", "198.51.100.9", "public") == (
        found.method,
        found.host,
        found.scheme,
        found.client,
        found.listener,
    )


async def test_trusted_proxies_are_those_of_the_configuration(explainer: Explainer) -> None:
    """Others may say what they like."""
    said = [("X-Forwarded-For", "192.0.2.7"), ("X-Team", "blue")]
    believed = explainer.explain("GET", "http://a.example/users/7", said, address="10.0.0.9")
    stranger = explainer.explain("GET", "http://a.example/users/7", said, address="203.0.113.9")

    assert "blue" == believed.result.route
    assert "users" == stranger.result.route
    assert Failure(condition="address in 192.0.2.0/24", found="203.0.113.9") == stranger.candidates[0].failed


async def test_what_the_edge_refuses_goes_nowhere(explainer: Explainer) -> None:
    """Nothing else is known of it."""
    found = explainer.explain("GET", "/%zz")

    assert None is found.request
    assert (400, "bad-target", ()) == (found.result.status, found.result.code, found.filters)


async def test_the_health_path_is_answered_before_all_routes(explainer: Explainer) -> None:
    """On every host."""
    found = explainer.explain("GET", "/healthz")

    assert "server.health_path" == found.result.answered_by
    assert () == found.candidates


# ---- candidates -----------------------------------------------------------------------------------------------------


async def test_candidates_stand_in_matching_order(explainer: Explainer) -> None:
    """The first that fits takes it, and what stands behind is not asked."""
    found = explainer.explain("GET", "http://a.example/users/7", [("X-Team", "red")])
    taken = explainer.explain("GET", "http://a.example/users/7", [("X-Team", "blue")], address="192.0.2.1")

    assert ["blue failed", "users matched"] == ways(found.candidates)
    assert ["blue matched", "users not reached"] == ways(taken.candidates)
    blue = taken.candidates[0]
    assert ("GET /users/{id:int}", "gateway.yaml:16", 0) == (blue.rule, blue.place, blue.priority)
    assert ("address in 192.0.2.0/24", "header x-team: blue") == blue.conditions
    assert {"id": "7"} == taken.result.captures


async def test_the_others_are_counted_or_listed(explainer: Explainer) -> None:
    """Each with the reason."""
    found = explainer.explain("GET", "http://a.example/users/7")
    every = explainer.explain("GET", "http://a.example/users/7", all_routes=True)

    assert (9, ()) == (found.elsewhere, found.others)
    assert len(explainer.snapshot.table.entries) == len(every.candidates) + len(every.others)
    reasons = {one.failed.condition for one in every.others if one.failed is not None}
    assert {"path /inside", "path /only/{here}"} <= reasons


async def test_one_route_is_explained_in_any_case(explainer: Explainer) -> None:
    """All ways to it, candidates or not; what becomes of the request stays the same."""
    found = explainer.explain("GET", "http://a.example/users/7", route="inside")

    assert ["inside no candidate"] == ways(found.candidates)
    assert ("users", 0) == (found.result.route, found.elsewhere)
    assert ["blue failed"] == ways(
        explainer.explain("GET", "http://a.example/users/7", route="blue").candidates
    )


# ---- no route -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "url", "status", "nearest"),
    [
        pytest.param("GET", "http://a.example/user/7", 404, ["blue", "users"], id="a-typo"),
        pytest.param(
            "GET", "http://a.example/v1/users/7", 404, ["blue", "users"], id="a-segment-more-in-front"
        ),
        pytest.param("GET", "http://a.example/x.txt", 404, [], id="nothing-near"),
        pytest.param("GET", "http://a.example/users", 404, ["blue", "users"], id="half-of-the-segments"),
        pytest.param("GET", "http://a.example/users/7/x/y", 404, ["blue", "users"], id="twice-the-segments"),
        pytest.param("GET", "http://a.example/users/7/x/y/z", 404, [], id="many-more-segments"),
        pytest.param("GET", "http://a.example/Sticky", 404, ["sticky"], id="a-capital"),
        pytest.param("GET", "http://a.example/bo", 404, [], id="half-a-word"),
        pytest.param("GET", "http://a.example/writen/x", 404, ["written"], id="a-typo-in-a-prefix"),
        pytest.param("GET", "http://a.example/x/next/y", 404, [], id="captures-alone-are-like-nothing"),
        pytest.param("GET", "http://a.example/users/jo", 404, ["blue", "users"], id="another-type"),
        pytest.param("GET", "http://a.example/written-x", 404, ["written"], id="the-beginning"),
        pytest.param("GET", "http://a.example/text/X.txt", 404, ["text"], id="an-expression"),
        pytest.param("GET", "http://a.example/only/x", 404, ["elsewhere"], id="another-host"),
        pytest.param("GET", "http://a.example/onyl/x", 404, [], id="another-host-and-a-typo"),
        pytest.param("GET", "http://c.example/sticky", 421, [], id="no-host-of-ours"),
        pytest.param("DELETE", "http://a.example/method", 405, [], id="another-method"),
        pytest.param("GET", "http://a.example/sticky%2f", 400, [], id="an-encoded-slash"),
    ],
)
async def test_what_comes_nearest(
    explainer: Explainer, method: str, url: str, status: int, nearest: list[str]
) -> None:
    """For a request that has no route at all; each route once."""
    found = explainer.explain(method, url)

    assert ("", status) == (found.result.route, found.result.status)
    assert nearest == [one.route for one in found.nearest]
    assert (status == 405, status == 421) == (bool(found.result.allow), bool(found.result.hosts))
    assert () == found.targets


async def test_for_another_host_no_route_is_looked_at(explainer: Explainer) -> None:
    """The hosts that the gateway answers for are named; those who ask are told so of each route."""
    found = explainer.explain("GET", "http://c.example/users/7")
    every = explainer.explain("GET", "http://c.example/users/7", all_routes=True)
    one = explainer.explain("GET", "http://c.example/users/7", route="elsewhere")

    assert (421, "misdirected", ("a.example", "*.b.example")) == (
        found.result.status,
        found.result.code,
        found.result.hosts,
    )
    assert ((), (), 0) == (found.candidates, found.others, found.elsewhere)
    assert (found.result, ()) == (every.result, every.candidates)
    assert len(explainer.snapshot.table.entries) == len(every.others)
    assert ["elsewhere no candidate"] == ways(one.candidates)
    assert {Failure(condition="hosts", found="c.example")} == {
        listed.failed for listed in (*every.others, *one.candidates)
    }


async def test_a_route_may_have_a_host_of_its_own(explainer: Explainer) -> None:
    """One of the gateway's; that it is another one is why it is no candidate."""
    taken = explainer.explain("GET", "http://x.b.example/only/7")
    other = explainer.explain("GET", "http://a.example/only/7", route="elsewhere")

    assert ("elsewhere", ()) == (taken.result.route, taken.result.hosts)
    assert Failure(condition="host x.b.example", found="a.example") == other.candidates[0].failed


async def test_methods_that_would_be_taken(explainer: Explainer) -> None:
    """As the header `Allow` lists them."""
    found = explainer.explain("GET", "http://a.example/method")

    assert ("POST", "PUT") == found.result.allow
    assert Failure(condition="method POST or PUT", found="GET") == found.candidates[0].failed


PREFLIGHTS = """\
version: 1
services: {app: "http://127.0.0.1:1"}
routes:
  read: {match: {path: /x, method: GET}, to: app, filters: [cors: "*"]}
  write: {match: {path: /x, method: PUT}, to: app, filters: [{cors: "*", when: {header: {x-rarely: "1"}}}]}
  rest: {match: {path: /**, not: {method: TRACE}}, to: app}
"""


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param("GET", ("read", "cors", 204, 0, ["read matched"]), id="answered"),
        pytest.param("PUT", ("", "", 405, 0, ["read failed", "write matched"]), id="passed-over"),
        pytest.param("POST", ("rest", "", 0, 1, ["read failed", "write failed", "rest matched"]), id="sent-on"),
        pytest.param("", ("rest", "", 0, 1, ["read failed", "write failed", "rest matched"]), id="no-preflight"),
    ],
)  # fmt: skip
async def test_a_preflight_is_explained_by_what_it_asks_for(
    asked: str, expected: tuple[str, str, int, int, list[str]]
) -> None:
    """Its route is that of the request that may follow."""
    host = await asyncio.to_thread(make_host)
    fields = [("Origin", "https://a.example"), ("Access-Control-Request-Method", asked)]
    async with open_explainer(await load_config(PREFLIGHTS, host), host) as opened:
        found = opened.explain("OPTIONS", "/x", fields if asked else fields[:1])

    result, reached = found.result, [one for one in found.candidates if one.verdict != "not reached"]
    assert expected == (
        result.route,
        result.answered_by,
        result.status,
        len(found.targets),
        ways(tuple(reached)),
    )


async def test_what_the_route_takes(explainer: Explainer) -> None:
    """How large a body, and what its connections may switch to."""
    users = explainer.explain("GET", "http://a.example/users/7").result
    text = explainer.explain("GET", "http://a.example/text/a.txt").result

    assert (16 << 20, None) == (users.max_body, users.upgrades)
    assert (
        None,
        Switch(protocols=("websocket",), origins=("https://a.example", "https://b.example"), lifetime=3600.0),
    ) == (
        text.max_body,
        text.upgrades,
    )


async def test_a_listener_may_be_what_is_missing(explainer: Explainer) -> None:
    """The first one is meant where none is named."""
    assert 404 == explainer.explain("GET", "http://a.example/inside").result.status
    assert "inside" == explainer.explain("GET", "http://a.example/inside", listener="inside").result.route


# ---- targets --------------------------------------------------------------------------------------------------------


async def test_services_by_their_weights(explainer: Explainer) -> None:
    """Likeliest first, with their instances and times."""
    found = explainer.explain("GET", "http://a.example/users/7")
    users = found.targets[0]

    assert {"users": 0.75, "next": 0.25} == shares(found)
    assert [("one", 0.5), ("two", 0.5)] == [(one.id, one.share) for one in users.instances]
    assert ("2s", 1000) == (users.timeouts["read"], users.concurrency["limit"])
    assert ("GET", "/users/7", "gateway.yaml:8") == (users.method, users.target, users.place)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        # what a pin by chance leaves is shared by the weights, 1 to 3
        pytest.param([], {"users": 0.2, "last": 0.8, "next": 0.0}, id="one-by-chance"),
        pytest.param([("X-Last", "1")], {"last": 1.0}, id="pinned"),
        # `last` is asked before `next`
        pytest.param([("X-Beta", "1")], {"last": 0.2 + 0.3, "next": 0.4, "users": 0.1}, id="two-by-chance"),
        pytest.param(
            [("X-Beta", "1"), ("X-Last", "1")],
            {"last": 1.0, "next": 0.0, "users": 0.0},
            id="the-first-by-name",
        ),
    ],
)
async def test_pins_that_hold_by_chance(
    explainer: Explainer, headers: list[tuple[str, str]], expected: dict[str, float]
) -> None:
    """They are asked in the order of their names, and nothing is drawn."""
    found = explainer.explain("GET", "http://a.example/pinned", headers)

    assert expected == pytest.approx(shares(found))


async def test_why_a_service_is_chosen(explainer: Explainer) -> None:
    """By its weight there is no more to say."""
    pinned = explainer.explain("GET", "http://a.example/pinned", [("X-Last", "1")])
    by_chance = explainer.explain("GET", "http://a.example/pinned")
    by_weight = explainer.explain("GET", "http://a.example/sticky")

    assert [["pinned"], ["pinned by chance"] * 3, ["", ""]] == [
        [target.why for target in found.targets] for found in (pinned, by_chance, by_weight)
    ]
    # of equals, the first by name
    assert ["next", "users"] == [target.service for target in by_weight.targets]


async def test_what_a_pin_leaves_may_be_sticky(explainer: Explainer) -> None:
    """Then it is one service that gets it."""
    found = explainer.explain("GET", "http://a.example/both", [("X-User", "u7")])
    stranger = explainer.explain("GET", "http://a.example/both")

    assert [0.8, 0.2, 0.0] == pytest.approx([target.share for target in found.targets])
    assert "last" == found.targets[1].service
    assert {"next": 0.4, "users": 0.4, "last": 0.2} == pytest.approx(shares(stranger))


async def test_odds_are_those_of_the_service_that_is_chosen(explainer: Explainer) -> None:
    """Ten thousand choices of the real thing."""
    found = explainer.explain("GET", "http://a.example/pinned", [("X-Beta", "1")])
    host = await asyncio.to_thread(make_host)
    gateway = Gateway(explainer.config, host)
    snapshot = (
        Builder(gateway, host.catalog, gateway.wheel, gateway.keep, Random(1))
        .prepare(explainer.config, 1)
        .snapshot
    )
    exchange = make_exchange(headers={"x-beta": "1"})
    chosen = [snapshot.targets["pinned"].choose(exchange)[0] for _ in range(10_000)]

    for service, share in shares(found).items():
        assert share == pytest.approx(chosen.count(service) / len(chosen), abs=0.02)


async def test_what_is_sticky(explainer: Explainer) -> None:
    """The same one every time."""
    found = explainer.explain("GET", "http://a.example/sticky", [("X-User", "u7")])

    assert [("sticky", 1.0)] == [(one.why, one.share) for one in found.targets]
    assert found == explainer.explain("GET", "http://a.example/sticky", [("X-User", "u7")])


async def test_a_service_that_the_path_names(explainer: Explainer) -> None:
    """It is said that the path does."""
    (target,) = explainer.explain("GET", "http://a.example/to/next/x/y?z").targets

    assert ("next", "captured", "/x/y?z", 1.0) == (target.service, target.why, target.target, target.share)


async def test_what_is_asked_for_is_what_the_rewrite_makes(explainer: Explainer) -> None:
    """Path and method, and a refusal where it makes none."""
    (patched,) = explainer.explain("POST", "http://a.example/method").targets
    (bad,) = explainer.explain("GET", "http://a.example/written/x", [("X-Path", "/%zz")]).targets

    assert ("PATCH", 1.0) == (patched.method, patched.share)
    assert ("", "", "a `%` in the path is not followed by two hexadecimal digits") == (
        bad.method,
        bad.target,
        bad.detail,
    )


async def test_routes_that_keep_encoded_slashes(explainer: Explainer) -> None:
    """A candidate may match, and be refused for its path all the same."""
    found = explainer.explain("GET", "http://a.example/written/a%2Fb")

    assert ["written matched"] == ways(found.candidates)
    assert ("", 400) == (found.result.route, found.result.status)


SEVERAL = """\
version: 1
services:
  a: {instances: ["http://127.0.0.1:1"], filters: [{transform: {request: {headers: {set: {x-a: b}}}}, name: last}]}
filters: [{static: {status: 418}, name: pot, when: {path: /pot}}]
routes:
  one:
    match: [/one, {path: "/one/{id}", method: GET}, {path: /one/two, header: {x-a: "1"}}]
    to: a
  near-d: {match: /near/d, to: a}
  near-c: {match: /near/c, to: a}
  near-b: {match: /near/b, to: a}
  near-a: {match: /near/a, to: a}
  bad: {match: /bad, to: a, rewrite: "/v2{header.x-path}"}
  fixed: {match: /fixed, filters: [static: {status: 204}]}
"""


@pytest_asyncio.fixture
async def several() -> AsyncIterator[Explainer]:
    """One for the configuration above, which is for any host."""
    host = await asyncio.to_thread(make_host)
    async with open_explainer(await load_config(SEVERAL, host), host) as opened:
        yield opened


async def test_a_route_may_have_several_ways(several: Explainer) -> None:
    """Some of them candidates; the route is none of those that are elsewhere."""
    found = several.explain("GET", "/one/two")
    alone = several.explain("GET", "/one/two", route="one")

    assert ["one failed", "one matched"] == ways(found.candidates)
    assert 6 == found.elsewhere
    assert ["one failed", "one matched", "one no candidate"] == ways(alone.candidates)
    assert ["/one/two", "GET /one/{id}", "/one"] == [one.rule for one in alone.candidates]
    assert found.request is not None
    assert "127.0.0.1" == found.request.client


async def test_no_more_than_three_are_near(several: Explainer) -> None:
    """Of equals the first in matching order."""
    found = several.explain("GET", "/near/x/y")

    assert ["near-a", "near-b", "near-c"] == [one.route for one in several.explain("GET", "/near").nearest]
    assert [] == list(found.nearest)


async def test_a_filter_for_all_may_answer_without_a_route(several: Explainer) -> None:
    """Then nothing is missing."""
    found = several.explain("GET", "/pot")

    assert ("", "pot", 418, "") == (
        found.result.route,
        found.result.answered_by,
        found.result.status,
        found.result.code,
    )
    assert ((), ()) == (found.targets, found.nearest)


async def test_a_route_may_answer_itself(several: Explainer) -> None:
    """By a filter, whose status is known."""
    found = several.explain("GET", "/fixed")

    assert ("fixed", "static", 204, "") == (
        found.result.route,
        found.result.answered_by,
        found.result.status,
        found.result.code,
    )
    assert "gateway.yaml:14" == found.result.place
    assert () == found.targets


async def test_no_filter_of_a_service_runs_where_the_path_is_refused(several: Explainer) -> None:
    """It stands behind the rewrite."""
    (bad,) = several.explain("GET", "/bad", [("X-Path", "/%zz")]).targets
    (good,) = several.explain("GET", "/bad", [("X-Path", "/x")]).targets

    assert ["not reached"] == [one.state for one in bad.filters]
    assert ["runs"] == [one.state for one in good.filters]
    assert ("GET", "/v2/x") == (good.method, good.target)


async def test_nothing_stays_open() -> None:
    """What a plugin asks for while it is built is closed behind it."""
    sessions = []

    class Curious:
        @hookimpl
        def gatekeeper_register(self, catalog: Catalog) -> None:
            def build(config: object, context: BuildContext) -> object:
                sessions.append(context.gateway.http)
                return self

            catalog.filter("curious", NoOptions, build)  # type: ignore[arg-type]

        def wrap(self, following: object) -> object:
            return following

    host = await asyncio.to_thread(make_host, [Curious()])
    text = "version: 1\nfilters: [curious]\nroutes: {a: {match: /a, filters: [static: {status: 200}]}}\n"
    async with open_explainer(await load_config(text, host), host) as opened:
        assert "idle" == opened.explain("GET", "/a").filters[0].state

    assert [True] == [session.closed for session in sessions]


# ---- who asks -------------------------------------------------------------------------------------------------------

WHO = """
version: 1
services: {app: http://127.0.0.1:1}
authenticators: {keys: api_key}
consumers: {acme: {credentials: {keys: {sha256: "%s"}}}}
filters: [auth: keys]
routes:
  admin:
    match: /admin/**
    to: app
    filters: [authorize: {role: admin}, {when: {role: admin}, transform: {request: {headers: {set: {x-a: a}}}}}]
  open: {match: /open, to: app, public: true}
""" % ("0" * 64)


async def test_who_may_come_is_shown_and_nobody_is_asked() -> None:
    """An explanation has no credential to prove anything by: it tells what is asked, and shows no secret."""
    host = await asyncio.to_thread(make_host)
    config = await load_config(WHO, host)
    async with open_explainer(config, host) as explainer:
        admin = explainer.explain("GET", "/admin/x", [("X-Api-Key", "hush"), ("X-Consumer", "acme")])
        public = explainer.explain("GET", "/open")

    assert [("auth", "runs"), ("authorize", "runs"), ("transform", "passed over")] == [
        (step.name, step.state) for step in admin.filters
    ]
    (when,) = admin.filters[2].when
    assert when.failed is not None
    assert ("role admin", "nobody") == (when.failed.condition, when.failed.found)
    assert [("auth", "dropped")] == [(step.name, step.state) for step in public.filters]
    assert not [secret for secret in ("hush", "0" * 64) if secret in repr((admin, public))]
