"""Flash loans with a fee on the simulated chain."""

from collections.abc import Sequence

from tidemill import hookimpl
from tidemill.hookspecs.lender import Lender
from tidemill_lender_sim.lender import SimLender


@hookimpl
def tidemill_register_lenders() -> Sequence[type[Lender]]:
    """Return the simulated lender."""
    return [SimLender]
