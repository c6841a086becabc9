"""Real money on the simulated chain: the books are the chain's own account, whenever a run is killed and whatever the chain does."""

import json
from pathlib import Path
from typing import Any

from tests.commands import run_fresh
from tests.faults.live_judge import judged
from tests.faults.live_stand import PASSPHRASE, Stand, live_stand
from tests.faults.live_weather import GOING_BACK
from tidemill.domain.intent import IntentState


def events(out: str, kind: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, out.splitlines()) if line["event"] == kind]


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "pass")


def test_run_with_real_money_books_what_the_chain_says(tmp_path: Path) -> None:
    """Through signer, intents and reconciliation: what the ledger holds is what the chain holds, and nobody saw the passphrase."""
    with live_stand(tmp_path) as stand:
        status, out, err = stand.run("--blocks", "40", "--record", "run.tape")
        again = run_fresh("replay", "run.tape", "--json", cwd=tmp_path)
        tally = judged(stand, 0)
        booked = stand.booked()
        shown = out + err

    assert status == 0, err
    assert "live" == events(out, "run")[0]["mode"]
    assert (0, events(out, "summary")[0]["ledger_hash"]) == (again.code, again.summary["ledger_hash"])
    assert "0 kills: 0 lost, 0 doubled, ledger balanced" == str(tally)
    assert len([one for one in booked.intents if one.state is IntentState.FINAL]) > 1
    assert PASSPHRASE not in shown
    assert PASSPHRASE.encode() not in everything_in(tmp_path)


def test_run_on_a_chain_that_goes_back_books_what_stays(tmp_path: Path) -> None:
    """Blocks with our transactions are dropped and mined again: entries are reversed, and what is booked is what stands."""
    with live_stand(tmp_path, **GOING_BACK) as stand:
        status, _, err = stand.run("--blocks", "60")
        tally = judged(stand, 0)

    assert status == 0, err
    assert "0 kills: 0 lost, 0 doubled, ledger balanced" == str(tally)


def refused(stand: Stand, **env: str) -> str:
    status, _, err = stand.run("--blocks", "2", **env)
    assert status == 2, err
    return err


def test_run_with_real_money_starts_only_where_nothing_stands_in_its_way(tmp_path: Path) -> None:
    """No --live, no [signer], no risk check, no account, a stop that holds, a signer that is gone: each is named with its remedy."""
    with live_stand(tmp_path) as stand:
        path = tmp_path / "tidemill.toml"
        whole = path.read_text("utf-8")
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "STOP").touch()
        assert "stopped by file" in refused(stand)
        (tmp_path / "data" / "STOP").unlink()
        (tmp_path / "data" / "stopped.json").unlink()
        path.write_text(whole.replace("[risk.limits]", "[risk.limits]\nenabled = false"))
        assert "no risk check is enabled: nothing limits a loss: add [risk.limits]" in refused(stand)
        path.write_text(whole.replace("[books.main.accounts]", "[books.main.capital]").replace(f'"sim:1" = "{stand.account}"', "USDC = 5"))
        assert "has no account on sim:1" in refused(stand)
        path.write_text(whole.replace('mode = "live"', 'mode = "paper"'))
        assert '--live alone is not enough: real money also needs mode = "live"' in refused(stand)
        path.write_text(whole)
        stand.signer.kill()
        stand.signer.wait()
        status, _, err = stand.run("--blocks", "2")

    assert status == 2
    assert "start one with `tidemill signer`" in err
