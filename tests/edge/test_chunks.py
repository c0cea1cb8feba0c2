"""Bodies in chunks: what is refused, and as what the others are read; ids name the row of reliability.md."""

from collections.abc import Callable, Iterable, Sequence
from typing import SupportsIndex

import attrs
import h11
import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import BadRequest, GatewayError, HeadersTooLarge
from gatekeeper.edge.chunks import LINE_LIMIT, OVERHEAD_LIMIT, TRAILER_COUNT, TRAILER_LIMIT, Chunks
from tests.edge.cuts import POSITIONS, at, case, damaged, every, every_way, one_by_one, pieces


BEHIND = b"GET /behind HTTP/1.1\r\n\r\n"
END = b"0\r\n\r\n"


@attrs.frozen
class Whole:
    """A body, and how many bytes it took on the wire."""

    body: bytes
    size: int


def decode(*data: bytes) -> Whole | type[GatewayError] | None:
    """What the decoder makes of these pieces; None where it wants more."""
    chunks, parts, taken = Chunks(), list[bytes](), 0
    for piece in data:
        try:
            end = chunks.feed(piece, parts)
        except GatewayError as error:
            return type(error)
        if end >= 0:
            return Whole(b"".join(parts), taken + end)
        taken += len(piece)
    return None


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(data), extension, data)


def trailers(size: int) -> bytes:
    """Two trailers of so many bytes in all."""
    return b"X-A: " + b"a" * 4000 + b"\r\nX-B: " + b"b" * (size - 4014) + b"\r\n"


