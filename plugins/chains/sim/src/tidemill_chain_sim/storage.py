"""Storage of the simulated chain's contracts: real V2 and V3 layouts, the vault's words, and token balances of accounts of ours."""

from tidemill.domain.ids import Key
from tidemill.errors import UsageError
from tidemill_chain_sim.market import Market
from tidemill_chain_sim.pools import PairState, PoolSpec, PoolState, RangeState
from tidemill_chain_sim.world import World
from tidemill_evm import uniswap_v2
from tidemill_evm.errors import MalformedBytes
from tidemill_evm.storage import mapping_slot, split_call_key, word_bytes
from tidemill_evm.uniswap_v2 import Reserves, encode_reserves
from tidemill_evm.uniswap_v3 import PANCAKESWAP_V3, UNISWAP_V3, Slot0
from tidemill_simworld import VAULT

BALANCES_SLOT = 0
"""Where tokens keep their mapping of balances, as OpenZeppelin's do."""
EMPTY = bytes(32)


class Storage:
    """Answers storage words of any kept state. A slot that no contract wrote is 32 zero bytes, as on a real chain."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._tokens = frozenset(token.address for token in market.tokens)
        self._slots: dict[int, tuple[PoolState, dict[int, bytes]]] = {}

    def read(self, key: Key, world: World) -> bytes | None:
        """Return the word at a key; None for every contract call: nothing here has code that answers one.

        Raises:
            UsageError: the key is neither of the form ``<address>:<slot hex>`` nor of that of a call.
        """
        address, slot = _split(key)
        if slot is None:
            return None
        spec = self._market.spec_at(address)
        if spec is not None:
            return self._pool_slots(spec, world.pools[spec.index]).get(slot, EMPTY)
        if address == VAULT:
            return word_bytes(world.vault.get(f"0x{slot:040x}", 0))
        if address in self._tokens:
            return _balance(address, slot, world)
        return EMPTY

    def _pool_slots(self, spec: PoolSpec, state: PoolState) -> dict[int, bytes]:
        known = self._slots.get(spec.index)
        if known is None or known[0] is not state:
            known = state, _pair_slots(spec, state) if isinstance(state, PairState) else _range_slots(spec, state)
            self._slots[spec.index] = known
        return known[1]


def _split(key: Key) -> tuple[str, int | None]:
    """Return a key's contract, and its slot or None for a call."""
    address, colon, slot = key.partition(":")
    try:
        if slot.startswith("call:"):
            return split_call_key(key)[0], None
        number = int(slot, 16)
    except (ValueError, MalformedBytes):
        number = -1
    if not colon or number < 0 or number >> 256:
        raise UsageError(
            f"{key!r} is no key of this chain: expected <address in lower case>:<slot hex>, or <address>:call:0x<calldata hex>"
        )
    return address, number


def _pair_slots(spec: PoolSpec, state: PairState) -> dict[int, bytes]:
    reserves = Reserves(state.reserve0, state.reserve1, state.timestamp % (1 << 32))
    return {
        uniswap_v2.TOKEN0_SLOT: word_bytes(int(spec.token0.address, 16)),
        uniswap_v2.TOKEN1_SLOT: word_bytes(int(spec.token1.address, 16)),
        uniswap_v2.RESERVES_SLOT: encode_reserves(reserves),
    }


def _range_slots(spec: PoolSpec, state: RangeState) -> dict[int, bytes]:
    core = state.core
    ticks = {tick: (core.liquidity_gross[tick], core.liquidity_net[tick]) for tick in sorted(core.liquidity_gross)}
    layout = PANCAKESWAP_V3 if spec.venue.dex == "pancakeswap" else UNISWAP_V3
    return layout.pool_storage(Slot0(core.sqrt_price_x96, core.tick), core.liquidity, spec.venue.tick_spacing, ticks)


def _balance(token: str, slot: int, world: World) -> bytes:
    for owner, account in sorted(world.accounts.items()):
        # The other kind of accounts has no place in a mapping by addresses of 20 bytes
        if owner.startswith("0x") and mapping_slot(int(owner, 16), BALANCES_SLOT) == slot:
            return word_bytes(account.tokens.get(token, 0))
    return EMPTY
