"""The DEX keeps the rules of its kind, and gives the chain's own answers."""

from tidemill_testing.conformance import DexConformance

from recorded import POOLS, case_of
from tidemill_dex_weighted import Weighted

EIGHT = {
    **POOLS["apu_pepe_spx_3_token"],
    "name": "made, eight tokens",
    "tokens": [f"0x{digit * 40}" for digit in "12345678"],
    "decimals": [18, 6, 8, 18, 0, 2, 18, 12],
    "balances": [str(3 * 10 ** (decimals + 4)) for decimals in (18, 6, 8, 18, 0, 2, 18, 12)],
    "weights": [str(percent * 10**16) for percent in (1, 2, 4, 8, 16, 19, 25, 25)],
    "given_in": [],
    "given_out": [],
}
"""The most tokens and the least weight that a pool can have, in a contract that multiplies simple powers."""


class TestWeighted(DexConformance):
    """Every recorded pool: two to four tokens, weights from 10 % to 90 %, decimals 6, 8 and 18, both kinds of contracts; and a made one."""

    plugin = Weighted
    cases = tuple(map(case_of, (*POOLS.values(), EIGHT)))
    capabilities = frozenset({"exact_out", "logs", "steps", "recorded"})
