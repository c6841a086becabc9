"""``compound`` on the simulated market: a trade of ten and more swaps books what was predicted, whichever kernels searched for it."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Ended, run_fresh
from tidemill.domain.events import OutcomeSeen, PluginState
from tidemill.domain.outcome import OutcomeStatus
from tidemill.tape.reader import TapeReader

QUIET = """\
seed = 4
speed = "max"
[chains.sim]
tokens = 24
pools = 100
warmup_blocks = 200
retail_per_block = 2
badly_routed_ppm = 600_000
informed_hub_ppm = 0
informed_tail_ppm = 0
makers_ppm = 0
competitor_share_ppm = 0
[prices.sim]
tokens = 24
[lenders.sim]
[dex.uniswap]
[dex.sushiswap]
[dex.quickswap]
[dex.pancakeswap]
[search.cycles]
[strategies.compound]
min_hops = 10
min_profit_bps = 0
[risk.limits]
[stores.sqlite]
[books.main]
base = "USDC"
[books.main.capital]
USDC = 50_000
WETH = 20
ETH = 10
"""
"""Traders left gaps before block 0, and few move a pool afterwards: then what was seen is what is met."""
BLOCKS = "8"
LONG = 10
WITHOUT = "import sys\nsys.modules['numba'] = None\n"
BEFORE = "from tidemill_search_cycles import compiled\ncompiled.warm()\nassert compiled.kernels().compiled\n"
MIDDLE = """
import time
from tidemill_search_cycles import Cycles, compiled
update, warm, seen = Cycles.update, Cycles.warm, []
def until(true):
    end = time.monotonic() + 60
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
def updates(self, snapshot):
    if len(seen) == 4:
        until(lambda: compiled.kernels().compiled)
    seen.append(compiled.kernels().compiled)
    if len(seen) == 5:
        print(*seen, file=open("seen", "w"))
    return update(self, snapshot)
def warms(self):
    until(lambda: len(seen) == 4)
    return warm(self)
Cycles.update, Cycles.warm = updates, warms
"""
"""Plain kernels see four updates, compiled ones the rest, however fast the machine is."""
needs_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed: there is one way to run")
Play = Callable[..., Path]


@pytest.fixture(scope="module")
def play(kept_kernels: object, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Run the quiet market by the installed command and return its folder; ``first`` is what Python runs before anything else."""
    folders: dict[str, Path] = {}

    def run(name: str, *options: str, first: str = "", **env: str) -> Path:
        if name not in folders:
            folder = folders[name] = tmp_path_factory.mktemp(name)
            (folder / "site").mkdir()
            (folder / "site" / "sitecustomize.py").write_text(first)
            (folder / "quiet.toml").write_text(QUIET)
            command = ("run", "--config", "quiet.toml", "--blocks", BLOCKS, "--json", "--record", "run.tape", "--data", "data", *options)
            done = run_fresh(*command, cwd=folder, env={"PYTHONPATH": str(folder / "site"), "TIDEMILL__EXECUTION__WARM": "true", **env})
            assert (0, "") == (done.code, done.err)
            (folder / "run.jsonl").write_text(done.out)
        return folders[name]

    return run


@pytest.fixture(scope="module")
def plain(play: Play) -> Path:
    """The run where numba cannot be imported."""
    return play("plain", first=WITHOUT, PYTHONHASHSEED="1")


def printed(folder: Path) -> list[dict[str, Any]]:
    return Ended(0, (folder / "run.jsonl").read_text("utf-8"), "").lines


def warmed(folder: Path) -> list[str]:
    """What the tape says became of the warming."""
    return [
        event.reason for record in TapeReader(folder / "run.tape").records() if record.batch.is_aside
        for event in record.batch.events if isinstance(event, PluginState)
    ]  # fmt: skip


def ledger(folder: Path) -> list[dict[str, Any]]:
    return run_fresh("ledger", "export", "--data", "data", cwd=folder).lines


def test_trade_of_ten_swaps_books_what_was_predicted(plain: Path) -> None:
    """Opportunity, outcome on the tape and entries of the ledger agree to the unit, for a flow of ten and more swaps."""
    rows = ledger(plain)
    taken = {row["plan"]: row for row in rows if row["row"] == "opportunity" and row["plan"]}
    flows = {row["plan"]: json.loads(row["flow"]) for row in rows if row["row"] == "intent" and row["state"] == "planned"}
    seen = {
        event.plan: event.outcome for record in TapeReader(plain / "run.tape").records() for event in record.batch.events
        if isinstance(event, OutcomeSeen) and event.outcome.status is OutcomeStatus.FILLED
    }  # fmt: skip
    exact = []
    for plan, outcome in seen.items():
        gains = {str(asset): change for asset, change in outcome.changes}
        entries = [row for row in rows if row["row"] == "entry" and row["ref"] == plan]
        postings = [posting for row in entries for posting in row["postings"] if posting["account"] == "wallet"]
        booked = {posting["asset"]: int(posting["amount"]) for posting in postings}
        assert len(postings) == len(booked)
        (cost,) = {row["cost"] for row in rows if row["row"] == "result" and row["plan"] == plan}
        assert {**gains, "sim:1/slip44:60": -int(cost)} == booked
        if len(flows[plan]["swaps"]) >= LONG and {taken[plan]["asset"]: int(taken[plan]["profit"])} == gains:
            exact.append(plan)

    assert exact, f"no flow of {LONG} swaps of {len(seen)} that filled left what was predicted: pools of every one of them were moved"
    assert all("compound" == taken[plan]["strategy"] and int(taken[plan]["profit"]) > 0 for plan in exact)
    assert 0 == run_fresh("ledger", "verify", "--data", "data", cwd=plain).code


def test_run_without_numba_says_so_once(plain: Path) -> None:
    """It runs its plain kernels, and tells once what would make it faster."""
    (sentence,) = warmed(plain)

    assert "numba is not installed" in sentence
    assert [f"search.cycles: {sentence}"] == [line["text"] for line in printed(plain) if line["event"] == "warmed"]


@needs_numba
def test_r4_compiled_kernels_come_to_the_same_ledger(plain: Path, play: Play) -> None:
    """R4: compiled before the first batch, under another hash seed: the same hash, summary and tape but for what is said of the kernels."""
    compiled = play("compiled", first=BEFORE, PYTHONHASHSEED="2")

    assert printed(plain)[-1] == printed(compiled)[-1]
    tapes = ([one for one in TapeReader(folder / "run.tape").records() if not one.batch.is_aside] for folder in (plain, compiled))
    assert next(tapes) == next(tapes)


@needs_numba
def test_r4_kernels_that_change_in_the_middle_come_to_the_same_ledger(plain: Path, play: Play) -> None:
    """R4: warmed beside the run: recorded once, and hash and summary are those of a run without; so are a replay's."""
    assert 0 == run_fresh("warmup", cwd=plain).code
    switched = play("switched", first=MIDDLE, PYTHONHASHSEED="3")
    again = run_fresh("replay", "run.tape", "--json", cwd=switched)

    assert "False False False False True" == (switched / "seen").read_text().strip()
    assert ["loaded from"] == [sentence[len("the search kernels were ") :][: len("loaded from")] for sentence in warmed(switched)]
    assert printed(plain)[-1] == printed(switched)[-1] == again.summary
