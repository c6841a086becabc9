"""The story behind a reference: a transaction, an intent, a plan, an opportunity or a pool, whole or by a beginning that only it has."""

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from attrs import frozen

from tidemill.api.ledger import Ledger, open_ledger
from tidemill.api.running import chosen_folder
from tidemill.api.story import FoundStory, Story, Teller, found_in
from tidemill.domain.ids import OpportunityId, PlanId, PoolId, address_of
from tidemill.domain.intent import IntentRecord
from tidemill.domain.records import IntentRow, OpportunityRow, Row
from tidemill.errors import UsageError

NEWEST = 5
"""So many opportunities and plans of a pool are told."""
KINDS = "the hash of a transaction, the number of an intent, the id of a plan or an opportunity, a pool or its address"
_LISTED = 8
_SHORTEST = 8
"""Fewer decimal digits are the number of an intent; as many may begin an id."""


@frozen
class Named:
    """What a reference may mean."""

    kind: str
    id: str
    plan: PlanId | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def why(ref: str, data: Path | str | None = None) -> Story:
    """Return the story of what a reference names, from the rows of all runs and our transactions.

    Args:
        ref: the hash of a transaction, the number of an intent, the id of a plan, an opportunity or a pool, a pool's address; or the
            beginning of one, where nothing else begins so.
        data: the folder of the ledger; None: the one of the configuration in the current folder, else ``tidemill-data``.

    Raises:
        UsageError: nothing in the ledger is called so, or several things are; the message lists them, or what comes near.
        LedgerError: there is no ledger, or it cannot be read.
    """
    folder = chosen_folder(data)
    with open_ledger(folder) as ledger:
        ledger.run()
        records = ledger.intents(ended=True)
        named = _resolve(ledger, records, ref.strip(), folder)
        return _story(ledger, records, ref.strip(), named)


def _story(ledger: Ledger, records: Sequence[IntentRecord], ref: str, named: Named) -> Story:
    teller = Teller(ledger, records)
    assets = tuple(asset for _, asset in sorted(teller.assets.items()))
    rows = list(ledger.naming(named.plan or named.id))
    if named.plan is not None:
        found = tuple(one for one in found_in(rows) if one.plan == named.plan)
        return Story(ref, named.kind, named.id, found, (teller.plan(named.plan),), assets)
    if named.kind == "opportunity":
        found = tuple(one for one in found_in(rows) if one.id == named.id)
        return Story(ref, named.kind, named.id, found, tuple(teller.plan(plan) for plan in _plans(found)), assets)
    through = tuple(one for one in found_in(rows) if named.id in one.route)
    refused = Counter(one.rule for one in through if one.decision == "rejected")
    return Story(
        ref,
        named.kind,
        named.id,
        through[-NEWEST:],
        tuple(teller.plan(plan) for plan in _plans(through)[-NEWEST:]),
        assets,
        sum(one.decision == "taken" for one in through),
        dict(sorted(refused.items(), key=lambda one: (-one[1], one[0]))),
    )


def _plans(found: Sequence[FoundStory]) -> tuple[PlanId, ...]:
    return tuple(dict.fromkeys(one.plan for one in found if one.plan is not None))


def _resolve(ledger: Ledger, records: Sequence[IntentRecord], ref: str, folder: Path) -> Named:
    """Return the one thing that a reference names; what is named whole wins over what only begins so."""
    lowered = ref.lower() if ref[:2].lower() == "0x" or "-" in ref else ref
    if not lowered:
        raise UsageError(f"an empty reference names nothing\n  {_kinds(ledger, records)}")
    if ref.isdecimal() and len(ref) < _SHORTEST:
        numbered = [record for record in records if record.number == int(ref)]
        if not numbered:
            raise UsageError(
                f"{folder}: there is no intent {ref}; "
                + (f"there are 1 to {records[-1].number}" if records else f"there is none\n  {_kinds(ledger, records)}")
            )
        return Named("intent", ref, numbered[0].plan)
    found = list(dict.fromkeys([*_of_records(records, ref, lowered), *_of_rows(ledger, lowered)]))
    whole = [one for one in found if lowered in (one.id, address_of(PoolId(one.id)) if one.kind == "pool" else one.id)]
    chosen = whole or found
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        listed = [str(one) for one in chosen[:_LISTED]] + [f"and {len(chosen) - _LISTED} more"] * (len(chosen) > _LISTED)
        raise UsageError("\n  ".join([f"{ref!r} can mean {len(chosen)} things; write more of the one that you mean:", *listed]))
    raise UsageError(_unknown(ledger, records, lowered, folder))


