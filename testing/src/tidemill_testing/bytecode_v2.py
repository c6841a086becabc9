"""The real Uniswap V2 pair (v2-core 1.0.1)."""

from tidemill_testing.bytecode_chain import OWNER, Chain, Log
from tidemill_testing.bytecode_token import deploy_pair_of_tokens

_PACKAGE = "@uniswap/v2-core"


class V2Pair:
    """A pair with its factory and two tokens; amounts are base units.

    Attributes:
        RESERVES_SLOT: storage slot of reserve0 | reserve1 << 112 | blockTimestampLast << 224.
        chain: where it is deployed; ``chain.logs`` holds the events of the last call.
        address: of the pair, lower case.
        factory: address of the factory.
        token0: the token with the lower address.
        token1: the other one.
    """

    RESERVES_SLOT = 8

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.token0, self.token1 = deploy_pair_of_tokens(chain)
        self.factory = chain.deploy(_PACKAGE, "UniswapV2Factory", ["address"], [OWNER])
        tokens = [self.token0.address, self.token1.address]
        (address,) = chain.call(self.factory, "createPair(address,address)", tokens, ["address"])
        self.address = str(address).lower()

    def set_reserves(self, reserve0: int, reserve1: int, timestamp: int = 0) -> None:
        """Write reserves and the token balances that belong to them.

        Args:
            reserve0: uint112.
            reserve1: uint112.
            timestamp: uint32 time of the pair's last update.
        """
        self.chain.set_storage(self.address, self.RESERVES_SLOT, timestamp << 224 | reserve1 << 112 | reserve0)
        self.token0.set_balance(self.address, reserve0)
        self.token1.set_balance(self.address, reserve1)

    def reserves(self) -> tuple[int, int]:
        """Return what ``getReserves`` says of reserve0 and reserve1."""
        types = ["uint112", "uint112", "uint32"]
        reserve0, reserve1, _ = self.chain.call(self.address, "getReserves()", returns=types)
        return int(reserve0), int(reserve1)

    def storage(self, slot: int) -> int:
        """Return a storage word of the pair."""
        return self.chain.storage(self.address, slot)

    def swap(self, zero_for_one: bool, amount_in: int, amount_out: int) -> tuple[Log, ...]:
        """Pay ``amount_in`` into the pair and take ``amount_out`` from it, as a router does.

        Returns:
            The events of the pair's ``swap``: a transfer, Sync and Swap.

        Raises:
            Reverted: the pair refuses: ``UniswapV2: K`` where the output is more than the input pays for. The input
                stays in the pair; use ``chain.rolled_back``.
        """
        token_in = self.token0 if zero_for_one else self.token1
        token_in.set_balance(OWNER, amount_in)
        token_in.transfer(self.address, amount_in)
        outputs = [0, amount_out] if zero_for_one else [amount_out, 0]
        self.chain.call(self.address, "swap(uint256,uint256,address,bytes)", [*outputs, OWNER, b""])
        return self.chain.logs

    def mint(self, amount0: int, amount1: int) -> int:
        """Pay both amounts in and return the liquidity tokens received."""
        for token, amount in ((self.token0, amount0), (self.token1, amount1)):
            token.set_balance(OWNER, amount)
            token.transfer(self.address, amount)
        (liquidity,) = self.chain.call(self.address, "mint(address)", [OWNER], ["uint256"])
        return int(liquidity)

    def burn(self, liquidity: int) -> tuple[int, int]:
        """Give liquidity tokens back and return the amounts paid out."""
        self.chain.call(self.address, "transfer(address,uint256)", [self.address, liquidity], ["bool"])
        amount0, amount1 = self.chain.call(self.address, "burn(address)", [OWNER], ["uint256", "uint256"])
        return int(amount0), int(amount1)
