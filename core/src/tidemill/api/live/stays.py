"""What a run with real money leaves unsettled as it ends, in sentences for whoever reads its last lines."""

from collections.abc import Iterator

from tidemill.ledger.open_intents import by_state, is_out
from tidemill.pipeline.live import LiveExecution
from tidemill.pipeline.lockstep import Lockstep
from tidemill.stages.tell import amount_text, readable, symbol


def stays(driver: Lockstep) -> tuple[str, ...]:
    """Return what stays: what is out, what stands exposed, what a flatten left, and a stop that holds; nothing on paper."""
    return tuple(_stays(driver)) if isinstance(driver.execution, LiveExecution) else ()


def _stays(driver: Lockstep) -> Iterator[str]:
    execution, core = driver.execution, driver.core
    assert isinstance(execution, LiveExecution)  # noqa: S101 asked above
    out = [record for record in execution.intents.open() if is_out(record)]
    if out:
        states = ", ".join(f"{count} {state}" for state, count in by_state(out).items() if count)
        yield f"{_counted(len(out), 'transaction')} still out ({states}): the next run takes up what is out, or `tidemill reconcile`"
    exposed = core.groups.exposure
    if exposed:
        yield f"{_counted(len(exposed), 'group')} of legs exposed: `tidemill exposure` shows what stands open"
    assets = core.market.state.assets
    for one in core.flattening.unsold:
        amount = f"{amount_text(one.asset, one.amount, assets)} {symbol(one.asset, assets)} of {one.book}"
        yield f"{amount} was not sold back" + (f": {readable(one.reason, assets)}" if one.reason else "")
    stopped = driver.brake.stopped if driver.brake is not None else None
    if stopped is not None:
        held = f"stopped by {stopped.by}: {stopped.cause}"
        yield f"{held}; no run with real money starts until `tidemill resume --cause TEXT`"


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
