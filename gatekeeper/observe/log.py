"""The two logs: `setup_logging` for what the gateway has to say, `AccessLog` for one line per exchange.

Neither ever waits: a record goes into a bounded queue and a daemon thread writes it. When the disk is full,
the pipe closed or its reader stopped, lines are dropped and counted, and traffic does not notice.

Stdlib logging costs 7 µs to hand a record over and 20 to 40 to write it, too much for every request: access
records are plain dicts, which `write` makes lines of one by one (1 µs each, best of 15, Debian's python3.11);
the lines of 0.1 s are joined and handed over together.

Both kinds of line share `time` (RFC 3339, UTC, milliseconds), `level` (lower case) and `logger`. An
application line goes on with `message`, `exception`, `stack` and its extras; an access line has `logger`
"gatekeeper.access", no message, and:

    request_id, trace_id                ties it to the client's complaint, the upstream's log, the trace
    client, method, host, path, query   of the clean request: `client` is the settled address, `query` redacted
    protocol, user_agent
    status                              as sent; of an answer that was cut, the one in its head
    route, service, instance            names of the configuration, and the instance that was tried last
    bytes_in, bytes_out                 of the bodies
    duration_ms                         from the head of the request to the end of the answer
    phases                              {name: ms}: where the time went, such as connect, first_byte
    filters                             {name: ms}: time spent in each
    attempts                            how many times an instance was tried
    stopped_by                          the filter that answered instead of passing on
    error                               stable code of the error
    flags                               short words for what happened, such as retried, cut, client_gone

A key without a value is left out or None. The records are built elsewhere; how they become text is in `lines`.
"""

from __future__ import annotations

import copy
import logging
import logging.handlers
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol

from pythonjsonlogger.core import RESERVED_ATTRS, merge_record_extra
from pythonjsonlogger.orjson import OrjsonFormatter

from gatekeeper.observe.lines import (
    as_text,
    clock,
    escape,
    json_line,
    render_text,
    timestamp,
)
from gatekeeper.observe.metrics import Metrics
from gatekeeper.observe.output import STDOUT, Background, Output


Format = Literal["json", "text"]

ACCESS_LOGGER: Final = "gatekeeper.access"
CLOSE_SECONDS: Final = 2.0  # how long `close` waits for a reader that may have stopped
LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


# --- the application log ---

QUEUE_RECORDS: Final = 10_000  # a burst of some seconds; about 10 MB while nobody reads

_OWN_FIELDS = frozenset(("time", "level", "logger", "message", "exception", "stack"))
_RESET = "\x1b[0m"
_LEVEL_COLOURS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}


class JsonFormatter(OrjsonFormatter):
    """Formats a record as one JSON object in one line, with the names of this module."""

    def __init__(self) -> None:
        super().__init__([])

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Put our fields first; an extra of the same name gets an underscore, so that none can be forged."""
        message_dict = dict(message_dict)  # it may be the caller's own
        log_data["time"] = timestamp(record.created)
        log_data["level"] = record.levelname.lower()
        log_data["logger"] = record.name
        log_data["message"] = message_dict.pop("message", record.message)
        for name, ours in (("exc_info", "exception"), ("stack_info", "stack")):
            if name in message_dict:
                log_data[ours] = message_dict.pop(name)
        extras: dict[str, Any] = {}
        super().add_fields(extras, record, message_dict)
        for name, value in extras.items():
            log_data[f"{name}_" if name in _OWN_FIELDS else name] = value

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Serialise as the access log does: what JSON cannot hold is repaired."""
        return json_line(log_data)[:-1].decode()


class TextFormatter(logging.Formatter):
    """Formats a record as one readable line: time, level, logger, message, extras.

    A traceback follows in lines that are indented, so that none of them can pass for a record.
    """

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines when there is a traceback."""
        paint = _LEVEL_COLOURS.get(record.levelname) if self._colour else None
        level = f"{record.levelname:7}"
        extras = merge_record_extra(record, {}, RESERVED_ATTRS)
        parts = [
            clock(timestamp(record.created)),
            f"{paint}{level}{_RESET}" if paint else level,
            f"{escape(record.name)}:",
            escape(record.getMessage()),
            *(f"{escape(as_text(name))}={escape(as_text(value))}" for name, value in extras.items()),
        ]
        below = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        if record.stack_info:
            below = f"{below}\n{record.stack_info}".strip("\n")
        return "".join((" ".join(parts), *(f"\n    {escape(line)}" for line in below.splitlines())))


class ApplicationLog(logging.handlers.QueueHandler):
    """The handler of the root logger, from `setup_logging` to `close`.

    What a logging call costs its caller is the record, its message and, for an exception, the text of the
    traceback: a traceback handed to another thread would keep the frames of a finished request alive.
    """

    def __init__(self, level: int, formatter: logging.Formatter, output: Output) -> None:
        self._background: Background[logging.LogRecord] = Background("gatekeeper-log", self._write)
        super().__init__(self._background.queue)
        self._lines = formatter
        self._output = output
        self._refused = 0  # by the callers, under the lock of the handler
        self._lost = 0  # by the thread
        root = logging.getLogger()
        self._level_before = root.level
        root.addHandler(self)
        root.setLevel(level)

    @property
    def dropped(self) -> int:
        """How many lines were lost: too many waiting, or refused by the output."""
        return self._refused + self._lost

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return a copy that does not depend on what its arguments become; wrong ones are shown, not raised."""
        prepared = copy.copy(record)
        if not isinstance(record.msg, dict):
            try:
                prepared.msg = record.getMessage()
            except Exception:  # noqa: BLE001 - the arguments are the caller's; the line must go out
                prepared.msg = f"{as_text(record.msg)} {as_text(record.args)}"
            prepared.args = None
        if record.exc_info and not record.exc_text:
            prepared.exc_text = self._lines.formatException(record.exc_info)
        prepared.exc_info = None
        return prepared

    def enqueue(self, record: logging.LogRecord) -> None:
        """Queue a record, or count it when too many wait."""
        if self._background.queue.qsize() >= QUEUE_RECORDS:
            self._refused += 1
        else:
            self._background.queue.put(record)

    def close(self) -> None:
        """Take the handler away again and write what waits, for at most two seconds; once is enough."""
        root = logging.getLogger()
        if self in root.handlers:
            root.removeHandler(self)
            root.setLevel(self._level_before)
            self._background.close(CLOSE_SECONDS)
        super().close()

    def _write(self, record: logging.LogRecord) -> None:
        try:
            line = self._lines.format(record)
        except Exception as error:  # noqa: BLE001 - a thread that ends would silence the log for good
            problem = f"a log record could not be formatted: {as_text(error)}"
            line = self._lines.format(
                logging.LogRecord(record.name, logging.ERROR, "", 0, problem, None, None)
            )
        self._lost += self._output.write(f"{line}\n".encode("utf-8", "replace"))


