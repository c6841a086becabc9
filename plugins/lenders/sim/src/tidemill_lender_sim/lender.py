"""Flash loans from the simulated chain's vault."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from tidemill import settings
from tidemill.domain.answers import NoLoan
from tidemill.domain.ids import AssetId, ChainId, Key, address_of
from tidemill.domain.lending import LoanTerms
from tidemill.domain.plan import Loan
from tidemill.domain.pool import Watch
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Wallet
from tidemill.errors import PluginContractError
from tidemill.hookspecs.chain import Step
from tidemill.hookspecs.lender import Lender
from tidemill.units import BPS_SCALE
from tidemill_evm.errors import MalformedBytes
from tidemill_evm.steps import FlashLoan
from tidemill_evm.storage import word_number
from tidemill_simworld import CHAIN, HUBS, VAULT, vault_key, whole

_LENT = frozenset(token.id for token in HUBS)


@settings
class SimLenderSettings:
    """Settings of the simulated lender."""

    fee_bps: int = whole(5, 0, BPS_SCALE, "fee of a loan in bps, rounded up; the vault of chains.sim refuses less than its own")


class SimLender(Lender):
    """Lends the hub tokens of the simulated chain's vault, each up to what the vault holds."""

    name: ClassVar[str] = "sim"
    families: ClassVar[frozenset[str]] = frozenset({"evm"})
    settings: SimLenderSettings

    def watch(self, chain: ChainId, states: Mapping[Key, bytes | None]) -> Watch:
        return Watch(keys=tuple(vault_key(token.address) for token in HUBS)) if chain == CHAIN else Watch()

    def terms(self, asset: AssetId, chain: ChainId, snapshot: Snapshot) -> LoanTerms | NoLoan:
        if chain != CHAIN or asset not in _LENT:
            return NoLoan(f"the vault does not lend {asset} on {chain}")
        try:
            word = snapshot.state(chain, vault_key(address_of(asset)))
        except KeyError:
            return NoLoan(f"the vault's balance of {asset} was not read yet")
        if word is None:
            return NoLoan(f"there is no vault on {chain}")
        try:
            available = word_number(word, "balance of the vault")
        except MalformedBytes as error:
            return NoLoan(str(error))
        return LoanTerms(self.name, asset, available, self.settings.fee_bps, BPS_SCALE, "up")

    def bracket(self, loan: Loan, inner: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Sequence[Step]:
        if loan.lender != self.name:
            raise PluginContractError(self.name, f"asked for steps of a loan from {loan.lender}")
        return (FlashLoan(self.name, VAULT, address_of(loan.asset), loan.amount, loan.fee, tuple(inner)),)
