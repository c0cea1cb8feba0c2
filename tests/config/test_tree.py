"""Trees: the places of values, of one file and of several."""

from pathlib import Path
from typing import Any

import pytest

from gatekeeper.config.document import read_document
from gatekeeper.config.problems import Fault, Place, Problem
from gatekeeper.config.tree import Tree, tree_of


TEXT = """\
services:
  app: http://x
routes:
  - a: [1, 2]
    b: *z
copy: &c {d: 1}
again: *c
"""


@pytest.mark.parametrize(
    ("path", "at_key", "place"),
    [
        (("services",), False, (2, 3)),
        (("services",), True, (1, 1)),
        (("services", "app"), False, (2, 8)),
        (("services", "app"), True, (2, 3)),
        (("routes", 0), False, (4, 5)),
        (("routes", 0), True, (4, 5)),
        (("routes", 0, "a", 1), False, (4, 12)),
        (("again",), False, (7, 8)),
        (("again", "d"), False, (6, 14)),
        ((), True, (1, 1)),
    ],
)
def test_every_value_and_key_has_a_place(path: Any, at_key: bool, place: tuple[int, int]) -> None:
    """Lines and columns count from 1; what an alias repeats stands at its anchor."""
    tree = tree_of(read_document(TEXT, "f"))

    assert Place(path, "f", *place) == tree.place(path, at_key=at_key)


def test_what_is_not_written_stands_where_it_would_be() -> None:
    """A short form that was expanded is reported where it was written."""
    tree = tree_of(read_document(TEXT, "f"))

    assert Place(("services", "app"), "f", 2, 8) == tree.place(
        ("services", "app", "instances", 0), at_key=True
    )
    assert (
        str(tree.problem(Fault("x", ("services", "app", "url"), "wrong"))) == "f:2:8: services.app: wrong [x]"
    )
    assert tree.line(("services", "app", "url")) == 0
    assert tree.line(("services", "app")) == 2


def test_the_names_in_a_mapping_are_known() -> None:
    """Also of values that came out broken; lists and what is not there have none."""
    tree = tree_of(read_document("services: {a: 1, b: ~}\nroutes: [x]\n", "f"))

    assert tree.names(("services",)) == ["a", "b"]
    assert tree.names(("routes",)) == []
    assert tree.names(("services", "c")) == []


def test_a_tree_of_no_file_has_no_places() -> None:
    """Configurations that were built by hand have no lines."""
    tree = Tree()

    assert Place(("a",)) == tree.place(("a",))
    assert tree.names(()) == []
    assert tree.line(("a",)) == 0
    assert tree.folder(("a",)) == Path()
    assert repr(tree.data) == "BROKEN"


def test_values_of_two_files_stand_each_in_its_own() -> None:
    """With the folder that the files are in which they name."""
    first = read_document("a: {b: 1}\n", "one.yaml", Path("x"))
    second = read_document("\n\nc: 1\n", "y/two.yaml", Path("x/y"))
    assert first.spot is not None
    assert second.spot is not None
    spot = first.spot.holding({**first.spot.children, "c": second.spot.children["c"]})

    tree = Tree({"a": {"b": 1}, "c": 1}, spot, documents=[first, second])

    assert tree.place(("a", "b")) == Place(("a", "b"), "one.yaml", 1, 8)
    assert tree.place(("c",), at_key=True) == Place(("c",), "y/two.yaml", 3, 1)
    assert [tree.folder(("a", "b")), tree.folder(("c", "d")), tree.folder(())] == [
        Path("x"),
        Path("x/y"),
        Path("x"),
    ]
    assert tree.file == "one.yaml"


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault("x", ("a",), "m"), Problem("x", "a", "m", "f", 1, 4)),
        (Fault("x", ("a",), "m", at_key=True), Problem("x", "a", "m", "f", 1, 1)),
        (Fault("x", ("a",), "m", line=7, column=8), Problem("x", "a", "m", "f", 7, 8)),
        (Fault("x", ("a",), "m", line=7, column=8, file="g"), Problem("x", "a", "m", "g", 7, 8)),
        (Fault("x", ("a", "b"), "m", file="g"), Problem("x", "a.b", "m", "g")),
        (
            Fault("x", ("a", 0, "b"), "m", severity="warning"),
            Problem("x", "a[0]", "m", "f", 1, 5, "warning"),
        ),
    ],
)
def test_a_fault_stands_where_it_says_or_where_its_value_is(fault: Fault, problem: Problem) -> None:
    """A fault of a file has no line where the file cannot be read."""
    tree = tree_of(read_document("a: [1]\n", "f"))

    assert problem == tree.problem(fault)
