"""Fixtures that tests of several packages share: plugins that exist only inside a test, and a ledger of runs with real money."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tidemill.domain.ids import MAIN_BOOK, AssetId, ChainId, OpportunityId, PlanId, PoolId
from tidemill.domain.intent import IntentRecord, IntentState
from tidemill.domain.opportunity import Arbitrage, Leg
from tidemill.domain.outcome import Outcome, OutcomeStatus
from tidemill.domain.plan import Basis, Flow, Loan, PlannedSwap
from tidemill.domain.records import Row
from tidemill.ledger.digest import digest_of
from tidemill.ledger.dropped import dropped_reason
from tidemill.ledger.journal import Journal
from tidemill.ledger.plan_text import plan_to_text

SIM = ChainId("sim:1")
USDC, WETH, ETH = (AssetId(f"sim:1/{name}") for name in ("erc20:0x" + "aa" * 20, "erc20:0x" + "bb" * 20, "slip44:60"))
POOLS = tuple(PoolId(f"sim:1/{dex}:0x{digit * 40}") for dex, digit in (("uniswap", "1"), ("sushiswap", "2")))
ACCOUNT = "0x" + "ac" * 20
MILLION, COIN = 10**6, 10**18
HEADER = {
    "mode": "live",
    "chains": [SIM],
    "assets": {USDC: ["USDC", 6], WETH: ["WETH", 18], ETH: ["ETH", 18]},
    "natives": {SIM: ETH},
    "bases": {MAIN_BOOK: USDC},
    "config": {"books": [{"id": MAIN_BOOK, "base": "USDC", "accounts": {SIM: ACCOUNT}}]},
}

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution of one module into a folder of ``sys.path``: its metadata and its source, nothing more.

    Call it with the distribution's name, the module's name and source, ``kind``, the entry points' ``names``, and the ``interface``
    version; it returns the folder.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def put(
        distribution: str,
        module: str,
        source: str = "",
        *,
        kind: str = "strategy",
        names: tuple[str, ...] = ("lag",),
        interface: int = 1,
        version: str = "1.2.3",
        summary: str = "Trades the lag.",
        value: str = "",
    ) -> Path:
        metadata = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        metadata.mkdir()
        entries = "\n".join(f"{name} = {value or module}" for name in names)
        (metadata / "entry_points.txt").write_text(f"[console_scripts]\nx = y:z\n\n[tidemill.{kind}.v{interface}]\n{entries}\n")
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {distribution}\nVersion: {version}\nSummary: {summary}\n\nSummary: not this one\n"
        )
        if source:
            (site / f"{module}.py").write_text(source)
        return site

    yield put
    for name, loaded in list(sys.modules.items()):
        if str(getattr(loaded, "__file__", None) or "").startswith(str(site)):
            del sys.modules[name]


def flow(name: str, height: int = 7) -> Flow:
    """A plan that sells 100 USDC for WETH and back, at a cost of at most 0.001 ETH, within two blocks."""
    swaps = (PlannedSwap(POOLS[0], USDC, WETH, 100 * MILLION, 0), PlannedSwap(POOLS[1], WETH, USDC, None, 0))
    basis = tuple(Basis(pool, (height - 1, 3)) for pool in POOLS)
    funds, loans = ((USDC, 100 * MILLION),), (Loan("aave", USDC, 50, 1),)
    return Flow(
        PlanId(name), OpportunityId(f"o-{name}"), "spatial", MAIN_BOOK, SIM, basis, funds, loans, swaps, (), height + 2, COIN // 1_000
    )


def found(name: str, height: int = 7) -> Arbitrage:
    legs = (Leg(POOLS[0], USDC, WETH), Leg(POOLS[1], WETH, USDC))
    return Arbitrage(OpportunityId(f"o-{name}"), "spatial", SIM, USDC, legs, 100 * MILLION, 2 * MILLION, height)


def record(number: int, name: str, state: IntentState, *, since: int = 7, **fields: Any) -> IntentRecord:
    """A transaction of a plan; ``state`` is all that it ever was beside planned and signed."""
    made = IntentRecord(
        number=number, run=1, plan=PlanId(name), book=MAIN_BOOK, strategy="spatial", chain=SIM, account=ACCOUNT,
        flow=plan_to_text(flow(name)), payload=b"p", compute_limit=1, compute=1, expires=9, digest="d", height=7, slot=f"nonce:{number}",
        state=state, since=since, tx="" if state is IntentState.PLANNED else f"0x{number}{number}{'f' * 62}",
        raw=b"" if state is IntentState.PLANNED else bytes((number,)),
    )  # fmt: skip
    return attrs.evolve(made, **fields)


def way(made: IntentRecord) -> list[IntentRecord]:
    """The changes that lead to a transaction's state."""
    planned = attrs.evolve(made, state=IntentState.PLANNED, since=7, tx="", raw=b"", reason="")
    signed = attrs.evolve(made, state=IntentState.SIGNED, since=7, reason="")
    sent = attrs.evolve(signed, state=IntentState.BROADCAST)
    order = (IntentState.PLANNED, IntentState.SIGNED, IntentState.BROADCAST)
    return [*(planned, signed, sent)[: order.index(made.state) if made.state in order else 3], made]


