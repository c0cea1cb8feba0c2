"""Files → `GatewayConfig`: read, interpolate, structure, check; everything that is wrong in one go."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gatekeeper.config.check import check
from gatekeeper.config.convert import ParseTemplate, convert
from gatekeeper.config.document import MAX_SIZE, read_document
from gatekeeper.config.interpolate import interpolate
from gatekeeper.config.model import GatewayConfig, KindConfig
from gatekeeper.config.problems import ConfigError, Problem


_BYTE_ORDERS: Final = (b"\xff\xfe", b"\xfe\xff")


def load(
    path: Path,
    kinds: Mapping[str, KindConfig],
    *,
    template: ParseTemplate | None = None,
    environ: Mapping[str, str] | None = None,
) -> GatewayConfig:
    """Read a configuration from a file; paths in it are relative to its folder.

    Give `PathTemplate.parse` of `gatekeeper.routing` as `template`: without it path templates are taken as they are, and
    placeholders are not compared with what they capture. `kinds` are the filters of the catalog.

    Raises:
        ConfigError: the file cannot be read, or something in it is wrong.

    """
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(4 * MAX_SIZE)
    except OSError as error:
        problem_id = "not-found" if isinstance(error, FileNotFoundError) else "bad-value"
        reason = "does not exist" if problem_id == "not-found" else f"cannot be read: {error.strerror}"
        raise ConfigError([Problem(problem_id, "", f"`{name}` {reason}", name)]) from None
    text = _decode(data, name)
    return load_text(text, kinds, name, template=template, environ=environ, base=path.parent)


def load_text(
    text: str,
    kinds: Mapping[str, KindConfig],
    name: str = "gateway.yaml",
    *,
    template: ParseTemplate | None = None,
    environ: Mapping[str, str] | None = None,
    base: Path | None = None,
) -> GatewayConfig:
    """Read a configuration from YAML or JSON; `name` is what messages call it, `base` where its files are.

    Raises:
        ConfigError: something in it is wrong.

    """
    document = read_document(text, name)
    interpolate(document, os.environ if environ is None else environ)
    config, faults = convert(document, kinds, base or Path.cwd(), template)
    faults = document.faults + faults
    if config is not None:
        faults += check(config, kinds, document, template, faults)
    if faults or config is None:
        raise ConfigError((document.problem(fault) for fault in faults), {name: text})
    return config


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        hint = "this looks like UTF-16" if data.startswith(_BYTE_ORDERS) else "this is no UTF-8"
        problem = Problem("yaml", "", f"{hint}; save the file as UTF-8", name, line, column)
        raise ConfigError([problem]) from None
