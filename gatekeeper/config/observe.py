"""What a configuration says of what is recorded: the audit file.

Frozen classes that hold the long form of everything, like those of `config.model`.
"""

from typing import Any, Final, Literal

import attrs

from gatekeeper.config.conditions import HIDDEN
from gatekeeper.config.fields import AtLeast, help_line
from gatekeeper.config.problems import Place, Refusal
from gatekeeper.config.units import Size


AUDIT_FILE: Final = "audit.jsonl"
"""Where records go if nothing else is said."""


def _is_a_name(_instance: object, _attribute: object, path: str) -> None:
    if not path.rpartition("/")[2].strip(".") or "\0" in path:
        raise Refusal(f"`{path}` names no file; write one like `{AUDIT_FILE}`")


def _has_room(_instance: object, attribute: "attrs.Attribute[Any]", size: int) -> None:
    if size < 64 * 1024:
        raise Refusal(f"`{attribute.name}` must be 64KiB or more: else hardly anything is kept")


@attrs.frozen(kw_only=True)
class AuditFileConfig:
    """A file of records, which begins anew when it is large."""

    path: str = attrs.field(
        default=AUDIT_FILE,
        validator=_is_a_name,
        metadata=help_line("the file; from $STATE_DIRECTORY, else from the folder of gateway.yaml"),
    )
    rotate: Size = attrs.field(
        default=100 * 1024 * 1024,
        validator=_has_room,
        metadata=help_line("size at which it is renamed to `PATH.1`, and a new one begun"),
    )
    keep: int = attrs.field(
        default=7, validator=AtLeast(1), metadata=help_line("files that were renamed; the oldest goes")
    )
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


@attrs.frozen(kw_only=True)
class SinkConfig:
    """Where records go."""

    file: AuditFileConfig = attrs.field(
        factory=AuditFileConfig, metadata=help_line("a file that nobody else writes to")
    )


def _is_one(_instance: object, attribute: "attrs.Attribute[Any]", sinks: tuple[SinkConfig, ...]) -> None:
    if not sinks:
        raise Refusal(f"`{attribute.name}` is empty; write `audit: false` where nothing is to be recorded")
    if len(sinks) > 1:
        raise Refusal("more than one is not available yet; keep one of them", "not-available")


@attrs.frozen(kw_only=True)
class AuditConfig:
    """What was refused and what operators did, as a chain of records."""

    to: tuple[SinkConfig, ...] = attrs.field(
        default=(SinkConfig(),), validator=_is_one, metadata=help_line("where records go: one file")
    )

    @property
    def file(self) -> AuditFileConfig:
        """The file that they go to."""
        return self.to[0].file


@attrs.frozen(kw_only=True)
class ObserveConfig:
    """What is recorded."""

    audit: AuditConfig | Literal[False] = attrs.field(
        default=False, metadata=help_line("what was refused and what operators did, as a chain of records")
    )
