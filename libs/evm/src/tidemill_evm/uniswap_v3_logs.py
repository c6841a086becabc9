"""What Uniswap V3 pools and their factory emit (v3-core 1.0.1); amounts are base units.

``amount0`` and ``amount1`` of a swap are as the pool sees them: above 0 received, below 0 paid. PancakeSwap V3 adds two words to its
``Swap``, and so has another topic for it; its other events are the same.
"""

from attrs import frozen

from tidemill_evm.logs import Event, event


@event("Initialize(uint160 sqrtPriceX96, int24 tick)")
@frozen
class Initialize(Event):
    """The first price of a pool."""

    sqrt_price_x96: int
    tick: int


@event(
    "Mint(address sender, address indexed owner, int24 indexed tickLower, int24 indexed tickUpper, uint128 amount, uint256 amount0, "
    "uint256 amount1)"
)
@frozen
class Mint(Event):
    """``amount`` of liquidity was added from ``lower`` to ``upper``."""

    sender: str
    owner: str
    lower: int
    upper: int
    amount: int
    amount0: int
    amount1: int


@event("Burn(address indexed owner, int24 indexed tickLower, int24 indexed tickUpper, uint128 amount, uint256 amount0, uint256 amount1)")
@frozen
class Burn(Event):
    """``amount`` of liquidity was taken from ``lower`` to ``upper``; 0 where an owner only let fees be counted."""

    owner: str
    lower: int
    upper: int
    amount: int
    amount0: int
    amount1: int


@event(
    "Collect(address indexed owner, address recipient, int24 indexed tickLower, int24 indexed tickUpper, uint128 amount0, uint128 amount1)"
)
@frozen
class Collect(Event):
    """Fees and burnt liquidity paid out; moves no quote."""

    owner: str
    recipient: str
    lower: int
    upper: int
    amount0: int
    amount1: int


@event(
    "Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1, uint160 sqrtPriceX96, uint128 liquidity, "
    "int24 tick)"
)
@frozen
class Swap(Event):
    """What a swap moved, and price, liquidity and tick after it."""

    sender: str
    recipient: str
    amount0: int
    amount1: int
    sqrt_price_x96: int
    liquidity: int
    tick: int


@event(
    "Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1, uint160 sqrtPriceX96, uint128 liquidity, "
    "int24 tick, uint128 protocolFeesToken0, uint128 protocolFeesToken1)"
)
@frozen
class PancakeSwap(Event):
    """``Swap`` of PancakeSwap V3, with the protocol's share of the fee."""

    sender: str
    recipient: str
    amount0: int
    amount1: int
    sqrt_price_x96: int
    liquidity: int
    tick: int
    protocol_fees0: int
    protocol_fees1: int


@event("PoolCreated(address indexed token0, address indexed token1, uint24 indexed fee, int24 tickSpacing, address pool)")
@frozen
class PoolCreated(Event):
    """A new pool, by the factory; ``fee`` in parts per million."""

    token0: str
    token1: str
    fee_ppm: int
    tick_spacing: int
    pool: str
