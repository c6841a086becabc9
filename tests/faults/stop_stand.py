"""A stand whose run has so many transactions out that no block ever takes, sends them again and again, and says when it did."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from attrs import evolve

from tests.faults.live_points import replacing
from tests.faults.live_stand import Stand, live_stand
from tidemill import signing_setup
from tidemill.api.config import load_config
from tidemill.domain.ids import MAIN_BOOK, OpportunityId, PlanId, pool_id
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.plan import Flow, PlannedSwap
from tidemill.domain.transaction import Signed, Unsigned
from tidemill.ledger.plan_text import plan_to_text
from tidemill.signing.client import SignerClient
from tidemill_simworld import CHAIN, NATIVE
from tidemill_simworld.envelope import encode_call, nonce_slot, seal
from tidemill_store_sqlite import SqliteStore

OUT = 100
"""So many transactions are in flight."""
FAR = 1 << 40
FEE, GAS = 10**10, 30_000
SENT, PULLED = "sent", "pulled"
PATIENCE_S = 60
LOST: dict[str, Any] = {"broadcast_lost_ppm": 1_000_000}
"""Nothing that is broadcast arrives, and nobody says so: whatever is out is sent again after a while, for ever."""
SAYING = """\
import os
import time
sent = os.open({path!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

async def saying(*args, **kwargs):
    os.write(sent, b"%d\\n" % time.monotonic_ns())
    return await real(*args, **kwargs)
"""
PULLING = """\
import os
import time

def pulling(*args):
    real(*args)
    with open({path!r}, "a") as file:
        file.write("%d\\n" % time.monotonic_ns())
"""


class Busy:
    """A run that keeps broadcasting, or none yet."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.process: subprocess.Popen[str] | None = None

    @property
    def data(self) -> Path:
        """The run's data folder."""
        return self.stand.folder / "data"

    def start(self) -> None:
        """Start a run and return once everything has been sent by it, and some of it again."""
        for name in (SENT, PULLED):
            (self.stand.folder / name).unlink(missing_ok=True)
        first = replacing("tidemill_chain_sim.link", "SimLink.broadcast", "saying", SAYING.format(path=str(self.stand.folder / SENT)))
        first += replacing("tidemill.pipeline.brake", "Brake.pull", "pulling", PULLING.format(path=str(self.stand.folder / PULLED)))
        self.process = self.stand.start_writing(self.stand.folder / "out", "--blocks", "1000000", first=first)
        self.wait_for(lambda: len(self.sent()) > 2 * OUT)

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Wait until something is so; where the run ends before, or it takes too long, say what the run told."""
        until = time.monotonic() + PATIENCE_S
        while not done():
            assert self.process is not None
            assert self.process.poll() is None, self.told()
            assert time.monotonic() < until, self.told()
            time.sleep(0.02)

    def sent(self) -> list[int]:
        """Return when something was broadcast, nanoseconds of the system's monotonic clock."""
        return self._times(SENT)

    def pulled(self) -> list[int]:
        """Return when the brake was pulled, on the same clock."""
        return self._times(PULLED)

    def _times(self, name: str) -> list[int]:
        path = self.stand.folder / name
        return [int(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []

    def told(self) -> str:
        """Return the last that the run said."""
        return (self.stand.folder / "out").read_text()[-2_000:]

    def blocks(self) -> int:
        """Return how far the chain has come."""
        return self.stand.chain.hello().head.height

    def signal(self, number: int) -> None:
        """Send the run a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End the run at once, if one is on."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def busy_stand(folder: Path, out: int = OUT) -> Iterator[Busy]:
    """Make a stand whose ledger holds so many signed transactions; its run, its node and its signer end with the block."""
    with live_stand(folder, **LOST) as stand:
        status, said, err = stand.run("--blocks", "2")
        assert status == 0, said + err
        signed = anyio.run(_signed, stand, out)
        store = SqliteStore()
        store.open(folder / "data")
        store.keep_intents([change for one in signed for change in one], "", durable=True)
        store.close()
        busy = Busy(stand)
        try:
            yield busy
        finally:
            busy.kill()


async def _signed(stand: Stand, out: int) -> list[tuple[IntentRecord, IntentRecord]]:
    """Return so many transactions that do nothing, as they were planned and as the stand's signer signed them."""
    setup = signing_setup(load_config(stand.folder / "tidemill.toml"))
    first = len(stand.booked().intents) + 1
    made = []
    async with SignerClient(setup.socket, setup.codecs) as signer:
        await signer.lease(stand.account, "a test")
        for number in range(first, first + out):
            plan = PlanId(f"plan-{number}")
            call = Unsigned(plan, CHAIN, encode_call((), b"", FEE), GAS, FAR, compute=GAS)
            sealed = seal(call, stand.account, nonce_slot(number - 1))
            made.append(_kept(number, sealed, stand.account, await signer.sign(sealed, stand.account, number)))
    return made


def _kept(number: int, sealed: Unsigned, account: str, signed: Signed) -> tuple[IntentRecord, IntentRecord]:
    swap = PlannedSwap(pool_id(CHAIN, "uniswap", f"0x{number:040x}"), NATIVE, NATIVE, 1, 1)
    flow = Flow(sealed.plan, OpportunityId(f"o-{number}"), "spatial", MAIN_BOOK, CHAIN, (), (), (), (swap,), (), FAR, 0)
    planned = IntentRecord(
        number, 1, sealed.plan, MAIN_BOOK, "spatial", CHAIN, account, plan_to_text(flow), sealed.payload, GAS, GAS, FAR, "", 1,
        nonce_slot(number - 1), IntentState.PLANNED, 1,
    )  # fmt: skip
    return planned, evolve(planned, state=IntentState.SIGNED, tx=signed.ref.tx, raw=signed.raw)
