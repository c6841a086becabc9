"""Codecs that each break just the rule which their test class names, and two that break none."""

import hashlib
from collections.abc import Sequence
from itertools import count
from time import perf_counter as ticks
from typing import Any, ClassVar

import pytest
from coincurve import PublicKey
from coincurve.utils import GROUP_ORDER_INT
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Action, Opened, Reading, Scheme, Unreadable
from tidemill.errors import UsageError
from tidemill.hookspecs.codec import Codec
from tidemill_testing.conformance import CodecCase, CodecConformance
from tidemill_testing.conformance.codec.case import ED25519_ORDER
from tidemill_testing.signing_keys import SigningKey, ed25519_key, secp256k1_key

SCHEMES: tuple[Scheme, ...] = ("secp256k1", "ed25519")
PUBLIC, SIGNED = (64, 32), (65, 64)
HEAD = 3


class Sound(Codec):
    """A family of its own, both schemes; breaks nothing.

    ``scheme | version | length of the chain | chain | public key | nonce 8 | fee 8 | count 1 | (target 4 | value 8)*``, and its signature.
    """

    name = "sound"
    namespace: ClassVar[str] = "test"

    def read(self, chain: ChainId, payload: bytes) -> Reading | Unreadable:
        if len(payload) < HEAD or payload[0] >= len(SCHEMES):
            return Unreadable(self.said("expected a scheme, a version and a chain", payload))
        if self.version(payload) != 1:
            return Unreadable(self.said("expected version 1", payload))
        start = HEAD + payload[2]
        named, key_end = payload[HEAD:start], start + PUBLIC[payload[0]]
        if not self.is_chain(chain, named):
            return Unreadable(self.said("it is of another chain", payload))
        rest = payload[key_end:]
        if len(rest) < 17 or not self.is_whole(rest[16], len(rest) - 17):
            return Unreadable(self.said("expected a nonce, a fee and so many actions", payload))
        nonce, fee = int.from_bytes(rest[:8], "big"), int.from_bytes(rest[8:16], "big")
        parts = [rest[at : at + 12] for at in range(17, 17 + 12 * rest[16], 12)]
        actions = tuple(Action(part[:4].hex(), "", self.amount(part[4:])) for part in parts)
        return Reading(chain, payload[start:key_end].hex(), SCHEMES[payload[0]], f"nonce:{nonce}", actions, self.fee(fee))

    def message(self, payload: bytes) -> bytes:
        return hashlib.sha256(payload).digest() if payload[0] == 0 else payload

    def join(self, payload: bytes, signature: bytes) -> bytes:
        return payload + signature

    def open(self, chain: ChainId, raw: bytes) -> Opened | Unreadable:
        size = SIGNED[raw[0]] if raw[:1] in (b"\0", b"\1") else len(raw)
        payload, signature = raw[: len(raw) - size], raw[len(raw) - size :]
        found = self.read(chain, self.judged(payload))
        if isinstance(found, Unreadable):
            return found
        if not self.holds(found, self.message(payload), signature):
            return Unreadable("the signature is not that of its account")
        return Opened(payload, found.account, self.transaction_name(raw))

    def account(self, scheme: Scheme, public_key: bytes) -> str:
        return public_key.hex()

    def said(self, reason: str, payload: bytes) -> str:
        return reason

    def version(self, payload: bytes) -> int:
        return payload[1]

    def is_chain(self, chain: ChainId, named: bytes) -> bool:
        return chain.startswith(f"{self.namespace}:") and chain.encode() == named

    def is_whole(self, actions: int, length: int) -> bool:
        return 12 * actions == length

    def amount(self, raw: bytes) -> int:
        return int.from_bytes(raw, "big")

    def fee(self, fee: int) -> int:
        return fee

    def judged(self, payload: bytes) -> bytes:
        return payload

    def transaction_name(self, raw: bytes) -> str:
        return hashlib.sha256(raw).hexdigest()

    def holds(self, found: Reading, message: bytes, signature: bytes) -> bool:
        if found.scheme == "ed25519":
            try:
                Ed25519PublicKey.from_public_bytes(bytes.fromhex(found.account)).verify(signature, message)
            except (InvalidSignature, ValueError):
                return False
            return True
        if int.from_bytes(signature[32:64], "big") > GROUP_ORDER_INT // 2 or signature[64] > 1:
            return False
        try:
            signer = PublicKey.from_signature_and_message(signature, message, hasher=None)
        except Exception:  # noqa: BLE001  coincurve raises this class itself
            return False
        return signer.format(compressed=False)[1:].hex() == found.account


