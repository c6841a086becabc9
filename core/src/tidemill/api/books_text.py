"""Positions and exposure in lines for people."""

import re
from collections.abc import Iterator, Mapping, Sequence

from tidemill.api.exposure import AccountExposure, Exposure, OpenLegs, OpenTransaction
from tidemill.api.plain import Amounts
from tidemill.api.positions import Holding, Positions
from tidemill.api.running import running_text
from tidemill.api.text_table import rows
from tidemill.domain.amount_text import amount_text
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, ChainId, address_of
from tidemill.stages.tell import readable

_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
Known = Mapping[AssetId, Asset]
FIGURES = ("held", "reserved", "worth", "began with", "traded", "loan fees", "chain cost", "adjusted")


def positions_lines(found: Positions) -> Iterator[str]:
    """Yield each book with the account it lies in, one line an asset, and where it came from."""
    known = {asset.id: asset for asset in found.assets}
    yield " · ".join([
        f"{found.mode or 'mode not told'}, run {found.run}; {running_text(found.running, found.answers)}",
        *_heights(found.heights),
        *[f"ledger balanced at {text}" for text in _heights(found.balanced)],
        found.data,
    ])  # fmt: skip
    places = list(dict.fromkeys((one.book, one.chain, one.account) for one in found.holdings))
    if not places:
        yield "nothing is held, and nothing was"
    for book, chain, account in places:
        own = [one for one in found.holdings if (one.book, one.chain) == (book, chain)]
        base = found.bases.get(book)
        yield ""
        yield f"book {book} on {chain}: {f'account {account}' if account else 'paper money'}"
        yield from _table(own, base, known)
        yield from _worth(own, base, known, answers=found.answers)


def _table(own: Sequence[Holding], base: AssetId | None, known: Known) -> Iterator[str]:
    """Yield the holdings; columns in which nothing stands are left out."""
    lines = [_figures(one, base, known) for one in own]
    shown = [i for i, name in enumerate(FIGURES) if name == "held" or any(line[i] for line in lines)]
    head = ("", *(FIGURES[i] for i in shown))
    cells = [head, *((symbol_of(one.asset, known), *(line[i] or "·" for i in shown)) for one, line in zip(own, lines, strict=True))]
    yield from rows(cells, right=range(1, len(head)))


def _figures(one: Holding, base: AssetId | None, known: Known) -> tuple[str, ...]:
    def plain(amount: int) -> str:
        return text_of(one.asset, amount, known) if amount else ""

    def signed(amount: int) -> str:
        return text_of(one.asset, amount, known, sign=True) if amount else ""

    worth = "" if one.value is None or base is None or base == one.asset else text_of(base, one.value, known)
    gains = (signed(one.traded), signed(-one.loan_fees), signed(-one.chain_cost), signed(one.adjusted))
    return (text_of(one.asset, one.held, known), plain(one.reserved), worth, plain(one.began), *gains)


def _worth(own: Sequence[Holding], base: AssetId | None, known: Known, *, answers: bool) -> Iterator[str]:
    """Say what all of it is worth, where all of it can be told."""
    if base is None or len(own) < 2:
        return
    missing = [symbol_of(one.asset, known) for one in own if one.held and one.value is None]
    total = sum(one.value or 0 for one in own)
    if not missing:
        yield f"  worth {text_of(base, total, known)} {symbol_of(base, known)} together, by the market that the run sees"
    elif answers:
        yield f"  no pool that the run sees says what these are worth: {', '.join(missing)}"
    else:
        yield f"  what these are worth only a run that is on can say: {', '.join(missing)}"


def exposure_lines(found: Exposure) -> Iterator[str]:
    """Yield what is at risk, worst first: the sum, each account, each transaction that is out."""
    known = {asset.id: asset for asset in found.assets}
    states = ", ".join(f"{count} {state}" for state, count in found.states.items() if count)
    yield " · ".join([
        f"open intents {found.open:,}" + (f" ({states})" if states else ""),
        f"unknown {found.unknown:,}",
        f"at risk {amounts_text(found.at_risk, known) or 0}",
        running_text(found.running, found.answers),
        *_heights(found.heights),
    ])  # fmt: skip
    for account in found.accounts:
        yield ""
        yield f"book {account.book} on {account.chain}, account {account.account}: {_at_risk(account, known)}"
        own = [one for one in found.transactions if (one.book, one.chain, one.account) == (account.book, account.chain, account.account)]
        yield from rows([_transaction(one, known) for one in own], right=(0,))
    if found.groups:
        yield ""
        yield from (_legs(one, known) for one in found.groups)
    if found.open and not found.running:
        yield ""
        yield "`tidemill reconcile` asks the chain what became of them"


def _legs(one: OpenLegs, known: Known) -> str:
    counts = f"{one.filled} of {one.legs} legs filled, {one.failed} failed"
    stands = f"; stands open with {amounts_text(one.amounts, known, sign=True)}" if one.amounts else ""
    waits = f"; {len(one.unproven)} not proven yet" if one.unproven else ""
    policy = {"sell_back": "it is sold back", "keep": "it is kept", "hedge": "it is hedged, or kept"}[one.unwind]
    return (
        f"group {one.group} of {one.strategy} in book {one.book}: {one.state} since block {one.since:,}; {counts}{stands}{waits}; {policy}"
    )


def _at_risk(account: AccountExposure, known: Known) -> str:
    said = amounts_text(account.at_risk, known) or "nothing at risk"
    if account.oldest_unknown is None:
        return said
    return f"{said}; the oldest unknown one is silent for {account.oldest_unknown:,} block{'s' * (account.oldest_unknown != 1)}"


def _transaction(one: OpenTransaction, known: Known) -> tuple[str, ...]:
    since = f"since block {one.since:,}" + (f", {one.blocks:,} ago" if one.blocks else "")
    cap = (
        f"at most {text_of(one.native, one.cost_cap, known)} {symbol_of(one.native, known)}" if one.native else f"at most {one.cost_cap:,}"
    )
    held = f"holds {amounts_text(one.reserved, known)}" if one.reserved else "takes a slot"
    return (str(one.number), one.state, one.strategy, since, f"{held}, costs {cap}", one.tx or "not signed")


def amounts_text(amounts: Amounts, known: Known, *, sign: bool = False) -> str:
    """Return amounts with their symbols, zeros left out; "" where nothing is left."""
    return ", ".join(f"{text_of(asset, amount, known, sign=sign)} {symbol_of(asset, known)}" for asset, amount in amounts.items() if amount)


def text_of(asset: AssetId, amount: int, known: Known, *, sign: bool = False) -> str:
    """Return an amount in whole tokens; in base units where the asset's decimals are not known."""
    return amount_text(amount, known[asset].decimals if asset in known else 0, sign=sign)


def symbol_of(asset: AssetId, known: Known) -> str:
    """Return an asset's symbol, or the beginning of its address."""
    return known[asset].symbol if asset in known else address_of(asset)[:10]


def said(reason: str, known: Known) -> str:
    """Return a reason with symbols in place of asset ids and of bare addresses of assets; amounts beside an address stay base units."""
    by_address = {address_of(asset): found.symbol for asset, found in known.items()}
    return _ADDRESS.sub(lambda found: by_address.get(found[0], found[0]), readable(reason, known))


def _heights(heights: Mapping[ChainId, int]) -> list[str]:
    return (
        [", ".join(f"block {height:,}" + (f" of {chain}" if len(heights) > 1 else "") for chain, height in heights.items())]
        if heights
        else []
    )
