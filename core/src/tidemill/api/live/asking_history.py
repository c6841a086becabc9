"""Whether a chain is the one that the ledger's transactions are on, and has come as far as it was seen before.

A node that was begun anew knows nothing of what is open: it would never settle, and balances would be brought to those of another chain.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from tidemill.api.live.answering import answer_of
from tidemill.domain.finding import Finding
from tidemill.domain.ids import ChainId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.records import ResultRow
from tidemill.domain.time import ChainTime
from tidemill.errors import TidemillError, UsageError
from tidemill.hookspecs.chain import ChainLink, ChainRules
from tidemill.ledger.journal import REFUSED
from tidemill.ledger.open_intents import heights
from tidemill.ledger.reconcile import INCLUDED
from tidemill.stages.chain_rules import path_of

LATE_BLOCKS = 32
"""A node may tell of a transaction as it was so many blocks ago."""
TOLD_BLOCKS = 10_000
"""A node may have forgotten what became of a transaction that lies further back."""
ANOTHER = "begin another ledger: another folder as data"
_IN_BLOCKS = frozenset({IntentState.FINAL, IntentState.REVERTED})


@frozen
class Past:
    """What a ledger knows of the chains: the folder it lies in, all transactions of ours, and how it tells what became of a plan."""

    ledger: Path
    records: tuple[IntentRecord, ...]
    results: Callable[[PlanId], Sequence[ResultRow]]

    def on(self, chain: ChainId) -> tuple[IntentRecord, ...]:
        """Return the transactions on one chain."""
        return tuple(record for record in self.records if record.chain == chain)


def identity_finding(rules: ChainRules, head: ChainTime) -> Finding | None:
    """Say where a node's chain has another id than the configured one; None where it is the same."""
    if head.chain == rules.id:
        return None
    return Finding(rules.id, "error", f"the node says that it is {head.chain}", f"name a node of {rules.id} in [{path_of(rules)}]")


async def history_finding(rules: ChainRules, link: ChainLink, head: ChainTime, past: Past) -> Finding | None:
    """Say where a chain cannot be the one that the ledger has transactions on, or stands behind it; None where nothing shows that.

    Behind by no more than ``finality`` is what a node of the same chain may be. A final transaction is looked up as well, one that is
    neither so new that a node may answer late nor so old that it may have forgotten.

    Args:
        rules: the pure half of the chain.
        link: the half that asks it.
        head: its newest block.
        past: what the ledger knows.
    """
    records = past.on(rules.id)
    if not records:
        return None
    seen = heights(records)[rules.id]
    knows = f"{past.ledger} has {len(records):,} of our transactions on {rules.id}, up to block {seen:,}"
    if link.begins_anew:
        said = f"the chain begins anew with each run, at block {head.height:,}, and {knows}"
        remedy = f"let the chain live in a node of its own, named in [{path_of(rules)}]; or {ANOTHER}"
        return Finding(rules.id, "error", said, remedy)
    least, asked = max(0, seen - rules.finality), f", asked at {link.where}" if link.where else ""
    if head.height < least:
        said = f"the newest block is {head.height:,}{asked}, and {knows}: expected block {least:,} at least"
        remedy = f"wait until its node has caught up; where that is another chain's, name the right one in [{path_of(rules)}]; or {ANOTHER}"
        return Finding(rules.id, "error", said, remedy)
    differs = await _difference(rules, link, head, past)
    if not differs:
        return None
    said = f"this is another history than that of {past.ledger}: {differs}{asked}"
    return Finding(rules.id, "error", said, f"name a node of the chain that the ledger is of in [{path_of(rules)}]; or {ANOTHER}")


async def _difference(rules: ChainRules, link: ChainLink, head: ChainTime, past: Past) -> str:
    """Return what the chain says otherwise of a transaction that the ledger has in a final block; "" where it says the same, or nothing."""
    newest, oldest = head.height - rules.finality - LATE_BLOCKS, head.height - TOLD_BLOCKS
    final = [one for one in past.on(rules.id) if one.state in _IN_BLOCKS and oldest <= one.since <= newest]
    if not final:
        return ""
    record = max(final, key=lambda one: (one.since, one.number))
    rows = [row for row in past.results(record.plan) if row.height == record.since and row.status != REFUSED] if record.flow else []
    block_hash = rows[-1].block_hash if rows else ""
    try:
        answer = await answer_of(rules, "outcome", link.outcome, record.signed)
    except TidemillError:
        # It says where it stands, and nothing of this now: a run asks on by itself
        return ""
    name = f"block {record.since:,}{f' ({block_hash})' if block_hash else ''} is final there and holds transaction {record.tx}"
    if answer.status not in INCLUDED:
        return f"{name}, of which the chain knows nothing"
    if answer.height != record.since or (block_hash and answer.block_hash and answer.block_hash != block_hash):
        return f"{name}, which stands in block {answer.height:,} ({answer.block_hash}) of the chain"
    return ""


async def demand_history(rules: Mapping[ChainId, ChainRules], links: Mapping[ChainId, ChainLink], past: Past) -> None:
    """Return where every chain with transactions of ours may be the one that they are on; a chain without any is not asked.

    Raises:
        UsageError: one is another, or stands behind; it says what was expected, what was found, and what to do.
        Unavailable: one does not say where it stands.
    """
    wrong = []
    for chain, link in links.items():
        if past.on(chain):
            head = await answer_of(rules[chain], "newest", link.newest)
            found = identity_finding(rules[chain], head) or await history_finding(rules[chain], link, head, past)
            wrong += [f"{found.message}: {found.remedy}"] if found is not None else []
    if wrong:
        raise UsageError("\n".join(["nothing was compared, and nothing was changed:", *wrong]))