READ = [
    # bytes; the body that they are read as
    case(END, b"", id="nothing"),
    case(b"2\r\nok\r\n" + END, b"ok", id="one-chunk"),
    case(b"2\r\nok\r\n3\r\nay!\r\n" + END, b"okay!", id="two-chunks"),
    case(b"a\r\n0123456789\r\n" + END, b"0123456789", id="lower-case"),
    case(b"A\r\n0123456789\r\n" + END, b"0123456789", id="upper-case"),
    case(b"002\r\nok\r\n000\r\n\r\n", b"ok", id="leading-zeros"),
    case(b"000000000000002\r\nok\r\n" + END, b"ok", id="as-many-digits-as-there-may-be"),
    case(b"6\r\n0\r\n\r\n0\r\n" + END, b"0\r\n\r\n0", id="an-end-inside-a-chunk"),
    case(b"3;a\r\n\n\r\x00\r\n" + END, b"\n\r\x00", id="any-bytes"),
    case(b"2;a=b\r\nok\r\n0;c\r\n\r\n", b"ok", id="extensions"),
    case(b"2;a;b=c;d\r\nok\r\n" + END, b"ok", id="several"),
    case(b'2;a="b\\"\t;\xff\\\\"\r\nok\r\n' + END, b"ok", id="quoted"),
    case(b'2;a=""\r\nok\r\n' + END, b"ok", id="an-empty-quotation"),
    case(b"2; \ta =\t b\r\nok\r\n" + END, b"ok", id="blanks-within-extensions"),
    case(b"2;" + b"a" * (LINE_LIMIT - 4) + b"\r\nok\r\n" + END, b"ok", id="the-longest-line"),
    case(b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", b"ok", id="FRM-15-a-trailer"),
    case(b"0\r\nX-A:\r\nX-B: \t\r\nX-C:\xe4 b\t\r\n\r\n", b"", id="FRM-15-values"),
    case(b"0\r\n!#$%&'*+-.^_`|~09azAZ: a\r\n\r\n", b"", id="FRM-15-a-name"),
    case(b"0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\n\r\n", b"", id="FRM-14-framing-is-dropped"),
    case(b"0\r\n" + b"A: b\r\n" * TRAILER_COUNT + b"\r\n", b"", id="FRM-15-as-many-as-there-may-be"),
    case(b"0\r\n" + trailers(TRAILER_LIMIT) + b"\r\n", b"", id="FRM-15-as-large-as-they-may-be"),
]  # fmt: skip

REFUSED = [
    # bytes; what they are refused with
    *(
        case(size + b"\r\nok\r\n" + END, BadRequest, id=f"FRM-10-{size!r}")
        for size in (b"+2", b"-2", b"0x2", b"2_", b"2 ", b" 2", b"\t2", b"2\t", b"", b"g", b"F" * 17, b"0" * 15 + b"2", b"0" * 16, "２".encode())  # noqa: RUF001
    ),
    case(b"2\nok\r\n" + END, BadRequest, id="FRM-11-a-line-feed-behind-a-size"),
    case(b"2\rok\r\n" + END, BadRequest, id="FRM-11-a-carriage-return-behind-a-size"),
    case(b"2\r\r\nok\r\n" + END, BadRequest, id="FRM-11-two-of-them"),
    case(b"2\r\nok\n" + END, BadRequest, id="FRM-11-a-line-feed-behind-a-chunk"),
    case(b"2\r\nok\r" + END, BadRequest, id="FRM-11-a-carriage-return-behind-a-chunk"),
    case(b"2\r\nok" + END, BadRequest, id="FRM-11-nothing-behind-a-chunk"),
    case(b"2\r\noka\r\n" + END, BadRequest, id="FRM-11-longer-than-its-size"),
    case(b"2\r\no\r\n" + END, BadRequest, id="FRM-11-shorter-than-its-size"),
    case(b"2\r\nok5\r\nhello\r\n" + END, BadRequest, id="FRM-11-a-chunk-instead-of-a-line-end"),
    case(b"0\r\n5\r\nhello\r\n\r\n", BadRequest, id="FRM-11-a-chunk-instead-of-trailers"),
    case(b"2\r\nok\r\n\r\n" + END, BadRequest, id="an-empty-line-between-chunks"),
    case(b"20\r\n" + b"x" * 32 + b"\r\n\r\n" + END, BadRequest, id="an-empty-line-behind-a-larger-one"),
    case(b"0\n\n", BadRequest, id="FRM-11-line-feeds-at-the-end"),
    case(b"0\r\n\n", BadRequest, id="FRM-11-a-line-feed-at-the-end"),
    case(b"0\r\n\r\r\n", BadRequest, id="two-carriage-returns-at-the-end"),
    case(b"0\r\n\rX", BadRequest, id="a-carriage-return-at-the-end"),
    *(
        case(b"2" + extension + b"\r\nok\r\n" + END, BadRequest, id=f"FRM-12-{extension!r}")
        for extension in (
            b";", b";;a", b"; ", b" ;a", b";a ", b";a b", b";a=", b";a==b", b";a=b c", b';a="', b';a="b', b';a="b"c', b';a=b"c"', b';="b"',
            b';a="\\', b';a="\0"', b';a="\x7f"', b';a="\\\x01"', b";a\n", b";a\rb", b";\0", b";\x80", b",a",
        )
    ),
    case(b"2;" + b"a" * (LINE_LIMIT - 3) + b"\r\nok\r\n" + END, BadRequest, id="a-line-that-is-too-long"),
    case(b"2;a" + b";a" * LINE_LIMIT + b"\r\nok\r\n" + END, BadRequest, id="a-line-that-is-far-too-long"),
    case(b"0\r\n folded: a\r\n\r\n", BadRequest, id="FRM-15-a-blank-before-a-trailer"),
    case(b"0\r\nA: b\r\n c\r\n\r\n", BadRequest, id="FRM-15-a-folded-trailer"),
    case(b"0\r\nA : b\r\n\r\n", BadRequest, id="FRM-15-a-blank-before-the-colon"),
    case(b"0\r\nA\r\n\r\n", BadRequest, id="FRM-15-no-colon"),
    case(b"0\r\n: a\r\n\r\n", BadRequest, id="FRM-15-no-name"),
    case(b"0\r\nA: b\n\r\n", BadRequest, id="FRM-15-a-line-feed"),
    case(b"0\r\nA: b\rc\r\n\r\n", BadRequest, id="FRM-15-a-carriage-return"),
    case(b"0\r\nA: \0\r\n\r\n", BadRequest, id="FRM-15-zero"),
    case(b"0\r\nA: \x7f\r\n\r\n", BadRequest, id="FRM-15-delete"),
    case(b"0\r\n\xe4: a\r\n\r\n", BadRequest, id="FRM-15-a-name-beyond-ascii"),
    case(b"0\r\nGET / HTTP/1.1\r\n\r\n", BadRequest, id="a-request-instead-of-trailers"),
    case(b"0\r\n" + b"A: b\r\n" * (TRAILER_COUNT + 1) + b"\r\n", HeadersTooLarge, id="FRM-15-one-too-many"),
    case(b"0\r\n" + b"A: b\r\n" * TRAILER_COUNT + b"\0\r\n\r\n", HeadersTooLarge, id="FRM-15-too-many-and-a-bad-one"),
    case(b"0\r\n" + b"A: b\r\n" * TRAILER_COUNT + b"\rA\r\n\r\n", HeadersTooLarge, id="FRM-15-too-many-and-a-carriage-return"),
    case(b"0\r\n" + trailers(TRAILER_LIMIT + 1) + b"\r\n", HeadersTooLarge, id="FRM-15-too-large"),
    case(b"0\r\n" + trailers(TRAILER_LIMIT) + b"A: b\r\n\r\n", HeadersTooLarge, id="FRM-15-one-behind-as-much-as-may-be"),
    case(b"0\r\n" + trailers(TRAILER_LIMIT - 1) + b"\rA\r\n\r\n", HeadersTooLarge, id="FRM-15-too-large-and-a-carriage-return"),
    case(b"0\r\nA: " + b"b" * TRAILER_LIMIT + b"\0\r\n\r\n", HeadersTooLarge, id="FRM-15-too-large-before-it-is-bad"),
    case(b"0\r\nA\0: " + b"b" * TRAILER_LIMIT + b"\r\n\r\n", BadRequest, id="FRM-15-bad-before-it-is-too-large"),
]  # fmt: skip

GOOD = [one.raw for one in READ]
BAD = [one.raw for one in REFUSED]


def cuts(raw: bytes) -> Iterable[list[bytes]]:
    """Every position of what is short, some of what is long."""
    return every_way(raw, BEHIND) if len(raw) < 500 else ([raw], pieces(raw, 61), one_by_one(raw))


@every("raw body", READ)
def test_what_is_read(raw: bytes, body: bytes) -> None:
    """FRM-38: the same, wherever it is cut; what comes behind it is left alone."""
    for cut in cuts(raw):
        assert Whole(body, len(raw)) == decode(*cut), cut


@every("raw error", REFUSED)
def test_what_is_refused(raw: bytes, error: type[GatewayError]) -> None:
    """FRM-38: with the same error, wherever it is cut."""
    for cut in cuts(raw):
        assert error is decode(*cut), cut


@pytest.mark.parametrize("raw", GOOD)
def test_what_has_not_come_whole_goes_on(raw: bytes) -> None:
    """FRM-11: no end is seen where there is none."""
    for position in range(0, len(raw), 1 if len(raw) < 500 else 61):
        assert None is decode(raw[:position])


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"x", id="FRM-10-no-digit"),
        pytest.param(b"0" * 16, id="FRM-10-too-many-digits"),
        pytest.param(b"2 ", id="FRM-10-a-blank"),
        pytest.param(b"2;a\rb", id="FRM-12-a-carriage-return"),
        pytest.param(b"2;" + b"a" * (LINE_LIMIT - 1), id="FRM-12-a-line-without-end"),
        pytest.param(b"2\r\nokx", id="FRM-11-longer-than-its-size"),
        pytest.param(b"0\r\n ", id="FRM-15-a-folded-trailer"),
        pytest.param(b"0\r\nA\0", id="FRM-15-zero"),
        pytest.param(b"0\r\nA: b\r\n\rX", id="FRM-15-a-carriage-return"),
    ],
)
def test_what_cannot_become_a_body_is_refused_at_once(raw: bytes) -> None:
    """Nobody waits for the end of its line."""
    assert BadRequest is decode(raw)
    assert BadRequest is decode(*one_by_one(raw))
    assert None is decode(raw[:-1])


