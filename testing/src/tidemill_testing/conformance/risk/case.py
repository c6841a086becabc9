"""What a risk check is asked about: an opportunity and a plan for it, a book, a market; from everyday to absurd."""

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

from tidemill.domain.answers import Rejected
from tidemill.domain.asset import Asset, AssetAmount
from tidemill.domain.book import BookState, OpenPlan
from tidemill.domain.decision import Sized
from tidemill.domain.history import PricePoint
from tidemill.domain.ids import MAIN_BOOK, AssetId, MarketId, OpportunityId, PlanId, PoolId
from tidemill.domain.opportunity import Arbitrage, Leg, Opportunity, Signal
from tidemill.domain.plan import Flow, Group, Orders, Plan
from tidemill.domain.snapshot import DexPolicy, Snapshot
from tidemill.planning.build import build_flow
from tidemill.planning.desk import Desk
from tidemill_testing.conformance.hostile_market import hostile_pools, hostile_snapshots
from tidemill_testing.desk import FlatLender, FlatRules
from tidemill_testing.market import ETHER, NOW, SIM, pair_pool, snapshot_of, token

E18 = 10**18
LENDER = "flat"
WETH, USDC, TAIL = token("WETH"), token("USDC"), token("TAIL")


@frozen
class RiskCase:
    """One question: may this opportunity be served with that book's money, and then: may this plan go out."""

    opportunity: Opportunity
    plan: Plan
    book: BookState
    snapshot: Snapshot


def everyday_market() -> Snapshot:
    """Return a market of four pools that disagree, with oracle prices, a dollar and one token that nothing prices."""
    pools = (
        pair_pool("cheap", {WETH: 1_000 * E18, USDC: 2_000_000 * 10**6}),
        pair_pool("dear", {WETH: 1_000 * E18, USDC: 1_900_000 * 10**6}, dex="sushiswap"),
        pair_pool("tail", {WETH: 10 * E18, TAIL: 10**24}, 10_000),
        pair_pool("tail2", {WETH: 11 * E18, TAIL: 10**24}, 10_000, dex="sushiswap"),
    )
    return snapshot_of(
        pools,
        wrapped=WETH,
        dollars=(USDC,),
        assets=(Asset(WETH, "WETH", 18), Asset(USDC, "USDC", 6), Asset(TAIL, "TAIL", 18)),
        prices={ETHER: PricePoint(ETHER, 2_000 * 10**8, -8, 10**8, NOW.unix_time * 10**9, NOW.height)},
        policies={"uniswap": DexPolicy(), "sushiswap": DexPolicy()},
    )


def everyday_book(weth: int = 100 * E18, plans: tuple[OpenPlan, ...] = ()) -> BookState:
    """Return a book with WETH, dollars and gas; what the plans in flight use is reserved."""
    reserved: dict[AssetId, int] = {}
    for plan in plans:
        for asset, amount in (*plan.reserved, (plan.native, plan.cost_cap)):
            reserved[asset] = reserved.get(asset, 0) + amount
    return BookState(MAIN_BOOK, WETH, {WETH: weth, USDC: 50_000 * 10**6, ETHER: 5 * E18}, reserved, plans)


def open_plan(number: int, amount: int) -> OpenPlan:
    """Return a plan in flight that uses so much WETH and a tenth of a percent of an ether for gas."""
    return OpenPlan(PlanId(f"open-{number}"), "sound", NOW.height, ((WETH, amount),), 10**15, ETHER, (PoolId(f"{SIM}/uniswap:0x{number}"),))


