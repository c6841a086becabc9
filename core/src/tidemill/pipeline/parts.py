"""What a core is made of."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from tidemill.domain.ids import AssetId, BookId
from tidemill.hookspecs.search import Searcher
from tidemill.stages.guard import Guard
from tidemill.stages.ideas import Asked
from tidemill.stages.market import Market
from tidemill.stages.planner import Tools
from tidemill.stages.roster import Fresh


@frozen
class BookPlan:
    """One configured book: its base asset and the strategies that it serves (None: all)."""

    id: BookId
    base: AssetId
    strategies: tuple[str, ...] | None = None

    def serves(self, strategy: str) -> bool:
        """Whether the book takes ideas of a strategy."""
        return self.strategies is None or strategy in self.strategies


@frozen
class Parts:
    """The market, the plugins' instances and the settings that a core folds with.

    ``unwind_loss_bps`` is the most of its worth, of 10 000, that what is sold back may lose.
    """

    market: Market
    asked: Sequence[Asked]
    searcher: Searcher | None
    tools: Tools
    books: Sequence[BookPlan]
    guard: Guard
    overlay_blocks: int
    stacking: bool = False
    paper: bool = True
    fresh: Fresh | None = None
    unwind_loss_bps: int = 300


def bases_of(parts: Parts) -> Mapping[str, AssetId]:
    """Return, per strategy, the base asset of the first book that serves it: ideas are ranked in it."""
    bases: dict[str, AssetId] = {}
    for one in parts.asked:
        for book in parts.books:
            if book.serves(one.strategy.name):
                bases.setdefault(one.strategy.name, book.base)
    return bases
