"""The vault that lends: what it holds at the start, and depositors who come and go."""

from typing import Final

from immutables import Map

from tidemill_chain_sim.draft import Draft
from tidemill_simworld import HUBS, Stream
from tidemill_simworld.tokens import DOLLAR

_OPENING: Final = 5_000_000 * DOLLAR
_CHANCE_PPM: Final = 100_000
_MOST_PPM: Final = 10_000


def opening_vault(prices: tuple[int, ...]) -> Map[str, int]:
    """Return what can be lent at the start: five million dollars' worth of each hub, by token address in base units."""
    return Map({hub.address: _OPENING * hub.unit // prices[hub.index] for hub in HUBS})


def move_deposits(draft: Draft, draw: Stream) -> None:
    """By chance, let somebody deposit or withdraw up to one per cent of one token."""
    if draw.chance(_CHANCE_PPM):
        hub = draw.pick(HUBS)
        before = draft.vault[hub.address]
        draft.vault = draft.vault.set(hub.address, before + before * draw.between(-_MOST_PPM, _MOST_PPM) // 1_000_000)
