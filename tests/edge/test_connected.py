"""How many connections are open."""

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.edge.connected import Connected
from gatekeeper.edge.forwarded import Address, parse_address
from gatekeeper.edge.settings import EdgeLimits


LIMITS = EdgeLimits(connections=3, connections_per_address=2)


def address(text: str) -> Address:
    """An address."""
    found = parse_address(text)
    assert found is not None
    return found


def test_all_together_are_limited() -> None:
    """LIM-08: whoever is in stays in, and a place that becomes free is given again."""
    connected = Connected()
    who = [object() for _ in range(4)]
    met = [connected.enter(one, address(f"192.0.2.{at}"), LIMITS) for at, one in enumerate(who)]
    assert [None, None, None, "connections"] == met
    assert 3 == len(connected)
    connected.leave(who[0])
    assert None is connected.enter(who[3], address("192.0.2.9"), LIMITS)


def test_those_from_one_address_are_limited() -> None:
    """LIM-08: others are not concerned."""
    connected = Connected()
    who = [object() for _ in range(4)]
    assert None is connected.enter(who[0], address("192.0.2.1"), LIMITS)
    assert None is connected.enter(who[1], address("192.0.2.1"), LIMITS)
    assert "connections_per_address" == connected.enter(who[2], address("192.0.2.1"), LIMITS)
    assert None is connected.enter(who[3], address("192.0.2.2"), LIMITS)
    connected.leave(who[1])
    assert 2 == len(connected)
    assert None is connected.enter(who[2], address("192.0.2.1"), LIMITS)


def test_a_network_of_ipv6_counts_as_one() -> None:
    """RTL-02: a thousand addresses cost nothing there; the next network is somebody else."""
    connected = Connected()
    texts = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"]
    met = [connected.enter(text, address(text), LIMITS) for text in texts]
    assert [None, None, "connections_per_address", None] == met


def test_who_has_no_address_or_is_trusted_counts_among_all_only() -> None:
    """A socket in the file system, and a proxy behind which everybody is."""
    connected = Connected()
    limits = EdgeLimits(connections=100, connections_per_address=1)
    assert [None] * 5 == [connected.enter(at, None, limits) for at in range(5)]
    for at in range(5):
        connected.leave(at)
    assert 0 == len(connected)


def test_no_limit_for_each_address_is_none() -> None:
    """Only all together count."""
    connected = Connected()
    limits = EdgeLimits(connections=9, connections_per_address=None)
    met = [connected.enter(at, address("192.0.2.1"), limits) for at in range(10)]
    assert [None] * 9 + ["connections"] == met


def test_who_was_never_in_does_not_leave() -> None:
    """Nor a second time."""
    connected = Connected()
    connected.enter("a", address("192.0.2.1"), LIMITS)
    connected.leave("b")
    connected.leave("a")
    connected.leave("a")
    assert 0 == len(connected)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.sampled_from(["192.0.2.1", "192.0.2.2", "::1"])))
)
def test_the_counts_are_those_of_a_plain_list(steps: list[tuple[bool, int, str]]) -> None:
    """Whoever comes and goes, in any order."""
    connected = Connected()
    inside: dict[int, str] = {}
    for comes, who, text in steps:
        if comes and who not in inside:
            met = connected.enter(who, address(text), LIMITS)
            full = len(inside) >= 3
            crowded = list(inside.values()).count(text) >= 2
            assert ("connections" if full else "connections_per_address" if crowded else None) == met
            if met is None:
                inside[who] = text
        elif not comes:
            connected.leave(who)
            inside.pop(who, None)
        assert len(inside) == len(connected)
