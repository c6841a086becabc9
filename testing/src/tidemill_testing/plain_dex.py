"""A small DEX that keeps every rule: what tests of the suite break in one place at a time, and what an author can read in one sitting.

A pool's state is one word with two reserves of 16 bytes, one with its fee, and for pools of kind ``capped`` one with the most that a swap
may sell: it is read when a quote needs it. The event ``SYNC`` tells the reserves.
"""

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar, Self

from attrs import evolve, frozen

from tidemill.domain.answers import Needs, NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.events import Found, Log
from tidemill.domain.ids import AssetId, Key, PoolId, address_of, erc20, pool_id
from tidemill.domain.plan import PlannedSwap
from tidemill.domain.pool import Curve, Decoded, LogFilter, Pool, PoolRef, Quote, Segment, Swapped, Watch
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Wallet
from tidemill.errors import DecodeError
from tidemill.hookspecs.chain import ChainReader, Step
from tidemill.hookspecs.dex import Dex, PoolFilter, States
from tidemill.units import PPM_SCALE
from tidemill_testing.conformance.dex.pool_case import PoolCase, RecordedAnswer
from tidemill_testing.market import NEXT, SIM

SYNC = b"\x51" * 32
ADDRESS = "0x" + "a1" * 20
MOST = (1 << 128) - 1


@frozen
class PlainStep(Step):
    """One swap, as it was planned."""

    swap: PlannedSwap


@frozen
class PlainPool:
    """A constant product of two reserves, the fee on the input; ``cap`` is the most that it buys at once, None where it was not read."""

    id: PoolId
    assets: tuple[AssetId, ...]
    fee_ppm: int
    reserves: tuple[int, int]
    cap: int | None = MOST

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        """Both reserves."""
        return dict(zip(self.assets, self.reserves, strict=True))

    def facing(self, sell: AssetId, buy: AssetId) -> tuple[int, int] | None:
        """Return the reserves of what is sold and bought, or None where one is not the pool's."""
        if (sell, buy) == self.assets:
            return self.reserves
        return self.reserves[::-1] if (buy, sell) == self.assets else None

    def paid(self, amount: int, reserve_in: int, reserve_out: int) -> int:
        """Return what the formula pays, rounded down; nothing where a reserve is empty."""
        if not (reserve_in and reserve_out):
            return 0
        net = amount * (PPM_SCALE - self.fee_ppm)
        return net * reserve_out // (reserve_in * PPM_SCALE + net)

    def least(self, amount: int, reserve_in: int, reserve_out: int) -> int:
        """Return the least input that pays an amount; the pool can pay it."""
        low, high = 0, MOST - reserve_in
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.paid(middle, reserve_in, reserve_out) >= amount else (middle, high)
        return high

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Return the quote's figure, 0 without a quote."""
        quote = self.quote_exact_in(sell, buy, amount, at)
        return quote.amount_out if isinstance(quote, Quote) else 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote selling exactly ``amount``; what is too little to buy a unit gets no quote."""
        reserves = self.facing(sell, buy)
        if reserves is None:
            return NoQuote(NoQuoteReason.ASSET, f"{self.id} does not trade {sell} for {buy}")
        if amount <= 0:
            return NoQuote(NoQuoteReason.AMOUNT, f"expected 1 or more, found {amount}")
        if self.cap is None and amount > reserves[0] // 2:
            return NoQuote(NoQuoteReason.MISSING_STATE, "its cap was not read", (cap_key(self.id),))
        if amount > MOST - reserves[0] or (self.cap is not None and amount > self.cap):
            return NoQuote(NoQuoteReason.LIQUIDITY, f"{amount} is more than the pool takes")
        out = self.paid(amount, *reserves)
        return self.quote(sell, buy, amount, out) if out else NoQuote(NoQuoteReason.AMOUNT, f"{amount} buys nothing")

    def quote(self, sell: AssetId, buy: AssetId, amount: int, out: int) -> Quote:
        """Return the quote, its fee rounded up."""
        return Quote(self.id, sell, buy, amount, out, -(-amount * self.fee_ppm // PPM_SCALE))

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote the least input that pays ``amount``."""
        reserves = self.facing(sell, buy)
        if reserves is None:
            return NoQuote(NoQuoteReason.ASSET, f"{self.id} does not trade {sell} for {buy}")
        if amount <= 0:
            return NoQuote(NoQuoteReason.AMOUNT, f"expected 1 or more, found {amount}")
        if amount > self.paid(MOST - reserves[0], *reserves):
            return NoQuote(NoQuoteReason.LIQUIDITY, f"{amount} is more than the pool pays")
        asked = self.least(amount, *reserves)
        whole = self.quote_exact_in(sell, buy, asked, at)
        return whole if isinstance(whole, NoQuote) else self.quote(sell, buy, asked, amount)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        """Quote, and give the pool with the new reserves."""
        quote = self.quote_exact_in(sell, buy, amount, at)
        return quote if isinstance(quote, NoQuote) else Swapped(quote, self.moved(sell, amount, quote.amount_out))

    def moved(self, sell: AssetId, amount: int, out: int) -> Self:
        """Return the pool after a swap."""
        one, other = self.reserves
        return evolve(self, reserves=(one + amount, other - out) if sell == self.assets[0] else (one - out, other + amount))

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        """Give the one segment that it is."""
        reserves = self.facing(sell, buy)
        if reserves is None or self.cap is None or not all(reserves) or max_in <= 0:
            return NoCurve("nothing to draw")
        rest, end = PPM_SCALE - self.fee_ppm, min(max_in, self.cap, MOST - reserves[0])
        return Curve((Segment(0, end, rest * reserves[1], reserves[0] * PPM_SCALE, rest),), 2)


