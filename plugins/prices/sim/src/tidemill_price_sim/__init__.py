"""Reference prices of the simulated market."""

from collections.abc import Sequence

from tidemill import hookimpl
from tidemill.hookspecs.price import PriceSource
from tidemill_price_sim.source import SimPrices


@hookimpl
def tidemill_register_prices() -> Sequence[type[PriceSource]]:
    """Return the simulated price source."""
    return [SimPrices]
