"""Plans that are not what was asked for: another book's money, another's name, amounts that cheat the guard. None passes the door."""

from pathlib import Path

import pytest

from tests.commands import LEAN, Ended, Tidemill

SOURCE = """
from attrs import evolve
from tidemill import Arbitrage, CycleQuery, Strategy, hookimpl
from tidemill.domain.opportunity import arbitrage_id
from tidemill.domain.plan import Flow

class Acme(Strategy):
    name = "acme"
    def find_opportunities(self, snapshot):
        bases = tuple(dict.fromkeys(snapshot.books[book].base for book in sorted(snapshot.books)))
        for chain in sorted(snapshot.chains):
            for one in snapshot.cycles(CycleQuery(chain, bases, 2, 3, changed_only=True)):
                height = snapshot.at(chain).height
                identifier = arbitrage_id(self.name, height, one.asset, one.legs)
                yield Arbitrage(identifier, self.name, chain, one.asset, one.legs, one.amounts[0], one.profit, height)
    def build_execution_plan(self, opportunity, size, desk):
        plan = super().build_execution_plan(opportunity, size, desk)
        return {tampered} if isinstance(plan, Flow) else plan

@hookimpl
def tidemill_register_strategies():
    return [Acme]
"""
CONFIG = """
[strategies.acme]
[books.other]
base = "USDC"
strategies = ["triangular"]
[books.other.capital]
USDC = 1_000_000
ETH = 10
"""
RUN = ("run", "--blocks", "8", "--seed", "1", "--speed", "max", "--json")


def run_tampered(tampered: str, tidemill: Tidemill, folder: Path) -> Ended:
    """Run with the strategy ``acme`` alone, whose plans are replaced by an expression over ``plan``."""
    metadata = folder / "site" / "acme_lag-1.2.3.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "entry_points.txt").write_text("[tidemill.strategy.v1]\nacme = acme_lag\n")
    (metadata / "METADATA").write_text("Metadata-Version: 2.4\nName: acme-lag\nVersion: 1.2.3\nSummary: Trades the lag.\n")
    (folder / "site" / "acme_lag.py").write_text(SOURCE.replace("{tampered}", tampered))
    assert 0 == tidemill("config", "init").code
    config = folder / "tidemill.toml"
    config.write_text(config.read_text("utf-8") + CONFIG, "utf-8")
    off = {f"TIDEMILL__STRATEGIES__{name}__ENABLED": "false" for name in ("TRIANGULAR", "SPATIAL")}
    return tidemill(*RUN, env={**LEAN, **off, "PYTHONPATH": str(folder / "site")})


def test_plan_as_it_was_made_is_carried_out(tidemill: Tidemill, tmp_path: Path) -> None:
    """The strategy of these tests trades where nothing is replaced: what the others are refused is the replacement."""
    done = run_tampered("plan", tidemill, tmp_path)

    assert (0, True) == (done.code, done.summary["fills"] > 0)


@pytest.mark.parametrize(
    "tampered",
    [
        'evolve(plan, book="other")',
        'evolve(plan, chain="eip155:1")',
        'evolve(plan, strategy="triangular")',
        'evolve(plan, opportunity="x")',
        "evolve(plan, cost_cap=-1)",
        "evolve(plan, funds=plan.funds + plan.funds)",
        "evolve(plan, funds=((opportunity.asset, -5), *plan.funds))",
        "evolve(plan, funds=((opportunity.asset, 10**40),))",
        "None",
        "'plan'",
    ],
)
def test_plan_that_is_not_what_was_asked_for_is_never_sent(tampered: str, tidemill: Tidemill, tmp_path: Path) -> None:
    """No plan leaves, no money of any book moves, nobody but the strategy is at fault, and the run goes on."""
    done = run_tampered(tampered, tidemill, tmp_path)
    shown = tidemill("ledger", "show", "--json").lines[0]

    assert (0, 8, 0) == (done.code, done.summary["blocks"], done.summary["plans"])
    assert ({}, {}) == (shown["pnl"], shown["cost"])
    assert {line["plugin"] for line in done.lines if line["event"] == "plugin"} <= {"strategies.acme"}


def test_plan_whose_id_is_in_flight_waits_its_turn(tidemill: Tidemill, tmp_path: Path) -> None:
    """Two plans of one id are never under way at once: each that is sent is settled."""
    done = run_tampered('evolve(plan, id="same")', tidemill, tmp_path)
    under_way, most = 0, 0
    for line in done.lines:
        under_way += (line["event"] == "plan") - (line["event"] in ("fill", "revert"))
        most = max(most, under_way)

    assert (0, 0) == (done.code, under_way)
    assert most <= 1
