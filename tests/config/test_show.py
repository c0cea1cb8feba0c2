"""The long form: what it looks like, and the law that reading it gives the same configuration."""

import enum
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.config.addresses import Listen, Url
from gatekeeper.config.document import read_document
from gatekeeper.config.fields import HIDDEN_SECRET
from gatekeeper.config.model import FilterConfig, GatewayConfig, TlsServiceConfig, UseConfig
from gatekeeper.config.show import dump, show, show_filter, show_options
from gatekeeper.config.structure import structure_options
from gatekeeper.config.units import Duration, Name, Share, Size
from gatekeeper.core.text import Text, Value
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.template import PathTemplate
from tests.config import corpus, plugin
from tests.config.loading import load_text
from tests.docs.readme import ROOT, blocks


Load = Callable[[str], GatewayConfig]


def read_again(config: GatewayConfig) -> GatewayConfig:
    """What its long form is read as."""
    return load_text(dump(show(config)), plugin.KINDS, template=PathTemplate.parse, environ={})


# ---- the law --------------------------------------------------------------------------------------------------------

NAMES = st.from_regex("[a-z][a-z0-9_-]{0,5}", fullmatch=True).filter(
    lambda name: name not in {"yes", "no", "on", "off", "y", "n", "true", "false", "null", "forward"}
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ODD = st.sampled_from(
    ["${x}", "$${", "1e3", "017", "yes", "~", "", "- a", "a: b", "#", "null", ".5", "1:30", "{}", "=", "\x85"]
)
ANY_TEXT = TEXTS | ODD
PLAIN = (ANY_TEXT | st.just("x")).filter(lambda text: "{" not in text and "}" not in text)
DURATIONS = st.sampled_from(["250ms", "0.1ms", "5s", "1.5m", "1h30m", "7d", "90.1s", "0.3333333s"])
SHARES = st.sampled_from(["0.5%", "20%", "100%", "0%", "33.3333%", "7%", "29%"])


def some(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with some of these keys."""
    return st.fixed_dictionaries({}, optional=values)


def escaped(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The texts as a file has them."""
    return texts.map(lambda text: text.replace("${", "$${"))


FORMS = st.one_of(
    escaped(ANY_TEXT),
    escaped(ANY_TEXT).map(lambda text: {"exact": text}),
    *(
        st.fixed_dictionaries({form: escaped(ANY_TEXT.filter(bool))})
        for form in ("prefix", "suffix", "contains")
    ),
    st.sampled_from([{"regex": "[a-z]+"}, {"present": True}, {"present": False}]),
)
MATCHERS = FORMS | st.lists(FORMS, min_size=1, max_size=3) | FORMS.map(lambda form: {"not": form})
MAPPED = st.dictionaries(st.sampled_from(["a", "x-b", "on", "5"]), MATCHERS, min_size=1, max_size=2)


def one_or_more(*choices: Any) -> st.SearchStrategy[Any]:
    """A value, or a list of them."""
    one = st.sampled_from(choices)
    return one | st.lists(one, min_size=1, max_size=2)


PLAIN_CONDITIONS: Mapping[str, st.SearchStrategy[Any]] = {
    "host": one_or_more("a.example", "*.b.example", "*"),
    "method": st.sampled_from(["GET", ["GET", "PUT"], ["PUT", "GET"]]),
    "scheme": one_or_more("http", "https"),
    "header": MAPPED,
    "query": MAPPED,
    "cookie": MAPPED,
    "address": one_or_more("10.0.0.0/8", "::1", "127.0.0.1"),
    "country": one_or_more("DE", "NO"),
}
PATHS: st.SearchStrategy[Any] = one_or_more(
    "/a", "/a/**", {"prefix": "/b"}, {"suffix": ".js"}, {"regex": "/[0-9]+"}, {"not": ["/a", {"exact": "/b"}]}
)


def conditions(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A condition, or a list of them."""
    one = some(**PLAIN_CONDITIONS, **more).filter(bool) | st.sampled_from(["/x", "/x/**"])
    return one | st.lists(one, min_size=1, max_size=2)


WHEN = conditions(path=PATHS, share=SHARES, **{"not": conditions(share=SHARES, path=PATHS)})
OPTIONS = st.one_of(
    some(
        most=st.sampled_from(["1KiB", "512B", "3GiB", "0B"]),
        mode=st.sampled_from(["drop", "wait"]),
        windows=st.lists(
            st.fixed_dictionaries({"size": DURATIONS}, optional={"steps": st.integers(1, 9)}), max_size=2
        ),
        off=st.booleans(),
    ).map(lambda options: {"limit": options}),
    some(
        request=st.dictionaries(ANY_TEXT, escaped(PLAIN) | st.just("{request.id}-{address}"), max_size=2),
        response=st.lists(escaped(PLAIN), max_size=2),
    ).map(lambda options: {"set": options}),
    st.just({"stamp": True}),
)


def filters(prefix: str) -> st.SearchStrategy[list[Any]]:
    """A list of filters whose names differ from those of other lists."""
    entry = st.tuples(OPTIONS, some(when=WHEN, if_error=st.sampled_from(["fail", "skip"])))
    return st.lists(entry, max_size=2).map(
        lambda entries: [
            {**options, **beside, "name": f"{prefix}{index}"}
            for index, (options, beside) in enumerate(entries)
        ]
    )


FAILURES = st.lists(st.sampled_from(["connect", "reset", "timeout", "5xx", 404, 503]), max_size=3)
CONCURRENCY = st.sampled_from([7, {"limit": 9}, {"limit": 1, "queue": 5, "wait": "0.1ms"}])
ORIGINS = ["https://A.example:443", "http://[::1]:80", "app://x", "http://a:8080"]
INFO = {
    "description": escaped(ANY_TEXT),
    "labels": st.dictionaries(ANY_TEXT, escaped(ANY_TEXT), max_size=2),
}
SERVICE = st.fixed_dictionaries(
    {
        "instances": st.sampled_from(
            [
                ["http://a", "http://b:81"],
                [{"url": "https://c", "id": "on"}],
                ["unix:///run/a b"],
                [{"url": "http://a", "weight": 0, "zone": "on", "priority": 1}, "http://b"],
            ]
        )
    },
    optional={
        **INFO,
        "balance": st.sampled_from(
            [
                "round_robin",
                True,
                {"weighted_round_robin": {}, "slow_start": "5s"},
                {"sharded": "address"},
                {"sharded": {"by": "header.x", "shards": 3}, "panic_below": "30%", "prefer_zone": "on"},
                {"panic_below": "0.5%"},
            ]
        ),
        "health": st.sampled_from([False, True, "/up", "knock", {"knock": "hi", "healthy_after": 1}])
        | some(every=DURATIONS.filter(lambda time: time != "0.1ms"), unhealthy_after=st.integers(1, 9)),
        "outliers": st.booleans()
        | some(
            consecutive_failures=st.integers(1, 9),
            failure_rate=SHARES | st.just(value=False),
            failures=FAILURES,
            eject_for=DURATIONS,
            eject_at_most=SHARES,
        ),
        "timeouts": some(connect=DURATIONS, read=DURATIONS, total=DURATIONS | st.just(value=False)),
        "retries": st.integers(0, 3)
        | st.booleans()
        | some(
            count=st.integers(0, 3),
            **{"if": FAILURES.filter(bool)},
            backoff=DURATIONS | some(base=DURATIONS),
            budget=SHARES | some(floor=st.integers(0, 9)),
            replay_body=st.sampled_from(["0B", "1MiB"]),
            idempotency_key=st.just("x-key"),
        ),
        "concurrency": CONCURRENCY,
        "pool": some(max_connections=st.integers(1, 99), idle=DURATIONS, max_requests=st.just(value=False)),
        "host_header": st.sampled_from(["client", "upstream", "a.example"]),
    },
)
SERVICES = ("users", "b-2")
TARGET = st.integers(1, 95) | some(weight=st.integers(1, 95), pin=WHEN)
ROUTE = st.fixed_dictionaries(
    {
        "match": conditions(path=PATHS),
        "to": st.sampled_from(SERVICES) | st.fixed_dictionaries(dict.fromkeys(SERVICES, TARGET)),
    },
    optional={
        **INFO,
        "priority": st.integers(-9, 9),
        "rewrite": st.sampled_from(["/y", {"prefix": "/y"}, {"path": "/a b", "method": "GET"}]),
        "encoded_slashes": st.sampled_from(["reject", "keep"]),
        "max_body": st.sampled_from([False, "0B", "3KiB"]),
        "websocket": st.booleans()
        | some(
            origins=st.just("any") | st.lists(st.sampled_from(ORIGINS), min_size=1),
            lifetime=DURATIONS | st.just(value=False),
            protocols=st.sampled_from([["websocket"], ["mqtt/5", "websocket"]]),
        ),
        "filters": filters("route"),
    },
)
LISTENER = st.sampled_from([0, "127.0.0.1:81", "[::1]:0", {"address": 80}])
# no two of them have one address
LISTENERS = st.dictionaries(NAMES, LISTENER, min_size=1, max_size=2).filter(
    lambda found: len(set(map(str, found.values()))) == len(found)
)
CONFIGURATIONS = st.fixed_dictionaries(
    {"version": st.just(1), "services": st.fixed_dictionaries(dict.fromkeys(SERVICES, SERVICE))},
    optional={
        "hosts": st.just(["*", "a.example"]),
        "server": some(
            listen=LISTENER | LISTENERS,
            timeouts=some(head=DURATIONS, idle=DURATIONS),
            limits=some(
                header_count=st.integers(1, 9),
                target=st.sampled_from(["1B", "8KiB"]),
                body_rate=st.sampled_from([False, "5B"]),
                connections_per_address=st.integers(1, 9) | st.just(value=False),
            ),
            concurrency=CONCURRENCY,
            half_close=DURATIONS | st.sampled_from(["wait", "abort"]),
            underscore_headers=st.sampled_from(["drop", "keep", "reject"]),
            trusted_proxies=st.lists(st.sampled_from(["10.0.0.0/8", "fd00::/8"]), max_size=2),
            health_path=st.sampled_from([False, "/on"]),
            reload=some(watch=st.booleans(), debounce=DURATIONS),
            drain=DURATIONS,
        ),
        "admin": st.sampled_from([{}, {"listen": False}, {"listen": "[::1]:9"}]),
        "providers": st.dictionaries(
            NAMES.filter(lambda name: name not in {"admin", "file"}),
            st.sampled_from(
                [{"feed": "https://x"}, {"feed": {"url": "x", "every": "5s"}, "may_provide": ["routes"]}]
            ),
            max_size=2,
        ),
        "filters": filters("global"),
        "routes": st.dictionaries(NAMES, ROUTE, max_size=3),
    },
)
"""Configurations that have nothing wrong."""


@given(CONFIGURATIONS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_shown_is_read_as_the_same(data: dict[str, Any]) -> None:
    """Whatever a configuration holds."""
    config = load_text(dump(data), plugin.KINDS, template=PathTemplate.parse, environ={})

    assert config == read_again(config)
    assert show(config) == show(read_again(config))


def _examples() -> dict[str, tuple[str, Path]]:
    files = [ROOT / "gateway.yaml", ROOT / "gatekeeper/cli/demo.yaml", ROOT / "gatekeeper/cli/starter.yaml"]
    files += sorted((ROOT / "examples").glob("*/gateway.yaml"))
    found = {str(path.relative_to(ROOT)): (path.read_text(), path.parent) for path in files}
    return found | {
        f"README.md:{block.line}": (block.text, ROOT) for block in blocks() if block.language == "yaml"
    }


EXAMPLES = _examples()


@pytest.mark.parametrize(("text", "folder"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_examples_are_read_as_the_same(text: str, folder: Path) -> None:
    """Each file that people begin with."""
    kinds = PluginHost([ROOT / "examples" / "your-own-filter" / "require.py"]).catalog
    hashes = re.findall(r"\b[0-9a-f]{64}\b", text)
    secret = hashes[0] if hashes else corpus.SECRET
    environ = {"SECRET": secret}
    config = load_text(text, kinds, template=PathTemplate.parse, base=folder, environ=environ)

    # what is hidden has to be put in again
    shown = dump(show(config))
    for hashed in re.findall(r'\$scrypt\$[^"]*', text):
        shown = shown.replace(f"password_hash: '{HIDDEN_SECRET}'", f"password_hash: '{hashed}'", 1)
    shown = shown.replace(HIDDEN_SECRET, secret)

    assert config == load_text(shown, kinds, template=PathTemplate.parse, base=folder, environ=environ)


# ---- what it looks like ---------------------------------------------------------------------------------------------


def test_five_lines_in_the_long_form(load: Load) -> None:
    """Every default stands there, in the order of the classes."""
    config = load(
        """\
        version: 1
        services: {app: http://localhost:3000}
        routes: {all: {match: /**, to: app}}
        """
    )

    assert dump(show(config)) == (
        """\
version: 1
hosts: []
server:
  listen: {main: {address: '0.0.0.0:8080', proxy_protocol: false}}
  timeouts: {head: 10s, body: 30s, idle: 1m15s, write: 1m}
  limits:
    header_count: 100
    header_line: 8KiB
    header_block: 64KiB
    target: 8KiB
    body_rate: '100B'
    connections: 10000
    connections_per_address: 1000
    requests_per_connection: 10000
  concurrency: {limit: 2000, queue: 500, wait: 1s}
  half_close: 1s
  underscore_headers: drop
  trusted_proxies: []
  health_path: false
  workers: 1
  drain: 30s
  reload: {watch: true, debounce: 250ms}
admin: {listen: '127.0.0.1:9901', users: {}}
observe: {audit: false}
database: sqlite:///gatekeeper.db
providers: {}
authenticators: {}
plans: {}
consumers: {}
filters: []
chains: {}
services:
  app:
    description: ''
    labels: {}
    instances:
    - {url: 'http://localhost:3000', id: 'http://localhost:3000', weight: 1, zone: '', priority: 0}
    balance: {round_robin: {}, slow_start: 0s, panic_below: 0%, prefer_zone: ''}
    health: false
    outliers:
      consecutive_failures: 5
      failure_rate: false
      min_requests: 50
      window: 30s
      failures: [connect, reset, timeout, 502, 503, 504]
      eject_for: 30s
      eject_at_most: 50%
    timeouts: {connect: 5s, write: 30s, read: 30s, first_byte: 30s, total: false, stream: 1h}
    retries:
      count: 1
      if: [connect, reset]
      backoff: {base: 25ms, max: 250ms}
      budget: {share: 10%, floor: 3}
      replay_body: 64KiB
      honour_retry_after: true
    concurrency: {limit: 1000, queue: 100, wait: 1s}
    pool: {max_connections: 256, idle: 30s, max_requests: false}
    host_header: client
    filters: []
routes:
  all:
    description: ''
    labels: {}
    match: {path: /**}
    priority: 0
    to: {app: {weight: 1}}
    filters: []
    override: {}
    public: false
    max_body: 16MiB
    websocket: false
    encoded_slashes: reject
"""
    )


WHOLE = "version: 1\nservices: {{a: http://a, b: http://b}}\nchains: {{c: [stamp]}}\nroutes: {{x: {{match: /x, to: a, {}}}}}"


@pytest.mark.parametrize(
    ("written", "key", "shown"),
    [
        ("sticky: header.x-user", "sticky", {"by": ["header.x-user"]}),
        ("sticky: {cookie: true}", "sticky", {"by": [], "cookie": {"name": "gk_side", "ttl": "7d"}}),
        ("rewrite: /a", "rewrite", {"path": "/a"}),
        ("filters: [use: c]", "filters", [{"use": "c"}]),
        (
            "filters: [{limit: 5B, when: /y}]",
            "filters",
            [
                {
                    "limit": {"most": "5B", "mode": "drop", "windows": [], "off": False},
                    "name": "limit",
                    "when": {"path": "/y"},
                    "if_error": "fail",
                }
            ],
        ),
        (
            "filters: [{stamp: true, when: {share: 0%}}]",
            "filters",
            [{"stamp": {}, "name": "stamp", "when": {"share": "0%"}, "if_error": "fail"}],
        ),
        (
            "filters: [{use: c, when: {method: [GET, PUT]}}]",
            "filters",
            [{"use": "c", "when": {"method": ["GET", "PUT"]}}],
        ),
        ("filters: [stamp], override: {stamp: false}", "override", {"stamp": False}),
        (
            "filters: [limit: {mode: wait}], override: {limit: {most: 2KiB}}",
            "override",
            {"limit": {"most": "2KiB", "mode": "wait", "windows": [], "off": False}},
        ),
    ],
)
def test_parts_in_the_long_form(written: str, key: str, shown: Any, load: Load) -> None:
    """Short forms are gone; a chain stays one."""
    text = WHOLE.format(written)
    if key == "sticky":
        text = text.replace("to: a", "to: {a: 1, b: 1}")
    config = load(text)

    assert shown == show(config)["routes"]["x"][key]
    assert config == read_again(config)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{path: [/a], method: GET}", {"path": "/a", "method": "GET"}),
        ("[/a, {path: [/b, /c]}]", [{"path": "/a"}, {"path": ["/b", "/c"]}]),
        ("{header: {X-A: b}}", {"header": {"x-a": {"exact": "b"}}}),
        ("{query: {a: [b, {present: false}]}}", {"query": {"a": [{"exact": "b"}, {"present": False}]}}),
        ("{cookie: {a: {not: b}}}", {"cookie": {"a": {"not": {"exact": "b"}}}}),
        ("{path: {regex: '/[a-z]+'}}", {"path": {"regex": "/[a-z]+"}}),
        ("{not: {scheme: http}, path: /a}", {"path": "/a", "not": {"scheme": "http"}}),
        ("{country: [DE, 'NO']}", {"country": {"codes": ["DE", "NO"]}}),
    ],
)
def test_conditions_in_the_long_form(written: str, shown: Any, load: Load) -> None:
    """A single alternative stands alone; what asks nothing is left out."""
    config = load(WHOLE.format("priority: 1").replace("match: /x", f"match: {written}"))

    assert shown == show(config)["routes"]["x"]["match"]
    assert config == read_again(config)


def test_a_short_form_that_replaced_all_options_stays_short(load: Load) -> None:
    """The long form would be put over what it had replaced."""
    config = load(
        """\
        version: 1
        filters: [{limit: {windows: [{size: 5s}], off: true}}]
        services: {a: http://a}
        routes: {x: {match: /x, to: a, override: {limit: 5B}}}
        """
    )

    assert show(config)["routes"]["x"]["override"] == {"limit": "5B"}
    assert config == read_again(config)


def test_tls_of_services_that_do_not_speak_it_is_left_out(load: Load) -> None:
    """`defaults` may give it to them, and it would be a mistake of their own."""
    config = load("version: 1\nservices: {a: http://a, b: https://b}")
    insecure = {
        name: attrs.evolve(service, tls=TlsServiceConfig(verify=False))
        for name, service in config.services.items()
    }

    services = show(attrs.evolve(config, services=insecure))["services"]

    assert "tls" not in services["a"]
    assert services["b"]["tls"] == {"verify": False}


def test_a_literal_reference_stays_one(load: Load) -> None:
    """`$${` is a text that holds `${`, in every field; keys are never replaced."""
    config = load(
        "version: 1\nservices: {a: {instances: [http://a], description: '$${X} $$${Y}', labels: {'${k}': '$${Z}'}}}"
    )

    assert config.services["a"].description == "${X} $${Y}"
    assert show(config)["services"]["a"]["description"] == "$${X} $$${Y}"
    assert config == read_again(config)


# ---- options of plugins ---------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "red"
    ONE = 1


@attrs.frozen
class Inner:
    wait: Duration | Size = 5.0


@attrs.frozen(kw_only=True)
class Everything:
    colour: Colour = Colour.RED
    colours: frozenset[Colour] = frozenset()
    pair: tuple[Duration, Share] = (60.0, 0.2)
    times: Mapping[Duration, int] = attrs.field(factory=dict)
    by_colour: Mapping[Colour, Inner] = attrs.field(factory=dict)
    inner: Inner | Literal[False] = False
    either: Size | Duration = 5.0
    limit: Duration | None = None
    anything: Any = None
    where: Listen | Url | None = None
    value: Value = attrs.field(factory=lambda: Value("address"))
    text: Text | int = 0
    names: set[Name] = attrs.field(factory=set)
    noted: Annotated[int, "a note"] = 3
    if_: float = 0.5
    token: str = attrs.field(default="", metadata={"secret": True})


def test_options_are_shown_by_their_classes() -> None:
    """As they are read: types lead where values are ambiguous, and sets are sorted."""
    options = Everything(
        colours=frozenset({Colour.RED, Colour.ONE}),
        times={90.0: 1},
        by_colour={Colour.ONE: Inner(wait=1024)},
        inner=Inner(),
        either=2048,
        anything={"a": [1, 2.5, True, "${x}"]},
        where=Url.parse("http://a"),
        text=Text("{address}"),
        names={"b", "a"},
        token="hunter2",
    )

    assert show_options(options) == {
        "colour": "red",
        "colours": [1, "red"],
        "pair": ["1m", "20%"],
        "times": {"1m30s": 1},
        "by_colour": {"1": {"wait": "1KiB"}},
        "inner": {"wait": "5s"},
        "either": "2KiB",
        "anything": {"a": [1, 2.5, True, "$${x}"]},
        "where": "http://a",
        "value": "address",
        "text": "{address}",
        "names": ["a", "b"],
        "noted": 3,
        "if": 0.5,
        "token": "***",
    }


def test_options_are_read_as_the_same() -> None:
    """Those that `structure_options` takes."""
    options = structure_options(
        plugin.LimitOptions, {"most": "3KiB", "windows": [{"size": "1.5m"}], "mode": "wait"}
    )

    assert options == structure_options(plugin.LimitOptions, show_options(options))


def test_one_filter_alone() -> None:
    """What `explain` shows; None is left out everywhere."""
    move = FilterConfig(kind="move", name="away", options=plugin.MoveOptions(to=Text("/x")))

    assert show_filter(move) == {"move": {"to": "/x", "status": 308}, "name": "away", "if_error": "fail"}
    assert show_filter(UseConfig(use="c")) == {"use": "c"}


# ---- YAML -----------------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    ANY_TEXT
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(-1e6, 1e6).map(lambda number: round(number, 6)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT.filter(bool), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(ANY_TEXT.filter(bool), VALUES, min_size=1, max_size=4))
def test_yaml_means_the_same_to_everybody(data: dict[str, Any]) -> None:
    """To this gateway, which reads YAML 1.2, and to tools that read YAML 1.1; nobody warns."""
    text = dump(data)
    document = read_document(text, "x.yaml")

    assert ([], [], data) == (document.faults, document.warnings, document.data)
    assert data == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"a": "yes", "y": "1e3"}, "{a: 'yes', 'y': '1e3'}\n"),
        ({"a": 1e-7, "b": 5.0, "c": 1e16}, "{a: 0.0000001, b: 5.0, c: 10000000000000000.0}\n"),
        ({"a": "one\ntwo"}, '{a: "one\\ntwo"}\n'),
        ({"a": [{"b": 1}, {"c": 2}]}, "a:\n- {b: 1}\n- {c: 2}\n"),
        ({"a": {"b": {"c": {"d": 1}}}}, "a:\n  b: {c: {d: 1}}\n"),
        ({"a": ["x" * 80]}, "a:\n- " + "x" * 80 + "\n"),
    ],
)
def test_yaml_is_easy_to_read(data: Any, text: str) -> None:
    """Small things in one line, no exponents, quotes where somebody might err."""
    assert text == dump(data)


def test_values_that_stand_twice_are_written_twice() -> None:
    """Aliases are for people."""
    shared = {"a": ["b"] * 3}

    assert "&" not in dump({"x": shared, "y": shared})