def test_a_trailer_without_end_is_refused_when_it_is_too_large() -> None:
    """FRM-15: it is not held until it ends."""
    raw = b"0\r\nA: " + b"b" * (TRAILER_LIMIT - 3)

    assert None is decode(raw)
    assert HeadersTooLarge is decode(raw + b"b")
    assert HeadersTooLarge is decode(*one_by_one(raw + b"b"))


# ---- what framing may cost ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "extension"),
    [
        pytest.param(b"x", b"", id="FRM-13-one-byte-each"),
        pytest.param(b"x" * 5, b";a=12345678", id="explained-by-the-data"),
        pytest.param(b"x" * 1000, b";" + b"a" * 2000, id="large-extensions-of-large-chunks"),
    ],
)
def test_framing_that_data_explains_is_never_too_much(data: bytes, extension: bytes) -> None:
    """However many chunks there are."""
    assert isinstance(decode(chunk(data, extension) * 5000 + END), Whole)


@pytest.mark.parametrize(
    "drip", [pytest.param(1, id="by-the-byte"), pytest.param(1 << 20, id="in-one-piece")]
)
@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"", id="at-once"),
        pytest.param(chunk(b"x" * 100), id="behind-data"),
        pytest.param(chunk(b"x" * 100, b";a"), id="behind-data-with-an-extension"),
    ],
)
def test_framing_beyond_the_data_is_bounded(drip: int, before: bytes) -> None:
    """16 KiB in all; each chunk here has 64 bytes more than sixteen and twice its data."""
    line = chunk(b"x", b";" + b"a" * 76)
    assert 64 == len(line) - 1 - 16 - 2
    fit = OVERHEAD_LIMIT // 64

    assert isinstance(decode(*pieces(before + line * fit + END, drip)), Whole)
    assert BadRequest is decode(*pieces(before + line * (fit + 1) + END, drip))


