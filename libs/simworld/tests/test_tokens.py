"""The token universe."""

from tidemill.domain.asset import Asset
from tidemill_simworld import CHAIN, DEFAULT_TOKENS, HUBS, MAX_TOKENS, MIN_TOKENS, STABLES, token_universe


def test_universe_default_has_hubs_first_and_48_tokens() -> None:
    """By default there are 48 tokens, the five hubs in front."""
    tokens = token_universe()
    assert DEFAULT_TOKENS == len(tokens) == 48
    assert HUBS == tokens[:5]
    assert ["WETH", "USDC", "USDT", "DAI", "WBTC"] == [token.symbol for token in HUBS]


def test_universe_smaller_is_part_of_larger() -> None:
    """A token is the same whatever the number of tokens."""
    assert token_universe(MIN_TOKENS) == token_universe(MAX_TOKENS)[:MIN_TOKENS]


def test_universe_has_distinct_symbols_and_addresses() -> None:
    """No symbol, no address occurs twice; addresses are lower case and of 20 bytes."""
    tokens = token_universe(MAX_TOKENS)
    assert MAX_TOKENS == len({token.symbol for token in tokens}) == len({token.address for token in tokens})
    assert all(token.address == token.address.lower() and len(bytes.fromhex(token.address[2:])) == 20 for token in tokens)
    assert list(range(MAX_TOKENS)) == [token.index for token in tokens]


def test_universe_has_decimals_of_real_tokens() -> None:
    """Decimals are mostly 18, with 6, 8 and 9 among the tail."""
    decimals = [token.decimals for token in token_universe()]
    assert {6, 8, 9, 18} == set(decimals)
    assert decimals.count(18) > len(decimals) // 2


def test_stables_are_the_dollars() -> None:
    """Three hubs are stable and start at one dollar; no token of the tail is."""
    assert ["USDC", "USDT", "DAI"] == [token.symbol for token in STABLES]
    assert {10**12} == {token.start_price for token in STABLES}
    assert 3 == sum(token.stable for token in token_universe(MAX_TOKENS))


def test_token_describes_itself_as_asset() -> None:
    """The asset id is CAIP-19 of the simulated chain, the unit ten to its decimals."""
    usdc = HUBS[1]
    assert Asset(usdc.id, "USDC", 6) == usdc.asset
    assert f"{CHAIN}/erc20:{usdc.address}" == usdc.id
    assert 1_000_000 == usdc.unit
