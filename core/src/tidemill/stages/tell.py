"""Notes: what the core tells, in words and in figures."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from tidemill.domain.amount_text import amount_text as whole_text
from tidemill.domain.answers import Rejected
from tidemill.domain.asset import Asset
from tidemill.domain.events import Control, PluginState, RefusedSeen
from tidemill.domain.ids import AssetId, BookId, address_of
from tidemill.domain.note import Note
from tidemill.domain.opportunity import Arbitrage, Opportunity
from tidemill.domain.outcome import OutcomeStatus
from tidemill.domain.plan import Flow, Group
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.stages.flight import Landed

_AMOUNT = re.compile(r"(-?\d+) of ([\w-]+:[\w-]+/[\w-]+:\w+)")
_ASSET = re.compile(r"[\w-]+:[\w-]+/(?:erc20|slip44|token):\w+")
MAX_NAMES = 4
"""A route longer than this is shown by its ends."""


def symbol(asset: AssetId, assets: Mapping[AssetId, Asset]) -> str:
    """Return an asset's symbol for display, or the beginning of its address."""
    known = assets.get(asset)
    return known.symbol if known is not None else address_of(asset)[:10]


def amount_text(asset: AssetId, amount: int, assets: Mapping[AssetId, Asset], *, sign: bool = False) -> str:
    """Return an amount in whole tokens, at most six places, cut towards zero; in base units where the asset's decimals are not known."""
    known = assets.get(asset)
    return whole_text(amount, known.decimals if known is not None else 0, sign=sign)


def route_text(opportunity: Opportunity, assets: Mapping[AssetId, Asset]) -> str:
    """Return ``3 hops  WETH→LINK→DAI→WETH``, the middle of a long route left out.

    Different assets of one symbol, which anybody can take, have the end of their address behind it: ``WETH→DAI~1d0f→DAI~77c2→WETH``.
    """
    if not isinstance(opportunity, Arbitrage):
        return f"{opportunity.side} {symbol(opportunity.asset, assets)}"
    route = [opportunity.asset, *(leg.buy for leg in opportunity.legs)]
    bearers = Counter(symbol(asset, assets) for asset in dict.fromkeys(route))
    names = [_marked(asset, name) if bearers[name := symbol(asset, assets)] > 1 else name for asset in route]
    if len(names) > MAX_NAMES + 1:
        names = [*names[:2], "…", names[-1]]
    return f"{len(opportunity.legs)} hops  {'→'.join(names)}"


def _marked(asset: AssetId, name: str) -> str:
    return f"{name}~{address_of(asset)[-4:]}"


def readable(reason: str, assets: Mapping[AssetId, Asset]) -> str:
    """Return a reason with its ``<amount> of <asset id>`` in whole tokens and symbols, and other asset ids as symbols."""
    if "/" not in reason:  # no asset id is without, and most reasons name none
        return reason

    def amount(found: re.Match[str]) -> str:
        asset = AssetId(found[2])
        return f"{amount_text(asset, int(found[1]), assets)} {symbol(asset, assets)}" if asset in assets else found[0]

    reason = _AMOUNT.sub(amount, reason)
    return _ASSET.sub(lambda found: symbol(AssetId(found[0]), assets), reason)


def rejected_note(opportunity: Opportunity, rejected: Rejected, view: Snapshot) -> Note:
    """Tell that an opportunity was turned away, by which rule and why."""
    head = view.head(opportunity.chain) if opportunity.chain in view.chains else ChainTime(opportunity.chain, opportunity.height, 0)
    text = f"{opportunity.strategy}  {route_text(opportunity, view.assets)}  rejected: {readable(rejected.reason, view.assets)}"
    fields = (("id", opportunity.id), ("strategy", opportunity.strategy), ("rule", rejected.rule), *rejected.numbers)
    return note_of("rejected", "debug", head, text, tuple((key, _plain(value)) for key, value in fields))


def planned_note(opportunity: Opportunity, plan: Flow | Group, view: Snapshot) -> Note:
    """Tell that a plan left the core."""
    head = view.head(plan.chain)
    why = f": {opportunity.reason}" if opportunity.reason else ""
    text = f"{plan.strategy}  {route_text(opportunity, view.assets)}  sent in block {head.height}{why}"
    fields = (("id", plan.id), ("opportunity", opportunity.id), ("strategy", plan.strategy), ("why", opportunity.reason))
    return note_of("plan", "debug", head, text, fields)


