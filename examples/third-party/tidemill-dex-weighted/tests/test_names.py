"""Names as the chain knows them: selectors and topics as explorers publish them, which a slip in a signature breaks."""

import pytest
from tidemill.domain.ids import Key
from tidemill_evm.storage import split_call_key

from tidemill_dex_weighted.discovery import VAULT, PoolCreated
from tidemill_dex_weighted.logs import BALANCE_CHANGED, PoolBalanceManaged, Swap, SwapFeePercentageChanged
from tidemill_dex_weighted.state import decimals_key, fee_key, scales_key, tokens_key, vault_id_key, weights_key

ADDRESS, VAULT_ID = "0x" + "ab" * 20, bytes(range(32))


@pytest.mark.parametrize(
    ("key", "contract", "calldata"),
    [
        (tokens_key(VAULT, VAULT_ID), VAULT, "f94d4668" + VAULT_ID.hex()),
        (vault_id_key(ADDRESS), ADDRESS, "38fff2d0"),
        (weights_key(ADDRESS), ADDRESS, "f89f27ed"),
        (fee_key(ADDRESS), ADDRESS, "55c67628"),
        (scales_key(ADDRESS), ADDRESS, "1dd746ea"),
        (decimals_key(ADDRESS), ADDRESS, "313ce567"),
    ],
)
def test_calls_are_those_of_the_contracts(key: Key, contract: str, calldata: str) -> None:
    """Contract, selector and arguments."""
    assert (contract, bytes.fromhex(calldata)) == split_call_key(key)


@pytest.mark.parametrize(
    ("topic", "begins"),
    [
        (Swap.topic, "2170c741"),
        (BALANCE_CHANGED, "e5ce2490"),
        (PoolBalanceManaged.topic, "6edcaf62"),
        (SwapFeePercentageChanged.topic, "a9ba3ffe"),
        (PoolCreated.topic, "83a48fbc"),
    ],
)
def test_topics_are_those_of_the_contracts(topic: bytes, begins: str) -> None:
    """The first four bytes tell them apart."""
    assert begins == topic[:4].hex()
