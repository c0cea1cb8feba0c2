"""The fields that only some requests have; ids name the row of reliability.md."""

import pytest

from gatekeeper.core.errors import (
    BadRequest,
    BadTarget,
    ExpectationFailed,
    GatewayError,
    LoopDetected,
    NotSupported,
)
from gatekeeper.edge.facts import (
    BAGGAGE_MEMBERS,
    BAGGAGE_SIZE,
    HOPS,
    NOMINATIONS,
    Facts,
    absolute,
    check_coding,
    connection_options,
    length_of,
)
from gatekeeper.edge.fields import Action
from gatekeeper.observe.trace import TRACESTATE_LIMIT


def facts(action: Action, *values: bytes) -> Facts:
    return Facts([(action, value) for value in values])


def test_a_request_can_have_none_of_them() -> None:
    """Then nothing follows."""
    none = Facts([])

    assert (None, None, None, None, None, None) == (
        none.expect,
        none.max_forwards,
        none.forwarded,
        none.request_id,
        none.traceparent,
        none.tracestate,
    )
    assert ("", "", "") == (none.upgrade, none.proto, none.host)
    assert ([], [], []) == (none.chain, none.via, none.baggage)
    assert not none.takes_trailers


def test_fields_do_not_mix() -> None:
    """Each is taken from those of its own name, in order."""
    found = Facts(
        [
            (Action.FORWARDED_FOR, b"1.1.1.1"),
            (Action.VIA, b"1.1 a"),
            (Action.FORWARDED_FOR, b"2.2.2.2, 3.3.3.3"),
            (Action.VIA, b"1.1 b"),
            (Action.REQUEST_ID, b"x"),
        ]
    )

    assert ["1.1.1.1", "2.2.2.2", " 3.3.3.3"] == found.chain
    assert [(b"Via", b"1.1 a"), (b"Via", b"1.1 b")] == found.via
    assert b"x" == found.request_id


# ---- Expect, Max-Forwards, TE -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"100-continue", b"100-Continue", b"100-CONTINUE"])
def test_the_one_expectation_is_known(value: bytes) -> None:
    """FRM-32: in any case (RFC 9110 section 10.1.1)."""
    assert value == facts(Action.EXPECT, value).expect


@pytest.mark.parametrize(
    "values", [[b"foo"], [b""], [b"100-continue, foo"], [b"100-continue", b"100-continue"], [b"200-ok"]]
)
def test_any_other_expectation_is_refused(values: list[bytes]) -> None:
    """FRM-34: what is not understood cannot be met."""
    with pytest.raises(ExpectationFailed):
        facts(Action.EXPECT, *values)


@pytest.mark.parametrize(
    ("value", "number"), [(b"0", 0), (b"7", 7), (b"0010", 10), (b"9" * 19, 9999999999999999999)]
)
def test_forwards_are_counted(value: bytes, number: int) -> None:
    """HOP-12: a number."""
    assert number == facts(Action.MAX_FORWARDS, value).max_forwards


@pytest.mark.parametrize(
    "values", [[b""], [b"-1"], [b"+1"], [b"1.0"], [b"1, 2"], [b"x"], [b"9" * 20], [b"1", b"1"], ["１".encode()]]  # noqa: RUF001
)  # fmt: skip
def test_forwards_that_cannot_be_counted_are_refused(values: list[bytes]) -> None:
    """HOP-12: nobody guesses."""
    with pytest.raises(BadRequest):
        facts(Action.MAX_FORWARDS, *values)


@pytest.mark.parametrize(
    ("values", "takes"),
    [
        pytest.param([b"trailers"], True, id="alone"),
        pytest.param([b"Trailers"], True, id="in-any-case"),
        pytest.param([b"gzip, trailers"], True, id="last"),
        pytest.param([b"trailers, deflate;q=0.5"], True, id="first"),
        pytest.param([b"gzip,\ttrailers ,x"], True, id="in-the-middle"),
        pytest.param([b"gzip", b"trailers"], True, id="in-a-field-of-its-own"),
        pytest.param([b""], False, id="empty"),
        pytest.param([b"gzip"], False, id="another"),
        pytest.param([b"xtrailers"], False, id="a-longer-word"),
        pytest.param([b"trailersx"], False, id="a-longer-word-behind"),
        pytest.param([b"trailers x"], False, id="two-words"),
        pytest.param([b"trailers;q=0"], False, id="a-weight"),
        pytest.param([b"x;y=trailers"], False, id="a-parameter"),
    ],
)
def test_whether_trailers_are_taken(values: list[bytes], *, takes: bool) -> None:
    """HOP-11: only who says so gets them."""
    assert takes is facts(Action.TE, *values).takes_trailers


