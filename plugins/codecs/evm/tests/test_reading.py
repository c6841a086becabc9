"""What is read of calls of tokens and of programs, and what is refused."""

import hashlib

import pytest
from eth_account import Account

from tidemill import UsageError
from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.signing import Opened, Reading, Unreadable
from tidemill.hookspecs.chain import Step
from tidemill_codec_evm import EvmCodec
from tidemill_codec_evm.program import inputs_of
from tidemill_evm.abi import encode_call
from tidemill_evm.executor import SELECTOR, FlowCall, encode_flow
from tidemill_evm.steps import CallSwap, FlashLoan, V2Swap, V3Swap
from tidemill_evm.transactions import Transaction, encode_payload

SENDER, TOKEN, OTHER, POOL = ("0x" + pair * 20 for pair in ("0f", "a1", "b2", "c3"))
CHAIN = ChainId("eip155:1")
MAX = (1 << 256) - 1
# The address that eth-account gives the key of this secret is asked of it: both must agree
SECRET = hashlib.sha256(b"a key of tests").digest()


def read(calldata: bytes, to: str = TOKEN, value: int = 0, chain: str = CHAIN) -> Reading | Unreadable:
    """Return what is read of a transaction of the sender."""
    return EvmCodec().read(ChainId(chain), encode_payload(SENDER, Transaction(1, 0, 1, 2, 3, to, value, calldata)))


@pytest.mark.parametrize(
    ("signature", "arguments", "spent"),
    [
        ("transfer(address,uint256)", (OTHER, 5), 5),
        ("transfer(address,uint256)", (OTHER, 0), 0),
        ("approve(address,uint256)", (OTHER, MAX), MAX),
        ("increaseAllowance(address,uint256)", (OTHER, 7), 7),
        ("transferFrom(address,address,uint256)", (SENDER, OTHER, 9), 9),
        ("transferFrom(address,address,uint256)", (OTHER, SENDER, 9), 0),
        ("mint(address,uint256)", (OTHER, 5), 0),
    ],
)
def test_read_call_of_a_token_says_what_it_takes(signature: str, arguments: tuple[str | int, ...], spent: int) -> None:
    """Payments and allowances out of the sender's account are spends of the token; others are only named."""
    found = read(encode_call(signature, arguments))
    assert isinstance(found, Reading)
    expected = ((AssetId(f"{CHAIN}/erc20:{TOKEN}"), spent),) if spent else ()
    assert (TOKEN, expected, 0) == (found.actions[0].target, found.actions[0].spends, found.value)


@pytest.mark.parametrize(
    ("calldata", "to", "words"),
    [
        (b"", "", "it makes a contract"),
        (b"\1\2\3", TOKEN, "a selector of 4 bytes, found 3"),
        (encode_call("transfer(address,uint256)", (OTHER, 5)) + b"\0", TOKEN, "expected the end, found 1 bytes more"),
        (encode_call("transfer(address,uint256)", (OTHER, 5))[:-1], TOKEN, "expected 32 bytes"),
        (b"\xa9\x05\x9c\xbb" + b"\1" * 64, TOKEN, "out of range"),
        (SELECTOR, OTHER, "executor program"),
        (SELECTOR + b"\2", OTHER, "expected version 1"),
    ],
)
def test_read_call_that_contracts_may_understand_otherwise_is_refused(calldata: bytes, to: str, words: str) -> None:
    """What is not the one encoding of its arguments is not signed."""
    found = read(calldata, to)
    assert isinstance(found, Unreadable)
    assert words in found.reason


@pytest.mark.parametrize("chain", ["eip155:2", "eip155:01", "eip155:", "sim:1", "1", "eip155:1 "])
def test_read_for_another_chain_is_refused(chain: str) -> None:
    """The chain of the transaction must be the one that is asked about."""
    assert isinstance(read(b"", chain=chain), Unreadable)


def test_open_transaction_of_eth_account_gives_sender_payload_and_hash() -> None:
    """What a wallet signed is opened to what was signed, by whom, and the hash by which explorers know it."""
    account = Account.from_key(SECRET)
    fields = {
        "type": 2,
        "chainId": 1,
        "nonce": 4,
        "maxPriorityFeePerGas": 1,
        "maxFeePerGas": 9,
        "gas": 21_000,
        "to": account.address,
        "value": 3,
    }
    signed = Account.sign_transaction({**fields, "data": b"", "accessList": []}, SECRET)
    sender = account.address.lower()
    payload = encode_payload(sender, Transaction(1, 4, 1, 9, 21_000, sender, 3, b""))

    assert Opened(payload, sender, "0x" + bytes(signed.hash).hex()) == EvmCodec().open(CHAIN, bytes(signed.raw_transaction))
    assert bytes(signed.raw_transaction) == EvmCodec().join(
        payload, signed.r.to_bytes(32, "big") + signed.s.to_bytes(32, "big") + bytes((signed.v,))
    )


def test_account_of_another_scheme_or_length_is_refused() -> None:
    """An EVM chain has accounts of secp256k1 alone."""
    with pytest.raises(UsageError, match="sign with secp256k1, not with ed25519"):
        EvmCodec().account("ed25519", bytes(32))
    with pytest.raises(UsageError, match="found 33"):
        EvmCodec().account("secp256k1", bytes(33))


def v2(sell: str, buy: str, amount: int | None, least: int = 0) -> V2Swap:
    """A swap."""
    return V2Swap(POOL, sell, buy, sell < buy, 3_000, amount, least)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((v2(TOKEN, OTHER, 10), v2(OTHER, TOKEN, None)), ((TOKEN, 10),)),
        ((v2(TOKEN, OTHER, 10), v2(TOKEN, OTHER, 5)), ((TOKEN, 15),)),
        ((v2(TOKEN, OTHER, 10, 6), v2(OTHER, TOKEN, 8)), ((TOKEN, 10), (OTHER, 2))),
        ((v2(TOKEN, OTHER, 10, 6), v2(OTHER, TOKEN, None), V3Swap(POOL, OTHER, TOKEN, False, 1, 0)), ((TOKEN, 10), (OTHER, 1))),
        ((FlashLoan("x", POOL, TOKEN, 100, 1, (v2(TOKEN, OTHER, 90), v2(OTHER, TOKEN, None))),), ()),
        ((FlashLoan("x", POOL, TOKEN, 100, 1, (v2(TOKEN, OTHER, 90),)), v2(TOKEN, OTHER, 10)), ((TOKEN, 10),)),
        ((CallSwap(POOL, POOL, TOKEN, OTHER, b"\0" * 4, None, 3, 0),), ((TOKEN, 3),)),
    ],
)
def test_inputs_of_a_program_are_what_must_come_from_outside(steps: tuple[Step, ...], expected: tuple[tuple[str, int], ...]) -> None:
    """Fixed inputs count beyond what a loan lent and what earlier swaps pay at the least; what is lent is gone once it is repaid."""
    assert expected == inputs_of(FlowCall(steps, (), 1))


def test_read_program_spends_its_inputs() -> None:
    """A call of the executor is read as its program."""
    found = read(encode_flow((v2(TOKEN, OTHER, 10), v2(OTHER, TOKEN, None)), ((TOKEN, 11),), 5), POOL, 3)
    assert isinstance(found, Reading)
    assert (((AssetId(f"{CHAIN}/erc20:{TOKEN}"), 10),), 3) == (found.actions[0].spends, found.value)
