"""What the core tells in words: routes that nobody takes for others."""

from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, OpportunityId, PoolId
from tidemill.domain.opportunity import Arbitrage, Leg
from tidemill.stages.tell import route_text
from tidemill_testing.market import SIM

USDC, WETH = AssetId("sim:1/erc20:0x01"), AssetId("sim:1/erc20:0x02")
ONE, OTHER, UNKNOWN, PLAIN = (AssetId(f"sim:1/erc20:0x{name * 10}") for name in ("abcd", "ef01", "7777", "0808"))
ASSETS = {
    asset.id: asset for asset in (Asset(USDC, "USDC", 6), Asset(WETH, "WETH", 18), Asset(ONE, "ORCHID", 18), Asset(OTHER, "ORCHID", 9))
}


def route(*assets: AssetId) -> str:
    legs = tuple(Leg(PoolId(f"{place}"), sell, assets[(place + 1) % len(assets)]) for place, sell in enumerate(assets))
    return route_text(Arbitrage(OpportunityId("x"), "plain", SIM, assets[0], legs, 1, 1, 1), ASSETS)


def test_route_text_tells_assets_of_one_symbol_apart() -> None:
    """Two tokens that bear one symbol have the end of their address behind it, wherever they stand; one token alone has its symbol."""
    assert "4 hops  USDC→WETH→ORCHID~abcd→ORCHID~ef01→USDC" == route(USDC, WETH, ONE, OTHER)
    assert "3 hops  ORCHID~abcd→USDC→ORCHID~ef01→ORCHID~abcd" == route(ONE, USDC, OTHER)
    assert "3 hops  USDC→WETH→ORCHID→USDC" == route(USDC, WETH, ONE)


def test_route_text_of_many_hops_shows_its_ends() -> None:
    """A long route is shown by its ends, an unknown asset by the beginning of its address; what is left out counts for the symbols too."""
    assert "6 hops  USDC→0x77777777→…→USDC" == route(USDC, UNKNOWN, WETH, ONE, PLAIN, AssetId("sim:1/erc20:0x09"))
    assert "5 hops  USDC→ORCHID~ef01→…→USDC" == route(USDC, OTHER, WETH, UNKNOWN, ONE)
