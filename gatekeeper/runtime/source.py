"""Where a configuration comes from, and how it is read: the same way each time."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from gatekeeper.config.model import GatewayConfig, InstanceConfig
from gatekeeper.config.provided import Provided
from gatekeeper.config.sources import EnvFile
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.loading import Loaded, load_gateway, load_gateway_text


def _as_it_is(config: GatewayConfig) -> GatewayConfig:
    return config


@attrs.frozen(kw_only=True)
class Source:
    """A file, with the options that it is read by; with `text`, that is what it would hold.

    `adjust` may change what was read before it is used.
    """

    host: PluginHost
    path: Path
    text: str | None = None
    environment: str | None = None
    env_file: EnvFile = None
    environ: Mapping[str, str] | None = None
    adjust: Callable[[GatewayConfig], GatewayConfig] = _as_it_is

    def load(self, provided: Sequence[Provided] = ()) -> Loaded:
        """Read the file.

        Raises:
            ConfigError: something in it is wrong, with all that is.

        """
        if self.text is not None:
            return self.load_text(self.text, provided)
        loaded = load_gateway(
            self.path,
            self.host,
            environment=self.environment,
            env_file=self.env_file,
            environ=self.environ,
            provided=provided,
        )
        return attrs.evolve(loaded, config=self.adjust(loaded.config))

    def load_text(self, text: str, provided: Sequence[Provided] = ()) -> Loaded:
        """Read a text as if it stood in the file.

        Raises:
            ConfigError: something in it is wrong, with all that is.

        """
        loaded = load_gateway_text(
            text,
            self.host,
            self.path.name,
            base=self.path.parent,
            environment=self.environment,
            env_file=self.env_file,
            environ=self.environ,
            provided=provided,
        )
        return attrs.evolve(loaded, config=self.adjust(loaded.config))

    def read_instance(self, service: str, body: Any) -> InstanceConfig:
        """Read an instance as it stands in a configuration.

        Raises:
            ConfigError: something in it is wrong, with all that is.

        """
        text = json.dumps({"version": 1, "services": {service: {"instances": [body], "health": False}}})
        loaded = load_gateway_text(text, self.host, "instance")
        return loaded.config.services[service].instances[0]
