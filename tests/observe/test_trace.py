"""W3C trace context: valid ones pass untouched, all others start anew."""

import random

import pytest

from gatekeeper.observe.trace import TraceContext, accept, keeps_baggage, keeps_tracestate, new_trace, parse


TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
VALID = f"00-{TRACE}-{PARENT}-01".encode()

BAD = [
    pytest.param(b"", id="empty"),
    pytest.param(b"x" * 65_536, id="64-KiB"),
    pytest.param(f"ff-{TRACE}-{PARENT}-01".encode(), id="version-ff"),
    pytest.param(f"0-{TRACE}-{PARENT}-01".encode(), id="version-of-one-digit"),
    pytest.param(f"0G-{TRACE}-{PARENT}-01".encode(), id="version-not-hex"),
    pytest.param(f"00-{'0' * 32}-{PARENT}-01".encode(), id="trace-id-of-zeroes"),
    pytest.param(f"00-{TRACE}-{'0' * 16}-01".encode(), id="parent-id-of-zeroes"),
    pytest.param(f"00-{TRACE.upper()}-{PARENT}-01".encode(), id="upper-case"),
    pytest.param(f"00-{TRACE}-{PARENT}-1".encode(), id="flags-of-one-digit"),
    pytest.param(f"00-{TRACE}-{PARENT}".encode(), id="no-flags"),
    pytest.param(f"00-{TRACE}-{PARENT}-01-what".encode(), id="version-00-goes-on"),
    pytest.param(f"00-{TRACE}-{PARENT}-01-".encode(), id="version-00-ends-with-a-dash"),
    pytest.param(f"cc-{TRACE}-{PARENT}-01.what".encode(), id="later-version-goes-on-without-a-dash"),
    pytest.param(f"cc-{TRACE}-{PARENT}-01-a\n".encode(), id="later-version-with-a-line-end"),
    pytest.param(VALID + b"\n", id="line-end"),
    pytest.param(b" " + VALID, id="blank-before"),
    pytest.param(VALID + b", " + VALID, id="two-fields-joined"),
]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(VALID, id="version-00"),
        pytest.param(f"cc-{TRACE}-{PARENT}-01".encode(), id="later-version"),
        pytest.param(f"cc-{TRACE}-{PARENT}-01-what.the=future".encode(), id="later-version-goes-on"),
        pytest.param(f"cc-{TRACE}-{PARENT}-01-".encode(), id="later-version-ends-with-a-dash"),
    ],
)
def test_a_valid_traceparent_is_passed_through_unchanged(value: bytes) -> None:
    """The gateway makes no span of its own, so the client's stays the parent."""
    assert (value, TRACE, False) == accept(value, random.getrandbits)


@pytest.mark.parametrize("value", BAD)
def test_a_malformed_traceparent_starts_a_fresh_trace(value: bytes) -> None:
    """FWD-10: nothing of it survives."""
    header, trace_id, fresh = accept(value, random.Random(1).getrandbits)

    assert fresh
    assert TraceContext(trace_id, header[36:52].decode(), 0) == parse(header)


@pytest.mark.parametrize("value", BAD)
def test_a_malformed_traceparent_is_not_parsed(value: bytes) -> None:
    """Strictly by the grammar."""
    assert parse(value) is None


def test_a_missing_traceparent_starts_a_fresh_trace_that_is_not_sampled() -> None:
    """The upstream decides whether it records."""
    header, trace_id, fresh = accept(None, lambda bits: (1 << bits) - 1)

    assert (f"00-{'f' * 32}-{'f' * 16}-00".encode(), "f" * 32, True) == (header, trace_id, fresh)


def test_a_stuck_random_source_still_gives_a_valid_trace() -> None:
    """Ids of zeroes are forbidden, whatever the source says."""
    header, _, _ = accept(None, lambda _: 0)

    assert TraceContext("0" * 31 + "1", "0" * 15 + "1") == parse(header)


def test_fresh_traces_differ() -> None:
    """Two requests are two traces."""
    assert new_trace(random.getrandbits) != new_trace(random.getrandbits)


def test_a_parsed_context_tells_its_fields() -> None:
    """Trace, parent and flags, of which only `sampled` has a meaning."""
    context = parse(f"cc-{TRACE}-{PARENT}-09-more".encode())

    assert TraceContext(TRACE, PARENT, 9) == context
    assert context.sampled


def test_a_context_is_written_in_version_00() -> None:
    """A later version's extra fields are not ours to invent."""
    context = TraceContext(TRACE, PARENT)

    assert f"00-{TRACE}-{PARENT}-00".encode() == context.header()
    assert not context.sampled


@pytest.mark.parametrize(
    ("keeps", "tracestate"),
    [
        pytest.param(True, b"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", id="two-members"),
        pytest.param(True, b"", id="empty"),
        pytest.param(True, b"x" * 512, id="512-bytes"),
        pytest.param(False, b"x" * 513, id="513-bytes"),
        pytest.param(True, b",".join([b"a=1"] * 32), id="32-members"),
        pytest.param(False, b",".join([b"a=1"] * 33), id="33-members"),
    ],
)
def test_a_tracestate_beyond_the_bounds_is_dropped(keeps: bool, tracestate: bytes) -> None:
    """512 bytes and 32 members."""
    assert keeps == keeps_tracestate(tracestate)


@pytest.mark.parametrize(
    ("keeps", "length"),
    [
        pytest.param(True, 8192, id="8-KiB"),
        pytest.param(False, 8193, id="one-more"),
        pytest.param(False, 65_536, id="FWD-10"),
    ],
)
def test_a_baggage_beyond_the_bound_is_dropped(keeps: bool, length: int) -> None:
    """8192 bytes, the least that must be propagated."""
    assert keeps == keeps_baggage(b"x" * length)
