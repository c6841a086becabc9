"""Reserves of all Uniswap V2 pairs, as published in October 2020: a JSON list, one object a pair.

Each object has ``address``, ``token0`` and ``token1`` (``address``, ``symbol``, ``decimal``), ``reserve0`` and ``reserve1`` as whole
numbers of base units. The tape is one block of Ethereum: the pairs are found, their state is storage slot 8 of each, then the head.
The list was collected over some minutes around 2020-10-03 without a block number, so height 1 and midnight of that day stand for it.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tidemill.domain.asset import Asset
from tidemill.domain.events import Batch, Found, Head, States
from tidemill.domain.ids import AssetId, ChainId, Key, erc20, pool_id
from tidemill.domain.pool import PoolRef
from tidemill.errors import DecodeError
from tidemill.hookspecs.recording import Recording, read_json
from tidemill.units import NS_PER_S, UINT112_MAX

KIND = "uniswap-v2-pairs"
CHAIN = ChainId("eip155:1")
HEIGHT = 1
UNIX_TIME = 1_601_683_200
FEE_PPM = 3_000
RESERVES_SLOT = 8
"""Storage slot of ``UniswapV2Pair.sol`` (v2-core 1.0.1) that packs reserve0 (112 bits), reserve1 (112) and blockTimestampLast (32)."""
NO_RESERVES = "a reserve is zero: the pair cannot trade"

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_DIGITS = re.compile(r"[0-9]{1,78}")
_ZERO_HASH = "0x" + "00" * 32


def read(source: Path) -> Recording:
    """Return the pairs of a JSON file, which may be compressed by gzip, as one batch.

    Pairs without both reserves are left out, and counted. ``blockTimestampLast`` is not in the source: it is 0 in the slot, where only
    the price oracle reads it.

    Raises:
        UsageError: there is no such file.
        DecodeError: it is no such list; the message names the row, counted from 0.
    """
    pairs = _Pairs(source)
    for place, row in enumerate(_rows(source)):
        pairs.add(place, row)
    digest = hashlib.sha256(b"".join(value or b"" for _, value in pairs.states)).hexdigest()
    head = Head(CHAIN, HEIGHT, f"0x{digest}", _ZERO_HASH, UNIX_TIME)
    found = Found(tuple(pairs.assets.values()), tuple(pairs.pools))
    time_ns = UNIX_TIME * NS_PER_S
    events = (found, States(CHAIN, tuple(pairs.states)), head)
    batch = Batch(KIND, 1, CHAIN, HEIGHT, head.block_hash, head.parent_hash, "final", time_ns, time_ns, events)
    left_out = {NO_RESERVES: pairs.empty} if pairs.empty else {}
    return Recording((CHAIN,), (batch,), left_out)


def _rows(source: Path) -> Sequence[Any]:
    rows = read_json(source)
    if not isinstance(rows, list) or not rows:
        raise DecodeError(f"{source}: expected a JSON list of pairs, found {_shown(rows)}")
    return rows


class _Pairs:
    """Collects assets, pools and states, each row checked against those before it."""

    def __init__(self, source: Path) -> None:
        self.assets: dict[AssetId, Asset] = {}
        self.pools: list[PoolRef] = []
        self.states: list[tuple[Key, bytes | None]] = []
        self.empty = 0
        self._source = source
        self._rows: dict[str, int] = {}

    def add(self, place: int, row: Any) -> None:
        """Take over one pair."""
        where = f"{self._source} row {place}"
        address = _address(row, "address", where)
        tokens = tuple(_token(row, name, where) for name in ("token0", "token1"))
        reserves = [_reserve(row, name, where) for name in ("reserve0", "reserve1")]
        if tokens[0].id >= tokens[1].id:
            raise DecodeError(f"{where}: token0 must be the lower address of two, as the factory orders them")
        if address in self._rows:
            raise DecodeError(f"{where}: pair {address} stands in row {self._rows[address]} already")
        self._rows[address] = place
        if not all(reserves):
            self.empty += 1
            return
        for token in tokens:
            if self.assets.setdefault(token.id, token).decimals != token.decimals:
                raise DecodeError(f"{where}: {token.id} has {token.decimals} decimals, {self.assets[token.id].decimals} in a row before")
        pair = pool_id(CHAIN, "uniswap", address)
        self.pools.append(PoolRef(pair, "uniswap", CHAIN, address, (tokens[0].id, tokens[1].id), "v2", FEE_PPM))
        word = reserves[0] | reserves[1] << 112
        self.states.append((Key(f"{address}:{RESERVES_SLOT:#x}"), word.to_bytes(32, "big")))


def _get(row: Any, name: str, where: str) -> Any:
    if not isinstance(row, Mapping):
        raise DecodeError(f"{where}: expected an object, found {_shown(row)}")
    if name not in row:
        raise DecodeError(f"{where}: {name} is missing")
    return row[name]


def _address(row: Any, name: str, where: str) -> str:
    value = _get(row, name, where)
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise DecodeError(f"{where}: {name} must be an address of 0x and 40 hexadecimal digits, found {_shown(value)}")
    return value.lower()


def _token(row: Any, name: str, where: str) -> Asset:
    token, inside = _get(row, name, where), f"{where} {name}"
    symbol, decimals = _get(token, "symbol", inside), _get(token, "decimal", inside)
    if not isinstance(symbol, str):
        raise DecodeError(f"{inside}: symbol must be text, found {_shown(symbol)}")
    if not isinstance(decimals, int) or isinstance(decimals, bool) or not 0 <= decimals <= 255:
        raise DecodeError(f"{inside}: decimal must be a whole number from 0 to 255, found {_shown(decimals)}")
    return Asset(erc20(CHAIN, _address(token, "address", inside)), symbol, decimals)


def _reserve(row: Any, name: str, where: str) -> int:
    value = _get(row, name, where)
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= UINT112_MAX:
        raise DecodeError(f"{where}: {name} must be a whole number of base units within 112 bits, found {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
