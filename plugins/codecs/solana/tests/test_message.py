"""Messages are read as another library makes them, and no other bytes are."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction

from tidemill import UsageError
from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Opened, Reading, Unreadable
from tidemill_codec_solana import SolanaCodec
from tidemill_codec_solana.base58 import base58
from tidemill_codec_solana.errors import MalformedMessage
from tidemill_codec_solana.message import LONGEST, read_message, split_signature

MAINNET, DEVNET = (ChainId(f"solana:{name}") for name in ("5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "EtWTRABZaYq6iMfeYKouRu166VU2xqa1"))
KEYS = [Pubkey(bytes((number,)) * 32) for number in range(20, 40)]
Make = Callable[..., bytes]

instructions = st.lists(
    st.builds(
        lambda program, accounts, content: Instruction(program, content, [AccountMeta(key, False, writable) for key, writable in accounts]),
        st.sampled_from(KEYS[:4]),
        st.lists(st.tuples(st.sampled_from(KEYS[4:]), st.booleans()), max_size=6),
        st.binary(max_size=150),
    ),
    max_size=5,
)


def test_read_message_of_another_library_has_its_parts(legacy: Make, versioned: Make, payer: Pubkey) -> None:
    """Payer, block hash, and every instruction with program, accounts and bytes, of both kinds of messages."""

    @given(instructions)
    def holds(made: list[Instruction]) -> None:
        expected = [(str(one.program_id), tuple(str(meta.pubkey) for meta in one.accounts), bytes(one.data)) for one in made]
        for raw in (legacy(*made), versioned(*made)):
            found = read_message(raw)
            assert expected == [(one.program, one.accounts, one.content) for one in found.instructions]
            assert (str(payer), bytes(payer), base58(b"\x55" * 32)) == (found.payer, found.payer_key, found.blockhash)

    holds()


def test_read_accounts_out_of_a_lookup_table_are_none(versioned: Make) -> None:
    """What only a table would tell is not told; programs are never in tables."""
    table = AddressLookupTableAccount(KEYS[0], KEYS[5:9])
    call = Instruction(KEYS[1], b"\1", [AccountMeta(key, False, True) for key in (KEYS[5], KEYS[10], KEYS[6])])
    (found,) = read_message(versioned(call, tables=[table])).instructions

    assert (str(KEYS[1]), (None, str(KEYS[10]), None)) == (found.program, found.accounts)


def header(signatures: int = 1, readonly_signed: int = 0, readonly: int = 1) -> bytes:
    return bytes((signatures, readonly_signed, readonly))


PAYER, OTHER, HASH = b"\x07" * 32, b"\x08" * 32, b"\x55" * 32
TWO = header() + b"\2" + PAYER + OTHER + HASH
TABLE = b"\x09" * 32


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "cut inside header"),
        (b"\x81" + TWO + b"\0\0", "expected a legacy message or version 0, found version 1"),
        (header(2) + b"\2" + PAYER + OTHER + HASH + b"\0", "expected one required signature, .*found 2"),
        (header(0) + b"\2" + PAYER + OTHER + HASH + b"\0", "found 0"),
        (header(1, 1) + b"\2" + PAYER + OTHER + HASH + b"\0", "found 1, 1 read-only"),
        (header(1, 0, 2) + b"\2" + PAYER + OTHER + HASH + b"\0", "1 to 256 different accounts, the first written to; found 2, 2"),
        (header() + b"\2" + PAYER + PAYER + HASH + b"\0", "different accounts"),
        (header(1, 0, 0) + b"\0" + HASH + b"\0", "found 0"),
        (header() + b"\x82\0" + PAYER + OTHER + HASH + b"\0", "count of accounts as a number of 16 bits in as few bytes"),
        (header() + b"\xff\xff\x07", "in as few bytes as it needs"),
        (header() + b"\xff\xff\x83\0", "in as few bytes as it needs"),
        (header() + b"\xff\xff\3" + bytes(32 * 300), "1 to 256 different accounts"),
        (TWO + b"\0\0", "expected the end at 101, found 1 bytes more"),
        (TWO + b"\1\2\0\0", "expected one of 2 accounts, found number 2"),
        (TWO + b"\1\1\1\2\0", "expected one of 2 accounts, found number 2"),
        (TWO + b"\1\0\0\0", "not the fee payer"),
        (TWO + b"\1\1\0\5\0", "cut inside bytes of an instruction"),
        (b"\x80" + TWO + b"\1\2\0\0" + b"\1" + TABLE + b"\1\5\0", "a program that the message names"),
        (b"\x80" + TWO + b"\0" + b"\1" + TABLE + b"\0\0", "a lookup table that something is looked up in"),
        (b"\x80" + TWO + b"\0" + b"\1" + TABLE + b"\xff\1" + bytes(255) + b"\0", "at most 256 accounts, found 2 and 255"),
        (b"\x80" + TWO + b"\0" + b"\1" + TABLE, "cut inside count of looked-up accounts"),
        (b"\x80" + TWO + b"\0", "cut inside count of lookup tables"),
    ],
)
def test_read_message_of_other_bytes_raises(raw: bytes, words: str) -> None:
    """What is cut, longer, or what a validator would not take is no message."""
    with pytest.raises(MalformedMessage, match=words):
        read_message(raw)


def test_read_message_without_instructions_does_nothing(read: Callable[[bytes], Reading | Unreadable]) -> None:
    """It costs its signature."""
    found = read(TWO + b"\0")
    assert isinstance(found, Reading)
    assert ((), 5_000, 0) == (found.actions, found.max_fee, found.value)


def test_open_transaction_of_another_library_gives_payer_message_and_signature() -> None:
    """What another library signed is opened to what was signed, by whom, and the signature by which explorers know it."""
    key = Keypair.from_seed(b"\1" * 32)
    call = Instruction(KEYS[1], b"\1\2", [AccountMeta(key.pubkey(), True, True)])
    message = Message.new_with_blockhash([call], key.pubkey(), Hash(HASH))
    signed = Transaction([key], message, Hash(HASH))
    codec = SolanaCodec()

    expected = Opened(bytes(message), str(key.pubkey()), str(signed.signatures[0]))
    assert expected == codec.open(MAINNET, bytes(signed)) == codec.open(DEVNET, bytes(signed))
    assert bytes(signed) == codec.join(bytes(message), bytes(signed.signatures[0]))
    assert str(key.pubkey()) == codec.account("ed25519", bytes(key.pubkey()))


@pytest.mark.parametrize("chain", ["solana:", "solana:0", "eip155:1", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvd0", "solana:mainnet"])
def test_read_for_a_chain_that_is_none_is_refused(chain: str) -> None:
    """A chain is named by the beginning of its genesis hash."""
    assert isinstance(SolanaCodec().read(ChainId(chain), TWO + b"\0"), Unreadable)


def test_read_longest_message_fits_a_packet(legacy: Make, read: Callable[[bytes], Reading | Unreadable]) -> None:
    """A transaction has at most 1,232 bytes; a longer one could be signed and never sent."""
    spare = LONGEST - 65 - len(legacy(Instruction(KEYS[1], b"\1" * 200, []))) + 200
    assert isinstance(read(legacy(Instruction(KEYS[1], b"\1" * spare, []))), Reading)
    found = read(legacy(Instruction(KEYS[1], b"\1" * (spare + 1), [])))
    assert Unreadable("expected a message of at most 1167 bytes, found 1168") == found


@pytest.mark.parametrize("raw", [b"", b"\1", b"\1" + bytes(63), b"\2" + bytes(128) + TWO, b"\1" + bytes(LONGEST)])
def test_split_signature_of_other_bytes_raises(raw: bytes) -> None:
    """A transaction of ours has one signature and fits a packet."""
    with pytest.raises(MalformedMessage, match="expected one signature and a message, at most 1232 bytes"):
        split_signature(raw)


def test_account_of_another_scheme_or_length_is_refused() -> None:
    """Solana has accounts of ed25519 alone."""
    with pytest.raises(UsageError, match="ed25519 keys of 32 bytes, found 64 of secp256k1"):
        SolanaCodec().account("secp256k1", bytes(64))
    with pytest.raises(UsageError, match="found 31 of ed25519"):
        SolanaCodec().account("ed25519", bytes(31))


def test_open_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading needs no package for signatures; checking one says which."""
    import sys

    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    with pytest.raises(UsageError, match="pip install cryptography"):
        SolanaCodec().open(MAINNET, b"\1" + bytes(64) + TWO + b"\0")
