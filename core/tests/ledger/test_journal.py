"""The journal: every entry balances, and equal calls give equal rows."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.domain.ids import AssetId, BookId, ChainId, MarketId, OpportunityId, PlanId, PoolId
from tidemill.domain.opportunity import Arbitrage, Leg, Signal
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow, Group, Loan, Orders
from tidemill.domain.records import EntryRow, IntentRow, Posting, ResultRow, Row
from tidemill.errors import InvariantError
from tidemill.ledger.journal import Journal, check_balanced

MAIN = BookId("main")
SIM = ChainId("sim:1")
USDC = AssetId("sim:1/erc20:0xaa")
WETH = AssetId("sim:1/erc20:0xbb")
ETH = AssetId("sim:1/slip44:60")
amounts = st.integers(-(1 << 256), 1 << 256)


def sums(rows: Sequence[Row]) -> dict[tuple[str, AssetId], int]:
    """What is left per account and asset, zeros left out."""
    totals: dict[tuple[str, AssetId], int] = {}
    for row in rows:
        if isinstance(row, EntryRow):
            for line in row.postings:
                totals[line.account, line.asset] = totals.get((line.account, line.asset), 0) + line.amount
    return {place: total for place, total in totals.items() if total}


def test_opening_of_a_book_posts_against_opening() -> None:
    """What a book begins with stands in its wallet against opening, sorted by asset, zeros left out."""
    (entry,) = Journal().opening(MAIN, SIM, 3, ((WETH, 2), (USDC, 10), (ETH, 0)))
    assert isinstance(entry, EntryRow)
    expected = (Posting("wallet", USDC, 10), Posting("opening", USDC, -10), Posting("wallet", WETH, 2), Posting("opening", WETH, -2))
    assert (1, "opening", 3, expected) == (entry.seq, entry.kind, entry.height, entry.postings)


def test_opening_with_nothing_gives_no_row() -> None:
    """A book that holds nothing opens with no row and takes no number."""
    journal = Journal()
    assert () == journal.opening(MAIN, SIM, 3, ((WETH, 0),))
    assert 1 == journal.next_seq


@pytest.mark.parametrize("balances", [((USDC, -1),), ((USDC, 1), (USDC, 2))])
def test_opening_negative_or_twice_raises(balances: tuple[tuple[AssetId, int], ...]) -> None:
    """A book cannot open with less than nothing, nor with two amounts of one asset."""
    with pytest.raises(InvariantError, match="each asset once and none below 0"):
        Journal().opening(MAIN, SIM, 3, balances)


def test_opportunity_of_a_cycle_names_its_pools() -> None:
    """A decision about a cycle is recorded with its route, amounts and reason."""
    pool = PoolId("sim:1/uniswap:0x01")
    cycle = Arbitrage(OpportunityId("o"), "triangular", SIM, USDC, (Leg(pool, USDC, WETH), Leg(pool, WETH, USDC)), 10, 3, 7)
    row = Journal().opportunity(cycle, MAIN, decision="rejected", rule="min_profit", reason="too little", plan=None)
    assert ("arbitrage", USDC, (pool, pool), 10, 3) == (row.kind, row.asset, row.route, row.amount, row.profit)
    assert ("rejected", "min_profit", "too little", None) == (row.decision, row.rule, row.reason, row.plan)


def test_opportunity_of_a_signal_counts_in_its_funding() -> None:
    """A signal's amounts are of what pays for it, and its route is its market."""
    signal = Signal(OpportunityId("o"), "momentum", SIM, MarketId("book/weth-usdc"), WETH, USDC, "buy", 10, 3, 7)
    row = Journal().opportunity(signal, MAIN, decision="taken", rule="", reason="", plan=PlanId("p"))
    assert ("signal", USDC, ("book/weth-usdc",), PlanId("p")) == (row.kind, row.asset, row.route, row.plan)


def test_opportunity_reason_with_half_a_character_stays_writable() -> None:
    """A reason that is no valid Unicode is escaped, so that every store can keep it."""
    signal = Signal(OpportunityId("o"), "momentum", SIM, MarketId("book/weth-usdc"), WETH, USDC, "buy", 10, 3, 7)
    row = Journal().opportunity(signal, MAIN, decision="rejected", rule="r", reason="ü \ud800", plan=None)
    assert "ü \\ud800" == row.reason