@pytest.fixture
def live_books(tmp_path: Path) -> Path:
    """The folder of a ledger that runs with real money left: what ended, what is out, what was rolled back, and why.

    Run 1 begins with 1,000 USDC, 2 WETH and 1 ETH, fills ``done`` for +3 USDC (1 base unit of loan fee) at 0.0004 ETH, which its block
    takes back and another gives again, has ``lost`` reverted, ``late`` replaced and ``no`` refused, rejects an opportunity, and adjusts
    5 WETH. In run 2 nothing has ended: plans ``wait`` (broadcast), ``dark`` (unknown since block 8), ``seen`` and ``new`` (planned).
    """
    store_module = pytest.importorskip("tidemill_store_sqlite", reason="the store plugin is not installed beside the kernel")
    folder = tmp_path / "tidemill-data"
    store = store_module.SqliteStore()
    store.open(folder)
    first = _first_run()
    run = store.begin(json.dumps(HEADER), "2026-01-01T00:00:00+00:00")
    ended = [
        record(1, "done", IntentState.FINAL, since=9),
        record(2, "lost", IntentState.REVERTED, since=9, reason=f"guard: 5 of {'0x' + 'bb' * 20} is left"),
        record(3, "late", IntentState.REPLACED, since=11, reason="transaction 4 took its slot"),
        record(4, "late", IntentState.FINAL, since=11, flow="", slot="nonce:3", replaces=3),
    ]
    # What takes a slot comes while the one that has it is still open
    changes = sorted((change for one in ended for change in way(one)), key=lambda one: one.state is IntentState.REPLACED)
    store.keep_intents(changes, "2026-01-01T00:01:00+00:00", durable=True, run=run, rows=first)
    store.finish(run, digest_of(first), "2026-01-01T00:02:00+00:00")
    journal = Journal()
    held = [(asset, amount) for (_, account, asset), amount in store.balances().items() if account == "wallet"]
    second: list[Row] = [*journal.opening(MAIN_BOOK, SIM, 0, held)]
    opened = [
        record(5, "wait", IntentState.BROADCAST, since=12, run=2),
        record(6, "dark", IntentState.UNKNOWN, since=8, run=2, reason="no node says"),
        record(7, "seen", IntentState.SEEN, since=13, run=2),
        record(8, "new", IntentState.PLANNED, run=2),
    ]
    run = store.begin(json.dumps(HEADER), "2026-01-02T00:00:00+00:00")
    store.keep_intents([change for one in opened for change in way(one)], "2026-01-02T00:01:00+00:00", durable=True, run=run, rows=second)
    store.close()
    return folder


