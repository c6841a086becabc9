"""What reconciling found and did, in lines for people."""

from collections.abc import Iterator

from tidemill.api.books_text import Known, amounts_text, said, symbol_of, text_of
from tidemill.api.reconciled import Difference, Moved, Reconciled
from tidemill.domain.ids import ChainId


def reconciled_lines(found: Reconciled) -> Iterator[str]:
    """Yield each transaction that moved, each difference, and whether books and chains are the same now."""
    known = {asset.id: asset for asset in found.assets}
    for one in found.moved:
        yield _moved(one, known)
    for difference in found.differences:
        yield _difference(difference, known, would=found.dry_run)
    if found.nothing:
        yield ("nothing moved" if found.out else "nothing to do") + ": every transaction is where it was, and no balance differs"
    yield " · ".join(_state(found))
    if found.stopped:
        yield f"an emergency stop holds (by {found.stopped}): nothing is sent, also not again; `tidemill resume --cause TEXT` ends it"
    if found.out:
        yield _out(found)


def _out(found: Reconciled) -> str:
    one = found.out == 1
    name = f"{found.out:,} of ours {'is' if one else 'are'} out, which no block holds"
    if found.late == found.out:
        which = "its" if one else "their"
        return f"{name}, and {which} time is over: a live run signs one that takes {which} slot; balances are compared when none is out"
    if found.dry_run:
        return f"{name}: without --dry-run {'its' if one else 'their'} bytes may be sent again as they are, and it is waited for a block"
    return (
        f"{name}: balances are compared when none is; `tidemill exposure` shows {'it' if one else 'them'}, `tidemill reconcile` looks again"
    )


def _moved(one: Moved, known: Known) -> str:
    name = f"transaction {one.number} {one.tx or '(never signed)'}"
    way = f"{one.was} → {one.now}" if one.was else f"{one.now}, to take a slot"
    parts = [f"{name}: {way} at block {one.since:,}"]
    if one.outcome == "filled":
        parts.append(f"booked {amounts_text(one.changes, known, sign=True) or 'no change'}")
    elif one.outcome:
        parts.append(f"booked as {one.outcome}")
    if one.cost:
        parts.append(f"cost {text_of(one.native, one.cost, known)} {symbol_of(one.native, known)}")
    if one.reason:
        parts.append(said(one.reason, known))
    return ", ".join(parts)


def _difference(one: Difference, known: Known, *, would: bool) -> str:
    symbol = symbol_of(one.asset, known)
    amount, holds = text_of(one.asset, one.amount, known, sign=True), text_of(one.asset, one.holds, known)
    return (
        f"book {one.book}: {amount} {symbol}, {'would hold' if would else 'holds'} {holds} {symbol} at block {one.height:,}: {one.reason}"
    )


def _state(found: Reconciled) -> Iterator[str]:
    if found.by == "run":
        yield "by the run that is on"
    elif found.dry_run:
        yield "dry run: nothing was written, nothing was sent"
    else:
        yield f"kept as run {found.run}" if found.run else "nothing was written"
    compared = ", ".join(_at(chain, height, found) for chain, height in found.balanced.items())
    yield (
        f"books and chain are the same at {compared}"
        if compared and not found.dry_run
        else (f"compared at {compared}" if compared else "balances were not compared")
    )
    yield f"{found.open:,} open" + (f", {found.out:,} of them out" if found.out else "")
    yield found.data


def _at(chain: ChainId, height: int, found: Reconciled) -> str:
    return f"block {height:,}" + (f" of {chain}" if len(found.heights) > 1 else "")
