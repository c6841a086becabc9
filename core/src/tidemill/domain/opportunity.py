"""What strategies find: arbitrages over pools and signals in a market."""

from typing import Literal

from attrs import frozen

from tidemill.domain.ids import AssetId, ChainId, MarketId, OpportunityId, PoolId, content_id
from tidemill.units import PPM_SCALE


@frozen
class Leg:
    """One swap of a route: sell one asset for another at a pool; ``amount`` fixes its input (a netted flow), None takes all that came."""

    pool: PoolId
    sell: AssetId
    buy: AssetId
    amount: int | None = None


@frozen
class Arbitrage:
    """A closed route that pays more of ``asset`` than it takes.

    ``amount`` is the input the finder thinks best and ``profit`` what it expects above it, after pool fees and before costs; both base
    units of ``asset``. ``confidence_ppm`` weighs the rank, not the size. ``urgency`` is a hint to execution, ``reason`` the
    strategy's own word on why: it stands in the ledger and in the note of the plan. ``suspect`` says why the chain may pay less than the
    pools promise; with it the opportunity is turned away.
    """

    id: OpportunityId
    strategy: str
    chain: ChainId
    asset: AssetId
    legs: tuple[Leg, ...]
    amount: int
    profit: int
    height: int
    confidence_ppm: int = PPM_SCALE
    urgency: Literal["normal", "critical"] = "normal"
    reason: str = ""
    suspect: tuple[str, ...] = ()

    @property
    def pools(self) -> tuple[PoolId, ...]:
        """The pools of the route, in order."""
        return tuple(leg.pool for leg in self.legs)


@frozen
class Signal:
    """A direction in a market, or an exit from a position.

    ``market`` names an order book or a pool; ``asset`` is what it is about and ``funding`` what is given: quote for a buy, base
    for a sell, collateral for a perpetual. ``target``, ``stop`` and
    ``limit`` are prices (None: none): ticks of an order book; at a pool Q64.64 base units of ``funding`` per base unit of ``asset``.
    ``expires_ns`` is batch time, 0 for never. ``amount`` is the suggested size in base units of ``funding``; ``profit`` the expected gain
    in the same units.
    """

    id: OpportunityId
    strategy: str
    chain: ChainId
    market: MarketId | PoolId
    asset: AssetId
    funding: AssetId
    side: Literal["buy", "sell"]
    amount: int
    profit: int
    height: int
    confidence_ppm: int = PPM_SCALE
    limit: int | None = None
    target: int | None = None
    stop: int | None = None
    expires_ns: int = 0
    reduce_only: bool = False
    urgency: Literal["normal", "critical"] = "normal"
    reason: str = ""

    @property
    def pools(self) -> tuple[PoolId, ...]:
        """The pool that the signal names, if it names one."""
        return (PoolId(self.market),) if ":" in self.market and self.market.startswith(self.chain) else ()


Opportunity = Arbitrage | Signal


def arbitrage_id(strategy: str, height: int, asset: AssetId, legs: tuple[Leg, ...]) -> OpportunityId:
    """Return the id of an arbitrage: equal for equal route, height and strategy."""
    route = "|".join(f"{leg.pool}>{leg.buy}" for leg in legs)
    return OpportunityId(content_id("arbitrage", strategy, height, asset, route))
