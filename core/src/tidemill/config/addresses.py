"""What addresses look like, by the family of their chain: enough to find what was mistyped, without asking anybody."""

import re

ADDRESS = re.compile(r"[-.%_a-zA-Z0-9]{1,128}")
"""An address of any chain, as CAIP-10 has it."""
CHAIN = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}")
"""The id of a chain, as CAIP-2 has it."""
_EVM = re.compile(r"0x[0-9a-fA-F]{40}")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_SVM = re.compile(f"[{_BASE58}]{{32,44}}")
_KEY_SIZE = 32
_EXPECTED = {
    "eip155": "0x and 40 hexadecimal digits",
    "solana": "32 bytes in base58",
    "sim": "0x and 40 hexadecimal digits, or 32 bytes in base58",
}


def address_fault(namespace: str, address: str) -> str | None:
    """Return why a text is no address on chains of a CAIP-2 namespace, with what one looks like; None where it can be one.

    Of a namespace that is not known only the characters and the length are looked at.
    """
    evm, svm = _EVM.fullmatch(address) is not None, _is_public_key(address)
    if {"eip155": evm, "solana": svm, "sim": evm or svm}.get(namespace, ADDRESS.fullmatch(address) is not None):
        return None
    return f"is no address of {namespace}: expected {_EXPECTED.get(namespace, 'up to 128 letters, digits, -, ., % or _')}"


def _is_public_key(text: str) -> bool:
    """Whether a text is base58 of exactly 32 bytes; each leading 1 is a byte of zeros."""
    if not _SVM.fullmatch(text):
        return False
    number = 0
    for char in text:
        number = number * 58 + _BASE58.index(char)
    return len(text) - len(text.lstrip("1")) + (number.bit_length() + 7) // 8 == _KEY_SIZE
