"""Figures of a run, from its rows."""

from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow
from tidemill.domain.records import OpportunityRow, Row
from tidemill.ledger.journal import Journal
from tidemill.ledger.statement import holdings, statement_of

MAIN = BookId("main")
SIM = ChainId("sim:1")
USDC = AssetId("sim:1/erc20:0xaa")
WETH = AssetId("sim:1/erc20:0xbb")
ETH = AssetId("sim:1/slip44:60")


def opening(journal: Journal) -> tuple[Row, ...]:
    """A book with 100 USDC and 90 base units for gas."""
    return journal.opening(MAIN, SIM, 1, ((USDC, 100), (ETH, 90)))


def test_statement_of_a_fill_keeps_costs_apart(flow: Flow, filled: Outcome) -> None:
    """PnL is the wallet's change by trading, loan fees paid; what the chain took stands beside it."""
    journal = Journal()
    rows = [*opening(journal), journal.intent(flow, "planned", digest="", height=7), *journal.outcome(flow, filled, native=ETH)]
    statement = statement_of(rows)
    assert {USDC: 8, WETH: 2} == statement.pnl
    assert {ETH: 40} == statement.cost
    assert {(MAIN, USDC): 108, (MAIN, WETH): 2, (MAIN, ETH): 50} == statement.positions
    assert (1, 1, 0, 6) == (statement.plans, statement.fills, statement.reverts, statement.rows)


def test_statement_after_a_rollback_is_as_before(flow: Flow, filled: Outcome) -> None:
    """A reversed fill leaves neither gain, cost, position nor count, and its plan is open."""
    journal = Journal()
    before = opening(journal)
    outcome = journal.outcome(flow, filled, native=ETH)
    statement = statement_of([*before, *outcome, *journal.reverse(flow, outcome, height=7)])
    assert ({}, {}, 0) == (statement.pnl, statement.cost, statement.fills)
    assert statement_of(before).positions == statement.positions
    assert {flow.id: "reopened"} == statement.states


def test_statement_counts_reverts_and_rejections(flow: Flow) -> None:
    """Reverts count plans, rejections count decisions."""
    journal = Journal()
    rejected = OpportunityRow(9, OpportunityId("o"), MAIN, "s", "arbitrage", SIM, 7, USDC, (), 1, 1, "rejected", "r", "", None)
    taken = OpportunityRow(10, OpportunityId("o"), MAIN, "s", "arbitrage", SIM, 7, USDC, (), 1, 1, "taken", "", "", PlanId("p"))
    reverted = journal.outcome(flow, Outcome(OutcomeStatus.REVERTED, 8, "", cost=4), native=ETH)
    statement = statement_of([rejected, taken, *reverted])
    assert (2, 1, 1, 0) == (statement.opportunities, statement.rejected, statement.reverts, statement.fills)
    assert {"r": 1} == statement.rejected_by
    assert ({}, {ETH: 4}) == (statement.pnl, statement.cost)


def test_statement_counts_refused_plans_by_who_refused_them(flow: Flow) -> None:
    """Nothing was sent of a refused plan: it is no revert, costs nothing, and says who stopped it."""
    journal = Journal()
    sent = journal.intent(flow, "planned", digest="d", height=7)
    statement = statement_of([sent, *journal.refused(flow, "signer", "spend: too much", digest="d", height=7)])
    assert ({"signer": 1}, 0, {flow.id: "refused"}) == (statement.refused_by, statement.reverts, statement.states)
    assert ({}, {}) == (statement.positions, statement.cost)


def test_statement_adjustment_is_no_gain() -> None:
    """Money that came by itself changes the position and not the PnL."""
    statement = statement_of([Journal().adjustment(MAIN, SIM, 7, USDC, 3, "deposit")])
    assert ({}, {(MAIN, USDC): 3}) == (statement.pnl, statement.positions)


def test_holdings_are_sorted_wallets() -> None:
    """Only wallets are owned; zeros are left out; the order is by book and asset."""
    balances = {(BookId("b"), "wallet", USDC): 1, (MAIN, "trading", USDC): -5, (BookId("a"), "wallet", WETH): 2, (MAIN, "wallet", ETH): 0}
    assert [((BookId("a"), WETH), 2), ((BookId("b"), USDC), 1)] == list(holdings(balances).items())
