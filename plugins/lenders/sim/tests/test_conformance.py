"""The simulated lender keeps the rules of its kind."""

from collections.abc import Mapping
from typing import ClassVar

from tidemill.domain.ids import Key
from tidemill_lender_sim.lender import SimLender
from tidemill_simworld import CHAIN, HUBS, VAULT, vault_key
from tidemill_testing.conformance import LenderConformance


class TestSimLender(LenderConformance):
    """Its vault holds a word a hub; five basis points, rounded up."""

    plugin = SimLender
    capabilities = frozenset({"recorded"})
    chain = CHAIN
    asset = HUBS[1].id
    states: ClassVar[Mapping[Key, bytes | None]] = {vault_key(hub.address): (10**12 + hub.index).to_bytes(32, "big") for hub in HUBS}
    available = 10**12 + HUBS[1].index
    contract = VAULT
    fees = ((1, 1), (2_000, 1), (2_001, 2), (1_000_000, 500))
