"""Asks strategies for ideas and puts them in order."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, frozen

from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.domain.snapshot import Snapshot
from tidemill.hookspecs.chain import ChainRules
from tidemill.hookspecs.strategy import Strategy
from tidemill.planning.rank import RankKey, net_profit, rank_key
from tidemill.planning.sizing import best_amount, route_out
from tidemill.stages.contract import check_opportunity, given
from tidemill.stages.guard import Fault, Guard


@frozen
class Idea:
    """An opportunity with who found it and what it is expected to leave after costs, in the base asset of the first book it serves."""

    opportunity: Opportunity
    strategy: Strategy
    priority: int
    net: int

    @property
    def key(self) -> RankKey:
        """The order in which ideas are served."""
        return rank_key(self.opportunity, self.net, self.priority)


@frozen
class Asked:
    """A strategy as the core holds it: ``path`` is ``strategies.<name>``; higher ``priority`` is asked first.

    ``isolated``: it is asked in a process of its own, and what it finds comes as a batch.
    """

    path: str
    strategy: Strategy
    priority: int
    isolated: bool = False


def gather(asked: Sequence[Asked], snapshot: Snapshot, guard: Guard, faults: list[Fault]) -> list[tuple[Asked, Opportunity]]:
    """Ask each strategy in turn; what one raises costs its own ideas only."""
    found: list[tuple[Asked, Opportunity]] = []
    for one in asked:
        answer = guard.call(one.path, _listed, one.path, one.strategy, snapshot)
        if isinstance(answer, Fault):
            faults.append(answer)
        else:
            found.extend((one, opportunity) for opportunity in answer)
    return found


def _listed(path: str, strategy: Strategy, snapshot: Snapshot) -> list[Opportunity]:
    found: object = strategy.find_opportunities(snapshot)
    listed = given(found, Iterable, path, "find_opportunities", "an iterator of opportunities")
    return [check_opportunity(path, one) for one in listed]


def ranked(
    found: Iterable[tuple[Asked, Opportunity]],
    snapshot: Snapshot,
    rules: Mapping[ChainId, ChainRules],
    base_of: Mapping[str, AssetId],
    guard: Guard,
    faults: list[Fault],
) -> list[Idea]:
    """Return ideas best first; ``base_of`` gives, per strategy name, the base asset of the first book it serves.

    One whose pools fail while it is valued is worth nothing.
    An idea that is given twice (same id) counts once. One whose amount is open (0) gets the best amount first.
    """
    ideas: dict[str, Idea] = {}
    for asked, opportunity in found:
        if opportunity.id in ideas:
            continue
        if opportunity.chain not in rules:
            ideas[opportunity.id] = Idea(opportunity, asked.strategy, asked.priority, 0)
            continue
        answer = guard.call(asked.path, _valued, opportunity, base_of.get(asked.strategy.name), rules[opportunity.chain], snapshot)
        if isinstance(answer, Fault):
            faults.append(answer)
            answer = opportunity, 0
        ideas[opportunity.id] = Idea(answer[0], asked.strategy, asked.priority, answer[1])
    return sorted(ideas.values(), key=lambda idea: idea.key)


def _valued(opportunity: Opportunity, base: AssetId | None, rules: ChainRules, snapshot: Snapshot) -> tuple[Opportunity, int]:
    if isinstance(opportunity, Arbitrage) and opportunity.amount == 0:
        opportunity = priced(opportunity, snapshot)
    return opportunity, net_profit(opportunity, base, rules, snapshot) if base is not None else 0


def priced(opportunity: Arbitrage, snapshot: Snapshot) -> Arbitrage:
    """Return the arbitrage with its best amount and profit filled in; the amount stays 0 where no amount gains."""
    pools, legs, at = snapshot.pools, opportunity.legs, snapshot.at(opportunity.chain)
    first = pools.get(legs[0].pool)
    held = first.holdings.get(opportunity.asset, 0) if first is not None else 0
    amount, profit = best_amount(lambda x: _gain(route_out(legs, pools, x, at), x), max(1, held), max(1, held >> 10))
    return evolve(opportunity, amount=amount, profit=profit) if profit > 0 else opportunity


def _gain(out: int, amount: int) -> int:
    return out - amount