def everyday_cases() -> Iterator[RiskCase]:
    """Yield cases as they come: small and large, own money and a loan, an empty and a busy book, two venues and the long tail."""
    snapshot = everyday_market()
    books = (
        everyday_book(),
        everyday_book(weth=3 * E18, plans=(open_plan(1, E18),)),
        everyday_book(plans=tuple(open_plan(number, 10 * E18) for number in range(8))),
        everyday_book(weth=0),
    )
    names = dict(zip(("cheap", "dear", "tail", "tail2"), _in_order(snapshot), strict=True))
    routes = (
        (WETH, USDC, names["cheap"], names["dear"]),
        (WETH, TAIL, names["tail2"], names["tail"]),
        (USDC, WETH, names["dear"], names["cheap"]),
    )
    for start, middle, one, other in routes:
        found = idea(start, (Leg(one, start, middle), Leg(other, middle, start)))
        for book in books:
            for units in (10**9, E18 // 10, 10 * E18):
                for lender in (None, LENDER):
                    yield RiskCase(found, plan_of(found, units, lender, book, snapshot), book, snapshot)


def _in_order(snapshot: Snapshot) -> tuple[PoolId, ...]:
    """Return the pools as ``everyday_market`` names them."""
    by_holding = {tuple(sorted(pool.holdings.items())): pool.id for pool in snapshot.pools.values()}
    wanted = (
        {WETH: 1_000 * E18, USDC: 2_000_000 * 10**6},
        {WETH: 1_000 * E18, USDC: 1_900_000 * 10**6},
        {WETH: 10 * E18, TAIL: 10**24},
        {WETH: 11 * E18, TAIL: 10**24},
    )
    return tuple(by_holding[tuple(sorted(held.items()))] for held in wanted)


def idea(asset: AssetId, legs: tuple[Leg, ...], amount: int = E18, profit: int = 10**16) -> Arbitrage:
    """Return an arbitrage along these legs."""
    return Arbitrage(OpportunityId("idea"), "sound", SIM, asset, legs, amount, profit, NOW.height + 1)


def plan_of(found: Arbitrage, units: int, lender: str | None, book: BookState, snapshot: Snapshot) -> Flow:
    """Return the flow that carries so many units along an opportunity, as planning builds it."""
    desk = Desk(snapshot, book, {SIM: FlatRules(10**14)}, (FlatLender(LENDER, AssetAmount(found.asset, 10**40), 9),))
    made = build_flow(found, Sized(units, 0, lender), desk)
    assert not isinstance(made, Rejected), made
    return made


def resized(plan: Flow, own: int) -> Flow:
    """Return a flow that puts in another amount of the book's own money."""
    ((asset, _),) = plan.funds
    first = evolve(plan.swaps[0], amount_in=own)
    return evolve(plan, funds=((asset, own),), swaps=(first, *plan.swaps[1:]), guards=((asset, own + 1),))


def hostile_cases() -> Iterator[tuple[str, RiskCase]]:
    """Yield cases that nobody should make, with what is wrong with them."""
    ordinary = next(everyday_cases())
    flow = ordinary.plan
    assert isinstance(flow, Flow)
    found = ordinary.opportunity
    assert isinstance(found, Arbitrage)
    unknown = PoolId(f"{SIM}/nowhere:0x1")
    stranger = AssetId("nowhere:1/erc20:0x1")
    everything = (1 << 256) - 1
    signal = Signal(OpportunityId("s"), "sound", SIM, MarketId("venue/X"), WETH, USDC, "buy", 0, 0, 0)
    order = Orders(PlanId("order"), found.id, "sound", MAIN_BOOK, SIM, "venue", MarketId("venue/X"), "buy", 1, None, ((USDC, everything),))
    group = Group(PlanId("group"), found.id, "sound", MAIN_BOOK, SIM, (flow, order), "keep", 0)
    rich = BookState(MAIN_BOOK, WETH, dict.fromkeys((WETH, USDC, ETHER, stranger), everything))
    owing = BookState(MAIN_BOOK, stranger, {WETH: 1}, {WETH: everything}, (open_plan(1, everything),))
    yield "an amount of everything", evolve(ordinary, opportunity=evolve(found, amount=everything, profit=everything))
    yield "no legs", evolve(ordinary, opportunity=evolve(found, legs=()), plan=evolve(flow, swaps=(), funds=(), guards=()))
    yield (
        "a pool that nobody knows",
        evolve(
            ordinary,
            opportunity=evolve(found, legs=(Leg(unknown, WETH, USDC),)),
            plan=evolve(flow, swaps=(evolve(flow.swaps[0], pool=unknown),)),
        ),
    )
    yield (
        "an asset of another chain",
        evolve(ordinary, opportunity=evolve(found, asset=stranger), plan=evolve(flow, funds=((stranger, 1),))),
    )
    yield "a signal at a venue and its order", evolve(ordinary, opportunity=signal, plan=order)
    yield "a group with an order for everything", evolve(ordinary, plan=group)
    yield "a plan for everything at every price", evolve(ordinary, plan=evolve(resized(flow, everything), cost_cap=everything))
    yield "a book of everything", evolve(ordinary, book=rich)
    yield "a book that owes more than it has", evolve(ordinary, book=owing)
    yield "a book of nothing", evolve(ordinary, book=BookState(MAIN_BOOK, stranger))
    yield "a market without pools and prices", evolve(ordinary, snapshot=snapshot_of([]))
    for name, snapshot in hostile_snapshots():
        if SIM in snapshot.chains:
            yield name, evolve(ordinary, snapshot=snapshot)
    extreme = snapshot_of(hostile_pools())
    market = evolve(everyday_market(), pools=extreme.pools, refs=extreme.refs)
    for identifier, pool in sorted(extreme.pools.items()):
        one, other = pool.assets
        legs = (Leg(identifier, one, other), Leg(identifier, other, one))
        yield f"a route through {identifier}", evolve(ordinary, opportunity=idea(one, legs), snapshot=market)


def everyday() -> Sequence[RiskCase]:
    """Return all everyday cases."""
    return tuple(everyday_cases())
