"""Strategies in processes of their own: each folds the same batches, is asked there, and its answers come back as proposals.

A child's core makes no plans: it hears, beside each batch, what this process's core sent, so that its books and its overlay are the same.
Only ``find_opportunities`` runs in it. The three methods that decide about money are not recorded: a replay computes them again, so they
run where the fold runs, under the supervisor's and the watchdog's eyes.
"""

import pickle
from time import perf_counter

from attrs import define, evolve

from tidemill.config.model import Config
from tidemill.domain.events import Batch, PluginState, Proposals
from tidemill.domain.ids import PoolId
from tidemill.errors import DecodeError, PluginError, said
from tidemill.pipeline.answer import ASKING, decode_answer
from tidemill.pipeline.brief import Brief, brief_of
from tidemill.pipeline.child import Child
from tidemill.pipeline.core import Core
from tidemill.pipeline.core_copy import copy_core
from tidemill.pipeline.frames import frame
from tidemill.pipeline.parts import Parts
from tidemill.pipeline.supervise import Supervisor
from tidemill.stages.effects import Effects, Intent
from tidemill.stages.guard import Fault

FIRST = 4
"""The first answer of a process may take so many times as long: every pool is new to it."""
FOLD_S = 2
FIRST_FOLD_S = 20
FOLD_TIMES = 20
"""So long, or so many times as long as the fold here, a process may take to fold a batch, the strategy's own time left out; the first
batch comes with the whole market. None of the strategy's code need run then, but a thread of its own may hold the process up."""
STEADY = 8
"""A process that answered so many times without a fault ends its strategy's row of failures: one that only begins well does not."""

MOST_FAULTS = 8
"""So many faults of one answer are told."""
MOST_REASON = 500
"""So many characters of a reason that a process gives are told."""


@define
class _Seat:
    """A strategy and its process, None while there is none.

    ``resting``: it failed, and its next process, which starts meanwhile, is not asked yet. ``behind``: it must be told everything before
    the next batch. ``owes`` that it was asked, ``answered`` how often this process has answered without a fault.
    """

    name: str
    brief: Brief
    child: Child | None = None
    resting: bool = False
    behind: bool = True
    owes: bool = False
    answered: int = 0

    @property
    def path(self) -> str:
        """``strategies.<name>``."""
        return self.brief.plugin


