"""Who asks: every route says who may come, and nobody is asked about too early. Most of it stands in `broken/`."""

from textwrap import indent

import pytest

from gatekeeper.config.problems import ConfigError
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.template import PathTemplate
from tests.config.conftest import Load, Problems
from tests.config.loading import load_text


@pytest.fixture
def load(host: PluginHost) -> Load:
    """Reads a configuration with the kinds that are built in."""
    return lambda text: load_text(text, host.catalog, template=PathTemplate.parse, environ={})


HEAD = """\
version: 1
services: {a: http://a, b: {instances: ["http://b"], filters: [{auth: keys, name: its-own}]}}
authenticators: {keys: api_key, others: api_key}
"""


def said(problems: Problems, text: str) -> list[str]:
    """Ids and paths of what is wrong."""
    return [f"{line.rpartition('[')[2][:-1]} {line.split(': ')[1]}" for line in problems(HEAD + text)]


def route(text: str, head: str = "") -> str:
    """A configuration of one route."""
    return head + "routes:\n  x:\n    match: /x\n" + indent(text, "    ")


GUARDED = [
    pytest.param(route("to: a\nfilters: [auth: keys]"), id="auth"),
    pytest.param(route("to: a\nfilters: [auth: [keys, others]]"), id="any of two"),
    pytest.param(route("to: a\nfilters: [auth: {all_of: [keys, others]}]"), id="all of two"),
    pytest.param(route("to: a", "filters: [auth: keys]\n"), id="global"),
    pytest.param(route("to: a\nfilters: [use: c]", "chains: {c: [auth: keys]}\n"), id="chain"),
    pytest.param(route("to: b"), id="service"),
    pytest.param(route("to: a\npublic: true"), id="public"),
    pytest.param(route("to: a\npublic: true", "filters: [auth: keys]\n"), id="public beside all"),
    pytest.param(
        route("to: a\npublic: true\nfilters: [auth: {any_of: [keys], optional: true}]"), id="optional"
    ),
    pytest.param(
        route(
            "to: a\nfilters: [authorize: {role: x}]", "filters: [auth: {any_of: [keys], optional: true}]\n"
        ),
        id="authorize",
    ),
    pytest.param(
        route("to: a\noverride: {auth: others}", "filters: [auth: keys]\n"), id="another authenticator"
    ),
]


@pytest.mark.parametrize("text", GUARDED)
def test_a_route_says_who_may_come(text: str, problems: Problems) -> None:
    """By a filter, before or behind it, or by a word."""
    assert [] == said(problems, text)


OPEN = [
    pytest.param(route("to: a"), id="nothing"),
    pytest.param(route("to: {a: 1, b: 1}"), id="one of two services"),
    pytest.param(route("to: a\nfilters: [auth: {any_of: [keys], optional: true}]"), id="optional"),
    pytest.param(route("to: a\nfilters: [{auth: keys, when: {method: POST}}]"), id="sometimes"),
    pytest.param(
        route("to: a\nfilters: [{use: c, when: {method: POST}}]", "chains: {c: [auth: keys]}\n"),
        id="a chain, sometimes",
    ),
    pytest.param(route("to: a\noverride: {auth: false}", "filters: [auth: keys]\n"), id="dropped"),
    pytest.param(
        route("to: a\noverride: {auth: {optional: true}}", "filters: [auth: keys]\n"), id="made optional"
    ),
    pytest.param(route("to: a\nfilters: [authorize: {address: 10.0.0.0/8}]"), id="by address"),
    pytest.param(route("filters: [redirect: /y]"), id="redirect"),
]


@pytest.mark.parametrize("text", OPEN)
def test_a_route_that_does_not_say_it_is_an_error(text: str, problems: Problems) -> None:
    """To forget a filter is the classic silent hole."""
    assert ["no-auth routes.x"] == said(problems, text)


def test_without_authenticators_nobody_is_asked(load: Load) -> None:
    """Five lines stay five lines."""
    load("version: 1\nservices: {a: http://a}\nroutes: {x: {match: /x, to: a}}\n")


TOO_EARLY = [
    pytest.param(
        "filters: [{transform: {}, when: {role: x}}, auth: keys]", "filters[0].when.role", id="when"
    ),
    pytest.param("filters: [{use: c, when: {role: x}}, auth: keys]", "filters[0].when.role", id="chain"),
    pytest.param(
        'filters: [transform: {request: {headers: {set: {x-a: "{consumer.plan}"}}}}, auth: keys]',
        "filters[0].transform.request.headers.set.x-a",
        id="text",
    ),
    pytest.param(
        "filters: [authorize: {method: GET, not: {claim: {a: b}}}, auth: keys]",
        "filters[0].authorize.not.claim",
        id="authorize",
    ),
]


@pytest.mark.parametrize(("text", "path"), TOO_EARLY)
def test_nobody_is_asked_about_before_auth(text: str, path: str, problems: Problems) -> None:
    """The order of filters counts."""
    head = "chains: {c: [transform: {request: {headers: {set: {x-a: b}}}, }]}\n" if "use: c" in text else ""

    assert [f"no-identity routes.x.{path}"] == said(problems, route("to: a\n" + text, head))


def test_behind_auth_everything_may_ask(problems: Problems) -> None:
    """Filters, chains, targets and what keeps clients."""
    text = route(
        "to: {a: 1, b: {weight: 1, pin: {role: x}}}\nsticky: claim.org\nfilters:\n  - auth: keys\n  - use: c",
        'chains: {c: [{transform: {request: {headers: {set: {x-a: "{claim.a.b}"}}}}, when: {scope: x}}]}\n',
    )

    assert [] == said(problems, text)


def test_a_credential_is_told_once_for_each_authenticator(load: Load) -> None:
    """The same key may open two doors."""
    key = "{sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08}"
    text = HEAD + route(
        "to: a\npublic: true", f"consumers: {{c: {{credentials: {{keys: {key}, others: {key}}}}}}}\n"
    )

    assert {"keys", "others"} == set(load(text).consumers["c"].credentials)
    with pytest.raises(ConfigError, match="stands here twice"):
        load(text.replace(f"keys: {key}", f"keys: [{key}, {key}]"))
