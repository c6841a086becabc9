"""The codec keeps the rules of its kind."""

from collections.abc import Sequence

import pytest

from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.signing import Action, Reading
from tidemill_codec_evm import EvmCodec
from tidemill_evm.abi import encode_call
from tidemill_evm.executor import encode_flow
from tidemill_evm.secp256k1 import address_of_key
from tidemill_evm.steps import FlashLoan, V2Swap
from tidemill_evm.transactions import Transaction, encode_payload
from tidemill_testing.conformance import CodecCase, CodecConformance
from tidemill_testing.signing_keys import secp256k1_key

TOKEN, OTHER, POOL, EXECUTOR = ("0x" + pair * 20 for pair in ("a1", "b2", "c3", "e4"))
CHAIN = ChainId("eip155:137")
MAX = (1 << 256) - 1


def case_of(seed: int, transaction: Transaction, method: str, *spends: tuple[str, int]) -> CodecCase:
    """A case of one transaction and what it should read as."""
    key = secp256k1_key(bytes((seed,)) * 32)
    account = address_of_key(key.public_key)
    action = Action(transaction.to, method, transaction.value, tuple((AssetId(f"{CHAIN}/erc20:{token}"), held) for token, held in spends))
    cost = transaction.gas_limit * transaction.max_fee
    reading = Reading(CHAIN, account, "secp256k1", f"nonce:{transaction.nonce}", (action,), cost)
    return CodecCase(encode_payload(account, transaction), reading, key)


def program() -> bytes:
    """A plan that takes 7 in besides a loan of 3."""
    inner = (V2Swap(POOL, TOKEN, OTHER, True, 3_000, 10, 0), V2Swap(POOL, OTHER, TOKEN, False, 3_000, None, 0))
    return encode_flow((FlashLoan("lender", POOL, TOKEN, 3, 1, inner),), ((TOKEN, 8),), 99)


class TestEvmCodec(CodecConformance):
    """A payload names its sender and its chain."""

    plugin = EvmCodec
    capabilities = frozenset({"names_chain"})

    @pytest.fixture
    def cases(self) -> Sequence[CodecCase]:
        """A bare transfer, calls of a token, a program, a call of anything with an access list."""
        transfer = encode_call("transfer(address,uint256)", (OTHER, 1_000))
        access = ((TOKEN, (bytes(32), b"\1" * 32)),)
        return (
            case_of(1, Transaction(137, 0, 1, 30, 21_000, OTHER, 10**18, b""), ""),
            case_of(1, Transaction(137, 1, 0, 0, 60_000, TOKEN, 0, transfer), "0xa9059cbb", (TOKEN, 1_000)),
            case_of(2, Transaction(137, 1 << 40, 2, 10**12, 500_000, EXECUTOR, 1, program()), "0x61461954", (TOKEN, 7)),
            case_of(2, Transaction(137, 3, 1, MAX, 1, POOL, MAX, b"\1\2\3\4\5", access), "0x01020304"),
        )
