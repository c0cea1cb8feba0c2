"""`authorize`: what a condition allows passes, and nothing else."""

from typing import Any

import attrs
import pytest

from gatekeeper import hookimpl
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import DRY_RUN
from gatekeeper.testing import RunFilter, config_problems, make_exchange


def somebody(**more: Any) -> Consumer:
    return Consumer(name="acme", authenticators=("keys",), **more)


ADMIN = somebody(
    roles=frozenset({"admin", "staff"}),
    scopes=frozenset({"read"}),
    plan="gold",
    claims={"groups": ["x", "y"], "act": {"sub": "z"}},
)


async def passes(run_filter: RunFilter, condition: Any, consumer: Consumer | None, **request: Any) -> bool:
    """Whether what comes next is asked; 403 otherwise."""
    exchange = make_exchange(consumer=consumer, **request)
    call = run_filter("authorize", condition, exchange)
    try:
        (await call.upstream()).respond(200)
    except AssertionError:
        response = await call.response()
        assert (403, "forbidden") == (response.status, response.error and response.error.code)
        return False
    assert 200 == (await call.response()).status
    return True


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"role": "admin"}, True),
        ({"role": ["other", "staff"]}, True),
        pytest.param({"role": "superadmin"}, False, id="RBC-02-longer"),
        pytest.param({"role": "adm"}, False, id="RBC-02-shorter"),
        pytest.param({"role": "Admin"}, False, id="RBC-02-case"),
        pytest.param({"role": "admin,staff"}, False, id="RBC-02-joined"),
        pytest.param({"role": ""}, False, id="RBC-01-empty"),
        ({"scope": "read"}, True),
        ({"scope": "write"}, False),
        ({"plan": "gold"}, True),
        ({"plan": "silver"}, False),
        ({"consumer": "acme"}, True),
        ({"consumer": "acm"}, False),
        ({"authenticator": "keys"}, True),
        ({"authenticator": "tokens"}, False),
        ({"claim": {"groups": "x"}}, True),
        ({"claim": {"groups": {"not": "x"}}}, False),
        ({"not": {"claim": {"act": {"present": True}}}}, False),
        ({"role": "admin", "scope": "write"}, False),
        ([{"role": "nobody"}, {"scope": "read"}], True),
        ({"not": {"role": "admin"}}, False),
        ({"method": "POST"}, False),
        ({"method": "GET"}, True),
        ({"address": "203.0.113.0/24"}, True),
        ({"address": "10.0.0.0/8"}, False),
        ("/a/**", False),
        ("/**", True),
    ],
)
async def test_what_a_condition_allows(run_filter: RunFilter, condition: Any, expected: bool) -> None:
    """And nothing else."""
    assert expected is await passes(run_filter, condition, ADMIN)


@pytest.mark.parametrize(
    "condition",
    [
        {"role": "admin"},
        {"scope": "read"},
        {"plan": "gold"},
        {"consumer": "acme"},
        {"consumer": "anonymous"},
        {"authenticator": "keys"},
        {"claim": {"groups": "x"}},
        {"claim": {"groups": {"present": False}}},
        {"claim": {"groups": {"not": "x"}}},
    ],
)
async def test_nobody_is_nobody(run_filter: RunFilter, condition: Any) -> None:
    """RBC-01: where nobody is proven nothing holds of whoever asks, also not that something is missing."""
    assert not await passes(run_filter, condition, None)


@pytest.mark.parametrize(
    "condition", [{"role": "admin"}, {"scope": "read"}, {"plan": "gold"}, {"claim": {"groups": "x"}}]
)
async def test_who_has_been_given_nothing_may_nothing(run_filter: RunFilter, condition: Any) -> None:
    """RBC-01: no role, no scope, no plan."""
    assert not await passes(run_filter, condition, somebody())


@pytest.mark.parametrize("condition", [{"method": "GET"}, {"method": ["GET", "POST"]}])
async def test_to_ask_for_the_head_takes_what_it_takes_to_get(run_filter: RunFilter, condition: Any) -> None:
    """RBC-03: HEAD is GET without a body."""
    assert await passes(run_filter, condition, ADMIN, method="HEAD")
    assert not await passes(run_filter, {"not": condition}, ADMIN, method="HEAD")
    assert not await passes(run_filter, condition, ADMIN, method="OPTIONS")


@pytest.mark.parametrize(("consumer", "who"), [(somebody(), "acme"), (None, "nobody")])
async def test_the_log_says_who_it_was(run_filter: RunFilter, consumer: Consumer | None, who: str) -> None:
    """And the client not why."""
    call = run_filter("authorize", {"role": "admin"}, make_exchange(consumer=consumer))

    response = await call.response()

    assert response.error is not None
    assert ("", f"the condition does not hold for {who}") == (response.error.detail, response.error.log)


async def test_a_trial_passes(run_filter: RunFilter) -> None:
    """What stands behind is tried too."""
    exchange = make_exchange()
    exchange[DRY_RUN] = True
    call = run_filter("authorize", {"role": "admin"}, exchange)

    (await call.upstream()).respond(200)

    assert 200 == (await call.response()).status


@attrs.frozen
class CountryConfig:
    """Where the client is."""


class Broken:
    """A plugin whose condition fails."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        def ask(exchange: Exchange) -> bool:
            raise ZeroDivisionError

        catalog.predicate("country", CountryConfig, lambda config, context: ask)


@pytest.mark.parametrize("trial", [False, True])
async def test_a_condition_that_fails_allows_nothing(run_filter: RunFilter, trial: bool) -> None:
    """RBC-05: before it serves too, so that its configuration is refused."""
    exchange = make_exchange()
    if trial:
        exchange[DRY_RUN] = True
    call = run_filter("authorize", {"country": {}}, exchange, plugins=[Broken()])

    with pytest.raises(ZeroDivisionError):
        await call.response()


@pytest.mark.parametrize(
    "condition",
    [{}, [], [{}], {"role": []}, {"not": {}}, {"claim": {}}, [{"role": "a"}, {}], None, True, False, "role"],
)
def test_what_allows_everything_is_refused(condition: Any) -> None:
    """RBC-01: an empty condition would."""
    assert config_problems("authorize", condition)
