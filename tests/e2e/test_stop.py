"""How a run ends before its input does: Ctrl-C, a service manager's SIGTERM, twice the same; and what is refused before it begins."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import LEAN, Ended, Forks, Running, Tidemill

ENDLESS = ("run", "--seed", "7", "--speed", "8x")


@pytest.fixture
def started(forks: Forks, tmp_path: Path) -> Callable[..., Running]:
    """Starts a run that ends only when it is told to, and returns once a plan has been settled."""

    def start(*arguments: str) -> Running:
        running = forks.start([*ENDLESS, *arguments], cwd=tmp_path, env=LEAN)
        running.wait_for(lambda: "in block" in running.out)
        return running

    return start


def check_drained(ended: Ended, tidemill: Tidemill) -> None:
    """What a stopped run owes: exit code 0, the summary as its last words, a closed and sound ledger with no plan in flight."""
    (run,) = tidemill("ledger", "verify", "--json").lines[0]["runs"]
    shown = tidemill("ledger", "show", "--json").lines[0]

    assert (0, "") == (ended.code, ended.err)
    assert " fill" in ended.out.splitlines()[-2]
    assert ended.out.splitlines()[-1].startswith("next: ")
    assert (True, []) == (run["closed"], run["problems"])
    assert f"hash {run['ledger_hash'][:12]}" in ended.out.splitlines()[-2]
    assert shown["plans"] == shown["fills"] + shown["reverts"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_stop_by_signal_drains_and_ends_with_the_summary(
    number: signal.Signals, started: Callable[..., Running], tidemill: Tidemill
) -> None:
    """One signal ends the run as its input's end would: nothing is left in flight, the summary is printed, exit code 0."""
    running = started()
    running.signal(number)

    check_drained(running.end(), tidemill)


def test_stop_twice_within_two_seconds_counts_once(started: Callable[..., Running], tidemill: Tidemill) -> None:
    """A runner forwards its own Ctrl-C: several signals while the run drains neither kill it nor leave a traceback."""
    running = started()
    for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
        running.signal(number)

    check_drained(running.end(), tidemill)


def test_stop_of_a_recording_closes_its_tape(started: Callable[..., Running], tidemill: Tidemill) -> None:
    """A stopped run's tape is whole: it validates, and replays to the hash in the ledger."""
    running = started("--record", "stopped.tape")
    running.signal(signal.SIGINT)
    ended = running.end()
    replayed = tidemill("replay", "stopped.tape", "--json")

    assert (0, 0) == (ended.code, tidemill("tape", "validate", "stopped.tape").code)
    assert (0, tidemill("ledger", "hash").out.strip()) == (replayed.code, replayed.summary["ledger_hash"])


def test_stop_before_the_first_block_is_clean(forks: Forks, tidemill: Tidemill, tmp_path: Path) -> None:
    """A signal that comes as soon as the ledger is open ends in a ledger that verifies."""
    running = forks.start(ENDLESS, cwd=tmp_path, env=LEAN)
    running.wait_for((tmp_path / "tidemill-data" / "ledger.db-wal").exists)
    running.signal(signal.SIGTERM)
    ended = running.end()

    assert ended.code in (0, -signal.SIGTERM)
    assert "Traceback" not in ended.err
    assert (verified := tidemill("ledger", "verify")).code == 0 or "there is no ledger here" in verified.err


@pytest.mark.parametrize(
    ("arguments", "mode", "said"),
    [
        (["--live"], "paper", '--live alone is not enough: real money also needs mode = "live"'),
        ([], "live", 'mode = "live" alone is not enough: real money also needs --live'),
        (["--live"], "live", "no [signer] says what may be signed: add the table [signer]"),
    ],
)
def test_r11_live_is_refused_before_anything_begins(arguments: list[str], mode: str, said: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """R11: neither the option nor the configuration make a run live, nor do both while nothing says what may be signed."""
    done = tidemill("run", "--blocks", "1", *arguments, env={**LEAN, "TIDEMILL__MODE": mode})

    assert (2, "") == (done.code, done.out)
    assert said in done.err
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--blocks", "0"], "0 is not in the range x>=1"),
        (["--blocks", "-1"], "-1 is not in the range x>=1"),
        (["--blocks", "many"], "'many' is not a valid integer"),
        (["--for", "10"], "expected a number and a unit, such as 90s, 10m, 2h or 1d"),
        (["--for", "0s"], "expected a number and a unit"),
        (["--blocks", "3", "--for", "1s"], "--blocks and --for exclude each other"),
        (["--seed", "-1"], "-1 is not in the range x>=0"),
        (["--speed", "fast"], "speed 'fast': expected real, max or a factor such as 10x"),
        (["--speed", "0x"], "speed '0x'"),
        (["--tape", "none.tape"], "none.tape"),
        (["--config", "none.toml"], "none.toml"),
        (["--blokcs", "3"], "No such option '--blokcs'"),
        (["all"], "unexpected extra argument"),
    ],
)
def test_run_usage_errors_are_exit_code_2_and_begin_nothing(arguments: list[str], message: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """What cannot be followed is said on standard error with exit code 2; no folder, no ledger, no line on standard output."""
    done = tidemill("run", *arguments)

    assert (2, "") == (done.code, done.out)
    assert message in done.err
    assert "Traceback" not in done.err
    assert [] == list(tmp_path.iterdir())


def test_record_onto_something_that_is_there_is_refused(tidemill: Tidemill, tmp_path: Path) -> None:
    """A recording never replaces a file, and the run that asked for it does not begin."""
    (tmp_path / "precious").write_text("mine")
    done = tidemill("run", "--blocks", "1", "--speed", "max", "--record", "precious", env=LEAN)

    assert (1, "", "mine") == (done.code, done.out, (tmp_path / "precious").read_text())
    assert "precious is there already and not empty: remove it, or choose another name" in done.err
    assert ["precious"] == [path.name for path in tmp_path.iterdir()]
