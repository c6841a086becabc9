"""What is at risk: transactions that are out, on which account, since when."""

import json
from pathlib import Path

import pytest
from attrs import evolve

from tidemill.api import exposure as module
from tidemill.api.books_text import exposure_lines
from tidemill.api.exposure import exposure
from tidemill.api.ledger import Ledger, open_ledger
from tidemill.api.plain import to_plain
from tidemill.api.running import Running
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId, PlanId
from tidemill.domain.plan import Flow, Group
from tidemill.ledger.journal import Journal
from tidemill.ledger.plan_text import plan_from_text

SIM = ChainId("sim:1")
USDC, WETH = AssetId("sim:1/erc20:0x" + "aa" * 20), AssetId("sim:1/erc20:0x" + "bb" * 20)
ETH = AssetId("sim:1/slip44:60")
ACCOUNT = "0x" + "ac" * 20


def test_exposure_is_what_is_out_and_not_booked(live_books: Path) -> None:
    """Planned, broadcast and unknown hold back funds and cost; seen is booked; the unknown one is as old as its silence."""
    found = exposure(live_books)
    (account,) = found.accounts
    at_risk = {USDC: 300 * 10**6, ETH: 3 * 10**15}

    assert {"planned": 1, "signed": 0, "broadcast": 1, "seen": 1, "unknown": 1} == found.states == account.states
    assert (4, 1, at_risk, at_risk) == (found.open, found.unknown, dict(found.at_risk), dict(account.at_risk))
    assert (MAIN_BOOK, SIM, ACCOUNT, 5) == (account.book, account.chain, account.account, account.oldest_unknown)
    assert [(5, True, 1), (6, True, 5), (7, False, 0), (8, True, 6)] == [
        (one.number, one.at_risk, one.blocks) for one in found.transactions
    ]
    assert {"USDC", "ETH"} == {asset.symbol for asset in found.assets}


def test_exposure_of_nothing_is_zero(live_books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And said as such."""
    monkeypatch.setattr("tidemill.api.ledger.Ledger.intents", lambda self, ended=False: ())
    found = exposure(live_books)

    assert (0, 0, {}, ()) == (found.open, found.unknown, dict(found.at_risk), found.accounts)
    assert ["open intents 0 · unknown 0 · at risk 0 · no run is on"] == list(exposure_lines(found))


def test_exposure_as_json_are_texts_of_base_units(live_books: Path) -> None:
    """Reserved, cost caps and sums alike."""
    plain = json.loads(json.dumps(to_plain(exposure(live_books))))

    assert ("300000000", {USDC: "100000000"}, "1000000000000000") == (
        plain["at_risk"][USDC],
        plain["transactions"][0]["reserved"],
        plain["transactions"][0]["cost_cap"],
    )


def test_exposure_lines_say_what_to_do(live_books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each transaction with its age and its hash; without a run somebody must ask the chain."""
    lines = list(exposure_lines(exposure(live_books)))
    monkeypatch.setattr(module, "running_in", lambda folder: Running(True))
    beside = list(exposure_lines(exposure(live_books)))

    counted = "open intents 4 (1 planned, 1 broadcast, 1 seen, 1 unknown) · unknown 1"
    assert f"{counted} · at risk 300.00 USDC, 0.003 ETH · no run is on · block 13" == lines[0]
    assert lines[2].endswith("300.00 USDC, 0.003 ETH; the oldest unknown one is silent for 5 blocks")
    assert "5  broadcast  spatial  since block 12, 1 ago" in lines[3]
    assert "holds 100.00 USDC, costs at most 0.001 ETH" in lines[3]
    assert lines[6].endswith("not signed")
    assert "`tidemill reconcile` asks the chain what became of them" == lines[-1]
    assert "`tidemill reconcile`" not in "\n".join(beside)


def test_exposure_lines_without_the_coins_name_count_base_units(live_books: Path) -> None:
    """A ledger of a version that did not write it down; one that takes a slot holds nothing."""
    found = exposure(live_books)
    one = evolve(found.transactions[0], native=AssetId(""), reserved={}, tx="")
    lines = list(exposure_lines(evolve(found, transactions=(one,))))

    assert "takes a slot, costs at most 1,000,000,000,000,000" in lines[3]


def test_exposure_tells_legs_whose_counterpart_is_missing(live_books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One leg filled, one failed, of one nobody knows: what the filled one changed stands open, and is said with its sign."""
    with open_ledger(live_books) as ledger:
        flows = {one.plan: plan_from_text(one.flow) for one in ledger.intents(ended=True) if one.flow}
    done, lost, dark = (flow for name, flow in flows.items() if name in ("done", "lost", "dark") and isinstance(flow, Flow))
    group = Group(PlanId("both"), done.opportunity, done.strategy, MAIN_BOOK, SIM, (done, lost, dark), "sell_back", 9)
    monkeypatch.setattr(
        "tidemill.api.ledger.Ledger.open_groups", lambda self: (evolve(Journal().group(group, "planned", height=12), state="exposed"),)
    )
    real = Ledger.results
    changed = ((USDC, -100 * 10**6), (WETH, 3 * 10**16))
    monkeypatch.setattr(
        "tidemill.api.ledger.Ledger.results",
        lambda self, plan: tuple(evolve(row, changes=changed) if row.status == "filled" else row for row in real(self, plan)),
    )
    found = exposure(live_books)
    (legs,) = found.groups

    assert ("exposed", 12, 3, 1, 1, (dark.id,)) == (legs.state, legs.since, legs.legs, legs.filled, legs.failed, legs.unproven)
    assert dict(changed) == dict(legs.amounts)
    told = "1 of 3 legs filled, 1 failed; stands open with -100.00 USDC, +0.03 WETH; 1 not proven yet; it is sold back"
    assert [f"group both of spatial in book main: exposed since block 12; {told}"] == [
        line for line in exposure_lines(found) if line.startswith("group")
    ]
