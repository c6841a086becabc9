"""The simulated chain keeps the rules of its kind, with and without reorganisations."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from tidemill.domain.signing import Reading, Unreadable
from tidemill.domain.transaction import Signed, Unsigned
from tidemill_chain_sim.market import make_market
from tidemill_chain_sim.plugin import SimChain
from tidemill_chain_sim.settings import SimSettings
from tidemill_codec_sim import SimCodec
from tidemill_evm.steps import V2Swap
from tidemill_simworld import CHAIN, HUBS, vault_key
from tidemill_testing.conformance import ChainConformance
from tidemill_testing.keys import NamedKey
from tidemill_testing.sim_node import sim_node

ME, OTHER = NamedKey("main"), NamedKey("main", "ed25519")
SMALL: dict[str, Any] = {"tokens": 10, "pools": 24, "warmup_blocks": 2, "own_cost_ppm": 1_000_000, "competitor_work": 1}
PAIRS = [spec for spec in make_market(1, SimSettings(**SMALL)).specs if spec.kind == "v2"][:3]


class TestSimChain(ChainConformance):
    """A chain that can be sent to; its vault's words move by chance, so that many blocks are looked at."""

    plugin = SimChain
    settings: ClassVar[Mapping[str, Any]] = SMALL
    capabilities = frozenset({"seeded", "ends", "reads", "watches", "sends", "slots", "limited"})
    pools = tuple(spec.ref for spec in PAIRS)
    steps = tuple(V2Swap(one.address, one.token0.address, one.token1.address, True, one.venue.fee_ppm, 1_000, 1) for one in PAIRS)
    moving_keys = tuple(vault_key(hub.address) for hub in HUBS)
    blocks = 40
    account = ME.account

    def sign(self, sealed: Unsigned) -> Signed:
        """Sign as the simulated chain's accounts do."""
        return ME.sign_sealed(sealed)

    def read(self, payload: bytes) -> Reading | Unreadable:
        """Read as the simulated chain's codec does."""
        return SimCodec().read(CHAIN, payload)


class TestSimChainWithBlockHashes(TestSimChain):
    """The same chain, whose accounts of ours sign with ed25519 upon a block hash that expires."""

    settings: ClassVar[Mapping[str, Any]] = {**SMALL, "accounts": "svm"}
    account = OTHER.account

    def sign(self, sealed: Unsigned) -> Signed:
        """Sign as such accounts do."""
        return OTHER.sign_sealed(sealed)


class TestSimChainThatErrs(TestSimChain):
    """The same chain, where broadcasts are late and unanswered, outcomes are old, and blocks are dropped."""

    settings: ClassVar[Mapping[str, Any]] = {
        **SMALL,
        "reorganisation_ppm": 200_000,
        "broadcast_unknown_ppm": 1_000_000,
        "broadcast_late_ppm": 500_000,
        "outcome_old_ppm": 500_000,
    }
    capabilities = TestSimChain.capabilities | {"reorganises"}


class TestSimChainOfANode(TestSimChain):
    """The same chain in a process of its own, which often answers twice, behind an older answer."""

    settings: ClassVar[Mapping[str, Any]] = {
        **SMALL,
        "answer_twice_ppm": 500_000,
        "node_timeout_ms": 20_000,
    }
    # One node is of one seed
    capabilities = TestSimChain.capabilities - {"seeded"}

    @contextmanager
    def served(self) -> Iterator[Mapping[str, Any]]:
        """A fresh node for each rule."""
        with sim_node(settings=self.settings) as node:
            yield {"node": node.socket}


class TestSimChainThatGoesBack(TestSimChain):
    """The same chain, where every other block is dropped again."""

    settings: ClassVar[Mapping[str, Any]] = {**SMALL, "reorganisation_ppm": 500_000}
    capabilities = TestSimChain.capabilities | {"reorganises"}
