"""How pools come to be loaded, and what makes them be read again."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from tidemill.domain import events as ev
from tidemill.domain.answers import Needs
from tidemill.domain.ids import Key, PoolId
from tidemill.domain.pool import Decoded, LogFilter, Pool, PoolRef, Watch
from tidemill.domain.snapshot import DexPolicy
from tidemill.domain.time import ChainTime
from tidemill.stages.loading import MAX_ROUNDS
from tidemill_testing.market import SIM
from tidemill_testing.toy import DAI, USD, WETH, ToyDex, reserves_bytes, state_key, toy_ref

Stalls = Callable[..., Any]
ONE, TWO = toy_ref(1, USD, WETH), toy_ref(2, USD, WETH)


class Greedy(ToyDex):
    """Asks for one more key, whatever it has read."""

    def decode(self, ref: PoolRef, states: Mapping[Key, bytes | None], at: ChainTime, last: Pool | None) -> Decoded | Needs:
        own = sum(key.startswith(ref.address) for key in states)
        return Needs((Key(f"{ref.address}:{own:#x}"),))


class TwoSteps(ToyDex):
    """Reads a pointer first; only its value says where the reserves stand."""

    def decode(self, ref: PoolRef, states: Mapping[Key, bytes | None], at: ChainTime, last: Pool | None) -> Decoded | Needs:
        pointer = Key(f"{ref.address}:0xff")
        if pointer not in states:
            return Needs((pointer,))
        decoded = super().decode(ref, states, at, last)
        if isinstance(decoded, Needs):
            return decoded
        return attrs.evolve(decoded, watch=Watch((pointer, *decoded.watch.keys), decoded.watch.logs))


class Quiet(ToyDex):
    """No log moves its pools: only their keys do. ``reads`` are worth loading once."""

    def decode(self, ref: PoolRef, states: Mapping[Key, bytes | None], at: ChainTime, last: Pool | None) -> Decoded | Needs:
        decoded = super().decode(ref, states, at, last)
        return decoded if isinstance(decoded, Needs) else Decoded(decoded.pool, Watch(decoded.watch.keys), (Key(f"{ref.address}:0x1"),))


class Timed(ToyDex):
    """Its pools' fee falls at second 60."""

    def decode(self, ref: PoolRef, states: Mapping[Key, bytes | None], at: ChainTime, last: Pool | None) -> Decoded | Needs:
        decoded = super().decode(attrs.evolve(ref, fee_ppm=3_000 if at.unix_time < 60 else 500), states, at, last)
        return decoded if isinstance(decoded, Needs) else attrs.evolve(decoded, changes_at=60 if at.unix_time < 60 else 0)


class Hungry(ToyDex):
    """An empty log needs a key that no load reads, for as long as it stays empty."""

    def apply(self, pool: Pool, log: ev.Log, at: ChainTime) -> Pool | Needs:
        return super().apply(pool, log, at) if log.data else Needs((Key(f"{log.address}:0x7"),))


def test_load_pool_found_is_read_and_decoded_from_its_states(stall: Stalls) -> None:
    """Found asks for a pool's keys; their values make it a pool, watched from then on, and offered for its pair."""
    run = stall()
    run.head()
    run.find(ONE)

    assert [state_key(ONE.id)] == run.reads()
    assert None is run.reserves(ONE.id)
    assert frozenset({ONE.id}) == run.tell(run.blocks.states({ONE.id: (7, 9)}))
    assert (7, 9) == run.reserves(ONE.id)
    assert ((SIM, Watch((state_key(ONE.id),), (LogFilter(ONE.address),))),) == run.market.take_watches()
    assert (ONE.id,) == run.market.snapshot().pools_of(USD, WETH)
    assert () == run.market.take_watches()


