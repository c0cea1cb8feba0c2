"""Sources: which files are read, what they may hold, and that every mistake is found in one go."""

import glob
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.config.document import BROKEN
from gatekeeper.config.problems import Path as TreePath
from gatekeeper.config.sources import read_sources, sources_of_text
from gatekeeper.config.tree import Tree


Read = Callable[..., Tree]

LARGE = 32 * 1024 * 1024
"""Bytes of a file, which are at most four for a character."""


def expand(path: TreePath, value: Any) -> Any:
    if path[:1] == ("services",) and len(path) == 2 and isinstance(value, str):
        return {"instances": [value]}
    return value


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Writes files, by their paths, and reads them from the folder that they are in."""
    monkeypatch.chdir(tmp_path)

    def read(files: dict[str, str | bytes], **options: Any) -> Tree:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_sources(Path("gateway.yaml"), expand, options.pop("environ", {}), **options)

    return read


def problems(tree: Tree) -> list[str]:
    return sorted(str(tree.problem(fault)) for fault in [*tree.faults, *tree.warnings])


def test_one_file_is_taken_as_it_is(read: Read) -> None:
    """Nothing is copied."""
    tree = read({"gateway.yaml": "version: 1\nservices: {a: http://a}\n"})

    assert tree.data is tree.documents[0].data
    assert tree.spot is tree.documents[0].spot
    assert tree.data == {"version": 1, "services": {"a": "http://a"}}
    assert problems(tree) == []
    assert [Path("gateway.yaml"), Path(".env")] == tree.files
    assert [tree.incomplete, tree.environments, tree.folders] == [False, [], []]


def test_a_text_is_read_like_a_file(tmp_path: Path) -> None:
    """Its name is for messages, and its files are where it says."""
    (tmp_path / "a.yaml").write_text("services: {a: }")
    (tmp_path / ".env").write_text("A=1")

    tree = sources_of_text(
        'version: "${A}"\ninclude: [a.yaml]', expand, {}, name="x/main.yaml", base=tmp_path
    )

    assert problems(tree) == [
        "x/a.yaml:1:15: services.a: `a` has no value; if `{a}` is meant, quote it [empty-value]",
        "x/main.yaml:1:10: version: `${A}` is not set; set it, or write `${A:-default}` [unresolved]",
    ]
    assert [document.folder for document in tree.documents] == [tmp_path, tmp_path]


# ---- include --------------------------------------------------------------------------------------------------------


def test_included_files_join(read: Read) -> None:
    """Sorted by their names, with places of their own; notes of theirs are left out."""
    tree = read(
        {
            "gateway.yaml": "version: 1\ninclude: [routes/*.yaml, partners.json]\nservices: {a: http://a}\nx-n: 1\n",
            "routes/b.yaml": "routes: {b: {to: a}}\nx-n: 2\nx-m: [yes]\n",
            "routes/a.yaml": "routes: {a: {to: a}}\nhosts: [x]\n",
            "routes/.a.yaml.swp": "nonsense: [",
            "routes/deeper/c.yaml": "routes: {c: {to: a}}\n",
            "partners.json": '{"services": {"p": "http://p"}}',
        }
    )

    assert tree.data == {
        "version": 1,
        "include": ["routes/*.yaml", "partners.json"],
        "services": {"a": "http://a", "p": "http://p"},
        "x-n": 1,
        "routes": {"a": {"to": "a"}, "b": {"to": "a"}},
        "hosts": ["x"],
    }
    assert problems(tree) == [
        "routes/b.yaml:3:7: warning: x-m[0]: `yes` is text here, and true for YAML 1.1 tools; quote it [yaml11-word]"
    ]
    assert ["gateway.yaml", "routes/a.yaml", "routes/b.yaml", "partners.json"] == [
        document.file for document in tree.documents
    ]
    assert ["gateway.yaml", ".env", "routes/a.yaml", "routes/b.yaml", "partners.json"] == [
        str(file) for file in tree.files
    ]
    assert [Path("routes")] == tree.folders
    assert str(tree.place(("routes", "b", "to"))) == "routes/b.yaml:1"
    assert Path("routes") == tree.folder(("routes", "b", "to"))


def test_the_files_of_a_pattern_are_sorted(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever order the file system lists them: it is another one on each machine."""
    found = glob.glob
    monkeypatch.setattr(glob, "glob", lambda *args, **options: sorted(found(*args, **options), reverse=True))

    tree = read(
        {
            "gateway.yaml": "version: 1\ninclude: [routes/*.yaml]\n",
            **{f"routes/{name}.yaml": f"routes: {{{name}: {{to: a}}}}\n" for name in "bca"},
        }
    )

    assert ["gateway.yaml", "routes/a.yaml", "routes/b.yaml", "routes/c.yaml"] == [
        document.file for document in tree.documents
    ]


