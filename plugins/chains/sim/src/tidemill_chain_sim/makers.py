"""Market makers: now and then somebody adds liquidity to a pool or takes it away."""

from typing import Final

from tidemill.errors import InvariantError
from tidemill_amm import AmmError
from tidemill_amm.concentrated import MissingState, amounts_for_liquidity, with_liquidity
from tidemill_chain_sim.draft import Draft
from tidemill_chain_sim.emitted import pair_liquidity_events, range_liquidity_event
from tidemill_chain_sim.genesis import range_around
from tidemill_chain_sim.pools import PairState, PoolSpec, RangeState
from tidemill_simworld import Stream

PROVIDER: Final = "0x51b0000000000000000000000000000000001b0b"

_PPM: Final = 1_000_000
_PART_PPM: Final = (2_000, 30_000)
_WIDTHS: Final = (2, 40)
"""Half widths of new positions, in tick spacings."""
_MOST_POSITIONS: Final = 12


def move_liquidity(draft: Draft, draw: Stream) -> None:
    """By chance, change the liquidity of one pool by 0.2 to 3 per cent, or burn a position that was minted before."""
    if not draw.chance(draft.market.settings.makers_ppm):
        return
    spec = draw.pick(draft.market.specs)
    state, adds = draft.pools[spec.index], draw.chance(_PPM // 2)
    part = draw.between(*_PART_PPM)
    if isinstance(state, PairState):
        _change_pair(draft, spec, state, part if adds else -part)
    elif adds and len(state.positions) < _MOST_POSITIONS:
        width = draw.between(*_WIDTHS) * spec.venue.tick_spacing
        lower, upper = range_around(state.core.tick, width, spec.venue.tick_spacing)
        _change_range(draft, spec, state, (lower, upper, state.core.liquidity * part // _PPM), mints=True)
    elif state.positions:
        _change_range(draft, spec, state, draw.pick(state.positions), mints=False)


def _change_pair(draft: Draft, spec: PoolSpec, state: PairState, part_ppm: int) -> None:
    amount0, amount1 = (_share(reserve, part_ppm) for reserve in (state.reserve0, state.reserve1))
    if not (amount0 and amount1):
        return
    after = PairState(state.reserve0 + amount0, state.reserve1 + amount1, draft.time)
    draft.pools[spec.index] = after
    draft.emit(spec.address, pair_liquidity_events(after, amount0, amount1, PROVIDER), draft.next_tx())


def _share(reserve: int, part_ppm: int) -> int:
    """Return a part of a reserve, rounded towards zero."""
    share = reserve * abs(part_ppm) // _PPM
    return share if part_ppm > 0 else -share


def _change_range(draft: Draft, spec: PoolSpec, state: RangeState, position: tuple[int, int, int], *, mints: bool) -> None:
    lower, upper, liquidity = position
    delta = liquidity if mints else -liquidity
    if not delta:
        return
    try:
        core = with_liquidity(state.core, lower, upper, delta)
        amounts = amounts_for_liquidity(state.core.sqrt_price_x96, lower, upper, delta)
    except AmmError:
        return  # a tick that is full refuses the mint, as the contract does
    if isinstance(core, MissingState):
        raise InvariantError(f"{spec.address} lacks {core}, though every word of a simulated pool is loaded")
    positions = list(state.positions)
    if mints:
        positions.append(position)
    else:
        positions.remove(position)
    draft.pools[spec.index] = RangeState(core, tuple(positions))
    draft.emit(spec.address, (range_liquidity_event(lower, upper, delta, amounts, PROVIDER),), draft.next_tx())
