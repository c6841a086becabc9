"""Rules for stores: what is asked of all runs at once is what their rows say, however a store finds it."""

from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from tidemill.domain.ids import AssetId, BookId, OpportunityId, PlanId
from tidemill.domain.records import IntentRow, Row, mentions
from tidemill.hookspecs.store import GROUP_MARK, Store
from tidemill_testing.conformance.ledger_rows import MAIN, SIM, TEXTS, USDC, WETH, WIDEST, entry, group, rejected
from tidemill_testing.conformance.rule import rule
from tidemill_testing.conformance.store.case import StoreCase

_NAMED = (
    *("plan-1", "plan-", "opportunity-1", "entry-4", "sim:1/u:0x0", "0x02", "and slashed", "for the chain", TEXTS[1]),
    # What a search engine may read as something else: signs for any letter, and letters of the other case
    *("plan_1", "plan%", "%", "PLAN-1", "quote \" and \\", "lan-1", "nothing"),
)  # fmt: skip


class StoreSearches(StoreCase):
    """Questions that a store may answer without giving every row; see ``StoreConformance``."""

    @rule("STO-33", "what moved through accounts is summed over all runs")
    def test_what_moved_is_summed_over_all_runs(self, tmp_path: Path) -> None:
        """A trader's books are told from it, where every holding comes from: an opening only restates, and counts twice if it counts.

        If this fails: sum the postings of all entries of all runs but those of kind ``opening``, per book, account and asset, exactly at
        any size, and leave out what comes to zero.
        """
        other = evolve(entry(7, "adjustment", 5, book="other", account="adjustment"), id="entry-other")
        first = (entry(1, "opening", 100, account="opening"), entry(2, "fill", 40), entry(3, "reversal", -40), entry(4, "fill", WIDEST))
        second = (entry(1, "opening", 100 + WIDEST, account="opening"), entry(2, "cost", -3, asset=WETH, account="chain_cost"))
        third = (entry(1, "fill", WIDEST), other)
        expected = {
            (MAIN, "wallet", USDC): 2 * WIDEST, (MAIN, "trading", USDC): -2 * WIDEST,
            (MAIN, "wallet", WETH): -3, (MAIN, "chain_cost", WETH): 3,
            (BookId("other"), "wallet", USDC): 5, (BookId("other"), "adjustment", USDC): -5,
        }  # fmt: skip
        with self._opened(tmp_path) as store:
            self._moved({}, store, "of a ledger without runs")
            for rows in (first, second, third):
                store.write(store.begin("{}", ""), rows, durable=False)
            self._moved(expected, store, "after three runs")
        with self._opened(tmp_path, write=False) as store:
            self._moved(expected, store, "read without a writer")

    @rule("STO-34", "rows are found by what they name")
    def test_rows_are_found_by_what_they_name(self, tmp_path: Path) -> None:
        """``tidemill why`` tells from these what became of something: a row that is not found is a part of the story that is missing.

        If this fails: give the rows of which ``mentions`` of ``tidemill.domain.records`` is true, letter for letter, of all runs, each with
        its run, the oldest run first and within a run in order of ``seq``.
        """
        runs = [
            (*group(1, text=TEXTS[1]), *group(13), rejected(17)),
            (*group(1, text="the block of plan-1 and slashed for the chain"), *group(5, text=TEXTS[2]), *group(9, text="100 % plan_1")),
        ]
        with self._opened(tmp_path) as store:
            for rows in runs:
                store.write(store.begin("{}", ""), rows, durable=True)
            for text in _NAMED:
                self._found(text, runs, store)
        with self._opened(tmp_path, write=False) as store:
            self._found("plan-1", runs, store)

    @rule("STO-35", "groups of plans that have not ended are told")
    def test_groups_that_have_not_ended_are_told(self, tmp_path: Path) -> None:
        """The next run takes these up: legs of a group that is forgotten stand open, and nobody sells them back.

        If this fails: of every group of any run give its first row, which says what it consists of, with the state of its last one, where
        that is no end; the oldest first.
        """
        first: list[Row] = [_state(1, "done"), _state(2, "open"), _state(3, "back"), *group(4), _state(8, "open", "exposed")]
        first += [_state(9, "done", "complete"), _state(10, "back", "failed")]
        second: list[Row] = [_state(1, "late"), _state(2, "open", "unwinding"), _state(3, "back", "reopened"), _state(4, "over")]
        third: list[Row] = [_state(1, "over", "kept")]
        with self._opened(tmp_path) as store:
            self._open_groups([], store, "of a ledger without runs")
            store.write(store.begin("{}", ""), first, durable=True)
            self._open_groups([_state(2, "open", "exposed", whole=True)], store, "in the first run")
            store.write(store.begin("{}", ""), second, durable=False)
            store.write(store.begin("{}", ""), third, durable=True)
            expected = [
                _state(2, "open", "unwinding", whole=True), _state(3, "back", "reopened", whole=True), _state(1, "late", whole=True)
            ]  # fmt: skip
            self._open_groups(expected, store, "in the third run")
        with self._opened(tmp_path, write=False) as store:
            self._open_groups(expected, store, "read without a writer")

    def _moved(self, expected: dict[tuple[BookId, str, AssetId], int], store: Store, when: str) -> None:
        found = dict(store.moved())
        if found != expected:
            self.broken(f"{when}, moved(): expected {_short(expected)}, got {_short(found)}")

    def _found(self, text: str, runs: Sequence[Sequence[Row]], store: Store) -> None:
        expected = [(run, row) for run, rows in enumerate(runs, 1) for row in rows if mentions(row, text)]
        found = list(store.naming(text))
        if [run for run, _ in expected] != [run for run, _ in found]:
            places = [[(run, row.seq) for run, row in rows] for rows in (expected, found)]
            self.broken(f"naming({text!r}): expected rows (run, seq) {_short(places[0])}, got {_short(places[1])}")
        self._expect([row for _, row in expected], [row for _, row in found], f"naming({text!r})")

    def _open_groups(self, expected: Sequence[IntentRow], store: Store, when: str) -> None:
        self._expect(expected, store.open_groups(), f"{when}, open_groups()")


def _state(seq: int, name: str, state: str = "planned", *, whole: bool = False) -> IntentRow:
    """Return a row of a group of plans; the first one of a group, and what is given as ``whole``, says what the group consists of."""
    flow = f'{{"id":"{name}",{GROUP_MARK}}}' if whole or state == "planned" else ""
    return IntentRow(seq, PlanId(name), OpportunityId(f"o-{name}"), MAIN, "spatial", SIM, 7, state, ((USDC, 5),), 3, "", flow)


def _short(found: object) -> str:
    text = repr(found)
    return text if len(text) <= 300 else f"{text[:297]}..."
