"""Whose pool it is: the address that a factory gives to a pair of tokens is proof, a name in a recording is not."""

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

from tidemill.domain.ids import ChainId
from tidemill_dex_uniswap.forks import PANCAKESWAP, QUICKSWAP, SUSHISWAP, UNISWAP, Fork
from tidemill_evm.create2 import v2_pair_address, v3_pool_address
from tidemill_evm.uniswap_v3 import V3Layout

FORKS: Final[Mapping[str, Fork]] = {"uniswap": UNISWAP, "sushiswap": SUSHISWAP, "quickswap": QUICKSWAP, "pancakeswap": PANCAKESWAP}
"""By the name of the DEX; where a recording gives no address, the first whose factory can have made the pool."""


@frozen
class Identity:
    """A pool that a factory made: the DEX, its address, fee (parts per million), and, of a concentrated one, spacing and layout.

    ``tick_spacing`` is None where the fee is none that the factory began with.
    """

    dex: str
    address: str
    fee_ppm: int
    layout: V3Layout
    tick_spacing: int | None = None


def identify_pair(chain: ChainId, tokens: tuple[str, str], address: str | None) -> Identity | None:
    """Return whose pair it is; None: no factory that is known makes a pair of these tokens, or not at that address."""
    return _first(_pairs(chain, tokens), address)


def identify_pool(chain: ChainId, tokens: tuple[str, str], fee_ppm: int, address: str | None) -> Identity | None:
    """Return whose concentrated pool it is; None as for ``identify_pair``.

    A factory may have got further fees since: an address proves them, without one only the fees that it began with are taken.
    """
    found = _pools(chain, tokens, fee_ppm)
    return _first((one for one in found if address is not None or one.tick_spacing is not None), address)


def _first(found: Iterator[Identity], address: str | None) -> Identity | None:
    return next((one for one in found if address in (None, one.address)), None)


def _pairs(chain: ChainId, tokens: tuple[str, str]) -> Iterator[Identity]:
    for dex, fork in FORKS.items():
        factory = fork.v2.get(chain)
        if factory is not None:
            address = v2_pair_address(factory.address, *tokens, factory.init_code_hash)
            yield Identity(dex, address, factory.fee_ppm, fork.layout)


def _pools(chain: ChainId, tokens: tuple[str, str], fee_ppm: int) -> Iterator[Identity]:
    for dex, fork in FORKS.items():
        factory = fork.v3.get(chain)
        if factory is not None:
            address = v3_pool_address(factory.deployer, *tokens, fee_ppm, factory.init_code_hash)
            yield Identity(dex, address, fee_ppm, fork.layout, dict(factory.tiers).get(fee_ppm))
