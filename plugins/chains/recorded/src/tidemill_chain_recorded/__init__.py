"""The chain of a recorded tape: it reads what the tape has shown, costs what its settings say, and cannot send."""

from collections.abc import Sequence

from tidemill import Chain, ChainLink, ChainRules, UsageError, hookimpl
from tidemill.domain.ids import BookId, ChainId
from tidemill.domain.transaction import Wallet
from tidemill.hookspecs.chain import LinkSetup
from tidemill_chain_recorded.link import RecordedLink
from tidemill_chain_recorded.rules import RecordedRules
from tidemill_chain_recorded.settings import RecordedSettings
from tidemill_evm.address import address_of_bytes
from tidemill_evm.keccak import keccak256

__all__ = ["Recorded", "RecordedLink", "RecordedRules", "RecordedSettings"]


class Recorded(Chain):
    """The chain ``recorded``: the rules of an EVM chain for imports, and the link of any tape."""

    name = "recorded"
    settings: RecordedSettings

    def rules(self) -> ChainRules:
        return RecordedRules(self.settings)

    def wallet(self, book: BookId, account: str = "") -> Wallet:
        """Return a book's addresses; the executor's is made from the names of book and chain, so that plans can name who is paid."""
        chain = ChainId(self.settings.chain)
        executor = address_of_bytes(keccak256(f"tidemill recorded executor {chain} {book}".encode())[:20])
        return Wallet(chain, owner=account or book, executor=executor)

    def link(self, setup: LinkSetup) -> ChainLink:
        """Return the link of the tape in ``setup``, which may be of any chain.

        Raises:
            UsageError: no tape is played.
        """
        if setup.tape is None:
            raise UsageError(f"[chains.recorded] plays a recording of {self.settings.chain}: give one with --tape")
        return RecordedLink(ChainId(self.settings.chain), setup.tape, self.rules)


@hookimpl
def tidemill_register_chains() -> Sequence[type[Chain]]:
    """Return the chain ``recorded``."""
    return [Recorded]
