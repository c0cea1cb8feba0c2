"""Whom certificates are of, as texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.subject import NoSubjectError, canonical_subject, subject_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("CN=psp.bank.example,O=Bank", "CN=psp.bank.example,O=Bank", id="as-it-is"),
        pytest.param(" cn = psp , o = Bank ", "CN=psp,O=Bank", id="blanks-and-case-of-keys"),
        pytest.param("2.5.4.3=psp,organizationName=Bank", "CN=psp,O=Bank", id="other-names-of-keys"),
        pytest.param("1.2.3.4=x", "1.2.3.4=x", id="a-key-without-name"),
        pytest.param(r"CN=Bank\2C Inc\.".replace(r"\.", "."), r"CN=Bank\, Inc.", id="escapes"),
        pytest.param(r"CN=M\C3\BCller", "CN=Müller", id="utf-8"),
        pytest.param(r"CN=a\\b\"c\+d\;e\<f\>g", r"CN=a\\b\"c\+d\;e\<f\>g", id="all-that-is-escaped"),
        pytest.param(r"CN=\ a\ ", r"CN=\ a\ ", id="blanks-at-the-ends"),
        pytest.param(r"CN=\#a=b", r"CN=\#a=b", id="a-number-sign"),
        pytest.param(r"CN=a\00b\0A", r"CN=a\00b\0A", id="controls"),
        pytest.param("OU=b+CN=a,O=c", "CN=a+OU=b,O=c", id="joined"),
        pytest.param("2.5.4.97=#0C05505344444E", "organizationIdentifier=PSDDN", id="text-in-ber"),
        pytest.param("1.2.3=#030200FF", "1.2.3=#030200ff", id="no-text-in-ber"),
        pytest.param("CN=#0C0241", "CN=#0c0241", id="a-length-that-lies"),
        pytest.param("CN=#0C01C3", "CN=#0c01c3", id="no-utf-8-in-ber"),
    ],
)
def test_one_name_is_one_text(text: str, expected: str) -> None:
    """However it is written; and the text is its own."""
    assert expected == canonical_subject(text)
    assert expected == canonical_subject(expected)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("O=Bank,CN=psp", id="order"),
        pytest.param("CN=PSP,O=Bank", id="case-of-values"),
        pytest.param("CN=psp+O=Bank", id="joined"),
        pytest.param(r"CN=psp\,O=Bank", id="one-value"),
        pytest.param("CN=psp,O=Bank,C=DE", id="more"),
        pytest.param("CN=psp", id="less"),
        pytest.param("CN=psp,OU=Bank", id="another-key"),
        pytest.param("CN=psp,O=#0402426e", id="no-text"),
    ],
)
def test_other_names_are_other_texts(other: str) -> None:
    """Nobody is let in who has been named differently."""
    assert canonical_subject("CN=psp,O=Bank") != canonical_subject(other)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("psp.bank.example", "write it like `CN=psp.bank.example,O=Bank`", id="a-name"),
        pytest.param("", "is no subject", id="nothing"),
        pytest.param("CN=", "is no subject", id="no-value"),
        pytest.param("CN=a,", "is no subject", id="a-comma-behind"),
        pytest.param("CN=a;O=b", "is no subject", id="a-semicolon"),
        pytest.param('CN="a, b"', "is no subject", id="quotes"),
        pytest.param("CN=#xy", "is no subject", id="no-ber"),
        pytest.param("CN=a\\", "is no subject", id="half-an-escape"),
        pytest.param(r"CN=\C3", "is no subject", id="no-utf-8"),
        pytest.param("02.5=a", "is no subject", id="no-number"),
        pytest.param("/C=DE/O=Bank/CN=psp", "write `CN=psp,O=Bank,C=DE`", id="with-slashes"),
        pytest.param("/etc/passwd", "older tools, as RFC 4514", id="a-path"),
        pytest.param("subject=CN=a", "leave it out", id="what-openssl-puts-before"),
        pytest.param("XY=a", "`2.5.4.97=...`", id="an-unknown-key"),
    ],
)
def test_what_is_none_is_told_how_to_be_one(text: str, said: str) -> None:
    """With what to write."""
    with pytest.raises(NoSubjectError) as refused:
        canonical_subject(text)

    assert said in str(refused.value)


VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
KEYS = st.sampled_from(["2.5.4.3", "2.5.4.10", "2.5.4.97", "1.2.3", "0.9.2342.19200300.100.1.25"])
PARTS = st.lists(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=3), min_size=1, max_size=4)


@given(PARTS)
def test_what_is_written_is_read_again(parts: list[list[tuple[str, str]]]) -> None:
    """Whatever a value holds."""
    text = subject_of(parts)

    assert text == canonical_subject(text)


@given(PARTS, PARTS)
def test_no_two_names_have_one_text(
    parts: list[list[tuple[str, str]]], others: list[list[tuple[str, str]]]
) -> None:
    """But those that are the same."""
    same = [sorted(part) for part in parts] == [sorted(part) for part in others]

    assert same == (subject_of(parts) == subject_of(others))
