"""The ledger from Python, over a store in memory."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import attrs
import pytest

from tidemill.api.ledger import Ledger, open_ledger
from tidemill.api.ledger_view import view_json, view_lines, view_of
from tidemill.domain.ids import AssetId, BookId, ChainId, OpportunityId, PlanId
from tidemill.domain.intent import IntentRecord, IntentStep
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Flow
from tidemill.domain.records import EntryRow, ResultRow, Row
from tidemill.errors import ConfigError, UsageError
from tidemill.hookspecs.store import RunInfo, Store
from tidemill.ledger.digest import digest_of
from tidemill.ledger.journal import Journal

MAIN, SIM = BookId("main"), ChainId("sim:1")
USDC, ETH = AssetId("sim:1/erc20:0xaa"), AssetId("sim:1/slip44:60")
FLOW = Flow(PlanId("plan-1"), OpportunityId("o"), "spatial", MAIN, SIM, (), ((USDC, 5),), (), (), (), 9, 50)
HEADER = json.dumps({"assets": {USDC: ["USDC", 6], ETH: ["ETH", 18]}})


class MemoryStore(Store):
    """Holds runs that a test puts in."""

    name: ClassVar[str] = "memory"

    def __init__(self, settings: object | None = None) -> None:
        super().__init__(settings)
        self.kept: dict[int, list[Row]] = {}
        self.closed: dict[int, str] = {}
        self.header = "{}"
        self.faults: tuple[str, ...] = ()
        self.opened: list[bool] = []

    def open(self, folder: Path, *, write: bool = True) -> None:
        self.opened.append(write)

    def begin(self, header: str, started: str) -> int:
        self.kept[len(self.kept) + 1] = []
        return len(self.kept)

    def write(self, run: int, rows: Sequence[Row], *, durable: bool) -> None:
        self.kept[run].extend(rows)

    def finish(self, run: int, ledger_hash: str, ended: str) -> None:
        self.closed[run] = ledger_hash

    def rows(self, run: int) -> Iterator[Row]:
        return iter(self.kept[run])

    def runs(self) -> Sequence[RunInfo]:
        return [
            RunInfo(run, "12:00", "13:00" if run in self.closed else "", self.header, len(rows), self.closed.get(run, ""))
            for run, rows in self.kept.items()
        ]

    def balances(self) -> Mapping[tuple[BookId, str, AssetId], int]:
        return {(MAIN, "wallet", USDC): 108_000_000, (MAIN, "trading", USDC): -8_000_000}

    def keep_intents(self, changes: Sequence[IntentRecord], at: str, *, durable: bool, run: int = 0, rows: Sequence[Row] = ()) -> None:
        raise AssertionError("a ledger that is looked at is not written")

    def intents(self, *, ended: bool = False) -> Sequence[IntentRecord]:
        return ()

    def last_intent(self) -> int:
        return 0

    def results(self, plan: PlanId) -> Sequence[ResultRow]:
        return ()

    def intent_steps(self, number: int) -> Sequence[IntentStep]:
        return ()

    def check(self) -> Sequence[str]:
        return self.faults

    def close(self) -> None:
        self.opened.append(False)

    def add(self, rows: Sequence[Row], *, closed: bool = True) -> int:
        """Add a run, closed with its right hash unless told otherwise."""
        run = self.begin("{}", "")
        self.write(run, rows, durable=False)
        if closed:
            self.finish(run, digest_of(rows), "")
        return run


def traded(usdc: int = 100, eth: int = 90) -> list[Row]:
    """A run that opens, gains 8 USDC at a cost of 40, and reverts once for 10."""
    journal = Journal()
    rows: list[Row] = [*journal.opening(MAIN, SIM, 1, ((USDC, usdc), (ETH, eth))), journal.intent(FLOW, "planned", digest="", height=7)]
    rows += journal.outcome(FLOW, Outcome(OutcomeStatus.FILLED, 8, "0x08", changes=((USDC, 8),), cost=40), native=ETH)
    second = attrs.evolve(FLOW, id=PlanId("plan-2"))
    rows.append(journal.intent(second, "planned", digest="", height=8))
    return [*rows, *journal.outcome(second, Outcome(OutcomeStatus.REVERTED, 9, "0x09", cost=10, reason="min_out"), native=ETH)]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def ledger(store: MemoryStore) -> Ledger:
    return open_ledger("somewhere", store=store)


def test_ledger_is_opened_to_read_and_closed_with_its_block(store: MemoryStore) -> None:
    """Looking at a ledger never takes the writer's place."""
    with open_ledger(Path("somewhere"), store=store):
        assert [False] == store.opened
    assert 2 == len(store.opened)


