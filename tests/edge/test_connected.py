"""How many connections are open, and who makes room."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.concurrency import PATIENCE
from gatekeeper.edge import connected as module
from gatekeeper.edge.connected import Connected
from gatekeeper.edge.forwarded import Address, parse_address
from gatekeeper.edge.settings import EdgeLimits


LIMITS = EdgeLimits(connections=3, connections_per_address=2)
NOW = 1000.0


@attrs.define(eq=False)
class Client:
    """A connection."""

    idle_since: float | None = None
    has_asked: bool = True
    ended: bool = False
    was_cut: bool = False

    def force_close(self) -> None:
        """Note it."""
        self.ended = True

    def abort(self) -> None:
        """Note it."""
        self.was_cut = True


def address(text: str) -> Address:
    """An address."""
    found = parse_address(text)
    assert found is not None
    return found


def test_all_together_are_limited() -> None:
    """LIM-08: whoever is in stays in, and a place that becomes free is given again."""
    connected = Connected()
    who = [Client() for _ in range(4)]
    met = [connected.enter(one, address(f"192.0.2.{at}"), LIMITS, NOW) for at, one in enumerate(who)]
    assert [None, None, None, "connections"] == met
    assert 3 == len(connected)
    connected.leave(who[0])
    assert None is connected.enter(who[3], address("192.0.2.9"), LIMITS, NOW)


def test_those_from_one_address_are_limited() -> None:
    """LIM-08: others are not concerned."""
    connected = Connected()
    who = [Client() for _ in range(4)]
    assert None is connected.enter(who[0], address("192.0.2.1"), LIMITS, NOW)
    assert None is connected.enter(who[1], address("192.0.2.1"), LIMITS, NOW)
    assert "connections_per_address" == connected.enter(who[2], address("192.0.2.1"), LIMITS, NOW)
    assert None is connected.enter(who[3], address("192.0.2.2"), LIMITS, NOW)
    connected.leave(who[1])
    assert 2 == len(connected)
    assert None is connected.enter(who[2], address("192.0.2.1"), LIMITS, NOW)


def test_a_network_of_ipv6_counts_as_one() -> None:
    """RTL-02: a thousand addresses cost nothing there; the next network is somebody else."""
    connected = Connected()
    texts = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"]
    met = [connected.enter(Client(), address(text), LIMITS, NOW) for text in texts]
    assert [None, None, "connections_per_address", None] == met


def test_who_has_no_address_or_is_trusted_counts_among_all_only() -> None:
    """A socket in the file system, and a proxy behind which everybody is."""
    connected = Connected()
    limits = EdgeLimits(connections=100, connections_per_address=1)
    who = [Client() for _ in range(5)]
    assert [None] * 5 == [connected.enter(one, None, limits, NOW) for one in who]
    for one in who:
        connected.leave(one)
    assert 0 == len(connected)


def test_no_limit_for_each_address_is_none() -> None:
    """Only all together count."""
    connected = Connected()
    limits = EdgeLimits(connections=9, connections_per_address=None)
    met = [connected.enter(Client(), address("192.0.2.1"), limits, NOW) for _ in range(10)]
    assert [None] * 9 + ["connections"] == met


def test_who_was_never_in_does_not_leave() -> None:
    """Nor a second time."""
    connected = Connected()
    one = Client()
    connected.enter(one, address("192.0.2.1"), LIMITS, NOW)
    connected.leave(Client())
    connected.leave(one)
    connected.leave(one)
    assert 0 == len(connected)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.sampled_from(["192.0.2.1", "192.0.2.2", "::1"])))
)
def test_the_counts_are_those_of_a_plain_list(steps: list[tuple[bool, int, str]]) -> None:
    """Whoever comes and goes, in any order."""
    connected = Connected()
    inside: dict[int, str] = {}
    clients = [Client() for _ in range(10)]
    for comes, who, text in steps:
        if comes and who not in inside:
            met = connected.enter(clients[who], address(text), LIMITS, NOW)
            full = len(inside) >= 3
            crowded = list(inside.values()).count(text) >= 2
            assert ("connections_per_address" if crowded else "connections" if full else None) == met
            if met is None:
                inside[who] = text
        elif not comes:
            connected.leave(clients[who])
            inside.pop(who, None)
        assert len(inside) == len(connected)


def test_who_is_idle_makes_room() -> None:
    """First who has never asked for anything, then who has been idle longest; who is busy stays, and who was lately."""
    displaced: list[int] = []
    connected = Connected(lambda: displaced.append(1))
    limits = EdgeLimits(connections=6, connections_per_address=None)
    long, longer = Client(NOW - 20), Client(NOW - 30)
    never = Client(NOW - 10, has_asked=False)
    busy, lately = Client(), Client(NOW - 0.5)
    gone = Client(NOW - 40)
    for one in (long, longer, never, busy, lately, gone):
        connected.enter(one, address("192.0.2.1"), limits, NOW)
    connected.leave(gone)
    connected.enter(Client(), None, limits, NOW)

    met, ended = [], []
    for _ in range(4):
        met.append(connected.enter(Client(), None, limits, NOW))
        ended.append([one.ended for one in (never, longer, long, lately)])

    assert [None, None, None, "connections"] == met
    assert [
        [True, False, False, False],
        [True, True, False, False],
        [True] * 3 + [False],
        [True] * 3 + [False],
    ] == ended
    assert 3 == len(displaced)
    assert 6 == len(connected)
    assert not (busy.ended or gone.ended)


def test_who_has_asked_since_it_was_found_is_left_alone() -> None:
    """It is looked at again when it is its turn."""
    connected = Connected()
    limits = EdgeLimits(connections=3, connections_per_address=None)
    first, second, third = (Client(NOW - 30 + at) for at in range(3))
    for one in (first, second, third):
        connected.enter(one, None, limits, NOW)
    assert None is connected.enter(Client(), None, limits, NOW)
    second.idle_since = NOW

    assert None is connected.enter(Client(), None, limits, NOW)

    assert [True, False, True] == [first.ended, second.ended, third.ended]


def test_where_nobody_is_idle_it_is_not_looked_again_at_once() -> None:
    """To look takes its time, and a crowd would have it taken for each of them."""
    connected = Connected()
    limits = EdgeLimits(connections=1)
    one = Client()
    connected.enter(one, None, limits, NOW)
    assert "connections" == connected.enter(Client(), None, limits, NOW)
    one.idle_since = NOW - 10

    assert "connections" == connected.enter(Client(), None, limits, NOW + 0.5)
    assert None is connected.enter(Client(), None, limits, NOW + module.IDLE)


def test_nobody_makes_room_for_who_is_refused_for_its_address() -> None:
    """Else one address could end everybody's connections."""
    connected = Connected()
    limits = EdgeLimits(connections=2, connections_per_address=1)
    idle = Client(NOW - 10)
    connected.enter(idle, address("192.0.2.1"), limits, NOW)
    connected.enter(Client(), address("192.0.2.2"), limits, NOW)

    assert "connections_per_address" == connected.enter(Client(), address("192.0.2.2"), limits, NOW)
    assert not idle.ended


