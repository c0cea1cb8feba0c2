"""The reference: there is a page for everything, it fits, and it says what is meant instead of what there is not."""

from typing import Any

import attrs
import pytest

from gatekeeper.config.conditions import ConditionConfig, MatcherConfig
from gatekeeper.config.grammar import TYPES, VALUES, all_keys
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.page import Page, Table, render
from gatekeeper.config.reference import Reference, UnknownTopicError
from gatekeeper.config.wording import keys
from gatekeeper.extend.host import PluginHost


@pytest.fixture(scope="module")
def reference(host: PluginHost) -> Reference:
    """With the built-in kinds, and those of these tests."""
    return Reference(host.catalog)


def cells(page: Page, heading: str) -> list[str]:
    """The first column of a table."""
    return [row[0] for table in page.tables if table.heading == heading for row in table.rows]


TOPICS = [
    *all_keys(GatewayConfig),
    *(
        "services.timeouts",
        "services.instances.url",
        "services.NAME.tls.verify",
        "services.*.filters",
        "services.like",
    ),
    *("routes.match", "routes.match.header", "routes.to", "routes.to.weight", "routes.to.pin"),
    *(
        "routes.sticky.cookie.ttl",
        "routes.filters.when",
        "routes.filters.limit.most",
        "routes.rewrite.strip",
        "routes.override",
    ),
    *(
        "server.listen",
        "server.listen.NAME.address",
        "server.timeouts.idle",
        "admin.listen",
        "defaults.services.timeouts",
    ),
    *(
        "chains.when",
        "filters[0].name",
        "filters.use",
        "transform",
        "transform.request.headers.set",
        "static.body",
        "redirect",
    ),
    *(
        "limit",
        "limit.windows.size",
        "stamp",
        "sign",
        "forward",
        "country",
        "country.codes",
        "header",
        "not",
        "share",
        "if_error",
    ),
    *("match", "values", "types"),
    *(
        "services.balance",
        "services.balance.slow_start",
        "services.balance.hash",
        "services.balance.hash.by",
        "services.app.balance.cookie.ttl",
        "services.health.http.path",
        "services.health.every",
        "services.outliers.failures",
        "services.retries.backoff.base",
        "services.retries.if",
        "services.instances.weight",
        "services.host_header",
        "defaults.services.health.tcp",
        "admin.users.role",
        "server.reload.debounce",
        "providers.NAME.http.url",
        "providers.feed",
        "least_connections",
        "hash",
        "http",
        "tcp",
        "slow_start",
    ),
]


OF_PLUGINS = {"most", "size", "codes"}
"""Options that tell nothing about themselves."""


@pytest.mark.parametrize("topic", TOPICS)
def test_there_is_a_page(topic: str, reference: Reference) -> None:
    """With a line about it, in 100 columns, without blanks at the end of lines."""
    page = reference.page(topic)
    lines = render(page).splitlines()

    assert lines[0] == page.title == topic
    assert page.text or topic.rsplit(".", maxsplit=1)[-1] in OF_PLUGINS
    assert [] == [line for line in lines if len(line) > 100 or line != line.rstrip()]


def test_the_overview_names_what_there_is(reference: Reference) -> None:
    """Keys, kinds, and what else may be asked for."""
    page = reference.overview()

    assert cells(page, "keys") == list(all_keys(GatewayConfig))
    assert {"transform", "static", "redirect", "limit"} <= set(cells(page, "filters"))
    assert "forward" not in cells(page, "filters")
    assert {"round_robin", "hash", "sharded"} <= set(cells(page, "balancers"))
    assert {"http", "tcp", "knock"} <= set(cells(page, "health checks"))
    assert {"http", "feed"} <= set(cells(page, "providers"))
    assert cells(page, "conditions that plugins add") == ["country"]
    assert cells(page, "and") == ["match", "values", "types"]
    assert "ratelimit" in render(page)
    assert all(len(line) <= 100 for line in render(page).splitlines())


def test_everything_that_the_overview_names_has_a_page(reference: Reference) -> None:
    """No dead ends."""
    overview = reference.overview()

    for heading in (
        "keys",
        "filters",
        "balancers",
        "health checks",
        "providers",
        "conditions that plugins add",
        "and",
    ):
        for topic in cells(overview, heading):
            assert reference.page(topic).title == topic