def test_data_pays_for_framing_that_came_before() -> None:
    """What is beyond the measure is worked off, but nothing is saved up."""
    dear, cheap = chunk(b"x", b";" + b"a" * 2000), chunk(b"x" * 5000)

    assert isinstance(decode((dear + cheap) * 50 + END), Whole)
    assert BadRequest is decode(cheap * 50 + dear * 9 + END)


class Counted(bytes):
    """Bytes that count how many of them are looked at or copied."""

    touched = 0

    def __getitem__(self, key: SupportsIndex | slice) -> bytes:  # type: ignore[override]
        part = super().__getitem__(key)
        assert isinstance(part, bytes)
        self.touched += len(part)
        return part

    def find(self, sub: bytes, start: int = 0) -> int:  # type: ignore[override]
        found = super().find(sub, start)
        self.touched += (found if found >= 0 else len(self)) - start
        return found


def test_one_byte_chunks_cost_as_much_as_they_are_long() -> None:
    """FRM-13: a megabyte of them; nothing is looked at more than a few times, however much comes at once."""
    count = (1 << 20) // len(chunk(b"x"))
    chunks, parts = Chunks(), list[bytes]()
    touched, end = 0, -1
    for piece in map(Counted, pieces(chunk(b"x") * count + END, 65536)):
        assert -1 == end
        end = chunks.feed(piece, parts)
        touched += piece.touched

    assert len(piece) == end
    assert [b"x"] * count == parts
    assert touched < 3 << 20


# ---- at random ----------------------------------------------------------------------------------------------------

WORD = st.lists(st.sampled_from(b"!#$%&'*+-.^_`|~0aZ"), min_size=1, max_size=4).map(bytes)
QUOTED = st.lists(
    st.one_of(
        st.sampled_from([bytes([n]) for n in (9, 32, 33, *range(35, 92), *range(93, 127), *range(128, 256))]),
        st.sampled_from([b"\\" + bytes([n]) for n in (9, *range(32, 127), *range(128, 256))]),
    ),
    max_size=4,
).map(lambda parts: b'"' + b"".join(parts) + b'"')
EXTENSION = st.one_of(
    st.builds(lambda name: b";" + name, WORD),
    st.builds(lambda name, value: b"; " + name + b"=" + value, WORD, st.one_of(WORD, QUOTED)),
)
EXTENSIONS = st.lists(EXTENSION, max_size=2).map(b"".join)
TRAILER = st.builds(
    lambda name, value: name + b":" + value + b"\r\n",
    WORD,
    st.lists(st.sampled_from([9, *range(32, 127), *range(128, 256)]), max_size=8).map(bytes),
)


