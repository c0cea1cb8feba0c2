"""A resolved configuration as bytes, for processes of this gateway.

It is what was read and checked, never what was compiled from it. Options of plugins are made anew from their values, so that
a worker with newer code of a plugin has the defaults of that code for options that are new.
"""

import io
import pickle
from collections.abc import Mapping
from typing import Any

import attrs

from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError, Problem


_OURS = "gatekeeper."


def pack(config: GatewayConfig) -> bytes:
    """Write a configuration.

    Raises:
        ConfigError: the options of a plugin cannot be written.

    """
    file = io.BytesIO()
    try:
        _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(config)
    except Exception as error:
        message = f"with several workers, options of plugins have to pass between processes: {error}"
        raise ConfigError([Problem("fails", "", message)]) from error
    return file.getvalue()


def unpack(data: bytes) -> GatewayConfig:
    """Read a configuration that `pack` has written, with the plugins loaded that it names.

    Raises:
        ConfigError: a plugin does not take options that it took in the process which has written them.

    """
    try:
        config: GatewayConfig = pickle.loads(data)  # noqa: S301 - from the process that has started this one
    except Exception as error:
        message = f"a plugin does not take the options that it has here: {error}; is it another version?"
        raise ConfigError([Problem("fails", "", message)]) from error
    return config


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Make options of plugins by their class."""
        kind = type(value)
        if not attrs.has(kind) or f"{kind.__module__}.".startswith(_OURS):
            return NotImplemented
        fields = {field.alias: getattr(value, field.name) for field in attrs.fields(kind) if field.init}
        return _make, (kind, fields)


def _make(kind: Any, fields: Mapping[str, Any]) -> Any:
    return kind(**fields)
