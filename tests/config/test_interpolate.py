"""References to variables in the values of a document."""

import os
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.config.document import BROKEN, Document, Interpolated, Variable, read_document
from gatekeeper.config.interpolate import MAX_FILE, interpolate
from gatekeeper.config.tree import tree_of


ENVIRON = {
    "HOST": "users",
    "PORT": "80",
    "EMPTY": "",
    "ODD": "a: b # c\n${HOST}",
    "ACME_KEYS": "s3cret",
    "DB_PORT": "1",
    "KEY": "k",
    "_": "x",
}


def faults(document: Document) -> list[str]:
    return [str(tree_of(document).problem(fault)) for fault in document.faults]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${HOST}", "users"),
        ("http://${HOST}:${PORT}", "http://users:80"),
        ("${NOPE:-x y}", "x y"),
        ("${NOPE:-}", ""),
        ("${EMPTY:-x}", "x"),
        ("$${HOST}", "${HOST}"),
        ("a $${HOST} ${HOST}", "a ${HOST} users"),
        ("$HOST and $$", "$HOST and $$"),
        ("${ODD}", "a: b # c\n${HOST}"),
        ("${env:HOST}", "users"),
        ("${env:NOPE:-x}", "x"),
        ("${env:-x}", "x"),
        ("${file:-x}", "x"),
    ],
)
def test_a_reference_is_replaced(written: str, value: str) -> None:
    """CFG-12: what is put in is never parsed again."""
    document = read_document(f"a: ['{written}']\n", "f")

    interpolate(document, ENVIRON)

    assert {"a": [value]} == document.data
    assert document.faults == []


def test_a_value_that_is_one_reference_takes_the_type_of_its_key() -> None:
    """Anything else is text."""
    text = (
        'a: "${PORT}"\nb: "${NOPE:-2}"\nc: "${PORT}0"\nd: "$${PORT}"\ne: "$${x} ${PORT}"\nf: "$${x} $${y}"\n'
    )
    document = read_document(text, "f")

    interpolate(document, ENVIRON)

    kinds = [Variable, Variable, Interpolated, str, Interpolated, str]
    assert kinds == [type(value) for value in document.data.values()]


def test_what_comes_from_outside_is_noted(tmp_path: Path) -> None:
    """With its reference; what stands in the file anyway is no secret."""
    (tmp_path / "key").write_text("s3cret\n")
    text = 'a: "${PORT}"\nb: "${NOPE:-x}"\nc: "http://${HOST:-users}"\nd: "<${DB_PORT:-2}>"\ne: "${file:key}"\nf: "$${x}"\n'
    document = read_document(text, "f", tmp_path)

    interpolate(document, ENVIRON)

    assert {"80": "${PORT}", "1": "${DB_PORT:-2}", "s3cret": "${file:key}"} == document.outside


def test_messages_have_the_text_of_the_file_to_show() -> None:
    """What is put in may be a secret."""
    document = read_document('a: "${PORT}"\nb: "x ${PORT} $${y}"\n', "f")

    interpolate(document, ENVIRON)

    assert ["${PORT}", "x ${PORT} $${y}"] == [value.reference for value in document.data.values()]