def test_files_may_be_elsewhere(tmp_path: Path, read: Read) -> None:
    """Whole paths, paths with variables, and folders at any depth."""
    tree = read(
        {
            "gateway.yaml": f'include: ["{tmp_path}/a.yaml", "${{DIR}}/b.yaml", "all/**/*.yaml"]',
            "a.yaml": "services: {a: 1}",
            "x/b.yaml": "services: {b: 1}",
            "all/c.yaml": "services: {c: 1}",
            "all/y/z/d.yaml": "services: {d: 1}",
        },
        environ={"DIR": "x"},
    )

    assert list(tree.data["services"]) == ["a", "b", "c", "d"]
    assert [Path("all"), Path("all/y"), Path("all/y/z")] == tree.folders
    assert problems(tree) == []


ROOT = "version: 1\nservices: {a: http://a}\n"


@pytest.mark.parametrize(
    ("files", "expected", "incomplete"),
    [
        pytest.param(
            {"gateway.yaml": ROOT + "include: [no.yaml]"},
            [
                "gateway.yaml:3:11: include[0]: `no.yaml` does not exist (looked for {path}/no.yaml) [not-found]"
            ],
            True,
            id="a-file-that-is-not-there",
        ),
        pytest.param(
            {"gateway.yaml": ROOT + "include: [x/*.yaml, '[a].yaml']"},
            [
                "gateway.yaml:3:11: warning: include[0]: `x/*.yaml` matches no file (looked in {path}/x) [not-found]",
                "gateway.yaml:3:21: warning: include[1]: `[a].yaml` matches no file (looked in {path}) [not-found]",
            ],
            False,
            id="a-pattern-of-nothing",
        ),
        pytest.param(
            {"gateway.yaml": ROOT + "include: [x]", "x/a.yaml": ""},
            [
                "gateway.yaml:3:11: include[0]: `x` cannot be read: Is a directory (looked for {path}/x) [bad-value]"
            ],
            True,
            id="a-folder",
        ),
        pytest.param(
            {
                "gateway.yaml": ROOT + "include: ['*.yaml', a.yaml]",
                "a.yaml": "routes: {}",
                "b.yaml": "routes: {}",
            },
            [
                "gateway.yaml:3:11: include[0]: `gateway.yaml` is this file itself [bad-value]",
                "gateway.yaml:3:21: include[1]: `a.yaml` is read already, as `a.yaml` [bad-value]",
            ],
            True,
            id="the-same-file-again",
        ),
        pytest.param(
            {"gateway.yaml": ROOT + "include: x/*.yaml"},
            [
                "gateway.yaml:3:10: include: expected a list, not the text `x/*.yaml`; write `[x/*.yaml]` [wrong-type]"
            ],
            True,
            id="no-list",
        ),
        pytest.param(
            {"gateway.yaml": ROOT + "include: [5, ~]"},
            [
                'gateway.yaml:3:11: include[0]: expected text, not the number 5; write "5" [wrong-type]',
                "gateway.yaml:3:14: include[1]: `~` is not used here; `false` switches off what can be off [empty-value]",
            ],
            True,
            id="no-texts",
        ),
        pytest.param(
            {
                "gateway.yaml": ROOT + "include: [a.yaml]",
                "a.yaml": "version: 1\ninclude: [b.yaml]\nenvironments: {}\nroutes: {}",
            },
            [
                "a.yaml:1:1: version: `version` does not belong in an included file; write it in gateway.yaml [not-here]",
                "a.yaml:2:1: include: `include` does not belong in an included file; write it in gateway.yaml [not-here]",
                (
                    "a.yaml:3:1: environments: `environments` does not belong in an included file; write it in gateway.yaml"
                    " [not-here]"
                ),
            ],
            False,
            id="what-only-the-root-has",
        ),
        pytest.param(
            {"gateway.yaml": ROOT + "include: [a.yaml]", "a.yaml": ""},
            ["a.yaml:1:1: the file is empty; write `{}` if nothing is to stand in it [empty-value]"],
            True,
            id="an-empty-file",
        ),
        pytest.param(
            {"gateway.yaml": ROOT + "include: [a.yaml]", "a.yaml": "- a"},
            ["a.yaml:1:1: expected a mapping, not a list [wrong-type]"],
            True,
            id="a-list",
        ),
        pytest.param(
            {"gateway.yaml": ROOT + "include: [a.yaml]", "a.yaml": "x: é".encode("utf-16")},
            ["a.yaml:1:1: this looks like UTF-16; save the file as UTF-8 [yaml]"],
            True,
            id="CFG-01-utf-16",
        ),
        pytest.param(
            {
                "gateway.yaml": ROOT + "include: [a.yaml, b.yaml, c.yaml]\nadmin: ~",
                "a.yaml": "services: {b: @}",
                "b.yaml": 'services: {a: http://c, c: "${NOPE}"}',
                "c.yaml": "routes: {r: 1, r: 2}",
            },
            [
                "a.yaml:1:15: found character that cannot start any token; quote a value that begins with `@` [yaml]",
                "b.yaml:1:12: services.a: `a` stands in gateway.yaml:2 and b.yaml:1; choose another name [name-taken]",
                "b.yaml:1:28: services.c: `${NOPE}` is not set; set it, or write `${NOPE:-default}` [unresolved]",
                "c.yaml:1:16: routes.r: `r` stands in lines 1 and 1 [duplicate-key]",
                "gateway.yaml:4:8: admin: `~` is not used here; `false` switches off what can be off [empty-value]",
            ],
            True,
            id="CFG-10-mistakes-in-all-files",
        ),
        pytest.param(
            {"gateway.yaml": "version: 1\nservices: ~"},
            [
                "gateway.yaml:2:11: services: `~` is not used here; `false` switches off what can be off [empty-value]"
            ],
            True,
            id="names-that-are-not-known",
        ),
    ],
)
def test_what_cannot_be_included(
    files: dict[str, str], expected: list[str], incomplete: bool, read: Read, tmp_path: Path
) -> None:
    """All of it is said, the rest is read, and it is known whether names are missing."""
    tree = read(files)

    assert [line.replace("{path}", str(tmp_path)) for line in expected] == problems(tree)
    assert incomplete == tree.incomplete


