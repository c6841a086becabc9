"""``tidemill scan``: the cycles of a tape that gain."""

import json
import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, Context, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tidemill.api.cycles import Cycle, CycleLeg
    from tidemill.api.market import Market
    from tidemill.domain.ids import AssetId

_LEAST_SHOWN = 6
_SHORT = Context(prec=6, rounding=ROUND_DOWN)
"""A rate as it is shown: cut, like amounts."""
_LONG = 5
"""Cycles of so many swaps are searched for: no searcher of ours looks at every one of them."""


class Hops(click.ParamType["int | range"]):
    """A number of swaps such as ``3``, or a range of them such as ``2-4`` with both ends in it."""

    name = "hops"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | range:
        found = re.fullmatch(r"([1-9][0-9]{0,2})(?:-([1-9][0-9]{0,2}))?", str(value))
        if found is None:
            self.fail(f"{value!r} is no number of hops: expected one such as 3, or a range such as 2-4", param, ctx)
        few, many = int(found[1]), int(found[2] or found[1])
        if few < 2 or many < few:
            self.fail(f"{value!r}: a cycle has 2 hops or more, and a range goes up", param, ctx)
        return few if found[2] is None else range(few, many + 1)


class Deadline(click.ParamType[int]):
    """A short span such as ``500ms`` or ``2s``, in whole milliseconds."""

    name = "deadline"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"([1-9][0-9]{0,6})(ms|s)", str(value))
        if found is None:
            self.fail(f"{value!r} is no deadline: expected a number and a unit, such as 500ms or 2s", param, ctx)
        return int(found[1]) * (1 if found[2] == "ms" else 1_000)


@click.command(name="scan")
@click.argument("tape", type=click.Path(path_type=Path))
@click.option("--start", required=True, help="The asset that goes in and comes out: its id, its address, or a verified symbol.")
@click.option("--hops", required=True, type=Hops(), help="Number of swaps, or a range such as 2-4.")
@click.option("--min-profit", type=click.IntRange(min=1), default=1, show_default=True, help="Least gain, base units of the start asset.")
@click.option("--top", type=click.IntRange(min=1), help="The best so many; else all, for a range the best 50.")
@click.option("--netted", is_flag=True, help="First the one trade over all of these cycles.")
@click.option("--explain", is_flag=True, help="Below each, what every swap costs: rate, fee, impact, gas.")
@click.option("--deadline", "deadline_ms", type=Deadline(), help="Search about so long, such as 500ms; else until all is looked at.")
@click.option("--at", "height", type=click.IntRange(min=0), help="The market after this block; else at the tape's end.")
@click.option("--config", type=click.Path(path_type=Path), help="Whose chains, DEXs and searcher are used; else the tape's own.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def command(
    tape: Path,
    start: str,
    hops: int | range,
    min_profit: int,
    top: int | None,
    netted: bool,
    explain: bool,
    deadline_ms: int | None,
    height: int | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """List the cycles of TAPE that gain before chain costs, best first, each amount verified by exact quotes.

    A cycle marked with ! is suspect: one of its tokens may not pay what the pools promise. No run trades it, and no flow uses the pools
    that its gain is put down to.
    """
    from tidemill.api.tape import open_tape
    from tidemill.cli.log import configure_logging

    configure_logging(as_json=as_json)
    market = open_tape(tape).market_at(height, config)
    cycles = market.scan(start, hops, min_profit, top, netted=netted, deadline_ms=deadline_ms)
    shown = market if explain else None
    lines = (json.dumps(_row(cycle, shown)) for cycle in cycles) if as_json else _table(cycles, market, start, explain=explain)
    for line in lines:
        click.echo(line)
    for fault in market.faults:
        click.echo(f"left out: {fault}", err=True)
    if not all(cycle.exact for cycle in cycles if cycle.kind == "cycle"):
        click.echo("the searcher could not prove that these are all and the best", err=True)
    elif not cycles and deadline_ms is not None:
        click.echo("none was found before the deadline, which proves nothing: allow more, or leave --deadline out", err=True)
    elif not cycles and (hops if isinstance(hops, int) else hops[-1]) >= _LONG:
        click.echo(f"cycles of {_LONG} hops and more are searched for, not all looked at: that none was found proves nothing", err=True)


def _row(cycle: "Cycle", market: "Market | None") -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": cycle.kind,
        "hops": cycle.hops,
        "legs": [
            {
                "pool": leg.pool,
                "sell": leg.sell,
                "buy": leg.buy,
                "amount_in": str(leg.amount_in),
                "amount_out": str(leg.amount_out),
            }
            for leg in cycle.legs
        ],
        "amount_in": str(cycle.amount_in),
        "amount_out": str(cycle.amount_out),
        "profit": str(cycle.profit),
    }
    if cycle.suspect:
        row["suspect"] = list(cycle.suspect)
    if market is not None:
        row["explain"] = [
            {
                "pool": hop.pool,
                "rate": str(rate) if (rate := _rate(leg, market)) is not None else None,
                "fee_ppm": hop.fee_ppm,
                "impact_ppm": hop.impact_ppm,
                "chain_cost": str(hop.chain_cost),
            }
            for leg, hop in zip(cycle.legs, market.explain(cycle), strict=True)
        ]
    return row


