"""Answers what an operator asks of a running instance: what it is at, and commands that enter the pipeline as events."""

import os
import shutil
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import anyio
from attrs import evolve, field, frozen

from tidemill import __version__
from tidemill.api.clock import clock_error_ms
from tidemill.api.reconciled import Reconciled, differences, moved, reconciled_json
from tidemill.api.status import (
    BookStatus,
    ChainStatus,
    FlattenStatus,
    PlanStatus,
    PluginStatus,
    Status,
    UnsoldStatus,
    status_json,
)
from tidemill.domain.book import BookState
from tidemill.domain.events import Control
from tidemill.domain.ids import AssetId, ChainId
from tidemill.domain.intent import IntentState
from tidemill.domain.note import RunHeader
from tidemill.domain.snapshot import Snapshot
from tidemill.errors import ControlError
from tidemill.ledger.open_intents import by_state, is_out, reserved
from tidemill.pipeline.brake import Brake
from tidemill.pipeline.live import LiveExecution
from tidemill.pipeline.lockstep import Lockstep
from tidemill.pipeline.memory import resident_mb
from tidemill.pipeline.protocol import Request
from tidemill.pipeline.supervise import Supervisor
from tidemill.signing.seen import SignerStatus
from tidemill.stages.guard import Fault
from tidemill.units import BaseUnits


@frozen
class RunFacts:
    """What does not change while a run lasts: ``header`` is what its notifiers are told, ``began`` the event loop's time at its start.

    ``record`` is the tape it writes or "", ``data`` its folder, ``ledger`` the run's number in the ledger there, 0 without one.
    """

    header: RunHeader
    began: float
    record: str
    data: Path
    ledger: int


