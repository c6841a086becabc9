"""Plugins that never return, exit, leak or print: inside the run's process and in one of their own."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.commands import LEAN, Ended, Tidemill, console_script, environment

SOURCE = """
from tidemill import Strategy, hookimpl

class Acme(Strategy):
    name = "acme"
    def find_opportunities(self, snapshot):
        if snapshot.head("sim:1").height >= 5:
            {does}
        return iter(())

@hookimpl
def tidemill_register_strategies():
    return [Acme]
"""
METADATA = "Metadata-Version: 2.4\nName: acme-lag\nVersion: 1.2.3\nSummary: Trades the lag.\n"
LOOP = "while True: pass"
IN_C = "int('9' * 4000) ** (10 ** 9)"
LATER = "import re, sys; sys.setprofile(lambda frame, *_: frame.f_code.co_name == 'follow' and re.match('(a+)+$', 'a' * 60 + 'b'))"
"""It answers well, and holds the interpreter's lock soon after: its process stands still while it folds, and no code of it is asked."""
RUN = ("run", "--seed", "7", "--speed", "max", "--json")
LEAK = "self.held = [*getattr(self, 'held', []), bytearray(120_000_000)]"
Acme = Callable[..., Ended]


@pytest.fixture
def installed(tidemill: Tidemill, tmp_path: Path) -> Callable[..., None]:
    """Installs the strategy ``acme`` that does something from block 5 on, enabled beside the default plugins."""

    def install(does: str, table: str = "", execution: str = "") -> None:
        assert 0 == tidemill("config", "init", env=LEAN).code
        metadata = tmp_path / "site" / "acme_lag-1.2.3.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "entry_points.txt").write_text("[tidemill.strategy.v1]\nacme = acme_lag\n")
        (metadata / "METADATA").write_text(METADATA)
        (tmp_path / "site" / "acme_lag.py").write_text(SOURCE.format(does=does))
        config = tmp_path / "tidemill.toml"
        text = config.read_text("utf-8").replace("[execution]", f"[strategies.acme]\n{table}\n\n[execution]\n{execution}")
        config.write_text(text, "utf-8")

    return install


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    """Starts the installed command with the plugin on its path, in an interpreter of its own."""

    def start(*arguments: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        env = environment({**LEAN, "PYTHONPATH": str(tmp_path / "site"), **(env or {})})
        return subprocess.Popen(
            [console_script(), *arguments], cwd=tmp_path, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    return start


Starts = Callable[..., "subprocess.Popen[str]"]


def check_sound(tidemill: Tidemill, *, closed: bool) -> None:
    """What a run that was ended owes: a ledger that verifies, every row of it balanced."""
    (run,) = tidemill("ledger", "verify", "--json").lines[0]["runs"]
    assert (closed, []) == (run["closed"], run["problems"])
    assert run["rows"] > 0


def test_inline_strategy_that_loops_ends_the_run_with_its_name_and_line(
    installed: Callable[..., None], fresh: Starts, tidemill: Tidemill, tmp_path: Path
) -> None:
    """Within the deadline and a little: exit code 1, one message that names plugin and line; the ledger is sound, the next run goes on."""
    installed(LOOP, execution="watchdog_s = 2")
    began = time.monotonic()
    process = fresh(*RUN, "--blocks", "12", "--record", "run.tape")
    out, err = process.communicate(timeout=60)

    assert (1, True) == (process.returncode, time.monotonic() - began < 30)
    lines = err.splitlines()
    assert "the run is ended: plugin strategies.acme does not return, nothing has moved for 2 s" == lines[0]
    assert "acme_lag.py:8 in find_opportunities: while True: pass" in lines[1]
    assert 'isolation = "process"' in lines[-1]
    assert "Traceback" not in err
    assert {json.loads(line)["event"] for line in out.splitlines()} >= {"run", "plan"}
    check_sound(tidemill, closed=False)
    (tmp_path / "tidemill.toml").write_text(
        (tmp_path / "tidemill.toml").read_text().replace("[strategies.acme]", "[strategies.acme]\nenabled = false")
    )
    again = tidemill(*RUN, "--blocks", "3", env=LEAN)
    assert (0, 3) == (again.code, again.summary["blocks"])
    assert [1, 2] == [run["run"] for run in tidemill("ledger", "verify", "--json").lines[0]["runs"]]


def test_inline_strategy_that_hangs_in_c_ends_the_run_a_few_seconds_later(
    installed: Callable[..., None], fresh: Starts, tidemill: Tidemill
) -> None:
    """No thread of Python runs then: the witness ends it, says so first, and shows every thread's stack, the plugin's line on top."""
    installed(IN_C, execution="watchdog_s = 1")
    process = fresh(*RUN, "--blocks", "12")
    _, err = process.communicate(timeout=60)

    assert -signal.SIGKILL == process.returncode
    assert err.startswith("the run is ended: code that does not return, and never gives up the interpreter, nothing has moved for 6 s\n")
    assert 'acme_lag.py", line 8 in find_opportunities' in err
    check_sound(tidemill, closed=False)


def test_run_that_was_stopped_from_outside_for_long_goes_on(fresh: Starts, tidemill: Tidemill) -> None:
    """SIGSTOP for longer than any deadline, then SIGCONT: a process that stands still with its watchdog hangs nowhere."""
    process = fresh("run", "--seed", "7", "--speed", "20x", "--json", "--blocks", "60", env={"TIDEMILL__EXECUTION__WATCHDOG_S": "1"})
    assert process.stdout is not None
    assert "run" == json.loads(process.stdout.readline())["event"]
    process.send_signal(signal.SIGSTOP)
    time.sleep(8)
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)

    assert (0, "") == (process.returncode, err)
    assert "summary" == json.loads(out.splitlines()[-1])["event"]
    check_sound(tidemill, closed=True)


def test_ctrl_c_ends_a_run_whose_plugin_hangs(installed: Callable[..., None], fresh: Starts, tidemill: Tidemill, tmp_path: Path) -> None:
    """Long before the deadline: who asks for the end of a run gets it within seconds."""
    installed(f"open('hangs', 'w').close()\n            {LOOP}", execution="watchdog_s = 600")
    process = fresh(*RUN, "--blocks", "12")
    until = time.monotonic() + 60
    while not (tmp_path / "hangs").exists() and time.monotonic() < until:
        time.sleep(0.05)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert (1, True) == (process.returncode, time.monotonic() - began < 20)
    assert "plugin strategies.acme does not return" in err
    assert "it was asked to end (SIGINT)" in err
    check_sound(tidemill, closed=False)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (LOOP, "its process did not answer within 0.3 s"),
        (IN_C, "its process did not answer within 0.3 s"),
        ("import os; os._exit(3)", "its process ended with exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "its process was ended by SIGSEGV"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("return 'buy low'", "find_opportunities gave 'b'"),
        (f"{LATER}; return iter(())", "its process did not answer within 2"),
    ],
    ids=["loop", "in C", "exit", "crash", "sys.exit", "wrong type", "in C, later"],
)
def test_isolated_strategy_that_fails_costs_only_itself(
    does: str, reason: str, installed: Callable[..., None], tidemill: Tidemill, tmp_path: Path
) -> None:
    """It is told, rests, is begun anew and at last disabled; the others trade as without it, and a replay needs no process."""
    installed(does, 'isolation = "process"', "isolation_deadline_ms = 300")
    config = tmp_path / "tidemill.toml"
    config.write_text(config.read_text("utf-8").replace("max_failures = 5", "max_failures = 2"), "utf-8")
    env = {**LEAN, "PYTHONPATH": str(tmp_path / "site")}
    done = tidemill(*RUN, "--blocks", "12", "--record", "run.tape", env=env)
    told = [(line["plugin"], line["state"]) for line in done.lines if line["event"] == "plugin"]
    replay = tidemill("replay", "run.tape", "--json", env=env)
    config.unlink()
    alone = tidemill(*RUN, "--blocks", "12", "--data", "alone", env=LEAN)
    figures = ("blocks", "opportunities", "plans", "fills", "reverts", "rejected", "pnl", "cost")

    assert (0, 12) == (done.code, done.summary["blocks"])
    assert [("strategies.acme", state) for state in ("failed", "restarted", "failed", "disabled")] == told
    assert reason in next(line["text"] for line in done.lines if line["event"] == "plugin")
    assert {key: alone.summary[key] for key in figures} == {key: done.summary[key] for key in figures}
    assert (0, done.summary["ledger_hash"]) == (replay.code, replay.summary["ledger_hash"])