def test_the_page_of_a_key(reference: Reference) -> None:
    """Type, default and meaning, of what is in it too, and its short forms."""
    assert (
        render(reference.page("routes.to"))
        == """\
routes.to

The service, or several with weights; none where a filter answers.

  type     service, services with weights, or Text
  default  -

keys of each:
  KEY     TYPE       DEFAULT  MEANING
  weight  Weight     1        its part of the requests, against the others
  pin     condition  -        these requests always go here

short forms:
  SHORT               MEANS
  users               {users: {weight: 1}}
  {users: 95, v2: 5}  {users: {weight: 95}, v2: {weight: 5}}
  95                  {weight: 95}

not available yet:
  rollout"""
    )


def test_the_page_of_a_kind(reference: Reference) -> None:
    """How it is used, its options, and what may stand beside it."""
    page = reference.page("redirect")

    assert ("used as", "`redirect: {...}`, or `redirect: x` for `redirect: {to: x}`") == page.tables[0].rows[
        0
    ]
    assert cells(page, "keys") == ["to", "scheme", "host", "status"]
    assert cells(page, "beside it") == ["name", "when", "if_error"]
    assert ("used as", "`country: {...}`, or `country: x` for `country: {codes: x}`") == reference.page(
        "country"
    ).tables[0].rows[0]
    assert cells(reference.page("country"), "beside it") == []


def test_the_page_of_a_part(reference: Reference) -> None:
    """Its kinds, what they share, and how short it can be."""
    page = reference.page("services.health")

    assert ("default", "http") == page.tables[0].rows[1]
    assert cells(page, "beside the kind") == ["every", "timeout", "healthy_after", "unhealthy_after"]
    assert {"http", "tcp", "knock"} == set(cells(page, "kinds"))
    assert "/ready" in cells(page, "short forms")


def test_a_kind_that_is_one_of_two_sorts_names_both(reference: Reference) -> None:
    """`http` asks for health, and provides; `cookie` is a condition, too."""
    assert cells(reference.page("http"), "see also") == ["providers.http"]
    assert cells(reference.page("cookie"), "see also") == ["services.balance.cookie"]
    assert cells(reference.page("hash"), "see also") == []
    assert reference.page("services.balance.cookie").tables != reference.page("cookie").tables
    assert cells(reference.page("providers.http"), "beside it") == ["may_provide", "required"]


def test_the_page_of_conditions(reference: Reference) -> None:
    """Their keys, with those of plugins, and matchers."""
    page = reference.page("match")

    assert set(cells(page, "keys")) == {*keys(ConditionConfig), "country"} - {"predicates"}
    assert {"exact", "regex", "not"} <= set(
        cells(page, "a matcher is a text, a list (any of them), or one of")
    )


def test_the_pages_of_values_and_types(reference: Reference) -> None:
    """All of them."""
    assert cells(reference.page("values"), "") == list(VALUES)
    assert cells(reference.page("types"), "") == list(TYPES)


@pytest.mark.parametrize(
    "topic",
    ["ratelimit", "services.hedge", "services.NAME.breaker", "stores", "filters.budget", "providers.tenant"],
)
def test_what_is_not_available_yet_says_so(topic: str, reference: Reference) -> None:
    """It is neither unknown nor there."""
    page = reference.page(topic)

    assert "Not available yet" in page.text
    assert page.tables == ()


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("servcies", "no key and no kind `servcies`; did you mean `services`?"),
        ("upstreams", "no key and no kind `upstreams`; did you mean `services`?"),
        ("transfrom", "no key and no kind `transfrom`; did you mean `transform`?"),
        ("least_conn", "no key and no kind `least_conn`; did you mean `least_connections`?"),
        ("p2c", "no key and no kind `p2c`; did you mean `power_of_two`?"),
        ("services.balance.hsh", "no key `hsh` in `services.balance`; did you mean `hash`?"),
        ("services.health.http.pth", "no key `pth` in `services.health.http`; did you mean `path`?"),
        ("services.timeout", "no key `timeout` in `services`; did you mean `timeouts`?"),
        ("routes.to.wieght", "no key `wieght` in `routes.to`; did you mean `weight`?"),
        ("version.x", "no key `x` in `version`"),
    ],
)
def test_what_there_is_not_tells_what_there_is(topic: str, message: str, reference: Reference) -> None:
    """In the words of the loader."""
    with pytest.raises(UnknownTopicError) as caught:
        reference.page(topic)

    assert message == str(caught.value)


