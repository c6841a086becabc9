"""What the rules of chains are asked with: a plan, the market it is made for, and a real link that is read to its end."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

import anyio
from attrs import evolve

from tidemill.domain.events import Batch, Event, Gap, Head, Logs, Rollback, States
from tidemill.domain.ids import MAIN_BOOK, AssetId, OpportunityId, PlanId
from tidemill.domain.plan import Basis, Flow, PlannedSwap
from tidemill.domain.pool import PoolRef
from tidemill.domain.snapshot import ChainView, Snapshot
from tidemill.domain.time import ChainTime
from tidemill.hookspecs.chain import ChainLink, ChainRules
from tidemill_testing.conformance.listening import PATIENCE_S
from tidemill_testing.market import snapshot_of

T = TypeVar("T")

CAIP2 = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}")
CAIP19 = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}/[-a-z0-9]{3,8}:[-.%a-zA-Z0-9]{1,128}")
GENEROUS = 10**24
"""A cap on the cost of a plan that no chain reaches."""
FAR = 10**9


def head_of(rules: ChainRules, height: int = 100, unix_time: int = 1_700_000_000) -> ChainTime:
    """Return a moment of a chain."""
    return ChainTime(rules.id, height, unix_time)


def snapshot_at(rules: ChainRules, fee: int, pools: Sequence[PoolRef] = ()) -> Snapshot:
    """Return a snapshot of that chain alone, with a base fee, and with what is known of pools but their states."""
    head = head_of(rules)
    view = ChainView(head, rules.executes_at(head), rules.native, rules.wrapped, fee, rules.dollars)
    empty = snapshot_of([])
    return evolve(empty, chains={rules.id: view}, refs={ref.id: ref for ref in pools})


def flow_of(rules: ChainRules, pools: Sequence[PoolRef], *, cost_cap: int = GENEROUS, expires: int = FAR) -> Flow:
    """Return a plan that sells the first asset of each pool for its second, with funds and a guard in the first one."""
    asset: AssetId = pools[0].assets[0]
    return Flow(
        id=PlanId("5f3c1a52-0000-5000-8000-000000000001"),
        opportunity=OpportunityId("5f3c1a52-0000-5000-8000-000000000002"),
        strategy="conformance",
        book=MAIN_BOOK,
        chain=rules.id,
        basis=tuple(Basis(ref.id, (100, 1)) for ref in pools),
        funds=((asset, 1_000),),
        loans=(),
        swaps=tuple(PlannedSwap(ref.id, ref.assets[0], ref.assets[1], 1_000, 1) for ref in pools),
        guards=((asset, 1),),
        expires=expires,
        cost_cap=cost_cap,
    )


def with_link(link: ChainLink, batches: int, work: Callable[[ChainLink, list[Batch]], Awaitable[T]]) -> T:
    """Return what ``work`` does with a link that has yielded so many batches, and close it.

    Raises:
        TimeoutError: it took longer than a chain in this process ever should.
    """

    async def run() -> T:
        heard: list[Batch] = []
        async with asyncio.timeout(4 * PATIENCE_S), aclosing(link.batches()) as stream:  # type: ignore[type-var]  # a generator
            async for batch in stream:
                heard.append(batch)
                if len(heard) >= batches:
                    break
            return await work(link, heard)

    return anyio.run(run)


def heads_of(batches: Sequence[Batch]) -> list[Head]:
    """Return the heads of batches, in order."""
    return [event for batch in batches for event in batch.events if isinstance(event, Head)]


def chain_of_event(event: Event) -> str | None:
    """Return the chain that an event is of; None where it is of none."""
    return event.chain if isinstance(event, Head | Rollback | Gap | States | Logs) else None