def test_isolated_strategy_trades_like_an_inline_one(tidemill: Tidemill, tmp_path: Path) -> None:
    """Alone in a run, over hundreds of blocks of which many are rolled back, it writes the same ledger in a process of its own."""
    assert 0 == tidemill("config", "init", env=LEAN).code
    config, env = tmp_path / "tidemill.toml", {**LEAN, "TIDEMILL__CHAINS__SIM__REORGANISATION_PPM": "100000"}
    text = config.read_text("utf-8").replace("[strategies.spatial]", "[strategies.spatial]\nenabled = false")
    config.write_text(text, "utf-8")
    inline = tidemill(*RUN, "--blocks", "200", "--data", "inline", env=env)
    config.write_text(text.replace("[strategies.triangular]", '[strategies.triangular]\nisolation = "process"'), "utf-8")
    apart = tidemill(*RUN, "--blocks", "200", "--record", "run.tape", env=env)
    replay = tidemill("replay", "run.tape", "--json", env=env)
    figures = ("blocks", "opportunities", "plans", "fills", "reverts", "rejected", "pnl", "cost", "ledger_hash")

    assert (0, 0, True) == (apart.code, inline.code, apart.summary["plans"] > 0)
    assert [] == [line for line in apart.lines if line["event"] == "plugin"]
    # A block that is rolled back counts again when it comes again
    assert 200 < inline.summary["blocks"]
    assert {key: inline.summary[key] for key in figures} == {key: apart.summary[key] for key in figures}
    assert (0, apart.summary["ledger_hash"]) == (replay.code, replay.summary["ledger_hash"])