def test_keys_and_documents_without_references_stay_as_they_are() -> None:
    """A key is never replaced."""
    document = read_document('"${HOST}": 1\nb: [true]\n', "f")
    plain = read_document("a: 1\n", "f")
    data = plain.data

    interpolate(document, ENVIRON)
    interpolate(plain, ENVIRON)

    assert document.data == {"${HOST}": 1, "b": [True]}
    assert data is plain.data


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("${NOPE}", "`${NOPE}` is not set; set it, or write `${NOPE:-default}` [unresolved]"),
        ("a ${EMPTY}", "`${EMPTY}` is empty; set it, or write `${EMPTY:-default}` [unresolved]"),
        (
            "${vault:kv/x}",
            "`${vault:...}`: nothing brings such secrets; there are `file`, `env` [unknown-kind]",
        ),
        ("${ACME_KEY}", "`${ACME_KEY}` is not set; did you mean `${ACME_KEYS}`? [unresolved]"),
        ("${PROT}", "`${PROT}` is not set; did you mean `${PORT}`? [unresolved]"),
        ("${host}", "`${host}` is not set; did you mean `${HOST}`? [unresolved]"),
        ("${COST}", "`${COST}` is not set; did you mean `${HOST}`? [unresolved]"),
        ("${DB_HOST}", "`${DB_HOST}` is not set; set it, or write `${DB_HOST:-default}` [unresolved]"),
        ("${KEX}", "`${KEX}` is not set; set it, or write `${KEX:-default}` [unresolved]"),
        ("${HOSTS}", "`${HOSTS}` is not set; did you mean `${HOST}`? [unresolved]"),
        ("${POST}", "`${POST}` is not set; did you mean `${HOST}`? [unresolved]"),
        ("${HO}", "`${HO}` is not set; set it, or write `${HO:-default}` [unresolved]"),
        ("${env:}", "`${env:}` names nothing; write it behind the `:` [bad-value]"),
        ("${file:}", "`${file:}` names nothing; write it behind the `:` [bad-value]"),
        ("${HOST} ${NOPE}", "`${NOPE}` is not set; set it, or write `${NOPE:-default}` [unresolved]"),
        ("${X}", "`${X}` is not set; set it, or write `${X:-default}` [unresolved]"),
        ("${a-b}", "`${a-b}` is no reference: write `${NAME}`, or `$${` for a literal `${` [bad-value]"),
        ("${}", "`${}` is no reference: write `${NAME}`, or `$${` for a literal `${` [bad-value]"),
        ("x ${HOST", "`${HOST` is no reference: write `${NAME}`, or `$${` for a literal `${` [bad-value]"),
    ],
)
def test_what_cannot_be_replaced_is_refused(written: str, message: str) -> None:
    """All of them, each at its value."""
    document = read_document(f"a: 1\nb: ['{written}', '{written}']\n", "f")

    interpolate(document, ENVIRON)

    assert document.data == {"a": 1, "b": [BROKEN, BROKEN]}
    assert [f"f:2:5: b[0]: {message}", f"f:2:{9 + len(written)}: b[1]: {message}"] == faults(document)


def test_the_way_to_what_is_refused_is_told() -> None:
    """Through mappings and lists."""
    document = read_document('a: {b: [1, {c: "${NOPE}"}]}\n', "f")

    interpolate(document, ENVIRON)

    assert [("a", "b", 1, "c")] == [fault.path for fault in document.faults]


def test_variables_that_could_not_be_read_are_not_missed() -> None:
    """One mistake in `.env`, one problem; what is no reference is refused all the same."""
    document = read_document('a: "${NOPE}"\nb: "${a-b}"\nc: "${HOST}"\n', "f")

    interpolate(document, ENVIRON, quiet=True)

    assert document.data == {"a": BROKEN, "b": BROKEN, "c": "users"}
    assert len(document.faults) == 1


