"""Notes and summaries as JSON: amounts stay exact, shapes stay as they are documented."""

import json
from decimal import Decimal

from tidemill.domain.ids import AssetId, PoolId
from tidemill.domain.note import Note, RunHeader, Summary
from tidemill.domain.note_json import header_json, note_json, plain, summary_json

USDC = AssetId("sim:1/erc20:0xbb")
ETH = AssetId("sim:1/erc20:0xaa")


def test_summary_json_has_the_documented_shape() -> None:
    """The keys and their order are those of the command line's reference; amounts are strings, sorted by asset."""
    summary = Summary(212, 9_000, 31, 10, 9, 1, 22, {USDC: 1 << 70, ETH: -5}, {ETH: 7}, "5f2c", "a.tape", "data", 8)
    expected = (
        '{"event": "summary", "blocks": 212, "events": 9000, "opportunities": 31, "plans": 10, "fills": 9, "reverts": 1, "rejected": 22, '
        '"pnl": {"sim:1/erc20:0xaa": "-5", "sim:1/erc20:0xbb": "1180591620717411303424"}, "cost": {"sim:1/erc20:0xaa": "7"}, '
        '"ledger_hash": "5f2c", "tape": "a.tape"}'
    )
    assert expected == json.dumps(summary_json(summary))


def test_summary_json_without_tape_is_null() -> None:
    """A run that neither played nor recorded a tape says null."""
    assert summary_json(Summary(0, 0, 0, 0, 0, 0, 0, {}, {}, ""))["tape"] is None


def test_header_json_names_the_run() -> None:
    """The first line says what runs."""
    line = header_json(RunHeader("0.1.0", "paper", "sim:1", 7, (("dex.uniswap", "0.1.0"),), 240, 48, 5))
    assert ("run", "paper", 7, {"dex.uniswap": "0.1.0"}, None) == tuple(line[k] for k in ("event", "mode", "seed", "plugins", "tape"))


def test_note_json_is_flat_and_keeps_its_envelope() -> None:
    """Fields stand beside the five that every note has; one of the same name steps aside."""
    line = note_json(Note("fill", "info", 8, 1_700_000_000, "filled", (("hops", 3), ("height", 9), ("net", str(1 << 200)))))
    assert {
        "event": "fill",
        "level": "info",
        "height": 8,
        "time": 1_700_000_000,
        "text": "filled",
        "hops": 3,
        "field_height": 9,
        "net": str(1 << 200),
    } == line


def test_plain_of_any_value_survives_json() -> None:
    """What JSON does not know becomes text or lists, sets in a fixed order, decimals in full."""
    value = {"d": Decimal("1E-18"), "t": (1, None, True), "s": {"b", "a"}, 3: {"p": PoolId("x")}, "o": ValueError("why")}
    expected = {"d": "0.000000000000000001", "t": [1, None, True], "s": ["a", "b"], "3": {"p": "x"}, "o": "why"}
    assert expected == json.loads(json.dumps(plain(value)))
