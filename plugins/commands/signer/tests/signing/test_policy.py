"""The policy against readings: every rule with an example that it refuses, and no sum that it lets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill import ChainPolicy, SpendLimit
from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.signing import Action, Reading
from tidemill_command_signer.policy import Used, judge, use_of

CHAIN = ChainId("sim:1")
ME, POOL, BOOK = "0xme", "0xpool", "Program1"
GOLD, TIN, LEAD = (AssetId(f"sim:1/erc20:0x{digit}") for digit in "abc")
POLICY = ChainPolicy(
    ("main",),
    SpendLimit(100, 150, 2),
    SpendLimit(10, 15, 2),
    {POOL: ("0x01020304", ""), BOOK: ("*",), "0xidle": ()},
    {GOLD: SpendLimit(1_000, 2_500, 3), TIN: SpendLimit(5, 5)},
)


def reading(*actions: Action, fee: int = 1) -> Reading:
    return Reading(CHAIN, ME, "secp256k1", "nonce:1", actions, fee)


def call(method: str = "0x01020304", target: str = POOL, value: int = 0, **spends: int) -> Action:
    return Action(target, method, value, tuple(({"gold": GOLD, "tin": TIN, "lead": LEAD}[name], amount) for name, amount in spends.items()))


@pytest.mark.parametrize(
    "allowed",
    [
        reading(call()),
        reading(call("", value=100)),
        reading(call(gold=1_000, tin=5), fee=10),
        reading(call("anything", BOOK)),
        reading(call("0x01020304", POOL.upper().replace("0X", "0x"))),
        reading(call("0x01020304".upper().replace("0X", "0x"))),
        reading(Action(ME)),
        reading(call(lead=0)),
        reading(call(value=60), call(value=40)),
        reading(),
    ],
)
def test_transaction_within_every_limit_is_allowed(allowed: Reading) -> None:
    """Limits include what they name; addresses in hexadecimal are the same in either case; nothing leaves with a cancellation."""
    assert judge(POLICY, allowed, Used()) is None


@pytest.mark.parametrize(
    ("refused", "used", "rule", "reason"),
    [
        (reading(call(target="0xother")), Used(), "target", "0xother is none of the 3 targets of sim:1"),
        (reading(call(), call(target="0xother")), Used(), "target", "0xother is none of the 3 targets of sim:1"),
        (reading(call(target="program1")), Used(), "target", "program1 is none of the 3 targets of sim:1"),
        (reading(Action(ME, value=1)), Used(), "target", "0xme is none of the 3 targets of sim:1"),
        (reading(Action(ME, "0x01020304")), Used(), "target", "0xme is none of the 3 targets of sim:1"),
        (reading(call("0x01020305")), Used(), "method", 'method 0x01020305 of 0xpool is not among 0x01020304, ""'),
        (reading(call("0x0102")), Used(), "method", 'method 0x0102 of 0xpool is not among 0x01020304, ""'),
        (reading(call("", "0xidle")), Used(), "method", "a bare transfer of 0xidle is not among its methods: it has none"),
        (reading(call(value=101)), Used(), "value", "it hands over 1.01 coins, at most 1 are allowed"),
        (reading(call(value=60), call(value=41)), Used(), "value", "it hands over 1.01 coins, at most 1 are allowed"),
        (reading(call(), fee=11), Used(), "fee", "its inclusion may cost 0.11 coins, at most 0.1 are allowed"),
        (reading(call(gold=1_001)), Used(), "spend", f"it takes 1.001 {GOLD}, at most 1 are allowed"),
        (reading(call(gold=600), call(gold=401)), Used(), "spend", f"it takes 1.001 {GOLD}, at most 1 are allowed"),
        (reading(call(lead=1)), Used(), "asset", f"it takes {LEAD}, which the policy does not name"),
        (reading(call(value=51)), Used(100), "per_day", "it hands over 0.51 coins, 1 went out today, at most 1.5 are allowed a day"),
        (
            reading(call(), fee=6),
            Used(0, 10),
            "per_day",
            "its inclusion may cost 0.06 coins, 0.1 went out today, at most 0.15 are allowed a day",
        ),
        (reading(call(tin=1)), Used(0, 0, {TIN: 5}), "per_day", f"it takes 1 {TIN}, 5 went out today, at most 5 are allowed a day"),
        (reading(call(value=-1)), Used(), "unreadable", "its codec read an amount below zero"),
        (reading(call(gold=-1)), Used(), "unreadable", "its codec read an amount below zero"),
        (reading(call(), fee=-1), Used(), "unreadable", "its codec read an amount below zero"),
    ],
)
def test_transaction_beyond_a_rule_is_refused_by_its_name(refused: Reading, used: Used, rule: str, reason: str) -> None:
    """The reason has the amounts in whole coins and the limit."""
    found = judge(POLICY, refused, used)

    assert found is not None
    assert (rule, reason) == (found.rule, found.reason)


def test_policy_that_names_nothing_allows_nothing() -> None:
    """A chain's table without targets signs no call, and without a fee no transaction at all."""
    bare = ChainPolicy(("main",), SpendLimit(), SpendLimit())

    assert ["target", "fee"] == [
        found.rule for found in (judge(bare, reading(call()), Used()), judge(bare, reading(Action(ME)), Used())) if found
    ]


AMOUNTS = st.integers(0, 200)
ACTIONS = st.builds(lambda value, gold, tin: call(value=value, gold=gold * 10, tin=tin // 50), AMOUNTS, AMOUNTS, AMOUNTS)


@given(st.lists(st.tuples(st.lists(ACTIONS, max_size=3), st.integers(0, 12)), max_size=30))
def test_sum_of_what_is_allowed_never_exceeds_a_day(asked: list[tuple[list[Action], int]]) -> None:
    """In whatever order transactions come, what was allowed stays within the limits of a day, and each within those of one."""
    used = Used()
    for actions, fee in asked:
        one = reading(*actions, fee=fee)
        if judge(POLICY, one, used) is None:
            use = use_of(one)
            assert use.value <= 100
            assert use.fee <= 10
            used = used.plus(use)

    assert used.value <= 150
    assert used.fee <= 15
    assert all(amount <= POLICY.spends[asset].per_day for asset, amount in used.spends.items())