def test_paths_that_lead_nowhere(read: Read, tmp_path: Path) -> None:
    """What a reference stands for is not shown."""
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")

    tree = read(
        {
            "gateway.yaml": 'include: ["a\\0", "*\\0", loop.yaml, "${DIR}/a", "${DIR}/*", big.yaml]',
            "big.yaml": b"x" * (LARGE + 1),
        },
        environ={"DIR": "s3cret"},
    )

    assert problems(tree) == [
        "big.yaml: the file is larger than 8 MiB [yaml]",
        f"gateway.yaml:1:11: include[0]: `a\0` cannot be read: a path holds no NUL (looked for {tmp_path}/a\0) [bad-value]",
        f"gateway.yaml:1:18: include[1]: `*\0` cannot be read: a path holds no NUL (looked for {tmp_path}/*\0) [bad-value]",
        (
            "gateway.yaml:1:25: include[2]: `loop.yaml` cannot be read: Too many levels of symbolic links"
            f" (looked for {tmp_path}/loop.yaml) [bad-value]"
        ),
        "gateway.yaml:1:36: include[3]: `${DIR}/a` does not exist [not-found]",
        "gateway.yaml:1:48: warning: include[4]: `${DIR}/*` matches no file [not-found]",
    ]


def test_what_is_no_mapping_is_not_shown_if_it_came_from_outside(read: Read) -> None:
    """A file, or a section of several files."""
    tree = read(
        {
            "gateway.yaml": "include: [a.yaml, b.yaml]\nservices: {}",
            "a.yaml": '"${SECRET}"',
            "b.yaml": 'services: "x${SECRET}"',
        },
        environ={"SECRET": "s3cret"},
    )

    assert problems(tree) == [
        "a.yaml:1:1: expected a mapping, not the text `${SECRET}` [wrong-type]",
        "b.yaml:1:11: services: expected a mapping, not the text `x${SECRET}` [wrong-type]",
    ]


