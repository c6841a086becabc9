"""How fast a recorded or simulated clock runs against the wall's."""

import anyio

from tidemill.domain.events import Batch, Head
from tidemill.errors import UsageError
from tidemill.units import NS_PER_S


class Pace:
    """Waits between batches so that simulated time passes ``factor`` times as fast as real time; 0 never waits.

    Its clock begins with the first block. What it does changes when a batch is folded, never what comes of it.
    """

    def __init__(self, factor: int) -> None:
        self._factor = factor
        self._began: tuple[int, float] | None = None

    @classmethod
    def parse(cls, text: str) -> "Pace":
        """Read ``real``, ``max`` or ``Nx``.

        Raises:
            UsageError: it is none of these.
        """
        if text in ("real", "max"):
            return cls(1 if text == "real" else 0)
        number = text.removesuffix("x")
        if text.endswith("x") and number.isascii() and number.isdigit() and int(number) > 0:
            return cls(int(number))
        raise UsageError(f"speed {text!r}: expected real, max or a factor such as 10x")

    async def wait(self, batch: Batch) -> None:
        """Return when a batch is due; always lets other tasks run."""
        if not self._factor:
            await anyio.lowlevel.checkpoint()
            return
        now = anyio.current_time()
        if self._began is None:
            # A chain in a node of its own may be far along: what came before it is over
            if not any(isinstance(event, Head) for event in batch.events):
                await anyio.lowlevel.checkpoint()
                return
            self._began = (batch.local_ns, now)
        start_ns, began = self._began
        due = began + (batch.local_ns - start_ns) / NS_PER_S / self._factor
        await anyio.sleep(max(0.0, due - now))
