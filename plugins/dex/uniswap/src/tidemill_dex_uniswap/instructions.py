"""Planned swaps to steps."""

from tidemill.domain.ids import address_of
from tidemill.domain.plan import PlannedSwap
from tidemill.errors import InvariantError
from tidemill_dex_uniswap.quoting import ClosedPool, V2Pool, V3Pool
from tidemill_evm.steps import V2Swap, V3Swap


def swap_step(swap: PlannedSwap, pool: V2Pool | V3Pool | ClosedPool) -> V2Swap | V3Swap:
    """Return the one step that carries out a swap at this pool; its amounts are the plan's.

    Raises:
        InvariantError: the plan swaps at a pool that cannot: another one, one without these assets, or one without a price.
    """
    zero_for_one = (swap.sell, swap.buy) == pool.assets
    if swap.pool != pool.id or isinstance(pool, ClosedPool) or not (zero_for_one or (swap.buy, swap.sell) == pool.assets):
        raise InvariantError(f"{pool.id} cannot carry out {swap}")
    address, sell, buy = address_of(pool.id), address_of(swap.sell), address_of(swap.buy)
    if isinstance(pool, V2Pool):
        return V2Swap(address, sell, buy, zero_for_one, pool.fee_ppm, swap.amount_in, swap.min_out)
    return V3Swap(address, sell, buy, zero_for_one, swap.amount_in, swap.min_out)
