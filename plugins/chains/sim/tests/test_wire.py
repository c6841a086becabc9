"""Asks and answers come out of the wire as they went in, types and all."""

import json
from typing import Any

import pytest
from attrs import fields

from tidemill.domain.events import Log, States
from tidemill.domain.ids import AssetId, Key, PoolId
from tidemill.domain.outcome import Fill, Outcome, OutcomeStatus
from tidemill.domain.transaction import Simulated
from tidemill.errors import DecodeError, InvariantError, OutcomeUnknown, RefusedByVenue, Unavailable, UsageError
from tidemill_chain_sim.node import asks
from tidemill_chain_sim.node.wire import answer_of, ask_of, encode_answer, encode_refusal, fields_of
from tidemill_simworld import CHAIN
from tidemill_simworld.wire import take_frame

AT = asks.At(5, "0x05")
LOG = Log("0xaa", (b"\x01" * 32,), b"\x02", 3, "0xtx")
FILL = Fill(PoolId("p"), AssetId("a"), AssetId("b"), 1 << 200, 2)
PAIRS: list[tuple[asks.Ask[Any], Any]] = [
    (asks.HelloAsk(), asks.Hello(7, {"tokens": 12, "accounts": "evm"}, AT)),
    (asks.HeadAsk(), asks.Told("block", 1, "0x1", "0x0", 2, 3)),
    (asks.NextAsk(AT, (Key("k"),)), asks.Told("block", 1, "0x1", "0x0", 2, 3, ((Key("k"), b"\1"), (Key("l"), None)), (LOG,))),
    (asks.ReadAsk((Key("k"),)), States(CHAIN, ((Key("k"), None),))),
    (asks.ReadAsk((), 3), States(CHAIN, ((Key("k"), b""),))),
    (asks.LogsAsk("0xaa", (b"\1",), 1, 2), (LOG, LOG)),
    (asks.SimulateAsk(b"call", 5), Simulated(ok=True, changes=((AssetId("a"), -(1 << 90)),), compute=4, reason="")),
    (asks.AccountAsk("0xaa", 4), asks.AccountView(1, 10**20, (("0xbb", 4),), AT, AT, 9)),
    (asks.BlocksAsk(4), (AT, AT)),
    (asks.BroadcastAsk(b"raw"), None),
    (asks.OutcomeAsk(b"raw"), Outcome(OutcomeStatus.REVERTED, 5, "0x5", (FILL,), ((AssetId("a"), -1),), 7, "because", "proof")),
    (asks.StatementAsk("0xaa"), (asks.Entry("0xtx", "nonce:1", 5, "0x5", True, ((AssetId("a"), 1),), 3, ""),)),
    (asks.MempoolAsk(), (asks.Waiting("0xtx", "0xaa", "nonce:1", 4),)),
    (asks.HappenedAsk(), {"broadcast_lost": 2}),
    (asks.MineAsk(), AT),
    (asks.ReorganiseAsk(3), AT),
]


@pytest.mark.parametrize(("ask", "answer"), PAIRS)
def test_ask_and_answer_survive_the_wire(ask: asks.Ask[Any], answer: Any) -> None:
    """What a node is asked and answers is equal on both sides."""
    name, told = fields_of(ask)
    assert ask == ask_of(json.loads(json.dumps({"ask": name, "fields": told})))
    frame = take_frame(bytearray(encode_answer("1:1", answer)))
    assert frame is not None
    assert answer == answer_of(ask, frame["value"])


def test_every_ask_is_tried() -> None:
    """An ask that is new has to stand above."""
    assert set(asks.ASKS.values()) == {type(ask) for ask, _ in PAIRS}


def test_outcome_s_status_is_one_of_the_statuses() -> None:
    """Text that only looks like it would be no status where identity is asked."""
    for status in OutcomeStatus:
        value = json.loads(json.dumps({**_plain(Outcome(status, 1, "0x1"))}))
        assert status is answer_of(asks.OutcomeAsk(b""), value).status


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {field.name: getattr(outcome, field.name) for field in fields(Outcome)}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RefusedByVenue("x"), "refused"),
        (Unavailable("x"), "unavailable"),
        (OutcomeUnknown("x"), "unknown"),
        (UsageError("x"), "usage"),
        (InvariantError("x"), "malformed"),
    ],
)
def test_refusal_names_the_error(error: Any, kind: str) -> None:
    """The other side raises the same."""
    frame = take_frame(bytearray(encode_refusal("1:1", error)))
    assert frame == {"v": 1, "id": "1:1", "ok": False, "kind": kind, "error": "x"}


def test_answer_of_another_shape_is_malformed() -> None:
    """A node of another version says something else."""
    with pytest.raises(DecodeError, match="the answer to mine is not as expected"):
        answer_of(asks.MineAsk(), {"height": "1"})