@st.composite
def framed(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A body, and the same in chunks of any size."""
    body, raw = b"", b""
    for data in draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6)):
        size = draw(st.sampled_from([b"%x", b"%X", b"0%x", b"%010x"])) % len(data)
        raw += size + draw(EXTENSIONS) + b"\r\n" + data + b"\r\n"
        body += data
    end = draw(st.sampled_from([b"0", b"000"])) + draw(EXTENSIONS) + b"\r\n"
    return body, raw + end + b"".join(draw(st.lists(TRAILER, max_size=3))) + b"\r\n"


@given(body_and_raw=framed(), behind=st.binary(max_size=20), positions=POSITIONS)
def test_any_chunking_is_read(
    body_and_raw: tuple[bytes, bytes], behind: bytes, positions: Sequence[int]
) -> None:
    """To the same body, and to the same end."""
    body, raw = body_and_raw

    assert Whole(body, len(raw)) == decode(*at(raw + behind, positions))


FRAGMENTS = [
    b"\r\n", b"\r", b"\n", b"\r\n\r\n", b"0", b"2", b"f", b"A", b"00000000000000", b"-", b"+", b"_", b" ", b"\t", b";", b";a", b";a=b", b'"',
    b'="b"', b"\\", b"\0", b"\x7f", b"\xff", b"x", b"X: y\r\n", b": ", b"0\r\n\r\n", b"2\r\nok\r\n",
]  # fmt: skip
ANY = st.one_of(
    damaged([raw for raw in (*GOOD, *BAD) if len(raw) < 500], FRAGMENTS),
    damaged([b"5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX-A: b\r\nX-C: d\r\n\r\n"], FRAGMENTS),
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map(b"".join),
)


@given(raw=ANY, positions=POSITIONS)
def test_where_it_is_cut_never_matters(raw: bytes, positions: Sequence[int]) -> None:
    """FRM-38: for what is not legal, either."""
    assert decode(raw) == decode(*at(raw, positions)) == decode(*one_by_one(raw))


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def by_h11(raw: bytes) -> Whole | None:
    """The same by h11; None where it refuses it, or waits for more."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(HEAD + raw)
    body = b""
    try:
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                return None
            if isinstance(event, h11.Data):
                body += event.data
    except h11.RemoteProtocolError:
        return None
    return Whole(body, len(raw) - len(connection.trailing_data[0]))


class Callbacks:
    """What httptools makes of a body."""

    def __init__(self) -> None:
        self.body = b""
        self.complete = False

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


def by_httptools(raw: bytes) -> Whole | None:
    """The same by httptools, which is fed byte by byte to see where it ends."""
    callbacks = Callbacks()
    parser = httptools.HttpRequestParser(callbacks)
    parser.feed_data(HEAD)
    for position in range(len(raw)):
        try:
            parser.feed_data(raw[position : position + 1])
        except httptools.HttpParserError:
            return None
        if callbacks.complete:
            return Whole(callbacks.body, position + 1)
    return None


@given(raw=ANY)
def test_whatever_passes_means_the_same_to_others(raw: bytes) -> None:
    """Where they accept it, too, they see the same body, and the end of it in the same place."""
    verdict = decode(raw)
    if isinstance(verdict, Whole):
        assert by_h11(raw) in {verdict, None}
        assert by_httptools(raw) in {verdict, None}


@given(body_and_raw=framed())
def test_whatever_is_legal_means_the_same_to_others(body_and_raw: tuple[bytes, bytes]) -> None:
    """h11 takes all of it; httptools knows no blanks in extensions."""
    body, raw = body_and_raw

    assert Whole(body, len(raw)) == by_h11(raw + BEHIND)
    assert by_httptools(raw + BEHIND) in {Whole(body, len(raw)), None}


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        pytest.param(by_h11, {"FRM-14-framing-is-dropped"}, id="h11"),
        pytest.param(by_httptools, {"FRM-14-framing-is-dropped", "blanks-within-extensions"}, id="httptools"),
    ],
)
def test_others_have_their_say(other: Callable[[bytes], Whole | None], refused: set[str]) -> None:
    """The comparisons above compare something."""
    assert refused == {one.id for one in READ if other(one.raw) is None}
