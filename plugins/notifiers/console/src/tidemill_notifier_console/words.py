"""The sentences around a run."""

from collections.abc import Mapping
from pathlib import Path

from tidemill.domain.amount_text import amount_text
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, address_of
from tidemill.domain.note import RunHeader, Summary

MOST_DECIMALS = 255
"""A token says its decimals in a byte."""
MOST_ASSETS = 4
"""So many assets are named in the summary's sentence."""
SIMULATED = "sim:"
CONFIG = "tidemill.toml"
DEFAULT_LEDGER = "tidemill-data"


def headline(header: RunHeader) -> str:
    """Return what the run is, and what it can and cannot do, in one line."""
    source = "simulated market" if header.source.startswith(SIMULATED) else header.source
    parts = [f"Tidemill {header.version}", header.mode, f"{source}, seed {header.seed}"]
    if header.tape:
        parts[2] = f"tape {header.tape} ({header.source})"
    counted = [(header.venues, "venue"), (header.pools, "pool"), (header.assets, "token")]
    parts.append(", ".join(plural(count, word) for count, word in counted if count))
    parts.append("Ctrl-C ends")
    if header.mode == "paper":
        parts.append("nothing here can spend money")
    return printable(" · ".join(part for part in parts if part))


def summary_line(summary: Summary, net: str = "") -> str:
    """Return what the run came to in one sentence; ``net`` is the profit after gas as text, where it is known."""
    fills = plural(summary.fills, "fill")
    if summary.fills:
        fills += f", {summary.profitable:,} profitable"
    gains = _amounts(summary.pnl, summary.assets, sign=True) or "no gain or loss"
    gas = f"gas {_amounts(summary.cost, summary.assets) or 0}"
    money = f"{net} after gas ({gains}, {gas})" if net else f"{gains}, {gas}"
    parts = [plural(summary.blocks, "block"), f"{fills}, {plural(summary.reverts, 'revert')}", money]
    if summary.ledger:
        parts.append(f"ledger {summary.ledger} (hash {summary.ledger_hash[:12]}…)")
    else:
        parts.append(f"hash {summary.ledger_hash[:12]}…")
    return printable(" · ".join(parts))


def stays_lines(summary: Summary) -> list[str]:
    """Return what of real money is not settled, a line each."""
    return [printable(f"stays: {one}") for one in summary.stays]


def next_line(summary: Summary) -> str:
    """Return what one may do next; nobody is told to write a configuration where there is one."""
    steps = ["`tidemill explain` shows this pipeline"]
    if not Path(CONFIG).exists():
        steps.append("`tidemill config init` writes its configuration")
    if summary.ledger:
        where = "" if summary.ledger == DEFAULT_LEDGER else f" --data {summary.ledger}"
        steps.append(f"`tidemill ledger show{where}` shows the books")
    return printable("next: " + " · ".join(steps))


def plural(count: int, word: str) -> str:
    """Return ``1 fill`` or ``31 fills``."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def printable(text: str) -> str:
    """Return text without control characters: symbols of tokens are anybody's, and a terminal would obey what hides in them."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _amounts(amounts: Mapping[AssetId, int], assets: Mapping[AssetId, Asset], *, sign: bool = False) -> str:
    """Return ``+84.11 USDC, -0.002 WETH``: known assets first, most whole tokens first; base units where the decimals are not known."""

    def place(item: tuple[AssetId, int]) -> tuple[bool, int, AssetId]:
        known = assets.get(item[0])
        # Dust of many tokens must not hide what was earned
        return known is None, -abs(item[1]) * 10 ** (MOST_DECIMALS - known.decimals if known is not None else 0), item[0]

    moved = sorted(((asset, amount) for asset, amount in amounts.items() if amount), key=place)
    texts = [_amount(asset, amount, assets.get(asset), sign=sign) for asset, amount in moved[:MOST_ASSETS]]
    if len(moved) > MOST_ASSETS:
        texts.append(f"{len(moved) - MOST_ASSETS} more")
    return ", ".join(texts)


def _amount(asset: AssetId, amount: int, known: Asset | None, *, sign: bool) -> str:
    if known is None:
        return f"{amount_text(amount, 0, sign=sign)} base units of {address_of(asset)[:10]}"
    return f"{amount_text(amount, known.decimals, sign=sign)} {known.symbol}"
