"""Whether rows of a ledger can be true: each thing that cannot is said in a sentence."""

from collections.abc import Collection, Iterable, Mapping

from tidemill.domain.ids import AssetId, BookId, PlanId
from tidemill.domain.records import EntryRow, IntentRow, OpportunityRow, Posting, ResultRow, Row
from tidemill.ledger.accounts import CHAIN_COST, ENTRY_KINDS, LOAN_PREFIX, WALLET

IN_FLIGHT = ("planned", "broadcast", "unknown", "reopened")
ENDED = ("filled", "reverted", "dead", "refused")
GROUPED = ("complete", "exposed", "unwinding", "unwound", "kept", "failed")
"""What a group may be beside ``planned`` and ``reopened``: it has no result of its own, its legs do."""


def verify(rows: Iterable[Row], *, known: Collection[PlanId] = ()) -> list[str]:
    """Return what is wrong with a run's rows, given in order of ``seq``; empty when they are sound.

    Checked are: numbers from 1 without a hole; ids of entries once; every entry sums to zero per asset and owes no lender at its end; no
    wallet below zero (within a rollback it may be, after it not); every result has a plan in flight before it, and
    its fill and cost entries say what the result says; every reversal turns an entry of the run exactly, once.

    Args:
        rows: the rows of one run.
        known: plans that were open when the run began; their results need no intent in this run.
    """
    return _Auditor(known).audit(rows)