def test_load_needs_in_rounds_are_read_round_by_round(stall: Stalls) -> None:
    """A DEX that learns from a value what to read next is asked again."""
    run = stall([TwoSteps()])
    run.head()
    run.find(ONE)
    pointer = Key(f"{ONE.address}:0xff")
    assert [pointer] == run.reads()
    run.tell(ev.States(SIM, ((pointer, None),)))
    assert [state_key(ONE.id)] == run.reads()
    run.tell(run.blocks.states({ONE.id: (7, 9)}))

    assert (7, 9) == run.reserves(ONE.id)


def test_load_pool_that_asks_for_ever_is_given_up_with_one_fault(stall: Stalls) -> None:
    """After so many rounds a pool is given up, told once, and neither read nor decoded again."""
    run = stall([Greedy()])
    run.head()
    run.find(ONE)
    rounds = 0
    while keys := run.reads():
        rounds += 1
        run.tell(ev.States(SIM, tuple((Key(key), b"") for key in keys)))

    assert MAX_ROUNDS == rounds
    assert ["dex.toy"] == [fault.plugin for fault in run.market.faults]
    assert f"after {MAX_ROUNDS} rounds" in run.market.faults[0].reason
    run.head(ev.States(SIM, ((Key(f"{ONE.address}:0x0"), b"new"),)), run.blocks.logs({ONE.id: (1, 1)}))
    assert (1, []) == (len(run.market.faults), run.reads())
    assert () == run.market.state.loading[ONE.id].logs


def test_load_pool_given_up_is_tried_again_after_a_gap(stall: Stalls) -> None:
    """A gap begins every load anew, also that of a pool that was given up."""
    run = stall([Greedy()])
    run.head()
    run.find(ONE)
    while keys := run.reads():
        run.tell(ev.States(SIM, tuple((Key(key), b"") for key in keys)))
    run.tell(ev.Gap(SIM, 1, 1))

    assert run.reads()


def test_load_logs_before_the_first_states_are_kept_and_played(stall: Stalls) -> None:
    """Logs of a later block than the one that was read are played on what was read; earlier ones stand in it already."""
    run = stall()
    run.head()
    run.find(ONE)
    run.head(run.blocks.logs({ONE.id: (5, 5)}))
    run.head(run.blocks.logs({ONE.id: (8, 8)}))
    run.blocks.height = 2
    run.tell(run.blocks.states({ONE.id: (5, 5)}))

    assert (8, 8) == run.reserves(ONE.id)


def test_load_reads_at_two_heights_with_logs_between_begin_again(stall: Stalls) -> None:
    """Reads of different heights between which the pool moved do not belong together: all is read again."""
    run = stall([TwoSteps()])
    run.head()
    run.find(ONE)
    pointer = Key(f"{ONE.address}:0xff")
    run.tell(ev.States(SIM, ((pointer, b"1"),)))
    run.reads()
    run.head(run.blocks.logs({ONE.id: (5, 5)}))
    run.tell(run.blocks.states({ONE.id: (5, 5)}))

    assert None is run.reserves(ONE.id)
    assert [pointer, state_key(ONE.id)] == run.reads()
    run.tell(ev.States(SIM, ((pointer, b"2"), (state_key(ONE.id), reserves_bytes(6, 6)))))
    assert (6, 6) == run.reserves(ONE.id)


def test_load_reads_at_two_heights_without_logs_between_belong_together(stall: Stalls) -> None:
    """A pool that stood still between two reads is loaded from both."""
    run = stall([TwoSteps()])
    run.head()
    run.find(ONE)
    run.tell(ev.States(SIM, ((Key(f"{ONE.address}:0xff"), b"1"),)))
    run.head()
    run.tell(run.blocks.states({ONE.id: (5, 5)}))

    assert (5, 5) == run.reserves(ONE.id)


