"""The status of a running instance: the same value on both sides of the socket, and lines that people read."""

import json
from typing import Any

import pytest
from attrs import evolve

from tidemill.api.status import (
    BookStatus,
    ChainStatus,
    FlattenStatus,
    PlanStatus,
    PluginStatus,
    Status,
    UnsoldStatus,
    status_from_json,
    status_json,
)
from tidemill.api.status_text import size_text, span_text, status_lines
from tidemill.domain.asset import Asset
from tidemill.domain.ids import AssetId, BookId, ChainId, PlanId
from tidemill.errors import ControlError
from tidemill.signing.seen import SignerStatus
from tidemill.units import BaseUnits

USDC, ETH, ODD = AssetId("sim:1/erc20:0xaa"), AssetId("sim:1/slip44:60"), AssetId("sim:1/erc20:0x1234567890abcdef")
STATUS = Status(
    version="0.1.0",
    process=4_711,
    mode="paper",
    source="sim:1",
    seed=7,
    tape="",
    record="",
    state="running",
    reason="",
    uptime_s=273_600,
    blocks=1_200,
    block_age_s=2,
    chains=(ChainStatus(ChainId("sim:1"), 1_199, 1_700_000_000),),
    opportunities=40,
    plans=11,
    fills=9,
    reverts=1,
    rejected=29,
    pnl={USDC: 84_110_000, ODD: -5},
    cost={ETH: 10**15},
    books=(BookStatus(BookId("main"), USDC, {USDC: 50_000 * 10**6, ETH: 2**80}, {ETH: 10**15}, (PlanStatus(PlanId("p1"), "lag", 1_198),)),),
    strategies=(PluginStatus("strategies.lag", "running"), PluginStatus("strategies.spatial", "paused", "gas is dear")),
    plugins=(PluginStatus("dex.acme", "failing", "ZeroDivisionError: x", 2),),
    assets=(Asset(USDC, "USDC", 6), Asset(ETH, "ETH", 18)),
    data="tidemill-data",
    ledger=3,
    data_bytes=12 << 20,
    disk_free_bytes=39,
    disk_bytes=100,
    memory_mb=84,
)


def lines(**changes: Any) -> list[str]:
    return list(status_lines(evolve(STATUS, **changes)))


def test_status_is_the_same_value_after_its_json() -> None:
    """Amounts beyond what JSON's numbers hold come through exactly, as text."""
    plain = json.loads(json.dumps(status_json(STATUS)))

    assert STATUS == status_from_json(plain)
    assert ({USDC: "84110000", ODD: "-5"}, str(2**80), 1) == (plain["pnl"], plain["books"][0]["balances"][ETH], plain["open_plans"])


@pytest.mark.parametrize("change", [{"blocks": "many"}, {"pnl": {USDC: "x"}}, {"pnl": 3}, {"books": [{}]}, {"state": "asleep"}])
def test_status_of_another_version_is_told(change: dict[str, Any]) -> None:
    """What cannot be read is no traceback."""
    with pytest.raises(ControlError, match="it is of another version of Tidemill"):
        status_from_json({**status_json(STATUS), **change})
    with pytest.raises(ControlError, match="another version"):
        status_from_json({})


def test_status_lines_say_what_matters_first() -> None:
    """What runs and whether it moves; what is at stake; where; then books, plans in flight and plugins, each a line."""
    assert [
        "paper · sim:1, seed 7 · up 3 d 4 h · block 1,199, 2 s ago · 1 of 2 strategies not asked",
        "open plans 1 · 9 fills, 1 revert, 29 rejected · +84.11 USDC, -5 0x12345678, cost 0.001 ETH",
        "ledger tidemill-data, run 3 (12 MB) · disk 61 % full · memory 84 MB · process 4711",
        "book main: 50,000.00 USDC, 1,208,925.819614 ETH; reserved 0.001 ETH",
        "in flight: p1 of lag since block 1,198",
        "strategies.lag running",
        "strategies.spatial paused: gas is dear",
        "dex.acme failing (2 in a row): ZeroDivisionError: x",
    ] == lines()


@pytest.mark.parametrize(
    ("changes", "place", "text"),
    [
        ({"block_age_s": None}, 0, "no block yet"),
        ({"state": "halted", "reason": "too deep"}, 0, "HALTED: too deep"),
        ({"state": "ending", "reason": "an operator ended the run"}, 0, "ending: an operator ended the run"),
        ({"tape": "a.tape"}, 0, "tape a.tape (sim:1)"),
        ({"chains": (*STATUS.chains, ChainStatus(ChainId("toy:2"), 5, 0))}, 0, "block 1,199 of sim:1, block 5 of toy:2, 2 s ago"),
        ({"pnl": {}, "cost": {}}, 1, "no gain or loss, cost 0"),
        ({"ledger": 0}, 2, "tidemill-data, no ledger"),
        ({"record": "r.tape"}, 2, "recording r.tape"),
        ({"books": (BookStatus(BookId("main"), USDC, {}, {}, ()),)}, 3, "book main: nothing"),
    ],
)
def test_status_lines_tell_what_is_out_of_the_ordinary(changes: dict[str, Any], place: int, text: str) -> None:
    """Each in its place."""
    assert text in lines(**changes)[place]


