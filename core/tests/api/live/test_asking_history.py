"""A chain that stands behind the ledger, or tells another history than it, is refused before anything is asked of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import evolve

from tidemill.api.live import answering
from tidemill.api.live.asking_history import LATE_BLOCKS, TOLD_BLOCKS, Past, demand_history, history_finding
from tidemill.domain.finding import Finding
from tidemill.domain.ids import MAIN_BOOK, ChainId, PlanId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.records import ResultRow
from tidemill.domain.time import ChainTime
from tidemill.domain.transaction import Signed
from tidemill.errors import Unavailable, UsageError
from tidemill.pipeline.assemble import Pipeline

SIM, OTHER = ChainId("sim:1"), ChainId("eip155:1")
FINALITY = 2
LAST = 100
FINAL = IntentRecord(
    number=7,
    run=1,
    plan=PlanId("p"),
    book=MAIN_BOOK,
    strategy="triangular",
    chain=SIM,
    account="0xaa",
    flow="flow",
    payload=b"",
    compute_limit=1,
    compute=1,
    expires=110,
    digest="d",
    height=90,
    slot="nonce:3",
    state=IntentState.FINAL,
    since=LAST,
    tx="0x77",
    raw=b"raw",
)
FILLED = Outcome(OutcomeStatus.FILLED, LAST, "0xbb")
OLD_ENOUGH = LAST + FINALITY + LATE_BLOCKS


class Link:
    """A link that stands at a height, and says of a transaction what it is told to."""

    def __init__(self, height: int = 0, answer: object = FILLED, *, where: str = "node.sock", begins_anew: bool = False) -> None:
        self.where = where
        self.begins_anew = begins_anew
        self.asked = 0
        self.head: ChainTime | Unavailable = ChainTime(SIM, height, 1)
        self._answer = answer

    async def newest(self) -> ChainTime:
        self.asked += 1
        if isinstance(self.head, Unavailable):
            raise self.head
        return self.head

    async def outcome(self, signed: Signed) -> Outcome:
        assert (b"raw", "0x77") == (signed.raw, signed.ref.tx)
        if isinstance(self._answer, Exception):
            raise self._answer
        assert isinstance(self._answer, Outcome)
        return self._answer


@pytest.fixture
def rules(made: Callable[..., Pipeline]) -> Any:
    """The rules of a chain on which two blocks are dropped at most."""
    found: Any = made(("[chains.sim]", "[chains.sim]\nreorganisation_ppm = 1")).parts.market.rules[SIM]
    assert found.finality == FINALITY
    return found


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes are asked again at once."""
    monkeypatch.setattr(answering, "PAUSE_S", 0.001)


def past(*records: IntentRecord, block_hash: str = "0xbb") -> Past:
    row = ResultRow(1, PlanId("p"), MAIN_BOOK, "triangular", SIM, LAST, block_hash, "filled", (), 0, "")
    before, refused = evolve(row, height=LAST - 1, block_hash="0xold"), evolve(row, status="refused", block_hash="0xno")
    return Past(Path("books"), records, lambda plan: [before, row, refused] if plan == "p" else [])


def found(rules: Any, link: Link, known: Past) -> Finding | None:
    async def ask() -> Finding | None:
        double: Any = link
        return await history_finding(rules, double, ChainTime(SIM, link.head.height, 1), known)  # type: ignore[union-attr]

    return anyio.run(ask)


def error(rules: Any, link: Link, known: Past) -> tuple[str, str]:
    finding = found(rules, link, known)
    assert finding is not None
    assert ("error", SIM) == (finding.severity, finding.subject)
    return finding.message, finding.remedy


def test_chain_without_transactions_of_ours_may_stand_anywhere(rules: Any) -> None:
    """Neither a new ledger nor transactions on other chains say anything of it."""
    assert found(rules, Link(0, begins_anew=True), past()) is None
    assert found(rules, Link(0), past(evolve(FINAL, chain=OTHER))) is None


def test_chain_that_stands_behind_the_ledger_is_an_error_beyond_finality(rules: Any) -> None:
    """A node of the same chain may be behind by what could be dropped; what was seen, by whom, where, and what to do is said."""
    assert found(rules, Link(LAST - FINALITY), past(FINAL)) is None
    message, remedy = error(rules, Link(LAST - FINALITY - 1), past(FINAL))

    known = "books has 1 of our transactions on sim:1, up to block 100"
    assert f"the newest block is 97, asked at node.sock, and {known}: expected block 98 at least" == message
    assert remedy.startswith("wait until its node has caught up; ")
    assert "name the right one in [chains.sim]; or begin another ledger: another folder as data" in remedy


