"""A swap by a call of any contract: from a foreign exchange's planned swap to the executor's program and back."""

from typing import Any, Final

import attrs
import pytest
from attrs import frozen

from tidemill.domain.ids import AssetId, ChainId, address_of, erc20, pool_id
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.transaction import Wallet
from tidemill.errors import UsageError
from tidemill.hookspecs.chain import Step
from tidemill_evm.abi import decode_call, encode_call, word_offset
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.executor import MAX_CALLDATA, SELECTOR, decode_flow, encode_flow
from tidemill_evm.gas import INTRINSIC_GAS, SWAP_GAS, call_gas, calldata_gas, gas_limit, swap_kind
from tidemill_evm.steps import CallSwap, FlashLoan, V2Swap, V3Swap

CHAIN = ChainId("eip155:1")
VAULT = "0xba12222222228d8ba445958a75a0704d566bf2c8"
OTHER = "0x" + "0e" * 20
WALLET = Wallet(CHAIN, "0x" + "a1" * 20, executor="0x" + "ec" * 20)
SELL, BUY, THIRD = (f"0x{number:040x}" for number in (0xAA, 0xBB, 0xCC))
POOL = "0x5c6ee304399dbdb9c8ef030ab642b10820db8f56"
SWAP: Final = "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)"
AMOUNT: Final = (0, 4)
FOREVER: Final = (1 << 256) - 1


@frozen
class ForeignPool:
    """A pool of a vault, as an exchange that this library knows nothing of would keep it."""

    asset_in: AssetId
    asset_out: AssetId
    vault_id: bytes


def foreign_step(swap: PlannedSwap, pool: ForeignPool, wallet: Wallet) -> CallSwap:
    """Return the step of a planned swap, as its author would write it."""
    caller = wallet.executor or wallet.owner
    sell, buy = address_of(swap.sell), address_of(swap.buy)
    calldata = encode_call(SWAP, ((pool.vault_id, 0, sell, buy, 0, b""), (caller, False, caller, False), 0, FOREVER))
    return CallSwap(VAULT, VAULT, sell, buy, calldata, word_offset(SWAP, calldata, AMOUNT), swap.amount_in, swap.min_out)


FOREIGN = ForeignPool(erc20(CHAIN, SELL), erc20(CHAIN, BUY), bytes.fromhex(POOL[2:]) + bytes(12))
CALL = CallSwap(VAULT, OTHER, SELL, BUY, b"swap" + bytes(32) + b"rest", 4, 5, 1)
FIXED = attrs.evolve(CALL, calldata=b"swap", amount_at=None)


@pytest.mark.parametrize("amount", [None, 10**18])
def test_foreign_step_survives_the_program_and_says_what_was_planned(amount: int | None) -> None:
    """A call that another exchange built stands whole in the flow: whom it pays, what it sells, and where the amount goes."""
    planned = PlannedSwap(pool_id(CHAIN, "weighted", POOL), FOREIGN.asset_in, FOREIGN.asset_out, amount, 7)
    step = foreign_step(planned, FOREIGN, WALLET)
    loan = FlashLoan("aave", OTHER, SELL, 10**18, 0, (step, V2Swap(POOL, BUY, SELL, True, 3_000, None, 0)))
    call = decode_flow(encode_flow((loan,), ((SELL, 1),), 9))

    assert ((loan,), ((SELL, 1),), 9) == (call.steps, call.guards, call.expires)
    assert isinstance(step.amount_at, int)
    sold = step.calldata[: step.amount_at] + (3).to_bytes(32, "big") + step.calldata[step.amount_at + 32 :]
    described = (FOREIGN.vault_id, 0, SELL, BUY, 3, b"")
    assert (described, (WALLET.executor, False, WALLET.executor, False), 0, FOREVER) == decode_call(SWAP, sold)


def test_call_swap_is_written_as_specified() -> None:
    """Flags, places, numbers and calldata stand in the order that the module gives."""
    table = b"".join(bytes.fromhex(one[2:]) for one in (VAULT, SELL, BUY, OTHER))
    body = b"\xf4\0\1\2\3" + b"\1\5" + b"\1\1" + b"\1\4" + b"\1\x28" + CALL.calldata
    assert SELECTOR + b"\1\1\x09\4" + table + b"\1" + body + b"\0" == encode_flow((CALL,), (), 9)

    same, least = attrs.evolve(FIXED, spender=VAULT), b"\x64\0\1\2\1\5\1\1\1\4swap"
    assert SELECTOR + b"\1\1\x09\3" + table[:60] + b"\1" + least + b"\0" == encode_flow((same,), (), 9)


