"""Rows of arcs and blocks of edges in the arrays: laid out as a whole, and changed in place."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from tidemill.domain.ids import AssetId, PoolId
from tidemill_search_cycles.compiled import kernels
from tidemill_search_cycles.graph.arrays import ARCS, EDGES, SEGMENTS, TOKENS, Arrays
from tidemill_search_cycles.graph.curves import Entry
from tidemill_search_cycles.kernels.hubs import TRACED
from tidemill_search_cycles.kernels.pairs import drop_arc, find_arc, put_arc, reseat
from tidemill_search_cycles.kernels.renew import renew
from tidemill_search_cycles.room import Room

Adjacency = dict[int, dict[int, list[Entry]]]
"""Edges by token sold and token bought; whoever stands under (a, b) stands under (b, a) too, with an empty list where closed."""


class Rows:
    """The arrays with what grows in them.

    ``assets`` and ``pool_ids`` name tokens and pools by number; rows are kept in order of these ids, whatever the history.
    ``structure`` counts changes of the rows themselves, ``changes`` those of arcs' edges, whose last stand in the arrays ``trace_from`` and
    ``trace_to``.
    """

    def __init__(self) -> None:
        self.arrays = Arrays(0, 0, 0, 0)
        self.assets: list[AssetId] = []
        self.pool_ids: list[PoolId] = []
        self.structure = 0
        self.changes = 0
        self._ends = [0, 0, 0]
        self._holes = [0, 0, 0]
        self._pairs_used = 0
        self._room = Room({})

    def add_token(self, asset: AssetId, shift: int) -> int:
        """Add a token without arcs and return its number."""
        token, arrays = len(self.assets), self.arrays
        self.assets.append(asset)
        if token >= len(arrays.row_start):
            arrays.grow(TOKENS, token + 1)
        arrays.row_start[token] = arrays.row_len[token] = arrays.row_room[token] = 0
        arrays.shift[token] = shift
        return token

    def find(self, sell: int, buy: int) -> int:
        """Return the arc between two tokens, -1 where there is none."""
        arrays = self.arrays
        return find_arc(sell, buy, arrays.pair_key, arrays.pair_arc, len(arrays.pair_key) - 1)

    def lay(self, adjacency: Mapping[int, Mapping[int, Sequence[Entry]]]) -> None:
        """Lay everything out anew: rows by asset id with some room, edges best first."""
        old, names = self.arrays, self.assets
        rows = [sorted(adjacency.get(token, ()), key=names.__getitem__) for token in range(len(names))]
        rooms = [len(row) + len(row) // 8 + 1 if row else 0 for row in rows]
        entries = [entry for row in adjacency.values() for edges in row.values() for entry in edges]
        edges_wanted, segments_wanted = len(entries), sum(len(entry.segments) for entry in entries)
        arcs = sum(rooms)
        self.arrays = arrays = Arrays(len(names) * 9 // 8, arcs * 17 // 16, edges_wanted * 5 // 4, segments_wanted * 5 // 4)
        arrays.generation = old.generation + 1
        arrays.shift[: len(names)] = old.shift[: len(names)]
        self._ends, self._holes, self._pairs_used = [0, 0, 0], [0, 0, 0], 0
        for token, row in enumerate(rows):
            arrays.row_start[token], arrays.row_room[token], arrays.row_len[token] = self._ends[0], rooms[token], len(row)
            for place, other in enumerate(row):
                self._lay_arc(self._ends[0] + place, token, other, adjacency[token][other])
            self._ends[0] += rooms[token]
        for token in range(len(names)):
            for arc in self._row(token):
                arrays.arc_back[arc] = back = self.find(arrays.arc_to[arc], token)
                arrays.arc_home[arc] = arrays.arc_rate[back]
        self.structure += 1
        self.changes += TRACED + 1

    def export(self) -> Adjacency:
        """Return everything as ``lay`` takes it."""
        arrays = self.arrays
        return {
            token: {arrays.arc_to[arc]: [self._entry(edge) for edge in self._edges(arc)] for arc in self._row(token)}
            for token in range(len(self.assets))
            if arrays.row_len[token]
        }

    @property
    def sparse(self) -> bool:
        """True where more than half of some storage is holes."""
        return any(holes * 2 > end and end > 64 for holes, end in zip(self._holes, self._ends, strict=True))

    def put(self, sell: int, buy: int, entry: Entry) -> None:
        """Add an edge, or replace the one of its pool."""
        arc = self.find(sell, buy)
        if arc < 0:
            self._insert_pair(sell, buy)
            arc = self.find(sell, buy)
        arrays = self.arrays
        first, count = arrays.arc_edge[arc], arrays.arc_edges[arc]
        edge = next((edge for edge in range(first, first + count) if arrays.edge_pool[edge] == entry.pool), -1)
        if edge < 0:
            edge = self._room_for_edge(arc)
        self._write(edge, entry)
        if arrays.arc_edges[arc] > 1:
            self._settle(arc, edge)
        self._sum_up(arc)

    def renew(self, sell: int, buy: int, pool: int, rate: float, bend: float, back_rate: float, back_bend: float) -> bool:
        """Give a pool's edges both ways new rates and bends; False, and nothing done, where they are no curves or tie."""
        arrays, running = self.arrays, kernels()
        arguments = self._room.arguments(renew, arrays, running)
        mask = len(arrays.pair_key) - 1
        if not running.of(renew)(sell, buy, pool, rate, bend, back_rate, back_bend, self.changes, mask, *arguments):
            return False
        self.changes += 2
        return True

    def drop(self, sell: int, buy: int, pool: int) -> None:
        """Remove a pool's edge, where there is one; with the last edge of both directions their arcs go too."""
        arc, arrays = self.find(sell, buy), self.arrays
        if arc < 0:
            return
        first, count = arrays.arc_edge[arc], arrays.arc_edges[arc]
        edge = next((edge for edge in range(first, first + count) if arrays.edge_pool[edge] == pool), -1)
        if edge >= 0:
            self._holes[2] += arrays.edge_segs[edge]
            arrays.copy_within(EDGES, edge + 1, edge, first + count - edge - 1)
            arrays.arc_edges[arc] = count - 1
            self._sum_up(arc)
        back = arrays.arc_back[arc]
        if arrays.arc_edges[arc] == 0 == arrays.arc_edges[back]:
            self._remove_arc(sell, buy)
            self._remove_arc(buy, sell)
            self.structure += 1

    def _row(self, token: int) -> range:
        first = self.arrays.row_start[token]
        return range(first, first + self.arrays.row_len[token])

    def _edges(self, arc: int) -> range:
        first = self.arrays.arc_edge[arc]
        return range(first, first + self.arrays.arc_edges[arc])

    def _entry(self, edge: int) -> Entry:
        arrays = self.arrays
        first = arrays.edge_seg[edge]
        segments = tuple(
            (arrays.seg_from[at], arrays.seg_to[at], arrays.seg_a[at], arrays.seg_b[at], arrays.seg_c[at])
            for at in range(first, first + arrays.edge_segs[edge])
        )
        return Entry(
            arrays.edge_pool[edge],
            arrays.edge_rate[edge],
            arrays.edge_bend[edge],
            arrays.edge_kind[edge],
            arrays.edge_slack[edge],
            segments,
        )

    def _lay_arc(self, arc: int, sell: int, buy: int, entries: Iterable[Entry]) -> None:
        arrays, ids = self.arrays, self.pool_ids
        arrays.arc_from[arc], arrays.arc_to[arc] = sell, buy
        ranked = sorted(entries, key=lambda entry: (-entry.rate, ids[entry.pool]))
        arrays.arc_edge[arc] = self._ends[1]
        arrays.arc_edges[arc] = arrays.arc_room[arc] = len(ranked)
        for place, entry in enumerate(ranked, self._ends[1]):
            arrays.edge_segs[place] = 0
            self._write(place, entry)
        self._ends[1] += len(ranked)
        arrays.arc_rate[arc] = ranked[0].rate if ranked else 0.0
        arrays.arc_bend[arc] = min((entry.bend for entry in ranked), default=0.0)
        self._pairs_used += put_arc(sell, buy, arc, arrays.pair_key, arrays.pair_arc, len(arrays.pair_key) - 1)

    def _write(self, edge: int, entry: Entry) -> None:
        arrays = self.arrays
        (
            arrays.edge_pool[edge],
            arrays.edge_rate[edge],
            arrays.edge_bend[edge],
            arrays.edge_kind[edge],
            arrays.edge_slack[edge],
            segments,
        ) = entry
        count, held = len(segments), arrays.edge_segs[edge]
        if count or held:
            if count > held:
                self._holes[2] += held
                arrays.edge_seg[edge] = self._ends[2]
                self._ends[2] += count
                if self._ends[2] > len(arrays.seg_a):
                    arrays.grow(SEGMENTS, self._ends[2])
            else:
                self._holes[2] += held - count
            arrays.edge_segs[edge] = count
            for at, one in enumerate(segments, arrays.edge_seg[edge]):
                arrays.seg_from[at], arrays.seg_to[at], arrays.seg_a[at], arrays.seg_b[at], arrays.seg_c[at] = one

    def _settle(self, arc: int, edge: int) -> None:
        """Move an edge to its place among those of its arc."""
        rate, ids, pool = self.arrays.edge_rate, self.pool_ids, self.arrays.edge_pool
        first = self.arrays.arc_edge[arc]
        last = first + self.arrays.arc_edges[arc] - 1

        def before(one: int, other: int) -> bool:
            return rate[one] > rate[other] or (rate[one] == rate[other] and ids[pool[one]] < ids[pool[other]])

        while edge > first and before(edge, edge - 1):
            self._swap(edge, edge - 1)
            edge -= 1
        while edge < last and before(edge + 1, edge):
            self._swap(edge, edge + 1)
            edge += 1

    def _swap(self, one: int, other: int) -> None:
        arrays = self.arrays
        for held in (arrays.edge_pool, arrays.edge_kind, arrays.edge_seg, arrays.edge_segs):
            held[one], held[other] = held[other], held[one]
        for real in (arrays.edge_rate, arrays.edge_bend, arrays.edge_slack):
            real[one], real[other] = real[other], real[one]

    def _sum_up(self, arc: int) -> None:
        """Bring what an arc says of its edges up to date."""
        arrays = self.arrays
        first, count = arrays.arc_edge[arc], arrays.arc_edges[arc]
        rate = arrays.edge_rate[first] if count else 0.0
        arrays.arc_rate[arc] = arrays.arc_home[arrays.arc_back[arc]] = rate
        arrays.arc_bend[arc] = min(arrays.edge_bend[first : first + count], default=0.0)
        place = self.changes & (TRACED - 1)
        arrays.trace_from[place], arrays.trace_to[place] = arrays.arc_from[arc], arrays.arc_to[arc]
        self.changes += 1

    def _room_for_edge(self, arc: int) -> int:
        """Return a new last edge of an arc, its block moved to the end where it is full."""
        arrays = self.arrays
        first, count = arrays.arc_edge[arc], arrays.arc_edges[arc]
        if count == arrays.arc_room[arc]:
            room, end = max(1, count * 2), self._ends[1]
            if end + room > len(arrays.edge_pool):
                arrays.grow(EDGES, end + room)
            arrays.copy_within(EDGES, first, end, count)
            self._holes[1] += count
            self._ends[1] += room
            arrays.arc_edge[arc], arrays.arc_room[arc] = end, room
            first = end
        arrays.arc_edges[arc] = count + 1
        arrays.edge_segs[first + count] = 0
        return first + count

    def _insert_pair(self, sell: int, buy: int) -> None:
        there, back = self._insert_arc(sell, buy), self._insert_arc(buy, sell)
        there = self.find(sell, buy)
        self.arrays.arc_back[there], self.arrays.arc_back[back] = back, there
        self.structure += 1

    def _insert_arc(self, sell: int, buy: int) -> int:
        """Make room for an arc at its place in its row; its opposite is not known yet."""
        arrays = self.arrays
        count = arrays.row_len[sell]
        if count == arrays.row_room[sell]:
            self._move_row(sell, max(2, count * 2))
        first, names = arrays.row_start[sell], self.assets
        place = first + bisect_left(range(count), names[buy], key=lambda at: names[arrays.arc_to[first + at]])
        moved = first + count - place
        arrays.copy_within(ARCS, place, place + 1, moved)
        arrays.row_len[sell] = count + 1
        self._reseat(place + 1, moved)
        arrays.arc_from[place], arrays.arc_to[place] = sell, buy
        arrays.arc_rate[place] = arrays.arc_home[place] = arrays.arc_bend[place] = 0.0
        arrays.arc_edges[place] = arrays.arc_room[place] = 0
        arrays.arc_edge[place] = 0
        if (self._pairs_used + 1) * 3 > len(arrays.pair_key) * 2:
            self._renew_pairs()
        self._pairs_used += put_arc(sell, buy, place, arrays.pair_key, arrays.pair_arc, len(arrays.pair_key) - 1)
        return place

    def _remove_arc(self, sell: int, buy: int) -> None:
        arrays, arc = self.arrays, self.find(sell, buy)
        drop_arc(sell, buy, arrays.pair_key, len(arrays.pair_key) - 1)
        self._holes[1] += arrays.arc_room[arc]
        last = arrays.row_start[sell] + arrays.row_len[sell] - 1
        arrays.copy_within(ARCS, arc + 1, arc, last - arc)
        arrays.row_len[sell] -= 1
        self._reseat(arc, last - arc)

    def _move_row(self, token: int, room: int) -> None:
        """Give a row a larger place at the end."""
        arrays, end = self.arrays, self._ends[0]
        first, count = arrays.row_start[token], arrays.row_len[token]
        if end + room > len(arrays.arc_to):
            arrays.grow(ARCS, end + room)
        arrays.copy_within(ARCS, first, end, count)
        self._holes[0] += arrays.row_room[token]
        self._ends[0] += room
        arrays.row_start[token], arrays.row_room[token] = end, room
        self._reseat(end, count)

    def _reseat(self, first: int, count: int) -> None:
        arrays, running = self.arrays, kernels()
        given = running.views((arrays.arc_from, arrays.arc_to, arrays.arc_back, arrays.pair_key, arrays.pair_arc))
        running.of(reseat)(first, count, len(arrays.pair_key) - 1, *given)

    def _renew_pairs(self) -> None:
        """Begin the table of pairs anew, larger where it is full of arcs and not of what went."""
        arrays = self.arrays
        held = sum(arrays.row_len[: len(self.assets)])
        arrays.clear_pairs(held + held // 4 + 8)
        self._pairs_used = 0
        mask = len(arrays.pair_key) - 1
        for token in range(len(self.assets)):
            for arc in self._row(token):
                if arrays.arc_from[arc] == token:
                    self._pairs_used += put_arc(token, arrays.arc_to[arc], arc, arrays.pair_key, arrays.pair_arc, mask)
