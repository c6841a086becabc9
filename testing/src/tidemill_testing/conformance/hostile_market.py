"""Markets as they should never be and sometimes are: empty, without quotes, with reserves of nothing or of everything."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve, frozen
from immutables import Map

from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, Key, PoolId, pair_of, pool_id
from tidemill.domain.pool import Curve, Pool, Quote, Swapped
from tidemill.domain.snapshot import Changed, Snapshot
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.search import Searcher
from tidemill.units import PPM_SCALE
from tidemill_testing.market import SIM, reserves_after, snapshot_of, token
from tidemill_testing.pinned import Pinned

EXTREMES = (0, 1, 1 << 128, (1 << 256) - 1)
"""Reserves that no sound market has."""


@frozen
class FreePool:
    """A constant-product pool without any limit on its reserves; it quotes soundly whatever they are, and hides that it has a curve."""

    id: PoolId
    assets: tuple[AssetId, ...]
    reserves: tuple[int, int]
    fee_ppm: int | None = 3_000

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        """Both reserves."""
        return dict(zip(self.assets, self.reserves, strict=True))

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Return the output, rounded down; 0 where there is none."""
        if {sell, buy} != set(self.assets) or sell == buy or amount <= 0:
            return 0
        held, other = self.reserves if sell == self.assets[0] else self.reserves[::-1]
        net = amount * (PPM_SCALE - (self.fee_ppm or 0))
        return net * other // (held * PPM_SCALE + net) if held else 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote as ``amount_out`` does."""
        out = self.amount_out(sell, buy, amount, at)
        return Quote(self.id, sell, buy, amount, out) if out else NoQuote(NoQuoteReason.LIQUIDITY, f"{amount} of {sell}")

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote nothing."""
        return NoQuote(NoQuoteReason.LIQUIDITY, f"{amount} of {buy}")

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        """Quote, and give the pool after it."""
        quote = self.quote_exact_in(sell, buy, amount, at)
        if isinstance(quote, NoQuote):
            return quote
        return Swapped(quote, evolve(self, reserves=reserves_after(self.assets, self.reserves, quote)))

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        """Give no curve."""
        return NoCurve("it must be probed")


@frozen
class MutePool:
    """A pool that holds something and never quotes: its state is missing."""

    id: PoolId
    assets: tuple[AssetId, ...]
    fee_ppm: int | None = None

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        """One whole token of each."""
        return dict.fromkeys(self.assets, 10**18)

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Return 0: no quote."""
        return 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Name the state that is missing."""
        return NoQuote(NoQuoteReason.MISSING_STATE, "not loaded", (Key(f"{self.id}:0x1"),))

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Name the state that is missing."""
        return self.quote_exact_in(sell, buy, amount, at)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        """Name the state that is missing."""
        return NoQuote(NoQuoteReason.MISSING_STATE, "not loaded", (Key(f"{self.id}:0x1"),))

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        """Give no curve."""
        return NoCurve("not loaded")


def free_pool(name: str, one: AssetId, other: AssetId, reserves: tuple[int, int], fee_ppm: int | None = 3_000) -> FreePool:
    """Return a pool without limits; the assets are put in order of their ids, the reserves go with them."""
    if one > other:
        one, other, reserves = other, one, (reserves[1], reserves[0])
    return FreePool(_named(name), (one, other), reserves, fee_ppm)


def hostile_pools() -> tuple[Pool, ...]:
    """Return pools of three tokens: every pair of extreme reserves, beside sound ones, mute ones and one that costs everything."""
    one, two = hostile_starts()
    extremes = (
        free_pool(f"x{place}-{held}", one, two, (reserve, other))
        for place, reserve in enumerate(EXTREMES)
        for held, other in enumerate(EXTREMES)
    )
    return (*extremes, *_odd_pools())


def _odd_pools() -> tuple[Pool, ...]:
    one, two, three = (token(f"H{place}") for place in range(3))
    return (
        free_pool("even", one, two, (10**24, 10**24)),
        free_pool("sound", two, three, (10**24, 10**24)),
        free_pool("home", three, one, (10**24, 10**24)),
        free_pool("dear", two, three, (10**24, 10**24), PPM_SCALE - 1),
        free_pool("free", two, three, (10**24, 10**24), None),
        MutePool(_named("mute"), tuple(sorted((one, three)))),
    )


def hostile_starts() -> tuple[AssetId, AssetId]:
    """Return two of the tokens that hostile pools trade."""
    return token("H0"), token("H1")


def hostile_snapshots(searcher: Searcher | None = None) -> Iterator[tuple[str, Snapshot]]:
    """Yield markets with what is wrong with them; searchers like ``searcher`` answer for cycles (None: no searcher is enabled)."""
    one, two = hostile_starts()
    gone = _named("gone")
    few, everything = snapshot_of(_odd_pools(), wrapped=one), snapshot_of(hostile_pools(), wrapped=one)
    market: Sequence[tuple[str, Snapshot]] = (
        ("nothing is known yet", evolve(snapshot_of([]), chains={}, trees=Map())),
        ("no pools", snapshot_of([])),
        ("no pools quote", snapshot_of([MutePool(_named(name), tuple(sorted((one, two)))) for name in ("m0", "m1")])),
        ("a changed pool is gone", evolve(few, changed=Changed((gone,), (pair_of(token("H8"), token("H9")),)))),
        ("nothing changed", evolve(few, changed=Changed())),
        ("reserves of 0, 1, 2^128 and 2^256-1", everything),
    )
    for name, snapshot in market:
        yield name, evolve(snapshot, finder=Pinned(searcher, snapshot)) if searcher is not None else snapshot


def _named(name: str) -> PoolId:
    return pool_id(SIM, "hostile", name)
