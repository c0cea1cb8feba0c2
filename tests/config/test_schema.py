"""The schema takes what the loader takes, and refuses of what it refuses all that can be seen without the rest."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from gatekeeper.config.convert import _SHORT_FORMS, _SOURCES
from gatekeeper.config.document import BROKEN, read_document
from gatekeeper.config.grammar import SHORT_TYPES, all_keys
from gatekeeper.config.model import GatewayConfig, ServerConfig, Targets
from gatekeeper.config.schema import schema
from gatekeeper.config.show import dump, show
from gatekeeper.config.wording import keys
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.template import PathTemplate
from tests.config import corpus, plugin
from tests.config.loading import load_text
from tests.config.test_show import CONFIGURATIONS, EXAMPLES
from tests.docs.readme import ROOT


# what no schema can know: it sees one value at a time, in one file, and nothing outside of it
UNSEEN = frozenset(
    {
        *("unknown-name", "name-taken", "ambiguous", "shadowed", "outside-hosts", "unused", "wrong-scope"),
        *("never-runs", "needs", "conflict", "unresolved", "not-found", "unsafe-regex", "insecure", "order"),
        *("duplicate-key", "yaml", "empty-value", "no-auth", "no-identity"),
    }
)
# and of other ids, what their messages tell
UNSEEN_MESSAGES = tuple(
    map(
        re.compile,
        (
            r"the value of `.*\$\{.*` does not fit",  # what a variable holds
            r"is what clients and proxies send|and every token would fit",
            r"`\$\{.*: nothing brings such secrets",
            r"`\$\{.*` (?:is (?:no reference|not available yet)|names nothing)",
            r"is longer than ten years",
            r"`\{path\.\w+\}`: ",  # what the path captures
            r"`auth` names authenticators|this credential (?:stands here twice|is that of)",
            r"`identity` is made of what a token says",  # what the kind reads
            r"`to` is the name of a service, or one capture|takes what is no service",
            r"warning: .* is text here, and (?:true|false) for YAML 1.1 tools",
            r"routes\.\w+\.override\.",  # what a filter of this name takes
            r"the chain `\w+` uses itself|is this service itself|has a `like` of its own",
            r"stands twice|two instances have the id|is captured twice|all weights are 0",
            r"is no literal start of the path",
            r"must be longer than 0s|has bits set beyond its prefix|is no network; |no port `",
            r"\.regex: ",  # whether it is one
            r"never matches: dot segments",
            # what classes check of their own
            r"(?:is not a header field name|cannot be changed here|must be >= |is no redirect|is no status of an answer)",
            r"is no country|name the group|say where to: |a body is either |and nobody could connect",
            r"operators come by an address",
            # what several values have to do with each other
            r"have the same token|cannot choose it|is sent as it is; |nothing ejects an instance here",
            r"`timeout` is longer than `every`|`max` is shorter than `base`|an answer to HEAD has no body",
            # what the kinds that are built in check of their own
            r"is no name for a cookie|is no port; use|an address (?:begins with|holds no user)|once a second at most",
            r"with `credentials: true` browsers take|`realm` is sent in a header field",
        ),
    )
)


def validator(kinds: Any) -> Draft202012Validator:
    return Draft202012Validator(schema(kinds))


@pytest.fixture(scope="module")
def checked(host: PluginHost) -> Draft202012Validator:
    """The schema of the kinds of these tests."""
    return validator(host.catalog)


def mistakes(found: Draft202012Validator, text: str) -> list[str]:
    """What is wrong with a text, in the words of the validator."""
    return [
        f"{error.json_path}: {error.message}" for error in found.iter_errors(read_document(text, "x").data)
    ]


def test_it_is_a_schema(checked: Draft202012Validator) -> None:
    """By the schema of schemas, as JSON, and every reference leads somewhere."""
    made = json.loads(json.dumps(checked.schema))
    Draft202012Validator.check_schema(made)

    referred = set(re.findall(r'"\$ref": "#/\$defs/([^"]*)"', json.dumps(made)))
    assert referred == set(made["$defs"])


def test_patterns_are_of_both_worlds(checked: Draft202012Validator) -> None:
    """ECMAScript, which editors use, has no named groups in this form, no possessive repetition and no lookbehind."""
    found = set(re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(checked.schema)))

    for written in found:
        pattern = json.loads(written)
        assert re.compile(pattern).pattern == pattern
        assert not re.search(r"\(\?P|\(\?<|[*+?]\+|\\[AZz]", pattern), pattern


@pytest.mark.parametrize("text", [text for text, _ in EXAMPLES.values()], ids=EXAMPLES.keys())
def test_examples_are_taken(text: str) -> None:
    """Everything that people begin with."""
    kinds = PluginHost([ROOT / "examples" / "your-own-filter" / "require.py"]).catalog

    assert [] == mistakes(validator(kinds), text)


def test_the_good_corpus_is_taken(checked: Draft202012Validator) -> None:
    """In its root files, whatever they include."""
    for case in corpus.cases(corpus.GOOD):
        assert (case.name, []) == (case.name, mistakes(checked, case.file.read_text()))


@given(CONFIGURATIONS)
@settings(max_examples=40)
def test_what_the_loader_takes_is_taken(data: dict[str, Any]) -> None:
    """As it is written, and in the long form."""
    text = dump(data)
    config = load_text(text, plugin.KINDS, template=PathTemplate.parse, environ={})

    assert [] == mistakes(KINDS, text)
    assert [] == mistakes(KINDS, dump(show(config)))


KINDS = validator(plugin.KINDS)


@pytest.mark.parametrize(
    "text",
    [
        "include: [routes/*.yaml]\nenvironments: {prod: prod.yaml, dev: [a.yaml, b.yaml]}",
        "defaults: {services: {timeouts: {connect: 1s}}, routes: {encoded_slashes: keep}}",
        "services: {a: {instances: [http://a]}, b: {instances: ['https://b'], like: a, tls: true}}",
        'server: {listen: "${PORT}", drain: "${DRAIN:-5s}", health_path: "${HEALTH}"}',
        "server: {listen: {a: 80, b: {address: '[::1]:81'}}}",
        "admin: true\nserver: {timeouts: true}",
        "x-notes: {anything: [1, 2]}",
        "hosts: ['*', '*.a.example', 10.0.0.1]",
        "filters: [stamp, use: c, limit: 5KiB, limit: {most: 1B}, {stamp: true, when: /x}, '${KIND}']",
        "filters: [{stamp: true, when: [{host: ['a', '*.b'], not: {share: 5%}}, {country: DE}, {country: {codes: [DE]}}]}]",
        "chains: {c: [stamp], d: [{use: c, when: {address: '::1'}}]}",
        'routes: {a: {match: "/{service:service}/{id:int}/**", to: "{path.service}", rewrite: "/{path.rest}"}}',
        "routes: {a: {match: {path: [{prefix: /a}, {not: [/b, {suffix: .js}]}]}, to: {u: 95, v: {weight: 5, pin: /p}}}}",
        "routes: {a: {match: {header: {a: [b, {not: {prefix: c}}], d: {present: true}}}, to: a, sticky: [address, header.x]}}",
        "routes: {a: {match: /, to: a, sticky: {cookie: {ttl: 1h}}, override: {limit: 5B, stamp: false, set: {}}}}",
        "routes: {a: {match: '/{v:v1|v2}/', to: a, labels: {a: '1'}, priority: -5, rewrite: {strip: /v1, prefix: /x}}}",
    ],
)
def test_short_forms_and_variables_are_taken(text: str) -> None:
    """And what is read before the classes."""
    assert [] == mistakes(KINDS, f"version: 1\n{text}\n")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("services: {a: http://a}", "$"),
        ("version: 2", "$.version"),
        ("version: 1\nroute: {}", "$"),
        ("version: 1\nserver: {drain: 30}", "$.server"),
        ("version: 1\nservices: {Users: http://a}", "$.services"),
        ("version: 1\nfilters: [forward]", "$.filters[0]"),
        ("version: 1\nfilters: [stamp: {}, {stamp: {}, limit: 5B}]", "$.filters[1]"),
        ("version: 1\nfilters: [{use: c, name: d}]", "$.filters[0]"),
        ("version: 1\nfilters: [move]", "$.filters[0]"),
        ("version: 1\nroutes: {a: {match: {share: 5%}, to: a}}", "$.routes.a.match"),
        ('version: 1\nroutes: {a: {match: /a, to: a, rewrite: "/{nonsense}"}}', "$.routes.a.rewrite"),
    ],
)
def test_a_mistake_is_shown_where_it_is(text: str, place: str) -> None:
    """As near as a choice of forms lets it."""
    assert [place] == [error.json_path for error in KINDS.iter_errors(read_document(text, "x").data)]


def _broken() -> Iterator[corpus.Case]:
    for case in corpus.cases(corpus.BROKEN):
        if case.file.parent != corpus.BROKEN:
            continue  # what is wrong in several files
        document = read_document(case.file.read_text(errors="replace"), case.file.name)
        if not document.faults and document.data is not BROKEN:
            yield case


CASES = list(_broken())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_the_loader_refuses_is_refused(
    case: corpus.Case, checked: Draft202012Validator, host: PluginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless no schema could know it."""
    if mistakes(checked, case.file.read_text()):
        return
    monkeypatch.chdir(case.file.parent)
    for line in case.said(host).splitlines():
        is_unseen = line.rpartition("[")[2].rstrip("]") in UNSEEN
        assert is_unseen or any(message.search(line) for message in UNSEEN_MESSAGES), line


