"""Simulated EVM chain: blocks, pools, order flow and competitors, deterministic from a seed."""

from collections.abc import Sequence

from tidemill import hookimpl
from tidemill.hookspecs.chain import Chain
from tidemill_chain_sim.plugin import SimChain


@hookimpl
def tidemill_register_chains() -> Sequence[type[Chain]]:
    """Return the simulated chain."""
    return [SimChain]
