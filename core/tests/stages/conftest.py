"""A market over the toy chain, fed batch by batch."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from tidemill.domain.events import Event
from tidemill.domain.history import Wants
from tidemill.domain.ids import AssetId, ChainId, PoolId
from tidemill.domain.pool import Pool, PoolRef
from tidemill.domain.snapshot import DexPolicy
from tidemill.hookspecs.dex import Dex
from tidemill.hookspecs.lender import Lender
from tidemill.pipeline.supervise import Supervisor
from tidemill.stages.market import Market
from tidemill_testing.market import SIM
from tidemill_testing.toy import USD, WETH, ToyBlocks, ToyDex, ToyRules, state_key, toy_ref


class Stall:
    """A market with its block makers, one per chain."""

    def __init__(
        self,
        dexes: Sequence[Dex] = (),
        *,
        policies: Mapping[str, DexPolicy] | None = None,
        wants: Iterable[Wants] = (),
        lenders: Sequence[Lender] = (),
        chains: Sequence[ChainId] = (SIM,),
    ) -> None:
        chosen = dexes or (ToyDex(),)
        self.market = Market(
            dexes={dex.name: dex for dex in chosen},
            rules={chain: ToyRules(chain=chain) for chain in chains},
            guard=Supervisor({}, 3),
            policies=policies,
            wants=wants,
            lenders=lenders,
        )
        self.on = {chain: ToyBlocks(chain) for chain in chains}
        self.blocks = self.on[chains[0]]

    def head(self, *events: Event) -> frozenset[PoolId]:
        """Apply the next block of the first chain."""
        return self.market.apply(self.blocks.head(*events))

    def tell(self, *events: Event) -> frozenset[PoolId]:
        """Apply events at the present height of the first chain."""
        return self.market.apply(self.blocks.batch(*events))

    def find(self, *refs: PoolRef) -> None:
        """Let pools be found at the present height."""
        self.market.apply(self.blocks.found(*refs))

    def load(self, reserves: Mapping[int, tuple[int, int]], pair: tuple[AssetId, AssetId] = (USD, WETH)) -> dict[int, PoolId]:
        """Find pools by number, give what they ask for, and return their ids."""
        refs = {number: toy_ref(number, *pair) for number in reserves}
        if not self.blocks.height:
            self.head()
        self.find(*refs.values())
        self.market.take_reads()
        self.tell(self.blocks.states({refs[number].id: held for number, held in reserves.items()}))
        self.market.take_changed()
        return {number: ref.id for number, ref in refs.items()}

    def reserves(self, pool: PoolId) -> tuple[int, int] | None:
        """Return a pool's reserves, None where it is not loaded."""
        found: Pool | None = self.market.state.pools.get(pool)
        return None if found is None else found.reserves  # type: ignore[attr-defined]

    def reads(self) -> list[str]:
        """Return the keys of all chains that must be read now."""
        return [key for _, keys in self.market.take_reads() for key in keys]

    def key(self, pool: PoolId) -> str:
        """Return the key of a toy pool's state."""
        return state_key(pool)


@pytest.fixture
def stall() -> Callable[..., Stall]:
    """Make a market."""
    return Stall