# ---- Upgrade ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "upgrade"),
    [
        pytest.param([b"websocket"], "websocket", id="one"),
        pytest.param([b"WebSocket"], "websocket", id="in-any-case"),
        pytest.param([b"h2c, websocket"], "h2c, websocket", id="a-list"),
        pytest.param([b"h2c", b"websocket"], "h2c,websocket", id="two-fields"),
        pytest.param([b"IRC/6.9, TLS/1.0"], "irc/6.9, tls/1.0", id="versions"),
        pytest.param([b""], "", id="nothing"),
        pytest.param([b"web socket\xff"], "", id="bytes-beyond-ascii"),
        pytest.param([b'"websocket"'], "", id="a-quotation"),
        pytest.param([b"websocket;x"], "", id="a-parameter"),
    ],
)
def test_what_a_client_wants_to_switch_to(values: list[bytes], upgrade: str) -> None:
    """In lower case; what cannot be understood is no wish."""
    assert upgrade == facts(Action.UPGRADE, *values).upgrade


# ---- tracing, ids, proxies ----------------------------------------------------------------------------------------------


def test_a_trace_passes() -> None:
    """FWD-10: as it came; whether it is well-formed is judged elsewhere."""
    assert b"x" == facts(Action.TRACEPARENT, b"x").traceparent
    assert b"a=1,b=2" == facts(Action.TRACESTATE, b"a=1", b"b=2").tracestate


@pytest.mark.parametrize("value", [b"a" * (TRACESTATE_LIMIT + 1), b"," * 32])
def test_a_trace_state_that_is_too_large_is_dropped(value: bytes) -> None:
    """FWD-10: whole, as the standard asks."""
    assert None is facts(Action.TRACESTATE, value).tracestate


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        pytest.param([b"a=1;p,b=2"], True, id="one"),
        pytest.param([b"a=1", b"b=2"], True, id="two"),
        pytest.param([b"a" * BAGGAGE_SIZE], True, id="as-large-as-it-may-be"),
        pytest.param([b"a" * (BAGGAGE_SIZE + 1)], False, id="one-byte-more"),
        pytest.param([b"a" * 4000, b"b" * (BAGGAGE_SIZE - 4001)], True, id="as-large-in-two"),
        pytest.param([b"a" * 4000, b"b" * (BAGGAGE_SIZE - 4000)], False, id="one-byte-more-in-two"),
        pytest.param([b",".join([b"a=1"] * BAGGAGE_MEMBERS)], True, id="as-many-as-there-may-be"),
        pytest.param([b",".join([b"a=1"] * BAGGAGE_MEMBERS), b"b=2"], False, id="one-more"),
    ],
)
def test_baggage_passes_whole_or_not_at_all(values: list[bytes], *, kept: bool) -> None:
    """FWD-10: as it came, up to what W3C asks every platform to pass on."""
    assert [(b"baggage", value) for value in values if kept] == facts(Action.BAGGAGE, *values).baggage


@pytest.mark.parametrize(
    ("values", "chain"),
    [
        pytest.param([b"1.1.1.1"], ["1.1.1.1"], id="one"),
        pytest.param([b"1.1.1.1,2.2.2.2"], ["1.1.1.1", "2.2.2.2"], id="two"),
        pytest.param([b"1.1.1.1", b"2.2.2.2"], ["1.1.1.1", "2.2.2.2"], id="FWD-02-two-fields"),
        pytest.param([b"", b" ,, 1.1.1.1,"], [" 1.1.1.1"], id="empty-ones"),
        pytest.param([b"\xe4"], ["ä"], id="bytes-beyond-ascii"),
        pytest.param([b"1.1.1.1,\xa0,\x85"], ["1.1.1.1", "\xa0", "\x85"], id="what-is-blank-elsewhere"),
    ],
)
def test_who_it_was_forwarded_for(values: list[bytes], chain: list[str]) -> None:
    """FWD-02: in order, not judged yet."""
    assert chain == facts(Action.FORWARDED_FOR, *values).chain


@pytest.mark.parametrize(
    ("values", "last"),
    [
        pytest.param([b"https"], "https", id="one"),
        pytest.param([b"http, https "], "https", id="the-neighbour-is-last"),
        pytest.param([b"http", b"https"], "https", id="two-fields"),
        pytest.param([b"https,"], "", id="the-last-is-empty"),
        pytest.param([b"http,\thttps\xa0"], "https\xa0", id="what-is-blank-elsewhere"),
    ],
)
def test_of_several_claims_the_last_counts(values: list[bytes], last: str) -> None:
    """FWD-05: it is the one that the trusted neighbour wrote."""
    assert last == facts(Action.FORWARDED_PROTO, *values).proto
    assert last == facts(Action.FORWARDED_HOST, *values).host


