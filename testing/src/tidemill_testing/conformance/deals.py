"""From an opportunity to a plan, as planning does it: what a strategy answers on the way, and what is wrong with it."""

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

from tidemill.domain.answers import Rejected
from tidemill.domain.asset import AssetAmount
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance, Sized, Valid
from tidemill.domain.ids import MAIN_BOOK, AssetId
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.domain.plan import Flow, Plan
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import PluginContractError
from tidemill.hookspecs.strategy import Strategy
from tidemill.planning.desk import Desk
from tidemill.planning.replay import Broken, replay_flow
from tidemill.stages.ideas import priced
from tidemill.stages.plan_check import check_plan
from tidemill.units import PPM_SCALE
from tidemill_testing.desk import FlatLender, FlatRules

UNLIMITED = 1 << 256
RICH = 10**30
LENDER = "flat"


@frozen
class Deal:
    """An opportunity on its snapshot, its open amount filled in as the core does before it ranks."""

    opportunity: Opportunity
    snapshot: Snapshot

    @property
    def asset(self) -> AssetId:
        """What goes in."""
        return self.opportunity.asset if isinstance(self.opportunity, Arbitrage) else self.opportunity.funding

    def book(self) -> BookState:
        """Return a book that is rich in what goes in, in what every leg sells, and in the native coin."""
        native = self.snapshot.chains[self.opportunity.chain].native
        known = self.snapshot.books.get(MAIN_BOOK)
        base = known.base if known is not None else self.asset
        sold = [leg.sell for leg in self.opportunity.legs] if isinstance(self.opportunity, Arbitrage) else []
        return BookState(MAIN_BOOK, base, dict.fromkeys([self.asset, *sold, native], RICH))

    def desk(self) -> Desk:
        """Return a desk with that book, a lender of plenty, and a chain that costs nothing: whatever gains is worth its plan."""
        rules = {chain: FlatRules(native=view.native) for chain, view in sorted(self.snapshot.chains.items())}
        return Desk(self.snapshot, self.book(), rules, (FlatLender(LENDER, AssetAmount(self.asset, RICH), 9),))