def payload_of(key: SigningKey, chain: str, nonce: int, fee: int, values: Sequence[int]) -> bytes:
    head = bytes((SCHEMES.index(key.scheme), 1, len(chain))) + chain.encode() + key.public_key
    actions = b"".join(b"\x0a\x0b\x0c\x0d" + value.to_bytes(8, "big") for value in values)
    return head + nonce.to_bytes(8, "big") + fee.to_bytes(8, "big") + bytes((len(values),)) + actions


def case_of(key: SigningKey, chain: str, nonce: int, fee: int, *values: int) -> CodecCase:
    actions = tuple(Action("0a0b0c0d", "", value) for value in values)
    reading = Reading(ChainId(chain), key.public_key.hex(), key.scheme, f"nonce:{nonce}", actions, fee)
    return CodecCase(payload_of(key, chain, nonce, fee, values), reading, key)


def everyday() -> Sequence[CodecCase]:
    first, second = secp256k1_key(b"\1" * 32), ed25519_key(b"\2" * 32)
    return (
        case_of(first, "test:12", 0, 21, 5),
        case_of(first, "test:12", 1, 21, 5, 0),
        case_of(secp256k1_key(b"\3" * 32), "test:3", 0, 0, 1 << 62),
        case_of(second, "test:12", 7, 21, 5),
        case_of(ed25519_key(b"\4" * 32), "test:12", 7, 21, 5),
    )


class Kept(CodecConformance):
    """Gives every class below its cases."""

    __test__ = False

    @pytest.fixture
    def cases(self) -> Sequence[CodecCase]:
        return everyday()


NAMES = frozenset({"names_chain"})


class TestSound(Kept):
    __test__ = True
    plugin = Sound
    capabilities = NAMES


class TestSoundDeclaresNothing(Kept):
    __test__ = True
    plugin = Sound


class Clock(Sound):
    def fee(self, fee: int) -> int:
        return fee if ticks() > 0 else 0


class TestCOD10Clock(Kept):
    __test__ = True
    plugin = Clock
    capabilities = NAMES


BORN = count()


class Firstborn(Sound):
    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.number = next(BORN)

    def said(self, reason: str, payload: bytes) -> str:
        return f"{reason}, says codec {self.number}"


class TestCOD11Firstborn(Kept):
    __test__ = True
    plugin = Firstborn
    capabilities = NAMES


class Unsorted(Sound):
    def said(self, reason: str, payload: bytes) -> str:
        return f"{reason}; schemes are {', '.join({*SCHEMES, 'bls', 'sr25519'})}"


class TestCOD12Unsorted(Kept):
    __test__ = True
    plugin = Unsorted
    capabilities = NAMES


class Counts(Sound):
    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.asked = 0

    def fee(self, fee: int) -> int:
        self.asked += 1
        return fee


class TestCOD13Counts(Kept):
    __test__ = True
    plugin = Counts
    capabilities = NAMES


class Generous(Sound):
    def fee(self, fee: int) -> int:
        return fee // 2


class TestCOD14Generous(Kept):
    __test__ = True
    plugin = Generous
    capabilities = NAMES


class Debts(Sound):
    def amount(self, raw: bytes) -> int:
        return int.from_bytes(raw, "big", signed=True)


class TestCOD15Debts(Kept):
    __test__ = True
    plugin = Debts
    capabilities = NAMES


class Hasty(Sound):
    def read(self, chain: ChainId, payload: bytes) -> Reading | Unreadable:
        return super().read(ChainId(chain.encode("ascii").decode()) if chain.isprintable() else ChainId(chain[9]), payload)


class TestCOD16Hasty(Kept):
    __test__ = True
    plugin = Hasty
    capabilities = NAMES


