"""What may be limited."""

import attrs
from attrs.validators import ge, optional

from tidemill import AssetAmount, Bps, settings


@settings
class LimitsSettings:
    """Limits of one book; what has no default limits nothing unless set. An amount may be of any asset: it is compared by value.

    Money: ``max_trade`` is the most that one plan may put in, own or borrowed; ``max_borrow`` the most it may borrow. ``max_asset``
    lists, per asset, the most of our own that plans in flight may use together; ``max_open`` the same over all assets, by value;
    ``max_open_plans`` their number. ``max_cost`` is the most that a plan may pay to its chain and
    ``min_net_profit`` the least that it must leave after that.

    Pools: ``max_age_blocks`` is how old a pool's state may be, ``max_impact_bps`` how much less than its marginal rate, fee apart, one
    swap may get. A DEX's ``min_liquidity_usd`` and ``oracle_required`` stand in its own table; ``max_oracle_age_s`` says how old an
    oracle price may be to count there.
    """

    max_trade: AssetAmount | None = attrs.field(default=None, metadata={"doc": 'the most one trade may put in, such as "2_000 USDC"'})
    max_borrow: AssetAmount | None = attrs.field(default=None, metadata={"doc": "the most one trade may borrow"})
    max_asset: tuple[AssetAmount, ...] = attrs.field(default=(), metadata={"doc": "the most of each asset in plans in flight"})
    max_open: AssetAmount | None = attrs.field(default=None, metadata={"doc": "the most in plans in flight, all assets by value"})
    max_open_plans: int | None = attrs.field(default=None, metadata={"doc": "plans in flight, at most"})
    max_cost: AssetAmount | None = attrs.field(default=None, metadata={"doc": "the most a plan may pay to its chain"})
    min_net_profit: AssetAmount | None = attrs.field(default=None, metadata={"doc": "the least a plan must leave after its cost"})
    max_age_blocks: int = attrs.field(default=5, validator=ge(0), metadata={"doc": "oldest pool state traded on, in blocks"})
    max_impact_bps: Bps | None = attrs.field(
        default=None, validator=optional(ge(Bps(0))), metadata={"doc": "price impact of one swap, at most"}
    )
    max_oracle_age_s: int = attrs.field(default=120, validator=ge(0), metadata={"doc": "oldest oracle price where one is required"})
