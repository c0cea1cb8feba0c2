"""Configurations that a test wants to use: what the sections of a file come to, without the comparison of routes."""

from pathlib import Path
from typing import Any

from gatekeeper.config.load import Draft, read, read_text
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError


def accepted(draft: Draft) -> GatewayConfig:
    """The configuration of a draft without errors; ConfigError where it has some."""
    if draft.config is None or draft.errors:
        raise ConfigError(draft.errors, draft.sources)
    return draft.config


def load(path: Path, kinds: Any, **options: Any) -> GatewayConfig:
    """Read a file that is to be used."""
    return accepted(read(path, kinds, **options))


def load_text(text: str, kinds: Any, name: str = "gateway.yaml", **options: Any) -> GatewayConfig:
    """Read a text that is to be used."""
    return accepted(read_text(text, kinds, name, **options))