def test_what_an_alias_repeats_is_replaced_everywhere() -> None:
    """And refused where it is written."""
    document = read_document('a: &a {x: "${HOST}", y: "${NOPE}"}\nb: *a\n', "f")

    interpolate(document, ENVIRON)

    assert document.data == {"a": {"x": "users", "y": BROKEN}, "b": {"x": "users", "y": BROKEN}}
    assert [fault.split(": ")[0] for fault in faults(document)] == ["f:1:25", "f:1:25"]


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b"a\n\n", "a\n"),
        (b"a\r", "a\r"),
        (b"a: ${HOST}", "a: ${HOST}"),
        ("\u00e9".encode(), "\u00e9"),
        (b"x" * MAX_FILE, "x" * MAX_FILE),
    ],
)
def test_the_content_of_a_file_is_put_in(content: bytes, value: str, tmp_path: Path) -> None:
    """Without the line end behind it; the path is relative to the file that names it."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/key").write_bytes(content)
    text = f'a: "${{file:run/key}}"\nb: "<${{file:{tmp_path}/run/key}}>"\n'
    document = read_document(text, "f", tmp_path)

    files = interpolate(document, {})

    assert document.data == {"a": value, "b": f"<{value}>"}
    assert isinstance(document.data["a"], Variable)
    assert [tmp_path / "run/key"] == files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"s3cret\xff", "is no UTF-8"),
        (b"x" * (MAX_FILE + 1), "is larger than 64 KiB"),
    ],
)
def test_a_file_that_cannot_be_put_in_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    """Its content is not shown; it is watched all the same."""
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    document = read_document('a: "x ${file:key}"\n', "f", tmp_path)

    files = interpolate(document, {})

    assert document.data == {"a": BROKEN}
    assert [f"f:1:4: a: `${{file:key}}`: {tmp_path}/key {message} [unresolved]"] == faults(document)
    assert [tmp_path / "key"] == files


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe has no end, and a folder no content."""
    os.mkfifo(tmp_path / "pipe")
    document = read_document(f'a: "${{file:pipe}}"\nb: "${{file:{"x" * 300}}}"\n', "f", tmp_path)

    interpolate(document, {})

    assert [f"`${{file:pipe}}`: {tmp_path}/pipe is no file"] == [
        fault.message for fault in document.faults[:1]
    ]
    assert document.faults[1].message.endswith("cannot be read: File name too long")


# ---- what plugins bring ---------------------------------------------------------------------------------------------


def bring(name: str) -> Any:
    """As a plugin would."""
    if name == "nothing":
        return ""
    if name == "odd":
        return 5
    if name == "broken":
        raise RuntimeError("the secret is hush")
    if name == "gone":
        raise LookupError("no such secret in the store")
    if name == "quiet":
        raise KeyError
    return f"<{name}>"


def test_a_plugin_brings_secrets() -> None:
    """A whole value, or a part of one; each reference is asked for once, and what it brought is hidden in messages."""
    asked: list[str] = []
    document = read_document('a: "${vault:kv/x}"\nb: "${vault:kv/x} ${vault:y:z}"\n', "f")

    def ask(name: str) -> str:
        asked.append(name)
        return str(bring(name))

    interpolate(document, {}, secrets={"vault": ask})

    assert {"a": "<kv/x>", "b": "<kv/x> <y:z>"} == document.data
    assert ["kv/x", "y:z"] == asked
    assert {"<kv/x>": "${vault:kv/x}", "<y:z>": "${vault:y:z}"} == document.outside


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("${vault:}", "`${vault:}` names nothing; write it behind the `:` [bad-value]"),
        ("${vault:nothing}", "`${vault:nothing}` has brought no text [unresolved]"),
        ("${vault:odd}", "`${vault:odd}` has brought no text [unresolved]"),
        ("${vault:broken}", "`${vault:broken}` could not be brought: RuntimeError [unresolved]"),
        ("${vault:gone}", "`${vault:gone}`: no such secret in the store [unresolved]"),
        ("${vault:quiet}", "`${vault:quiet}`: there is none [unresolved]"),
        ("${vaullt:x}", "`${vaullt:...}`: nothing brings such secrets; did you mean `vault`? [unknown-kind]"),
    ],
)
def test_a_secret_that_cannot_be_brought_is_refused(written: str, message: str) -> None:
    """Without a word of what was read."""
    document = read_document(f'a: "{written}"\n', "f")

    interpolate(document, {}, secrets={"vault": bring})

    assert [message] == [f"{fault.message} [{fault.id}]" for fault in document.faults]
    assert {"a": BROKEN} == document.data