def test_the_place_of_an_address_becomes_free_with_its_connection() -> None:
    """Who makes room may be from where the new one is from."""
    connected = Connected()
    limits = EdgeLimits(connections=2, connections_per_address=2)
    here = address("192.0.2.1")
    connected.enter(Client(NOW - 10), here, limits, NOW)
    connected.enter(Client(), address("192.0.2.2"), limits, NOW)

    assert None is connected.enter(Client(), here, limits, NOW)

    connected.enter(Client(), here, attrs.evolve(limits, connections=3), NOW)
    assert "connections_per_address" == connected.enter(Client(), here, limits, NOW)


def test_who_has_made_room_counts_for_its_address_no_more() -> None:
    """LIM-08: else whoever replaces a connection of its own is shut out in the end."""
    connected = Connected()
    limits = EdgeLimits(connections=1, connections_per_address=2)
    who = [Client(NOW - 30) for _ in range(5)]

    met = [connected.enter(one, address("192.0.2.1"), limits, NOW) for one in who]

    assert [None] * 5 == met
    assert [True, True, True, True, False] == [one.ended for one in who]


def test_few_who_are_refused_may_linger(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have descriptors, too."""
    monkeypatch.setattr(module, "LINGERING", 2)
    connected = Connected()
    who = [Client() for _ in range(3)]

    assert [True, True, False] == [connected.may_linger(one) for one in who]
    connected.leave(who[0])
    assert connected.may_linger(who[2])


def test_who_does_not_read_makes_way() -> None:
    """As many as places are wanted, who has not read for longest first; nobody who has only just stopped."""
    connected = Connected()
    clients = [Client() for _ in range(4)]
    for client, since in zip(clients, (NOW - 4, NOW - 3, NOW - 2, NOW - PATIENCE / 2), strict=True):
        connected.blocked[client] = since

    connected.make_way(2, NOW)
    assert [True, True, False, False] == [client.was_cut for client in clients]

    connected.make_way(9, NOW)
    assert [True, True, True, False] == [client.was_cut for client in clients]