def test_a_link_to_a_file_is_that_file(read: Read, tmp_path: Path) -> None:
    """It is not read twice."""
    (tmp_path / "b.yaml").symlink_to("a.yaml")

    tree = read({"gateway.yaml": "include: [a.yaml, b.yaml]", "a.yaml": "routes: {a: 1}"})

    assert problems(tree) == [
        "gateway.yaml:1:19: include[1]: `b.yaml` is read already, as `a.yaml` [bad-value]"
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "gateway.yaml: `gateway.yaml` does not exist [not-found]"),
        (b"a: caf\xe9", "gateway.yaml:1:7: this is no UTF-8; save the file as UTF-8 [yaml]"),
        (b"x" * (LARGE + 1), "gateway.yaml: the file is larger than 8 MiB [yaml]"),
        (
            b"a: 'x",
            "gateway.yaml:1:6: found unexpected end of stream; a quote is not closed [yaml]",
        ),
    ],
)
def test_a_root_file_that_cannot_be_read(data: bytes | None, problem: str, read: Read) -> None:
    """Nothing comes of it, but it is known what to watch."""
    tree = read({} if data is None else {"gateway.yaml": data})

    assert tree.data is BROKEN
    assert [problem] == problems(tree)
    assert tree.incomplete
    assert Path("gateway.yaml") == tree.files[0]


# ---- environments ---------------------------------------------------------------------------------------------------

MANY = {
    "gateway.yaml": """\
version: 1
include: [orders.yaml]
environments: {dev: env/dev.yaml, prod: [env/prod.yaml, env/eu.yaml]}
server: {listen: 8080}
services: {users: http://users}
""",
    "orders.yaml": "services: {orders: http://orders}\nroutes: {orders: {to: orders}, debug: {to: orders}}\n",
    "env/dev.yaml": "services: {users: http://localhost}\nx-n: 1\n",
    "env/prod.yaml": "routes: {debug: false}\nservices: {orders: {timeouts: {read: 1s}, tls: {ca: ca.pem}}}\n",
    "env/eu.yaml": "services: {orders: {timeouts: {read: 2s}}}\nhosts: [eu.example]\n",
}


def test_an_environment_is_put_over_the_joined_files(read: Read) -> None:
    """Its files one after the other; what it does not name stays."""
    dev, prod = read(MANY, environment="dev"), read(MANY, environment="prod")

    assert problems(dev) == problems(prod) == []
    assert dev.data["services"] == {"users": "http://localhost", "orders": "http://orders"}
    assert "x-n" not in dev.data
    assert prod.data["services"] == {
        "users": "http://users",
        "orders": {"instances": ["http://orders"], "timeouts": {"read": "2s"}, "tls": {"ca": "ca.pem"}},
    }
    assert prod.data["routes"] == {"orders": {"to": "orders"}}
    assert prod.data["hosts"] == ["eu.example"]
    assert prod.environments == dev.environments == ["dev", "prod"]
    assert str(prod.place(("services", "orders", "timeouts", "read"))) == "env/eu.yaml:1"
    assert str(prod.place(("services", "orders", "instances", 0))) == "orders.yaml:1"
    assert Path("env") == prod.folder(("services", "orders", "tls", "ca"))
    assert ["gateway.yaml", ".env", "orders.yaml", "env/prod.yaml", "env/eu.yaml"] == [
        str(file) for file in prod.files
    ]


