"""How problems are said and shown."""

from pathlib import Path as FilePath

import pytest

from gatekeeper.config.problems import (
    ConfigError,
    Path,
    Place,
    Problem,
    Refusal,
    did_you_mean,
    nearest,
    quoted,
    render,
    show_path,
)


FIRST = Problem("unknown-name", "routes.a.to", "no service `usres`", "gateway.yaml", 2, 5)
SECOND = Problem("bad-value", "version", "no", "gateway.yaml", 10, 1)
NOWHERE = Problem("needs", "services.x", "`a` needs `b`")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ((), ""),
        (("routes", "users", "filters", 0, "transform"), "routes.users.filters[0].transform"),
        (("tests", "a partner reads"), 'tests."a partner reads"'),
        (("to", "path.x"), 'to."path.x"'),
        ((0, "a"), "[0].a"),
    ],
)
def test_a_path_is_shown_as_a_person_writes_it(path: Path, shown: str) -> None:
    """Keys that hold dots or blanks are quoted."""
    assert shown == show_path(path)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (FIRST, "gateway.yaml:2:5: routes.a.to: no service `usres` [unknown-name]"),
        (NOWHERE, "services.x: `a` needs `b` [needs]"),
        (Problem("not-found", "", "`x` does not exist", "x"), "x: `x` does not exist [not-found]"),
    ],
)
def test_a_problem_is_one_line(problem: Problem, text: str) -> None:
    """What is not known is left out."""
    assert text == str(problem)


def test_an_error_lists_all_problems_in_the_order_of_the_file() -> None:
    """Line 2 comes before line 10."""
    error = ConfigError([SECOND, FIRST])

    assert error.problems == (FIRST, SECOND)
    assert f"{FIRST}\n{SECOND}" == str(error)
    assert error.sources == {}
    assert [error.files, error.folders] == [(), ()]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("a.yaml", 9, 9), ("b.yaml", 1, 1), id="file"),
        pytest.param(("a.yaml", 2, 9), ("a.yaml", 10, 1), id="line"),
        pytest.param(("a.yaml", 2, 9), ("a.yaml", 2, 10), id="column"),
        pytest.param(("", 0, 0), ("a.yaml", 1, 1), id="no-place"),
    ],
)
def test_problems_stand_in_the_order_of_their_places(
    first: tuple[str, int, int], second: tuple[str, int, int]
) -> None:
    """Files by their names; of one place, those that were found first."""
    one, other, again = (
        Problem("x", "z", "z", *first),
        Problem("x", "a", "a", *second),
        Problem("x", "a", "a", *first),
    )

    assert (one, again, other) == ConfigError([other, one, again]).problems


def test_an_error_says_where_its_cure_may_be() -> None:
    """A file that is missing may appear, in a folder where patterns look for some."""
    error = ConfigError(
        [FIRST], {"gateway.yaml": ""}, [FilePath("gateway.yaml"), FilePath("a.yaml")], [FilePath("routes")]
    )

    assert (FilePath("gateway.yaml"), FilePath("a.yaml")) == error.files
    assert (FilePath("routes"),) == error.folders


def test_the_nearest_word_is_proposed() -> None:
    """Nothing is, where none is near."""
    assert nearest("timeout", ["timeouts", "tls"]) == "timeouts"
    assert did_you_mean("timeout", ["timeouts", "tls"]) == "; did you mean `timeouts`?"
    assert did_you_mean("cache", ["timeouts", "tls"]) == ""
    assert quoted(["a", "b"]) == "`a`, `b`"


def test_a_refusal_is_a_bad_value_unless_it_says_otherwise() -> None:
    """Types outside of this package may raise a ValueError of their own."""
    assert Refusal("x").id == "bad-value"
    assert Refusal("x", "no-unit").id == "no-unit"


def test_a_place_is_shown_by_its_line() -> None:
    """The column matters to editors only; what is provided has none."""
    assert str(Place(("a",), "gateway.yaml", 3, 7)) == "gateway.yaml:3"
    assert str(Place(("a",), "provider portal")) == "provider portal"


SOURCE = "routes:\n  a: {to: usres}\n"


def test_render_shows_the_line_with_a_caret() -> None:
    """A problem without a place is its message alone."""
    rendered = render([FIRST, NOWHERE], {"gateway.yaml": SOURCE}, colour=False)

    expected = """\
gateway.yaml:2:5: routes.a.to: no service `usres` [unknown-name]
    2 |   a: {to: usres}
      |     ^
services.x: `a` needs `b` [needs]"""
    assert expected == rendered


def test_render_in_colour_says_the_same() -> None:
    """Colours are added, nothing is left out."""
    rendered = render([FIRST, NOWHERE], {"gateway.yaml": SOURCE}, colour=True)

    plain = rendered
    for code in (0, 1, 2, 31):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert render([FIRST, NOWHERE], {"gateway.yaml": SOURCE}, colour=False) == plain
    assert rendered.startswith("\x1b[1mgateway.yaml:2:5\x1b[0m: routes.a.to")


def test_an_excerpt_cannot_steer_the_terminal() -> None:
    """Escape codes in the file are shown as question marks, and a tab is as wide as the caret takes it for."""
    rendered = render([FIRST], {"gateway.yaml": "\n\tab\x1b[31m\n"}, colour=False)

    assert rendered.splitlines()[1:] == ["    2 |  ab?[31m", "      |     ^"]


def test_the_excerpt_is_of_the_file_of_the_problem() -> None:
    """Each has lines of its own; the first line is one."""
    other = Problem("x", "", "no", "other.yaml", 1, 1)

    rendered = render([FIRST, other], {"gateway.yaml": SOURCE, "other.yaml": "here\n"}, colour=False)

    assert ["    1 | here", "      | ^"] == rendered.splitlines()[-2:]
    assert "    2 |   a: {to: usres}" == rendered.splitlines()[1]


@pytest.mark.parametrize(("length", "is_whole"), [(199, True), (200, True), (201, False)])
def test_a_line_is_cut_if_it_is_too_long(length: int, is_whole: bool) -> None:
    """Not before."""
    _, shown, _ = render([Problem("x", "", "", "f", 1, 1)], {"f": "c" * length}, colour=False).splitlines()

    assert ("c" * length if is_whole else "c" * 200 + "...") == shown[8:]


def test_a_place_beyond_the_source_has_no_excerpt() -> None:
    """The file may have changed since."""
    assert str(SECOND) == render([SECOND], {"gateway.yaml": SOURCE}, colour=False)


@pytest.mark.parametrize(
    ("column", "excerpt"),
    [
        (3, "abX" + "c" * 197 + "..."),
        (500, "..." + "c" * 100 + "X" + "c" * 99 + "..."),
        (1000, "..." + "c" * 199 + "X"),
    ],
)
def test_a_long_line_is_cut_to_what_stands_round_the_place(column: int, excerpt: str) -> None:
    """The caret stays under it."""
    line = "ab" + "c" * 998
    line = line[: column - 1] + "X" + line[column:]
    problem = Problem("yaml", "", "long", "f", 1, column)

    _, shown, caret = render([problem], {"f": line}, colour=False).splitlines()

    assert excerpt == shown[8:]
    assert "X" == shown[caret.index("^")]
