"""What is served beside the files: what providers say, and instances that joined a service while the gateway ran."""

from collections.abc import Mapping

import attrs

from gatekeeper.config.model import GatewayConfig, InstanceConfig
from gatekeeper.config.provided import Provided


class Additions:
    """All of it, by name. It only holds: a reload brings it into force."""

    def __init__(self) -> None:
        self._provided: dict[str, Provided] = {}
        self._instances: dict[str, Mapping[str, InstanceConfig]] = {}

    @property
    def sources(self) -> list[Provided]:
        """What providers say, in the order of their names."""
        return [self._provided[name] for name in sorted(self._provided)]

    def provided(self, name: str) -> Provided | None:
        """What a provider says."""
        return self._provided.get(name)

    def provide(self, name: str, provided: Provided | None) -> None:
        """Let a provider say something else; None for nothing."""
        if provided is None:
            self._provided.pop(name, None)
        else:
            self._provided[name] = provided

    def instances(self, service: str) -> Mapping[str, InstanceConfig]:
        """The instances that joined a service, by id."""
        return self._instances.get(service, {})

    def join(self, service: str, instances: Mapping[str, InstanceConfig]) -> None:
        """Let these instances be all that joined a service."""
        self._instances[service] = instances

    def put_into(self, config: GatewayConfig) -> GatewayConfig:
        """A configuration with the instances that joined; of two with the same id the one that joined counts."""
        services = {
            name: attrs.evolve(
                service,
                instances=tuple({one.id: one for one in (*service.instances, *joined.values())}.values()),
            )
            for name, joined in self._instances.items()
            if joined and (service := config.services.get(name)) is not None
        }
        return attrs.evolve(config, services={**config.services, **services}) if services else config