def deals(found: Sequence[tuple[Snapshot, Sequence[Opportunity]]], most: int) -> list[Deal]:
    """Return up to ``most`` of the opportunities found, the same number of each snapshot, those with open amounts priced."""
    made: list[Deal] = []
    answers = [(snapshot, list(opportunities)) for snapshot, opportunities in found if opportunities]
    share = max(1, most // max(1, len(answers)))
    for snapshot, opportunities in answers:
        for one in opportunities[:share]:
            chosen = priced(one, snapshot) if isinstance(one, Arbitrage) and one.amount == 0 else one
            made.append(Deal(chosen, snapshot))
    return made[:most]


def allowances(deal: Deal) -> Iterator[Allowance]:
    """Yield allowances from nothing to everything: 0, 1, part of what the opportunity wants, no bound; own and borrowed money."""
    wanted = max(2, deal.opportunity.amount)
    for amount in (0, 1, wanted // 2, wanted, UNLIMITED):
        yield Allowance(deal.asset, amount, 0, UNLIMITED)
        yield Allowance(deal.asset, 0, amount, UNLIMITED)
    yield Allowance(deal.asset, UNLIMITED, UNLIMITED, UNLIMITED)


def wrong_rejection(answer: Rejected) -> str | None:
    """Return what is wrong with a "no": its rule is a short name, its reason a sentence, its numbers are named integers."""
    if not (isinstance(answer.rule, str) and answer.rule and answer.rule.strip() == answer.rule and "\n" not in answer.rule):
        return f"a rejection's rule is {answer.rule!r}: expected a short stable name"
    if not (isinstance(answer.reason, str) and answer.reason.strip()):
        return f"the rejection {answer.rule} gives the reason {answer.reason!r}: expected a sentence for people"
    wrong = [pair for pair in answer.numbers if not (isinstance(pair, tuple) and isinstance(pair[0], str) and type(pair[1]) is int)]
    return f"the rejection {answer.rule} has the numbers {wrong!r}: expected pairs of a name and an integer" if wrong else None


def wrong_validation(answer: object) -> str | None:
    """Return what is wrong with the answer of ``validate_opportunity``."""
    if isinstance(answer, Rejected):
        return wrong_rejection(answer)
    if not isinstance(answer, Valid):
        return f"validate_opportunity gave {answer!r:.80}: expected Valid or Rejected"
    if type(answer.amount) is not int or type(answer.profit) is not int or answer.amount <= 0:
        return f"validate_opportunity gave {answer}: expected an amount above 0, both whole base units"
    return None


def wrong_size(answer: object, allowance: Allowance) -> str | None:
    """Return what is wrong with the answer of ``calculate_position_size``."""
    if isinstance(answer, Rejected):
        return wrong_rejection(answer)
    if not isinstance(answer, Sized):
        return f"calculate_position_size gave {answer!r:.80}: expected Sized or Rejected"
    if type(answer.units) is not int or type(answer.profit) is not int or answer.units <= 0:
        return f"calculate_position_size gave {answer.units!r} units with a profit of {answer.profit!r}: expected units above 0, both int"
    if answer.lender not in (None, LENDER):
        return f"calculate_position_size chose the lender {answer.lender!r}: only {LENDER!r} offers a loan"
    most, whose = (allowance.own, "own") if answer.lender is None else (allowance.borrowed, "borrowed")
    return f"{answer.units} units of {whose} money, at most {most} was allowed" if answer.units > most else None


def wrong_plan(answer: object, deal: Deal, strategy: Strategy, size: Sized) -> str | None:
    """Return what is wrong with the answer of ``build_execution_plan``."""
    if isinstance(answer, Rejected):
        return wrong_rejection(answer)
    desk = deal.desk()
    plan: Plan = answer  # type: ignore[assignment]  # check_plan says whether it is one
    try:
        check_plan(plan, deal.opportunity, strategy, desk.book)
    except PluginContractError as error:
        return error.message
    if not isinstance(plan, Flow):
        return None
    own = sum(amount for asset, amount in plan.funds if asset == deal.asset)
    lent = sum(loan.amount for loan in plan.loans if loan.asset == deal.asset)
    if (own if size.lender is None else lent) > size.units:
        return f"the plan puts in {own} own and {lent} borrowed of {deal.asset}, the size is {size.units}"
    replayed = replay_flow(plan, deal.snapshot.pools, desk.at(plan.chain))
    if isinstance(replayed, Broken):
        return f"the plan does not replay on the snapshot it was made on: {replayed.rule}, {replayed.reason}"
    return None


def wrong_opportunity(found: object, name: str, snapshot: Snapshot) -> str | None:
    """Return what is wrong with an opportunity found on a snapshot."""
    wrong = _wrong_figures(found, name, snapshot)
    return wrong if wrong is not None or not isinstance(found, Arbitrage) else _wrong_route(found, snapshot)


def _wrong_figures(found: object, name: str, snapshot: Snapshot) -> str | None:
    if not isinstance(found, Opportunity):
        return f"found {found!r:.80}: expected an Arbitrage or a Signal"
    if not (isinstance(found.id, str) and found.id):
        return f"an opportunity's id is {found.id!r}: expected text made from its content"
    if found.strategy != name:
        return f"opportunity {found.id} says strategy {found.strategy!r}, this one is {name!r}"
    if found.chain not in snapshot.chains:
        return f"opportunity {found.id} is on {found.chain}, the snapshot has {', '.join(sorted(snapshot.chains))}"
    for figure in ("amount", "profit", "height", "confidence_ppm"):
        value = getattr(found, figure)
        if type(value) is not int or value < 0:
            return f"opportunity {found.id} has {figure} {value!r}: expected a whole number of at least 0"
    if found.confidence_ppm > PPM_SCALE:
        return f"opportunity {found.id} has confidence_ppm {found.confidence_ppm}: expected 0 to {PPM_SCALE}"
    at = snapshot.at(found.chain).height
    return f"opportunity {found.id} has height {found.height}, the next block is {at}" if found.height > at else None


def _wrong_route(found: Arbitrage, snapshot: Snapshot) -> str | None:
    legs = found.legs
    if not (isinstance(legs, tuple) and legs):
        return f"opportunity {found.id} has the legs {legs!r}: expected a tuple of at least one"
    for leg in legs:
        pool = snapshot.pools.get(leg.pool)
        if pool is None:
            return f"opportunity {found.id} goes through {leg.pool!r}, which the snapshot has not loaded"
        for asset in (leg.sell, leg.buy):
            if asset not in pool.assets:
                return f"opportunity {found.id} names {asset} at {leg.pool}, which trades {' and '.join(pool.assets)}"
        if leg.sell == leg.buy:
            return f"opportunity {found.id} sells {leg.sell} for itself at {leg.pool}"
    if any(leg.amount is not None for leg in legs):
        return None  # a netted flow: its legs share balances, they need not stand in line
    if len(set(found.pools)) != len(legs):
        return f"opportunity {found.id} passes a pool twice: {', '.join(found.pools)}"
    line = [found.asset, *(leg.buy for leg in legs)]
    for place, leg in enumerate(legs):
        if leg.sell != line[place]:
            return f"leg {place} of opportunity {found.id} sells {leg.sell}, {line[place]} is what came before"
    return f"opportunity {found.id} ends with {line[-1]}, it began with {found.asset}" if line[-1] != found.asset else None


def poorer(deal: Deal, amount: int) -> Deal:
    """Return the deal with another amount, as a stale or careless finder would give it."""
    return evolve(deal, opportunity=evolve(deal.opportunity, amount=amount))