LIVE: dict[str, Any] = {"mode": "live", "intents": {"broadcast": 2, "seen": 1, "unknown": 0}, "exposure": {USDC: 5_000_000, ETH: 10**15}}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {**LIVE, "intents": {"broadcast": 2, "seen": 0}, "balanced": {ChainId("sim:1"): 1_190}, "clock_ms": 3, "disk_bytes": 0},
            "open intents 2 (2 broadcast) · unknown 0 · exposure 5.00 USDC, 0.001 ETH · ledger balanced at block 1,190 · clock ±3 ms",
        ),
        (
            {"mode": "live", "disk_bytes": 0},
            "open intents 0 · unknown 0 · exposure 0 · ledger not balanced yet",
        ),
        ({"mode": "live", "chains": (), "unknown": 1}, "open intents 0 · unknown 1 · exposure 0 · ledger not balanced yet · disk 61 %"),
        (
            {"mode": "live", "chains": (*STATUS.chains, ChainStatus(ChainId("toy:2"), 5, 0)), "balanced": {ChainId("toy:2"): 4}},
            "open intents 0 · unknown 0 · exposure 0 · ledger balanced at no block yet of sim:1, block 4 of toy:2 · disk 61 %",
        ),
    ],
)
def test_status_lines_with_real_money_say_what_is_at_risk(changes: dict[str, Any], line: str) -> None:
    """In the second line, with the disk that all of it is kept on; the clock only where somebody knows it."""
    told = lines(**changes)

    assert line == told[1]
    assert "full" not in told[3]


def test_status_lines_begin_with_an_emergency_stop() -> None:
    """Whoever looks at three in the morning must not have to look for it."""
    first = lines(**LIVE, state="stopped", reason="command: it smells")[0]

    assert first.startswith("live · STOPPED by command: it smells · sim:1, seed 7 · up 3 d 4 h · block 1,199, 2 s ago")


def test_open_intents_are_counted_beside_the_states() -> None:
    """In the JSON as well, and read back without harm."""
    plain = status_json(evolve(STATUS, **LIVE))

    assert (3, {"broadcast": 2, "seen": 1, "unknown": 0}) == (plain["open_intents"], plain["intents"])
    assert evolve(STATUS, **LIVE) == status_from_json(plain)


def test_status_lines_leave_out_what_the_platform_does_not_tell() -> None:
    """No disk of 0 bytes, no memory of 0."""
    third = lines(disk_bytes=0, memory_mb=0)[2]

    assert "ledger tidemill-data, run 3 (12 MB) · process 4711" == third


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (3_605, "1 h"),
        (90_061, "1 d 1 h"),
        (86_400 * 400, "400 d"),
    ],
)
def test_span_is_told_by_its_two_largest_units(seconds: int, text: str) -> None:
    """Nobody at three in the morning counts seconds of days."""
    assert text == span_text(seconds)


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1_023, "1023 B"), (1_024, "1 kB"), (1 << 30, "1 GB"), (5 << 40, "5,120 GB")])
def test_size_is_told_in_the_largest_unit(count: int, text: str) -> None:
    """Rounded down."""
    assert text == size_text(count)


def unsold(reason: str, *, stays: bool) -> UnsoldStatus:
    return UnsoldStatus(BookId("main"), USDC, BaseUnits(3_000_000), reason, stays)


@pytest.mark.parametrize(
    ("flatten", "line"),
    [
        (FlattenStatus("selling"), "flatten: selling what is free, from the next block on"),
        (
            FlattenStatus("selling", (unsold("its sale is under way", stays=False), unsold("the node refused: no room", stays=True))),
            "flatten: selling 3.00 USDC of main (its sale is under way) · stays 3.00 USDC of main (the node refused: no room)",
        ),
        (FlattenStatus("done"), "flatten done: everything was sold back"),
        (
            FlattenStatus("done", (unsold(f"it costs 7 of {ETH}", stays=True),)),
            "flatten done: what stays: 3.00 USDC of main (it costs 0.000000000000000007 ETH)",
        ),
        (FlattenStatus("broken off"), "flatten broken off by another stop: nothing was left to sell"),
        (FlattenStatus("broken off", (unsold("", stays=True),)), "flatten broken off by another stop: not sold 3.00 USDC of main"),
    ],
)
def test_status_tells_how_far_a_flatten_is(flatten: FlattenStatus, line: str) -> None:
    """What is being sold, what stays and why; after it has ended too, and as JSON."""
    assert line == lines(**LIVE, flatten=flatten)[2]
    there = json.loads(json.dumps(status_json(evolve(STATUS, flatten=flatten))))
    assert flatten == status_from_json(there).flatten
    assert all("3000000" == one["amount"] for one in there["flatten"]["unsold"])


@pytest.mark.parametrize(
    ("signer", "line"),
    [
        (
            SignerStatus("keys/signer.sock", "gone", 75, "no signer listens there: start one"),
            "signer GONE for 1 min 15 s: nothing can be signed, what is out is still followed · no signer listens there: start one",
        ),
        (
            SignerStatus("keys/signer.sock", "lost", 0, "this run signs nothing any more, start it again"),
            "signer LOST: nothing can be signed, what is out is still followed · this run signs nothing any more, start it again",
        ),
    ],
)
def test_status_tells_that_the_signer_is_gone(signer: SignerStatus, line: str) -> None:
    """Since when, what that means, and what to do; nothing of one that is there."""
    assert line == lines(**LIVE, signer=signer)[2]
    assert lines(**LIVE) == lines(**LIVE, signer=SignerStatus("keys/signer.sock", "there"))
    assert signer == status_from_json(status_json(evolve(STATUS, signer=signer))).signer
