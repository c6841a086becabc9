"""Plays the simulated market over many seeds and writes the table in its reference page.

`python -m scripts.sim_report` takes minutes; `--check` compares the page's text with what its own figures say, and plays nothing.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from attrs import evolve

from tidemill.api.run import RunOptions, run
from tidemill.config.load import default_config
from tidemill.config.model import Config, PluginTable
from tidemill.domain.ids import AssetId
from tidemill.domain.note import Summary
from tidemill_simworld import NATIVE, ReferencePrices, token_universe

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "simulated-market.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
CARELESS = {
    "chains.sim": {"own_cost_ppm": 0},
    "strategies.triangular": {"min_profit_bps": 0},
    "strategies.spatial": {"min_profit_bps": 0},
}
ROW = re.compile(r"\| *(\d+) *\|" + r" *(-?[\d.]+) *\|" * 10)
CENT = 10**10


class Row(NamedTuple):
    """What one configuration came to on one seed; money in cents, gross before what was paid to the chain."""

    plans: int
    fills: int
    reverts: int
    gross: int
    cost: int

    @property
    def net(self) -> int:
        """What is left, in cents."""
        return self.gross - self.cost


def configuration(careless: bool) -> Config:
    """Return the default configuration, or the one that believes its costs to be zero, both without a ledger on disk."""
    config = default_config("sim", {})
    tables = tuple(_table(table, careless) for table in config.tables if table.kind not in ("store", "notifier"))
    return evolve(config, tables=tables)


def _table(table: PluginTable, careless: bool) -> PluginTable:
    changed = CARELESS.get(table.path, {}) if careless else {}
    return evolve(table, settings={**table.settings, **changed})


def play(blocks: int, job: tuple[int, bool]) -> Row:
    """Play one seed with one of the two configurations."""
    seed, careless = job
    summary = run(configuration(careless), RunOptions(blocks=blocks, seed=seed, speed="max"), notifiers=[])
    return row_of(summary, seed, blocks)


def row_of(summary: Summary, seed: int, blocks: int) -> Row:
    """Value a summary at the reference prices of its last block, rounded down to cents."""
    tokens = token_universe()
    prices = ReferencePrices(seed, tokens).at(blocks - 1)
    worth = {token.id: (price, token.unit) for token, price in zip(tokens, prices, strict=True)}
    worth[NATIVE] = worth[tokens[0].id]

    def cents(amounts: Mapping[AssetId, int]) -> int:
        return sum(amount * worth[asset][0] // worth[asset][1] for asset, amount in amounts.items()) // CENT

    return Row(summary.plans, summary.fills, summary.reverts, cents(summary.pnl), cents(summary.cost))


def table(rows: Sequence[tuple[int, Row, Row]], blocks: int) -> str:
    """Return the figures as Markdown: a sentence of sums, then one line a seed."""
    head = "| seed | plans | fills | reverts | cost | net | plans | fills | reverts | cost | net |\n" + "| ---: " * 11 + "|\n"
    lines = "".join(f"| {seed} | {_cells(default)} | {_cells(careless)} |\n" for seed, default, careless in rows)
    order = "The first five columns of figures are the default configuration, the others the careless one.\n\n"
    return f"{sentence(rows, blocks)}\n{order}{head}{lines}"


def _cells(row: Row) -> str:
    return f"{row.plans} | {row.fills} | {row.reverts} | {_money(row.cost)} | {_money(row.net)}"


def _money(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def sentence(rows: Sequence[tuple[int, Row, Row]], blocks: int) -> str:
    """Say what all seeds came to together."""

    def told(name: str, found: Sequence[Row]) -> str:
        won, net = sum(row.net > 0 for row in found), sum(row.net for row in found)
        counts = f"{sum(row.fills for row in found)} fills, {sum(row.reverts for row in found)} reverts"
        return f"* {name}: {counts}, net {_money(net // len(found))} US dollars a seed, above zero on {won} of {len(found)}.\n"

    return (
        f"{len(rows)} seeds of {blocks} blocks each:\n\n"
        + told("the default configuration", [default for _, default, _ in rows])
        + told("the careless one", [careless for _, _, careless in rows])
    )


def parse(text: str) -> Iterator[tuple[int, Row, Row]]:
    """Give the rows that a page states."""
    for line in text.splitlines():
        found = ROW.match(line)
        if found:
            seed, *cells = found.groups()
            yield int(seed), _row(cells[:5]), _row(cells[5:])


def _row(cells: Sequence[str]) -> Row:
    cost, net = (int(cell.replace(".", "")) for cell in cells[3:])
    return Row(int(cells[0]), int(cells[1]), int(cells[2]), cost + net, cost)


def main(arguments: Sequence[str], page: Path = PAGE) -> int:
    """Return 0 where the page is written or agrees with itself, 1 where it does not."""
    parser = argparse.ArgumentParser(prog="python -m scripts.sim_report", description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--blocks", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    text = page.read_text("utf-8")
    before, rest = text.split(BEGIN)
    figures, after = rest.split(END)
    if options.check:
        rows = list(parse(figures))
        stated = re.search(r"seeds of (\d+) blocks", figures)
        if rows and stated and figures == table(rows, int(stated[1])):
            return 0
        print(f"{page.name}: its sentences do not say what its rows do: run python -m scripts.sim_report", file=sys.stderr)
        return 1
    jobs = [(seed, careless) for seed in range(1, options.seeds + 1) for careless in (False, True)]
    with ProcessPoolExecutor(options.jobs) as pool:
        played = list(pool.map(partial(play, options.blocks), jobs))
    rows = [(seed, played[2 * place], played[2 * place + 1]) for place, seed in enumerate(range(1, options.seeds + 1))]
    page.write_text(f"{before}{BEGIN}{table(rows, options.blocks)}{END}{after}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
