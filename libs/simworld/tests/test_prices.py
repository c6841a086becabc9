"""Reference prices."""

import os
import subprocess
import sys
from itertools import pairwise

import pytest

from tidemill_simworld import HUBS, ReferencePrices, token_universe


def _moves(index: int, blocks: int = 400) -> list[int]:
    """Return a token's moves per block in ppb."""
    prices = ReferencePrices(3, token_universe())
    path = [prices.at(height)[index] for height in range(blocks)]
    return [(after - before) * 10**9 // before for before, after in pairwise(path)]


def test_at_height_zero_is_the_start_price() -> None:
    """Nothing has moved at height 0."""
    tokens = token_universe(10)
    assert tuple(token.start_price for token in tokens) == ReferencePrices(1, tokens).at(0)


def test_at_any_order_of_heights_gives_the_same_prices() -> None:
    """Prices are a function of seed and height: how they were asked for does not matter, also below what is kept."""
    tokens = token_universe(8)
    straight, wild = ReferencePrices(5, tokens), ReferencePrices(5, tokens)
    expected = [straight.at(height) for height in range(700)]
    assert expected[699] == wild.at(699)
    assert expected[600] == wild.at(600)
    assert expected[3] == wild.at(3)
    assert expected[650] == wild.at(650)


def test_at_other_seed_gives_other_prices() -> None:
    """The seed decides the path."""
    tokens = token_universe(8)
    assert ReferencePrices(1, tokens).at(50) != ReferencePrices(2, tokens).at(50)


def test_stables_stay_close_to_a_dollar() -> None:
    """Mean reversion keeps a stable within half a per cent over thousands of blocks."""
    prices = ReferencePrices(1, HUBS)
    path = [prices.at(height)[1:4] for height in range(3_000)]
    assert all(abs(price - 10**12) < 5 * 10**9 for row in path for price in row)
    assert len({row[0] for row in path}) > 1_000


def test_hubs_move_together_and_stables_do_not() -> None:
    """WETH and WBTC follow the market: most of their moves have the same sign; a stable's are unrelated."""
    weth, usdc, wbtc = _moves(0), _moves(1), _moves(4)
    same = sum((one > 0) == (other > 0) for one, other in zip(weth, wbtc, strict=True))
    unrelated = sum((one > 0) == (other > 0) for one, other in zip(weth, usdc, strict=True))
    assert same > 300
    assert 150 < unrelated < 250


def test_tail_moves_more_than_hubs() -> None:
    """A token of the tail moves by several basis points a block, a hub by one or two."""
    weth, tail = (sum(map(abs, _moves(index))) // 399 for index in (0, 12))
    assert 50_000 < weth < 250_000
    assert weth < tail < 1_000_000


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_at_any_hash_seed_gives_the_pinned_price(hash_seed: str) -> None:
    """Equal seeds give equal prices in every process, today and later."""
    script = "from tidemill_simworld import *; print(ReferencePrices(7, token_universe()).at(100)[0])"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert PINNED == int(done.stdout)


PINNED = 2_501_902_990_152_929
