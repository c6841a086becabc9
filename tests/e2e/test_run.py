"""``tidemill run`` and ``replay`` as a user meets them: what repeats, what is printed, and what was written agree."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.commands import LEAN, Ended, Forks, Tidemill, run_fresh
from tidemill.tape.reader import TapeReader

SUMMARY_KEYS = ["event", "blocks", "events", "opportunities", "plans", "fills", "reverts", "rejected", "pnl", "cost", "ledger_hash", "tape"]
SHORT = ("run", "--blocks", "8", "--speed", "max")


@pytest.fixture(scope="session")
def printed(simulated_run: Path) -> list[dict[str, Any]]:
    """What the recorded run printed, one object a line."""
    return Ended(0, (simulated_run / "run.jsonl").read_text("utf-8"), "").lines


@pytest.fixture(scope="session")
def played(simulated_run: Path, forks: Forks) -> Ended:
    """The market of the recorded run traded on paper anew, plans filled three blocks late."""
    config = simulated_run / "late.toml"
    assert 0 == forks.run("config", "init", "--out", str(config), cwd=simulated_run).code
    config.write_text(config.read_text("utf-8").replace("latency_blocks = 1 ", "latency_blocks = 3 "), "utf-8")
    command = ("run", "--config", str(config), "--tape", "run.tape", "--speed", "max", "--json", "--data", "late")
    return forks.run(*command, cwd=simulated_run, env=LEAN)


def test_r4_run_under_another_hash_seed_in_another_folder_is_the_same(
    simulated_run: Path, printed: list[dict[str, Any]], tmp_path: Path
) -> None:
    """R4: the same configuration and seed print the same lines to the last digit, whatever Python's hash seed and wherever they run."""
    command = ("run", "--blocks", "24", "--seed", "7", "--speed", "max", "--json", "--record", "other.tape")
    again = run_fresh(*command, cwd=tmp_path, env={**LEAN, "PYTHONHASHSEED": "2"})

    assert (0, "") == (again.code, again.err)
    assert [{**line, "tape": None} for line in printed] == [{**line, "tape": None} for line in again.lines]
    market, other = (list(TapeReader(path).records()) for path in (simulated_run / "run.tape", tmp_path / "other.tape"))
    assert market == other


def test_run_of_another_seed_is_another_market(tidemill: Tidemill) -> None:
    """The seed is all that tells two runs apart."""
    short = ("run", "--blocks", "2", "--speed", "max", "--json")
    one, other, again = (
        tidemill(*short, "--seed", seed, "--data", name, env=LEAN).summary["ledger_hash"] for seed, name in ("1a", "2b", "1c")
    )

    assert one == again != other


def test_run_counts_fills_reverts_and_rejections(printed: list[dict[str, Any]]) -> None:
    """Competitors win often enough that plans revert, and not so often that none fills; every count has its lines."""
    summary, told = printed[-1], Counter(line["event"] for line in printed)

    assert (24, True) == (summary["blocks"], summary["fills"] > 0 < summary["reverts"])
    assert [summary[key] for key in ("fills", "reverts", "plans", "rejected")] == [
        told[key] for key in ("fill", "revert", "plan", "rejected")
    ]
    assert summary["opportunities"] == summary["plans"] + summary["rejected"]
    assert summary["plans"] == summary["fills"] + summary["reverts"]


def test_run_json_ends_with_the_summary_of_fixed_keys(printed: list[dict[str, Any]]) -> None:
    """The last line is the summary, once, with the keys that scripts rely on and amounts as text."""
    summary = printed[-1]

    assert (SUMMARY_KEYS, 1, "run.tape") == (list(summary), sum(line["event"] == "summary" for line in printed), summary["tape"])
    assert all(re.fullmatch(r"-?[0-9]+", amount) for key in ("pnl", "cost") for amount in summary[key].values())
    assert re.fullmatch(r"[0-9a-f]{64}", summary["ledger_hash"])
    assert ["run"] == [line["event"] for line in printed[:1]]


def test_ledger_of_the_run_has_the_hash_and_the_figures_of_the_summary(
    simulated_run: Path, printed: list[dict[str, Any]], tidemill: Tidemill
) -> None:
    """What was printed, what the ledger's rows hash to, and what the ledger adds up to are one."""
    summary, data = printed[-1], ("--data", str(simulated_run / "data"), "--run", "1")
    shown = json.loads(tidemill("ledger", "show", *data, "--json").out)
    figures = ("opportunities", "plans", "fills", "reverts", "rejected", "pnl", "cost", "ledger_hash")

    assert summary["ledger_hash"] == tidemill("ledger", "hash", *data).out.strip()
    assert {key: summary[key] for key in figures} == {key: shown[key] for key in figures}
    assert (0, True) == ((verified := tidemill("ledger", "verify", *data)).code, "sound" in verified.out)


