"""Legs that are not atomic together: what stands open when only some of them land is told, sold back, and outlives a kill."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run_fresh
from tests.faults.live_judge import judged
from tests.faults.live_points import ending_at, replacing
from tests.faults.live_stand import Stand, live_stand
from tests.faults.split_site import MARKET, install_split, paper_config
from tidemill.domain.intent import IntentState
from tidemill.domain.records import IntentRow

STRATEGIES = "[strategies.triangular]\n[strategies.spatial]\n"
UNWOUND = ["planned", "exposed", "unwinding", "unwound"]
SECOND_REFUSED = """\
from tidemill.errors import RefusedByVenue
calls = [0]

async def refusing(*args, **kwargs):
    calls[0] += 1
    if calls[0] == 2:
        raise RefusedByVenue("the second leg is not wanted")
    return await real(*args, **kwargs)
"""
SECOND_FAILS_DRY = """\
from tidemill.domain.transaction import Simulated
calls = [0]

async def failing(*args, **kwargs):
    calls[0] += 1
    answer = await real(*args, **kwargs)
    return Simulated(False, reason="K") if calls[0] == 2 else answer
"""


def told(out: str, kind: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, out.splitlines()) if line["event"] == kind]


def group_states(folder: Path) -> list[list[str]]:
    """How far each group came, over all runs, the oldest group first."""
    from tidemill_store_sqlite import SqliteStore

    store = SqliteStore()
    store.open(folder / "data", write=False)
    try:
        rows = [row for run in store.runs() for row in store.rows(run.run) if isinstance(row, IntentRow)]
    finally:
        store.close()
    groups = [row.plan for row in rows if '"type":"Group"' in row.flow]
    return [[row.state for row in rows if row.plan == group] for group in groups]


@contextmanager
def stand_of_two_legs(folder: Path, *, seed: int = 2, split: str = "min_edge_bps = 5", **settings: Any) -> Iterator[Stand]:
    """A stand whose only strategy sends its two legs apart."""
    with live_stand(folder, seed=seed, **{**MARKET, **settings}) as stand:
        path = folder / "tidemill.toml"
        text = path.read_text("utf-8").replace(STRATEGIES, f"[strategies.split]\n{split}\n")
        path.write_text(text.replace("[execution]", '[execution]\nmax_exposure = "200_000 USDC"'))
        install_split(folder / "site")
        yield stand


def test_first_leg_only_is_told_sold_back_and_replayed_on_paper(tmp_path: Path) -> None:
    """A competitor takes the second leg: exposure is told with its numbers, what was bought is sold, a replay comes to the same hash."""
    install_split(tmp_path / "site")
    (tmp_path / "tidemill.toml").write_text(paper_config(2))
    env = {"PYTHONPATH": str(tmp_path / "site")}
    run = run_fresh("run", "--json", "--blocks", "60", "--record", "run.tape", cwd=tmp_path, env=env)
    again = run_fresh("replay", "run.tape", "--json", cwd=tmp_path, env=env)
    verified = run_fresh("ledger", "verify", "--data", "data", cwd=tmp_path)
    begun, sold = told(run.out, "exposure")[:2]

    assert 0 == run.code, run.err
    assert ("error", "exposed") == (begun["level"], begun["state"])
    assert 1 == len([amount for amount in begun["open"].values() if int(amount) > 0])
    assert ("warning", "unwinding") == (sold["level"], sold["state"])
    assert {"unwound": 1, "complete": 1} == Counter(note["state"] for note in told(run.out, "group"))
    assert [UNWOUND, ["planned", "complete"]] == group_states(tmp_path)
    assert (0, run.summary["ledger_hash"]) == (again.code, again.summary["ledger_hash"])
    assert 0 == verified.code, verified.out


def test_groups_are_refused_where_no_exposure_is_allowed(tmp_path: Path) -> None:
    """Without max_exposure nothing of several transactions leaves, and the rejection says what to set."""
    install_split(tmp_path / "site")
    (tmp_path / "tidemill.toml").write_text(paper_config(2).replace('max_exposure = "200_000 USDC"\n', ""))
    run = run_fresh("run", "--json", "--blocks", "60", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site")})
    refused = [note for note in told(run.out, "rejected") if note["rule"] == "exposure"]

    assert (0, 0) == (run.code, run.summary["plans"])
    assert refused
    assert all("set max_exposure in [execution]" in note["text"] for note in refused)


def test_second_leg_fails_and_the_first_is_sold_back_with_real_money(tmp_path: Path) -> None:
    """A node refuses the second leg for good: the alert is told, what the first one bought is sold, and the books are the chain's."""
    with stand_of_two_legs(tmp_path) as stand:
        refusing = replacing("tidemill_chain_sim.link", "SimLink.broadcast", "refusing", SECOND_REFUSED)
        status, out, err = stand.run("--blocks", "60", "--record", "run.tape", first=refusing)
        again = run_fresh("replay", "run.tape", "--json", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site")})
        tally = judged(stand, 0)

    assert 0 == status, err
    assert UNWOUND == group_states(tmp_path)[0]
    begun = told(out, "exposure")[0]
    assert ("error", "exposed") == (begun["level"], begun["state"])
    assert "the second leg is not wanted" in begun["text"]
    assert (0, told(out, "summary")[0]["ledger_hash"]) == (again.code, again.summary["ledger_hash"])
    assert "0 kills: 0 lost, 0 doubled, ledger balanced" == str(tally)


def test_second_leg_fails_its_dry_run_and_no_leg_is_signed(tmp_path: Path) -> None:
    """Every leg is tried before any is signed: where one would fail now, nothing of the group is signed or sent."""
    with stand_of_two_legs(tmp_path) as stand:
        failing = replacing("tidemill_chain_sim.link", "SimLink.simulate", "failing", SECOND_FAILS_DRY)
        status, out, err = stand.run("--blocks", "20", first=failing)
        kept = stand.booked().intents

    assert 0 == status, err
    first = told(out, "refused")[:2]
    assert ["leg 2 of 2: K"] * 2 == [note["reason"] for note in first]
    assert {"simulation"} == {note["by"] for note in first}
    assert ["planned", "failed"] == group_states(tmp_path)[0]
    assert not [record for record in kept if record.plan in {note["id"] for note in first}]
    assert [] == [note for note in told(out, "exposure") if note["height"] == first[0]["height"]]


@pytest.mark.parametrize("mined", [40, 0])
def test_first_leg_only_after_a_kill_between_the_legs_is_taken_up_by_the_next_run(tmp_path: Path, mined: int) -> None:
    """kill -9 when one leg is out and the other is signed: the next run knows the group, and completes it or sells the first leg back."""
    with stand_of_two_legs(tmp_path) as stand:
        status, _, err = stand.run("--blocks", "60", first=ending_at("tidemill_chain_sim.link", "SimLink.broadcast", "after", 1))
        assert -signal.SIGKILL == status, err
        left = [record.state for record in stand.booked().intents]
        if mined:
            stand.chain.mine(mined)
        status, out, err = stand.run("--blocks", "40")
        states = group_states(tmp_path)
        tally = judged(stand, 1)

    assert [IntentState.SIGNED] * 2 == left
    assert 0 == status, err
    assert "1 kills: 0 lost, 0 doubled, ledger balanced" == str(tally)
    if mined:
        assert UNWOUND == states[0], states
        assert ("error", "exposed") == (told(out, "exposure")[0]["level"], told(out, "exposure")[0]["state"])
    else:
        assert states[0][-1] in ("complete", "unwound", "failed"), states
