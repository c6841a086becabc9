"""Notes on groups: when legs begin to stand without their counterpart, when that ends, and what a group left."""

from collections.abc import Mapping

from tidemill.domain.answers import Rejected
from tidemill.domain.asset import Asset
from tidemill.domain.exposure import Changes, GroupState
from tidemill.domain.ids import AssetId
from tidemill.domain.note import Note
from tidemill.domain.time import ChainTime
from tidemill.stages.groups import Standing
from tidemill.stages.tell import amount_text, note_of, readable, symbol

Assets = Mapping[AssetId, Asset]


def group_note(one: Standing, before: GroupState, base: AssetId, head: ChainTime, assets: Assets) -> Note | None:
    """Tell how far a group has come; None where nobody needs to know.

    The event is ``exposure``, of level error, when legs begin to stand without their counterpart and when they stay so for good, and
    ``group`` when it has ended: ``net`` is then what all of it left after costs, in units of ``base``.
    """
    if one.state == "exposed" and before == "unwinding":
        return None
    name = f"{one.group.strategy}  group of {len(one.legs)} legs"
    if one.state == "exposed":
        text = f"{name}  stands open with {_amounts(one.loose, assets) or 'what is not proven yet'}: {readable(one.reason, assets)}"
        return note_of("exposure", "error", head, text, _fields(one))
    if one.state == "unwinding":
        return note_of("exposure", "warning", head, f"{name}  is sold back: {_amounts(one.loose, assets)}", _fields(one))
    if one.state == "kept":
        text = f"{name}  stays open with {_amounts(one.loose, assets)}: {readable(one.gave_up, assets)}"
        return note_of("exposure", "error", head, text, (*_fields(one), *_net(one, base, assets)))
    if one.state == "planned":
        return note_of("group", "warning", head, f"{name}  is open again: a block of it was dropped", _fields(one))
    net = f"{amount_text(base, one.gain, assets, sign=True)} {symbol(base, assets)}"
    words = {"complete": "all filled", "unwound": "nothing stands open any more", "failed": "none filled"}
    level = "info" if one.state == "complete" or before == "planned" else "warning"
    why = "" if one.state == "complete" else f": {readable(one.reason, assets)}"
    return note_of("group", level, head, f"{name}  {words[one.state]}, {net}{why}", (*_fields(one), *_net(one, base, assets)))


def waiting_note(one: Standing, rejected: Rejected, head: ChainTime, assets: Assets) -> Note:
    """Tell why what stands open cannot be sold back now; it is tried again at the next head."""
    text = f"{one.group.strategy}  cannot sell back {_amounts(one.loose, assets)} now: {readable(rejected.reason, assets)}"
    numbers = tuple((name, str(number)) for name, number in rejected.numbers)
    return note_of("exposure", "warning", head, text, (*_fields(one), ("rule", rejected.rule), *numbers))


def _fields(one: Standing) -> tuple[tuple[str, object], ...]:
    return (
        ("id", one.group.id),
        ("strategy", one.group.strategy),
        ("book", one.group.book),
        ("state", one.state),
        ("open", {asset: str(amount) for asset, amount in one.loose}),
        ("unproven", one.pending),
        ("reason", one.reason if one.state not in ("complete", "planned") else ""),
    )


def _net(one: Standing, base: AssetId, assets: Assets) -> tuple[tuple[str, object], ...]:
    known = assets.get(base)
    return (("net", str(one.gain)), ("symbol", symbol(base, assets)), ("decimals", known.decimals if known is not None else 0))


def _amounts(changes: Changes, assets: Assets) -> str:
    return ", ".join(f"{amount_text(asset, amount, assets, sign=True)} {symbol(asset, assets)}" for asset, amount in changes)
