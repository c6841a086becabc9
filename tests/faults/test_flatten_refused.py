"""A flatten that the signer's policy does not allow, and a signer that goes away: what an operator is told of both."""

import json
import re
import time
from pathlib import Path

import tidemill as tm
from tests.faults.live_stand import live_stand, wait_until
from tidemill.errors import ControlError
from tidemill_simworld import HUBS

PATIENCE_S = 60
BASE = next(hub.address for hub in HUBS if hub.symbol == "USDC")


def only_base(text: str) -> str:
    """Return a configuration whose policy names no asset but the base."""
    tables = re.compile(r'\[signer\.chains\."sim:1"\.spends\."sim:1/erc20:(0x\w+)"\]\n(?:[^\[\n].*\n)*')
    return tables.sub(lambda found: found[0] if found[1] == BASE else "", text)


def begun(data: Path) -> bool:
    """Whether a run answers, and has seen some blocks."""
    try:
        return tm.connect(data).status().blocks > 2
    except ControlError:
        return False


def test_flatten_that_the_policy_forbids_and_a_signer_that_goes_away_are_told(tmp_path: Path) -> None:
    """What stays is told with the signer's rule, in the status and in the last lines, and asked for once; a signer that is gone is seen."""
    out, data = tmp_path / "out", tmp_path / "data"
    with live_stand(tmp_path, account_usd=300) as stand:
        config = tmp_path / "tidemill.toml"
        config.write_text(only_base(config.read_text("utf-8")), "utf-8")
        stand.restart_signer()
        process = stand.start_writing(out, "--blocks", "100000")
        try:
            wait_until(lambda: begun(data), out)
            there = tm.connect(data).status()
            assert 0 == stand.command("stop", "--now", "--flatten", "--cause", "a drill")[0]
            wait_until(lambda: '"event": "flattened"' in out.read_text(), out)
            stand.signer.kill()
            stand.signer.wait()
            time.sleep(2.5)
            status, (code, said) = tm.connect(data).status(), stand.command("status")
            stand.restart_signer()
            again = tm.connect(data).status()
            assert 0 == stand.command("stop")[0]
            assert 0 == process.wait(PATIENCE_S), out.read_text()[-2_000:]
        finally:
            process.kill()
            process.wait()
        events = [json.loads(line) for line in out.read_text().splitlines()]
        refused = [one for one in stand.booked().intents if one.strategy == "flatten"]

    assert there.flatten is None
    assert there.signer is not None
    assert "there" == there.signer.state
    assert status.flatten is not None
    assert ("done", True) == (status.flatten.state, len(status.flatten.unsold) > 0)
    assert {True} == {"the signer refused (asset): it takes " in one.reason for one in status.flatten.unsold}
    assert len(refused) == len(status.flatten.unsold), "a sale that the policy forbids was asked for more than once"
    assert status.signer is not None
    assert ("gone", True) == (status.signer.state, status.signer.silent_s >= 1)
    assert 0 == code
    assert "signer GONE for " in said
    assert "flatten done: what stays: " in said
    assert again.signer is not None
    assert "there" == again.signer.state
    assert "stopped by command: a drill; no run with real money starts until `tidemill resume --cause TEXT`" == events[-1]["stays"][-1]
    assert sum("was not sold back: the signer refused (asset)" in one for one in events[-1]["stays"]) == len(refused)
