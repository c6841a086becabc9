"""The plugin class of the simulated chain."""

from typing import ClassVar

from tidemill.domain.ids import BookId
from tidemill.domain.transaction import Wallet
from tidemill.hookspecs.chain import Chain, LinkSetup
from tidemill_chain_sim.link import SimLink
from tidemill_chain_sim.rules import SimRules
from tidemill_chain_sim.settings import SimSettings, crossed_problems
from tidemill_simworld import CHAIN, EXECUTOR
from tidemill_simworld.envelope import account_of
from tidemill_simworld.envelope.accounts import Accounts


class SimChain(Chain):
    """A simulated EVM chain: blocks, pools of several venues, order flow and competitors, deterministic from the seed."""

    name: ClassVar[str] = "sim"
    settings: SimSettings

    def rules(self) -> SimRules:
        return SimRules(self.settings, self.settings.own_cost_ppm)

    def link(self, setup: LinkSetup) -> SimLink:
        return SimLink(self.settings, setup)

    def wallet(self, book: BookId, account: str = "") -> Wallet:
        return Wallet(CHAIN, owner=account or account_of(book, self._kind), executor=EXECUTOR)

    @property
    def _kind(self) -> Accounts:
        return "svm" if self.settings.accounts == "svm" else "evm"

    @classmethod
    def check_settings(cls, settings: object) -> tuple[tuple[str, str], ...]:
        return crossed_problems(settings) if isinstance(settings, SimSettings) else ()
