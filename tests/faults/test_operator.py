"""What an operator asks at three in the morning: of a run with real money, and of what one that was killed left behind."""

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Forks, Tidemill
from tests.faults.live_judge import NATIVE, judged
from tests.faults.live_points import POINTS, ending_at
from tests.faults.live_stand import Stand, live_stand
from tidemill import reconcile
from tidemill.domain.ids import MAIN_BOOK, ChainId
from tidemill.domain.intent import IntentState
from tidemill.ledger.accounts import WALLET
from tidemill.ledger.digest import digest_of
from tidemill.ledger.journal import Journal
from tidemill_store_sqlite import SqliteStore

OPEN = "kept, before it is sent"
"""A run that is killed here leaves signed bytes that nobody has."""
UNBOOKED = "its outcome known, before it is kept"
"""A run that is killed here leaves a transaction that a block holds, and that the books do not have."""
PATIENCE_S = 60


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """One stand for all: whatever a test leaves open it settles, so that they can come in any order."""
    with live_stand(tmp_path_factory.mktemp("stand")) as made:
        yield made


@pytest.fixture
def tidemill(forks: Forks, stand: Stand) -> Tidemill:
    """Runs a command line in the stand's folder."""
    return partial(forks.run, cwd=stand.folder)


def told(tidemill: Tidemill, *command: str) -> Any:
    """What a command says as JSON."""
    return json.loads(said(tidemill, *command, "--json"))


def said(tidemill: Tidemill, *command: str) -> str:
    """What a command says."""
    ran = tidemill(*command)
    assert ran.code == 0, ran.err
    return str(ran.out)


def on_chain(stand: Stand) -> dict[str, int]:
    """What the chain says that the account holds."""
    view = stand.chain.account(stand.account)
    held = {**{f"sim:1/erc20:{address}": amount for address, amount in view.tokens}, NATIVE: view.native}
    return {asset: amount for asset, amount in held.items() if amount}


def held(found: Any) -> dict[str, int]:
    return {one["asset"]: int(one["held"]) for one in found["holdings"] if int(one["held"])}


def kill_at(stand: Stand, point: str) -> None:
    """Let a run be killed at a named point of an intent's way."""
    status, out, err = stand.run("--blocks", "40", first=ending_at(*POINTS[point], 1))
    assert status == -9, (status, out[-500:], err)


def run_on(stand: Stand) -> Any:
    """Start a run of some blocks a second, and wait until it has traded."""
    process = stand.start_writing(stand.folder / "out", "--speed", "20x", "--record", "run.tape")
    until = time.monotonic() + PATIENCE_S
    while '"event": "fill"' not in (stand.folder / "out").read_text("utf-8"):
        assert process.poll() is None, (stand.folder / "out").read_text("utf-8")[-2000:]
        assert time.monotonic() < until
        time.sleep(0.1)
    return process


def test_positions_and_stories_of_a_run_are_the_chains(stand: Stand, tidemill: Tidemill) -> None:
    """What the books hold is what the chain's own account holds, gains and costs add up to it, and each hash has its story."""
    status, _, err = stand.run("--blocks", "30")
    found = told(tidemill, "positions")
    statement = stand.chain.statement(stand.account)
    stories = [told(tidemill, "why", entry.tx[:18]) for entry in statement[:4]]

    assert status == 0, err
    assert (on_chain(stand), False) == (held(found), found["running"])
    for one in found["holdings"]:
        came = int(one["began"]) + int(one["traded"]) - int(one["loan_fees"]) - int(one["chain_cost"]) + int(one["adjusted"])
        assert (int(one["held"]), stand.account) == (came, one["account"])
    costs = {story["plans"][0]["transactions"][0]["tx"]: int(story["plans"][0]["results"][-1]["cost"]) for story in stories}
    assert {entry.tx: entry.cost for entry in statement[:4]} == costs
    assert sum(entry.cost for entry in statement) == sum(int(one["chain_cost"]) for one in found["holdings"])
    assert all(["planned", "signed", "broadcast"] == [step["state"] for step in _steps(story)][:3] for story in stories)
    assert {"open": 0, "unknown": 0, "at_risk": {}} == {key: told(tidemill, "exposure")[key] for key in ("open", "unknown", "at_risk")}


def _steps(story: Any) -> Any:
    return story["plans"][0]["transactions"][0]["steps"]


def test_reconcile_after_a_kill_books_what_happened_and_then_does_nothing(stand: Stand, tidemill: Tidemill) -> None:
    """Bytes that nobody has go out, what a block holds is booked, and a second time there is nothing to do."""
    for point in (OPEN, UNBOOKED):
        kill_at(stand, point)
        at_risk, runs = told(tidemill, "exposure"), len(_runs(stand))
        would, unwritten = told(tidemill, "reconcile", "--dry-run"), len(_runs(stand))
        found = told(tidemill, "reconcile")
        kept = len(_runs(stand))
        again = told(tidemill, "reconcile")

        assert at_risk["at_risk"], point
        assert not at_risk["running"]
        assert (runs, True, 0) == (unwritten, would["dry_run"], would["run"])
        assert (point == OPEN) == would["nothing"]
        assert (kept, runs + 1, "reconcile") == (found["run"], kept, _runs(stand)[-1])
        assert [one["tx"] for one in at_risk["transactions"]] == [one["tx"] for one in found["moved"]]
        assert (0, [], True, kept) == (found["open"], found["differences"], again["nothing"], len(_runs(stand)))
        assert on_chain(stand) == held(told(tidemill, "positions"))
    assert all(one.state in (IntentState.FINAL, IntentState.REVERTED) for one in stand.booked().intents)
    assert "0 kills: 0 lost, 0 doubled, ledger balanced" == str(judged(stand, 0))