class Isolation:
    """All isolated strategies of a run. ``send``, fold, ``folded``, ``answers``: in this order, for every batch.

    Args:
        core: the core whose batches they follow.
        parts: what it is made of.
        supervisor: hears of those that answered.
        config: what the processes make their plugins of; ``isolation_deadline_ms`` is how long a strategy may take, once it is asked.
    """

    def __init__(self, core: Core, parts: Parts, supervisor: Supervisor, config: Config) -> None:
        self._core = core
        self._parts = parts
        self._supervisor = supervisor
        self._limit_s = config.execution.isolation_deadline_ms / 1000
        self._seats = [_Seat(one.strategy.name, brief_of(config, one.path)) for one in parts.asked if one.isolated]
        self._intents: list[Intent] = []
        self._faults: list[Fault] = []
        self._sent = 0.0

    def start(self) -> None:
        """Start the processes; nothing waits for them until the first batch."""
        for seat in self._seats:
            self._spawn(seat)

    def close(self) -> None:
        """End every process."""
        for seat in self._seats:
            self._drop(seat)

    @property
    def pids(self) -> dict[str, int]:
        """The process ids by ``strategies.<name>``."""
        return {seat.path: seat.child.pid for seat in self._seats if seat.child is not None}

    async def send(self, batch: Batch, decide: bool) -> None:
        """Give a batch to everyone who follows, before it is folded here: they fold while we do."""
        following = [seat for seat in self._seats if seat.child is not None and not seat.resting]
        message: bytes | None = None
        for seat in following:
            try:
                if seat.behind:
                    await self._tell_everything(seat)
                    data = frame(("batch", decide, (), None, batch))
                else:
                    message = message or frame(("batch", decide, tuple(self._intents), self._waiting(), batch))
                    data = message
                assert seat.child is not None  # noqa: S101 those without were left out
                await seat.child.send(data, FIRST_FOLD_S)
                seat.owes = decide
            except PluginError as error:
                self._failed(seat, error.message)
        self._intents.clear()
        self._sent = perf_counter()

    def folded(self, batch: Batch, effects: Effects) -> None:
        """Note what the fold here came to: what the others must be told, and who is to be started again."""
        if not self._seats:
            return
        # What was reopened by a rollback their own cores reopen
        self._intents.extend(intent for intent in effects.intents if not intent.reopened)
        if batch.is_answer:
            for event in batch.events:
                if isinstance(event, PluginState):
                    self._hear(event)

    async def answers(self) -> tuple[Proposals, ...]:
        """Wait for everyone who was asked, up to the deadline each, and return what they found, in the order of the configuration."""
        proposals = []
        fold_s = max(FOLD_S, FOLD_TIMES * (perf_counter() - self._sent))
        for seat in self._seats:
            if seat.child is None or not seat.owes:
                continue
            try:
                content = await seat.child.receive(fold_s if seat.answered else max(fold_s, FIRST_FOLD_S))
                limit_s = self._limit_s * (1 if seat.answered else FIRST)
                answer = decode_answer(await seat.child.receive(limit_s) if content == ASKING else content)
            except PluginError as error:
                self._failed(seat, error.message)
                continue
            except DecodeError as error:
                self._failed(seat, f"its process sent what is no answer: {error}")
                continue
            seat.owes, seat.answered, seat.behind = False, seat.answered + 1, bool(answer.lost)
            faults = [_own(seat.path, fault) for fault in answer.faults[:MOST_FAULTS]]
            blamed = [fault for fault in faults if fault.blamed]
            if blamed:
                self._failed(seat, blamed[0].reason)
            elif seat.answered >= STEADY:
                self._supervisor.fine(seat.path)
            self._faults.extend(fault for fault in faults if not fault.blamed)
            if answer.found:
                proposals.append(Proposals(seat.name, answer.found))
        return tuple(proposals)

    def take_faults(self) -> tuple[Fault, ...]:
        """Return what went wrong since this was last asked, and forget it."""
        faults, self._faults = tuple(self._faults), []
        return faults

    async def _tell_everything(self, seat: _Seat) -> None:
        child = seat.child
        assert child is not None  # noqa: S101 the caller looked
        await child.ready()
        try:
            copy = copy_core(self._core, self._parts)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise PluginError(seat.path, f"the market cannot be given to its process: {said(error)}") from error
        await child.send(frame(("core", copy, self._core.roster.idle)), FIRST_FOLD_S)
        seat.behind = False

    def _waiting(self) -> tuple[PoolId, ...]:
        return tuple(self._core.waiting)  # order: a set again at once

    def _hear(self, event: PluginState) -> None:
        for seat in self._seats:
            if seat.path == event.plugin:
                if event.state == "disabled":
                    self._drop(seat)
                elif event.state == "restarted":
                    seat.resting = False
                    if seat.child is None:
                        self._spawn(seat)
                elif event.failures and seat.child is None:
                    seat.resting = True
                    self._spawn(seat)

    def _spawn(self, seat: _Seat) -> None:
        seat.behind, seat.owes, seat.answered = True, False, 0
        try:
            seat.child = Child(seat.path, seat.brief.hello, seat.brief.environ)
        except OSError as error:
            self._faults.append(Fault(seat.path, f"its process cannot be started: {error.strerror}"))

    def _failed(self, seat: _Seat, reason: str) -> None:
        self._drop(seat)
        self._faults.append(Fault(seat.path, reason))

    def _drop(self, seat: _Seat) -> None:
        if seat.child is not None:
            seat.child.kill()
            seat.child = None


def _own(plugin: str, fault: Fault) -> Fault:
    """Put what a process says went wrong to its own plugin: the word of one that is kept apart disables nobody else."""
    reason = fault.reason if fault.plugin == plugin else f"{fault.plugin} failed in its process: {fault.reason}"
    return evolve(fault, plugin=plugin, reason=reason[:MOST_REASON])
