"""The netted trade: what the pools of many cycles leave together, each used once and no token carried in circles for nothing."""

from tidemill_search_cycles.netting.directions import Curves, Direction
from tidemill_search_cycles.netting.net import Net
from tidemill_search_cycles.netting.swaps import Costs
from tidemill_search_cycles.netting.trade import DEFAULT_WORK, netted_trade
from tidemill_search_cycles.netting.value import Netting, flow_of, replayed

__all__ = ["DEFAULT_WORK", "Costs", "Curves", "Direction", "Net", "Netting", "flow_of", "netted_trade", "replayed"]
