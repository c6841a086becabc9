"""Pools that lie, raise or vanish, and questions without an answer: each gives something defined, and the next question is answered."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

import tidemill as tm
from tidemill.domain.answers import NoCurve, NoQuote, NoQuoteReason
from tidemill.domain.ids import AssetId, PoolId, pool_id
from tidemill.domain.pool import Curve, Pool, Quote, Segment, Swapped
from tidemill.domain.search import Candidate, CycleQuery
from tidemill.domain.time import ChainTime
from tidemill.errors import PluginContractError, UsageError
from tidemill_search_cycles import Cycles, CyclesSettings
from tidemill_testing.market import SIM, pair_pool, snapshot_of, token
from tidemill_testing.sim import Run, run_plugins

Route = tuple[tuple[PoolId, AssetId, AssetId], ...]
Check = Callable[..., dict[Route, Candidate]]

A, B, C, D = (token(name) for name in "ABCD")
E20 = 10**20
QUERY = CycleQuery(SIM, (A,), 2, 4)
LIAR = pool_id(SIM, "lying", "0x" + "1" * 40)
NAN, INF = float("nan"), float("inf")


def sound() -> list[Pool]:
    """One cycle that gains."""
    return [pair_pool("one", {A: E20, B: E20}), pair_pool("two", {A: E20 * 12 // 10, B: E20})]


@frozen
class Lying:
    """A pool of A and B that gives a value where a sound one gives a whole number of base units."""

    value: Any
    place: str
    fee_ppm: int | None = None
    id: PoolId = LIAR
    assets: tuple[AssetId, ...] = (min(A, B), max(A, B))

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return dict.fromkeys(self.assets, E20)

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        return self.value if self.place == "quote" else 0

    def quote_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return Quote(self.id, sell, buy, amount, self.amount_out(sell, buy, amount, at))

    def quote_exact_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Quote | NoQuote:
        return NoQuote(NoQuoteReason.LIQUIDITY)

    def swap_exact_in(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> Swapped | NoQuote:
        return NoQuote(NoQuoteReason.LIQUIDITY)

    def segments(self, sell: AssetId, buy: AssetId, at: ChainTime, max_in: int) -> Curve | NoCurve:
        if self.place == "quote":
            return NoCurve("ask it")
        numbers = {"in_from": 0, "in_to": E20, "a": 997 * E20, "b": 1_000 * E20, "c": 997}
        slack = self.value if self.place == "slack" else 1
        return Curve((Segment(**{**numbers, self.place: self.value} if self.place != "slack" else numbers),), slack)


PLACES = ("a", "b", "c", "in_to", "slack", "quote")


@pytest.mark.parametrize("value", [0, -1, -(1 << 300), 1 << 300])
@pytest.mark.parametrize("place", PLACES)
def test_find_beside_a_pool_with_impossible_whole_numbers_finds_the_sound_cycle(place: str, value: int, checked: Check) -> None:
    """Nothing, less than nothing or more than a chain can count, in any part of a curve or quote, closes that pool at most."""
    pools: list[Pool] = [*sound(), Lying(value, place)]
    searcher = Cycles()
    searcher.update(snapshot_of(sound()))
    want = list(searcher.find(QUERY))
    searcher.update(beside(pools))
    found = [one for one in searcher.find(QUERY) if all(leg.pool != pools[2].id for leg in one.legs)]

    assert want
    assert [(one.legs, one.amounts) for one in want] == [(one.legs, one.amounts) for one in found]
    assert all(max(one.amounts) < 1 << 256 for one in searcher.find(QUERY))


@pytest.mark.parametrize("value", [NAN, INF, -INF, 1.5, "1", None])
@pytest.mark.parametrize("place", PLACES)
def test_update_with_a_pool_that_gives_no_whole_numbers_names_its_dex(place: str, value: object) -> None:
    """NaN, infinities, fractions, texts: the error names the DEX, not the search, and what was given; without the pool all goes on."""
    searcher = Cycles()
    with pytest.raises(PluginContractError) as caught:
        searcher.update(beside([*sound(), Lying(value, place)]))
    assert "dex.lying" == caught.value.plugin
    assert repr(value) in str(caught.value)

    searcher.update(snapshot_of(sound()))
    assert 1 == len(list(searcher.find(QUERY)))


def beside(pools: list[Pool]) -> tm.Snapshot:
    """Return a snapshot whose price tree was grown from the first two pools alone: the kernel would ask the others too."""
    trusted = snapshot_of(pools[:2])
    every = {pool.id: pool for pool in pools}
    return evolve(trusted, pools=every, changed=evolve(trusted.changed, pools=tuple(sorted(every))))


class Moody:
    """A pair that raises when it is asked for an amount, as long as it is told to."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self.sick = pool, True
        self.id, self.assets, self.fee_ppm = pool.id, pool.assets, None
        self.quote_exact_in, self.quote_exact_out, self.swap_exact_in = pool.quote_exact_in, pool.quote_exact_out, pool.swap_exact_in
        self.segments = pool.segments

    @property
    def holdings(self) -> Mapping[AssetId, int]:
        return self._pool.holdings

    def amount_out(self, sell: AssetId, buy: AssetId, amount: int, at: ChainTime) -> int:
        if self.sick:
            raise OSError("the node is gone")
        return self._pool.amount_out(sell, buy, amount, at)


