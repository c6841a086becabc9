"""What ``ledger show`` says about a run: figures for people, and the same for machines."""

from collections.abc import Iterator, Mapping

from attrs import frozen

from tidemill.api.header import header_of
from tidemill.api.ledger import Ledger
from tidemill.api.taken_back import REASON, TakenBack, taken_back
from tidemill.api.text_table import table
from tidemill.domain.amount_text import amount_text
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, address_of
from tidemill.domain.records import ResultRow
from tidemill.hookspecs.store import RunInfo
from tidemill.ledger.statement import Balances, Statement, holdings
from tidemill.stages.tell import readable

LAST = 10
"""So many of a run's last results are shown."""


@frozen
class LedgerView:
    """One run of a ledger with its figures; ``assets`` are those whose symbol and decimals the run's header knows.

    ``lost`` is what later runs took back of what it booked: its rows, and so its figures, still have that. ``undone`` is what it took back
    itself of earlier runs; that stands in the balances, and not in its ``pnl`` and ``cost``.
    """

    info: RunInfo
    runs: int
    statement: Statement
    balances: Balances
    assets: Mapping[AssetId, Asset]
    lost: tuple[TakenBack, ...] = ()
    undone: tuple[TakenBack, ...] = ()

    @property
    def last(self) -> tuple[ResultRow, ...]:
        """The last results of plans that were included in a block, oldest first."""
        included = [result for result in self.statement.results.values() if result.status in ("filled", "reverted")]
        return tuple(included[-LAST:])


def view_of(ledger: Ledger, run: int | None = None) -> LedgerView:
    """Return what there is to show about a run, the latest by default.

    Raises:
        UsageError: there is no such run. LedgerError: the ledger cannot be read.
    """
    info, found = ledger.run(run), taken_back(ledger)
    return LedgerView(
        info,
        len(ledger.runs()),
        ledger.statement(info.run),
        ledger.balances(),
        header_of(info).assets,
        tuple(one for one in found if one.booked_by == info.run),
        tuple(one for one in found if one.run == info.run),
    )


def view_json(view: LedgerView) -> dict[str, object]:
    """Return the view as an object; amounts are strings of base units, balances those of the whole ledger."""
    figures = view.statement
    return {
        "run": view.info.run,
        "runs": view.runs,
        "started": view.info.started,
        "closed": bool(view.info.ended),
        "ledger_hash": view.info.ledger_hash or None,
        "rows": figures.rows,
        "opportunities": figures.opportunities,
        "plans": figures.plans,
        "fills": figures.fills,
        "reverts": figures.reverts,
        "rejected": figures.rejected,
        "rejected_by": figures.rejected_by,
        "refused_by": figures.refused_by,
        "pnl": {asset: str(amount) for asset, amount in figures.pnl.items()},
        "cost": {asset: str(amount) for asset, amount in figures.cost.items()},
        "balances": [
            {"book": book, "asset": asset, "amount": str(amount)} for (book, asset), amount in holdings(view.balances).items()
        ],
        "last": [
            {"plan": one.plan, "strategy": one.strategy, "height": one.height, "status": one.status,
             "changes": {asset: str(amount) for asset, amount in one.changes}, "cost": str(one.cost), "reason": one.reason,
             "taken_back": _when(view, one)}
            for one in view.last
        ],
        "taken_back": [{"plan": one.plan, **_told(one)} for one in view.lost],
        "takes_back": [{"plan": one.plan, "booked_by": one.booked_by, "height": one.height, "reason": REASON} for one in view.undone],
    }  # fmt: skip


def view_lines(view: LedgerView) -> Iterator[str]:
    """Yield the view as lines for people: whole tokens where the decimals are known, base units elsewhere."""
    info, figures = view.info, view.statement
    ended = f"ended {info.ended}" if info.ended else "not closed"
    yield f"run {info.run} of {view.runs} · started {info.started} · {ended}"
    yield f"{figures.rows:,} rows · {figures.opportunities:,} opportunities, {figures.rejected:,} rejected · {figures.plans:,} plans"
    if figures.rejected:
        yield "rejected by " + ", ".join(f"{rule} {count:,}" for rule, count in figures.rejected_by.items())
    if figures.refused_by:
        yield "refused before anything was sent: by " + ", ".join(f"{by} {count:,}" for by, count in figures.refused_by.items())
    yield f"fills {figures.fills:,} · reverts {figures.reverts:,}" + (f" · hash {info.ledger_hash}" if info.ledger_hash else "")
    held = holdings(view.balances).items()
    yield from table("balances", [(book, *_named(view, asset), _shown(view, asset, amount)) for (book, asset), amount in held])
    yield from table(
        "pnl of the run", [(*_named(view, asset), _shown(view, asset, amount, sign=True)) for asset, amount in figures.pnl.items()]
    )
    yield from table(
        "cost, not in the pnl", [(*_named(view, asset), _shown(view, asset, amount)) for asset, amount in figures.cost.items()]
    )
    yield from table("last results", [_result(view, one) for one in view.last])
    if view.lost:
        lost = [(one.result.strategy, _what(one), _back(one)) for one in view.lost]
        yield from table("taken back by later runs, and still in the pnl and the cost above", lost)
    if view.undone:
        undone = [(one.result.strategy, _what(one), f"of run {one.booked_by}", _moved(view, one.wallet)) for one in view.undone]
        yield from table("taken back of earlier runs, in the balances alone", undone)


def _what(one: TakenBack) -> str:
    return f"{one.result.status} in block {one.result.height}"


def _told(one: TakenBack) -> dict[str, object]:
    return {"run": one.run, "height": one.height, "reason": REASON}


def _when(view: LedgerView, result: ResultRow) -> dict[str, object] | None:
    return next((_told(one) for one in view.lost if one.result == result), None)


def _back(one: TakenBack) -> str:
    return f"taken back by run {one.run} at height {one.height}: {REASON}"


def _result(view: LedgerView, one: ResultRow) -> tuple[str, ...]:
    said = _moved(view, dict(one.changes)) or readable(one.reason, view.assets) or "no change"
    back = "".join(f"; {_back(lost)}" for lost in view.lost if lost.result == one)
    return (f"block {one.height}", one.strategy, one.status, said + back)


def _moved(view: LedgerView, amounts: Mapping[AssetId, int]) -> str:
    return ", ".join(f"{_shown(view, asset, amount, sign=True)} {_symbol(view, asset)}" for asset, amount in amounts.items())


def _named(view: LedgerView, asset: AssetId) -> tuple[str, str]:
    return _symbol(view, asset), asset


def _symbol(view: LedgerView, asset: AssetId) -> str:
    known = view.assets.get(asset)
    return known.symbol if known is not None else address_of(asset)[:10]


def _shown(view: LedgerView, asset: AssetId, amount: int, *, sign: bool = False) -> str:
    """Return an amount of whole tokens; base units where the decimals are not known."""
    known = view.assets.get(asset)
    return amount_text(amount, known.decimals if known is not None else 0, sign=sign)