def test_forwarded_fields_are_one_list() -> None:
    """FWD-04: also an empty one is there."""
    assert "for=a,for=b" == facts(Action.FORWARDED, b"for=a", b"for=b").forwarded
    assert "" == facts(Action.FORWARDED, b"").forwarded


def test_a_request_goes_round_a_few_times_only() -> None:
    """HOP-09: however the gateways are named in one field or in several."""
    once = b"1.1 gatekeeper"
    assert HOPS - 1 == len(facts(Action.VIA, *[once] * (HOPS - 1)).via)

    for values in (
        [once] * HOPS,
        [b", ".join([once] * HOPS)],
        [once, b"1.1 x, 1.1 gatekeeper", *[once] * (HOPS - 2)],
    ):
        with pytest.raises(LoopDetected):
            facts(Action.VIA, *values)


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        pytest.param(b"1.1 gatekeeper", True, id="plain"),
        pytest.param(b"HTTP/1.1\tgatekeeper (a, b)", True, id="with-a-comment"),
        pytest.param(b"1.0 x,1.1 gatekeeper", True, id="last"),
        pytest.param(b"1.1 gatekeeper , 1.0 x", True, id="first"),
        pytest.param(b"1.1 gatekeeper2", False, id="a-longer-name"),
        pytest.param(b"1.1 gatekeeper-2", False, id="another-one"),
        pytest.param(b"1.1 my-gatekeeper", False, id="a-name-that-ends-so"),
        pytest.param(b"1.1 gatekeeper.example:80", False, id="a-host"),
        pytest.param(b"gatekeeper", False, id="no-protocol"),
        pytest.param(b"1.1 x (1.1 gatekeeper)", False, id="in-a-comment"),
    ],
)
def test_our_name_is_known_among_others(value: bytes, *, ours: bool) -> None:
    """HOP-09: as the receiver of a message (RFC 9110 section 7.6.3)."""
    if ours:
        with pytest.raises(LoopDetected):
            facts(Action.VIA, *[value] * HOPS)
    else:
        assert HOPS == len(facts(Action.VIA, *[value] * HOPS).via)


def test_others_may_have_forwarded_it_more_often() -> None:
    """HOP-09: only our own name counts."""
    assert 50 == len(facts(Action.VIA, *[b"1.1 proxy"] * 50).via)


def test_a_name_that_is_refused_refuses_the_request() -> None:
    """FRM-36: where underscores are rejected."""
    with pytest.raises(BadRequest, match="`_`"):
        facts(Action.REFUSE, b"x")


# ---- framing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "length"), [(b"0", 0), (b"5", 5), (b"0002", 2), (b"9" * 19, 9999999999999999999)]
)
def test_a_length_is_a_number(value: bytes, length: int) -> None:
    """FRM-04: what goes out is written anew."""
    assert length == length_of(value)


@pytest.mark.parametrize(
    "value",
    [b"", b"+2", b"-2", b"0x2", b"1_0", b" 2", b"2 ", b"2,2", b"2 3", b"9" * 20, "２".encode(), b"2\n"],  # noqa: RUF001
)
def test_what_is_no_length_is_refused(value: bytes) -> None:
    """FRM-03: whatever a parser may make of it."""
    with pytest.raises(BadRequest):
        length_of(value)


@pytest.mark.parametrize("value", [b"chunked", b"Chunked", b"CHUNKED"])
def test_chunks_are_the_one_coding(value: bytes) -> None:
    """In any case."""
    check_coding(value)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        pytest.param(b"gzip, chunked", NotSupported, id="FRM-06-another-one-before"),
        pytest.param(b"gzip", NotSupported, id="FRM-06-another-one"),
        pytest.param(b"identity", NotSupported, id="FRM-05-none"),
        pytest.param(b"xchunked", NotSupported, id="FRM-05-a-longer-word"),
        pytest.param(b"chunked, chunked", NotSupported, id="FRM-05-twice"),
        pytest.param(b",chunked", BadRequest, id="FRM-07-nothing-before"),
        pytest.param(b"chunked,", BadRequest, id="FRM-07-nothing-behind"),
        pytest.param(b"", BadRequest, id="FRM-09-empty"),
        pytest.param(b"chunked;q=1", BadRequest, id="FRM-05-a-parameter"),
        pytest.param(b"\x0bchunked", BadRequest, id="FRM-05-a-vertical-tab"),
        pytest.param(b"chunked chunked", BadRequest, id="FRM-05-no-comma"),
    ],
)
def test_any_other_coding_is_refused(value: bytes, error: type[GatewayError]) -> None:
    """What is a coding is not supported, anything else is malformed."""
    with pytest.raises(error):
        check_coding(value)


