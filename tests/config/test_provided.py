"""What does not come from files: how it joins them, whose it is, and what is refused."""

import copy
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.config.load import Draft, read, read_text
from gatekeeper.config.model import HealthConfig
from gatekeeper.config.provided import ADMIN, FILE, SECTIONS, Provided
from gatekeeper.config.show import show
from gatekeeper.routing.template import PathTemplate
from tests.config.loading import accepted
from tests.config.plugin import KINDS


FILES = """\
version: 1
services:
  users: http://users
routes:
  users: {match: /users, to: users}
"""


def load(*provided: Provided, text: str = FILES, **options: Any) -> Draft:
    return read_text(text, KINDS, template=PathTemplate.parse, provided=provided, environ={}, **options)


def said(draft: Draft) -> list[str]:
    return [str(problem) for problem in draft.problems]


def service(url: str, **more: Any) -> dict[str, Any]:
    return {"instances": [url], **more}


PORTAL = Provided(
    "portal",
    {
        "services": {"orders": service("http://orders")},
        "routes": {"orders": {"match": "/orders", "to": "orders"}},
    },
)


def test_it_joins_what_the_files_say() -> None:
    """And everybody knows who has said what."""
    draft = load(PORTAL)
    config = accepted(draft)

    assert [] == said(draft)
    assert ["users", "orders"] == list(config.services)
    assert ["users", "orders"] == list(config.routes)
    assert {
        ("services", "users"): FILE,
        ("services", "orders"): "portal",
        ("routes", "users"): FILE,
        ("routes", "orders"): "portal",
    } == draft.origins


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(PORTAL.data),
        "version: 1\nservices:\n  orders: {instances: [http://orders]}\nroutes: {orders: {match: /orders, to: orders}}",
    ],
)
def test_a_text_says_the_same_as_data(text: str) -> None:
    """In YAML or JSON."""
    draft = load(Provided("portal", text=text))

    assert accepted(load(PORTAL)) == accepted(draft)
    assert text == draft.sources["provider portal"]
    assert "provider portal" not in load(PORTAL).sources


def test_what_was_provided_is_left_as_it_is() -> None:
    """Whoever keeps it gives it again at the next reload."""
    data = copy.deepcopy(dict(PORTAL.data))

    first = accepted(load(Provided("portal", data)))

    assert PORTAL.data == data
    assert first == accepted(load(Provided("portal", data)))


def test_it_is_the_same_as_in_a_file() -> None:
    """`defaults` hold for it, `like` leads to it and from it, and short forms mean the same."""
    text = (
        "version: 1\ndefaults: {services: {timeouts: {read: 9s}}, routes: {encoded_slashes: keep}}\n"
        "services: {users: {instances: [http://users], retries: 3}, mine: {like: theirs, instances: [http://mine]}}\n"
        "routes: {all: {match: /all, to: {users: 1, mine: 1, theirs: 1, alone: 1}}}"
    )
    theirs = {"theirs": {"like": "users", "instances": ["http://theirs"]}, "alone": "http://alone"}
    more = {"services": theirs, "routes": {"theirs": {"match": "/theirs", "to": "theirs"}}}
    wrong = load(Provided("portal", more), text=text)
    config = accepted(
        load(Provided("portal", more), text=text.replace("mine: {like: theirs, ", "mine: {like: users, "))
    )

    assert ["`theirs` has a `like` of its own, and one leads no further; write its keys here"] == [
        problem.message for problem in wrong.problems
    ]
    assert all(one.timeouts.read == 9.0 for one in config.services.values())
    assert [3, 3, 3] == [
        one.retries and one.retries.count for name, one in config.services.items() if name != "alone"
    ]
    assert False is config.services["alone"].health
    assert isinstance(config.services["theirs"].health, HealthConfig)
    assert "keep" == config.routes["theirs"].encoded_slashes


def test_it_stands_alone_where_the_files_have_no_such_section() -> None:
    """A gateway may get all of its services from elsewhere."""
    draft = load(PORTAL, text="version: 1\n")

    assert ["orders"] == list(accepted(draft).services)
    assert {("services", "orders"): "portal", ("routes", "orders"): "portal"} == draft.origins


def test_a_long_form_can_be_given_back() -> None:
    """What the admin API shows, it takes."""
    config = accepted(load(Provided(ADMIN, {"services": {"a": service("http://a", description="$${X}")}})))
    again = Provided(ADMIN, {"services": {"a": show(config)["services"]["a"]}})

    assert "${X}" == config.services["a"].description
    assert config.services == accepted(load(again)).services


# ---- whose it is ----------------------------------------------------------------------------------------------------


def both(name: str) -> Provided:
    return Provided(
        name,
        {
            "services": {"orders": service(f"http://{name}")},
            "routes": {"to": {"match": "/o", "to": "orders"}},
        },
    )


