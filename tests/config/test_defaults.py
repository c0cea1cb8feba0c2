"""`defaults` and `like`: what entries take, what they do not, and where it stands."""

from typing import Any

import pytest

from gatekeeper.config.defaults import Unasked, apply_defaults
from gatekeeper.config.document import Variable, read_document
from gatekeeper.config.problems import Path
from gatekeeper.config.tree import Tree, tree_of


def expand(path: Path, value: Any) -> Any:
    if path[:1] == ("services",) and len(path) == 2 and isinstance(value, str):
        return {"instances": Unasked([value])}
    return value


def applied(text: str) -> Tree:
    tree = tree_of(read_document(text, "f"))
    apply_defaults(tree, expand)
    return tree


@pytest.mark.parametrize(
    ("text", "section", "result"),
    [
        pytest.param(
            "defaults: {routes: {max_body: 1MiB, x: {y: 1}}}\nroutes: {a: {to: s}, b: {max_body: false, x: {z: 2}}}",
            "routes",
            {
                "a": {"max_body": "1MiB", "x": {"y": 1}, "to": "s"},
                "b": {"max_body": False, "x": {"y": 1, "z": 2}},
            },
            id="routes",
        ),
        pytest.param(
            "defaults: {services: {t: {r: 1}}}\nservices: {a: http://a, b: {instances: [], t: true}, c: {t: false}}",
            "services",
            {
                "a": {"t": {"r": 1}, "instances": ["http://a"]},
                "b": {"t": {"r": 1}, "instances": []},
                "c": {"t": False},
            },
            id="services-in-short-form",
        ),
        pytest.param(
            "defaults: {consumers: {plan: basic}}\nconsumers: {a: {roles: [x]}}",
            "consumers",
            {"a": {"plan": "basic", "roles": ["x"]}},
            id="consumers",
        ),
        pytest.param(
            "services:\n"
            "  a: {instances: [x], for_tenants: true, description: d, labels: {}, t: {r: 1}, filters: [f], k: 1}\n"
            "  b: {like: a, instances: [y], t: {w: 2}, k: 2}\n",
            "services",
            {
                "a": {
                    "instances": ["x"],
                    "for_tenants": True,
                    "description": "d",
                    "labels": {},
                    "t": {"r": 1},
                    "filters": ["f"],
                    "k": 1,
                },
                "b": {"t": {"r": 1, "w": 2}, "filters": ["f"], "k": 2, "instances": ["y"]},
            },
            id="like",
        ),
        pytest.param(
            "defaults: {services: {k: 1, m: 1, n: 1}}\nservices: {b: {like: a, n: 3}, a: {m: 2, n: 2}}",
            "services",
            {"b": {"k": 1, "m": 2, "n": 3}, "a": {"k": 1, "m": 2, "n": 2}},
            id="defaults-below-like-below-own-keys",
        ),
        pytest.param(
            "services: {a: http://a, b: {like: a, instances: [http://b]}}",
            "services",
            {"a": {"instances": ["http://a"]}, "b": {"instances": ["http://b"]}},
            id="like-a-short-form",
        ),
        pytest.param(
            "defaults: {services: {k: 1}}\nservices: {a: [x], b: {k: 2}}",
            "services",
            {"a": ["x"], "b": {"k": 2}},
            id="what-is-no-entry-stays",
        ),
    ],
)
def test_own_keys_win(text: str, section: str, result: object) -> None:
    """Later wins: `defaults`, `like`, own keys."""
    tree = applied(text)

    assert result == tree.data[section]
    assert tree.faults == []


@pytest.mark.parametrize(
    "text",
    [
        "services: {a: http://a}\nroutes: {a: {like: b}}",
        "defaults: {}\nservices: {a: http://a}",
        "defaults: {services: [x], routes: ~}\nservices: {a: http://a}\nroutes: {a: 1}",
        "defaults: 5\nservices: {a: http://a}",
        "defaults: {services: {k: 1}}\nservices: [a]\nx: 1",
        "[a]",
    ],
)
def test_nothing_is_copied_where_nothing_is_taken(text: str) -> None:
    """Most files have neither."""
    tree = tree_of(read_document(text, "f"))
    data, spot, faults = tree.data, tree.spot, len(tree.faults)

    apply_defaults(tree, expand)

    assert tree.data is data
    assert tree.spot is spot
    assert len(tree.faults) == faults


