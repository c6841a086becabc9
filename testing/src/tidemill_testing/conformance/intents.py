"""Transactions of ours for suites and tests of stores: planned ones, and how they go on."""

from typing import Any

from attrs import evolve

from tidemill.domain.ids import BookId, ChainId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState

PAYLOAD = bytes(range(256)) * 20
"""Every byte, and more of them than a transaction has."""


def planned(number: int, *, slot: str = "", run: int = 1, height: int = 100, **fields: Any) -> IntentRecord:
    """Return a transaction that has just been planned: its slot is its own unless one is given."""
    made = IntentRecord(
        number, run, PlanId(f"plan-{number}"), BookId("main"), "spatial", ChainId("sim:1"), "0xac", '{"kind": "Flow"}', PAYLOAD,
        21_000, 20_000, 900, "0xfeed", height, slot or f"nonce:{number}", IntentState.PLANNED, height,
    )  # fmt: skip
    return evolve(made, **fields) if fields else made


def then(record: IntentRecord, state: IntentState, *, since: int = 0, reason: str = "") -> IntentRecord:
    """Return the same transaction in another state; where that is ``SIGNED``, with its signed bytes and their name."""
    once: dict[str, Any] = {"tx": f"0x{record.number:064x}", "raw": b"\x00signed" + record.payload} if state is IntentState.SIGNED else {}
    return evolve(record, state=state, since=since or record.since + 1, reason=reason, **once)


def way(record: IntentRecord, *states: IntentState) -> list[IntentRecord]:
    """Return a transaction followed by itself in each of the states, in order."""
    steps = [record]
    for state in states:
        steps.append(then(steps[-1], state))
    return steps
