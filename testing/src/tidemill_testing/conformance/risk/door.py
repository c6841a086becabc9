"""Plans beyond an allowance, in every shape that a plan may have: what is counted in one place may be overlooked in another."""

from collections.abc import Iterator, Sequence

from attrs import evolve

from tidemill.domain.book import BookState
from tidemill.domain.ids import MAIN_BOOK, AssetId, MarketId, PlanId
from tidemill.domain.plan import Flow, Group, Orders, Plan
from tidemill_testing.conformance.risk.case import open_plan, resized

NO_LIMIT = 1 << 200
"""From here on a figure of an allowance bounds nothing."""


def beyond_own(flow: Flow, own: int) -> Iterator[tuple[str, Plan]]:
    """Yield plans that put in more than ``own`` base units of the asset that a flow is funded with, each part alone perhaps not."""
    ((asset, _),) = flow.funds
    other, over, half = flow.swaps[0].buy, beyond(own), own // 2 + 1
    whole, part = _loose(resized(flow, over)), _loose(resized(flow, half))
    yield "after a fund of another asset", evolve(whole, funds=((other, 1), (asset, over)))
    yield "in the second of two flows", group(_loose(resized(flow, 1)), whole)
    yield "in two flows together", group(part, part)
    yield "in a flow and an order together", group(part, _order(flow, ((asset, half),)))


def beyond_borrowed(flow: Flow, borrowed: int) -> Iterator[tuple[str, Plan]]:
    """Yield plans that borrow more than ``borrowed`` base units of a flow's loan, each part alone perhaps not."""
    over, half = beyond(borrowed), borrowed // 2 + 1
    whole, part = _lent(flow, over), _lent(flow, half)
    yield "in a loan", whole
    yield "in two loans together", _lent(flow, half, half)
    yield "in the second of two flows", group(_lent(flow, 1), whole)
    yield "in two flows together", group(part, part)


def beyond_cost(plan: Flow, cost: int) -> Iterator[tuple[str, Plan]]:
    """Yield plans that may cost more than ``cost`` native base units, each part alone perhaps not."""
    whole, part = evolve(plan, cost_cap=beyond(cost)), evolve(plan, cost_cap=cost // 2 + 1)
    yield "of a flow", whole
    yield "of the second of two flows", group(evolve(plan, cost_cap=1), whole)
    yield "of two flows together", group(part, part)


def beyond(most: int) -> int:
    """Return a hundredth more, at least one unit."""
    return most + max(1, most // 100)


def group(*parts: Flow | Orders) -> Group:
    """Return plans as one that is sent together."""
    first, named = parts[0], tuple(evolve(part, id=PlanId(f"{part.id}-{place}")) for place, part in enumerate(parts))
    return Group(PlanId(f"{first.id}-group"), first.opportunity, first.strategy, first.book, first.chain, named, "keep", 0)


def spoken_for(book: BookState, assets: Sequence[AssetId]) -> Iterator[BookState]:
    """Yield the book with nearly all of these assets reserved by a plan in flight: nothing, one unit, a thousand are left."""
    for left in (0, 1, 1_000):
        more = {asset: max(0, book.free(asset) - left) for asset in dict.fromkeys(assets)}
        reserved = {**book.reserved, **{asset: book.reserved.get(asset, 0) + amount for asset, amount in more.items()}}
        plan = evolve(open_plan(98, 1), reserved=tuple(more.items()), cost_cap=0)
        yield evolve(book, reserved=reserved, plans=(*book.plans, plan))


def _loose(flow: Flow) -> Flow:
    """Return a flow that carries out whatever comes out of it: nothing but its size is to be looked at."""
    return evolve(flow, guards=(), swaps=tuple(evolve(swap, min_out=0) for swap in flow.swaps))


def _lent(flow: Flow, *amounts: int) -> Flow:
    loans = tuple(evolve(flow.loans[0], amount=amount, fee=0) for amount in amounts)
    return evolve(_loose(evolve(flow, swaps=(evolve(flow.swaps[0], amount_in=sum(amounts)), *flow.swaps[1:]))), loans=loans)


def _order(flow: Flow, funds: tuple[tuple[AssetId, int], ...]) -> Orders:
    market = MarketId("venue/X")
    return Orders(PlanId("order"), flow.opportunity, flow.strategy, MAIN_BOOK, flow.chain, "venue", market, "buy", 1, None, funds)
