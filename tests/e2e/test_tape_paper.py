"""Paper trading over imported snapshots: a mispricing is taken once, however long it stands still."""

import gzip
import json
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.commands import Ended, Forks, Tidemill
from tidemill.domain.events import Batch, Head, States
from tidemill.tape.reader import TapeReader
from tidemill.tape.writer import TapeWriter

HEADS = 100
WETH = "eip155:1/erc20:0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
MINIMUM = 10**15
"""The least net profit of the default configuration, 0.001 WETH."""
FIGURES = ("plans", "fills", "reverts", "pnl", "cost")
Recorded = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, forks: Forks, pair_list: Path) -> Path:
    """A folder with the tape of five pairs, and the same snapshot as a hundred heads."""
    place = tmp_path_factory.mktemp("paper")
    assert 0 == forks.run("tape", "import", "uniswap-v2-pairs", str(pair_list), "--out", "once.tape", cwd=place).code
    reader = TapeReader(place / "once.tape")
    with TapeWriter(place / "frozen.tape", reader.header) as tape:
        for batch in repeated(reader):
            tape.write(batch)
    return place


def repeated(reader: TapeReader) -> Iterator[Batch]:
    """Yield a tape's one block again and again: the same states, one height and twelve seconds later each time."""
    (record,) = reader.records()
    first = record.batch
    for place in range(HEADS):
        events = tuple(_later(event, place) for event in first.events if place == 0 or isinstance(event, Head | States))
        yield attrs.evolve(first, seq=place + 1, height=first.height + place, local_ns=first.local_ns + place * 12 * 10**9, events=events)


def _later(event: Any, blocks: int) -> Any:
    if not isinstance(event, Head):
        return event
    return attrs.evolve(event, height=event.height + blocks, unix_time=event.unix_time + 12 * blocks)


def traded(forks: Forks, folder: Path, tape: str, data: str) -> Ended:
    """Trade a tape on paper."""
    return forks.run("run", "--tape", tape, "--json", "--data", data, cwd=folder)


@pytest.fixture(scope="module")
def once(forks: Forks, folder: Path) -> Ended:
    """The run over the one block."""
    return traded(forks, folder, "once.tape", "once")


def test_tape_of_one_block_ends_by_itself_with_everything_taken(once: Ended, folder: Path, tidemill: Tidemill) -> None:
    """One block, several fills that all gain, nothing reverts and nothing is left in flight."""
    summary = once.summary

    assert (0, 1, 0) == (once.code, summary["blocks"], summary["reverts"])
    assert summary["fills"] == summary["plans"] > 1
    assert all(int(amount) > 0 for amount in summary["pnl"].values())
    assert 0 == tidemill("ledger", "verify", "--data", str(folder / "once")).code


def test_tape_of_one_block_twice_has_one_hash(once: Ended, forks: Forks, folder: Path) -> None:
    """R4: the same tape, the same ledger."""
    again = traded(forks, folder, "once.tape", "again")

    assert once.summary == again.summary


def test_tape_takes_each_mispricing_once(once: Ended, folder: Path, pair_list: Path, tidemill: Tidemill) -> None:
    """Plan after plan moves the pairs by the contract's own arithmetic; every gain is exact, and what is left pays no transaction."""
    rows = tidemill("ledger", "export", "--data", str(folder / "once")).lines
    flows = [json.loads(row["flow"]) for row in rows if row["row"] == "intent" and row["state"] == "planned"]
    gains = [dict(row["changes"])[WETH] for row in rows if row["row"] == "result"]
    market = Pairs(json.loads(pair_list.read_text()))

    assert gains == [str(market.follow(flow)) for flow in flows]
    assert once.summary["pnl"] == {WETH: str(sum(map(int, gains)))}
    assert market.best() < MINIMUM + int(once.summary["cost"]["eip155:1/slip44:60"]) // len(flows)


