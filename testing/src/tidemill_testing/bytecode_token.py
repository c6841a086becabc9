"""The ERC-20 token of v2-core's own tests, with balances that a test may set."""

from tidemill_testing.bytecode_chain import OWNER, Chain

# Storage of UniswapV2ERC20 (v2-core 1.0.1): totalSupply 0, balanceOf 1, allowance 2.
_BALANCES = 1


class Token:
    """A token contract; amounts are base units.

    Attributes:
        address: lower case.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self.address = chain.deploy("@uniswap/v2-core", "ERC20", ["uint256"], [1 << 112])

    def set_balance(self, owner: str, amount: int) -> None:
        """Write the balance of ``owner`` into storage; the total supply stays as it is."""
        self._chain.set_storage(self.address, self._chain.mapping_slot(int(owner, 16), _BALANCES), amount)

    def balance(self, owner: str) -> int:
        """Return the balance of ``owner``."""
        (amount,) = self._chain.call(self.address, "balanceOf(address)", [owner], ["uint256"])
        return int(amount)

    def transfer(self, to: str, amount: int, sender: str = OWNER) -> None:
        """Transfer from ``sender``; raises ``Reverted`` where the balance is too small."""
        self._chain.call(self.address, "transfer(address,uint256)", [to, amount], ["bool"], sender=sender)


def deploy_pair_of_tokens(chain: Chain) -> tuple[Token, Token]:
    """Deploy two tokens and return them as a pool orders them: the lower address first."""
    first, second = sorted((Token(chain), Token(chain)), key=lambda token: int(token.address, 16))
    return first, second
