"""The import rule.

Core and policy import nothing of ours but core and do no I/O; folders meet only through core and extend; runtime knows
all; edge, admin and cli know runtime.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "gatekeeper"

EVERYBODY = {"core", "policy"}

# what a folder imports besides core and policy; where none is named, nothing
MORE = {
    # parts count through its metrics, and say in its words what they take
    "extend": {"config", "observe"},
    "filters": {"auth", "extend"},  # tokens are signed as they are read
    "auth": {"extend"},
    "registry": {
        "extend",
        "observe",
    },  # balancers, probes and providers are declared like filters, and counted
    "edge": {
        "observe",
        "routing",
    },  # ids and traces are settled, and paths made canonical, as a request is read
    "runtime": {"admin", "config", "edge", "extend", "observe", "registry", "routing", "stores", "upstream"},
    "workers": {"config", "edge", "extend", "observe", "registry", "runtime"},
    "cli": {
        "workers",
        "admin",
        "auth",  # makes hashes
        "config",
        "edge",
        "extend",
        "observe",
        "registry",
        "routing",
        "runtime",
        "stores",
        "upstream",
    },
    "testing": {"admin", "config", "edge", "extend", "observe", "registry", "routing", "runtime", "upstream"},
}

# what only a type checker imports: edge and admin are started by runtime and speak to it, hooks name what they pass
TYPES = {"extend": {"registry"}, "edge": {"runtime"}, "admin": {"runtime"}}

# whoever imports none of these does no I/O
PURE = {
    *("attrs", "orjson"),
    *(
        "bisect",
        "collections",
        "enum",
        "functools",
        "hashlib",
        "http",
        "ipaddress",
        "itertools",
        "json",
        "logging",
        "math",
        "random",
        "re",
        "time",
        "typing",
        "urllib",
    ),
}

# these wait for each other, or join what somebody else has opened
WAITING = {"core/concurrency.py", "core/tunnel.py"}
# sets an option of sockets that are open already
ENDING = {"core/transport.py": {"asyncio", "contextlib", "socket", "struct"}}

# what decides about tokens: policy, but for the libraries that compute signatures
DECIDING = {
    f"auth/jose/{name}.py"
    for name in ("algorithms", "claims", "content", "encoding", "errors", "jwk", "jwt", "keys")
}
SIGNATURES = {"base64", "binascii", "cryptography", "joserfc", "json"}
# these need the extra `jwt`
KEYS = {"auth/jose/content.py", "auth/jose/jwk.py", "auth/jose/keys.py"}

CLOCKS = {"time.time", "time.monotonic", "time.perf_counter", "datetime.now", "uuid.uuid4"}
CLOCK_OWNERS = {"core/clock.py"}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The file within the package."""
    return path.relative_to(PACKAGE).as_posix()


def dotted(path: Path) -> str:
    """The name to import it by."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """The modules that a file imports, and whether only a type checker does."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "gatekeeper" else [module]
            yield from ((name, id(node) in for_types) for name in names)


def folder(module: str) -> str:
    """The folder of one of our modules, empty for what stands at the top."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (PACKAGE / parts[1]).is_dir() else ""


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_folders_import_only_what_the_rule_allows(path: Path) -> None:
    """Whoever wants more widens core or extend."""
    own = folder(dotted(path))
    if not own:
        return  # the top: __init__ and __main__ import what they name when it is asked for
    allowed = {own, "core", "", *(EVERYBODY if own != "core" else ()), *MORE.get(own, ())}
    for_types = allowed | TYPES.get(own, set())

    wrong = [
        module
        for module, types_only in imports(path)
        if module.split(".")[0] == "gatekeeper"
        and folder(module) not in (for_types if types_only else allowed)
    ]

    assert [] == wrong


def test_the_rule_allows_nothing_that_nobody_needs() -> None:
    """An edge that has gone leaves the table."""
    used = {
        (folder(dotted(path)), folder(module))
        for path in modules()
        for module, _ in imports(path)
        if module.startswith("gatekeeper.")
    }
    free = {"runtime", "cli", "testing", "workers"}  # these know all on purpose
    table = {(own, other) for table in (MORE, TYPES) for own, others in table.items() for other in others}

    assert [] == sorted((own, other) for own, other in table - used if own not in free)


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if folder(dotted(path)) in EVERYBODY or name_of(path) in DECIDING],
    ids=name_of,
)
def test_core_and_policy_do_no_io(path: Path) -> None:
    """They import nothing that could."""
    name = name_of(path)
    allowed = PURE | ({"asyncio"} if name in WAITING else ENDING.get(name, set()))
    if name in DECIDING:
        allowed |= SIGNATURES

    assert [] == [
        module
        for module, _ in imports(path)
        if module.split(".")[0] not in allowed and not module.startswith("gatekeeper.")
    ]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_time_is_passed_in(path: Path) -> None:
    """One module asks the operating system; everybody else is handed a clock that a test can move."""
    calls = {
        ast.unparse(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
    }

    if name_of(path) not in CLOCK_OWNERS and folder(dotted(path)) != "cli":
        assert set() == calls & CLOCKS


ALONE = """
import importlib, sys
for name in sys.argv[1:]:
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == "gatekeeper"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except Exception as error:
        print(f"{name}: {error!r}")
"""


def run(code: str, *arguments: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    return done.stdout + done.stderr


def test_each_module_can_be_imported_alone() -> None:
    """In whatever order: there are no cycles."""
    names = [dotted(path) for path in modules() if path.name != "__main__.py"]

    assert "" == run(ALONE, *names)


def test_only_the_fixtures_of_the_test_kit_need_pytest() -> None:
    """Its classes serve scripts and notebooks as well."""
    names = [dotted(path) for path in modules() if "testing" in path.parts and path.stem != "fixtures"]

    assert "" == run("import sys; sys.modules['pytest'] = None\n" + ALONE, *names)


def test_only_keys_need_joserfc() -> None:
    """Whoever checks no tokens does not install it."""
    names = [dotted(path) for path in modules() if name_of(path) not in KEYS and path.stem != "__main__"]
    code = (
        "import importlib, sys; sys.modules['joserfc'] = None\n"
        "for name in sys.argv[1:]: importlib.import_module(name)"
    )

    assert "" == run(code, *names)


def test_the_version_costs_nothing() -> None:
    """`gatekeeper.version` and `--help` import no aiohttp."""
    code = "import sys, gatekeeper.version; print([name for name in ('aiohttp', 'attrs') if name in sys.modules])"

    assert "[]\n" == run(code)


@pytest.mark.parametrize("package", ["gatekeeper", "gatekeeper.testing"])
def test_what_a_package_promises_is_there(package: str) -> None:
    """All names, sorted, each from its home; others are errors."""
    code = (
        f"import {package} as package\n"
        "names = [name for name in package.__all__ if not name.startswith('__')]\n"
        "missing = [name for name in names if not hasattr(package, name)]\n"
        "homes = sorted(package._HOME)\n"
        "print(missing, sorted(names) == homes, hasattr(package, 'nothing_of_this_name'))\n"
    )

    assert "[] True False\n" == run(code)