def test_states_that_repeat_bytes_refresh_the_age_and_change_nothing(stall: Stalls) -> None:
    """The same bytes again make a pool younger: no new version, nothing changed, the same value."""
    run = stall([Quiet()])
    pool = run.load({1: (7, 9)})[1]
    before, version = run.market.state.pools[pool], run.market.state.versions[pool]
    run.head()
    run.head()
    assert 2 == run.market.snapshot().age(pool)
    moved = run.tell(run.blocks.states({pool: (7, 9)}))

    assert frozenset() == moved
    assert () == run.market.take_changed().pools
    assert version == run.market.state.versions[pool]
    assert before is run.market.state.pools[pool]
    assert 0 == run.market.snapshot().age(pool)


def test_states_new_bytes_move_a_pool_and_its_pair(stall: Stalls) -> None:
    """Other bytes decode the pool again, once, under a new version, and name its pair as changed."""
    run = stall([Quiet()])
    pool = run.load({1: (7, 9)})[1]
    version = run.market.state.versions[pool]
    moved = run.head(run.blocks.states({pool: (8, 9)}), run.blocks.states({pool: (9, 9)}))
    changed = run.market.take_changed()

    assert frozenset({pool}) == moved
    assert ((pool,), ((min(USD, WETH), max(USD, WETH)),)) == (changed.pools, changed.pairs)
    assert (9, 9) == run.reserves(pool)
    assert (2, version[1] + 1) == run.market.state.versions[pool]


def test_reads_that_are_worth_loading_once_are_asked_for_once(stall: Stalls) -> None:
    """What a decoded pool names as worth reading is read once, not after every change."""
    run = stall([Quiet()])
    pool = run.load({1: (7, 9)})[1]
    assert [f"{ONE.address}:0x1"] == run.reads()
    run.head(run.blocks.states({pool: (8, 9)}))

    assert [] == run.reads()


def test_logs_move_only_the_pools_of_their_contract_and_keep_them_fresh(stall: Stalls) -> None:
    """A log is played on its contract's pool; a pool that logs move is never old."""
    run = stall()
    pools = run.load({1: (7, 9), 2: (7, 9)})
    moved = run.head(run.blocks.logs({pools[1]: (6, 10)}))
    run.head(ev.Logs(SIM, (ev.Log("0xelse", (), b""),)))

    assert frozenset({pools[1]}) == moved
    assert ((6, 10), (7, 9)) == (run.reserves(pools[1]), run.reserves(pools[2]))
    assert 0 == run.market.snapshot().age(pools[2])


@pytest.mark.parametrize("named", ["contract", "key", "chain"])
def test_gap_withdraws_what_it_may_have_touched_until_read_again(stall: Stalls, named: str) -> None:
    """A gap by contract, by key or of the whole chain: what it names gives no quote, its state is forgotten and read again."""
    run = stall()
    pools = run.load({1: (7, 9), 2: (7, 9)})
    keys = {"contract": (ONE.address,), "key": (state_key(ONE.id),), "chain": ()}[named]
    run.head(ev.Gap(SIM, 1, 2, keys))

    other = None if named == "chain" else (7, 9)
    assert (None, other) == (run.reserves(pools[1]), run.reserves(pools[2]))
    assert state_key(ONE.id) not in run.market.state.states[SIM]
    assert [state_key(pool) for pool in sorted(pools.values())][: 2 if named == "chain" else 1] == run.reads()
    assert pools[1] in run.market.take_changed().pools
    run.tell(run.blocks.states({pools[1]: (1, 2), pools[2]: (3, 4)}))
    assert (1, 2) == run.reserves(pools[1])


def test_gap_in_the_middle_of_a_load_forgets_what_was_read_before_it(stall: Stalls) -> None:
    """Values read before a gap are not mixed with values read after it."""
    run = stall([TwoSteps()])
    run.head()
    run.find(ONE)
    pointer = Key(f"{ONE.address}:0xff")
    run.tell(ev.States(SIM, ((pointer, b"old"),)))
    run.reads()
    run.head(ev.Gap(SIM, 1, 2))

    assert pointer not in run.market.state.states[SIM]
    assert [pointer] == run.reads()