class _Auditor:
    """One pass over the rows of a run."""

    def __init__(self, known: Collection[PlanId]) -> None:
        self.states: dict[PlanId, str] = dict.fromkeys(sorted(known), "broadcast")
        self.entries: dict[str, EntryRow] = {}
        self.reversed: dict[str, int] = {}
        self.wallets: dict[tuple[BookId, AssetId], int] = {}
        self.moved: dict[tuple[BookId, AssetId], None] = {}
        self.due: dict[tuple[PlanId, str], dict[AssetId, int]] = {}
        self.in_flight: dict[PlanId, bool] = {}
        self.problems: list[str] = []

    def audit(self, rows: Iterable[Row]) -> list[str]:
        expected, rolling = 1, False
        for row in rows:
            if row.seq != expected:
                self.problems.append(f"row {expected} is missing: the next one there is row {row.seq}")
            expected = row.seq + 1
            within, rolling = rolling and _rolls_back(row), _rolls_back(row)
            if not within:
                self._check_wallets(row.seq)
            match row:
                case EntryRow():
                    self._entry(row)
                case IntentRow():
                    self._intent(row)
                case ResultRow():
                    self._result(row)
                case OpportunityRow():
                    self._opportunity(row)
        self._check_wallets(expected)
        for (plan, kind), amounts in self.due.items():
            self.problems.append(f"plan {plan}: its result tells of a {kind} of {_said(amounts)}, no such entry follows")
        return self.problems

    def _entry(self, row: EntryRow) -> None:
        name = f"row {row.seq}, {row.kind} entry {row.id}"
        if row.kind not in ENTRY_KINDS:
            self.problems.append(f"{name}: no such kind; there are {', '.join(ENTRY_KINDS)}")
        if row.id in self.entries:
            self.problems.append(f"{name}: row {self.entries[row.id].seq} has the same id")
        self.entries[row.id] = row
        for asset, amount in sorted(_sums(row.postings).items()):
            if amount:
                self.problems.append(f"{name}: its postings of {asset} sum to {amount}, they must sum to 0")
        owed = _sums(line for line in row.postings if line.account.startswith(LOAN_PREFIX))
        for asset, amount in sorted(owed.items()):
            if amount:
                self.problems.append(f"{name}: {-amount} of {asset} stay borrowed, a loan ends with its flow")
        for line in row.postings:
            if line.account == WALLET:
                place = (row.book, line.asset)
                self.wallets[place] = self.wallets.get(place, 0) + line.amount
                self.moved[place] = None
        if row.kind == "reversal":
            self._reversal(row, name)
        elif row.kind in ("fill", "cost"):
            self._settled(row, name)

    def _reversal(self, row: EntryRow, name: str) -> None:
        first = self.entries.get(row.ref)
        if first is None or first is row:
            self.problems.append(f"{name}: it reverses {row.ref}, which is no earlier entry of this run")
            return
        if row.ref in self.reversed:
            self.problems.append(f"{name}: row {self.reversed[row.ref]} reversed {row.ref} already")
        self.reversed[row.ref] = row.seq
        if row.postings != tuple(Posting(line.account, line.asset, -line.amount) for line in first.postings):
            self.problems.append(f"{name}: it does not turn row {first.seq} exactly")

    def _settled(self, row: EntryRow, name: str) -> None:
        """Compare a fill or cost with the result that announced it."""
        due = self.due.pop((PlanId(row.ref), row.kind), None)
        account = WALLET if row.kind == "fill" else CHAIN_COST
        moved = {asset: amount for asset, amount in _sums(p for p in row.postings if p.account == account).items() if amount}
        if due is None and moved:
            self.problems.append(f"{name}: no result of plan {row.ref} stands before it")
        elif due is not None and not _agrees(row.kind, moved, due):
            self.problems.append(f"{name}: it books {_said(moved)}, the plan's result says {_said(due)}")

    def _intent(self, row: IntentRow) -> None:
        if row.state not in IN_FLIGHT + ENDED + GROUPED:
            self.problems.append(f"row {row.seq}: plan {row.plan} is {row.state!r}, which is no state of a plan")
        self.in_flight[row.plan] = self.states.get(row.plan) in IN_FLIGHT
        self.states[row.plan] = row.state

    def _result(self, row: ResultRow) -> None:
        if not self.in_flight.pop(row.plan, False):
            self.problems.append(f"row {row.seq}: a result of plan {row.plan}, which was not in flight: no open intent stands before it")
        elif self.states[row.plan] != row.status:
            self.problems.append(f"row {row.seq}: plan {row.plan} is {row.status}, its intent says {self.states[row.plan]}")
        changes = {asset: amount for asset, amount in _sums(Posting("", *change) for change in row.changes).items() if amount}
        if changes:
            self.due[(row.plan, "fill")] = changes
        if row.cost:
            # The result does not name the native asset: the amount is what can be compared
            self.due[(row.plan, "cost")] = {AssetId(""): row.cost}

    def _opportunity(self, row: OpportunityRow) -> None:
        if row.decision not in ("taken", "rejected"):
            self.problems.append(f"row {row.seq}: opportunity {row.id} is {row.decision!r}, it can be taken or rejected")
        elif row.decision == "taken" and row.plan is None:
            self.problems.append(f"row {row.seq}: opportunity {row.id} was taken, but no plan is named")

    def _check_wallets(self, seq: int) -> None:
        """Look at the wallets that moved since the last look."""
        for book, asset in self.moved:
            amount = self.wallets[book, asset]
            if amount < 0:
                self.problems.append(f"before row {seq}: book {book} holds {amount} of {asset}, less than nothing")
        self.moved.clear()


def _rolls_back(row: Row) -> bool:
    """Tell whether a row is part of a rollback, which counts as one step: its entries come in any order."""
    return (isinstance(row, EntryRow) and row.kind == "reversal") or (isinstance(row, IntentRow) and row.state == "reopened")


def _sums(lines: Iterable[Posting]) -> dict[AssetId, int]:
    sums: dict[AssetId, int] = {}
    for line in lines:
        sums[line.asset] = sums.get(line.asset, 0) + line.amount
    return sums


def _agrees(kind: str, moved: Mapping[AssetId, int], due: Mapping[AssetId, int]) -> bool:
    return sum(moved.values()) == sum(due.values()) if kind == "cost" else dict(moved) == dict(due)


def _said(amounts: Mapping[AssetId, int]) -> str:
    return ", ".join(f"{amount} of {asset}" if asset else str(amount) for asset, amount in sorted(amounts.items())) or "nothing"
