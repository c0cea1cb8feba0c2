"""Loading plugins: from where, in which order, and what is said about those that cannot be used."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent
from types import ModuleType, SimpleNamespace
from typing import Any

import attrs
import pytest

from gatekeeper import hookimpl
from gatekeeper.extend import host as host_module
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.host import BUILT_IN, PluginError, PluginHost


@attrs.frozen
class Options:
    """Nothing to say."""


def build(config: Any, context: Any) -> Any:
    return config


class Stamp:
    """A plugin with one kind."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.filter("stamp", Options, build)


GOOD = """
    import attrs
    from gatekeeper import hookimpl

    @attrs.frozen
    class Options:
        '''Nothing to say.'''

    @hookimpl
    def gatekeeper_register(catalog):
        catalog.filter("from_file", Options, lambda config, context: config)
"""


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Callable[[str, str], Path]]:
    """Write a file with a plugin."""
    before = set(sys.modules)

    def write(source: str, name: str = "mine.py") -> Path:
        file = tmp_path / name
        file.write_text(dedent(source))
        return file

    yield write
    for module in set(sys.modules) - before:
        if module.startswith("gatekeeper_plugin_"):
            del sys.modules[module]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Pretend that these entry points are all that is installed."""

    def install(**values: str) -> None:
        points = [EntryPoint(name, value, "gatekeeper") for name, value in values.items()]
        host_module._installed.cache_clear()
        monkeypatch.setattr(
            host_module, "entry_points", lambda group: points if group == "gatekeeper" else []
        )

    install()
    yield install
    monkeypatch.undo()
    host_module._installed.cache_clear()
    # it reads files: not when the next test asks for it, in a loop
    host_module._installed()


pytestmark = pytest.mark.usefixtures("installed")


# ---- where they come from -------------------------------------------------------------------------------------------


def test_the_built_in_parts_come_through_the_same_door() -> None:
    """In a fixed order, and each says what it declares."""
    host = PluginHost()

    assert list(BUILT_IN) == [plugin.name for plugin in host.plugins]
    assert {"built-in"} == {plugin.origin for plugin in host.plugins}
    kinds = {plugin.name: plugin.kinds for plugin in host.plugins}
    filters = ("transform", "static", "redirect", "options", "cors", "security_headers", "forward")
    assert {name: (name,) for name in filters} == {name: kinds[name] for name in filters}
    assert {"round_robin", "least_connections", "hash", "cookie"} <= set(kinds["balancers"])
    assert (("http", "tcp"), ("http",)) == (kinds["probes"], kinds["http_provider"])


def test_installed_plugins_follow_by_name(
    installed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nothing depends on the order in which they were installed."""
    for name in ("zebra", "ant"):
        monkeypatch.setitem(sys.modules, f"plugin_{name}", ModuleType(name))
    installed(zebra="plugin_zebra", ant="plugin_ant")

    assert ["ant", "zebra"] == [plugin.name for plugin in PluginHost().plugins[len(BUILT_IN) :]]


def test_a_file_is_a_plugin_under_its_own_name(write: Callable[..., Path]) -> None:
    """And its origin is where it stands."""
    file = write(GOOD)

    host = PluginHost([file])

    (plugin,) = host.plugins[len(BUILT_IN) :]
    assert ("mine", str(file), ("from_file",)) == (plugin.name, plugin.origin, plugin.kinds)
    assert "mine" == host.catalog.filters["from_file"].plugin


