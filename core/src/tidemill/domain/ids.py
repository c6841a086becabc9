"""Identifiers: CAIP-2 chains, CAIP-19 assets, pools, books, and ids made from content."""

import hashlib
import uuid
from typing import NewType

from tidemill.errors import UsageError

ChainId = NewType("ChainId", str)
"""CAIP-2, for example ``eip155:137``, ``solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp`` or ``sim:1``."""
AssetId = NewType("AssetId", str)
"""CAIP-19, for example ``eip155:1/erc20:0xc02a…`` (address in lower case) or ``eip155:1/slip44:60``."""
PoolId = NewType("PoolId", str)
"""``<caip-2>/<dex>:<address>``, for example ``eip155:1/uniswap:0xb4e1…``."""
MarketId = NewType("MarketId", str)
"""``<venue>/<market>``: an order book of a venue."""
BookId = NewType("BookId", str)
"""Whose money; ``main`` unless configured."""
PlanId = NewType("PlanId", str)
"""UUIDv5 of a plan's content."""
OpportunityId = NewType("OpportunityId", str)
"""UUIDv5 of an opportunity's content."""
Key = NewType("Key", str)
"""Names one piece of a chain's state.

EVM: ``<contract>:<slot hex>``, a word of 32 bytes; the answer of a call is ``<contract>:call:0x<calldata hex>``, None where it reverts
(``storage_key`` and ``call_key`` of ``tidemill_evm.storage`` write them). Solana: an account's address,
whose value is its owner program (32 bytes) followed by the account's bytes, because one layout serves several programs.
"""
Pair = tuple[AssetId, AssetId]
"""Two assets in order of their ids."""

MAIN_BOOK = BookId("main")
_NAMESPACE = uuid.UUID("6f2d1c1e-6a5b-5a5e-9a39-0c5d0a3d7c11")


def pair_of(one: AssetId, other: AssetId) -> Pair:
    """Return the two assets as a pair, ordered by id."""
    return (one, other) if one <= other else (other, one)


def normal_address(address: str) -> str:
    """Return an address as ids have it: hexadecimal ones in lower case, others, where case counts, as they are."""
    return address.lower() if address[:2] in ("0x", "0X") else address


def erc20(chain: ChainId, address: str) -> AssetId:
    """Return the asset id of a token contract; the address is stored in lower case."""
    return AssetId(f"{chain}/erc20:{address.lower()}")


def native(chain: ChainId, coin: int) -> AssetId:
    """Return the asset id of a chain's native coin by its SLIP-44 number (60 is ether)."""
    return AssetId(f"{chain}/slip44:{coin}")


def pool_id(chain: ChainId, dex: str, address: str) -> PoolId:
    """Return a pool's id; hexadecimal addresses are stored in lower case, others as they are."""
    return PoolId(f"{chain}/{dex}:{normal_address(address)}")


def split_pool_id(pool: PoolId) -> tuple[ChainId, str, str]:
    """Return a pool id's chain, DEX name and address.

    Raises:
        UsageError: the text is not of the form ``<caip-2>/<dex>:<address>``.
    """
    chain, slash, rest = pool.partition("/")
    dex, colon, address = rest.partition(":")
    if not (slash and colon and chain and dex and address):
        raise UsageError(f"{pool!r} is not a pool id: expected <caip-2>/<dex>:<address>, e.g. eip155:1/uniswap:0xb4e1…")
    return ChainId(chain), dex, address


def chain_of(identifier: AssetId | PoolId) -> ChainId:
    """Return the chain part of an asset or pool id."""
    return ChainId(identifier.partition("/")[0])


def address_of(identifier: AssetId | PoolId) -> str:
    """Return what stands behind the last colon of an asset or pool id."""
    return identifier.rpartition(":")[2]


def content_id(kind: str, *parts: object) -> str:
    """Return a UUIDv5 made from content alone, so that equal runs name equal things equally.

    The parts are joined with a separator that cannot occur in ids; ``str()`` of each part must be canonical.
    """
    text = "\x1f".join((kind, *map(str, parts)))
    digest = hashlib.sha1(_NAMESPACE.bytes + text.encode(), usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))