def test_isolated_strategy_that_leaks_is_ended_at_its_cap(installed: Callable[..., None], tidemill: Tidemill, tmp_path: Path) -> None:
    """Its process may hold so much and no more; a fresh one takes its place."""
    installed(LEAK, 'isolation = "process"\nmemory_mb = 500', "isolation_deadline_ms = 10000")
    done = tidemill(*RUN, "--blocks", "16", env={**LEAN, "PYTHONPATH": str(tmp_path / "site")})
    told = [line["text"] for line in done.lines if line["event"] == "plugin"]

    assert 0 == done.code
    assert any("memory_mb = 500 allows no more" in text or "MemoryError" in text for text in told)
    assert any("restarted" in text for text in told)


def test_isolated_strategy_ends_with_a_run_that_is_killed(installed: Callable[..., None], fresh: Starts, tmp_path: Path) -> None:
    """No process is left behind, also where it hangs in a loop and its parent could say nothing."""
    installed(
        f"open('pid', 'w').write(str(__import__('os').getpid()))\n            {LOOP}",
        'isolation = "process"',
        "isolation_deadline_ms = 60000",
    )
    process = fresh(*RUN, "--blocks", "12")
    until = time.monotonic() + 60
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    child = int((tmp_path / "pid").read_text())
    process.kill()
    process.communicate(timeout=60)
    until = time.monotonic() + 20
    while alive(child) and time.monotonic() < until:
        time.sleep(0.05)

    assert not alive(child)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_plugin_that_prints_spoils_no_json_line(installed: Callable[..., None], fresh: Starts) -> None:
    """What it prints, writes to the descriptor or has another program write goes to standard error, and is told once."""
    installed("print('stray'); __import__('os').write(1, b'raw\\n'); __import__('os').system('echo shell')")
    process = fresh(*RUN, "--blocks", "8")
    out, err = process.communicate(timeout=60)

    assert 0 == process.returncode
    assert ["run", "summary"] == [json.loads(line)["event"] for line in out.splitlines()][:: len(out.splitlines()) - 1]
    assert {"stray", "raw", "shell"} <= set(err.splitlines())
    assert 1 == err.count("a plugin writes to standard output")


@pytest.mark.parametrize(
    ("table", "message"), [("dex.uniswap", "only strategies and notifiers"), ("risk.limits", "only strategies and notifiers")]
)
def test_isolation_of_a_kind_that_has_none_is_one_clear_error(table: str, message: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """Nothing is started; the message names the table."""
    assert 0 == tidemill("config", "init", env=LEAN).code
    config = tmp_path / "tidemill.toml"
    config.write_text(config.read_text("utf-8").replace(f"[{table}]", f'[{table}]\nisolation = "process"'), "utf-8")
    done = tidemill(*RUN, env=LEAN)

    assert (2, "") == (done.code, done.out)
    assert f"$.{table}.isolation" in done.err
    assert message in done.err
    assert done.err.rstrip().endswith("1 error, nothing was started")
