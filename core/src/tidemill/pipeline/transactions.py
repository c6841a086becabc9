"""From a plan with its slot to what is kept of its transaction."""

from attrs import evolve, frozen

from tidemill.domain.ids import ChainId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.plan import Flow
from tidemill.domain.transaction import Unsigned, Wallet
from tidemill.ledger.plan_text import plan_to_text
from tidemill.stages.effects import Intent


@frozen
class Sealed:
    """A plan with its slot, as it was tried; nothing is signed."""

    intent: Intent
    unsigned: Unsigned
    wallet: Wallet
    slot: str

    @property
    def chain(self) -> ChainId:
        """Where it executes."""
        return self.unsigned.chain


def planned(number: int, run: int, made: Sealed, height: int) -> IntentRecord:
    """Return what is kept of a plan that holds its slot, before it is signed."""
    plan, sealed = made.intent.plan, made.unsigned
    assert isinstance(plan, Flow)  # noqa: S101 the core sends nothing else
    return IntentRecord(
        number=number,
        run=run,
        plan=plan.id,
        book=plan.book,
        strategy=plan.strategy,
        chain=plan.chain,
        account=made.wallet.owner,
        flow=plan_to_text(plan),
        payload=sealed.payload,
        compute_limit=sealed.compute_limit,
        compute=sealed.compute,
        expires=sealed.expires,
        digest=sealed.digest,
        height=height,
        slot=made.slot,
        state=IntentState.PLANNED,
        since=height,
    )


def cancelling(number: int, run: int, old: IntentRecord, unsigned: Unsigned, height: int) -> IntentRecord:
    """Return what is kept of a transaction that does nothing but take the slot of an older one."""
    return evolve(
        old,
        number=number,
        run=run,
        flow="",
        payload=unsigned.payload,
        compute_limit=unsigned.compute_limit,
        compute=unsigned.compute,
        expires=unsigned.expires,
        digest=unsigned.digest,
        height=height,
        state=IntentState.PLANNED,
        since=height,
        tx="",
        raw=b"",
        reason="",
        replaces=old.number,
    )