def test_the_folders_of_all_patterns_are_looked_at(read: Read) -> None:
    """Also where nothing is found in them; what matches and is a folder is no file."""
    tree = read(
        {
            "gateway.yaml": "version: 1\ninclude: ['b/*.yaml', 'a/**/*.yaml', 'c/*.yaml', 'd/*.yaml']\n",
            "a/2/x.yaml": "routes: {}",
            "a/1/x.yaml": "services: {}",
            "b/x.yaml": "hosts: [a]",
            "d/sub.yaml/x.yaml": "admin: {}",
            "d/x.yaml": "routes: {}",
        }
    )

    assert [Path(name) for name in ("b", "a", "a/1", "a/2", "c", "d")] == tree.folders
    assert ["`c/*.yaml` matches no file"] == [warning.message.partition(" (")[0] for warning in tree.warnings]
    assert ["gateway.yaml", "b/x.yaml", "a/1/x.yaml", "a/2/x.yaml", "d/x.yaml"] == [
        document.file for document in tree.documents
    ]


def test_a_file_of_an_environment_is_not_included(read: Read) -> None:
    """Whichever of its files, and whatever its path looks like."""
    tree = read(
        {
            "gateway.yaml": "version: 1\nenvironments: {dev: d.yaml, prod: [p.yaml, x/q.yaml]}\ninclude: [a.yaml, x/../x/*.yaml]\n",
            "a.yaml": "routes: {}",
            "x/q.yaml": "hosts: [a]",
            "x/r.yaml": "admin: {}",
        },
    )

    assert "`x/../x/q.yaml` belongs to the environment `prod`; leave it out here" == tree.faults[0].message
    assert ("include", 1) == tree.faults[0].path
    assert ["gateway.yaml", "a.yaml", "x/../x/r.yaml"] == [document.file for document in tree.documents]


def test_environments_are_named_in_order(read: Read) -> None:
    """Where none is chosen, and where another one is."""
    text = "version: 1\nenvironments: {prod: p.yaml, dev: d.yaml, eu: e.yaml}\n"

    none, other = read({"gateway.yaml": text}), read({"gateway.yaml": text}, environment="zzz")

    there = "there are `dev`, `eu`, `prod`"
    assert [f"choose an environment with --env or GATEKEEPER_ENV; {there}"] == [
        fault.message for fault in none.faults
    ]
    assert [f"no environment `zzz`; {there}"] == [fault.message for fault in other.faults]