def test_find_with_a_pool_that_raises_passes_it_on_and_answers_the_next_time() -> None:
    """What a pool raises while amounts are verified is its own; the graph is whole, and with the pool well again all is found."""
    moody = Moody(sound()[0])
    pools: list[Pool] = [sound()[1], moody]
    searcher, fresh = Cycles(), Cycles()
    searcher.update(beside(pools))
    find: Callable[[], object] = lambda: list(searcher.find(QUERY))  # noqa: E731
    for ask in (find, find, lambda: searcher.net(QUERY)):
        with pytest.raises(OSError, match="the node is gone"):
            ask()
    moody.sick = False
    fresh.update(snapshot_of(sound()))

    assert [one.amounts for one in fresh.find(QUERY)] == [one.amounts for one in searcher.find(QUERY)] != []


@pytest.mark.parametrize("low", [2, 5])
def test_find_where_no_path_leads_back_gives_nothing(low: int) -> None:
    """Tokens of one pool, chains without a way back and parts that nothing joins have no cycles, and that is proven."""
    chain = [pair_pool(f"{one}{other}", {token(one): E20, token(other): E20 * 2}) for one, other in ("AB", "BC", "CD")]
    apart = [pair_pool("x", {token("X"): E20, token("Y"): E20 * 2}), pair_pool("y", {token("X"): E20 * 3, token("Y"): E20})]
    searcher = Cycles()
    searcher.update(snapshot_of([*chain, *apart]))
    for start in (A, D, token("nobody")):
        asked = CycleQuery(SIM, (start,), low, 12)
        assert [] == list(searcher.find(asked)) == list(searcher.find(evolve(asked, changed_only=True)))
        assert searcher.net(asked) is None
    assert {token("X"), token("Y")} >= {one.asset for one in searcher.find(CycleQuery(SIM, (), 2, 4))} != set()


def test_find_on_a_graph_of_one_token_gives_nothing() -> None:
    """No pools, and a pool that trades a token for itself, are no market."""
    lonely = Lying(0, "a", assets=(A, A))
    for pools in ([], [lonely]):
        searcher = Cycles()
        searcher.update(
            evolve(snapshot_of([]), pools={pool.id: pool for pool in pools}, changed=evolve(snapshot_of([]).changed, pools=(lonely.id,)))
        )
        for starts in ((), (A,)):
            assert [] == list(searcher.find(CycleQuery(SIM, starts, 2, 12)))
        assert searcher.net(CycleQuery(SIM, (A,), 2, 12)) is None


@pytest.mark.parametrize("name", ["work", "beam_width"])
@pytest.mark.parametrize("value", [0, -1])
def test_settings_without_effort_or_width_are_refused(name: str, value: int) -> None:
    """No effort and no width would find nothing for ever: who writes so is told."""
    settings: Any = CyclesSettings
    with pytest.raises(ValueError, match=name):
        settings(**{name: value})


def test_find_with_the_least_effort_proves_nothing_and_harms_nothing() -> None:
    """One unit of work may find something or nothing, none of it called exact; the next query is answered in full."""
    searcher = Cycles()
    searcher.update(snapshot_of(sound()))
    for high in (4, 12):
        asked = CycleQuery(SIM, (A,), 2, high)
        assert not any(one.exact for one in searcher.find(evolve(asked, work=1)))
        searcher.net(evolve(asked, work=1))
        assert 1 == len(list(searcher.find(asked)))


@pytest.mark.parametrize("only", [False, True])
@pytest.mark.parametrize("starts", [(), (A,)])
@pytest.mark.parametrize("hops", [(4, 3), (3, 2), (12, 5), (13, 20), (2, 1), (2, 0)])
def test_find_of_hops_that_cannot_be_gives_nothing(hops: tuple[int, int], starts: tuple[AssetId, ...], only: bool) -> None:
    """More at least than at most, fewer than two and more than twelve: no cycle, no trade, no error."""
    searcher = Cycles()
    searcher.update(snapshot_of(sound()))
    asked = CycleQuery(SIM, starts, *hops, changed_only=only)

    assert [] == list(searcher.find(asked))
    assert searcher.net(asked) is None