class Pairs:
    """The pairs as plain numbers, moved by the formula of UniswapV2Library.getAmountOut (v2-periphery 1.1.0)."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.held = {
            f"eip155:1/uniswap:{row['address']}": {f"eip155:1/erc20:{row[f'token{n}']['address']}": int(row[f"reserve{n}"]) for n in (0, 1)}
            for row in rows
        }

    def out(self, pool: str, sell: str, amount: int) -> tuple[str, int]:
        """Return what a pair pays for an amount, and in which asset."""
        (buy,) = (asset for asset in self.held[pool] if asset != sell)
        net = amount * 997
        return buy, net * self.held[pool][buy] // (self.held[pool][sell] * 1000 + net)

    def follow(self, flow: dict[str, Any]) -> int:
        """Carry out a flow of own funds and return its gain."""
        ((_, funds),) = flow["funds"]
        amount = funds
        for swap in flow["swaps"]:
            buy, paid = self.out(swap["pool"], swap["sell"], amount)
            self.held[swap["pool"]][swap["sell"]] += amount
            self.held[swap["pool"]][buy] -= paid
            amount = paid
        return int(amount - funds)

    def best(self) -> int:
        """Return the best gain of any cycle of two or three pairs from WETH, over amounts from 0.01 WETH that double."""
        return max(
            self._gain(pools, 10**16 << power) for count in (2, 3) for pools in permutations(self.held, count) for power in range(15)
        )

    def _gain(self, pools: tuple[str, ...], amount: int) -> int:
        asset, held = WETH, amount
        for pool in pools:
            if asset not in self.held[pool]:
                return 0
            asset, held = self.out(pool, asset, held)
        return held - amount if asset == WETH else 0


def test_r12_snapshot_repeated_as_a_hundred_heads_earns_the_same(once: Ended, forks: Forks, folder: Path) -> None:
    """R12: a mispricing that stands frozen for a hundred blocks is earned once, to the unit."""
    frozen = traded(forks, folder, "frozen.tape", "frozen")

    assert (0, HEADS) == (frozen.code, frozen.summary["blocks"])
    assert {key: once.summary[key] for key in FIGURES} == {key: frozen.summary[key] for key in FIGURES}


def test_tape_in_a_hundred_heads_ends_after_so_many_blocks(forks: Forks, folder: Path) -> None:
    """`--blocks` ends a tape's run as it ends any other."""
    done = forks.run("run", "--tape", "frozen.tape", "--blocks", "3", "--json", "--data", "three", cwd=folder)

    assert (0, 3) == (done.code, done.summary["blocks"])


def test_recorded_pairs_are_traded_to_their_end(recorded: Recorded, forks: Forks, tmp_path: Path) -> None:
    """The recorded pairs with the most WETH, and those between their tokens, are traded in one block: all that fills gains."""
    with gzip.open(recorded("dex/uniswap_v2_pairs_reserves_2020-10.json.gz")) as file:
        rows = json.load(file)
    deep = sorted((row for row in rows if "WETH" in (row["token0"]["symbol"], row["token1"]["symbol"])), key=_weth, reverse=True)[:120]
    known = {row[side]["address"] for row in deep for side in ("token0", "token1")}
    chosen = [row for row in rows if row["token0"]["address"] in known and row["token1"]["address"] in known]
    (tmp_path / "pairs.json").write_text(json.dumps(chosen))
    assert 0 == forks.run("tape", "import", "uniswap-v2-pairs", "pairs.json", "--out", "deep.tape", cwd=tmp_path).code
    done = traded(forks, tmp_path, "deep.tape", "one")

    assert (0, 1, 0) == (done.code, done.summary["blocks"], done.summary["reverts"])
    assert done.summary["fills"] > 0
    assert 0 == forks.run("ledger", "verify", "--data", "one", cwd=tmp_path).code


@pytest.mark.heavy
def test_r12_all_recorded_pairs_as_a_hundred_heads_earn_the_same(recorded: Recorded, forks: Forks, tmp_path: Path) -> None:
    """R12: ten thousand pairs, each mispricing once; twice the same hash; the same profit when they stand still for a hundred blocks."""
    source = recorded("dex/uniswap_v2_pairs_reserves_2020-10.json.gz")
    assert 0 == forks.run("tape", "import", "uniswap-v2-pairs", str(source), "--out", "once.tape", cwd=tmp_path).code
    reader = TapeReader(tmp_path / "once.tape")
    with TapeWriter(tmp_path / "frozen.tape", reader.header) as tape:
        for batch in repeated(reader):
            tape.write(batch)
    one, two, frozen = (traded(forks, tmp_path, f"{name}.tape", data) for name, data in (("once", "1"), ("once", "2"), ("frozen", "3")))

    assert (1, HEADS) == (one.summary["blocks"], frozen.summary["blocks"])
    assert one.summary["ledger_hash"] == two.summary["ledger_hash"]
    assert {key: one.summary[key] for key in FIGURES} == {key: frozen.summary[key] for key in FIGURES}


def _weth(row: dict[str, Any]) -> int:
    return int(row["reserve0"] if row["token0"]["symbol"] == "WETH" else row["reserve1"])
