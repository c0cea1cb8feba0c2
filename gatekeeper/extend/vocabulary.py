"""Types for the options of kinds: a field of one is read, checked and documented as in the rest of gateway.yaml."""

from gatekeeper.config.addresses import Url
from gatekeeper.config.conditions import Condition, Matcher
from gatekeeper.config.fields import help_line, is_positive
from gatekeeper.config.problems import Refusal
from gatekeeper.config.units import Duration, File, Name, Sha256, Size, Time


__all__ = [
    "Condition",
    "Duration",
    "File",
    "Matcher",
    "Name",
    "Refusal",
    "Sha256",
    "Size",
    "Time",
    "Url",
    "help_line",
    "is_positive",
]
