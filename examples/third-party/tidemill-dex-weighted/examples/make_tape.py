"""Two Uniswap pairs with made reserves, in which DAI is cheap, and all recorded weighted pools beside them."""

import sys
from pathlib import Path

import tidemill as tm

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "tests"))

from recorded import CHAIN, POOLS, ref_of, states_of  # noqa: E402 - beside the tests, whose data it shares

state = {key: value for pool in POOLS.values() for key, value in states_of(pool).items()}
tm.import_tape("uniswap-v2-pairs", HERE / "pairs.json", "pairs.tape", overwrite=True)
tm.write_tape("weighted.tape", CHAIN, pools=list(map(ref_of, POOLS.values())), state=state, beside="pairs.tape", overwrite=True)
