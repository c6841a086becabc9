"""The codec keeps the rules of its kind."""

from collections.abc import Sequence

import pytest

from tidemill.domain.ids import AssetId, PlanId
from tidemill.domain.signing import Action, Reading
from tidemill.domain.transaction import Unsigned
from tidemill_codec_sim import SimCodec
from tidemill_evm.executor import encode_flow
from tidemill_evm.steps import V2Swap
from tidemill_simworld import CHAIN, EXECUTOR
from tidemill_simworld.envelope import account_of_key, encode_call, seal
from tidemill_testing.conformance import CodecCase, CodecConformance
from tidemill_testing.signing_keys import SigningKey, ed25519_key, secp256k1_key

TOKEN, OTHER, POOL = ("0x" + pair * 20 for pair in ("a1", "b2", "c3"))
PROGRAM = encode_flow((V2Swap(POOL, TOKEN, OTHER, True, 3_000, 10, 0), V2Swap(POOL, OTHER, TOKEN, False, 3_000, None, 0)), (), 9)
HASH = "0x" + "5e" * 32


def case_of(key: SigningKey, slot: str, funds: Sequence[tuple[str, int]], program: bytes, gas: int, fee: int) -> CodecCase:
    """A case of one call and what it should read as."""
    account = account_of_key(key.public_key)
    call = Unsigned(PlanId("p"), CHAIN, encode_call(funds, program, fee), gas, 9)
    payload = seal(call, account, slot, 150 if slot.startswith("blockhash") else 0).payload
    spends = tuple((AssetId(f"{CHAIN}/erc20:{token}"), amount) for token, amount in funds)
    actions = (Action(EXECUTOR, "0x61461954", 0, spends),) if program else ()
    return CodecCase(payload, Reading(CHAIN, account, key.scheme, slot, actions, gas * fee), key)


class TestSimCodec(CodecConformance):
    """Both kinds of accounts, with a plan and with an empty call; the chain's number stands in the bytes."""

    plugin = SimCodec
    capabilities = frozenset({"names_chain"})

    @pytest.fixture
    def cases(self) -> Sequence[CodecCase]:
        """Plans and empty calls, of both kinds of accounts."""
        one, other, third = secp256k1_key(b"\1" * 32), secp256k1_key(b"\2" * 32), ed25519_key(b"\3" * 32)
        return (
            case_of(one, "nonce:0", [(TOKEN, 10)], PROGRAM, 150_000, 3),
            case_of(other, "nonce:7", [], b"", 21_000, 0),
            case_of(third, f"blockhash:{HASH}", [(TOKEN, 10), (OTHER, 1 << 255)], PROGRAM, 1, 1 << 100),
            case_of(ed25519_key(b"\4" * 32), f"blockhash:{HASH}", [], b"", 21_000, 5),
        )
