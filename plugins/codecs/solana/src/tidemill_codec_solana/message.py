"""Messages of Solana, read to their end: legacy ones and those of version 0.

The format is that of solana.com/docs/core/transactions ("Message"), the checks those that a validator makes before anything runs
(agave, sdk ``SanitizedMessage``): a message that is read here can be included, and has one spelling.
"""

from typing import Final

from attrs import field, frozen

from tidemill_codec_solana.base58 import base58
from tidemill_codec_solana.errors import MalformedMessage

KEY: Final = 32
LONGEST: Final = 1_232
"""Bytes of a whole transaction: what fits into one packet."""
SIGNATURE: Final = 64
_VERSIONED: Final = 0x80
_MOST_ACCOUNTS: Final = 256


@frozen
class Instruction:
    """One call: ``program`` is an address, ``accounts`` are addresses, None where a lookup table would tell."""

    program: str
    accounts: tuple[str | None, ...]
    content: bytes = field(repr=False)


@frozen
class Message:
    """A message taken apart: who pays, with the key that signs, the block hash in base58, and what is called."""

    payer: str
    payer_key: bytes
    blockhash: str
    instructions: tuple[Instruction, ...]


class _Reader:
    """Reads bytes from their beginning, and knows where it is."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.at = 0

    def take(self, count: int, what: str) -> bytes:
        found = self._raw[self.at : self.at + count]
        if len(found) != count:
            raise MalformedMessage(f"cut inside {what}: expected {count} bytes from {self.at} on, found {len(found)}")
        self.at += count
        return found

    def byte(self, what: str) -> int:
        return self.take(1, what)[0]

    def count(self, what: str) -> int:
        """Return a compact-u16: seven bits a byte, the lowest first, in as few bytes as it needs."""
        value = 0
        for place in range(3):
            byte = self.byte(what)
            value |= (byte & 0x7F) << 7 * place
            if byte < _VERSIONED:
                if (place and not byte) or value > 0xFFFF:
                    break
                return value
        raise MalformedMessage(f"expected the {what} as a number of 16 bits in as few bytes as it needs")

    def finish(self) -> None:
        if self.at != len(self._raw):
            raise MalformedMessage(f"expected the end at {self.at}, found {len(self._raw) - self.at} bytes more")


def read_message(raw: bytes) -> Message:
    """Return a message of one required signature.

    Raises:
        MalformedMessage: it is cut, has a rest, is of another version, wants more signatures, or breaks what a validator asks of it.
    """
    reader = _Reader(raw)
    first = reader.byte("header")
    versioned = first >= _VERSIONED
    if versioned and first != _VERSIONED:
        raise MalformedMessage(f"expected a legacy message or version 0, found version {first & 0x7F}")
    signatures = reader.byte("header") if versioned else first
    readonly_signed, readonly = reader.byte("header"), reader.byte("header")
    if signatures != 1 or readonly_signed:
        raise MalformedMessage(
            f"expected one required signature, of a fee payer that is written to; found {signatures}, {readonly_signed} read-only"
        )
    count = reader.count("count of accounts")
    keys = [reader.take(KEY, "accounts") for _ in range(min(count, _MOST_ACCOUNTS + 1))]
    if not 1 <= count <= _MOST_ACCOUNTS or readonly >= count or len(set(keys)) != count:
        raise MalformedMessage(
            f"expected 1 to {_MOST_ACCOUNTS} different accounts, the first written to; found {count}, {readonly} read-only"
        )
    names = [base58(key) for key in keys]
    blockhash = base58(reader.take(KEY, "block hash"))
    raw_instructions = [_instruction(reader) for _ in range(reader.count("count of instructions"))]
    looked_up = _lookups(reader) if versioned else 0
    reader.finish()
    if count + looked_up > _MOST_ACCOUNTS:
        raise MalformedMessage(f"expected at most {_MOST_ACCOUNTS} accounts, found {count} and {looked_up} out of lookup tables")
    accounts = (*names, *(None,) * looked_up)
    return Message(names[0], keys[0], blockhash, tuple(_resolved(one, accounts) for one in raw_instructions))


def split_signature(raw: bytes) -> tuple[bytes, bytes]:
    """Return the message of a signed transaction and its one signature; neither is checked.

    Raises:
        MalformedMessage: it is cut or longer than a transaction may be, or has not one signature.
    """
    if raw[:1] != b"\1" or not SIGNATURE < len(raw) <= LONGEST:
        raise MalformedMessage(
            f"expected one signature and a message, at most {LONGEST} bytes; found {len(raw)} that begin with {raw[:1].hex()}"
        )
    return raw[1 + SIGNATURE :], raw[1 : 1 + SIGNATURE]


def _instruction(reader: _Reader) -> tuple[int, bytes, bytes]:
    program = reader.byte("program of an instruction")
    places = reader.take(reader.count("count of an instruction's accounts"), "accounts of an instruction")
    return program, places, reader.take(reader.count("length of an instruction"), "bytes of an instruction")


def _lookups(reader: _Reader) -> int:
    """Read the lookup tables; return how many accounts they add."""
    added = 0
    for _ in range(reader.count("count of lookup tables")):
        reader.take(KEY, "lookup table")
        of_table = sum(len(reader.take(reader.count("count of looked-up accounts"), "looked-up accounts")) for _ in range(2))
        if not of_table:
            raise MalformedMessage("expected a lookup table that something is looked up in, found one without")
        added += of_table
    return added


def _resolved(found: tuple[int, bytes, bytes], accounts: tuple[str | None, ...]) -> Instruction:
    place, places, content = found
    if max((place, *places)) >= len(accounts):
        raise MalformedMessage(f"expected one of {len(accounts)} accounts, found number {max((place, *places))}")
    program = accounts[place]
    if program is None or not place:
        raise MalformedMessage(
            f"expected a program that the message names, and not the fee payer; found account {place} of {len(accounts)}"
        )
    return Instruction(program, tuple(accounts[one] for one in places), content)
