"""The one pure function that says what a flow does: planner, door, simulated chain, paper fills, overlay and tests all call it."""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from tidemill.domain.answers import NoQuote
from tidemill.domain.ids import AssetId, Key, PoolId
from tidemill.domain.outcome import Fill
from tidemill.domain.plan import Flow, PlannedSwap
from tidemill.domain.pool import Pool, Swapped
from tidemill.domain.time import ChainTime

BrokenRule = Literal["expired", "balance", "quote", "min_out", "loan", "guard"]


@frozen
class Replayed:
    """A flow that holds.

    ``fills`` are its swaps as they happen, ``before`` the pool each one meets, ``after`` every touched pool at the end (by id);
    ``changes`` our balances' changes in base units, loans repaid, sorted by asset, zeros left out.
    """

    fills: tuple[Fill, ...]
    before: tuple[Pool, ...]
    after: tuple[tuple[PoolId, Pool], ...]
    changes: tuple[tuple[AssetId, int], ...]


@frozen
class Broken:
    """A flow that does not hold: the rule it breaks, the swap at which (-1: none), a sentence, and state that was missing."""

    rule: BrokenRule
    step: int
    reason: str
    missing: tuple[Key, ...] = ()


def replay_flow(flow: Flow, pools: Mapping[PoolId, Pool], at: ChainTime) -> Replayed | Broken:
    """Execute a flow on pools as they stand and say what comes of it.

    Balances open with funds and loans. Each swap sells its fixed amount, or all that is held, and must pay its minimum; no balance may
    go below zero; at the end every loan is repaid with its fee and every guard holds. The flow must not have expired at ``at``.

    Returns:
        ``Replayed`` or the first ``Broken`` rule. ``pools`` is not changed.
    """
    if at.height > flow.expires:
        return Broken("expired", -1, f"valid up to height {flow.expires}, executes at {at.height}")
    balances: dict[AssetId, int] = {}
    for asset, amount in flow.funds:
        balances[asset] = balances.get(asset, 0) + amount
    for loan in flow.loans:
        balances[loan.asset] = balances.get(loan.asset, 0) + loan.amount
    moved: dict[PoolId, Pool] = {}
    fills: list[Fill] = []
    before: list[Pool] = []
    for step, swap in enumerate(flow.swaps):
        pool = moved.get(swap.pool) or pools.get(swap.pool)
        swapped = _swap(step, swap, pool, balances, at)
        if isinstance(swapped, Broken):
            return swapped
        assert pool is not None  # _swap answered Broken otherwise
        before.append(pool)
        moved[swap.pool] = swapped.pool
        quote = swapped.quote
        fills.append(Fill(swap.pool, swap.sell, swap.buy, quote.amount_in, quote.amount_out))
        balances[swap.sell] -= quote.amount_in
        balances[swap.buy] = balances.get(swap.buy, 0) + quote.amount_out
    broken = _settle(flow, balances)
    if broken is not None:
        return broken
    for asset, amount in flow.funds:
        balances[asset] -= amount
    changes = tuple((asset, change) for asset, change in sorted(balances.items()) if change)
    return Replayed(tuple(fills), tuple(before), tuple(sorted(moved.items())), changes)


def _swap(step: int, swap: PlannedSwap, pool: Pool | None, balances: Mapping[AssetId, int], at: ChainTime) -> Swapped | Broken:
    held = balances.get(swap.sell, 0)
    amount = held if swap.amount_in is None else swap.amount_in
    if amount > held:
        return Broken("balance", step, f"swap {step} sells {amount} of {swap.sell}, {held} is held")
    if pool is None:
        return Broken("quote", step, f"swap {step}: pool {swap.pool} is not loaded")
    swapped = pool.swap_exact_in(swap.sell, swap.buy, amount, at)
    if isinstance(swapped, NoQuote):
        text = f"swap {step}: {swap.pool} gives no quote for {amount}: {swapped.reason} {swapped.detail}".rstrip()
        return Broken("quote", step, text, swapped.keys)
    if swapped.quote.amount_out < swap.min_out:
        return Broken("min_out", step, f"swap {step} pays {swapped.quote.amount_out}, at least {swap.min_out} was asked")
    return swapped


def _settle(flow: Flow, balances: dict[AssetId, int]) -> Broken | None:
    """Repay the loans out of ``balances`` and check the guards."""
    for loan in flow.loans:
        due, held = loan.amount + loan.fee, balances.get(loan.asset, 0)
        if held < due:
            return Broken("loan", -1, f"{loan.lender} is owed {due} of {loan.asset}, {held} is held")
        balances[loan.asset] = held - due
    for asset, least in flow.guards:
        held = balances.get(asset, 0)
        if held < least:
            return Broken("guard", -1, f"{held} of {asset} is left, the guard asks for {least}")
    return None
