"""``tidemill scan``: the cycles of a tape that gain."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tidemill.api.market import Cycle, Market
    from tidemill.domain.ids import AssetId

_LEAST_SHOWN = 6


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


@click.command(name="scan")
@click.argument("tape", type=click.Path(path_type=Path))
@click.option("--start", required=True, help="The asset that goes in and comes out: its id, its address, or a verified symbol.")
@click.option("--hops", required=True, type=Hops(), help="Number of swaps, or a range such as 2-4.")
@click.option("--min-profit", type=click.IntRange(min=1), default=1, show_default=True, help="Least gain, base units of the start asset.")
@click.option("--top", type=click.IntRange(min=1), help="The best so many; else all, for a range the best 50.")
@click.option("--at", "height", type=click.IntRange(min=0), help="The market after this block; else at the tape's end.")
@click.option("--config", type=click.Path(path_type=Path), help="Whose chains, DEXs and searcher are used; else the tape's own.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def command(
    tape: Path,
    start: str,
    hops: int | range,
    min_profit: int,
    top: int | None,
    height: int | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """List the cycles of TAPE that gain before chain costs, best first, each amount an exact quote."""
    from tidemill.api.tape import open_tape

    market = open_tape(tape).market_at(height, config)
    cycles = market.scan(start, hops, min_profit, top)
    lines = (json.dumps(_row(cycle)) for cycle in cycles) if as_json else _table(cycles, market, start)
    for line in lines:
        click.echo(line)
    for fault in market.faults:
        click.echo(f"left out: {fault}", err=True)
    if not all(cycle.exact for cycle in cycles):
        click.echo("the searcher could not prove that these are all and the best", err=True)


def _row(cycle: "Cycle") -> dict[str, Any]:
    return {
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


def _table(cycles: Sequence["Cycle"], market: "Market", start: str) -> list[str]:
    asset = market.names.asset(start)
    name = market.names.shown(asset)
    if not cycles:
        return [f"no cycle from {name} gains that much"]
    head = (f"profit {name}", f"in {name}", "route")
    rows = [(_amount(cycle.profit, asset, market), _amount(cycle.amount_in, asset, market), _route(cycle, market)) for cycle in cycles]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in (0, 1)]
    count = f"{len(cycles)} cycle{'s' if len(cycles) != 1 else ''}"
    lines = [f"{profit:>{widths[0]}}  {paid:>{widths[1]}}  {route}" for profit, paid, route in (head, *rows)]
    return [*lines, f"{count} from {name}, before chain costs"]


def _amount(units: int, asset: "AssetId", market: "Market") -> str:
    """Return whole tokens, cut after six decimals; the exact figures stand in the JSON."""
    known = market.snapshot.assets.get(asset)
    if known is None:
        return str(units)
    step = 10 ** max(0, known.decimals - _LEAST_SHOWN)
    if units < step:
        return f"<{10**-_LEAST_SHOWN:.{_LEAST_SHOWN}f}"
    from tidemill.domain.asset import amount_display

    return f"{amount_display(units // step, min(known.decimals, _LEAST_SHOWN)):f}"


def _route(cycle: "Cycle", market: "Market") -> str:
    names = [market.names.shown(leg.sell) for leg in cycle.legs]
    return " → ".join((*names, names[0]))
