"""Lenders: flash loans."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from tidemill.domain.answers import NoLoan
from tidemill.domain.ids import AssetId, ChainId, Key
from tidemill.domain.lending import LoanTerms
from tidemill.domain.plan import Loan
from tidemill.domain.pool import Watch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Wallet
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.markers import hookspec
from tidemill.hookspecs.plugin import Plugin


class Lender(Plugin):
    """A lender of flash loans: what it offers, read from watched state, and how a loan wraps the steps inside it.

    An asset whose transfers cost a fee is ``NoLoan``: less would arrive than the loan says.
    """

    interface_version: ClassVar[int] = 1
    families: ClassVar[frozenset[str]]

    @abstractmethod
    def watch(self, chain: ChainId, states: Mapping[Key, bytes | None]) -> Watch:
        """Return the state on that chain from which ``terms`` are read; empty where it does not lend there.

        Asked with nothing first, then again whenever one of its keys was read or changed, a bounded number of times: a lender whose
        values say which further keys to watch names them then. ``states`` holds what was read so far.
        """

    @abstractmethod
    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms | NoLoan:
        """Return what is on offer, read with ``snapshot.state``; state that was not read yet is ``NoLoan``, never a guess."""

    @abstractmethod
    def bracket(self, loan: Loan, inner: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Sequence[Step]:
        """Return the steps with the loan taken before and repaid after ``inner``; may hold references that ``compose`` resolves."""


@hookspec
def tidemill_register_lenders() -> Sequence[type[Lender]]:  # type: ignore[empty-body]
    """Return the lender classes this plugin provides.

    What to return: classes derived from Lender, each with a name of its own.
    When: once, while the pipeline is assembled, before any connection is opened.
    Must not: do I/O, read the environment, or return a name already taken.
    Raises: nothing; bad settings are found when the configuration is read.
    Example: plugins/lenders/sim/src/tidemill_lender_sim/__init__.py
    """