def test_pages_are_data(reference: Reference) -> None:
    """For programs: tables by their headings, rows by their columns."""
    data = reference.page("services.timeouts").as_data()

    assert data["title"] == "services.timeouts"
    assert data["tables"]["keys"][0] == {
        "key": "connect",
        "type": "Duration",
        "default": "5s",
        "meaning": "until a connection is open",
    }


def test_cells_are_wrapped() -> None:
    """A word is never broken; the last column has what is left."""
    page = Page("x", "", (Table("", ("a", "b"), (("w" * 50, "one two " * 20),)),))

    lines = render(page).splitlines()
    assert lines[3].startswith(f"  {'w' * 50}  one two")
    assert lines[4].startswith(" " * 54)
    assert max(map(len, lines)) <= 100


def _fields(cls: Any, seen: set[Any]) -> list[str]:
    if cls in seen:
        return []
    seen.add(cls)
    found = []
    for key, field in keys(attrs.resolve_types(cls)).items():
        if not field.metadata.get("help"):
            found.append(f"{cls.__name__}.{key}")
        for kind in _classes(field.type):
            found += _fields(kind, seen)
    return found


def _classes(kind: Any) -> list[Any]:
    if attrs.has(kind) and kind.__module__.startswith("gatekeeper.") and kind.__name__.endswith("Config"):
        return [kind]
    return [found for arm in getattr(kind, "__args__", ()) for found in _classes(arm)]


def test_every_field_has_a_line_of_help() -> None:
    """Of the configuration, and of the kinds that come with the gateway."""
    catalog = PluginHost().catalog
    tables = (catalog.filters, catalog.predicates, catalog.balancers, catalog.probes, catalog.providers)
    classes = [kind.config for table in tables for kind in table.values()]
    seen: set[Any] = set()
    found = [
        name
        for cls in (GatewayConfig, ConditionConfig, MatcherConfig, *classes)
        for name in _fields(cls, seen)
    ]

    # what the kind makes of it is its own matter
    assert set(found) <= {"FilterConfig.options"}
    assert len(seen) > 20


def test_every_kind_has_a_summary() -> None:
    """The first line of what its options say about themselves."""
    catalog = PluginHost().catalog
    tables = (catalog.filters, catalog.balancers, catalog.probes, catalog.providers)

    assert [] == [kind for table in tables for kind, found in table.items() if not found.summary]


def test_credentials_are_told_with_their_authenticator() -> None:
    """And all of them where consumers have them; nothing else has any."""
    reference = Reference(PluginHost().catalog)
    keys = ["id", "sha256", "expires", "scopes"]

    assert keys == cells(reference.page("api_key"), "a credential of a consumer")
    assert keys == cells(reference.page("consumers.credentials"), "a credential of `api_key`")
    assert [] == cells(reference.page("authorize"), "a credential of a consumer")


def test_what_is_one_value_has_no_key_for_it() -> None:
    """`authorize: {condition: ...}` would be refused."""
    used = [
        row for table in Reference(PluginHost().catalog).page("authorize").tables[:1] for row in table.rows
    ]

    assert [("used as", "`authorize: {...}`")] == used


@pytest.mark.parametrize(
    ("topic", "same"),
    [
        ("services.app.timeouts", "services.timeouts"),
        ("routes.all.match.path", "routes.match.path"),
        ("routes.all.filters[0].transform.request", "transform.request"),
        ("consumers.acme.credentials.keys[0].sha256", "consumers.credentials.sha256"),
    ],
)
def test_a_path_of_a_message_is_a_topic(topic: str, same: str) -> None:
    """With the names and indices of a file in it."""
    reference = Reference(PluginHost().catalog)

    assert reference.page(same).tables == reference.page(topic).tables


def test_others_may_bring_topics(host: PluginHost) -> None:
    """Which they know better; the overview names them."""
    page = Page("weather", "It rains.")
    reference = Reference(host.catalog, {"weather": ("what it is like outside", lambda: page)})

    assert page is reference.page("weather")
    assert "weather" in cells(reference.overview(), "and")
    with pytest.raises(UnknownTopicError, match="did you mean `weather`"):
        reference.page("weahter")
