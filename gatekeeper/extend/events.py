"""What can happen to a gateway that somebody may want to hear of."""

import attrs


@attrs.frozen
class Event:
    """Something that has happened."""


@attrs.frozen
class ConfigApplied(Event):
    """A configuration is in force."""

    revision: int


@attrs.frozen
class ConfigRefused(Event):
    """A configuration was not taken; the one before goes on. `error` says why."""

    error: str


@attrs.frozen
class HealthChanged(Event):
    """What is known of an instance's health has changed: `unknown`, `healthy`, `unhealthy` or `unexpected`."""

    service: str
    instance: str
    status: str
    reason: str


@attrs.frozen
class Listening(Event):
    """The gateway accepts connections; addresses by listener name."""

    listeners: dict[str, str]


@attrs.frozen
class DrainBegun(Event):
    """The gateway goes away: no new connections, what was begun is finished within `grace` seconds."""

    grace: float