def setup_logging(level: str = "info", format_: Format = "json", output: Output = STDOUT) -> ApplicationLog:
    """Send what all loggers say from `level` on to the output; returns the object to close at the end.

    Raises ValueError for a level that is not one of debug, info, warning, error.
    """
    if level not in LEVELS:
        raise ValueError(f"level {level!r} is not one of {', '.join(LEVELS)}")
    formatter = JsonFormatter() if format_ == "json" else TextFormatter(colour=output.colour)
    return ApplicationLog(LEVELS[level], formatter, output)


# --- the access log ---

FLUSH_SECONDS: Final = 0.1  # how old a line may get in memory
BATCH_RECORDS: Final = 512  # lines that are handed over at once, and not more
WAITING_BYTES: Final = 8 * 1024 * 1024  # what a stopped reader may cost in memory: about 13,000 lines


class AccessLog:
    """The batched writer of access lines: one per process, used by the thread of its event loop.

    `call_later(seconds, function)` is the loop's: it ends a batch that did not fill up.
    """

    __slots__ = (
        "_background",
        "_call_later",
        "_closed",
        "_finished",
        "_handed",
        "_lost",
        "_output",
        "_records",
        "_refused",
        "_render",
        "_timer_runs",
    )

    def __init__(
        self,
        call_later: Callable[[float, Callable[[], None]], object],
        format_: Format = "json",
        output: Output = STDOUT,
    ) -> None:
        self._call_later = call_later
        self._output = output
        self._render = json_line if format_ == "json" else self._text_line
        self._records: list[bytes] = []
        self._timer_runs = False
        self._closed = False
        # each counter is changed by one thread only, so that none needs a lock
        self._handed = (0, 0)  # bytes and lines given to the writer
        self._finished = (0, 0)  # bytes and lines it is done with, by the writer
        self._lost = 0  # lines the output refused, by the writer
        self._refused = 0  # lines that were not given to it
        self._background: Background[tuple[bytes, int]] = Background("gatekeeper-access-log", self._write)

    def __repr__(self) -> str:
        return f"<AccessLog {self._handed[1]} lines, {self.dropped} dropped>"

    @property
    def dropped(self) -> int:
        """How many lines were lost: too much waiting, refused by the output, or unread at the end."""
        unread = self._handed[1] - self._finished[1] if self._closed else 0
        return self._refused + self._lost + unread

    def write(self, record: dict[str, Any]) -> None:
        """Take one record, which is the log's from now on."""
        records = self._records
        records.append(self._render(record))
        if not self._timer_runs:
            self._timer_runs = True
            self._call_later(FLUSH_SECONDS, self._on_time)
        elif len(records) >= BATCH_RECORDS:
            self.flush()

    def flush(self) -> None:
        """Hand over what was collected; without waiting for it to be written."""
        records, self._records = self._records, []
        if not records:
            return
        lines = b"".join(records)
        bytes_handed, lines_handed = self._handed
        if self._closed or bytes_handed - self._finished[0] + len(lines) > WAITING_BYTES:
            self._refused += len(records)
            return
        self._handed = (bytes_handed + len(lines), lines_handed + len(records))
        self._background.queue.put((lines, len(records)))

    def close(self) -> None:
        """Flush and wait for the writer, for at most two seconds; what is written later is dropped."""
        self.flush()
        self._closed = True
        self._background.close(CLOSE_SECONDS)

    def _on_time(self) -> None:
        self._timer_runs = False
        self.flush()

    def _text_line(self, record: Mapping[str, Any]) -> bytes:
        return f"{render_text(record, colour=self._output.colour)}\n".encode()

    def _write(self, batch: tuple[bytes, int]) -> None:
        lines, count = batch
        self._lost += self._output.write(lines)
        self._finished = (self._finished[0] + len(lines), self._finished[1] + count)


class Dropping(Protocol):
    """Something that writes lines, and may lose some."""

    @property
    def dropped(self) -> int:
        """How many lines were lost."""
        ...


def count_dropped(metrics: Metrics, name: str, lines: Dropping) -> None:
    """Expose how many lines of a log were lost."""
    metrics.gauge_function(
        f"gatekeeper_{name}_dropped_lines",
        "Lines of this log that were lost because nobody took them.",
        lambda: lines.dropped,
    )
