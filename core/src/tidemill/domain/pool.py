"""Pools as frozen values that quote exactly and never guess."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from tidemill.domain.answers import NoCurve, NoQuote
from tidemill.domain.ids import AssetId, ChainId, Key, PoolId
from tidemill.domain.time import ChainTime


@frozen
class PoolRef:
    """What never changes about a pool: where it is and how to read it.

    ``kind`` tells the DEX plugin which of its pool types this is (``v2``, ``v3``); ``details`` holds further constants (tick
    spacing, vaults) as sorted pairs. ``fee_ppm`` is None where the fee is not constant.
    """

    id: PoolId
    dex: str
    chain: ChainId
    address: str
    assets: tuple[AssetId, ...]
    kind: str = ""
    fee_ppm: int | None = None
    details: tuple[tuple[str, str | int], ...] = ()

    def detail(self, name: str) -> str | int | None:
        """Return one constant from ``details``, or None."""
        return next((value for key, value in self.details if key == name), None)


@frozen
class Quote:
    """An exact answer of one pool: both amounts in base units, the fee in units of the asset sold (0 where it is not known apart)."""

    pool: PoolId
    sell: AssetId
    buy: AssetId
    amount_in: int
    amount_out: int
    fee: int = 0


@frozen
class Swapped:
    """A quote and the pool as it stands after that swap."""

    quote: Quote
    pool: "Pool"


@frozen
class Segment:
    """A stretch of a pool's curve, for inputs from ``in_from`` to ``in_to`` (base units of the asset sold).

    With ``x`` measured from ``in_from`` the segment pays ``a * x / (b + c * x)``; ``c == 0`` is linear. All integers, ``b > 0``.
    """

    in_from: int
    in_to: int
    a: int
    b: int
    c: int


@frozen
class Curve:
    """A pool's output as segments in order of input, up to the last ``in_to``.

    For every input ``x`` it covers, ``|curve(x) - quote(x)| <= slack`` base units of the asset bought, and the pool fills the whole of
    ``x``. It rises and bends down throughout: no segment begins steeper than the one before it ends, so that what is gained beyond any
    stretch is never better than within it. Its beginning bounds the pool: no quote, covered or not, pays more a unit than ``a / b`` of the
    first segment. It ends at ``max_in``, or where the pool can sell no more or its state is not loaded.
    """

    segments: tuple[Segment, ...]
    slack: int


@runtime_checkable
class Pool(Protocol):
    """A pool at one state: a frozen value. It quotes what the chain would pay, to the last unit, or says why it cannot.

    ``fee_ppm`` is None where the fee is not constant. ``holdings`` are the pool's balances in base units, for depth and limits, not
    for prices; a pool whose state does not tell them (concentrated liquidity) gives the virtual reserves at its price
    instead. ``at`` is the height and time at which the swap would execute.
    """

    @property
    def id(self) -> PoolId:
        """The pool's id."""

    @property
    def assets(self) -> tuple[AssetId, ...]:
        """The assets that it holds, in the contract's order."""

    @property
    def fee_ppm(self) -> int | None:
        """The fee in parts per million of the input, or None where it varies."""

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        """Balances in base units."""

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        """Return the output of selling exactly ``amount``, rounded as the chain does; 0 means no quote."""

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote selling exactly ``amount`` (> 0)."""

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        """Quote buying exactly ``amount`` (> 0); ``amount_in`` is what the chain asks for it."""

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        """Quote selling exactly ``amount`` and give the pool after it."""

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        """Give the curve for inputs up to ``max_in``, or as far as it is known, or ``NoCurve``."""


@frozen
class LogFilter:
    """Logs of one contract; ``topics`` are the accepted first topics (32 bytes each), empty for all."""

    address: str
    topics: tuple[bytes, ...] = ()


@frozen
class Watch:
    """What a chain must keep reporting: keys whose values it repeats on change, and logs."""

    keys: tuple[Key, ...] = ()
    logs: tuple[LogFilter, ...] = ()


@frozen
class Decoded:
    """A pool made from state.

    ``changes_at`` (Unix seconds, 0: never) is when its quotes change by time alone, because a fee falls or it opens: at the first head from
    then on the pool is decoded again and counts as changed.

    ``watch`` names what moves it from here on: with logs in it, the pool is played forward by ``Dex.apply`` and counts as fresh at
    every head; without, it is decoded again when one of the watched keys changes. ``reads`` are further keys worth loading once: only what
    stands in ``watch`` stays fresh.
    """

    pool: Pool
    watch: Watch = field(factory=Watch)
    reads: tuple[Key, ...] = ()
    changes_at: int = 0