@pytest.mark.parametrize("state", list(IntentState))
def test_height_that_is_known_is_that_of_any_state(state: IntentState, rules: Any) -> None:
    """Whatever became of a transaction: the chain had come so far when it was planned, or when it came into its state."""
    planned_later = evolve(FINAL, state=state, height=LAST + 50, since=LAST)

    assert found(rules, Link(LAST + 50 - FINALITY), past(planned_later)) is None
    assert "expected block 148 at least" in error(rules, Link(LAST + 50 - FINALITY - 1, where=""), past(planned_later))[0]


def test_chain_that_begins_anew_with_each_run_is_an_error_whatever_its_height(rules: Any) -> None:
    """None of what earlier runs sent is on it, also where only a block or two were seen."""
    early = evolve(FINAL, since=1, height=0)
    message, remedy = error(rules, Link(0, begins_anew=True), past(early))

    assert "the chain begins anew with each run, at block 0, and books has 1 of our transactions on sim:1, up to block 1" == message
    assert remedy.startswith("let the chain live in a node of its own, named in [chains.sim]; ")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Outcome(OutcomeStatus.UNKNOWN, 200, "0x1"), "and holds transaction 0x77, of which the chain knows nothing"),
        (Outcome(OutcomeStatus.DEAD, 200, "0x1"), "and holds transaction 0x77, of which the chain knows nothing"),
        (evolve(FILLED, block_hash="0xcc"), "which stands in block 100 (0xcc) of the chain"),
        (evolve(FILLED, height=99), "which stands in block 99 (0xbb) of the chain"),
    ],
)
def test_chain_of_another_history_is_an_error(answer: Outcome, words: str, rules: Any) -> None:
    """A final transaction that it does not hold, or holds in another block."""
    message, remedy = error(rules, Link(OLD_ENOUGH, answer), past(FINAL))

    assert message.startswith("this is another history than that of books: block 100 (0xbb) is final there ")
    assert words in message
    assert message.endswith(", asked at node.sock")
    assert "name a node of the chain that the ledger is of in [chains.sim]" in remedy


@pytest.mark.parametrize(
    ("answer", "block_hash"),
    [
        (FILLED, "0xbb"),
        (evolve(FILLED, status=OutcomeStatus.REVERTED), "0xbb"),
        (evolve(FILLED, block_hash=""), "0xbb"),
        (FILLED, ""),
        (Unavailable("not now"), "0xbb"),
    ],
)
def test_chain_that_says_the_same_or_nothing_is_the_one(answer: object, block_hash: str, rules: Any) -> None:
    """The same block, no hash to compare, or no answer: then a run asks on by itself."""
    assert found(rules, Link(OLD_ENOUGH, answer), past(FINAL, block_hash=block_hash)) is None


@pytest.mark.parametrize("height", [OLD_ENOUGH - 1, LAST + TOLD_BLOCKS + 1])
def test_transaction_that_is_too_new_or_too_old_to_be_told_proves_nothing(height: int, rules: Any) -> None:
    """A node may answer late, or have forgotten."""
    assert found(rules, Link(height, evolve(FILLED, block_hash="0xcc")), past(FINAL)) is None


def test_open_transactions_prove_no_other_history(rules: Any) -> None:
    """A block that held one may have been dropped; of one that only took a slot the height alone is known."""
    unknown = Outcome(OutcomeStatus.UNKNOWN, 200, "0x1")
    slot_alone = evolve(FINAL, flow="", plan=PlanId("q"))

    assert found(rules, Link(OLD_ENOUGH, unknown), past(evolve(FINAL, state=IntentState.SEEN))) is None
    assert found(rules, Link(OLD_ENOUGH, evolve(FILLED, block_hash="0xcc")), past(slot_alone)) is None
    assert "block 100 is final there" in error(rules, Link(OLD_ENOUGH, unknown), past(slot_alone))[0]


def demanded(rules: Any, link: Link, known: Past) -> None:
    links: Any = {SIM: link}
    anyio.run(demand_history, {SIM: rules}, links, known)


def test_demand_asks_only_chains_with_transactions_of_ours(rules: Any) -> None:
    """One that cannot say where it stands is in nobody's way while nothing was ever sent there."""
    silent = Link()
    silent.head = Unavailable("no route")
    demanded(rules, silent, past())

    assert 0 == silent.asked
    with pytest.raises(Unavailable, match="no route"):
        demanded(rules, silent, past(FINAL))


def test_demand_refuses_what_is_another_chain_or_behind(rules: Any) -> None:
    """All in one error, which says that nothing was done."""
    renamed = Link(LAST)
    renamed.head = ChainTime(OTHER, LAST, 1)
    demanded(rules, Link(LAST), past(FINAL))
    for link, words in ((renamed, "the node says that it is eip155:1"), (Link(3), "the newest block is 3")):
        with pytest.raises(UsageError) as caught:
            demanded(rules, link, past(FINAL))
        first, second = str(caught.value).splitlines()
        assert "nothing was compared, and nothing was changed:" == first
        assert second.startswith(words)
