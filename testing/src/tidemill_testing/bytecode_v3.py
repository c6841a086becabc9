"""The real Uniswap V3 pool (v3-core 1.0.1)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eth_abi.abi import decode, encode

from tidemill_testing.bytecode_chain import OWNER, Chain
from tidemill_testing.bytecode_payer import PAYER_CODE
from tidemill_testing.bytecode_token import deploy_pair_of_tokens

_PACKAGE: Final = "@uniswap/v3-core"
_PLENTY: Final = 1 << 254
_FEE_SPACINGS_SLOT: Final = 4
_INITIALIZED: Final = 1 << 248
_LAST_LIMITS: Final = {True: 4295128740, False: 1461446703485210103287273052203988822378723970341}


class V3Pool:
    """A pool of any fee and spacing, with its factory, two tokens and a contract that pays its callbacks.

    Amounts are base units as the pool sees them: above 0 received, below 0 paid.

    Attributes:
        SLOT0: sqrtPriceX96 | tick << 160 | observation index, cardinality, next << 184, 200, 216 | feeProtocol << 232
            | unlocked << 240.
        LIQUIDITY_SLOT: liquidity in range.
        TICKS_SLOT: base of the mapping tick -> four words, the first gross | net << 128.
        BITMAP_SLOT: base of the mapping word position -> word.
        OBSERVATIONS_SLOT: the first observation.
        chain: where it is deployed; ``chain.logs`` holds the events of the last call.
        address: of the pool, lower case.
        factory: address of the factory.
        payer: address of the contract that swaps and mints, and owns the positions.
        token0: the token with the lower address.
        token1: the other one.
        fee_ppm: the pool's fee.
        tick_spacing: the pool's spacing.
    """

    SLOT0 = 0
    LIQUIDITY_SLOT = 4
    TICKS_SLOT = 5
    BITMAP_SLOT = 6
    OBSERVATIONS_SLOT = 8

    def __init__(self, chain: Chain, fee_ppm: int, tick_spacing: int) -> None:
        self.chain = chain
        self.fee_ppm = fee_ppm
        self.tick_spacing = tick_spacing
        self.token0, self.token1 = deploy_pair_of_tokens(chain)
        self.factory = chain.deploy(_PACKAGE, "UniswapV3Factory")
        # The factory knows three fees, each with one spacing; a test may want another pair of them.
        chain.set_storage(self.factory, chain.mapping_slot(fee_ppm, _FEE_SPACINGS_SLOT), tick_spacing)
        wanted = [self.token0.address, self.token1.address, fee_ppm]
        (address,) = chain.call(self.factory, "createPool(address,address,uint24)", wanted, ["address"])
        self.address = str(address).lower()
        self.payer = "0x" + chain.keccak(self.address.encode())[12:].hex()
        chain.put_code(self.payer, PAYER_CODE)
        self._installed: set[int] = set()
        for token in (self.token0, self.token1):
            for owner in (self.address, self.payer):
                token.set_balance(owner, _PLENTY)

    def install(self, sqrt_price_x96: int, tick: int, liquidity: int, ticks: Mapping[int, tuple[int, int]]) -> None:
        """Write a whole state into storage, in place of the one installed before.

        What the pool itself has written since, such as ticks of a mint, stays: do that inside ``chain.rolled_back``.

        Args:
            sqrt_price_x96: Q64.96.
            tick: the pool's tick.
            liquidity: liquidity in range.
            ticks: every initialized tick -> (gross, net).
        """
        words = self._state_words(sqrt_price_x96, tick, liquidity, ticks)
        for slot in self._installed - words.keys():
            self.chain.set_storage(self.address, slot, 0)
        for slot, word in words.items():
            self.chain.set_storage(self.address, slot, word)
        # Never forget one: a state installed inside chain.rolled_back comes back without this object knowing.
        self._installed |= words.keys()

    def _state_words(self, sqrt_price_x96: int, tick: int, liquidity: int, ticks: Mapping[int, tuple[int, int]]) -> dict[int, int]:
        unlocked, cardinality = 1 << 240, 1 << 200 | 1 << 216
        words = {
            self.SLOT0: sqrt_price_x96 | (tick & 0xFFFFFF) << 160 | cardinality | unlocked,
            self.LIQUIDITY_SLOT: liquidity,
            self.OBSERVATIONS_SLOT: _INITIALIZED | 1,
        }
        bitmap: dict[int, int] = {}
        for at, (gross, net) in ticks.items():
            slot = self.tick_slot(at)
            words[slot] = gross | (net % (1 << 128)) << 128
            words[slot + 3] = _INITIALIZED
            position, bit = divmod(at // self.tick_spacing, 256)
            bitmap[position] = bitmap.get(position, 0) | 1 << bit
        return words | {self.word_slot(position): word for position, word in bitmap.items()}

    def tick_slot(self, tick: int) -> int:
        """Return the storage slot of the first of a tick's four words."""
        return self.chain.mapping_slot(tick, self.TICKS_SLOT)

    def word_slot(self, position: int) -> int:
        """Return the storage slot of a word of the tick bitmap."""
        return self.chain.mapping_slot(position, self.BITMAP_SLOT)

    def storage(self, slot: int) -> int:
        """Return a storage word of the pool."""
        return self.chain.storage(self.address, slot)

    def initialize(self, sqrt_price_x96: int) -> None:
        """Set the first price of a pool that has no state, through the contract."""
        self.chain.call(self.address, "initialize(uint160)", [sqrt_price_x96])

    def slot0(self) -> tuple[int, int]:
        """Return sqrt price and tick as the contract says them."""
        types = ["uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool"]
        price, tick, *_ = self.chain.call(self.address, "slot0()", returns=types)
        return int(price), int(tick)

    def liquidity(self) -> int:
        """Return the liquidity in range as the contract says it."""
        (liquidity,) = self.chain.call(self.address, "liquidity()", returns=["uint128"])
        return int(liquidity)

    def tick(self, tick: int) -> tuple[int, int]:
        """Return gross and net liquidity of a tick as the contract says them; (0, 0) where it is not initialized."""
        types = ["uint128", "int128", "uint256", "uint256", "int56", "uint160", "uint32", "bool"]
        gross, net, *_ = self.chain.call(self.address, "ticks(int24)", [tick], types)
        return int(gross), int(net)

    def word(self, position: int) -> int:
        """Return a word of the tick bitmap as the contract says it."""
        (word,) = self.chain.call(self.address, "tickBitmap(int16)", [position], ["uint256"])
        return int(word)

    def swap(self, zero_for_one: bool, amount_specified: int, sqrt_price_limit_x96: int | None = None) -> tuple[int, int]:
        """Swap through the contract and return amount0 and amount1; None is the last limit that the pool allows.

        Raises:
            Reverted: the pool refuses, with its short reason, such as ``SPL`` or ``AS``.
        """
        limit = _LAST_LIMITS[zero_for_one] if sqrt_price_limit_x96 is None else sqrt_price_limit_x96
        return self._pay(
            "swap(address,bool,int256,uint160,bytes)",
            [OWNER, zero_for_one, amount_specified, limit, self._payment()],
            ["int256", "int256"],
        )

    def mint(self, lower: int, upper: int, liquidity: int) -> tuple[int, int]:
        """Mint a position of the payer and return the amounts it cost."""
        return self._pay(
            "mint(address,int24,int24,uint128,bytes)",
            [self.payer, lower, upper, liquidity, self._payment()],
            ["uint256", "uint256"],
        )

    def burn(self, lower: int, upper: int, liquidity: int) -> tuple[int, int]:
        """Burn of a position of the payer and return the amounts it frees, as positive numbers."""
        return self._pay("burn(int24,int24,uint128)", [lower, upper, liquidity], ["uint256", "uint256"])

    def _payment(self) -> bytes:
        return encode(["address", "address"], [self.token0.address, self.token1.address])

    def _pay(self, signature: str, arguments: Sequence[Any], returns: Sequence[str]) -> tuple[int, int]:
        forwarded = encode(["address"], [self.address]) + self.chain.calldata(signature, arguments)
        amount0, amount1 = decode(returns, self.chain.send(self.payer, forwarded))
        return int(amount0), int(amount1)
