"""Which pools take part: those whose swap costs more than it brings are left out, and the rest is solved again."""

from array import array

from attrs import frozen

from tidemill_search_cycles.netting.net import Net

_TRIES = 32
"""So many solutions are tried without some of the pools."""


@frozen
class Solved:
    """Prices found: what the open directions gain at most, before costs, and whether all flows cancel."""

    bound: float
    settled: bool


def solve(net: Net, source: float, work: "array[int]") -> Solved:
    """Solve once, and once more without the smaller side of every pool that is used both ways or for several pairs."""
    settled = net.solve(source, work)
    bound = net.bound()
    doubled = _doubled(net)
    if doubled:
        for way in doubled:
            net.shut(way)
        settled = net.solve(source, work)
    return Solved(bound, settled)


def leave_out(net: Net, source: float, per_swap: float, work: "array[int]") -> None:
    """Shut directions until none is found whose swap costs more than it brings.

    What a pool gains at the prices is the least that the trade loses without it, so that only those which gain less than they cost are
    tried: half of them at once, the least used first, and one by one in the end.
    """
    worth = _worth(net, per_swap)
    kept: set[int] = set()
    size = 0
    for _ in range(_TRIES):
        doubtful = [way for way in _used(net) if way not in kept and net.surplus(way) < per_swap]
        if not doubtful or work[0] < 0:
            return
        doubtful.sort(key=lambda way: (net.turnover(way), way))
        size = max(1, min(size or (len(doubtful) + 1) // 2, len(doubtful)))
        tried = doubtful[:size]
        before = array("d", net.price)
        for way in tried:
            net.shut(way)
        net.solve(source, work)
        now = _worth(net, per_swap)
        if now > worth and work[0] >= 0:
            worth = now
            continue
        for way in tried:
            net.reopen(way)
        net.price[:] = before
        net.solve(source, work)
        if size == 1:
            kept.add(tried[0])
        size = (size + 1) // 2


def _used(net: Net) -> list[int]:
    return [way for way, _ in net.plan() if way < len(net.directions)]


def _worth(net: Net, per_swap: float) -> float:
    return net.gain - per_swap * len(_used(net))


def _doubled(net: Net) -> list[int]:
    """Return the directions in use of pools that have one which gains more."""
    best: dict[str, int] = {}
    for way in _used(net):
        pool = net.directions[way].pool.id
        if pool not in best or net.surplus(way) > net.surplus(best[pool]):
            best[pool] = way
    return [way for way in _used(net) if best[net.directions[way].pool.id] != way]
