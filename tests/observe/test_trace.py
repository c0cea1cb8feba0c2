"""W3C trace context: valid ones pass untouched, all others start anew."""

import random

import pytest

from gatekeeper.observe.trace import accept, keeps_tracestate


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
    assert header.endswith(b"-00")
    assert (header, trace_id, False) == accept(header, random.getrandbits)
    assert TRACE != trace_id


def test_a_missing_traceparent_starts_a_fresh_trace_that_is_not_sampled() -> None:
    """The upstream decides whether it records."""
    header, trace_id, fresh = accept(None, lambda bits: (1 << bits) - 1)

    assert (f"00-{'f' * 32}-{'f' * 16}-00".encode(), "f" * 32, True) == (header, trace_id, fresh)


def test_a_stuck_random_source_still_gives_a_valid_trace() -> None:
    """Ids of zeroes are forbidden, whatever the source says."""
    header, trace_id, _ = accept(None, lambda _: 0)

    assert f"00-{'0' * 31}1-{'0' * 15}1-00".encode() == header
    assert (header, trace_id, False) == accept(header, random.getrandbits)


def test_fresh_traces_differ() -> None:
    """Two requests are two traces."""
    assert accept(None, random.getrandbits) != accept(None, random.getrandbits)


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