CHOOSE = "choose an environment with --env or GATEKEEPER_ENV; there are `dev`, `prod`"


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        (None, f"gateway.yaml:3:1: environments: {CHOOSE} [needs]"),
        ("", f"gateway.yaml:3:1: environments: {CHOOSE} [needs]"),
        ("prd", "gateway.yaml:3:1: environments: no environment `prd`; did you mean `prod`? [unknown-name]"),
        ("x", "gateway.yaml:3:1: environments: no environment `x`; there are `dev`, `prod` [unknown-name]"),
    ],
)
def test_one_environment_has_to_be_chosen(environment: str | None, problem: str, read: Read) -> None:
    """Production never starts on the base alone; what is wrong in its files is said all the same."""
    tree = read({**MANY, "orders.yaml": "routes: {a: ~}"}, environment=environment)

    assert [
        problem,
        "orders.yaml:1:13: routes.a: `~` is not used here; `false` switches off what can be off [empty-value]",
    ] == problems(tree)
    assert tree.data is BROKEN
    assert tree.environments == ["dev", "prod"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"gateway.yaml": ROOT},
            ["gateway.yaml:1:1: no environment `prod`: gateway.yaml has no `environments` [unknown-name]"],
            id="no-environments",
        ),
        pytest.param(
            {"gateway.yaml": "environments: {}"},
            ["gateway.yaml:1:15: environments: `environments` is empty; leave it out [bad-value]"],
            id="an-empty-mapping",
        ),
        pytest.param(
            {"gateway.yaml": "environments: [prod]"},
            [
                (
                    "gateway.yaml:1:15: environments: expected a mapping, not a list;"
                    " write `NAME: ` instead of each `- ` [wrong-type]"
                )
            ],
            id="a-list",
        ),
        pytest.param(
            {"gateway.yaml": "environments: {prod: 5}"},
            ["gateway.yaml:1:22: environments.prod: expected text or a list, not the number 5 [wrong-type]"],
            id="no-file",
        ),
        pytest.param(
            {"gateway.yaml": "environments: {Prod: a.yaml, prod: b.yaml}"},
            [
                (
                    "gateway.yaml:1:16: environments.Prod: `Prod` is no name (a-z first, then a-z, 0-9, - and _, at most 63):"
                    " write `prod` [bad-name]"
                )
            ],
            id="no-name",
        ),
        pytest.param(
            {"gateway.yaml": "environments: ~"},
            [
                "gateway.yaml:1:15: environments: `~` is not used here; `false` switches off what can be off [empty-value]"
            ],
            id="broken",
        ),
        pytest.param(
            {"gateway.yaml": "environments: {prod: [a.yaml, no.yaml, a.yaml, gateway.yaml]}", "a.yaml": "{}"},
            [
                "gateway.yaml:1:31: environments.prod[1]: `no.yaml` does not exist (looked for {path}/no.yaml) [not-found]",
                "gateway.yaml:1:40: environments.prod[2]: `a.yaml` is read already, as `a.yaml` [bad-value]",
                "gateway.yaml:1:48: environments.prod[3]: `gateway.yaml` is this file itself [bad-value]",
            ],
            id="files-that-cannot-be-read",
        ),
        pytest.param(
            {
                "gateway.yaml": "include: ['x/*.yaml']\nenvironments: {dev: x/dev.yaml, prod: prod.yaml}",
                "x/a.yaml": "{}",
                "x/dev.yaml": "{}",
                "prod.yaml": "version: 1\nroutes: {a: false}",
            },
            [
                "gateway.yaml:1:11: include[0]: `x/dev.yaml` belongs to the environment `dev`; leave it out here [bad-value]",
                (
                    "prod.yaml:1:1: version: `version` does not belong in a file of an environment; write it in gateway.yaml"
                    " [not-here]"
                ),
            ],
            id="included-overlays",
        ),
        pytest.param(
            {
                "gateway.yaml": "environments: {prod: prod.yaml}\nroutes: {orders: 1}",
                "prod.yaml": "routes: {ordres: false}",
            },
            [
                (
                    "prod.yaml:1:10: routes.ordres: there is no route `ordres` to take out;"
                    " did you mean `orders` (gateway.yaml:2)? [unknown-name]"
                )
            ],
            id="what-is-not-there",
        ),
    ],
)
def test_what_is_wrong_with_environments(
    files: dict[str, str], expected: list[str], read: Read, tmp_path: Path
) -> None:
    """Of those that are not chosen, only that they are not included."""
    tree = read(files, environment="prod")

    assert [line.replace("{path}", str(tmp_path)) for line in expected] == problems(tree)


def test_a_broken_overlay_leaves_the_rest_to_be_judged(read: Read) -> None:
    """It may have defined names."""
    tree = read({**MANY, "env/prod.yaml": "services: ["}, environment="prod")

    assert tree.data["hosts"] == ["eu.example"]
    assert tree.incomplete
    assert len(problems(tree)) == 1