def _of_records(records: Sequence[IntentRecord], ref: str, lowered: str) -> list[Named]:
    """Return the transactions that a text begins, and their plans: of one that was killed early the rows tell nothing."""
    named = [Named("transaction", one.tx, one.plan) for one in records if one.tx and (one.tx.startswith(ref) or one.tx.startswith(lowered))]
    return named + [Named("plan", one.plan, one.plan) for one in records if one.plan.startswith(lowered)]


def _of_rows(ledger: Ledger, text: str) -> list[Named]:
    """Return the plans, opportunities and pools that begin with a text, in the order in which they first occur."""
    found: dict[Named, None] = {}
    for _, row in ledger.naming(text):
        for named in _named_by(row, text):
            found.setdefault(named)
    return list(found)


def _named_by(row: Row, text: str) -> list[Named]:
    named: list[Named] = []
    if isinstance(row, OpportunityRow):
        if row.id.startswith(text):
            named.append(Named("opportunity", row.id))
        if row.plan is not None and row.plan.startswith(text):
            named.append(Named("plan", row.plan, row.plan))
        pools = [pool for pool in dict.fromkeys(row.route) if pool.startswith(text) or address_of(PoolId(pool)).startswith(text)]
        named += [Named("pool", pool) for pool in pools]
    elif isinstance(row, IntentRow):
        if row.plan.startswith(text):
            named.append(Named("plan", row.plan, row.plan))
        if row.opportunity.startswith(text):
            named.append(Named("opportunity", row.opportunity))
    return named


def _unknown(ledger: Ledger, records: Sequence[IntentRecord], ref: str, folder: Path) -> str:
    """Say that nothing is called so, and what comes near among what left the core, which is what people ask about."""
    kinds = {record.tx: "transaction" for record in records if record.tx} | {record.plan: "plan" for record in records}
    if not kinds:
        states = ((row.plan, row.opportunity) for info in ledger.runs() for row in ledger.rows(info.run) if isinstance(row, IntentRow))
        kinds = {name: kind for plan, found in states for name, kind in ((plan, "plan"), (OpportunityId(found), "opportunity"))}
    near = get_close_matches(ref, kinds, n=3, cutoff=0.75) or _shorter(ref, kinds)
    meant = "; near it: " + ", ".join(f"{kinds[one]} {one}" for one in near) if near else ""
    return f"{folder}: nothing in this ledger is called {ref!r}{meant}\n  {_kinds(ledger, records)}"


def _kinds(ledger: Ledger, records: Sequence[IntentRecord]) -> str:
    """Say what a reference may be, with one of each kind that this ledger has, the newest."""
    sent = next((record for record in reversed(records) if record.tx), None)
    found = [] if sent is None else [f"transaction {sent.tx}", f"intent {sent.number}"]
    row = _newest(ledger)
    if row is not None:
        found += [f"plan {row.plan}"] * (row.plan is not None) + [f"opportunity {row.id}"] + [f"pool {pool}" for pool in row.route[:1]]
    return "\n    ".join([f"a reference is {KINDS}, or the beginning of one" + ("; here for example:" if found else ""), *found])


def _newest(ledger: Ledger) -> OpportunityRow | None:
    """Return the last opportunity of the newest run that has one, of those that became plans where some did."""
    for info in reversed(ledger.runs()):
        found: OpportunityRow | None = None
        for row in ledger.rows(info.run):
            if isinstance(row, OpportunityRow) and (found is None or found.plan is None or row.plan is not None):
                found = row
        if found is not None:
            return found
    return None


def _shorter(ref: str, kinds: dict[str, str]) -> list[str]:
    """Return what begins nearly like a reference: a beginning is compared with beginnings."""
    beginnings = {name[: len(ref)]: name for name in kinds}
    return [beginnings[one] for one in get_close_matches(ref, beginnings, n=3, cutoff=0.75)]