# ---- Connection -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "options"),
    [
        pytest.param(b"close", {b"close"}, id="one"),
        pytest.param(b"Keep-Alive, X-A,x-a", {b"keep-alive", b"x-a"}, id="in-any-case"),
        pytest.param(b",, \tclose\t , ,", {b"close"}, id="empty-ones"),
        pytest.param(b"", set(), id="none"),
        pytest.param(b",".join(b"a%d" % n for n in range(NOMINATIONS)), {b"a%d" % n for n in range(NOMINATIONS)}, id="HOP-03-as-many-as-there-may-be"),
        pytest.param(b"a, " * 1000, {b"a"}, id="HOP-03-one-a-thousand-times"),
    ],
)  # fmt: skip
def test_options_of_a_connection(value: bytes, options: set[bytes]) -> None:
    """In lower case, without what is empty (RFC 9110 section 5.6.1)."""
    assert options == connection_options(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b",".join(b"a%d" % n for n in range(NOMINATIONS + 1)), id="HOP-03-one-too-many"),
        pytest.param(b"close;", id="HOP-03-a-semicolon"),
        pytest.param(b",,;", id="HOP-03-commas-and-a-semicolon"),
        pytest.param(b"close x", id="two-words"),
        pytest.param(b'"close"', id="a-quotation"),
        pytest.param(b"close\xa0", id="another-blank"),
        pytest.param(b"x-\xe4", id="bytes-beyond-ascii"),
    ],
)
def test_options_that_are_none_are_refused(value: bytes) -> None:
    """Somebody else could understand them."""
    with pytest.raises(BadRequest):
        connection_options(value)


# ---- targets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "path", "authority"),
    [
        pytest.param(b"http://a.example/b?c", b"/b?c", b"a.example", id="FRM-21-all"),
        pytest.param(b"HTTP://A.example:80/", b"/", b"A.example:80", id="FRM-21-in-any-case"),
        pytest.param(b"http://a.example", b"/", b"a.example", id="no-path"),
        pytest.param(b"http://a.example?c", b"/?c", b"a.example", id="only-a-query"),
        pytest.param(b"http://a.example?c/d", b"/?c/d", b"a.example", id="a-slash-in-the-query"),
        pytest.param(b"http://a.example/b?http://c/", b"/b?http://c/", b"a.example", id="an-address-in-the-query"),
        pytest.param(b"http://[::1]:80//b", b"//b", b"[::1]:80", id="an-address-in-brackets"),
        pytest.param(b"http://u@a.example/", b"/", b"u@a.example", id="FRM-20-users-are-judged-later"),
        pytest.param(b"http://a.example#b/c", b"/c", b"a.example#b", id="FRM-20-fragments-are-judged-later"),
    ],
)  # fmt: skip
def test_an_absolute_target_has_an_authority(target: bytes, path: bytes, authority: bytes) -> None:
    """RFC 9112 section 3.2.2."""
    assert (path, authority) == absolute(target, "GET", "http")


@pytest.mark.parametrize(
    ("target", "method", "scheme"),
    [
        pytest.param(b"https://a/", "GET", "http", id="FRM-22-https-on-http"),
        pytest.param(b"http://a/", "GET", "https", id="FRM-22-http-on-https"),
        pytest.param(b"ftp://a/", "GET", "http", id="FRM-22-another-scheme"),
        pytest.param(b"file:///etc/passwd", "GET", "http", id="FRM-22-a-file"),
        pytest.param(b"http:///b", "GET", "http", id="no-host"),
        pytest.param(b"http://", "GET", "http", id="nothing"),
        pytest.param(b"http://?a", "GET", "http", id="only-a-query"),
        pytest.param(b"http:/a", "GET", "http", id="one-slash"),
        pytest.param(b"a.example:80", "GET", "http", id="an-authority"),
        pytest.param(b"xhttp://a/", "GET", "http", id="a-longer-scheme"),
        pytest.param(b"*", "GET", "http", id="FRM-24-an-asterisk"),
        pytest.param(b"**", "OPTIONS", "http", id="FRM-24-two-of-them"),
    ],
)
def test_what_is_no_target_here_is_refused(target: bytes, method: str, scheme: str) -> None:
    """FRM-22: it is never dialled."""
    with pytest.raises(BadTarget):
        absolute(target, method, scheme)


def test_options_can_be_asked_of_the_whole_server() -> None:
    """FRM-24: RFC 9112 section 3.2.4."""
    assert (b"*", b"") == absolute(b"*", "OPTIONS", "http")


def test_an_absolute_target_is_that_of_its_listener() -> None:
    """Also where that speaks TLS."""
    assert (b"/", b"a") == absolute(b"https://a", "GET", "https")
