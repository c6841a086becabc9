"""Messages of the tests, made by another library, and what is read of them."""

from collections.abc import Callable, Sequence

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import Message, MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey

from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Reading, Unreadable
from tidemill_codec_solana import SolanaCodec

CHAIN = ChainId("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp")
BLOCKHASH = Hash(b"\x55" * 32)


@pytest.fixture
def payer() -> Pubkey:
    """Who pays in the tests."""
    return Pubkey(b"\x07" * 32)


@pytest.fixture
def legacy(payer: Pubkey) -> Callable[..., bytes]:
    """Gives ``legacy(*instructions)``: the bytes of a legacy message."""
    return lambda *instructions: bytes(Message.new_with_blockhash(instructions, payer, BLOCKHASH))


@pytest.fixture
def versioned(payer: Pubkey) -> Callable[..., bytes]:
    """Gives ``versioned(*instructions, tables=…)``: the bytes of a message of version 0."""

    def make(*instructions: Instruction, tables: Sequence[AddressLookupTableAccount] = ()) -> bytes:
        return to_bytes_versioned(MessageV0.try_compile(payer, instructions, tables, BLOCKHASH))

    return make


@pytest.fixture
def read() -> Callable[[bytes], Reading | Unreadable]:
    """Gives ``read(message)`` on the main chain."""
    return lambda message: SolanaCodec().read(CHAIN, message)