def test_open_ledger_with_an_unknown_store_raises() -> None:
    """A store that is not installed is a problem of the configuration."""
    with pytest.raises(ConfigError, match="parquet"):
        open_ledger("somewhere", store="parquet")


def test_run_without_a_number_is_the_latest(store: MemoryStore, ledger: Ledger) -> None:
    """None means the latest run; a number that is not there is said with those that are."""
    with pytest.raises(UsageError, match="holds no run yet"):
        ledger.run()
    store.add(traded())
    with pytest.raises(UsageError, match="there is no run 7; there are run 1"):
        ledger.run(7)
    store.add([], closed=False)
    assert (2, 1) == (ledger.run().run, ledger.run(1).run)
    with pytest.raises(UsageError, match="there are runs 1 to 2"):
        ledger.rows(3)


def test_figures_and_hash_of_a_run(store: MemoryStore, ledger: Ledger) -> None:
    """Statement, hash and balances come from the rows."""
    rows = traded()
    store.add(rows)
    assert ({USDC: 8}, {ETH: 50}) == (ledger.statement().pnl, ledger.statement().cost)
    assert digest_of(rows) == ledger.hash()
    assert rows == list(ledger.rows())
    assert 108_000_000 == ledger.balances()[MAIN, "wallet", USDC]


def test_verify_of_runs_that_continue_each_other_is_sound(store: MemoryStore, ledger: Ledger) -> None:
    """A second run opens with what the first one left; one that was broken off is told and is no problem."""
    store.add(traded())
    store.add(traded(108, 40)[:1], closed=False)
    found = ledger.verify()
    assert (True, ()) == (found.sound, found.problems)
    assert [(1, True, 10), (2, False, 1)] == [(run.run, run.closed, run.rows) for run in found.runs]
    assert [2] == [run.run for run in ledger.verify(2).runs]


def test_verify_result_of_a_plan_left_open_is_known(store: MemoryStore, ledger: Ledger) -> None:
    """A plan that was in flight when a run was killed may end in the next one."""
    store.add(traded()[:2], closed=False)
    journal = Journal()
    rows = [*journal.opening(MAIN, SIM, 8, ((USDC, 100), (ETH, 90)))]
    store.add([*rows, *journal.outcome(FLOW, Outcome(OutcomeStatus.REVERTED, 9, "", cost=1), native=ETH)])
    assert () == ledger.verify().problems


def test_verify_plan_left_open_over_a_run_that_said_nothing_of_it_is_known(store: MemoryStore, ledger: Ledger) -> None:
    """A run that is killed as soon as it has begun leaves open what it found open."""
    store.add(traded()[:2], closed=False)
    journal = Journal()
    opening = [*journal.opening(MAIN, SIM, 8, ((USDC, 100), (ETH, 90)))]
    store.add([*Journal().opening(MAIN, SIM, 8, ((USDC, 100), (ETH, 90)))], closed=False)
    store.add([*opening, *journal.outcome(FLOW, Outcome(OutcomeStatus.REVERTED, 9, "", cost=1), native=ETH)])
    assert () == ledger.verify().problems


def test_verify_run_that_forgot_money_is_told(store: MemoryStore, ledger: Ledger) -> None:
    """An opening that is not what the run before left is a hole in the books."""
    store.add(traded())
    store.add(traded(100, 40)[:1])
    assert (f"run 2: it opens book main with 100 of {USDC}, the run before left 108",) == ledger.verify().problems


