"""The packages of ``examples/third-party``: what each must come to, and how they are built and enabled."""

import shutil
from pathlib import Path

from attrs import evolve, frozen

from tests.bare import ROOT, build
from tidemill.domain.events import Found
from tidemill.domain.ids import pool_id
from tidemill.domain.pool import PoolRef
from tidemill.tape.reader import TapeReader
from tidemill.tape.writer import TapeWriter

FOLDER = ROOT / "examples" / "third-party"


@frozen
class Example:
    """One package: its folder, its plugin as ``<folder>.<name>``, the rules that must be red by number and title, and its level."""

    folder: str
    plugin: str
    red: tuple[str, ...] = ()
    level: str = ""

    @property
    def module(self) -> str:
        """Its import package."""
        return self.folder.replace("-", "_")

    @property
    def wheel(self) -> str:
        """The file name of its wheel."""
        return f"{self.module}-0.1.0-py3-none-any.whl"


WRONG = Example(
    "tidemill-dex-generous",
    "dex.generous",
    red=(
        "PKG-07 the bounds on tidemill are closed and hold this version",
        "PKG-09 no other plugin is imported",
        "PKG-13 decoding, quoting and instructions count in integers",
        "DEX-23 output must stay below the reserve",
        "DEX-28 a swap gives its quote and the pool after it",
        "DEX-30 the input asked for an output buys it",
        "DEX-39 no quote is better than its curve begins",
        "DEX-40 logs change a pool as the chain's state does",
    ),
)
STRATEGY = Example("tidemill-strategy-reversion", "strategies.reversion", level="gold")
DEX = Example("tidemill-dex-weighted", "dex.weighted", level="silver")
EXAMPLES = (DEX, STRATEGY, WRONG)
"""Every package there is: one more row for one more folder."""

MARKET = """
[chains.sim]
tokens = 12
pools = 36
warmup_blocks = 10

[prices.sim]
tokens = 12

[lenders.sim]

[dex.uniswap]

[dex.sushiswap]

[dex.quickswap]

[dex.pancakeswap]

[books.main]
base = "USDC"

[books.main.capital]
USDC = 50_000
WETH = 20
ETH = 10

[{plugin}]
"""
"""A small simulated market, and the table that enables a plugin."""


def copied(example: Example, into: Path) -> Path:
    """Copy a package as its author would publish it: nothing that tools left in its folder."""
    left = shutil.ignore_patterns("__pycache__", ".*cache", ".hypothesis", ".venv", "build", "dist")
    return Path(shutil.copytree(FOLDER / example.folder, into / example.folder, ignore=left))


def built(example: Example, into: Path) -> Path:
    """Build a package's wheel from a copy of it."""
    build(copied(example, into), into)
    return into / example.wheel


def relabelled(tape: Path, to: Path, other: str) -> int:
    """Write a tape anew, its constant-product pools with a fee of 0.3 % given to another DEX; return how many those are."""
    count = 0

    def given(ref: PoolRef) -> PoolRef:
        nonlocal count
        if (ref.kind, ref.fee_ppm) != ("v2", 3_000):
            return ref
        count += 1
        return evolve(ref, dex=other, id=pool_id(ref.chain, other, ref.address))

    reader = TapeReader(tape)
    with TapeWriter(to, reader.header) as writer:
        for record in reader.records():
            events = tuple(
                evolve(event, pools=tuple(map(given, event.pools))) if isinstance(event, Found) else event for event in record.batch.events
            )
            writer.write(evolve(record.batch, events=events), record.decide)
    return count
