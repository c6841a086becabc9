"""``tidemill quote``: one exact quote of a pool on a tape."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tidemill.api.market import Market, PoolQuote
    from tidemill.domain.ids import AssetId
    from tidemill.domain.time import ChainTime


@click.command(name="quote")
@click.option("--tape", required=True, type=click.Path(path_type=Path), help="The tape.")
@click.option("--pool", required=True, help="Its id, or its address where the tape has one chain.")
@click.option("--sell", required=True, help="The asset sold: its id, its address, or a verified symbol.")
@click.option("--buy", help="The asset bought; a pool of two assets needs none.")
@click.option("--amount", required=True, type=int, help="Base units of the asset sold; with --exact-out of the asset bought.")
@click.option("--exact-out", is_flag=True, help="The amount is what is bought.")
@click.option("--at", "height", type=click.IntRange(min=0), help="The market after this block; else at the tape's end.")
@click.option("--config", type=click.Path(path_type=Path), help="Whose chains, DEXs and searcher are used; else the tape's own.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    tape: Path,
    pool: str,
    sell: str,
    buy: str | None,
    amount: int,
    exact_out: bool,
    height: int | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Give one exact quote of a pool, in integers of base units, as the next block would pay it.

    Where the pool gives no quote the reason is printed, and the exit code is 1.
    """
    from tidemill.api.tape import open_tape
    from tidemill.cli.log import configure_logging
    from tidemill.domain.answers import NoQuote

    configure_logging(as_json=as_json)
    market = open_tape(tape).market_at(height, config)
    answer = market.quote(pool, sell, amount, buy, exact_out=exact_out)
    if isinstance(answer, NoQuote):
        if as_json:
            no = {"no_quote": answer.reason.value, "detail": answer.detail, "keys": list(answer.keys), "pool": market.names.pool(pool)}
            click.echo(json.dumps(no))
        else:
            click.echo(f"no quote: {answer.reason.value}" + (f", {answer.detail}" if answer.detail else ""))
        raise SystemExit(1)
    click.echo(json.dumps(_row(answer)) if as_json else _text(answer, market))


def _row(quote: "PoolQuote") -> dict[str, Any]:
    return {
        "pool": quote.pool,
        "sell": quote.sell,
        "buy": quote.buy,
        "amount_in": str(quote.amount_in),
        "amount_out": str(quote.amount_out),
        "fee": str(quote.fee),
        "at": _at(quote.at),
    }


def _at(at: "ChainTime") -> dict[str, Any]:
    return {"chain": at.chain, "height": at.height, "unix_time": at.unix_time, "epoch": at.epoch}


def _text(quote: "PoolQuote", market: "Market") -> str:
    def amount(units: int, asset: "AssetId") -> str:
        from tidemill.domain.asset import amount_display

        known = market.snapshot.assets.get(asset)
        whole = f"{amount_display(units, known.decimals):f} " if known is not None else ""
        return f"{whole}{market.names.shown(asset)} ({units})"

    rows = (
        ("pool", quote.pool),
        ("sell", amount(quote.amount_in, quote.sell)),
        ("buy", amount(quote.amount_out, quote.buy)),
        ("fee", amount(quote.fee, quote.sell)),
        ("at", f"{quote.at.chain} height {quote.at.height}"),
    )
    return "\n".join(f"{name:<6}{text}" for name, text in rows)
