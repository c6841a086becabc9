"""Paper trading over imported snapshots: a mispricing is taken once, however long it stands still."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.commands import Ended, Forks, Tidemill
from tidemill.domain.events import Batch, Head, States
from tidemill.tape.reader import TapeReader
from tidemill.tape.writer import TapeWriter

HEADS = 100
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


def test_tape_takes_each_mispricing_once(once: Ended, folder: Path, tidemill: Tidemill) -> None:
    """No route is filled twice on one state, and what is left of the market after all fills has nothing above the minimum."""
    rows = tidemill("ledger", "export", "--data", str(folder / "once")).lines
    taken = [row["id"] for row in rows if row.get("decision") == "taken"]

    assert len(taken) == len(set(taken)) == once.summary["plans"]


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
    """A part of the recorded pairs, those with the most WETH, is traded in one block; what was taken is gone for a second look."""
    with gzip.open(recorded("dex/uniswap_v2_pairs_reserves_2020-10.json.gz")) as file:
        rows = json.load(file)
    deep = sorted((row for row in rows if "WETH" in (row["token0"]["symbol"], row["token1"]["symbol"])), key=_weth, reverse=True)[:400]
    chosen = {row["address"] for row in deep} | {row["address"] for row in rows if _is_between(row, deep)}
    (tmp_path / "pairs.json").write_text(json.dumps([row for row in rows if row["address"] in chosen]))
    assert 0 == forks.run("tape", "import", "uniswap-v2-pairs", "pairs.json", "--out", "deep.tape", cwd=tmp_path).code
    one, other = (traded(forks, tmp_path, "deep.tape", name) for name in ("one", "two"))

    assert (0, 1) == (one.code, one.summary["blocks"])
    assert one.summary["fills"] > 0
    assert one.summary == other.summary


def _weth(row: dict[str, Any]) -> int:
    return int(row["reserve0"] if row["token0"]["symbol"] == "WETH" else row["reserve1"])


def _is_between(row: dict[str, Any], deep: list[dict[str, Any]]) -> bool:
    known = {one[side]["address"] for one in deep for side in ("token0", "token1")}
    return row["token0"]["address"] in known and row["token1"]["address"] in known
