"""What may be set."""

from attrs import field
from attrs.validators import and_, ge, le
from tidemill import AssetId, Bps, settings
from tidemill.units import BPS_SCALE


@settings
class ReversionSettings:
    """How far a pool must have strayed, how much of one token may be held, and which reference prices count.

    Edges are measured at the pool's marginal price after its fee, on top of the uncertainty that both reference prices state.
    """

    min_edge_bps: Bps = field(
        default=Bps(25), validator=ge(Bps(0)), metadata={"doc": "The least gain over the reference price on the way into a token."}
    )
    exit_edge_bps: Bps = field(
        default=Bps(5), validator=ge(Bps(0)), metadata={"doc": "The same on the way home, to the book's base asset or the wrapped coin."}
    )
    max_holding_bps: Bps = field(
        default=Bps(500),
        validator=and_(ge(Bps(1)), le(Bps(BPS_SCALE))),
        metadata={"doc": "The most of the book's worth that one token may make up, base asset and wrapped coin apart."},
    )
    max_price_age_s: int = field(default=60, validator=ge(0), metadata={"doc": "The oldest reference price that counts, seconds."})
    tokens: tuple[AssetId, ...] = field(
        default=(), metadata={"doc": "What may be held beside base asset and wrapped coin; empty: whatever has a reference price."}
    )
