"""The logs that pools of the simulated chain emit: those of the real contracts."""

from tidemill.errors import InvariantError
from tidemill_chain_sim.pools import PairState, PoolSpec, Swap
from tidemill_evm import uniswap_v2_logs as v2
from tidemill_evm import uniswap_v3_logs as v3
from tidemill_evm.logs import Event


def swap_events(spec: PoolSpec, swap: Swap, zero_for_one: bool, sender: str, to: str) -> tuple[Event, ...]:
    """Return what a pool emits for a swap, in order."""
    state, result = swap.state, swap.result
    if isinstance(state, PairState):
        paid = (swap.amount_in, 0, 0, swap.amount_out) if zero_for_one else (0, swap.amount_in, swap.amount_out, 0)
        return v2.Sync(state.reserve0, state.reserve1), v2.Swap(sender, *paid, to)
    if result is None:
        raise InvariantError(f"a swap of the concentrated pool {spec.address} came without the contract's result")
    moved = (result.amount0, result.amount1, result.sqrt_price_x96, result.liquidity, result.tick)
    if spec.venue.dex == "pancakeswap":
        return (v3.PancakeSwap(sender, to, *moved, 0, 0),)
    return (v3.Swap(sender, to, *moved),)


def pair_liquidity_events(state: PairState, amount0: int, amount1: int, provider: str) -> tuple[Event, ...]:
    """Return what a pair emits when liquidity is added (both amounts > 0) or taken (both < 0)."""
    sync = v2.Sync(state.reserve0, state.reserve1)
    if amount0 > 0:
        return sync, v2.Mint(provider, amount0, amount1)
    return sync, v2.Burn(provider, -amount0, -amount1, provider)


def range_liquidity_event(lower: int, upper: int, delta: int, amounts: tuple[int, int], provider: str) -> Event:
    """Return what a concentrated pool emits when ``delta`` of liquidity is added (> 0) or taken (< 0)."""
    if delta > 0:
        return v3.Mint(provider, provider, lower, upper, delta, *amounts)
    return v3.Burn(provider, lower, upper, -delta, -amounts[0], -amounts[1])
