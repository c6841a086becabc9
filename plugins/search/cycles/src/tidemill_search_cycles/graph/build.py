"""The graph from a snapshot, and from one snapshot to the next."""

from collections.abc import Iterable

from tidemill.domain.ids import AssetId, ChainId, PoolId, chain_of
from tidemill.domain.pool import Pool
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill_search_cycles.graph.arrays import Arrays
from tidemill_search_cycles.graph.curves import Reading, Side, one_curve, read, scaled
from tidemill_search_cycles.graph.rows import Adjacency, Rows
from tidemill_search_cycles.graph.scale import shift_beside, shifts_from

FEW = 32
"""So many pools that come, go or change their assets are put in place; for more of them everything is laid out anew."""

Readings = dict[tuple[AssetId, AssetId], Reading | None]


class Graph:
    """The market of a snapshot in arrays. What it answers depends on the snapshot alone; token, arc and edge numbers on its history.

    ``pools`` holds the pools it was made from, ``numbers`` their numbers, ``tokens`` those of assets. ``unproven`` are pools whose rates
    rest on quotes that were tried.
    """

    def __init__(self) -> None:
        self.rows = Rows()
        self.pools: dict[PoolId, Pool] = {}
        self.numbers: dict[PoolId, int] = {}
        self.tokens: dict[AssetId, int] = {}
        self.unproven: set[PoolId] = set()
        self._free: list[int] = []
        self._timed: dict[PoolId, ChainTime] = {}
        self._sides: dict[PoolId, dict[tuple[AssetId, AssetId], Side]] = {}
        self._whole = True

    @property
    def arrays(self) -> Arrays:
        """The arrays; larger ones take their place when they grow."""
        return self.rows.arrays

    def take(self, snapshot: Snapshot) -> frozenset[PoolId]:
        """Take over what changed, what is new and what is gone, and return those pools, with those whose fee is another at another time.

        A snapshot that holds more or fewer pools than its changes explain is compared as a whole. Where a pool raised, the next one is
        taken from nothing: no half of an update stays.
        """
        if not self._whole:
            self._clear()
        pools, held = snapshot.pools, self.pools
        touched = set(snapshot.changed.pools) if held else set(pools)
        if len(held) - sum(1 for one in touched if one in held) != len(pools) - sum(1 for one in touched if one in pools):
            touched |= {one for one in pools if one not in held} | {one for one in held if one not in pools}
        self._whole = False
        self._apply(snapshot, touched)
        touched |= self._refresh(snapshot)
        self._whole = True
        return frozenset(touched)

    def side(self, pool: PoolId, sell: AssetId, buy: AssetId, at: ChainTime) -> Side:
        """Return one open direction of a pool, kept until the pool changes."""
        sides = self._sides.setdefault(pool, {})
        found = sides.get((sell, buy))
        if found is None:
            reading = read(self.pools[pool], sell, buy, at)
            if reading is None:
                reading = Reading((1, 1), (), None, False)
            found = sides[sell, buy] = Side(self.pools[pool], sell, buy, reading)
        return found

    def _clear(self) -> None:
        """Forget all pools; tokens keep their numbers."""
        for held in (self.pools, self.numbers, self._timed, self._sides):
            held.clear()
        self.unproven.clear()
        self._free.clear()
        self.rows.pool_ids.clear()
        self.rows.lay({})

    def _apply(self, snapshot: Snapshot, touched: Iterable[PoolId]) -> None:
        moved: list[Pool] = []
        gone: list[Pool] = []
        come: list[Pool] = []
        for identifier in sorted(touched):
            pool, held = snapshot.pools.get(identifier), self.pools.get(identifier)
            if pool is held:
                continue
            if pool is not None and held is not None and pool.assets == held.assets:
                moved.append(pool)
                continue
            if held is not None:
                gone.append(held)
            if pool is not None:
                come.append(pool)
        if len(gone) + len(come) > FEW or self.rows.sparse:
            self._lay(snapshot, gone, come)
        else:
            for pool in gone:
                self._drop(pool)
            for pool in come:
                self._put(pool, snapshot.at(chain_of(pool.id)))
        for pool in moved:
            self._put(pool, snapshot.at(chain_of(pool.id)))

    def _lay(self, snapshot: Snapshot, gone: Iterable[Pool], come: list[Pool]) -> None:
        """Lay everything out anew, without pools that are gone and with new ones."""
        adjacency = self.rows.export()
        for pool in gone:
            number = self.numbers[pool.id]
            for sell, buy in directions(pool):
                there, back = adjacency.get(self.tokens.get(sell, -1), {}), self.tokens.get(buy, -1)
                if back in there:
                    there[back] = [entry for entry in there[back] if entry.pool != number]
            self._forget(pool)
        times: dict[ChainId, ChainTime] = {}
        readings: list[tuple[Pool, Readings]] = []
        for pool in come:
            chain = chain_of(pool.id)
            at = times.get(chain) or times.setdefault(chain, snapshot.at(chain))
            readings.append((pool, self._read(pool, at)))
        self._name_tokens(readings)
        for pool, found in readings:
            number = self._number(pool.id)
            for (sell, buy), reading in found.items():
                if reading is not None:
                    self._adjoin(adjacency, number, sell, buy, reading)
        self.rows.lay(
            {one: {other: edges for other, edges in row.items() if edges or adjacency[other][one]} for one, row in adjacency.items()}
        )

    def _adjoin(self, adjacency: Adjacency, number: int, sell: AssetId, buy: AssetId, reading: Reading) -> None:
        one, other = self.tokens[sell], self.tokens[buy]
        shift = self.arrays.shift
        adjacency.setdefault(one, {}).setdefault(other, []).append(scaled(reading, number, shift[one], shift[other]))
        adjacency.setdefault(other, {}).setdefault(one, [])

    def _name_tokens(self, readings: list[tuple[Pool, Readings]]) -> None:
        known = {asset: self.arrays.shift[token] for asset, token in self.tokens.items()}
        for asset, shift in shifts_from(readings, known).items():
            self.tokens[asset] = self.rows.add_token(asset, shift)

    def _put(self, pool: Pool, at: ChainTime) -> None:
        """Add a pool, or read it again."""
        if self._renew(pool, at):
            return
        found = self._read(pool, at)
        number, rows, tokens = self._number(pool.id), self.rows, self.tokens
        for (sell, buy), reading in found.items():
            if reading is None:
                if sell in tokens and buy in tokens:
                    rows.drop(tokens[sell], tokens[buy], number)
                continue
            if sell not in tokens or buy not in tokens:
                self._beside(sell, buy, reading)
            one, other = tokens[sell], tokens[buy]
            shift = rows.arrays.shift
            rows.put(one, other, scaled(reading, number, shift[one], shift[other]))

    def _renew(self, pool: Pool, at: ChainTime) -> bool:
        """Read a pair again that was one curve each way and is; False where it takes more than that."""
        number, assets, tokens = self.numbers.get(pool.id), pool.assets, self.tokens
        if number is None or len(assets) != 2 or pool.fee_ppm is None or pool.id in self.unproven:
            return False
        one, other = tokens.get(assets[0], -1), tokens.get(assets[1], -1)
        if one < 0 or other < 0:
            return False
        first, second = self.arrays.shift[one], self.arrays.shift[other]
        there = one_curve(pool, assets[0], assets[1], at, first, second)
        back = one_curve(pool, assets[1], assets[0], at, second, first) if there is not None else None
        if there is None or back is None or not self.rows.renew(one, other, number, *there, *back):
            return False
        self.pools[pool.id] = pool
        self._sides.pop(pool.id, None)
        return True

    def _beside(self, sell: AssetId, buy: AssetId, reading: Reading) -> None:
        """Add what is new of two assets."""
        tokens, shift = self.tokens, self.arrays.shift
        if sell not in tokens:
            known = shift[tokens[buy]] if buy in tokens else None
            tokens[sell] = self.rows.add_token(sell, shift_beside(known, (reading.rate[1], reading.rate[0])))
        if buy not in tokens:
            tokens[buy] = self.rows.add_token(buy, shift_beside(self.arrays.shift[tokens[sell]], reading.rate))

    def _read(self, pool: Pool, at: ChainTime) -> Readings:
        found: Readings = {(sell, buy): read(pool, sell, buy, at) for sell, buy in directions(pool)}
        self.pools[pool.id] = pool
        self._sides.pop(pool.id, None)
        if all(reading is None or reading.proven for reading in found.values()):
            self.unproven.discard(pool.id)
        else:
            self.unproven.add(pool.id)
        if pool.fee_ppm is None:
            self._timed[pool.id] = at
        else:
            self._timed.pop(pool.id, None)
        return found

    def _drop(self, pool: Pool) -> None:
        number = self.numbers[pool.id]
        for sell, buy in directions(pool):
            if sell in self.tokens and buy in self.tokens:
                self.rows.drop(self.tokens[sell], self.tokens[buy], number)
        self._forget(pool)

    def _forget(self, pool: Pool) -> None:
        del self.pools[pool.id]
        self._free.append(self.numbers.pop(pool.id))
        self.unproven.discard(pool.id)
        self._timed.pop(pool.id, None)
        self._sides.pop(pool.id, None)

    def _number(self, pool: PoolId) -> int:
        number = self.numbers.get(pool)
        if number is None:
            ids = self.rows.pool_ids
            if self._free:
                number = self._free.pop()
                ids[number] = pool
            else:
                number = len(ids)
                ids.append(pool)
            self.numbers[pool] = number
        return number

    def _refresh(self, snapshot: Snapshot) -> set[PoolId]:
        """Read again the rates of pools whose fee varies with time; return those pools."""
        late = {identifier for identifier, read_at in self._timed.items() if snapshot.at(chain_of(identifier)) != read_at}
        for identifier in sorted(late):
            self._put(self.pools[identifier], snapshot.at(chain_of(identifier)))
        return late


def directions(pool: Pool) -> list[tuple[AssetId, AssetId]]:
    """Return the ordered pairs of different assets that a pool trades."""
    assets = pool.assets
    if len(assets) == 2:
        one, other = assets
        return [(one, other), (other, one)] if one != other else []
    return [(sell, buy) for sell in assets for buy in assets if sell != buy]
