"""Where a concentrated pool keeps its state: Uniswap V3 (v3-core 1.0.1, contracts/UniswapV3Pool.sol) and PancakeSwap V3.

PancakeSwap widened ``feeProtocol`` to 32 bits, so that its ``Slot0`` no longer fits one word and everything behind it stands one
slot further (pancake-v3-contracts, projects/v3-core/contracts/PancakeV3Pool.sol).
"""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from tidemill.domain.ids import Key
from tidemill.units import UINT128_MAX
from tidemill_evm.errors import EncodeError, MalformedBytes
from tidemill_evm.storage import mapping_slot, storage_key, word_bytes, word_number

_INITIALIZED: Final = 1 << 248
_PRICE_BITS: Final = 160


@frozen
class Slot0:
    """The pool's first struct: Q64.96 price, tick, indices of the price oracle, the protocol's share of the fee, and its lock.

    A pool that was never initialised has price 0; ``unlocked`` is true between transactions once it was.
    """

    sqrt_price_x96: int
    tick: int
    observation_index: int = 0
    observation_cardinality: int = 1
    observation_cardinality_next: int = 1
    fee_protocol: int = 0
    unlocked: bool = True


@frozen
class V3Layout:
    """Slots of one kind of pool; ``fee_protocol_bits`` decides whether the first struct takes one word or two."""

    fee_protocol_bits: int
    liquidity: int
    ticks: int
    bitmap: int
    slot0: int = 0

    def slot0_keys(self, pool: str) -> tuple[Key, ...]:
        """Return the keys of the words that ``decode_slot0`` takes."""
        return tuple(storage_key(pool, self.slot0 + place) for place in range(self._words))

    def liquidity_key(self, pool: str) -> Key:
        """Return the key of the liquidity in range."""
        return storage_key(pool, self.liquidity)

    def tick_key(self, pool: str, tick: int) -> Key:
        """Return the key of a tick's first word, gross and net liquidity."""
        return storage_key(pool, mapping_slot(tick, self.ticks))

    def word_key(self, pool: str, position: int) -> Key:
        """Return the key of one word of the tick bitmap."""
        return storage_key(pool, mapping_slot(position, self.bitmap))

    @property
    def _words(self) -> int:
        return 1 if self.fee_protocol_bits <= 16 else 2

    def encode_slot0(self, slot0: Slot0) -> tuple[bytes, ...]:
        """Return the words of the first struct.

        Raises:
            EncodeError: a field does not fit.
        """
        packed, at = 0, 0
        fields = zip(_flat(slot0), self._sizes, strict=True)
        for place, (value, bits) in enumerate(fields):
            if place == 5 and self._words == 2:
                at = 256
            if not 0 <= value < 1 << bits:
                raise EncodeError(f"expected {bits} bits for field {place} of slot0, found {value}")
            packed |= value << at
            at += bits
        return tuple(word_bytes(packed >> 256 * place & (1 << 256) - 1) for place in range(self._words))

    def decode_slot0(self, words: tuple[bytes, ...]) -> Slot0:
        """Return the first struct from its words.

        Raises:
            MalformedBytes: a word is not 32 bytes long, there are more or fewer than the layout has, or bits are set that no field has.
        """
        if len(words) != self._words:
            raise MalformedBytes("slot0", 32 * min(len(words), self._words), f"expected {self._words} words, found {len(words)}")
        packed = sum(word_number(word, "slot0") << 256 * place for place, word in enumerate(words))
        values, at = [], 0
        for place, bits in enumerate(self._sizes):
            if place == 5 and self._words == 2:
                _none_behind(packed >> at & (1 << 256 - at) - 1, 0)
                at = 256
            values.append(packed >> at & (1 << bits) - 1)
            at += bits
        _none_behind(packed >> at, self._words - 1)
        price, tick, index, cardinality, following, fee, unlocked = values
        return Slot0(price, tick - (tick >> 23 << 24), index, cardinality, following, fee, bool(unlocked))

    @property
    def _sizes(self) -> tuple[int, ...]:
        return (_PRICE_BITS, 24, 16, 16, 16, self.fee_protocol_bits, 1 if self._words == 2 else 8)

    def pool_storage(self, slot0: Slot0, liquidity: int, tick_spacing: int, ticks: Mapping[int, tuple[int, int]]) -> dict[int, bytes]:
        """Return every slot of a pool that is not zero, but for fees and the price oracle.

        Args:
            slot0: the first struct.
            liquidity: the liquidity in range, uint128.
            tick_spacing: the pool's spacing; not kept in storage, but it places the bits of the bitmap.
            ticks: every initialized tick, a multiple of the spacing, with gross (> 0) and net liquidity.

        Raises:
            EncodeError: a value does not fit its field, or a tick is off the spacing.
        """
        if not 0 <= liquidity <= UINT128_MAX:
            raise EncodeError(f"expected liquidity of 128 bits, found {liquidity}")
        slots = {self.slot0 + place: word for place, word in enumerate(self.encode_slot0(slot0))}
        slots[self.liquidity] = word_bytes(liquidity)
        bitmap: dict[int, int] = {}
        for tick, (gross, net) in sorted(ticks.items()):
            if tick % tick_spacing:
                raise EncodeError(f"expected ticks that are multiples of {tick_spacing}, found {tick}")
            first = mapping_slot(tick, self.ticks)
            slots[first], slots[first + 3] = encode_tick(gross, net), word_bytes(_INITIALIZED)
            position, bit = divmod(tick // tick_spacing, 256)
            bitmap[position] = bitmap.get(position, 0) | 1 << bit
        for position, word in bitmap.items():
            slots[mapping_slot(position, self.bitmap)] = word_bytes(word)
        return slots


UNISWAP_V3: Final = V3Layout(fee_protocol_bits=8, liquidity=4, ticks=5, bitmap=6)
PANCAKESWAP_V3: Final = V3Layout(fee_protocol_bits=32, liquidity=5, ticks=6, bitmap=7)


def encode_liquidity(liquidity: int) -> bytes:
    """Return the word of the liquidity in range.

    Raises:
        EncodeError: it does not fit uint128.
    """
    if not 0 <= liquidity <= UINT128_MAX:
        raise EncodeError(f"expected liquidity of 128 bits, found {liquidity}")
    return word_bytes(liquidity)


def decode_liquidity(word: bytes) -> int:
    """Return the liquidity in range.

    Raises:
        MalformedBytes: the word has not 32 bytes, or holds more than uint128.
    """
    number = word_number(word, "liquidity")
    if number > UINT128_MAX:
        raise MalformedBytes("liquidity", 0, f"expected 128 bits, found {number}")
    return number


def encode_tick(gross: int, net: int) -> bytes:
    """Return a tick's first word: gross liquidity (uint128) below net liquidity (int128).

    Raises:
        EncodeError: one of them does not fit.
    """
    if not (0 <= gross <= UINT128_MAX and -(1 << 127) <= net < 1 << 127):
        raise EncodeError(f"expected gross liquidity of 128 bits and net of 127 and a sign, found {gross} and {net}")
    return word_bytes((net % (1 << 128)) << 128 | gross)


def decode_tick(word: bytes) -> tuple[int, int]:
    """Return gross and net liquidity of a tick; (0, 0) is one that is not initialized.

    Raises:
        MalformedBytes: there are not 32 bytes.
    """
    number = word_number(word, "tick")
    net = number >> 128
    return number & UINT128_MAX, net - (net >> 127 << 128)


def _flat(slot0: Slot0) -> tuple[int, ...]:
    if not -(1 << 23) <= slot0.tick < 1 << 23:
        raise EncodeError(f"expected a tick of 24 bits, found {slot0.tick}")
    return (
        slot0.sqrt_price_x96,
        slot0.tick % (1 << 24),
        slot0.observation_index,
        slot0.observation_cardinality,
        slot0.observation_cardinality_next,
        slot0.fee_protocol,
        int(slot0.unlocked),
    )


def _none_behind(rest: int, word: int) -> None:
    if rest:
        raise MalformedBytes("slot0", 32 * word, f"expected zeros above its fields, found {rest:#x}: is it another contract's layout?")