def test_pending_batches_never_touch_pools_or_the_head(stall: Stalls) -> None:
    """What is pending moves neither head nor pools."""
    run = stall()
    pool = run.load({1: (7, 9)})[1]
    batch = attrs.evolve(run.blocks.head(run.blocks.logs({pool: (1, 1)}), run.blocks.states({pool: (2, 2)})), status="pending")
    moved = run.market.apply(batch)

    assert frozenset() == moved
    assert ((7, 9), 1) == (run.reserves(pool), run.market.state.chains[SIM].head.height)


def test_decode_error_in_states_unloads_only_that_pool_and_is_told(stall: Stalls) -> None:
    """Bytes that do not decode cost the pool they belong to; the fault is told and not put to the plugin."""
    run = stall()
    pools = run.load({1: (7, 9), 2: (7, 9)})
    moved = run.head(ev.States(SIM, ((state_key(pools[1]), b"short"),)), run.blocks.logs({pools[2]: (8, 8)}))

    assert (None, (8, 8)) == (run.reserves(pools[1]), run.reserves(pools[2]))
    assert frozenset({pools[2]}) == moved
    assert [("dex.toy", False)] == [(fault.plugin, fault.blamed) for fault in run.market.faults]
    assert pools[1] not in run.market.state.versions
    run.head(run.blocks.states({pools[1]: (5, 5)}))
    assert (5, 5) == run.reserves(pools[1])


def test_decode_error_in_a_first_load_is_read_anew_at_the_next_change(stall: Stalls) -> None:
    """A load that failed keeps no logs, and begins again, with all its keys, once one of them changes."""
    run = stall([TwoSteps()])
    run.head()
    run.find(ONE)
    pointer = Key(f"{ONE.address}:0xff")
    run.tell(ev.States(SIM, ((pointer, b"1"),)))
    run.reads()
    run.tell(ev.States(SIM, ((state_key(ONE.id), b"short"),)))
    assert 1 == len(run.market.faults)
    run.head(run.blocks.logs({ONE.id: (3, 3)}))
    assert () == run.market.state.loading[ONE.id].logs
    run.head(run.blocks.states({ONE.id: (4, 4)}))
    assert [pointer, state_key(ONE.id)] == run.reads()
    run.tell(ev.States(SIM, ((pointer, b"1"), (state_key(ONE.id), reserves_bytes(4, 4)))))

    assert (4, 4) == run.reserves(ONE.id)


def test_decode_error_in_a_log_reads_the_whole_pool_again(stall: Stalls) -> None:
    """A log that cannot be played leaves state behind that is older than the pool: it is forgotten and read anew."""
    run = stall()
    pool = run.load({1: (7, 9)})[1]
    run.head(run.blocks.logs({pool: (8, 8)}))
    run.head(ev.Logs(SIM, (ev.Log(ONE.address, (), b"short"),)))

    assert None is run.reserves(pool)
    assert [state_key(pool)] == run.reads()
    assert state_key(pool) not in run.market.state.states[SIM]
    run.tell(run.blocks.states({pool: (6, 6)}))
    assert (6, 6) == run.reserves(pool)


def test_log_that_needs_state_reads_the_whole_pool_at_one_height(stall: Stalls) -> None:
    """State that a log needs is read together with the pool's whole state: what was held is older than the logs played since."""
    run = stall([Hungry()])
    pool = run.load({1: (7, 9)})[1]
    run.head(run.blocks.logs({pool: (8, 8)}))
    run.head(ev.Logs(SIM, (ev.Log(ONE.address, (), b""),)))
    missing = f"{ONE.address}:0x7"
    assert [state_key(pool), missing] == run.reads()
    run.tell(ev.States(SIM, ((Key(missing), None),)))
    assert None is run.reserves(pool)
    run.reads()
    run.tell(run.blocks.states({pool: (6, 6)}))

    assert (6, 6) == run.reserves(pool)