@pytest.mark.parametrize(
    "change",
    [
        {"contract": SELL},
        {"contract": BUY},
        {"spender": SELL},
        {"spender": BUY},
        {"contract": "0x" + "AB" * 20},
        {"token_out": SELL},
        {"calldata": b"swa", "amount_at": None},
        {"calldata": bytes(MAX_CALLDATA + 1)},
        {"amount_at": None, "amount_in": None},
        {"amount_at": 3},
        {"amount_at": -1},
        {"amount_at": 9},
        {"amount_at": 5},
        {"amount_in": 0},
        {"min_out": -1},
    ],
    ids=str,
)
def test_encode_flow_impossible_call_raises(change: dict[str, Any]) -> None:
    """A call of a token, of the wrong size, or without a place for its amount is refused when it is written."""
    with pytest.raises(EncodeError):
        encode_flow((attrs.evolve(CALL, **change),), (), 9)


LATER: tuple[tuple[tuple[Step, ...], tuple[tuple[str, int], ...]], ...] = (
    ((CALL, V3Swap(POOL, BUY, OTHER, True, None, 0)), ()),
    ((CALL, V3Swap(POOL, VAULT, BUY, True, None, 0)), ()),
    ((CALL, FlashLoan("aave", POOL, VAULT, 1, 0, (V2Swap(POOL, BUY, SELL, True, 3_000, None, 0),))), ()),
    ((FlashLoan("aave", POOL, SELL, 1, 0, (CALL,)),), ((OTHER, 1),)),
    ((CALL, attrs.evolve(CALL, contract=THIRD, spender=THIRD, token_in=BUY, token_out=VAULT)), ()),
)


@pytest.mark.parametrize(("steps", "guards"), LATER)
def test_encode_flow_call_of_a_token_elsewhere_in_the_plan_raises(steps: tuple[Step, ...], guards: tuple[tuple[str, int], ...]) -> None:
    """A token that another step, a loan or a guard names could be told to give itself away."""
    with pytest.raises(EncodeError, match="no token of the plan"):
        encode_flow(steps, guards, 9)


TABLE = b"".join(bytes.fromhex(one[2:]) for one in (VAULT, SELL, BUY, OTHER))
THREE, FOUR = SELECTOR + b"\1\1\x09\3" + TABLE[:60] + b"\1", SELECTOR + b"\1\1\x09\4" + TABLE + b"\1"


@pytest.mark.parametrize(
    ("program", "offset"),
    [
        (THREE + b"\x44\0\1\2\1\1\1\4swap\0", 69),
        (THREE + b"\x24\0\1\1\1\5\1\4swap\0", 69),
        (THREE + b"\x24\0\1\2\0\1\4swap\0", 73),
        (THREE + b"\x64\0\1\2\1\5\0\1\4swap\0", 75),
        (THREE + b"\x24\0\1\2\1\5\1\3swa\0", 69),
        (THREE + b"\x34\0\1\2\0\1\5\1\4swap\0", 73),
        (FOUR + b"\x34\0\1\2\3\1\5\1\5swap", 102),
        (FOUR + b"\x34\0\1\2\3\1\5\2\0\4swap\0", 97),
        (THREE + b"\x84\0\1\2\1\4\1\x23swap" + bytes(31) + b"\0", 69),
        (THREE + b"\x84\0\1\2\1\3\1\x24swap" + bytes(32) + b"\0", 69),
        (THREE + b"\x84\0\1\2\x20" + b"\xff" * 32 + b"\1\x24swap" + bytes(32) + b"\0", 69),
        (THREE + b"\x84\0\1\2\1\4\1\x24swap" + bytes(31) + b"\1\0", 69),
        (THREE + b"\x24\0\1\2\1\5\1\4swap\1\0\1\1", 70),
        (FOUR + b"\x34\0\1\2\3\1\5\1\4swap\1\3\1\1", 93),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_decode_flow_malformed_call_names_offset(program: bytes, offset: int) -> None:
    """Whatever encoding refuses, decoding refuses too, and every other way to write the same."""
    with pytest.raises(MalformedBytes) as raised:
        decode_flow(program)

    assert offset == raised.value.offset


def test_call_swap_costs_what_a_call_costs() -> None:
    """A call counts its own figure, its limit leaves room for a contract that does more, and each swap has its kind."""
    program = encode_flow((CALL, V3Swap(POOL, BUY, SELL, True, None, 0)), (), 9)
    expected = INTRINSIC_GAS + calldata_gas(program) + SWAP_GAS["call"] + SWAP_GAS["v3"]

    assert expected == call_gas(program)
    assert (expected + SWAP_GAS["call"]) * 5 // 4 < gas_limit(program) < 3 * expected
    assert ("call", "v2", "v3") == tuple(
        map(swap_kind, (CALL, V2Swap(POOL, BUY, SELL, True, 0, 1, 0), V3Swap(POOL, BUY, SELL, True, 1, 0)))
    )
    with pytest.raises(UsageError, match="FlashLoan"):
        swap_kind(FlashLoan("aave", POOL, SELL, 1, 0, (CALL,)))
