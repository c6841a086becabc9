"""The judgement of the crash lane: what a stand's books lack, have twice, or have wrong, compared with the chain's own account."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

from attrs import define, field

from tests.faults.live_stand import Booked, Stand
from tidemill.domain.intent import IntentState
from tidemill.errors import OutcomeUnknown, Unavailable
from tidemill.ledger.accounts import WALLET

INCLUDED = (IntentState.SEEN, IntentState.FINAL, IntentState.REVERTED)
OUT = (IntentState.SIGNED, IntentState.BROADCAST, IntentState.UNKNOWN)
ASKS = 20
PATIENCE = 20
"""So many runs more may pass until nothing is out any more."""
NATIVE = "sim:1/slip44:60"

T = TypeVar("T")


@define
class Tally:
    """What the lane came to: kills that hit, transactions that the books lack, what they have twice, and what is wrong in them."""

    kills: int = 0
    lost: list[str] = field(factory=list)
    doubled: list[str] = field(factory=list)
    unbalanced: list[str] = field(factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.unbalanced)

    def add(self, other: "Tally") -> None:
        """Count what another stand came to as well."""
        self.kills += other.kills
        self.lost += other.lost
        self.doubled += other.doubled
        self.unbalanced += other.unbalanced

    def __str__(self) -> str:
        return f"{self.kills} kills: {len(self.lost)} lost, {len(self.doubled)} doubled" + (
            f", unbalanced: {'; '.join(self.unbalanced)}" if self.unbalanced else ", ledger balanced"
        )


def judged(stand: Stand, kills: int) -> Tally:
    """Let a run come to its end and compare the books with the chain: every transaction once, every balance equal."""
    tally = Tally(kills)
    booked = _ended(stand)
    for _ in range(PATIENCE):
        if not any(one.state in OUT for one in booked.intents):
            break
        booked = _ended(stand)
    _compare(tally, booked, stand)
    tally.unbalanced += [*_corrected(booked), *_unsound(stand)]
    return tally


def _ended(stand: Stand) -> Booked:
    status, _, err = stand.run()
    assert status == 0, err
    return stand.booked()


def _compare(tally: Tally, booked: Booked, stand: Stand) -> None:
    statement, view = _said(lambda: stand.chain.statement(stand.account)), _said(lambda: stand.chain.account(stand.account))
    on_chain = {entry.tx for entry in statement}
    included = {one.tx: one for one in booked.intents if one.state in INCLUDED}
    tally.lost += sorted(on_chain - included.keys())
    tally.doubled += sorted(included.keys() - on_chain)
    plans = Counter(one.plan for one in included.values() if one.flow)
    tally.doubled += sorted(str(plan) for plan, count in plans.items() if count > 1)
    held = {NATIVE: view.native, **{f"sim:1/erc20:{token}": amount for token, amount in view.tokens}}
    for asset in sorted({*held, *booked.balances}):
        ours, theirs = booked.balances.get(asset, 0), held.get(asset, 0)
        if ours != theirs:
            tally.unbalanced.append(f"{asset}: books {ours}, chain {theirs}")


def _said(ask: Callable[[], T]) -> T:
    """Return what a node answers that may be out for a while."""
    for _ in range(ASKS):
        try:
            return ask()
        except (Unavailable, OutcomeUnknown):
            continue
    return ask()


def _corrected(booked: Booked) -> Iterator[str]:
    """Name what had to be taken over from the chain since the books began: they are right at the end, and were wrong before."""
    known: set[str] = set()
    for run, entry in booked.adjustments:
        for line in entry.postings:
            if line.account != WALLET or "differs from the book's" not in entry.ref:
                continue
            if line.asset in known:
                yield f"{line.asset}: corrected by {line.amount} in run {run} at height {entry.height}"
            known.add(line.asset)


def _unsound(stand: Stand) -> Iterator[str]:
    for arguments in (("ledger", "verify", "--data", "data"), ("audit", "verify")):
        status, said = stand.command(*arguments)
        if status:
            yield f"tidemill {' '.join(arguments)}: {said.strip()}"
