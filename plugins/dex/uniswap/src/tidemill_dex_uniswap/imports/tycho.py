"""Pools as Tycho gives them: serialised states of its simulation, snapshots of components, and messages of its feed.

tycho-simulation: ``src/evm/protocol/uniswap_v3/{state,enums,decoder}.rs``, ``src/evm/protocol/utils/uniswap/tick_list.rs``; tycho-client:
``feed/synchronizer.rs``. Its tick lists hold net liquidity alone, and drop a tick whose net liquidity is zero.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from tidemill.domain.ids import ChainId
from tidemill.errors import DecodeError
from tidemill_amm.concentrated import MAX_TICK, MIN_TICK
from tidemill_amm.concentrated.state import MAX_TICK_SPACING
from tidemill_dex_uniswap.imports.fields import Entry, address, shown, whole
from tidemill_dex_uniswap.imports.lists import VENUES, token_of
from tidemill_dex_uniswap.imports.pools import Block, Concentrated, LeftOut, RecordedPair, RecordedPool, Ticks, Token
from tidemill_evm.uniswap_v2 import Reserves

CHAINS: Final[Mapping[str, ChainId]] = {
    "ethereum": ChainId("eip155:1"),
    "bsc": ChainId("eip155:56"),
    "unichain": ChainId("eip155:130"),
    "polygon": ChainId("eip155:137"),
    "base": ChainId("eip155:8453"),
    "arbitrum": ChainId("eip155:42161"),
}
FEES: Final[Mapping[str, int]] = {
    "Lowest": 100,
    "Lowest2": 200,
    "Lowest3": 300,
    "Lowest4": 400,
    "Low": 500,
    "MediumLow": 2_500,
    "Medium": 3_000,
    "MediumHigh": 5_000,
    "High": 10_000,
}
"""``FeeAmount`` of the simulation, parts per million."""
_INT128: Final = 1 << 127
_PREFIX, _SUFFIXES = "ticks/", ("/net-liquidity", "/net_liquidity")


def read_states(document: list[object], where: str) -> Iterator[RecordedPair | RecordedPool | LeftOut]:
    """Yield the pools of a list of ``{"tokens": [...], "state": {"protocol": ..., "state": {...}}}``, without addresses or a block.

    Raises:
        DecodeError: an entry is not what its protocol demands; names it.
    """
    for place, value in enumerate(document):
        entry = Entry.of(value, f"{where}[{place}]")
        held = entry.entry("state")
        protocol = held.text("protocol")
        if protocol not in ("UniswapV2State", "UniswapV3State"):
            yield LeftOut(f"{shown(protocol)} is no state that is read here")
            continue
        chain, tokens = _tokens(entry)
        state = held.entry("state")
        if protocol == "UniswapV2State":
            yield RecordedPair(entry.where, chain, None, tokens, None, None, _reserves(state))
        else:
            yield RecordedPool(entry.where, chain, None, tokens, None, _fee(state), _serialised(state))


def read_component(entry: Entry, block: Block | None = None) -> RecordedPair | RecordedPool | LeftOut:
    """Return the pool of a ``{"component": {...}, "state": {"attributes": {...}}}``; its tokens have neither symbols nor decimals.

    Raises:
        DecodeError: it is not what its protocol demands.
    """
    component = entry.entry("component")
    system = component.text("protocol_system")
    venue, _, version = system.rpartition("_")
    if venue not in VENUES or version not in ("v2", "v3"):
        return LeftOut(f"{shown(system)} has no pools that are read here")
    chain, fixed = _chain(component), component.entry("static_attributes")
    tokens = [Token(address(value, f"{component.where}.tokens[{place}]")) for place, value in enumerate(component.items("tokens"))]
    state = entry.entry("state").entry("attributes")
    described = entry.where, chain, block, _two(tokens, component), component.address("id")
    if version == "v2":
        return RecordedPair(*described, None, _reserves(state))
    return RecordedPool(*described, fixed.whole("fee", 0, 999_999), _attributes(state, fixed))


def read_message(document: Entry) -> Iterator[RecordedPair | RecordedPool | LeftOut]:
    """Yield the pools of the snapshots in a message of the feed, each at the block of its header.

    Raises:
        DecodeError: the message is not what it should be; names the entry.
    """
    messages = document.entry("state_msgs")
    for name in messages.fields:
        message = messages.entry(name)
        header = message.entry("header")
        hashes = header.text("hash"), header.text("parent_hash")
        block = Block(header.whole("number", 0, (1 << 63) - 1), header.whole("timestamp", 0, (1 << 32) - 1), *hashes)
        states = message.entry("snapshots").entry("states")
        for component in states.fields:
            yield read_component(states.entry(component), block)


def _serialised(state: Entry) -> Concentrated:
    listed = state.entry("ticks")
    spacing = listed.whole("tick_spacing", 1, MAX_TICK_SPACING)
    ticks: dict[int, tuple[int | None, int]] = {}
    for one in listed.entries("ticks"):
        tick = one.whole("index", MIN_TICK, MAX_TICK)
        if tick in ticks:
            raise DecodeError(f"{one.where}: tick {tick} stands in the list already")
        ticks[tick] = None, one.whole("net_liquidity", -_INT128, _INT128 - 1)
    price, tick = state.unsigned("sqrt_price", 160), state.whole("tick", MIN_TICK, MAX_TICK)
    return Concentrated(price, tick, state.unsigned("liquidity", 128), spacing, Ticks(ticks), lists_zero=False)


def _attributes(state: Entry, fixed: Entry) -> Concentrated:
    ticks: dict[int, tuple[int | None, int]] = {}
    for name in state.fields:
        if name.startswith(_PREFIX) and name.endswith(_SUFFIXES):
            tick = whole(name.split("/")[1], MIN_TICK, MAX_TICK, f"{state.where}.{name}")
            # Zero is what an attribute says of a tick that is gone, too
            if net := state.signed(name, 128):
                ticks[tick] = None, net
    spacing = fixed.whole("tick_spacing", 1, MAX_TICK_SPACING)
    price, tick = state.unsigned("sqrt_price_x96", 160), state.signed("tick", 24)
    return Concentrated(price, tick, state.unsigned("liquidity", 128), spacing, Ticks(ticks), lists_zero=False)


def _reserves(state: Entry) -> Reserves:
    return Reserves(state.unsigned("reserve0", 112), state.unsigned("reserve1", 112))


def _fee(state: Entry) -> int:
    name = state.text("fee")
    if name not in FEES:
        raise DecodeError(f"{state.where}.fee: expected one of {', '.join(FEES)}, found {shown(name)}")
    return FEES[name]


def _tokens(entry: Entry) -> tuple[ChainId, tuple[Token, Token]]:
    found = list(entry.entries("tokens"))
    tokens = _two([token_of(one) for one in found], entry)
    one, other = (_chain(each) for each in found)
    if one != other:
        raise DecodeError(f"{entry.where}.tokens: expected tokens of one chain, found {one} and {other}")
    return one, tokens


def _two(tokens: list[Token], entry: Entry) -> tuple[Token, Token]:
    if len(tokens) != 2:
        raise DecodeError(f"{entry.where}.tokens: expected two tokens, found {len(tokens)}")
    return tokens[0], tokens[1]


def _chain(entry: Entry) -> ChainId:
    name = entry.text("chain")
    if name not in CHAINS:
        raise DecodeError(f"{entry.where}.chain: expected one of {', '.join(CHAINS)}, found {shown(name)}")
    return CHAINS[name]
