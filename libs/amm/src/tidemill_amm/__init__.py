"""Exact integer mathematics of automated market makers, without I/O.

``tidemill_amm.constant_product`` is Uniswap V2 and its forks, ``tidemill_amm.concentrated`` Uniswap V3. Every amount is
an ``int`` in base units and equals the contract's to the unit; every error is an ``AmmError``.
"""

from tidemill_amm import concentrated, constant_product
from tidemill_amm.curve import PoolCurve
from tidemill_amm.errors import AmmError

__all__ = ["AmmError", "PoolCurve", "concentrated", "constant_product"]