def _runs(stand: Stand) -> list[str]:
    """The modes of the ledger's runs."""
    from tidemill.api.ledger import open_ledger

    with open_ledger(stand.folder / "data") as ledger:
        return [json.loads(info.header)["mode"] for info in ledger.runs()]


def test_reconcile_while_an_emergency_stop_holds_sends_nothing(stand: Stand, tidemill: Tidemill) -> None:
    """What is on disk stays there until an operator says why it may go on; then it goes out and is booked."""
    kill_at(stand, OPEN)
    said(tidemill, "stop", "--now", "--cause", "something is wrong")
    waiting = told(tidemill, "reconcile")
    mempool = stand.chain.mempool()
    said(tidemill, "resume", "--cause", "all is well")
    done = told(tidemill, "reconcile")

    assert (True, 1, 1, ()) == (waiting["nothing"], waiting["open"], waiting["out"], mempool)
    assert "something is wrong" in waiting["stopped"]
    assert ({"sim:1"}, 0, "") == (set(done["balanced"]), done["open"], done["stopped"])


def test_reconcile_brings_a_wrong_book_to_what_the_chain_says(stand: Stand, tidemill: Tidemill) -> None:
    """The chain wins: the difference is an entry of its own that says why, and the books verify."""
    status, _, err = stand.run("--blocks", "3")
    said(tidemill, "reconcile")
    before = told(tidemill, "positions")
    asset = _misbook(stand, 7_000_000)
    config, data = stand.folder / "tidemill.toml", stand.folder / "data"
    would = reconcile(config, data, dry_run=True)
    found = reconcile(config, data)
    lines = said(tidemill, "reconcile")
    verified = tidemill("ledger", "verify", "--data", "data")

    assert status == 0, err
    (difference,) = found.differences
    assert (found.differences, 0) == (would.differences, would.run)
    assert (asset, 7_000_000, stand.account) == (difference.asset, difference.amount, difference.account)
    assert "the chain's balance differs from the book's" == difference.reason
    assert held(before) == held(told(tidemill, "positions")) == on_chain(stand)
    assert lines.startswith("nothing to do: every transaction is where it was, and no balance differs\n")
    assert verified.code == 0, verified.out


def _misbook(stand: Stand, amount: int) -> str:
    """Let the ledger say that so much less of an asset is held than there is."""
    store = SqliteStore()
    store.open(stand.folder / "data")
    try:
        held_now = {asset: amount for (_, account, asset), amount in store.balances().items() if account == WALLET}
        asset = next(asset for asset in held_now if held_now[asset] > amount)
        journal = Journal()
        rows = [
            *journal.opening(MAIN_BOOK, ChainId("sim:1"), 0, tuple(sorted(held_now.items()))),
            journal.adjustment(MAIN_BOOK, ChainId("sim:1"), 1, asset, -amount, "a wrong hand"),
        ]
        run = store.begin(store.runs()[-1].header, "")
        store.write(run, rows, durable=True)
        store.finish(run, digest_of(rows), "now")
    finally:
        store.close()
    return str(asset)


def test_commands_of_a_run_that_is_on_are_answered_by_it(stand: Stand, tidemill: Tidemill) -> None:
    """It says what is out and what it is worth, looks at once when it is asked, and its tape still gives the same ledger."""
    process = run_on(stand)
    try:
        status, text = told(tidemill, "status"), said(tidemill, "status")
        found, at_risk = told(tidemill, "positions"), told(tidemill, "exposure")
        done = told(tidemill, "reconcile")
        after = told(tidemill, "status")
        said(tidemill, "stop", "--now", "--cause", "enough for today")
        stopped = said(tidemill, "status").splitlines()
        told_why = said(tidemill, "reconcile")
        stand.node.kill()
        alone = tidemill("reconcile")
        stand.node.start()
    finally:
        said(tidemill, "stop")
        process.wait(PATIENCE_S)
        said(tidemill, "resume", "--cause", "a test is over")
    again = tidemill("replay", "run.tape", "--json")

    assert {"planned", "signed", "broadcast", "seen", "unknown"} == set(status["intents"])
    assert (status["open_intents"], "sim:1") == (sum(status["intents"].values()), next(iter(status["balanced"])))
    assert text.splitlines()[1].startswith("open intents ")
    assert " · ledger balanced at block " in text.splitlines()[1]
    assert (True, True, True) == (found["running"], found["answers"], at_risk["running"])
    assert all(one["value"] is not None for one in found["holdings"])
    assert ("run", []) == (done["by"], done["differences"])
    assert after["balanced"]["sim:1"] > 0
    assert stopped[0].startswith("live · STOPPED by command: enough for today · ")
    assert "an emergency stop holds (by command: enough for today)" in told_why
    assert (1, "") == (alone.code, alone.out)
    assert "sim:1 does not say now what became of ours: " in alone.err
    assert again.code == 0, again.err


def test_commands_without_what_they_need_say_what_to_do(tmp_path: Path, forks: Forks) -> None:
    """No ledger, a reference that nothing has, paper: one line each that names the remedy, and nothing is made on the way."""
    none = [forks.run(*command, "--data", "none", cwd=tmp_path) for command in (("positions",), ("exposure",), ("why", "7"))]
    paper = forks.run("reconcile", cwd=tmp_path)

    assert [1, 1, 1, 2] == [ran.code for ran in (*none, paper)]
    assert all("there is no ledger here; `tidemill run` writes one, --data names its folder" in ran.err for ran in none)
    assert 'real money needs mode = "live"' in paper.err
    assert [] == list(tmp_path.iterdir())