@pytest.fixture
def dropped_books(tmp_path: Path) -> Path:
    """The folder of a ledger whose second run took back what the first one had booked of a plan, and booked it anew.

    Run 1 begins with 1,000 USDC and 1 ETH and fills ``done`` in block 8 for +3 USDC (1 base unit of loan fee) at 0.0004 ETH, ``kept`` in
    block 9 for +1 USDC at 0.0001 ETH. In run 2 block 8 is gone: at height 7 it takes ``done`` back, adjusts 5 ETH which the chain has
    more, and sees ``done`` reverted in block 10 at 0.0002 ETH.
    """
    store_module = pytest.importorskip("tidemill_store_sqlite", reason="the store plugin is not installed beside the kernel")
    folder = tmp_path / "tidemill-data"
    store = store_module.SqliteStore()
    store.open(folder)
    journal, done, kept = Journal(), flow("done"), flow("kept")
    won = Outcome(OutcomeStatus.FILLED, 8, "0x8", changes=((USDC, 3 * MILLION),), cost=COIN // 2_500)
    also = Outcome(OutcomeStatus.FILLED, 9, "0x9", changes=((USDC, MILLION),), cost=COIN // 10_000)
    first: list[Row] = [*journal.opening(MAIN_BOOK, SIM, 1, ((USDC, 1_000 * MILLION), (ETH, COIN)))]
    for plan, outcome in ((done, won), (kept, also)):
        first += [journal.intent(plan, "planned", digest="d", height=7), *journal.outcome(plan, outcome, native=ETH)]
    sent = record(1, "done", IntentState.SEEN, since=8), record(2, "kept", IntentState.FINAL, since=9)
    store.keep_intents(
        [change for one in sent for change in way(one)],
        "2026-01-01T00:01:00+00:00", durable=True, run=store.begin(json.dumps(HEADER), "2026-01-01T00:00:00+00:00"), rows=first,
    )  # fmt: skip
    store.finish(1, digest_of(first), "2026-01-01T00:02:00+00:00")
    journal = Journal()
    second: list[Row] = [*journal.opening(MAIN_BOOK, SIM, 0, ((USDC, 1_004 * MILLION), (ETH, COIN - COIN // 2_000)))]
    for asset, amount in ((USDC, -3 * MILLION), (ETH, COIN // 2_500)):
        second.append(journal.adjustment(MAIN_BOOK, SIM, 7, asset, amount, dropped_reason(done.id)))
    lost = Outcome(OutcomeStatus.REVERTED, 10, "0xa", cost=COIN // 5_000, reason="guard")
    second += [journal.reopened(done, 7), journal.adjustment(MAIN_BOOK, SIM, 9, ETH, 5 * COIN, "the chain's balance differs")]
    second += journal.outcome(done, lost, native=ETH)
    run = store.begin(json.dumps(HEADER), "2026-01-02T00:00:00+00:00")
    ended = record(1, "done", IntentState.REVERTED, since=10, reason="guard")
    store.keep_intents([ended], "2026-01-02T00:01:00+00:00", durable=True, run=run, rows=second)
    store.close()
    return folder


def _first_run() -> list[Row]:
    journal = Journal()
    rows: list[Row] = [*journal.opening(MAIN_BOOK, SIM, 1, ((USDC, 1_000 * MILLION), (WETH, 2 * COIN), (ETH, COIN)))]

    def planned(name: str) -> Flow:
        plan = flow(name)
        rows.append(journal.opportunity(found(name), MAIN_BOOK, decision="taken", rule="", reason="it lags", plan=plan.id))
        rows.append(journal.intent(plan, "planned", digest="d", height=7))
        return plan

    def ended(plan: Flow, status: OutcomeStatus, height: int, **said: Any) -> list[Row]:
        made = list(journal.outcome(plan, Outcome(status, height, f"0x{height:x}", **said), native=ETH))
        rows.extend(made)
        return made

    done = planned("done")
    once = ended(done, OutcomeStatus.FILLED, 8, changes=((USDC, 3 * MILLION),), cost=COIN // 2_500)
    rows.extend(journal.reverse(done, once, height=7))
    ended(done, OutcomeStatus.FILLED, 9, changes=((USDC, 3 * MILLION),), cost=COIN // 2_500)
    ended(planned("lost"), OutcomeStatus.REVERTED, 9, cost=COIN // 10_000, reason=f"5 of {WETH} is left")
    ended(planned("late"), OutcomeStatus.DEAD, 11, cost=COIN // 20_000, reason="transaction 4 took its slot")
    rows.extend(journal.refused(planned("no"), "simulation", "it would revert", digest="d", height=7))
    rule, why = "min_profit", f"1 of {USDC} is below the least"
    rows.append(journal.opportunity(found("poor", 8), MAIN_BOOK, decision="rejected", rule=rule, reason=why, plan=None))
    rows.append(journal.adjustment(MAIN_BOOK, SIM, 10, WETH, 5 * COIN, "the chain's balance differs from the book's"))
    return rows
