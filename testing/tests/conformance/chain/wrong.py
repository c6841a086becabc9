"""Chains that each break just the rule which their test class names, and one that breaks none."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from itertools import count

from anyio.lowlevel import checkpoint
from attrs import evolve

from tidemill import Step
from tidemill.domain.answers import CannotFit
from tidemill.domain.events import Batch, Head, Log, States
from tidemill.domain.ids import AssetId, BookId, ChainId, Key
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow
from tidemill.domain.pool import LogFilter, PoolRef, Watch
from tidemill.domain.signing import Reading, Unreadable
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Signed, Simulated, TxRef, Unsigned, Wallet
from tidemill.errors import RefusedByVenue, UsageError
from tidemill_testing.conformance import ChainConformance
from tidemill_testing.plain_chain import (
    ADDRESSES,
    CHAIN,
    MAC,
    MOVING,
    POOLS,
    NonceLink,
    Sound,
    SoundLink,
    SoundReader,
    SoundRules,
    Swap,
    read_slotted,
    with_link,
    with_rules,
)


class Case(ChainConformance):
    plugin = Sound
    capabilities = frozenset({"seeded", "ends", "reads", "watches", "sends", "limited"})
    pools = POOLS
    steps = tuple(Swap(address) for address in ADDRESSES)
    moving_keys = (MOVING,)

    def sign(self, sealed: Unsigned) -> Signed:
        raw = sealed.payload + hashlib.sha256(sealed.payload).digest()[:MAC]
        return Signed(sealed.plan, TxRef(sealed.chain, raw.hex()), raw)


class TestSound(Case):
    plugin = Sound


class TestCHN10Elsewhere(Case):
    plugin = with_rules(type("Elsewhere", (SoundRules,), {"wrapped": "other:1/erc20:0xc0"}))


class TestCHN11AtOnce(Case):
    plugin = with_rules(type("AtOnce", (SoundRules,), {"executes_at": lambda self, head: head}))


class LoansAreCheap(SoundRules):
    def estimate(self, swaps: Sequence[PoolRef], loans: int, snapshot: Snapshot) -> int:
        return 10 + len(swaps) - loans


class TestCHN12LoansAreCheap(Case):
    plugin = with_rules(LoansAreCheap)


class LivesLonger(SoundRules):
    def unsigned(self, plan: Flow, payload: bytes) -> Unsigned:
        return evolve(super().unsigned(plan, payload), expires=plan.expires + 1)


class TestCHN13LivesLonger(Case):
    plugin = with_rules(LivesLonger)


COMPOSED = count()


class Counts(SoundRules):
    def unsigned(self, plan: Flow, payload: bytes) -> Unsigned:
        return super().unsigned(plan, payload + str(next(COMPOSED)).encode())


class TestCHN14Counts(Case):
    plugin = with_rules(Counts)


class TakesAnyChain(SoundRules):
    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        return super().compose(evolve(plan, chain=self.id), steps, wallet, snapshot)


class TestCHN15TakesAnyChain(Case):
    plugin = with_rules(TakesAnyChain)


class TestCHN16CostsAFraction(Case):
    plugin = with_rules(type("CostsAFraction", (SoundRules,), {"cost": lambda self, unsigned, snapshot: 9.5}))


class RaisesWhenLarge(SoundRules):
    def compose(self, plan: Flow, steps: Sequence[Step], wallet: Wallet, snapshot: Snapshot) -> Unsigned | CannotFit:
        made = super().compose(plan, steps, wallet, snapshot)
        if isinstance(made, CannotFit) and made.what == "steps":
            raise UsageError("too large")
        return made


class TestCHN17RaisesWhenLarge(Case):
    plugin = with_rules(RaisesWhenLarge)


class ReadsTheClock(SoundRules):
    def estimate(self, swaps: Sequence[PoolRef], loans: int, snapshot: Snapshot) -> int:
        return super().estimate(swaps, loans, snapshot) + 0 * time.time_ns()


class TestCHN18ReadsTheClock(Case):
    plugin = with_rules(ReadsTheClock)


class SaysTrue(SoundRules):
    def unsigned(self, plan: Flow, payload: bytes) -> Unsigned:
        return evolve(super().unsigned(plan, payload), compute=True)


class TestCHN19SaysTrue(Case):
    plugin = with_rules(SaysTrue)


class OneWallet(Sound):
    def wallet(self, book: BookId, account: str = "") -> Wallet:
        return Wallet(CHAIN, owner="0x01")


class TestCHN20OneWallet(Case):
    plugin = OneWallet


class OfAnotherChain(SoundLink):
    def batch(self, height: int) -> Batch:
        return evolve(super().batch(height), chain=ChainId("other:1"))


class TestCHN30OfAnotherChain(Case):
    plugin = with_link(OfAnotherChain)


class LosesItsParent(SoundLink):
    def head(self, head: Head) -> Head:
        return evolve(head, parent_hash="0xdead")


class TestCHN31LosesItsParent(Case):
    plugin = with_link(LosesItsParent)


class TestCHN32NeverGoesBack(Case):
    capabilities = Case.capabilities | {"reorganises"}


class FeesAreFloats(SoundLink):
    def head(self, head: Head) -> Head:
        return evolve(head, fee=1.0)  # type: ignore[arg-type]  # what is wrong with it


class TestCHN33FeesAreFloats(Case):
    plugin = with_link(FeesAreFloats)


DRAWN = count()


class HasNoSeed(SoundLink):
    def head(self, head: Head) -> Head:
        return evolve(head, fee=next(DRAWN))


class TestCHN34HasNoSeed(Case):
    plugin = with_link(HasNoSeed)


class NeverEnds(SoundLink):
    async def batches(self) -> AsyncIterator[Batch]:
        for height in count():
            await checkpoint()
            yield self.batch(height)


class TestCHN35NeverEnds(Case):
    plugin = with_link(NeverEnds)


class Sorts(SoundReader):
    def known(self, keys: Sequence[Key], at: int) -> States:
        return super().known(sorted(keys), at)


class TestCHN36Sorts(Case):
    plugin = with_link(reader=Sorts)


class Guesses(SoundReader):
    def unknown(self, keys: Sequence[Key], at: int) -> States:
        return self.known(keys, max(self.blocks))


class TestCHN37Guesses(Case):
    plugin = with_link(reader=Guesses)


class LosesALog(SoundReader):
    async def logs(self, wanted: LogFilter, from_height: int, to_height: int) -> Sequence[Log]:
        return (await super().logs(wanted, from_height, to_height))[1:]


class TestCHN38LosesALog(Case):
    plugin = with_link(reader=LosesALog)


class NeverForgets(SoundLink):
    async def watch(self, add: Sequence[Watch], remove: Sequence[Watch]) -> None:
        await super().watch(add, ())


class TestCHN39NeverForgets(Case):
    plugin = with_link(NeverForgets)


class LeavesATask(SoundLink):
    async def batches(self) -> AsyncIterator[Batch]:
        for height in range(self.setup.blocks) if self.setup.blocks else count():
            await checkpoint()
            try:
                yield self.batch(height)
            except GeneratorExit:
                self.task = asyncio.ensure_future(asyncio.sleep(3_600))
                raise


class TestCHN40LeavesATask(Case):
    plugin = with_link(LeavesATask)


class NeverWaits(SoundLink):
    async def batches(self) -> AsyncIterator[Batch]:
        for height in range(self.setup.blocks) if self.setup.blocks else count():
            yield self.batch(height)


class TestCHN41NeverWaits(Case):
    plugin = with_link(NeverWaits)


class TestCHN42IsFinalBefore(Case):
    plugin = with_rules(type("IsFinalBefore", (SoundRules,), {"finality": -1}))


class OfWhateverChain(SoundLink):
    async def newest(self) -> ChainTime:
        return evolve(await super().newest(), chain=ChainId("other:1"))


class TestCHN43OfWhateverChain(Case):
    plugin = with_link(OfWhateverChain)


class TestCHN50SendsNowhere(Case):
    capabilities = Case.capabilities - {"sends"}
    plugin = with_link(type("Silent", (SoundLink,), {"check": lambda self, raw: None, "__module__": __name__}))


class SaysNo(SoundLink):
    async def simulate(self, unsigned: Unsigned) -> Simulated:
        return Simulated(ok=False)


class TestCHN51SaysNo(Case):
    plugin = with_link(SaysNo)


class CallsItDead(SoundLink):
    def nothing_known(self) -> Outcome:
        if not self.pending:
            return Outcome(OutcomeStatus.DEAD, 0, "")
        return super().nothing_known()


class TestCHN52CallsItDead(Case):
    plugin = with_link(CallsItDead)


class HasNoProof(SoundLink):
    def included(self, outcome: Outcome) -> Outcome:
        return evolve(outcome, proof="")


class TestCHN53HasNoProof(Case):
    plugin = with_link(HasNoProof)


class TakesAnything(SoundLink):
    def check(self, raw: bytes) -> None:
        if not raw:
            raise RefusedByVenue("nothing")


class TestCHN54TakesAnything(Case):
    plugin = with_link(TakesAnything)


class Slotted(Case):
    plugin = with_link(NonceLink)
    capabilities = Case.capabilities | {"slots"}

    def read(self, payload: bytes) -> Reading | Unreadable:
        return read_slotted(payload)


class TestSoundWithSlots(Slotted):
    plugin = with_link(NonceLink)


class LeavesTheGap(NonceLink):
    def lowest(self, nonce: int, taken: Sequence[str]) -> int:
        return max([nonce, *(int(slot.removeprefix("nonce:")) + 1 for slot in taken)])


class TestCHN55LeavesTheGap(Slotted):
    plugin = with_link(LeavesTheGap)


SEALED = count()


class CountsSeals(NonceLink):
    async def seal(self, unsigned: Unsigned, wallet: Wallet, slot: str) -> Unsigned:
        return await super().seal(evolve(unsigned, compute=next(SEALED) % 2), wallet, slot)


class TestCHN56CountsSeals(Slotted):
    plugin = with_link(CountsSeals)


class CancelsWithIt(NonceLink):
    async def cancel(self, wallet: Wallet, replaced: Signed) -> Unsigned | None:
        made = await super().cancel(wallet, replaced)
        return evolve(made, payload=made.payload + ADDRESSES[0].encode()) if made is not None else None


class TestCHN57CancelsWithIt(Slotted):
    plugin = with_link(CancelsWithIt)


class HoldsWhatItHasNow(NonceLink):
    def held(self, assets: Sequence[AssetId], height: int) -> tuple[tuple[AssetId, int], ...]:
        return super().held(assets, max(self.reader.blocks))


class TestCHN58HoldsWhatItHasNow(Slotted):
    plugin = with_link(HoldsWhatItHasNow)


class CostsMoreLater(NonceLink):
    async def outcome(self, signed: Signed) -> Outcome:
        found = await super().outcome(signed)
        late = found.status is OutcomeStatus.FILLED and 5 < max(self.reader.blocks) - found.height < 8
        return evolve(found, cost=found.cost + 1) if late else found


class TestCHN59CostsMoreLater(Slotted):
    plugin = with_link(CostsMoreLater)