def outcome_note(landed: Landed, native: AssetId, base: AssetId, head: ChainTime, assets: Mapping[AssetId, Asset]) -> Note:
    """Tell what became of a plan; ``net`` is what it left after costs, in units of the book's base asset."""
    outcome, route = landed.outcome, landed.route
    plan = landed.intent.plan
    known = assets.get(base)
    cost = f"cost {amount_text(native, outcome.cost, assets)} {symbol(native, assets)}"
    fields: tuple[tuple[str, object], ...] = (
        ("id", plan.id),
        ("strategy", plan.strategy),
        ("status", outcome.status.value),
        ("changes", {asset: str(change) for asset, change in outcome.changes}),
        ("cost", str(outcome.cost)),
        ("net", str(landed.gain)),
        ("symbol", symbol(base, assets)),
        ("decimals", known.decimals if known is not None else 0),
    )
    if outcome.status is OutcomeStatus.FILLED:
        gains = ", ".join(f"{amount_text(asset, change, assets, sign=True)} {symbol(asset, assets)}" for asset, change in outcome.changes)
        # A chain may tell what changed without the single swaps
        first = outcome.fills[0] if outcome.fills else None
        start = f"{amount_text(first.sell, first.amount_in, assets)} {symbol(first.sell, assets)} in" if first else "swaps not told"
        text = f"{plan.strategy}  {route}  {start}  {gains or 'no change'}  {cost}  filled in block {outcome.height}"
        return note_of("fill", "info", head, text, fields)
    text = f"{plan.strategy}  {route}  {outcome.status.value} in block {outcome.height}: {readable(outcome.reason, assets)}  {cost}"
    return note_of("revert", "info", head, text, (*fields, ("reason", outcome.reason)))


def refused_note(plan: Flow, route: str, event: RefusedSeen, head: ChainTime, assets: Mapping[AssetId, Asset]) -> Note:
    """Tell that nothing was sent of a plan, who refused it and why; the market moves on under a simulation, the others want a person."""
    text = f"{plan.strategy}  {route}  refused by {event.by}: {readable(event.reason, assets)}"
    fields = (("id", plan.id), ("strategy", plan.strategy), ("by", event.by), ("reason", event.reason))
    return note_of("refused", "warning" if event.by in ("signer", "node") else "debug", head, text, fields)


def head_note(head: ChainTime, block_hash: str) -> Note:
    """Tell that a chain has a new head."""
    return note_of("head", "debug", head, f"block {head.height}", (("hash", block_hash),))


def plugin_note(event: PluginState, head: ChainTime) -> Note:
    """Tell that a plugin failed, came back or was disabled."""
    text = f"{event.plugin} {event.state} ({event.failures} in a row): {event.reason}"
    return note_of("plugin", "warning", head, text, (("plugin", event.plugin), ("state", event.state), ("failures", event.failures)))


def warmed_note(event: PluginState, head: ChainTime) -> Note:
    """Tell what became of a searcher's warming."""
    fields = (("plugin", event.plugin), ("state", event.state), ("reason", event.reason))
    return note_of("warmed", "info", head, f"{event.plugin}: {event.reason}", fields)


def control_note(event: Control, strategies: Sequence[str], head: ChainTime) -> Note:
    """Tell that an operator paused or resumed strategies (those that were not before), or ends the run."""
    cause = f": {event.cause}" if event.cause else ""
    if event.command == "stop":
        text = f"an operator ends the run{cause}"
    elif event.command == "hold":
        return note_of("stopped", "error", head, f"nothing is sent any more{cause}", (("cause", event.cause),))
    elif event.command == "flatten":
        text = f"nothing is sent any more but what sells everything back{cause}"
        return note_of("stopped", "error", head, text, (("cause", event.cause),))
    elif event.command == "release":
        return note_of("released", "warning", head, f"trading goes on{cause}", (("cause", event.cause),))
    else:
        text = f"an operator {event.command}d {', '.join(strategies) or 'no strategy'}{cause}"
    fields = (("command", event.command), ("strategies", tuple(strategies)), ("cause", event.cause))
    return note_of("control", "info", head, text, fields)


def flattened_note(left: Sequence[tuple[BookId, AssetId, int, str]], head: ChainTime, assets: Mapping[AssetId, Asset]) -> Note:
    """Tell that everything was sold back that could be, and what stays, with the reason."""
    stays = [
        f"{amount_text(asset, amount, assets)} {symbol(asset, assets)} of {book} ({readable(reason, assets)})"
        for book, asset, amount, reason in left
    ]
    text = f"everything else was sold back; what stays: {'; '.join(stays)}" if stays else "everything was sold back"
    fields = (("left", tuple((book, asset, str(amount), reason) for book, asset, amount, reason in left)),)
    return note_of("flattened", "warning", head, text, fields)


def halt_note(head: ChainTime, reason: str) -> Note:
    """Tell that trading stops."""
    return note_of("halt", "error", head, f"trading stops: {reason}", (("reason", reason),))


def note_of(event: str, level: str, head: ChainTime, text: str, fields: tuple[tuple[str, object], ...]) -> Note:
    """Return a note at a head."""
    return Note(event, level, head.height, head.unix_time, text, fields)  # type: ignore[arg-type]


def _plain(value: object) -> object:
    """Amounts travel as strings: they exceed what JSON numbers hold exactly."""
    return str(value) if isinstance(value, int) else value
