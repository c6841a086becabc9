"""Back into the base asset: after an emergency stop that an operator ordered so, everything else that a book holds is sold."""

from collections.abc import Callable, Sequence
from typing import Literal

from attrs import define, frozen

from tidemill.domain.answers import CannotFit, Rejected
from tidemill.domain.book import BookState
from tidemill.domain.events import RefusedSeen
from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId, chain_of, content_id
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import FLATTEN, Flow
from tidemill.domain.snapshot import Snapshot
from tidemill.pipeline.parts import Parts
from tidemill.planning.desk import Desk
from tidemill.planning.replay import Broken
from tidemill.planning.unwind import Bounds, selling
from tidemill.stages.books import Books
from tidemill.stages.flight import Flight
from tidemill.stages.guard import Fault
from tidemill.stages.planner import Planned, compose_one

ATTEMPTS = 8
"""So many heads in a row may pass without anything of an asset being sold, then it stays."""
_HOPELESS = ("cost", "value")
"""Rules whose no the next block does not change: what is too little to be sold, and what nobody can price."""
_FORBIDDEN = ("live", "chain", "account", "asset", "target", "method", "unreadable", "payload")
"""Rules of the signer that no block and no smaller amount changes: it reads its policy at its start alone."""
_TOO_MUCH = ("spend", "value", "per_day")
"""Rules of the signer that a smaller amount may pass."""
_OTHERS = ("fee", "lease")
"""Rules of the signer that the next block may pass."""
_REFUSALS = {
    "signer": "not signed: ",
    "node": "the node refused: ",
    "simulation": "tried without effect it fails: ",
    "venue": "the venue refused: ",
    "operator": "",
}

Place = tuple[BookId, AssetId]
Send = Callable[[Planned, str], Flow]


@define
class _Left:
    """What is left of one asset in a book: how much there was when it was last tried, how often in vain, and why.

    ``most``: the signer allows no more to be sold at once, None where it never said so. ``plan``: the sale that was last sent.
    """

    amount: int
    tries: int = 0
    reason: str = ""
    given_up: bool = False
    most: int | None = None
    plan: PlanId | None = None
    sold: int = 0


@frozen
class Unsold:
    """What of an asset is not sold: base units, why the last try failed, and whether it is tried again."""

    book: BookId
    asset: AssetId
    amount: int
    reason: str
    stays: bool


