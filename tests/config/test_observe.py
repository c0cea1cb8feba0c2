"""What is recorded, and where: the audit file."""

import pytest

from gatekeeper.config.model import AuditConfig, AuditFileConfig, ObserveConfig, SinkConfig
from tests.config.conftest import Load, Problems


TEXT = """\
version: 1
{}
services: {{app: http://localhost:3000}}
routes: {{all: {{match: /**, to: app}}}}
"""
MIB = 1024 * 1024


def test_nothing_is_recorded_unless_it_is_said() -> None:
    """A gateway on a disk that cannot be written to must start."""
    assert ObserveConfig().audit is False


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("{}", False, id="nothing"),
        pytest.param("{audit: false}", False, id="off"),
        pytest.param("{audit: true}", ("audit.jsonl", 100 * MIB, 7), id="on"),
        pytest.param("{audit: {}}", ("audit.jsonl", 100 * MIB, 7), id="all defaults"),
        pytest.param("{audit: {to: [file]}}", ("audit.jsonl", 100 * MIB, 7), id="a kind alone"),
        pytest.param("{audit: {to: [file: /var/a]}}", ("/var/a", 100 * MIB, 7), id="a path alone"),
        pytest.param(
            "{audit: {to: [file: {path: a.jsonl, rotate: 1MiB, keep: 2}]}}", ("a.jsonl", MIB, 2), id="all"
        ),
    ],
)
def test_how_it_is_written(load: Load, written: str, expected: object) -> None:
    """Short and long."""
    audit = load(TEXT.format(f"observe: {written}")).observe.audit

    assert expected == (audit and (audit.file.path, audit.file.rotate, audit.file.keep))


def test_it_knows_where_it_stands(load: Load) -> None:
    """For what is wrong with the file itself."""
    audit = load(TEXT.format("observe: {audit: {to: [{file: {path: a}}]}}")).observe.audit

    assert audit
    assert (2, ("observe", "audit", "to", 0, "file")) == (audit.file.place.line, audit.file.place.path)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        pytest.param("{log: {}}", "`log` is not available yet", id="another part"),
        pytest.param("{audit: {to: [stdout]}}", "`stdout` is not available yet", id="another sink"),
        pytest.param(
            "{audit: {to: [syslog: {address: a}]}}", "`syslog` is not available yet", id="and another"
        ),
        pytest.param("{audit: {to: [{file: a}, {file: b}]}}", "more than one is not available yet", id="two"),
        pytest.param("{audit: {to: []}}", "`to` is empty; write `audit: false`", id="none"),
        pytest.param("{audit: {to: [file: {path: logs/}]}}", "`logs/` names no file", id="a folder"),
        pytest.param('{audit: {to: [file: {path: ""}]}}', "``", id="no path"),
        pytest.param(
            "{audit: {to: [file: {path: a, rotate: 1KiB}]}}", "`rotate` must be 64KiB or more", id="small"
        ),
        pytest.param("{audit: {to: [file: {path: a, keep: 0}]}}", "`keep` must be 1 or more", id="keep none"),
        pytest.param("{audit: {file: a}}", "unknown key `file`", id="no list"),
        pytest.param("{audit: yes}", "`yes` is text here; write true or false", id="a word of YAML 1.1"),
    ],
)
def test_what_is_refused(problems: Problems, written: str, told: str) -> None:
    """With what to write."""
    assert told in str(problems(TEXT.format(f"observe: {written}"))[0])


def test_a_sink_is_a_file() -> None:
    """Of all kinds there is one."""
    assert AuditConfig(to=(SinkConfig(file=AuditFileConfig()),)) == AuditConfig()
