"""Logs: each kind moves the pool as the contract's own figures do, others leave it alone, wrong ones are refused."""

import pytest
from tidemill.domain.events import Log
from tidemill.domain.pool import Decoded
from tidemill.errors import DecodeError
from tidemill_evm.abi import encode, event_topic

from recorded import NEW_FEE, POOLS, decoded, logs_of, ref_of, states_of
from tidemill_dex_weighted.decoding import decode_pool
from tidemill_dex_weighted.discovery import VAULT
from tidemill_dex_weighted.logs import BALANCE_CHANGED, PoolBalanceManaged, Swap, SwapFeePercentageChanged, play_log

DATA = POOLS["dai_weth_40_60"]
POOL, (ONE, OTHER) = decoded(DATA), DATA["tokens"]
HELD, VAULT_ID, NAMELESS = POOL.balances, POOL.terms.vault_id, bytes(32)


def test_each_kind_moves_what_it_tells() -> None:
    """A swap, a join that pays the protocol one unit of each, an asset manager's loss of 3, a new fee."""
    swap, join, managed, fee = logs_of(DATA)
    one, other = HELD

    assert (one + one // 100, other - other // 100) == play_log(POOL, swap).balances
    assert (one + one // 50 - 1, other + other // 50 - 1) == play_log(POOL, join).balances
    assert (one - 3, other) == play_log(POOL, managed).balances
    assert play_log(POOL, fee).terms.fee == NEW_FEE
    assert play_log(POOL, fee).balances == HELD


def test_each_kind_is_watched() -> None:
    """A log that the chain is not asked for would never arrive."""
    made = decode_pool(ref_of(DATA), states_of(DATA))
    assert isinstance(made, Decoded)

    watched = {(wanted.address, topic) for wanted in made.watch.logs for topic in wanted.topics}
    assert watched == {(log.address, log.topics[0]) for log in logs_of(DATA)}


@pytest.mark.parametrize(
    "log",
    [
        Swap(NAMELESS, ONE, OTHER, 1, 1).log(VAULT),
        PoolBalanceManaged(NAMELESS, OTHER, ONE, 1, 1).log(VAULT),
        Log(VAULT, (event_topic("TokensDeregistered(bytes32,address[])"), VAULT_ID), b""),
        Log(VAULT, (), b""),
        Log(DATA["address"], (event_topic("Transfer(address,address,uint256)"),), b""),
    ],
)
def test_what_is_not_of_this_pool_passes_by(log: Log) -> None:
    """Other pools of the Vault, and other events."""
    assert play_log(POOL, log) is POOL


@pytest.mark.parametrize(
    ("log", "says"),
    [
        (Swap(VAULT_ID, ONE, OTHER, 1, HELD[1] + 1).log(VAULT), "expected balances"),
        (Swap(VAULT_ID, ONE, VAULT, 1, 1).log(VAULT), "tokens of the pool"),
        (SwapFeePercentageChanged(10**18).log(DATA["address"]), "expected a fee"),
        (Swap(VAULT_ID, ONE, OTHER, 1, 1).log(OTHER), "a log of the Vault or of its own"),
        (
            Log(VAULT, (BALANCE_CHANGED, VAULT_ID), encode(("address[]", "int256[]", "uint256[]"), ([ONE], [1], [0]))),
            "the pool's tokens",
        ),
        (
            Log(VAULT, (BALANCE_CHANGED, VAULT_ID), encode(("address[]", "int256[]", "uint256[]"), ([ONE, OTHER], [1], [0, 0]))),
            "expected 2 changes",
        ),
    ],
)
def test_a_log_that_cannot_be_is_refused(log: Log, says: str) -> None:
    """More than there was, tokens that it has not, a fee of everything, another contract."""
    with pytest.raises(DecodeError, match=says):
        play_log(POOL, log)