class Flattening:
    """Sells, at each head, what is free and is neither a book's base asset nor a chain's native coin, until nothing can be sold any more.

    Plans in flight are waited for: what they free is sold then. A sale loses at most ``unwind_loss_bps`` of what the amount is worth,
    else as much of it is sold as that allows; it asks no risk check, because it ends risks, and passes the signer's policy as any plan.
    """

    def __init__(self, parts: Parts, books: Books, flight: Flight, send: Send) -> None:
        self.active = False
        self._parts = parts
        self._books = books
        self._flight = flight
        self._send = send
        self._left: dict[Place, _Left] = {}
        self._sales: dict[PlanId, Place] = {}
        self.state: Literal["", "selling", "done", "broken off"] = ""
        self._looked: dict[ChainId, int] = {}
        self.faults: list[Fault] = []

    def begin(self) -> None:
        """Sell from the next decision on."""
        self.forget()
        self.active, self.state = True, "selling"

    def end(self) -> None:
        """Sell nothing more; what is not sold stays known."""
        if self.active:
            self.active, self.state = False, "broken off"

    def forget(self) -> None:
        """Sell nothing more, and know of nothing that was left: trading goes on."""
        self.active, self.state = False, ""
        self._left.clear()
        self._looked.clear()
        self._sales.clear()

    @property
    def unsold(self) -> tuple[Unsold, ...]:
        """What is not sold, while it is being sold and after that, until it is forgotten."""
        return tuple(
            Unsold(book, asset, left.amount, left.reason, left.given_up or not self.active)
            for (book, asset), left in sorted(self._left.items())
        )

    def refused(self, event: RefusedSeen) -> None:
        """Take in why a sale was never sent."""
        left = self._of(event.plan)
        if left is None:
            return
        rule, _, why = event.reason.partition(": ")
        if event.by != "signer" or rule not in (*_FORBIDDEN, *_TOO_MUCH, *_OTHERS):
            left.reason = f"{_REFUSALS[event.by]}{event.reason}"
            return
        left.reason = f"the signer refused ({rule}): {why}"
        if rule in _TOO_MUCH:
            left.most = left.sold // 2
        left.given_up = left.given_up or rule in _FORBIDDEN or left.most == 0

    def landed(self, plan: PlanId, outcome: Outcome) -> None:
        """Take in what became of a sale that was sent."""
        left = self._of(plan)
        if left is None:
            return
        if outcome.status is OutcomeStatus.FILLED:
            left.tries, left.given_up, left.reason = 0, False, ""
        else:
            word = "was included and reverted" if outcome.status is OutcomeStatus.REVERTED else "was never included"
            left.reason = f"its sale {word}: {outcome.reason}" if outcome.reason else f"its sale {word}"

    def _of(self, plan: PlanId) -> _Left | None:
        """Return what a sale is of, None where it is none of the last sales."""
        left = self._left.get(self._sales[plan]) if plan in self._sales else None
        return left if left is not None and left.plan == plan else None

    def turn(self, view: Snapshot) -> tuple[tuple[BookId, AssetId, int, str], ...] | None:
        """Sell what can be sold now; return what stays, with the reason, once nothing can be sold any more, None before that."""
        chains = [chain for chain, one in sorted(view.chains.items()) if self._looked.get(chain) != one.head.height]
        for chain in chains:
            self._looked[chain] = view.chains[chain].head.height
            for book in self._parts.books:
                for asset in self._others(self._books.states[book.id]):
                    if chain_of(asset) == chain:
                        self._sell((book.id, asset), view)
        if self._flight.open or any(not left.given_up for left in self._left.values()):
            return None
        self.active, self.state = False, "done"
        return tuple((one.book, one.asset, one.amount, one.reason) for one in self.unsold)

    def _others(self, book: BookState) -> Sequence[AssetId]:
        kept = [book.base, *(rules.native for rules in self._parts.tools.rules.values())]
        # What has been sold meanwhile is not left any more
        for place in [place for place in self._left if place[0] == book.id and not book.balances.get(place[1], 0)]:
            del self._left[place]
        return [asset for asset, amount in sorted(book.balances.items()) if amount > 0 and asset not in kept]

    def _sell(self, place: Place, view: Snapshot) -> None:
        book = self._books.states[place[0]]
        balance = book.balances[place[1]]
        left = self._left.setdefault(place, _Left(balance))
        if balance < left.amount:
            left.tries, left.given_up = 0, False
        left.amount = balance
        if not book.free(place[1]) or left.given_up:
            return
        amount = book.free(place[1]) if left.most is None else min(book.free(place[1]), left.most)
        answer = self._parts.guard.call("execution", self._planned, place, amount, book, view)
        if isinstance(answer, Fault):
            self.faults.append(answer)
            answer = Rejected("fault", f"{answer.plugin} failed: {answer.reason}")
        if isinstance(answer, Planned):
            if self._flight.touching(answer.plan.pools):
                # Another plan of ours moves this pool first: the next head shows what is left of it
                return
            left.plan = self._send(answer, "back into the base asset").id
            left.sold = answer.plan.funds[0][1]
            left.reason = "its sale is under way"
            self._sales[left.plan] = place
        else:
            left.reason = answer.reason
            left.given_up = answer.rule in _HOPELESS
        left.tries += 1
        left.given_up = left.given_up or left.tries >= ATTEMPTS

    def _planned(self, place: Place, amount: int, book: BookState, view: Snapshot) -> Planned | Rejected:
        tools, (_, asset) = self._parts.tools, place
        desk = Desk(view, book, tools.rules, (), tools.patience)
        height = view.chains[chain_of(asset)].head.height
        opportunity = OpportunityId(content_id(FLATTEN, book.id, asset, height))
        bounds = Bounds(self._parts.unwind_loss_bps)
        found = selling(asset, book.base, amount, desk, bounds, opportunity=opportunity, strategy=FLATTEN, partly=True)
        if isinstance(found, Rejected):
            return found
        return self._composed(found, desk)

    def _composed(self, flow: Flow, desk: Desk) -> Planned | Rejected:
        native = self._parts.tools.rules[flow.chain].native
        if desk.book.free(native) < flow.cost_cap:
            text = f"the sale may cost {flow.cost_cap} of {native}, {desk.book.free(native)} is free"
            return Rejected("funds", text)
        made = compose_one(flow, desk, self._parts.tools)
        if isinstance(made, Broken):
            return Rejected(made.rule, made.reason)
        if isinstance(made, CannotFit):
            return Rejected("fit", f"the sale's {made.what} is {made.found}, the chain allows {made.limit}")
        return made
