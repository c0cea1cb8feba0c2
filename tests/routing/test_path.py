"""The canonical form of a path; ids name the row of reliability.md."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import BadTarget
from gatekeeper.routing.path import canonical, decision_form, has_encoded_slash


# pieces that have been used against path checks, and a few harmless ones
PIECES = [
    "/",
    "//",
    ".",
    "..",
    "%2e",
    "%2E",
    "a",
    "admin",
    "%61dmin",
    "%41",
    "%2f",
    "%5C",
    ";",
    ";x=1",
    "%3b",
    "%25",
]
PIECES += [
    "%252e",
    "%C3%A9",
    "%c0%af",
    "~",
    "%7e",
    "%20",
    "|",
    "[",
    "...",
    "x.y",
    "%",
    "\\",
    "#",
    "\x00",
    "%00",
    "é",
]
PATHS = st.lists(st.sampled_from(PIECES), max_size=10).map(lambda pieces: ("/" + "".join(pieces)).encode())
ANY_BYTES = st.binary(max_size=20).map(lambda tail: b"/" + tail)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(b"/", id="root"),
        pytest.param(b"/api/users/7", id="plain"),
        pytest.param(b"/api/", id="trailing-slash-is-kept"),
        pytest.param(b"/.well-known/acme", id="a-leading-dot-is-no-dot-segment"),
        pytest.param(b"/a.b/c..d/..e/f../...", id="PTH-08-dots-within-names"),
        pytest.param(b"/a:b@c!$&'()*+,=~_-", id="all-reserved-characters-of-a-segment"),
        pytest.param(b"/admin;x=1", id="PTH-06-parameters-stay-in-the-segment"),
        pytest.param(b"/;jsessionid=1", id="parameters-of-the-root"),
        pytest.param(b"/ADMIN", id="PTH-07-case-is-kept"),
    ],
)
def test_a_path_in_canonical_form_is_returned_as_it_is(path: bytes) -> None:
    """Nothing is copied: the forwarded form is the object that came in."""
    decision, forwarded = canonical(path)

    assert path.decode() == decision
    assert path is forwarded


@pytest.mark.parametrize(
    ("path", "decision", "forwarded"),
    [
        pytest.param(b"/public/../admin", "/admin", b"/admin", id="PTH-01-dot-dot"),
        pytest.param(b"/public/./../admin", "/admin", b"/admin", id="PTH-01-dot-and-dot-dot"),
        pytest.param(b"/x/..", "/", b"/", id="PTH-01-at-the-end"),
        pytest.param(b"/../../x", "/x", b"/x", id="PTH-01-above-the-root"),
        pytest.param(b"/a/b/.", "/a/b/", b"/a/b/", id="PTH-08-dot-at-the-end-leaves-a-slash"),
        pytest.param(b"/public/%2e%2e/admin", "/admin", b"/admin", id="PTH-02-escaped"),
        pytest.param(b"/public/.%2E/admin", "/admin", b"/admin", id="PTH-02-half-escaped"),
        pytest.param(b"/%2e/admin", "/admin", b"/admin", id="PTH-02-single"),
        pytest.param(b"//admin", "/admin", b"//admin", id="PTH-05-leading"),
        pytest.param(b"/public//x///", "/public/x/", b"/public//x///", id="PTH-05-everywhere"),
        pytest.param(b"/public//../admin", "/public/admin", b"/public/admin", id="PTH-05-dots-go-first"),
        pytest.param(b"/admin%23", "/admin%23", b"/admin%23", id="PTH-09-escaped-hash-is-opaque"),
        pytest.param(b"/%ff/%e9", "/%FF/%E9", b"/%ff/%e9", id="PTH-10-what-is-no-utf-8-is-opaque"),
        pytest.param(b"/%c3%a9", "/%C3%A9", b"/%c3%a9", id="PTH-10-upper-case-hex"),
        pytest.param(b"/%ef%bc%8f", "/%EF%BC%8F", b"/%ef%bc%8f", id="PTH-10-no-folding"),
        pytest.param(b"/%61dmin", "/admin", b"/%61dmin", id="PTH-12-unreserved"),
        pytest.param(b"/%2561dmin", "/%2561dmin", b"/%2561dmin", id="PTH-12-decoded-once"),
        pytest.param(b"/a%2eb", "/a.b", b"/a%2eb", id="an-escaped-dot-within-a-name"),
        pytest.param(b"/admin%20", "/admin%20", b"/admin%20", id="PTH-08-escaped-blank"),
        pytest.param(
            b"/a|b[1]^{x}", "/a%7Cb%5B1%5D%5E%7Bx%7D", b"/a|b[1]^{x}", id="raw-and-escaped-decide-alike"
        ),
    ],
)
def test_decision_and_forwarded_form(path: bytes, decision: str, forwarded: bytes) -> None:
    """What is decided on is what the upstream will understand."""
    assert (decision, forwarded) == canonical(path)


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        pytest.param(b"", "the path does not begin with a slash", id="empty"),
        pytest.param(b"admin", "the path does not begin with a slash", id="no-slash"),
        pytest.param(b"/a%2fb", "the path holds an encoded slash or backslash", id="PTH-03-slash"),
        pytest.param(b"/a%2Fb", "the path holds an encoded slash or backslash", id="PTH-03-slash-upper"),
        pytest.param(b"/a%5cb", "the path holds an encoded slash or backslash", id="PTH-03-backslash"),
        pytest.param(b"/a\\b", "the path holds a byte that has to be escaped", id="PTH-03-raw-backslash"),
        pytest.param(b"/a%00", "the path holds a control character", id="PTH-04-nul"),
        pytest.param(b"/a%0d%0a", "the path holds a control character", id="PTH-04-line-end"),
        pytest.param(b"/a%7f", "the path holds a control character", id="PTH-04-delete"),
        pytest.param(b"/a\tb", "the path holds a control character", id="PTH-04-raw"),
        pytest.param(
            b"/public#/../admin", "the path holds a byte that has to be escaped", id="PTH-09-raw-hash"
        ),
        pytest.param(b"/a?b", "the path holds a byte that has to be escaped", id="a-query-is-no-path"),
        pytest.param(b"/a b", "the path holds a byte that has to be escaped", id="blank"),
        pytest.param("/é".encode(), "the path holds a byte that has to be escaped", id="PTH-10-raw"),
        pytest.param(b"/%c0%af", "the path holds an overlong UTF-8 sequence", id="PTH-10-two-bytes"),
        pytest.param(b"/%e0%80%af", "the path holds an overlong UTF-8 sequence", id="PTH-10-three-bytes"),
        pytest.param(b"/%F0%80%80%AF", "the path holds an overlong UTF-8 sequence", id="PTH-10-four-bytes"),
        pytest.param(
            b"/100%", "a `%` in the path is not followed by two hexadecimal digits", id="PTH-11-end"
        ),
        pytest.param(
            b"/%zz", "a `%` in the path is not followed by two hexadecimal digits", id="PTH-11-letters"
        ),
        pytest.param(
            b"/%%36%36", "a `%` in the path is not followed by two hexadecimal digits", id="PTH-11-twice"
        ),
        pytest.param(b"/x/..;/a", "the path holds a dot or empty segment with parameters", id="PTH-06-dots"),
        pytest.param(
            b"/x/..%3Ba", "the path holds a dot or empty segment with parameters", id="PTH-06-escaped"
        ),
        pytest.param(b"/;/admin", "the path holds a dot or empty segment with parameters", id="PTH-06-empty"),
    ],
)
def test_a_path_with_two_readings_is_refused(path: bytes, detail: str) -> None:
    """The detail tells the client what is wrong."""
    with pytest.raises(BadTarget) as caught:
        canonical(path)

    assert detail == caught.value.detail


@pytest.mark.parametrize(
    ("path", "decision"),
    [
        (b"/files/a%2fb", "/files/a%2Fb"),
        (b"/proxy/http%3A%2F%2Fx.example%5c", "/proxy/http%3A%2F%2Fx.example%5C"),
        (b"/a/../b%2Fc", "/b%2Fc"),
    ],
)
def test_encoded_slashes_pass_where_they_are_kept(path: bytes, decision: str) -> None:
    """They are a part of their segment and never separate."""
    assert decision == canonical(path, keep_encoded_slashes=True)[0]


@pytest.mark.parametrize(
    "path", [b"/a/..%2fadmin", b"/a%2F%2e%2e", b"/a%5c.%5Cb", b"/a%2f..;x", b"/%2f..%2fb"]
)
def test_a_kept_slash_never_hides_a_dot_segment(path: bytes) -> None:
    """A reader who decodes the slash would climb out of the prefix that was decided on."""
    with pytest.raises(BadTarget, match="dot segment beside an encoded slash"):
        canonical(path, keep_encoded_slashes=True)


def test_a_raw_backslash_is_refused_where_encoded_ones_are_kept() -> None:
    """The option is about escapes only."""
    with pytest.raises(BadTarget):
        canonical(b"/a%2fb\\c", keep_encoded_slashes=True)


def forms(path: bytes, *, keep: bool) -> tuple[str, bytes] | None:
    try:
        return canonical(path, keep_encoded_slashes=keep)
    except BadTarget:
        return None


@given(PATHS | ANY_BYTES, st.booleans())
def test_the_decision_on_the_forwarded_form_is_the_decision_that_was_made(path: bytes, keep: bool) -> None:
    """A second gateway behind this one decides the same and forwards the same."""
    found = forms(path, keep=keep)
    if found is None:
        return

    decision, forwarded = found

    assert (decision, forwarded) == canonical(forwarded, keep_encoded_slashes=keep)
    assert decision == canonical(decision.encode(), keep_encoded_slashes=keep)[0]


@given(PATHS | ANY_BYTES, st.booleans())
def test_neither_form_holds_a_dot_segment(path: bytes, keep: bool) -> None:
    """Nor does the decision hold an empty segment, a raw byte outside of ASCII or an escape in lower case."""
    found = forms(path, keep=keep)
    if found is None:
        return

    decision, forwarded = found
    plain = forwarded.replace(b"%2e", b".").replace(b"%2E", b".")

    assert set() == {".", ".."} & set(decision.split("/"))
    assert set() == {b".", b".."} & set(plain.split(b"/"))
    assert "//" not in decision
    assert decision.isascii()
    assert decision.isprintable()
    assert all(escape[:2].upper() == escape[:2] for escape in decision.split("%")[1:])


@given(st.text("abcXYZ019-._~/", max_size=12), st.data())
def test_escaping_unreserved_bytes_changes_no_decision(tail: str, data: st.DataObject) -> None:
    """`/%61dmin` is `/admin`, whichever of its bytes are escaped."""
    plain = "/" + tail
    escaped = "".join(
        f"%{ord(character):02x}" if character != "/" and data.draw(st.booleans()) else character
        for character in plain
    )

    assert canonical(plain.encode())[0] == canonical(escaped.encode())[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(b"/a/b", False, id="plain"),
        pytest.param(b"/a%20b", False, id="another-escape"),
        pytest.param(b"/a%252Fb", False, id="PTH-03-escaped-twice"),
        pytest.param(b"/a%2Fb", True, id="PTH-03-slash"),
        pytest.param(b"/a%2fb", True, id="PTH-03-lower-case"),
        pytest.param(b"/a%5cb", True, id="PTH-03-backslash"),
    ],
)
def test_an_encoded_slash_is_seen_in_the_decision_form(path: bytes, expected: bool) -> None:
    """For routes that do not keep them."""
    decision, _ = canonical(path, keep_encoded_slashes=True)

    assert expected is has_encoded_slash(decision)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".js", ".js"),
        ("é b", "%C3%A9%20b"),
        ("%7e%c3%a9", "~%C3%A9"),
        ("//..", "//.."),
        ("100%", "100%25"),
        ("{x}", "%7Bx%7D"),
    ],
)
def test_a_piece_of_a_path_is_brought_into_the_decision_form(text: str, expected: str) -> None:
    """As a person writes it; that it is in this form already changes nothing."""
    assert expected == decision_form(text)
    assert expected == decision_form(expected)
