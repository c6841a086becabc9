"""A netted trade of fourteen swaps in a whole run over a frozen market: proposed, planned, filled on paper, booked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import tidemill as tm
from tidemill import Leg, Snapshot
from tidemill.config.load import default_config
from tidemill.domain.pool import Pool
from tidemill.domain.records import IntentRow, OpportunityRow, ResultRow
from tidemill_strategy_compound import Compound
from tidemill_testing.sim import Run, run_plugins

WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
ETHER, DEPTH = 10**18, 100_000 * 10**18
HOPS = 12


def pair(number: int, sell: str, buy: str, edge_bps: int) -> dict[str, Any]:
    """Give a pair that gains so many bps, after its fee, for whoever sells ``sell`` for ``buy``."""
    held = {sell: DEPTH, buy: DEPTH * (10_000 + edge_bps) * 100 // 997_000}
    (one, reserve), (other, reserve_other) = sorted(held.items())
    tokens = [{"address": address, "symbol": address[-4:].upper(), "decimal": 18} for address in (one, other)]
    return {
        "index": number, "address": f"0x{number:040x}", "token0": tokens[0], "token1": tokens[1],
        "reserve0": reserve, "reserve1": reserve_other,
    }  # fmt: skip


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """A ring of twelve pools that gain 20 bps each, and two more on its first pair that gain 50 bps each."""
    coins = [WETH, *(f"0x{number:040x}" for number in range(0xA1, 0xA1 + HOPS - 1))]
    ring = [pair(number, coins[number], coins[(number + 1) % HOPS], 20) for number in range(HOPS)]
    source, made = tmp_path / "pairs.json", tmp_path / "pairs.tape"
    source.write_text(json.dumps([*ring, pair(100, WETH, "0x" + "b" * 40, 50), pair(101, "0x" + "b" * 40, WETH, 50)]), "utf-8")
    tm.import_tape("uniswap-v2-pairs", source, made)
    return made


@pytest.fixture
def walking(netting: Any) -> Any:
    """A searcher that walks every route of distinct pools and coins from WETH, for markets of few."""

    class Walking(netting):  # type: ignore[misc]  # a fixture's class
        name = "walking"

        def __init__(self, settings: object | None = None) -> None:
            super().__init__()
            self.settings = settings

        def update(self, snapshot: Snapshot) -> None:
            super().update(snapshot)
            start = next((view.wrapped for view in snapshot.chains.values()), None)
            self.routes = tuple(_routes(start, list(snapshot.pools.values()), ())) if start is not None else ()

    return Walking


def _routes(start: Any, pools: list[Pool], legs: tuple[Leg, ...]) -> Iterator[tuple[Leg, ...]]:
    here = legs[-1].buy if legs else start
    for pool in sorted(pools, key=lambda one: one.id):
        used = any(leg.pool == pool.id for leg in legs)
        for there in pool.assets if here in pool.assets and not used else ():
            if there == start != here and len(legs) > 0:
                yield (*legs, Leg(pool.id, here, there))
            elif there != here and len(legs) < HOPS - 1 and all(leg.buy != there for leg in legs):
                yield from _routes(start, pools, (*legs, Leg(pool.id, here, there)))


def run(tape: Path, searcher: Any, weth: int) -> Run:
    usual = default_config("uniswap-v2-pairs", {})
    books = tuple(evolve(book, capital={"WETH": str(weth), "ETH": "10"}) for book in usual.books)
    tables = tuple(table for table in usual.tables if table.kind != "risk")
    return run_plugins(
        {Compound: {"min_profit_bps": 0, "pool_survival_ppm": 1_000_000}, searcher: None},
        tape=tape,
        blocks=0,
        config=evolve(usual, books=books, tables=tables),
    )


def filled(run: Run) -> list[tuple[OpportunityRow, IntentRow, ResultRow]]:
    taken = {row.plan: row for row in run.rows if isinstance(row, OpportunityRow) and row.plan is not None}
    planned = {row.plan: row for row in run.rows if isinstance(row, IntentRow) and row.state == "planned"}
    done = [row for row in run.rows if isinstance(row, ResultRow)]
    return [(taken[row.plan], planned[row.plan], row) for row in done if row.status == "filled"]


def test_netted_trade_of_fourteen_swaps_books_what_was_predicted(tape: Path, walking: Any) -> None:
    """With enough money the ledger's profit is the finder's, to the unit."""
    (opportunity, _, result), *more = filled(run(tape, walking, 1_000))

    assert "14 swaps netted from 2 cycles" == opportunity.reason
    assert 14 == len(opportunity.route)
    assert ((opportunity.asset, opportunity.profit),) == result.changes
    assert [] == more


def test_netted_trade_within_little_money_is_made_again_until_all_is_earned(tape: Path, walking: Any) -> None:
    """With less money than the trade wants, a part of it is traded, and the rest from what is there then."""
    (opportunity, intent, result), *more = filled(run(tape, walking, 60))
    swaps = json.loads(intent.flow)["swaps"]

    assert 14 == len(swaps) == len(opportunity.route)
    assert 60 * ETHER == dict(intent.reserved)[opportunity.asset] < opportunity.amount
    assert 0 < dict(result.changes)[opportunity.asset] < opportunity.profit
    assert more