class PlainDex(Dex):
    """Decodes pools of one class, which tests exchange."""

    name = "plain"
    families = frozenset({"plain"})
    exact = True
    pool_class: ClassVar[type[PlainPool]] = PlainPool

    async def discover(self, reader: ChainReader, want: PoolFilter) -> AsyncIterator[Found]:
        """Find nothing: tests say what is found."""
        nothing: tuple[Found, ...] = ()
        for found in nothing:
            yield found

    def decode(self, ref: PoolRef, states: States, at: ChainTime, last: Pool | None) -> Decoded | Needs:
        """Read reserves and fee, and the cap where it was read."""
        if len(set(ref.assets)) != 2:
            raise DecodeError(f"{ref.id}: expected two assets, found {ref.assets}")
        missing = tuple(key for key in (reserves_key(ref.id), fee_key(ref.id)) if key not in states)
        if missing:
            return Needs(missing)
        reserves, fee_ppm = word(ref, states, reserves_key(ref.id)), int.from_bytes(word(ref, states, fee_key(ref.id)))
        if fee_ppm >= PPM_SCALE:
            raise DecodeError(f"{ref.id}: expected a fee below {PPM_SCALE}, found {fee_ppm}")
        cap = MOST if ref.kind != "capped" else None
        if cap is None and cap_key(ref.id) in states:
            cap = int.from_bytes(word(ref, states, cap_key(ref.id)))
        pool = self.pool_class(ref.id, ref.assets, fee_ppm, split(reserves), cap)
        return Decoded(pool, Watch((reserves_key(ref.id), fee_key(ref.id)), (LogFilter(ref.address),)))

    def apply(self, pool: Pool, log: Log, at: ChainTime) -> Pool | Needs:
        """Take the reserves that ``SYNC`` tells."""
        if not isinstance(pool, PlainPool) or log.address != address_of(pool.id):
            raise DecodeError(f"{pool.id}: expected a log of its own, found one of {log.address}")
        if log.topics[:1] != (SYNC,):
            return pool
        if len(log.data) != 32:
            raise DecodeError(f"{pool.id}: expected 32 bytes of reserves, found {len(log.data)}")
        return evolve(pool, reserves=split(log.data))

    def build_steps(self, swap: PlannedSwap, pool: Pool, at: ChainTime, wallet: Wallet) -> tuple[Step, ...]:
        """Return the swap itself."""
        return (PlainStep(swap),)


def reserves_key(pool: PoolId) -> Key:
    """Return the key of a pool's reserves."""
    return Key(f"{address_of(pool)}:0x0")


def fee_key(pool: PoolId) -> Key:
    """Return the key of a pool's fee."""
    return Key(f"{address_of(pool)}:0x1")


def cap_key(pool: PoolId) -> Key:
    """Return the key of the most that a pool buys at once."""
    return Key(f"{address_of(pool)}:0x2")


def word(ref: PoolRef, states: States, key: Key) -> bytes:
    """Return a word that was read; an absent one is zero."""
    value = states[key]
    if value is not None and len(value) != 32:
        raise DecodeError(f"{ref.id}: expected 32 bytes at {key}, found {len(value)}")
    return bytes(32) if value is None else value


def split(value: bytes) -> tuple[int, int]:
    """Return the two reserves in a word."""
    return int.from_bytes(value[:16]), int.from_bytes(value[16:])


def joined(first: int, second: int) -> bytes:
    """Return two reserves as a word."""
    return first.to_bytes(16) + second.to_bytes(16)


def plain_ref(dex: str = "plain", kind: str = "") -> PoolRef:
    """Return the descriptor of a pool of two made-up tokens."""
    assets = (erc20(SIM, "0x" + "11" * 20), erc20(SIM, "0x" + "22" * 20))
    return PoolRef(pool_id(SIM, dex, ADDRESS), dex, SIM, ADDRESS, assets, kind)


def plain_states(ref: PoolRef, first: int, second: int, fee_ppm: int = 3_000, cap: int = MOST) -> dict[Key, bytes | None]:
    """Return the whole state of a pool."""
    return {
        reserves_key(ref.id): joined(first, second),
        fee_key(ref.id): fee_ppm.to_bytes(32),
        cap_key(ref.id): cap.to_bytes(32),
    }


def plain_cases(dex: str = "plain", *, capped: bool = True) -> tuple[PoolCase, ...]:
    """Return pools to try it on: a deep one with log and answers, one whose second token is dear, with ``capped`` one read in part."""
    ref, part = plain_ref(dex), plain_ref(dex, "capped")
    one, other = ref.assets
    before, after = (10**18, 2 * 10**18), (7 * 10**18, 5 * 10**18)
    answers = (
        RecordedAnswer(one, other, 1_000_001, 1_994_001),
        RecordedAnswer(one, other, 334, 665, exact_out=True),
        RecordedAnswer(one, other, 0, 0, no_quote=NoQuoteReason.AMOUNT),
    )
    moved: dict[Key, bytes | None] = {reserves_key(ref.id): joined(*after)}
    cases = (
        PoolCase(ref, plain_states(ref, *before), NEXT, (Log(ADDRESS, (SYNC,), joined(*after)),), moved, answers, name="deep"),
        PoolCase(ref, plain_states(ref, 10**21, 3), NEXT, name="dear"),
    )
    return (*cases, PoolCase(part, plain_states(part, 10**9, 10**9, cap=6 * 10**8), NEXT, name="capped")) if capped else cases
