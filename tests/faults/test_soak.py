"""Real money on the simulated chain over a longer time: same seed, same ledger, and nothing that grows."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import evolve

from tests.faults.soak import Soaked, forgotten, main, report, soak
from tests.faults.soak_memory import BLOCKS_AN_HOUR, WARM_UP_BLOCKS, Sample, slope, warm
from tests.faults.soak_script import parts
from tidemill.domain.ids import BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.records import IntentRow
from tidemill_store_sqlite import SqliteStore

HOURS, BLOCK_TIME_S, SEED = "0.4", 6, 1
GROWS = 2_500_000
"""So many bytes an hour grows what the samples below show."""


def intent_row(seq: int, plan: str, state: str) -> IntentRow:
    return IntentRow(seq, PlanId(plan), OpportunityId("o"), BookId("main"), "s", ChainId("sim:1"), 5, state, (), 0, "", "{}")


def out_record(plan: str, number: int = 1) -> IntentRecord:
    return IntentRecord(
        number=number, run=1, plan=PlanId(plan), book=BookId("main"), strategy="s", chain=ChainId("sim:1"), account="0xac", flow="{}",
        payload=b"p", compute_limit=1, compute=1, expires=9, digest="d", height=5, slot=f"nonce:{number}",
        state=IntentState.PLANNED, since=5,
    )  # fmt: skip


def leaking(run: int, first: int, count: int) -> Sequence[Sample]:
    heights = range(first, first + count * 150, 150)
    return [Sample(run, height, 90_000_000 * (run + 1) + GROWS * (height - first) // BLOCKS_AN_HOUR, 50_000_000) for height in heights]


def test_soak_of_one_seed_comes_to_one_ledger_that_is_the_chain_s(tmp_path: Path) -> None:
    """R4, R13: chain, node, plugins, signer and process fail by a script; hash for hash the same twice, every balance is the chain's."""
    folders = (tmp_path / "first", tmp_path / "again")
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(len(folders)) as both:
        first, again = both.map(lambda folder: soak(folder, HOURS, SEED, BLOCK_TIME_S), folders)
    fine, line = report(HOURS, (first, again))

    assert (True, first.ledger, first.faults) == (fine, again.ledger, again.faults), line
    counts = f"{first.blocks} blocks, {first.fills} fills, {sum(first.faults.values())} faults"
    assert line.startswith(f"{HOURS} h simulated, {counts}: same hash twice")
    assert line.endswith("ledger balanced")
    assert first.fills > 20
    assert {"reorganisation", "broadcast_lost", "broadcast_late", "answer_twice", "outage", "runs begun anew", "signers killed"} <= {
        kind for kind, count in first.faults.items() if count
    }
    assert {"failures of strategies.soak_faulty"} == {kind for kind in first.faults if kind.startswith("failures of ")}
    assert {0, 1} == {sample.run for sample in first.samples}


def test_slope_of_runs_that_grow_alike_is_their_growth() -> None:
    """Each run is a process that begins where it begins; what an hour adds is the same in all."""
    samples = [*leaking(0, 0, 40), *leaking(1, 6_000, 40)]

    assert GROWS / 1_000_000 == pytest.approx(slope(samples), abs=0.01)
    assert slope([evolve(sample, held=7) for sample in samples]) == 0


def test_slope_of_runs_that_were_seen_once_is_none() -> None:
    """One sample of a run has no direction."""
    assert slope([*leaking(0, 0, 1), *leaking(1, 0, 1)]) is None


def test_warm_leaves_out_the_first_hours_of_each_run() -> None:
    """What a process takes at first is what it needs."""
    samples = [*leaking(0, 0, 40), *leaking(1, 10_000, 40)]

    assert {0: WARM_UP_BLOCKS, 1: 10_000 + WARM_UP_BLOCKS} == {
        run: min(one.height for one in warm(samples) if one.run == run) for run in (0, 1)
    }


@pytest.mark.parametrize("seed", range(5))
def test_parts_of_a_soak_last_as_long_as_it_does(seed: int) -> None:
    """Another process takes over at least once, and in each of them the signer is killed."""
    for blocks in (600, 7_200, 43_200):
        script = parts(blocks, 2, seed)
        assert blocks == sum(part.blocks for part in script)
        assert len(script) > 1
        assert all(1 <= part.signer_before_end < part.blocks for part in script)
    assert parts(43_200, 2, seed) != parts(43_200, 2, seed + 1)


def test_report_names_what_is_wrong() -> None:
    """Another hash, or books that are not the chain's, stand in the line, and it fails."""
    one = Soaked("a" * 64, 10, 2, 1, {"outage": 3}, (), "0 kills: 0 lost, 0 doubled, ledger balanced", 1)
    other = evolve(one, ledger="b" * 64)
    poor = evolve(one, books="0 kills: 1 lost, 0 doubled, ledger balanced")

    fine = "24 h simulated, 10 blocks, 2 fills, 3 faults: same hash twice (aaaaaaaaaaaa), memory not measured, ledger balanced"
    assert (True, fine) == report("24", (one, one))
    assert (False, True) == (report("24", (one, other))[0], "same hash NOT (aaaaaaaaaaaa, bbbbbbbbbbbb)" in report("24", (one, other))[1])
    assert (False, True) == (report("24", (one, poor))[0], "1 lost" in report("24", (one, poor))[1])


def test_plans_that_the_ledger_forgot_in_flight_are_counted(tmp_path: Path) -> None:
    """They hold back every plan that touches their pools, and no balance shows it: here two, one of which has a transaction that is out."""
    store = SqliteStore()
    store.open(tmp_path / "data")
    rows = [
        intent_row(1, "lost", "reopened"),
        intent_row(2, "out", "planned"),
        intent_row(3, "done", "planned"),
        intent_row(4, "done", "filled"),
    ]
    store.write(store.begin("{}", "2026-01-01"), rows, durable=True)
    assert ", 2 plans forgotten in flight" == forgotten(tmp_path)
    store.keep_intents((out_record("out"),), "2026-01-01", durable=True)
    assert ", 1 plans forgotten in flight" == forgotten(tmp_path)
    store.keep_intents((out_record("lost", 2),), "2026-01-01", durable=True)
    store.close()

    assert "" == forgotten(tmp_path)


def test_main_prints_each_soak_and_one_last_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 where all is well, 1 where two soaks of one seed differ."""
    ledgers = iter("aabc")
    made = Soaked("", 10, 2, 1, {"outage": 3}, (), "0 kills: 0 lost, 0 doubled, ledger balanced", 1)
    monkeypatch.setattr("tests.faults.soak.soak", lambda *_: evolve(made, ledger=next(ledgers) * 64))

    assert (0, 1) == (main("1", "7"), main("1", "7"))
    lines = capsys.readouterr().out.splitlines()
    assert "1 h simulated, 10 blocks, 2 fills, 3 faults: same hash twice (aaaaaaaaaaaa), memory not measured, ledger balanced" == lines[2]
    assert "same hash NOT (" in lines[-1]
