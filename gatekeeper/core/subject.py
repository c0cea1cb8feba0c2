r"""Whom a certificate is of, as text (RFC 4514), in the one form in which equal names are equal texts.

Two texts are of the same name if they have the same attributes with the same values in the same order. How an attribute is
called (`CN`, `cn`, `commonName`, `2.5.4.3`), how a character is escaped (`\,`, `\2C`) and blanks round `,`, `+` and `=` do
not matter; nor does the order of those that `+` joins, which certificates sort. Values are compared as they are: RFC 5280
section 7.1 would take `Bank` for `BANK`, but nobody should be let in who has been named differently.

As in all texts of this form, the last part of the certificate stands first (RFC 4514 section 2.1): a certificate for C=DE,
O=Bank, CN=psp, as most tools show it, is of `CN=psp,O=Bank,C=DE`.
"""

import re
from collections.abc import Iterable
from typing import Final


EXAMPLE: Final = "CN=psp.bank.example,O=Bank"

Attribute = tuple[str, str | bytes]
"""The object identifier of an attribute and its value; bytes are one that is no text, in BER."""

_NAMES: Final = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.41": "name",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.44": "generationQualifier",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}
"""As OpenSSL calls them."""
_OTHER_NAMES: Final = {
    "commonname": "2.5.4.3",
    "surname": "2.5.4.4",
    "countryname": "2.5.4.6",
    "localityname": "2.5.4.7",
    "s": "2.5.4.8",
    "stateorprovincename": "2.5.4.8",
    "organizationname": "2.5.4.10",
    "organizationalunitname": "2.5.4.11",
    "g": "2.5.4.42",
    "givenname": "2.5.4.42",
    "e": "1.2.840.113549.1.9.1",
    "email": "1.2.840.113549.1.9.1",
    "domaincomponent": "0.9.2342.19200300.100.1.25",
}
_OIDS: Final = {**_OTHER_NAMES, **{name.lower(): oid for oid, name in _NAMES.items()}}

_TYPE: Final = re.compile(r" *([A-Za-z][A-Za-z0-9-]*|(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+) *= *")
_UNIT: Final = re.compile(r"[^\0\"+,;<>\\]|\\(?:[ \"#+,;<=>\\]|[0-9A-Fa-f]{2})")
_BER: Final = re.compile(r"#((?:[0-9A-Fa-f]{2})+) *(?=[,+]|\Z)")
_TO_ESCAPE: Final = re.compile(r"[\"+,;<>\\]|^[ #]| \Z")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TEXTS: Final = {0x0C: "utf-8", 0x13: "ascii", 0x16: "ascii"}
"""UTF8String, PrintableString, IA5String."""


class NoSubjectError(ValueError):
    """A text that is no name of anybody."""


def subject_of(parts: Iterable[Iterable[Attribute]]) -> str:
    """The text of a name; its parts are in the order of the text, each has the attributes that stand together."""
    return ",".join("+".join(sorted(_shown(*one) for one in part)) for part in parts)


def canonical_subject(text: str) -> str:
    """Read a name as a person writes it, and return the one text of it.

    Raises:
        NoSubjectError: it is none; the message says what to write.

    """
    if text.startswith("/"):
        parts = [part for part in text.split("/") if part]
        hint = f"; write `{','.join(reversed(parts))}`" if all("=" in part for part in parts) else ""
        raise NoSubjectError(f"`{text}` is the form of older tools{hint}, as RFC 4514 has it")
    parsed: list[list[Attribute]] = [[]]
    at = 0
    while True:
        attribute, at = _attribute(text, at)
        parsed[-1].append(attribute)
        if at == len(text):
            return subject_of(parsed)
        if text[at] == ",":
            parsed.append([])
        elif text[at] != "+":
            raise _malformed(text)
        at += 1


def _attribute(text: str, at: int) -> tuple[Attribute, int]:
    """One attribute, and where it ends."""
    kind = _TYPE.match(text, at)
    if kind is None:
        raise _malformed(text)
    at = kind.end()
    oid = kind[1] if kind[1][0].isdigit() else _OIDS.get(kind[1].lower())
    if oid is None:
        word = kind[1]
        hint = "leave it out" if word.lower() == "subject" else "write its number, as in `2.5.4.97=...`"
        raise NoSubjectError(f"`{word}` is no attribute that is known by name here; {hint}")
    if ber := _BER.match(text, at):
        return (oid, _of_ber(bytes.fromhex(ber[1]))), ber.end()
    units: list[str] = []
    while unit := _UNIT.match(text, at):
        units.append(unit[0])
        at = unit.end()
    while units and units[-1] == " ":
        units.pop()
    if not units or units[0] == "#":
        raise _malformed(text)
    data = b"".join(map(_unescaped, units))
    try:
        return (oid, data.decode()), at
    except UnicodeDecodeError:
        raise _malformed(text) from None


def _malformed(text: str) -> NoSubjectError:
    return NoSubjectError(
        f"`{text}` is no subject of a certificate; write it like `{EXAMPLE}`, as "
        "`openssl x509 -noout -subject -nameopt RFC2253 -in FILE` does"
    )


def _unescaped(unit: str) -> bytes:
    return bytes.fromhex(unit[1:]) if len(unit) == 3 else unit[-1:].encode()


def _of_ber(data: bytes) -> str | bytes:
    """A value that tools write in BER because they do not know its attribute; most are texts."""
    if data[0] in _TEXTS and len(data) >= 2 and data[1] < 0x80 and data[1] == len(data) - 2:
        try:
            return data[2:].decode(_TEXTS[data[0]])
        except UnicodeDecodeError:
            return data
    return data


def _shown(oid: str, value: str | bytes) -> str:
    name = _NAMES.get(oid, oid)
    if isinstance(value, bytes):
        return f"{name}=#{value.hex()}"
    escaped = _TO_ESCAPE.sub(r"\\\g<0>", value)
    return f"{name}={_CONTROL.sub(lambda found: f'{chr(92)}{ord(found[0]):02X}', escaped)}"
