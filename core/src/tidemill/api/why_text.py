"""A story in lines for people: what came of it first, then how."""

from collections.abc import Iterator

from tidemill.api.books_text import Known, amounts_text, said, symbol_of, text_of
from tidemill.api.story import EntryStory, FoundStory, PlanStory, ResultStory, Story, SwapStory, TransactionStory
from tidemill.api.text_table import rows
from tidemill.domain.ids import AssetId, PoolId, split_pool_id
from tidemill.errors import UsageError

_ENDS = {"dead": "never happened", "refused": "was refused before anything left", "unknown": "is unknown: no node says what became of it"}


def story_lines(story: Story) -> Iterator[str]:
    """Yield a story: of a plan its end first and its course below, of an opportunity the decision, of a pool what went through it."""
    known = {asset.id: asset for asset in story.assets}
    runs = {one.run for one in story.found} | {state.run for plan in story.plans for state in plan.states}
    if story.kind == "pool":
        yield from _pool(story, known)
        return
    for plan in story.plans:
        yield _summary(plan, known)
    for one in story.found:
        yield from _found(one, known, told=len(runs) > 1 or not story.plans)
    for plan in story.plans:
        yield from _plan(plan, known, told=len(runs) > 1)


def _summary(plan: PlanStory, known: Known) -> str:
    parts = [f"planned at block {plan.height:,}" + _basis(plan)]
    if plan.results and plan.states[-1].state != "reopened":
        parts.append(_result(plan.results[-1], plan.native, known))
    elif plan.states and plan.states[-1].state in _ENDS:
        parts.append(_ENDS[plan.states[-1].state])
    else:
        parts.append("has not ended")
    open_ones = [one for one in plan.transactions if one.state in ("planned", "signed", "broadcast", "seen", "unknown")]
    parts += [f"transaction {one.number} is {one.state} since block {one.since:,}" for one in open_ones]
    return "; ".join(parts)


def _basis(plan: PlanStory) -> str:
    if not plan.swaps:
        return ""
    return " on the state of that block" if plan.basis == plan.height else f" on the state of block {plan.basis:,}"


def _result(one: ResultStory, native: AssetId, known: Known) -> str:
    gains = amounts_text(one.changes, known, sign=True)
    why = f": {said(one.reason, known)}" if one.reason else ""
    cost = f"; cost {_native(one.cost, native, known)}" if one.cost else ""
    match one.status:
        case "filled":
            return f"filled in block {one.height:,}: {gains or 'no change'}{cost}"
        case "reverted":
            return f"reverted in block {one.height:,}{why}{cost}"
        case "refused":
            by, _, said_why = one.reason.partition(": ")
            return f"refused by {by} before anything left: {said(said_why, known)}"
        case "dead":
            return f"never happened{why}, known at block {one.height:,}{cost}"
    return f"{one.status} at block {one.height:,}{why}{cost}"


def _found(one: FoundStory, known: Known, *, told: bool, routed: bool = True) -> Iterator[str]:
    which = f" (run {one.run})" if told else ""
    yield f"found by {one.strategy} for block {one.height:,}{which}: {_expected(one, known)}"
    if one.decision == "rejected":
        yield f"  rejected for book {one.book} by {one.rule}: {said(one.reason, known)}"
        if routed:
            yield from rows([(str(i), *_at(pool)) for i, pool in enumerate(one.route, 1)], right=(0,))
    else:
        why = f": {one.reason}" if one.reason else ""
        yield f"  taken for book {one.book} as plan {one.plan}{why}"


def _expected(one: FoundStory, known: Known) -> str:
    symbol = symbol_of(one.asset, known)
    count = len(one.route)
    hops = f"{count} hop{'s' * (count != 1)}"
    return (
        f"{hops}, {text_of(one.asset, one.amount, known)} {symbol} in, {text_of(one.asset, one.profit, known, sign=True)} {symbol} expected"
    )


def _plan(plan: PlanStory, known: Known, *, told: bool) -> Iterator[str]:
    if plan.swaps:
        yield from rows([_swap(i, swap, known) for i, swap in enumerate(plan.swaps, 1)], right=(0,))
    held = amounts_text(plan.reserved, known) or "nothing"
    void = f", void after block {plan.expires:,}" if plan.expires else ""
    yield f"reserved {held} and at most {_native(plan.cost_cap, plan.native, known)} for the chain{void}"
    for one in plan.transactions:
        yield from _transaction(one, known)
    if not plan.transactions:
        cells = [(state.state, f"block {state.height:,}", f"run {state.run}" if told else "") for state in plan.states]
        yield from rows(cells, right=())
    for result in plan.results[:-1]:
        yield f"before: {_result(result, plan.native, known)}"
    for entry in plan.entries:
        yield _entry(entry, known)


def _swap(number: int, swap: SwapStory, known: Known) -> tuple[str, ...]:
    amount = "" if swap.amount_in is None else f"{text_of(swap.sell, swap.amount_in, known)} "
    return (str(number), *_at(swap.pool), f"{amount}{symbol_of(swap.sell, known)} → {symbol_of(swap.buy, known)}")


def _transaction(one: TransactionStory, known: Known) -> Iterator[str]:
    takes = f", takes the slot of transaction {one.replaces}" if one.replaces else ""
    yield f"transaction {one.number} {one.tx or '(never signed)'}, {one.slot.replace(':', ' ')} of {one.account}{takes}"
    cells = [(step.state.value, f"block {step.since:,}", _clock(step.at), said(step.reason, known)) for step in one.steps]
    if cells:
        yield from (line.rstrip() for line in rows(cells, right=()))


def _clock(at: str) -> str:
    return at.replace("T", " ").replace("+00:00", " UTC")


def _entry(entry: EntryStory, known: Known) -> str:
    why = f": {said(entry.reason, known)}" if entry.reason else ""
    amounts = amounts_text(entry.wallet, known, sign=True) or "nothing"
    return f"booked {entry.kind} {amounts}{why} (run {entry.run}, row {entry.seq:,}, block {entry.height:,})"


def _pool(story: Story, known: Known) -> Iterator[str]:
    rejected = sum(story.rejected_by.values())
    rules = ", ".join(f"{rule} {count:,}" for rule, count in story.rejected_by.items())
    yield f"{story.id}: {story.taken + rejected:,} opportunities through it, {story.taken:,} taken, {rejected:,} rejected" + (
        f" by {rules}" if rules else ""
    )
    for one in story.found:
        yield from _found(one, known, told=True, routed=False)
    for plan in story.plans:
        yield f"plan {plan.plan}: {_summary(plan, known)}"


def _at(pool: str) -> tuple[str, str]:
    """Return a pool's DEX and address; what is no pool's id as it is."""
    try:
        _, dex, address = split_pool_id(PoolId(pool))
    except UsageError:
        return pool, ""
    return dex, address


def _native(amount: int, native: AssetId, known: Known) -> str:
    return f"{text_of(native, amount, known)} {symbol_of(native, known)}" if native else f"{amount:,} of the native coin's base units"