def test_most_mistakes_are_seen(checked: Draft202012Validator) -> None:
    """Before the gateway is asked."""
    seen = sum(bool(mistakes(checked, case.file.read_text())) for case in CASES)

    assert seen > len(CASES) / 2


def test_short_forms_are_those_of_the_loader() -> None:
    """A short form that the loader learns has to stand in the schema, and the other way round."""
    elsewhere = {GatewayConfig, ServerConfig, Targets}

    assert set(SHORT_TYPES) == set(_SHORT_FORMS) - elsewhere


def test_keys_that_are_done_with_early_are_known() -> None:
    """`include` and the others are in no class."""
    assert set(all_keys(GatewayConfig)) - set(keys(GatewayConfig)) == _SOURCES


@attrs.frozen(kw_only=True)
class Odd:
    """Options of odd types."""

    pair: tuple[int, str] = (1, "a")
    by_number: Mapping[int, float] = attrs.field(factory=dict)
    anything: Any = None
    country: plugin.Country | None = None
    choice: bool = False


@attrs.frozen
class Kind:
    config: type
    main: str | None = None
    terminal: bool = False
    scope: str = "exchange"


@attrs.frozen
class Kinds:
    filters: Mapping[str, Kind]
    predicates: Mapping[str, Kind] = attrs.field(factory=dict)
    authenticators: Mapping[str, Any] = attrs.field(factory=dict)
    secrets: Mapping[str, Any] = attrs.field(factory=dict)
    balancers: Mapping[str, Kind] = attrs.field(factory=dict)
    probes: Mapping[str, Kind] = attrs.field(factory=dict)
    providers: Mapping[str, Kind] = attrs.field(factory=dict)


