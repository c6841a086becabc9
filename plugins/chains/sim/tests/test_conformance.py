"""The simulated chain keeps the rules of its kind, with and without reorganisations."""

from collections.abc import Mapping
from typing import Any, ClassVar

from tidemill.domain.transaction import Signed, Unsigned
from tidemill_chain_sim.envelope import sign
from tidemill_chain_sim.market import make_market
from tidemill_chain_sim.plugin import SimChain
from tidemill_chain_sim.settings import SimSettings
from tidemill_evm.steps import V2Swap
from tidemill_simworld import HUBS, vault_key
from tidemill_testing.conformance import ChainConformance

SMALL = {"tokens": 12, "pools": 60, "warmup_blocks": 2, "own_cost_ppm": 1_000_000}
PAIRS = [spec for spec in make_market(1, SimSettings(**SMALL)).specs if spec.kind == "v2"][:3]


class TestSimChain(ChainConformance):
    """A chain that can be sent to; its vault's words move by chance, so that many blocks are looked at."""

    plugin = SimChain
    settings: ClassVar[Mapping[str, Any]] = SMALL
    capabilities = frozenset({"seeded", "ends", "reads", "watches", "sends", "limited"})
    pools = tuple(spec.ref for spec in PAIRS)
    steps = tuple(V2Swap(one.address, one.token0.address, one.token1.address, True, one.venue.fee_ppm, 1_000, 1) for one in PAIRS)
    moving_keys = tuple(vault_key(hub.address) for hub in HUBS)
    blocks = 40

    def sign(self, sealed: Unsigned) -> Signed:
        """Sign as the simulated chain's accounts do."""
        return sign(sealed)


class TestSimChainThatGoesBack(TestSimChain):
    """The same chain, where every other block is dropped again."""

    settings: ClassVar[Mapping[str, Any]] = {**SMALL, "reorganisation_ppm": 500_000}
    capabilities = TestSimChain.capabilities | {"reorganises"}
