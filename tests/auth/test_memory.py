"""What is known of the latest tokens."""

import attrs

from gatekeeper.auth.memory import KEPT, KEPT_BYTES, Memory


@attrs.frozen
class Known:
    size: int = 1


def test_the_oldest_is_forgotten_first() -> None:
    """As many as there may be, and of those that are large fewer."""
    memory = Memory[Known](most=3, largest=100)
    for digest in (b"a", b"b", b"c", b"a", b"d"):
        memory.put(digest, Known())

    assert [False, False, True, True, True] == [
        memory.get(one) is not None for one in (b"b", b"x", b"c", b"a", b"d")
    ]
    memory.put(b"e", Known(99))
    assert ([None, True], 100) == ([memory.get(b"a"), memory.get(b"d") is not None], memory.size)
    memory.put(b"f", Known(101))
    assert (0, 0) == (len(memory), memory.size)
    memory.drop(b"f")


def test_there_is_a_bound_where_none_is_said() -> None:
    """Of tokens, and of bytes."""
    memory = Memory[Known]()
    for number in range(KEPT + 1):
        memory.put(number.to_bytes(4), Known())
    assert (10_000, 10_000, None) == (KEPT, len(memory), memory.get(bytes(4)))

    memory.put(b"large", Known(KEPT_BYTES))
    assert (1, KEPT_BYTES, 32 * 2**20) == (len(memory), memory.size, KEPT_BYTES)
