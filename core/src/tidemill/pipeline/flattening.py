"""Back into the base asset: after an emergency stop that an operator ordered so, everything else that a book holds is sold."""

from collections.abc import Callable, Sequence

from attrs import define

from tidemill.domain.answers import CannotFit, Rejected
from tidemill.domain.book import BookState
from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, chain_of, content_id
from tidemill.domain.plan import Flow
from tidemill.domain.snapshot import Snapshot
from tidemill.pipeline.parts import Parts
from tidemill.planning.desk import Desk
from tidemill.planning.replay import Broken
from tidemill.planning.unwind import Bounds, selling
from tidemill.stages.books import Books
from tidemill.stages.flight import Flight
from tidemill.stages.guard import Fault
from tidemill.stages.planner import Planned, compose_one

STRATEGY = "flatten"
"""Under this name its plans stand in the ledger, and leave while a brake holds everything else back."""
ATTEMPTS = 8
"""So many heads in a row may pass without anything of an asset being sold, then it stays."""
_HOPELESS = ("cost", "value")
"""Rules whose no the next block does not change: what is too little to be sold, and what nobody can price."""

Place = tuple[BookId, AssetId]
Send = Callable[[Planned, str], object]


@define
class _Left:
    """What is left of one asset in a book: how much there was when it was last tried, how often in vain, and why."""

    amount: int
    tries: int = 0
    reason: str = ""
    given_up: bool = False


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
        self._looked: dict[ChainId, int] = {}
        self.faults: list[Fault] = []

    def begin(self) -> None:
        """Sell from the next decision on."""
        self.active = True
        self._left.clear()
        self._looked.clear()

    def end(self) -> None:
        """Sell nothing more."""
        self.active = False

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
        self.end()
        return tuple((book, asset, left.amount, left.reason) for (book, asset), left in sorted(self._left.items()))

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
        answer = self._parts.guard.call("execution", self._planned, place, book, view)
        if isinstance(answer, Fault):
            self.faults.append(answer)
            answer = Rejected("fault", f"{answer.plugin} failed: {answer.reason}")
        if isinstance(answer, Planned):
            if self._flight.touching(answer.plan.pools):
                # Another plan of ours moves this pool first: the next head shows what is left of it
                return
            self._send(answer, "back into the base asset")
            left.reason = "its sales failed"
        else:
            left.reason = answer.reason
            left.given_up = answer.rule in _HOPELESS
        left.tries += 1
        left.given_up = left.given_up or left.tries >= ATTEMPTS

    def _planned(self, place: Place, book: BookState, view: Snapshot) -> Planned | Rejected:
        tools, (_, asset) = self._parts.tools, place
        desk = Desk(view, book, tools.rules, (), tools.patience)
        height = view.chains[chain_of(asset)].head.height
        opportunity = OpportunityId(content_id(STRATEGY, book.id, asset, height))
        bounds = Bounds(self._parts.unwind_loss_bps)
        found = selling(asset, book.base, book.free(asset), desk, bounds, opportunity=opportunity, strategy=STRATEGY, partly=True)
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
