"""Flags and their environment variables."""

from pathlib import Path

import pytest

from gatekeeper.cli.flags import Parser, choice


@pytest.fixture
def parser() -> Parser:
    """One flag of each kind."""
    parser = Parser("gatekeeper test", "Test.")
    parser.value(
        "--level", variable="LEVEL", metavar="X", convert=choice("a", "b"), default="a", help_="level"
    )
    parser.values("--file", variable="FILE", separator=":", metavar="X", convert=Path, help_="files")
    parser.switch("--demo", variable="DEMO", help_="demo")
    return parser


def test_defaults(parser: Parser) -> None:
    """What neither a flag nor a variable says."""
    options = parser.parse([], {})

    assert (options.level, options.file, options.demo) == ("a", (), False)


def test_variables(parser: Parser) -> None:
    """Converted like flags; several values with a separator."""
    options = parser.parse(
        [], {"GATEKEEPER_LEVEL": "b", "GATEKEEPER_FILE": "x.py::y.py", "GATEKEEPER_DEMO": "true"}
    )

    assert (options.level, options.file, options.demo) == ("b", [Path("x.py"), Path("y.py")], True)


def test_a_flag_wins(parser: Parser) -> None:
    """Also over a variable that would be refused."""
    options = parser.parse(
        ["--level", "b", "--file", "z.py"], {"GATEKEEPER_LEVEL": "c", "GATEKEEPER_FILE": "x"}
    )

    assert (options.level, options.file) == ("b", [Path("z.py")])


def test_flags_between_words(parser: Parser) -> None:
    """Where a command has several words."""
    parser.intermixed = True
    parser.add_argument("words", nargs="+")
    options = parser.parse(["x", "--level", "b", "y", "--demo"], {"GATEKEEPER_FILE": "z.py"})

    assert (["x", "y"], "b", [Path("z.py")], True) == (
        options.words,
        options.level,
        options.file,
        options.demo,
    )


def test_an_empty_variable_is_none(parser: Parser) -> None:
    """How a variable is unset in many places."""
    assert parser.parse([], {"GATEKEEPER_LEVEL": "", "GATEKEEPER_DEMO": ""}).level == "a"


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        pytest.param(["--level", "c"], {}, "argument --level: 'c' is none of a, b", id="flag"),
        pytest.param([], {"GATEKEEPER_LEVEL": "c"}, "GATEKEEPER_LEVEL: 'c' is none of a, b", id="variable"),
        pytest.param([], {"GATEKEEPER_DEMO": "maybe"}, "GATEKEEPER_DEMO: 'maybe' is neither", id="switch"),
        pytest.param(["--lev", "a"], {}, "unrecognized arguments: --lev", id="abbreviation"),
    ],
)
def test_what_is_wrong_is_named(
    parser: Parser,
    arguments: list[str],
    environment: dict[str, str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The exit code is 2."""
    with pytest.raises(SystemExit) as ended:
        parser.parse(arguments, environment)

    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_the_help_names_the_variables(parser: Parser) -> None:
    """Each flag has one."""
    assert all(f"[GATEKEEPER_{name}]" in parser.format_help() for name in ("LEVEL", "FILE", "DEMO"))
