"""Loading plugins: the built-in ones, those that pip installed, and single files.

One manager per gateway object and none per module, so that two gateways can live in one process. Whatever is wrong with
a plugin is said with the plugin's name, before anything listens.
"""

import functools
import importlib
import importlib.util
import sys
from collections.abc import Collection, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import attrs
import pluggy

from gatekeeper.extend import hookspecs
from gatekeeper.extend.catalog import Catalog, CatalogError


GROUP: Final = "gatekeeper"

BUILT_IN: Final = {
    **{
        name: f"gatekeeper.filters.{name}"
        for name in (
            *("transform", "static", "redirect", "options", "cors", "security_headers"),
            *("auth", "authorize", "upstream_auth", "forward"),
        )
    },
    **{
        name: f"gatekeeper.auth.{name}"
        for name in ("api_key", "basic", "jwt", "introspection", "mtls", "external")
    },
    "balancers": "gatekeeper.registry.balancers",
    "probes": "gatekeeper.registry.probes",
    "http_provider": "gatekeeper.registry.providers.http",
}
"""Name → module, in loading order."""


class PluginError(Exception):
    """A plugin that cannot be used; the message names it and says what to do."""


@attrs.frozen
class PluginInfo:
    """A loaded plugin: what it is called, where it came from, which kinds it declared."""

    name: str
    origin: str
    kinds: tuple[str, ...]


class PluginHost:
    """The plugins of one gateway."""

    def __init__(self, files: Sequence[Path] = (), blocked: Collection[str] = ()) -> None:
        """Load everything.

        Raises:
            PluginError: a plugin cannot be imported, misspells a hook, or declares a kind twice.

        """
        self.manager: Final = pluggy.PluginManager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.catalog: Final = Catalog()
        self._origins: dict[str, str] = {}
        blocked = set(blocked)
        unknown = set(blocked)
        for name, origin, load in _sources(files):
            unknown.discard(name)
            if name not in blocked:
                self.add(name, origin, load())
        if unknown:
            raise PluginError(
                f"cannot block {', '.join(sorted(unknown))}: no such plugin; "
                f"there are {', '.join(sorted(self._origins))}"
            )

    @property
    def plugins(self) -> list[PluginInfo]:
        """What is loaded, in the order it was."""
        return [
            PluginInfo(name, origin, self.catalog.of_plugin(name)) for name, origin in self._origins.items()
        ]

    def each(self, hook: str, **arguments: Any) -> Iterable[tuple[str, Any]]:
        """Call a hook plugin by plugin, in loading order; yields the plugin's name and what it returned."""
        for name in self._origins:
            for result in self.call(name, hook, **arguments):
                yield name, result

    def call(self, name: str, hook: str, **arguments: Any) -> list[Any]:
        """Call a hook on one plugin; what it returned, nothing if it has no such hook."""
        plugin = self.manager.get_plugin(name)
        others = [other for other in self.manager.get_plugins() if other is not plugin]
        results: list[Any] = self.manager.subset_hook_caller(hook, others)(**arguments)
        return results

    def add(self, name: str, origin: str, plugin: object) -> None:
        """Take a plugin in: a module or object with hooks; `origin` says where it came from.

        Raises:
            PluginError: it misspells a hook, declares a kind twice, or has the name of another.

        """
        where = f"plugin {name!r} ({origin})"
        try:
            self.manager.register(plugin, name)
            self.manager.check_pending()
        except pluggy.PluginValidationError as error:
            hooks = ", ".join(sorted(known for known in vars(hookspecs) if known.startswith("gatekeeper_")))
            raise PluginError(f"{where}: {str(error).strip()}; the hooks are {hooks}") from error
        except ValueError as error:
            raise PluginError(f"{where}: another plugin is loaded under this name") from error
        self._origins[name] = origin
        self.catalog.plugin = name
        try:
            self.call(name, "gatekeeper_register", catalog=self.catalog)
        except CatalogError as error:
            raise PluginError(f"{where}: {error}") from error
        except Exception as error:
            raise PluginError(f"{where}: gatekeeper_register failed: {error!r}") from error


def _sources(files: Sequence[Path]) -> Iterable[tuple[str, str, Any]]:
    """Name, origin and a function that imports it, for every plugin there is."""
    for name, module in BUILT_IN.items():
        yield name, "built-in", lambda module=module: importlib.import_module(module)
    # pluggy calls what was registered last first; we register, and run, by name
    for entry_point, origin in sorted(_installed(), key=lambda found: found[0].name):
        yield entry_point.name, origin, lambda found=entry_point: _load(found)
    for file in files:
        yield file.stem, str(file), lambda file=file: _load_file(file)


@functools.cache
def _installed() -> tuple[tuple[EntryPoint, str], ...]:
    """What pip installed; looked for once per process, since new code comes with a new process."""
    return tuple((entry_point, _origin(entry_point)) for entry_point in entry_points(group=GROUP))


def _origin(entry_point: EntryPoint) -> str:
    dist = entry_point.dist
    return f"{dist.name} {dist.version}" if dist is not None else entry_point.value


def _load(entry_point: EntryPoint) -> object:
    try:
        return entry_point.load()
    except Exception as error:
        raise PluginError(
            f"plugin {entry_point.name!r} ({_origin(entry_point)}) cannot be imported: {error!r}; "
            f"repair or uninstall it, or block it with --block-plugin {entry_point.name}"
        ) from error


def _load_file(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"gatekeeper_plugin_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise PluginError(f"plugin {file}: there is no such Python file")
    module = importlib.util.module_from_spec(spec)
    # attrs and typing look classes up by the name of their module
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise PluginError(f"plugin {file} cannot be imported: {error!r}") from error
    return module