def test_intent_holds_plan_and_reservation(flow: Flow) -> None:
    """An intent carries what its plan reserves, the bytes' digest and the whole plan as text."""
    row = Journal().intent(flow, "planned", digest="0xfeed", height=7)
    assert (((USDC, 5),), 50, "0xfeed", "planned", 7) == (row.reserved, row.cost_cap, row.digest, row.state, row.height)
    assert '"type":"Flow"' in row.flow


def test_intent_of_a_group_reserves_the_sum(flow: Flow) -> None:
    """A group reserves what its legs reserve together."""
    order = Orders(
        PlanId("order"), flow.opportunity, "s", MAIN, SIM, "book", MarketId("book/m"), "buy", 1, None, ((USDC, 7), (ETH, 1)), 9, 3
    )
    group = Group(PlanId("group"), flow.opportunity, "s", MAIN, SIM, (flow, order), "keep", 9)
    row = Journal().intent(group, "planned", digest="", height=7)
    assert (((USDC, 12), (ETH, 1)), 53) == (row.reserved, row.cost_cap)


def test_outcome_filled_books_gain_fee_loan_and_cost(flow: Flow, filled: Outcome) -> None:
    """A fill books the wallet's change against trading and loan fee, its loan to zero, and the cost by itself."""
    intent, result, fill, cost = Journal(5).outcome(flow, filled, native=ETH)
    assert isinstance(intent, IntentRow)
    assert ("filled", 8, "", "") == (intent.state, intent.height, intent.digest, intent.flow)
    assert isinstance(result, ResultRow)
    assert ("filled", filled.changes, 40, "0x08") == (result.status, result.changes, result.cost, result.block_hash)
    assert [5, 6, 7, 8] == [row.seq for row in (intent, result, fill, cost)]
    expected = {
        ("wallet", USDC): 8,
        ("trading", USDC): -9,
        ("loan_fee", USDC): 1,
        ("wallet", WETH): 2,
        ("trading", WETH): -2,
    }
    assert expected == sums([fill])
    assert isinstance(fill, EntryRow)
    assert [-100, 100] == [line.amount for line in fill.postings if line.account == "loan:sim"]
    assert {("wallet", ETH): -40, ("chain_cost", ETH): 40} == sums([cost])


def test_outcome_reverted_books_cost_alone(flow: Flow) -> None:
    """A revert pays its cost and moves nothing else."""
    rows = Journal().outcome(flow, Outcome(OutcomeStatus.REVERTED, 8, "0x08", cost=40, reason="min_out"), native=ETH)
    assert {("wallet", ETH): -40, ("chain_cost", ETH): 40} == sums(rows)
    assert ["reverted", "reverted"] == [row.state if isinstance(row, IntentRow) else getattr(row, "status", "") for row in rows[:2]]


@pytest.mark.parametrize("status", [OutcomeStatus.DEAD, OutcomeStatus.UNKNOWN])
def test_outcome_without_inclusion_books_nothing(flow: Flow, status: OutcomeStatus) -> None:
    """What was not included, or may not have been, moves no money."""
    rows = Journal().outcome(flow, Outcome(status, 8, ""), native=ETH)
    assert [IntentRow, ResultRow] == [type(row) for row in rows]


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(OutcomeStatus.REVERTED, 8, "", changes=((USDC, 1),)),
        Outcome(OutcomeStatus.UNKNOWN, 8, "", changes=((USDC, 1),)),
        Outcome(OutcomeStatus.FILLED, 8, "", cost=-1),
    ],
)
def test_outcome_impossible_raises_and_takes_no_number(flow: Flow, outcome: Outcome) -> None:
    """Changes without a fill and negative costs are impossible states, and no row is made of them."""
    journal = Journal()
    with pytest.raises(InvariantError, match="only a fill changes balances"):
        journal.outcome(flow, outcome, native=ETH)
    assert 1 == journal.next_seq


