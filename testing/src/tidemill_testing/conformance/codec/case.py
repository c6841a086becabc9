"""What a codec is asked about: payloads of its author, and what becomes of them when single bytes change."""

from collections.abc import Iterator, Sequence

from attrs import frozen

from tidemill.domain.ids import ChainId
from tidemill.domain.signing import Reading, Scheme
from tidemill.hookspecs.codec import Codec
from tidemill_testing.conformance import asking
from tidemill_testing.signing_keys import SigningKey

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ED25519_ORDER = (1 << 252) + 27742317777372353535851937790883648493


@frozen
class CodecCase:
    """A payload, what it does as its author says, and the key of the account that it names."""

    payload: bytes
    reading: Reading
    key: SigningKey

    @property
    def name(self) -> str:
        """The case in a failure's message."""
        return f"{len(self.payload)} bytes of {self.reading.account} on {self.reading.chain}, {self.reading.slot}"


@frozen
class Asked:
    """One case as plain bytes, which another process can be sent: ``raw`` is what the key signed of it."""

    chain: ChainId
    payload: bytes
    signature: bytes
    raw: bytes
    scheme: Scheme
    public_key: bytes


def signed(codec: Codec, case: CodecCase) -> tuple[bytes, bytes]:
    """Return the signature of a case's key, and the joined bytes."""
    signature = case.key.sign(codec.message(case.payload))
    return signature, codec.join(case.payload, signature)


def asked(codec: Codec, cases: Sequence[CodecCase]) -> tuple[Asked, ...]:
    """Return what is asked about each case."""
    found = []
    for case in cases:
        signature, raw = signed(codec, case)
        found.append(Asked(case.reading.chain, case.payload, signature, raw, case.key.scheme, case.key.public_key))
    return tuple(found)


def answer_of(codec: Codec, one: Asked) -> tuple[object, ...]:
    """Return what a codec says of one case, by all its methods; an unreadable cut of it is asked about as well."""
    return (
        codec.read(one.chain, one.payload),
        codec.read(one.chain, one.payload[:-1]),
        codec.message(one.payload),
        codec.join(one.payload, one.signature),
        codec.open(one.chain, one.raw),
        codec.open(one.chain, one.raw[:-1]),
        codec.account(one.scheme, one.public_key),
    )


def answers_of(codec: Codec, cases: Sequence[Asked]) -> list[tuple[object, ...]]:
    """Return what a codec says of each case, one after another."""
    return [answer_of(codec, one) for one in cases]


def answer_digests(argument: tuple[type[Codec], object, Sequence[Asked]]) -> list[str]:
    """Return the digest of a new instance's answers to each case."""
    plugin, settings, cases = argument
    return asking.digests(answers_of(plugin(settings), cases))


def cuts(content: bytes) -> Iterator[bytes]:
    """Yield every beginning of some bytes, the whole left out."""
    return (content[:length] for length in range(len(content)))


def with_one_byte_changed(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes with each byte changed in turn: its lowest bit, its highest, all of it."""
    for place, byte in enumerate(content):
        for change in (0x01, 0x80, 0xFF):
            yield place, content[:place] + bytes((byte ^ change,)) + content[place + 1 :]


def with_one_bit_flipped(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes with each bit flipped in turn."""
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        yield bit, bytes(changed)


def twin_of(scheme: Scheme, signature: bytes) -> bytes:
    """Return the other signature that the bare equations of a scheme accept for the same message, and which its rules refuse.

    secp256k1: ``s`` and ``n - s`` both hold (EIP-2 allows the lower); ed25519: ``S`` and ``S + L`` do (RFC 8032, 5.1.7 allows ``S < L``).
    """
    if scheme == "secp256k1":
        s = SECP256K1_ORDER - int.from_bytes(signature[32:64], "big")
        return signature[:32] + s.to_bytes(32, "big") + bytes((signature[64] ^ 1,))
    s = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    return signature[:32] + s.to_bytes(32, "little")
