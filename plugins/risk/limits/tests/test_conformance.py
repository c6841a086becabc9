"""The check keeps the rules of its kind, with no limit set and with all of them."""

from tidemill import AssetAmount
from tidemill.units import Bps
from tidemill_risk_limits import Limits
from tidemill_risk_limits.settings import LimitsSettings
from tidemill_testing.conformance import RiskConformance
from tidemill_testing.conformance.risk.case import E18, USDC, WETH


class TestLimitsByDefault(RiskConformance):
    plugin = Limits
    capabilities = frozenset({"monotone"})


class TestLimits(RiskConformance):
    plugin = Limits
    settings = LimitsSettings(
        max_trade=AssetAmount(WETH, E18 // 2),
        max_borrow=AssetAmount(USDC, 500 * 10**6),
        max_asset=(AssetAmount(WETH, 20 * E18),),
        max_open=AssetAmount(USDC, 100_000 * 10**6),
        max_open_plans=5,
        max_cost=AssetAmount(WETH, 10**16),
        max_impact_bps=Bps(100),
    )
    capabilities = frozenset({"monotone", "holds_at_the_door", "bounds_cost"})
