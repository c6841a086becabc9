"""The journal makes the rows of one run: no store, no clock, nothing but the running number of the next row."""

from collections.abc import Iterable, Sequence
from typing import Literal

from tidemill.domain.ids import AssetId, BookId, ChainId, PlanId, content_id
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow, Group, Plan
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, Posting, ResultRow, Row
from tidemill.errors import InvariantError
from tidemill.ledger.accounts import ADJUSTMENT, CHAIN_COST, LOAN_FEE, OPENING, TRADING, WALLET, loan_account
from tidemill.ledger.plan_text import plan_to_text

REVERSIBLE = ("fill", "cost")
REFUSED = "refused"
"""The state of a plan of which nothing was sent."""


def check_balanced(postings: Iterable[Posting], what: str) -> None:
    """Check that postings sum to zero per asset.

    Raises:
        InvariantError: they do not; the message names ``what``, the asset and the difference.
    """
    sums: dict[AssetId, int] = {}
    for line in postings:
        sums[line.asset] = sums.get(line.asset, 0) + line.amount
    for asset, total in sums.items():
        if total:
            raise InvariantError(f"{what}: its postings of {asset} sum to {total}, they must sum to 0; nothing was written")


class Journal:
    """Makes rows with rising ``seq``. Equal calls in equal order give equal rows; amounts are base units throughout."""

    def __init__(self, next_seq: int = 1) -> None:
        self.next_seq = next_seq

    def opening(self, book: BookId, chain: ChainId, height: int, balances: Sequence[tuple[AssetId, int]]) -> tuple[Row, ...]:
        """Return the entry of what a book holds on a chain when the run begins; no row where it holds nothing.

        Raises:
            InvariantError: a balance is negative or an asset is named twice.
        """
        if len({asset for asset, _ in balances}) != len(balances) or any(amount < 0 for _, amount in balances):
            raise InvariantError(f"opening of book {book} on {chain}: each asset once and none below 0, found {tuple(balances)}")
        postings = _against(OPENING, balances)
        return (self._entry("opening", book, chain, height, "", postings),) if postings else ()

    def opportunity(
        self,
        opportunity: Opportunity,
        book: BookId,
        *,
        decision: Literal["taken", "rejected"],
        rule: str,
        reason: str,
        plan: PlanId | None,
    ) -> OpportunityRow:
        """Return the row of what was decided about an opportunity; a signal's amounts are of the asset that funds it."""
        kind: str
        route: tuple[str, ...]
        if isinstance(opportunity, Arbitrage):
            kind, asset, route = "arbitrage", opportunity.asset, opportunity.pools
        else:
            kind, asset, route = "signal", opportunity.funding, (opportunity.market,)
        return OpportunityRow(
            seq=self._take_seq(),
            id=opportunity.id,
            book=book,
            strategy=opportunity.strategy,
            kind=kind,
            chain=opportunity.chain,
            height=opportunity.height,
            asset=asset,
            route=route,
            amount=opportunity.amount,
            profit=opportunity.profit,
            decision=decision,
            rule=rule,
            reason=_writable(reason),
            plan=plan,
        )

    def intent(self, plan: Plan, state: str, *, digest: str, height: int) -> IntentRow:
        """Return the row of a plan on its way: ``digest`` names the bytes that go out, ``height`` is where the state was reached."""
        return self._intent(plan, state, height, digest, plan_to_text(plan))

    def refused(self, plan: Flow, by: str, reason: str, *, digest: str, height: int) -> tuple[Row, ...]:
        """Return the rows of a plan that was refused before anything was sent: its new state, and by whom and why."""
        state = self._intent(plan, REFUSED, height, digest, "")
        why = _writable(f"{by}: {reason}")
        result = ResultRow(self._take_seq(), plan.id, plan.book, plan.strategy, plan.chain, height, "", REFUSED, (), 0, why)
        return state, result

    def group(self, group: Group, state: str, *, height: int) -> IntentRow:
        """Return the row of how far a group has come; what it consists of stands in its first row, ``planned``, alone."""
        return self._intent(group, state, height, "", plan_to_text(group) if state == "planned" else "")

    def outcome(self, plan: Flow, outcome: Outcome, *, native: AssetId) -> tuple[Row, ...]:
        """Return the rows of what became of a flow: its new state, its result, and the entries of its fill and its cost.

        The intent's row leaves ``digest`` and ``flow`` empty: the plan's first row has them.

        Raises:
            InvariantError: balances changed though the outcome is not a fill, or the cost is negative.
        """
        filled = outcome.status is OutcomeStatus.FILLED
        if outcome.cost < 0 or (outcome.changes and not filled):
            raise InvariantError(
                f"plan {plan.id} is {outcome.status} with cost {outcome.cost} and changes {outcome.changes}: "
                "a cost is never negative and only a fill changes balances"
            )
        rows: list[Row] = [self._intent(plan, outcome.status.value, outcome.height, "", ""), self._result(plan, outcome)]
        postings = _fill_postings(plan, outcome) if filled else ()
        if postings:
            rows.append(self._entry("fill", plan.book, plan.chain, outcome.height, plan.id, postings))
        if outcome.cost:
            paid = _against(CHAIN_COST, ((native, -outcome.cost),))
            rows.append(self._entry("cost", plan.book, plan.chain, outcome.height, plan.id, paid))
        return tuple(rows)

    def reverse(self, plan: Flow, rows: Sequence[Row], *, height: int) -> tuple[Row, ...]:
        """Return what undoes an outcome whose block is no longer part of the chain.

        ``rows`` are those that ``outcome`` gave. Each of its entries is turned round, the last one first, and the plan is ``reopened``:
        its transaction may still be included elsewhere. ``height`` is the head that stays.

        Raises:
            InvariantError: an entry among the rows belongs to another plan or cannot be reversed.
        """
        turned: list[Row] = []
        for row in reversed(rows):
            if not isinstance(row, EntryRow):
                continue
            if row.ref != plan.id or row.kind not in REVERSIBLE:
                raise InvariantError(f"entry {row.id} ({row.kind}, ref {row.ref}) is no fill or cost of plan {plan.id}")
            postings = tuple(Posting(line.account, line.asset, -line.amount) for line in row.postings)
            turned.append(self._entry("reversal", row.book, row.chain, height, row.id, postings))
        return (*turned, self.reopened(plan, height))

    def reopened(self, plan: Flow, height: int) -> IntentRow:
        """Return the row of a plan that is in flight again: its block is gone, and its transaction may be included elsewhere."""
        return self._intent(plan, "reopened", height, "", "")

    def adjustment(self, book: BookId, chain: ChainId, height: int, asset: AssetId, amount: int, reason: str) -> EntryRow:
        """Return the entry that brings a balance to what the chain or an operator says: ``amount`` is added; ``reason`` becomes the ref.

        Raises:
            InvariantError: the amount is 0 or there is no reason.
        """
        if not amount or not reason:
            raise InvariantError(f"adjustment of {asset} in book {book} by {amount}: it needs an amount other than 0 and a reason")
        return self._entry("adjustment", book, chain, height, _writable(reason), _against(ADJUSTMENT, ((asset, amount),)))

    def _take_seq(self) -> int:
        seq = self.next_seq
        self.next_seq = seq + 1
        return seq

    def _entry(self, kind: str, book: BookId, chain: ChainId, height: int, ref: str, postings: tuple[Posting, ...]) -> EntryRow:
        check_balanced(postings, f"{kind} entry of book {book} at height {height}")
        # The number is part of the id: after a rollback the same fill may happen again, at the same height.
        identity = content_id("entry", self.next_seq, kind, book, chain, height, ref)
        return EntryRow(self._take_seq(), identity, book, chain, height, kind, ref, postings)

    def _intent(self, plan: Plan, state: str, height: int, digest: str, flow: str) -> IntentRow:
        reserved, cost_cap = _reserved(plan)
        return IntentRow(
            seq=self._take_seq(),
            plan=plan.id,
            opportunity=plan.opportunity,
            book=plan.book,
            strategy=plan.strategy,
            chain=plan.chain,
            height=height,
            state=state,
            reserved=reserved,
            cost_cap=cost_cap,
            digest=digest,
            flow=flow,
        )

    def _result(self, plan: Flow, outcome: Outcome) -> ResultRow:
        return ResultRow(
            seq=self._take_seq(),
            plan=plan.id,
            book=plan.book,
            strategy=plan.strategy,
            chain=plan.chain,
            height=outcome.height,
            block_hash=outcome.block_hash,
            status=outcome.status.value,
            changes=outcome.changes,
            cost=outcome.cost,
            reason=_writable(outcome.reason),
        )