def _table(cycles: Sequence["Cycle"], market: "Market", start: str, *, explain: bool) -> list[str]:
    asset = market.names.asset(start)
    name = market.names.shown(asset)
    if not cycles:
        return [f"no cycle from {name} was found that gains that much"]
    head = (f"profit {name}", f"in {name}", "route")
    rows = [(_amount(cycle.profit, asset, market), _amount(cycle.amount_in, asset, market), _route(cycle, market)) for cycle in cycles]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in (0, 1)]
    lines = [_line(head, widths)]
    for cycle, row in zip(cycles, rows, strict=True):
        lines += [_line(row, widths), *(f"{'':>{sum(widths) + 4}}! {reason}" for reason in cycle.suspect)]
        if explain:
            lines += [f"{'':>{sum(widths) + 4}}{line}" for line in _hops(cycle, market, asset)]
    count = sum(cycle.kind == "cycle" for cycle in cycles)
    flow = "a flow and " if count < len(cycles) else ""
    return [*lines, f"{flow}{count} cycle{'s' if count != 1 else ''} from {name}, before chain costs"]


def _line(row: tuple[str, str, str], widths: Sequence[int]) -> str:
    return f"{row[0]:>{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]}"


def _hops(cycle: "Cycle", market: "Market", start: "AssetId") -> list[str]:
    """Return a line for each swap: amounts, the pool, its fee, its impact and what the swap is expected to cost."""
    lines = []
    for leg, cost in zip(cycle.legs, market.explain(cycle), strict=True):
        sold, bought = (
            f"{_amount(units, one, market)} {market.names.shown(one)}"
            for units, one in ((leg.amount_in, leg.sell), (leg.amount_out, leg.buy))
        )
        fee = "fee varies" if cost.fee_ppm is None else f"fee {cost.fee_ppm / 10_000:.4g} %"
        gas = f", gas {_amount(cost.chain_cost, start, market)} {market.names.shown(start)}" if cost.chain_cost else ""
        rate = _rate(leg, market)
        each = f" at {_SHORT.plus(rate):.6g}" if rate is not None else ""
        lines.append(f"{sold} → {bought}{each}  {leg.pool.partition('/')[2]}  {fee}, impact {cost.impact_ppm / 10_000:.4f} %{gas}")
    return lines


def _rate(leg: "CycleLeg", market: "Market") -> Decimal | None:
    """Return whole tokens bought for one sold; None where a token's decimals are not known."""
    sold, bought = (market.snapshot.assets.get(asset) for asset in (leg.sell, leg.buy))
    if sold is None or bought is None:
        return None
    return Decimal(leg.amount_out).scaleb(-bought.decimals) / Decimal(leg.amount_in).scaleb(-sold.decimals)


def _amount(units: int, asset: "AssetId", market: "Market") -> str:
    """Return whole tokens, cut after six decimals towards zero; the exact figures stand in the JSON."""
    known = market.snapshot.assets.get(asset)
    if known is None:
        return str(units)
    step = 10 ** max(0, known.decimals - _LEAST_SHOWN)
    sign, size = "-" if units < 0 else "", abs(units)
    if 0 < size < step:
        return f"{sign}<{10**-_LEAST_SHOWN:.{_LEAST_SHOWN}f}"
    from tidemill.domain.asset import amount_display

    return f"{sign}{amount_display(size // step, min(known.decimals, _LEAST_SHOWN)):f}"


def _route(cycle: "Cycle", market: "Market") -> str:
    if cycle.kind == "flow":
        return f"flow of {cycle.hops} swaps through {len({leg.pool for leg in cycle.legs})} pools"
    names = [market.names.shown(leg.sell) for leg in cycle.legs]
    return " → ".join((*names, names[0])) + (" !" if cycle.suspect else "")