class Trailing(Sound):
    def is_whole(self, actions: int, length: int) -> bool:
        return 12 * actions <= length


class TestCOD17Trailing(Kept):
    __test__ = True
    plugin = Trailing
    capabilities = NAMES


class Ignores(Sound):
    """Leaves the version out, where it is read and where it is signed."""

    def version(self, payload: bytes) -> int:
        return 1

    def message(self, payload: bytes) -> bytes:
        return super().message(payload[:1] + payload[2:])


class TestCOD18Ignores(Kept):
    __test__ = True
    plugin = Ignores
    capabilities = NAMES


class Anywhere(Sound):
    def is_chain(self, chain: ChainId, named: bytes) -> bool:
        return chain.rpartition(":")[2].encode() == named.rpartition(b":")[2]


class TestCOD19Anywhere(Kept):
    __test__ = True
    plugin = Anywhere
    capabilities = NAMES


class Chainless(Sound):
    def is_chain(self, chain: ChainId, named: bytes) -> bool:
        return chain.startswith(f"{self.namespace}:")


class TestCOD20Chainless(Kept):
    __test__ = True
    plugin = Chainless
    capabilities = NAMES


class Verbose(Sound):
    def said(self, reason: str, payload: bytes) -> str:
        return f"{reason}: found {payload.hex()}"


class TestCOD21Verbose(Kept):
    __test__ = True
    plugin = Verbose
    capabilities = NAMES


class Nameless(Sound):
    def transaction_name(self, raw: bytes) -> str:
        return "transaction"


class TestCOD30Nameless(Kept):
    __test__ = True
    plugin = Nameless
    capabilities = NAMES


class OpenDoor(Sound):
    def holds(self, found: Reading, message: bytes, signature: bytes) -> bool:
        return not any(signature) or super().holds(found, message, signature)


class TestCOD31OpenDoor(Kept):
    __test__ = True
    plugin = OpenDoor
    capabilities = NAMES


class Malleable(Sound):
    def holds(self, found: Reading, message: bytes, signature: bytes) -> bool:
        if found.scheme == "ed25519":
            lower = int.from_bytes(signature[32:], "little") % ED25519_ORDER
            return super().holds(found, message, signature[:32] + lower.to_bytes(32, "little"))
        s = int.from_bytes(signature[32:64], "big")
        if s > GROUP_ORDER_INT // 2 and s < GROUP_ORDER_INT:
            signature = signature[:32] + (GROUP_ORDER_INT - s).to_bytes(32, "big") + bytes((signature[64] ^ 1,))
        return super().holds(found, message, signature)


class TestCOD32Malleable(Kept):
    __test__ = True
    plugin = Malleable
    capabilities = NAMES


class Loose(Sound):
    def open(self, chain: ChainId, raw: bytes) -> Opened | Unreadable:
        found = super().open(chain, raw)
        return super().open(chain, raw[:-1]) if isinstance(found, Unreadable) and raw.endswith(b"\0") else found


class TestCOD33Loose(Kept):
    __test__ = True
    plugin = Loose
    capabilities = NAMES


class Shouts(Sound):
    def account(self, scheme: Scheme, public_key: bytes) -> str:
        return public_key.hex().upper()


class TestCOD34Shouts(Kept):
    __test__ = True
    plugin = Shouts
    capabilities = NAMES


class OpensUnread(Sound):
    def judged(self, payload: bytes) -> bytes:
        return payload[:1] + b"\1" + payload[2:]


class TestCOD35OpensUnread(Kept):
    __test__ = True
    plugin = OpensUnread
    capabilities = NAMES


class OneScheme(Sound):
    """Has accounts of the scheme that its cases do not have."""


class OneSchemeRefused(Sound):
    def account(self, scheme: Scheme, public_key: bytes) -> str:
        if scheme != "ed25519":
            raise UsageError(f"{scheme}: this family has no accounts of it")
        return super().account(scheme, public_key)


def of_ed25519(cases: Sequence[CodecCase]) -> Any:
    return tuple(case for case in cases if case.key.scheme == "ed25519")
