"""Limits per trade, asset and open exposure, minimum profit, staleness and slippage."""

from collections.abc import Sequence

from tidemill import RiskCheck, hookimpl
from tidemill_risk_limits.limits import Limits
from tidemill_risk_limits.settings import LimitsSettings

__all__ = ["Limits", "LimitsSettings"]


@hookimpl
def tidemill_register_risks() -> Sequence[type[RiskCheck]]:
    """Return the risk check ``limits``."""
    return [Limits]