def test_verify_chain_that_was_emptied_or_left_alone_may_begin_anew(store: MemoryStore, ledger: Ledger) -> None:
    """Capital is put in anew where nothing was left; another chain's money stays where it is meanwhile."""
    journal = Journal()
    emptied = [*journal.opening(MAIN, SIM, 1, ((USDC, 5),)), journal.adjustment(MAIN, SIM, 2, USDC, -5, "withdrawn")]
    store.add(emptied)
    store.add(Journal().opening(MAIN, SIM, 1, ((USDC, 9),)))
    store.add(Journal().opening(MAIN, ChainId("eip155:1"), 1, ((AssetId("eip155:1/slip44:60"), 3),)))
    store.add(Journal().opening(MAIN, SIM, 1, ((USDC, 9),)))
    assert () == ledger.verify().problems
    store.add(Journal().opening(MAIN, SIM, 1, ((ETH, 9),)))
    assert 2 == len(ledger.verify().problems)


def altered(store: MemoryStore) -> None:
    store.closed[1] = "0" * 64


def damaged(store: MemoryStore) -> None:
    store.faults = ("ledger.db: page 7 is never used",)


def unbalanced(store: MemoryStore) -> None:
    entry = store.kept[1][0]
    assert isinstance(entry, EntryRow)
    store.kept[1][0] = attrs.evolve(entry, postings=entry.postings[1:])
    store.closed[1] = digest_of(store.kept[1])


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [(altered, "run 1: its rows hash to"), (damaged, "page 7 is never used"), (unbalanced, "run 1: row 1, opening entry .* sum to")],
)
def test_verify_names_what_is_wrong(store: MemoryStore, ledger: Ledger, harm: Callable[[MemoryStore], None], sentence: str) -> None:
    """Rows that do not hash to what was printed, a damaged file, and entries that do not balance are told."""
    store.add(traded())
    harm(store)
    found = ledger.verify()
    assert not found.sound
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError("\n".join(found.problems))


def test_export_gives_lines_and_refuses_other_formats(store: MemoryStore, ledger: Ledger) -> None:
    """JSON has a line for each row, CSV a head line and one for each posting."""
    store.add(traded())
    assert (10, 17) == (len(list(ledger.export())), len(list(ledger.export(form="csv"))))
    with pytest.raises(UsageError, match="there is no export format 'xml'"):
        ledger.export(form="xml")  # type: ignore[arg-type]


def test_view_lines_are_aligned_and_in_whole_tokens(store: MemoryStore, ledger: Ledger) -> None:
    """What is shown names symbols where the run's header knows them, and counts fills and reverts."""
    store.header = HEADER
    store.add(traded(100_000_000))
    text = "\n".join(view_lines(view_of(ledger)))
    assert "run 1 of 1 · started 12:00 · ended 13:00\n10 rows · 0 opportunities, 0 rejected · 2 plans\nfills 1 · reverts 1 · hash " in text
    assert f"\nbalances\n  main  USDC  {USDC}  108.00\n" in text
    assert f"\npnl of the run\n  USDC  {USDC}  +0.000008\n" in text
    assert "\n  block 8  spatial  filled    +0.000008 USDC\n  block 9  spatial  reverted  min_out" in text


def test_view_lines_without_known_assets_are_base_units(store: MemoryStore, ledger: Ledger) -> None:
    """An asset that no header names is shown by its address, in base units; what there is none of is said."""
    store.add(traded()[:1], closed=False)
    text = "\n".join(view_lines(view_of(ledger)))
    assert f"  main  0xaa  {USDC}  108,000,000\n" in text
    assert "not closed" in text
    assert "pnl of the run: none" in text
    assert "last results: none" in text


@pytest.mark.parametrize("header", ["", "[]", '{"assets": 7}', '{"assets": {"a": ["A"]}}', '{"assets": {"a": ["A", "x"]}}'])
def test_view_with_a_header_of_another_shape_shows_base_units(store: MemoryStore, ledger: Ledger, header: str) -> None:
    """The header is for people: one that says nothing about assets is no error."""
    store.header = header
    store.add(traded())
    assert {} == view_of(ledger).assets


def test_view_json_has_strings_for_amounts(store: MemoryStore, ledger: Ledger) -> None:
    """Machines get base units as strings, and the same counts."""
    store.add(traded())
    found = json.loads(json.dumps(view_json(view_of(ledger, 1))))
    assert ({USDC: "8"}, {ETH: "50"}, 1, 1, True) == tuple(found[key] for key in ("pnl", "cost", "fills", "reverts", "closed"))
    assert [{"book": "main", "asset": USDC, "amount": "108000000"}] == found["balances"]
    assert ["plan-1", "plan-2"] == [one["plan"] for one in found["last"]]
