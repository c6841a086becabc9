"""Lists of pools, ``{"v2": [...], "v3": [...]}``, and files of one pool each."""

from collections.abc import Iterator
from typing import Final

from tidemill.domain.ids import ChainId
from tidemill.errors import DecodeError
from tidemill.units import UINT128_MAX
from tidemill_amm.concentrated import MAX_TICK, MIN_TICK
from tidemill_amm.concentrated.state import MAX_TICK_SPACING
from tidemill_dex_uniswap.imports.fields import Entry, shown, whole
from tidemill_dex_uniswap.imports.pools import Block, Concentrated, LeftOut, RecordedPair, RecordedPool, Ticks, Token
from tidemill_evm.uniswap_v2 import Reserves

VENUES: Final = frozenset({"uniswap", "sushiswap", "sushi", "quickswap", "pancakeswap", "pancake"})
_HEIGHT_MAX: Final = (1 << 63) - 1
_INT128: Final = 1 << 127
_WORD_MAX: Final = 1 << 15


def read_lists(document: Entry) -> Iterator[RecordedPair | RecordedPool | LeftOut]:
    """Yield the pools of both lists; entries of other exchanges, and of other lists, are left out.

    Raises:
        DecodeError: an entry is not what its list demands; names it.
    """
    for name in document.fields:
        if name in ("v2", "v3"):
            for entry in document.entries(name):
                yield _other(entry, name) or (_pair(entry) if name == "v2" else _pool(entry))
        elif isinstance(document.fields[name], list):
            yield from (LeftOut(f"{name}: expected a list named v2 or v3") for _ in document.fields[name])


def read_single(entry: Entry) -> RecordedPair | RecordedPool:
    """Return the one pool of a file: ``pool``, ``block``, ``token0`` and ``token1`` as objects, then reserves or scalars with tick_data.

    Raises:
        DecodeError: it is no such file.
    """
    tokens = (token_of(entry.entry("token0")), token_of(entry.entry("token1")))
    chain, address = _chain(entry), entry.address("pool")
    if entry.has("reserves_token0"):
        pair = Reserves(entry.unsigned("reserves_token0", 112), entry.unsigned("reserves_token1", 112))
        return RecordedPair(entry.where, chain, _block(entry), tokens, address, None, pair)
    scalars = entry.entry("scalars")
    state = _concentrated(scalars, Ticks(_ticks(entry.entry("tick_data"))))
    return RecordedPool(entry.where, chain, _block(entry), tokens, address, scalars.whole("fee", 0, 999_999), state)


def token_of(entry: Entry) -> Token:
    """Return a token from an object with its address and, where they are there, symbol and decimals.

    Raises:
        DecodeError: the address is missing, or a field is of another kind.
    """
    return Token(entry.address("address"), _symbol(entry, "symbol"), _decimals(entry, "decimals"))


def _other(entry: Entry, name: str) -> LeftOut | None:
    if not entry.has("exchange"):
        return None
    exchange = entry.text("exchange")
    venue, _, version = exchange.rpartition("_")
    return None if venue in VENUES and version == name else LeftOut(f"{shown(exchange)} has no pools of this kind that are read here")


def _pair(entry: Entry) -> RecordedPair:
    reserves = Reserves(entry.unsigned("reserve0", 112), entry.unsigned("reserve1", 112))
    fee = entry.whole("fee_pips", 0, 999_999) if entry.has("fee_pips") else None
    return RecordedPair(entry.where, _chain(entry), _block(entry), _tokens(entry), entry.address("address"), fee, reserves)


def _pool(entry: Entry) -> RecordedPool:
    ticks = Ticks(_ticks(entry.entry("ticks")), _words(entry)) if entry.has("ticks") else None
    state, fee = _concentrated(entry, ticks), entry.whole("fee_pips", 0, 999_999)
    return RecordedPool(entry.where, _chain(entry), _block(entry), _tokens(entry), entry.address("address"), fee, state)


def _concentrated(entry: Entry, ticks: Ticks | None) -> Concentrated:
    spacing = entry.whole("tick_spacing", 1, MAX_TICK_SPACING) if entry.has("tick_spacing") else None
    price, tick = entry.unsigned("sqrt_price_x96", 160), entry.whole("tick", MIN_TICK, MAX_TICK)
    return Concentrated(price, tick, entry.unsigned("liquidity", 128), spacing, ticks)


def _ticks(entry: Entry) -> dict[int, tuple[int | None, int]]:
    """Return tick -> (gross or None, net) from an object of lists that begin so."""
    found: dict[int, tuple[int | None, int]] = {}
    for name, value in entry.fields.items():
        where = f"{entry.where}.{name}"
        if not isinstance(value, list) or len(value) < 2:
            raise DecodeError(f"{where}: expected a list of gross and net liquidity, found {shown(value)}")
        net = whole(value[1], -_INT128, _INT128 - 1, where)
        gross = None if value[0] is None else whole(value[0], max(1, abs(net)), UINT128_MAX, where)
        found[whole(name, MIN_TICK, MAX_TICK, where)] = gross, net
    return found


def _words(entry: Entry) -> dict[int, int] | None:
    if not entry.has("words"):
        return None
    words = entry.entry("words")
    return {whole(name, -_WORD_MAX, _WORD_MAX - 1, f"{words.where}.{name}"): words.unsigned(name, 256) for name in words.fields}


def _tokens(entry: Entry) -> tuple[Token, Token]:
    one, other = (
        Token(entry.address(f"token{place}"), _symbol(entry, f"symbol{place}"), _decimals(entry, f"decimals{place}")) for place in (0, 1)
    )
    return one, other


def _symbol(entry: Entry, name: str) -> str | None:
    return entry.text(name) if entry.has(name) else None


def _decimals(entry: Entry, name: str) -> int | None:
    return entry.whole(name, 0, 255) if entry.has(name) else None


def _chain(entry: Entry) -> ChainId:
    return ChainId(f"eip155:{entry.whole('chain_id', 1, _HEIGHT_MAX)}")


def _block(entry: Entry) -> Block | None:
    return Block(entry.whole("block", 0, _HEIGHT_MAX)) if entry.has("block") else None
