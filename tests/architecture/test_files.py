"""What is true of every file: short, tested by a file of its own name, without leftovers."""

import ast
import re
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "gatekeeper"
TESTS = ROOT / "tests"

LINES = 400

# the tests of these are in the file of what they belong to
TESTED_BY = {
    "config/kinds.py": "extend/test_catalog.py",  # protocols, which the catalog fulfils
    "config/page.py": "config/test_reference.py",
    "config/scalars.py": "config/test_structure.py",
    "config/schema_rules.py": "config/test_schema.py",
    "cli/plugin.py": "cli/test_plugin_list.py",
    "cli/plugins.py": "cli/test_plugin_list.py",
    "cli/process.py": "cli/test_serve.py",
    "extend/vocabulary.py": "config/test_units.py",  # names of what is tested there
    "runtime/reload_metrics.py": "runtime/test_reload.py",
    "runtime/client.py": "runtime/test_gateway.py",
    "runtime/rewriting.py": "runtime/test_build.py",
    "runtime/unmade.py": "runtime/test_build.py",
    "upstream/limits.py": "upstream/test_send.py",
    "workers/__main__.py": "workers/test_process.py",
}
"""Modules that have no behaviour of their own, or none without their neighbour."""


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The file within the package."""
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_is_read_in_one_sitting(path: Path) -> None:
    """What has become longer wants to be two."""
    assert len(path.read_text().splitlines()) <= LINES


@pytest.mark.parametrize(
    "path", [path for path in modules() if path.parent != PACKAGE and path.name != "__init__.py"], ids=name_of
)
def test_a_module_has_a_test_file_named_after_it(path: Path) -> None:
    """Whoever changes it knows where to look."""
    own = (path.parent / f"test_{path.name}").relative_to(PACKAGE)

    assert (TESTS / TESTED_BY.get(name_of(path), own)).is_file()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_says_what_it_is(path: Path) -> None:
    """In its docstring."""
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_nothing_is_left_over(path: Path) -> None:
    """No notes to oneself, and nothing printed but by the command line."""
    text = path.read_text()
    called = {
        node.func.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert None is re.search(r"\b(?:TODO|FIXME|XXX|HACK)\b", text)
    assert not called & {"breakpoint", *(() if name_of(path).startswith("cli/") else ("print",))}