def test_what_files_have_stays_theirs() -> None:
    """The entry is left out, and that is told, with both places."""
    draft = load(Provided("portal", {"services": {"users": "http://other"}}))

    assert [
        (
            "provider portal: warning: services.users: `users` is defined in gateway.yaml:3; the entry of provider `portal`"
            " is left out [source-conflict]"
        )
    ] == said(draft)
    assert "http://users" == accepted(draft).services["users"].instances[0].id
    assert FILE == draft.origins["services", "users"]


@pytest.mark.parametrize("names", [("b", "a", ADMIN), (ADMIN, "a", "b"), ("a", "b", ADMIN)])
def test_of_two_providers_the_name_that_sorts_first_wins(names: Sequence[str]) -> None:
    """Whoever came first: every gateway that hears the same decides alike."""
    draft = load(*map(both, names))

    assert "http://a" == accepted(draft).services["orders"].instances[0].id
    assert {"a"} == {draft.origins["services", "orders"], draft.origins["routes", "to"]}
    assert {
        (
            "admin: warning: services.orders: `orders` is defined by provider `a`; the entry of the admin API is left out"
            " [source-conflict]"
        ),
        (
            "admin: warning: routes.to: `to` is defined by provider `a`; the entry of the admin API is left out"
            " [source-conflict]"
        ),
        (
            "provider b: warning: services.orders: `orders` is defined by provider `a`; the entry of provider `b` is left"
            " out [source-conflict]"
        ),
        (
            "provider b: warning: routes.to: `to` is defined by provider `a`; the entry of provider `b` is left out"
            " [source-conflict]"
        ),
    } == set(said(draft))


def test_what_an_environment_takes_out_may_be_provided(tmp_path: Path) -> None:
    """It stands in no file any more."""
    files = {
        "gateway.yaml": FILES + "environments: {prod: prod.yaml}",
        "prod.yaml": "services: {users: false}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    provided = Provided("portal", {"services": {"users": "http://other"}})

    draft = read(
        tmp_path / "gateway.yaml",
        KINDS,
        template=PathTemplate.parse,
        environ={},
        environment="prod",
        provided=[provided],
    )

    assert [] == said(draft)
    assert "portal" == draft.origins["services", "users"]


# ---- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            {"services": {"x": {"instances": ["nowhere"]}}},
            "services.x.instances[0]: `nowhere` has no scheme: write `http://nowhere` [bad-value]",
            id="a-value",
        ),
        pytest.param(
            {"services": {"x": service("http://x", timeouts={"read": 30})}},
            "services.x.timeouts.read: 30 has no unit: write 30s or 30ms [no-unit]",
            id="a-unit",
        ),
        pytest.param(
            {"services": {"x": service("http://x", timeout="5s")}},
            "services.x.timeout: unknown key `timeout`; did you mean `timeouts`? [unknown-key]",
            id="a-key",
        ),
        pytest.param(
            {"routes": {"x": {"match": "/x", "to": "nobody"}}},
            "routes.x.to: no service `nobody`; there are `users` [unknown-name]",
            id="a-reference",
        ),
        pytest.param(
            {"services": {"X": "http://x"}},
            "services.X: `X` is no name (a-z first, then a-z, 0-9, - and _, at most 63): write `x` [bad-name]",
            id="a-name",
        ),
        pytest.param(
            {"services": {"x": service("http://${HOST}")}},
            (
                "services.x.instances[0]: `${HOST}` is not replaced in what is provided; write the value, or `$${` for"
                " a literal `${` [bad-value]"
            ),
            id="CFG-a-variable",
        ),
        pytest.param(
            {"services": {"x": service("http://x", description="${file:/etc/passwd}")}},
            (
                "services.x.description: `${file:/etc/passwd}` is not replaced in what is provided; write the value,"
                " or `$${` for a literal `${` [bad-value]"
            ),
            id="a-file-of-this-machine",
        ),
        pytest.param(
            {"services": {"x": service("http://x", description="${open")}},
            (
                "services.x.description: `${open` is not replaced in what is provided; write the value, or `$${` for a"
                " literal `${` [bad-value]"
            ),
            id="half-a-variable",
        ),
        pytest.param(
            {"services": {"x": service("http://x", balance=None)}},
            "services.x.balance: `null` is not used here; `false` switches off what can be off [empty-value]",
            id="null",
        ),
        pytest.param(
            {"services": {"x": service("http://x", description=dt.date(2027, 1, 1))}},
            (
                "services.x.description: expected text, a number, true, false, a list or a mapping, not `date`"
                " [wrong-type]"
            ),
            id="no-plain-data",
        ),
        pytest.param(
            {"services": {"x": service("http://x", labels={5: "x"})}},
            "services.x.labels: the key 5 is no text [wrong-type]",
            id="a-key-that-is-no-text",
        ),
        pytest.param(
            {"services": ["http://x"]},
            "services: expected a mapping, not a list [wrong-type]",
            id="a-section",
        ),
        pytest.param(
            {"plugins": {}},
            (
                "plugins: `plugins` does not belong in what provider `portal` says, which may provide `services`,"
                " `routes` [not-here]"
            ),
            id="another-section",
        ),
        pytest.param(
            {"version": 2},
            "version: version 2 of the grammar is not known here; write `version: 1` [bad-value]",
            id="another-version",
        ),
        pytest.param({"services": {"x": False}}, None, id="nothing"),
    ],
)
def test_what_is_wrong_has_a_place(data: Mapping[str, Any], expected: str | None) -> None:
    """The one who said it, and the path."""
    found = said(load(Provided("portal", data)))

    assert 1 == len(found)
    if expected is not None:
        assert [f"provider portal: {expected}"] == found
    assert found[0].startswith("provider portal: ")


