"""Risk checks: how much may be risked, and a last look at the finished plan."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from tidemill.domain.answers import Rejected
from tidemill.domain.book import BookState
from tidemill.domain.decision import Allowance
from tidemill.domain.history import Wants
from tidemill.domain.opportunity import Opportunity
from tidemill.domain.plan import Plan
from tidemill.domain.snapshot import Snapshot
from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin


class RiskCheck(Plugin):
    """A limit. Keeps no state between calls: what it needs to know stands in the book and the snapshot."""

    interface_version: ClassVar[int] = 1
    needs: ClassVar[Wants] = Wants()

    @abstractmethod
    def allow(self, opportunity: Opportunity, book: BookState, snapshot: Snapshot) -> Allowance | Rejected:
        """Return the most that may be used, base units of the opportunity's asset; several checks: the least of each figure counts."""

    @abstractmethod
    def check(self, plan: Plan, book: BookState, snapshot: Snapshot) -> Rejected | None:
        """Look at the finished plan at the door, before funds are reserved; None lets it pass."""

    def caps(self) -> Sequence[str]:
        """Return what of its settings limits money, in a word each; real money is refused where no check limits any.

        By default the check's own name: it limits by what it is. One whose limits are all optional names those that are set.
        """
        return (self.name,)


@hookspec
def tidemill_register_risks() -> Sequence[type[RiskCheck]]:  # type: ignore[empty-body]
    """Return the risk checks this plugin provides.

    What to return: classes derived from RiskCheck, each with a name of its own.
    When: once, while the pipeline is assembled, before any connection is opened.
    Must not: do I/O, read the environment, or return a name already taken.
    Raises: nothing; bad settings are found when the configuration is read.
    Example: plugins/risk/limits/src/tidemill_risk_limits/__init__.py
    """
