"""Merging: what a value over another one gives, where it stands, and how files come together."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.config.document import BROKEN, Interpolated, Spot, Variable, read_document
from gatekeeper.config.merge import Merger, Value, join, long_form, merge_data
from gatekeeper.config.problems import Path
from gatekeeper.config.tree import Tree


def expand(path: Path, value: Any) -> Any:
    """A few short forms of the grammar."""
    if path[:1] == ("services",) and len(path) == 2 and isinstance(value, str):
        return {"instances": [value]}
    if path[2:] == ("retries",) and isinstance(value, int) and not isinstance(value, bool):
        return {"count": value}
    if path == ("server",) and isinstance(value, dict) and isinstance(value.get("listen"), int):
        return {**value, "listen": {"main": value["listen"]}}
    return value


def read(text: str, file: str = "f") -> Value:
    document = read_document(text, file)
    assert document.spot is not None
    return document.data, document.spot


def spots_of(data: Any, path: Path = ()) -> Spot:
    """Places for data that was made by hand."""
    spot = Spot("f", len(path), 0)
    if isinstance(data, dict):
        spot.children = {key: spots_of(item, (*path, key)) for key, item in data.items()}
    elif isinstance(data, list):
        spot.children = {index: spots_of(item, (*path, index)) for index, item in enumerate(data)}
    return spot


def merged(lower: str, upper: str) -> Any:
    return Merger(expand).merge(read(lower), read(upper))[0]


@pytest.mark.parametrize(
    ("lower", "upper", "result"),
    [
        pytest.param(
            "{a: {b: 1, c: 2}}", "{a: {c: 3, d: 4}}", {"a": {"b": 1, "c": 3, "d": 4}}, id="mappings"
        ),
        pytest.param("{a: [1, 2]}", "{a: [3]}", {"a": [3]}, id="lists-replace"),
        pytest.param("{a: {b: 1}}", "{a: 5}", {"a": 5}, id="a-scalar-replaces-a-mapping"),
        pytest.param("{a: 5}", "{a: {b: 1}}", {"a": {"b": 1}}, id="a-mapping-replaces-a-scalar"),
        pytest.param("{a: [1]}", "{a: {b: 1}}", {"a": {"b": 1}}, id="a-mapping-replaces-a-list"),
        pytest.param("{a: {b: 1}}", "{a: true}", {"a": {"b": 1}}, id="true-over-a-mapping"),
        pytest.param("{a: true}", "{a: {b: 1}}", {"a": {"b": 1}}, id="a-mapping-over-true"),
        pytest.param("{a: false}", "{a: true}", {"a": True}, id="true-over-false"),
        pytest.param("{a: true}", "{a: true}", {"a": True}, id="true-over-true"),
        pytest.param("{}", "{a: true}", {"a": True}, id="true-over-nothing"),
        pytest.param("{a: {b: 1}}", "{a: false}", {"a": False}, id="false-switches-off"),
        pytest.param("{a: false}", "{a: {b: 1}}", {"a": {"b": 1}}, id="a-mapping-over-false"),
        pytest.param(
            "services: {a: http://a}",
            "services: {a: {x: 1}}",
            {"services": {"a": {"instances": ["http://a"], "x": 1}}},
            id="a-short-form-is-expanded",
        ),
        pytest.param(
            "services: {a: http://a}",
            "services: {a: true}",
            {"services": {"a": {"instances": ["http://a"]}}},
            id="true-over-a-short-form",
        ),
        pytest.param(
            "services: {a: {x: 1}}",
            "services: {a: http://b}",
            {"services": {"a": "http://b"}},
            id="a-short-form-replaces",
        ),
        pytest.param(
            "services: {a: {retries: 3}}",
            "services: {a: {retries: {if: [x]}}}",
            {"services": {"a": {"retries": {"count": 3, "if": ["x"]}}}},
            id="a-short-form-further-down",
        ),
        pytest.param(
            "server: {listen: 80, x: 1}",
            "server: {listen: {tls: 443}}",
            {"server": {"listen": {"main": 80, "tls": 443}, "x": 1}},
            id="a-short-form-that-its-owner-expands",
        ),
        pytest.param(
            "routes: {a: 1, b: 2}",
            "routes: {a: false, c: 3}",
            {"routes": {"b": 2, "c": 3}},
            id="an-entry-out",
        ),
        pytest.param(
            "server: {listen: {a: 1, b: 2}}",
            "server: {listen: {a: false}}",
            {"server": {"listen": {"b": 2}}},
            id="an-entry-out-further-down",
        ),
        pytest.param(
            "admin: {users: {a: 1, b: 2}}",
            "admin: {users: {a: false}}",
            {"admin": {"users": {"b": 2}}},
            id="a-user-out",
        ),
        pytest.param(
            "chains: {a: [1], b: [2]}",
            "chains: {b: false, c: [3]}",
            {"chains": {"a": [1], "c": [3]}},
            id="a-chain-out",
        ),
        pytest.param(
            "server: {reload: {a: 1}}", "server: {reload: false}", {"server": {"reload": False}}, id="no-name"
        ),
        pytest.param(
            "routes: {a: {b: 1}}",
            "routes: {a: {b: false}}",
            {"routes": {"a": {"b": False}}},
            id="a-key-stays",
        ),
        pytest.param("{a: {b: ~}}", "{a: {b: {c: 1}}}", {"a": {"b": BROKEN}}, id="a-mapping-over-broken"),
        pytest.param("{a: {b: ~}}", "{a: {b: true}}", {"a": {"b": BROKEN}}, id="true-over-broken"),
        pytest.param("{a: {b: ~}}", "{a: {b: 5, c: 1}}", {"a": {"b": 5, "c": 1}}, id="a-scalar-over-broken"),
        pytest.param("{a: {b: 1}}", "{a: {b: ~}}", {"a": {"b": BROKEN}}, id="broken-over-a-scalar"),
        pytest.param("{a: {b: 1}}", "{a: ~}", {"a": BROKEN}, id="broken-over-a-mapping"),
    ],
)
def test_a_value_over_another(lower: str, upper: str, result: object) -> None:
    """One rule, for overlays, `like` and `defaults`."""
    assert result == merged(lower, upper)


def test_a_reference_takes_an_entry_out_as_false_does() -> None:
    """It takes the type of its key; a text does not."""
    lower = read("routes: {a: 1, b: 2, c: {x: 1}}")
    data = {
        "routes": {
            "a": Variable("false", "${OFF}"),
            "b": Interpolated("false", "${OFF}"),
            "c": Variable("true", "${ON}"),
        }
    }

    assert {"routes": {"b": "false", "c": {"x": 1}}} == Merger(expand).merge(lower, (data, spots_of(data)))[0]


LOWER = """\
services:
  a: http://a
  b:
    instances: [http://b]
    timeouts: {read: 5s}
"""
UPPER = """\
services:
  a: {timeouts: {read: 1s}}
  b: {timeouts: {connect: 2s}, tls: {verify: true}}
  c: http://c
"""


@pytest.mark.parametrize(
    ("path", "at_upper", "place", "key"),
    [
        (("services",), False, "one:2:3", "one:1:1"),
        (("services",), True, "two:2:3", "two:1:1"),
        (("services", "a"), False, "one:2:6", "one:2:3"),
        (("services", "a"), True, "two:2:6", "two:2:3"),
        (("services", "a", "instances"), False, "one:2:6", "one:2:6"),
        (("services", "a", "instances", 0), True, "one:2:6", "one:2:6"),
        (("services", "a", "timeouts", "read"), False, "two:2:24", "two:2:18"),
        (("services", "b", "instances", 0), True, "one:4:17", "one:4:17"),
        (("services", "b", "timeouts"), False, "one:5:15", "one:5:5"),
        (("services", "b", "timeouts"), True, "two:3:17", "two:3:7"),
        (("services", "b", "timeouts", "read"), True, "one:5:22", "one:5:16"),
        (("services", "b", "timeouts", "connect"), False, "two:3:27", "two:3:18"),
        (("services", "b", "tls", "verify"), False, "two:3:46", "two:3:38"),
        (("services", "c"), False, "two:4:6", "two:4:3"),
    ],
)
def test_places_follow_the_values(path: Path, at_upper: bool, place: str, key: str) -> None:
    """What a short form stands for stands where it is written."""
    data, spot = Merger(expand, at_upper=at_upper).merge(read(LOWER, "one"), read(UPPER, "two"))
    tree = Tree(data, spot)

    found = [tree.place(path), tree.place(path, at_key=True)]
    assert [place, key] == [f"{item.file}:{item.line}:{item.column}" for item in found]


@pytest.mark.parametrize(
    ("lower", "upper", "problem"),
    [
        (
            "routes:\n  orders: 1\n  users: 2",
            "routes: {ordres: false}",
            "two:1:10: routes.ordres: there is no route `ordres` to take out; did you mean `orders` (one:2)?",
        ),
        ("x: 1", "routes: {a: false}", "two:1:10: routes.a: there is no route `a` to take out"),
        ("x: 1", "chains: {a: [x], b: false}", "two:1:18: chains.b: there is no chain `b` to take out"),
        (
            "admin: {users: {me: 1}}",
            "admin: {users: {m: false}}",
            "two:1:17: admin.users.m: there is no user `m` to take out; did you mean `me` (one:1)?",
        ),
        (
            "services: {}",
            "services: {a: false}",
            "two:1:12: services.a: there is no service `a` to take out",
        ),
        (
            "server: {listen: {main: 1}}",
            "server: {listen: {man: false}}",
            "two:1:19: server.listen.man: there is no listener `man` to take out; did you mean `main` (one:1)?",
        ),
    ],
)
def test_what_is_taken_out_is_there(lower: str, upper: str, problem: str) -> None:
    """An overlay that is older than what it changes is noticed; nothing is said where a file could not be read."""
    merger, quiet = Merger(expand), Merger(expand, incomplete=True)
    data, spot = merger.merge(read(lower, "one"), read(upper, "two"))
    quiet.merge(read(lower, "one"), read(upper, "two"))

    assert [f"{problem} [unknown-name]"] == [str(Tree(data, spot).problem(fault)) for fault in merger.faults]
    assert [] == quiet.faults


def test_what_may_be_half_of_an_entry_is_not_judged() -> None:
    """Where a file could not be read: the other half may stand in it."""
    data, spot = Merger(expand, incomplete=True).merge(
        read("services: {a: {x: 1}}"), read("services: {a: {y: 1}, b: {y: 1}, c: http://c}\nx: {y: 1}")
    )

    assert data == {"services": {"a": {"x": 1, "y": 1}, "b": BROKEN, "c": "http://c"}, "x": {"y": 1}}
    assert Tree(data, spot).names(("services",)) == ["a", "b", "c"]


def test_what_is_merged_stays_as_it_was() -> None:
    """Aliases repeat the same objects."""
    lower, upper = read("services: {a: &a {x: {y: 1}}, b: *a}"), read("services: {a: {x: {z: 2}}}")
    before = deepcopy((lower[0], upper[0]))

    data, _ = Merger(expand).merge(lower, upper)

    assert (lower[0], upper[0]) == before
    assert data == {"services": {"a": {"x": {"y": 1, "z": 2}}, "b": {"x": {"y": 1}}}}


VALUES = st.recursive(
    st.sampled_from([False, True, 1, "x", "y", BROKEN]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_every_value_has_a_place(lower: object, upper: object) -> None:
    """And what the upper one says is what comes out."""
    value = Merger(lambda _, item: item).merge(
        ({"k": lower}, spots_of({"k": lower})),
        ({"k": upper}, spots_of({"k": upper})),
    )
    data = value[0]["k"]

    def walk(item: Any, spot: Spot) -> None:
        if isinstance(item, dict):
            for key, inner in item.items():
                walk(inner, spot.children[key])

    walk(*value)
    if not isinstance(upper, dict) and upper is not True:
        assert upper == data
    elif isinstance(lower, dict) and isinstance(upper, dict):
        assert {*lower, *upper} == set(data)


@given(VALUES)
def test_nothing_and_itself_change_nothing(value: object) -> None:
    """But `true` over `true`, which is `{}`."""
    pair = ({"k": value}, spots_of({"k": value}))
    merger = Merger(lambda _, item: item)

    assert merger.merge(({}, Spot("f", 0, 0)), pair)[0] == pair[0]
    assert merger.merge(pair, ({}, Spot("f", 0, 0)))[0] == pair[0]


def test_a_long_form_is_itself() -> None:
    """Nothing is copied."""
    value = read("{a: 1}")

    assert long_form(value, expand, ("services", "a")) is value
    assert long_form(value, expand, ()) is value


# ---- parts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lower", "upper", "result"),
    [
        pytest.param(
            "{hash: {by: a}, slow_start: 5s}",
            "{random: {}}",
            {"slow_start": "5s", "random": {}},
            id="another-kind",
        ),
        pytest.param(
            "{hash: {by: a}, slow_start: 5s}",
            "{hash: {bounded: 150%}}",
            {"hash": {"by": "a", "bounded": "150%"}, "slow_start": "5s"},
            id="the-same-kind",
        ),
        pytest.param(
            "{hash: {by: a}, slow_start: 5s}",
            "{slow_start: 9s}",
            {"hash": {"by": "a"}, "slow_start": "9s"},
            id="no-kind",
        ),
        pytest.param(
            "{hash: {by: a}, slow_start: 5s}",
            "{hash: b, panic_below: 5%}",
            {"hash": "b", "slow_start": "5s", "panic_below": "5%"},
            id="the-same-kind-in-a-short-form",
        ),
        pytest.param(
            "{slow_start: 5s}", "{random: {}}", {"slow_start": "5s", "random": {}}, id="over-no-kind"
        ),
        pytest.param("{hash: {by: a}, slow_start: 5s}", "random", "random", id="a-short-form-replaces"),
        pytest.param("{hash: {by: a}}", "true", {"hash": {"by": "a"}}, id="true-changes-nothing"),
        pytest.param("{hash: {by: a}}", "{hash: true}", {"hash": {"by": "a"}}, id="a-kind-that-is-true"),
        pytest.param("{hash: {by: a}}", "{}", {"hash": {"by": "a"}}, id="nothing"),
    ],
)
@pytest.mark.parametrize("path", ["services: {a: {balance: %s}}", "defaults: {services: {balance: %s}}"])
def test_a_part_of_another_kind_replaces_the_part(lower: str, upper: str, result: Any, path: str) -> None:
    """And the keys that all kinds share stay; wherever one is put over another."""
    found = merged(path % lower, path % upper)
    holder = found["services"]["a"] if "services" in found else found["defaults"]["services"]

    assert result == holder["balance"]


def test_what_is_replaced_leaves_no_places() -> None:
    """A message about a key that is gone would point to it."""
    lower, upper = "providers: {p: {sql: {poll: 1s}, required: true}}", "providers: {p: {http: {url: x}}}"

    data, spot = Merger(expand).merge(read(lower), read(upper))

    assert {"providers": {"p": {"required": True, "http": {"url": "x"}}}} == data
    assert {"required", "http"} == set(spot.children["providers"].children["p"].children)


def test_checks_of_health_are_parts_too() -> None:
    """What all of their kinds share stays."""
    lower = "services: {a: {health: {knock: hi, every: 5s}}}"

    assert {"services": {"a": {"health": {"http": {"path": "/up"}, "every": "5s"}}}} == merged(
        lower, "services: {a: {health: {http: {path: /up}}}}"
    )
    assert {"services": {"a": {"health": {"knock": "hi", "every": "9s"}}}} == merged(
        lower, "services: {a: {health: {every: 9s}}}"
    )


def test_other_mappings_with_such_names_are_no_parts() -> None:
    """A service, or a route, may be called like that."""
    text = "routes: {balance: {to: a}, health: {to: b}}"

    assert {"routes": {"balance": {"to": "a", "priority": 1}, "health": {"to": "b"}}} == merged(
        text, "routes: {balance: {priority: 1}}"
    )


@pytest.mark.parametrize("section", ["authenticators", "providers"])
def test_what_names_parts_is_none(section: str) -> None:
    """One that is changed takes no other out, whatever their names are."""
    lower = f"{section}: {{a: {{one: {{x: 1}}}}, b: {{two: {{}}}}, c: three}}"

    assert {section: {"a": {"one": {"x": 2}}, "b": {"two": {}}, "c": "three"}} == merged(
        lower, f"{section}: {{a: {{one: {{x: 2}}}}}}"
    )


# ---- files beside each other --------------------------------------------------------------------------------------


def test_named_things_of_several_files_join() -> None:
    """In the order of the files; everything else comes from the one that has it."""
    (data, spot), faults = join(
        [
            read("version: 1\nservices: {a: 1}\ndefaults: {routes: {x: 1}}", "one"),
            read("services: {b: 2}\nroutes: {r: 1}\nserver: {}", "two"),
            read("services: {c: 3}\ndefaults: {services: {y: 2}}", "three"),
        ]
    )
    tree = Tree(data, spot)

    assert faults == []
    assert data == {
        "version": 1,
        "services": {"a": 1, "b": 2, "c": 3},
        "defaults": {"routes": {"x": 1}, "services": {"y": 2}},
        "routes": {"r": 1},
        "server": {},
    }
    assert [tree.place(("services", name)).file for name in "abc"] == ["one", "two", "three"]
    assert tree.place(("defaults", "services", "y")).file == "three"
    assert tree.names(("services",)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("one", "two", "problem"),
    [
        (
            "services:\n  a: 1",
            "services: {a: 2}",
            "two:1:12: services.a: `a` stands in one:2 and two:1; choose another name [name-taken]",
        ),
        (
            "server: {}",
            "x: 1\nserver: {}",
            "two:2:1: server: `server` stands in one:1 and two:2; it stands in one file only [name-taken]",
        ),
        (
            "filters: []",
            "filters: []",
            "two:1:1: filters: `filters` stands in one:1 and two:1; it stands in one file only [name-taken]",
        ),
        (
            "defaults: {routes: {}}",
            "defaults: {routes: {}}",
            "two:1:12: defaults.routes: `routes` stands in one:1 and two:1; it stands in one file only [name-taken]",
        ),
        ("routes: {}", "routes: [x]", "two:1:9: routes: expected a mapping, not a list [wrong-type]"),
        ("routes: 5", "routes: {a: 1}", "one:1:9: routes: expected a mapping, not the number 5 [wrong-type]"),
        ("routes: x", "routes: {a: 1}", "one:1:9: routes: expected a mapping, not the text `x` [wrong-type]"),
    ],
)
def test_a_name_stands_in_one_file(one: str, two: str, problem: str) -> None:
    """Both places are told, and the first counts."""
    (data, spot), faults = join([read(one, "one"), read(two, "two")])

    assert [problem] == [str(Tree(data, spot).problem(fault)) for fault in faults]


def test_a_broken_section_does_not_hide_others() -> None:
    """What is sound of it is there."""
    (data, _), faults = join([read("services: ~"), read("services: {a: 1}")])

    assert data == {"services": {"a": 1}}
    assert faults == []


def test_mappings_merge_and_anything_else_replaces() -> None:
    """At any depth."""
    base = {"a": {"x": 1, "y": [1]}, "b": 1}

    assert {"a": {"x": 2, "y": [2]}, "b": {"z": 1}} == merge_data(
        base, {"a": {"x": 2, "y": [2]}, "b": {"z": 1}}
    )
    assert {"a": {"x": 1, "y": [1], "z": 3}, "b": 1} == merge_data(base, {"a": {"z": 3}})
    assert {"a": {"x": 1, "y": [1]}, "b": {"c": 2}} == merge_data(base, {"a": True, "b": {"c": 2}})
    assert {"a": False, "b": True} == merge_data(base, {"a": False, "b": True})
