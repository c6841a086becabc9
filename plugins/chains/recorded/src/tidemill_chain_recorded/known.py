"""What is known of chains whose recordings are played without further words."""

from collections.abc import Mapping

from attrs import frozen

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, ChainId, erc20, native

ETHEREUM = ChainId("eip155:1")


@frozen
class KnownChain:
    """A chain's native coin, its wrapped twin, its dollars, and the assets whose symbols may be typed."""

    native: AssetId
    wrapped: AssetId
    dollars: tuple[AssetId, ...]
    verified: tuple[Asset, ...]


def _ethereum() -> KnownChain:
    coin = Asset(native(ETHEREUM, 60), "ETH", 18)
    tokens = [
        Asset(erc20(ETHEREUM, address), symbol, decimals)
        for symbol, decimals, address in (
            ("WETH", 18, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
            ("USDC", 6, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
            ("USDT", 6, "0xdAC17F958D2ee523a2206206994597C13D831ec7"),
            ("DAI", 18, "0x6B175474E89094C44Da98b954EedeAC495271d0F"),
            ("WBTC", 8, "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599"),
        )
    ]
    ids = {token.symbol: token.id for token in tokens}
    return KnownChain(coin.id, ids["WETH"], (ids["USDC"], ids["USDT"], ids["DAI"]), (coin, *tokens))


KNOWN_CHAINS: Mapping[ChainId, KnownChain] = {ETHEREUM: _ethereum()}
"""By CAIP-2 id; of any other chain the settings name the native coin."""
