"""References to variables in the values of a document."""

import pytest

from gatekeeper.config.document import BROKEN, Variable, read_document
from gatekeeper.config.interpolate import interpolate


ENVIRON = {"HOST": "users", "PORT": "80", "EMPTY": "", "ODD": "a: b # c\n${HOST}"}


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
    document = read_document('a: "${PORT}"\nb: "${NOPE:-2}"\nc: "${PORT}0"\nd: "$${PORT}"\n', "f")

    interpolate(document, ENVIRON)

    assert [type(value) for value in document.data.values()] == [Variable, Variable, str, str]


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
        ("${file:/run/x}", "`${file:...}` is not available yet [not-available]"),
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
    assert [f"f:2:5: b[0]: {message}", f"f:2:{9 + len(written)}: b[1]: {message}"] == [
        str(document.problem(fault)) for fault in document.faults
    ]
