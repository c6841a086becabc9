"""Batches and every event that may stand in one.

Nothing but batches, configuration and seed influences a decision. ``MARKET_EVENTS`` come from sources, timers and commands;
``ANSWER_EVENTS`` are what the world answered to our own doing.
"""

from typing import Literal

from attrs import frozen

from tidemill.domain.asset import Asset
from tidemill.domain.book import Position
from tidemill.domain.ids import AssetId, BookId, ChainId, Key, MarketId, PlanId
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.outcome import Outcome
from tidemill.domain.plan import Group, Plan
from tidemill.domain.pool import LogFilter, PoolRef

Status = Literal["pending", "confirmed", "final"]
Side = Literal["buy", "sell"]


@frozen
class Head:
    """A new head of a chain; only this event moves ``snapshot.head(chain)``.

    ``unix_time`` in seconds, ``epoch`` 0 where the chain has none, ``fee`` the base fee in the unit that the chain's rules define (wei
    per gas, micro-lamports per compute unit), 0 where unknown.
    """

    chain: ChainId
    height: int
    block_hash: str
    parent_hash: str
    unix_time: int
    epoch: int = 0
    fee: int = 0


@frozen
class Rollback:
    """Blocks above ``height`` are no longer part of the chain; ``block_hash`` is the hash of the block that stays the head."""

    chain: ChainId
    height: int
    block_hash: str


@frozen
class Gap:
    """A source cannot vouch for what happened from ``from_height`` to ``to_height``; a venue off chain is ``venue:<name>``, heights 0.

    ``keys`` names what may be wrong (contracts or keys); empty means everything of the chain. What is touched gives no quote until it
    has been read again.
    """

    chain: ChainId
    from_height: int
    to_height: int
    keys: tuple[str, ...] = ()


@frozen
class Market:
    """An order book's constants.

    A price of ``n`` ticks is ``n * tick_quote`` quote base units per ``tick_base`` base base units; one lot is ``lot`` base units of the
    base asset.
    """

    id: MarketId
    venue: str
    base: AssetId
    quote: AssetId
    tick_quote: int
    tick_base: int
    lot: int


@frozen
class Found:
    """Assets, pools and order-book markets that were discovered: discovery is an input like any other."""

    assets: tuple[Asset, ...] = ()
    pools: tuple[PoolRef, ...] = ()
    markets: tuple[Market, ...] = ()


@frozen
class States:
    """Values of a chain's state at the batch's height; None says that the key is known to be absent."""

    chain: ChainId
    values: tuple[tuple[Key, bytes | None], ...]


@frozen
class Log:
    """One log of a contract: address in lower case, topics of 32 bytes, position ``index`` within its block."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    index: int = 0
    tx: str = ""

    def matches(self, wanted: LogFilter) -> bool:
        """Whether it is of the contract, and of one of the events, that a filter asks for."""
        return self.address == wanted.address and (not wanted.topics or self.topics[:1] in [(topic,) for topic in wanted.topics])


@frozen
class Logs:
    """Logs of one block, in block order."""

    chain: ChainId
    logs: tuple[Log, ...]


@frozen
class Trade:
    """A trade on an order book, by the side of its taker."""

    market: MarketId
    side: Side
    price_ticks: int
    lots: int
    trade_id: str = ""


@frozen
class BookSnapshot:
    """A whole order book: (price in ticks, lots), best first; ``sequence`` is the venue's."""

    market: MarketId
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    sequence: int


@frozen
class BookDelta:
    """The new size of one price level; 0 lots removes it."""

    market: MarketId
    side: Side
    price_ticks: int
    lots: int
    sequence: int


@frozen
class OraclePrice:
    """The price of one whole token in US dollars.

    It is ``mantissa * 10**exponent``, ``confidence`` in the same scale, as published at ``publish_ns``.
    """

    asset: AssetId
    mantissa: int
    exponent: int
    confidence: int
    publish_ns: int
    source: str = ""


@frozen
class Bar:
    """Open, high, low and close in ticks and volume in lots of ``interval_s`` seconds that began at ``open_ns``."""

    market: MarketId
    interval_s: int
    open_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int


@frozen
class TraderEvent:
    """Something a followed trader did; ``amounts`` are signed base units per asset, positive received."""

    trader: str
    chain: ChainId
    kind: str
    tx: str
    amounts: tuple[tuple[AssetId, int], ...] = ()
    market: MarketId | None = None


@frozen
class Observation:
    """A figure that was observed from outside (an aggregator's quote, a fee level); valid up to ``expires`` (height, 0: for good)."""

    kind: str
    subject: str
    values: tuple[tuple[str, int], ...]
    expires: int = 0


@frozen
class Timer:
    """A timer that came due at ``due_ns``."""

    name: str
    due_ns: int


@frozen
class Control:
    """An operator's command, with its cause in the operator's words.

    ``pause`` and ``resume``: the strategies in ``arguments``, all without any, are no longer asked, or asked again. ``stop`` ends the run:
    what is in flight settles, nothing new is planned. ``halt`` does the same because something is wrong. ``hold`` asks nobody for ideas
    until ``release``; ``flatten`` does the same and sells what is not a book's base asset. Any other changes nothing.
    """

    command: str
    arguments: tuple[str, ...] = ()
    cause: str = ""


