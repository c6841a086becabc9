"""Real money: a plan is signed, its bytes are on disk, then they go out; what became of them is asked until there is proof.

The order is the point. Bytes that left and are not on disk would be lost by a crash; bytes that are signed anew because nobody answered
would be paid twice. So every step is kept before the next is taken, and the same bytes go out again, never others.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import structlog

from tidemill.domain.events import Balances, Batch, Event, OutcomeSeen, RefusedSeen
from tidemill.domain.ids import AssetId, BookId, ChainId, chain_of
from tidemill.domain.intent import IntentRecord, IntentState, is_exclusive
from tidemill.domain.outcome import Outcome
from tidemill.domain.plan import FLATTEN
from tidemill.domain.snapshot import Snapshot
from tidemill.domain.transaction import Signed, Unsigned, Wallet
from tidemill.errors import RefusedByVenue, SignerError, SignerRefused, VenueError
from tidemill.hookspecs.chain import ChainLink, ChainRules
from tidemill.ledger.intents import IntentBook
from tidemill.ledger.reconcile import INCLUDED, Cancel, ChainView, Change, Send, Tell, reconcile
from tidemill.pipeline.brake import Brake
from tidemill.pipeline.execution import Settled
from tidemill.pipeline.known_blocks import KnownBlocks, ToldBlocks
from tidemill.pipeline.transactions import Sealed, cancelling, planned
from tidemill.pipeline.writer import LedgerWriter
from tidemill.signing.client import SignerClient
from tidemill.stages.effects import Intent
from tidemill.stages.guard import Fault

SENT_AGAIN = "sent once more, the same bytes"
"""What is said of a transaction that no node knew of, and that went out another time."""
Refusal = tuple[Literal["simulation", "signer", "node", "venue", "operator"], str]
"""Who said no, and why: nothing was sent."""


class LiveExecution:
    """Carries out plans on their chains through a signer.

    ``take`` is called for one plan after another. Whoever waits on ``settle`` knows all that the chain said of every open transaction.

    Args:
        links, rules: of each chain.
        wallets: public addresses by book and chain.
        signer: holds the leases of their accounts; None: nothing is signed, what is open is settled alone.
        intents: all transactions that are open, as the store has them.
        writer: keeps what changes.
        brake: asked right before each broadcast.
        run: the ledger's number of this run.
        patience: a transaction may be silent for so many heights before it counts as unknown.
        assets: whose balances the chains are asked for, beside those that a book has.
        every: so many heights lie between two looks at the balances.

    ``unheard`` is why a chain did not answer when it was last asked what became of ours or what we hold; who answered is not in it.
    """

    settles_at_the_end = False

    def __init__(
        self,
        *,
        links: Mapping[ChainId, ChainLink],
        rules: Mapping[ChainId, ChainRules],
        wallets: Mapping[tuple[BookId, ChainId], Wallet],
        signer: SignerClient | None,
        intents: IntentBook,
        writer: LedgerWriter,
        brake: Brake,
        run: int,
        patience: int,
        assets: Sequence[AssetId],
        every: int,
    ) -> None:
        self.faults: list[Fault] = []
        self.brake = brake
        self.intents = intents
        self._links = dict(links)
        self._rules = dict(rules)
        self.wallets = dict(wallets)
        self.signer = signer
        self._writer = writer
        self._run = run
        self._patience = patience
        self._assets = frozenset(assets)
        self._every = every
        self._looked: dict[ChainId, int] = {}
        self.unheard: dict[ChainId, str] = {}
        self._blocks = KnownBlocks()
        self._told = ToldBlocks()
        self._hurried: set[ChainId] = set()
        self._seq = 0
        self._log = structlog.get_logger("tidemill.live")

    @property
    def waiting(self) -> tuple[ChainId, ...]:
        """The chains on which transactions are out that no block holds yet."""
        return tuple(sorted({record.chain for record in self.intents.open() if record.state is not IntentState.SEEN}))

    @property
    def compared(self) -> Mapping[ChainId, int]:
        """At which height of a chain what it says we hold was last taken over by the books; a chain that is missing was never asked."""
        return self._looked

    def late(self, head: int, chain: ChainId) -> tuple[IntentRecord, ...]:
        """Return the transactions that are out on a chain though what they were for is over: only another in their slot ends them."""
        return tuple(
            record
            for record in self.intents.open()
            if record.chain == chain and record.state is not IntentState.SEEN and head > record.expires + self._patience
        )

    def hurry(self) -> None:
        """Look at what the chains say we hold with the next settling, however long ago that was done."""
        self._hurried.update(self._links)

    def due(self, chain: ChainId, height: int) -> bool:
        """Whether anything of ours is open on a chain, or its balances are to be looked at."""
        return self._looks(chain, height) or any(record.chain == chain for record in self.intents.open())

    def _looks(self, chain: ChainId, height: int) -> bool:
        looked = self._looked.get(chain)
        return looked is None or height - looked >= self._every or chain in self._hurried

    # --- out --------------------------------------------------------------------------------------------------------------------------

    async def take(self, intents: Sequence[Intent], heights: Mapping[ChainId, int]) -> Sequence[Event]:
        """Sign a plan, or the legs of one group, keep them, send them in order; return the refusals of those that were not sent.

        Each has been simulated before any is signed, and all signed bytes are on disk, in one commit, before any leaves. What a node
        refuses for good before another leg has left keeps the rest from leaving.

        Raises:
            LedgerError: they cannot be kept; nothing was sent.
        """
        if intents[0].reopened:
            for intent in intents:
                await self._send_again(intent, heights[intent.plan.chain])
            return ()
        sealed = await self._seal_all(intents)
        if isinstance(sealed, list):
            records = [self.intents.add(planned(self.intents.next_number, self._run, one, heights[one.chain])) for one in sealed]
            refusals = await self._sign_and_send(records, [one.unsigned for one in sealed])
        else:
            refusals = [sealed] * len(intents)
        return tuple(RefusedSeen(intent.plan.id, *no) for intent, no in zip(intents, refusals, strict=True) if no is not None)

    async def _seal_all(self, intents: Sequence[Intent]) -> list[Sealed] | Refusal:
        """Give each plan its slot and try it without effect."""
        sealed: list[Sealed] = []
        for number, intent in enumerate(intents, 1):
            stopped = self._stopped(intent.plan.strategy)
            made = stopped or await self._seal(intent, tuple(one.slot for one in sealed if one.chain == intent.plan.chain))
            if not isinstance(made, Sealed):
                by, reason = made
                return by, reason if stopped or len(intents) == 1 else f"leg {number} of {len(intents)}: {reason}"
            sealed.append(made)
        # Whoever pulled the brake while the link was asked wants no signature either
        return self._stopped(intents[0].plan.strategy) or sealed

    async def _seal(self, intent: Intent, taken: tuple[str, ...]) -> Sealed | Refusal:
        """Give a plan its slot and try it without effect; ``taken`` are slots that other legs have been given."""
        link, wallet = self._links[intent.plan.chain], self.wallets[intent.plan.book, intent.plan.chain]
        try:
            slot = await link.slot(wallet, (*self.intents.slots(intent.plan.chain, wallet.owner), *taken))
            sealed = await link.seal(intent.unsigned, wallet, slot)
            tried = await link.simulate(sealed)
        except VenueError as error:
            return "node", str(error)
        return Sealed(intent, sealed, wallet, slot) if tried.ok else ("simulation", tried.reason)

    async def _sign_and_send(self, records: Sequence[IntentRecord], sealed: Sequence[Unsigned]) -> Sequence[Refusal | None]:
        """Sign new transactions, keep all in one commit and send them in order; return for each why it was not sent."""
        signed = await self._sign(records, sealed)
        if not isinstance(signed, list):
            return [signed] * len(records)
        kept = [
            self.intents.change(record.number, IntentState.SIGNED, record.since, tx=one.ref.tx, raw=one.raw)
            for record, one in zip(records, signed, strict=True)
        ]
        await self._writer.keep_durable((*records, *kept))
        refusals: list[Refusal | None] = []
        refused: Refusal | None = None
        for record, one in zip(kept, signed, strict=True):
            # Whoever pulled the brake while they were signed must not see them leave
            refused = refused or self._stopped(_purpose(record))
            if refused is not None:
                await self._keep(Change(record.number, IntentState.DEAD, record.since, f"never sent: {refused[1]}"), durable=True)
            else:
                refused = await self._broadcast(record, one, record.since)
            refusals.append(refused)
        return refusals

    async def _sign(self, records: Sequence[IntentRecord], sealed: Sequence[Unsigned]) -> list[Signed] | Refusal:
        """Sign all of them; where one is not signed none may leave."""
        signer = self.signer
        assert signer is not None  # noqa: S101 without one nothing is planned
        try:
            return [await signer.sign(unsigned, record.account, record.number) for record, unsigned in zip(records, sealed, strict=True)]
        except SignerError as error:
            reason = f"{error.rule}: {error.reason}" if isinstance(error, SignerRefused) else str(error)
            dead = [self.intents.change(record.number, IntentState.DEAD, record.since, f"not signed: {reason}") for record in records]
            self._writer.keep((*records, *dead))
            return "signer", reason

    async def _broadcast(self, record: IntentRecord, signed: Signed, height: int, *, again: bool = False) -> Refusal | None:
        """Send signed bytes, for the first time or ``again``; return a refusal where they can never be included."""
        reason = SENT_AGAIN if record.state is IntentState.UNKNOWN else ""
        try:
            await self._links[record.chain].broadcast(signed)
        except RefusedByVenue as error:
            if again:
                # They may have been out before, also by a run that ended before it could say so: what this node refuses another may include
                self._log.warning("a node refuses what was sent before", tx=record.tx, reason=str(error))
                return None
            await self._keep(Change(record.number, IntentState.DEAD, height, f"refused by the node: {error}"), durable=True)
            return "node", str(error)
        except VenueError as error:
            # It may be out, whatever the error says of it: only a block, or proof that none can hold it, tells
            reason = f"{reason or 'sent'}, and not confirmed: {error}"
        if record.state is not IntentState.BROADCAST:
            await self._keep(Change(record.number, IntentState.BROADCAST, height, reason))
        return None

    def forget(self, chain: ChainId, above: int) -> None:
        """Take no block above a height for part of the chain any longer because it was heard of before."""
        self._blocks.forget(chain, above)

    def reopened(self, intent: Intent, height: int) -> Sequence[IntentRecord]:
        """Bring the transactions of a plan whose block was dropped back to where they were before it was seen; return them.

        A block that held one that is final may not be dropped: the chain broke its word, and the brake is pulled.
        """
        records = self.intents.of_plan(intent.plan.id)
        if not any(not record.ended for record in records):
            self.brake.pull(f"{intent.plan.chain} dropped a block that was final, with plan {intent.plan.id}", "chain")
        seen = [record for record in records if record.state is IntentState.SEEN]
        return [self._changed(Change(record.number, IntentState.BROADCAST, height, "its block was dropped")) for record in seen]

    async def _send_again(self, intent: Intent, height: int) -> None:
        """Send the bytes of a plan whose block was dropped once more."""
        for record in self.intents.of_plan(intent.plan.id):
            if not record.ended:
                await self._resend(record.number, height)

    async def _resend(self, number: int, height: int) -> None:
        record = self.intents.get(number)
        if self._stopped(_purpose(record)) is None:
            await self._broadcast(record, record.signed, height, again=True)

    async def _cancel(self, number: int, height: int) -> None:
        """Take the slot of a transaction that nobody includes; where slots run out by themselves there is nothing to do."""
        old = self.intents.get(number)
        wallet = self.wallets[old.book, old.chain]
        # A key that was rotated signs nothing more: then the chain alone can end what it signed
        if self.signer is None or self._stopped(FLATTEN) is not None or not is_exclusive(old.slot) or wallet.owner != old.account:
            return
        try:
            unsigned = await self._links[old.chain].cancel(wallet, old.signed)
        except VenueError as error:
            self._log.warning("a transaction cannot be cancelled now", tx=old.tx, reason=str(error))
            return
        if unsigned is None or self._stopped(FLATTEN) is not None:
            return
        record = self.intents.add(cancelling(self.intents.next_number, self._run, old, unsigned, height))
        (refused,) = await self._sign_and_send([record], [unsigned])
        if refused is not None:
            self._log.warning("a transaction could not be cancelled", tx=old.tx, by=refused[0], reason=refused[1])

    # --- what became of it ------------------------------------------------------------------------------------------------------------

    async def settle(self, chain: ChainId, snapshot: Snapshot, block_hash: str, now_ns: int, *, last: bool = False) -> Settled:
        """Ask about every open transaction of a chain and do what follows; return what the core must know."""
        height = snapshot.head(chain).height
        self._blocks.saw(chain, height, block_hash)
        self.unheard.pop(chain, None)
        kept = tuple(record for record in self.intents.open() if record.chain == chain)
        answers = {record.number: answer for record in kept if record.raw and (answer := await self._outcome(record)) is not None}
        changes: list[IntentRecord] = []
        told: list[Event] = self._told.moved(chain, kept, answers)
        for action in reconcile(kept, answers, ChainView(height, self._rules[chain].finality, self._patience)):
            match action:
                case Change():
                    changes.append(self._changed(action))
                case Tell():
                    told.append(OutcomeSeen(action.plan, action.outcome))
                case Send():
                    await self._resend(action.number, height)
                case Cancel():
                    await self._cancel(action.number, height)
        if _known(kept, answers, height):
            told += await self._holdings(chain, height, snapshot)
        self._seq += 1
        return Settled(Batch("live", self._seq, chain, height, block_hash, "", "confirmed", now_ns, now_ns, tuple(told)), tuple(changes))

    async def _holdings(self, chain: ChainId, height: int, snapshot: Snapshot) -> list[Event]:
        """Return what a chain says we hold, where it is time to ask, and nothing is out that would count twice or not at all."""
        # What a block above this height holds is booked already, and the balances of this height do not have it
        open_now = [record for record in self.intents.open() if record.chain == chain]
        out = any(record.state is not IntentState.SEEN or record.since > height for record in open_now)
        if out or not self._looks(chain, height):
            return []
        found: list[Event] = []
        for (book, where), wallet in sorted(self.wallets.items()):
            if where != chain:
                continue
            wanted = sorted(asset for asset in self._assets.union(snapshot.books[book].balances) if chain_of(asset) == chain)
            try:
                found.append(Balances(book, await self._links[chain].holdings(wallet, wanted, height)))
            except VenueError as error:
                self.unheard[chain] = str(error)
                self._log.debug("nobody says now what an account holds", account=wallet.owner, reason=str(error))
                return []
        self._looked[chain] = height
        self._hurried.discard(chain)
        return found

    async def _outcome(self, record: IntentRecord) -> Outcome | None:
        try:
            answer = await self._links[record.chain].outcome(record.signed)
        except VenueError as error:
            self.unheard[record.chain] = str(error)
            self._log.debug("nobody says now what became of a transaction", tx=record.tx, reason=str(error))
            return None
        counts, doubt = self._blocks.believed(record, answer)
        if doubt:
            self._log.warning("a node's answer is not believed", tx=record.tx, reason=doubt)
        return counts

    # --- keeping ----------------------------------------------------------------------------------------------------------------------

    def _changed(self, change: Change) -> IntentRecord:
        return self.intents.change(change.number, change.state, change.since, change.reason)

    async def _keep(self, change: Change, *, durable: bool = False) -> None:
        changed = (self._changed(change),)
        if durable:
            await self._writer.keep_durable(changed)
        else:
            self._writer.keep(changed)

    def _stopped(self, purpose: str) -> Refusal | None:
        """Return who holds back what is to leave; while everything is sold back only that leaves, and what frees a slot for it."""
        stopped = self.brake.stopped
        if stopped is None or (self.brake.flattening and purpose == FLATTEN):
            return None
        return "operator", f"stopped by {stopped.by}: {stopped.cause}"


def _purpose(record: IntentRecord) -> str:
    """Return under which name a transaction leaves: one that only takes a slot frees it for what is sold back."""
    return record.strategy if record.flow else FLATTEN


def _known(kept: Sequence[IntentRecord], answers: Mapping[int, Outcome], height: int) -> bool:
    """Whether the books hold what the chain held at a height: of each open transaction it was just told, and of no later block.

    Balances that are compared with other books would be adjusted, and adjusted back once the outcome is heard.
    """
    told = all(record.number in answers for record in kept if record.raw)
    return told and all(answer.height <= height for answer in answers.values() if answer.status in INCLUDED)
