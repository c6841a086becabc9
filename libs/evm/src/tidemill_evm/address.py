"""Addresses: lower case where they are kept and compared, EIP-55 capitals where people read them."""

import re
from typing import Final

from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.keccak import keccak256

ZERO_ADDRESS: Final = "0x" + "00" * 20
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


def normalize_address(text: str) -> str:
    """Return an address in the form in which it is stored: ``0x`` and 40 lower-case digits.

    Raises:
        MalformedBytes: it is no address, or has mixed capitals that are not its EIP-55 checksum.
    """
    if not _ADDRESS.fullmatch(text):
        raise MalformedBytes("address", 0, f"expected 0x and 40 hexadecimal digits, found {text!r}")
    digits = text[2:]
    if digits != digits.lower() and digits != digits.upper() and text != checksum_address(text):
        raise MalformedBytes("address", 0, f"the capitals of {text} are not its checksum: expected {checksum_address(text)}")
    return text.lower()


def checksum_address(address: str) -> str:
    """Return an address with the capitals of EIP-55; any capitals are accepted.

    Raises:
        MalformedBytes: it is no address.
    """
    if not _ADDRESS.fullmatch(address):
        raise MalformedBytes("address", 0, f"expected 0x and 40 hexadecimal digits, found {address!r}")
    digits = address[2:].lower()
    nibbles = keccak256(digits.encode()).hex()
    return "0x" + "".join(digit.upper() if nibble >= "8" else digit for digit, nibble in zip(digits, nibbles, strict=False))


def address_bytes(address: str) -> bytes:
    """Return the 20 bytes of an address, whose capitals do not matter.

    Raises:
        EncodeError: it is no address.
    """
    if not _ADDRESS.fullmatch(address):
        raise EncodeError(f"expected an address of 0x and 40 hexadecimal digits, found {address!r}")
    return bytes.fromhex(address[2:])


def address_of_bytes(raw: bytes) -> str:
    """Return the stored form of 20 bytes.

    Raises:
        MalformedBytes: there are more or fewer of them.
    """
    if len(raw) != 20:
        raise MalformedBytes("address", min(len(raw), 20), f"expected 20 bytes, found {len(raw)}")
    return "0x" + raw.hex()