def _against(account: str, amounts: Sequence[tuple[AssetId, int]]) -> tuple[Posting, ...]:
    """Return wallet postings of the amounts, each with its counterpart; zeros left out."""
    lines: list[Posting] = []
    for asset, amount in sorted(amounts):
        if amount:
            lines += (Posting(WALLET, asset, amount), Posting(account, asset, -amount))
    return tuple(lines)


def _fill_postings(plan: Flow, outcome: Outcome) -> tuple[Posting, ...]:
    """Return a fill's lines: per asset wallet and trading, then each loan with its fee."""
    fees: dict[AssetId, int] = {}
    for loan in plan.loans:
        fees[loan.asset] = fees.get(loan.asset, 0) + loan.fee
    changes: dict[AssetId, int] = {}
    for asset, change in outcome.changes:
        changes[asset] = changes.get(asset, 0) + change
    lines: list[Posting] = []
    for asset in sorted({*changes, *fees}):
        change, fee = changes.get(asset, 0), fees.get(asset, 0)
        booked = (Posting(WALLET, asset, change), Posting(TRADING, asset, -change - fee), Posting(LOAN_FEE, asset, fee))
        lines += (line for line in booked if line.amount)
    for loan in plan.loans:
        account = loan_account(loan.lender)
        lines += (Posting(account, loan.asset, -loan.amount), Posting(account, loan.asset, loan.amount))
    return tuple(lines)


def _writable(text: str) -> str:
    """Return a text that every store can keep: what a plugin or a node said may hold halves of characters."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _reserved(plan: Plan) -> tuple[tuple[tuple[AssetId, int], ...], int]:
    """Return what a plan reserves per asset, sorted, and the most it may cost; a group's is the sum of its plans'."""
    plans = plan.plans if isinstance(plan, Group) else (plan,)
    reserved: dict[AssetId, int] = {}
    for each in plans:
        for asset, amount in each.funds:
            reserved[asset] = reserved.get(asset, 0) + amount
    return tuple(sorted(reserved.items())), sum(each.cost_cap for each in plans)