def test_find_where_pools_vanish_while_cycles_are_taken_gives_those_of_its_own_snapshot() -> None:
    """An answer that is taken one by one stays that of the snapshot that was asked, whatever the searcher is shown in between."""
    twins: list[Pool] = [pair_pool(f"{place}", {A: E20 * (10 + place) // 10, B: E20}) for place in range(6)]
    searcher, other = Cycles(), Cycles()
    searcher.update(snapshot_of(twins))
    other.update(snapshot_of(twins))
    asked: Iterator[Candidate] = iter(searcher.find(QUERY))
    taken = [next(asked)]
    searcher.update(snapshot_of(sound(), changed=[pool.id for pool in (*twins, *sound())]))
    taken += asked

    assert [(one.legs, one.amounts) for one in other.find(QUERY)] == [(one.legs, one.amounts) for one in taken]
    assert 1 == len(list(searcher.find(QUERY)))


def test_scan_with_impossible_bounds_says_what_is_wrong(tmp_path: Path) -> None:
    """From Python as from the command line: hops in the wrong order, too many, and a top of none are refused in a sentence."""
    pytest.importorskip("tidemill_dex_uniswap", reason="its pairs make the tape")
    market = tape_of_two(tmp_path)
    for arguments, said in (
        ((range(5, 3),), "hops must be 2 or more"),
        ((1,), "hops must be 2 or more"),
        ((2, 1, 0), "least profit and top 1 or more"),
        ((range(2, 14),), "the searcher that is enabled knows those of up to 12"),
    ):
        with pytest.raises(UsageError, match=said):
            market.scan("0x" + "a" * 40, *arguments)
    assert 1 == len(market.scan("0x" + "a" * 40, 2))


def tape_of_two(folder: Path) -> Any:
    """Return the market of a tape with two pairs whose prices are apart."""
    sides = [{"address": "0x" + letter * 40, "symbol": letter.upper(), "decimal": 18} for letter in "ab"]
    rows = [
        {"index": place, "address": f"0x{place + 1:040x}", "token0": sides[0], "token1": sides[1], "reserve0": held, "reserve1": E20}
        for place, held in enumerate((E20, E20 * 12 // 10))
    ]
    (folder / "pairs.json").write_text(json.dumps(rows), "utf-8")
    tm.import_tape("uniswap-v2-pairs", folder / "pairs.json", folder / "pairs.tape")
    return tm.open_tape(folder / "pairs.tape").market_at()


SICK = """
def segments(self, sell, buy, at, max_in):
    if self.id[-1] == "3":
        {what}
    return plain(self, sell, buy, at, max_in)
"""
"""The method of a DEX whose pools with an address that ends in 3 are sick: its code counts as the DEX's own."""


def run_with(what: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    quoting = pytest.importorskip("tidemill_dex_uniswap.quoting", reason="the simulated market trades on its pools")
    strategy = pytest.importorskip("tidemill_strategy_triangular", reason="somebody must ask for cycles")
    names: dict[str, Any] = {
        "__name__": "tidemill_dex_uniswap.quoting",
        "plain": quoting.V2Pool.segments,
        "Curve": Curve,
        "Segment": Segment,
    }
    # Whose code it is is told by the names it runs under
    exec(SICK.format(what=what), names)
    monkeypatch.setattr(quoting.V2Pool, "segments", names["segments"])
    return run_plugins({strategy.Triangular: None}, blocks=14, seed=7)


def told(run: Run) -> str:
    return "\n".join(str(note) for note in run.notes)


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')", "1.5"])
def test_run_with_a_dex_that_gives_no_whole_numbers_tells_of_the_dex_and_goes_on(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks are played; the DEX is named, with what it gave, and the search is never blamed."""
    run = run_with(f"return Curve((Segment(0, 1 << 100, {value}, 1, 1),), 1)", monkeypatch)

    assert 14 == run.summary.blocks
    assert run.summary.plans > 0
    assert re.search(r"dex\.\w+ failed \(1 in a row\): .* gave (nan|inf|1\.5): expected an int", told(run))
    assert "search.cycles failed" not in told(run)


def test_run_with_pools_below_nothing_trades_on_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A curve below zero closes its pool; the run trades on."""
    run = run_with("return Curve((Segment(0, 1 << 100, -5, 1, 1),), 1)", monkeypatch)

    assert 14 == run.summary.blocks
    assert run.summary.fills > 0
    assert "failed" not in told(run)


def test_run_with_a_pool_that_raises_tells_of_the_dex_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pool raises while the graph is built is told of its DEX, which is disabled in the end; all blocks are played."""
    run = run_with("raise ZeroDivisionError('division by zero')", monkeypatch)

    assert 14 == run.summary.blocks
    assert "dex.uniswap failed (1 in a row): ZeroDivisionError: division by zero" in told(run)
    assert "search.cycles failed" not in told(run)
