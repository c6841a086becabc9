"""``tidemill run`` and ``tidemill replay`` as people and scripts call them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tidemill.api import replay as replay_module
from tidemill.api.replay import Difference, Replay

Tidemill = Callable[..., Result]
SMALL = """
speed = "max"
[chains.sim]
tokens = 10
pools = 20
[prices.sim]
[dex.uniswap]
[search.cycles]
[strategies.spatial]
[stores.sqlite]
[notifiers.console]
[books.main]
base = "USDC"
"""
KEYS = {"event", "blocks", "events", "opportunities", "plans", "fills", "reverts", "rejected", "pnl", "cost", "ledger_hash", "tape"}


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A configuration of a tiny market."""
    (tmp_path / "small.toml").write_text(SMALL)
    return "small.toml"


def lines_of(result: Result) -> list[Any]:
    assert 0 == result.exit_code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_run_json_is_one_object_a_line_and_the_summary_last(tidemill: Tidemill, small: str) -> None:
    """Every line is an event; the last one has exactly the promised keys, amounts as text."""
    lines = lines_of(tidemill("run", "--config", small, "--blocks", "4", "--seed", "3", "--json", "--record", "r.tape", "--data", "d"))

    assert "summary" == lines[-1]["event"]
    assert set(lines[-1]) >= KEYS
    assert (4, "r.tape") == (lines[-1]["blocks"], lines[-1]["tape"])
    assert all("event" in line for line in lines)
    assert ["summary"] == [line["event"] for line in lines if line["event"] == "summary"]
    replayed = lines_of(tidemill("replay", "r.tape", "--json"))
    assert [lines[-1]["ledger_hash"]] == [line["ledger_hash"] for line in replayed]
    spoken = tidemill("replay", "r.tape")
    assert (0, True) == (spoken.exit_code, "the replay decided the same, batch by batch" in spoken.stdout)


def test_run_blocks_and_for_exclude_each_other(tidemill: Tidemill, small: str) -> None:
    """Two ends are one too many: a usage error, and nothing is started."""
    result = tidemill("run", "--config", small, "--blocks", "4", "--for", "10s")

    assert 2 == result.exit_code
    assert "--blocks and --for exclude each other" in result.stderr
    assert not Path("tidemill-data").exists()


@pytest.mark.parametrize("span", ["10", "0s", "1.5m", "-1s", "1w", "9999999999s"])
def test_run_for_something_that_is_no_duration_says_what_is(tidemill: Tidemill, small: str, span: str) -> None:
    """The message gives examples."""
    result = tidemill("run", "--config", small, f"--for={span}")

    assert 2 == result.exit_code
    assert "expected a number and a unit, such as 90s, 10m, 2h or 1d" in result.stderr


@pytest.mark.parametrize(("span", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7_200), ("1d", 86_400)])
def test_run_for_a_duration_passes_seconds(tidemill: Tidemill, monkeypatch: pytest.MonkeyPatch, span: str, seconds: int) -> None:
    """Each unit counts as it should."""
    from tidemill.api import run as module

    seen: list[Any] = []
    monkeypatch.setattr(module, "run", lambda config, options, notifiers=None: seen.append(options))
    assert 0 == tidemill("run", "--for", span).exit_code

    assert [(seconds, 0)] == [(options.seconds, options.blocks) for options in seen]


def test_run_live_is_a_usage_error(tidemill: Tidemill, small: str) -> None:
    """Exit code 2, and the remedy."""
    result = tidemill("run", "--config", small, "--live", "--blocks", "1")

    assert 2 == result.exit_code
    assert '--live alone is not enough: real money also needs mode = "live"' in result.stderr


def test_replay_difference_is_told_and_fails(tidemill: Tidemill, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1; with ``--json`` the difference is an object before the summary."""
    tidemill("run", "--config", small, "--blocks", "2", "--json", "--record", "r.tape", "--data", "d")
    whole = replay_module.replay("r.tape")
    found = Replay(whole.summary, "0", Difference(3, "chains.sim", 1, 2, "other"))
    monkeypatch.setattr(replay_module, "replay", lambda tape: found)
    spoken, written = tidemill("replay", "r.tape"), tidemill("replay", "r.tape", "--json")

    assert (1, 1) == (spoken.exit_code, written.exit_code)
    assert "first difference before batch 3 (chains.sim 1, height 2): other" in spoken.stdout
    first, last = (json.loads(line) for line in written.stdout.splitlines())
    assert ("difference", 3, 2, "summary") == (first["event"], first["place"], first["height"], last["event"])
