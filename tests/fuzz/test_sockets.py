"""Over sockets a gateway does what the one in memory does."""

from tests.fuzz import sockets


MESSAGES = 60


async def test_a_gateway_of_its_own_process_does_the_same() -> None:
    """Answers, requests and ends of connections; and nothing is in its log, or left behind."""
    tally = await sockets.run(1, messages=MESSAGES)

    assert [] == [str(find) for find in tally.finds]
    assert MESSAGES == tally.messages
