"""Files → a `Draft` of a `GatewayConfig`: read, merge, structure, check; everything that is wrong in one go."""

import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from gatekeeper.config.check import check
from gatekeeper.config.convert import convert, expand_at
from gatekeeper.config.defaults import apply_defaults
from gatekeeper.config.kinds import Kinds
from gatekeeper.config.matching import ParseTemplate
from gatekeeper.config.merge import Expand
from gatekeeper.config.model import (
    ConsumerDefaultsConfig,
    GatewayConfig,
    RouteDefaultsConfig,
    ServiceDefaultsConfig,
)
from gatekeeper.config.problems import Problem
from gatekeeper.config.provided import Provided
from gatekeeper.config.redact import redact
from gatekeeper.config.sources import EnvFile, read_sources, sources_of_text
from gatekeeper.config.tree import Tree, take_apart
from gatekeeper.config.wording import keys


_TAKEN: Final = {
    "services": frozenset(keys(ServiceDefaultsConfig)),
    "routes": frozenset(keys(RouteDefaultsConfig)),
    "consumers": frozenset(keys(ConsumerDefaultsConfig)),
}


@attrs.frozen
class Draft:
    """What was read: a configuration, or the sound parts of one that has errors, None where there are none.

    `sources` has the text of each file that problems may stand in, if it has any. `files` were read or looked for, with
    those of variables and values, and `folders` are those in which patterns look for files: what changes there changes
    the configuration. `environments` are the names one can choose from. `origins` tells for each service and route, by
    section and name, who has said it: `file`, or the name of what was provided. `outside` has what `${...}` put in, with
    the reference.
    """

    config: GatewayConfig | None
    problems: tuple[Problem, ...]
    sources: Mapping[str, str]
    files: tuple[Path, ...]
    folders: tuple[Path, ...]
    environments: tuple[str, ...]
    origins: Mapping[tuple[str, str], str]
    outside: Mapping[str, str]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that refuse it."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def read(
    path: Path,
    kinds: Kinds,
    *,
    template: ParseTemplate,
    environ: Mapping[str, str] | None = None,
    environment: str | None = None,
    env_file: EnvFile = None,
    provided: Sequence[Provided] = (),
) -> Draft:
    """Read a configuration from its files; paths in them are relative to the folder of the file they stand in.

    Give `PathTemplate.parse` of `gatekeeper.routing` as `template`, and the catalog as `kinds`. `environment` chooses the
    overlay, and variables of `environ`, by default those of the process, win over those of `env_file`. What is `provided`
    joins the files.
    """
    variables = os.environ if environ is None else environ
    expand = functools.partial(expand_at, kinds)
    tree = read_sources(
        path, expand, variables, environment=environment, env_file=env_file, provided=provided
    )
    return _draft(tree, kinds, template, expand, path.parent)


def read_text(
    text: str,
    kinds: Kinds,
    name: str = "gateway.yaml",
    *,
    template: ParseTemplate,
    environ: Mapping[str, str] | None = None,
    environment: str | None = None,
    env_file: EnvFile = False,
    base: Path | None = None,
    provided: Sequence[Provided] = (),
) -> Draft:
    """Read a configuration from YAML or JSON; `name` is what messages call it, `base` where its files are."""
    variables = os.environ if environ is None else environ
    expand = functools.partial(expand_at, kinds)
    tree = sources_of_text(
        text,
        expand,
        variables,
        name=name,
        base=base or Path.cwd(),
        environment=environment,
        env_file=env_file,
        provided=provided,
    )
    return _draft(tree, kinds, template, expand, base or Path.cwd())


def _draft(tree: Tree, kinds: Kinds, template: ParseTemplate, expand: Expand, folder: Path) -> Draft:
    apply_defaults(tree, expand, _TAKEN)
    config, faults = convert(tree, kinds, template)
    faults = [*tree.faults, *tree.warnings, *faults]
    if config is not None:
        config = attrs.evolve(config, database=config.database.within(folder.absolute()))
        known = [fault for fault in faults if fault.severity == "error"]
        faults += check(config, kinds, tree, template, known)
    problems = _sorted(tree.problem(fault) for fault in faults)
    outside = {text: reference for document in tree.documents for text, reference in document.outside.items()}
    if outside:
        # what came from outside may be a secret, and messages go far
        problems = tuple(
            attrs.evolve(problem, message=redact(problem.message, outside)) for problem in problems
        )
    take_apart(tree)
    return Draft(
        config,
        problems,
        {document.file: document.text for document in tree.documents if document.text},
        tuple(dict.fromkeys(tree.files)),
        tuple(dict.fromkeys(tree.folders)),
        tuple(tree.environments),
        tree.origins,
        outside,
    )


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems in the order of their places, each once.

    What stands in `defaults`, or in what `like` takes, is met again wherever it is taken; and what is an error is no
    warning.
    """
    found: dict[tuple[str, int, int, str, str], Problem] = {}
    errors: set[tuple[str, int, int]] = set()
    defaults: set[tuple[str, int, int]] = set()
    for problem in problems:
        place = (problem.file, problem.line, problem.column)
        # what is provided has no lines
        found.setdefault((*place, "" if problem.line else problem.path, problem.message), problem)
        if problem.severity == "error" and problem.line:
            errors.add(place)
            if problem.path.startswith("defaults."):
                defaults.add(place)
    return tuple(
        problem
        for (*place, _, _), problem in sorted(found.items(), key=lambda item: item[0][:3])
        if (problem.severity == "error" or tuple(place) not in errors)
        and (problem.path.startswith("defaults.") or tuple(place) not in defaults)
    )
