"""The codec keeps the rules of its kind."""

from collections.abc import Sequence

import pytest
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message, MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.signing import Action, Reading
from tidemill_codec_solana import SolanaCodec
from tidemill_testing.conformance import CodecCase, CodecConformance
from tidemill_testing.signing_keys import SigningKey, ed25519_key

CHAIN = ChainId("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp")
BLOCKHASH = Hash(b"\x55" * 32)
OTHER, MINT, PROGRAM = (Pubkey(bytes((byte,)) * 32) for byte in (8, 9, 10))
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")


def checked(payer: Pubkey, amount: int) -> Instruction:
    """TransferChecked of so much."""
    accounts = [AccountMeta(key, key == payer, key != MINT) for key in (OTHER, MINT, Pubkey(b"\x0b" * 32), payer)]
    return Instruction(TOKEN, b"\x0c" + amount.to_bytes(8, "little") + b"\x06", accounts)


def case_of(key: SigningKey, message: bytes, fee: int, *actions: Action) -> CodecCase:
    """A case of one message."""
    account = str(Pubkey(key.public_key))
    return CodecCase(message, Reading(CHAIN, account, "ed25519", f"blockhash:{BLOCKHASH}", actions, fee), key)


class TestSolanaCodec(CodecConformance):
    """Messages do not name their chain: the capability ``names_chain`` is not declared."""

    plugin = SolanaCodec

    @pytest.fixture
    def cases(self) -> Sequence[CodecCase]:
        """Both kinds of messages: a transfer of lamports, of tokens with a priority fee, a call of any program."""
        one, other = ed25519_key(b"\1" * 32), ed25519_key(b"\2" * 32)
        payer, second = Pubkey(one.public_key), Pubkey(other.public_key)
        lamports = transfer(TransferParams(from_pubkey=payer, to_pubkey=OTHER, lamports=1_000_000))
        budget = [set_compute_unit_limit(300_001), set_compute_unit_price(10)]
        call = Instruction(PROGRAM, b"\1\2\3\4\5\6\7\x08\x09", [AccountMeta(second, True, True)])
        versioned = MessageV0.try_compile(second, [*budget, checked(second, 5), call], [], BLOCKHASH)
        budget_actions = [Action("ComputeBudget111111111111111111111111111111", f"0x0{number}") for number in (2, 3)]
        spent = Action(str(TOKEN), "0x0c", 0, ((AssetId(f"{CHAIN}/token:{MINT}"), 5),))
        return (
            case_of(
                one,
                bytes(Message.new_with_blockhash([lamports], payer, BLOCKHASH)),
                5_000,
                Action("1" * 32, "0x02000000", 1_000_000),
            ),
            case_of(other, to_bytes_versioned(versioned), 5_004, *budget_actions, spent, Action(str(PROGRAM), "0x0102030405060708")),
        )