# ---- variables ------------------------------------------------------------------------------------------------------

VARIABLES = 'a: "${A}"\nb: "${B:-none}"\nc: "${C:-none}"\n'


def test_the_file_of_variables_is_beside_the_root_file(read: Read) -> None:
    """The environment of the process wins, even with an empty value."""
    tree = read(
        {"gateway.yaml": VARIABLES, ".env": "A=file\nB=file\nC=file\n"}, environ={"B": "process", "C": ""}
    )

    assert tree.data == {"a": "file", "b": "process", "c": "none"}
    assert [Path("gateway.yaml"), Path(".env")] == tree.files
    assert [document.file for document in tree.documents] == ["gateway.yaml"]


def test_another_file_of_variables_can_be_named(read: Read, tmp_path: Path) -> None:
    """It replaces the one beside the root file; without any, only the process counts."""
    files = {"gateway.yaml": VARIABLES, ".env": "A=file\nB=x", "prod.env": "A=prod\n"}

    assert read(files, env_file=tmp_path / "prod.env").data == {"a": "prod", "b": "none", "c": "none"}
    assert problems(read(files, env_file=False)) == [
        "gateway.yaml:1:4: a: `${A}` is not set; set it, or write `${A:-default}` [unresolved]"
    ]


def test_a_folder_of_that_name_is_no_file_of_variables(read: Read, tmp_path: Path) -> None:
    """Some keep an environment of Python there."""
    (tmp_path / ".env").mkdir()

    assert problems(read({"gateway.yaml": "a: 1"})) == []


def test_what_is_wrong_with_variables_is_said_once(read: Read) -> None:
    """Those that could not be read are not missed, and nothing of the file is shown."""
    tree = read({"gateway.yaml": VARIABLES, ".env": "A='s3cret\n"})

    assert problems(tree) == [
        ".env:1:1: `A`: the quote is not closed in this line; write a line break as `\\n`, in double quotes [bad-value]"
    ]
    assert tree.data == {"a": BROKEN, "b": "none", "c": "none"}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "no.env: `no.env` does not exist [not-found]"),
        ("A=1".encode("utf-16"), "no.env:1:1: this looks like UTF-16; save the file as UTF-8 [yaml]"),
    ],
)
def test_a_file_of_variables_that_is_named_has_to_be_there(
    data: bytes | None, problem: str, read: Read
) -> None:
    """What is missing for want of it is not said."""
    files: dict[str, str | bytes] = {"gateway.yaml": VARIABLES}
    tree = read(files if data is None else {**files, "no.env": data}, env_file=Path("no.env"))

    assert [problem] == problems(tree)
    assert Path("no.env") in tree.files


def test_references_to_files_are_relative_to_the_file_they_stand_in(read: Read, tmp_path: Path) -> None:
    """And what they name is watched."""
    tree = read(
        {
            "gateway.yaml": 'include: [x/a.yaml]\nhosts: ["${file:key}"]',
            "x/a.yaml": 'services: {a: "${file:key}"}',
            "key": "root",
            "x/key": "included",
        }
    )

    assert tree.data["hosts"] == ["root"]
    assert tree.data["services"] == {"a": "included"}
    assert [
        Path("gateway.yaml"),
        Path(".env"),
        tmp_path / "key",
        Path("x/a.yaml"),
        tmp_path / "x/key",
    ] == tree.files


@pytest.mark.parametrize("text", ["include: [pipe]", "environments: {dev: pipe}"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, text: str) -> None:
    """Nobody may ever write into it."""
    os.mkfifo(tmp_path / "pipe")
    root = tmp_path / "gateway.yaml"
    root.write_text(f"version: 1\n{text}\n")

    tree = read_sources(root, lambda _, value: value, {}, environment="dev" if "dev" in text else None)

    (fault,) = tree.faults
    assert "`pipe` cannot be read: it is no file" == fault.message.partition(" (")[0]
