"""A run that hears of no block says so, once, and once when blocks come again."""

from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from tidemill.api.live import silence
from tidemill.api.live.silence import notice_silence

pytestmark = pytest.mark.anyio


async def test_notice_silence_tells_once_and_again_when_blocks_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the chain's name where one has told a block, and before the first block as well."""
    now = [100.0]
    monkeypatch.setattr(anyio, "current_time", lambda: now[0])
    monkeypatch.setattr(silence, "LOOK_S", 0.001)
    chains: dict[str, Any] = {}
    driver: Any = SimpleNamespace(block_at=0.0, core=SimpleNamespace(market=SimpleNamespace(state=SimpleNamespace(chains=chains))))

    async def after(seconds: float) -> None:
        now[0] += seconds
        await anyio.sleep(0.02)

    with capture_logs() as logs:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(notice_silence, driver)
            await after(0)
            for seconds in (silence.SILENT_S, 1, 100):
                await after(seconds)
            driver.block_at, chains["sim:1"] = now[0], None
            await after(1)
            await after(silence.SILENT_S)
            tasks.cancel_scope.cancel()

    assert [
        "no block of any chain for 30 s: look at its node; nothing is planned, and what is out is not seen",
        "blocks come again",
        "no block of sim:1 for 30 s: look at its node; nothing is planned, and what is out is not seen",
    ] == [line["event"] for line in logs]
