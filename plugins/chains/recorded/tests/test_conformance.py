"""The chain of a tape keeps the rules of its kind; it can send nothing."""

from tidemill.domain.ids import erc20, pool_id
from tidemill.domain.pool import PoolRef
from tidemill_chain_recorded import Recorded
from tidemill_chain_recorded.known import ETHEREUM
from tidemill_evm.steps import V2Swap
from tidemill_testing.conformance import ChainConformance
from tidemill_testing.toy import ToyBlocks

TOKENS = tuple(f"0x{number:040x}" for number in (1, 2))
ADDRESSES = tuple(f"0x{number:040x}" for number in (0xA, 0xB))
POOLS = tuple(
    PoolRef(pool_id(ETHEREUM, "uniswap", address), "uniswap", ETHEREUM, address, tuple(erc20(ETHEREUM, one) for one in TOKENS), "v2", 3_000)
    for address in ADDRESSES
)
BLOCKS = ToyBlocks(ETHEREUM)


class TestRecorded(ChainConformance):
    """Plays three blocks."""

    plugin = Recorded
    capabilities = frozenset({"ends", "limited"})
    pools = POOLS
    steps = tuple(V2Swap(address, TOKENS[0], TOKENS[1], True, 3_000, 1_000, 1) for address in ADDRESSES)
    tape = (BLOCKS.found(*POOLS), *(BLOCKS.head(BLOCKS.logs({POOLS[0].id: (number, number)})) for number in (5, 6, 7)))
    blocks = 4
