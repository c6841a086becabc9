"""What the rules of its kind do not ask of the codec of the simulated chain."""

import pytest

from tidemill import UsageError
from tidemill.domain.ids import AssetId, ChainId, PlanId
from tidemill.domain.signing import Reading, Scheme, Unreadable
from tidemill.domain.transaction import Unsigned
from tidemill_codec_sim import SimCodec
from tidemill_evm.executor import encode_flow
from tidemill_evm.steps import V2Swap
from tidemill_simworld import CHAIN
from tidemill_simworld.envelope import encode_call, seal

ACCOUNT, TOKEN, OTHER = ("0x" + pair * 20 for pair in ("0f", "a1", "b2"))
PROGRAM = encode_flow((V2Swap(OTHER, TOKEN, OTHER, True, 3_000, 10, 0),), (), 9)


def read(call: bytes, chain: str = CHAIN) -> Reading | Unreadable:
    """Return what is read of a call."""
    sealed = seal(Unsigned(PlanId("p"), CHAIN, call, 21_000, 9), ACCOUNT, "nonce:3")
    return SimCodec().read(ChainId(chain), sealed.payload)


def test_read_funds_of_one_token_in_parts_are_added_up() -> None:
    """A limit per asset counts all of it, however it is written."""
    found = read(encode_call([(TOKEN, 4), (OTHER, 1), (TOKEN, 6)], PROGRAM, 1))
    assert isinstance(found, Reading)
    assert ((AssetId(f"{CHAIN}/erc20:{TOKEN}"), 10), (AssetId(f"{CHAIN}/erc20:{OTHER}"), 1)) == found.actions[0].spends


@pytest.mark.parametrize("program", [b"\0", PROGRAM[:-1], PROGRAM + b"\0", b"\1\2\3\4"])
def test_read_program_that_is_none_is_refused(program: bytes) -> None:
    """A program must be the one encoding of a plan."""
    found = read(encode_call([(TOKEN, 4)], program, 1))
    assert isinstance(found, Unreadable)
    assert "executor program" in found.reason


def test_read_funds_without_a_program_are_refused() -> None:
    """Money that is handed over for nothing is no plan."""
    assert isinstance(read(encode_call([(TOKEN, 4)], b"", 1)), Unreadable)


def test_read_amount_that_is_too_long_is_refused_in_one_short_line() -> None:
    """What somebody else wrote is not repeated at length."""
    whole = seal(Unsigned(PlanId("p"), CHAIN, encode_call([(TOKEN, 4)], b"", 1), 21_000, 9), ACCOUNT, "nonce:3").payload
    body = b"TMC1" + bytes(16) + b"\1" + bytes(20) + b"\xff" + b"\xee" * 255
    found = SimCodec().read(CHAIN, whole[:44] + len(body).to_bytes(4, "big") + body)
    assert isinstance(found, Unreadable)
    assert "at most 32 bytes" in found.reason
    assert 200 >= len(found.reason)


@pytest.mark.parametrize(("scheme", "length"), [("secp256k1", 32), ("ed25519", 64), ("secp256k1", 0)])
def test_account_of_a_key_of_another_length_is_refused(scheme: Scheme, length: int) -> None:
    """A scheme's keys have one length."""
    with pytest.raises(UsageError, match=f"of a {scheme} key, found {length}"):
        SimCodec().account(scheme, bytes(length))
