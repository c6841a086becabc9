"""Short cycles through pools that changed: what their kernel is told of these, and what is kept between two changes."""

from array import array
from collections.abc import Collection

from tidemill.domain.ids import AssetId, ChainId, PoolId, chain_of
from tidemill_search_cycles.compiled import kernels
from tidemill_search_cycles.graph.arrays import zeros
from tidemill_search_cycles.graph.build import Graph, directions
from tidemill_search_cycles.kernels.hubs import HUB, LISTED, TRACED, fill_hubs, make_lists, survey
from tidemill_search_cycles.kernels.through import through
from tidemill_search_cycles.room import Room

MOST_HUBS, STALE = 64, 64
"""Rates and lists are kept of so many hubs at most; which these are is looked up again after so many changes of rows. Only the time that a
search takes depends on it."""
MOST_RATES = 1 << 19
"""So many arcs of hubs are kept at most, 24 bytes each."""

_ASKED = ("ask_sell", "ask_buy", "ask_pool", "ask_mark")
_RATES, _PLACES = ("hub_out", "hub_in"), ("hub_arc_out", "hub_arc_in")
EVENT_ROOM = {
    **dict.fromkeys(_ASKED, ("i", 4)), "narrow_len": ("i", 1), "wide_token": ("i", 1), "hub_of": ("i", 1), "hub_token": ("i", MOST_HUBS),
    "hub_cap": ("d", 1), "hub_top": ("d", 1), "hub_count": ("i", 1), "hub_list": ("i", 1),
    **dict.fromkeys(_RATES, ("d", 1)), **dict.fromkeys(_PLACES, ("i", 1)),
}  # fmt: skip


class Event:
    """Asks the kernel for what passes pools that changed, and keeps what spares it the rows of hubs."""

    def __init__(self, graph: Graph, room: Room) -> None:
        self._graph = graph
        self._room = room
        self._hubs = 0
        self._chosen_at = -STALE
        self._stride = 0
        self._seen = -TRACED
        self._structure = -1
        self._surveyed = -1
        self._wide = 0
        self._about: tuple[object, ...] = ()

    def ask(self, changed: Collection[PoolId], chain: ChainId) -> int:
        """Name the directions of the chain's pools that changed to the kernel; return how many there are."""
        graph, room = self._graph, self._room
        tokens, length, wide = graph.tokens, graph.arrays.row_len, False
        found: list[tuple[int, int, int, int]] = []
        for mark, identifier in enumerate(sorted(changed) if len(changed) > 1 else changed, start=1):
            number = graph.numbers.get(identifier)
            if number is None or chain_of(identifier) != chain:
                continue
            for sell, buy in directions(graph.pools[identifier]):
                one, other = tokens.get(sell, -1), tokens.get(buy, -1)
                if one >= 0 <= other:
                    found.append((one, other, number, mark))
                    wide = wide or length[one] >= HUB <= length[other]
        if len(found) > len(room["ask_sell"]):
            room.ensure(len(found), *_ASKED)
        sells, buys, numbers, marks = (room[name] for name in _ASKED)
        for place, named in enumerate(found):
            sells[place], buys[place], numbers[place], marks[place] = named
        if wide and self._surveyed != graph.rows.structure:
            self._survey()
        return len(found)

    def run(self, count: int, hops: tuple[int, int], start: int, due: float, about: object) -> None:
        """Let the kernel look for cycles through what it was told, from ``start`` or (-1) from any.

        ``about`` tells whether lists were made for a question like this one.
        """
        rows, room, arrays, running = self._graph.rows, self._room, self._graph.arrays, kernels()
        if rows.structure - self._chosen_at >= STALE or len(rows.assets) > self._stride:
            self._choose_hubs()
        work = room["work"]
        work[4], work[5], work[6], work[7] = len(arrays.pair_key) - 1, self._hubs, self._stride, self._wide
        asked = (start, about, rows.structure if start < 0 else 0)
        if rows.changes - self._seen > TRACED:
            running.of(fill_hubs)(*room.arguments(fill_hubs, arrays, running))
            self._seen = rows.changes
            running.of(make_lists)(start, due, *room.arguments(make_lists, arrays, running))
        elif asked != self._about:
            room["hub_cap"][: self._hubs**2] = zeros("d", self._hubs**2)
        self._about = asked
        arguments = room.arguments(through, arrays, running)
        moved = int(rows.structure != self._structure)
        running.of(through)(count, *hops, self._seen, rows.changes, moved, start, due, *arguments)
        self._seen, self._structure = rows.changes, rows.structure

    def _choose_hubs(self) -> None:
        rows, room = self._graph.rows, self._room
        hub_of, hub_token, length = room["hub_of"], room["hub_token"], rows.arrays.row_len
        for place in range(self._hubs):
            hub_of[hub_token[place]] = 0
        tokens = len(rows.assets)
        self._stride = tokens + tokens // 16 + 1
        room.ensure(self._stride, "hub_of")
        hub_of = room["hub_of"]
        wide = [token for token in range(tokens) if length[token] >= HUB]
        chosen = sorted(wide, key=lambda token: (-length[token], token))[: min(MOST_HUBS, MOST_RATES // self._stride)]
        for place, token in enumerate(chosen):
            hub_token[place], hub_of[token] = token, place + 1
        self._hubs, self._chosen_at, self._seen = len(chosen), rows.structure, rows.changes - TRACED - 1
        room.fit(max(1, self._hubs * self._stride), *_RATES, *_PLACES)
        room.fit(max(1, self._hubs**2), "hub_cap", "hub_top", "hub_count")
        room.fit(max(1, self._hubs**2 * LISTED), "hub_list")

    def _survey(self) -> None:
        rows, room, arrays, running = self._graph.rows, self._room, self._graph.arrays, kernels()
        room.ensure(len(rows.assets), "narrow_len", "wide_token")
        self._wide = running.of(survey)(len(rows.assets), *room.arguments(survey, arrays, running))
        wide = room["wide_token"]
        names: list[AssetId] = rows.assets
        wide[: self._wide] = array("i", sorted(wide[: self._wide], key=names.__getitem__))
        self._surveyed = rows.structure
