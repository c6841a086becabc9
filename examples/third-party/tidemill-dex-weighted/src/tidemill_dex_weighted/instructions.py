"""Planned swaps to steps of an EVM chain: one call of the Vault, whatever the pool."""

from tidemill.domain.ids import address_of
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.transaction import Wallet
from tidemill.errors import InvariantError
from tidemill.units import UINT256_MAX
from tidemill_evm.abi import encode_call, word_offset
from tidemill_evm.steps import CallSwap

from tidemill_dex_weighted.quoting import WeightedPool

SWAP = "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)"
"""``IVault.swap(singleSwap, funds, limit, deadline)``."""
AMOUNT = (0, 4)
"""Where the amount stands in its arguments."""
GIVEN_IN = 0
"""The amount is what is sold."""


def swap_step(swap: PlannedSwap, pool: WeightedPool, wallet: Wallet) -> CallSwap:
    """Return the step that carries out a swap at this pool; its amounts are the plan's.

    The caller pays and receives, from and to its own account. The least output is the executor's to enforce, the deadline the plan's.

    Raises:
        InvariantError: the plan swaps at another pool, or assets that this one does not trade.
    """
    if swap.pool != pool.id or pool.places(swap.sell, swap.buy) is None:
        raise InvariantError(f"{pool.id} cannot carry out {swap}")
    vault, sell, buy = pool.terms.vault, address_of(swap.sell), address_of(swap.buy)
    caller = wallet.executor or wallet.owner
    single = (pool.terms.vault_id, GIVEN_IN, sell, buy, 0, b"")
    calldata = encode_call(SWAP, (single, (caller, False, caller, False), 0, UINT256_MAX))
    return CallSwap(vault, vault, sell, buy, calldata, word_offset(SWAP, calldata, AMOUNT), swap.amount_in, swap.min_out)
