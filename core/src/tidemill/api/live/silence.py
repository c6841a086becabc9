"""Says when blocks stop coming: a run with real money that hears nothing plans nothing, and sees nothing of what is out."""

import anyio
import structlog

from tidemill.pipeline.lockstep import Lockstep

SILENT_S = 30
"""So long may lie between two blocks before it is told: longer than any chain that we trade on takes."""
LOOK_S = 1


async def notice_silence(driver: Lockstep) -> None:
    """Log once when no block has come for so long, and once when they come again, for as long as this is awaited."""
    log = structlog.get_logger("tidemill.live")
    began, told = anyio.current_time(), False
    while True:
        silent = anyio.current_time() - max(began, driver.block_at) > SILENT_S
        if silent and not told:
            chains = ", ".join(sorted(driver.core.market.state.chains)) or "any chain"
            said = f"no block of {chains} for {SILENT_S} s: look at its node; nothing is planned, and what is out is not seen"
            log.warning(said)
        elif told and not silent:
            log.warning("blocks come again")
        told = silent
        await anyio.sleep(LOOK_S)
