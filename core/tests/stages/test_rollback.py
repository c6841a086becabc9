"""R14 of the market: what a rollback restores, and that nothing of a dropped block is left."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.domain.events import Batch, OraclePrice, Rollback, States
from tidemill.domain.history import Wants
from tidemill.domain.ids import ChainId, Key, PoolId, pair_of
from tidemill.stages.market import ROLLBACK_BLOCKS
from tidemill_testing.market import SIM
from tidemill_testing.toy import DAI, USD, WETH, ToyDex, state_key, toy_ref

Stalls = Callable[..., Any]
OTHER = ChainId("toy:2")
PAIR = pair_of(USD, WETH)
AMOUNTS = st.integers(10**6, 10**9)
MOVES = st.dictionaries(st.integers(1, 4), st.tuples(AMOUNTS, AMOUNTS), max_size=3)
BLOCK = st.tuples(st.just("block"), MOVES, st.none() | st.integers(1, 4))
STEPS = st.lists(BLOCK | st.tuples(st.just("back"), st.integers(0, 6), st.none()), min_size=1, max_size=25)


class Fork:
    """A market that is rolled back, the batches that survive, and every version that it ever gave."""

    def __init__(self, stall: Stalls) -> None:
        self.run = stall(wants=[Wants(pairs=(PAIR,), pair_length=5)])
        self.surviving: list[tuple[int, Batch]] = []
        self.versions: dict[tuple[PoolId, tuple[int, int]], object] = {}
        self.apply(self.run.blocks.head())

    def apply(self, batch: Batch) -> None:
        self.surviving.append((batch.height, batch))
        self.run.market.apply(batch)
        self.check_versions()

    def check_versions(self) -> None:
        """A version names one value of one pool, for ever."""
        state = self.run.market.state
        assert set(state.pools) == set(state.versions)
        for pool, version in state.versions.items():
            assert self.versions.setdefault((pool, version), state.pools[pool]) == state.pools[pool]

    def block(self, moves: dict[int, tuple[int, int]], find: int | None) -> None:
        blocks = self.run.blocks
        self.apply(blocks.head(blocks.logs({toy_ref(number, USD, WETH).id: held for number, held in moves.items()})))
        if find is not None:
            ref = toy_ref(find, USD, WETH)
            self.apply(blocks.found(ref))
            if self.run.reads():
                self.apply(blocks.batch(blocks.states({ref.id: (10**9 + find, 10**9)})))

    def back(self, depth: int) -> None:
        height = max(1, self.run.blocks.height - depth)
        moved = self.run.market.roll_back(Rollback(SIM, height, ""))
        assert moved is not None
        self.run.blocks.height = height
        self.surviving = [(at, batch) for at, batch in self.surviving if at <= height]
        self.check_versions()


def seen_of(run: Any) -> dict[str, Any]:
    """Return everything of a market that later decisions may depend on, but for versions."""
    state = run.market.state
    maps = ("chains", "refs", "pools", "seen", "watches", "loading", "timed", "states", "by_key", "by_address", "by_pair")
    return {name: dict(getattr(state, name)) for name in maps} | {"pairs": dict(state.history.pairs)}


@settings(max_examples=80)
@given(steps=STEPS)
def test_r14_rollback_and_other_blocks_equal_a_market_that_saw_only_the_survivors(steps: list[Any]) -> None:
    """However often blocks are dropped, the market is the one that a fresh start on the surviving blocks gives."""
    from_conftest = _stalls()
    fork = Fork(from_conftest)
    for kind, first, second in steps:
        fork.block(first, second) if kind == "block" else fork.back(first)
    fresh = from_conftest(wants=[Wants(pairs=(PAIR,), pair_length=5)])
    for _, batch in fork.surviving:
        fresh.market.apply(batch)

    assert seen_of(fresh) == seen_of(fork.run)


def _stalls() -> Stalls:
    """Return the maker of markets: hypothesis forbids fixtures that live as long as one test."""
    import runpy
    from pathlib import Path

    made: Stalls = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["Stall"]
    return made


def test_r14_rollback_of_one_chain_leaves_the_other_alone(stall: Stalls) -> None:
    """Heights of two chains have nothing to do with each other."""
    run = stall(chains=(SIM, OTHER))
    here = run.load({1: (7, 9)})[1]
    far, there = run.on[OTHER], toy_ref(2, USD, WETH, chain=OTHER)
    run.market.apply(far.head())
    run.market.apply(far.found(there))
    run.market.apply(far.batch(far.states({there.id: (1, 1)})))
    run.head(run.blocks.logs({here: (8, 8)}), OraclePrice(USD, 1, 0, 0, 1))
    run.market.apply(far.head(far.logs({there.id: (2, 2)})))
    moved = run.market.roll_back(Rollback(SIM, 1, "0x1"))

    assert frozenset({here}) == moved
    assert ((7, 9), (2, 2)) == (run.reserves(here), run.reserves(there.id))
    assert (1, 2) == tuple(run.market.state.chains[chain].head.height for chain in (SIM, OTHER))
    assert (here,) == tuple(pool for pool in run.market.take_changed().pools if pool == here)
    assert USD in run.market.state.prices


def test_r14_rollback_reaches_64_blocks_back_and_no_further(stall: Stalls) -> None:
    """So many blocks can be undone exactly; one more cannot, and nothing is changed by trying."""
    run = stall()
    pool = run.load({1: (7, 9)})[1]
    for step in range(ROLLBACK_BLOCKS + 1):
        run.head(run.blocks.logs({pool: (10 + step, 9)}))
    newest = run.blocks.height

    assert None is run.market.roll_back(Rollback(SIM, newest - ROLLBACK_BLOCKS - 1, ""))
    assert (10 + ROLLBACK_BLOCKS, 9) == run.reserves(pool)
    assert frozenset({pool}) == run.market.roll_back(Rollback(SIM, newest - ROLLBACK_BLOCKS, ""))
    assert (10, 9) == run.reserves(pool)
    assert newest - ROLLBACK_BLOCKS == run.market.state.chains[SIM].head.height


def test_rollback_below_the_first_head_has_all_of_the_chain_read_again(stall: Stalls) -> None:
    """A run that begins right before its chain goes back quotes nothing of it until it was read anew, and then can be rolled back there."""
    run = stall(wants=[Wants(pairs=(PAIR,), pair_length=5)], chains=(SIM, OTHER))
    run.on[OTHER].height = 9
    run.market.apply(run.on[OTHER].head())
    run.blocks.height = 9
    run.head()
    pool = run.load({1: (7, 9)})[1]
    run.head(run.blocks.logs({pool: (8, 8)}))
    below = Rollback(SIM, 8, "0x8")
    assert None is run.market.roll_back(below)
    assert run.market.rebase(below)
    run.blocks.height = 8

    assert (None, {}) == (run.reserves(pool), dict(run.market.state.history.pairs))
    assert (8, 9, 10) == (*_heights(run), run.market.state.chains[OTHER].head.height)
    run.tell(below)
    assert [run.key(pool)] == run.reads()
    run.tell(run.blocks.states({pool: (5, 5)}))
    run.head(run.blocks.logs({pool: (6, 6)}))
    assert ((6, 6), 9) == (run.reserves(pool), _heights(run)[0])
    assert frozenset({pool}) == run.market.roll_back(below)
    assert (5, 5) == run.reserves(pool)


def _heights(run: Any) -> tuple[int, int]:
    view = run.market.state.chains[SIM]
    return view.head.height, view.next.height


def test_rollback_that_the_first_head_is_no_reason_for_is_not_rebased(stall: Stalls) -> None:
    """Unknown chains, blocks at or above the first head, and more blocks than are promised."""
    run = stall()
    run.blocks.height = 99
    run.head()
    run.load({1: (7, 9)})
    before = run.market.state

    assert not any(run.market.rebase(Rollback(*where, "")) for where in ((OTHER, 1), (SIM, 100), (SIM, 100 - ROLLBACK_BLOCKS - 1)))
    assert before is run.market.state
    assert run.market.rebase(Rollback(SIM, 100 - ROLLBACK_BLOCKS, ""))


def test_rollback_to_the_head_or_of_an_unknown_chain_changes_nothing(stall: Stalls) -> None:
    """A rollback to where the chain stands drops no block."""
    run = stall()
    run.load({1: (7, 9)})
    before = run.market.state

    assert frozenset() == run.market.roll_back(Rollback(SIM, 1, "0x1"))
    assert frozenset() == run.market.roll_back(Rollback(OTHER, 0, ""))
    assert before is run.market.state


def test_rollback_gives_moved_pools_a_version_that_no_one_has_seen(stall: Stalls) -> None:
    """A restored pool has another version than before and after the dropped block: it never repeats."""
    run = stall()
    pools = run.load({1: (7, 9), 2: (7, 9)})
    first = run.market.state.versions
    run.head(run.blocks.logs({pools[1]: (8, 8)}))
    second = run.market.state.versions
    run.market.roll_back(Rollback(SIM, 1, ""))
    third = run.market.state.versions

    assert 3 == len({versions[pools[1]] for versions in (first, second, third)})
    assert first[pools[2]] == third[pools[2]]


def test_rollback_of_a_found_pool_forgets_it_and_finding_it_again_reads_it_again(stall: Stalls) -> None:
    """A pool that was found in a dropped block was never found; its state is asked for anew."""
    run = stall()
    run.load({1: (7, 9)})
    ref = toy_ref(2, USD, DAI)
    run.head()
    run.find(ref)
    run.reads()
    run.tell(run.blocks.states({ref.id: (5, 5)}))
    assert (5, 5) == run.reserves(ref.id)
    run.market.roll_back(Rollback(SIM, 1, ""))
    assert ref.id not in run.market.state.refs
    run.blocks.height = 1
    run.head()
    run.find(ref)

    assert [state_key(ref.id)] == run.reads()


def test_rollback_asks_again_for_reads_that_dropped_blocks_answered(stall: Stalls) -> None:
    """A load that was under way, and state that a quote was missing, are asked for again: their answers are gone."""
    run = stall()
    pool = run.load({1: (7, 9)})[1]
    waiting = toy_ref(2, USD, WETH)
    run.find(waiting)
    run.reads()
    run.head()
    run.tell(run.blocks.states({waiting.id: (5, 5)}))
    run.market.request(pool, (Key("tick:5"),))
    run.reads()
    run.tell(States(SIM, ((Key("tick:5"), b"1"),)))
    run.market.roll_back(Rollback(SIM, 1, ""))

    assert [state_key(waiting.id)] == run.reads()
    run.market.request(pool, (Key("tick:5"),))
    assert [state_key(pool), "tick:5"] == run.reads()


def test_rollback_does_not_bring_back_a_dex_that_was_disabled_since(stall: Stalls) -> None:
    """A disabled DEX stays disabled, whatever the chain does."""
    other = type("Other", (ToyDex,), {"name": "other"})()
    run = stall([ToyDex(), other])
    pool = run.load({1: (7, 9)})[1]
    run.head()
    run.market.disable("toy")
    run.head()
    run.market.roll_back(Rollback(SIM, 1, ""))
    run.head(run.blocks.logs({pool: (8, 8)}))

    assert {} == dict(run.market.state.pools)
    assert {} == dict(run.market.state.refs)
