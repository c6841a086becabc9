"""What an author gives of a chain, and how the rules reach it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

from tidemill.domain.events import Batch
from tidemill.domain.ids import MAIN_BOOK, Key
from tidemill.domain.pool import PoolRef
from tidemill.domain.signing import Reading, Unreadable
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Signed, Unsigned, Wallet
from tidemill.hookspecs.chain import Chain, ChainLink, ChainRules, LinkSetup, Step
from tidemill_testing.conformance.chain.case import snapshot_at
from tidemill_testing.conformance.suite import Conformance


class ChainBase(Conformance):
    """Attributes and methods of an author's class."""

    may_give: ClassVar[frozenset[str]] = Conformance.may_give | {
        "pools",
        "steps",
        "fee",
        "tape",
        "served",
        "blocks",
        "moving_keys",
        "account",
        "sign",
        "read",
    }

    pools: ClassVar[Sequence[PoolRef]] = ()
    steps: ClassVar[Sequence[Step]] = ()
    fee: ClassVar[int] = 10**9
    tape: ClassVar[Sequence[Batch] | None] = None
    blocks: ClassVar[int] = 12
    moving_keys: ClassVar[Sequence[Key]] = ()
    account: ClassVar[str] = ""

    def served(self) -> AbstractContextManager[Mapping[str, Any]]:
        """Return a context manager that starts what the link connects to, and gives the settings that lead there."""
        return nullcontext({})

    def sign(self, sealed: Unsigned) -> Signed:
        """Return signed bytes, as the signer of this chain makes them."""
        self.broken("it sends: give sign(self, sealed) in the test class")

    def read(self, payload: bytes) -> Reading | Unreadable:
        """Return what sealed bytes say, as the codec of this chain reads them."""
        self.broken("its transactions have slots: give read(self, payload) in the test class")

    def _chain(self, **more: object) -> Chain:
        chain: Chain = self.make(**more)
        return chain

    def _rules(self) -> ChainRules:
        if len(self.pools) < 2 or len(self.pools) != len(self.steps):
            self.broken(f"give two pools or more and a step for each: found {len(self.pools)} pools and {len(self.steps)} steps")
        return self._chain().rules()

    def _wallet(self) -> Wallet:
        return self._chain().wallet(MAIN_BOOK, self.account)

    def _snapshot(self) -> Snapshot:
        return snapshot_at(self._rules(), self.fee, self.pools)

    @contextmanager
    def _link(self, *, seed: int = 1, blocks: int = 0) -> Iterator[ChainLink]:
        """Open a new link on what the author serves; a tape is played from its beginning."""
        with self.served() as more:
            yield self._chain(**more).link(LinkSetup(seed, blocks, self.tape))