def test_log_kept_for_a_load_that_needs_state_begins_the_load_again(stall: Stalls) -> None:
    """A log that waited for the load and cannot be played on it either counts towards the rounds."""
    run = stall([Hungry()])
    run.head()
    run.find(ONE)
    run.head(ev.Logs(SIM, (ev.Log(ONE.address, (), b""),)))
    run.blocks.height = 1
    run.tell(run.blocks.states({ONE.id: (7, 9)}))

    assert None is run.reserves(ONE.id)
    assert 2 == run.market.state.loading[ONE.id].rounds
    assert f"{ONE.address}:0x7" in run.reads()


def test_fee_above_the_ceiling_of_a_dex_leaves_the_pool_out(stall: Stalls) -> None:
    """``fee_bps`` is a ceiling: pools above it are not even taken up; one whose fee varies is."""
    run = stall(policies={"toy": DexPolicy(fee_bps=30)})
    run.head()
    dear, fair = toy_ref(3, USD, WETH, 3_001), toy_ref(4, USD, WETH, 3_000)
    varying = attrs.evolve(toy_ref(5, USD, WETH), fee_ppm=None)
    foreign = toy_ref(6, USD, WETH, dex="unknown")
    run.find(dear, fair, varying, foreign)

    assert {fair.id, varying.id} == set(run.market.state.refs)


def test_found_twice_is_taken_up_once(stall: Stalls) -> None:
    """A descriptor that comes again changes nothing."""
    run = stall()
    pool = run.load({1: (7, 9)})[1]
    run.find(ONE)

    assert ([], (7, 9)) == (run.reads(), run.reserves(pool))


def test_disabled_dex_loses_its_pools_and_takes_up_no_more(stall: Stalls) -> None:
    """The pools of a disabled DEX are withdrawn for good; those of others stay."""
    other = type("Other", (ToyDex,), {"name": "other"})()
    run = stall([ToyDex(), other])
    pool = run.load({1: (7, 9)})[1]
    kept = toy_ref(9, USD, DAI, dex="other")
    run.find(kept)
    run.tell(run.blocks.states({kept.id: (3, 3)}))
    run.market.disable("toy")
    run.find(toy_ref(8, USD, DAI))
    run.head(run.blocks.logs({pool: (1, 1), kept.id: (4, 4)}), run.blocks.states({pool: (2, 2)}))

    assert {kept.id} == set(run.market.state.refs) == set(run.market.state.pools)
    assert (4, 4) == run.reserves(kept.id)
    assert [] == run.market.faults


def test_request_of_missing_state_reads_a_pool_that_logs_move_whole(stall: Stalls) -> None:
    """State that a quote was missing is read with the pool's whole state, all at one height, once."""
    run = stall()
    pool = run.load({1: (7, 9)})[1]
    missing = Key("tick:5")
    run.market.request(pool, (missing,))
    assert [state_key(pool), missing] == run.reads()
    run.market.request(pool, (missing,))
    assert [] == run.reads()
    moved = run.tell(ev.States(SIM, ((state_key(pool), reserves_bytes(7, 9)), (missing, None))))

    assert frozenset({pool}) == moved


def test_request_for_a_pool_that_no_log_moves_reads_only_what_is_missing(stall: Stalls) -> None:
    """A pool that its keys move is up to date: only what is missing is read."""
    run = stall([Quiet()])
    pool = run.load({1: (7, 9)})[1]
    run.reads()
    run.market.request(pool, (Key("array:5"),))
    run.market.request(PoolId("sim:1/toy:0xunknown"), (Key("array:6"),))

    assert ["array:5"] == run.reads()


def test_pool_that_changes_by_time_alone_is_decoded_at_the_first_head_after_it(stall: Stalls) -> None:
    """``changes_at`` makes the pool count as changed at the first head at or after it, once."""
    run = stall([Timed()])
    pool = run.load({1: (7, 9)})[1]
    for _ in range(3):
        run.head()
    assert (4, ()) == (run.blocks.height, run.market.take_changed().pools)
    run.head()
    assert pool in run.market.take_changed().pools
    run.head()

    assert () == run.market.take_changed().pools
