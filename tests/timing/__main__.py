"""Time wrong credentials whose first, and whose last character is wrong; a planted leak shows that one would be seen."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from random import Random
from typing import Final

from gatekeeper.core.errors import Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.extend.authenticate import Authenticator
from gatekeeper.testing import make_exchange
from gatekeeper.testing.authenticator import make_authenticator
from tests.timing.leak import Guess, measure


KEY: Final = "gk_" + "x7Qb3LkZ9" * 5
FIRST: Final = "!" + KEY[1:]
LAST: Final = KEY[:-1] + "!"


def knocking(ask: Callable[[Exchange], Awaitable[object]], headers: Mapping[str, str]) -> Guess:
    """One request again and again."""
    exchange = make_exchange(headers=headers)

    async def guess() -> None:
        try:
            await ask(exchange)
        except Unauthenticated:
            return
        raise AssertionError("a wrong credential has passed")

    return guess


def api_keys() -> Authenticator:
    """The kind that is in question."""
    digest = sha256(KEY.encode()).hexdigest()
    return make_authenticator("api_key", consumers={"acme": {"credentials": {"api_key": {"sha256": digest}}}})


async def careless(exchange: Exchange) -> None:
    """Compare character by character, as one must not."""
    for sent, known in zip(exchange.request.headers.text(b"x-api-key"), KEY, strict=True):
        if sent != known:
            raise Unauthenticated(log="wrong")


async def run(samples: int, seed: int) -> int:
    """Time all, and print what was found; the exit code."""
    random = Random(seed)
    keys = api_keys()
    first, last = {"X-Api-Key": FIRST}, {"X-Api-Key": LAST}
    cases: list[tuple[str, bool, Guess, Guess]] = [
        ("a planted leak", True, knocking(careless, first), knocking(careless, last)),
        ("api_key", False, knocking(keys.authenticate, first), knocking(keys.authenticate, last)),
    ]
    good = True
    for name, expected, one, other in cases:
        verdict = await measure(one, other, samples, random)
        as_expected = verdict.leaks is expected
        good = good and as_expected
        print(
            f"{name:16} t = {verdict.t:9.2f}  {verdict.difference:+9.1f} ns  {verdict.samples} samples  "
            f"{'leaks' if verdict.leaks else 'tells nothing'}  {'ok' if as_expected else 'FAILED'}"
        )
    return 0 if good else 1


def main() -> int:
    """Read the options, and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.timing", description=__doc__)
    parser.add_argument("--samples", type=int, default=50_000, help="of each pair (50000)")
    parser.add_argument("--seed", type=int, default=0, help="for the order (0)")
    options = parser.parse_args()
    return asyncio.run(run(options.samples, options.seed))


if __name__ == "__main__":
    sys.exit(main())
