"""Runs on a chain that lives in a node of its own, as a user starts both."""

import json
from pathlib import Path
from typing import Any

from tests.commands import LEAN, Tidemill
from tidemill_chain_sim.client import NodeClient
from tidemill_testing.sim_node import SimNodeProcess, sim_node

SETTINGS: dict[str, Any] = {key.rpartition("__")[2].lower(): json.loads(value) for key, value in LEAN.items()}
SHORT = ("run", "--blocks", "12", "--seed", "7", "--speed", "max", "--json")


def _on(node: SimNodeProcess) -> dict[str, str]:
    named = json.dumps(node.socket)
    return {**LEAN, "TIDEMILL__CHAINS__SIM__NODE": named, "TIDEMILL__PRICES__SIM__NODE": named}


def test_r4_run_on_a_node_is_the_run_on_a_chain_of_its_own(tidemill: Tidemill) -> None:
    """R4: where the chain lives changes nothing: the ledgers are equal to the last digit."""
    alone = tidemill(*SHORT, env=LEAN)
    with sim_node(seed=7, settings=SETTINGS) as node:
        served = tidemill(*SHORT, "--data", "served", env=_on(node))
    assert (0, 0) == (alone.code, served.code)
    assert alone.summary["ledger_hash"] == served.summary["ledger_hash"]


def test_run_on_a_node_far_along_trades_at_its_head_and_replays(tidemill: Tidemill) -> None:
    """Pools are loaded at the head, prices begin there, plans are made, and the tape plays again to the same ledger."""
    with sim_node(seed=7, settings=SETTINGS) as node:
        head = NodeClient(node.socket).mine(500)
        done = tidemill(*SHORT, "--record", "late.tape", env=_on(node))
        again = NodeClient(node.socket).hello().head
    replayed = tidemill("replay", "late.tape", "--json")
    assert (0, "") == (done.code, done.err)
    assert (500, 511) == (head.height, again.height)
    assert 12 == done.summary["blocks"]
    assert done.summary["opportunities"] > 0
    assert {line["height"] for line in done.lines if line["event"] == "plan"} <= set(range(500, 512))
    assert (0, done.summary["ledger_hash"]) == (replayed.code, replayed.summary["ledger_hash"])


def test_runs_on_one_node_one_after_another_go_on_with_its_chain(tidemill: Tidemill) -> None:
    """A second run begins at the block that the first one ended with."""
    with sim_node(seed=7, settings=SETTINGS) as node:
        done = [tidemill(*SHORT, "--data", name, env=_on(node)) for name in ("one", "two")]
        head = NodeClient(node.socket).hello().head
    assert [0, 0] == [one.code for one in done]
    assert [12, 12] == [one.summary["blocks"] for one in done]
    assert 22 == head.height


def test_run_of_another_seed_than_its_node_says_what_differs(tidemill: Tidemill, tmp_path: Path) -> None:
    """Nothing is traded on a market that is not the one expected."""
    with sim_node(seed=8, settings=SETTINGS) as node:
        done = tidemill(*SHORT, env=_on(node))
    assert 0 != done.code
    assert "has another chain: seed 8, here 7: start both with the same ones" in done.err