def test_each_of_several_mistakes_is_told() -> None:
    """They have no lines that could tell them apart."""
    bad = {"read": 5}
    data = {"services": {name: service(f"http://{name}", timeouts=bad) for name in ("a", "b")}}

    assert [
        "provider portal: services.a.timeouts.read: 5 has no unit: write 5s or 5ms [no-unit]",
        "provider portal: services.b.timeouts.read: 5 has no unit: write 5s or 5ms [no-unit]",
    ] == said(load(Provided("portal", data)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("services: {x", "provider portal:1:13: "),
        ("[1]", "provider portal: expected a mapping, not a list [wrong-type]"),
        ("", "provider portal:1:1: the file is empty; write `{}` where there is nothing [empty-value]"),
        (
            "services: {x: http://x, x: http://y}",
            "provider portal:1:25: services.x: `x` stands in lines 1 and 1",
        ),
    ],
)
def test_a_text_that_cannot_be_read(text: str, expected: str) -> None:
    """Where it breaks off is known; what is wrong in it has a path, like data."""
    assert said(load(Provided("portal", text=text)))[0].startswith(expected)


def test_nothing_provided_is_nothing() -> None:
    """A provider that has nothing to say, or has not said anything."""
    assert accepted(load()) == accepted(load(Provided("portal"), Provided("other", text="{}")))


def test_data_that_is_nested_too_deeply_is_refused() -> None:
    """Before it is read."""
    data: Any = {}
    for _ in range(200):
        data = {"x": data}

    (problem,) = said(load(Provided("portal", {"services": data})))

    assert problem.endswith("this is nested deeper than 64 levels [bad-value]")


def test_only_what_may_be_provided_is_taken() -> None:
    """Whoever may bring routes brings no services."""
    provided = Provided("portal", {"services": {"x": "http://x"}}, may_provide=("routes",))

    assert [
        (
            "provider portal: services: `services` does not belong in what provider `portal` says, which may provide"
            " `routes` [not-here]"
        )
    ] == said(load(provided))


def test_a_section_of_the_files_that_is_none_is_told_once() -> None:
    """Nothing joins it."""
    draft = load(PORTAL, text="version: 1\nservices: [http://a]\nroutes: {}\n")

    assert (
        "gateway.yaml:2:11: services: expected a mapping, not a list; write `NAME: ` instead of each `- ` [wrong-type]"
        in said(draft)
    )
    assert ("services", "orders") not in draft.origins


def test_nothing_joins_what_cannot_be_read() -> None:
    """That is told; what is provided may be fine."""
    assert ["gateway.yaml:1:1: expected a mapping with"] == [
        problem[:41] for problem in said(load(PORTAL, text="[a]"))
    ]


def test_files_that_are_named_stand_beside_the_root_file(tmp_path: Path) -> None:
    """As those that the root file names."""
    (tmp_path / "ca.pem").touch()
    data = {"services": {"x": service("https://x", tls={"ca": "ca.pem"})}}

    draft = load(Provided("portal", data), base=tmp_path)

    assert str(tmp_path / "ca.pem") == accepted(draft).services["x"].tls.ca
    assert tmp_path / "ca.pem" in draft.files


def test_sections_are_those_that_a_provider_may_be_given() -> None:
    """By `may_provide`."""
    assert ("services", "routes") == SECTIONS == Provided("portal").may_provide


TEXTS = st.text(max_size=8) | st.sampled_from(["${A}", "$${A}", "http://a", "/x", "users", "true", "5s"])
DATA = st.recursive(
    TEXTS | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["services", "routes", "x"]), st.dictionaries(TEXTS, DATA, max_size=3) | DATA
    )
)
def test_whatever_is_provided_is_read_or_refused(data: dict[str, Any]) -> None:
    """And what stands in the files stays as it is."""
    draft = load(Provided("portal", data))

    assert all(problem.file == "provider portal" for problem in draft.problems)
    assert draft.config is not None
    assert "http://users" == draft.config.services["users"].instances[0].id
