"""What a gateway records: who was refused, what operators did, and when it began, changed and ended.

One process has the file: the only one, or the supervisor. Workers tell it what they refuse, some of it together, so that a
worker that is killed takes no more with it than what it had not told yet.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from gatekeeper.config.model import AuditConfig, AuditFileConfig
from gatekeeper.config.problems import problem_at
from gatekeeper.config.redact import redact
from gatekeeper.config.show import dump, show
from gatekeeper.core.clock import Clock, Wheel
from gatekeeper.extend.running import Role
from gatekeeper.observe.audit import AuditFile
from gatekeeper.observe.audit_tail import AuditError
from gatekeeper.observe.lines import timestamp
from gatekeeper.observe.log import count_dropped
from gatekeeper.observe.metrics import Metrics
from gatekeeper.observe.refusals import Refusals, shortened
from gatekeeper.runtime.change import Change, read_from
from gatekeeper.runtime.loading import Loaded, in_background
from gatekeeper.version import VERSION


log = logging.getLogger(__name__)

TELL: Final = 0.2
"""Seconds that a worker keeps a refusal to itself."""
UNTOLD: Final = 1000
"""Refusals that a worker keeps while its supervisor does not listen."""

Record = tuple[str, Mapping[str, Any], str]
"""Event, fields and time."""
Tell = Callable[[dict[str, Any]], bool]
"""Says something to the supervisor; False where it does not listen."""


def audit_path(config: AuditFileConfig, folder: Path) -> Path:
    """Where the file is: from the folder that systemd gives for state, else from that of the configuration."""
    state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return (Path(state) if state else folder).absolute() / config.path


@attrs.frozen
class _Next:
    """What comes into force with a change."""

    file: AuditFile | None
    config: AuditConfig | None
    fields: Mapping[str, Any]


class Auditing:
    """The audit file of one gateway, as far as there is one, and what is told to it."""

    def __init__(self, clock: Clock, metrics: Metrics, wheel: Wheel, folder: Path, role: Role) -> None:
        self.refusals: Final = Refusals(clock, wheel.add, self._write)
        self._clock: Final = clock
        self._later: Final = wheel.add
        self._folder: Final = folder
        self._role: Final = role
        self._revision = 0
        self._file: AuditFile | None = None
        self._next: _Next | None = None
        self._lost = 0
        """Records that files lost which are closed."""
        self._tell: Tell = lambda _: False
        self._told: list[Record] = []
        self._missing = 0
        self._timer_runs = False
        if role != "worker":
            count_dropped(metrics, "audit", self)

    @property
    def dropped(self) -> int:
        """How many records were lost."""
        return self._lost + (self._file.dropped if self._file is not None else 0)

    # ---- the file -----------------------------------------------------------------------------------------------------

    async def prepare(self, change: Change) -> None:
        """Open the file that a change asks for.

        Raises:
            ConfigError: it cannot be opened, or another process has it.

        """
        await self.abandon()
        if self._role == "worker":
            return
        loaded = change.loaded
        config = loaded.config.observe.audit or None
        if config is None and self._file is None:
            return
        fields = {
            "revision": change.prepared.snapshot.revision,
            "config_sha256": await in_background(lambda: _digest(loaded)),
        }
        try:
            file = await asyncio.to_thread(self._open, config.file) if config is not None else None
        except (AuditError, OSError) as error:
            assert config is not None
            raise read_from(loaded, [problem_at("bad-value", config.file.place, str(error))]) from error
        self._next = _Next(file, config, fields)

    def _open(self, config: AuditFileConfig) -> AuditFile:
        path = audit_path(config, self._folder)
        if self._file is not None and self._file.path == path:
            return self._file
        return AuditFile(path, config.rotate, config.keep, self._clock)

    async def abandon(self) -> None:
        """Close what was opened for a change."""
        prepared, self._next = self._next, None
        if prepared is not None and prepared.file is not None and prepared.file is not self._file:
            await asyncio.to_thread(prepared.file.close)

    async def commit(self, change: Change, *, first: bool) -> None:
        """Go on with the file that was opened: what was told before is in the one before."""
        self._revision = change.prepared.snapshot.revision
        if self._role == "worker":
            self.refusals.active = change.loaded.config.observe.audit is not False
            return
        prepared, self._next = self._next, None
        if prepared is None:
            return
        fields: dict[str, Any] = {**prepared.fields}
        fields |= {"version": VERSION, "pid": os.getpid()} if first else {"origin": change.why}
        event = "start" if first else "reload"
        before = self._file
        if before is not None:
            self.refusals.flush()
            before.record(event, fields)
        self._file = prepared.file
        self.refusals.active = self._file is not None
        if self._file is before and before is not None and prepared.config is not None:
            before.reconfigure(prepared.config.file.rotate, prepared.config.file.keep)
            return
        if self._file is not None:
            self._file.record(event, fields)
            _say("the audit file is open", self._file)
        if before is not None:
            await self._close(before)

    async def close(self) -> None:
        """Record the end, and close the file."""
        await self.abandon()
        self.refusals.flush()
        self.refusals.active = False
        if self._told:
            self._send()
        file, self._file = self._file, None
        if file is not None:
            file.record("stop", {"revision": self._revision})
            await self._close(file)

    async def _close(self, file: AuditFile) -> None:
        await asyncio.to_thread(file.close)
        self._lost += file.dropped
        _say("the audit file is closed", file)

    # ---- what is recorded ---------------------------------------------------------------------------------------------

    def admin(self, fields: Mapping[str, Any], *, known: bool) -> None:
        """Record a request to the admin listener; those of somebody who is not `known`, or may not, are counted together."""
        if self._file is None:
            return
        told = {key: shortened(value) if isinstance(value, str) else value for key, value in fields.items()}
        told["revision"] = self._revision
        if known:
            self._write("admin", told, timestamp(self._clock.wall()))
        else:
            self.refusals.note("admin", (told["client"], told["status"]), told)

    def _write(self, event: str, fields: Mapping[str, Any], time: str) -> None:
        if self._file is not None:
            self._file.record(event, fields, time)
        elif self._role == "worker":
            self._told.append((event, fields, time))
            if not self._timer_runs:
                self._timer_runs = True
                self._later(TELL, self._on_time)

    # ---- between workers and supervisor -------------------------------------------------------------------------------

    def tell_by(self, tell: Tell) -> None:
        """Tell a supervisor by this."""
        self._tell = tell

    def _on_time(self) -> None:
        self._timer_runs = not self._send()
        if self._timer_runs:
            self._later(TELL, self._on_time)

    def _send(self) -> bool:
        """Tell the supervisor what was refused since the last time; False where it does not listen."""
        if self._tell({"records": self._told, "missing": self._missing}):
            self._told, self._missing = [], 0
            return True
        self._missing += max(len(self._told) - UNTOLD, 0)
        del self._told[UNTOLD:]
        return False

    def take(self, data: Mapping[str, Any]) -> None:
        """Record what a worker has told."""
        if self._file is None:
            return
        if data["missing"]:
            self._file.lose(data["missing"])
        for event, fields, time in data["records"]:
            count = fields.pop("count", 1)
            key = (fields["client"], fields["route"], fields["code"]) if "several" not in fields else None
            self.refusals.note(event, key, fields, time=time, count=count)


def _digest(loaded: Loaded) -> str:
    """The SHA-256 of a configuration, as the admin API shows it: `GET /gateway/config` is the same text."""
    try:
        return hashlib.sha256(dump(redact(show(loaded.config), loaded.outside)).encode()).hexdigest()
    except Exception:
        # options of plugins may be anything, and what is recorded must not keep a configuration from being served
        log.exception("the configuration could not be written out for the audit file")
        return ""


def _say(what: str, file: AuditFile) -> None:
    """Say where a chain stands: a log that goes elsewhere proves more than the file alone."""
    log.info(what, extra={"file": str(file.path), "records": file.head.seq, "hash": file.head.hash})
