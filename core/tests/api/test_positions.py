"""What each book holds: from the ledger alone, and with what a run that is on says."""

import json
from pathlib import Path

import pytest
from attrs import evolve

from tidemill.api import positions as module
from tidemill.api.books_text import positions_lines
from tidemill.api.plain import to_plain
from tidemill.api.positions import positions
from tidemill.api.running import Running
from tidemill.api.status import BookStatus, ChainStatus, Status
from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId
from tidemill.errors import LedgerError

SIM = ChainId("sim:1")
USDC, WETH, ETH = (AssetId(f"sim:1/{name}") for name in ("erc20:0x" + "aa" * 20, "erc20:0x" + "bb" * 20, "slip44:60"))
ACCOUNT = "0x" + "ac" * 20
STATUS = Status(
    version="0.1.0", process=1, mode="live", source="sim:1", seed=1, tape="", record="", state="running", reason="", uptime_s=1, blocks=1,
    block_age_s=0, chains=(ChainStatus(SIM, 1_234, 0),), opportunities=0, plans=0, fills=0, reverts=0, rejected=0, pnl={}, cost={},
    books=(BookStatus(MAIN_BOOK, USDC, {}, {USDC: 5}, (), {USDC: 1_003_000_000, WETH: 14_000_000_000}),), strategies=(), plugins=(),
    assets=(), data="", ledger=2, data_bytes=0, disk_free_bytes=0, disk_bytes=0, memory_mb=0, balanced={SIM: 1_200},
)  # fmt: skip


def running(monkeypatch: pytest.MonkeyPatch, going: Running) -> None:
    monkeypatch.setattr(module, "running_in", lambda folder: going)


def test_positions_add_up_over_all_runs(live_books: Path) -> None:
    """Openings restate and do not count, what was taken back cancels out; what is out holds back funds and cost, what is seen no more."""
    found = positions(live_books)
    million, coin = 10**6, 10**18
    spent = coin * 55 // 100_000

    assert [
        (USDC, 1_003 * million, 300 * million, 1_000 * million, 3 * million + 1, 1, 0, 0),
        (WETH, 7 * coin, 0, 2 * coin, 0, 0, 0, 5 * coin),
        (ETH, coin - spent, 3 * coin // 1_000, coin, 0, 0, spent, 0),
    ] == [(one.asset, one.held, one.reserved, one.began, one.traded, one.loan_fees, one.chain_cost, one.adjusted) for one in found.holdings]
    assert {(MAIN_BOOK, SIM, ACCOUNT)} == {(one.book, one.chain, one.account) for one in found.holdings}
    assert (2, "live", False, {SIM: 13}) == (found.run, found.mode, found.running, dict(found.heights))


def test_value_is_told_only_where_somebody_knows_it(live_books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base is worth itself; the rest what the market of a run that is on says, and nothing without one."""
    alone = positions(live_books)
    running(monkeypatch, Running(True, STATUS))
    beside = positions(live_books)

    assert [1_003_000_000, None, None] == [one.value for one in alone.holdings]
    assert [1_003_000_000, 14_000_000_000, None] == [one.value for one in beside.holdings]
    assert [5, 0, 0] == [one.reserved for one in beside.holdings]
    assert (True, True, {SIM: 1_234}, {SIM: 1_200}) == (beside.running, beside.answers, dict(beside.heights), dict(beside.balanced))


def test_positions_as_json_are_texts_of_base_units(live_books: Path) -> None:
    """No number of JSON holds them exactly."""
    plain = json.loads(json.dumps(to_plain(positions(live_books))))

    assert ["1003000000", "300000000", "1003000000", None] == [
        *(plain["holdings"][0][key] for key in ("held", "reserved", "value")),
        plain["holdings"][1]["value"],
    ]


def test_positions_lines_say_what_came_from_where(live_books: Path) -> None:
    """One line an asset; columns in which nothing stands are left out, and what nobody knows is said."""
    lines = list(positions_lines(positions(live_books)))

    assert f"live, run 2; no run is on · block 13 · {live_books}" == lines[0]
    assert f"book main on sim:1: account {ACCOUNT}" == lines[2]
    assert ["held", "reserved", "began", "with", "traded", "loan", "fees", "chain", "cost", "adjusted"] == lines[3].split()
    assert ["USDC", "1,003.00", "300.00", "1,000.00", "+3.000001", "-0.000001", "·", "·"] == lines[4].split()
    assert ["WETH", "7.00", "·", "2.00", "·", "·", "·", "+5.00"] == lines[5].split()
    assert "  what these are worth only a run that is on can say: WETH, ETH" == lines[7]


def test_positions_lines_of_a_run_that_is_on(live_books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is worth, together where all of it is known; a run that does not answer is told."""
    running(monkeypatch, Running(True, STATUS))
    part = list(positions_lines(positions(live_books)))
    (book,) = STATUS.books
    running(monkeypatch, Running(True, evolve(STATUS, books=(evolve(book, values={**book.values, ETH: 1_000_000}),))))
    whole = list(positions_lines(positions(live_books)))
    running(monkeypatch, Running(True))
    silent = list(positions_lines(positions(live_books)))

    assert part[0].startswith("live, run 2; a run is on · block 1,234 · ledger balanced at block 1,200 · ")
    assert "  no pool that the run sees says what these are worth: ETH" == part[-1]
    assert "  worth 15,004.00 USDC together, by the market that the run sees" == whole[-1]
    assert "live, run 2; a run is on, and does not answer · block 13" in silent[0]


def test_positions_of_books_that_hold_nothing(live_books: Path) -> None:
    """No table of nothing."""
    assert "nothing is held, and nothing was" == list(positions_lines(evolve(positions(live_books), holdings=())))[-1]


def test_positions_without_a_ledger_say_where_it_was_looked_for(tmp_path: Path) -> None:
    """A mistyped folder makes nothing."""
    with pytest.raises(LedgerError, match=r"nowhere.*there is no ledger here"):
        positions(tmp_path / "nowhere")
    assert [] == list(tmp_path.iterdir())
