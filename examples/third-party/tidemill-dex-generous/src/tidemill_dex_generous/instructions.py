"""Planned swaps to steps of an EVM chain."""

from tidemill.domain.ids import address_of
from tidemill.domain.plan import PlannedSwap
from tidemill.errors import InvariantError
from tidemill_evm.steps import V2Swap

from tidemill_dex_generous.quoting import GenerousPool


def swap_step(swap: PlannedSwap, pool: GenerousPool) -> V2Swap:
    """Return the step that carries out a swap at this pool; its amounts are the plan's.

    Raises:
        InvariantError: the plan swaps at another pool, or assets that this one does not trade.
    """
    if swap.pool != pool.id or pool.facing(swap.sell, swap.buy) is None:
        raise InvariantError(f"{pool.id} cannot carry out {swap}")
    return V2Swap(
        pool=address_of(pool.id),
        token_in=address_of(swap.sell),
        token_out=address_of(swap.buy),
        zero_for_one=swap.sell == pool.assets[0],
        fee_ppm=pool.fee_ppm,
        amount_in=swap.amount_in,
        min_out=swap.min_out,
    )