@pytest.mark.parametrize(
    ("options", "is_taken"),
    [
        ({"pair": [1, "a"], "by_number": {"5": 1.5}, "anything": {"a": [True]}, "choice": "${X}"}, True),
        ({"pair": [1]}, False),
        ({"pair": ["a", 1]}, False),
        ({"pair": [1, "a", 2]}, False),
        ({"by_number": {"5": "x"}}, False),
        ({"choice": "yes"}, False),
        ({"other": 1}, False),
    ],
)
def test_options_of_plugins(options: dict[str, Any], is_taken: bool) -> None:
    """By their types."""
    found = validator(Kinds({"odd": Kind(Odd), "odd2": Kind(Odd, main="anything")}))

    assert is_taken == found.is_valid({"version": 1, "filters": [{"odd": options}]})
    assert found.is_valid({"version": 1, "filters": [{"odd2": 5}]})


class Code:
    """A type that tells its pattern."""

    PATTERN = "[A-Z]{2}"

    @classmethod
    def parse(cls, text: str) -> "Code":
        """Read one."""
        raise ValueError(text)


@attrs.frozen(kw_only=True)
class Coded:
    """Options with one."""

    code: Code


@pytest.mark.parametrize(("code", "is_taken"), [("DE", True), ("${CODE}", True), ("Germany", False)])
def test_a_type_may_tell_its_pattern(code: str, is_taken: bool) -> None:
    """By a class attribute."""
    found = validator(Kinds({"coded": Kind(Coded)}))

    assert is_taken == found.is_valid({"version": 1, "filters": [{"coded": {"code": code}}]})


def test_the_schema_is_the_same_each_time(host: PluginHost) -> None:
    """A file that is written again has not changed."""
    assert json.dumps(schema(host.catalog)) == json.dumps(schema(host.catalog))
