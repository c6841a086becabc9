"""A running instance's status in lines for people."""

from collections.abc import Iterator, Mapping

from tidemill.api.plain import Amounts
from tidemill.api.status import FlattenStatus, PluginStatus, Status, UnsoldStatus
from tidemill.domain.amount_text import amount_text
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, address_of
from tidemill.signing.seen import SignerStatus
from tidemill.stages.tell import readable

_STATES = {"halted": "HALTED", "ending": "ending", "stopped": "STOPPED"}
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_SIZES = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


def status_lines(status: Status) -> Iterator[str]:
    """Yield what matters at three in the morning: what runs, whether it moves, what is at stake, who is not asked and why."""
    assets = {asset.id: asset for asset in status.assets}
    played = f"tape {status.tape} ({status.source})" if status.tape else f"{status.source}, seed {status.seed}"
    stopped = [f"{_STATES[status.state]} by {status.reason}"] if status.state == "stopped" else []
    yield " · ".join([status.mode, *stopped, played, f"up {span_text(status.uptime_s)}", _block(status), *_ending(status)])
    if status.mode == "live":
        yield _at_risk(status, assets)
    if status.signer is not None and status.signer.state != "there":
        yield _signer(status.signer)
    if status.flatten is not None:
        yield _flatten(status.flatten, assets)
    done = f"{_plural(status.fills, 'fill')}, {_plural(status.reverts, 'revert')}, {status.rejected:,} rejected"
    yield " · ".join([f"open plans {status.open_plans}", done, _money(status, assets)])
    ledger = f"ledger {status.data}, run {status.ledger} ({size_text(status.data_bytes)})" if status.ledger else f"{status.data}, no ledger"
    recorded = [f"recording {status.record}"] if status.record else []
    disk = [f"{_disk(status)} full"] if status.disk_bytes and status.mode != "live" else []
    yield " · ".join([ledger, *recorded, *disk, *_memory(status), f"process {status.process}"])
    for book in status.books:
        held = _amounts(book.balances, assets) or "nothing"
        yield f"book {book.id}: {held}" + (f"; reserved {_amounts(book.reserved, assets)}" if book.reserved else "")
        for plan in book.plans:
            yield f"in flight: {plan.id} of {plan.strategy} since block {plan.height:,}"
    for one in (*status.strategies, *status.plugins):
        yield _plugin(one)


def span_text(seconds: int) -> str:
    """Return a span by its two largest units: ``3 d 4 h``, ``12 s``."""
    parts = []
    for size, unit in _SPANS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def size_text(count: int) -> str:
    """Return a number of bytes in the largest unit that it reaches, rounded down."""
    return next((f"{count // size:,} {unit}" for size, unit in _SIZES if count >= size), f"{count} B")


def _block(status: Status) -> str:
    if status.block_age_s is None:
        return "no block yet"
    heights = ", ".join(f"block {one.height:,}" + (f" of {one.chain}" if len(status.chains) > 1 else "") for one in status.chains)
    return f"{heights}, {span_text(status.block_age_s)} ago"


def _ending(status: Status) -> list[str]:
    if status.state == "stopped":
        return []
    if status.state != "running":
        return [f"{_STATES[status.state]}: {status.reason}"]
    idle = [one for one in status.strategies if one.state in ("paused", "disabled")]
    return [f"{len(idle)} of {_plural(len(status.strategies), 'strategy', 'strategies')} not asked"] if idle else []


def _money(status: Status, assets: Mapping[AssetId, Asset]) -> str:
    gains = _amounts(status.pnl, assets, sign=True) or "no gain or loss"
    return f"{gains}, cost {_amounts(status.cost, assets) or 0}"


def _at_risk(status: Status, assets: Mapping[AssetId, Asset]) -> str:
    """Return what is out with real money, and whether the books are what the chains say."""
    states = ", ".join(f"{count} {state}" for state, count in status.intents.items() if count)
    heights = [f"block {status.balanced[one.chain]:,}" if one.chain in status.balanced else "no block yet" for one in status.chains]
    named = [f"{height} of {one.chain}" if len(heights) > 1 else height for one, height in zip(status.chains, heights, strict=True)]
    parts = [
        f"open intents {status.open_intents:,}" + (f" ({states})" if states else ""),
        f"unknown {status.unknown:,}",
        f"exposure {_amounts(status.exposure, assets) or 0}",
        f"ledger balanced at {', '.join(named)}" if status.balanced else "ledger not balanced yet",
        *([_disk(status)] if status.disk_bytes else []),
        *([f"clock ±{status.clock_ms:,} ms"] if status.clock_ms is not None else []),
    ]
    return " · ".join(parts)


def _signer(signer: SignerStatus) -> str:
    since = f" for {span_text(signer.silent_s)}" if signer.silent_s else ""
    return f"signer {signer.state.upper()}{since}: nothing can be signed, what is out is still followed · {signer.reason}"


def _flatten(flatten: FlattenStatus, assets: Mapping[AssetId, Asset]) -> str:
    """Return what is being sold back, and what stays with the reason."""
    stays = "; ".join(_unsold(one, assets) for one in flatten.unsold if one.stays)
    if flatten.state == "selling":
        selling = "; ".join(_unsold(one, assets) for one in flatten.unsold if not one.stays)
        parts = [f"flatten: selling {selling or 'what is free, from the next block on'}", *([f"stays {stays}"] if stays else [])]
        return " · ".join(parts)
    if flatten.state == "broken off":
        return f"flatten broken off by another stop: {f'not sold {stays}' if stays else 'nothing was left to sell'}"
    return f"flatten done: {f'what stays: {stays}' if stays else 'everything was sold back'}"


def _unsold(one: UnsoldStatus, assets: Mapping[AssetId, Asset]) -> str:
    reason = f" ({readable(one.reason, assets)})" if one.reason else ""
    return f"{_amount(one.asset, one.amount, assets.get(one.asset), sign=False)} of {one.book}{reason}"


def _disk(status: Status) -> str:
    return f"disk {(status.disk_bytes - status.disk_free_bytes) * 100 // status.disk_bytes} %"


def _memory(status: Status) -> list[str]:
    return [f"memory {status.memory_mb:,} MB"] if status.memory_mb else []


def _plugin(one: PluginStatus) -> str:
    count = f" ({one.failures} in a row)" if one.failures else ""
    parts = [f"{one.path} {one.state}{count}"]
    if one.process:
        parts = [f"{parts[0]} apart", f"process {one.process}", *([f"{one.memory_mb:,} MB"] if one.memory_mb else [])]
    return f"{', '.join(parts)}{': ' if one.reason else ''}{one.reason}"


def _amounts(amounts: Amounts, assets: Mapping[AssetId, Asset], *, sign: bool = False) -> str:
    return ", ".join(_amount(asset, amount, assets.get(asset), sign) for asset, amount in amounts.items() if amount)


def _amount(asset: AssetId, amount: int, known: Asset | None, sign: bool) -> str:
    return f"{amount_text(amount, known.decimals if known else 0, sign=sign)} {known.symbol if known else address_of(asset)[:10]}"


def _plural(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"