TEXT = """\
defaults:
  services: {timeouts: {connect: 1s}, k: 1}
services:
  a: {instances: [x], timeouts: {read: 2s}, m: 1}
  b:
    like: a
    timeouts: {total: 3s}
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("services", "b"), (6, 5)),
        (("services", "b", "timeouts"), (7, 15)),
        (("services", "b", "timeouts", "connect"), (2, 34)),
        (("services", "b", "timeouts", "read"), (4, 40)),
        (("services", "b", "timeouts", "total"), (7, 23)),
        (("services", "b", "k"), (2, 42)),
        (("services", "b", "m"), (4, 48)),
        (("services", "a", "timeouts"), (4, 33)),
        (("defaults", "services", "k"), (2, 42)),
    ],
)
def test_what_is_taken_stands_where_it_is_written(path: Path, place: tuple[int, int]) -> None:
    """And the entry where it is itself."""
    found = applied(TEXT).place(path)

    assert (path, *place) == (found.path, found.line, found.column)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("like: c", "`c` is this service itself; name another one [bad-value]"),
        ("like: userz", "no service `userz`; did you mean `users`? [unknown-name]"),
        ("like: elsewhere", "no service `elsewhere` [unknown-name]"),
        ("like: [a]", "expected the name of a service, not a list [wrong-type]"),
        ("like: b", "`b` has a `like` of its own, and one leads no further; write its keys here [bad-value]"),
    ],
)
def test_like_names_another_service(entry: str, message: str) -> None:
    """One that has none itself; the rest of the entry is read all the same."""
    tree = applied(f"services:\n  users: {{m: 1}}\n  b: {{like: users}}\n  c: {{{entry}, k: 1}}\n")

    assert [f"f:4:13: services.c.like: {message}"] == [str(tree.problem(fault)) for fault in tree.faults]
    assert tree.data["services"]["c"] == {"k": 1}


def test_a_broken_like_says_nothing_more() -> None:
    """Nor does one whose service may stand in a file that could not be read."""
    broken = applied("services: {a: {like: ~, k: 1}, b: {like: a}}")
    tree = tree_of(read_document("services: {a: {like: b}}", "f"))
    tree.incomplete = True
    apply_defaults(tree, expand)

    assert [fault.id for fault in broken.faults] == ["empty-value", "bad-value"]
    assert tree.faults == []


def test_a_value_from_outside_is_not_shown() -> None:
    """The reference is."""
    tree = tree_of(read_document("services: {users: {}, a: {like: x}}", "f"))
    tree.data["services"]["a"]["like"] = Variable("userz", "${LIKE}")

    apply_defaults(tree, expand)

    assert [fault.message for fault in tree.faults] == ["no service `${LIKE}`"]


# ---- who is not asked -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unasked"),
    [
        pytest.param("services: {a: http://a, b: {instances: [http://b]}}", set(), id="nobody-looks-at-them"),
        pytest.param(
            "defaults: {services: {k: 1}}\nservices: {a: http://a, b: {instances: [http://b]}}",
            {"a"},
            id="a-url-alone",
        ),
        pytest.param(
            "services: {a: http://a, b: {like: a, instances: [http://b]}}", {"a", "b"}, id="like-a-url-alone"
        ),
        pytest.param(
            "services: {b: {like: a, instances: [http://b]}, a: {instances: [http://a]}}",
            set(),
            id="like-another",
        ),
        pytest.param(
            "defaults: {services: {health: {}}}\nservices: {a: http://a, b: {like: a, instances: [http://b]}}",
            {"a", "b"},
            id="where-something-is-said-that-counts-more",
        ),
        pytest.param(
            "services: {a: http://a, b: {like: a, instances: broken}, c: {like: a}}", {"a"}, id="no-list"
        ),
    ],
)
def test_who_is_not_asked_carries_it_with_its_instances(text: str, unasked: set[str]) -> None:
    """Where nothing is expanded, the short form itself says so."""
    entries = applied(text).data["services"]

    assert unasked == {
        name
        for name, entry in entries.items()
        if isinstance(entry, dict) and isinstance(entry.get("instances"), Unasked)
    }


def test_what_is_said_of_health_is_a_key_like_any_other() -> None:
    """It counts for whoever has it, and who takes it."""
    entries = applied(
        "defaults: {services: {health: /up}}\nservices: {a: http://a, b: {like: a, instances: [http://b], health: false}}"
    ).data["services"]

    assert ["/up", False] == [entry["health"] for entry in entries.values()]
