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