class Operator:
    """The instance's side of the control socket."""

    def __init__(self, driver: Lockstep, supervisor: Supervisor, facts: RunFacts) -> None:
        self._driver = driver
        self._supervisor = supervisor
        self._core = driver.core
        self._facts = facts

    async def answer(self, request: Request) -> Mapping[str, object]:
        """Follow a request and return the value of its answer, after the run has taken it in.

        Raises:
            ControlError: it names a strategy that is not enabled here, or the run is ending; nothing was done.
        """
        if request.command == "status":
            return status_json(evolve(self.status(), signer=await self._signer()))
        if request.command == "reconcile":
            return reconciled_json(await self._reconcile())
        if request.command == "stop":
            return await self._stop()
        if request.command == "stop-now":
            return self._stop_now(request.cause)
        if request.command == "flatten":
            return await self._flatten(request.cause)
        if request.command == "resume" and not request.strategy and self._driver.brake is not None and self._driver.brake.stopped:
            return self._release(self._driver.brake, request.cause)
        return await self._pause_or_resume(request)

    async def _stop(self) -> Mapping[str, object]:
        ending: list[str] = []

        def make() -> Control | None:
            ending.append(self._driver.stopped)
            return None if ending[0] else Control("stop")

        try:
            await self._driver.command(make)
        except ControlError:
            # It takes no commands any more, since it ends: what was asked for
            ending.append("over")
        text = "the run settles what is in flight, and ends with its summary"
        return _commanded("stop", (), () if ending[0] else ("run",), f"{'ending already: ' if ending[0] else ''}{text}")

    def _stop_now(self, cause: str) -> Mapping[str, object]:
        """Pull the brake: it needs no turn between two batches, since what is being sent right now asks it again before it leaves."""
        brake = self._driver.brake
        if brake is None:
            raise ControlError("this run trades on paper, and nothing leaves it: `tidemill pause` lets it plan no more, `stop` ends it")
        before = brake.said_again(cause)
        # Who says it again while everything is sold back wants that to stop as well
        brake.flattening = False
        brake.pull(cause or "an operator stopped it", "command")
        done: tuple[str, ...] = () if before else ("broadcast",)
        out = len(self._core.flight.open)
        return _commanded(
            "stop-now",
            (),
            done,
            f"{before or 'nothing leaves any more'}; {out} in flight; `tidemill resume --cause TEXT` lets trading go on",
        )

    async def _flatten(self, cause: str) -> Mapping[str, object]:
        """Pull the brake for everything but what sells back; that begins with the next block."""
        brake = self._driver.brake
        if brake is None:
            raise ControlError("this run trades on paper: there is nothing to sell back, and nothing leaves it")
        brake.add(cause)
        brake.pull(cause or "an operator sells everything back", "command")
        begun: list[bool] = []

        def make() -> Control | None:
            if self._core.flattening.active:
                return None
            brake.flattening = True
            begun.append(True)
            return Control("flatten", (), cause)

        await self._driver.command(make)
        text = "nothing leaves any more but what sells everything but the base asset back; `tidemill status` says how far it is"
        return _commanded("flatten", (), ("broadcast",) if begun else (), text if begun else f"it was told so before: {text}")

    def _release(self, brake: Brake, cause: str) -> Mapping[str, object]:
        stopped = brake.release(cause)
        return _commanded("resume", (), ("broadcast",), f"trading goes on, which {stopped.by} had stopped: {stopped.cause}")

    async def _reconcile(self) -> Reconciled:
        """Look now at what is open and at what the chains say we hold.

        Raises:
            ControlError: the run trades on paper, has seen no block yet, or is ending, or a chain does not answer.
        """
        driver, core, execution = self._driver, self._core, self._driver.execution
        if not isinstance(execution, LiveExecution):
            raise ControlError("this run trades on paper: what its books hold is on no chain, and there is nothing to compare")
        if not core.market.state.chains:
            raise ControlError("the run has seen no block yet: ask again in a moment")
        before = execution.intents.records()
        execution.hurry()
        rows = await driver.settle_now()
        if execution.unheard:
            silent = "; ".join(f"{chain} does not say now what became of ours: {why}" for chain, why in sorted(execution.unheard.items()))
            raise ControlError(f"{silent}. Nothing can be compared until it does; the run asks again with each block")
        accounts = {(book, chain): wallet.owner for (book, chain), wallet in execution.wallets.items()}
        return Reconciled(
            data=str(self._facts.data),
            by="run",
            dry_run=False,
            run=self._facts.ledger,
            heights={chain: view.head.height for chain, view in sorted(core.market.state.chains.items())},
            balanced=dict(sorted(execution.compared.items())),
            moved=moved(before, execution.intents.records(), rows, self._natives()),
            differences=differences(rows, core.books.states, accounts),
            open=len(execution.intents.open()),
            out=sum(is_out(record) for record in execution.intents.open()),
            late=sum(len(execution.late(view.head.height, chain)) for chain, view in core.market.state.chains.items()),
            stopped=self._held(),
            assets=tuple(asset for _, asset in sorted(core.market.state.assets.items())),
        )

    async def _pause_or_resume(self, request: Request) -> Mapping[str, object]:
        named = self._named(request.strategy)
        pausing = request.command == "pause"
        affected: list[str] = []

        def make() -> Control | None:
            paused = self._core.unasked.paused
            affected.extend(name for name in named if (name not in paused) == pausing)
            return Control(request.command, (request.strategy,) if request.strategy else (), request.cause) if affected else None

        await self._driver.command(make)
        others = [name for name in named if name not in affected]
        done = "paused" if pausing else "resumed"
        already = "paused already" if pausing else "not paused"
        parts = [f"{done} {', '.join(affected)}"] * bool(affected) + [f"{', '.join(others)} {_is(others)} {already}"] * bool(others)
        return _commanded(request.command, named, tuple(affected), "; ".join(parts))

    def _named(self, strategy: str) -> tuple[str, ...]:
        names = tuple(one.strategy.name for one in self._core.roster.everyone)
        if not names:
            raise ControlError("this run has no strategy")
        if not strategy:
            return names
        if strategy not in names:
            near = get_close_matches(strategy, names, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise ControlError(f"no strategy {strategy!r} is enabled here: {meant}there are {', '.join(names)}")
        return (strategy,)

    def status(self) -> Status:
        """Return what the run is at, as far as it knows by itself: the signer is not asked."""
        driver, core, facts = self._driver, self._core, self._facts
        tally, chains = core.tally, core.market.state.chains
        now = anyio.current_time()
        free, size = _disk(facts.data)
        amounts = [asset for state in core.books.states.values() for asset in (state.base, *state.balances)]
        assets, view, live = core.market.state.assets, core.snapshot(), self._live()
        amounts += live.exposure
        return Status(
            version=__version__,
            process=os.getpid(),
            mode=facts.header.mode,
            source=facts.header.source,
            seed=facts.header.seed,
            tape=facts.header.tape,
            record=facts.record,
            state="halted" if driver.halted else "ending" if driver.stopped else "stopped" if self._held() else "running",
            reason=driver.halted or driver.stopped or self._held(),
            uptime_s=int(now - facts.began),
            blocks=tally.blocks,
            block_age_s=int(now - driver.block_at) if tally.blocks else None,
            chains=tuple(ChainStatus(chain, view.head.height, view.head.unix_time) for chain, view in sorted(chains.items())),
            opportunities=tally.opportunities,
            plans=tally.plans,
            fills=tally.fills,
            reverts=tally.reverts,
            rejected=tally.rejected,
            pnl=dict(sorted(tally.pnl.items())),
            cost=dict(sorted(tally.cost.items())),
            books=tuple(self._book(state, view) for _, state in sorted(core.books.states.items())),
            strategies=tuple(self._strategy(one.path, one.strategy.name) for one in core.roster.everyone),
            plugins=self._others(),
            assets=tuple(assets[asset] for asset in sorted({*amounts, *tally.pnl, *tally.cost}) if asset in assets),
            data=str(facts.data),
            ledger=facts.ledger,
            data_bytes=_folder_bytes(facts.data),
            disk_free_bytes=free,
            disk_bytes=size,
            memory_mb=resident_mb(),
            intents=live.intents,
            unknown=live.intents.get(IntentState.UNKNOWN, 0),
            exposure=live.exposure,
            balanced=live.balanced,
            clock_ms=clock_error_ms() if isinstance(driver.execution, LiveExecution) else None,
            flatten=self._flattening(),
        )

    def _flattening(self) -> FlattenStatus | None:
        found = self._core.flattening
        unsold = tuple(UnsoldStatus(one.book, one.asset, BaseUnits(one.amount), one.reason, one.stays) for one in found.unsold)
        return FlattenStatus(found.state, unsold) if found.state else None

    async def _signer(self) -> SignerStatus | None:
        execution = self._driver.execution
        if not isinstance(execution, LiveExecution) or execution.signer is None:
            return None
        return await execution.signer.seen()

    def _live(self) -> "_Live":
        execution = self._driver.execution
        if not isinstance(execution, LiveExecution):
            return _Live()
        out = execution.intents.open()
        at_risk: dict[AssetId, int] = {}
        for (_, asset), amount in reserved(out, self._natives()).items():
            at_risk[asset] = at_risk.get(asset, 0) + amount
        return _Live(by_state(out), _sorted(at_risk), dict(sorted(execution.compared.items())))

    def _natives(self) -> dict[ChainId, AssetId]:
        return {chain: rules.native for chain, rules in self._core.market.rules.items()}

    def _book(self, state: BookState, view: Snapshot) -> BookStatus:
        plans = tuple(PlanStatus(plan.id, plan.strategy, plan.height) for plan in state.plans)
        # A pool whose arithmetic fails has no value here; it is told where it decides something
        values = self._supervisor.call("dex", _values, state, view)
        worth = {} if isinstance(values, Fault) else values
        return BookStatus(state.id, state.base, _sorted(state.balances), _sorted(state.reserved), plans, worth)

    def _held(self) -> str:
        """Return what stopped all that leaves, "" for nothing."""
        stopped = self._driver.brake.stopped if self._driver.brake is not None else None
        return f"{stopped.by}: {stopped.cause}" if stopped is not None else ""

    def _strategy(self, path: str, name: str) -> PluginStatus:
        found, paused = self._plugin(path), self._core.unasked.paused
        found = PluginStatus(path, "paused", paused[name]) if name in paused and found.state != "disabled" else found
        return _apart(found, self._driver.isolation.pids if self._driver.isolation is not None else {})

    def _others(self) -> tuple[PluginStatus, ...]:
        """Return the plugins that are no strategies, and of which there is more to say than that they run."""
        core, notices = self._core, self._driver.notices
        pids = notices.pids
        paths = sorted(path for path in {*core.plugin_states, *notices.states, *pids} if not path.startswith("strategies."))
        found = [_apart(self._plugin(path), pids) for path in paths]
        return tuple(one for one in found if one.state != "running" or one.process)

    def _plugin(self, path: str) -> PluginStatus:
        """Return a plugin's state: what was last told of it, unless it has done well since."""
        notifier = self._driver.notices.states.get(path)
        event = notifier or self._core.plugin_states.get(path)
        if event is None or event.state == "restarted":
            return PluginStatus(path, "running")
        if event.state == "disabled":
            return PluginStatus(path, "disabled", event.reason, event.failures)
        # The supervisor counts what the fold calls; a source or a notifier beside it is failing until it is told to be back
        failing = event.failures and (notifier or path.startswith("prices.") or self._supervisor.failures(path))
        return PluginStatus(path, "failing", event.reason, event.failures) if failing else PluginStatus(path, "running")


def _apart(found: PluginStatus, pids: Mapping[str, int]) -> PluginStatus:
    """Return a plugin's status with its own process, where it has one."""
    pid = pids.get(found.path, 0)
    return evolve(found, process=pid, memory_mb=resident_mb(pid)) if pid else found


@frozen
class _Live:
    """What real money adds to a status; empty on paper."""

    intents: Mapping[str, int] = field(factory=dict)
    exposure: Mapping[AssetId, int] = field(factory=dict)
    balanced: Mapping[ChainId, int] = field(factory=dict)


def _values(state: BookState, view: Snapshot) -> dict[AssetId, int]:
    valued = {asset: view.value(asset, amount, state.base) for asset, amount in sorted(state.balances.items())}
    return {asset: worth for asset, worth in valued.items() if isinstance(worth, int)}


def _sorted(amounts: Mapping[AssetId, int]) -> dict[AssetId, int]:
    return dict(sorted(amounts.items()))


def _commanded(command: str, strategies: tuple[str, ...], changed: tuple[str, ...], text: str) -> Mapping[str, object]:
    return {"command": command, "strategies": list(strategies), "changed": list(changed), "text": text}


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _folder_bytes(folder: Path) -> int:
    """Return what the files of a folder take; one that goes away meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(place, name).lstat().st_size
            except OSError:  # removed since it was listed
                continue
    return total


def _disk(folder: Path) -> tuple[int, int]:
    """Return free and all bytes of the disk under a folder; zeros where nobody can say."""
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return 0, 0
    return found.free, found.total
