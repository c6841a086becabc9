"""What is kept of a plan that goes out with real money, from the door to its end."""

from enum import StrEnum

from attrs import field, frozen

from tidemill.domain.ids import BookId, ChainId, PlanId
from tidemill.domain.transaction import Signed, TxRef, Unsigned


class IntentState(StrEnum):
    """How far a transaction has come. ``UNKNOWN`` is no end: it is asked about until it is one of the others."""

    PLANNED = "planned"
    """It passed the door and holds its slot; nothing is signed."""
    SIGNED = "signed"
    """Its signed bytes are on disk; they may be out already, if the process ended before it could say so."""
    BROADCAST = "broadcast"
    """A node took it, or may have."""
    SEEN = "seen"
    """It stands in a block that may still be dropped."""
    UNKNOWN = "unknown"
    """It was sent, and no node knows of it."""
    FINAL = "final"
    """It was included and did what it should, in a block that stays."""
    REVERTED = "reverted"
    """It was included and undone, in a block that stays; its cost was paid."""
    REPLACED = "replaced"
    """Another transaction of ours took its slot, in a block that stays."""
    DEAD = "dead"
    """Proof that it can never be included, or that it was never signed."""


ENDED = frozenset({IntentState.FINAL, IntentState.REVERTED, IntentState.REPLACED, IntentState.DEAD})
"""States that nothing changes any more."""
_S = IntentState
NEXT: dict[IntentState, frozenset[IntentState]] = {
    _S.PLANNED: frozenset({_S.SIGNED, _S.DEAD}),
    _S.SIGNED: ENDED | {_S.BROADCAST, _S.SEEN, _S.UNKNOWN},
    _S.BROADCAST: ENDED | {_S.SEEN, _S.UNKNOWN},
    _S.SEEN: ENDED | {_S.SEEN, _S.BROADCAST, _S.UNKNOWN},
    _S.UNKNOWN: ENDED | {_S.BROADCAST, _S.SEEN},
    _S.FINAL: frozenset(),
    _S.REVERTED: frozenset(),
    _S.REPLACED: frozenset(),
    _S.DEAD: frozenset(),
}
"""What may follow a state. Signed bytes are sent again as they are; no state leads back to one without them."""


def is_exclusive(slot: str) -> bool:
    """Whether a slot lets one transaction happen, as a nonce does; a block hash only says how long many of them may."""
    return slot.startswith("nonce:")


@frozen
class IntentRecord:
    """One transaction of ours as a store keeps it; a change of state is the same record again with another ``state``.

    ``number`` counts the transactions of a ledger from 1, over all its runs. ``payload`` is what was, or will be, signed, ``raw`` the
    signed bytes (empty before), ``tx`` their name. ``slot`` is what lets it happen once (see ``Reading``). ``height`` is the head at
    which it was planned, ``since`` the one at which its state was reached. ``flow`` is the plan as text ("" for one that only takes a
    slot), and ``replaces`` the number of the transaction whose slot it takes, 0 for none.
    """

    number: int
    run: int
    plan: PlanId
    book: BookId
    strategy: str
    chain: ChainId
    account: str
    flow: str
    payload: bytes = field(repr=False)
    compute_limit: int
    compute: int
    expires: int
    digest: str
    height: int
    slot: str
    state: IntentState
    since: int
    tx: str = ""
    raw: bytes = field(default=b"", repr=False)
    reason: str = ""
    replaces: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing changes it any more."""
        return self.state in ENDED

    @property
    def unsigned(self) -> Unsigned:
        """The bytes that were composed, as the signer gets them."""
        return Unsigned(self.plan, self.chain, self.payload, self.compute_limit, self.expires, self.digest, self.compute)

    @property
    def signed(self) -> Signed:
        """The bytes to broadcast; only where there are any."""
        return Signed(self.plan, TxRef(self.chain, self.tx), self.raw)


@frozen
class IntentStep:
    """One change of state as the store's history keeps it; ``at`` is an ISO 8601 wall clock, for people."""

    number: int
    state: IntentState
    since: int
    reason: str
    at: str