def test_reverse_of_a_fill_cancels_exactly_and_reopens(flow: Flow, filled: Outcome) -> None:
    """A rolled-back outcome is undone entry by entry, the last first, and its plan is open again."""
    journal = Journal()
    rows = journal.outcome(flow, filled, native=ETH)
    undone = journal.reverse(flow, rows, height=7)
    assert {} == sums([*rows, *undone])
    reversals = [row for row in undone if isinstance(row, EntryRow)]
    assert [rows[3].id, rows[2].id] == [row.ref for row in reversals]  # type: ignore[union-attr]
    assert isinstance(undone[-1], IntentRow)
    assert ("reopened", 7, ((USDC, 5),)) == (undone[-1].state, undone[-1].height, undone[-1].reserved)


def test_reverse_of_another_plans_entry_raises(flow: Flow, filled: Outcome) -> None:
    """Only the entries of the plan's own outcome can be turned round."""
    journal = Journal()
    opening = journal.opening(MAIN, SIM, 1, ((USDC, 10),))
    with pytest.raises(InvariantError, match="is no fill or cost of plan plan-1"):
        journal.reverse(flow, opening, height=7)


def test_entries_that_repeat_have_ids_of_their_own(flow: Flow, filled: Outcome) -> None:
    """A fill that happens again after a rollback is another entry."""
    journal = Journal()
    first = journal.outcome(flow, filled, native=ETH)
    undone = journal.reverse(flow, first, height=7)
    second = journal.outcome(flow, filled, native=ETH)
    ids = [row.id for row in (*first, *undone, *second) if isinstance(row, EntryRow)]
    assert len(ids) == len(set(ids))


def test_adjustment_needs_amount_and_reason() -> None:
    """A balance is corrected only by something and for a reason."""
    entry = Journal().adjustment(MAIN, SIM, 7, USDC, -3, "reported by the chain")
    assert ({("wallet", USDC): -3, ("adjustment", USDC): 3}, "reported by the chain") == (sums([entry]), entry.ref)
    for amount, reason in ((0, "why"), (1, "")):
        with pytest.raises(InvariantError, match="an amount other than 0 and a reason"):
            Journal().adjustment(MAIN, SIM, 7, USDC, amount, reason)


def test_check_balanced_names_asset_and_difference() -> None:
    """Postings that do not sum to zero are an impossible state."""
    with pytest.raises(InvariantError, match="fill: its postings of sim:1/erc20:0xaa sum to 1"):
        check_balanced((Posting("wallet", USDC, 3), Posting("trading", USDC, -2)), "fill")


@given(
    changes=st.lists(st.tuples(st.sampled_from([USDC, WETH, ETH]), amounts), max_size=4),
    loans=st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([USDC, WETH]), st.integers(1, 1 << 250), st.integers(0, 99))),
    cost=st.integers(0, 1 << 128),
)
def test_outcome_of_any_size_balances_and_reverses(
    changes: list[tuple[AssetId, int]], loans: list[tuple[str, AssetId, int, int]], cost: int
) -> None:
    """R13: whatever a flow brings, its entries sum to zero per asset, change the wallet by exactly that, and reverse to nothing."""
    flow = Flow(
        PlanId("p"), OpportunityId("o"), "s", MAIN, SIM, (), (), tuple(Loan(*loan) for loan in loans), (), (), 9, 0
    )  # fmt: skip
    journal = Journal()
    rows = journal.outcome(flow, Outcome(OutcomeStatus.FILLED, 8, "", changes=tuple(changes), cost=cost), native=ETH)
    for row in rows:
        if isinstance(row, EntryRow):
            check_balanced(row.postings, "entry")
    expected: dict[AssetId, int] = {ETH: -cost}
    for asset, change in changes:
        expected[asset] = expected.get(asset, 0) + change
    found = {asset: total for (account, asset), total in sums(rows).items() if account == "wallet"}
    assert {asset: total for asset, total in expected.items() if total} == found
    assert {} == sums([*rows, *journal.reverse(flow, rows, height=7)])


def test_equal_calls_give_equal_rows(flow: Flow, filled: Outcome) -> None:
    """R4: the same calls in the same order give the same rows, ids included."""

    def rows() -> list[Row]:
        journal = Journal()
        made: list[Row] = [*journal.opening(MAIN, SIM, 1, ((USDC, 10),)), journal.intent(flow, "planned", digest="", height=7)]
        outcome = journal.outcome(flow, filled, native=ETH)
        return [*made, *outcome, *journal.reverse(flow, outcome, height=7)]

    assert rows() == rows()
