"""Rows for other programs: nothing is lost, amounts are strings."""

import csv
import json

from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.outcome import Outcome
from tidemill.domain.plan import Flow
from tidemill.domain.records import OpportunityRow, Row
from tidemill.ledger.export import COLUMNS, csv_lines, json_lines
from tidemill.ledger.journal import Journal

ETH = AssetId("sim:1/slip44:60")
REJECTED = OpportunityRow(
    1, OpportunityId("o"), BookId("main"), "spatial", "arbitrage", ChainId("sim:1"), 7, ETH, ("x", "y"), 1 << 70, -3, "rejected", "rule",
    'too "little", by far\nindeed', None,
)  # fmt: skip


def all_rows(flow: Flow, filled: Outcome) -> list[Row]:
    journal = Journal(2)
    return [REJECTED, journal.intent(flow, "planned", digest="0xfeed", height=7), *journal.outcome(flow, filled, native=ETH)]


def test_json_lines_hold_every_row_with_amounts_as_text(flow: Flow, filled: Outcome) -> None:
    """Each row is one object that names its type; amounts survive programs that know only doubles."""
    lines = [json.loads(line) for line in json_lines(all_rows(flow, filled))]
    assert ["opportunity", "intent", "intent", "result", "entry", "entry"] == [line["row"] for line in lines]
    assert (str(1 << 70), "-3", ["x", "y"], None) == tuple(lines[0][key] for key in ("amount", "profit", "route", "plan"))
    assert ([["sim:1/erc20:0xaa", "5"]], "50", "0xfeed") == tuple(lines[1][key] for key in ("reserved", "cost_cap", "digest"))
    assert ("40", "filled") == (lines[3]["cost"], lines[3]["state"])
    assert {"account": "wallet", "asset": ETH, "amount": "-40"} == lines[5]["postings"][0]


def test_csv_lines_give_one_record_a_posting(flow: Flow, filled: Outcome) -> None:
    """A spreadsheet can sum the postings: the head names all columns, lists are JSON in their cell."""
    records = list(csv.DictReader("\n".join(csv_lines(all_rows(flow, filled))).splitlines(keepends=True)))
    assert list(COLUMNS) == list(records[0])
    assert ('too "little", by far\nindeed', '["x","y"]', "") == (records[0]["reason"], records[0]["route"], records[0]["plan"])
    costs = [(record["account"], record["amount"]) for record in records if record["kind"] == "cost"]
    assert [("wallet", "-40"), ("chain_cost", "40")] == costs
    assert sum(int(record["amount"]) for record in records if record["row"] == "entry") == 0


def test_csv_lines_of_a_row_with_a_plan_name_it() -> None:
    """A plan's id stands in the column of that name for every type of row."""
    row = OpportunityRow(
        1, OpportunityId("o"), BookId("main"), "s", "signal", ChainId("sim:1"), 7, ETH, (), 1, 1, "taken", "", "", PlanId("p")
    )
    (record,) = csv.DictReader(csv_lines([row]))
    assert ("p", "[]", "o") == (record["plan"], record["route"], record["id"])
