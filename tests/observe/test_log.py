"""The application log: one line per record whatever is in it, and nobody waits for it."""

import json
import logging
import os
import pathlib
import pty
import threading
from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper.observe import log
from gatekeeper.observe.log import Format, JsonFormatter, TextFormatter, setup_logging
from gatekeeper.observe.output import Output


CREATED = 1795385820.125

Logged = Callable[..., list[bytes]]
Handled = Callable[..., list[Any]]


def _record(
    message: Any, *args: object, level: int = logging.INFO, exc_info: Any = None, **extras: object
) -> logging.LogRecord:
    record = logging.LogRecord("gatekeeper.edge", level, "edge.py", 1, message, args, exc_info)
    record.created = CREATED
    record.__dict__.update(extras)
    return record


def _fail(text: str) -> None:
    raise RuntimeError(text)


def _error(text: str) -> Any:
    with pytest.raises(RuntimeError) as caught:
        _fail(text)
    return caught.type, caught.value, caught.tb


@pytest.fixture
def logged(tmp_path: pathlib.Path) -> Logged:
    """A function that sets logging up, lets the test log, closes, and returns the lines."""

    def run(
        say: Callable[[logging.Logger], object], level: str = "info", form: Format = "json"
    ) -> list[bytes]:
        path = tmp_path / "application.log"
        with path.open("ab") as file:
            application_log = setup_logging(level, form, Output(file.fileno()))
            try:
                say(logging.getLogger("gatekeeper.edge"))
            finally:
                application_log.close()
        return path.read_bytes().splitlines()

    return run


@pytest.fixture
def handled(tmp_path: pathlib.Path) -> Handled:
    """A function that gives records to the handler alone and returns what the lines say."""

    def run(*records: logging.LogRecord) -> list[Any]:
        path = tmp_path / "application.log"
        with path.open("ab") as file:
            application_log = setup_logging("info", "json", Output(file.fileno()))
            for record in records:
                application_log.handle(record)
            application_log.close()
        return [json.loads(line) for line in path.read_bytes().splitlines()]

    return run


# --- JSON ---


def test_a_json_line_has_the_common_fields_first() -> None:
    """Time, level in lower case, logger, message, then extras."""
    line = JsonFormatter().format(_record("%s of %d", "one", 2, level=logging.WARNING, route="users"))

    expected = {
        "time": "2026-11-22T22:17:00.125Z",
        "level": "warning",
        "logger": "gatekeeper.edge",
        "message": "one of 2",
        "route": "users",
    }
    assert list(expected.items()) == list(json.loads(line).items())


def test_an_exception_is_a_field() -> None:
    """With its whole traceback, in the same line."""
    line = JsonFormatter().format(_record("failed", exc_info=_error("why\nnot")))

    assert "\n" not in line
    assert json.loads(line)["exception"].startswith("Traceback (most recent call last)")
    assert json.loads(line)["exception"].endswith("RuntimeError: why\nnot")


def test_a_stack_is_a_field() -> None:
    """For `stack_info=True`."""
    line = JsonFormatter().format(_record("here", stack_info="Stack\n  line"))

    assert json.loads(line)["stack"] == "Stack\n  line"


def test_extras_cannot_pass_for_our_fields() -> None:
    """They get an underscore."""
    line = JsonFormatter().format(
        _record("real", level=logging.ERROR, time="never", logger="other", exception="none")
    )
    found = json.loads(line)

    assert (found["level"], found["logger"], found["time"]) == (
        "error",
        "gatekeeper.edge",
        "2026-11-22T22:17:00.125Z",
    )
    assert (found["time_"], found["logger_"], found["exception_"]) == ("never", "other", "none")


def test_a_mapping_as_message_becomes_fields() -> None:
    """As users of python-json-logger expect."""
    found = json.loads(JsonFormatter().format(_record({"message": "loaded", "routes": 3, "level": "x"})))

    assert (found["message"], found["routes"], found["level_"]) == ("loaded", 3, "x")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a\r\nb", id="crlf"),
        pytest.param("\x1b[2J\x07", id="ansi"),
        pytest.param('"}{', id="quotes"),
        pytest.param("\u2028\x85", id="line-separators"),
        pytest.param("a\udcff", id="invalid-surrogate"),
    ],
)
def test_a_record_is_one_json_line_whatever_is_in_it(text: str) -> None:
    """OBS-01: in the message and in an extra."""
    line = JsonFormatter().format(_record(text, value=text))
    found = json.loads(line)

    assert [line] == line.splitlines()
    assert (
        text.encode("utf-8", "replace").decode().replace("?", "\ufffd") == found["message"] == found["value"]
    )


# --- text ---


def test_a_text_line_is_readable() -> None:
    """Time of day, level, logger, message, extras."""
    line = TextFormatter().format(_record("ready on %s", "8080", workers=2))

    assert line == "22:17:00.125 INFO    gatekeeper.edge: ready on 8080 workers=2"


def test_a_text_line_cannot_be_forged() -> None:
    """OBS-01: control characters are escaped, in a traceback line by line."""
    line = TextFormatter().format(
        _record("a\nb", exc_info=_error("x\n22:17:00.125 INFO \x1b[2J"), name_="\r")
    )
    first, *below = line.split("\n")

    assert first == r"22:17:00.125 INFO    gatekeeper.edge: a\nb name_=\r"
    assert below[0] == "    Traceback (most recent call last):"
    assert below[-1] == r"    22:17:00.125 INFO \x1b[2J"
    assert all(part.startswith("    ") for part in below)


def test_a_stack_follows_below() -> None:
    """Indented like a traceback."""
    assert (
        TextFormatter().format(_record("here", stack_info="Stack\n  line"))[-31:]
        == "edge: here\n    Stack\n      line"
    )


