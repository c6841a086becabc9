"""Wrong versions of how a run sends transactions, each with a mistake that costs money: the crash lane must notice every one of them."""

from tests.faults.live_points import replacing

_SENDING = "tidemill.pipeline.live", "LiveExecution._broadcast"

BROADCASTS_BEFORE_IT_WRITES = replacing(
    "tidemill.pipeline.live",
    "LiveExecution._sign_and_send",
    "early",
    """\
from tidemill.domain.intent import IntentState

async def early(self, records, sealed):
    for record, unsigned in zip(records, sealed):
        signed = await self.signer.sign(unsigned, record.account, record.number)
        await self._links[record.chain].broadcast(signed)
        kept = self.intents.change(record.number, IntentState.SIGNED, record.since, tx=signed.ref.tx, raw=signed.raw)
        await self._writer.keep_durable((record, kept))
    return [None] * len(records)
""",
)
"""Bytes leave first, and are written down then: a crash in between forgets them."""

SIGNS_ANEW_ON_UNKNOWN = replacing(
    *_SENDING,
    "anew",
    """\
from attrs import evolve
from tidemill.domain.intent import IntentState
from tidemill.errors import OutcomeUnknown
from tidemill_simworld.envelope import read_sealed

async def anew(self, record, signed, height, **_):
    try:
        await self._links[record.chain].broadcast(signed)
    except OutcomeUnknown:
        pass
    else:
        return None
    self._writer.keep((self.intents.change(record.number, IntentState.BROADCAST, height),))
    link, wallet = self._links[record.chain], self.wallets[record.book, record.chain]
    slot = await link.slot(wallet, self.intents.slots(record.chain, wallet.owner))
    plain = evolve(record.unsigned, payload=read_sealed(record.payload).call)
    sealed = await link.seal(plain, wallet, slot)
    again = evolve(
        record, number=self.intents.next_number, slot=slot, payload=sealed.payload, state=IntentState.PLANNED, tx="", raw=b""
    )
    self.intents.add(again)
    signed = await self.signer.sign(sealed, again.account, again.number)
    kept = self.intents.change(again.number, IntentState.SIGNED, height, tx=signed.ref.tx, raw=signed.raw)
    await self._writer.keep_durable((again, kept))
    return await real(self, kept, signed, height)
""",
)
"""Nobody answers, so another transaction is signed for the same plan: both may happen."""

TRUSTS_A_TIMEOUT = replacing(
    *_SENDING,
    "trusting",
    """\
from tidemill.domain.intent import IntentState
from tidemill.errors import OutcomeUnknown

async def trusting(self, record, signed, height, **_):
    try:
        await self._links[record.chain].broadcast(signed)
    except OutcomeUnknown as error:
        self._writer.keep((self.intents.change(record.number, IntentState.DEAD, height, "no answer: it failed"),))
        return "node", str(error)
    self._writer.keep((self.intents.change(record.number, IntentState.BROADCAST, height),))
    return None
""",
)
"""Nobody answers, so it is taken as failed and forgotten: a block holds it all the same."""
