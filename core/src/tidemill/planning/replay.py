"""The one pure function that says what a flow does: planner, door, simulated chain, paper fills, overlay and tests all call it."""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

from tidemill.domain.answers import NoQuote
from tidemill.domain.decision import Missing
from tidemill.domain.ids import AssetId, PoolId
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
    missing: Missing = ()


def replay_flow(flow: Flow, pools: Mapping[PoolId, Pool], at: ChainTime) -> Replayed | Broken:
    """Execute a flow on pools as they stand and say what comes of it.

    Balances open with funds and loans. Each swap sells its fixed amount, or all that is held, and must pay its minimum; no balance may
    go below zero; at the end every loan is repaid with its fee and every guard holds. The flow must not have expired at ``at``.

    Returns:
        ``Replayed`` or the first ``Broken`` rule. ``pools`` is not changed.
    """
    if at.height > flow.expires:
        return Broken("expired", -1, f"valid up to height {flow.expires}, executes at {at.height}")
    balances = _opened(flow)
    if isinstance(balances, Broken):
        return balances
    moved: dict[PoolId, Pool] = {}
    fills: list[Fill] = []
    before: list[Pool] = []
    for step, swap in enumerate(flow.swaps):
        pool = moved[swap.pool] if swap.pool in moved else pools.get(swap.pool)
        if pool is None:
            return Broken("quote", step, f"swap {step}: pool {swap.pool} is not loaded")
        swapped = _swap(step, swap, pool, balances.get(swap.sell, 0), at)
        if isinstance(swapped, Broken):
            return swapped
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


def _opened(flow: Flow) -> dict[AssetId, int] | Broken:
    """Return the balances that a flow begins with."""
    balances: dict[AssetId, int] = {}
    for asset, amount in flow.funds:
        if amount < 0:
            return Broken("balance", -1, f"funds of {amount} of {asset} are below zero")
        balances[asset] = balances.get(asset, 0) + amount
    for loan in flow.loans:
        if loan.amount < 0 or loan.fee < 0:
            return Broken("loan", -1, f"{loan.lender} cannot lend {loan.amount} of {loan.asset} at a fee of {loan.fee}")
        balances[loan.asset] = balances.get(loan.asset, 0) + loan.amount
    return balances


def _swap(step: int, swap: PlannedSwap, pool: Pool, held: int, at: ChainTime) -> Swapped | Broken:
    amount = held if swap.amount_in is None else swap.amount_in
    if amount > held:
        return Broken("balance", step, f"swap {step} sells {amount} of {swap.sell}, {held} of {swap.sell} is held")
    swapped = pool.swap_exact_in(swap.sell, swap.buy, amount, at)
    if isinstance(swapped, NoQuote):
        text = f"swap {step}: {swap.pool} gives no quote for {amount} of {swap.sell}: {swapped.reason} {swapped.detail}".rstrip()
        return Broken("quote", step, text, ((swap.pool, swapped.keys),) if swapped.keys else ())
    if swapped.quote.amount_in != amount:
        return Broken("quote", step, f"swap {step}: {swap.pool} was asked for {amount} and quotes {swapped.quote.amount_in}")
    if swapped.quote.amount_out < swap.min_out:
        return Broken(
            "min_out", step, f"swap {step} pays {swapped.quote.amount_out} of {swap.buy}, at least {swap.min_out} of {swap.buy} was asked"
        )
    return swapped


def _settle(flow: Flow, balances: dict[AssetId, int]) -> Broken | None:
    """Repay the loans out of ``balances`` and check the guards."""
    for loan in flow.loans:
        due, held = loan.amount + loan.fee, balances.get(loan.asset, 0)
        if held < due:
            text = f"the loan of lender {loan.lender} cannot be repaid: {due} of {loan.asset} is owed, {held} of {loan.asset} is held"
            return Broken("loan", -1, text)
        balances[loan.asset] = held - due
    for asset, least in flow.guards:
        held = balances.get(asset, 0)
        if held < least:
            return Broken("guard", -1, f"{held} of {asset} would be left, the guard asks for {least} of {asset}")
    return None
