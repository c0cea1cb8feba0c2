"""What a configuration says of who asks."""

import attrs
import pytest

from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.config.identity import IdentityConfig, wants_somebody
from gatekeeper.config.problems import Refusal
from gatekeeper.core.text import Text
from tests.config.conftest import Load


def test_a_token_names_its_subject_and_its_scopes() -> None:
    """By the claims that all issuers have."""
    identity = IdentityConfig()

    assert (Text("{claim.sub}"), (), (Text("{claim.scope}"),), Text("")) == attrs.astuple(
        identity, recurse=False
    )


def test_one_role_stands_alone() -> None:
    """Or in a list."""
    assert (Text("partner"),) == IdentityConfig(roles=Text("partner")).roles
    assert (Text("a"), Text("{claim.b}")) == IdentityConfig(roles=(Text("a"), Text("{claim.b}"))).roles


@pytest.mark.parametrize("name", ["subject", "roles", "scopes", "plan"])
def test_it_is_made_of_claims_only(name: str) -> None:
    """What else a request says is not part of the token, with which the consumer is remembered."""
    with pytest.raises(Refusal) as caught:
        IdentityConfig(**{name: Text("{header.x-user}")})

    assert "bad-placeholder" == caught.value.id
    assert f"`{{header.x-user}}`: `{name}` is made of what a token says, as in `{{claim.sub}}`" == str(
        caught.value
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (ConditionConfig(role=("admin",)), True),
        (ConditionConfig(consumer=("acme",), method=("GET",)), True),
        (ConditionConfig(method=("GET",)), False),
        (ConditionConfig(not_=(ConditionConfig(role=("guest",)),)), False),
    ],
)
def test_a_condition_that_nobody_fulfils(condition: ConditionConfig, expected: bool) -> None:
    """What somebody must not be is fulfilled by nobody in particular."""
    assert expected is wants_somebody(condition)


def test_consumers_take_what_is_said_of_all(load: Load) -> None:
    """Plan and roles; what they say themselves wins."""
    config = load(
        """\
        version: 1
        services: {app: http://localhost:3000}
        routes: {all: {match: /**, to: app}}
        plans: {free: {}, gold: {}}
        defaults: {consumers: {plan: free, roles: [partner]}}
        consumers:
          small: {}
          large: {plan: gold, roles: [partner, beta]}
        """
    )
    small, large = config.consumers["small"], config.consumers["large"]

    assert ("free", ("partner",)) == (small.plan, small.roles)
    assert ("gold", ("partner", "beta")) == (large.plan, large.roles)