def test_r5_replay_folds_to_the_same_summary(simulated_run: Path, printed: list[dict[str, Any]], tidemill: Tidemill) -> None:
    """R5: the tape of a run, its answers included, gives the same decisions and the same ledger hash."""
    replayed = tidemill("replay", str(simulated_run / "run.tape"), "--json")

    assert (0, "") == (replayed.code, replayed.err)
    assert {**printed[-1], "tape": str(simulated_run / "run.tape")} == replayed.summary


def test_r5_replay_says_so_to_people(simulated_run: Path, printed: list[dict[str, Any]], tidemill: Tidemill, tmp_path: Path) -> None:
    """R5: in words, the hash among them; a replay writes nothing."""
    replayed = tidemill("replay", str(simulated_run / "run.tape"))

    assert (0, True, True) == (replayed.code, printed[-1]["ledger_hash"] in replayed.out, "decided the same" in replayed.out)
    assert [] == list(tmp_path.iterdir())


def test_run_over_its_own_tape_makes_its_own_answers(simulated_run: Path, printed: list[dict[str, Any]], played: Ended) -> None:
    """R5: of a recorded run, `run --tape` takes the market alone: a desk that is slower fills at other heights, and none is recorded."""
    recorded = [line for line in printed if line["event"] in ("fill", "revert")]
    made = [line for line in played.lines if line["event"] in ("fill", "revert")]
    sent = {line["id"]: line["height"] for line in played.lines if line["event"] == "plan"}
    last = max(sent.values())

    assert (0, 24, "run.tape") == (played.code, played.summary["blocks"], played.summary["tape"])
    assert made
    assert recorded != made
    assert all(line["height"] in (sent[line["id"]] + 3, last, 23) for line in made)


def test_run_over_its_own_tape_under_its_own_configuration_decides_the_same(
    simulated_run: Path, printed: list[dict[str, Any]], tidemill: Tidemill
) -> None:
    """Without a configuration the one in the tape's header counts: the same ideas are taken, and come to the same in every unit."""
    again = tidemill("run", "--tape", str(simulated_run / "run.tape"), "--speed", "max", "--json")
    taken, came = (
        [_without_ids(line) for line in lines if line["event"] in ("plan", "fill", "revert")] for lines in (printed, again.lines)
    )

    assert (0, taken) == (again.code, came)
    assert [printed[-1][key] for key in ("pnl", "cost", "rejected")] == [again.summary[key] for key in ("pnl", "cost", "rejected")]


def _without_ids(line: dict[str, Any]) -> dict[str, Any]:
    """A plan's id holds the versions of the pools, and a tape makes fewer or more of them than the chain that it was recorded from."""
    return {key: value for key, value in line.items() if key != "id"}


def test_run_over_a_tape_leaves_a_sound_ledger(simulated_run: Path, played: Ended, tidemill: Tidemill) -> None:
    """A tape's run has a ledger like any other."""
    verified = tidemill("ledger", "verify", "--data", str(simulated_run / "late"), "--json")

    assert (0, played.summary["ledger_hash"]) == (verified.code, verified.lines[0]["runs"][0]["ledger_hash"])


def test_run_without_a_terminal_prints_plain_lines(tidemill: Tidemill) -> None:
    """Without a terminal there is no control code, the first line says that nothing can be spent, the summary counts fills in words."""
    done = tidemill(*SHORT, "--seed", "7", env={**LEAN, "TERM": "xterm-256color", "FORCE_COLOR": "1"})
    lines = done.out.splitlines()

    assert (0, "") == (done.code, done.err)
    assert not re.findall(r"[^\n -~\u00a0-\uffff]", done.out)
    assert ("nothing here can spend money" in lines[0], "paper" in lines[0], "seed 7" in lines[0]) == (True, True, True)
    assert re.search(r"\b8 blocks · [0-9]+ fills?", done.out)


def test_run_again_continues_the_books(tidemill: Tidemill, tmp_path: Path) -> None:
    """A second run on the same folder is a new run, opens with what the first one left, and both verify."""
    first, second = (tidemill(*SHORT, "--seed", "7", "--json", env=LEAN) for _ in range(2))
    verified = tidemill("ledger", "verify", "--json").lines[0]
    opened = tidemill("ledger", "export", "--run", "2").lines[0]
    shown = json.loads(tidemill("ledger", "show", "--run", "1", "--json").out)

    assert (0, 0, True, [1, 2]) == (first.code, second.code, verified["sound"], [run["run"] for run in verified["runs"]])
    assert (1, 2) == (shown["run"], shown["runs"])
    assert "opening" == opened["kind"]


def test_run_stop_by_time(tidemill: Tidemill) -> None:
    """`--for` ends a run that would go on, with its summary and exit code 0."""
    done = tidemill("run", "--for", "1s", "--speed", "8x", "--json", env=LEAN)

    assert (0, "summary", True) == (done.code, done.summary["event"], done.summary["blocks"] > 0)
