"""Conditions on who asks."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.identity import Consumer
from gatekeeper.policy.regex import Regex
from gatekeeper.routing.combined import AllOf, AnyOf, Condition, Negation
from gatekeeper.routing.identity import (
    AuthenticatorCondition,
    ClaimCondition,
    ConsumerCondition,
    OfConsumer,
    PlanCondition,
    RoleCondition,
    ScopeCondition,
    fits,
)
from gatekeeper.routing.matcher import Contains, Exact, Matcher, Not, OneOf, Pattern, Prefix, Present, Suffix
from gatekeeper.testing import make_exchange


SOMEBODY = Consumer(
    name="acme",
    authenticators=("keys", "staff"),
    roles=frozenset({"admin", "clerk"}),
    scopes=frozenset({"read"}),
    plan="gold",
    claims={"groups": ["x", "y"], "deep": {"n": 7}, "none": None, "empty": [], "sub": "u"},
)
BARE = Consumer(name="bare", authenticators=("keys",))


def exact(*values: str) -> Exact:
    return Exact(frozenset(values))


def words(cls: Any, *accepted: str) -> Any:
    return cls(frozenset(accepted))


@pytest.mark.parametrize(
    ("condition", "expected", "found", "of_bare"),
    [
        (words(ConsumerCondition, "acme"), True, "acme", "bare"),
        (words(ConsumerCondition, "Acme", "acm"), False, "acme", "bare"),
        (words(RoleCondition, "admin"), True, "admin, clerk", "none"),
        (words(RoleCondition, "other", "clerk"), True, "admin, clerk", "none"),
        pytest.param(words(RoleCondition, "superadmin"), False, "admin, clerk", "none", id="RBC-02"),
        pytest.param(words(RoleCondition, "admin, clerk"), False, "admin, clerk", "none", id="RBC-02-joined"),
        (words(ScopeCondition, "read"), True, "read", "none"),
        (words(ScopeCondition, "admin"), False, "read", "none"),
        (words(PlanCondition, "gold"), True, "gold", "none"),
        (words(PlanCondition, "read"), False, "gold", "none"),
        (words(AuthenticatorCondition, "staff"), True, "keys, staff", "keys"),
        (words(AuthenticatorCondition, "acme"), False, "keys, staff", "keys"),
        (ClaimCondition("sub", exact("u")), True, "another value", "none"),
        (ClaimCondition("groups", exact("z")), False, "another value", "none"),
        (ClaimCondition("deep.n", exact("7")), True, "another value", "none"),
        (ClaimCondition("none", exact("u")), False, "none", "none"),
    ],
)
def test_what_is_known_of_a_consumer(condition: Any, expected: bool, found: str, of_bare: str) -> None:
    """RBC-01, RBC-02: exactly that, in that place; of claims nobody is told what they say."""
    bare, nobody = make_exchange(consumer=BARE), make_exchange()

    assert (expected, found) == (
        condition.holds(make_exchange(consumer=SOMEBODY)),
        condition.found(make_exchange(consumer=SOMEBODY)),
    )
    assert (condition.key == "authenticator" and "keys" in condition.accepted, of_bare) == (
        condition.holds(bare),
        condition.found(bare),
    )
    assert (False, "nobody") == (condition.holds(nobody), condition.found(nobody))
    assert 1 == condition.weight


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (words(RoleCondition, "b", "a"), "role a or b"),
        (words(ConsumerCondition, "acme"), "consumer acme"),
        (ClaimCondition("groups", Not(exact("x"))), "claim groups: not x"),
        (AllOf((words(RoleCondition, "a"), words(PlanCondition, "p"))), "role a and plan p"),
    ],
)
def test_conditions_as_text(condition: Condition, text: str) -> None:
    """For people."""
    assert text == condition.text


# ---- claims ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matcher", "fitting", "others"),
    [
        (exact("a"), ["a", ["a", "b"], ["b", "a"]], ["b", "", [], None, {"a": 1}, ["b"], "A"]),
        (exact("1", "true"), [1, "1", True, [0, 1]], [2, "True", 1.5, False]),
        (Prefix("a"), ["ab", ["b", "ab"]], ["ba", [], None, {}]),
        (Prefix(""), ["", "a", 0], [[], None, {}]),
        (Not(exact("a")), ["b", [], None, {"a": 1}, ["b", "c"], ""], ["a", ["a", "b"], ["b", "a"]]),
        (Present(True), ["a", "", [], {}, 0, False, [None]], [None]),
        (Present(False), [None], ["a", "", [], {}, {"sub": "x"}, 0, False]),
        (Not(Present(True)), [None], ["a", [], {}]),
        (OneOf((exact("a"), Not(exact("b")))), ["a", "c", [], None, ["a", "b"]], ["b", ["b", "c"]]),
        (Not(OneOf((exact("a"), exact("b")))), ["c", [], None], ["a", ["c", "b"]]),
        (Not(Not(exact("a"))), ["a", ["a", "b"]], ["b", None, []]),
        (OneOf((Present(False), exact("a"))), [None, "a"], ["b", [], {}]),
    ],
)
def test_what_a_claim_must_be(matcher: Matcher, fitting: list[Any], others: list[Any]) -> None:
    """Of a list one fits, and to be `not` something none may; an object is there, whatever it says."""
    assert ([], []) == (
        [value for value in fitting if not fits(matcher, value)],
        [value for value in others if fits(matcher, value)],
    )


# ---- comparison -----------------------------------------------------------------------------------------------------

VALUES: list[Any] = [None, [], {}, "", "a", "b", "ab", ["a", "b"], ["a", "ab"], ["b", "c"], 1, True, ["c"]]

SIMPLE: st.SearchStrategy[Matcher] = st.one_of(
    st.builds(Exact, st.frozensets(st.sampled_from(["", "a", "b", "ab", "1"]), min_size=1, max_size=3)),
    st.builds(Prefix, st.sampled_from(["", "a", "b"])),
    st.builds(Suffix, st.sampled_from(["", "a", "b"])),
    st.builds(Contains, st.sampled_from(["", "a", "ab"])),
    st.builds(Present, st.booleans()),
    st.builds(lambda source: Pattern(Regex.parse(source)), st.sampled_from(["a.*", ".*", "[ab]"])),
)
MATCHERS: st.SearchStrategy[Matcher] = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda some: OneOf(tuple(some)), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=4,
)
WORDS = st.frozensets(st.sampled_from(["a", "b"]), min_size=1)
LEAVES: st.SearchStrategy[Condition] = st.one_of(
    *(st.builds(cls, WORDS) for cls in (ConsumerCondition, RoleCondition, ScopeCondition, PlanCondition)),
    st.builds(AuthenticatorCondition, WORDS),
    st.builds(ClaimCondition, st.sampled_from(["c", "d"]), MATCHERS),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Negation, inner),
        st.builds(lambda some: AllOf(tuple(some)), st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda some: AnyOf(tuple(some)), st.lists(inner, min_size=1, max_size=2)),
    ),
    max_leaves=3,
)
SUBSETS = [frozenset(), frozenset("a"), frozenset("b"), frozenset("ab")]
CONSUMERS = [
    None,
    *(
        Consumer(
            name=name,
            authenticators=proven,
            roles=roles,
            scopes=roles,
            plan=plan,
            claims={} if value is None else {"c": value, "d": other},
        )
        for name, proven, roles, plan, value, other in zip(
            "abcab" * 12,
            [("a",), ("b",), ("a", "b"), ("c",)] * 15,
            SUBSETS * 15,
            ["", "a", "b"] * 20,
            (VALUES * 5)[:60],
            (VALUES[3:] * 6)[:60],
            strict=True,
        )
    ),
]


def holders(condition: Condition) -> set[int]:
    """Whom it holds of."""
    return {
        number
        for number, consumer in enumerate(CONSUMERS)
        if condition.holds(make_exchange(consumer=consumer))
    }


@given(CONDITIONS, CONDITIONS)
def test_comparisons_claim_nothing_that_is_not_so(one: Condition, other: Condition) -> None:
    """By trying everybody: what covers holds wherever the other does, and what excludes nowhere."""
    if one.covers(other):
        assert holders(other) <= holders(one)
    if one.excludes(other):
        assert not holders(other) & holders(one)


@given(MATCHERS, MATCHERS)
def test_comparisons_of_claims_hold_for_lists(one: Matcher, other: Matcher) -> None:
    """One value of a list may fit both, and another neither."""
    first, second = ClaimCondition("c", one), ClaimCondition("c", other)
    covers, excludes = first.covers(second), first.excludes(second)

    for value in VALUES:
        assert not covers or fits(one, value) or not fits(other, value)
        assert not excludes or not (fits(one, value) and fits(other, value))


@pytest.mark.parametrize(
    ("one", "other", "covers"),
    [
        (words(RoleCondition, "a", "b"), words(RoleCondition, "a"), True),
        (words(RoleCondition, "a"), words(RoleCondition, "a", "b"), False),
        (words(RoleCondition, "a"), words(ScopeCondition, "a"), False),
        (words(ConsumerCondition, "a"), words(AuthenticatorCondition, "a"), False),
        (ClaimCondition("c", Prefix("a")), ClaimCondition("c", exact("ab", "a")), True),
        (ClaimCondition("c", Prefix("a")), ClaimCondition("d", exact("ab")), False),
        (ClaimCondition("c", Not(exact("a"))), ClaimCondition("c", exact("b")), False),
        (ClaimCondition("c", Not(exact("a"))), ClaimCondition("c", Not(Prefix("a"))), True),
        (ClaimCondition("c", Not(exact("a"))), ClaimCondition("c", Not(exact("a"))), True),
        (ClaimCondition("c", Present(True)), ClaimCondition("c", exact("b")), True),
        (
            ClaimCondition("c", OneOf((exact("a"), Prefix("b")))),
            ClaimCondition("c", OneOf((Prefix("bb"), exact("a")))),
            True,
        ),
    ],
)
def test_what_covers_what(one: Condition, other: Condition, covers: bool) -> None:
    """So that it is not always in doubt; what covers excludes what the other does not."""
    assert covers is one.covers(other)
    assert covers is Negation(one).excludes(other)


@pytest.mark.parametrize(("one", "other"), list(product([RoleCondition, ScopeCondition], repeat=2)))
def test_somebody_may_be_several_things(one: type[OfConsumer], other: type[OfConsumer]) -> None:
    """So two roles exclude nothing."""
    assert not words(one, "a").excludes(words(other, "b"))