@pytest.mark.parametrize(
    ("expected", "level"),
    [
        pytest.param(" INFO    gate", logging.INFO, id="info-plain"),
        pytest.param(" \x1b[33mWARNING\x1b[0m gate", logging.WARNING, id="warning-yellow"),
        pytest.param(" \x1b[31mERROR  \x1b[0m gate", logging.ERROR, id="error-red"),
    ],
)
def test_colour_shows_what_needs_attention(expected: str, level: int) -> None:
    """Only warnings and errors have one."""
    assert expected in TextFormatter(colour=True).format(_record("x", level=level))


# --- setup_logging ---


def test_all_loggers_go_to_the_output_from_the_level_on(logged: Logged) -> None:
    """Ours and those of libraries."""

    def say(logger: logging.Logger) -> None:
        logger.info("one")
        logger.debug("two")
        logging.getLogger("somebody.else").warning("three")

    assert [json.loads(line)["message"] for line in logged(say)] == ["one", "three"]


def test_the_level_can_be_lower(logged: Logged) -> None:
    """Debug shows everything."""
    assert [
        line.split()[1]
        for line in logged(lambda logger: (logger.debug("a"), logger.info("b")), "debug", "text")
    ] == [b"DEBUG", b"INFO"]


def test_an_unknown_level_is_refused() -> None:
    """With those that exist."""
    with pytest.raises(ValueError, match="'loud' is not one of debug, info, warning, error"):
        setup_logging("loud")


def test_a_message_says_what_its_arguments_were_when_it_was_logged(logged: Logged) -> None:
    """The queue must not show what they became."""
    routes = ["users"]

    def say(logger: logging.Logger) -> None:
        logger.info("routes %s", routes)
        routes.append("orders")

    assert [json.loads(line)["message"] for line in logged(say)] == ["routes ['users']"]


def test_wrong_arguments_are_shown_instead_of_raised(handled: Handled) -> None:
    """A slip in a log call is no error of the request."""
    assert [found["message"] for found in handled(_record("%d items", "x"))] == ["%d items ('x',)"]


def test_an_exception_survives_the_queue(handled: Handled) -> None:
    """As text: the frames of a finished request are not kept alive."""
    (found,) = handled(_record("failed", exc_info=_error("why")))

    assert found["exception"].endswith("RuntimeError: why")


def test_a_mapping_survives_the_queue(handled: Handled) -> None:
    """It becomes fields on the other side as well."""
    (found,) = handled(_record({"loaded": 3}))

    assert found["loaded"] == 3


def test_other_handlers_see_the_record_as_it_was(logged: Logged, caplog: pytest.LogCaptureFixture) -> None:
    """The queue takes a copy."""
    logged(lambda logger: logger.error("failed %s", "x", exc_info=_error("why")))

    assert [record.args for record in caplog.records] == [("x",)]
    assert caplog.records[0].exc_info is not None
    assert RuntimeError is caplog.records[0].exc_info[0]


def test_closing_restores_what_was_there_and_is_harmless_twice(tmp_path: pathlib.Path) -> None:
    """Embedding programs and tests get their logging back."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers))

    with (tmp_path / "log").open("wb") as file:
        application_log = setup_logging("debug", "json", Output(file.fileno()))
        assert root.level == logging.DEBUG
        application_log.close()
        application_log.close()

    assert before == (root.level, root.handlers)


class Stuck(Output):
    """An output whose reader stopped until `release` is set."""

    def __init__(self) -> None:
        super().__init__(-1)
        self.entered = threading.Event()
        self.release = threading.Event()
        self.lines: list[bytes] = []

    def write(self, lines: bytes) -> int:
        self.entered.set()
        self.release.wait()
        self.lines.append(lines)
        return 0


def test_when_nobody_reads_records_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIF-10, OBS-04: the caller never waits, neither does the shutdown."""
    monkeypatch.setattr(log, "QUEUE_RECORDS", 2)
    monkeypatch.setattr(log, "CLOSE_SECONDS", 0)
    stuck = Stuck()
    application_log = setup_logging("info", "text", stuck)
    logger = logging.getLogger("gatekeeper.edge")
    try:
        logger.info("being written")
        stuck.entered.wait()
        for number in range(5):
            logger.info("waiting %d", number)
    finally:
        application_log.close()
    stuck.release.set()
    application_log._background._thread.join()

    assert application_log.dropped == 3
    assert [line.split(b": ")[1].strip() for line in stuck.lines] == [
        b"being written",
        b"waiting 0",
        b"waiting 1",
    ]


def test_lines_that_the_output_refuses_are_counted() -> None:
    """A full disk."""
    fd = os.open("/dev/full", os.O_WRONLY)
    application_log = setup_logging("info", "json", Output(fd))
    try:
        logging.getLogger("gatekeeper.edge").info("x")
    finally:
        application_log.close()
        os.close(fd)

    assert application_log.dropped == 1


def test_a_record_that_cannot_be_formatted_does_not_silence_the_log(handled: Handled) -> None:
    """The thread says so and goes on."""
    broken = _record("one")
    broken.created = 1e300

    lines = handled(broken, _record("two"))

    expected = [("error", "gatekeeper.edge"), ("info", "gatekeeper.edge")]
    assert expected == [(line["level"], line["logger"]) for line in lines]
    assert lines[0]["message"].startswith("a log record could not be formatted: ")


def test_text_on_a_terminal_is_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    """And only there."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    master, terminal = pty.openpty()
    application_log = setup_logging("info", "text", Output(terminal))
    try:
        logging.getLogger("gatekeeper.edge").error("x")
    finally:
        application_log.close()
    shown = os.read(master, 1000)
    os.close(master)
    os.close(terminal)

    assert b"\x1b[31mERROR" in shown