@frozen
class Rate:
    """A measured rate that turns time into work units: ``units`` a millisecond for the work called ``name``.

    ``search.<name>`` is a searcher's: deadlines of later queries are counted by it. Where time is simulated or recorded nobody measures:
    another machine would find something else.
    """

    name: str
    units: int


@frozen
class OrderSeen:
    """The cumulative state of one of our orders.

    Hearing it twice does no harm, since ``update`` only grows (figures may fall after a rollback). ``quote_amount`` is what a buy paid or a
    sell received, base units of the quote asset, ``fee`` left out. An order that is no longer ``open`` with lots remaining says why in
    ``reason``.
    """

    plan: PlanId
    update: int
    filled_lots: int
    remaining_lots: int
    quote_amount: int
    fee: int
    open: bool
    fee_asset: AssetId | None = None
    reason: str = ""


@frozen
class OpenIntent:
    """An intent that was open when a run began: the plan, its transaction where one was signed, its order as last heard of.

    ``height`` is the head that it was made at, ``digest`` names its bytes. ``outcome`` is what an earlier run booked of it, from a block
    that may still be dropped; None where nothing was booked. ``dropped`` says that this block is gone: what was booked is taken back.
    """

    plan: Plan
    tx: str = ""
    order: OrderSeen | None = None
    height: int = 0
    digest: str = ""
    outcome: Outcome | None = None
    dropped: bool = False


@frozen
class OpenGroup:
    """A group of plans that was open when a run began.

    ``backs`` are the plans that were sent on its way back. ``outcomes`` are those that are proven, of legs and of ways back; of the others
    nothing is known yet.
    """

    group: Group
    outcomes: tuple[tuple[PlanId, Outcome], ...] = ()
    backs: tuple[PlanId, ...] = ()


@frozen
class Opening:
    """Where a run begins: balances per book and asset, open intents and groups, breakers that stand open, positions."""

    balances: tuple[tuple[BookId, AssetId, int], ...]
    intents: tuple[OpenIntent, ...] = ()
    breakers: tuple[tuple[str, str], ...] = ()
    positions: tuple[Position, ...] = ()
    groups: tuple[OpenGroup, ...] = ()


@frozen
class OutcomeSeen:
    """What became of one of our transactions; its block's height, hash and status stand in the outcome."""

    plan: PlanId
    outcome: Outcome


@frozen
class Balances:
    """Balances of one book as its chain or venue reports them."""

    book: BookId
    amounts: tuple[tuple[AssetId, int], ...]


@frozen
class RefusedSeen:
    """A plan that was refused before anything could happen: proof that nothing was sent, or that a venue took nothing on."""

    plan: PlanId
    by: Literal["simulation", "signer", "node", "venue", "operator"]
    reason: str


@frozen
class Proposals:
    """Opportunities from a strategy whose answers are recorded rather than computed again."""

    strategy: str
    opportunities: tuple[Opportunity, ...]


@frozen
class PluginState:
    """A plugin failed, was restarted or was disabled; ``failures`` counts in a row.

    ``warmed``: a searcher has made ready what takes long at its first use, or could not; ``reason`` is its sentence. That changes when
    answers come and never what they are, so it decides nothing.
    """

    plugin: str
    state: Literal["failed", "restarted", "disabled", "warmed"]
    failures: int
    reason: str = ""


MARKET_EVENTS = (
    Head, Rollback, Gap, Found, States, Logs, Trade, BookSnapshot, BookDelta, OraclePrice, Bar, TraderEvent, Observation, Timer,
    Control, Rate,
)  # fmt: skip
ANSWER_EVENTS = (Opening, OutcomeSeen, OrderSeen, Balances, RefusedSeen, Proposals, PluginState)

MarketEvent = (
    Head | Rollback | Gap | Found | States | Logs | Trade | BookSnapshot | BookDelta | OraclePrice | Bar | TraderEvent | Observation
    | Timer | Control | Rate
)  # fmt: skip
AnswerEvent = Opening | OutcomeSeen | OrderSeen | Balances | RefusedSeen | Proposals | PluginState
Event = MarketEvent | AnswerEvent


@frozen
class Batch:
    """Events that belong together: one block of one chain, one message of one feed, one round of answers.

    ``source`` and ``seq`` name the batch (``seq`` grows by one per source). ``height``, ``block_hash`` and ``parent_hash`` say where
    it came from ("" and 0 outside chains). ``venue_ns`` is the venue's time, ``local_ns`` when it was received: both are recorded,
    neither is read from a clock inside the fold.
    """

    source: str
    seq: int
    chain: ChainId | None
    height: int
    block_hash: str
    parent_hash: str
    status: Status
    venue_ns: int
    local_ns: int
    events: tuple[Event, ...]

    @property
    def is_answer(self) -> bool:
        """Whether it holds answers to our own doing; a batch never mixes answers and market events."""
        return bool(self.events) and isinstance(self.events[0], ANSWER_EVENTS)

    @property
    def is_aside(self) -> bool:
        """Whether it is there to be told and decides nothing.

        It is counted nowhere: runs in which it came at another place, or not at all, come to the same.
        """
        return bool(self.events) and all(isinstance(event, PluginState) and event.state == "warmed" for event in self.events)

    @property
    def is_command(self) -> bool:
        """Whether it holds nothing but an operator's commands."""
        return bool(self.events) and all(isinstance(event, Control) for event in self.events)