def test_an_installed_plugin_says_which_distribution_it_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its version, as pip knows it."""
    module = ModuleType("mine")
    point = SimpleNamespace(
        name="mine",
        value="mine",
        dist=SimpleNamespace(name="gatekeeper-mine", version="1.2"),
        load=lambda: module,
    )
    monkeypatch.setattr(host_module, "entry_points", lambda group: [point])
    host_module._installed.cache_clear()

    assert "gatekeeper-mine 1.2" == PluginHost().plugins[-1].origin


def test_two_hosts_in_one_process_share_nothing(write: Callable[..., Path]) -> None:
    """Each gateway has its own."""
    file = write(GOOD)

    first, second = PluginHost([file]), PluginHost()
    third = PluginHost([file])

    assert "from_file" not in second.catalog.filters
    assert "from_file" in first.catalog.filters
    assert "from_file" in third.catalog.filters
    assert first.catalog.filters["from_file"].config is not third.catalog.filters["from_file"].config


# ---- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(
            "import nothing_of_this_name", "cannot be imported: ModuleNotFoundError", id="import error"
        ),
        pytest.param("def broken(:", "cannot be imported: SyntaxError", id="syntax error"),
        pytest.param("1 / 0", "cannot be imported: ZeroDivisionError", id="error while importing"),
        pytest.param(
            """
            from gatekeeper import hookimpl
            @hookimpl
            def gatekeeper_registre(catalog): ...
            """,
            "unknown hook 'gatekeeper_registre'",
            id="misspelt hook",
        ),
        pytest.param(
            """
            from gatekeeper import hookimpl
            @hookimpl
            def gatekeeper_register(katalog): ...
            """,
            "katalog",
            id="wrong argument",
        ),
        pytest.param(
            """
            from gatekeeper import hookimpl
            @hookimpl
            def gatekeeper_register(catalog):
                1 / 0
            """,
            "gatekeeper_register failed: ZeroDivisionError('division by zero')",
            id="fails to register",
        ),
        pytest.param(
            GOOD.replace("from_file", "transform"),
            "plugin 'mine' declares filter 'transform', which plugin 'transform' has declared",
            id="duplicate kind",
        ),
    ],
)
def test_what_is_wrong_is_said_with_the_name_of_the_plugin(
    write: Callable[..., Path], source: str, message: str
) -> None:
    """And where it came from."""
    file = write(source)

    with pytest.raises(PluginError) as caught:
        PluginHost([file])

    assert message in str(caught.value)
    assert "mine" in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_misspelt_hook_is_answered_with_those_that_there_are(write: Callable[..., Path]) -> None:
    """So that the right one can be found."""
    file = write("from gatekeeper import hookimpl\n@hookimpl\ndef gatekeeper_registre(): ...\n")

    with pytest.raises(PluginError, match="the hooks are gatekeeper_admin_routes, gatekeeper_event, "):
        PluginHost([file])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Nor is one that is no Python."""
    (tmp_path / "mine.txt").write_text("x")

    for name in ("nothing.py", "mine.txt"):
        with pytest.raises(PluginError, match="there is no such Python file"):
            PluginHost([tmp_path / name])


def test_a_name_is_taken_once(write: Callable[..., Path], tmp_path: Path) -> None:
    """By whoever comes first."""
    (tmp_path / "other").mkdir()
    files = [write(GOOD), write(GOOD.replace("from_file", "x"), "other/mine.py")]

    with pytest.raises(PluginError, match=r"plugin 'mine' .*: another plugin is loaded under this name"):
        PluginHost(files)


def test_a_built_in_name_is_taken(write: Callable[..., Path]) -> None:
    """A plugin cannot put itself in the place of a part that others rely on."""
    with pytest.raises(PluginError, match="another plugin is loaded under this name"):
        PluginHost([write(GOOD, "forward.py")])


def test_an_installed_plugin_that_cannot_be_imported_says_how_to_go_on(
    installed: Callable[..., None],
) -> None:
    """Repair it, or block it."""
    installed(mine="nothing_of_this_name")

    with pytest.raises(PluginError) as caught:
        PluginHost()

    assert "plugin 'mine' (nothing_of_this_name) cannot be imported: ModuleNotFoundError" in str(caught.value)
    assert "block it with --block-plugin mine" in str(caught.value)


# ---- blocking -------------------------------------------------------------------------------------------------------


def test_what_is_blocked_is_not_even_imported(
    installed: Callable[..., None], write: Callable[..., Path]
) -> None:
    """It may be what breaks the start."""
    installed(bad="nothing_of_this_name")

    host = PluginHost([write("1 / 0", "worse.py")], blocked=["bad", "worse", "static"])

    assert [name for name in BUILT_IN if name != "static"] == [plugin.name for plugin in host.plugins]
    assert "static" not in host.catalog.filters


def test_blocking_what_is_not_there_is_an_error() -> None:
    """A typing mistake must not pass for a block."""
    with pytest.raises(PluginError) as caught:
        PluginHost(blocked=["sttic", "x"])

    expected = f"cannot block sttic, x: no such plugin; there are {', '.join(sorted(BUILT_IN))}"
    assert expected in str(caught.value)


# ---- calling --------------------------------------------------------------------------------------------------------


def test_hooks_are_called_in_loading_order_by_name() -> None:
    """Each with what it returned; who has no such hook is passed over."""

    class Says:
        def __init__(self, word: str) -> None:
            self.word = word

        @hookimpl
        def gatekeeper_validate(self, config: Any) -> list[str]:
            return [self.word, config]

    host = PluginHost()
    host.add("b", "test", Says("second"))
    host.add("a", "test", Says("first"))
    host.add("c", "test", Stamp())

    found = list(host.each("gatekeeper_validate", config="config"))

    assert [("b", ["second", "config"]), ("a", ["first", "config"])] == found
    assert [] == host.call("c", "gatekeeper_validate", config="config")
    assert ("stamp",) == host.plugins[-1].kinds
