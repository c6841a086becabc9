"""The import ``evm-pools`` over made recordings: every pool comes back as it was, and whatever is broken in one is refused by name."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.domain.events import Found, States
from tidemill.domain.ids import ChainId
from tidemill.domain.pool import Decoded
from tidemill.domain.time import ChainTime
from tidemill.errors import DecodeError
from tidemill_amm.concentrated import ConcentratedState, with_liquidity
from tidemill_amm.concentrated.tick_math import sqrt_ratio_at_tick
from tidemill_dex_uniswap.forks import UNISWAP
from tidemill_dex_uniswap.imports import read
from tidemill_dex_uniswap.quoting import V3Pool
from tidemill_dex_uniswap.uniswap import Uniswap
from tidemill_evm.create2 import v2_pair_address, v3_pool_address

CHAIN = ChainId("eip155:1")
AT = ChainTime(CHAIN, 100, 1_700_000_000)
LOW, HIGH = "0x" + "1a" * 20, "0x" + "2b" * 20
Document = dict[str, Any]


@st.composite
def states(draw: st.DrawFn) -> ConcentratedState:
    """Pools of one to five positions anywhere, all ticks known."""
    fee_ppm, spacing = draw(st.sampled_from(UNISWAP.v3[CHAIN].tiers[1:]))
    tick = draw(st.integers(-300_000, 300_000))
    price = draw(st.integers(sqrt_ratio_at_tick(tick), sqrt_ratio_at_tick(tick + 1) - 1))
    pool = ConcentratedState.from_ticks(sqrt_price_x96=price, tick=tick, liquidity=0, fee_ppm=fee_ppm, tick_spacing=spacing, ticks={})
    for _ in range(draw(st.integers(1, 5))):
        lower = tick // spacing + draw(st.integers(-400, 200))
        upper = lower + draw(st.integers(1, 500))
        made = with_liquidity(pool, lower * spacing, upper * spacing, draw(st.integers(1, 10**24)))
        assert isinstance(made, ConcentratedState)
        pool = made
    return pool


def document(state: ConcentratedState) -> Document:
    """The pool as an entry of a list, beside a pair."""
    factory, pairs = UNISWAP.v3[CHAIN], UNISWAP.v2[CHAIN]
    common = {"chain_id": 1, "block": 5, "token0": LOW, "token1": HIGH, "symbol0": "A", "symbol1": "B", "decimals0": 6, "decimals1": 18}
    pool = {
        "address": v3_pool_address(factory.deployer, LOW, HIGH, state.fee_ppm, factory.init_code_hash),
        "fee_pips": state.fee_ppm,
        "sqrt_price_x96": str(state.sqrt_price_x96),
        "tick": state.tick,
        "tick_spacing": state.tick_spacing,
        "liquidity": hex(state.liquidity),
        "ticks": {str(tick): [str(state.liquidity_gross[tick]), net] for tick, net in sorted(state.liquidity_net.items())},
    }
    pair = {"address": v2_pair_address(pairs.address, LOW, HIGH, pairs.init_code_hash), "reserve0": 5, "reserve1": "7"}
    return {"v2": [{**common, **pair}], "v3": [{**common, **pool}]}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, its top included."""
    yield path
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, name))


WHOLE = document(ConcentratedState.from_ticks(
    sqrt_price_x96=1 << 96, tick=0, liquidity=9, fee_ppm=3_000, tick_spacing=60, ticks={-60: (9, 9), 120: (9, -9)}
))  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["0x", "0xff", "-1", "eip155:1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def refusal(source: Path) -> str:
    """Why a recording is refused; the file's name where it is not."""
    try:
        return str(source) if read(source).batches else "no batches"
    except DecodeError as error:
        return str(error)


def test_any_pool_comes_back_as_it_was() -> None:
    """Price, liquidity, every word of the bitmap and both liquidities of every tick survive the way through storage."""

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(states())
    def check(state: ConcentratedState) -> None:
        with TemporaryDirectory() as folder:
            source = Path(folder, "pools.json")
            source.write_text(json.dumps(document(state)))
            (batch,) = read(source).batches
        found, values, _ = batch.events
        assert isinstance(found, Found)
        assert isinstance(values, States)
        answer = Uniswap().decode(found.pools[1], dict(values.values), AT, None)
        assert isinstance(answer, Decoded)
        assert isinstance(answer.pool, V3Pool)
        assert state == answer.pool.state

    check()


def test_document_with_anything_in_any_place_is_read_or_refused_by_name() -> None:
    """Whatever stands where, there is a recording or one error that names the file; never another exception."""
    all_places = sorted(places(WHOLE), key=str)

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.sampled_from(all_places), ANYTHING)
    def check(place: tuple[Any, ...], value: Any) -> None:
        broken: Any = copy.deepcopy(WHOLE)
        inner = {"top": broken}
        holder: Any = inner
        last: Any = "top"
        for name in place:
            holder, last = holder[last], name
        holder[last] = value
        with TemporaryDirectory() as folder:
            source = Path(folder, "pools.json")
            source.write_text(json.dumps(inner["top"]))
            assert str(source) in refusal(source)

    check()
