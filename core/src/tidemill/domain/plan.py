"""Plans: what will be done, as values that a pure function can replay."""

from typing import Literal

from attrs import frozen

from tidemill.domain.ids import AssetId, BookId, ChainId, MarketId, OpportunityId, PlanId, PoolId

FLATTEN = "flatten"
"""The strategy's name of what sells everything back: the one that leaves while a brake holds, so no plugin may have it."""
Version = tuple[int, int]
"""(height, market sequence) of a pool's state: never repeats, not even after a rollback."""


@frozen
class PlannedSwap:
    """One swap of a flow.

    It sells ``amount_in`` base units, or with None everything held of ``sell`` at that step; below ``min_out`` base units of ``buy`` the
    whole flow fails.
    """

    pool: PoolId
    sell: AssetId
    buy: AssetId
    amount_in: int | None
    min_out: int


@frozen
class Loan:
    """A flash loan inside a flow: ``amount`` opens the balances, ``amount + fee`` must be repaid at the end; base units."""

    lender: str
    asset: AssetId
    amount: int
    fee: int


@frozen
class Basis:
    """The state a plan was quoted on: one pool's version and our own plans in flight that were counted as done before it."""

    pool: PoolId
    version: Version
    behind: tuple[PlanId, ...] = ()


@frozen
class Flow:
    """Ordered swaps over a vector of balances that opens with own funds and loans; atomic on one chain.

    ``funds`` is the most of our own that goes in per asset and, with ``cost_cap`` (native base units), what the book reserves.
    ``guards`` are the least final balances per asset, loans repaid. ``expires`` is the last height at which it may execute.
    """

    id: PlanId
    opportunity: OpportunityId
    strategy: str
    book: BookId
    chain: ChainId
    basis: tuple[Basis, ...]
    funds: tuple[tuple[AssetId, int], ...]
    loans: tuple[Loan, ...]
    swaps: tuple[PlannedSwap, ...]
    guards: tuple[tuple[AssetId, int], ...]
    expires: int
    cost_cap: int

    @property
    def pools(self) -> tuple[PoolId, ...]:
        """The pools touched, each once, in order of first use."""
        return tuple(dict.fromkeys(swap.pool for swap in self.swaps))


@frozen
class Orders:
    """One order on a venue: ``lots`` at ``limit_ticks`` (None: market), until ``expires_ns`` of batch time (0: until it is cancelled).

    ``funds`` is what the book reserves for it, fees included.
    """

    id: PlanId
    opportunity: OpportunityId
    strategy: str
    book: BookId
    chain: ChainId
    venue: str
    market: MarketId
    side: Literal["buy", "sell"]
    lots: int
    limit_ticks: int | None
    funds: tuple[tuple[AssetId, int], ...]
    expires_ns: int = 0
    cost_cap: int = 0
    time_in_force: Literal["gtc", "ioc", "fok", "post_only"] = "gtc"
    reduce_only: bool = False
    target: int | None = None
    stop: int | None = None

    @property
    def pools(self) -> tuple[PoolId, ...]:
        """No pools: an order stands on a venue."""
        return ()


@frozen
class Group:
    """Plans that belong together but are not atomic together: all are sent at once, what has no counterpart at the deadline is unwound.

    ``unwind`` says what happens to the legs that filled when another did not: sell them back at once, keep them, or hedge them where
    ``hedge`` names the market; ``deadline_ns`` is the batch time by which all must have filled.
    """

    id: PlanId
    opportunity: OpportunityId
    strategy: str
    book: BookId
    chain: ChainId
    plans: tuple["Flow | Orders", ...]
    unwind: Literal["sell_back", "keep", "hedge"]
    deadline_ns: int
    hedge: MarketId | None = None

    @property
    def pools(self) -> tuple[PoolId, ...]:
        """The pools of all legs, each once."""
        return tuple(dict.fromkeys(pool for plan in self.plans for pool in plan.pools))


Plan = Flow | Orders | Group
