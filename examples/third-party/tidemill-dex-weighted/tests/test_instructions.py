"""Steps: what the Vault would be asked for, read back from the bytes."""

import pytest
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.transaction import Wallet
from tidemill.errors import InvariantError
from tidemill.units import UINT256_MAX
from tidemill_evm.abi import decode_call
from tidemill_evm.steps import CallSwap
from tidemill_testing.market import pair_pool, token

from recorded import AT, CHAIN, POOLS, decoded
from tidemill_dex_weighted import Weighted
from tidemill_dex_weighted.discovery import VAULT
from tidemill_dex_weighted.instructions import SWAP

OWNER, EXECUTOR = "0x" + "0a" * 20, "0x" + "0e" * 20
POOL = decoded(POOLS["dai_weth_40_60"])
SELL, BUY = POOL.assets
DAI, WETH = POOLS["dai_weth_40_60"]["tokens"]


@pytest.mark.parametrize(("wallet", "caller"), [(Wallet(CHAIN, OWNER), OWNER), (Wallet(CHAIN, OWNER, EXECUTOR), EXECUTOR)])
@pytest.mark.parametrize("amount", [10**18, None])
def test_the_vault_is_asked_to_swap_what_is_held(wallet: Wallet, caller: str, amount: int | None) -> None:
    """The amount is written into the fifth field of the first argument; caller pays and receives."""
    (step,) = Weighted().build_steps(PlannedSwap(POOL.id, SELL, BUY, amount, 7), POOL, AT, wallet)
    assert isinstance(step, CallSwap)
    assert step.amount_at is not None
    written = step.calldata[: step.amount_at] + (10**18).to_bytes(32, "big") + step.calldata[step.amount_at + 32 :]

    single = (POOL.terms.vault_id, 0, DAI, WETH, 10**18, b"")
    assert (single, (caller, False, caller, False), 0, UINT256_MAX) == decode_call(SWAP, written)
    assert (step.contract, step.spender) == (VAULT, VAULT)
    assert (DAI, WETH, amount, 7) == (step.token_in, step.token_out, step.amount_in, step.min_out)
    assert step.calldata[:4].hex() == "52bbbe29"  # the Vault's published selector of swap


def test_what_this_pool_cannot_carry_out_is_refused() -> None:
    """A plan for another DEX's pool, for another pool, for a token that the pool lacks."""
    foreign = pair_pool("foreign", {token("USD"): 5, token("WETH"): 7})
    other = decoded(POOLS["weth_bal"])
    for pool, planned in (
        (foreign, PlannedSwap(foreign.id, token("USD"), token("WETH"), 1, 0)),
        (POOL, PlannedSwap(other.id, SELL, BUY, 1, 0)),
        (POOL, PlannedSwap(POOL.id, SELL, other.assets[0], 1, 0)),
    ):
        with pytest.raises(InvariantError, match=r"is no pool of|cannot carry out"):
            Weighted().build_steps(planned, pool, AT, Wallet(CHAIN, OWNER))
